"""pat-admin cluster leave: of this host, of another one, again, and without a database."""
import concurrent.futures

from apart import accepts, hosts, identity, namesakes, nodes, pair, refused, run
from cluster import Host, wait_for
from daemon import ACCEPT, DENY, UNAVAILABLE


def case_leave():
    """leave takes what is missing first, and is a single host then, with all; the
    database has forgotten it"""
    with hosts(2) as (whole, (one, two)):
        one.admin("cluster", "init")
        one.start()
        two.join(one)
        token, gone = one.token("alice"), one.token("bob")
        one.admin("revoke", identity(gone))
        assert two.admin("cluster", "leave").stdout == "proxy2 has left\n"
        assert nodes(whole) == ["proxy1"]
        said = one.admin("create", "carol").stderr
        assert "accepts nothing" not in said, said
        two.alone().start_alone()
        assert two.verdict("alice", token) == ACCEPT
        assert two.verdict("bob", gone) == DENY
        two.admin("revoke", identity(token))
        assert two.verdict("alice", token) == DENY
        assert one.verdict("alice", token) == ACCEPT
        two.halt()
        refused(two.admin("cluster", "leave", check=False), 3, "no section")
        two.write()
        refused(two.admin("cluster", "leave", check=False), 1, "no cluster")


GATE = [
    "ALTER FUNCTION jira_pat.leave(text) RENAME TO leave_inside",
    "CREATE FUNCTION jira_pat.leave(p_node text) RETURNS integer "
    "LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(77); "
    "RETURN jira_pat.leave_inside(p_node); END $$"]
HELD = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


def case_leave_meanwhile():
    """what others changed while a host was leaving holds there, too, if it was
    before the host was out"""
    with pair() as (whole, (one, two)):
        token = one.token("alice")
        accepts(two, "alice", token)
        two.halt()
        with whole.pair.role() as role, whole.pair.owner() as session:
            for statement in GATE:
                role.rows(statement)
            session.rows("SELECT pg_advisory_lock(77)")
            head = session.one("SELECT seq FROM jira_pat.head")
            with concurrent.futures.ThreadPoolExecutor() as both:
                left = both.submit(two.admin, "cluster", "leave")
                wait_for(lambda: session.one(HELD) == "1", two.story)
                revoked = both.submit(one.admin, "revoke", identity(token))
                wait_for(lambda: session.one(
                    "SELECT seq FROM jira_pat.head") != head, one.story)
                session.rows("SELECT pg_advisory_unlock(77)")
                left.result()
                revoked.result()
        two.alone().start_alone()
        assert two.verdict("alice", token) == DENY


def case_leave_again():
    """a leave that was killed when the database had forgotten the host, or was about to,
    is done again: what others have changed since then holds there, too"""
    with pair() as (whole, (one, two)):
        token = one.token("alice")
        accepts(two, "alice", token)
        two.halt()
        one.admin("cluster", "leave", "proxy2")
        one.admin("revoke", identity(token))
        assert two.admin("cluster", "leave").stdout == "proxy2 has left\n"
        assert nodes(whole) == ["proxy1"]
        assert two.alone().live() == []
        two.write()
        two.join(one, "--import")
        with whole.pair.owner() as session:
            session.rows("UPDATE jira_pat.node SET gone = true WHERE name = 'proxy2'")
        two.admin("cluster", "leave")
        assert nodes(whole) == ["proxy1"]


def case_leave_taken():
    """where another host has the name by then, or the log no longer has what was
    missing, leave says what can be done, and does not touch the other one"""
    with namesakes() as (whole, one, two, _):
        one.start()
        two.join(one)
        one.admin("cluster", "leave", "proxy2")
        token = one.token("alice")
        with whole.pair.owner() as session:
            rows = session.rows("DELETE FROM jira_pat.log RETURNING seq")
            assert rows
            refused(two.admin("cluster", "leave", check=False), 3,
                    "no longer has what this host lacks", "cluster join",
                    "--without-database")
        assert nodes(whole) == ["proxy1"]
        with whole.pair.owner() as session:
            session.rows("INSERT INTO jira_pat.node (name, whole, grants, holder, "
                         "lease_ms, contact) VALUES ('proxy2', true, 1, 'x', "
                         "300000, clock_timestamp())")
        refused(two.admin("cluster", "leave", check=False), 3, "another machine",
                "proxy2", "--without-database")
        assert nodes(whole) == ["proxy1", "proxy2"]
        two.admin("cluster", "leave", "--without-database")
        assert nodes(whole) == ["proxy1", "proxy2"]
        assert token not in two.alone().admin("list", "--all").stdout


def case_leave_other():
    """a host that is gone is removed by another one, and cannot come back without
    join"""
    with pair() as (whole, (one, two)):
        token = one.token("alice")
        accepts(two, "alice", token)
        two.end()
        refused(one.admin("cluster", "leave", "proxy1", check=False), 2,
                "this host is proxy1")
        refused(one.admin("cluster", "leave", "proxy9", check=False), 1, "proxy9")
        one.admin("cluster", "leave", "proxy2")
        assert nodes(whole) == ["proxy1"]
        Host.start(two)
        wait_for(lambda: "proxy2" in two.read_log() + two.read_link_log(),
                 two.story)
        assert two.verdict("alice", token) == UNAVAILABLE


def case_leave_without():
    """where the database is lost, leave says how to go without it, and does"""
    with hosts(1) as (whole, (one,)):
        token = one.token("alice")
        one.admin("cluster", "init")
        whole.pair.primary.kill()
        one.relay.set("cut")
        one.admin("cluster", "leave", "--without-database")
        one.alone().start_alone()
        assert one.verdict("alice", token) == ACCEPT


CASES = [case_leave, case_leave_meanwhile, case_leave_again, case_leave_taken,
         case_leave_other, case_leave_without]

if __name__ == "__main__":
    run(CASES)
