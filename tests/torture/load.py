"""A load of everything: threads that run pat-admin and ask patd, each about users
of its own, and note what was acknowledged (model.py). Whatever is killed on the
way, they go on.
"""
import csv
import json
import os
import random
import shutil
import subprocess
import threading
import time

from daemon import ACCEPT, DENY, Client
from model import (ABSENT, ACTIVE, DEAD, DISABLED, LIVE, PAUSED, Token,
                   id_of)

WORKERS = 3
USERS = 2      # of each worker
TOKENS = 10    # that a worker makes, until it ends some
KILLED = 0.06  # of the runs of pat-admin, a moment after their start
CONFIG = """audit_file = {root}/audit/trail
audit_required = yes
upstream_key_file = {root}/key/upstream.key
"""
PATIENCE = 60  # seconds: only a hang takes as long


def folder_for_backups(place):
    """Where whoever writes one may: patd's user, without patd."""
    path = os.path.join(place.root, "backups")
    os.mkdir(path, 0o700)
    shutil.chown(path, place.user)
    return path


def limit(place):
    """From the next start on no token may live as long as those to import."""
    with open(place.config) as file:
        config = file.read()
    with open(place.config, "w") as file:
        file.write(config.replace(
            "[argon2]", "max_lifetime = 200d\n[argon2]"))


class Stuck(Exception):
    """It did not end, or said no to what is right."""


