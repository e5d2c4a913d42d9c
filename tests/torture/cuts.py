"""The power is cut at any moment, under a load of everything: what was acknowledged
is there, what ended stays ended, the indexes agree and the audit trail is whole.

Each story runs once on a recorded disk; then the power is cut at many points of
it, each in a way of its own (power.py), and what is left is started and looked at.
A disk that writes blocks of 4 KiB whole must open. Where it tears them in sectors
the store may be damaged; then patd says so and does not start.

    JP_CUTS=COUNT JP_SEED=NUMBER
"""
import glob
import os
import random
import shutil
import signal
import subprocess
import tempfile

from daemon import ACCEPT, BUILD, DENY, World, main
from load import CONFIG, Load, folder_for_backups, limit
from model import DEAD, LIVE, Facts, Look, verdict
from power import PAGE, Cut, Recorded

CUTS = int(os.environ.get("JP_CUTS") or 40)
SEED = int(os.environ.get("JP_SEED") or random.randrange(1 << 30))
CUTS_OF_STORY = 20  # more cuts: more stories
ACTS = 40
LOG_FILE = 1 << 20  # as common/store/bdb_env.c has it
LOG_LEFT = 80 << 10
BATCH = 20
WAYS = 100  # to cut the power at one point
RECORD_DISK = os.path.join(BUILD, "tests/torture/record_disk")
AGE_STORE = os.path.join(BUILD, "tests/torture/age_store")
DAMAGED = ("damaged", "restore from a backup", "run pat-admin restore",
           "checksum")


def log_end(place):
    """Where the log ends in its last file, which may have zeroes behind."""
    name = max(glob.glob(place.root + "/store/log.*"))
    with open(name, "rb") as file:
        return len(file.read().rstrip(b"\0"))


class OnDisk(World):
    """What is there in `root`; all that a disk would not keep is elsewhere."""

    def __init__(self, root, run_root):
        self.patd_program = os.path.join(BUILD, "patd/patd")
        self.admin_program = os.path.join(BUILD, "tools/pat-admin")
        self.root, self.run_root = root, run_root
        self.lay_out()
        self.config = os.path.join(run_root, "jira-pat.conf")
        self.log = os.path.join(run_root, "patd.log")
        shutil.rmtree(self.run_dir, ignore_errors=True)
        self.write(CONFIG)


