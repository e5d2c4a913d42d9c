"""What administrators and users do on the hosts of a cluster, as it is recorded
(history.py): each act on one host, and then a question about it to every host.
"""
import collections
import contextlib
import os
import random
import subprocess
import sys
import threading
import time

import asker
from asking import Asker
from cluster import HERE, PATIENCE, wait_for
from daemon import ACCEPT, DENY, Client, question
from history import History

VERDICTS = (ACCEPT, DENY)
# Results that say: it did not happen.
NOT_DONE = {"refused", "not-found", "exists", "conflict", "unreachable", "invalid"}
SAYS_NOT_DONE = ("nothing was changed", "refused", "no such token")

Said = collections.namedtuple("Said", "done token why")  # done None: who knows


def now():
    return time.monotonic_ns()


class ByCommand:
    """With pat-admin, which anything may happen to."""

    COMMANDS = {
        "revoke": lambda at, user: ["revoke", at] if at else [
            "revoke", "--user", user],
        "disable": lambda at, user: ["disable", at],
        "enable": lambda at, user: ["enable", at],
        "rotate": lambda at, user: ["rotate", at, "--grace", "0"],
        "succeed": lambda at, user: ["rotate", at, "--grace", "1h"],
        "create": lambda at, user: ["create", user],
        "off": lambda at, user: ["user", "disable", user],
        "on": lambda at, user: ["user", "enable", user]}

    def do(self, host, what, identity="", user=""):
        argv = self.COMMANDS[what](identity, user)
        try:
            done = host.admin(*argv, check=False)
        except subprocess.TimeoutExpired:
            raise AssertionError("pat-admin %s hangs\n%s" % (
                argv, host.story())) from None
        if done.returncode == 0:
            return Said(True, done.stdout.strip(), done.stderr)
        sure = any(said in done.stderr for said in SAYS_NOT_DONE)
        return Said(False if sure else None, "", done.stderr)

    def close(self):
        pass


class ByAsking(ByCommand):
    """Over connections that stay, where that is possible: many more a second."""

    FIELDS = {"revoke": {}, "disable": {}, "enable": {}, "create": {},
              "rotate": {"grace": 0}, "succeed": {"grace": 3600}}

    def __init__(self):
        self.askers = {}

    def do(self, host, what, identity="", user=""):
        if what not in self.FIELDS:
            return super().do(host, what, identity, user)
        if host not in self.askers:
            self.askers[host] = Asker(host, os.geteuid())
        asked = self.askers[host]
        op = "rotate" if what == "succeed" else what
        items, result = asked.ask(op, identity, user, **self.FIELDS[what])
        tokens = [item.token for item in items if item.token != "-"]
        if result == "ok":
            return Said(True, tokens[0] if tokens else "", asked.why)
        return Said(False if result in NOT_DONE else None, "",
                    "%s: %s" % (result, asked.why))

    def close(self):
        for asked in self.askers.values():
            asked.__exit__()


