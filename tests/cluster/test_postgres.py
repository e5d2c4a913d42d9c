"""What the cluster relies on in PostgreSQL and libpq, as postgres.py lists it, and
that file itself. One pair serves all cases but the last; each leaves it as it was."""
import contextlib
import ctypes
import os
import re
import select
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(1, os.path.join(os.environ["JP_SOURCE"], "tests/daemon"))

import daemon  # noqa: E402  (tests/daemon/daemon.py)
import libpq  # noqa: E402
import postgres  # noqa: E402

TABLES = """
CREATE TABLE head (seq bigint) WITH (fillfactor = 10);
INSERT INTO head VALUES (0);
CREATE TABLE log (seq bigint);
CREATE FUNCTION append() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE v bigint;
BEGIN
    SELECT seq INTO v FROM head FOR UPDATE;
    UPDATE head SET seq = v + 1;
    PERFORM pg_notify('log', (v + 1)::text);
    RETURN v + 1;
END $$;
CREATE FUNCTION lease() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE v bigint;
BEGIN
    SELECT seq INTO v FROM head FOR SHARE;
    RETURN v;
END $$;
"""
PAIR = None


class Asked(threading.Thread):
    """A statement that may have to wait."""

    def __init__(self, session, sql):
        super().__init__(daemon=True)
        self.session, self.sql = session, sql
        self.said = self.error = None
        self.start()

    def run(self):
        try:
            self.said = self.session.rows(self.sql)
        except libpq.Refused as error:
            self.error = error

    def end(self):
        """Its first value, or what it is refused with."""
        self.join(60)
        assert not self.is_alive(), self.sql
        return self.error or (self.said[0][0] if self.said else None)

    def waits(self, event):
        """Until PostgreSQL says that it waits for this."""
        with PAIR.owner() as session:
            def waiting():
                return session.rows(
                    "SELECT 1 FROM pg_stat_activity WHERE pid = $1 AND "
                    "wait_event = $2", self.session.pid(), event)
            daemon.wait_for(waiting)
        return self


@contextlib.contextmanager
def silent_standby():
    """It gets nothing and says nothing."""
    PAIR.standby.freeze()
    try:
        yield
    finally:
        PAIR.standby.thaw()


def refused(call):
    """What it is refused with."""
    try:
        call()
    except libpq.Refused as error:
        return error
    raise AssertionError("was not refused")


def test_cost():
    """no function of the schema, new as it is, seems so dear to PostgreSQL that
    it compiles it with each call, which takes half a second"""
    with open(os.path.join(os.environ["JP_SOURCE"],
                           "pat_clusterd/schema.sql")) as file:
        schema = file.read()
    with PAIR.role() as session:
        session.rows(schema)
        limit = float(session.one("SHOW jit_above_cost"))
        for call in ("nodes()", "since(0, 1000, 1048576)", "welcome()"):
            plan = session.one("EXPLAIN SELECT * FROM jira_pat." + call)
            cost = float(re.search(r"\.\.([0-9.]+) ", plan).group(1))
            assert cost < limit / 10, "%s: %s" % (call, plan)
        session.rows("DROP SCHEMA jira_pat CASCADE")


def test_cancelled():
    """a commit whose wait for the standby is cancelled succeeds with a warning,
    and everybody sees it; one that is terminated ends the connection"""
    with PAIR.role() as one, PAIR.role() as two, PAIR.role() as other:
        with silent_standby():
            asked = Asked(one, "INSERT INTO log VALUES (1)").waits("SyncRep")
            assert other.rows("SELECT seq FROM log") == []
            one.cancel()
            assert asked.end() is None
            assert [state for state, _ in one.notices] == ["01000"]
            asked = Asked(two, "INSERT INTO log VALUES (2)").waits("SyncRep")
            with PAIR.owner() as session:
                session.rows("SELECT pg_terminate_backend($1)", two.pid())
            assert isinstance(asked.end(), libpq.Refused)
            assert [state for state, _ in two.notices] == ["57P01"]
            assert other.rows("SELECT seq FROM log") == [("1",), ("2",)]
        other.rows("DELETE FROM log")


def test_timeout():
    """statement_timeout does not end the wait for the standby"""
    # The statement itself is over long before; a later one meets the limit.
    with PAIR.role("options='-c statement_timeout=300ms'") as session:
        with silent_standby():
            asked = Asked(session, "SELECT append()").waits("SyncRep")
            with PAIR.role("options='-c statement_timeout=300ms'") as other:
                assert refused(lambda: other.rows(
                    "SELECT append()")).state == "57014"
                assert refused(lambda: other.rows(
                    "SELECT pg_sleep(60)")).state == "57014"
            asked.waits("SyncRep")
        assert not isinstance(asked.end(), libpq.Refused)


