"""Every n-th call of pat-httpd fails, at its start and at each of its answers."""
import json
import os
import signal

from daemon import ACCEPT, DENY, ROOT, forged, main, wait_for
from httpd import Connection, place, request
from nth_call import (CLASSES, Calls, Plan, clear, harmless, mute, plans, show,
                      tried)
from test_fcgi import request as fcgi_request

MORE = "[service jira]\n[self_service]\ntrusted_peers = %s\n" % (
    "root" if ROOT else os.geteuid())
TOKENS = "/rest/pat/latest/tokens"
ALICE = "X-Remote-User: alice"
PATIENCE = 60  # seconds for an answer: only what hangs takes that long
REFUSED = (401, 403)


def bearer(token):
    return "Authorization: Bearer " + token


class Said:
    """All that came until the connection ended, however much of an answer."""

    def __init__(self, where, data):
        text = b""
        try:
            with Connection(where, PATIENCE) as web:
                web.send(data)
                while piece := web.sock.recv(65536):
                    text += piece
        except (ConnectionError, FileNotFoundError):
            pass
        head, _, self.body = text.partition(b"\r\n\r\n")
        words = head.partition(b"\r\n")[0].split(b" ")
        self.status = int(words[1]) if len(words) > 1 else None
        self.accepted = b"Status: 200" in text  # of FastCGI

    def json(self):
        """None: it is cut."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


def http(world, *fields, path="/auth/jira", body=b"", **options):
    if body:
        fields += ("Content-Type: application/json",
                   "Content-Length: %d" % len(body))
    return Said(world.http, request(path, "Connection: close", *fields,
                                    **options) + body)


def fcgi(world, token):
    return Said(world.fcgi, fcgi_request(token, flags=0)).accepted


class Tokens:
    """Of alice: a good one, and what is none."""

    def __init__(self, world):
        self.good, self.revoked = world.token(), world.token()
        world.admin("revoke", self.revoked[5:13])
        self.bad = [self.revoked, forged(self.good[5:13]), "x"]


# ---- what is asked ----

def well(world, said, status=200):
    """It is so, or unavailable; who is good is never refused."""
    assert said.status not in REFUSED, "refused: %d" % said.status
    assert said.status == status or not harmless(world.plan), said.status
    return said.status == status


def good(world, tokens):
    well(world, http(world, bearer(tokens.good)))


def bad(world, tokens):
    for token in tokens.bad:
        assert http(world, bearer(token)).status != 200, "accepted"


def good_fcgi(world, tokens):
    assert fcgi(world, tokens.good) or not harmless(world.plan)


def bad_fcgi(world, tokens):
    for token in tokens.bad:
        assert not fcgi(world, token), "accepted"


def page(world, tokens):
    well(world, http(world, ALICE, path="/tokens"))
    assert http(world, path="/tokens").status != 200, "nobody is let in"


def list_(world, tokens):
    said = http(world, bearer(tokens.good), path=TOKENS)
    if well(world, said) and said.json() is not None:
        assert len(said.json()) > 0, "what is there is not listed"
    for token in tokens.bad:
        assert http(world, bearer(token), path=TOKENS).status != 200, "accepted"


class Maker:
    """Someone who has made no token yet: there are not many at once for one."""
    number = 0

    def __init__(self):
        Maker.number += 1
        self.name = "maker%d" % Maker.number

    def ask(self, world, path=TOKENS, **options):
        return http(world, "X-Remote-User: " + self.name, path=path, **options)

    def make(self, world):
        """What is said of the new token; None: it is not said whole."""
        said = self.ask(world, body=b'{"name":"ci"}', method="POST")
        return said.json() if well(world, said, 201) else None

    def verdict(self, world, made):
        return world.ask(self.name, made["rawToken"])[0]


def create(world, tokens):
    maker = Maker()
    made = maker.make(world)
    if made is not None:
        assert maker.verdict(world, made) == ACCEPT, "lost"
        world.tokens.append(made["rawToken"])


def revoke(world, tokens):
    world.calls.off()
    maker = Maker()
    made = maker.make(world)
    with world.calls.failing(world.plan):
        said = maker.ask(world, "%s/%d" % (TOKENS, made["id"]),
                         method="DELETE")
    if well(world, said, 204):
        assert maker.verdict(world, made) == DENY, "not revoked"


def reload(world, tokens):
    mark = world.read_httpd_log().count("settings: ")
    world.httpd.send_signal(signal.SIGHUP)
    wait_for(lambda: world.httpd.poll() is not None or world.calls.off() or
             world.read_httpd_log().count("settings: ") > mark)


ACTS = [good, bad, good_fcgi, bad_fcgi, page, list_, create, revoke, reload]


# ---- what is left of it ----

def since(world, mark):
    return world.read_httpd_log()[mark:]


def is_in(world, tokens):
    return http(world, bearer(tokens.good)).status == 200


def serves(world, tokens):
    """All is as it was."""
    assert is_in(world, tokens), "it does not resume"
    assert fcgi(world, tokens.good), "it does not resume over FastCGI"
    for token in tokens.bad:
        assert http(world, bearer(token)).status in (401, 429)
        assert not fcgi(world, token)


def left(world, mark):
    """It has ended by itself: by no signal, and it said why."""
    status = world.httpd.wait()
    world.httpd = None
    words = since(world, mark)
    assert status > 0, "status %d: %s" % (status, words[-400:])
    assert words or mute(world.plan), "nothing is said"


def again(world, tokens, mark):
    """It serves on, or leaves; whether it is there."""
    wait_for(lambda: world.httpd.poll() is not None or is_in(world, tokens))
    if world.httpd.poll() is not None:
        left(world, mark)
    else:
        serves(world, tokens)
    clear(since(world, mark))
    return world.httpd is not None


def kill(world):
    world.calls.off()
    if world.httpd is not None:
        world.stop_httpd(signal.SIGKILL)


# ---- the two cases ----

def one_start(world, tokens, plan):
    mark, world.plan = len(world.read_httpd_log()), plan
    world.calls.arm(plan)
    world.httpd = world.spawn_httpd("--debug", env=world.calls.env)
    wait_for(lambda: world.httpd.poll() is not None or world.httpd_answers())
    if world.httpd.poll() is None and plan.how != "ever":
        bad(world, tokens)
        bad_fcgi(world, tokens)
    world.calls.off()
    if again(world, tokens, mark):
        assert world.stop_httpd() == 0, "it ends with an error"
        clear(since(world, mark))


def start():
    """whatever call fails when pat-httpd starts, it says so and leaves, or
    serves; and the next start is as good as ever
    """
    with place(MORE, start=False) as world:
        world.start()
        tokens = Tokens(world)
        world.calls = Calls(world.root + "/calls")
        world.calls.arm()
        world.start_httpd("--debug", env=world.calls.env)
        totals = {kind: world.calls.total(kind) for kind in CLASSES}
        world.stop_httpd()
        tried(plans(totals), lambda plan: one_start(world, tokens, plan),
              lambda: kill(world))
        world.start_httpd()
        serves(world, tokens)
        show(world.calls, "http")


def one_act(world, tokens, act, plan):
    mark, world.plan = len(world.read_httpd_log()), plan
    with world.calls.failing(plan):
        act(world, tokens)
    if not again(world, tokens, mark):
        world.start_httpd("--debug", env=world.calls.env)
        serves(world, tokens)


def serving():
    """whatever call fails while pat-httpd answers, over HTTP and FastCGI, on its
    page and its REST interface, no bad token is in, what is acknowledged holds,
    and the next request is answered
    """
    with place(MORE, start=False) as world:
        world.start()
        tokens = Tokens(world)
        world.calls = Calls(world.root + "/calls")
        world.start_httpd("--debug", env=world.calls.env)

        def anew():
            kill(world)
            world.start_httpd("--debug", env=world.calls.env)

        wrong = []
        for act in ACTS:
            one_act(world, tokens, act, Plan("memory", 0, "once"))
            totals = {kind: world.calls.total(kind) for kind in CLASSES}
            try:
                tried(plans(totals),
                      lambda plan: one_act(world, tokens, act, plan), anew)
            except AssertionError as why:
                wrong.append("%s: %s" % (act.__name__, why))
        assert not wrong, "\n".join(wrong)
        show(world.calls, "http")


if __name__ == "__main__":
    main([start, serving])
