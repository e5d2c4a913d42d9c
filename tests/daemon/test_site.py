"""The frame of self-service in pat-httpd, with a real patd behind it: who comes
in, what a request may look like, what is left when somebody goes away."""
import fcntl
import json
import os
import signal
import sys
import termios
import time

from daemon import (ROOT, SANITIZED, Skip, forged, freeze, main, room_for,
                    wait_for)
from httpd import Http, library_is_strict, place, request, status_for
from memory import found, needles_of
import ports

ME = "root" if ROOT else str(os.geteuid())
SELF = "[self_service]\ntrusted_peers = %s\n" % ME
NOT_ME = "[self_service]\ntrusted_peers = daemon\n"
TOKENS = "/rest/pat/latest/tokens"
ALICE = "X-Remote-User: alice"
OWN = "Sec-Fetch-Site: same-origin"
JSON = "Content-Type: application/json"
FORM = "Content-Type: application/x-www-form-urlencoded"
WISH = b'{"name":"ci"}'
POLICY = ("default-src 'none'; style-src 'self'; script-src 'self'; "
          "img-src 'self' data:; form-action 'self'; base-uri 'none'; "
          "frame-ancestors 'none'")


def bearer(token):
    return "Authorization: Bearer " + token


def post(*fields, body=WISH, path=TOKENS, length=None, who=(ALICE, OWN)):
    """A POST that makes a token, if it is let in."""
    if length is None:
        length = len(body)
    return request(path, *who, JSON, *fields, "Content-Length: %d" % length,
                   method="POST") + body


def chunked(*chunks, fields=(), end=b"0\r\n\r\n"):
    body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    return request(TOKENS, ALICE, OWN, JSON, "Transfer-Encoding: chunked",
                   *fields, method="POST") + body + end


def tell(where, data):
    """The answer when that is sent on a connection of its own; None: it ends
    without one."""
    with Http(where if isinstance(where, (str, tuple)) else where.http) as http:
        try:
            return http.send(data).answer()
        except (EOFError, ConnectionError):
            return None


def all_of(world, data):
    """All that comes until the connection ends."""
    said = b""
    with Http(world.http) as http:
        try:
            http.send(data)
            while piece := http.sock.recv(65536):
                said += piece
        except ConnectionError:
            pass
    return said


def ask(world, *fields, path=TOKENS, **options):
    return tell(world, request(path, *fields, **options))


def error(answer):
    """The id of a refusal of the REST interface."""
    return json.loads(answer.body)["error"]


def live(world, user="alice"):
    """How many tokens of the user are live."""
    return len(json.loads(world.admin("list", user, "--json").stdout))


# --- who comes in -----------------------------------------------------------------


def off():
    """without [self_service] its paths are 404, and rest = no leaves the page
    alone"""
    with place() as world:
        for path in ("/tokens", TOKENS, "/tokens/new"):
            answer = ask(world, ALICE, path=path)
            assert answer.status == 404, path
            assert answer.one("Content-Security-Policy") is None
    with place(SELF + "rest = no\n") as world:
        assert ask(world, ALICE).status == 404
        assert ask(world, path="/tokens").status == 401


def single_sign_on():
    """a trusted peer names the user, once, in the one spelling"""
    with place(SELF) as world:
        assert ask(world, ALICE).status == 200
        assert ask(world, "x-remote-user: alice").status == 200
        assert ask(world).status == 401
        for fields in ((ALICE, ALICE), (ALICE, "X-Remote-User: bob"),
                       (ALICE, "X_Remote_User: alice"),
                       ("X_Remote_User: alice",), ("X-Remote-User:",),
                       ("X-Remote-User: (null)",), ("X-Remote-User: a:b",),
                       ("X-Remote-User: j\xfcrgen",),
                       ("X-Remote-User: " + "x" * 256,),
                       (ALICE, "X-Auth-Time: soon"),
                       (ALICE, "X-Auth_Time: 1")):
            for path in (TOKENS, "/tokens"):
                answer = ask(world, *fields, path=path)
                assert answer.status == 403, (path, fields)


