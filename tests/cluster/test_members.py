"""pat-clusterd makes a cluster, and its hosts come, go, and take each other's names."""
import contextlib
import os
import time

import daemon
from clusterd import (CLUSTER, ERRORS, TAG, batch_id, forget_all, kick, make, pair, run,
                      setup, welcome)
from link import OK, REFUSED, Place, mac_of


def creates():
    """CREATE makes the schema once, JOIN adds hosts, each once and with the same
    pepper, and may be said again; SETTLE keeps the name, and LEAVE removes one"""
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
        assert host.ask("SETTLE", node="a").err == ERRORS["ok"]
        with setup() as other:
            assert other.ask("JOIN", node="c", tag=TAG).err == ERRORS["ok"]
            assert other.ask("ABANDON", node="c").err == ERRORS["ok"]
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


def full():
    """a cluster that has as many hosts as it can takes no more"""
    make("a")
    with pair().owner() as session:
        session.rows("INSERT INTO jira_pat.node (name, whole) "
                     "SELECT 'n' || n, true FROM generate_series(1, 63) n")
    with setup("b") as host:
        done = host.ask("JOIN", node="b", tag=TAG)
        assert (done.err, "64 hosts already" in done.text) == (
            ERRORS["overload"], True), done


def end_once_waited_for(session, host, req):
    """Commits what that request waits for; what becomes of this."""
    with pair().owner() as other:
        daemon.wait_for(lambda: other.rows("SELECT 1 FROM pg_locks WHERE NOT granted"))
    session.rows("COMMIT")
    return host.wait("DONE", lambda done: done.req == req)


def creates_at_once():
    """of two that create a cluster at the same moment one hears that there is one"""
    forget_all()
    with open(os.path.join(os.environ["JP_SOURCE"], "pat_clusterd/schema.sql")) as file:
        schema = file.read()
    with pair().owner() as session, setup() as host:
        session.rows("BEGIN; SET ROLE jira_pat; " + schema)
        session.rows("SELECT jira_pat.init('%s', 2, '', '')" % ("x" * 16))
        req = host.next_req()
        host.send("CREATE", req=req, cluster=CLUSTER, tag=TAG, mac=mac_of(0))
        done = end_once_waited_for(session, host, req)
        assert (done.err, "already" in done.text) == (ERRORS["busy"], True), done


def creates_late():
    """a host whose own init ends while another one has begun keeps its cluster"""
    forget_all()
    with setup() as host:
        assert host.ask("CREATE", cluster=CLUSTER, tag=TAG,
                        mac=mac_of(0)).err == ERRORS["ok"]
        assert host.ask("JOIN", node="a", tag=TAG).err == ERRORS["ok"]
    with pair().owner() as session, setup("b") as host:
        session.rows("BEGIN; UPDATE jira_pat.node SET whole = true")
        req = host.next_req()
        host.send("CREATE", req=req, cluster=b"X" * 16, tag=TAG, mac=mac_of(0))
        done = end_once_waited_for(session, host, req)
        assert (done.err, "already" in done.text) == (ERRORS["exists"], True), done
        assert session.rows("SELECT encode(c.id, 'hex'), n.name FROM jira_pat.cluster "
                            "c, jira_pat.node n") == [(CLUSTER.hex(), "a")]


def no_cluster():
    """a host is refused, with what to do, where there is no cluster, by another one,
    and where it is not known"""
    forget_all()
    with Place(pair().conninfo()) as place:
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
        assert said.err == ERRORS["not-found"], said
        host.close()
        host = place.host()
        host.hello("b", b"X" * 16)
        said = host.wait("STATE", lambda state: state.state == REFUSED)
        assert "another cluster" in said.text, said
        assert said.err == ERRORS["conflict"], said
        host.close()
        with pair().owner() as session:
            session.rows("UPDATE jira_pat.cluster SET format = format - 1")
        host = place.host()
        host.hello("b", CLUSTER)
        said = host.wait("STATE", lambda state: state.state == REFUSED)
        assert "another version" in said.text, said
        host.close()


ONE, TWO, THREE = b"this machine    ", b"another machine ", b"one more of them"


@contextlib.contextmanager
def beginner(holder, **options):
    """Says hello as "a", whatever comes of that."""
    with Place(pair().conninfo()) as place:
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
    with pair().owner() as session:
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
        one.wait("WELCOME")
        with setup("b") as host:
            assert host.ask("JOIN", node="b", tag=TAG).err == ERRORS["ok"]
            assert host.ask("SETTLE", node="b").err == ERRORS["ok"]
        with welcome("b", lease_ms=300000) as two:
            assert two.lease().ok
            one.send("LEAVE", req=one.next_req(), node="b")
            daemon.wait_for(lambda: not two.lease().ok)
        assert late.ask("SETTLE", node="b").err == ERRORS["conflict"]
        assert late.ask("ABANDON", node="b").err == ERRORS["ok"]
        with pair().owner() as session:
            assert session.rows("SELECT gone FROM jira_pat.node "
                                "WHERE name = 'b'") == [("t",)]


CASES = [creates, full, creates_at_once, creates_late, no_cluster, restarted, same_name,
         takes_over, takes_back, leaves, leaves_meanwhile]

if __name__ == "__main__":
    run(CASES)
