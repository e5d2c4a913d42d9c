"""A database that says what it should not, or no longer lets pat-clusterd do what it has
to: the host hears why, and all goes on when that is over."""
import contextlib
import os
import re

import daemon
import postgres
from clusterd import CLUSTER, batch_id, kick, make, pair, pauses, run, welcome
from link import CONNECTED, NOT_DONE, OK, REFUSED, Place


def garbage():
    """a database that answers what it never should is refused, with a line in the log,
    and pat-clusterd goes on"""
    make("a")
    with welcome("a") as one:
        with pair().owner() as session:
            session.rows(
                "ALTER TABLE jira_pat.node DROP CONSTRAINT node_name_check")
            session.rows("INSERT INTO jira_pat.node (name) VALUES ('a b c')")
        one.send("LEASE", req=9)
        state = one.wait("STATE", lambda state: state.state == REFUSED)
        assert "by hand" in state.text, state
        with pair().owner() as session:
            session.rows("DELETE FROM jira_pat.node WHERE name = 'a b c'")
        one.wait("WELCOME")
        assert one.lease().ok


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
    with pair().owner() as session:
        session.rows("CREATE OR REPLACE %s $$ %s $$" % (head, body))
        try:
            yield
        finally:
            session.rows(found.group(0).replace(
                "CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))


def broken(name, text="out of order", state="XX000"):
    return replaced(name, "#variable_conflict use_column\nBEGIN RAISE EXCEPTION "
                    "'%s' USING ERRCODE = '%s'; END" % (text, state))


FUNCTIONS = ("hello", "lease", "since", "applied", "nodes")


def function_fails():
    """a function of the database that always fails: the pauses between the tries grow,
    the host is told why once, and comes back by itself"""
    for name in FUNCTIONS:
        make("a", "b")
        with Place(pair().conninfo(), arguments=("--debug",)) as place:
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
                        with pair().owner() as session:
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
        with Place(pair().conninfo()) as place:
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
            with pair().owner(where) as session:
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


CASES = [garbage, function_fails, long_texts, lies_then_truth, administrators]

if __name__ == "__main__":
    run(CASES)