class Actor(threading.Thread):
    """Takes what users() gives, a user with two tokens each time, until that is
    None. `changes`: how it is done."""

    def __init__(self, record, users, chance, changes):
        super().__init__(daemon=True)
        self.record, self.users, self.chance = record, users, chance
        self.changes = changes
        self.clients = {}
        self.fault = None

    def run(self):
        try:
            while (case := self.users()) is not None:
                self.chance.choice(self.KINDS)(self, *case)
        except Exception as fault:
            self.fault = fault
        finally:
            self.changes.close()
            for client in self.clients.values():
                client.close()

    # ---- one act, one question ----

    def host(self):
        return self.chance.choice(self.record.hosts)

    def change(self, what, means, keys, identity="", user="", host=None):
        """`keys`, tokens or users, become what this means."""
        begin = now()
        said = self.changes.do(host or self.host(), what, identity, user)
        self.record.changed(keys, begin, now(), means, said)
        return said

    def asked(self, host, user, token):
        begin = now()
        said = asker.NONE
        with contextlib.suppress(OSError, AssertionError):
            if host not in self.clients:
                self.clients[host] = Client(host.verify, PATIENCE)
            client = self.clients[host]
            client.send(question(user, token))
            said = client.answer()[0]
        if said == asker.NONE and host in self.clients:
            self.clients.pop(host).close()
        self.record.asked(host, token, begin, now(), said)
        return said

    def look(self, user, *tokens):
        """All hosts, the one that acted last in no special place."""
        hosts = list(self.record.hosts)
        self.chance.shuffle(hosts)
        for host in hosts:
            for token in tokens:
                self.asked(host, user, token)

    # ---- what is done ----

    def revoke(self, user, one, other):
        for token in (one, other):
            self.change("revoke", "end", [token], id_of(token))
            self.look(user, token)

    def revoke_all(self, user, one, other):
        self.change("revoke", "end", [one, other], user=user)
        self.look(user, one, other)

    def pause(self, user, one, other):
        self.change("disable", "pause", [one], id_of(one))
        self.look(user, one, other)
        self.change("enable", "resume", [one], id_of(one))
        self.look(user, one, other)
        self.revoke(user, one, other)

    def cross(self, user, one, other):
        """Two hosts want the opposite, at the same time."""
        self.change("disable", "pause", [one], id_of(one))
        hosts = self.chance.sample(self.record.hosts, 2)
        both = [threading.Thread(target=self.change, args=(
            what, means, [one], id_of(one), "", host)) for what, means, host in
            (("enable", "resume", hosts[0]), ("disable", "pause", hosts[1]))]
        for each in both:
            each.start()
        self.look(user, one)
        for each in both:
            each.join()
        self.look(user, one, other)
        self.revoke(user, one, other)

    def user_off(self, user, one, other):
        self.change("off", "off", [user], user=user)
        self.look(user, one, other)
        self.change("on", "on", [user], user=user)
        self.look(user, one, other)
        self.revoke_all(user, one, other)

    def rotate(self, user, one, other):
        """The successor is there, everywhere, when the old one is not."""
        begin = now()
        said = self.changes.do(self.host(), "rotate", id_of(one))
        self.record.changed([one], begin, now(), "end", said)
        if said.done:
            self.record.created(user, said.token, begin, now())
            self.look(user, one, said.token)
            self.change("revoke", "end", [said.token], id_of(said.token))
            self.look(user, said.token)
        self.change("revoke", "end", [other], id_of(other))
        self.look(user, one, other)

    def succeed(self, user, one, other):
        """The old one ends when the new one is used for the first time."""
        begin = now()
        said = self.changes.do(self.host(), "succeed", id_of(one))
        if said.done:
            self.record.created(user, said.token, begin, now())
            begin = now()
            used = self.asked(self.host(), user, said.token)
            self.record.changed([one], begin, now(), "end", Said(
                True if used == ACCEPT else None, "", ""))
            self.look(user, one, said.token)
        else:
            self.record.changed([one], begin, now(), "end", Said(None, "", ""))
        self.revoke(user, one, other)

    def create(self, user, one, other):
        begin = now()
        said = self.changes.do(self.host(), "create", user=user)
        if said.done:
            self.record.created(user, said.token, begin, now())
            self.look(user, said.token)
            self.change("revoke", "end", [one, other, said.token], user=user)
            self.look(user, one, said.token)

    KINDS = [revoke] * 6 + [revoke_all] * 3 + [pause, cross, rotate, succeed,
                                               create] * 2 + [user_off]


def id_of(token):
    return token.split("_")[1]


