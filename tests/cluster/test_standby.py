"""pat-clusterd and the standby: nothing is done that this has not, and what is under way
when a server goes is done once."""
import contextlib

import daemon
import postgres
from clusterd import batch_id, kick, make, pair, run, using, welcome
from link import CONNECTED, CONNECTING, NOT_DONE, OK, UNKNOWN

WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


@contextlib.contextmanager
def silent_standby():
    pair().standby.freeze()
    try:
        yield
    finally:
        pair().standby.thaw()


def waits_there():
    """There is a commit that waits for the standby."""
    with pair().owner() as session:
        daemon.wait_for(lambda: session.rows(WAITING))


def end_wait(how="cancel"):
    """Of whatever waits so; or "terminate", its session."""
    waits_there()
    with pair().owner() as session:
        session.rows("SELECT pg_%s_backend(pid) FROM (%s) w" % (how, WAITING))


def waits_for_standby():
    """nothing is done and no lease granted while the standby does not answer; and a
    wait that is cancelled there is not taken for done"""
    make("a", "b")
    with welcome("a", lease_ms=90000) as one:
        with silent_standby():
            one.send("LEASE", req=50)
            waits_there()
            assert one.silent("LEASED", 0)
            end_wait()
            said = one.wait("LEASED")
            assert not said.ok, said
            req = one.begin_append(0, batch_id(1))
            end_wait()
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
        with silent_standby(), pair().owner() as session:
            one.begin_append(0, batch_id(1))
            end_wait()
            assert one.wait("APPENDED").result == UNKNOWN
            daemon.wait_for(lambda: session.rows(
                WAITING + " AND query LIKE '%since%'"))
            assert two.silent("BATCH", 0.1)
        assert two.wait("BATCH").seq == 1


HOSTILE = ("synchronous_commit = local", "client_min_messages = error",
           "default_transaction_isolation = serializable", "statement_timeout = 200",
           "jit_above_cost = 0", "search_path = public")


def role_settings():
    """what an administrator has set for the role changes nothing of that"""
    make("a")
    with pair().owner() as session:
        for setting in HOSTILE:
            session.rows("ALTER ROLE %s SET %s" % (postgres.ROLE, setting))
    try:
        with welcome("a", lease_ms=90000) as one:
            assert one.append(0, batch_id(1)).result == OK
            with silent_standby():
                req = one.begin_append(1, batch_id(2))
                assert one.silent("APPENDED", 0.5)
                end_wait()
                said = one.wait("APPENDED")
                assert (said.req, said.result) == (req, UNKNOWN), said
    finally:
        with pair().owner() as session:
            session.rows("ALTER ROLE %s RESET ALL" % postgres.ROLE)


def lost_in_commit():
    """a connection that is lost in the middle of a commit is UNKNOWN; the same batch
    again is done, once"""
    make("a")
    with welcome("a", lease_ms=90000) as one:
        with silent_standby():
            req = one.begin_append(0, batch_id(1))
            end_wait("terminate")
            said = one.wait("APPENDED")
            assert (said.req, said.result) == (req, UNKNOWN), said
        one.wait("WELCOME")
        assert one.append(0, batch_id(1)).result == OK
        with pair().owner() as session:
            assert session.one("SELECT count(*) FROM jira_pat.log") == "1"


def german():
    """so it is with servers that speak another language"""
    try:
        both = postgres.Pair(language="de_DE")
    except postgres.Missing as missing:
        raise daemon.Skip(str(missing)) from None
    with both, using(both):
        waits_for_standby()
        lost_in_commit()
        with welcome("a", applied=1) as host:
            kick()
            host.wait("STATE", lambda state: all(word in state.text for word in (
                "Administrators", "somebody has stopped the database")))
            host.kept.clear()
            host.wait("STATE", lambda state: state.state == CONNECTED)
            daemon.wait_for(lambda: host.lease().ok)


def fails_over():
    """kill -9 of the primary and promotion of its standby: the host hears of both,
    batches go on where they were, each once"""
    make("a", "b")
    with welcome("a") as one, welcome("b") as two:
        assert one.append(0, batch_id(1)).result == OK
        assert two.wait("BATCH").seq == 1
        pair().primary.kill()
        one.wait("STATE", lambda state: state.state == CONNECTING)
        two.wait("STATE", lambda state: state.state == CONNECTING)
        assert one.append(1, batch_id(2)).result in (NOT_DONE, UNKNOWN)
        pair().promote(alone=True, kill=False)
        one.wait("WELCOME"), two.wait("WELCOME")
        said = one.append(1, batch_id(2))
        assert (said.result, said.head) == (OK, 2), said
        assert two.wait("BATCH").seq == 2
        assert any(state.state == CONNECTED and not state.synchronous
                   for state in one.kept if state.kind == "STATE")
    pair().rejoin()


def stuck():
    """a commit that waits for a standby that is gone: the host hears UNKNOWN and why,
    no second one is begun there, and all goes on when it is back"""
    make("a")
    with welcome("a", lease_ms=5000) as one:
        with silent_standby(), pair().owner() as session:
            req = one.begin_append(0, batch_id(1))
            said = one.wait("APPENDED")
            assert (said.req, said.result) == (req, UNKNOWN), said
            one.wait("STATE", lambda state: "a commit waits there" in state.text)
            assert len(session.rows(WAITING)) == 1
        one.wait("WELCOME")
        assert one.append(0, batch_id(1)).result == OK


def frozen():
    """a primary that takes connections and says nothing is left for the one that was
    promoted in its place"""
    make("a")
    with welcome("a", lease_ms=5000) as one:
        assert one.append(0, batch_id(1)).result == OK
        old = pair().primary
        old.freeze()
        try:
            req = one.begin_append(1, batch_id(2))
            pair().promote(alone=True, kill=False)
            said = one.wait("APPENDED")
            assert said.req == req and said.result in (NOT_DONE, UNKNOWN), said
            assert one.wait("WELCOME").head == 1
            assert one.append(1, batch_id(2)).result == OK
        finally:
            old.thaw()
            old.kill()
    pair().rejoin()


CASES = [waits_for_standby, shown_too_early, role_settings, lost_in_commit, german,
         stuck, fails_over, frozen]

if __name__ == "__main__":
    run(CASES, standby=True)
