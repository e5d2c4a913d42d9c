"""The disk under the store of one host is full, or can only be read: what is revoked
elsewhere is accepted there no more once the command has returned, and when the disk is
right again nothing is lost.
"""
import contextlib
import errno
import os
import shutil
import subprocess
import sys
import threading

from acts import id_of
from cluster import cluster, wait_for
from daemon import ACCEPT, DENY, UNAVAILABLE, Skip, main

SIZE = 16  # MiB: of tmpfs; 3 of them are the reserve
IMAGE = 64  # MiB: of ext4, with its journal


def sh(*command):
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


class Disk:
    """A small one, on which the store of a host that is down lies from now on."""

    def __init__(self, host):
        self.store = os.path.join(host.root, "store")
        self.filler = os.path.join(self.store, "filler")
        self.image = os.path.join(host.root, "image")
        self.mounted = False
        self.moved()

    def moved(self):
        aside = self.store + ".aside"
        sh("cp", "-a", self.store, aside)
        self.make()
        self.mount()
        sh("cp", "-a", aside + "/.", self.store)
        sh("sync", "-f", self.store)  # what breaks later does not lose this
        sh("rm", "-rf", aside)

    def make(self):
        pass

    def mount(self):
        sh("mount", "-t", "tmpfs", "-o", "size=%dm" % SIZE, "none", self.store)
        self.mounted = True

    def umount(self):
        if self.mounted:
            sh("umount", self.store)
        self.mounted = False

    def fill(self):
        """All that is free, to the last byte."""
        with open(self.filler, "ab", buffering=0) as file:
            for size in (65536, 4096, 1):
                with contextlib.suppress(OSError):
                    while file.write(b"x" * size) == size:
                        pass

    @contextlib.contextmanager
    def filled(self):
        """Something takes all that there is, as soon as it is there."""
        stop = threading.Event()

        def run():
            while not stop.wait(0.01):
                self.fill()

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def free(self):
        os.unlink(self.filler)


class Image(Disk):
    """One that the kernel makes read-only, as after an error, whatever is open."""

    def make(self):
        with open(self.image, "wb") as file:
            file.truncate(IMAGE << 20)
        if shutil.which("mkfs.ext4") is None:
            raise Skip("no mkfs.ext4")
        sh("mkfs.ext4", "-q", "-F", self.image)

    def mount(self):
        try:
            sh("mount", "-o", "loop,errors=remount-ro", self.image, self.store)
        except subprocess.CalledProcessError:
            raise Skip("no file can be mounted here") from None
        self.mounted = True

    def abort(self):
        """mount(8) says that it failed, for afterwards it is read-only."""
        subprocess.run(["mount", "-o", "remount,abort", self.store],
                       capture_output=True)
        try:
            with open(self.filler, "w"):
                pass
        except OSError as err:
            if err.errno == errno.EROFS:
                return
        raise Skip("ext4 does not let itself be aborted here")

    def repair(self):
        """As an administrator does; whoever uses it has to be down."""
        self.umount()
        done = subprocess.run(["fsck.ext4", "-y", self.image], text=True,
                              capture_output=True)
        assert done.returncode in (0, 1), done
        self.mount()


@contextlib.contextmanager
def small(kind):
    """Three hosts, the last of them with such a disk: (cluster, host, disk)."""
    with cluster(start=False) as whole:
        host = whole.hosts[2]
        disk = kind(host)
        try:
            whole.start("--debug")
            yield whole, host, disk
        finally:
            host.end()
            disk.umount()


def tokens_of_bob(whole, count):
    return [token for _, token in whole.hosts[0].batch(["bob"] * count)]


def disable_many(host, prefix):
    """One large batch of the log, of what is applied on a full disk, too."""
    path = os.path.join(host.root, "users")
    with open(path, "w") as file:
        file.write("user,active\nalice,yes\nbob,yes\nprobe,yes\n" + "".join(
            "%s.%d.%d,no\n" % ("x" * 80, prefix, n) for n in range(1000)))
    host.admin("sync-users", "--force", path)


def end_one(whole, host, token):
    """Revoked on the first host: what the last one says from then on."""
    whole.hosts[0].admin("revoke", id_of(token))
    said = host.verdict("bob", token)
    assert said != ACCEPT, "accepted after its revocation"
    return said