def forged_header():
    """from a peer that is not trusted, and over TCP, such a header is refused
    and logged, once a second at most; without it a token still counts"""
    address = ("127.0.0.1", ports.free()[0])
    listener = "[listener web]\nlisten = 127.0.0.1:%d\n" % address[1]
    with place(listener + NOT_ME, start=False) as world:
        world.start()
        world.start_httpd("--debug")
        token = world.token()
        for where in (world, address):
            begin = world.read_httpd_log().count("which may not name users")
            for fields in ((ALICE,), ("X_REMOTE_USER: alice",),
                           ("X-Remote-User:",), ("X-Auth-Time: 1",),
                           (ALICE, bearer(token))):
                for path in (TOKENS, "/tokens", "/tokens/static/x"):
                    answer = tell(where, request(path, *fields))
                    assert answer.status == 403, (path, fields)
                    assert b"alice" not in answer.body
            assert tell(where, post()).status == 403
            assert tell(where, request(TOKENS)).status == 401
            assert tell(where, request(TOKENS, bearer(token))).status == 200
            if begin == 0:
                world.httpd_logged("which may not name users")
        log = world.read_httpd_log()
        assert log.count("which may not name users") < 20
        assert "X-Remote-User or X-Auth-Time came from it" in log
        assert live(world) == 1


def another_uid():
    """who may name users is whom trusted_peers names, who may then connect"""
    if not ROOT:
        raise Skip("needs root")
    sso = "[self_service]\ntrusted_peers = 4321\n"
    with place("allow_users = www-data\n" + sso) as world:
        for uid, fields, status in (
                (4321, (ALICE,), "200"), (4321, (), "401"),
                (33, (ALICE,), "403"), (33, (), "401"), (0, (ALICE,), "403"),
                (4322, (ALICE,), "403"), (4322, (), "403")):
            got = status_for(world.http, uid, request(TOKENS, *fields))
            assert got == status, (uid, got)
        world.httpd_logged("refused uid 4322: not allowed to ask")
        assert "uid 33" in world.read_httpd_log()


def nobody_there():
    """trusted_peers that names nobody is an error that says so"""
    with place("[self_service]\ntrusted_peers = no-such-user\n",
               start=False) as world:
        for args in (("--check-config",), ()):
            done = world.run_httpd(*args)
            assert done.returncode == 3, done
            assert 'trusted_peers: there is no user "no-such-user"' in \
                done.stderr, done.stderr


def tokens():
    """a token names its user on the REST interface, and beside the single
    sign-on it has to be the same one; the page wants the single sign-on"""
    with place(SELF) as world:
        token = world.token("alice", "--scope", "tokens")
        other = world.token("bob", "--scope", "read")
        assert ask(world, bearer(token)).status == 200
        assert ask(world, bearer(other)).status == 200
        assert ask(world, ALICE, bearer(token)).status == 200
        answer = ask(world, ALICE, bearer(other))
        assert answer.status == 403 and error(answer) == "other-user"
        for field in (bearer(forged(token[5:13])), bearer("x"),
                      "Authorization: Basic ?", "Authorization: Negotiate x",
                      "Authorization:"):
            for fields in ((field,), (ALICE, field)):
                answer = ask(world, *fields)
                assert answer.status == 401, fields
                assert answer.all("WWW-Authenticate"), fields
        assert ask(world, bearer(token), bearer(token)).status == 401
        assert ask(world, bearer(token), path="/tokens").status == 401
        world.admin("revoke", token[5:13])
        assert ask(world, bearer(token)).status == 401


def age():
    """max_auth_age: who signed in too long ago, in the future, or nobody knows
    when, makes no token, and still sees the list"""
    now = int(time.time())
    with place(SELF + "max_auth_age = 1h\n") as world:
        for when, status in ((now, 201), (now - 3000, 201), (now - 4000, 403),
                             (now + 4000, 403), (1, 403)):
            field = "X-Auth-Time: %d" % when
            assert tell(world, post(field)).status == status, when - now
            assert ask(world, ALICE, field).status == 200
        answer = tell(world, post())
        assert answer.status == 403
        assert error(answer) == "login-time-unknown"
        token = world.token("alice", "--scope", "tokens")
        answer = tell(world, post(bearer(token), who=()))
        assert answer.status == 201
        assert live(world) == 4


