"""The disk takes long to sync what a commit wrote: tokens that are in use go
on, and nobody sees what is not durable.
"""
import contextlib
import os
import select
import signal
import subprocess

from daemon import (ACCEPT, ADMIN, BUILD, DENY, SANITIZED, Client, Skip,
                    forged, main, question, wait_for, world)

SHIM = os.path.join(BUILD, "tests/faults/.libs/hold_sync.so")
MANY = 300


class Disk:
    """Of a patd: its syncs can be held up."""

    def __init__(self, place, name="log."):
        folder = place.root + "/disk"
        os.mkdir(folder)
        os.chmod(folder, 0o777)
        self.file = folder + "/hold"
        self.env = dict(os.environ, LD_PRELOAD=SHIM, JP_HOLD_NAME=name,
                        JP_HOLD_SYNC=self.file)

    def hold(self):
        with open(self.file, "w"):
            pass

    def holds(self):
        return os.path.exists(self.file + ".held")

    def free(self):
        for name in (self.file, self.file + ".held"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)


@contextlib.contextmanager
def slow(more="", name="log."):
    """A patd and its disk."""
    if SANITIZED or not os.path.exists(SHIM):
        raise Skip("preloads a library of its own")
    # In the sandbox the shim could not say that it holds.
    with world("sandbox = no\n" + more, start=False) as place:
        disk = Disk(place, name)
        try:
            place.start(env=disk.env)
            yield place, disk
        finally:
            disk.free()


