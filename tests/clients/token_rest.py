#!/usr/bin/env python3
"""Jira's REST interface for tokens, as its callers use it, through one proxy.

Usage: token_rest.py JIRA SSO [CASE...] <TOKENS

JIRA is the server that takes tokens, for Jira and for /rest/pat/. SSO is one with
a stand-in for a single sign-on: its session is a cookie that names the user. TOKENS
are lines NAME USER TOKEN; tests/clients/token_rest.sh makes them and says what each
may. Each line of the output is one result:

    ok<tab>SENTENCE        no<tab>SENTENCE<tab>WHY

The callers are public: what each sends and reads is as in its own code.
"""

import base64
import datetime
import http.client
import json
import re
import sys
import urllib.parse

PAT = "/rest/pat/latest/tokens"
ME = "/rest/api/2/myself"
LIMIT = 120  # seconds; only what hangs takes that long
BODY_MAX = 16384


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.fields = response.getheaders()
        self.body = response.read()
        self.type = response.getheader("Content-Type")

    def all(self, name):
        return [value for key, value in self.fields
                if key.lower() == name.lower()]

    def json(self):
        return json.loads(self.body)

    def error(self):
        """The id of an error; all of its form is checked."""
        assert self.type == "application/json", self.type
        value = self.json()
        assert list(value) == ["errorMessages", "errors", "error"], value
        assert value["errors"] == {} and value["errorMessages"][0], value
        return value["error"]

    def said(self):
        return "%d %s" % (self.status, self.error())


class Server:
    """`user` is signed in; None: nobody is."""

    def __init__(self, url, user=None):
        self.url = urllib.parse.urlsplit(url)
        self.user = user

    def ask(self, method, path, auth=None, body=None, headers=(), raw=None):
        """`body` is sent as JSON; `raw` as it is. Header names may repeat."""
        peer = http.client.HTTPConnection(
            self.url.hostname, self.url.port, timeout=LIMIT)
        fields = list(headers)
        if body is not None:
            raw = json.dumps(body).encode()
        if raw is not None:
            if not any(name.lower() == "content-type" for name, _ in fields):
                fields.append(("Content-Type", "application/json"))
            fields.append(("Content-Length", str(len(raw))))
        if auth is not None:
            fields.append(("Authorization", auth))
        if self.user is not None:
            fields.append(("Cookie", "sso=" + self.user))
        try:
            peer.putrequest(method, path, skip_accept_encoding=True)
            for name, value in fields:
                peer.putheader(name, value)
            try:
                peer.endheaders(raw)
            except (BrokenPipeError, ConnectionResetError):
                pass  # it has answered already
            return Answer(peer.getresponse())
        finally:
            peer.close()

    def tokens(self, auth=None):
        answer = self.ask("GET", PAT, auth)
        assert answer.status == 200, answer.body
        assert answer.type == "application/json"
        return answer.json()

    def make(self, auth=None, **wish):
        answer = self.ask("POST", PAT, auth, wish)
        assert answer.status == 201, (answer.status, answer.body)
        return answer.json()

    def drop(self, auth, identity):
        answer = self.ask("DELETE", "%s/%s" % (PAT, identity), auth)
        assert (answer.status, answer.body) == (204, b""), (
            answer.status, answer.body)


class Owner:
    """A token and its user."""

    def __init__(self, user, token):
        self.user, self.token = user, token
        pair = base64.b64encode(("%s:%s" % (user, token)).encode()).decode()
        self.basic = "Basic " + pair
        self.coded = "Bearer " + pair
        self.bearer = "Bearer " + token

    @property
    def id(self):
        return self.token.split("_")[1]


jira = None
alice = bob = None  # each case has users of its own, who have no tokens yet
tokens = {}


def time_of(text):
    """As psss/did and others read it: fraction and zone are required."""
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def me(auth):
    """As whom Jira is reached with this; None: it is not."""
    answer = jira.ask("GET", ME, auth)
    if answer.status != 200:
        return None
    return answer.json()["x_forwarded_user"][0]


def days_until(text):
    return (time_of(text) - now()) / datetime.timedelta(days=1)


# --- The callers -------------------------------------------------------------------

def mcp_atlassian():
    """sooperset/mcp-atlassian: POST with Basic for 90 days, reads rawToken"""
    answer = jira.ask("POST", PAT, tokens["maker"].basic,
                      {"name": "mcp-e2e", "expirationDuration": 90})
    assert answer.status in (200, 201)
    data = answer.json()
    token = data.get("rawToken") or data.get("token")
    assert me("Bearer " + token) == tokens["maker"].user
    jira.drop(tokens["maker"].basic, data["id"])


