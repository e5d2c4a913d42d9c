"""pat-httpd over HTTP, with a real patd behind it."""
import base64
import os
import signal
import socket
import stat
import sys
import time

from activation import launch, listening
from daemon import (ROOT, SANITIZED, Skip, forged, freeze, main,
                    room_for, wait_for)
from httpd import (HTTPD, Http, library_is_strict, place, request,
                   status_for)
from memory import found, needles_of
import ports

READ_WRITE = """[service jira]
scope = write
read_scope = read
deny_paths = /rest/auth/*
[service open]
preflight = allow
"""
REQUEST = """[listener envoy]
listen = {root}/run/envoy.sock
source = request
"""
BASIC = 'Basic realm="jira-pat", charset="UTF-8"'


def bearer(token):
    return "Authorization: Bearer " + token


def basic(user, token):
    pair = base64.b64encode(("%s:%s" % (user, token)).encode()).decode()
    return "Authorization: Basic " + pair


def ask(world, *fields, path="/auth/jira", **options):
    with Http(world.http) as http:
        return http.ask(path, *fields, **options)


def raw(world, data):
    """The status when that is sent on a connection of its own; None: it ends
    without an answer."""
    with Http(world.http) as http:
        try:
            http.send(data)
            return http.answer().status
        except (EOFError, ConnectionError):
            return None


def answers():
    """a token is accepted in every spelling, for its user, with an id and an
    expiry; a wrong one is not, and nobody is named"""
    with place() as world:
        token = world.token()
        pair = base64.b64encode(("alice:" + token).encode()).decode()
        for field in (bearer(token), basic("alice", token), bearer(pair),
                      bearer("alice:" + token)):
            answer = ask(world, field)
            assert answer.status == 200, field[:20]
            assert answer.one("X-Forwarded-User") == "alice"
            assert answer.one("X-Token-Id") == token[5:13]
            assert answer.one("X-Token-Expires").endswith("Z")
        for field in (bearer(forged(token[5:13])), basic("bob", token),
                      basic("alice", "x"), "X: y", "Authorization: Digest x",
                      basic(token, "x")):
            answer = ask(world, field)
            assert answer.status == 401, field[:20]
            assert answer.one("X-Forwarded-User") is None
            assert answer.all("WWW-Authenticate")[0] == BASIC


def one_authorization():
    """two Authorization fields are refused, the same or not, and joined ones"""
    with place() as world:
        token = world.token()
        good = bearer(token)
        for fields in ((good, good), (good, bearer("x")), (bearer("x"), good),
                       (good + ", " + good[15:],)):
            assert ask(world, *fields).status in (401, 403), fields[0][:9]


def spellings():
    """any other spelling of a field that is read is refused, beside the right
    one or alone"""
    with place() as world:
        good = bearer(world.token())
        names = ["X_Forwarded_Method", "X.Forwarded.Method",
                 "X-Forwarded_Uri", "x_forwarded-uri", "X.Forwarded-For",
                 "x-forwarded_for", "X_FORWARDED_FOR", "X.forwarded_method"]
        for name in names:
            answer = ask(world, good, name + ": GET")
            assert answer.status == 403, name
            answer = ask(world, good, "X-Forwarded-Method: GET", name + ": /")
            assert answer.status == 403, name
        for name in ("X-Forwarded-Userx", "XForwarded-Method", "Accept-"):
            assert ask(world, good, name + ": GET").status == 200, name
        for name in ("x-forwarded-method", "X-FORWARDED-METHOD"):
            assert ask(world, good, name + ": GET").status == 200, name


def doubles():
    """a method or URI that comes twice is refused; of addresses the last
    element of the last field counts"""
    with place() as world:
        token = world.token("alice", "--from", "192.0.2.7")
        for name in ("X-Forwarded-Method", "X-Forwarded-Uri"):
            field = name + ": /"
            assert ask(world, bearer(token), field, field).status == 403
        for fields, status in (
                (["192.0.2.7"], 200), (["192.0.2.7, 192.0.2.8"], 403),
                (["192.0.2.8, 192.0.2.7"], 200),
                (["192.0.2.8", "192.0.2.7"], 200),
                (["192.0.2.7", "192.0.2.8"], 403), (["192.0.2.7,"], 403),
                (["192.0.2.7", ""], 403), (["localhost"], 403), ([], 403),
                (["::ffff:192.0.2.7"], 200)):
            answer = ask(world, bearer(token),
                         *("X-Forwarded-For: " + field for field in fields))
            assert answer.status == status, (fields, answer.status)