def cross_site():
    """another site makes no token, whatever else it says; a program may"""
    with place(SELF) as world:
        for fields, status in (
                ((OWN,), 201), ((), 201), (("Sec-Fetch-Site: none",), 201),
                (("Sec-Fetch-Site: cross-site",), 403),
                (("Sec-Fetch-Site: same-site",), 403),
                (("Sec-Fetch-Site: cross-site",
                  "X-Atlassian-Token: no-check"), 403),
                ((OWN, "Sec-Fetch-Site: cross-site"), 403),
                ((OWN, "Sec_Fetch_Site: cross-site"), 403),
                (("Origin: http://localhost",), 201),
                (("Origin: https://evil.example",), 403),
                (("Origin: null",), 403), ((OWN, "Host: x"), 400)):
            before = live(world)
            answer = tell(world, post(*fields, who=(ALICE,)))
            # A second Host is the library's to refuse, or ours.
            assert answer.status == status or \
                (status == 400 and answer.status == 403), fields
            assert live(world) == before + (status == 201), fields
        assert ask(world, ALICE, "Sec-Fetch-Site: cross-site").status == 200


# --- what a request may look like -------------------------------------------------


def answers():
    """every answer of the site has its headers, also a refusal"""
    with place(SELF) as world:
        for data in (request(TOKENS, ALICE), request("/tokens"),
                     request("/tokens/nothing/at/all", ALICE),
                     request(TOKENS, ALICE, method="PUT"),
                     request(TOKENS, ALICE, method="OPTIONS"),
                     request(TOKENS, ALICE, method="HEAD"),
                     request(TOKENS, "X_Remote_User: a"),
                     request(TOKENS + "?a=%", ALICE),
                     request(TOKENS, ALICE, *["X: y"] * 127),
                     request(TOKENS, ALICE, "X: " + "x" * 16384),
                     request(TOKENS + "?" + "x" * 4096, ALICE),
                     post(body=b" " * 20000), post(), post(body=b"{")):
            with Http(world.http) as http:
                http.send(data)
                answer = http.answer(head_only=data.startswith(b"HEAD"))
            assert answer.one("Content-Security-Policy") == POLICY, data[:40]
            assert answer.one("Cache-Control") == "no-store"
            assert answer.one("Referrer-Policy") == "no-referrer"
            assert answer.one("X-Content-Type-Options") == "nosniff"
            assert answer.one("Cross-Origin-Opener-Policy") == "same-origin"


def paths():
    """only the very paths of the site are its own, one slash behind them is
    fine, and 405 says which methods there are"""
    with place(SELF) as world:
        for path in (TOKENS, TOKENS + "/", "/rest/pat/1.0/tokens"):
            assert ask(world, ALICE, path=path).status == 200, path
        for path in ("/token", "/tokensx", "/rest/pat/2.0/tokens",
                     "/rest/pat/latest", TOKENS + "//", TOKENS + "/a/b/c",
                     TOKENS + "/%31", TOKENS + "/..", TOKENS + "/" + "1" * 65,
                     "/tokens/../tokens", "/tokens/%2e%2e/tokens",
                     "//tokens", "/TOKENS", "/tokens;x", "/tokens/ne\xff",
                     "http://localhost/tokens", TOKENS + "#x"):
            assert ask(world, ALICE, path=path).status == 404, path
        answer = ask(world, ALICE, OWN, method="PUT")
        assert answer.status == 405
        allowed = answer.one("Allow").split(", ")
        assert {"GET", "HEAD", "POST"} <= set(allowed), allowed
        answer = ask(world, method="OPTIONS")
        assert answer.status == 204
        assert answer.one("Allow").split(", ") == allowed
        for query in ("?a=%zz", "?a=1&a=2", "?a=%00", "?a=%ff", "?=x"):
            assert ask(world, ALICE, path=TOKENS + query).status == 400, query
        assert ask(world, ALICE, path=TOKENS + "?a=1&b").status == 200