def pycontribs():
    """pycontribs/jira: POST for one day, then the token as a bare Bearer"""
    data = alice.ask("POST", PAT, None,
                     {"name": "test", "expirationDuration": 1}).json()
    assert me("Bearer " + data["rawToken"]) == alice.user
    assert 0.99 < days_until(data["expiringAt"]) <= 1
    alice.drop(None, data["id"])


def kingfisher():
    """mongodb/kingfisher: GET with a bare Bearer, DELETE of $[0].id is exactly
    204, and the token is dead"""
    for _ in range(3):
        alice.make(name="another")
    leaked = alice.make(name="leaked")
    auth = "Bearer " + leaked["rawToken"]
    found = jira.ask("GET", PAT, auth)
    assert found.status == 200
    assert isinstance(found.json(), list)
    assert found.json()[0]["id"] == leaked["id"]
    assert me(auth) == alice.user
    gone = jira.ask("DELETE", "%s/%s" % (PAT, found.json()[0]["id"]), auth)
    assert gone.status == 204, gone.body
    assert me(auth) is None
    assert jira.ask("GET", PAT, auth).status == 401
    clean(alice)


def go_service():
    """a service in Go: POST, GET and DELETE with Basic, the id as %d, the end as
    2006-01-02T15:04:05.000-0700"""
    auth = tokens["maker"].basic
    made = jira.ask("POST", PAT, auth, {"name": "svc", "expirationDuration": 7})
    assert made.status // 100 == 2
    data = made.json()
    assert type(data["id"]) is int and data["id"] > 0xffffffff
    assert data["id"] < 1 << 53
    assert data["rawToken"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[-+]\d{4}",
                        data["expiringAt"])
    listed = jira.ask("GET", PAT, auth)
    assert listed.status // 100 == 2
    same = [one for one in listed.json() if one["id"] == data["id"]]
    assert len(same) == 1 and same[0]["expiringAt"] == data["expiringAt"]
    path = "%s/%d" % (PAT, data["id"])
    assert jira.ask("DELETE", path, auth).status // 100 == 2


def rust_tool():
    """a tool in Rust: POST with a name alone, by Basic and by Bearer"""
    for auth in (tokens["maker"].basic, tokens["maker"].bearer):
        answer = jira.ask("POST", PAT, auth, {"name": "tool"})
        assert answer.status // 100 == 2
        data = answer.json()
        token = data["rawToken"] if "rawToken" in data else data["token"]
        assert me("Bearer " + token) == tokens["maker"].user
        jira.drop(auth, data["id"])


def csharp_harness():
    """a harness in C#: POST with X-Atlassian-Token: no-check is 201"""
    for value in ("no-check", "nocheck"):
        answer = alice.ask("POST", PAT, None, {"name": "harness"},
                           [("X-Atlassian-Token", value)])
        assert answer.status == 201
        assert set(answer.json()) >= {"id", "name", "createdAt", "expiringAt",
                                      "rawToken"}
        alice.drop(None, answer.json()["id"])


def did():
    """psss/did: GET, an array whose items have a name and an end to be parsed"""
    alice.make(name="did", expirationDuration=30)
    for listed in (alice.tokens(), jira.tokens(tokens["alice"].bearer)):
        assert listed
        for one in listed:
            assert isinstance(one["name"], str)
            left = time_of(one["expiringAt"]) - now()
            assert left > datetime.timedelta(0)
    clean(alice)


def python_harness():
    """a harness in Python: lists, and deletes what it has made: 204, then 404"""
    made = [alice.make(name="harness-%d" % i)["id"] for i in range(3)]
    old = [one["id"] for one in alice.tokens()
           if one["name"].startswith("harness-")]
    assert sorted(old) == sorted(made)
    for identity in old:
        path = "%s/%d" % (PAT, identity)
        assert alice.ask("DELETE", path).status == 204
        assert alice.ask("DELETE", path).said() == "404 not-found"


def python_sync():
    """a sync in Python: an array; or 401 and 403, which it tells from an absent
    feature"""
    payload = jira.ask("GET", PAT, tokens["reader"].bearer).json()
    values = payload if isinstance(payload, list) else (
        payload.get("values") or payload.get("tokens") or [])
    assert [one["name"] for one in values] == [""]
    assert jira.ask("GET", PAT).status == 401
    assert jira.ask("POST", PAT, tokens["reader"].bearer,
                    {"name": "a"}).status == 403


def prober():
    """a prober: /rest/pat/1.0/tokens is the same, and what is not there is a 404
    in JSON, not in HTML"""
    for version in ("latest", "1.0"):
        answer = jira.ask("GET", "/rest/pat/%s/tokens" % version,
                          tokens["reader"].bearer)
        assert answer.status == 200 and isinstance(answer.json(), list)
    for path in ("latest/token", "1.0", "1.0/tokens/a/b", "2.0/tokens", "",
                 "latest/tokensx", "latestx/tokens"):
        answer = jira.ask("GET", "/rest/pat/" + path, tokens["reader"].bearer)
        assert answer.said() == "404 not-found", (path, answer.body)
    answer = jira.ask("GET", "/rest/pat/latest/tokens/",
                      tokens["reader"].bearer)
    assert answer.status == 200


