#!/usr/bin/env python3
"""One table of requests and what becomes of them, for every proxy that asks
pat-httpd.

Usage: authorizer.py table URL LOG TOKENS
       authorizer.py transport URL LOG TOKENS
       authorizer.py load URL STOP TOKENS
       authorizer.py beside URL PATH TOKENS

URL is the proxy's, with tests/lib/backend.py behind it, whose log is LOG. TOKENS
is a file, one token a line: NAME USER TOKEN; tests/lib/authorizer.sh makes them
and says what each may. Each line of the output is one result:

    ok<tab>SENTENCE        no<tab>SENTENCE<tab>WHY

A request that is refused must not reach the backend, not even its head. One that
is let in reaches it as its user's, without token and session. `load` asks until
the file STOP exists and prints how often it got which status, as JSON: with
tokens that are right, and with such that never are. `beside` succeeds if PATH
is answered while an earlier request still waits.
"""

import base64
import collections
import dataclasses
import hashlib
import itertools
import json
import os
import select
import socket
import string
import sys
import threading
import time
import urllib.parse
import zlib

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
ME = "/rest/api/2/myself"
CLAIM = "intruder"
LIMIT = 120  # seconds; only what hangs takes that long
MEGABYTE = 1 << 20
HUGE = 100 * MEGABYTE
REFUSED = "400 401 403"  # which of them is the proxy's choice
numbers = itertools.count(1)


# --- Requests ---------------------------------------------------------------------

@dataclasses.dataclass
class Row:
    """A request, and the statuses that it may have."""
    what: str
    want: str
    headers: list = dataclasses.field(default_factory=list)
    method: str = "GET"
    path: str = ME
    user: str = ""      # whose it is, if it is let in
    challenge: bool = False


@dataclasses.dataclass
class Answer:
    status: str = "none"
    head: str = ""
    body: bytes = b""

    def seen(self):
        """What the backend saw; nothing if this is not its answer."""
        try:
            return json.loads(self.body)
        except ValueError:
            return {}


class Connection:
    def __init__(self, url):
        self.peer = socket.create_connection((url.hostname, url.port), LIMIT)
        self.file = self.peer.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.file.close()
        self.peer.close()

    def send(self, data):
        """A peer that has refused may have closed already."""
        try:
            self.peer.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def head(self):
        """The next status and the lines behind it."""
        lines = []
        while (line := self.file.readline()) not in (b"\r\n", b"\n", b""):
            lines.append(line.decode("latin-1").strip())
        words = lines[0].split() if lines else []
        return (words[1] if len(words) > 1 else "none"), "\n".join(lines)

    def answer(self, method="GET"):
        try:
            status, head = self.head()
            while status == "100":
                status, head = self.head()
            return Answer(status, head, self.body(method, head))
        except ConnectionResetError:
            return Answer()

    def body(self, method, head):
        fields = dict(line.lower().split(":", 1)
                      for line in head.split("\n") if ":" in line)
        if method == "HEAD":
            return b""
        if "content-length" in fields:
            return self.file.read(int(fields["content-length"]))
        if "chunked" not in fields.get("transfer-encoding", ""):
            return self.file.read()
        parts = []
        while size := int(self.file.readline() or b"0", 16):
            parts.append(self.file.read(size))
            self.file.readline()
        return b"".join(parts)


class Proxy:
    def __init__(self, url, log):
        self.url = urllib.parse.urlsplit(url)
        self.log = log

    def head(self, row, path):
        lines = [f"{row.method} {path} HTTP/1.1", f"Host: {self.url.netloc}"]
        if not any(line.lower().startswith("connection:")
                   for line in row.headers):
            lines.append("Connection: close")
        # lighttpd and others want to know how long it is (RFC 9110, 8.6).
        if row.method in ("POST", "PUT", "PATCH") and not any(
                line.lower().startswith(("content-length:", "transfer-"))
                for line in row.headers):
            lines.append("Content-Length: 0")
        return "\r\n".join(lines + row.headers + ["", ""]).encode("latin-1")

    def ask(self, row, path):
        with Connection(self.url) as connection:
            connection.send(self.head(row, path))
            return connection.answer(row.method)

    def reached(self, tag):
        """The lines of the backend's log that have this tag."""
        with open(self.log, encoding="utf-8") as log:
            return [line for line in log if tag in line]