def malformed():
    """what is no proper head is refused, as it is to the authorizer"""
    first = b"GET " + TOKENS.encode() + b" HTTP/1.1\r\n"
    host, user = b"Host: a\r\n", ALICE.encode()
    with place(SELF) as world:
        for bad in (first + host + user + b"\0x\r\n\r\n",
                    first + host + user + b"\x01\r\n\r\n",
                    first + host + user + b"\r\n y\r\n\r\n",
                    first + host + user.replace(b":", b" :") + b"\r\n\r\n",
                    first + host + b"X:y\n" + user + b"\0\r\n\r\n",
                    first + host + b"X Y: x\r\n" + user + b"\r\n\r\n",
                    first + user + b"\r\n\r\n",
                    first.replace(b"tokens", b"to\0kens") + host + user +
                    b"\r\n\r\n",
                    b"GET /tokens x HTTP/1.1\r\n" + host + user + b"\r\n\r\n"):
            answer = tell(world, bad)
            assert answer is None or answer.status in (400, 404), bad


def bodies():
    """a body comes with a length or in chunks, in any pieces, and after 100 if
    that is waited for"""
    with place(SELF) as world:
        assert tell(world, post()).status == 201
        assert tell(world, chunked(WISH)).status == 201
        assert tell(world, chunked(WISH[:5], WISH[5:])).status == 201
        odd = tell(world, chunked(WISH, end=b"0;x=y\r\n\r\n")).status
        assert odd == (400 if library_is_strict() else 201)
        with Http(world.http) as http:
            for byte in post():
                http.send(bytes([byte]))
            assert http.answer().status == 201
            for byte in chunked(WISH):
                http.send(bytes([byte]))
            answer = http.answer()
            assert answer.status == 201, (answer.status, answer.body)
            data = post("Expect: 100-continue")
            http.send(data[:-len(WISH)])
            assert http.file.readline() == b"HTTP/1.1 100 Continue\r\n"
            while http.file.readline() != b"\r\n":
                pass
            http.send(WISH)
            assert http.answer().status == 201
            assert http.ask(TOKENS, ALICE).status == 200
        assert live(world) == 6 + (odd == 201)


def framing():
    """a body whose end two readers could see in two places is refused, and so
    ends the connection; nothing behind it is a request"""
    inner = post()
    with place(SELF) as world:
        for fields in (("Content-Length: 0", "Content-Length: 13"),
                       ("Content-Length: 13", "Content-Length: 0"),
                       ("Content-Length: 13", "Content-Length: 13"),
                       ("Content-Length: 13, 13",), ("Content-Length: +13",),
                       ("Content-Length: 0x0d",), ("Content-Length: 1 3",),
                       ("Content-Length: -1",), ("Content-Length:",),
                       ("Content-Length: 13", "Content_Length: 0"),
                       ("Content-Length: 13", "Transfer-Encoding: chunked"),
                       ("Transfer-Encoding: chunked", "Content-Length: 13"),
                       ("Transfer-Encoding: chunked",
                        "Transfer-Encoding: chunked"),
                       ("Transfer-Encoding: gzip, chunked",),
                       ("Transfer-Encoding: identity",),
                       ("Transfer-Encoding: xchunked",),
                       ("Transfer_Encoding: chunked",),
                       ("Transfer-Encoding:",),
                       ("Content-Length: 13", "Expect: 200-ok"),
                       ("Content-Length: 13", "Expect: 100-continue",
                        "Expect: 100-continue")):
            head = request(TOKENS, ALICE, OWN, JSON, *fields, method="POST")
            said = all_of(world, head + inner + inner)
            # The library may say twice what it refuses itself.
            assert said.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 413 ")), \
                (fields, said)
            assert b"HTTP/1.1 2" not in said, (fields, said)
        data = request(TOKENS, ALICE, OWN, JSON, "Transfer-Encoding: chunked",
                       method="POST", version="1.0")
        assert tell(world, data + b"d\r\n" + WISH + b"\r\n0\r\n\r\n").status \
            == 400
        assert live(world) == 0