# --- Who it is ---------------------------------------------------------------------

def each_way_in():
    """Basic, bare Bearer and Bearer base64(user:token) are the same user"""
    for name in ("alice", "reader", "maker"):
        owner = tokens[name]
        for auth in (owner.basic, owner.bearer, owner.coded):
            listed = jira.tokens(auth)
            assert listed[0]["tokenId"] == owner.id
            assert {one["user"] for one in listed} == {owner.user}


def no_way_in():
    """without credentials, with wrong ones, and with another's name: 401 with both
    challenges"""
    alices = tokens["alice"]
    wrong = alices.token[:-1] + ("x" if alices.token[-1] != "x" else "y")
    for auth, said in (
            (None, "401 login-needed"),
            ("Bearer " + wrong, "401 bad-token"),
            (Owner(alices.user, wrong).basic, "401 bad-token"),
            (Owner(tokens["bob"].user, alices.token).basic, "401 bad-token"),
            (Owner("admin", alices.token).coded, "401 bad-token"),
            (tokens["revoked"].bearer, "401 bad-token"),
            ("Basic YWxpY2U6cGFzc3dvcmQ=", None),
            ("Digest x", "401 bad-credentials"),
            ("Bearer", "401 bad-credentials"),
            ("Basic ====", "401 bad-credentials")):
        for method, path, body in (
                ("GET", PAT, None), ("POST", PAT, {"name": "a"}),
                ("DELETE", PAT + "/self", None),
                ("POST", PAT + "/self/rotate", None)):
            answer = jira.ask(method, path, auth, body)
            assert answer.status == 401, (auth, answer.status)
            assert said is None or answer.said() == said, answer.body
            challenges = ", ".join(answer.all("WWW-Authenticate"))
            assert "Basic realm=" in challenges, challenges
            assert "Bearer realm=" in challenges, challenges


def elsewhere():
    """a token that may come from another network alone is 401 or 403"""
    answer = jira.ask("GET", PAT, tokens["away"].bearer)
    assert answer.status in (401, 403), answer.status


def any_service():
    """a token of a service or a scope that has nothing to do with it may list"""
    assert jira.tokens(tokens["wiki"].bearer)[0]["tokenId"] == tokens["wiki"].id


def signed_in():
    """the single sign-on's user needs no token, and sees the own ones"""
    made = alice.make(name="by SSO")
    assert me("Bearer " + made["rawToken"]) == alice.user
    assert made["id"] in [one["id"] for one in alice.tokens()]
    assert made["id"] not in [one["id"] for one in bob.tokens()]
    alice.drop(None, made["id"])


def signed_in_with_a_token():
    """beside the single sign-on a token decides, and must be that user's"""
    own = tokens["alice"]
    alice = Server(bob.url.geturl(), own.user)
    assert alice.tokens(own.bearer)[0]["tokenId"] == own.id
    assert alice.ask("POST", PAT, own.bearer,
                     {"name": "a"}).said() == "403 scope-tokens-needed"
    assert alice.ask("GET", PAT,
                     tokens["bob"].bearer).said() == "403 other-user"


# --- Minting by a token ------------------------------------------------------------

def scope_by_name():
    """a token needs the scope `tokens` by name to make another one"""
    for name in ("alice", "reader"):
        answer = jira.ask("POST", PAT, tokens[name].bearer, {"name": "a"})
        assert answer.said() == "403 scope-tokens-needed", answer.body
    made = jira.make(tokens["maker"].bearer, name="a")
    assert sorted(made["scopes"]) == ["tokens", "write"], made
    jira.drop(tokens["maker"].bearer, made["id"])


def never_wider():
    """and the new one is never wider than that token, by no right"""
    auth = tokens["narrow"].bearer  # tokens, read; jira; 127.0.0.1; 10 days
    for wish in ({"scopes": ["write"]}, {"scopes": ["read", "write"]},
                 {"services": ["wiki"]}, {"services": ["*"]},
                 {"networks": ["0.0.0.0/0"]}, {"networks": ["127.0.0.0/8"]}):
        answer = jira.ask("POST", PAT, auth, {"name": "a", **wish})
        assert answer.said() == "403 wider-than-parent", (wish, answer.body)
    made = jira.make(auth, name="a", scopes=["read"], expirationDuration=300)
    assert made["scopes"] == ["read"]
    assert made["services"] == ["jira"]
    assert made["networks"] == ["127.0.0.1/32"] or \
        made["networks"] == ["127.0.0.1"]
    assert days_until(made["expiringAt"]) <= 10, made
    jira.drop(auth, made["id"])