@contextlib.contextmanager
def commit(place, disk, *command):
    """While the commit of pat-admin waits for its sync."""
    disk.hold()
    with subprocess.Popen([ADMIN, "--config", place.config, *command],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as act:
        wait_for(disk.holds)
        try:
            yield act
            assert act.poll() is None, "it did not wait for the disk"
        finally:
            disk.free()
        _, words = act.communicate(timeout=60)
        assert act.returncode == 0, words


def warm(place, count=20):
    tokens = [place.token() for _ in range(count)]
    for token in tokens:
        assert place.ask("alice", token) == (ACCEPT, "alice")
    return tokens


def ids(tokens):
    return [token[5:13] for token in tokens]


def all_answered():
    """while a commit waits for its fsync, known tokens are accepted"""
    with slow() as (place, disk):
        pairs = [("alice", token) for token in warm(place)]
        for command in (["create", "alice"], ["user", "disable", "bob"],
                        ["revoke", pairs.pop()[1][5:13]]):
            with commit(place, disk, *command):
                assert place.hammer(pairs, MANY, 2) == (MANY, 0, 0)


def nothing_early():
    """a revocation shows when it is durable, and then at once; so does the
    return of a user
    """
    with slow() as (place, disk):
        tokens = warm(place, 3)
        with commit(place, disk, "revoke", ids(tokens)[0]):
            assert place.ask("alice", tokens[0])[0] == ACCEPT
        assert place.ask("alice", tokens[0])[0] == DENY
        with commit(place, disk, "user", "disable", "alice"):
            assert place.ask("alice", tokens[1])[0] == ACCEPT
        assert place.ask("alice", tokens[1])[0] == DENY
        with commit(place, disk, "user", "enable", "alice"):
            assert place.ask("alice", tokens[1])[0] == DENY
        assert place.ask("alice", tokens[1])[0] == ACCEPT
        assert place.ask("alice", tokens[0])[0] == DENY


def unknown_waits():
    """what has to be read waits, and nobody else does: not for it, nor for a
    reload
    """
    with slow() as (place, disk):
        tokens = warm(place, 3)
        cold = place.token()
        place.stop()
        place.start(env=disk.env)  # nothing is known by heart
        for token in tokens:
            assert place.ask("alice", token)[0] == ACCEPT
        pairs = [("alice", token) for token in tokens]
        with contextlib.ExitStack() as stack:
            asked = [stack.enter_context(Client(place.verify, 60))
                     for _ in range(20)]
            with commit(place, disk, "create", "alice"):
                for client in asked[1:]:
                    client.send(question("alice", forged("AAAAAAAA")))
                asked[0].send(question("alice", cold))
                place.patd.send_signal(signal.SIGHUP)
                wait_for(lambda: "settings: reloaded" in place.read_log())
                place.ask("alice", tokens[0])  # its hash, after the reload
                assert place.hammer(pairs[:1], MANY, 2) == (MANY, 0, 0)
            verdicts = [client.answer()[0] for client in asked]
        assert ACCEPT not in verdicts[1:]
        assert place.ask("alice", cold)[0] == ACCEPT


def restart(place, disk):
    """Nothing is known by heart."""
    place.stop()
    place.start(env=disk.env)


def cold_goes_on():
    """while a commit waits for its fsync, tokens that patd has not seen yet are
    accepted, whatever is committed
    """
    with slow() as (place, disk):
        used, *tokens = [place.token() for _ in range(16)]
        restart(place, disk)
        assert place.ask("alice", used)[0] == ACCEPT
        for command in (["backup", place.root + "/copy"],  # writes uses
                        ["create", "alice"], ["create", "carol"], ["user", "disable", "bob"],
                        ["revoke", tokens.pop()[5:13]],
                        ["rotate", tokens.pop()[5:13]]):
            with commit(place, disk, *command):
                for _ in range(2):
                    assert place.ask("alice", tokens.pop())[0] == ACCEPT


class Log:
    """The log files of a place's store."""

    def __init__(self, place):
        self.place = place
        self.folder = place.root + "/store/"

    def names(self):
        return sorted(name for name in os.listdir(self.folder)
                      if name.startswith("log."))

    def left(self):
        """Bytes of the last one; it has its size, and zeroes, from the first.
        """
        with open(self.folder + self.names()[-1], "rb") as file:
            data = file.read()
        return len(data) - len(data.rstrip(b"\0"))

    def fill(self, rows):
        """As far as so many new tokens at a time fill it."""
        batch = "%s/rows%d" % (self.place.root, rows)
        with open(batch, "w") as file:
            file.write("user\n" + "carol\n" * rows)
        for _ in range(1000):
            if self.left() < rows * 3000 + 36000:
                return
            self.place.admin("create", "--batch", batch,
                             "--output", batch + ".out")
            os.unlink(batch + ".out")
        raise AssertionError("it does not get full")


def cold_at_log_end():
    """so they are where the commit ends a log file of the store"""
    with slow() as (place, disk):
        tokens = [place.token() for _ in range(90)]
        restart(place, disk)
        log = Log(place)
        log.fill(100)
        log.fill(5)
        first = log.names()
        while log.names() == first:
            with commit(place, disk, "create", "alice"):
                assert place.ask("alice", tokens.pop())[0] == ACCEPT


def touched_waits():
    """where nothing is kept in memory, a token that a commit touches waits for
    it, and hinders no other one
    """
    with slow("cache_entries = 0\n") as (place, disk):
        revoked, *tokens = [place.token() for _ in range(4)]
        with Client(place.verify, 60) as client:
            with commit(place, disk, "revoke", revoked[5:13]):
                client.send(question("alice", revoked))
                for token in tokens:
                    assert place.ask("alice", token)[0] == ACCEPT
                assert not select.select([client.sock], [], [], 0)[0]
            assert client.answer()[0] != ACCEPT
        assert place.ask("alice", revoked)[0] == DENY


def looked_at():
    """an administrator does not see either what is not durable"""
    with slow("cache_entries = 0\n") as (place, disk):
        token, other = place.token(), place.token("carol")
        with contextlib.ExitStack() as stack:
            with commit(place, disk, "revoke", token[5:13]):
                looks = [stack.enter_context(subprocess.Popen(
                    [ADMIN, "--config", place.config, *command], text=True,
                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE))
                    for command in (["show", token[5:13]], ["list"])]
                assert "carol" in place.admin("show", other[5:13]).stdout
                with contextlib.suppress(subprocess.TimeoutExpired):
                    looks[0].wait(0.3)
                assert [look.poll() for look in looks] == [None, None]
            shown, listed = [look.communicate(timeout=60)[0]
                             for look in looks]
        assert "revoked" in shown, shown
        assert "carol" in listed, listed


def others():
    """checkpoint, backup and uses that wait for their fsync stop nobody"""
    with slow(name="") as (place, disk):
        pairs = [("alice", token) for token in warm(place)]
        with commit(place, disk, "backup", place.root + "/copy"):
            assert place.hammer(pairs, MANY, 2) == (MANY, 0, 0)


def killed():
    """a patd that is killed while a commit waits: what was acknowledged holds,
    and what was not is there whole or not at all
    """
    with slow() as (place, disk):
        tokens = warm(place, 5)
        place.admin("revoke", ids(tokens)[0])
        disk.hold()
        with subprocess.Popen(
                [ADMIN, "--config", place.config, "revoke",
                 *ids(tokens)[1:3]], stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                text=True) as act:
            wait_for(disk.holds)
            place.stop(signal.SIGKILL)
            disk.free()
            said, _ = act.communicate(timeout=60)
            assert act.returncode == 3 and not said, said
        place.start(env=disk.env)
        assert place.ask("alice", tokens[0])[0] == DENY
        for token in tokens[3:]:
            assert place.ask("alice", token)[0] == ACCEPT
        for token in tokens[1:3]:  # the command can be given again
            place.admin("revoke", token[5:13])
            assert place.ask("alice", token)[0] == DENY


main([all_answered, nothing_early, unknown_waits, cold_goes_on,
      cold_at_log_end, touched_waits, looked_at, others, killed])