def read_and_write():
    """the method and the URI that the proxy names make it a reading request or
    a writing one; without them it is a writing one"""
    with place(READ_WRITE) as world:
        reader = bearer(world.token("alice", "--scope", "read"))
        writer = bearer(world.token("alice", "--scope", "write"))
        get, post = "X-Forwarded-Method: GET", "X-Forwarded-Method: POST"
        uri = "X-Forwarded-Uri: /rest/api/2/myself"
        for fields, read, write in (
                ([get, uri], 200, 200), ([post, uri], 403, 200),
                ([uri], 403, 200), (["X-Forwarded-Method: get", uri], 403, 200),
                (["X-Forwarded-Method: GET, POST", uri], 403, 200),
                ([get, "X-Forwarded-Uri: /rest/auth/1/session"], 403, 403),
                ([get, "X-Forwarded-Uri: /x/../rest/auth/1/session"], 403,
                 403), ([get], None, None)):
            for field, status in ((reader, read), (writer, write)):
                answer = ask(world, field, *fields)
                assert status in (None, answer.status), (fields, status)
        # Whatever the question's own method is.
        for method in ("GET", "POST", "OPTIONS", "PATCH", "REPORT", "FROB"):
            answer = ask(world, reader, post, uri, method=method)
            assert answer.status == 403, method
            assert ask(world, reader, get, uri, method=method).status == 200


def request_itself():
    """where the request itself is the source, its method counts and what is
    behind the service's name, and no field"""
    with place(REQUEST + READ_WRITE) as world:
        world.http = world.root + "/run/envoy.sock"
        reader = bearer(world.token("alice", "--scope", "read"))
        get = "X-Forwarded-Method: GET"
        for method, path, status in (
                ("GET", "/auth/jira/rest/api/2/myself", 200),
                ("GET", "/auth/jira/rest/x?a=b", 200),
                ("POST", "/auth/jira/rest/api/2/myself", 403),
                ("FROB", "/auth/jira/rest/api/2/myself", 403),
                ("GET", "/auth/jira/rest/auth/1/session", 403),
                ("GET", "/auth/jira/x/../rest/auth/1/session", 403),
                ("GET", "/auth/jira?x", 404), ("GET", "/auth//jira", 404),
                ("GET", "/jira/auth", 404)):
            answer = ask(world, reader, get, path=path, method=method)
            assert answer.status == status, (method, path, answer.status)


def preflight():
    """a CORS preflight is let in where the service says so: as nobody, with
    the field of the user, which is empty"""
    asks = ("Origin: https://a", "Access-Control-Request-Method: PUT",
            "X-Forwarded-Method: OPTIONS", "X-Forwarded-Uri: /x")
    with place(READ_WRITE) as world:
        answer = ask(world, *asks, path="/auth/open")
        assert answer.status == 200
        assert answer.one("X-Forwarded-User").strip() == ""
        assert answer.one("X-Token-Preflight") == "yes"
        assert ask(world, *asks, path="/auth/jira").status == 401
        for without in range(3):
            fields = asks[:without] + asks[without + 1:]
            assert ask(world, *fields, path="/auth/open").status == 401
        wrong = "Authorization: Bearer x"
        assert ask(world, wrong, *asks, path="/auth/open").status == 401


def paths():
    """only the very path of a service is one; all others are 404"""
    with place() as world:
        good = bearer(world.token())
        for path in ("/", "/auth", "/auth/", "/auth/jira/", "/auth/jira?x",
                     "//auth/jira", "/auth//jira", "/AUTH/jira",
                     "/auth/ji%72a", "/auth/../auth/jira", "/auth/jira;x",
                     "http://localhost/auth/jira", "*", "/auth/jira#x",
                     "/auth/" + "x" * 65, "/healthz/", "/healthz?x",
                     "/auth/j\xe9"):
            assert ask(world, good, path=path).status == 404, path
        for path in ("/auth/jira", "/auth/" + "x" * 64, "/auth/A.b_c-9"):
            assert ask(world, good, path=path).status == 200, path


