#!/usr/bin/env python3
"""What every proxy in front of the page and the REST interface of pat-httpd has to
do alike.

Usage: self_service.py URL USER PASSWORD TOKEN [alone] <TOKEN'S TEXT

At URL is a proxy: /rest/pat/ is open to tokens, /tokens to people, who are signed
in by HTTP Basic in the place of a single sign-on, and all else is Jira,
tests/lib/backend.py, behind the authorizer, or if `alone` there is none. USER is one of these people. TOKEN is
the id of one of the user's tokens. Each line of the output is one result:

    ok<tab>SENTENCE        no<tab>SENTENCE<tab>WHY
"""

import base64
import json
import socket
import sys
import urllib.parse

PAT = "/rest/pat/latest/tokens"
PAGE = "/tokens"
CLAIM = "intruder"
LIMIT = 120  # seconds; only what hangs takes that long
NAMES = ("X-Remote-User", "Remote-User", "X-Forwarded-User", "X-Auth-Time",
         "X-Auth-Request-User", "Redirect-Remote-User", "Auth-Time")
SEPARATORS = "-_.`~!#$%&'*+^|"  # all that RFC 9110 lets stand in a name


class Answer:
    def __init__(self, data):
        head, _, self.body = data.partition(b"\r\n\r\n")
        self.head = head.decode("latin-1")
        words = self.head.split(" ", 2)
        self.status = int(words[1]) if len(words) > 1 else 0

    def json(self):
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def is_jiras(self):
        return isinstance(self.json(), dict) and \
            "x_forwarded_user" in self.json()


class Proxy:
    def __init__(self, url, user, password, token, identity):
        self.url = urllib.parse.urlsplit(url)
        self.user, self.id = user, identity
        self.people = "Authorization: Basic " + base64.b64encode(
            ("%s:%s" % (user, password)).encode()).decode()
        self.bearer = "Authorization: Bearer " + token
        self.basic = "Authorization: Basic " + base64.b64encode(
            ("%s:%s" % (user, token)).encode()).decode()
        self.secret = token[14:44]

    def ask(self, path, *fields, method="GET", body=b""):
        """The target and the fields go out as they are."""
        lines = ["%s %s HTTP/1.1" % (method, path),
                 "Host: " + self.url.netloc, "Connection: close", *fields]
        if body or method == "POST":
            lines.append("Content-Length: %d" % len(body))
        with socket.create_connection(
                (self.url.hostname, self.url.port), LIMIT) as peer:
            peer.sendall("\r\n".join([*lines, "", ""]).encode() + body)
            data = b""
            try:
                while part := peer.recv(65536):
                    data += part
            except ConnectionResetError:
                pass
        return Answer(data)


def rest(proxy):
    """a token opens the REST interface, in each of its forms"""
    for auth in (proxy.bearer, proxy.basic):
        answer = proxy.ask(PAT, auth)
        assert answer.status == 200, answer.head
        assert answer.json()[0]["tokenId"] == proxy.id
        assert answer.json()[0]["user"] == proxy.user


def nobody(proxy):
    """without one it is 401, in JSON, and with challenges"""
    answer = proxy.ask(PAT)
    assert answer.status == 401, answer.head
    assert answer.json()["error"] == "login-needed", answer.body
    assert "www-authenticate: basic" in answer.head.lower(), answer.head


def page(proxy):
    """the page is for who is signed in, and by that name"""
    answer = proxy.ask(PAGE, proxy.people)
    assert answer.status == 200, answer.head
    assert "text/html" in answer.head and proxy.user.encode() in answer.body
    assert b"<html" in answer.body
    assert "content-security-policy:" in answer.head.lower()


def no_page(proxy):
    """nobody else sees it: not without a name, nor with a token"""
    for fields in ((), (proxy.bearer,), (proxy.basic,)):
        answer = proxy.ask(PAGE, *fields)
        assert answer.status in (401, 403), answer.head
        assert proxy.user.encode() not in answer.body


def claims(proxy):
    """no header of the client says who it is, in no spelling"""
    spellings = dict.fromkeys(
        spelling for name in NAMES for separator in SEPARATORS
        for spelling in (name.replace("-", separator),
                         name.replace("-", separator, 1),
                         name.replace("-", separator).lower(),
                         name.replace("-", separator).upper()))
    for name in spellings:
        field = "%s: %s" % (name, CLAIM)
        for path, fields, status in ((PAT, (), 401), (PAGE, (), 401),
                                     (PAT, (proxy.bearer,), 200),
                                     (PAGE, (proxy.people,), 200)):
            answer = proxy.ask(path, field, *fields)
            assert answer.status in (status, 400), (name, path, answer.head)
            assert CLAIM.encode() not in answer.body, (name, path)
    for fields in ((proxy.people,), ("X-Remote-User: " + CLAIM, proxy.people)):
        answer = proxy.ask(PAGE, "Connection: X-Remote-User", *fields)
        assert answer.status in (200, 400), answer.head
        assert CLAIM.encode() not in answer.body


