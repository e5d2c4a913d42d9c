"""pat-clusterd between a host, which this plays, and a real PostgreSQL with a
synchronous standby."""
import contextlib
import os
import re
import shutil
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(1, os.path.join(os.environ["JP_SOURCE"], "tests/daemon"))

import daemon  # noqa: E402  (tests/daemon/daemon.py)
import link  # noqa: E402
import postgres  # noqa: E402
from relay import Relay  # noqa: E402
from link import (CONFLICT, CONNECTED, CONNECTING, NOT_DONE, OK,  # noqa: E402
                  REFUSED, UNKNOWN, Host, Place, mac_of)

PAIR = None
LOOK = 5  # seconds: BRIDGE_LOOK_MS of pat_clusterd/bridge.h
CLUSTER, TAG, NONE = bytes(range(1, 17)), b"T" * 16, bytes(16)
ERRORS = {"ok": 0, "not-found": 7, "exists": 8, "refused": 9, "permission": 11,
          "io": 12, "missing": 15, "unreachable": 18, "timeout": 19, "busy": 23,
          "conflict": 24}


def batch_id(number):
    return bytes([number]) * 16


def forget_all():
    with PAIR.owner() as session:
        session.rows("DROP SCHEMA IF EXISTS jira_pat CASCADE")


@contextlib.contextmanager
def setup(node="a", conninfo=None):
    """A pat-clusterd of pat-admin."""
    with Place(conninfo or PAIR.conninfo(), node, start=False) as place:
        host = place.setup()
        host.hello(node, NONE)
        yield host
        host.close()
        assert place.process.wait(link.LIMIT) == 0, place.said()


def make(*nodes):
    """A new cluster of these."""
    forget_all()
    with setup() as host:
        assert host.ask("CREATE", cluster=CLUSTER, tag=TAG,
                        mac=mac_of(0)).err == ERRORS["ok"]
        for node in nodes:
            assert host.ask("JOIN", node=node, tag=TAG).err == ERRORS["ok"]


@contextlib.contextmanager
def welcome(node="a", applied=0, place=None, **options):
    """A host that the database knows."""
    with contextlib.ExitStack() as stack:
        place = place or stack.enter_context(
            Place(options.pop("conninfo", None) or PAIR.conninfo(), node,
                  **{name: options.pop(name) for name in ("more", "arguments")
                     if name in options}))
        host = place.host()
        stack.callback(host.close)
        host.hello(node, CLUSTER, applied, **options)
        host.place = place
        try:
            host.welcome = host.wait("WELCOME")
            yield host
        except BaseException:
            for line in place.said().splitlines()[-20:]:
                print("# pat-clusterd: " + line)
            raise


# --- setting up -----------------------------------------------------------------


def creates():
    """CREATE makes the schema once, JOIN adds hosts, each once and with the same
    pepper, and keeps a name when it is said again; LEAVE removes one"""
    forget_all()
    with setup() as host:
        assert host.ask("JOIN", node="a", tag=TAG).err == ERRORS["missing"]
        create = {"cluster": CLUSTER, "tag": TAG, "mac": mac_of(0)}
        assert host.ask("CREATE", **create).err == ERRORS["ok"]
        said = host.wait("WELCOME")
        assert (said.cluster, said.tag, said.head, said.mac, said.oldest,
                said.has_snapshot) == (CLUSTER, TAG, 0, mac_of(0), 1, 0)
        with setup() as other:
            done = other.ask("CREATE", **create)
            assert (done.err, "in a minute" in done.text) == (
                ERRORS["busy"], True), done
        assert host.ask("JOIN", node="a", tag=TAG).err == ERRORS["ok"]
        assert host.wait("WELCOME").cluster == CLUSTER
        with setup() as other:
            done = other.ask("JOIN", node="a", tag=TAG)
            assert (done.err, "at this moment" in done.text) == (
                ERRORS["busy"], True), done
        assert host.ask("JOIN", node="a", tag=TAG).err == ERRORS["ok"]
        with setup() as other:
            assert other.ask("JOIN", node="c", tag=TAG).err == ERRORS["ok"]
            assert other.ask("LEAVE", node="c").err == ERRORS["ok"]
            done = other.ask("JOIN", node="c", tag=TAG)
            assert done.err == ERRORS["ok"], done
        assert host.ask("JOIN", node="c", tag=TAG).err == ERRORS["ok"]
        assert host.ask("LEAVE", node="c").err == ERRORS["ok"]
        assert host.ask("JOIN", node="a", tag=TAG).err == ERRORS["exists"]
        done = host.ask("JOIN", node="b", tag=b"U" * 16)
        assert (done.err, "pepper" in done.text) == (ERRORS["refused"], True), done
        assert host.ask("STATUS").err == ERRORS["ok"]
        assert [node["name"] for node in host.wait("NODES")["nodes"]] == ["a"]
        assert host.ask("CREATE", **create).err == ERRORS["exists"]
        assert host.ask("LEAVE", node="a").err == ERRORS["ok"]
        assert host.ask("LEAVE", node="a").err == ERRORS["not-found"]


def creates_at_once():
    """of two that create a cluster at the same moment one hears that there is one"""
    forget_all()
    with open(os.path.join(os.environ["JP_SOURCE"], "pat_clusterd/schema.sql")) as file:
        schema = file.read()
    with PAIR.owner() as session, setup() as host:
        session.rows("BEGIN; SET ROLE jira_pat; " + schema)
        session.rows("SELECT jira_pat.init('%s', 2, '', '')" % ("x" * 16))
        req = host.next_req()
        host.send("CREATE", req=req, cluster=CLUSTER, tag=TAG, mac=mac_of(0))
        with PAIR.owner() as other:
            daemon.wait_for(lambda: other.rows(
                "SELECT 1 FROM pg_locks WHERE NOT granted"))
        session.rows("COMMIT")
        done = host.wait("DONE", lambda done: done.req == req)
        assert (done.err, "already" in done.text) == (ERRORS["busy"], True), done


