"""Slot 10: what an administrator does to many, and who asks meanwhile."""
import itertools
import json
import os
import subprocess
import time

from measure import Contender, Target, figures
from place import USER, Failed, drive, expect, program, repeated

NAME = "bulk"
TITLE = "What is done to many"
ABOUT = """\
Operations of pat-admin on many tokens or users, through patd, with an audit
trail; each turn in a new store. The hash of a token is the default one (19 MiB,
two passes), or where the row says so one of 64 KiB, which leaves what all else
costs. The last rows are questions on verify.sock about 200 tokens that patd has
seen, without and beside operations that follow one another."""
BASE = None
CREATE, CHEAP = "ours, create --batch", "ours, create --batch, 64 KiB"
SYNC, IMPORT = "ours, sync-users", "ours, import"
POLICY, PURGE = "ours, policy apply", "ours, purge"
ALONE, BESIDE = "questions, nobody else", "questions beside "
COLUMNS = [("wall_us", "µs each", "%.1f"), ("rate", "per second", "%.0f"),
           ("commits", "commits", "%.0f"), ("p99_us", "p99 µs", "%.0f")]
PLOT = ("rate", "per second")
OTHER = ", other build"
MAKING, PURGING = BESIDES = "create --batch", "import and purge"


def faster(times, name):
    return Target("%s takes at most 1/%d of what it takes with the other build"
                  % (name[len("ours, "):], times), "wall_us", name, "<=",
                  1 / times, against=name + OTHER)


TARGETS = [
    faster(8, CREATE), faster(8, CHEAP), faster(8, POLICY),
    *(Target("99 of 100 warm answers take at most 5 ms beside %s" % name,
             "p99_us", BESIDE + name, "<=", 5000, unit=" µs")
      for name in BESIDES)]
COUNTS = {CREATE: 200, CHEAP: 2000, SYNC: 20000, IMPORT: 5000, POLICY: 5000,
          PURGE: 5000}
TOKENS, QUESTIONS = 200, 100000
COST = "memory = 64K\npasses = 1"
DEAD = "2020-01-01T00:00:00Z"
RULES = "max_lifetime = 1s\ndefault_lifetime = 1s\n"


class Fresh:
    """A new store, its patd, and pat-admin of the same build."""

    def __init__(self, place, cost=COST):
        self.store = place.store("audit_file = @ROOT@/audit.jsonl\n",
                                 start=False, cost=cost)

    def path(self, name):
        return os.path.join(self.store.root, name)

    def write(self, name, lines):
        with open(self.path(name), "w") as file:
            file.writelines(line + "\n" for line in lines)
        return self.path(name)

    def start(self):
        self.store.start()
        return self

    def fill(self, count):
        subprocess.run(
            [program("fill"), "--config", self.store.config, "--tokens",
             str(count), "--users", str(max(1, count // 10)), "--sample", "1",
             "--out", self.path("texts")], check=True,
            stderr=subprocess.DEVNULL)
        return self

    def rules(self):
        """From its next start on all its tokens live too long."""
        with open(self.store.config) as file:
            config = file.read()
        with open(self.store.config, "w") as file:
            file.write(config.replace("[tokens]\n", "[tokens]\n" + RULES))
        return self

    def command(self, *arguments):
        return [self.store.admin_program, "--config", self.store.config,
                *arguments]

    def run(self, *arguments):
        done = subprocess.run(self.command(*arguments), check=False,
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise Failed(done.stderr)
        return done.stdout

    def timed(self, count, *arguments):
        before = self.store.commits()
        begin = time.monotonic_ns()
        self.run(*arguments)
        done = figures(count, time.monotonic_ns() - begin, 0, 0)
        done["commits"] = self.store.commits() - before
        self.store.stop()
        return done

    def users(self, count):
        return self.write("users.csv", itertools.chain(
            ["user,active,groups"],
            ("user%06d,yes,developers;jira-users" % i for i in range(count))))

    def batch(self, count):
        return ("create", "--batch", self.write("batch.csv", itertools.chain(
            ["user,name,scope"],
            ("user%06d,ci,read" % i for i in range(count)))),
                "--output", self.path("tokens.csv"))


def create(place, count, cost="memory = 19M\npasses = 2"):
    fresh = Fresh(place, cost).start()
    return fresh.timed(count, *fresh.batch(count))


def sync(place, count):
    fresh = Fresh(place).start()
    return fresh.timed(count, "sync-users", fresh.users(count))


def bring(place, count):
    fresh = Fresh(place).fill(count).start()
    fresh.run("sync-users", fresh.users(count // 10), "--force")
    lines = fresh.write("export", fresh.run("export").splitlines())
    fresh.store.stop()
    other = Fresh(place).start()
    return other.timed(count, "import", lines)


def apply(place, count):
    return Fresh(place).fill(count).rules().start().timed(
        count, "policy", "apply")


def purge(place, count):
    fresh = Fresh(place).fill(count).rules().start()
    fresh.run("policy", "apply")
    return fresh.timed(count, "purge", "--dead-for", "0")


class Questions:
    """Tokens in use, of a patd that has other work, too."""

    def __init__(self, place):
        self.place = place
        self.fresh = Fresh(place, "memory = 19M\npasses = 2").start()
        self.lines = ["warm %s %s" % (USER, token)
                      for token in self.fresh.store.several(TOKENS)]
        self.ask(TOKENS)

    def ask(self, count):
        store = self.fresh.store
        result = drive([program("crowd"), "verify", store.verify, "1",
                        str(TOKENS), str(count), "0"], self.lines, [store])
        done = figures(expect(result, "warm", "accepted"), result["wall_ns"],
                       result["cpu_ns"], result["server_ns"])
        done["p99_us"] = result["kinds"]["warm"]["p99_ns"] / 1000
        return done

    def dead(self, count):
        """Records that ended long ago, for import to bring and purge to take.
        """
        other = Fresh(self.place).fill(count).start()
        records = [json.loads(line)
                   for line in other.run("export").splitlines()]
        other.store.stop()
        return self.fresh.write("dead", (
            json.dumps(dict(record, created_at=DEAD, expires_at=DEAD))
            for record in records))

    def script(self, name, count):
        """Shell that does it once; "$@" is pat-admin."""
        if name == MAKING:
            return 'rm -f %s; "$@" %s' % (
                self.fresh.path("tokens.csv"),
                " ".join(self.fresh.batch(count)))
        return '"$@" import %s && "$@" purge --dead-for 0' % self.dead(count)

    def beside(self, name):
        def turn(count):
            script = self.script(
                name, COUNTS[PURGE] if count >= QUESTIONS else count)
            with repeated(script, self.fresh.command(), self.fresh.path(".")):
                return self.ask(count)
        return turn


OPERATIONS = {
    CREATE: create,
    CHEAP: lambda place, count: create(place, count, COST),
    SYNC: sync,
    IMPORT: bring,
    POLICY: apply,
    PURGE: purge,
}


def contenders(place):
    count = place.operations
    questions = Questions(place)
    return [
        *(Contender(name, lambda wanted, act=act: act(place, wanted),
                    count or COUNTS[name])
          for name, act in OPERATIONS.items()),
        Contender(ALONE, questions.ask, count or QUESTIONS),
        *(Contender(BESIDE + name, questions.beside(name),
                    count or QUESTIONS) for name in BESIDES)]
