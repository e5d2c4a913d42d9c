"""Every n-th call of patd fails, at its start and at each of its answers."""
import os
import signal
import socket
import struct
import tempfile

from daemon import (ACCEPT, DENY, Client, OneShot, main, question, wait_for,
                    world)
from nth_call import (CLASSES, Calls, Plan, clear, harmless, mute, plans, show,
                      tried)


def ask(place, user, token):
    """The verdict; None: it hung up, or has left."""
    try:
        with Client(place.verify, 20) as client:
            client.send(question(user, token))
            if not client.sock.recv(1, socket.MSG_PEEK):
                return None
            return client.answer()[0]
    except (ConnectionError, FileNotFoundError):
        return None


class Tokens:
    """One of each kind, of alice."""

    def __init__(self, place):
        self.good, self.revoked, self.expired = (
            place.token() for _ in range(3))
        place.admin("revoke", self.revoked[5:13])
        place.record_edit("expire", self.expired[5:13])
        self.cold, self.ended, self.made = [], [], []
        last = "0" if self.good[13:14] == "1" else "1"
        self.wrong = self.good[:14] + last + self.good[15:]

    def bad(self):
        return [("alice", self.revoked), ("alice", self.expired),
                ("alice", self.wrong), ("bob", self.good)]


def since(place, mark):
    return place.read_log()[mark:]


def left(place, mark, plan):
    """It has ended by itself: by no signal, and it said why."""
    status = place.patd.wait()
    place.patd = None
    words = since(place, mark)
    assert status > 0, "status %d: %s" % (status, words[-400:])
    assert words or mute(plan), "nothing is said"
    clear(words)


def serves(place, tokens):
    """All is as it was."""
    assert ask(place, "alice", tokens.good) == ACCEPT, "it does not resume"
    for user, token in tokens.bad():
        assert ask(place, user, token) == DENY


def settle(place, tokens):
    """Until it serves, or has left."""
    wait_for(lambda: place.patd.poll() is not None or
             ask(place, "alice", tokens.good) == ACCEPT)


def one_start(place, tokens, calls, plan):
    mark = len(place.read_log())
    calls.arm(plan)
    place.patd = place.spawn("--debug", env=calls.env)
    wait_for(lambda: place.patd.poll() is not None or place.answers())
    if place.patd.poll() is None and plan.how == "once":
        for user, token in tokens.bad():
            assert ask(place, user, token) != ACCEPT, "accepted"
    calls.off()
    settle(place, tokens)
    if place.patd.poll() is not None:
        left(place, mark, plan)
        return
    serves(place, tokens)
    status = place.stop()
    assert status == 0, "it ends with %d" % status
    clear(since(place, mark))


def start():
    """whatever call fails when patd starts, it says so and leaves, or serves;
    and the next start is as good as ever
    """
    with world(start=False) as place:
        tokens, calls = Tokens(place), Calls(place.root + "/calls")
        calls.arm()
        place.start("--debug", env=calls.env)
        totals = {kind: calls.total(kind) for kind in CLASSES}
        place.stop()
        tried(plans(totals),
              lambda plan: one_start(place, tokens, calls, plan),
              lambda: place.stop(signal.SIGKILL))
        place.start()
        serves(place, tokens)
        show(calls)


# ---- while it serves ----

MUX = "mux = {root}/run/mux\n"


def ask_mux(place, user, password):
    """What the protocol of saslauthd says: b"OK", b"NO", or nothing."""
    fields = (user.encode(), password.encode(), b"jira", b"")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(60)
        try:
            sock.connect(place.run_dir + "/mux")
            sock.sendall(b"".join(struct.pack(">H", len(field)) + field
                                  for field in fields))
            return sock.recv(100)[2:4]
        except (ConnectionError, FileNotFoundError):
            return b""


def well(tokens, verdict):
    """It is that of a good token, or none."""
    assert verdict != DENY, "denied"
    assert verdict == ACCEPT or not harmless(tokens.plan), "not accepted"


def good(place, tokens):
    well(tokens, ask(place, "alice", tokens.good))


def cold(place, tokens):
    """Of one that is not known by heart."""
    well(tokens, ask(place, "alice", tokens.cold.pop()))


def bad(place, tokens):
    for user, token in tokens.bad():
        assert ask(place, user, token) != ACCEPT, "accepted"


def mux(place, tokens):
    ask_mux(place, "alice", tokens.good)
    for user, token in tokens.bad():
        assert ask_mux(place, user, token) != b"OK", "accepted"


def reload(place, tokens):
    mark = place.read_log().count("settings: ")
    place.patd.send_signal(signal.SIGHUP)
    wait_for(lambda: place.patd.poll() is not None or place.calls.off() or
             place.read_log().count("settings: ") > mark)