def others_need_the_scope():
    """without the scope a token ends itself, and no other"""
    made = alice.make(name="one")
    other = alice.make(name="other")
    auth = "Bearer " + made["rawToken"]
    answer = jira.ask("DELETE", "%s/%d" % (PAT, other["id"]), auth)
    assert answer.said() == "403 scope-tokens-needed", answer.body
    answer = jira.ask("POST", "%s/%d/rotate" % (PAT, other["id"]), auth)
    assert answer.said() == "403 scope-tokens-needed", answer.body
    jira.drop(auth, "self")
    assert jira.ask("DELETE", PAT + "/self", auth).status == 401
    alice.drop(None, other["id"])


def with_the_scope():
    """with the scope it ends others of the same user"""
    made = jira.make(tokens["maker"].bearer, name="victim")
    auth = "Bearer " + made["rawToken"]
    assert me(auth) == tokens["maker"].user
    jira.drop(tokens["maker"].basic, made["id"])
    assert me(auth) is None


# --- What a token is like ----------------------------------------------------------

def fields():
    """a token has exactly the fields that the manual lists"""
    made = alice.make(name="plain")
    assert list(made) == ["id", "name", "createdAt", "expiringAt", "rawToken",
                          "tokenId", "user", "status"], made
    assert made["user"] == alice.user and made["status"] == "live"
    assert abs((time_of(made["createdAt"]) - now()).total_seconds()) < 600
    shown, = [one for one in alice.tokens() if one["id"] == made["id"]]
    assert list(shown) == [key for key in made if key != "rawToken"], shown
    assert me("Bearer " + made["rawToken"]) == alice.user
    alice.drop(None, made["id"])


def never_raw():
    """no answer but that of the POST has the secret"""
    made = alice.make(name="secret")
    secret = made["rawToken"][14:44].encode()
    auth = "Bearer " + made["rawToken"]
    for path in (PAT, PAT + "/self", "%s/%d" % (PAT, made["id"]),
                 "%s/%s" % (PAT, made["tokenId"])):
        answer = jira.ask("GET", path, auth)
        assert answer.status == 200 and secret not in answer.body
        assert answer.all("Cache-Control") == ["no-store"], answer.fields
    alice.drop(None, made["id"])


def self_is_the_one():
    """`self` is the token that asks, and nothing to the single sign-on"""
    owner = tokens["alice"]
    shown = jira.ask("GET", PAT + "/self", owner.bearer)
    assert shown.status == 200 and shown.json()["tokenId"] == owner.id
    for method, path in (("GET", "/self"), ("DELETE", "/self"),
                         ("POST", "/self/rotate")):
        assert alice.ask(method, PAT + path).said() == "404 not-found"


def both_ids():
    """the number and the eight characters name the same token"""
    made = alice.make(name="twice")
    for name in (made["id"], made["tokenId"]):
        answer = alice.ask("GET", "%s/%s" % (PAT, name))
        assert answer.json()["id"] == made["id"]
    alice.drop(None, made["tokenId"])
    assert alice.ask("DELETE", "%s/%s" % (PAT, made["id"])).status == 404


def used():
    """lastAccessedAt comes with the first use"""
    made = alice.make(name="used")
    assert "lastAccessedAt" not in made
    auth = "Bearer " + made["rawToken"]
    assert me(auth) == alice.user
    path = "%s/%d" % (PAT, made["id"])
    for _ in range(1000):
        shown = alice.ask("GET", path).json()
        if "lastAccessedAt" in shown:
            break
    time_of(shown["lastAccessedAt"])
    alice.drop(None, made["id"])


def rights():
    """scopes, services, networks and uses are what was asked for"""
    made = alice.make(name="narrow", scopes=["read"], services=["jira", "wiki"],
                      networks=["192.0.2.0/24", "2001:db8::/32"], uses=2)
    assert made["scopes"] == ["read"]
    assert made["services"] == ["jira", "wiki"]
    assert made["networks"] == ["192.0.2.0/24", "2001:db8::/32"]
    assert (made["uses"], made["usesLeft"]) == (2, 2)
    assert me("Bearer " + made["rawToken"]) is None
    alice.drop(None, made["id"])


def uses_are_spent():
    """a token for two uses works twice, and asking for itself spends none"""
    made = alice.make(name="twice", uses=2)
    auth = "Bearer " + made["rawToken"]
    assert jira.ask("GET", PAT + "/self", auth).json()["usesLeft"] == 2
    assert me(auth) == alice.user
    assert jira.ask("GET", PAT + "/self", auth).json()["usesLeft"] == 1
    assert me(auth) == alice.user
    assert me(auth) is None
    alice.drop(None, made["id"])


