"""What a restart costs, counted: tokens that were in use cost no Argon2id, and
whatever happened while patd was away holds.
"""
import contextlib
import os
import random
import shutil
import signal
import threading

from daemon import (ACCEPT, BUILD, DENY, ROOT, SANITIZED, TMPFS, UNAVAILABLE,
                    Client, Skip, main, on_tmpfs, wait_for, world)

SHIM = os.path.join(BUILD, "tests/faults/.libs/shift_clock.so")
TOKENS, CLIENTS = 200, 8
DAY = 86400


@contextlib.contextmanager
def lasting(more="", **options):
    """A world whose run_dir ends with the boot."""
    if TMPFS is None:
        raise Skip("there is no tmpfs")
    with world(more, tmpfs=TMPFS, **options) as place:
        place.memo = os.path.join(place.run_dir, "patd.memo")
        yield place


def again(place, sig=signal.SIGKILL):
    place.stop(sig)
    place.start("--debug")


def runs(place):
    return place.stats()["argon2_runs"]


def kept(place):
    return place.stats()["memo"]["kept"]


def known(place, *rights):
    """A token that patd knows, which is then gone."""
    token = place.token("alice", *rights)
    if place.patd is None:
        place.start("--debug")
    assert place.ask("alice", token) == (ACCEPT, "alice")
    place.stop(signal.SIGKILL)
    return token


def verdict(place, token):
    """What a started patd says, and how many Argon2id that took."""
    if place.patd is None:
        place.start("--debug")
    before = runs(place)
    answer = place.ask("alice", token)[0]
    return answer, runs(place) - before


# ---- what it saves ----

def no_hash():
    """after kill -9 and after a stop, known tokens cost no Argon2id"""
    with lasting() as place:
        tokens = [place.token() for _ in range(20)]
        for token in tokens:
            assert place.ask("alice", token) == (ACCEPT, "alice")
        assert runs(place) == 20 and kept(place) == 0
        for sig in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
            again(place, sig)
            for token in tokens:
                assert place.ask("alice", token) == (ACCEPT, "alice")
            assert runs(place) == 0 and kept(place) == 20
            place.logged("memo: 20 tokens are known already")


def few_pages():
    """a start touches few pages, as each of them takes time: 1,000, not 2,500
    """
    if SANITIZED:
        raise Skip("a sanitizer has pages of its own")
    with world() as place:
        with open("/proc/%d/stat" % place.patd.pid) as file:
            faults = int(file.read().rsplit(") ", 1)[1].split()[7])
        assert 0 < faults < 1600, faults


class Crowd(threading.Thread):
    """Asks about all tokens in turn, whatever becomes of patd."""

    def __init__(self, place, tokens):
        super().__init__(daemon=True)
        self.place, self.tokens = place, tokens
        self.accepted = self.lost = 0
        self.wrong = None
        self.ended = False

    def ask_all(self):
        with Client(self.place.verify) as client:
            for seq, token in enumerate(self.tokens):
                verdict = client.ask("alice", token, seq)[0]
                if verdict == UNAVAILABLE:
                    self.lost += 1
                elif verdict != ACCEPT:
                    self.wrong = verdict
                self.accepted += verdict == ACCEPT

    def run(self):
        while not self.ended:
            try:
                self.ask_all()
            except (OSError, AssertionError):
                self.lost += 1


def under_load():
    """killed and started again under eight clients: no Argon2id for 200 tokens,
    and none is refused
    """
    with lasting(start=False) as place:
        tokens = [token for _, token in place.batch(["alice"] * TOKENS)]
        place.start()
        crowd = [Crowd(place, random.sample(tokens, TOKENS))
                 for _ in range(CLIENTS)]
        for one in crowd:
            one.start()
        try:
            for _ in range(3):
                wait_for(lambda: all(
                    one.accepted >= TOKENS for one in crowd))
                again(place)
                for one in crowd:
                    one.accepted = 0
            wait_for(lambda: all(one.accepted >= TOKENS for one in crowd))
            assert runs(place) == 0, runs(place)
            assert kept(place) == TOKENS
            assert not any(one.wrong for one in crowd)
        finally:
            for one in crowd:
                one.ended = True
            for one in crowd:
                one.join(20)


# ---- what holds in spite of it ----

def revoked_meanwhile():
    """a token that was revoked while patd was away is refused, without
    Argon2id
    """
    with lasting() as place:
        token = known(place)
        place.admin("revoke", token[5:13])
        assert verdict(place, token) == (DENY, 0)
        place.logged("reason=revoked")


