"""Everything that can die, or be cut off, does so at random moments, under a load of
everything: what was acknowledged is not lost, nothing is half done and nothing is done
twice, no host says an old yes, and at the end all stores are the same.

    JP_ROUNDS=300 JP_SEED=NUMBER
"""
import contextlib
import os
import random
import signal
import sys
import threading
import time

import postgres
from acts import Actor, ByCommand, Record, chances, id_of, make_tokens, now
from cluster import LEASE, PATIENCE, cluster, wait_for
from daemon import freeze, main

ROUNDS = int(os.environ.get("JP_ROUNDS") or 8)
SEED = int(os.environ.get("JP_SEED") or random.randrange(1 << 30))
ACTORS = 4
CHECKED = 25  # rounds after which all histories are searched, besides at the end


class Gate:
    """Gives actors their users while it is open; close() waits until all of them
    are at it."""

    def __init__(self, users, actors):
        self.users, self.actors = users, actors
        self.at = self.waiting = 0
        self.opened = self.over = False
        self.change = threading.Condition()
        self.taken = []  # since it was opened

    def __call__(self):
        with self.change:
            self.waiting += 1
            self.change.notify_all()
            self.change.wait_for(lambda: self.opened or self.over)
            if self.over:
                return None
            self.waiting -= 1
            user = self.users[self.at % len(self.users)]
            self.at += 1
            self.taken.append(user)
            return user

    def open(self):
        with self.change:
            self.taken, self.opened = [], True
            self.change.notify_all()

    def close(self):
        with self.change:
            self.opened = False
            return self.change.wait_for(
                lambda: self.waiting == self.actors, 3 * PATIENCE)

    def end(self):
        with self.change:
            self.over = True
            self.change.notify_all()


class Faults:
    """Each does its worst and puts it right again, after some time."""

    def __init__(self, whole, chance):
        self.whole, self.chance = whole, chance
        self.done = []

    def host(self):
        return self.chance.choice(self.whole.hosts)

    def pause(self, most=1.0):
        """A random moment, as none is better than another."""
        time.sleep(self.chance.random() * most)

    def patd(self):
        host = self.host()
        host.stop(signal.SIGKILL)
        self.pause()
        host.start_again()

    def planned(self):
        """It gives its lease back, and is there again sooner or later."""
        host = self.host()
        assert host.stop() == 0, host.story()
        self.pause()
        host.start_again()

    def planned_both(self):
        """At the same moment: whether the lease is given back is a matter of luck."""
        host = self.host()
        host.patd.send_signal(signal.SIGTERM)
        host.end_link()
        assert host.stop() == 0, host.story()
        self.pause()
        host.start_again()

    def link(self):
        host = self.host()
        host.end_link(signal.SIGKILL)
        self.pause()
        host.start_link()

    def both(self):
        host = self.host()
        host.stop(signal.SIGKILL)
        host.end_link(signal.SIGKILL)
        self.pause()
        host.start_again()

    def all_patds(self):
        for host in self.whole.hosts:
            host.stop(signal.SIGKILL)
        self.pause()
        for host in self.whole.hosts:
            host.start_again()

    def network(self):
        """Shorter than a lease, or longer."""
        host = self.host()
        host.cut(self.chance.choice(["cut", "hole", "deaf"]))
        self.pause(self.chance.choice([1, 1.6 * LEASE]))
        host.mend()

    def still(self):
        """A host that stands still longer than its lease, and goes on."""
        host = self.host()
        freeze(host.patd)
        self.pause(self.chance.choice([1, 1.3 * LEASE]))
        host.patd.send_signal(signal.SIGCONT)

    def primary(self):
        """It comes back as it was."""
        pair = self.whole.pair
        pair.primary.kill()
        self.pause()
        pair.primary.start()

    def frozen(self):
        pair = self.whole.pair
        pair.primary.freeze()
        self.pause()
        pair.primary.thaw()

    def cancelled(self):
        """Commits whose wait for the standby is cancelled claim to be done."""
        pair = self.whole.pair
        if not pair.has_standby:
            return
        pair.standby.freeze()
        try:
            self.pause(0.5)
            with pair.owner() as session:
                session.rows("SELECT pg_cancel_backend(pid), pg_sleep(0.01) FROM "
                             "pg_stat_activity WHERE usename = $1", postgres.ROLE)
            self.pause(0.5)
        finally:
            pair.standby.thaw()

    def failover(self):
        """The standby takes over in the middle of commits, and gets one itself."""
        pair = self.whole.pair
        pair.promote()
        self.pause()
        pair.rejoin()

    def lost_tail(self):
        """A primary that has more than its standby is seen for a moment, and then
        lost."""
        pair = self.whole.pair
        pair.standby.freeze()
        self.pause(0.5)
        pair.primary.kill()
        pair.primary.start()
        self.pause()
        pair.standby.thaw()
        pair.promote()
        pair.rejoin()

    ALL = [patd] * 3 + [link] * 3 + [planned] * 3 + \
        [both, planned_both, all_patds, still, frozen, cancelled] + [network] * 4 + \
        [primary] * 2 + [failover] * 3 + [lost_tail]

    def one(self, number):
        """All kinds come, in the first rounds."""
        kinds = list(dict.fromkeys(self.ALL))
        kind = kinds[(number + SEED) % len(kinds)] if number < len(kinds) \
            else self.chance.choice(self.ALL)
        self.done.append(kind.__name__)
        with self.explained(kind):
            kind(self)

    @contextlib.contextmanager
    def explained(self, kind):
        try:
            yield
        except AssertionError as fault:
            raise AssertionError("%s: %s" % (kind.__name__, fault)) from fault


