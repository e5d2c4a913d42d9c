"""What one question about a known token costs: no allocation, few system calls,
and one sleep of the client.
"""
import os
import resource
import shutil
import signal
import socket
import subprocess

from daemon import (AUDIT, ROOT, SANITIZED, WATCHED, Skip, freeze, main,
                    make_slow, text, wait_for, world)

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


def hammered(place, pairs, count, per_conn):
    """Questions on verify.sock."""
    assert place.hammer(pairs, count, 1, per_conn) == (count, 0, 0)


def ask_stream(place, token):
    """One question in the saslauthd protocol, by a client that only waits to
    read.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.connect(place.root + "/run/mux")
        sock.sendall(b"".join(map(text, ("alice", token, "svn", ""))))
        assert sock.recv(2) == b"\0\2"
        assert sock.recv(2) == b"OK"


def system_calls(place, ask):
    """Of patd while `ask` runs, by name, as strace counts them."""
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
    ask()
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
        calls = system_calls(
            place, lambda: hammered(place, pairs, 5000, 100000))
        for name in ("epoll_wait", "recvfrom", "sendto"):
            assert calls.pop(name) <= 5000 + 100, (name, calls)
        assert sum(calls.values()) < 100, calls


def connection_calls(place, ask, count, more):
    """Asserts what `count` questions on connections of their own take; `more`
    are the limits that differ from those of verify.sock, for each.
    """
    calls = system_calls(place, ask)
    limits = {"epoll_wait": 1, "accept4": 1, "getsockopt": 1, "recvfrom": 1,
              "sendto": 1, "close": 1, **more}
    for name, limit in limits.items():
        assert calls.pop(name, 0) <= count * limit + count // 10, (name, calls)
    assert sum(calls.values()) < count // 10, calls


def six_calls():
    """a question on a connection of its own: wait, accept, ask who it is,
    receive, send, close
    """
    with world(args=()) as place:
        pairs = [("alice", place.token())]
        assert place.hammer(pairs, 1) == (1, 0, 0)
        connection_calls(
            place, lambda: hammered(place, pairs, 2000, 1), 2000, {})


def seven_calls():
    """the same in the saslauthd protocol, where the question is looked at, and
    received once it is answered
    """
    with world("mux = {root}/run/mux\n", args=()) as place:
        token = place.token()
        ask_stream(place, token)

        def ask():
            for _ in range(1000):
                ask_stream(place, token)
        connection_calls(place, ask, 1000, {"recvfrom": 2})


def sleeps_of(place, token):
    """How often a client goes to sleep for one question in the saslauthd
    protocol, which patd gets when the client sleeps.
    """
    patd = place.patd.pid
    freeze(place.patd)
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw
        ask_stream(place, token)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw
        os.write(into, bytes([min(after - before, 255)]))
        os._exit(0)

    def waits_to_read():
        with open("/proc/%d/wchan" % child) as file:
            return "unix_stream" in file.read()
    try:
        wait_for(waits_to_read)
    finally:
        os.kill(patd, signal.SIGCONT)
        os.waitpid(child, 0)
    sleeps = os.read(out, 1)[0]
    os.close(out)
    os.close(into)
    return sleeps


def one_sleep():
    """a client of the saslauthd protocol sleeps once, until its answer is
    there, however long that takes
    """
    with world("mux = {root}/run/mux\n", args=()) as place:
        make_slow(place, 1)
        tokens = [place.token() for _ in range(8)]
        place.stop()
        place.start()
        sleeps = [sleeps_of(place, token) for token in tokens]
        assert sum(sleeps) <= 10, sleeps


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
          six_calls, seven_calls, one_sleep])
