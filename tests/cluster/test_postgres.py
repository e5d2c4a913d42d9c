"""What the cluster relies on in PostgreSQL, and postgres.py itself."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(1, os.path.join(os.environ["JP_SOURCE"], "tests/daemon"))

import daemon  # noqa: E402  (tests/daemon/daemon.py)
import libpq  # noqa: E402
import postgres  # noqa: E402


def refused(call):
    """What it is refused with."""
    try:
        call()
    except libpq.Refused as error:
        return error
    raise AssertionError("was not refused")


def test_promote_and_rejoin():
    """a client with both hosts finds the primary, also after a promotion: all
    that was committed is there"""
    with postgres.Pair() as pair:
        with libpq.Session(pair.conninfo()) as session:
            assert session.port() == pair.primary.port
            session.rows("CREATE TABLE kept (n int)")
            session.rows("INSERT INTO kept VALUES (1)")
        pair.promote()
        with libpq.Session(pair.conninfo()) as session:
            assert session.port() == pair.primary.port
            assert session.rows("SELECT n FROM kept") == [("1",)]
            session.rows("INSERT INTO kept VALUES ($1)", 2)
        pair.rejoin()
        with libpq.Session(pair.conninfo()) as session:
            session.rows("INSERT INTO kept VALUES ($1)", 3)
        pair.promote()
        with libpq.Session(pair.conninfo()) as session:
            assert session.one("SELECT count(*) FROM kept") == "3"
        root = pair.root
    assert not os.path.exists(root)


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
                "host=127.0.0.1,127.0.0.1",
                "hostaddr=127.0.0.1,127.0.0.1 host=db1,db2"))))


if __name__ == "__main__":
    try:
        postgres.programs()
        postgres.account()
    except postgres.Missing as reason:
        print("1..0 # SKIP %s" % reason)
        sys.exit(0)
    daemon.main([
        test_promote_and_rejoin,
        test_tls,
    ])
