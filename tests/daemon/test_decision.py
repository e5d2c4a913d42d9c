"""What patd decides of tokens that are disabled, children of others, limited to
a number of uses, or not fetched yet; and of those that manage themselves.
"""
import socket
import threading

from daemon import (ACCEPT, AUDIT, DENY, MAY, ROOT, Client, OneShot,
                    Skip, account, as_user, detailed, forged, main, text,
                    wait_for, world)

SELF = 2  # the access of JPV2
CONFIG = """
[pat-httpd]
user = bin
[service jira]
scope = api
[service *]
upstream = required
"""


def identity(token):
    return token[5:13]


def edited(place, *edits):
    """Changes records, each edit a tuple, while no patd runs; then one does."""
    if place.patd is not None:
        assert place.stop() == 0
    for edit in edits:
        place.record_edit(*edit)
    place.start("--debug")


def reason(place, token, *args):
    said = place.admin("test", "alice", "--service", "jira", *args,
                       check=False, said=token + "\n").stdout.strip()
    return said.rpartition(": ")[2]


def denied(place, token, why):
    assert place.ask("alice", token) == (DENY, "")
    assert reason(place, token) == why, reason(place, token)


def accepted(place, token):
    assert place.ask("alice", token) == (ACCEPT, "alice")
    assert reason(place, token) == "accepted"


def disabled():
    """a disabled token is denied on the very next request, and an enabled one is
    accepted on the very next one, 20 times"""
    with world(args=()) as place:
        token = place.token()
        with Client(place.verify) as client:
            for _ in range(20):
                assert client.ask("alice", token) == (ACCEPT, "alice")
                place.admin("disable", identity(token))
                assert client.ask("alice", token) == (DENY, "")
                place.admin("enable", identity(token))
            assert client.ask("alice", token) == (ACCEPT, "alice")
        assert place.stats()["argon2_runs"] == 1
        place.admin("disable", identity(token))
        denied(place, token, "disabled")
        assert place.stop() == 0  # and over a restart
        place.start("--debug")
        denied(place, token, "disabled")


def family(place, *edits):
    """A token, a child and a grandchild of it, of which patd knows."""
    tokens = [place.token() for _ in range(3)]
    edited(place, *[("child=" + identity(above), identity(token))
                    for above, token in zip(tokens, tokens[1:])], *edits)
    for token in tokens:
        accepted(place, token)
    return tokens


def parent_revoked():
    """children of a revoked token, and theirs, are denied on the very next
    request"""
    with world(AUDIT, start=False) as place:
        token, child, grandchild = family(place)
        place.admin("revoke", identity(token))
        denied(place, child, "parent")
        denied(place, grandchild, "parent")
        denied(place, token, "revoked")
        wait_for(lambda: '"reason":"parent"' in place.read_trail())
        token, child, grandchild = family(place)
        place.admin("revoke", identity(child))
        accepted(place, token)
        denied(place, child, "revoked")
        denied(place, grandchild, "parent")


def parent_expired():
    """a child is denied as soon as its parent is expired, or is gone"""
    with world(start=False) as place:
        parent = place.token("alice", "--expires", "4s")
        child = place.token()
        edited(place, ("child=" + identity(parent), identity(child)))
        wait_for(lambda: place.ask("alice", child) == (DENY, ""))
        denied(place, child, "parent")
        edited(place, ("delete", identity(parent)))
        denied(place, child, "parent")


def parent_disabled():
    """a child of a disabled token, or of a disabled user, is denied on the very
    next request, and accepted again on the very next one"""
    with world(start=False) as place:
        token, child, grandchild = family(place)
        for _ in range(3):
            place.admin("disable", identity(token))
            denied(place, child, "parent")
            denied(place, grandchild, "parent")
            place.admin("enable", identity(token))
            accepted(place, grandchild)
            place.admin("user", "disable", "alice")
            denied(place, child, "user-disabled")
            place.admin("user", "enable", "alice")
            accepted(place, child)
            accepted(place, grandchild)


def three_uses():
    """a token with three uses is accepted three times in 400 questions over eight
    connections, and in none after a kill -9"""
    with world(start=False) as place:
        token = place.token()
        edited(place, ("uses=3", identity(token)))
        assert place.hammer([("alice", token)], 400, 8) == (3, 397, 0)
        place.stop(9)
        place.start("--debug")
        assert place.hammer([("alice", token)], 40, 8) == (0, 40, 0)
        denied(place, token, "used-up")


