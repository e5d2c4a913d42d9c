"""pat-clusterd and the database, when a host gives its lease back: that one is over for the
others, and no other one is, whatever comes late or from somebody else."""
import contextlib

from clusterd import CLUSTER, ERRORS, batch_id, make, pair, run, welcome
from daemon import wait_for

LEASE = 15000  # milliseconds, of link.py
LONG = 300000  # which nobody waits for
ONE, OTHER = b"1" * 16, b"2" * 16


def row(name="b"):
    """Its session, the number of its last lease, and how long that is."""
    with pair().owner() as session:
        return tuple(map(int, session.rows(
            "SELECT session, grants, lease_ms FROM jira_pat.node "
            "WHERE name = $1", name)[0]))


def late(session, grants, name="b"):
    """As a statement that comes at last."""
    with pair().owner() as owner:
        owner.rows("SELECT jira_pat.release($1, $2, $3)", name, str(session),
                   str(grants))


@contextlib.contextmanager
def blocked(statement):
    """Nobody passes that until then, but for who is there when this goes on."""
    with pair().owner() as session, pair().owner() as other:
        session.rows("BEGIN")
        session.rows(statement)
        yield lambda: wait_for(lambda: other.rows(
            "SELECT 1 FROM pg_locks WHERE NOT granted"))
        session.rows("COMMIT")


def given_back():
    """what is given back has no length any more, under the same number, and whoever waits
    hears of it; the next one has the next number"""
    make("a", "b")
    with welcome("a") as one, welcome("b") as two:
        assert two.lease().ok
        before = one.append(0, batch_id(1)).of("b")
        assert before["lease_ms"] == LEASE and before["grants"] > 0, before
        assert two.ask("RELEASE").err == ERRORS["ok"]
        one.wait("NODES", lambda said: (said.of("b")["grants"], said.of("b")[
            "lease_ms"]) == (before["grants"], 0))
        assert one.append(1, batch_id(2)).of("b")["lease_ms"] == 0
        two.close()
        host = two.place.host()
        host.hello("b", CLUSTER)
        host.wait("WELCOME")
        assert one.append(2, batch_id(3)).of("b")["lease_ms"] == 0
        assert host.lease().ok
        after = one.append(3, batch_id(4)).of("b")
        assert (after["lease_ms"], after["grants"] > before["grants"]) == (LEASE, True)
        host.close()


def comes_late():
    """a release that comes when the next lease was granted, again, or in the name of
    somebody else, takes nothing back"""
    make("a", "b")
    with welcome("b") as two:
        assert two.lease().ok
        session, grants, _ = row()
        late(session + 1, grants)  # another pat-clusterd
        late(session, grants - 1)
        late(session, grants + 1)
        late(session, 0)
        late(session, grants, "a")
        assert row() == (session, grants, LEASE)
        assert two.lease().ok
        now = row()
        assert now[1] > grants
        late(session, grants)
        assert row() == now
        late(*now[:2])
        assert row() == now[:2] + (0,)
        assert two.lease().ok
        late(*now[:2])
        assert row()[2] == LEASE


def under_way():
    """one that is granted at that moment is given back, too; and what is asked for behind
    it is not granted"""
    make("a", "b")
    with welcome("b") as two:
        assert two.lease().ok
        before = row()
        with blocked("SELECT 1 FROM jira_pat.head FOR UPDATE") as waits:
            two.send("LEASE", req=two.next_req())
            waits()
            for kind in ("LEASE", "RELEASE"):
                two.send(kind, req=two.next_req())
            two.send("STATUS", req=two.next_req())
        done = two.wait("DONE", lambda done: done.req == two.req - 1)
        assert done.err == ERRORS["ok"], done
        two.wait("DONE", lambda done: done.req == two.req)
        after = row()
        assert after[1] > before[1] and after[2] == 0, (before, after)
        assert two.wait("LEASED").req < two.req - 2  # that was under way


def host_gone():
    """where the host does not wait for it, it is done all the same, and a host that is
    there again by then gets its lease"""
    make("a", "b")
    with welcome("b") as two:
        assert two.lease().ok
        before = row()
        with blocked("SELECT 1 FROM jira_pat.node FOR UPDATE") as waits:
            two.send("RELEASE", req=two.next_req())
            waits()
            two.close()
            host = two.place.host()
            host.hello("b", CLUSTER)
        host.wait("WELCOME")
        assert host.lease().ok
        after = row()
        assert after[0] == before[0] and after[1] > before[1], (before, after)
        assert after[2] == LEASE, after
        host.close()


def taken_over():
    """who has given its lease back is not waited for by a machine that takes its name, and
    can take nothing from that one any more"""
    make("a")
    with welcome("a", lease_ms=LONG, holder=ONE) as one:
        assert one.lease().ok
        session, grants, _ = row("a")
        assert one.ask("RELEASE").err == ERRORS["ok"]
        with welcome("a", lease_ms=LONG, holder=OTHER) as other:
            assert other.lease().ok
            now = row("a")
            assert now[0] != session and now[1] > grants, now
            assert one.ask("RELEASE").err == ERRORS["ok"]
            late(session, grants, "a")
            late(session, now[1], "a")
            assert row("a") == now
            other.close()
        with welcome("a", lease_ms=LONG, holder=OTHER) as other:
            assert other.lease().ok  # it is the holder by now


def nothing_to_give():
    """a host that was granted nothing gives nothing back, not even what a machine before it
    was granted"""
    make("a")
    with welcome("a", lease_ms=LONG, holder=ONE) as one:
        assert one.ask("RELEASE").err == ERRORS["ok"]
        assert one.lease().ok
        before = row("a")
        one.close()
        host = one.place.host()
        host.hello("a", CLUSTER, holder=ONE)
        host.wait("WELCOME")
        assert host.ask("RELEASE").err == ERRORS["ok"]
        assert row("a") == before
        host.close()


def leaves():
    """a host that has given its lease back leaves at once"""
    make("a", "b")
    with welcome("a") as one, welcome("b", lease_ms=LONG) as two:
        assert two.lease().ok
        assert two.ask("RELEASE").err == ERRORS["ok"]
        assert one.ask("LEAVE", node="b").err == ERRORS["ok"]
        assert [node["name"] for node in one.append(
            0, batch_id(1))["nodes"]] == ["a"]


run([given_back, comes_late, under_way, host_gone, taken_over, nothing_to_give, leaves])