# --- Results ----------------------------------------------------------------------

def result(what, wrong):
    if wrong:
        print(f"no\t{what}\t{'; '.join(wrong)}", flush=True)
    else:
        print(f"ok\t{what}", flush=True)


def differences(row, answer, reached):
    if answer.status not in row.want.split():
        yield f"status {answer.status}, wanted {row.want}"
    if not row.user:
        if reached:
            yield "it reached the backend"
        if row.challenge and "www-authenticate" not in answer.head.lower():
            yield "no challenge"
        return
    if len(reached) != 1:
        yield f"it reached the backend {len(reached)} times"
    if row.method != "HEAD":
        yield from misread(row, answer.seen())


def misread(row, seen):
    """What the backend must not see, or must."""
    if seen.get("x_forwarded_user") != [row.user]:
        yield f"came as {seen.get('x_forwarded_user')}"
    if seen.get("authorization") != []:
        yield "the token was passed on"
    if seen.get("cookie") != []:
        yield "the session was passed on"
    for name, value in seen.get("fields", []):
        if CLAIM in value.lower():
            yield f"{name}: {value} reached the backend"


def tagged(path):
    tag = f"row={next(numbers)}-{os.getpid()}-"
    return f"{path}{'&' if '?' in path else '?'}{tag}", tag


def run(proxy, rows):
    for row in rows:
        path, tag = tagged(row.path)
        answer = proxy.ask(row, path)
        result(row.what, list(differences(row, answer, proxy.reached(tag))))


# --- Credentials ------------------------------------------------------------------

def coded(text):
    return base64.b64encode(text.encode()).decode()


def basic(user, token):
    return f"Authorization: Basic {coded(f'{user}:{token}')}"


def bearer(text):
    return f"Authorization: Bearer {text}"


class Token:
    def __init__(self, user, text):
        self.user, self.text = user, text
        self.basic, self.bearer = basic(user, text), bearer(text)
        self.pair = f"{user}:{text}"


def tokens_of(path):
    with open(path, encoding="ascii") as file:
        return {name: Token(user, text)
                for name, user, text in map(str.split, file)}


def forms(tokens):
    """Every form in which a right token comes."""
    alice = tokens["alice"]
    for what, line in (
            ("Basic", alice.basic),
            ("basic, in small letters", alice.basic.replace("Basic", "basic")),
            ("a bare token as Bearer", alice.bearer),
            ("Bearer base64(user:token)", bearer(coded(alice.pair))),
            ("Bearer user:token", bearer(alice.pair))):
        yield Row(f"{what}: 200 as that user", "200", [line], user=alice.user)
    for method in ("HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        yield Row(f"{method} with a token without scopes: 200", "200",
                  [alice.basic], method, user=alice.user)
    yield Row("a cookie stays behind", "200",
              [alice.bearer, "Cookie: JSESSIONID=1"], user=alice.user)


def worthless(tokens):
    """Credentials that are none."""
    alice = tokens["alice"]
    other = "a" if alice.text[-1] != "a" else "b"
    yield Row("no credentials: 401 that asks for them", "401", challenge=True)
    for what, line in (
            ("a wrong token", basic(alice.user, alice.text[:-1] + other)),
            ("a wrong token as Bearer", bearer(alice.text[:-1] + other)),
            ("a token that is cut", bearer(alice.text[:-1])),
            ("a password", basic(alice.user, "secret")),
            ("another user's token", basic("bob", alice.text)),
            ("another user's token as Bearer", bearer(f"bob:{alice.text}")),
            ("no user name", basic("", alice.text)),
            ("no token", basic(alice.user, "")),
            ("a revoked token", tokens["revoked"].basic),
            ("a revoked token as Bearer", tokens["revoked"].bearer),
            ("an expired token", tokens["expired"].basic),
            ("an expired token as Bearer", tokens["expired"].bearer),
            ("no scheme", f"Authorization: {alice.text}"),
            ("another scheme", f"Authorization: Token {alice.text}"),
            ("a scheme alone", "Authorization: Bearer"),
            ("an empty header", "Authorization:"),
            ("text that is no base64", "Authorization: Basic !!!")):
        yield Row(f"{what}: 401", "401", [line], challenge=True)
    for what, line in (
            ("a token as the user name", basic(alice.text, "x")),
            ("a token as name and as token", basic(alice.text, alice.text)),
            ("a token as the name in Bearer", bearer(f"{alice.text}:x"))):
        yield Row(f"{what}: 401", "401", [line])


