"""kill -9 of patd and of pat-admin at any moment, under a load of everything: what
was acknowledged is there, what ended stays ended, nothing hangs, the indexes
agree, and the audit trail is whole.

    JP_KILLS=COUNT JP_SEED=NUMBER
"""
import os
import random
import signal
import subprocess
import time

from daemon import ACCEPT, TMPFS, main, wait_for, world
from load import CONFIG, Load, folder_for_backups, limit
from model import DEAD, LIVE, Facts, Look, verdict

KILLS = int(os.environ.get("JP_KILLS") or 50)
SEED = int(os.environ.get("JP_SEED") or random.randrange(1 << 30))
FULL = 8  # a look at all there is after so many kills
AGE_STORE = os.path.join(os.environ["JP_BUILD"], "tests/torture/age_store")
VERSIONS = (1, 2, 3)  # of stores that get new files when they are opened


class Killer:
    def __init__(self, place, load, seed):
        self.place, self.load = place, load
        self.random = random.Random(seed)
        self.kills = self.early = 0

    def start(self):
        """pat-admin may own the store for a moment: again."""
        try:
            wait_for(self.started)
        except AssertionError:
            raise AssertionError(self.place.read_log()[-400:]) from None

    def started(self):
        try:
            self.place.start()
            return True
        except AssertionError:
            return False

    def kill_starting(self):
        """A start that is killed before it is one, or just after."""
        process = self.place.spawn()
        time.sleep(self.random.random() * 0.04)
        process.kill()
        process.wait()
        self.early += 1

    def kill(self):
        self.place.stop(signal.SIGKILL)
        self.kills += 1

    def round(self):
        """Kills patd amid acts, lets some more be done without it, starts it;
        and again if it may still be at what a killed pat-admin asked for.
        """
        self.load.begin(self.random.randint(6, 30))
        self.load.reached(self.load.count + self.random.randint(1, 6))
        self.kill()
        if self.random.random() < 0.5:
            self.load.end()
        if self.random.random() < 0.3:
            self.kill_starting()
        self.start()
        before = self.load.cut_off
        self.load.end()
        if self.load.cut_off > before:
            self.kill()
            self.start()

    def look(self):
        look = Look(self.place, self.load.facts)
        if self.kills % FULL == 0 or self.kills >= KILLS:
            look.all()
        else:
            look.tokens()
            look.users()
            look.upstream()
        assert not look.wrong, "\n".join(look.wrong)
        self.load.settle(look)


def check_backups(place, load):
    """Each of the last backups restores, and has what was acknowledged before
    it began.
    """
    place.stop()
    for folder, began, ended in load.facts.backups[-3:]:
        place.admin("restore", folder)
        place.start()
        look = Look(place, load.facts, began, ended)
        look.tokens()
        look.users()
        place.stop()
        assert not look.wrong, "\n".join([folder] + look.wrong)
    return len(load.facts.backups)


def kills_lose_nothing():
    """after kills of patd and pat-admin in the middle of all they do, what was
    acknowledged holds
    """
    with world(CONFIG, start=False, tmpfs=TMPFS) as place:
        load = Load(place, Facts(), SEED, place.root,
                    folder_for_backups(place))
        load.prepare(place, 8)
        limit(place)
        killer = Killer(place, load, SEED)
        place.start()
        while killer.kills < KILLS:
            killer.round()
            killer.look()
        backups = check_backups(place, load)
        print("# %d kills, %d acts, %d of them acknowledged; %d starts killed, "
              "%d backups" % (
                  killer.kills, load.count, sum(
                      act.end is not None for acts in load.facts.acts.values()
                      for act in acts), killer.early, backups))
        place.tokens = list(load.facts.tokens)


def kill_soon(chance, *command):
    """Whether it ended before it was killed."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True)
    try:
        process.wait(chance.random() * 0.05)
    except subprocess.TimeoutExpired:
        process.kill()
    err = process.communicate()[1]
    assert process.returncode in (0, -9), (command, err)
    return process.returncode == 0


def upgrades_survive():
    """a store of an older format is whole, however often its first start was
    killed
    """
    chance = random.Random(SEED)
    for version in VERSIONS:
        with world(CONFIG, start=False, tmpfs=TMPFS) as place:
            token, ended = place.token(), place.token()
            place.admin("revoke", ended[5:13])
            subprocess.run([AGE_STORE, place.config, str(version)], check=True)
            for _ in range(max(3, KILLS // 20)):
                process = place.spawn()
                time.sleep(chance.random() * 0.04)
                process.kill()
                process.wait()
            place.start()
            facts = Facts()
            facts.created(token, "alice", LIVE, 0)
            facts.created(ended, "alice", DEAD, 0)
            look = Look(place, facts)
            assert not look.all(), "\n".join(look.wrong)
            place.admin("upstream", "set", "alice", said="x\n")
            place.admin("user", "groups", "alice", "dev")


def restores_survive():
    """a restore that was killed leaves the old store or the new one, and can be
    repeated
    """
    chance = random.Random(SEED)
    with world(CONFIG, start=False, tmpfs=TMPFS) as place:
        old = place.token()
        backup = os.path.join(folder_for_backups(place), "backup")
        place.admin("backup", backup)
        new = place.token()
        for _ in range(max(6, KILLS // 10)):
            done = kill_soon(chance, place.admin_program, "--config",
                             place.config, "restore", backup)
            place.start()
            assert verdict(place, "alice", old) == ACCEPT
            restored = verdict(place, "alice", new) != ACCEPT
            assert restored or not done, "a restore was lost"
            place.stop()
            for left in ("store", "key/pepper.key"):  # as it says itself
                subprocess.run(["rm", "-rf", "%s/%s.restore" % (
                    place.root, left)], check=True)
            if restored:
                new = place.token()


print("# seed %d" % SEED, flush=True)
main([kills_lose_nothing, upgrades_survive, restores_survive])