def chunks():
    """chunks that are none are refused, and fields behind a body say nothing"""
    head = chunked(end=b"")
    with place(SELF) as world:
        for body in (b"zz\r\n", b"5\r\n" + WISH + b"\r\n0\r\n\r\n",
                     b"-1\r\n", b"ffffffffffffffff\r\n", b"1" * 40 + b"\r\n",
                     b"d\r\n" + WISH + b"0\r\n\r\n", b"\r\n",
                     b"0xd\r\n" + WISH + b"\r\n0\r\n\r\n",
                     b"d \0\r\n" + WISH + b"\r\n0\r\n\r\n"):
            with Http(world.http) as http:
                try:
                    answer = http.send(head + body).answer()
                except (EOFError, ConnectionError):
                    continue
                # One that might still become a chunk is waited for.
                assert answer.status in (400, 408, 413), (body, answer.status)
        assert live(world) == 0
        with Http(world.http) as http:
            for made, field in enumerate((b"X-Remote-User: bob", b"x: y",
                                          b"Content-Length: 90",
                                          b"Transfer-Encoding: chunked",
                                          b"Sec-Fetch-Site: cross-site")):
                end = b"0\r\n" + field + b"\r\n\r\n"
                assert http.send(chunked(WISH, end=end)).answer().status == 201
                assert http.ask(TOKENS, ALICE).status == 200
                assert live(world) == made + 1 and live(world, "bob") == 0


def behind_a_body():
    """requests that come at once behind a body are answered in their order"""
    with place(SELF) as world:
        data = (post() + request(TOKENS, ALICE) + chunked(WISH) +
                request("/auth/jira") + post(body=b"[]") +
                request(TOKENS, ALICE, method="HEAD"))
        with Http(world.http) as http:
            for _ in range(3):
                http.send(data)
                for status in (201, 200, 201, 401, 400):
                    assert http.answer().status == status, status
                assert http.answer(head_only=True).status == 200
        assert live(world) == 6


def unwanted():
    """a body where none belongs ends the connection, and one of another type is
    415"""
    inner = post()
    with place(SELF) as world:
        for method in ("GET", "HEAD", "DELETE", "OPTIONS"):
            path = TOKENS if method != "DELETE" else TOKENS + "/4294967296"
            with Http(world.http) as http:
                http.send(request(path, ALICE, OWN, "Content-Length: %d" %
                                  len(inner), method=method) + inner)
                answer = http.answer(head_only=method == "HEAD")
                assert answer.status == (204 if method == "OPTIONS" else 400)
                assert answer.one("Connection") == "close", method
                assert http.closed(), method
        for types in ((), (FORM,), ("Content-Type: text/plain",),
                      ("Content-Type: application/jsonx",),
                      ("Content-Type: multipart/form-data; boundary=x",)):
            answer = tell(world, request(
                TOKENS, ALICE, OWN, *types, "Content-Length: 13",
                method="POST") + WISH)
            assert answer.status == 415, types
        answer = tell(world, request(
            TOKENS, ALICE, OWN, "content-type: Application/JSON; charset=utf-8",
            "Content-Length: 13", method="POST") + WISH)
        assert answer.status == 201
        for body in (b"", b"{", b'{"name":"a","name":"b"}', b"\xff", b'"\\u0000"',
                     b'{"name":"ci"}x', b"[" * 3000, b"[" + b"1," * 5000 + b"1]"):
            assert tell(world, post(body=body)).status == 400, body[:20]
        assert live(world) == 1


def large():
    """a body of 16 KiB is read, a larger one is 413, and one without an end ends
    the connection"""
    with place(SELF) as world:
        def padded(size):
            return WISH + b" " * (size - len(WISH))
        assert tell(world, post(body=padded(16384))).status == 201
        assert tell(world, chunked(padded(16384))).status == 201
        assert tell(world, chunked(*[b" "] * 16371, WISH)).status == 201
        assert tell(world, post(body=padded(16385))).status == 413
        for length in (99999999, 10 ** 18, 10 ** 30):
            answer = tell(world, post(length=length))
            # Too large a number is the library's to refuse.
            assert answer.status == 413 or length > 10 ** 10, length
        with Http(world.http) as http:
            assert http.send(chunked(padded(16385))).answer().status == 413
            assert http.ask(TOKENS, ALICE).status == 200
        with Http(world.http) as http:
            try:
                http.send(chunked(end=b""))
                for _ in range(100):
                    http.send(b"10000\r\n" + b" " * 65536 + b"\r\n")
            except OSError:
                pass
            assert http.closed()
        assert live(world) == 3