def ambiguous(tokens):
    """Who means two things at once means nothing."""
    good, bad = tokens["alice"].basic, basic("alice", "wrong")
    for what, lines in (
            ("right and wrong", [good, bad]), ("wrong and right", [bad, good]),
            ("right twice", [good, good]),
            ("Basic and Bearer", [good, tokens["alice"].bearer]),
            ("right and wrong, apart", [good, "X-A: b", bad])):
        yield Row(f"two Authorization headers, {what}: refused", REFUSED, lines)
    right, wrong = good.split(": ")[1], bad.split(": ")[1]
    for first, second in ((right, wrong), (wrong, right), (right, right)):
        yield Row("two in one header, joined by a comma: refused", REFUSED,
                  [f"Authorization: {first}, {second}"])


def elsewhere(tokens):
    """Where a token is not looked for."""
    value = tokens["alice"].bearer.split(": ")[1]
    for name in ("Proxy-Authorization", "X-Authorization", "Authorization_",
                 "Authorization.", "HTTP-Authorization", "HTTP_AUTHORIZATION",
                 "X-Forwarded-Authorization", "X-Upstream-Authorization",
                 "Redirect-HTTP-Authorization"):
        yield Row(f"a token in {name}: refused", REFUSED, [f"{name}: {value}"])
    yield Row("a token in the query: 401", "401",
              path=f"{ME}?access_token={tokens['spilt'].text}")


def rights(tokens):
    reader, writer = tokens["reader"], tokens["writer"]
    for method in ("GET", "HEAD", "OPTIONS"):
        yield Row(f"a read token may {method}", "200", [reader.basic], method,
                  user=reader.user)
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        yield Row(f"a read token may not {method}: 403", "403",
                  [reader.bearer], method)
    yield Row("nor use a method that is none", "400 403 405 501",
              [reader.bearer], "get")
    for method in ("GET", "POST"):
        yield Row(f"a token with the scope to write may {method}", "200",
                  [writer.bearer], method, user=writer.user)
    yield Row("a read token may POST a search", "200", [reader.bearer], "POST",
              "/rest/api/2/search", reader.user)
    for name in ("wiki", "scoped"):
        yield Row(f"a token of another service ({name}): 403", "403",
                  [tokens[name].basic])
    yield Row("a token of another network: 403", "403", [tokens["away"].basic])
    yield Row("a token of this network: 200", "200", [tokens["home"].bearer],
              user=tokens["home"].user)


# --- What a client may not say (bypasses of 2025 and 2026) ------------------------

def with_dash(name):
    """The name, and the spellings that some server takes for it."""
    yield name
    for separator in "_.":
        yield name.replace("-", separator)
        yield name.replace("-", separator, 1)


def spellings(*names):
    return dict.fromkeys(one for name in names for one in with_dash(name))


def paths(tokens):
    """Nobody may call /rest/auth, however it is written."""
    alice = tokens["alice"]
    for path in ("/rest/auth/1/session", "/rest/%61uth/1/session",
                 "/rest/auth/%31/session", "/rest//auth/1/session",
                 "/rest/./auth/1/session", "/x/../rest/auth/1/session",
                 "/x/%2e%2e/rest/auth/1/session", "/rest/auth;a=b/1/session",
                 "/rest;/auth/1/session", "/x/..;/rest/auth/1/session",
                 "/rest/auth%2f1/session", "/rest%2fauth/1/session",
                 "/rest\\auth/1/session"):
        shown = path.replace("\\", "(backslash)")
        yield Row(f"a denied path, as {shown}: refused", "400 403 404",
                  [alice.basic], path=path)