def malformed():
    """what is no proper head, or is more than the library shows, is refused"""
    first = b"GET /auth/jira HTTP/1.1\r\n"
    host = b"Host: a\r\n"
    with place() as world:
        good = bearer(world.token()).encode()
        name, value = good[:13], good[13:]
        for bad in (
                first + host + good + b"\0x\r\n\r\n",
                first + host + good + b"\x01\r\n\r\n",
                first + host + good[:9] + b"\0" + good[9:] + b"\r\n\r\n",
                first + host + good + b"\0x\r\nX:y\r\nZ:y\r\n\r\n",
                first + host + good + b"\0\r\nX:y\n\r\n",
                first + host + b"X:y\n" + good + b"\0\r\n\r\n",
                first + host + b"X:y\nX:y\n" + good + b"\0z\r\n\r\n",
                first[:-2] + b"\n" + host + good + b"\0\r\n\r\n",
                first + host + b"X: a\rb\r\n" + good + b"\r\n\r\n",
                first + host + good + b"\r\n y\r\n\r\n",
                first + host + good[:30] + b"\r\n " + good[30:] +
                b"\r\n\r\n",
                first + host + name[:-1] + value + b"\r\n n\r\n\r\n",
                first + host + name[:-1] + value + b"\r\n n\r\nX:y\r\n"
                b"Y:y\r\nZ:y\r\n\r\n",
                first + b" X: y\r\n" + host + good + b"\r\n\r\n",
                first + host + good.replace(b":", b" :") + b"\r\n\r\n",
                first + host + b"Authorization\r\n\r\n",
                first + host + b": x\r\n" + good + b"\r\n\r\n",
                first + host + b"X Y: x\r\n" + good + b"\r\n\r\n",
                first + host + b"X\xe9: x\r\n" + good + b"\r\n\r\n",
                first + good + b"\r\n\r\n",
                b"GET /auth/ji\0ra HTTP/1.1\r\n" + host + good +
                b"\r\n\r\n",
                b"GET  /auth/jira HTTP/1.1\r\n" + host + good +
                b"\r\n\r\n",
                b"GET /auth/jira x HTTP/1.1\r\n" + host + good +
                b"\r\n\r\n",
                b"GET /auth/jira\r\n" + host + good + b"\r\n\r\n",
                b"GET /auth/jira http/1.1\r\n" + host + good + b"\r\n\r\n",
                first.replace(b"\r", b"") + b"Host: a\n" + good + b"\n\n",
                first + host + good + b"\n\r\n"):
            assert raw(world, bad) in (400, None), bad
        for version in ("2.0", "3.1"):
            bad = request("/auth/jira", good.decode(), version=version)
            assert raw(world, bad) in (400, 505, None), version


def odd_but_fine():
    """empty lines in front do no harm, blanks in front of values, empty values, names in
    any case and 100 fields are fine"""
    with place() as world:
        token = world.token()
        good = bearer(token)
        for fields in (("authorization:  \t Bearer %s" % token,),
                       ("AUTHORIZATION:Bearer " + token,),
                       (good, "X:", "Y: ", "Z: \xe9\xff"),
                       (good, *("X%d: y" % i for i in range(100)))):
            assert ask(world, *fields).status == 200, fields[0][:20]
        data = b"\r\n\r\n" + request("/auth/jira", good)
        assert raw(world, data) in (
            (400, None) if library_is_strict() else (200,))


