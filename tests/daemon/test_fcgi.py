"""pat-httpd over FastCGI, with a real patd behind it."""
import base64
import signal
import socket
import struct
import threading

from daemon import forged, freeze, main, wait_for
from httpd import Connection, place

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT = 1, 2, 3, 4, 5, 6
RESPONDER, AUTHORIZER, KEEP = 1, 2, 1
COMPLETE, CANT_MPX, UNKNOWN_ROLE = 0, 1, 3
SERVICES = """[service jira]
scope = write
read_scope = read
deny_paths = /rest/auth/*
[service wiki]
"""


def record(kind, content=b"", number=1, padding=0):
    return struct.pack(">BBHHBB", 1, kind, number, len(content), padding,
                       0) + content + bytes(padding)


def length(size):
    return bytes([size]) if size < 128 else struct.pack(">I", size | 1 << 31)


def pairs(params):
    return b"".join(length(len(name)) + length(len(value)) + name + value
                    for name, value in params)


def begin(role=RESPONDER, flags=KEEP, number=1):
    return record(BEGIN, struct.pack(">HB5x", role, flags), number)


def params_of(token=None, service="jira", method="GET", uri="/", more=()):
    params = [(b"SCRIPT_NAME", b"/auth/" + service.encode()),
              (b"REQUEST_METHOD", method.encode()),
              (b"REQUEST_URI", uri.encode()),
              (b"REMOTE_ADDR", b"192.0.2.7"), (b"QUERY_STRING", b"")]
    if token is not None:
        params.append((b"HTTP_AUTHORIZATION", b"Bearer " + token.encode()))
    return params + list(more)


def request(token=None, flags=KEEP, number=1, **about):
    """A whole one of a responder."""
    return (begin(RESPONDER, flags, number) +
            record(PARAMS, pairs(params_of(token, **about)), number) +
            record(PARAMS, b"", number) + record(STDIN, b"", number))


def authorizer(params, flags=0):
    return (begin(AUTHORIZER, flags) + record(PARAMS, pairs(params)) +
            record(PARAMS))


class Answer:
    """What came up to the end of a request."""

    def __init__(self, text, number, protocol):
        self.number, self.protocol = number, protocol
        head, _, self.body = text.decode().partition("\r\n\r\n")
        self.fields = [tuple(line.split(": ", 1))
                       for line in head.split("\r\n") if line]
        self.status = int(self.one("Status") or 0)
        if self.status == 200 and not self.all("X-Token-Preflight"):
            names = (self.all("X-Forwarded-User") +
                     self.all("Variable-REMOTE_USER"))
            assert len(names) == 1 and names[0], self.fields

    def all(self, name):
        return [value for key, value in self.fields if key == name]

    def one(self, name):
        values = self.all(name)
        assert len(values) <= 1, self.fields
        return values[0] if values else None


class Fcgi(Connection):
    """The same of a web server that speaks FastCGI."""

    def record(self):
        header = self.file.read(8)
        if len(header) < 8:
            raise EOFError
        version, kind, number, size, padding, _ = struct.unpack(
            ">BBHHBB", header)
        assert version == 1
        content = self.file.read(size + padding)
        assert len(content) == size + padding
        return kind, number, content[:size]

    def answer(self):
        text = b""
        while True:
            kind, number, content = self.record()
            if kind == END:
                return Answer(text, number, content[4])
            assert kind == STDOUT, kind
            text += content

    def ask(self, *args, **about):
        return self.send(request(*args, **about)).answer()


def ask(world, *args, **about):
    """On a connection of its own, which ends."""
    with Fcgi(world.fcgi) as web:
        answer = web.ask(*args, flags=0, **about)
        assert web.closed()
        return answer


def responder():
    """a responder hears who asks, or why not, by its location, method and
    URI"""
    with place(SERVICES) as world:
        token = world.token("alice", "--scope", "read")
        answer = ask(world, token)
        assert answer.status == 200 and answer.protocol == COMPLETE
        assert answer.one("X-Forwarded-User") == "alice"
        assert answer.one("X-Token-Id") == token[5:13]
        assert answer.one("Cache-Control") == "no-store"
        assert answer.one("Content-Length") == "0"
        pair = base64.b64encode(b"alice:" + token.encode())
        basic = [(b"HTTP_AUTHORIZATION", b"Basic " + pair)]
        assert ask(world, more=basic).status == 200
        assert ask(world).status == 401
        assert ask(world, forged("aaaaaaaa")).status == 401
        assert ask(world, token, method="POST").status == 403
        assert ask(world, token, uri="/rest/auth/1/session").status == 403
        assert ask(world, token, uri="/a/../b").status == 403
        assert ask(world, token, service="a/b").status == 404
        world.admin("revoke", token[5:13])
        answer = ask(world, token, more=[(b"HTTP_ACCEPT", b"application/json")])
        assert answer.status == 401 and '"invalid_token"' in answer.body
        assert len(answer.all("WWW-Authenticate")) == 2
        assert answer.all("WWW-Authenticate")[0].startswith("Basic ")


