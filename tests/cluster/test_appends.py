"""pat-clusterd carries batches, leases and snapshots between hosts and the database, and
asks that one no more than it has to."""
import contextlib
import os
import time

import daemon
import postgres
from clusterd import ERRORS, batch_id, make, pair, run, welcome
from link import CONFLICT, OK, mac_of
from relay import Relay

LOOK = 5  # seconds: BRIDGE_LOOK_MS of pat_clusterd/bridge.h


def appends():
    """a batch is appended behind the head that its host knows, once, however often it
    is sent; others get it, and what came before, in order"""
    make("a", "b")
    with welcome("a") as one, welcome("b") as two:
        said = one.append(0, batch_id(1), b"first")
        assert (said.result, said.head, said.mac) == (OK, 1, mac_of(1)), said
        assert [node["name"] for node in said["nodes"]] == ["a", "b"]
        got = two.wait("BATCH")
        assert (got.seq, got.id, got.node, got.time, got.mac, got.bytes) == (
            1, batch_id(1), "a", 1000, mac_of(1), b"first"), (got, got.bytes)
        assert one.append(0, batch_id(1), b"first").result == OK
        said = two.append(0, batch_id(2))
        assert (said.result, said.head) == (CONFLICT, 1), said
        assert two.append(1, batch_id(2), b"second").result == OK
        assert one.wait("BATCH", lambda batch: batch.seq == 2).bytes == b"second"
        with pair().owner() as session:
            assert session.rows("SELECT seq FROM jira_pat.log ORDER BY 1") == [
                ("1",), ("2",)]
    with welcome("b", applied=1) as host:
        assert host.welcome.head == 2 and host.welcome.oldest == 1
        assert host.wait("BATCH").seq == 2
        assert host.wait("NODES").head == 2


def large():
    """batches of many parts come whole, empty ones, too"""
    make("a", "b")
    data = os.urandom(3 << 20)
    with welcome("a") as one, welcome("b") as two:
        assert one.append(0, batch_id(1), data).result == OK
        assert one.append(1, batch_id(2), b"").result == OK
        assert one.append(2, batch_id(3), data[:1]).result == OK
        assert two.wait("BATCH").bytes == data
        assert two.wait("BATCH").bytes == b""
        assert two.wait("BATCH").bytes == data[:1]


def slow():
    """a batch that takes longer than a server may be silent is not given up while it
    goes out"""
    make("a")
    data = os.urandom(32 << 20)
    with Relay([server.port for server in pair().servers]) as relay:
        relay.set("slow")
        with welcome("a", conninfo=pair().conninfo(ports=relay.ports)) as one:
            assert one.append(0, batch_id(1), data).result == OK
            assert one.lease().ok


def applied():
    """what a host has applied is told to whoever has appended, at once; a connection
    that is made anew tells it again"""
    make("a", "b")
    with welcome("a") as one, welcome("b") as two:
        said = one.append(0, batch_id(1))
        assert said.of("b")["applied"] == 0
        two.wait("BATCH")
        two.send("APPLIED", seq=1)
        one.wait("NODES", lambda nodes: nodes.of("b")["applied"] == 1)
    with pair().owner() as session:
        session.rows("UPDATE jira_pat.node SET applied = 0")
    with welcome("b", applied=1):
        with pair().owner() as session:
            assert session.one("SELECT applied FROM jira_pat.node WHERE "
                               "name = 'b'") == "1"


def leases():
    """a lease is granted with the end of the log, is counted, and shown to whoever
    appends after it; requests that come together are all answered"""
    make("a", "b")
    with welcome("a", lease_ms=7000) as one, welcome("b") as two:
        said = one.lease()
        assert (said.ok, said.head, said.mac) == (1, 0, mac_of(0)), said
        before = two.append(0, batch_id(1)).of("a")
        assert before["lease_ms"] == 7000 and before["grants"] > 0, before
        said = one.lease()
        assert (said.ok, said.head) == (1, 1), said
        after = two.append(1, batch_id(2)).of("a")
        assert after["grants"] > before["grants"]
        for req in range(100, 110):
            one.send("LEASE", req=req)
        for req in range(100, 110):
            assert one.wait("LEASED", lambda said: said.req == req).ok