class Record:
    """What happened, by all actors."""

    def __init__(self, hosts):
        self.hosts, self.history = hosts, History()
        self.ended = 0       # acknowledged revocations of tokens
        self.undecided = 0   # questions
        self.refused = collections.Counter()
        self.waited = []     # what commands said of waiting
        self.lock = threading.Lock()

    def known(self, user, token):
        """It is there, everywhere, from the beginning."""
        self.created(user, token, 0, 1)

    def created(self, user, token, begin, end):
        self.history.change(token, begin, end, "create")
        self.history.users[token] = user

    def changed(self, keys, begin, end, means, said):
        if said.done is not True:
            with self.lock:
                self.refused["%s: %s" % (means, said.why.strip())] += 1
        if said.done is False:
            return
        for key in keys:
            self.history.change(key, begin, end if said.done else None, means)
        with self.lock:
            self.ended += len(keys) if means == "end" and said.done else 0
            if "waited" in said.why:
                self.waited.append(said.why.strip())

    def asked(self, host, token, begin, end, said):
        if said in VERDICTS:
            self.history.ask(token, begin, end, host.name, said)
        else:
            with self.lock:
                self.undecided += 1

    def check(self, strict=True):
        wrong = self.history.wrong(strict)
        assert not wrong, "%d histories cannot be:\n%s" % (
            len(wrong), "\n".join(map(str, wrong[:3])))


class Askers:
    """Processes that ask all hosts about these (user, token), about the place to
    which move() was called last."""

    def __init__(self, whole, pairs, each=1):
        self.pairs = pairs
        folder = whole.hosts[0].root
        self.tokens = os.path.join(folder, "asked")
        self.cursor = os.path.join(folder, "cursor")
        with open(self.tokens, "w") as file:
            os.fchmod(file.fileno(), 0o600)
            file.writelines("%s\t%s\n" % pair for pair in pairs)
        self.file = os.open(self.cursor, os.O_RDWR | os.O_CREAT, 0o600)
        self.move(0)
        self.outs = [(host, os.path.join(folder, "said.%d.%d" % (
            host.number, number))) for host in whole.hosts for number in range(each)]
        self.processes = [subprocess.Popen(
            [sys.executable, os.path.join(HERE, "asker.py"), host.verify,
             self.tokens, self.cursor, out]) for host, out in self.outs]

    def move(self, at):
        os.pwrite(self.file, asker.CURSOR.pack(at), 0)

    def end(self):
        self.move(-1)
        for process in self.processes:
            process.wait(PATIENCE)
        os.close(self.file)

    def read(self, record):
        """Adds what they were told to the record; how many questions that were."""
        count = 0
        for host, out in self.outs:
            with open(out, "rb") as file:
                data = file.read()
            size = len(data) // asker.RECORD.size * asker.RECORD.size
            for begin, end, number, said in asker.RECORD.iter_unpack(data[:size]):
                count += 1
                record.asked(host, self.pairs[number][1], begin, end, said)
        return count


class Watch(threading.Thread):
    """Asks a host about a token without a pause: (begin, end, verdict)."""

    def __init__(self, host, user, token):
        super().__init__(daemon=True)
        self.host, self.user, self.token = host, user, token
        self.said, self.over = [], threading.Event()

    def run(self):
        with Client(self.host.verify, PATIENCE) as client:
            while not self.over.wait(0.002):
                begin = now()
                verdict = client.ask(self.user, self.token)[0]
                self.said.append((begin, now(), verdict))

    def count(self, verdict, since=0):
        return sum(said == verdict and begin > since
                   for begin, _, said in list(self.said))

    def wait(self, verdict, since=0):
        wait_for(lambda: self.count(verdict, since) > 3, self.host.story)

    def end(self):
        self.over.set()
        self.join(PATIENCE)

    def __enter__(self):
        self.start()
        self.wait(ACCEPT)
        return self

    def __exit__(self, *_):
        self.end()


def make_tokens(whole, users):
    """Two for each of so many users: (user, one, other)."""
    rows = whole.hosts[0].batch(["u%d" % (n // 2) for n in range(2 * users)])
    return [(user, one, other)
            for (user, one), (_, other) in zip(rows[::2], rows[1::2])]


def chances(seed):
    """A generator for each thread, all from one seed."""
    source = random.Random(seed)
    while True:
        yield random.Random(source.random())