def copy_put_back():
    """the memo of before a revocation, put back after it, accepts nothing"""
    with lasting() as place:
        token = known(place)
        shutil.copy2(place.memo, place.memo + ".old")
        owner = os.stat(place.memo)
        place.start("--debug")
        place.admin("revoke", token[5:13])
        place.stop()
        with open(place.memo + ".old", "rb") as old, open(
                place.memo, "r+b") as memo:
            memo.write(old.read())
        assert os.stat(place.memo).st_uid == owner.st_uid
        assert verdict(place, token) == (DENY, 0)
        place.logged("reason=revoked")
        os.unlink(place.memo + ".old")


def rotated_meanwhile():
    """a token that was rotated while patd was away ends with the first use of
    the new one, which costs its Argon2id
    """
    with lasting() as place:
        token = known(place)
        new = place.admin("rotate", token[5:13]).stdout.strip()
        place.tokens.append(new)
        assert verdict(place, token) == (ACCEPT, 0)
        assert verdict(place, new) == (ACCEPT, 1)
        assert verdict(place, token) == (DENY, 0)
        again(place)
        assert verdict(place, token) == (DENY, 0)
        assert verdict(place, new) == (ACCEPT, 0)


def deleted_meanwhile():
    """a record that was deleted while patd was away is unknown; brought back
    it is what it was
    """
    with lasting() as place:
        token = known(place)
        record = place.admin("export").stdout
        place.record_edit("delete", token[5:13])
        assert verdict(place, token) == (DENY, 0)
        place.logged("reason=unknown-id")
        place.stop()
        place.admin("import", "-", said=record)
        assert verdict(place, token)[0] == ACCEPT


def rehashed_meanwhile():
    """a record of the same id with another hash is proved anew, and refused"""
    with lasting() as place:
        token = known(place)
        place.record_edit("rehash", token[5:13])
        assert verdict(place, token) == (DENY, 1)
        place.logged("reason=secret")
        again(place)
        assert verdict(place, token) == (DENY, 1)


def disabled_meanwhile():
    """a user who was disabled while patd was away has no tokens"""
    with lasting() as place:
        token = known(place)
        place.admin("user", "disable", "alice")
        assert verdict(place, token) == (DENY, 0)
        place.logged("reason=user-disabled")


def rules_changed_meanwhile():
    """rules that changed while patd was away apply from the start"""
    with lasting() as place:
        scoped = place.token("alice", "--scope", "read")
        rules = "[service jira]\nscope = read\n"
        place.write(rules)
        again(place)
        assert verdict(place, scoped) == (ACCEPT, 1)
        place.stop()
        place.write(rules.replace("read", "write"))
        assert verdict(place, scoped) == (DENY, 0)
        place.logged("reason=scope")


def expired_meanwhile():
    """a token that expired while patd was away is refused"""
    if SANITIZED or not os.path.exists(SHIM):
        raise Skip("preloads a library of its own")
    with lasting(start=False) as place:
        shift = os.path.join(place.root, "shift")
        os.environ.update(JP_SHIFT_CLOCK=shift, LD_PRELOAD=SHIM)
        try:
            token = known(place, "--expires", "1d")
            with open(shift, "w") as file:
                file.write("%d\n" % (2 * DAY))
            assert verdict(place, token) == (DENY, 0)
        finally:
            del os.environ["JP_SHIFT_CLOCK"], os.environ["LD_PRELOAD"]
        place.logged("reason=expired")


def restored_meanwhile():
    """after the restore of an older backup, what it holds is what counts"""
    with lasting() as place:
        old = place.token()
        backup = os.path.join(place.root, "backup")
        place.admin("backup", backup)
        new = place.token()
        for token in (old, new):
            assert place.ask("alice", token) == (ACCEPT, "alice")
        place.admin("revoke", old[5:13])
        place.stop()
        place.admin("restore", backup)
        assert verdict(place, new) == (DENY, 0)
        place.logged("reason=unknown-id")
        assert verdict(place, old)[0] == ACCEPT  # as the manual says


def another_pepper():
    """with another pepper patd does not start, whatever the memo says"""
    with lasting() as place:
        token = known(place)
        pepper = os.path.join(place.root, "key/pepper.key")
        with open(pepper, "rb") as file:
            good = file.read()
        os.chmod(pepper, 0o600)
        with open(pepper, "wb") as file:
            file.write(bytes(reversed(good)))
        assert place.run().returncode == 3
        with open(pepper, "wb") as file:
            file.write(good)
        assert verdict(place, token) == (ACCEPT, 0)


def another_store():
    """another store in the same directory knows nothing"""
    with lasting() as place:
        token = known(place)
        for name in ("store", "key"):
            shutil.rmtree(os.path.join(place.root, name))
        place.admin("init")
        other = place.token()
        assert verdict(place, token) == (DENY, 0)
        assert kept(place) == 0
        assert verdict(place, other) == (ACCEPT, 1)