def test_who_waits():
    """without its standby a primary grants nothing: who locks a row or writes is
    held up; who reads, or only has an xid, is not"""
    with PAIR.role() as session:
        with silent_standby():
            for sql in ("SELECT seq FROM head", "SELECT pg_current_xact_id()"):
                assert not isinstance(session.one(sql), libpq.Refused)
            for sql in ("SELECT seq FROM head FOR SHARE", "SELECT lease()",
                        "SELECT pg_logical_emit_message(true, '', '')"):
                with PAIR.role() as other:
                    asked = Asked(other, sql).waits("SyncRep")
                    other.cancel()
                    asked.end()
                    assert other.notices[0][0] == "01000"


def test_order():
    """FOR SHARE waits for FOR UPDATE to commit, and reads what it wrote; FOR
    UPDATE waits for FOR SHARE; both until the standby has it"""
    with PAIR.role() as one, PAIR.role() as two, PAIR.role() as three:
        before = int(one.one("SELECT seq FROM head"))
        one.rows("BEGIN; SELECT append()")
        asked = Asked(two, "SELECT lease()").waits("transactionid")
        one.rows("COMMIT")
        assert int(asked.end()) == before + 1
        one.rows("BEGIN; SELECT lease()")
        asked = Asked(two, "SELECT append()").waits("transactionid")
        assert int(Asked(three, "SELECT lease()").end()) == before + 1
        one.rows("COMMIT")
        assert int(asked.end()) == before + 2
        with silent_standby():
            first = Asked(one, "SELECT lease()").waits("SyncRep")
            asked = Asked(two, "SELECT append()").waits("transactionid")
        assert int(first.end()) == before + 2
        assert int(asked.end()) == before + 3


def test_notify():
    """a notification comes when the standby has its transaction, and holds up
    all others until then"""
    with PAIR.role() as one, PAIR.role() as two, PAIR.role() as listener:
        listener.rows("LISTEN log")
        with silent_standby():
            first = Asked(one, "SELECT append()").waits("SyncRep")
            asked = Asked(two, "BEGIN; SET LOCAL synchronous_commit = off; "
                          "NOTIFY log, 'applied'; COMMIT").waits("object")
            assert listener.notified() == []
        seq = first.end()
        asked.end()
        heard = []
        while len(heard) < 2:
            heard += listener.notified(60)
        assert heard == [("log", seq), ("log", "applied")], heard


def test_restart():
    """a primary that is killed and started shows what the standby does not have;
    who locks a row is held up until the standby has it"""
    with PAIR.role() as one, silent_standby():
        asked = Asked(one, "INSERT INTO log VALUES (3)").waits("SyncRep")
        PAIR.primary.kill()
        assert isinstance(asked.end(), libpq.Refused)
        PAIR.primary.start()
        with PAIR.role() as other:
            assert other.rows("SELECT seq FROM log") == [("3",)]
            asked = Asked(other, "SELECT l.seq FROM log l, "
                          "(SELECT FROM head FOR SHARE) h").waits("SyncRep")
            PAIR.standby.thaw()
            assert asked.end() == "3"
            other.rows("DELETE FROM log")


def test_lost():
    """what was cancelled is gone when the standby is promoted, and what counts
    counts to the same number again"""
    with PAIR.role() as one:
        PAIR.standby.stop()
        asked = Asked(one, "SELECT append()").waits("SyncRep")
        one.cancel()
        seq = asked.end()
        PAIR.primary.kill()
    PAIR.standby.start()
    PAIR.promote()
    with PAIR.role() as session:
        assert session.one("SELECT append()") == seq
    PAIR.rejoin()


def polled(conninfo, seconds):
    """The port to which PQconnectPoll() connects in this time, or None."""
    libpq.PQ.PQconnectStart.restype = ctypes.c_void_p
    conn = ctypes.c_void_p(libpq.PQ.PQconnectStart(conninfo.encode()))
    failed, reading, writing, connected = range(4)
    end, step = time.monotonic() + seconds, writing
    while step not in (failed, connected) and time.monotonic() < end:
        sock = libpq.PQ.PQsocket(conn)
        if any(select.select([sock] * (step == reading), [sock] * (
                step == writing), [], 0.2)):
            step = libpq.PQ.PQconnectPoll(conn)
    port = int(libpq.PQ.PQport(conn)) if step == connected else None
    libpq.PQ.PQfinish(conn)
    return port