def variables():
    """an authorizer hears variables and nothing else; the web server names the
    service, or the listener does, or the log says what to set"""
    with place("[listener apache]\nlisten = {root}/run/apache.sock\n"
               "protocol = fastcgi\nservice = wiki\n" + SERVICES) as world:
        token = world.token("alice", "--service", "wiki")
        bearer = (b"HTTP_AUTHORIZATION", b"Bearer " + token.encode())
        with Fcgi(world.fcgi) as web:
            answer = web.send(authorizer(
                [bearer, (b"JIRA_PAT_SERVICE", b"wiki")])).answer()
            assert web.closed()
        assert answer.status == 200 and not answer.body
        assert [name for name, _ in answer.fields] == [
            "Status", "Variable-REMOTE_USER", "Variable-TOKEN_ID",
            "Variable-TOKEN_EXPIRES"]
        rows = [(world.fcgi, [], 404),
                (world.fcgi, [(b"HTTP_JIRA_PAT_SERVICE", b"wiki")], 404),
                (world.fcgi, [(b"SCRIPT_NAME", b"/auth/wiki")], 404),
                (world.fcgi, [(b"JIRA_PAT_SERVICE", b"jira")], 403),
                (world.fcgi, [(b"JIRA_PAT_SERVICE", b"wiki")] * 2, 403),
                (world.fcgi, [(b"JIRA-PAT-SERVICE", b"wiki")], 403),
                (world.run_dir + "/apache.sock", [], 200),
                (world.run_dir + "/apache.sock",
                 [(b"JIRA_PAT_SERVICE", b"jira")], 403)]
        for address, params, status in rows:
            with Fcgi(address) as web:
                answer = web.send(authorizer([bearer] + params)).answer()
            assert answer.status == status, (params, answer.status)
        world.httpd_logged("have it set JIRA_PAT_SERVICE, or set service in "
                           "[listener fcgi]")


def upstream():
    """an acceptance carries the stored credential at services with upstream, in
    both roles, and no other answer does"""
    with place("[service jira]\nupstream = yes\n[service wiki]\n") as world:
        token = world.token()
        world.admin("upstream", "set", "alice", said="hush-hush\n")
        assert ask(world, token).one(
            "X-Upstream-Authorization") == "Bearer hush-hush"
        bearer = (b"HTTP_AUTHORIZATION", b"Bearer " + token.encode())
        with Fcgi(world.fcgi) as web:
            answer = web.send(authorizer(
                [bearer, (b"JIRA_PAT_SERVICE", b"jira")])).answer()
        assert answer.one(
            "Variable-UPSTREAM_AUTHORIZATION") == "Bearer hush-hush"
        for answer in (ask(world, token, service="wiki"), ask(world),
                       ask(world, forged(token[5:13])),
                       ask(world, token, service="no/service")):
            assert "hush-hush" not in repr(vars(answer))
        assert "hush-hush" not in world.read_log() + world.read_httpd_log()


def pieces():
    """a request is read in two pieces, wherever it is cut, and in single
    bytes"""
    with place() as world:
        token = world.token()
        whole = (begin(flags=0) +
                 record(PARAMS, pairs(params_of(token)), padding=3) +
                 record(PARAMS))
        for cut in range(1, len(whole)):
            with Fcgi(world.fcgi) as web:
                web.send(whole[:cut]).send(whole[cut:])
                assert web.answer().status == 200, cut
        with Fcgi(world.fcgi) as web:
            for at in range(len(whole)):
                web.send(whole[at:at + 1])
            assert web.answer().status == 200


def pipelined():
    """requests that come together are answered in turn; one beside an open one
    is refused"""
    with place() as world:
        token = world.token()
        with Fcgi(world.fcgi) as web:
            web.send((request(token) + request()) * 100)
            for _ in range(100):
                assert web.answer().status == 200
                assert web.answer().status == 401
            web.send(begin() + begin(number=2))
            answer = web.answer()
            assert (answer.number, answer.protocol) == (2, CANT_MPX)
            web.send(record(PARAMS, pairs(params_of(token))) + record(PARAMS))
            assert web.answer().status == 200
            web.send(record(BEGIN, struct.pack(">HB5x", 3, KEEP), 9))
            answer = web.answer()
            assert (answer.number, answer.protocol) == (9, UNKNOWN_ROLE)
            assert web.ask(token).status == 200


def bounds():
    """parameters of 16 KiB pass and one byte more does not"""
    with place() as world:
        token = world.token()
        known = pairs(params_of(token))
        for extra, status in ((0, 200), (1, 431)):
            size = 16384 - len(known) - 1 - 4 - len(b"HTTP_COOKIE") + extra
            params = known + pairs([(b"HTTP_COOKIE", b"c" * size)])
            assert len(params) == 16384 + extra
            with Fcgi(world.fcgi) as web:
                web.send(begin())
                for at in range(0, len(params), 5000):
                    web.send(record(PARAMS, params[at:at + 5000]))
                web.send(record(PARAMS))
                assert web.answer().status == status
        assert ask(world, token).status == 200