def slow():
    """a body that comes a byte now and then is 408 in time"""
    with place(SELF) as world:
        with Http(world.http) as http:
            http.send(post(body=b"", length=400))
            http.sock.settimeout(0.2)
            said, sent = b"", 0
            while not said and sent < 300:
                try:
                    http.send(b" ")
                    sent += 1
                    said = http.sock.recv(100)
                except TimeoutError:
                    continue
                except OSError:
                    break
            assert said.startswith(b"HTTP/1.1 408 "), said
        # One that is not wanted is waited for as long; the reason is said.
        with Http(world.http) as http:
            answer = http.send(post(length=20000)).answer()
            assert answer.status == 413
            assert answer.one("Content-Security-Policy") == POLICY
            assert error(answer) == "too-large" and http.closed()
        assert tell(world, post()).status == 201
        assert live(world) == 1


# --- what is left -----------------------------------------------------------------


def cut():
    """a request that ends early makes nothing, wherever it is cut"""
    with place(SELF) as world:
        fds = world.httpd_fds()
        for data in (post(), chunked(WISH)):
            for at in range(20, len(data), 7):
                with Http(world.http) as http:
                    http.send(data[:at])
        wait_for(lambda: world.httpd_fds() <= fds)
        assert live(world) == 0


def is_read(http):
    """Whether pat-httpd has read all that was sent."""
    waiting = fcntl.ioctl(http.sock, termios.TIOCOUTQ, b"\0" * 4)
    return int.from_bytes(waiting, sys.byteorder) == 0


def gone():
    """the token of a client that goes away while patd makes it is taken back"""
    with place(SELF) as world:
        fds = world.httpd_fds()
        for made in (1, 2, 3):
            # With a connection to patd that is kept.
            assert tell(world, post()).status == 201
            wait_for(lambda: world.httpd_fds() == fds + 1)
            freeze(world.patd)
            try:
                with Http(world.http) as http:
                    http.send(post())
                    wait_for(lambda: is_read(http))
                wait_for(lambda: world.httpd_fds() == fds)
            finally:
                world.patd.send_signal(signal.SIGCONT)
            wait_for(lambda: live(world) == made)
        # It noticed, and did not only give up in the end.
        assert "POST %s: 503" % TOKENS not in world.read_httpd_log()
        assert tell(world, post()).status == 201
        assert live(world) == 4


def patd_away():
    """without patd it is 503 with Retry-After, for SSO and tokens, and fine
    again when it is back"""
    with place(SELF) as world:
        token = world.token("alice", "--scope", "tokens")
        for sig in (signal.SIGTERM, signal.SIGKILL):
            assert tell(world, post()).status == 201
            world.stop(sig)
            for data in (post(), request(TOKENS, ALICE),
                         request(TOKENS, bearer(token)),
                         post(bearer(token), who=())):
                answer = tell(world, data)
                assert answer.status == 503 and answer.one("Retry-After")
                assert answer.one("Content-Security-Policy") == POLICY
            world.start()
        assert tell(world, post()).status == 201
        assert live(world) == 4


def patd_frozen():
    """while patd is frozen others are answered, more than may wait are 503 at
    once, the rest in time, and none of their tokens is left"""
    with place(SELF) as world:
        assert tell(world, post()).status == 201
        freeze(world.patd)
        try:
            many = [Http(world.http).send(post()) for _ in range(100)]
            assert ask(world, path="/nothing").status == 404
            statuses = [http.answer().status for http in many]
            assert statuses == [503] * 100, statuses
        finally:
            world.patd.send_signal(signal.SIGCONT)
        wait_for(lambda: tell(world, post()).status == 201)
        wait_for(lambda: live(world) == 2)
        for http in many:
            assert http.ask(TOKENS, ALICE).status == 200
            http.close()


def many():
    """many at once are all answered, each with its own token"""
    with place(SELF) as world:
        count = 60
        users = ["user%d" % i for i in range(count)]
        crowd = [Http(world.http) for _ in users]
        for user, http in zip(users, crowd):
            http.send(post(who=("X-Remote-User: " + user, OWN)))
        for user, http in zip(users, crowd):
            answer = http.answer()
            assert answer.status == 201, answer.body
            assert json.loads(answer.body)["user"] == user
        for user, http in zip(users, crowd):
            answer = http.ask(TOKENS, "X-Remote-User: " + user)
            assert len(json.loads(answer.body)) == 1
            http.close()