def children():
    """a child dies with its parent, and is never wider"""
    parent = alice.make(name="parent", scopes=["read", "write"],
                        expirationDuration=2)
    for name in (parent["id"], parent["tokenId"]):
        child = alice.make(name="child", parent=name)
        assert child["parent"] == parent["id"]
        assert child["scopes"] == ["read", "write"]
        assert time_of(child["expiringAt"]) <= time_of(parent["expiringAt"])
        assert days_until(child["expiringAt"]) < 0.05
        alice.drop(None, child["id"])
    answer = alice.ask("POST", PAT, None, {
        "name": "wide", "parent": parent["id"], "scopes": ["tokens"]})
    assert answer.said() == "403 wider-than-parent", answer.body
    child = alice.make(name="child", parent=parent["id"], scopes=["read"],
                       expirationDuration=30)
    assert child["expiringAt"] == parent["expiringAt"]
    auth = "Bearer " + child["rawToken"]
    assert me(auth) == alice.user
    alice.drop(None, parent["id"])
    assert me(auth) is None
    assert jira.ask("GET", PAT, auth).status == 401
    alice.drop(None, child["id"])


def child_of_itself():
    """a token with the scope makes children of itself by `self`"""
    auth = tokens["maker"].bearer
    child = jira.make(auth, name="agent", parent="self", scopes=["write"])
    assert child["parent"] == jira.ask("GET", PAT + "/self", auth).json()["id"]
    jira.drop(auth, child["id"])
    answer = alice.ask("POST", PAT, None, {"name": "a", "parent": "self"})
    assert answer.said() == "400 parent-invalid"


def rotation():
    """a rotated token lives until its successor is used"""
    made = alice.make(name="turn", scopes=["read"], expirationDuration=3)
    old = "Bearer " + made["rawToken"]
    answer = jira.ask("POST", PAT + "/self/rotate", old)
    assert answer.status == 201, answer.body
    again = answer.json()
    assert again["id"] != made["id"]
    assert (again["name"], again["scopes"]) == ("turn", ["read"])
    assert 2.9 < days_until(again["expiringAt"]) <= 3.01
    assert me(old) == alice.user
    assert jira.ask("POST", PAT + "/self/rotate",
                    old).said() == "409 rotated-already"
    assert me("Bearer " + again["rawToken"]) == alice.user
    assert me(old) is None
    path = "%s/%d/rotate" % (PAT, again["id"])
    last = alice.ask("POST", path, None, {"grace": 0}).json()
    assert me("Bearer " + again["rawToken"]) is None
    assert me("Bearer " + last["rawToken"]) == alice.user
    clean(alice)
    assert alice.ask("POST", "%s/%d/rotate" % (PAT, last["id"]),
                     None).said() in ("409 not-live", "404 not-found")


# --- What is refused ----------------------------------------------------------------

def durations():
    """expirationDuration is a number of days, and cut to the longest lifetime"""
    for value in ("0", "-1", "1.5", '"90"', "true", "[]", "{}", "-1e9"):
        raw = b'{"name":"a","expirationDuration":%s}' % value.encode()
        assert alice.ask("POST", PAT, raw=raw).said() == \
            "400 duration-invalid", value
    for value, days in (("null", 90), ("1", 1), ("365", 365), ("366", 365),
                        ("1e9", 365), ("9223372036854775807", 365),
                        ("30.0", 30)):
        raw = b'{"name":"a","expirationDuration":%s}' % value.encode()
        answer = alice.ask("POST", PAT, raw=raw)
        assert answer.status == 201, answer.body
        left = days_until(answer.json()["expiringAt"])
        assert days - 0.01 < left <= days, (value, left)
        alice.drop(None, answer.json()["id"])
    assert alice.ask("POST", PAT, raw=b'{"name":"a","expirationDuration":'
                     b'99999999999999999999}').said() == "400 bad-json"


def names():
    """a name is one line of text, of at most 128 bytes"""
    for raw, said in (
            (b'{}', "name-required"), (b'{"name":null}', "name-required"),
            (b'{"name":""}', "name-required"),
            (b'{"name":" \\t\\u00a0"}', "name-required"),
            (b'{"name":1}', "name-invalid"),
            (b'{"name":"%s"}' % (b"n" * 129), "name-invalid"),
            (b'{"name":"a\\nb"}', "name-invalid"),
            (b'{"name":"a\\u007fb"}', "name-invalid"),
            (b'{"name":"a\\u0000b"}', "bad-json"),
            (b'{"name":"a\nb"}', "bad-json"),
            (b'{"name":"\xff"}', "bad-json"),
            (b'{"name":"\xed\xa0\x80"}', "bad-json"),
            (b'{"name":"\\ud800"}', "bad-json"),
            (b'{"name":"%s"}' % tokens["alice"].token.encode(),
             "name-invalid")):
        answer = alice.ask("POST", PAT, raw=raw)
        assert answer.said() == "400 " + said, (raw, answer.body)
        assert tokens["alice"].token[14:44].encode() not in answer.body
    for name in ("n" * 128, "<script>alert(1)</script>&amp;\"'", "Grüße 😀",
                 "../../etc", "%s%n", "a  b "):
        made = alice.make(name=name)
        assert made["name"] == name
        assert name in [one["name"] for one in alice.tokens()]
        alice.drop(None, made["id"])