def bodies():
    """the answer comes with the head, whatever is announced behind it, and no
    body is read"""
    with place() as world:
        good = bearer(world.token())
        for fields in (("Content-Length: 5",), ("Content-Length: 99999999",),
                       ("Content-Length: 5", "Content-Length: 6"),
                       ("Transfer-Encoding: chunked",),
                       ("Transfer-Encoding: chunked", "Content-Length: 5"),
                       ("Content-Length: 5", "Expect: 100-continue"),
                       ("Expect: 100-continue",)):
            with Http(world.http) as http:
                answer = http.ask("/auth/jira", good, *fields, method="POST")
                # Later libraries refuse both at once.
                both = len(fields) == 2 and fields[0][0] == "T"
                assert answer.status in (200, 400 if both else 200), fields
                assert answer.one("Connection") == "close"
                try:
                    http.send(b"x" * 100000)
                except ConnectionError:
                    pass
                assert http.closed()
        for length in ("-1", "x"):
            field = "Content-Length: " + length
            assert raw(world, request("/auth/jira", good, field)) == 400
        for fields in (("Content-Length: 0",), ("Upgrade: h2c",),
                       ("Connection: Upgrade", "Upgrade: websocket")):
            with Http(world.http) as http:
                for _ in range(3):
                    answer = http.ask("/auth/jira", good, *fields)
                    assert answer.status == 200, fields


def no_smuggling():
    """what follows a body is no request"""
    with place() as world:
        good = bearer(world.token())
        inner = request("/auth/jira", good)
        with Http(world.http) as http:
            http.send(request("/auth/jira", "Content-Length: 5") + inner)
            assert http.answer().status == 401
            assert http.closed()


def versions():
    """HTTP/1.0 ends after one answer unless it asks to be kept; HTTP/1.1 stays
    unless it asks to end"""
    with place() as world:
        good = bearer(world.token())
        for version, fields, stays in (
                ("1.1", (), True), ("1.1", ("Connection: close",), False),
                ("1.1", ("Connection: x, Close",), False), ("1.0", (), False),
                ("1.0", ("Connection: Keep-Alive",), True)):
            with Http(world.http) as http:
                answer = http.ask("/auth/jira", good, *fields,
                                  version=version)
                assert answer.status == 200
                kept = answer.one("Connection") in (None, "Keep-Alive")
                assert kept == stays, (version, fields)
                if stays:
                    assert http.ask("/auth/jira", good).status == 200
                else:
                    assert http.closed()
        data = b"GET /auth/jira HTTP/1.0\r\n" + good.encode() + b"\r\n\r\n"
        assert raw(world, data) == 200


def heads_of_answers():
    """an answer to HEAD has no body, and one to others only if JSON is asked
    for; a yes never has one"""
    with place() as world:
        good = bearer(world.token())
        json = "Accept: text/html, application/json;q=0.9"
        with Http(world.http) as http:
            answer = http.ask("/auth/jira", "Accept: */*")
            assert answer.body == b"" and answer.status == 401
            answer = http.ask("/auth/jira", json)
            assert b'"status":401' in answer.body, answer.body
            assert answer.one("Content-Type") == "application/problem+json"
            answer = http.ask("/auth/jira", json, method="HEAD")
            assert answer.status == 401
            answer = http.ask("/auth/jira", good, json)
            assert answer.status == 200 and answer.body == b""
            answer = http.ask("/nothing", "Accept: application/problem+json")
            assert answer.status == 404 and b'"status":404' in answer.body


def pipelined():
    """requests that come at once are answered in their order"""
    with place() as world:
        alice, bob = world.token("alice"), world.token("bob")
        data = b"".join(request("/auth/jira", bearer(token)) +
                        request("/nothing") + request("/auth/jira")
                        for token in (alice, bob) * 50)
        with Http(world.http) as http:
            http.send(data)
            for user in ("alice", "bob") * 50:
                answer = http.answer()
                assert answer.one("X-Forwarded-User") == user
                assert http.answer().status == 404
                assert http.answer().status == 401
            assert http.ask("/auth/jira", bearer(alice)).status == 200


def split():
    """a request may be cut anywhere, and sent byte by byte"""
    with place() as world:
        data = request("/auth/jira", bearer(world.token()))
        with Http(world.http) as http:
            for at in range(1, len(data)):
                http.send(data[:at])
                http.send(data[at:])
                assert http.answer().status == 200, at
            for byte in data:
                http.send(bytes([byte]))
            assert http.answer().status == 200
            http.send(data + data[:-3])
            assert http.answer().status == 200
            http.send(data[-3:])
            assert http.answer().status == 200