def stops():
    """SIGTERM: a request that patd works on is still answered"""
    with place(SELF) as world:
        assert tell(world, post()).status == 201
        with Http(world.http) as http:
            freeze(world.patd)
            try:
                http.send(post())
                wait_for(lambda: is_read(http))
                world.httpd.send_signal(signal.SIGTERM)
                world.httpd_logged("pat-httpd: stopping")
            finally:
                world.patd.send_signal(signal.SIGCONT)
            answer = http.answer()
            assert answer.status == 201
            assert answer.one("Connection") == "close"
            assert http.closed()
        assert world.httpd.wait(30) == 0
        world.httpd = None


def log():
    """--debug logs routes and statuses, and nothing of what came with them"""
    with place(SELF) as world:
        secret = "Zq7" * 8
        ask(world, "X-Remote-User: " + secret)
        ask(world, ALICE, "X-Auth-Time: " + secret)
        ask(world, ALICE, path=TOKENS + "/" + secret)
        ask(world, ALICE, path=TOKENS + "?q=" + secret)
        ask(world, ALICE, bearer(secret))
        ask(world, ALICE, "Cookie: " + secret, path="/tokens/link/" + secret)
        tell(world, post(body=b'{"name": "%s", "x": 1}' % secret.encode()))
        tell(world, post(body=secret.encode()))
        world.httpd_logged("self-service: POST " + TOKENS + ": 400")
        log = world.read_httpd_log()
        assert "self-service: GET %s: 200" % TOKENS in log
        assert secret not in log, log
        assert secret not in world.read_log()


def resident():
    """1,024 connections that each send a large body slowly take at most 24 MiB,
    and who comes too late hears 503"""
    if SANITIZED:
        raise Skip("a sanitizer needs memory of its own")
    more = "max_connections = 1024\nmax_per_uid = 1024\n"
    with place(more + SELF) as world:
        count = room_for(1024)
        body = b'{"name":"' + b"x" * 16000
        assert tell(world, post()).status == 201
        crowd = [Http(world.http) for _ in range(count)]
        for http in crowd:
            try:
                http.send(post(body=body, length=16384))
            except OSError:
                pass
        statuses = []
        for http in crowd[::-1][:300 if count == 1024 else 0]:
            try:
                statuses.append(http.answer().status)
            except (EOFError, ConnectionError):
                statuses.append(503)
        # On a slow machine the first ones were late when the last ones came.
        assert set(statuses) <= {408, 503}, set(statuses)
        assert 503 in statuses or count < 1024
        with open("/proc/%d/status" % world.httpd.pid) as file:
            lines = dict(line.split(":", 1) for line in file)
        rss = int(lines["VmRSS"].split()[0])
        print("# %d KiB resident, at most %s" % (rss, lines["VmHWM"].strip()))
        assert int(lines["VmHWM"].split()[0]) <= 24 * 1024, rss
        for http in crowd:
            http.close()
        wait_for(lambda: (tell(world, post()) or http).status == 201)


def no_secret_in_memory():
    """after its answer no part of a token is in the memory of pat-httpd"""
    if SANITIZED:
        raise Skip("a sanitizer keeps freed memory as it was")
    if not ROOT:
        raise Skip("needs root")
    with place(SELF) as world:
        minter = world.token("alice", "--scope", "tokens")
        tokens = [minter]
        with Http(world.http) as http:
            for data in (post(), chunked(WISH), post(bearer(minter), who=())):
                answer = http.send(data).answer()
                assert answer.status == 201, answer.body
                tokens.append(json.loads(answer.body)["rawToken"])
            # Also while the connection is kept.
            assert http.ask(TOKENS, ALICE).status == 200
            needles = needles_of(tokens)
            try:
                hits = found(world.httpd.pid, needles)
            except PermissionError:
                raise Skip("may not look into other processes") from None
            assert not hits, hits
        world.tokens += tokens[1:]


CASES = [off, single_sign_on, forged_header, another_uid, nobody_there,
         tokens, age,
         cross_site, answers, paths, malformed, bodies, framing, chunks,
         behind_a_body, unwanted, large, slow, cut, gone, patd_away,
         patd_frozen, many, stops, log, resident, no_secret_in_memory]
main([case for case in CASES
      if len(sys.argv) < 2 or case.__name__ in sys.argv[1:]])
