"""What can be found in the memory of patd: no token after its last use, and at
the end no key either.
"""
import ctypes
import os
import resource
import signal
import socket

from daemon import (ACCEPT, AUDIT, DENY, ROOT, SANITIZED, TMPFS, WATCHED,
                    Client, Skip, forged, main, make_slow, question, text,
                    wait_for, world)
from memory import found, needles_of

PR_CAPBSET_DROP, CAP_SYS_RESOURCE = 24, 24


def may_lock(place):
    """Whether the limit of this patd has room for all that holds secrets."""
    with open("/proc/%d/limits" % place.patd.pid) as file:
        limit, = (line.split()[3] for line in file if "locked" in line)
    return limit == "unlimited" or int(limit) >= 8 << 20


def assert_locked(place, hits):
    for where, marks in hits:
        assert "lo" in marks or not may_lock(place), "not locked: " + where


def look(place):
    if not ROOT:
        raise Skip("needs root")
    try:
        with open("/proc/%d/mem" % place.patd.pid, "rb", 0):
            pass
    except PermissionError:
        raise Skip("may not look into other processes") from None


def no_token():
    """after its last use no part of a token is in the memory of patd"""
    with world(AUDIT, args=()) as place:
        look(place)
        made = place.token()  # by patd itself, for pat-admin
        revoked = place.token()
        place.admin("revoke", revoked[5:13])
        wrong = forged(made[5:13])
        unknown = forged("zzzzzzzz")
        cut = place.token()
        rotated = place.admin("rotate", cut[5:13]).stdout.strip()
        tokens = [made, revoked, wrong, unknown, cut, rotated]
        with Client(place.verify) as client:
            for _ in range(3):
                assert client.ask("alice", made) == (ACCEPT, "alice")
                assert client.ask("bob", made) == (DENY, "")
                for given in (revoked, wrong, unknown, "x" + made):
                    assert client.ask("alice", given) == (DENY, "")
                assert client.ask(made, made) == (DENY, "")
                assert client.ask("alice", rotated) == (ACCEPT, "alice")
        with Client(place.verify) as client:
            client.send(question("alice", cut))  # and leave
        with Client(place.verify) as client:
            client.send(question("alice", cut)[:-2])
            assert client.closed()
        with Client(place.verify) as client:
            client.send(question("alice", cut) + b"x" * 1000)
            assert client.closed()
        place.admin("test", "alice", said=made + "\n", check=False)
        wait_for(lambda: place.stats()["connections"]["open"] == 0)
        assert "unknown-id" in place.read_trail()
        hits = found(place.patd.pid, needles_of(tokens))
        assert not hits, hits


def held_in_locked_memory(more="", tmpfs=None, **options):
    with world("workers = 1\n" + more, start=False, tmpfs=tmpfs) as place:
        make_slow(place)
        token, other = place.token(), place.token()
        place.start(**options)
        look(place)
        with Client(place.verify) as first, \
                Client(place.verify) as second:
            first.send(question("alice", other))
            second.send(question("alice", token))
            wait_for(lambda: place.stats()["queue"]["depth"] == 1)
            hits = found(place.patd.pid, {"token": token.encode()})
            first.answer()
            second.answer()
        assert "token" in hits, "it is not found where it has to be"
        assert_locked(place, hits["token"])


def held_while_needed():
    """a token that waits for its hash is found, in locked memory alone"""
    held_in_locked_memory()


def locked_before_the_memo():
    """so it is where not all of the file of the memo can be locked, too"""
    def limit():
        ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_SYS_RESOURCE, 0, 0, 0)
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (8 << 20, 8 << 20))
    if TMPFS is None:
        raise Skip("there is no tmpfs")
    held_in_locked_memory("cache_entries = 65536", TMPFS, preexec_fn=limit)


def mux_question(*fields):
    return b"".join(text(field) for field in fields)


def asked_of_mux(place, data):
    """What patd answers to these bytes, and nothing more, on its mux."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as mux:
        mux.settimeout(60)
        mux.connect(place.root + "/run/mux")
        mux.sendall(data)
        mux.shutdown(socket.SHUT_WR)
        return mux.recv(99)


def no_token_of_mux():
    """nor is one that came by mux, whole, in halves, or too long"""
    with world(AUDIT + "mux = {root}/run/mux", args=()) as place:
        look(place)
        token, cut = place.token(), place.token()
        whole = mux_question("alice", token, "svn", "")
        for _ in range(3):
            assert asked_of_mux(place, whole) == b"\0\2OK"
            assert asked_of_mux(
                place, mux_question("bob", token, "svn", "")) == b"\0\2NO"
        half = mux_question("alice", cut)
        assert asked_of_mux(place, half) == b"\0\2NO"
        assert asked_of_mux(place, half + b"x" * 6000) == b"\0\2NO"
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as mux:
            mux.settimeout(60)
            mux.connect(place.root + "/run/mux")
            mux.sendall(half)
            def held():
                return found(place.patd.pid, {"token": cut.encode()})
            wait_for(held)
            assert_locked(place, held()["token"])
            mux.sendall(text("svn") + text(""))
            assert mux.recv(99) == b"\0\2OK"
        wait_for(lambda: place.stats()["connections"]["open"] == 0)
        hits = found(place.patd.pid, needles_of([token, cut]))
        assert not hits, hits


def memo_is_locked(pid):
    with open("/proc/%d/smaps" % pid) as file:
        _, _, rest = file.read().partition("/run/patd.memo\n")
    return "lo" in rest.partition("VmFlags: ")[2].partition("\n")[0].split()


def locked():
    """memory is locked, the file of the memo, too, and no core is dumped"""
    with world(args=(), tmpfs=TMPFS) as place:
        place.token()  # by now it has started
        with open("/proc/%d/limits" % place.patd.pid) as file:
            core = [line.split() for line in file if "core file" in line]
        assert core[0][4:6] == ["0", "0"], core
        if not may_lock(place):
            raise Skip("little memory may be locked")
        with open("/proc/%d/status" % place.patd.pid) as file:
            status = dict(line.split(":", 1) for line in file)
        assert int(status["VmLck"].split()[0]) > 0, status["VmLck"]
        assert TMPFS is None or memo_is_locked(place.patd.pid)


def state_of(pid):
    with open("/proc/%d/stat" % pid) as file:
        return file.read().rsplit(")", 1)[1].split()[0]


def wiped_at_the_end():
    """the pepper is found while patd runs, locked, and not when it ends"""
    if SANITIZED:
        raise Skip("no patd that is watched, with sanitizers")
    with world(start=False) as place:
        token = place.token()
        place.start(program=WATCHED, env=dict(os.environ, JP_WATCH_STOP="1"))
        look(place)
        with open(place.root + "/key/pepper.key", "rb") as file:
            needles = {"pepper": file.read()}
        assert len(needles["pepper"]) == 32
        assert place.ask("alice", token) == (ACCEPT, "alice")
        pid = place.patd.pid
        hits = found(pid, needles)
        assert len(hits["pepper"]) == 1, hits
        assert_locked(place, hits["pepper"])
        needles.update(needles_of([token]))
        place.patd.send_signal(signal.SIGTERM)
        wait_for(lambda: state_of(pid) == "T")
        hits = found(pid, needles)
        place.patd.send_signal(signal.SIGCONT)
        assert place.patd.wait(60) == 0
        place.patd = None
        assert not hits, hits


main([no_token, no_token_of_mux, held_while_needed,
      locked_before_the_memo, locked, wiped_at_the_end])
