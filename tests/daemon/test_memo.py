"""What patd remembers, counted: how many Argon2id runs questions cost, and that
no memory of a token outlives its revocation.
"""
import random
import select
import signal
import threading
import time

from daemon import (ACCEPT, BASE62, DENY, UNAVAILABLE, Client, connect,
                    forged, main, make_slow, question, room_for, wait_for,
                    world)

CROWD = 1000
LIMITS = "max_connections = 1100\nmax_per_uid = 1100"


class Info:
    """The counters of patd that are about memory."""

    def __init__(self, place):
        stats = place.stats()
        self.runs = stats["argon2_runs"]
        self.hits = stats["memo"]["hits"]
        self.misses = stats["memo"]["misses"]
        self.entries = stats["memo"]["entries"]


def repeated():
    """1,000 questions about one token run one Argon2id"""
    with world() as place:
        token = place.token()
        with Client(place.verify) as client:
            for seq in range(1000):
                assert client.ask("alice", token, seq) == (ACCEPT, "alice")
        info = Info(place)
        assert info.runs == 1, info.runs
        assert info.hits == 999 and info.entries == 1, vars(info)


def crowd():
    """1,000 clients with one cold token run one Argon2id"""
    with world(LIMITS, start=False) as place:
        make_slow(place, 1)
        token = place.token()
        place.start()
        clients = [connect(place.verify) for _ in range(room_for(CROWD))]
        for client in clients:
            client.send(question("alice", token))
        for client in clients:
            assert client.answer() == (ACCEPT, "alice")
            client.close()
        assert Info(place).runs == 1, Info(place).runs


def no_memo():
    """with cache_entries = 0 each question runs its Argon2id"""
    with world("cache_entries = 0") as place:
        token = place.token()
        with Client(place.verify) as client:
            for seq in range(10):
                assert client.ask("alice", token, seq) == (ACCEPT, "alice")
        info = Info(place)
        assert info.runs == 10 and info.hits == 0, vars(info)


def passes_the_queue():
    """a known token is answered while every worker hashes for others"""
    with world("workers = 1", start=False) as place:
        warm = place.token()
        make_slow(place, 4)
        slow = [place.token() for _ in range(4)]
        place.start()
        assert place.ask("alice", warm) == (ACCEPT, "alice")
        clients = [Client(place.verify) for _ in slow]
        for client, token in zip(clients, slow):
            client.send(question("alice", token))
        assert place.ask("alice", warm) == (ACCEPT, "alice")
        ready, _, _ = select.select([clients[-1].sock], [], [], 0)
        assert not ready, "the last of the queue was answered before"
        for client in clients:
            assert client.answer()[0] in (ACCEPT, UNAVAILABLE)
            client.close()


def hangup():
    """SIGHUP forgets what was proved, also if the file is bad"""
    with world() as place:
        token = place.token()
        for runs, more, said in ((1, "", "settings: reloaded"),
                                 (2, "colour = blue",
                                  "settings: not changed")):
            for _ in range(3):
                assert place.ask("alice", token) == (ACCEPT, "alice")
            assert Info(place).runs == runs
            place.write(more)
            place.patd.send_signal(signal.SIGHUP)
            wait_for(lambda: said in place.read_log())
            place.write()
            assert Info(place).entries == 0
        assert place.ask("alice", token) == (ACCEPT, "alice")
        assert Info(place).runs == 3


def forgeries():
    """10,000 forged tokens run no Argon2id"""
    with world(args=()) as place:
        token = place.token()
        identity = token[5:13]
        with Client(place.verify) as client:
            for seq in range(10000):
                wrong = forged(identity if seq % 2 else "".join(
                    random.choices(BASE62, k=8)))
                assert client.ask("alice", wrong, seq) == (DENY, "")
        info = Info(place)
        assert info.runs == 0 and info.misses == 0, vars(info)
        assert "reason=crc" not in place.read_log()
        assert place.ask("alice", token) == (ACCEPT, "alice")
        assert Info(place).runs == 1


class Hammer(threading.Thread):
    """Asks without a pause; `last`: when it last asked and was accepted."""

    def __init__(self, place, token):
        super().__init__()
        self.client = Client(place.verify)
        self.token = token
        self.last = self.accepts = 0
        self.ended = False

    def run(self):
        denied = 0
        while denied < 20 and not self.ended:
            begin = time.monotonic()
            if self.client.ask("alice", self.token) == (ACCEPT, "alice"):
                self.last = begin
                self.accepts += 1
                denied = 0
            else:
                denied += 1
        self.client.close()


def revoked_at_once():
    """no question about a known token that begins after its revocation passes
    """
    with world(args=()) as place:
        for _ in range(20):
            token = place.token()
            hammers = [Hammer(place, token) for _ in range(3)]
            for hammer in hammers:
                hammer.start()
            try:
                wait_for(lambda: all(h.accepts > 50 for h in hammers))
                place.admin("revoke", token[5:13])
                returned = time.monotonic()
                for hammer in hammers:
                    hammer.join(10)
                    assert not hammer.is_alive(), "it is never denied"
                    assert hammer.last < returned, "accepted after all"
            finally:
                for hammer in hammers:
                    hammer.ended = True
        assert Info(place).runs == 20


main([repeated, crowd, no_memo, passes_the_queue, hangup, forgeries,
      revoked_at_once])
