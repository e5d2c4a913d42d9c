"""Three hosts under a load of everything: a token that was ended on one is refused on
all of them from the moment when the command returns, whatever else goes on; and so of
all that was changed.

    JP_SECONDS=60 JP_ENDS=10000 JP_SEED=NUMBER
"""
import os
import random
import threading
import time

from acts import Actor, Askers, ByAsking, Record, chances, make_tokens
from cluster import PATIENCE, cluster
from daemon import ACCEPT, DENY, UNAVAILABLE, Client, main

SECONDS = int(os.environ.get("JP_SECONDS") or 10)
ENDS = int(os.environ.get("JP_ENDS") or 300)
SEED = int(os.environ.get("JP_SEED") or random.randrange(1 << 30))
ACTORS = 6
LEASE = 15  # as it is without a word of it


class Cases:
    """Users for the actors, until enough was done; the askers move on with them."""

    def __init__(self, users, askers, record):
        self.users, self.askers, self.record = users, askers, record
        self.at, self.lock = 0, threading.Lock()
        self.begin = time.monotonic()

    def seconds(self):
        return time.monotonic() - self.begin

    def __call__(self):
        with self.lock:
            enough = self.record.ended >= ENDS and self.seconds() >= SECONDS
            if self.at == len(self.users) or enough:
                return None
            self.askers.move(2 * self.at)
            self.at += 1
            return self.users[self.at - 1]


def joined(actors):
    for actor in actors:
        actor.start()
    for actor in actors:
        actor.join()
        if actor.fault:
            raise actor.fault


def no_yes_after_the_end():
    """three hosts under load: no history of a token has an answer that cannot be"""
    with cluster(lease=LEASE) as whole:
        users = make_tokens(whole, max(ENDS, 60 * SECONDS))
        record = Record(whole.hosts)
        for user, one, other in users:
            record.known(user, one)
            record.known(user, other)
        whole.wait_equal()
        askers = Askers(whole, [(user, token) for user, *both in users
                                for token in both])
        cases = Cases(users, askers, record)
        try:
            joined([Actor(record, cases, chance, ByAsking())
                    for chance, _ in zip(chances(SEED), range(ACTORS))])
            seconds = cases.seconds()
        finally:
            askers.end()
        asked = askers.read(record)
        whole.texts += list(record.history.users)
        print("# %d tokens ended in %.0f s, %d changes, %d questions "
              "(%d beside), %d undecided, not done: %s" % (
                  record.ended, seconds, *record.history.counts(), asked,
                  record.undecided, dict(record.refused)), flush=True)
        assert record.ended >= ENDS, "only %d tokens ended" % record.ended
        record.check()
        whole.check_log()
        whole.check_equal()


class User(threading.Thread):
    """Uses a token until it is denied."""

    def __init__(self, host, token, start):
        super().__init__(daemon=True)
        self.host, self.token, self.begin = host, token, start
        self.said = []

    def run(self):
        with Client(self.host.verify, PATIENCE) as client:
            self.begin.wait()
            while not self.said or self.said[-1] != DENY:
                self.said.append(client.ask("alice", self.token)[0])


def no_use_too_many():
    """a token for a number of uses has so many on all hosts together"""
    uses = 12
    with cluster(lease=LEASE) as whole:
        for _ in range(3):
            token = whole.token("alice", "--uses", str(uses))
            start = threading.Barrier(2 * len(whole.hosts))
            users = [User(host, token, start) for host in whole.hosts * 2]
            for user in users:
                user.start()
            for user in users:
                user.join(PATIENCE)
                assert not user.is_alive(), user.host.story()
            said = sum((user.said for user in users), [])
            unsure = said.count(UNAVAILABLE)
            accepted = said.count(ACCEPT)
            assert uses - unsure <= accepted <= uses, said
        whole.check_equal()


print("# seed %d" % SEED, flush=True)
if __name__ == "__main__":
    main([no_yes_after_the_end, no_use_too_many])