def uses_left():
    """what was used before a kill -9 is used after it; a test, a denial and a
    question about the account use nothing"""
    with world(start=False) as place:
        token = place.token()
        edited(place, ("uses=3", identity(token)))
        for _ in range(5):
            assert reason(place, token) == "accepted"
            assert place.ask("bob", token) == (DENY, "")
            with Client(place.verify) as client:
                client.send(account("alice"))
                assert client.answer() == (MAY, "alice")
        assert place.ask("alice", token) == (ACCEPT, "alice")
        place.stop(9)
        place.start("--debug")
        assert place.hammer([("alice", token)], 40, 8) == (2, 38, 0)
        with Client(place.verify) as client:
            client.send(account("alice"))
            assert client.answer() == (DENY, "")


def killed():
    """a token with 300 uses, asked about over eight connections while patd is
    killed five times, is accepted 300 times at most"""
    with world(start=False) as place:
        token = place.token()
        edited(place, ("uses=300", identity(token)))
        lock, counts = threading.Lock(), {ACCEPT: 0, DENY: 0}
        ended = threading.Event()

        def ask():
            while not ended.is_set():
                try:
                    with Client(place.verify) as client:
                        while not ended.is_set():
                            verdict = client.ask("alice", token)[0]
                            with lock:
                                counts[verdict] = counts.get(verdict, 0) + 1
                except (OSError, AssertionError):
                    ended.wait(0.01)  # there is no patd

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        try:
            for kill in range(1, 6):
                wait_for(lambda: counts[ACCEPT] >= 30 * kill)
                place.stop(9)
                place.start("--debug")
            wait_for(lambda: counts[DENY] > 100)
        finally:
            ended.set()
            for thread in threads:
                thread.join()
        # One lost with each kill, or more where several were under way.
        assert 200 < counts[ACCEPT] <= 300, counts
        denied(place, token, "used-up")


def both():
    """an ordinary token is always accepted while each use of another is written
    """
    with world(start=False) as place:
        limited, ordinary = place.token(), place.token()
        edited(place, ("uses=1000", identity(limited)))
        pairs = [("alice", limited), ("alice", ordinary)]
        assert place.hammer(pairs, 600, 8) == (600, 0, 0)


def no_more_work():
    """a question about an ordinary token reads one record and writes nothing; one
    about a child reads one more for each above it"""
    with world(start=False) as place:
        tokens = family(place)
        for above, token in enumerate(tokens):
            assert place.hammer([("alice", token)], 10) == (10, 0, 0)
            before = place.stats()["store"]
            assert place.hammer([("alice", token)], 1000) == (1000, 0, 0)
            after = place.stats()["store"]
            assert after["reads"] - before["reads"] == 1000 * (1 + above)
            assert after["commits"] == before["commits"]


def self_access():
    """whether a token manages itself is answered to pat-httpd, root and patd's
    own account: no service, scope or upstream credential is asked for; to others
    it is a question like any"""
    if not ROOT:
        raise Skip("needs root")
    with world(CONFIG) as place:
        token = place.token("alice", "--scope", "ui", "--service", "imap")

        def ask():
            with Client(place.verify) as client:
                client.send(detailed("", token, service="tokens", read=SELF))
                return client.details()

        for name in ("bin", "root", place.user):
            said = as_user(name, lambda: ask()[1:])
            assert said.startswith("(2, 0, 'alice', '%s'" % identity(token))
        for name in ("sys", "games"):
            said = as_user(name, lambda: ask()[1:])
            assert said.startswith("(0, 1, 'alice', '%s'" % identity(token))
        bare = place.token("alice")  # holds every right
        message = detailed("", bare, service="tokens", read=SELF)
        with Client(place.verify) as client:
            client.send(message)
            assert client.details().verdict == ACCEPT
        place.admin("revoke", identity(bare))
        with Client(place.verify) as client:
            client.send(message)
            answer = client.details()
            assert (answer.verdict, answer.user) == (DENY, ""), answer


def self_one_shot():
    """--one-shot takes no such question: it is one like any"""
    with world(start=False) as place:
        token = place.token("alice", "--service", "imap")
        shot = OneShot(place, "alice", token, detailed(
            "", token, service="tokens", read=SELF))
        answer = shot.client.details()
        assert (answer.verdict, answer.denial) == (DENY, 1), answer
        shot.client.close()
        assert shot.patd.wait(60) == 0