def other_sites(proxy):
    """what another site makes a browser send is refused, and what comes from here
    is not"""
    for path, fields, body in (
            (PAGE, (proxy.people,
                    "Content-Type: application/x-www-form-urlencoded"),
             b"name=x"),
            (PAT, (proxy.bearer, "Content-Type: application/json"),
             b'{"name":"x"}')):
        for field in ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site",
                      "Origin: https://evil.example", "Origin: null"):
            answer = proxy.ask(path, field, *fields, method="POST", body=body)
            assert answer.status == 403, (path, field, answer.head)
            assert b"cross-site" in answer.body, (path, field, answer.body)
        answer = proxy.ask(path, "Origin: %s://%s" % proxy.url[:2], *fields,
                           method="POST", body=body)
        assert b"cross-site" not in answer.body, (path, answer.body)


def paths(proxy):
    """however a path is written, Jira gets no token, and nobody reaches it without
    one"""
    me = "/rest/api/2/myself"
    for start in ("/rest/pat", "/rest/pat/latest/tokens", "/tokens"):
        up = start.count("/")
        for step in ("/..", "/%2e%2e", "/.%2e", "/x/../..", "//..", "/..;",
                     "/%2e%2e%2f..", "\\.."):
            path = start + step * up + me
            answer = proxy.ask(path)
            assert answer.status >= 300, (path, answer.head)
            for auth in (proxy.bearer, proxy.people):
                answer = proxy.ask(path, auth)
                assert proxy.secret.encode() not in answer.body, path
                if answer.is_jiras():
                    assert answer.json()["authorization"] == [], path
                    assert auth == proxy.bearer, path
    for path in ("/rest/patx", "/rest/pat%2flatest/tokens", "/rest//pat/x",
                 "/Rest/Pat/latest/tokens", "/tokensx", "/rest/pat;x/y",
                 "/rest/%70at/latest/tokens", "/%74okens"):
        answer = proxy.ask(path)
        assert answer.status >= 300, (path, answer.head)
        answer = proxy.ask(path, proxy.bearer)
        assert proxy.secret.encode() not in answer.body, path
        if answer.is_jiras():
            assert answer.json()["authorization"] == [], path


def jira(proxy):
    """and Jira beside it is reached as before: as the user, without the token"""
    answer = proxy.ask("/rest/api/2/myself", proxy.bearer)
    assert answer.status == 200, answer.head
    assert answer.json()["x_forwarded_user"] == [proxy.user]
    assert answer.json()["authorization"] == []
    assert proxy.ask("/rest/api/2/myself").status == 401


def methods(proxy):
    """methods, statuses and their fields pass both ways"""
    path = PAT + "/zzzzzzzz"
    answer = proxy.ask(path, proxy.bearer, method="DELETE")
    assert answer.status in (403, 404), answer.head
    assert "error" in answer.json()
    answer = proxy.ask(path, proxy.bearer, method="PUT", body=b"{}")
    assert answer.status == 405, answer.head
    assert "\r\nallow:" in answer.head.lower()
    assert answer.json()["error"] == "bad-method"
    answer = proxy.ask(PAT, proxy.bearer, method="HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert "cache-control: no-store" in answer.head.lower()
    for more in (0, 1, 40000):
        answer = proxy.ask(PAT, proxy.bearer, "Content-Type: application/json",
                           method="POST", body=b" " * (16384 + more))
        want = "bad-json" if more == 0 else "too-large"
        assert answer.json() and answer.json()["error"] == want, (
            more, answer.head)


def main():
    url, user, password, identity = sys.argv[1:5]
    proxy = Proxy(url, user, password, sys.stdin.read().strip(), identity)
    alone = len(sys.argv) > 5
    for case in (rest, nobody, page, no_page, claims, other_sites, paths,
                 *([] if alone else [jira]), methods):
        what = " ".join(case.__doc__.split())
        try:
            case(proxy)
            print("ok\t%s" % what, flush=True)
        except Exception as error:  # the next one may tell more
            print("no\t%s\t%s %s" % (
                what, type(error).__name__,
                str(error)[:300].replace("\n", " ")), flush=True)


main()