@contextlib.contextmanager
def statements(text):
    """How many with that text PostgreSQL has seen of the role."""
    before = len(pair().primary.read_log())
    with pair().owner() as session:
        session.rows("ALTER ROLE %s SET log_statement = 'all'" % postgres.ROLE)
    try:
        yield lambda: pair().primary.read_log()[before:].count(text)
    finally:
        with pair().owner() as session:
            session.rows("ALTER ROLE %s RESET log_statement" % postgres.ROLE)


def leases_in_time(host, seconds):
    """Asks for leases; whether each answer came before a look was due."""
    begin = last = time.monotonic()
    longest = 0
    while last < begin + seconds:
        time.sleep(0.2)
        assert host.lease().ok
        longest = max(longest, time.monotonic() - last)
        last = time.monotonic()
    return longest < LOOK / 2


def looks():
    """where a lease has just told all, PostgreSQL is not asked for changes; where
    none comes, it is"""
    make("a")
    with statements("jira_pat.since(") as count, welcome("a") as host:
        host.wait("NODES")
        daemon.wait_for(lambda: count() > 0)  # that of the WELCOME
        for _ in range(10):  # a machine may stand still
            before = count()
            if leases_in_time(host, 2.5 * LOOK):
                break
        assert count() == before, (before, count())
        daemon.wait_for(lambda: count() > before)


def looks_again():
    """what a lease shows to be missing, and is not there yet, is asked for at the next
    one"""
    make("a")
    with welcome("a") as host, pair().owner() as session:
        host.wait("NODES")
        session.rows("UPDATE jira_pat.head SET seq = 1, mac = '\\x%s'" %
                     mac_of(1).hex())
        assert host.lease().head == 1
        assert host.lease().head == 1
        session.rows(
            "INSERT INTO jira_pat.log VALUES "
            "(1, '%s', 'b', 1000, 'late', '\\x%s', 4)" % (
                batch_id(1).hex(), mac_of(1).hex()))
        daemon.wait_for(lambda: host.lease().ok and any(
            message.kind == "BATCH" for message in host.kept))
        assert host.wait("BATCH").bytes == b"late"


def nodes_after_batches():
    """NODES comes behind the batches that were there when it was read"""
    make("a", "b")
    with welcome("a") as one:
        for number in range(6):  # which take several statements
            assert one.append(
                number, batch_id(number + 1), bytes(700000)).result == OK
    with welcome("b") as two:
        two.wait("NODES")
        assert [batch.seq for batch in two.kept if batch.kind == "BATCH"] == list(
            range(1, 7))


def snapshots():
    """a snapshot is put part for part by one host at a time, takes the place of older
    ones and of the log that all have, and comes back"""
    make("a", "b")
    with welcome("a") as one, welcome("b") as two:
        req = one.next_req()
        one.send("SNAPSHOT_GET", req=req)
        assert one.wait("DONE").err == ERRORS["not-found"]
        for number in range(3):
            assert one.append(number, batch_id(number + 1)).result == OK
        assert one.put(2, 2, 0, b"part").err == ERRORS["ok"]
        done = two.put(2, 2, 0, b"part")
        assert done.err == ERRORS["busy"], done
        assert two.put(2, 2, 1, b"part").err == ERRORS["busy"]
        one.send("APPLIED", seq=3)
        two.send("APPLIED", seq=3)
        one.wait("NODES", lambda nodes: [node["applied"] for node in nodes[
            "nodes"]] == [3, 3])
        assert one.put(2, 2, 1, b"q" * 100000).err == ERRORS["ok"]
        two.send("SNAPSHOT_GET", req=77)
        parts = [two.wait("SNAPSHOT") for _ in range(2)]
        assert [(part.req, part.seq, part.mac, part.parts, part.part,
                 part.part_mac) for part in parts] == [
            (77, 2, mac_of(2), 2, 0, mac_of(0)), (77, 2, mac_of(2), 2, 1, mac_of(1))]
        assert [part.bytes for part in parts] == [b"part", b"q" * 100000]
        assert two.wait("DONE", lambda done: done.req == 77).err == ERRORS["ok"]
        two.send("STATUS", req=78)
        said = two.wait("NODES", lambda nodes: nodes.log_batches == 1)
        assert said.log_bytes == len(b"batch")
    with welcome("b", applied=2) as two:
        assert (two.welcome.oldest, two.welcome.snapshot,
                two.welcome.has_snapshot) == (3, 2, 1)


CASES = [appends, large, slow, applied, leases, looks, looks_again, nodes_after_batches,
         snapshots]

if __name__ == "__main__":
    run(CASES, standby=True)