class Worker(threading.Thread):
    def __init__(self, load, number, seed):
        super().__init__(daemon=True)
        self.load, self.place, self.facts = load, load.place, load.facts
        self.random = random.Random(seed)
        self.users = ["user%d.%d" % (number, i) for i in range(USERS)]
        self.number = number
        self.successors = []  # (old, new) where new was not used yet
        self.fault = None

    # ---- running pat-admin ----

    def admin(self, *args, said="", whole=False):
        """What it printed if it was acknowledged; None: who knows. `whole`: it
        is not killed, as patd may go on with it when others act on the same.
        """
        process = subprocess.Popen(
            [self.place.admin_program, "--config", self.place.config, *args],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        timer = None
        if not whole and self.random.random() < self.load.killed:
            timer = threading.Timer(
                self.random.random() * 0.03, process.kill)
            timer.start()
        try:
            out, err = process.communicate(said, PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            raise Stuck("pat-admin %s hangs" % (args,)) from None
        finally:
            if timer is not None:
                timer.cancel()
        with self.load.lock:
            self.load.cut_off += process.returncode < 0
        if process.returncode not in (0, 3, -9):
            raise Stuck("pat-admin %s: %d %s" % (
                args, process.returncode, err))
        return out if process.returncode == 0 else None

    # ---- what there is to act on ----

    def is_now(self, kind, name):
        return self.facts.is_now((kind, name))

    def tokens(self, value=LIVE):
        """Of active users, with this value."""
        return [token for token in list(self.facts.tokens.values())
                if token.user in self.users and
                self.is_now("token", token.text) == value and
                self.is_now("user", token.user) == ACTIVE]

    def pick(self, choices):
        return self.random.choice(choices) if choices else None

    # ---- acts ----

    def simple(self, key, value, *args, said="", events=()):
        act = self.facts.begin(key, value)
        if self.admin(*args, said=said) is not None:
            self.facts.done(act, *events)

    def create(self):
        user = self.pick(self.users)
        if len(self.tokens()) >= TOKENS or \
                self.is_now("user", user) != ACTIVE:
            return self.revoke()
        began = self.facts.now()
        out = self.admin("create", user)
        if out is not None:
            self.facts.created(out.strip(), user, LIVE, began)
        return None

    def batch(self):
        user = self.pick(self.users)
        if len(self.tokens()) >= TOKENS or \
                self.is_now("user", user) != ACTIVE:
            return self.revoke()
        name = os.path.join(self.load.scratch, "batch%d" % self.number)
        with open(name, "w") as file:
            file.write("user\n" + (user + "\n") * 3)
        began = self.facts.now()
        if self.admin("create", "--batch", name, "--output",
                      name + ".out") is not None:
            with open(name + ".out", newline="") as file:
                for row in csv.DictReader(file):
                    self.facts.created(row["token"], user, LIVE, began)
        if os.path.exists(name + ".out"):
            os.unlink(name + ".out")
        return None

    def revoke(self):
        token = self.pick(self.tokens() + self.tokens(PAUSED))
        if token:
            identity = id_of(token.text)
            self.simple(("token", token.text), DEAD, "revoke", identity,
                        events=[("revoke", identity)])

    def pause(self):
        token = self.pick(self.tokens())
        if token:
            self.simple(("token", token.text), PAUSED, "disable",
                        id_of(token.text))

    def unpause(self):
        token = self.pick(self.tokens(PAUSED))
        if token:
            self.simple(("token", token.text), LIVE, "enable",
                        id_of(token.text))

    def rotate(self):
        rotated = {old for old, _ in self.successors}
        token = self.pick([token for token in self.tokens()
                           if token.text not in rotated])
        if not token:
            return
        began = self.facts.now()
        self.successors.append((token.text, None))  # never twice
        out = self.admin("rotate", id_of(token.text))
        if out is not None:
            new = out.strip()
            self.facts.created(new, token.user, LIVE, began, "rotate")
            self.successors.append((token.text, new))

    def use(self):
        """Of a successor, by which the old one ends."""
        live = {token.text: token for token in self.tokens()}
        pair = self.pick([(old, new) for old, new in self.successors
                          if old in live and new in live])
        if pair:
            self.ask(live[pair[1]])

    def ask(self, token):
        """The one that it succeeds ends before that is answered."""
        acts = [self.facts.begin(("token", old), DEAD)
                for old, new in self.successors if new == token.text]
        verdict = self.answer(token)
        for act in acts:
            if verdict == ACCEPT:
                self.facts.done(act)
            elif verdict == DENY:
                self.facts.undone(act)

    def answer(self, token):
        try:
            with Client(self.place.verify, PATIENCE) as client:
                return client.ask(token.user, token.text)[0]
        except TimeoutError:
            raise Stuck("patd does not answer") from None
        except (OSError, AssertionError):
            return None

    def asks(self):
        """So that there is usage to be written."""
        for token in self.tokens():
            self.ask(token)

    def off(self):
        user = self.pick(self.users)
        new = DISABLED if self.is_now("user", user) == ACTIVE else ACTIVE
        if self.is_now("user", user) is None:
            return
        with self.load.alone:
            self.simple(("user", user), new, "user",
                        "disable" if new == DISABLED else "enable", user)

    def groups(self):
        user = self.pick(self.users)
        groups = self.random.sample(("dev", "ops", "web"), 2)
        if self.is_now("groups", user) is not None:
            self.simple(("groups", user), ",".join(sorted(groups)), "user",
                        "groups", user, *groups)

    def upstream(self):
        user = self.pick(self.users)
        if self.is_now("user", user) != ACTIVE:
            return  # a purge may be at it
        there = self.is_now("upstream", user)
        if there == ABSENT:
            self.simple(("upstream", user), LIVE, "upstream", "set", user,
                        said="secret-of-another-server\n")
        elif there == LIVE:
            self.simple(("upstream", user), ABSENT, "upstream", "remove", user)

    def backup(self):
        folder = os.path.join(
            self.load.backups, "backup%d.%d" % (
                self.number, len(self.facts.backups)))
        began = self.facts.now()
        if not os.path.exists(folder) and \
                self.admin("backup", folder) is not None:
            self.facts.backups.append((folder, began, self.facts.now()))

    def purge(self):
        """Of tokens that ended, and what disabled users show upstream."""
        with self.load.alone:
            acts = self.facts.purged()
            if self.admin("purge", "--dead-for", "0", whole=True) is not None:
                for act in acts:
                    self.facts.done(act)

    def bring(self):
        """Imports a record, whose token lives longer than policy allows."""
        with self.load.alone:
            if not self.load.imports:
                return
            token, line = self.load.imports.pop()
            act = self.facts.begin(("token", token.text), LIVE)
            longer = self.facts.begin(("expiry", token.text), "long")
            if self.admin("import", "-", said=line) is not None:
                self.facts.done(act)
                self.facts.done(longer)

    def apply(self):
        """Shortens the life of those tokens."""
        with self.load.alone:
            sure = {key: self.facts.is_now(key) == "long"
                    for key in list(self.facts.acts)
                    if key[0] == "expiry" and "long" in self.facts.may(key)}
            acts = {key: self.facts.begin(key, "short") for key in sure}
            if self.admin("policy", "apply", whole=True) is not None:
                for key, act in acts.items():
                    if sure[key]:
                        self.facts.done(act)

    ACTS = ((6, create), (2, batch), (4, revoke), (2, pause), (2, unpause),
            (3, rotate), (3, use), (3, asks), (3, off), (2, groups),
            (2, upstream), (2, backup), (1, purge), (1, bring), (1, apply))

    def run(self):
        acts = [act for weight, act in self.ACTS for _ in range(weight)]
        try:
            while not self.load.ended and self.load.turn():
                self.random.choice(acts)(self)
        except Exception as fault:
            self.fault = fault


class Load:
    """`killed`: which share of the runs of pat-admin is killed."""

    def __init__(self, place, facts, seed, scratch, backups, killed=KILLED):
        self.place, self.facts, self.seed = place, facts, seed
        self.scratch, self.backups, self.killed = scratch, backups, killed
        self.alone = threading.Lock()  # of acts that touch what others act on
        self.imports = []
        self.ended = False
        self.left = self.count = 0
        self.cut_off = 0  # runs that were killed; patd may be at them yet
        self.lock = threading.Lock()
        self.workers = [Worker(self, i, seed + i) for i in range(WORKERS)]

    def turn(self):
        """Whether another act may begin."""
        with self.lock:
            self.left -= 1
            self.count += self.left >= 0
            return self.left >= 0

    def prepare(self, donor, count):
        """Records to import: of tokens that a donor's store had."""
        tokens = {id_of(text): (user, text) for user, text in (
            ("guest%d" % i, donor.token("guest%d" % i, "--expires", "300d"))
            for i in range(count))}
        for line in donor.admin("export").stdout.splitlines():
            record = json.loads(line)
            if record.get("id") in tokens:
                user, text = tokens[record["id"]]
                token = self.facts.tokens[text] = Token(text, user)
                self.imports.append((token, line + "\n"))
        donor.record_edit("delete", *tokens)

    def begin(self, acts):
        """Threads do so many more acts, or until end()."""
        self.left, self.ended = acts, False
        self.workers = [worker if not worker.ident else self.next(worker)
                        for worker in self.workers]
        for worker in self.workers:
            worker.start()

    def next(self, worker):
        """A thread that goes on where one has ended."""
        new = Worker(self, worker.number, worker.random.random())
        new.successors = worker.successors
        return new

    def reached(self, count):
        """Waits until so many acts have begun."""
        end = time.monotonic() + PATIENCE
        while self.count < count and any(
                worker.is_alive() for worker in self.workers):
            if time.monotonic() > end:
                raise Stuck("nothing goes on")
            time.sleep(0.001)

    def end(self):
        """Waits for the acts that are under way."""
        self.ended = True
        self.join()

    def join(self):
        for worker in self.workers:
            worker.join(3 * PATIENCE)
            if worker.is_alive():
                raise Stuck("an act does not end")
            if worker.fault:
                raise worker.fault

    def settle(self, look):
        """What was not sure before this look is what was seen."""
        for key, value in look.values.items():
            if self.facts.is_now(key) is None:
                self.facts.seen(key, value)
        for text, verdict in look.answers.items():
            if self.facts.is_now(("token", text)) is None:
                self.settle_token(self.facts.tokens[text], verdict)
        for worker in self.workers:
            for old, new in worker.successors:
                if look.answers.get(new) == ACCEPT:  # it is used now
                    self.facts.seen(("token", old), DEAD)

    def settle_token(self, token, verdict):
        key = ("token", token.text)
        if verdict == ACCEPT:
            self.facts.seen(key, LIVE)
        elif self.facts.is_now(("user", token.user)) == ACTIVE:
            left = self.facts.may(key) - {LIVE}
            if len(left) == 1:
                self.facts.seen(key, left.pop())