def bodies():
    """a body is one JSON object with each key once, of at most 16 KiB"""
    deep = b"[" * 5000 + b"]" * 5000
    for raw in (b"", b"{", b"nonsense", b"{\"name\":\"a\"", b"{'name':'a'}",
                b'{"name":"a"} x', b'{"name":"a"}{}', b'\xff\xfe{\x00}\x00',
                b'{"name":"a","name":"b"}', b'{"name":"a","name":"a"}',
                deep, b'{"name":%s}' % deep, b'{"name":"a",}',
                b'{"name":"a"/**/}', b'{"name":NaN}', b"[]", b'"a"', b"null"):
        answer = alice.ask("POST", PAT, raw=raw)
        assert answer.status == 400, (raw[:40], answer.status)
        assert answer.error() == "bad-json", (raw[:40], answer.body)
    for raw in (b'{"name":"a","scope":["read"]}', b'{"name":"a","Name":"b"}',
                b'{"name":"a","days":1}'):
        assert alice.ask("POST", PAT, raw=raw).said() == "400 field-unknown"
    room = BODY_MAX - len(b'{"name":"a"}')
    answer = alice.ask("POST", PAT, raw=b'{"name":"a"}' + b" " * room)
    assert answer.status == 201, answer.body
    alice.drop(None, answer.json()["id"])
    for more in (1, 4096, 40000):
        answer = alice.ask("POST", PAT,
                           raw=b'{"name":"a"}' + b" " * (room + more))
        assert answer.status == 413, (more, answer.status)
        assert answer.said() == "413 too-large", (more, answer.body)


def chunked():
    """a body in chunks is read, too"""
    raw = b'{"name":"chunks"}'
    peer = http.client.HTTPConnection(
        alice.url.hostname, alice.url.port, timeout=LIMIT)
    peer.request("POST", PAT, iter([raw[:5], raw[5:]]),
                 {"Content-Type": "application/json; charset=utf-8",
                  "Cookie": "sso=" + alice.user}, encode_chunked=True)
    answer = Answer(peer.getresponse())
    peer.close()
    assert answer.status == 201, answer.body
    alice.drop(None, answer.json()["id"])


def types():
    """what is not sent as JSON is not read as JSON"""
    for kind in ("text/plain", "application/x-www-form-urlencoded",
                 "multipart/form-data; boundary=x", "application/jsonp",
                 "text/plain; application/json", ""):
        answer = alice.ask("POST", PAT, None, {"name": "a"},
                           [("Content-Type", kind)])
        assert answer.said() == "415 bad-type", (kind, answer.body)
    for kind in ("application/json", "Application/JSON;charset=UTF-8"):
        answer = alice.ask("POST", PAT, None, {"name": "a"},
                           [("Content-Type", kind)])
        assert answer.status == 201, (kind, answer.body)
        alice.drop(None, answer.json()["id"])


def lists():
    """rights that are none, and an empty list, are refused"""
    for wish, said in (
            ({"scopes": []}, "scope-invalid"),
            ({"scopes": "read"}, "scope-invalid"),
            ({"scopes": ["a b"]}, "scope-invalid"),
            ({"scopes": ["s" * 33]}, "scope-invalid"),
            ({"services": []}, "service-invalid"),
            ({"services": [""]}, "service-invalid"),
            ({"networks": []}, "network-invalid"),
            ({"networks": ["192.0.2.1/24"]}, "network-invalid"),
            ({"networks": ["localhost"]}, "network-invalid"),
            ({"parent": 1}, "parent-invalid"),
            ({"parent": 1 << 62}, "parent-invalid"),
            ({"parent": 4294967296}, "parent-invalid"),
            ({"parent": "zzzzzzzz"}, "parent-invalid"),
            ({"uses": 0}, "uses-invalid"),
            ({"uses": 1 << 32}, "uses-invalid")):
        answer = alice.ask("POST", PAT, None, {"name": "a", **wish})
        assert answer.said() == "400 " + said, (wish, answer.body)
    made = alice.make(name="a")
    for body, said in (({"grace": -1}, "grace-invalid"),
                       ({"grace": "1h"}, "grace-invalid"),
                       ({"name": "b"}, "field-unknown"),
                       ([], "bad-json")):
        answer = alice.ask("POST", "%s/%d/rotate" % (PAT, made["id"]), None,
                           body)
        assert answer.said() == "400 " + said, (body, answer.body)
    alice.drop(None, made["id"])