def body():
    """a body is skipped, before and behind the answer"""
    with place() as world:
        token = world.token()
        chunk = record(STDIN, b"x" * 60000)
        with Fcgi(world.fcgi) as web:
            web.send(begin() + chunk)
            web.send(record(PARAMS, pairs(params_of(token))) + record(PARAMS))
            assert web.answer().status == 200
            web.send(chunk * 2 + record(STDIN))
            assert web.ask(token).status == 200
        with Fcgi(world.fcgi) as web:
            web.send(begin(flags=0) + record(PARAMS, pairs(params_of(token))) +
                     record(PARAMS))
            assert web.answer().status == 200
            web.send(chunk + record(STDIN))
            assert web.closed()


def slow():
    """whoever is slow with a request is closed; others are answered meanwhile"""
    with place() as world:
        token = world.token()
        crowd = [Fcgi(world.fcgi) for _ in range(50)]
        for web in crowd:
            web.send(request(token)[:40])
        assert ask(world, token).status == 200
        for web in crowd:
            assert web.closed()
            web.close()


def given_up():
    """a request that is given up ends without an answer, and the next one on
    the connection is answered"""
    with place() as world:
        token = world.token()
        with Fcgi(world.fcgi) as web:
            assert web.ask(token).status == 200
            freeze(world.patd)
            try:
                web.send(request(token) + record(ABORT))
                answer = web.answer()
            finally:
                world.patd.send_signal(signal.SIGCONT)
            assert answer.status == 0 and answer.protocol == COMPLETE
            assert web.ask(token).status == 200


def leavers():
    """connections that end anywhere leave nothing open; one that only listens
    still gets its answer"""
    with place() as world:
        token = world.token()
        whole = request(token, 0)
        with Fcgi(world.fcgi) as web:
            assert web.ask(token).status == 200
            before = world.httpd_fds()
            for at in range(0, len(whole), 7):
                Fcgi(world.fcgi).send(whole[:at]).close()
            with Fcgi(world.fcgi) as other:
                other.send(whole)
                other.sock.shutdown(socket.SHUT_WR)
                assert other.answer().status == 200
            wait_for(lambda: world.httpd_fds() == before)


def nonsense():
    """what is no FastCGI ends its own connection only"""
    with place() as world:
        token = world.token()
        with Fcgi(world.fcgi) as web:
            for data in (b"GET / HTTP/1.1\r\n\r\n", b"\2" + bytes(7),
                         record(STDOUT, b"x"), record(PARAMS, b"x", 0),
                         record(BEGIN, b"short"), bytes(8), b"\xff" * 4096,
                         begin() + record(PARAMS, b"\1") + record(PARAMS),
                         begin() + begin()):
                with Fcgi(world.fcgi) as other:
                    other.send(data)
                    assert other.closed(), data
                assert web.ask(token).status == 200


def deaf():
    """whoever takes no answer is closed in time, and costs the others
    nothing"""
    with place() as world:
        token = world.token()
        with Fcgi(world.fcgi) as web:
            web.sock.settimeout(0.2)
            asks = record(9, b"", 0) * 1000
            try:
                while True:
                    web.sock.send(asks)
            except (socket.timeout, BlockingIOError):
                pass
            except ConnectionError:
                return
            web.sock.settimeout(60)
            assert ask(world, token).status == 200
            try:
                while True:
                    web.sock.send(asks)
            except ConnectionError:
                pass


def killed():
    """patd is killed: 503; it is there again: 200, on the same connection"""
    with place() as world:
        token = world.token()
        with Fcgi(world.fcgi) as web:
            assert web.ask(token).status == 200
            world.stop(signal.SIGKILL)
            answer = web.ask(token)
            assert answer.status == 503 and answer.one("Retry-After")
            assert ask(world, token).status == 503
            world.start()
            assert web.ask(token).status == 200
            assert ask(world, token).status == 200


def frozen():
    """patd is frozen: 503 in time"""
    with place() as world:
        token = world.token()
        with Fcgi(world.fcgi) as web:
            freeze(world.patd)
            try:
                assert web.ask(token).status == 503
            finally:
                world.patd.send_signal(signal.SIGCONT)
            wait_for(lambda: web.ask(token).status == 200)


def under_load():
    """patd is killed and started again and again under load: every answer is a
    yes that names the user, or 503"""
    with place() as world:
        token, statuses, stop = world.token(), [], threading.Event()

        def load(keep):
            while not stop.is_set():
                with Fcgi(world.fcgi) as web:
                    for _ in range(20 if keep else 1):
                        statuses.append(web.ask(token, flags=keep).status)

        threads = [threading.Thread(target=load, args=(i % 2,))
                   for i in range(6)]
        for thread in threads:
            thread.start()
        for _ in range(5):
            seen = len(statuses)
            wait_for(lambda: 200 in statuses[seen:])
            world.stop(signal.SIGKILL)
            seen = len(statuses)
            wait_for(lambda: 503 in statuses[seen:])
            world.start()
        seen = len(statuses)
        wait_for(lambda: 200 in statuses[seen:])
        stop.set()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()
        assert set(statuses) == {200, 503}


if __name__ == "__main__":
    main([responder, variables, upstream, pieces, pipelined, bounds, body, slow,
          given_up, leavers, nonsense, deaf, killed, frozen, under_load])