def self_uses():
    """a token that manages itself takes none of its uses"""
    with world(start=False) as place:
        token = place.token()
        edited(place, ("uses=2", identity(token)))
        with Client(place.verify) as client:
            for _ in range(10):
                client.send(
                    detailed("", token, service="tokens", read=SELF))
                assert client.details().verdict == ACCEPT
        assert place.hammer([("alice", token)], 20, 4) == (2, 18, 0)


def unclaimed():
    """a token that waits to be fetched is never accepted, and no text with its id
    costs an Argon2id"""
    with world(start=False) as place:
        token = place.token()
        edited(place, ("unclaim", identity(token)))
        texts = [token] + [forged(identity(token)) for _ in range(99)]
        pairs = [("alice", text) for text in texts]
        assert place.hammer(pairs, 300, 8) == (0, 300, 0)
        denied(place, token, "secret")
        with Client(place.verify) as client:
            client.send(account("alice"))
            assert client.answer() == (DENY, "")
        assert place.stats()["argon2_runs"] == 0


def ask_stream(place, token):
    """In the protocol of saslauthd."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.connect(place.root + "/run/mux")
        sock.sendall(b"".join(map(text, ("alice", token, "svn", ""))))
        answer = b""
        while more := sock.recv(16):
            answer += more
        return answer[2:4]


def many(place):
    """A token of each kind, of alice and bob; and what is known of them."""
    good, paused, child, used, waits = [place.token() for _ in range(5)]
    parent = place.token("alice", "--name", "parent")
    place.admin("revoke", identity(parent))
    place.record_edit("disable", identity(paused))
    place.record_edit("child=" + identity(parent), identity(child))
    place.record_edit("uses=1", identity(used))
    place.record_edit("unclaim", identity(waits))
    return good, used, (paused, child, waits)


def saslauthd():
    """the saslauthd protocol answers NO for such tokens, and OK once for one with
    one use"""
    with world("mux = {root}/run/mux\n", start=False) as place:
        good, used, others = many(place)
        place.streams = [place.root + "/run/mux"]
        place.start("--debug")
        assert [ask_stream(place, used) for _ in range(3)] == [
            b"OK", b"NO", b"NO"]
        assert ask_stream(place, good) == b"OK"
        for token in others:
            assert ask_stream(place, token) == b"NO"


def one_shot():
    """--one-shot decides of them as patd does, and takes the uses, too"""
    with world(start=False) as place:
        good, used, others = many(place)
        assert OneShot(place, "alice", good).end() == ((ACCEPT, "alice"), 0)
        assert OneShot(place, "alice", used).end() == ((ACCEPT, "alice"), 0)
        for token in (used, *others):
            assert OneShot(place, "alice", token).end() == ((DENY, ""), 0)


def one_shots_at_once():
    """eight --one-shot at once take three uses of a token with three"""
    with world(start=False) as place:
        token = place.token()
        place.record_edit("uses=3", identity(token))
        shots = [OneShot(place, "alice", token) for _ in range(8)]
        answers = [shot.end()[0][0] for shot in shots]
        assert answers.count(ACCEPT) == 3, answers


def accounts():
    """whether a user may log in is decided without such tokens"""
    with world(start=False) as place:
        good, used, others = many(place)
        place.admin("revoke", identity(good))
        place.start("--debug")

        def may():
            with Client(place.verify) as client:
                client.send(account("alice"))
                return client.answer()
        assert may() == (MAY, "alice")  # by the one that is not used yet
        assert place.ask("alice", used) == (ACCEPT, "alice")
        assert may() == (DENY, "")


def counted():
    """each reason has its counter"""
    with world(start=False) as place:
        good, used, others = many(place)
        place.start("--debug")
        for token in (good, used, used, *others):
            place.ask("alice", token)
        counts = place.stats()["requests"]
        for name in ("disabled", "parent", "used-up", "secret"):
            assert counts["denied"][name] == 1, counts
        assert counts["accepted"]["accepted"] == 2, counts
        lines = place.admin("stats", "--prometheus").stdout
        for name in ("disabled", "parent", "used-up"):
            assert 'reason="%s"} 1' % name in lines, lines


main([disabled, parent_revoked, parent_expired, parent_disabled, three_uses,
      uses_left, killed, both, no_more_work, self_access, self_one_shot,
      self_uses, unclaimed, saslauthd, one_shot, one_shots_at_once, accounts,
      counted])