def command(*words):
    """One of pat-admin, which does not fail itself."""
    def act(place, tokens):
        done = place.admin(*words, check=False)
        assert done.returncode in (0, 1, 3), done
        if done.returncode != 0:
            clear(done.stderr)
    act.__name__ = words[0]
    return act


def revoke(place, tokens):
    """What was acknowledged holds."""
    token = tokens.cold.pop()
    done = place.admin("revoke", token[5:13], check=False)
    if done.returncode != 0:
        clear(done.stderr)
        return
    tokens.ended.append(token)


def create(place, tokens):
    done = place.admin("create", "alice", check=False)
    if done.returncode == 0:
        tokens.made.append(done.stdout.strip())
    else:
        assert not done.stdout, "a token that is not there"
        clear(done.stderr)


def backup(place, tokens):
    folder = tempfile.mkdtemp(dir=place.root) + "/copy"
    done = place.admin("backup", folder, check=False)
    if done.returncode == 0:
        assert os.listdir(folder)
    else:
        clear(done.stderr)


ACTS = [good, cold, bad, mux, create, revoke, reload, backup,
        command("user", "disable", "carol"), command("user", "enable", "carol"),
        command("list", "--all"), command("purge"), command("stats")]


def again(place, tokens, mark, plan):
    """It serves on, or leaves and is started anew, as by systemd."""
    settle(place, tokens)
    if place.patd.poll() is not None:
        left(place, mark, plan)
        place.start("--debug", env=place.env)
    serves(place, tokens)
    for token in tokens.ended:
        assert ask(place, "alice", token) == DENY, "it is not revoked"
    for token in tokens.made:
        assert ask(place, "alice", token) == ACCEPT, "it is lost"
    clear(since(place, mark))


def stock(place, tokens):
    """Tokens that patd has not seen."""
    tokens.cold += [token for _, token in place.batch(["alice"] * 100)]


def one_act(place, tokens, calls, act, plan):
    mark = len(place.read_log())
    tokens.ended, tokens.made, tokens.plan = [], [], plan
    if len(tokens.cold) < 4:
        stock(place, tokens)
    with calls.failing(plan):
        act(place, tokens)
    again(place, tokens, mark, plan)


def serving():
    """whatever call fails while patd answers, nothing wrong is accepted, nothing
    acknowledged is lost, and the next request is served
    """
    with world(MUX, start=False) as place:
        tokens, calls = Tokens(place), Calls(place.root + "/calls")
        place.env, place.calls = calls.env, calls
        place.start("--debug", env=calls.env)

        def anew():
            calls.off()
            place.stop(signal.SIGKILL)
            place.start("--debug", env=calls.env)

        wrong = []
        for act in ACTS:
            one_act(place, tokens, calls, act, Plan("memory", 0, "once"))
            totals = {kind: calls.total(kind) for kind in CLASSES}
            signals = {"signal": totals["signal"]}  # each, of a question
            try:
                tried([*plans(totals), *plans(signals, most=30)],
                      lambda plan: one_act(place, tokens, calls, act, plan),
                      anew)
            except AssertionError as why:
                wrong.append("%s: %s" % (act.__name__, why))
        assert not wrong, "\n".join(wrong)
        show(calls)


# ---- alone ----

def one_shot(place, user, token, env=None):
    """The verdict, None: none; and its exit status."""
    with open(place.log, "a") as log:
        shot = OneShot(place, user, token, env=env, stderr=log)
    try:
        verdict = shot.end()[0][0]
    except (ConnectionError, AssertionError):
        verdict = None
    return verdict, shot.patd.wait(60)


def one_alone(place, tokens, calls, plan):
    mark, tokens.plan = len(place.read_log()), plan
    for user, token in [("alice", tokens.good), *tokens.bad()]:
        calls.arm(plan)
        verdict, status = one_shot(place, user, token, calls.env)
        calls.off()
        assert status >= 0, "status %d" % status
        if token == tokens.good and user == "alice":
            well(tokens, verdict)
        else:
            assert verdict != ACCEPT, "accepted"
    clear(since(place, mark))
    assert one_shot(place, "alice", tokens.good) == (ACCEPT, 0)


def alone():
    """so it is with a patd for one question, and the next one is answered"""
    with world(start=False) as place:
        tokens, calls = Tokens(place), Calls(place.root + "/calls")
        calls.arm()
        one_shot(place, "alice", tokens.good, calls.env)
        totals = {kind: calls.total(kind) for kind in CLASSES}
        tried(plans(totals),
              lambda plan: one_alone(place, tokens, calls, plan))
        show(calls)


main([start, serving, alone])