def creates_late():
    """a host whose own init ends while another one has begun keeps its cluster"""
    forget_all()
    with setup() as host:
        assert host.ask("CREATE", cluster=CLUSTER, tag=TAG,
                        mac=mac_of(0)).err == ERRORS["ok"]
        assert host.ask("JOIN", node="a", tag=TAG).err == ERRORS["ok"]
    with PAIR.owner() as session, setup("b") as host:
        session.rows("BEGIN; UPDATE jira_pat.node SET whole = true")
        req = host.next_req()
        host.send("CREATE", req=req, cluster=b"X" * 16, tag=TAG, mac=mac_of(0))
        with PAIR.owner() as other:
            daemon.wait_for(lambda: other.rows(
                "SELECT 1 FROM pg_locks WHERE NOT granted"))
        session.rows("COMMIT")
        done = host.wait("DONE", lambda done: done.req == req)
        assert (done.err, "already" in done.text) == (ERRORS["exists"], True), done
        assert session.rows("SELECT encode(c.id, 'hex'), n.name FROM jira_pat.cluster "
                            "c, jira_pat.node n") == [(CLUSTER.hex(), "a")]


def no_cluster():
    """a host is refused, with what to do, where there is no cluster, by another one,
    and where it is not known"""
    forget_all()
    with Place(PAIR.conninfo()) as place:
        host = place.host()
        host.hello("a", CLUSTER)
        said = host.wait("STATE", lambda state: state.state == REFUSED)
        assert "pat-admin cluster init" in said.text, said
        host.close()
        make("b")
        host = place.host()
        host.hello("a", CLUSTER)
        said = host.wait("STATE", lambda state: state.state == REFUSED)
        assert "pat-admin cluster join" in said.text, said
        host.close()
        host = place.host()
        host.hello("b", b"X" * 16)
        said = host.wait("STATE", lambda state: state.state == REFUSED)
        assert "another cluster" in said.text, said
        host.close()
        with PAIR.owner() as session:
            session.rows("UPDATE jira_pat.cluster SET format = format - 1")
        host = place.host()
        host.hello("b", CLUSTER)
        said = host.wait("STATE", lambda state: state.state == REFUSED)
        assert "another version" in said.text, said
        host.close()


# --- the log --------------------------------------------------------------------


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
        with PAIR.owner() as session:
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
    with Relay([server.port for server in PAIR.servers]) as relay:
        relay.set("slow")
        with welcome("a", conninfo=PAIR.conninfo(ports=relay.ports)) as one:
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
    with PAIR.owner() as session:
        session.rows("UPDATE jira_pat.node SET applied = 0")
    with welcome("b", applied=1):
        with PAIR.owner() as session:
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
    before = len(PAIR.primary.read_log())
    with PAIR.owner() as session:
        session.rows("ALTER ROLE %s SET log_statement = 'all'" % postgres.ROLE)
    try:
        yield lambda: PAIR.primary.read_log()[before:].count(text)
    finally:
        with PAIR.owner() as session:
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
    with welcome("a") as host, PAIR.owner() as session:
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


ONE, TWO, THREE = b"this machine    ", b"another machine ", b"one more of them"


@contextlib.contextmanager
def beginner(holder, **options):
    """Says hello as "a", whatever comes of that."""
    with Place(PAIR.conninfo()) as place:
        host = place.host()
        host.hello("a", CLUSTER, holder=holder, **options)
        yield host
        host.close()


def restarted():
    """a patd that starts again, and a pat-clusterd, wait for no lease of before"""
    make("a")
    for _ in range(3):
        with welcome("a", holder=ONE, lease_ms=300000) as one:
            assert one.lease().ok


def same_name():
    """two machines with the same name: the second one is told so, and the first one
    goes on"""
    make("a")
    with welcome("a", holder=ONE) as one:
        assert one.lease().ok
        with beginner(TWO) as two:
            said = two.wait("STATE", lambda state: state.state == REFUSED)
            assert "another machine" in said.text and "node" in said.text, said
            assert one.lease().ok
            assert one.append(0, batch_id(1)).result == OK


def set_clock_on():
    """As if the clock of the database had jumped: nobody was heard of lately."""
    with PAIR.owner() as session:
        session.rows("UPDATE jira_pat.node SET contact = contact - interval '1 day'")


def takes_over():
    """a machine that takes the name of another one has told nothing, and is granted
    nothing, until the leases of that one are over, also if the clock of the database
    jumps"""
    make("a", "b")
    with welcome("b") as other:
        def seen(number):
            return other.append(number, batch_id(number + 1)).of("a")

        with welcome("a", holder=ONE, lease_ms=2000) as one:
            asked = time.monotonic()
            assert one.lease().ok
        before = seen(0)
        set_clock_on()
        with beginner(TWO, applied=1, lease_ms=2000) as two:
            two.wait("STATE", lambda state: "leases" in state.text)
            with beginner(THREE) as three:
                three.wait("STATE", lambda state: state.state == REFUSED)
            after = seen(1)
            assert (after["applied"], after["grants"]) == (
                before["applied"], before["grants"]), (before, after)
            two.wait("WELCOME")
            assert time.monotonic() - asked > 2
            assert two.lease().ok
            assert seen(2)["applied"] == 1


