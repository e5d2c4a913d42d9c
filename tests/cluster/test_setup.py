"""Making a cluster and joining one, where others have the same name, and where the
database has another schema than it should."""
import os
import pwd
import shutil
import stat

from apart import accepts, held, hosts, joins, namesakes, nodes, refused, run
from cluster import PATIENCE, wait_for
from clusterd import ERRORS, TAG, make, setup, using
from daemon import AUDIT


# ---- of one name ----

def case_goes_back_alone():
    """a join that goes back while another one of its name is under way leaves that one
    its name"""
    with hosts(0) as (whole, _), using(whole.pair):
        make("a")
        with setup("b") as one, setup("b") as two:
            assert one.ask("JOIN", node="b", tag=TAG).err == ERRORS["ok"]
            assert two.ask("JOIN", node="b", tag=TAG).err == ERRORS["busy"]
            assert two.ask("SETTLE", node="b").err == ERRORS["conflict"]
            assert two.ask("ABANDON", node="b").err == ERRORS["ok"]
            assert nodes(whole) == ["a", "b"]
            assert one.ask("SETTLE", node="b").err == ERRORS["ok"]
            assert two.ask("ABANDON", node="b").err == ERRORS["ok"]
            assert nodes(whole) == ["a", "b"]


SLOW_LEAVE = """
CREATE FUNCTION jira_pat.wait() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(1);
    RETURN NEW;
END $$;
CREATE TRIGGER slow BEFORE UPDATE ON jira_pat.node FOR EACH ROW WHEN (NEW.gone)
EXECUTE FUNCTION jira_pat.wait()"""


def leaving(whole):
    """Whether somebody waits in the middle of a leave."""
    with whole.pair.owner() as session:
        return session.rows("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = "
                            "'Lock' AND query LIKE 'SELECT jira_pat.leave(%'")


def case_goes_back_late():
    """a host that joins anew, and is cut off while it waits until nobody has its name,
    takes it from nobody who joins by it meanwhile"""
    with namesakes() as (whole, one, two, three):
        two.join(one)
        with whole.pair.owner() as session:
            session.rows(SLOW_LEAVE)
            session.rows("SELECT pg_advisory_lock(1)")
            late = joins(two, one)
            wait_for(lambda: leaving(whole), two.story)
            two.relay.set("cut")
            wait_for(lambda: not leaving(whole), two.story)
            session.rows("DELETE FROM jira_pat.node WHERE name = 'proxy2'")
        with held(whole) as waits:
            first = joins(three, one)
            wait_for(waits, three.story)
            two.relay.set("pass")
            said = late.communicate(timeout=PATIENCE)
            assert late.returncode == 3 and "connection" in said[1], said
        said = first.communicate(timeout=PATIENCE)
        assert first.returncode == 0, said
        assert nodes(whole) == ["proxy1", "proxy2"]


# ---- another schema ----

TABLES = ("cluster", "head", "log", "node", "snapshot", "snapshot_part")
OTHER = ("another version of jira-pat", "install the same")
REMOVE = "DROP SCHEMA jira_pat CASCADE"
SCHEMA = os.path.join(os.environ["JP_SOURCE"], "pat_clusterd/schema.sql")


def change(whole, *statements):
    with whole.pair.owner() as session:
        for statement in statements:
            session.rows(statement)


def content(whole):
    with whole.pair.owner() as session:
        return [session.rows("SELECT * FROM jira_pat.%s t ORDER BY t" % table)
                for table in TABLES]


def init(host):
    return host.admin("cluster", "init", check=False)


def case_other_format():
    """a schema of another version of jira-pat is told as such by init, join and leave,
    with what to do, and nothing is changed in it; with the right one all is well"""
    with hosts(3) as (whole, (one, two, three)):
        one.token("alice")
        one.admin("cluster", "init")
        change(whole, "UPDATE jira_pat.cluster SET format = format - 1",
               "ALTER FUNCTION jira_pat.enter(text, bytea, bigint) RENAME TO kept")
        before, files = content(whole), two.files()
        refused(two.join(one, check=False), 3, *OTHER)
        done = init(three)
        refused(done, 3, *OTHER, REMOVE)
        assert "does not exist" not in done.stderr, done
        refused(one.admin("cluster", "leave", "proxy9", check=False), 3, *OTHER)
        assert content(whole) == before and two.files() == files
        change(whole, "UPDATE jira_pat.cluster SET format = format + 1")
        before = content(whole)
        refused(two.join(one, check=False), 3, "does not exist", "not whole", *OTHER)
        assert content(whole) == before and two.files() == files
        change(whole, "ALTER FUNCTION jira_pat.kept(text, bytea, bigint) RENAME TO enter")
        two.join(one)
        assert nodes(whole) == ["proxy1", "proxy2"]


def case_half_schema():
    """a schema that was made half by hand is told as such, and what to do; one that is
    whole is taken"""
    with hosts(2) as (whole, (one, two)):
        with open(SCHEMA) as file:
            text = file.read()
        with whole.pair.owner() as session:
            session.rows("CREATE SCHEMA jira_pat AUTHORIZATION jira_pat")
        refused(init(one), 3, "not whole", *OTHER, REMOVE)
        refused(two.join(one, check=False), 3, "no cluster", "cluster init")
        change(whole, "DROP SCHEMA jira_pat",
               "BEGIN; SET ROLE jira_pat; %s; COMMIT" % text[:text.index("CREATE FUNCTION")])
        refused(init(one), 3, "not whole", *OTHER, REMOVE)
        refused(two.join(one, check=False), 3, "not whole", *OTHER)
        change(whole, REMOVE, "BEGIN; SET ROLE jira_pat; %s; COMMIT" % text)
        assert init(one).returncode == 0
        two.join(one)
        assert nodes(whole) == ["proxy1", "proxy2"]


def case_foreign_schema():
    """a schema that another role owns is told as such, whatever was granted"""
    with hosts(2) as (whole, (one, two)):
        with open(SCHEMA) as file:
            change(whole, "BEGIN; %s; COMMIT" % file.read())
        for grant in (None, "USAGE ON SCHEMA jira_pat",
                      "SELECT ON ALL TABLES IN SCHEMA jira_pat"):
            if grant is not None:
                change(whole, "GRANT %s TO jira_pat" % grant)
            for done in (init(one), two.join(one, check=False)):
                refused(done, 3, "permission denied", "own the schema")
        assert content(whole) == [[]] * len(TABLES)


# ---- a machine where nothing was made yet ----

def case_fresh():
    """a machine where nothing was made yet has all that a host needs after join, the
    folder of the audit trail too, where the join stands"""
    with hosts(2) as (_, (one, two)):
        token = one.token("alice")
        one.admin("cluster", "init")
        for name in ("store", "key"):
            shutil.rmtree(os.path.join(two.root, name))
        two.write(AUDIT)
        done = two.join(one)
        assert "audit" not in done.stderr, done.stderr
        found = os.stat(two.root + "/audit")
        assert (stat.S_IMODE(found.st_mode), found.st_uid) == (
            0o750, pwd.getpwnam(two.user).pw_uid), found
        assert "cluster-join" in two.read_trail(), two.read_trail()
        two.start()
        accepts(two, "alice", token)


CASES = [case_goes_back_alone, case_goes_back_late, case_other_format, case_half_schema,
         case_foreign_schema, case_fresh]

if __name__ == "__main__":
    run(CASES)