def large():
    """a head of 16 KiB is read, a larger one is 431, and one of too many
    fields"""
    with place() as world:
        good = bearer(world.token())
        rest = len(request("/auth/jira", good, "X: "))
        fits = request("/auth/jira", good, "X: " + "x" * (16384 - rest))
        assert len(fits) == 16384
        assert raw(world, fits) == 200
        over = request("/auth/jira", good, "X: " + "x" * (16385 - rest))
        assert raw(world, over) == 431
        for data in (request("/auth/jira", good, "X: " + "x" * 40000),
                     request("/auth/" + "x" * 40000),
                     request("/auth/jira", good, *["X: y"] * 129),
                     b"x" * 40000):
            assert raw(world, data) in (413, 414, 431, None), data[:20]


def slow():
    """a head that is sent a byte now and then ends in time, on a new
    connection and on a kept one"""
    with place() as world:
        good = bearer(world.token())
        for before in (0, 1):
            with Http(world.http) as http:
                for _ in range(before):
                    assert http.ask("/auth/jira", good).status == 200
                begin, sent = time.monotonic(), 0
                http.sock.settimeout(0.2)
                head = b""
                for byte in request("/auth/jira", "X: " + "y" * 500):
                    try:
                        http.send(bytes([byte]))
                        sent += 1
                        head += http.sock.recv(100)
                        break
                    except TimeoutError:
                        continue
                    except OSError:
                        break
                assert head == b"", head
                assert sent < 500 and time.monotonic() - begin > 3


def nothing_asked():
    """a new connection that sends no first line ends in time"""
    with place() as world:
        good = bearer(world.token())
        crowd = [Http(world.http, timeout=30) for _ in range(3)]
        crowd[1].send(b"GET /auth/ji")
        crowd[2].send(b"\r\n")
        for http in crowd:
            with http:
                assert http.closed()
        assert ask(world, good).status == 200


def not_taken():
    """who takes no answer is closed, and others are answered meanwhile"""
    with place() as world:
        good = bearer(world.token())
        fds = world.httpd_fds()
        with socket.socket(socket.AF_UNIX) as deaf:
            deaf.connect(world.http)
            deaf.settimeout(1)
            try:
                while True:
                    deaf.sendall(request("/auth/jira", good) * 100)
            except OSError:
                pass
            assert ask(world, good).status == 200
            wait_for(lambda: world.httpd_fds() <= fds)


def leaves():
    """who leaves before its answer, or in a head, leaves nothing behind"""
    with place() as world:
        good = request("/auth/jira", bearer(world.token()))
        raw(world, good)
        fds = world.httpd_fds()
        for data in (good, good[:-2], good * 3, b"", b"\r\n"):
            for _ in range(100):
                with Http(world.http) as http:
                    http.send(data)
        with Http(world.http) as http:  # a half-closed one is answered
            http.send(good)
            http.sock.shutdown(socket.SHUT_WR)
            assert http.answer().status == 200
            assert http.closed()
        wait_for(lambda: world.httpd_fds() <= fds)


def crowd():
    """1,500 connections: those above the limits hear 503, the others are
    answered"""
    with place("max_connections = 1000\nmax_per_uid = 900\n") as world:
        count = room_for(1500)
        good = request("/auth/jira", bearer(world.token()))
        fds = world.httpd_fds()
        crowd = [Http(world.http) for _ in range(count)]
        for http in crowd:
            try:
                http.send(good)
            except OSError:
                pass
        statuses = []
        for http in crowd:
            try:
                statuses.append(http.answer().status)
            except (EOFError, ConnectionError):
                statuses.append(503)
        assert statuses.count(200) == min(count, 900), statuses.count(200)
        assert set(statuses) <= {200, 503}
        if count > 900:
            world.httpd_logged("max_per_uid reached")
            assert world.read_httpd_log().count("max_per_uid") < 100
        for http in crowd:
            http.close()
        wait_for(lambda: world.httpd_fds() <= fds)
        assert raw(world, good) == 200