def methods():
    """other methods are 405 with Allow, and HEAD is GET without the body"""
    for path, allow in ((PAT, {"GET", "HEAD", "POST"}),
                        (PAT + "/12345678", {"GET", "HEAD", "DELETE"}),
                        (PAT + "/12345678/rotate", {"POST"})):
        for method in ("PUT", "PATCH", "PROPFIND", "POST", "DELETE", "GET"):
            if method in allow:
                continue
            answer = jira.ask(method, path, tokens["reader"].bearer)
            assert answer.said() == "405 bad-method", (method, path)
            allowed = set(re.split(", *", answer.all("Allow")[0]))
            assert allowed - {"OPTIONS"} == allow, allowed
    answer = jira.ask("HEAD", PAT, tokens["reader"].bearer)
    assert answer.status == 200 and answer.body == b""
    assert jira.ask("HEAD", PAT).status == 401
    answer = jira.ask("OPTIONS", PAT, tokens["reader"].bearer)
    assert answer.status in (200, 204, 405), answer.status
    assert not answer.all("Access-Control-Allow-Origin")


def ids():
    """an id that is none, nobody's or another's is 404, whoever asks"""
    alices, bobs = alice.make(name="private"), bob.make(name="hidden")
    unscoped = tokens["alice"].bearer
    for name in ("0", "1", "-1", "zzzzzzzz", "12345678", "4294967295",
                 "4294967296", "04294967296", "218344400552191",
                 "218344400552192", "9223372036854775807",
                 "9223372036854775808", "18446744073709551616",
                 "99999999999999999999999", "1e10", "0x10", "null", "~",
                 str(bobs["id"]), bobs["tokenId"], "0%d" % alices["id"],
                 "%d0000" % alices["id"], alices["tokenId"].swapcase() + "x"):
        for method, path in (("GET", ""), ("DELETE", ""),
                             ("POST", "/rotate")):
            for server, auth in ((alice, None), (jira, unscoped),
                                 (jira, tokens["maker"].bearer)):
                answer = server.ask(
                    method, "%s/%s%s" % (PAT, name, path), auth)
                # Without the scope it is not looked for.
                assert answer.said() == "404 not-found" or (
                    answer.said() == "403 scope-tokens-needed" and
                    auth == unscoped and method != "GET"), (
                        method, name, answer.status, answer.body)
                assert b"hidden" not in answer.body
    for name in ("%20", "a%2Fb", "..%2f..", "a;b", "x" * 65, "*", "a,b",
                 "%00", "%e4%b8%ad"):
        answer = alice.ask("GET", "%s/%s" % (PAT, name))
        assert answer.status in (400, 404), (name, answer.status)
    for made, server in ((alices, alice), (bobs, bob)):
        server.drop(None, made["id"])


def apart():
    """nothing of one user is in any answer to another"""
    made = alice.make(name="between-us", scopes=["read"])
    auth = "Bearer " + made["rawToken"]
    assert me(auth) == alice.user
    for answer in (bob.ask("GET", PAT),
                   bob.ask("GET", "%s/%d" % (PAT, made["id"])),
                   bob.ask("POST", PAT, None,
                           {"name": "a", "parent": made["id"]}),
                   bob.ask("DELETE", "%s/%d" % (PAT, made["id"])),
                   jira.ask("GET", PAT, tokens["bob"].bearer),
                   jira.ask("DELETE", "%s/%d" % (PAT, made["id"]),
                            tokens["bobmaker"].bearer),
                   jira.ask("POST", "%s/%d/rotate" % (PAT, made["id"]),
                            tokens["bobmaker"].bearer)):
        for secret in ("between-us", alice.user, str(made["id"]),
                       made["tokenId"]):
            assert secret.encode() not in answer.body, answer.body
    assert me(auth) == alice.user
    alice.drop(None, made["id"])


def other_sites():
    """what another site makes a browser send is refused, whatever it says"""
    host = alice.url.netloc
    for headers in ([("Sec-Fetch-Site", "cross-site")],
                    [("Sec-Fetch-Site", "same-site")],
                    [("Sec-Fetch-Site", "cross-site"),
                     ("X-Atlassian-Token", "no-check")],
                    [("Sec-Fetch-Site", "cross-site"),
                     ("Origin", "http://" + host)],
                    [("Origin", "https://evil.example")],
                    [("Origin", "null")],
                    [("Origin", "http://%s.evil.example" % host)],
                    [("Origin", "https://evil.example"),
                     ("X-Atlassian-Token", "no-check")]):
        for method, path, body in (
                ("POST", PAT, {"name": "csrf"}),
                ("POST", PAT + "/zzzzzzzz/rotate", {}),
                ("DELETE", PAT + "/zzzzzzzz", None)):
            answer = alice.ask(method, path, None, body, headers)
            assert answer.said() == "403 cross-site", (headers, answer.body)
    assert "csrf" not in [one["name"] for one in alice.tokens()]
    for headers in ([("Sec-Fetch-Site", "same-origin")],
                    [("Sec-Fetch-Site", "none")],
                    [("Origin", "http://" + host)], []):
        answer = alice.ask("POST", PAT, None, {"name": "own"}, headers)
        assert answer.status == 201, (headers, answer.body)
        alice.drop(None, answer.json()["id"])


