"""Several detailed questions of one connection at once (JPV2): what an answer
tells, and that none of them holds up another one.
"""
import datetime
import json
import os
import pwd
import signal
import socket
import subprocess
import sys

from daemon import (ACCEPT, DENY, ROOT, UNAVAILABLE, Client, Details, Skip,
                    detailed, forged, freeze, main, phc_of, question, wait_for,
                    world)
from hanging import NSS, hanging, services

BURST = 10  # of common/decide/throttle.h
CREDENTIALS, RIGHTS, THROTTLED = 0, 1, 2
PENDING_MAX = 64     # CONN_PENDING_MAX of patd/conns.h
FURTHER_SHARE = 128  # CONNS_FURTHER_SHARE
WARM = 9999          # the seq of a question that needs nobody


def tells_all():
    """a detailed answer tells the token's user, id and end; a denial only that
    a right is missing, and whose token it is"""
    with world() as place:
        token = place.token("alice", "--service", "jira")
        identity = token[5:13]
        shown = json.loads(place.admin("show", identity, "--json").stdout)
        ends = int(datetime.datetime.fromisoformat(
            shown["expires_at"].replace("Z", "+00:00")).timestamp())
        with Client(place.verify) as client:
            rows = [
                (("alice", token), ACCEPT, CREDENTIALS, "alice", ends),
                (("", token), ACCEPT, CREDENTIALS, "alice", ends),
                (("bob", token), DENY, CREDENTIALS, "", 0),
                (("alice", token, 7, "wiki"), DENY, RIGHTS, "alice", 0),
                (("alice", forged(identity)), DENY, CREDENTIALS, "", 0),
                (("alice", forged("aaaaaaaa")), DENY, CREDENTIALS, "", 0),
                (("alice", "hunter2"), DENY, CREDENTIALS, "", 0),
                (("", ""), DENY, CREDENTIALS, "", 0),
            ]
            for asked, verdict, denial, user, expires in rows:
                client.send(detailed(*asked))
                assert client.details() == (
                    7, verdict, denial, user, identity if user else "",
                    expires, ""), asked
            place.admin("revoke", identity)
            client.send(detailed("alice", token))
            assert client.details() == (7, DENY, CREDENTIALS, "", "", 0, "")
            other = place.token("bob")
            client.send(question("bob", other))  # and JPV1 as ever
            assert client.answer() == (ACCEPT, "bob")


class Slow:
    """Questions about "games" wait for the name service; one about `user` is
    answered from memory."""

    def __init__(self, place):
        self.place = place
        self.user = pwd.getpwuid(os.geteuid()).pw_name
        self.token, self.slow = place.token(self.user), place.token("games")
        assert self.ask_warm(place) == ACCEPT
        place.hang.begin("names.games")

    def ask_warm(self, place):
        with Client(place.verify) as client:
            client.send(self.warm())
            return client.details().verdict

    def warm(self, ask=detailed, seq=WARM):
        return ask(self.user, self.token, seq, "grouped")

    def cold(self, seq, ask=detailed):
        return ask("games", self.slow, seq, "grouped")

    def send(self, client, count, first=0):
        for seq in range(first, first + count):
            client.send(self.cold(seq))

    def idle(self):
        """Nothing is under way, and nobody is there any more."""
        self.place.hang.end("names.games")
        wait_for(lambda: self.place.stats()["queue"]["lookups"] == 0 and
                 self.place.stats()["connections"]["open"] == 0)


def slow(case):
    def run():
        with hanging(NSS, services()) as place:
            case(place, Slow(place))
    run.__doc__ = case.__doc__
    return run


def all_late(client, seqs):
    """Each is answered once, in time, as one that could not be decided."""
    answers = [client.details() for _ in seqs]
    assert [answer.seq for answer in answers] == list(seqs), answers
    assert {answer.verdict for answer in answers} == {UNAVAILABLE}, answers