def out_of_descriptors():
    """without a descriptor left it waits, and goes on when there is one"""
    def limit():
        import resource
        resource.setrlimit(resource.RLIMIT_NOFILE, (70, 70))
    with place(start=False) as world:
        world.start()
        world.start_httpd(preexec_fn=limit)
        world.httpd_logged("the limit on open files allows only")
        good = request("/auth/jira", bearer(world.token()))
        crowd = [Http(world.http) for _ in range(120)]
        for http in crowd[:20]:
            http.send(good)
            assert http.answer().status == 200
        for http in crowd:
            http.close()
        wait_for(lambda: raw(world, good) == 200)


def strangers():
    """a peer who may not ask hears 403 and asks nothing"""
    if not ROOT:
        raise Skip("needs root")
    with place("allow_users = www-data\n") as world:
        token = world.token()
        for uid, status in ((0, "200"), (33, "200"), (1, "403"),
                            (65534, "403")):
            assert status_for(world.http, uid, request(
                "/auth/jira", bearer(token))) == status, uid
        world.httpd_logged("refused uid 1: not allowed to ask: see allow_users")


def log_of_answers():
    """--debug logs each answer, and a service without a section is warned of"""
    with place(READ_WRITE) as world:
        token = world.token()
        assert ask(world, bearer(token), "X-Forwarded-Uri: /x").status == 200
        world.httpd_logged("service jira: 200: token " + token[5:13])
        assert ask(world, bearer(token),
                   "X-Forwarded-Uri: /rest/auth/1").status == 403
        world.httpd_logged("service jira: 403: Nobody may call this path.")
        assert "no [service] section" not in world.read_httpd_log()
        assert ask(world, bearer(token), path="/auth/jria").status == 200
        world.httpd_logged("service jria: no [service] section")


def health():
    """/healthz is for administrators: 200, and 503 without patd"""
    with place() as world:
        assert ask(world, path="/healthz").status == 200
        assert ask(world, path="/healthz", method="HEAD").status == 200
        world.stop()
        wait_for(lambda: ask(world, path="/healthz").status == 503)
        world.start()
        wait_for(lambda: ask(world, path="/healthz").status == 200)


def patd_killed():
    """patd is killed: 503 with Retry-After, and 200 again when it is back"""
    with place() as world:
        good = bearer(world.token())
        with Http(world.http) as http:
            assert http.ask("/auth/jira", good).status == 200
            for _ in range(3):
                world.stop(signal.SIGKILL)
                answer = http.ask("/auth/jira", good)
                assert answer.status == 503
                assert answer.one("Retry-After")
                assert answer.one("X-Forwarded-User") is None
                world.start()
                wait_for(lambda: http.ask("/auth/jira", good).status == 200)


def patd_frozen():
    """patd is frozen: 503 in time for all, and 200 when it goes on"""
    with place() as world:
        good = bearer(world.token())
        many = [Http(world.http) for _ in range(50)]
        assert many[0].ask("/auth/jira", good).status == 200
        freeze(world.patd)
        try:
            for http in many:
                http.send(request("/auth/jira", good))
            assert ask(world, path="/nothing").status == 404
            for http in many:
                answer = http.answer()
                assert answer.status == 503 and answer.one("Retry-After")
        finally:
            world.patd.send_signal(signal.SIGCONT)
        wait_for(lambda: all(
            http.ask("/auth/jira", good).status == 200 for http in many))


def killed():
    """pat-httpd is killed: the next one replaces its sockets; a second one
    beside it does not start"""
    with place() as world:
        good = bearer(world.token())
        world.stop_httpd(signal.SIGKILL)
        assert os.path.exists(world.http)
        world.start_httpd()
        assert ask(world, good).status == 200
        done = world.run_httpd()
        assert done.returncode == 3
        assert "another pat-httpd answers at " + world.http in done.stderr
        assert ask(world, good).status == 200
        for path in (world.http, world.fcgi):
            assert stat.S_IMODE(os.stat(path).st_mode) == 0o666


def stops():
    """at the end what was asked is answered, nobody else gets in, exit 0"""
    with place() as world:
        good = bearer(world.token())
        idle, many = Http(world.http), [Http(world.http) for _ in range(20)]
        partial = Http(world.http).send(b"GET /auth/jira HTTP/1.1\r\n")
        freeze(world.patd)
        for http in many:
            http.send(request("/auth/jira", good))
        world.httpd.send_signal(signal.SIGTERM)
        world.httpd_logged("stopping")
        world.patd.send_signal(signal.SIGCONT)
        for http in many:
            answer = http.answer()
            assert answer.status == 200
            assert answer.one("Connection") == "close" and http.closed()
        assert idle.closed() and partial.closed()
        assert world.httpd.wait(30) == 0
        world.httpd = None
        assert not world.httpd_answers()


