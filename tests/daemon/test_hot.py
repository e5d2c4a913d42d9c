"""What one question about a known token costs: no allocation, and three system
calls.
"""
import os
import shutil
import signal
import subprocess

from daemon import (AUDIT, ROOT, SANITIZED, WATCHED, Skip, main, wait_for,
                    world)

FEW, MANY = 1000, 11000


def allocations(place, pairs, count, conns, per_conn):
    """Of a whole life of patd with so many questions."""
    path = place.root + "/count"
    place.start(program=WATCHED,
                env=dict(os.environ, JP_WATCH_COUNT=path))
    assert place.hammer(pairs, count, conns, per_conn) == (count, 0, 0)
    assert place.stop() == 0
    with open(path) as file:
        return int(file.read())


def none_allocated():
    """10,000 questions about known tokens allocate nothing, with an audit trail
    """
    with world(AUDIT, start=False) as place:
        pairs = [("alice", place.token()) for _ in range(10)]
        few = allocations(place, pairs, FEW, 4, 100000)
        many = allocations(place, pairs, MANY, 4, 100000)
        assert few > 100, "nothing was counted"
        assert many <= few + 20, "%d more" % (many - few)


def none_for_connections():
    """10,000 connections allocate nothing either"""
    with world(start=False) as place:
        pairs = [("alice", place.token()) for _ in range(10)]
        few = allocations(place, pairs, FEW, 4, 1)
        many = allocations(place, pairs, MANY, 4, 1)
        assert many <= few + 20, "%d more" % (many - few)


def system_calls(place, pairs, count, per_conn):
    """Of patd with so many questions, by name, as strace counts them."""
    strace = shutil.which("strace")
    if strace is None:
        raise Skip("no strace")
    if not ROOT:
        raise Skip("needs root")
    path = place.root + "/strace"
    tracer = subprocess.Popen(
        [strace, "-f", "-c", "-o", path, "-p", str(place.patd.pid)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    line = tracer.stderr.readline()
    if "attached" not in line:
        tracer.kill()
        tracer.communicate()
        raise Skip("strace may not trace: " + line.strip())
    assert place.hammer(pairs, count, 1, per_conn) == (count, 0, 0)
    tracer.send_signal(signal.SIGINT)
    tracer.communicate()
    calls = {}
    with open(path) as file:
        for line in file:
            words = line.split()
            if len(words) >= 5 and words[3].isdigit():
                calls[words[-1]] = int(words[3])
    del calls["total"]
    return calls


def three_calls():
    """a question on an open connection: wait, receive, send; with an audit
    trail, too
    """
    with world(AUDIT, args=()) as place:
        pairs = [("alice", place.token())]
        assert place.hammer(pairs, 1) == (1, 0, 0)
        calls = system_calls(place, pairs, 5000, 100000)
        for name in ("epoll_wait", "recvfrom", "sendto"):
            assert calls.pop(name) <= 5000 + 100, (name, calls)
        assert sum(calls.values()) < 100, calls


def eleven_calls():
    """a question on a connection of its own: eleven system calls, as counted
    """
    with world(args=()) as place:
        pairs = [("alice", place.token())]
        assert place.hammer(pairs, 1) == (1, 0, 0)
        calls = system_calls(place, pairs, 2000, 1)
        limits = {"epoll_wait": 3, "accept4": 2, "recvfrom": 2, "sendto": 1,
                  "getsockopt": 1, "epoll_ctl": 1, "close": 1}
        for name, limit in limits.items():
            assert calls.pop(name) <= 2000 * limit + 100, (name, calls)
        assert sum(calls.values()) < 100, calls


def starts():
    """the patd that is watched is one"""
    with world(start=False) as place:
        place.start(program=WATCHED)
        wait_for(place.answers)
        assert place.stop() == 0


if SANITIZED:
    print("1..0 # SKIP sanitizers have an allocator of their own")
else:
    main([starts, none_allocated, none_for_connections, three_calls,
          eleven_calls])