class Story:
    """Something that is done on a recorded disk, and what must hold after a cut
    at any point of it.
    """

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.scratch = tempfile.mkdtemp(prefix="jira-pat-torture.")
        os.chmod(self.scratch, 0o755)
        self.run_root = tempfile.mkdtemp(prefix="jira-pat-torture.",
                                         dir="/dev/shm")
        os.chmod(self.run_root, 0o755)
        self.seed = seed
        self.facts = Facts()
        self.torn = self.cuts = self.restored = 0
        self.wrong = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.scratch)
        shutil.rmtree(self.run_root)

    # ---- what a story is ----

    def prepare(self, place):
        """What is on the disk before it is recorded."""
        place.admin("init")

    def tell(self, place):
        """What happens on the recorded disk."""

    def start(self, place):
        """Starts patd after a cut."""
        place.start()

    def compare(self, place, *at):
        look = Look(place, self.facts, at[0], at[-1])
        look.all()
        assert not look.wrong, "\n".join(look.wrong)

    def restore_last(self, place, point):
        """The last backup that was acknowledged by then restores."""
        done = [backup for backup in self.facts.backups if backup[2] <= point]
        if not done:
            return
        folder, began, ended = done[-1]
        place.stop()
        place.admin("restore", os.path.join(
            place.root, os.path.relpath(folder, self.disk.path)))
        place.start()
        look = Look(place, self.facts, began, ended)
        look.users()
        look.tokens()
        assert not look.wrong, "\n".join([folder] + look.wrong)
        self.restored += 1

    def go_on(self, place):
        """What was left serves as before."""
        token = place.token("later")
        assert verdict(place, "later", token) == ACCEPT
        place.admin("revoke", token[5:13])
        assert verdict(place, "later", token) == DENY

    # ---- telling it ----

    def world(self, root):
        return OnDisk(root, self.run_root)

    def record(self):
        first = os.path.join(self.scratch, "first")
        os.mkdir(first)
        os.chmod(first, 0o755)
        self.prepare(self.world(first))
        self.disk = Recorded(RECORD_DISK, self.scratch, first)
        self.facts.now = self.disk.now
        with self.disk:
            place = self.world(self.disk.path)
            try:
                self.tell(place)
            finally:
                place.stop(signal.SIGKILL)

    # ---- cutting ----

    def points(self, count):
        """Some anywhere, others just after something was acknowledged."""
        ends = [act.end for acts in self.facts.acts.values() for act in acts
                if act.end is not None]
        whole = self.disk.now()
        return [self.random.choice(ends) if ends and self.random.random() < 0.6
                else self.random.randrange(whole + 1) for _ in range(count)]

    def cut_all(self, count):
        numbers = iter(range(count))
        for point, disk in self.disk.cuts(self.points(count)):
            cut = Cut("%d.%d" % (self.seed, next(numbers)))
            root = os.path.join(self.scratch, "after")
            disk.cut(cut, root)
            try:
                self.look(root, point, cut)
            except Exception as fault:
                self.wrong.append("point %d of %d, %s: %s" % (
                    point, self.disk.now(), cut, fault))
            self.cuts += 1
            shutil.rmtree(root)
        assert not self.wrong, "\n".join(
            ["seed %d" % self.seed] + self.wrong)

    def look(self, root, point, cut):
        place = self.world(root)
        try:
            self.start(place)
            self.compare(place, point)
            self.go_on(place)
            if self.random.random() < 0.3:
                self.restore_last(place, point)
        except AssertionError as fault:
            said = place.read_log()
            if cut.block == PAGE or not any(word in said for word in DAMAGED):
                raise AssertionError("%s\n%s" % (fault, said[-400:])) from None
            self.torn += 1
            self.restore_last(place, point)
        finally:
            place.stop(signal.SIGKILL)


# ---- the stories ----