def test_two_primaries():
    """of a frozen host and one that answers PQconnectdb() finds the latter,
    PQconnectPoll() does not; a primary whose standby was promoted is found
    first, and commits nothing"""
    old, new = PAIR.primary, PAIR.standby
    conninfo = PAIR.conninfo(ports=[old.port, new.port]).replace(
        "connect_timeout=5", "connect_timeout=2")
    assert polled(conninfo, 60) == old.port
    with libpq.Session("host=%s port=%d user=%s dbname=%s" % (
            PAIR.sockets, new.port, postgres.ROLE, postgres.DATABASE)) as session:
        assert refused(lambda: session.rows("LISTEN log")).state == "25006"
        old.freeze()
        PAIR.promote(kill=False)
        session.rows("LISTEN log")
        session.rows("SELECT append()")
    with libpq.Session(conninfo) as session:
        assert session.port() == new.port
    assert polled(conninfo, 5) is None
    old.thaw()
    with libpq.Session(conninfo) as session:
        assert session.port() == old.port
        asked = Asked(session, "SELECT append()")
        with old.session() as owner:
            daemon.wait_for(lambda: owner.rows(
                "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'"))
        old.kill()
        assert isinstance(asked.end(), libpq.Refused)
    PAIR.rejoin()


def test_promote_and_rejoin():
    """a client with both hosts finds the primary, also after promotions: all
    that was committed is there"""
    with libpq.Session(PAIR.conninfo()) as session:
        assert session.port() == PAIR.primary.port
        session.rows("INSERT INTO log VALUES (1)")
    PAIR.promote()
    with libpq.Session(PAIR.conninfo()) as session:
        assert session.port() == PAIR.primary.port
        session.rows("INSERT INTO log VALUES ($1)", 2)
    PAIR.rejoin()
    PAIR.promote()
    with libpq.Session(PAIR.conninfo()) as session:
        assert session.rows("SELECT seq FROM log ORDER BY 1") == [
            ("1",), ("2",)]


def segments(root):
    """The System V memory that the servers say they have."""
    found = []
    for name in "ab":
        with contextlib.suppress(FileNotFoundError):
            with open(os.path.join(root, name, "postmaster.pid")) as file:
                found.append(file.read().split("\n")[6].split()[1])
    assert found
    return found


def assert_gone(root, memory):
    assert not os.path.exists(root)
    with open("/proc/sysvipc/shm") as file:
        left = [line.split()[1] for line in file]
    assert not set(memory) & set(left), memory


def test_remains():
    """nothing is left behind"""
    memory = segments(PAIR.root)
    PAIR.close()
    assert_gone(PAIR.root, memory)


def test_killed():
    """nor where the test is killed"""
    with subprocess.Popen(
            [sys.executable, "-c", "import postgres\n"
             "print(postgres.Pair().root, flush=True)\ninput()"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            cwd=os.path.dirname(os.path.abspath(__file__))) as test:
        root = test.stdout.readline().strip()
        memory = segments(root)
        test.kill()
    daemon.wait_for(lambda: not os.path.exists(root))
    assert_gone(root, memory)


def test_tls():
    """with TLS a client verifies the server, and another name is refused"""
    me = postgres.pwd.getpwuid(os.geteuid()).pw_name
    with postgres.Pair(standby=False, auth="cert") as pair:
        folder = pair.client_files(me)
        with libpq.Session(pair.conninfo(folder)) as session:
            assert session.one("SELECT ssl FROM pg_stat_ssl WHERE "
                               "pid = pg_backend_pid()") == "t"
        assert "no encryption" in str(refused(lambda: libpq.Session(
            pair.conninfo(folder) + " sslmode=disable")))
        assert "does not match host name" in str(refused(
            lambda: libpq.Session(pair.conninfo(folder).replace(
                "host=127.0.0.1", "hostaddr=127.0.0.1 host=db1"))))


def main():
    global PAIR
    try:
        PAIR = postgres.Pair()
    except postgres.Missing as reason:
        print("1..0 # SKIP %s" % reason)
        return
    with PAIR, PAIR.role() as session:
        session.rows(TABLES)
        session.close()
        daemon.main([
            test_cost,
            test_cancelled,
            test_timeout,
            test_who_waits,
            test_order,
            test_notify,
            test_restart,
            test_lost,
            test_two_primaries,
            test_promote_and_rejoin,
            test_remains,
            test_killed,
            test_tls,
        ])


if __name__ == "__main__":
    main()