def methods(tokens):
    reader = tokens["reader"]
    for name in spellings("X-Original-Method", "X-Forwarded-Method",
                          "X-HTTP-Method-Override", "X-HTTP-Method",
                          "X-Method-Override", "Request-Method"):
        yield Row(f"a POST that calls itself GET by {name}: refused", REFUSED,
                  [reader.bearer, f"{name}: GET"], "POST")
    yield Row("a GET that would become DELETE stays one", "200",
              [reader.bearer, "X-HTTP-Method-Override: DELETE",
               f"X-Method-Override: {CLAIM}"], user=reader.user)
    for name in spellings("X-Forwarded-Uri", "X-Original-Uri",
                          "X-Original-URL", "X-Rewrite-URL", "Request-Uri"):
        yield Row(f"a POST that calls itself a search by {name}: refused",
                  REFUSED, [reader.bearer, f"{name}: /rest/api/2/search"],
                  "POST")
        yield Row(f"a denied path under the name of another in {name}: refused",
                  REFUSED, [tokens["alice"].bearer, f"{name}: /"],
                  path="/rest/auth/1/session")


def addresses(tokens):
    for name in spellings("X-Forwarded-For", "X-Real-Ip", "Remote-Addr",
                          "Forwarded", "X-Client-Ip", "True-Client-Ip",
                          "Client-Ip", "X-Cluster-Client-Ip"):
        value = "for=192.0.2.7" if name == "Forwarded" else "192.0.2.7"
        yield Row(f"another address in {name}: refused", REFUSED,
                  [tokens["away"].basic, f"{name}: {value}"])


def services(tokens):
    for name in spellings("Jira-Pat-Service", "Script-Name", "X-Service",
                          "X-Forwarded-Prefix", "X-Forwarded-Host"):
        yield Row(f"another service by {name}: refused", REFUSED,
                  [tokens["wiki"].basic, f"{name}: /auth/wiki"])
        yield Row(f"its name alone by {name}: refused", REFUSED,
                  [tokens["wiki"].basic, f"{name}: wiki"])


def identities(tokens):
    alice = tokens["alice"]
    names = spellings("X-Forwarded-User", "X-Remote-User", "Remote-User",
                      "X-Auth-Request-User", "X-Token-Id", "X-Token-Preflight",
                      "X-Token-Expires", "X-Upstream-Authorization")
    for name in names:
        yield Row(f"{name} without a token: 401", "401", [f"{name}: {CLAIM}"])
        yield Row(f"{name} beside one does not pass", f"200 {REFUSED}",
                  [alice.basic, f"{name}: {CLAIM}"], user=alice.user)
    for name in ("X-Forwarded-Prefix", "X-Forwarded-Port", "X-Forwarded-Server",
                 "X-Forwarded-Groups", "X-Forwarded-Email"):
        yield Row(f"{name} of the client does not pass", "200",
                  [alice.basic, f"{name}: {CLAIM}"], user=alice.user)
    yield Row("the user's header named in Connection stays", "200",
              [alice.basic, "Connection: close, X-Forwarded-User"],
              user=alice.user)


def strangers(tokens):
    for agent in ("kube-probe/1.33", "GoogleHC/1.0", "ELB-HealthChecker/2.0",
                  "Amazon-Route53-Health-Check-Service", "HealthCheck"):
        yield Row(f"no token, but User-Agent {agent}: 401", "401",
                  [f"User-Agent: {agent}"])
    yield Row("a preflight without a token: 401", "401",
              ["Origin: https://example.org",
               "Access-Control-Request-Method: PUT"], "OPTIONS")
    for path in ("/ping", "/healthz", "/auth/jira", "/oauth2/auth",
                 "/.jira-pat-refused", "/.jira-pat-authorize",
                 "/.jira-pat-unavailable"):
        yield Row(f"{path} without a token: refused", "401 403 404", path=path)


TABLE = (forms, worthless, ambiguous, elsewhere, rights, paths, methods,
         addresses, services, identities, strangers)


def crc_of(text):
    """As six digits of base62, the big end first."""
    number, digits = zlib.crc32(text.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, len(BASE62))
        digits = BASE62[digit] + digits
    return digits


def guess(token, number):
    """A token of the same id, with another secret and the right checksum."""
    text = token.text[:14] + f"{number:030d}"
    return Token(token.user, text + crc_of(text))


