"""Slot 8: many users at once, and who asks meanwhile."""
import itertools
import os
import subprocess
import time

from measure import Contender, Target, figures
from place import USER, Failed, drive, expect, program, repeated

NAME = "users"
TITLE = "A list of many users"
ABOUT = """\
Users that are disabled or enabled, turn by turn, with an audit trail: one commit
for each of them, as `pat-admin user` does and `sync-users` once did, and with
`sync-users`, which sends batches of one transaction. The last two rows are
questions on verify.sock about 200 tokens that patd has seen, without and beside
a `sync-users` that runs again and again."""
BASE = "one commit for each user"
BATCHES = "sync-users"
ALONE, BESIDE = "questions, nobody else", "questions beside sync-users"
COLUMNS = [("wall_us", "µs each", "%.1f"), ("rate", "per second", "%.0f"),
           ("p99_us", "p99 µs", "%.0f")]
PLOT = None
TARGETS = [
    Target("sync-users takes at most 1/20 of one commit for each user",
           "wall_us", BATCHES, "<=", 0.05, against=BASE),
    Target("99 of 100 warm answers take at most 5 ms beside sync-users",
           "p99_us", BESIDE, "<=", 5000, unit=" µs"),
]
COUNT, TOKENS, QUESTIONS = 20000, 200, 10000


class People:
    """A store, and two lists of it: all are active, or none of them is."""

    def __init__(self, place):
        self.store = place.store(
            more="audit_file = @ROOT@/audit.jsonl\n", start=False,
            cost="memory = 64K\npasses = 1")
        self.store.start()
        self.lines = ["warm %s %s" % (USER, token)
                      for token in self.store.several(TOKENS)]
        self.states = itertools.cycle(("no", "yes"))
        self.verbs = itertools.cycle(("disable", "enable"))
        self.ask(TOKENS)

    def command(self, *arguments):
        return [program("../../tools/pat-admin"), "--config",
                self.store.config, *arguments]

    def list(self, count):
        path = os.path.join(self.store.root, "list.csv")
        state = next(self.states)
        with open(path, "w") as file:
            file.write("user,active\n%s,yes\n" % USER)
            file.writelines("listed%06d,%s\n" % (i, state)
                            for i in range(count))
        return self.command("sync-users", path, "--force", "--keep",
                            "single*")

    def timed(self, argv, count):
        begin = time.monotonic_ns()
        done = subprocess.run(argv, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, check=False, text=True)
        spent = time.monotonic_ns() - begin
        if done.returncode != 0:
            raise Failed(done.stderr)
        return figures(count, spent, 0, 0)

    def single(self, count):
        return self.timed(
            self.command("user", next(self.verbs),
                         *("single%06d" % i for i in range(count))), count)

    def sync(self, count):
        return self.timed(self.list(count), count)

    def ask(self, count):
        result = drive([program("crowd"), "verify", self.store.verify, "1",
                        str(TOKENS), str(count), "0"], self.lines,
                       [self.store])
        done = figures(expect(result, "warm", "accepted"), result["wall_ns"],
                       result["cpu_ns"], result["server_ns"])
        done["p99_us"] = result["kinds"]["warm"]["p99_ns"] / 1000
        return done

    def beside(self, count):
        """As long as the questions take, one sync-users follows the other."""
        script = '"$@" && sed -i ' \
            '"/^listed/{s/,no/,NO/;s/,yes/,no/;s/,NO/,yes/}" "$5"'
        argv = self.list(COUNT if count >= QUESTIONS else count)
        with repeated(script, argv, self.store.root):
            return self.ask(count)


def contenders(place):
    people = People(place)
    count = place.operations
    return [Contender(BASE, people.single, count or COUNT),
            Contender(BATCHES, people.sync, count or COUNT),
            Contender(ALONE, people.ask, count or QUESTIONS),
            Contender(BESIDE, people.beside, count or QUESTIONS)]