def stop_is_bounded():
    """a patd that hangs does not keep it from ending"""
    with place() as world:
        good = bearer(world.token())
        http = Http(world.http)
        freeze(world.patd)
        http.send(request("/auth/jira", good))
        assert world.stop_httpd() == 0
        assert http.answer().status == 503
        world.patd.send_signal(signal.SIGCONT)


def reload():
    """SIGHUP reads the rules of services again; a bad file changes nothing"""
    with place(READ_WRITE) as world:
        reader = bearer(world.token("alice", "--scope", "read"))
        fields = (reader, "X-Forwarded-Method: PUT", "X-Forwarded-Uri: /x")
        assert ask(world, *fields).status == 403
        with open(world.config) as file:
            config = file.read()
        for extra, said in (("nonsense = 1\n", "settings: not changed: "),
                            ("read_methods = PUT\n", "settings: reloaded")):
            with open(world.config, "w") as file:
                file.write(config.replace("scope = write\n",
                                          "scope = write\n" + extra))
            world.httpd.send_signal(signal.SIGHUP)
            world.httpd_logged(said)
        assert ask(world, *fields).status == 200


def no_secret_in_memory():
    """after its use no part of a token is in the memory of pat-httpd"""
    if SANITIZED:
        raise Skip("a sanitizer keeps freed memory as it was")
    if not ROOT:
        raise Skip("needs root")
    with place() as world:
        tokens = [world.token(), world.token()]
        tokens.append(forged(tokens[0][5:13]))
        for token in tokens:
            with Http(world.http) as http:
                http.ask("/auth/jira", bearer(token))
                http.ask("/auth/jira", basic("alice", token))
                http.ask("/auth/jira", bearer(token), bearer(token))
                http.ask("/auth/jira", basic(token, token))
                http.send(request("/auth/jira", bearer(token))[:-2])
            with Http(world.http) as http:
                http.send(request("/auth/jira", bearer(token)) * 5)
                for _ in range(5):
                    http.answer()
            raw(world, request("/auth/jira", bearer(token) + "\0"))
            raw(world, request("/auth/jira", bearer(token) + "\r\n x"))
        fds = world.httpd_fds
        before = fds()
        wait_for(lambda: fds() <= before)
        needles = needles_of(tokens)
        for number, token in enumerate(tokens):
            pair = base64.b64encode(("alice:" + token).encode())
            needles["pair %d" % number] = pair[20:60]
        try:
            hits = found(world.httpd.pid, needles)
        except PermissionError:
            raise Skip("may not look into other processes") from None
        assert not hits, hits


def another_user():
    """started as root it becomes the user of [pat-httpd], without privileges
    and core files"""
    if not ROOT:
        raise Skip("needs root")
    with place() as world:
        with open("/proc/%d/status" % world.httpd.pid) as file:
            lines = dict(line.split(":\t", 1) for line in file if ":\t" in line)
        assert lines["Uid"].split() == ["2"] * 4, lines["Uid"]
        assert lines["NoNewPrivs"].strip() == "1"
        assert int(lines["CapEff"], 16) == 0 == int(lines["CapPrm"], 16)
        with open("/proc/%d/limits" % world.httpd.pid) as file:
            core, = (line for line in file if "core file" in line)
        assert core.split()[4:6] == ["0", "0"], core


def stays_root():
    """with `user = root` it stays root, without a capability, and answers"""
    if not ROOT:
        raise Skip("needs root")
    with place(start=False) as world:
        with open(world.config) as file:
            text = file.read()
        with open(world.config, "w") as file:
            file.write(text.replace("user = bin", "user = root"))
        world.start()
        world.start_httpd()
        with open("/proc/%d/status" % world.httpd.pid) as file:
            lines = dict(line.split(":\t", 1) for line in file if ":\t" in line)
        assert lines["Uid"].split() == ["0"] * 4, lines["Uid"]
        assert int(lines["CapBnd"], 16) == 0 == int(lines["CapPrm"], 16)
        assert ask(world, basic("alice", world.token())).status == 200
        assert world.stop_httpd() == 0