@slow
def overtakes(place, slow):
    """what one question waits for does not hold up the next: answers come in
    another order, and seq tells them apart"""
    with Client(place.verify) as client:
        slow.send(client, PENDING_MAX - 1)
        client.send(slow.warm())
        answer = client.details()
        assert (answer.seq, answer.verdict) == (WARM, ACCEPT), answer
        place.hang.end("names.games")
        answers = [client.details() for _ in range(PENDING_MAX - 1)]
        assert {answer.verdict for answer in answers} == {DENY}, answers
        assert sorted(answer.seq for answer in answers) == \
            list(range(PENDING_MAX - 1))


@slow
def bounded(place, slow):
    """64 questions of a connection are under way; what it asks besides waits
    in its socket, is lost to nobody, and each has a deadline of its own"""
    with Client(place.verify) as client:
        slow.send(client, PENDING_MAX)
        client.send(slow.warm())
        client.send(slow.cold(PENDING_MAX))
        first = client.details()
        assert (first.seq, first.verdict) == (0, UNAVAILABLE), first
        rest = [client.details() for _ in range(PENDING_MAX)]
        assert sorted(answer.seq for answer in rest) == [
            *range(1, PENDING_MAX), WARM], rest
        all_late(client, [PENDING_MAX])
        # What was late is done at last, and is not answered once more.
        place.hang.end("names.games")
        wait_for(lambda: place.stats()["queue"]["lookups"] == 0)
        client.send(slow.cold(1))
        assert client.details()[:2] == (1, DENY)
    slow.idle()


@slow
def shared(place, slow):
    """questions beyond the first of each connection share a room: where a user
    has taken their part, their connections have one question at a time, and
    nobody else notices"""
    with Client(place.verify) as one, Client(place.verify) as two, \
            Client(place.verify) as three, Client(place.verify) as four:
        slow.send(one, PENDING_MAX)
        slow.send(two, PENDING_MAX)
        left = FURTHER_SHARE - 2 * (PENDING_MAX - 1)
        wait_for(lambda: place.stats()["queue"]["lookups"] == 1)
        slow.send(three, left + 1)
        three.send(slow.warm())  # not read: nothing overtakes any more
        four.send(slow.warm())
        assert four.details().verdict == ACCEPT
        if ROOT:
            assert other_user_overtakes(place, slow)
        answers = [three.details().seq for _ in range(left + 2)]
        assert answers[0] == 0 and WARM in answers, answers
        all_late(one, range(PENDING_MAX))
        all_late(two, range(PENDING_MAX))
    slow.idle()