def takes_back():
    """the machine whose name it is may come back before the other one has it"""
    make("a")
    with contextlib.ExitStack() as before:
        one = before.enter_context(welcome("a", holder=ONE, lease_ms=10000))
        assert one.lease().ok
        set_clock_on()
        with beginner(TWO) as two:
            two.wait("STATE", lambda state: "leases" in state.text)
            said = one.lease()
            assert not said.ok and "another machine" in said.text, said
            before.close()
            with welcome("a", holder=ONE, lease_ms=300000) as again:
                assert again.lease().ok
                two.wait("STATE", lambda state: state.state == REFUSED)
                assert again.lease().ok


def leaves():
    """a host that is made to leave is granted nothing from then on, and is seen until
    its lease has run out"""
    make("a", "b")
    with welcome("a") as one, welcome("b", lease_ms=2000) as two:
        assert two.lease().ok
        req = one.next_req()
        one.send("LEAVE", req=req, node="b")
        daemon.wait_for(lambda: one.append(0, batch_id(1)).of("b")["gone"])
        assert not two.lease().ok
        assert one.wait("DONE").err == ERRORS["ok"]
        assert [node["name"] for node in one.append(
            1, batch_id(2))["nodes"]] == ["a"]


def leaves_meanwhile():
    """a join that goes back when its name is another host's by then does not end the
    leave of that one: it is seen until its lease has run out"""
    make("a")
    with setup("b") as late, welcome("a") as one:
        assert late.ask("JOIN", node="b", tag=TAG).err == ERRORS["ok"]
        kick()
        one.wait("STATE", lambda state: state.state == CONNECTED)
        with setup("b") as host:
            for _ in range(2):  # the second time its store is in its place
                assert host.ask("JOIN", node="b", tag=TAG).err == ERRORS["ok"]
        with welcome("b", lease_ms=300000) as two:
            assert two.lease().ok
            one.send("LEAVE", req=one.next_req(), node="b")
            daemon.wait_for(lambda: not two.lease().ok)
        assert late.ask("JOIN", node="b", tag=TAG).err == ERRORS["conflict"]
        assert late.ask("LEAVE", node="b").err == ERRORS["ok"]
        with PAIR.owner() as session:
            assert session.rows("SELECT gone FROM jira_pat.node "
                                "WHERE name = 'b'") == [("t",)]


# --- snapshots ------------------------------------------------------------------


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


# --- what goes wrong ------------------------------------------------------------


@contextlib.contextmanager
def silent_standby():
    PAIR.standby.freeze()
    try:
        yield
    finally:
        PAIR.standby.thaw()


def waits_for_standby():
    """nothing is done and no lease granted while the standby does not answer; and a
    wait that is cancelled there is not taken for done"""
    make("a", "b")
    with welcome("a", lease_ms=90000) as one:
        with silent_standby():
            one.send("LEASE", req=50)
            with PAIR.owner() as session:
                daemon.wait_for(lambda: session.rows(
                    "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'"))
                assert one.silent("LEASED", 0)
                session.rows(
                    "SELECT pg_cancel_backend(pid) FROM pg_stat_activity "
                    "WHERE wait_event = 'SyncRep'")
            said = one.wait("LEASED")
            assert not said.ok, said
            req = one.begin_append(0, batch_id(1))
            with PAIR.owner() as session:
                daemon.wait_for(lambda: session.rows(
                    "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'"))
                session.rows(
                    "SELECT pg_cancel_backend(pid) FROM pg_stat_activity "
                    "WHERE wait_event = 'SyncRep'")
            said = one.wait("APPENDED")
            assert (said.req, said.result) == (req, UNKNOWN), said
            assert one.silent("WELCOME", 0.5)
        one.wait("WELCOME")  # after which it is asked again
        assert one.append(0, batch_id(1)).result == OK


def shown_too_early():
    """a batch that the primary shows, as a wait was cancelled, goes to no other host
    before the standby has it"""
    make("a", "b")
    with welcome("a", lease_ms=90000) as one, welcome(
            "b", lease_ms=90000) as two:
        with silent_standby(), PAIR.owner() as session:
            one.begin_append(0, batch_id(1))
            waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
            daemon.wait_for(lambda: session.rows(waiting))
            session.rows("SELECT pg_cancel_backend(pid) FROM (%s) w" % waiting)
            assert one.wait("APPENDED").result == UNKNOWN
            daemon.wait_for(lambda: session.rows(
                waiting + " AND query LIKE '%since%'"))
            assert two.silent("BATCH", 0.1)
        assert two.wait("BATCH").seq == 1


HOSTILE = ("synchronous_commit = local", "client_min_messages = error",
           "default_transaction_isolation = serializable", "statement_timeout = 200",
           "jit_above_cost = 0", "search_path = public")


def role_settings():
    """what an administrator has set for the role changes nothing of that"""
    make("a")
    with PAIR.owner() as session:
        for setting in HOSTILE:
            session.rows("ALTER ROLE %s SET %s" % (postgres.ROLE, setting))
    try:
        with welcome("a", lease_ms=90000) as one:
            assert one.append(0, batch_id(1)).result == OK
            with silent_standby():
                req = one.begin_append(1, batch_id(2))
                assert one.silent("APPENDED", 0.5)
                with PAIR.owner() as session:
                    session.rows(
                        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity "
                        "WHERE wait_event = 'SyncRep'")
                said = one.wait("APPENDED")
                assert (said.req, said.result) == (req, UNKNOWN), said
    finally:
        with PAIR.owner() as session:
            session.rows("ALTER ROLE %s RESET ALL" % postgres.ROLE)