def not_root():
    """without the right to bind it says which units do it"""
    if not ROOT:
        raise Skip("needs root")
    with place(start=False) as world:
        world.start()
        done = world.run_httpd(user="bin", group="bin")
        assert done.returncode == 3
        assert "pat-httpd-http.socket" in done.stderr, done.stderr


def command_line():
    """--help, --version, --check-config, wrong options and wrong settings"""
    with place(start=False) as world:
        for args, code in ((["--help"], 0), (["--version"], 0),
                           (["--check-config"], 0), (["--nonsense"], 2),
                           (["x"], 2), (["--config"], 2)):
            done = world.run_httpd(*args)
            assert done.returncode == code, (args, done)
        world.write("[pat-httpd]\nuser = nobody-of-that-name\n")
        done = world.run_httpd("--check-config")
        if ROOT:
            assert done.returncode == 3
            assert "[pat-httpd] user" in done.stderr, done.stderr
        world.write("[pat-httpd]\nallow_users = nobody-of-that-name\n")
        done = world.run_httpd("--check-config")
        assert done.returncode == 3
        assert "[pat-httpd] allow_users: there is no user" in done.stderr


def activated(world, sockets, names, *args):
    return launch(sockets, [HTTPD, "--config", world.config, *args],
                  world.httpd_log, names)


def passed():
    """sockets of a service manager are taken by the last part of their path,
    or by the name of their listener, and stay at the end"""
    more = "[listener web]\nlisten = 127.0.0.1:9\n"
    with place(more, start=False) as world:
        world.start()
        token = world.token()
        path = os.path.join(world.root, "http.sock")
        with listening(path) as unix, listening(("127.0.0.1", 0)) as tcp:
            world.httpd = activated(world, [unix, tcp], "x:web")
            with Http(path) as http:
                assert http.ask("/auth/jira", bearer(token)).status == 200
            with Http(tcp.getsockname()) as http:
                assert http.ask("/auth/jira", bearer(token)).status == 200
                assert http.ask("/healthz").status == 404
            assert world.stop_httpd() == 0
            assert os.path.exists(path)


def passed_wrong():
    """a socket that belongs to no listener, or that others can reach, is a
    reason not to start"""
    with place("[listener web]\nlisten = 127.0.0.1:9\n",
               start=False) as world:
        world.start()
        for address, name, said in (
                (world.root + "/other.sock", "web", "belongs to no listener"),
                (("127.0.0.1", 0), "other", "belongs to no listener"),
                (("0.0.0.0", 0), "web", "from other hosts")):
            with listening(address) as sock:
                process = activated(world, [sock], name)
                assert process.wait(60) == 3
            world.httpd_logged(said)


def over_tcp():
    """a listener of loopback TCP answers, and the port is free at the end"""
    address = ("127.0.0.1", ports.free()[0])
    with place("[listener web]\nlisten = 127.0.0.1:%d\n" % address[1],
               start=False) as world:
        world.start()
        token = world.token()
        world.start_httpd()
        with Http(address) as http:
            for _ in range(3):
                assert http.ask("/auth/jira", bearer(token)).status == 200
            http.send(request("/auth/jira", "Content-Length: 9") + b"x" * 9)
            assert http.answer().status == 401
            assert http.closed()
        assert world.stop_httpd() == 0


CASES = [answers, one_authorization, spellings, doubles, read_and_write,
      request_itself, preflight, paths, malformed, odd_but_fine, bodies, no_smuggling,
      versions, heads_of_answers, pipelined, split, large, slow, nothing_asked,
      not_taken, leaves, crowd, out_of_descriptors, strangers, log_of_answers,
      health, patd_killed,
      patd_frozen, killed, stops, stop_is_bounded, reload,
      no_secret_in_memory, another_user, stays_root, not_root, command_line, passed,
      passed_wrong, over_tcp]
main([case for case in CASES
      if len(sys.argv) < 2 or case.__name__ in sys.argv[1:]])
