"""The disk of the store is full: what an administrator can still do."""
import csv
import os
import signal
import subprocess
import tempfile

from daemon import ACCEPT, ADMIN, DENY, main, world


class Filler:
    """Takes all that is free on the disk, and gives it back."""

    def __init__(self, place):
        self.path = place.root + "/filler"
        self.fill()

    def fill(self):
        with open(self.path, "ab", buffering=0) as file:
            for size in (65536, 4096, 1):
                try:
                    while file.write(b"x" * size) == size:
                        pass
                except OSError:
                    pass

    def free(self):
        os.unlink(self.path)


def several(place, count):
    """The ids of so many new tokens."""
    with tempfile.TemporaryDirectory(dir="/tmp") as elsewhere:
        with open(elsewhere + "/rows", "w") as file:
            file.write("user\n" + "bob\n" * count)
        place.admin("create", "--batch", elsewhere + "/rows", "--output",
                    elsewhere + "/made")
        with open(elsewhere + "/made") as file:
            return [row["id"] for row in csv.DictReader(file)]


def reserve(place):
    return place.stats()["store"]["reserve"]


def refused(place):
    """Creates tokens until that is refused; what it says. A log file has its
    space from its beginning, so some fit.
    """
    with tempfile.TemporaryDirectory(dir="/tmp") as elsewhere:
        rows = elsewhere + "/rows"
        with open(rows, "w") as file:
            file.write("user,name\n" + "carol,%s\n" % ("n" * 100) * 300)
        for number in range(20):
            done = place.admin("create", "carol", check=False)
            if done.returncode != 0:
                assert done.returncode == 3 and not done.stdout, done
                return done.stderr
            place.admin("create", "--batch", rows, "--output",
                        "%s/%d" % (elsewhere, number), check=False)
    raise AssertionError("everything fits")


def tokens_end():
    """with patd: tokens are revoked, users disabled; a new token is refused,
    with what to do; and it stays so after a kill and a restart
    """
    with world() as place:
        tokens = [place.token() for _ in range(40)]
        other = place.token("bob")
        whole = reserve(place)
        filler = Filler(place)
        words = refused(place)
        for word in ("is full", "make room", place.root + "/store"):
            assert word in words, words
        for token in tokens[:10]:
            place.admin("revoke", token[5:13], "--reason", "leaked " * 30)
            assert place.ask("alice", token)[0] == DENY
        place.admin("revoke", "--user", "alice")
        place.admin("user", "disable", "bob")
        assert "make room" in refused(place)
        place.stop(signal.SIGKILL)
        place.start()
        for token in tokens:
            assert place.ask("alice", token)[0] == DENY
        assert place.ask("bob", other)[0] == DENY
        assert reserve(place) < whole
        filler.free()
        place.admin("user", "enable", "bob")
        assert place.ask("bob", other)[0] == ACCEPT
        assert reserve(place) == whole


def alone():
    """without patd it is the same"""
    with world(start=False) as place:
        token, other = place.token(), place.token()
        place.start()
        for one in (token, other):
            assert place.ask("alice", one)[0] == ACCEPT
        place.stop()
        filler = Filler(place)
        assert "make room" in refused(place)
        place.admin("revoke", token[5:13])
        filler.fill()
        place.start()
        assert place.ask("alice", token)[0] == DENY
        assert place.ask("alice", other)[0] == ACCEPT


def check_says():
    """check says that the reserve is in use, and a backup leaves it out"""
    with world() as place:
        ids = several(place, 1200)
        whole = reserve(place)
        filler = Filler(place)
        refused(place)
        while reserve(place) == whole:  # until the last log file is full
            place.admin("revoke", "--from-file", "-", "--reason", "w" * 250,
                        said="\n".join(ids.pop() for _ in range(40)))
            filler.fill()  # also what a log file leaves that goes
        check = subprocess.run(
            [ADMIN, "--config", place.config, "check"], text=True,
            capture_output=True, timeout=60)
        assert "/store/reserve: " in check.stdout + check.stderr, check
        assert "make room" in check.stdout, check
        filler.free()
        place.admin("backup", place.root + "/copy")
        assert "reserve" not in os.listdir(place.root + "/copy")


main([tokens_end, alone, check_says])