def throttled(proxy, tokens):
    """Who guesses is told to wait, at some time."""
    path, tag = tagged(ME)
    statuses = []
    for number in range(40):
        row = Row("", "401 429", [guess(tokens["guessed"], number).basic])
        answer = proxy.ask(row, path)
        statuses.append(answer.status)
        if answer.status == "429":
            break
    head = answer.head.lower()
    wrong = ["it reached the backend"] if proxy.reached(tag) else []
    if set(statuses[:-1]) != {"401"} or statuses[-1] != "429":
        wrong.append(f"statuses {statuses}")
    if "\nretry-after:" not in head or "\nwww-authenticate:" in head:
        wrong.append(head)
    result("guesses: 401, then 429 with Retry-After and no challenge", wrong)


def table(proxy, tokens):
    for rows in TABLE:
        run(proxy, rows(tokens))
    throttled(proxy, tokens)


# --- Bodies and connections -------------------------------------------------------

def wait_until(condition):
    end = time.monotonic() + LIMIT
    while not (found := condition()) and time.monotonic() < end:
        time.sleep(0.02)
    return found


def block(number):
    return number.to_bytes(4, "big") * (MEGABYTE // 4)


def digest_of(blocks):
    digest = hashlib.sha256()
    for number in range(blocks):
        digest.update(block(number))
    return digest.hexdigest()


def whole(answer, blocks):
    seen = answer.seen()
    if answer.status != "200":
        yield f"status {answer.status}"
    if seen.get("received") != blocks * MEGABYTE:
        yield f"{seen.get('received')} bytes reached the backend"
    elif seen.get("sha256") != digest_of(blocks):
        yield "other bytes reached the backend"


def huge(proxy, tokens):
    """The backend has the first part before the last one is sent."""
    path, tag = tagged("/rest/api/2/issue/A-1/attachments")
    row = Row("", "", [tokens["alice"].bearer, f"Content-Length: {HUGE}",
                       "X-Atlassian-Token: no-check"], "POST")
    blocks = HUGE // MEGABYTE
    with Connection(proxy.url) as peer:
        peer.send(proxy.head(row, path))
        for number in range(blocks // 2):
            peer.send(block(number))
        begun = wait_until(lambda: len(proxy.reached(tag)) > 1)
        for number in range(blocks // 2, blocks):
            peer.send(block(number))
        answer = peer.answer()
    result("100 MB reach the backend", list(whole(answer, blocks)))
    result("and are not held back until the last byte is there",
           [] if begun else ["the backend waits for its first megabyte"])


def chunked(proxy, tokens):
    path, _ = tagged("/rest/api/2/issue/A-1/attachments")
    row = Row("", "", [tokens["alice"].bearer, "Transfer-Encoding: chunked"],
              "POST")
    with Connection(proxy.url) as peer:
        peer.send(proxy.head(row, path))
        for number in range(3):
            peer.send(b"%x\r\n" % MEGABYTE + block(number) + b"\r\n")
        peer.send(b"0\r\n\r\n")
        result("3 MB in chunks reach the backend",
               list(whole(peer.answer(), 3)))


def refused_body(proxy, tokens):
    """What a wrong token sends reaches nobody."""
    for what, lines, body in (
            ("in one piece", [f"Content-Length: {MEGABYTE}"], block(0)),
            ("in chunks", ["Transfer-Encoding: chunked"],
             b"%x\r\n" % MEGABYTE + block(0) + b"\r\n0\r\n\r\n")):
        path, tag = tagged(ME)
        row = Row("", "401", [tokens["revoked"].bearer] + lines, "POST")
        with Connection(proxy.url) as peer:
            peer.send(proxy.head(row, path) + body)
            answer = peer.answer()
        result(f"1 MB {what} with a wrong token: 401, and nothing reaches the "
               "backend", list(differences(row, answer, proxy.reached(tag))))


def expects(proxy, tokens):
    """RFC 9110 section 10.1.1: the body follows a 100, or does not."""
    path, _ = tagged(ME)
    lines = [f"Content-Length: {MEGABYTE}", "Expect: 100-continue"]
    row = Row("", "", [tokens["alice"].bearer] + lines, "POST")
    with Connection(proxy.url) as peer:
        peer.send(proxy.head(row, path))
        first = peer.head()[0]
        peer.send(block(0))
        wrong = list(whole(peer.answer(), 1))
    result("100-continue with a right token: 100, then the body, then 200",
           wrong + ([] if first == "100" else [f"first {first}"]))
    row = Row("", "401", [tokens["revoked"].bearer] + lines, "POST")
    path, tag = tagged(ME)
    with Connection(proxy.url) as peer:
        peer.send(proxy.head(row, path))
        answer = Answer(*peer.head())
    result("100-continue with a wrong token: 401 before a byte is sent",
           list(differences(row, answer, proxy.reached(tag))))


def websocket(proxy, tokens):
    lines = ["Connection: Upgrade", "Upgrade: websocket",
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
             "Sec-WebSocket-Version: 13"]
    path, _ = tagged("/socket")
    with Connection(proxy.url) as peer:
        peer.send(proxy.head(
            Row("", "", [tokens["alice"].bearer] + lines), path))
        status, head = peer.head()
        peer.send(b"\x81\x85\0\0\0\0hello")
        echo = peer.file.read(7) if status == "101" else b""
    accepted = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head
    result("a WebSocket with a right token: a message goes there and back",
           [] if accepted and echo == b"\x81\x05hello" else
           [f"status {status}, {echo!r}"])
    row = Row("", "401", [tokens["revoked"].bearer] + lines)
    path, tag = tagged("/socket")
    result("a WebSocket with a wrong token: 401", list(differences(
        row, proxy.ask(row, path), proxy.reached(tag))))
    row = Row("", "200", [tokens["alice"].bearer, "Upgrade: h2c",
                          "Connection: Upgrade, HTTP2-Settings",
                          f"HTTP2-Settings: {CLAIM}"], user=tokens["alice"].user)
    path, tag = tagged(ME)
    answer = proxy.ask(row, path)
    wrong = list(differences(row, answer, proxy.reached(tag)))
    if "upgrade" in answer.seen().get("headers", []):
        wrong.append("Upgrade: h2c reached the backend")
    result("no other protocol is passed on", wrong)


def transport(proxy, tokens):
    for kind in (huge, chunked, refused_body, expects, websocket):
        kind(proxy, tokens)


# --- Load -------------------------------------------------------------------------

class Load:
    """Asks with right and with wrong tokens until the file `stop` exists."""

    def __init__(self, proxy, stop, tokens):
        self.proxy, self.stop = proxy, stop
        self.counts = {"right": collections.Counter(),
                       "wrong": collections.Counter()}
        self.lock = threading.Lock()
        self.rows = {
            "right": [Row("", "", [tokens["alice"].basic]),
                      Row("", "", [tokens["alice"].bearer])],
            "wrong": [Row("", "", lines) for lines in (
                [], [tokens["revoked"].bearer], [tokens["wiki"].basic],
                [basic("alice", tokens["alice"].text[:-1])],
                ["X-Forwarded-User: alice"])]}

    def work(self, kind):
        for row in itertools.cycle(self.rows[kind]):
            if os.path.exists(self.stop):
                return
            try:
                status = self.proxy.ask(row, f"{ME}?load={kind}").status
            except OSError:
                status = "none"
            with self.lock:
                self.counts[kind][status] += 1

    def run(self):
        threads = [threading.Thread(target=self.work, args=(kind,))
                   for kind in self.counts for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(json.dumps(self.counts, sort_keys=True))


def beside(proxy, path, tokens, rounds=20):
    """The machine may be slow: so once is enough. A proxy that waits fails each
    time."""
    for _ in range(rounds):
        with Connection(proxy.url) as earlier:
            earlier.send(proxy.head(Row("", "", [tokens["alice"].basic]), ME))
            answer = proxy.ask(Row("", ""), path)
            waits = not select.select([earlier.peer], [], [], 0)[0]
            if answer.status == "200" and waits:
                return
            earlier.answer()
    sys.exit(f"{path}: status {answer.status}, after the earlier request")


def main():
    mode, url, file, tokens = sys.argv[1:]
    if mode == "load":
        Load(Proxy(url, ""), file, tokens_of(tokens)).run()
    elif mode == "beside":
        beside(Proxy(url, ""), file, tokens_of(tokens))
    else:
        {"table": table, "transport": transport}[mode](
            Proxy(url, file), tokens_of(tokens))


if __name__ == "__main__":
    main()