def as_user(name, place, *asked):
    """The seq of each answer that this account gets, in their order."""
    done = subprocess.run(
        [sys.executable, "-c", """
import os, socket, sys
path, *asked = sys.argv[1:]
sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
os.setuid(int(os.environ["JP_UID"]))
sock.settimeout(30)
sock.connect(path)
try:
    for one in asked:
        sock.send(bytes.fromhex(one))
    for _ in asked:
        print(int.from_bytes(sock.recv(4096)[5:9], "big"))
except (BrokenPipeError, ConnectionResetError):
    print("refused")
""", place.verify, *(one.hex() for one in asked)],
        env={**os.environ, "JP_UID": str(pwd.getpwnam(name).pw_uid)},
        capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def other_user_overtakes(place, slow):
    """Whether a system account gets its two answers in the other order."""
    return as_user("bin", place, slow.cold(1), slow.warm()) == [str(WARM), "1"]


@slow
def plain_in_order(place, slow):
    """JPV1 questions of a connection are answered one after the other, in the
    order in which they came"""
    with Client(place.verify) as client:
        client.send(slow.cold(1, question))
        client.send(slow.warm(question, 2))
        client.send(slow.warm(detailed, 3))
        assert client.answer(1) == (UNAVAILABLE, "")
        assert client.answer(2)[0] == ACCEPT
        assert client.details().seq == 3
    slow.idle()


@slow
def mixed(place, slow):
    """a JPV1 question behind detailed ones is read at once, and nothing behind
    it before its answer"""
    with Client(place.verify) as client:
        client.send(slow.cold(1))
        client.send(slow.cold(2, question))
        client.send(slow.warm())
        assert client.details()[:2] == (1, UNAVAILABLE)
        assert client.answer(2) == (UNAVAILABLE, "")
        assert client.details()[:2] == (WARM, ACCEPT)
    slow.idle()


@slow
def leaving(place, slow):
    """clients that leave with all their questions under way cost nobody an
    answer, and leave nothing behind"""
    for _ in range(20):
        with Client(place.verify) as client:
            slow.send(client, PENDING_MAX)
            client.send(slow.warm())
    assert slow.ask_warm(place) == ACCEPT
    wait_for(lambda: place.stats()["connections"]["open"] == 0)
    slow.idle()
    assert slow.ask_warm(place) == ACCEPT


@slow
def last_one(place, slow):
    """a client that sends its last question, or closes its half, gets all
    answers, and then its connection is closed"""
    with Client(place.verify) as one, Client(place.verify) as two:
        slow.send(one, 3)
        one.send(detailed(slow.user, slow.token, WARM, "grouped",
                          front=4 | 128))
        slow.send(two, 3)
        two.sock.shutdown(socket.SHUT_WR)
        assert one.details()[:2] == (WARM, ACCEPT)
        place.hang.end("names.games")
        for client in (one, two):
            assert sorted(client.details()[:2] for _ in range(3)) == [
                (0, DENY), (1, DENY), (2, DENY)]
            assert client.closed()
    slow.idle()


@slow
def nonsense(place, slow):
    """a message that is no question closes its connection, with what is under
    way, and no other"""
    with Client(place.verify) as one, Client(place.verify) as two:
        for client in (one, two):
            slow.send(client, 3)
        one.send(slow.cold(4) + b"x")
        assert one.closed()
        place.hang.end("names.games")
        assert [two.details().verdict for _ in range(3)] == 3 * [DENY]
    slow.idle()


@slow
def stopping(place, slow):
    """patd stops: what was asked before is answered, all of it"""
    with Client(place.verify) as client:
        slow.send(client, 5)
        freeze(place.patd)
        slow.send(client, 5, 5)
        client.send(slow.warm())
        place.patd.send_signal(signal.SIGTERM)
        place.patd.send_signal(signal.SIGCONT)
        assert client.details()[:2] == (WARM, ACCEPT)
        all_late(client, range(10))
        assert client.closed()
    place.hang.end("names.games")
    status = place.patd.wait(60)
    place.patd = None
    assert status == 0, place.read_log()[-400:]


@slow
def flood(place, slow):
    """who asks without end and takes no answer is closed; others go on"""
    with Client(place.verify) as client:
        try:
            for _ in range(100000):
                client.send(slow.warm())
        except (BrokenPipeError, ConnectionResetError):
            pass
        else:
            raise AssertionError("all of it was taken")
        assert slow.ask_warm(place) == ACCEPT
    slow.idle()


def guess(place, user, texts):
    """What a client sees of guesses, one after the other."""
    with Client(place.verify) as client:
        for text in texts:
            client.send(detailed(user, text))
        return [client.details() for _ in texts]


def guess_one_by_one(place, user, texts):
    return [guess(place, user, [text])[0] for text in texts]


def nowhere(_):
    return "aaaaaaaa"


def tagged(place):
    return place.token()[5:13]


def untagged(place):
    """Its fast tag is gone, as after a loss of the pepper."""
    identity = tagged(place)
    place.record_edit("untag", identity)
    return identity


def ids_alike():
    """after ten guesses the answer is "too many", whether there is something to
    guess or not: an id that no token has, one with fast tag and one without
    cannot be told apart"""
    for ids in (nowhere, tagged, untagged):
        with world(start=False) as place:
            identity = ids(place)
            place.start("--debug")
            texts = [forged(identity) for _ in range(BURST + 5)]
            answers = guess_one_by_one(place, "alice", texts + texts[:1])
            assert answers == [Details(7, DENY, CREDENTIALS, "", "", 0, "")
                               ] * BURST + [
                Details(7, DENY, THROTTLED, "", "", 0, "")] * 6, answers
            runs = place.stats()["argon2_runs"]
            assert runs == (BURST if ids is untagged else 0), runs


def users_alike():
    """nor a user who has an imported secret from one who has none, also if one
    text is tried again and again"""
    for known in (True, False):
        for texts in (["wrong %d" % n for n in range(BURST + 5)],
                      ["wrong"] * (BURST + 5)):
            with world() as place:
                if known:
                    place.admin("import", "-",
                                said="frank:%s\n" % phc_of("right"))
                answers = guess_one_by_one(place, "frank", texts)
                assert [answer[1:3] for answer in answers] == \
                    [(DENY, CREDENTIALS)] * BURST + [(DENY, THROTTLED)] * 5
                assert {answer[3:] for answer in answers} == {
                    ("", "", 0, "")}, answers


def holder_unharmed():
    """guesses of others do not lock out who has the token, and what needs no
    guess is never told as one"""
    with world() as place:
        token = place.token("alice", "--service", "jira")
        wrong = [forged(token[5:13]) for _ in range(BURST + 1)]
        assert guess(place, "alice", wrong)[-1].denial == THROTTLED
        rows = [(("alice", token, 7, "wiki"), RIGHTS),
                (("bob", token), CREDENTIALS), (("", ""), CREDENTIALS),
                (("", "hunter2"), CREDENTIALS),
                (("alice", damaged(token)), CREDENTIALS)]
        with Client(place.verify) as client:
            for _ in range(BURST + 1):
                client.send(detailed("alice", token))
                assert client.details().verdict == ACCEPT
                for asked, denial in rows:
                    client.send(detailed(*asked))
                    assert client.details()[1:3] == (DENY, denial), asked
            place.admin("revoke", token[5:13])
            for _ in range(BURST + 1):
                client.send(detailed("alice", token))
                assert client.details()[1:3] == (DENY, CREDENTIALS)


def damaged(token):
    """With a typing error."""
    return token[:20] + ("b" if token[20] == "a" else "a") + token[21:]


def front_is_told():
    """the log and the audit trail know the front "http\""""
    with world("audit_file = {root}/audit/trail\naudit_accept = all") as place:
        token = place.token()
        with Client(place.verify) as client:
            client.send(detailed("alice", token))
            assert client.details().verdict == ACCEPT
            client.send(detailed("bob", token))
            assert client.details().verdict == DENY
        place.logged("reason=accepted id=%s front=http" % token[5:13])
        place.logged("reason=wrong-user id=%s front=http" % token[5:13])
        wait_for(lambda: place.read_trail().count('"front":"http"') == 2)


def httpd_may_ask():
    """the account of pat-httpd may ask, whatever allow_users says"""
    if not ROOT:
        raise Skip("needs root")
    with world("allow_users = games\n[pat-httpd]\nuser = bin") as place:
        asked = detailed("alice", place.token(), 3)
        assert as_user("games", place, asked) == ["3"]
        assert as_user("bin", place, asked) == ["3"]
        assert as_user("man", place, asked) in (["refused"], ["0"])


def required_trail():
    """with a required audit trail, too, several are under way, and none is
    answered before its line is written"""
    with hanging("audit_file = {root}/audit/trail\naudit_accept = all\n"
                 "audit_required = yes\n") as place:
        token = place.token()
        place.hang.begin("disk")
        with Client(place.verify) as client:
            for seq in range(PENDING_MAX):
                client.send(detailed("alice", token, seq))
            all_late(client, range(PENDING_MAX))
            place.hang.end("disk")
            wait_for(lambda: place.stats()["audit"]["lost"] == 0)
            for seq in range(PENDING_MAX):
                client.send(detailed("alice", token, seq))
            seqs = set()
            while len(seqs) < PENDING_MAX:
                seqs.add(client.details().seq)
            assert seqs == set(range(PENDING_MAX))


main([tells_all, overtakes, bounded, shared, plain_in_order, mixed, leaving,
      last_one, nonsense, stopping, flood, required_trail, ids_alike,
      users_alike, holder_unharmed, front_is_told, httpd_may_ask])