def lost_in_commit():
    """a connection that is lost in the middle of a commit is UNKNOWN; the same batch
    again is done, once"""
    make("a")
    with welcome("a", lease_ms=90000) as one:
        with silent_standby():
            req = one.begin_append(0, batch_id(1))
            with PAIR.owner() as session:
                daemon.wait_for(lambda: session.rows(
                    "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'"))
                session.rows(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE wait_event = 'SyncRep'")
            said = one.wait("APPENDED")
            assert (said.req, said.result) == (req, UNKNOWN), said
        one.wait("WELCOME")
        assert one.append(0, batch_id(1)).result == OK
        with PAIR.owner() as session:
            assert session.one("SELECT count(*) FROM jira_pat.log") == "1"


def fails_over():
    """kill -9 of the primary and promotion of its standby: the host hears of both,
    batches go on where they were, each once"""
    make("a", "b")
    with welcome("a") as one, welcome("b") as two:
        assert one.append(0, batch_id(1)).result == OK
        assert two.wait("BATCH").seq == 1
        PAIR.primary.kill()
        one.wait("STATE", lambda state: state.state == CONNECTING)
        two.wait("STATE", lambda state: state.state == CONNECTING)
        assert one.append(1, batch_id(2)).result in (NOT_DONE, UNKNOWN)
        PAIR.promote(alone=True, kill=False)
        one.wait("WELCOME"), two.wait("WELCOME")
        said = one.append(1, batch_id(2))
        assert (said.result, said.head) == (OK, 2), said
        assert two.wait("BATCH").seq == 2
        assert any(state.state == CONNECTED and not state.synchronous
                   for state in one.kept if state.kind == "STATE")
    PAIR.rejoin()


def stuck():
    """a commit that waits for a standby that is gone: the host hears UNKNOWN and why,
    no second one is begun there, and all goes on when it is back"""
    make("a")
    waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    with welcome("a", lease_ms=5000) as one:
        with silent_standby(), PAIR.owner() as session:
            req = one.begin_append(0, batch_id(1))
            said = one.wait("APPENDED")
            assert (said.req, said.result) == (req, UNKNOWN), said
            one.wait("STATE", lambda state: "a commit waits there" in state.text)
            assert len(session.rows(waiting)) == 1
        one.wait("WELCOME")
        assert one.append(0, batch_id(1)).result == OK


def frozen():
    """a primary that takes connections and says nothing is left for the one that was
    promoted in its place"""
    make("a")
    with welcome("a", lease_ms=5000) as one:
        assert one.append(0, batch_id(1)).result == OK
        old = PAIR.primary
        old.freeze()
        try:
            req = one.begin_append(1, batch_id(2))
            PAIR.promote(alone=True, kill=False)
            said = one.wait("APPENDED")
            assert said.req == req and said.result in (NOT_DONE, UNKNOWN), said
            assert one.wait("WELCOME").head == 1
            assert one.append(1, batch_id(2)).result == OK
        finally:
            old.thaw()
            old.kill()
    PAIR.rejoin()


def garbage():
    """a database that answers what it never should is refused, with a line in the log,
    and pat-clusterd goes on"""
    make("a")
    with welcome("a") as one:
        with PAIR.owner() as session:
            session.rows(
                "ALTER TABLE jira_pat.node DROP CONSTRAINT node_name_check")
            session.rows("INSERT INTO jira_pat.node (name) VALUES ('a b c')")
        one.send("LEASE", req=9)
        state = one.wait("STATE", lambda state: state.state == REFUSED)
        assert "by hand" in state.text, state
        with PAIR.owner() as session:
            session.rows("DELETE FROM jira_pat.node WHERE name = 'a b c'")
        one.wait("WELCOME")
        assert one.lease().ok


# --- what the database cannot do --------------------------------------------------


def function(name):
    """How the schema makes it."""
    with open(os.path.join(os.environ["JP_SOURCE"], "pat_clusterd/schema.sql")) as file:
        return re.search(r"CREATE (FUNCTION jira_pat\.%s\(.*?AS )\$\$.*?^\$\$;" % name,
                         file.read(), re.M | re.S)


@contextlib.contextmanager
def replaced(name, body):
    """That function is another one. Then it is as it was."""
    found = function(name)
    head = re.sub(r"LANGUAGE \w+( STABLE)?", "LANGUAGE plpgsql", found.group(1))
    with PAIR.owner() as session:
        session.rows("CREATE OR REPLACE %s $$ %s $$" % (head, body))
        try:
            yield
        finally:
            session.rows(found.group(0).replace(
                "CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))


def broken(name, text="out of order", state="XX000"):
    return replaced(name, "#variable_conflict use_column\nBEGIN RAISE EXCEPTION "
                    "'%s' USING ERRCODE = '%s'; END" % (text, state))


def pauses(place):
    """How long it has paused, each time, in milliseconds."""
    return [int(ms) for ms in re.findall(r"the next try is in (\d+) ms", place.said())]


FUNCTIONS = ("hello", "lease", "since", "applied", "nodes")


def function_fails():
    """a function of the database that always fails: the pauses between the tries grow,
    the host is told why once, and comes back by itself"""
    for name in FUNCTIONS:
        make("a", "b")
        with Place(PAIR.conninfo(), arguments=("--debug",)) as place:
            host = place.host()
            with broken(name, "out of order: " + name):
                host.hello("a", CLUSTER)
                asked = 0
                while len(pauses(place)) < 6:
                    message = host.receive()
                    if message.kind == "WELCOME" and name != "hello":
                        asked += 1
                        host.send("LEASE", req=asked)
                        host.send("APPLIED", seq=asked)
                        with PAIR.owner() as session:
                            session.rows(
                                "UPDATE jira_pat.head SET seq = seq + 1; INSERT INTO "
                                "jira_pat.log SELECT seq, gen_random_uuid(), 'b', 0, "
                                "'x', sha256('x'), 0 FROM jira_pat.head;"
                                "SELECT pg_notify('jira_pat', 'log')")
                    host.kept.append(message)
                longest = pauses(place)
                assert all(pause >= min(5000, 200 << number) / 2 for number, pause
                           in enumerate(longest[:6])), (name, longest)
                told = [message for message in host.kept if message.kind == "STATE"
                        and name in message.text]
                assert told and all(state.state == REFUSED for state in told), (
                    name, told, place.said())
                assert len({state.text for state in told}) == 1, (name, told)
                logged = [line for line in place.said().splitlines()
                          if "out of order" in line and "lost" not in line and
                          "give up" not in line]
                assert len(logged) == 1, (name, place.said())
                host.kept.clear()
            host.wait("STATE", lambda state: state.state == CONNECTED)
            daemon.wait_for(lambda: host.lease().ok)
            host.close()


LONG = "\u00e9\u20ac\U0001f511"


def long_texts():
    """what the database says at length and in other letters is cut between two of
    them, and ends no connection"""
    make("a")
    for shift in range(4):
        text = "x" * shift + LONG * 400
        with welcome("a") as host:
            with broken("append", text):
                said = host.append(0, batch_id(1))
                assert said.result == NOT_DONE, said
                assert said.text == text[:len(said.text)], said.text
                assert len(said.text.encode()) > 500, said.text
            with broken("lease", text):
                state = host.wait("STATE", lambda state: state.state == REFUSED)
                assert LONG in state.text and "?" not in state.text, state.text
                host.wait("WELCOME")
                assert not host.lease().ok
            host.wait("WELCOME")
            daemon.wait_for(lambda: host.lease().ok)
    with welcome("a") as host:
        with broken("lease", "caf\u00e9 \u20ac: jpat_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD"):
            assert not host.lease().ok
            state = host.wait("STATE", lambda state: state.state == REFUSED)
            assert "cdgXNCTZuXCvl14LWfvqWFxkpJyFn4" not in state.text


def lies_then_truth():
    """whatever the database has said of its log: as soon as it is right again, the host
    gets the batches that it lacks"""
    lies = {"far ahead, and no batch": "1000000::bigint, gen_random_uuid(), NULL::text",
            "no number": "NULL::bigint, gen_random_uuid(), 'b'",
            "less than none": "-5::bigint, gen_random_uuid(), 'b'",
            "far ahead": "1000000::bigint, gen_random_uuid(), 'b'"}
    for name, lie in lies.items():
        make("a", "b")
        with welcome("b") as two:
            assert two.append(0, batch_id(1), b"first").result == OK
        with Place(PAIR.conninfo()) as place:
            with replaced("since", "BEGIN RETURN QUERY SELECT %s, 0::bigint, "
                          "sha256('x'), sha256('x'); END" % lie):
                host = place.host()
                host.hello("a", CLUSTER)
                if name == "far ahead":
                    assert host.wait("BATCH").seq == 1000000
                    host.close()  # as patd does
                    host = place.host()
                    host.hello("a", CLUSTER)
                else:
                    state = host.wait(
                        "STATE", lambda state: state.state == REFUSED)
                    assert "by hand" in state.text, (name, state)
                    host.kept.clear()
            batch = host.wait("BATCH", lambda batch: batch.bytes == b"first")
            assert batch.seq == 1, (name, batch)
            host.wait("STATE", lambda state: state.state == CONNECTED)
            host.close()


def kick():
    with PAIR.owner("postgres") as session:
        session.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                     "WHERE application_name LIKE 'pat-clusterd%'")


ROLE_IS = "ALTER ROLE %s " % postgres.ROLE
TABLE_IS = "ALTER TABLE jira_pat.node "
# What an administrator may do: how it is undone, what the host hears.
DONE_TO_IT = (
    (ROLE_IS + "CONNECTION LIMIT 0", ROLE_IS + "CONNECTION LIMIT -1",
     ("too many connections",)),
    (ROLE_IS + "NOLOGIN", ROLE_IS + "LOGIN", ("not permitted to log in",)),
    (ROLE_IS + "RENAME TO other", "ALTER ROLE other RENAME TO " + postgres.ROLE,
     ("does not exist",)),
    (ROLE_IS + "SET default_transaction_read_only = on", ROLE_IS + "RESET ALL",
     ("read-only",)),
    (TABLE_IS + "OWNER TO CURRENT_USER", TABLE_IS + "OWNER TO " + postgres.ROLE,
     ("permission denied", "has to own the schema")),
    ("ALTER SCHEMA jira_pat OWNER TO CURRENT_USER",
     "ALTER SCHEMA jira_pat OWNER TO " + postgres.ROLE,
     ("permission denied for schema", "has to own the schema")),
    ("ALTER TABLE jira_pat.log RENAME TO gone", "ALTER TABLE jira_pat.gone RENAME TO "
     "log", ("does not exist", "as schema.sql has it")),
    ("ALTER FUNCTION jira_pat.nodes() RENAME TO gone", "ALTER FUNCTION jira_pat.gone() "
     "RENAME TO nodes", ("does not exist", "as schema.sql has it")),
    ("ALTER DATABASE %s RENAME TO other" % postgres.DATABASE,
     "ALTER DATABASE other RENAME TO " + postgres.DATABASE, ("does not exist",)),
    ("ALTER DATABASE %s ALLOW_CONNECTIONS false" % postgres.DATABASE,
     "ALTER DATABASE %s ALLOW_CONNECTIONS true" % postgres.DATABASE,
     ("not currently accepting connections",)),
)


def administrators():
    """what an administrator takes away is said as the database says it, with what to
    do, and the host comes back by itself when it is given back"""
    make("a")
    for do, undo, words in DONE_TO_IT:
        where = "postgres" if do.startswith("ALTER DATABASE") else postgres.DATABASE
        with welcome("a") as host:
            with PAIR.owner(where) as session:
                if where == "postgres":
                    session.rows("UPDATE pg_database SET datallowconn = false WHERE "
                                 "datname = '%s'" % postgres.DATABASE)
                    kick()
                    daemon.wait_for(lambda: not session.rows(
                        "SELECT 1 FROM pg_stat_activity WHERE datname = '%s'" %
                        postgres.DATABASE))
                    session.rows("UPDATE pg_database SET datallowconn = true WHERE "
                                 "datname = '%s'" % postgres.DATABASE)
                session.rows(do)
                try:
                    kick()
                    host.wait("STATE", lambda state: state.state != CONNECTED and all(
                        word in state.text for word in words))
                finally:
                    session.rows(undo)
                    host.kept.clear()
            host.wait("STATE", lambda state: state.state == CONNECTED)
            daemon.wait_for(lambda: host.lease().ok)


def servers():
    """a Unix socket will do; where all servers are standbys, all of them are named"""
    make("a")
    with welcome("a", conninfo="host=%s port=%d dbname=%s user=%s" % (
            PAIR.sockets, PAIR.primary.port, postgres.DATABASE,
            postgres.ROLE)) as host:
        assert host.lease().ok
    port = str(PAIR.standby.port)
    with Place(PAIR.conninfo(ports=[port, port]).replace(
            "127.0.0.1,127.0.0.1", "127.0.0.1,localhost")) as place:
        host = place.host()
        host.hello("a", CLUSTER)
        state = host.wait("STATE", lambda state: "localhost" in state.text)
        assert '"127.0.0.1"' in state.text and state.text.count("read-only") == 2, state
        daemon.wait_for(lambda: "not connected" in place.said())
        assert place.said().count("not connected") == 1, place.said()
        host.close()


RESOLVER = """
mount --bind "$1/resolv" /etc/resolv.conf && mount --bind "$1/nsswitch" /etc/nsswitch.conf
shift
exec "$@"
"""


@contextlib.contextmanager
def silent_names(place):
    """A name server that hears and says nothing, for that pat-clusterd; what it heard."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        try:
            server.bind(("127.0.0.77", 53))
        except OSError as problem:
            raise daemon.Skip("no name server: %s" % problem) from None
        for name, text in (("resolv", "nameserver 127.0.0.77\n"),
                           ("nsswitch", "hosts: dns\n")):
            with open(os.path.join(place.root, name), "w") as file:
                file.write(text)
        place.listen()
        with open(place.log, "a") as log:
            place.process = daemon.subprocess.Popen(
                ["unshare", "-m", "sh", "-c", RESOLVER, "sh", place.root, link.CLUSTERD,
                 "--config", place.config], stdin=daemon.subprocess.DEVNULL, stdout=log,
                stderr=log)
        yield server


def heard(server):
    """How many questions there were."""
    count = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            server.recv(4096, socket.MSG_DONTWAIT)
            count += 1
    return count


def names():
    """while a name server does not answer the host is served, hears that the name is
    not found, and gets the next server"""
    if not link.ROOT or not daemon.shutil.which("unshare"):
        raise daemon.Skip("needs root, and unshare")
    make("a")
    conninfo = PAIR.conninfo(ports=[1]).replace("127.0.0.1", "db.example")
    with Place(conninfo, start=False, cluster="insecure = yes\n") as place, \
            silent_names(place) as server:
        host = place.host()
        host.hello("a", CLUSTER)
        daemon.wait_for(lambda: server.recv(4096, socket.MSG_PEEK))
        assert host.ask("STATUS").err == 0
        assert heard(server) <= 2  # A and AAAA: nobody has given up by then
        state = host.wait("STATE", lambda state: "cannot resolve" in state.text)
        assert "db.example" in state.text and state.state == CONNECTING, state
        host.close()
    conninfo = PAIR.conninfo(ports=[1, PAIR.primary.port]).replace(
        "127.0.0.1,", "db.example,")
    with Place(conninfo, start=False, cluster="insecure = yes\n") as place, \
            silent_names(place), welcome("a", place=place) as host:
        assert host.lease().ok


class Pooler(threading.Thread):
    """Between a client and PostgreSQL: the client hears of a process that is none, as
    poolers have it."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.server, self.to = socket.create_server(("127.0.0.1", 0)), port
        self.port = self.server.getsockname()[1]
        self.start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.server.accept()
                server = socket.create_connection(("127.0.0.1", self.to))
                for pair in ((client, server, False), (server, client, True)):
                    threading.Thread(target=self.carry, args=pair, daemon=True).start()

    @staticmethod
    def carry(source, drain, answers):
        with contextlib.suppress(OSError):
            while (data := source.recv(65536)):
                if answers and (at := data.find(b"K\0\0\0\x0c")) >= 0:
                    data = data[:at + 5] + b"\0\1\2\3" + data[at + 9:]
                drain.sendall(data)
        for sock in (source, drain):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


def pooler():
    """a pooler in between is refused, by that name"""
    make("a")
    between = Pooler(PAIR.primary.port)
    with Place(PAIR.conninfo(ports=[between.port])) as place:
        host = place.host()
        host.hello("a", CLUSTER)
        state = host.wait("STATE", lambda state: "pgbouncer" in state.text)
        assert "127.0.0.1:%d" % between.port in state.text, state
        host.close()
    between.server.close()


def host_misbehaves():
    """a host that sends what is no message, or not in its turn, loses its connection,
    and gets another"""
    make("a")
    with Place(PAIR.conninfo()) as place:
        for wrong in (b"", b"x", b"JPC1", b"JPC1\x0c" + bytes(30),
                      link.encode("LEASE", req=1), b"JPC1\x01" + bytes(20),
                      bytes(70000)):
            host = place.host()
            host.sock.send(wrong or b"\0")
            assert host.is_closed(), wrong
            host.close()
        with welcome("a", place=place) as host:
            host.hello("a", CLUSTER)
            assert host.is_closed()
        with welcome("a", place=place) as host:
            assert host.lease().ok


def ends():
    """SIGTERM ends it at once, and it leaves nothing in the database"""
    make("a")
    with welcome("a") as host:
        assert host.place.kill(15) == 0
        with PAIR.owner() as session:
            daemon.wait_for(lambda: not session.rows(
                "SELECT 1 FROM pg_stat_activity WHERE application_name "
                "LIKE 'pat-clusterd%'"))


# --- settings -------------------------------------------------------------------


def settings():
    """--check-config says what is wrong with the conninfo, and repeats no password"""
    for conninfo, says in (
            ("host=127.0.0.1 dbname=x", None),
            ("host=db.example dbname=x", "verify-full"),
            ("host=127.0.0.1 password=hunter2", "password"),
            ("host=127.0.0.1 colour=red", "colour"),
            ("service=x", "service")):
        with Place(conninfo, start=False) as place:
            done = place.run("--check-config")
            assert (done.returncode == 0) == (says is None), (conninfo, done)
            assert says is None or says in done.stderr, done
            assert "hunter2" not in done.stderr + done.stdout


def no_section():
    """a host of no cluster is told once, and has a status of its own: 1"""
    with Place("host=/tmp", start=False) as place:
        with open(place.config) as file:
            config = file.read().partition("[cluster]")[0]
        with open(place.config, "w") as file:
            file.write(config)
        for arguments in ((), ("--check-config",), ("--setup",)):
            done = place.run(*arguments)
            assert done.returncode == 1, done
            assert done.stderr.count("\n") == 1, done
            for word in ("no section [cluster]", "jira-pat.conf(5)",
                         "systemctl disable pat-clusterd"):
                assert word in done.stderr, done
        os.remove(place.config)
        assert place.run().returncode == 3  # it may be there at the next start


def named_files(root):
    """Files that conninfo may name: how each is made, what is wrong with it; None:
    nothing."""
    good, gone = os.path.join(root, "good"), os.path.join(root, "gone")
    wide, folder = os.path.join(root, "wide"), os.path.join(root, "folder")
    for path, mode in ((good, 0o600), (wide, 0o644)):
        with open(path, "w") as file:
            file.write("x\n")
        os.chmod(path, mode)
        if link.ROOT:
            shutil.chown(path, "daemon", "daemon")
    os.mkdir(folder)
    yield "", None
    for key in ("sslrootcert", "sslcert", "sslcrl", "sslkey", "passfile"):
        yield "%s=%s" % (key, good), None
        yield "%s=%s" % (key, gone), ("there is no such file",)
        yield "%s=%s" % (key, folder), ("is not a file",)
        yield "%s=good" % key, ("from / on",)
    yield "sslcrldir=" + folder, None
    yield "sslcrldir=" + good, ("is not a directory",)
    yield "sslrootcert=" + wide, None
    yield "sslkey=" + wide, ("others may read it", "chmod 600 " + wide)
    yield "passfile=" + wide, ("others may read it", "chmod 600 " + wide)
    yield "sslrootcert=system", None
    if link.ROOT:
        yield from files_of_others(root)


def files_of_others(root):
    """The same, of what the user of pat-clusterd cannot read, or only so."""
    mine, group = os.path.join(root, "mine"), os.path.join(root, "group")
    for path, mode, who in ((mine, 0o600, "root"), (group, 0o640, "daemon")):
        with open(path, "w") as file:
            file.write("x\n")
        os.chmod(path, mode)
        shutil.chown(path, "root", who)
    hidden = os.path.join(root, "hidden")
    os.mkdir(hidden, 0o700)
    for key, advice in (("sslrootcert", "chmod a+r"), ("sslcert", "chmod a+r"),
                        ("sslkey", "chown daemon"), ("passfile", "chown daemon")):
        yield "%s=%s" % (key, mine), ("cannot read it", "%s %s" % (advice, mine))
        yield "%s=%s/file" % (key, hidden), ("directory above it", "chmod a+x")
    # libpq takes that of a key alone.
    yield "sslkey=" + group, None
    yield "passfile=" + group, ("others may read it",)


def settings_files():
    """--check-config finds each file of the conninfo that is not there, or that libpq
    would not take"""
    with Place("host=/tmp", start=False) as place:
        with open(place.config) as file:
            config = file.read()
        for words, says in named_files(place.root):
            with open(place.config, "w") as file:
                file.write(config.replace("host=/tmp", "host=/tmp " + words))
            done = place.run("--check-config")
            said = done.stderr + done.stdout
            if says is None:
                assert done.returncode == 0 and "good" in done.stdout, (words, done)
            else:
                assert done.returncode == 3 and done.stderr.count("\n") == 1, (
                    words, done)
                assert all(word in done.stderr for word in (words, *says)), (words, said)


def encrypted():
    """TLS with a verified name and a certificate of the client, or a password from a
    file; a server of another name is refused"""
    user = "daemon" if link.ROOT else daemon.pwd.getpwuid(os.geteuid()).pw_name
    for auth in ("cert", "scram-sha-256"):
        with postgres.Pair(standby=False, tls=True, auth=auth) as pair:
            folder = pair.client_files(user)
            conninfo = pair.conninfo(folder=folder, host="localhost")
            with setup(conninfo=conninfo) as host:
                assert host.ask("CREATE", cluster=CLUSTER, tag=TAG,
                                mac=mac_of(0)).err == ERRORS["ok"]
                assert host.ask("JOIN", node="a", tag=TAG).err == ERRORS["ok"]
            with welcome("a", conninfo=conninfo) as host:
                state = host.wait("STATE", lambda state: state.state == CONNECTED)
                assert (state.tls, state.verified) == (1, 1), state
                assert host.lease().ok
            wrong = conninfo.replace("host=localhost", "host=elsewhere.example") + \
                " hostaddr=127.0.0.1"
            with Place(wrong) as place:
                host = place.host()
                host.hello("a", CLUSTER)
                host.wait("STATE",
                          lambda state: "elsewhere.example" in state.text)
                host.close()


def confined():
    """it runs as the user of [cluster], without any right, and with the system calls
    alone that it makes"""
    make("a")
    with welcome("a") as host:
        with open("/proc/%d/status" % host.place.process.pid) as file:
            status = dict(line.split(":", 1) for line in file)
        assert status["CapEff"].strip("0\t\n") == "", status["CapEff"]
        assert status["CapBnd"].strip("0\t\n") == "" or not link.ROOT
        assert status["NoNewPrivs"].strip() == "1"
        if link.ROOT:
            assert status["Uid"].split()[0] == str(daemon.pwd.getpwnam(
                "daemon").pw_uid)
        if "sandbox: capabilities dropped" in host.place.said() and \
                "no seccomp" not in host.place.said():
            assert status["Seccomp"].strip() == "2"


def calls():
    """and makes each of those"""
    if daemon.SANITIZED or not link.ROOT or not daemon.shutil.which("strace"):
        raise daemon.Skip("needs strace, and root")
    make("a", "b")
    rights = daemon.subprocess.run(
        [os.path.join(link.BUILD, "tests/daemon/sandbox_calls")], text=True,
        capture_output=True, check=True).stdout
    usual = {line.split("\t")[1] for line in rights.splitlines()
             if line.startswith("pat-clusterd\t") and line.endswith("\tmade")}
    with Place(PAIR.conninfo(), start=False) as place:
        place.listen()
        trace = os.path.join(place.root, "trace")
        place.process = daemon.subprocess.Popen(
            ["strace", "-f", "-qq", "-e", "signal=none", "-o", trace, link.CLUSTERD,
             "--config", place.config], stdin=daemon.subprocess.DEVNULL,
            stdout=daemon.subprocess.DEVNULL, stderr=daemon.subprocess.DEVNULL)
        with welcome("a", place=place) as host, welcome("b") as other:
            assert other.append(0, batch_id(1), bytes(300000)).result == OK
            host.wait("BATCH")
            with PAIR.owner() as session:
                session.rows("SELECT pg_terminate_backend(pid) FROM "
                             "pg_stat_activity WHERE application_name "
                             "= 'pat-clusterd a'")
            host.wait("WELCOME")
        with open("/proc/%d/task/%d/children" % ((place.process.pid,) * 2)) as file:
            os.kill(int(file.read().split()[0]), 15)
        place.process.wait(link.LIMIT)
        with open(trace) as file:
            made = set(re.findall(r"(?m)^\d+ +(?:<\.\.\. )?(\w+)[( ]",
                                  file.read().partition("filter=")[2]))
    assert usual - made == set(), usual - made


def environment():
    """what the environment says of a database does not count"""
    make("a")
    with Place(PAIR.conninfo(), start=False) as place:
        place.listen()
        place.start(env=dict(os.environ, PGOPTIONS="-c colour=red",
                             PGPASSWORD="hunter2", PGSSLMODE="require"))
        with welcome("a", place=place) as host:
            assert host.lease().ok


CASES = [creates, creates_at_once, creates_late, no_cluster, appends, large, slow, applied, leases, looks,
         looks_again, nodes_after_batches, restarted, same_name, takes_over,
         takes_back, leaves, leaves_meanwhile, snapshots, waits_for_standby, shown_too_early,
         role_settings, lost_in_commit, garbage,
         function_fails, long_texts, lies_then_truth,
         administrators, servers, names, pooler,
         host_misbehaves, ends, settings, no_section, settings_files, confined, calls, environment,
         stuck, encrypted, fails_over, frozen]


def run():
    global PAIR
    if not os.access(link.CLUSTERD, os.X_OK):
        print("1..0 # SKIP pat-clusterd is not built")
        return
    try:
        with postgres.Pair() as PAIR:
            daemon.main([case for case in CASES
                         if len(sys.argv) < 2 or case.__name__ in sys.argv[1:]])
    except postgres.Missing as reason:
        print("1..0 # SKIP %s" % reason)


if __name__ == "__main__":
    run()
