#!/usr/bin/env python3
"""Claims to be somebody else, by every header that a backend could believe.

Usage: claims.py URL USER [METHOD [usual]] <AUTHORIZATION

Sends each of the names below in each spelling that some server takes for the
same name, with tests/lib/backend.py behind the proxy, and prints what is wrong:
a claim that reached the backend, or a request that was not answered as exactly
USER's. Requests whose form is not that of HTTP may be refused instead. The last
line counts: "N claims in N requests". With `usual`, only the names that are
believed most often, in the spellings that are known to be taken for the same.
"""

import itertools
import json
import socket
import sys
import urllib.parse

NAMES = """
X-Forwarded-User X-Forwarded-Email X-Forwarded-Preferred-Username
X-Forwarded-Groups X-Forwarded-Access-Token X-Forwarded-Client-Cert
X-Auth-Request-User X-Auth-Request-Email X-Auth-Request-Groups
X-Auth-Request-Preferred-Username X-Auth-Request-Access-Token X-Auth-User
Remote-User Remote-Name Remote-Email Remote-Groups X-Remote-User X-Remote-Group
X-Remote-Extra-Scopes X-Proxy-Remote-User HTTP-Remote-User Redirect-Remote-User
X-Authenticated-User X-Authenticated-Userid X-Authenticated-Groups
X-WebAuth-User X-WebAuth-Name X-WebAuth-Email X-WebAuth-Role
X-ProxyUser X-Proxy-User X-User X-Username X-User-Id X-User-Email X-Login
X-Consumer-Username X-Credential-Identifier X-authentik-username
SM-User SMUSER SM-UniversalID iv-user iv-groups OAM-Remote-User eppn Shib-User
OIDC-Claim-Sub OIDC-Claim-Preferred-Username X-Goog-Authenticated-User-Email
X-Goog-IAP-JWT-Assertion X-Amzn-Oidc-Identity X-Amzn-Oidc-Data
X-MS-Client-Principal X-MS-Client-Principal-Name X-Vouch-User
X-Pomerium-Claim-Email Tailscale-User-Login Cf-Access-Jwt-Assertion
Cf-Access-Authenticated-User-Email X-SSL-Client-S-DN SSL-Client-S-DN-CN
Impersonate-User X-Jira-User X-Crowd-User X-Token-User X-Seraph-User
Proxy-Authorization X-Authorization X-Original-Authorization Cookie
X-HTTP-Method-Override X-HTTP-Method X-Method-Override Proxy Forwarded
X-Original-URL X-Rewrite-URL
""".split()

USUAL = ("X-Forwarded-User", "X-Remote-User", "Remote-User")
SEPARATORS = "-_.`~!#$%&'*+^|"  # all that RFC 9110 lets stand in a name
PER_REQUEST = 60                # Apache takes 100 headers
CLAIM = "intruder"


def usual(name):
    """With each of `-`, `_` and `.` between the words."""
    words = name.split("-")
    for mixed in itertools.product("-_.", repeat=len(words) - 1):
        yield words[0] + "".join(map("".join, zip(mixed, words[1:])))


def spellings(name):
    words = name.split("-")
    for separator in SEPARATORS:
        yield separator.join(words)
        yield separator.join(words).lower()
        yield separator.join(words).upper()
    if len(words) <= 4:
        yield from usual(name)


def headers(names, spell):
    return list(dict.fromkeys(
        spelling for name in names for spelling in spell(name)))


def complete(answer):
    head, end, body = answer.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return bool(end) and len(body) >= int(line.split(b":")[1])
    return False


def receive(peer):
    """The whole answer; a peer that refuses may close with a reset."""
    answer = b""
    try:
        while not complete(answer) and (part := peer.recv(65536)):
            answer += part
    except ConnectionResetError:
        pass
    return answer


class Proxy:
    def __init__(self, url, user, method, authorization):
        self.url = urllib.parse.urlsplit(url)
        self.user, self.method = user, method
        self.authorization = authorization
        self.requests = 0

    def send(self, lines, body=b""):
        """The status, and what the backend saw: None if it was not asked."""
        self.requests += 1
        head = [f"{self.method} {self.url.path} HTTP/1.1",
                f"Host: {self.url.netloc}",
                f"Authorization: {self.authorization}",
                "Connection: close"] + lines
        with socket.create_connection(
                (self.url.hostname, self.url.port), 60) as peer:
            peer.sendall("\r\n".join(head + ["", ""]).encode() + body)
            answer = receive(peer)
        head, _, body = answer.partition(b"\r\n\r\n")
        try:
            return head.split()[1].decode(), json.loads(body)
        except (IndexError, ValueError):
            return answer[9:12].decode("ascii", "replace"), None

    def wrong(self, what, status, seen, may_refuse):
        if seen is None:
            if not (may_refuse and status == "400"):
                print(f"{what}: status {status}")
            return
        for name, value in seen["fields"]:
            if CLAIM in (name + value).lower():
                print(f"{what}: {name}: {value} reached the backend")
        if seen["x_forwarded_user"] != [self.user]:
            print(f"{what}: came as {seen['x_forwarded_user']}")

    def claim(self, what, lines, body=b"", may_refuse=False):
        status, seen = self.send(lines, body)
        self.wrong(what, status, seen, may_refuse)


def odd_forms(proxy):
    """Where a header could hide."""
    name = "X-Forwarded-User"
    for line in (f"{name} : {CLAIM}", f"{name}\t: {CLAIM}", f" {name}: {CLAIM}",
                 f"{name}\x0b: {CLAIM}", f"{name}\n: {CLAIM}",
                 f"X-Forwarded User: {CLAIM}", f"X Forwarded User: {CLAIM}",
                 f"X-Forwarded\x00-User: {CLAIM}", f"\xa0{name}: {CLAIM}",
                 f"X-Other: a\r\n {name}: {CLAIM}", f": {name}: {CLAIM}",
                 f"Pragma: a\n{name}: {CLAIM}", f"Pragma: a\r{name}: {CLAIM}"):
        proxy.claim(repr(line), [line], may_refuse=True)
    proxy.claim("twice", [f"{name}: {CLAIM}", f"{name}: {CLAIM}2"])
    proxy.claim("empty at last", [f"X.Remote.User: {CLAIM}", "X_Remote_User:"])
    proxy.claim("named in Connection",
                [f"{name}: {CLAIM}", f"Connection: {name}",
                 "Connection: keep-alive, x_forwarded_user, Remote-User"])


def trailers(proxy):
    chunks = b"2\r\n{}\r\n0\r\n"
    for names in ("X-Forwarded-User", "Remote-User", "X.Forwarded.User"):
        proxy.claim(f"trailer {names}",
                    ["Transfer-Encoding: chunked", f"Trailer: {names}",
                     "TE: trailers"],
                    chunks + f"{names}: {CLAIM}\r\n\r\n".encode(),
                    may_refuse=True)


def main():
    url, user = sys.argv[1:3]
    method = sys.argv[3] if len(sys.argv) > 3 else "GET"
    proxy = Proxy(url, user, method, sys.stdin.read().strip())
    most = sys.argv[4:] == ["usual"]
    names = headers(USUAL, usual) if most else headers(NAMES, spellings)
    for at in range(0, len(names), PER_REQUEST):
        some = names[at:at + PER_REQUEST]
        proxy.claim(f"{some[0]} to {some[-1]}",
                    [f"{name}: {CLAIM}" for name in some])
    if not most:
        odd_forms(proxy)
        trailers(proxy)
    print(f"{len(names)} claims in {proxy.requests} requests")


if __name__ == "__main__":
    main()