def without_tag():
    """a secret without fast tag costs its Argon2id after each start"""
    with lasting(start=False) as place:
        token = place.token()
        place.record_edit("untag", token[5:13])
        place.start("--debug")
        assert verdict(place, token) == (ACCEPT, 1)
        assert verdict(place, token) == (ACCEPT, 0)
        with open(place.memo, "rb") as file:
            file.seek(144)
            assert not file.read().strip(b"\0")
        again(place)
        assert verdict(place, token) == (ACCEPT, 1)


# ---- the file ----

def hangup():
    """SIGHUP forgets in the file, too"""
    with lasting() as place:
        token = place.token()
        assert place.ask("alice", token) == (ACCEPT, "alice")
        place.patd.send_signal(signal.SIGHUP)
        wait_for(lambda: "settings: reloaded" in place.read_log())
        again(place)
        assert kept(place) == 0
        assert verdict(place, token) == (ACCEPT, 1)


def closed_to_others():
    """its mode is 0600, its owner the user of patd"""
    with lasting() as place:
        place.token()  # by now it has started
        found = os.lstat(place.memo)
        assert found.st_mode == 0o100600, oct(found.st_mode)
        assert found.st_uid == os.stat(place.run_dir).st_uid
        assert found.st_size == 144 + 64 * 4096


def given_again():
    """a run_dir that a service manager took for root is given back, with its
    memo; a memo that it took, too, is made anew
    """
    if not ROOT:
        raise Skip("needs root")
    with lasting() as place:
        token = known(place)
        os.chown(place.run_dir, 0, 0)
        assert verdict(place, token) == (ACCEPT, 0)
        place.stop(signal.SIGKILL)
        os.chown(place.memo, 0, 0)
        os.chown(place.run_dir, 0, 0)
        assert verdict(place, token) == (ACCEPT, 1)
        again(place)
        assert verdict(place, token) == (ACCEPT, 0)


def spoiled():
    """a spoiled memo costs Argon2id, and nothing else"""
    with lasting("cache_entries = 64") as place:
        token = place.token()
        wrong = place.token("bob")

        def cut(data):
            return data[:random.randrange(len(data))]

        def flip(data):
            spoiled = bytearray(data)
            for _ in range(len(data) // 50):
                spoiled[random.randrange(len(data))] ^= random.randrange(1, 255)
            return bytes(spoiled)

        for spoil in (cut, flip, lambda data: b"", lambda data: data + b"x",
                      lambda data: bytes(len(data)),
                      lambda data: random.randbytes(len(data))):
            assert place.ask("alice", token) == (ACCEPT, "alice")
            place.stop(signal.SIGKILL)
            with open(place.memo, "rb") as file:
                data = spoil(file.read())
            with open(place.memo, "r+b") as file:
                file.truncate(0)
                file.write(data)
            answer, count = verdict(place, token)
            assert answer == ACCEPT and count <= 1
            assert verdict(place, wrong)[0] == DENY


def cut_while_open():
    """cut, emptied or removed under a running patd, the memo is no trouble"""
    with lasting() as place:
        token = place.token()
        assert place.ask("alice", token) == (ACCEPT, "alice")
        for spoil in (lambda: os.truncate(place.memo, 100),
                      lambda: os.truncate(place.memo, 0),
                      lambda: os.unlink(place.memo)):
            spoil()
            assert place.ask("alice", token) == (ACCEPT, "alice")
            assert place.ask("alice", place.token()) == (ACCEPT, "alice")
        assert runs(place) == 4
        again(place)
        assert kept(place) == 0


def turned_off():
    """with cache_file = no there is no file, and one that was there goes"""
    with lasting() as place:
        token = known(place)
        assert os.path.exists(place.memo)
        place.write("cache_file = no")
        assert verdict(place, token) == (ACCEPT, 1)
        assert not os.path.exists(place.memo)
        again(place)
        assert verdict(place, token) == (ACCEPT, 1)


def elsewhere():
    """where run_dir outlives the boot the memo stays in memory, and says so"""
    with world() as place:
        if on_tmpfs(place.root):
            raise Skip("all temporary files are on a tmpfs")
        token = place.token()
        assert place.ask("alice", token) == (ACCEPT, "alice")
        place.logged("is not a tmpfs")
        assert not os.path.exists(os.path.join(place.run_dir, "patd.memo"))
        again(place)
        assert verdict(place, token) == (ACCEPT, 1)
        said = place.admin("check", check=False).stdout
        assert "is not a tmpfs" in said, said


main([no_hash, few_pages, under_load, revoked_meanwhile, copy_put_back,
      rotated_meanwhile, deleted_meanwhile, rehashed_meanwhile,
      disabled_meanwhile, rules_changed_meanwhile, expired_meanwhile,
      restored_meanwhile, another_pepper, another_store, without_tag, hangup,
      closed_to_others, given_again, spoiled, cut_while_open,
      turned_off, elsewhere])