class Working(Story):
    """a power cut under a load of everything loses nothing"""

    def prepare(self, place):
        super().prepare(place)
        folder_for_backups(place)
        self.fill_log(place)
        self.donor = Load(place, self.facts, self.seed, self.scratch, "")
        self.donor.prepare(place, 4)

    @staticmethod
    def fill_log(place):
        """So far that its next file begins within the story."""
        rows, made = place.run_root + "/rows", place.run_root + "/made"
        with open(rows, "w") as file:
            file.write("user\n" + "crowd\n" * BATCH)
        while log_end(place) < LOG_FILE - LOG_LEFT:
            place.admin("create", "--batch", rows, "--output", made)
            os.unlink(made)

    def load(self, place, acts):
        load = Load(place, self.facts, self.random.random(), self.scratch,
                    place.root + "/backups", killed=0)
        load.imports = self.donor.imports
        load.begin(acts)
        return load

    def tell(self, place):
        limit(place)
        place.start()
        load = self.load(place, ACTS)
        load.reached(ACTS // 2)
        place.stop(signal.SIGKILL)
        place.start()
        load.join()
        place.stop()


class Offline(Working):
    """a power cut while pat-admin works without patd loses nothing"""

    def tell(self, place):
        limit(place)
        self.load(place, ACTS // 2).join()


class Making(Story):
    """a store that was made is there after a power cut; one that was not quite
    made is made by another init
    """

    def prepare(self, place):
        pass

    def tell(self, place):
        place.admin("init")
        began = self.facts.now()
        token = place.admin("create", "alice").stdout.strip()
        self.facts.created(token, "alice", LIVE, began)

    def start(self, place):
        place.admin("init")
        super().start(place)


class Upgrading(Story):
    """a power cut while a store of an older format is opened for the first time
    loses nothing
    """

    def prepare(self, place):
        super().prepare(place)
        token, ended = (place.admin("create", "alice").stdout.strip()
                        for _ in range(2))
        place.admin("revoke", ended[5:13])
        subprocess.run([AGE_STORE, place.config,
                        str(self.random.randint(1, 3))], check=True)
        self.facts.created(token, "alice", LIVE, 0)
        self.facts.created(ended, "alice", DEAD, 0)
        self.facts.now = lambda: 0

    def tell(self, place):
        place.start()
        act = self.facts.begin(("user", "bob"), "disabled")
        place.admin("user", "disable", "bob")
        self.facts.done(act)
        place.stop()


class Restoring(Story):
    """a power cut during a restore leaves the old store or the new one, and after
    it the new one
    """

    def prepare(self, place):
        super().prepare(place)
        backups = folder_for_backups(place)
        old = place.token("alice")
        place.admin("backup", backups + "/backup")
        new = place.token("alice")
        self.old, self.new = old, new
        self.restored_at = None

    def tell(self, place):
        place.admin("restore", place.root + "/backups/backup")
        self.restored_at = self.facts.now()
        place.start()

    def compare(self, place, point):
        assert verdict(place, "alice", self.old) == ACCEPT, "lost"
        found = verdict(place, "alice", self.new)
        assert found == DENY or point < self.restored_at, "the old one is back"
        assert place.admin("audit", "verify", check=False).returncode == 0


STORIES = (Working, Offline, Making, Upgrading, Restoring)


def of_story(kind):
    """A case that tells such stories until there are enough cuts."""
    def case():
        left = max(1, CUTS // len(STORIES))
        done = torn = number = restored = 0
        while done < left:
            with kind(SEED + number) as story:
                story.record()
                story.cut_all(min(left - done, CUTS_OF_STORY))
                done += story.cuts
                torn += story.torn
                restored += story.restored
            number += 1
        print("# %d cuts in %d stories; %d torn stores were noticed, %d "
              "backups restored" % (done, number, torn, restored))
    case.__doc__ = kind.__doc__
    return case


# ---- the disk itself ----

def on_disk(change):
    """What is on the disk after each of many cuts at the end of this change: a
    set of what the files hold, by name.
    """
    with Story(SEED) as story:
        first = os.path.join(story.scratch, "first")
        os.mkdir(first)
        with open(first + "/old", "wb") as file:
            file.write(b"old" * PAGE)
        disk = Recorded(RECORD_DISK, story.scratch, first)
        with disk:
            change(disk.path)
        found = set()
        for _, after in disk.cuts([disk.now()]):
            for number in range(WAYS):
                root = os.path.join(story.scratch, str(number))
                after.cut(Cut("%d.%d" % (SEED, number)), root)
                found.add(frozenset(
                    (name, open(os.path.join(root, name), "rb").read())
                    for name in os.listdir(root)))
        return [dict(files) for files in found]


def put(path, data, *synced):
    """Writes a file, and syncs these paths."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    os.write(fd, data)
    os.close(fd)
    for name in synced:
        fd = os.open(name, os.O_RDONLY)
        os.fsync(fd)
        os.close(fd)


def disk_forgets():
    """a cut takes what was not synced: bytes, sizes and names, or none of it"""
    new = b"new" * PAGE
    found = on_disk(lambda root: put(root + "/old", new))
    assert any(files["old"] == new for files in found)
    assert any(files["old"] == b"old" * PAGE for files in found)
    assert any(b"old" in files["old"] and b"new" in files["old"]
               for files in found)
    found = on_disk(lambda root: put(root + "/new", new, root + "/new"))
    assert any("new" not in files for files in found), "fsync kept a name"
    found = on_disk(lambda root: put(root + "/new", new, root))
    assert any(files["new"] != new for files in found), "it kept the bytes"
    found = on_disk(lambda root: os.rename(root + "/old", root + "/new"))
    assert {tuple(files) for files in found} == {("old",), ("new",)}


def disk_remembers():
    """a cut takes nothing that was synced, whatever comes after it"""
    def change(root):
        put(root + "/new", b"1" * PAGE, root + "/new", root)
        os.rename(root + "/new", root + "/last")
        put(root + "/x", b"", root)
        os.unlink(root + "/x")

    assert all(files["last"] == b"1" * PAGE for files in on_disk(change))


print("# seed %d" % SEED, flush=True)
main([disk_forgets, disk_remembers, *(of_story(kind) for kind in STORIES)])