def forged():
    """no header of the client says who it is"""
    names = {name.replace("-", dash) for dash in "-_." for name in (
        "X-Remote-User", "x-remote-user", "Remote-User", "X-Forwarded-User",
        "X-Auth-Time")}
    for name in sorted(names):
        headers = [(name, "intruder")]
        assert jira.ask("GET", PAT, None, None, headers).status in (
            400, 401, 403)
        for server, auth in ((alice, None), (jira, tokens["alice"].bearer)):
            answer = server.ask("GET", PAT, auth, None, headers)
            assert answer.status in (200, 400, 403), answer.status
            assert b"intruder" not in answer.body
    answer = alice.ask("GET", PAT, None, None,
                       [("Connection", "close, X-Remote-User")])
    assert answer.status in (200, 400, 401), answer.status


def many():
    """of more than 500 tokens the list says where it goes on, and the one that
    asks is first all the same"""
    owner = tokens["many"]
    path, seen = PAT, []
    while path:
        answer = jira.ask("GET", path, owner.bearer)
        assert answer.status == 200 and len(answer.json()) <= 501
        assert path != PAT or answer.json()[0]["tokenId"] == owner.id
        seen += [one["tokenId"] for one in answer.json()]
        link = answer.all("Link")
        path = re.fullmatch('<(/rest/pat/latest/tokens[?]after=[0-9A-Za-z]{8})>'
                            '; rel="next"', link[0])[1] if link else None
    assert len(set(seen)) == 1101 and len(seen) <= 1102, len(seen)
    for name in ("x", "", "1", "0000000000"):
        answer = jira.ask("GET", "%s?after=%s" % (PAT, name), owner.bearer)
        assert answer.said() == "400 bad-request", answer.body
    answer = jira.ask("GET", PAT + "?after=zzzzzzzz", owner.bearer)
    assert answer.json() == []


# --- Limits -------------------------------------------------------------------------

def too_many():
    """at max_per_user a POST is 409, until one is revoked"""
    made = [alice.make(name="n%d" % i)["id"] for i in range(12)]
    answer = alice.ask("POST", PAT, None, {"name": "over"})
    assert answer.said() == "409 too-many-tokens", answer.body
    alice.drop(None, made[0])
    made.append(alice.make(name="again")["id"])
    for identity in made[1:]:
        alice.drop(None, identity)


def too_fast():
    """who makes many in a short time gets 429 with Retry-After"""
    for _ in range(100):
        answer = alice.ask("POST", PAT, None, {"name": "flood"})
        if answer.status != 201:
            break
        alice.drop(None, answer.json()["id"])
    assert answer.said() == "429 too-fast", answer.body
    assert int(answer.all("Retry-After")[0]) > 0
    assert alice.tokens() == []


# --- ---------------------------------------------------------------------------------

def clean(server):
    for one in server.tokens():
        server.drop(None, one["id"])


CASES = [mcp_atlassian, pycontribs, kingfisher, go_service, rust_tool,
         csharp_harness, did, python_harness, python_sync, prober,
         each_way_in, no_way_in, elsewhere, any_service, signed_in,
         signed_in_with_a_token, scope_by_name, never_wider,
         others_need_the_scope, with_the_scope, fields, never_raw,
         self_is_the_one, both_ids, used, rights, uses_are_spent, children,
         child_of_itself, rotation, durations, names, bodies, chunked, types,
         lists, methods, ids, apart, other_sites, forged, many, too_many, too_fast]


def main():
    global jira, alice, bob
    jira = Server(sys.argv[1])
    sso, wanted = sys.argv[2], sys.argv[3:]
    for line in sys.stdin:
        name, user, token = line.split()
        tokens[name] = Owner(user, token)
    for case in CASES:
        if wanted and case.__name__ not in wanted:
            continue
        what = " ".join(case.__doc__.split())
        alice, bob = (Server(sso, "%s.%s.%d" % (
            name, case.__name__.replace("_", "-"), jira.url.port))
            for name in ("alice", "bob"))
        try:
            case()
            print("ok\t%s" % what, flush=True)
        except Exception as error:  # the next one may tell more
            trace = error.__traceback__
            while trace.tb_next and trace.tb_next.tb_frame.f_code.co_filename \
                    == __file__:
                trace = trace.tb_next
            print("no\t%s\t%s, line %d: %s %s" % (
                what, case.__name__, trace.tb_lineno, type(error).__name__,
                str(error)[:300].replace("\n", " ")), flush=True)


main()