class Refusal:
    """What the log of a host says while it cannot apply what is in the log of the
    cluster: one line when that begins, and one when it is over."""

    COMES_AND_GOES = ("cluster: pat-clusterd is", "cluster: no connection",
                      "cluster: connected to")

    def __init__(self, host):
        self.host = host
        host.logged("cluster: connected to")
        self.begun = self.lines()

    def lines(self):
        return [line for line in self.host.read_log().splitlines()
                if any(words in line for words in self.COMES_AND_GOES)]

    def tries(self):
        return self.host.read_link_log().count("host: connected")

    def check(self, *words):
        before = self.tries()
        wait_for(lambda: self.tries() >= before + 2, self.host.story)
        self.host.logged("accepts nothing until it can take what is in the log")
        log = self.host.read_log().splitlines()
        said = [line for line in log if "cannot be applied" in line]
        assert len(said) == 1, said
        for word in words:
            assert word in said[0], said
        assert "permission denied" not in said[0], said
        assert self.lines() == self.begun, self.lines()
        shown = self.host.admin("cluster", "status", check=False).stdout
        check = self.host.admin("check", check=False).stdout
        for text in (shown, check):
            for word in words:
                assert word in text, text

    def check_over(self):
        self.host.logged("cluster: this host takes the log again")
        log = self.host.read_log()
        assert log.count("takes the log again") == 1, log
        assert log.count("cannot be applied") == 1, log
        assert self.lines() == self.begun, self.lines()


def says_no_yes(whole, host, good, known, doomed):
    """Its lease is over: nothing is accepted, and what is revoked is denied; a change
    there is not made, or is said to be."""
    wait_for(lambda: host.verdict("bob", good) == UNAVAILABLE, host.story)
    for _ in range(3):
        assert end_one(whole, host, doomed.pop()) == UNAVAILABLE
    assert host.verdict("bob", known) == DENY
    token = doomed.pop()
    done = host.admin("revoke", id_of(token), check=False)
    assert done.returncode == 3, done
    assert "nothing was changed: this host cannot take the log" in done.stderr, done
    for other in whole.hosts[:2]:
        assert other.verdict("bob", token) == ACCEPT


def full():
    """a host whose disk is full applies what it can; then it says no yes after its
    lease, and why, once; with room it goes on, and has all
    """
    with small(Disk) as (whole, host, disk):
        good, known, *doomed = tokens_of_bob(whole, 60)
        host.admin("revoke", id_of(known))
        refusal = Refusal(host)
        with disk.filled():
            for number in range(50):
                disable_many(whole.hosts[0], number)
                end_one(whole, host, doomed.pop())
                if "cannot be applied" in host.read_log():
                    break
            says_no_yes(whole, host, good, known, doomed)
            refusal.check("the disk of", "is full", "make room there")
            done = host.admin("create", "eve", check=False)
            assert done.returncode == 3 and "make room" in done.stderr, done
        disk.free()
        whole.wait_leases()
        refusal.check_over()
        assert host.verdict("bob", good) == ACCEPT
        whole.check_equal()


def read_only():
    """a host whose file system has become read-only says no yes after its lease, and
    why, once, nor when it starts again; when it is repaired, and mounted anew, the
    host has all
    """
    with small(Image) as (whole, host, disk):
        good, known, *doomed = tokens_of_bob(whole, 30)
        host.admin("revoke", id_of(known))
        whole.wait_equal()
        refusal = Refusal(host)
        disk.abort()
        for _ in range(3):
            end_one(whole, host, doomed.pop())
        says_no_yes(whole, host, good, known, doomed)
        refusal.check("Read-only file system", host.root + "/store")
        host.stop()
        done = host.run()
        assert done.returncode == 3, done
        assert "Read-only file system" in done.stderr, done
        disk.repair()
        host.start_again()
        whole.wait_leases()
        assert host.verdict("bob", good) == ACCEPT
        whole.check_equal()


CASES = [full, read_only]

if __name__ == "__main__":
    main([case for case in CASES if sys.argv[1:] in ([], [case.__name__])])