def settle(whole, record, taken):
    """All is well again, and everything is known: so it is asked about."""
    whole.wait_leases()
    whole.wait_equal()
    record.history.settled(now())
    asker = Actor(record, None, random.Random(SEED), None)
    for user, *tokens in taken:
        asker.look(user, *tokens)
    for client in asker.clients.values():
        client.close()


def rounds(whole, record, users):
    generators = chances(SEED)
    gate = Gate(users, ACTORS)
    actors = [Actor(record, gate, next(generators), ByCommand())
              for _ in range(ACTORS)]
    faults = Faults(whole, next(generators))
    for actor in actors:
        actor.start()
    try:
        for number in range(ROUNDS):
            gate.open()
            faults.pause()
            faults.one(number)
            assert gate.close(), "acts do not end: %s\n%s" % (
                faults.done[-1], "\n".join(host.story() for host in whole.hosts))
            for actor in actors:
                if actor.fault:
                    raise actor.fault
            settle(whole, record, gate.taken)
            if (number + 1) % CHECKED == 0:
                record.check(strict=False)
                print("# round %d: %d ended" % (number + 1, record.ended),
                      flush=True)
    finally:
        gate.end()
        for actor in actors:
            actor.join(PATIENCE)
        print("# faults: %s" % " ".join(faults.done), flush=True)


def nothing_is_lost():
    """whatever is killed or cut off: nothing acknowledged is lost, nothing is done
    in part or twice, and all stores are the same in the end
    """
    with cluster(lease=LEASE) as whole:
        users = make_tokens(whole, 60 * ROUNDS)
        record = Record(whole.hosts)
        for user, one, other in users:
            record.known(user, one)
            record.known(user, other)
        rounds(whole, record, users)
        whole.texts += list(record.history.users)
        print("# %d rounds, %d tokens ended, %d changes, %d questions, %d "
              "undecided, not done: %s" % (
                  ROUNDS, record.ended, *record.history.counts(),
                  record.undecided, sum(record.refused.values())), flush=True)
        record.check(strict=False)
        lines = whole.check_equal()
        head = whole.check_log()
        assert lines[0].split()[2] == str(head), (lines[0], head)
        check_records(record, lines)


def check_records(record, lines):
    """There is no token that nobody was given, but where a command failed."""
    tokens = sum(line.startswith("1 ") for line in lines)
    known = len(record.history.users) + 1  # the probe
    unsure = sum(record.refused.values())
    assert known <= tokens <= known + unsure, (known, tokens, unsure)


WAITING = ("SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND "
           "usename = '%s'" % postgres.ROLE)


def cancelled_commit(whole):
    """A change that the primary shows and the standby does not have: its number."""
    with whole.pair.owner() as session:
        head = "SELECT seq FROM jira_pat.head"
        before = session.one(head)
        wait_for(lambda: session.rows(WAITING + " AND query LIKE '%append%'"))
        session.rows("SELECT pg_cancel_backend(pid) FROM (%s) w" % WAITING)
        wait_for(lambda: session.one(head) != before)
        # All others have come to it, by now.
        wait_for(lambda: len(session.rows(WAITING)) >= len(whole.hosts) - 1)
        return int(session.one(head))


def shown_too_early():
    """what the primary shows and its standby does not have is applied nowhere: when
    the standby takes over, all hosts go on with it
    """
    with cluster(lease=LEASE) as whole:
        pair, first = whole.pair, whole.hosts[0]
        token = whole.token("jane")
        pair.standby.freeze()
        revoke = threading.Thread(
            target=first.admin, args=("revoke", id_of(token)),
            kwargs={"check": False})
        revoke.start()
        try:
            cancelled_commit(whole)
            pair.primary.kill()
        finally:
            pair.standby.thaw()
        pair.promote()
        revoke.join(PATIENCE)
        whole.wait_leases()
        whole.wait_equal()
        verdicts = {host.verdict("jane", token) for host in whole.hosts}
        assert len(verdicts) == 1, verdicts
        whole.check_log()
        whole.check_equal()


print("# seed %d" % SEED, flush=True)
main([case for case in (shown_too_early, nothing_is_lost)
      if sys.argv[1:] in ([], [case.__name__])])
