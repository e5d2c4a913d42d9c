"""A database that lies: nothing of it is applied, the logs say what is wrong and what
to do, the host says nothing but "not now" when its lease has ended, and when the
database is as it was nothing is lost.
"""
import contextlib
import os
import re
import sys

from acts import id_of, make_tokens
from cluster import SOURCE, cluster, wait_for
from libpq import Refused
from daemon import ACCEPT, DENY, UNAVAILABLE, main

SCHEMA = os.path.join(SOURCE, "pat_clusterd/schema.sql")
TOUCH = "SELECT pg_notify('jira_pat', 'log')"


def alive(whole):
    for host in whole.hosts:
        for process in (host.patd, host.clusterd):
            assert process.poll() is None, "ended with %s\n%s" % (
                process.returncode, host.story())


class Liar:
    """The superuser, while the last host is cut off: what it does is there when the
    host comes back."""

    def __init__(self, whole):
        self.whole, self.last = whole, whole.hosts[-1]
        self.session = None

    def __enter__(self):
        self.session = self.whole.pair.owner()
        self.session.rows("CREATE TABLE IF NOT EXISTS kept AS "
                          "SELECT * FROM jira_pat.log LIMIT 0")
        return self

    def __exit__(self, *_):
        with contextlib.suppress(Refused):
            self.session.rows("ROLLBACK")
        self.session.rows("DROP TABLE kept")
        self.session.close()

    def keep(self):
        self.session.rows("DELETE FROM kept; INSERT INTO kept "
                          "SELECT * FROM jira_pat.log")

    def put_back(self):
        self.session.rows("BEGIN; DELETE FROM jira_pat.log; INSERT INTO "
                          "jira_pat.log SELECT * FROM kept; COMMIT; " + TOUCH)

    def changes(self):
        """Three batches that the last host does not know yet, the second of which
        ends a token: (the number of the first, the token)."""
        first = self.whole.hosts[0]
        token = self.whole.token("jane")
        assert self.last.verdict("jane", token) == ACCEPT
        self.last.cut("cut")
        self.whole.token("joe")
        first.admin("revoke", id_of(token))
        self.whole.token("joe")
        return int(self.session.one("SELECT seq FROM jira_pat.head")) - 2, token


# What is done to the log from batch {at} on.
LIES = {
    "a wrong MAC": "UPDATE jira_pat.log SET mac = sha256(mac) WHERE seq = {at}",
    "another byte": "UPDATE jira_pat.log SET bytes = set_byte(bytes, "
    "octet_length(bytes) - 1, 255 - get_byte(bytes, octet_length(bytes) - 1)) "
    "WHERE seq = {at}",
    "garbage": "UPDATE jira_pat.log SET bytes = sha256(bytes) || sha256(mac) "
    "WHERE seq = {at}",
    "nothing": "UPDATE jira_pat.log SET bytes = '', mac = '' WHERE seq = {at}",
    "an old batch": "UPDATE jira_pat.log a SET bytes = b.bytes, mac = b.mac, "
    "node = b.node, at = b.at FROM jira_pat.log b WHERE a.seq = {at} + 1 AND "
    "b.seq = {at} - 1",
    "two in another order": "UPDATE jira_pat.log SET seq = seq + 1000000 WHERE "
    "seq IN ({at}, {at} + 1); UPDATE jira_pat.log SET seq = 2 * {at} + 1000001 - "
    "seq WHERE seq > 1000000",
    "a gap": "DELETE FROM jira_pat.log WHERE seq = {at}",
    "one left out": "DELETE FROM jira_pat.log WHERE seq = {at}; UPDATE "
    "jira_pat.log SET seq = seq - 1 WHERE seq > {at}",
    "another time": "UPDATE jira_pat.log SET at = at + 1 WHERE seq = {at}",
    "another node": "UPDATE jira_pat.log SET node = 'proxy2' WHERE seq = {at}",
}


# Of which `make check` tries these; make cluster-torture all.
FEW = ("a wrong MAC", "garbage", "an old batch", "two in another order")


def changed_log():
    """a log with a wrong MAC, another byte, garbage, an old batch, two in another
    order, or without one is refused, and taken when it is as it was
    """
    with cluster() as whole, Liar(whole) as liar:
        make_tokens(whole, 2)
        last = liar.last
        for name, lie in LIES.items():
            if name not in FEW and not os.environ.get("JP_ROUNDS"):
                continue
            whole.wait_leases()
            at, token = liar.changes()
            liar.keep()
            before = len(last.read_log())
            liar.session.rows("BEGIN; " + lie.format(at=at) + "; COMMIT")
            last.mend()
            refused(last, before, name)
            wait_for(lambda: last.verdict(*whole.probe()) == UNAVAILABLE, last.story)
            assert last.verdict("jane", token) in (UNAVAILABLE, DENY), name
            alive(whole)
            said = re.findall("cluster: (?:batch|pat-clusterd is).*",
                              last.read_log()[before:])
            assert len(said) == len(set(said)), (name, said)
            liar.put_back()
            whole.wait_leases()
            assert last.verdict("jane", token) == DENY, name
            wait_for(lambda: last.status()["database"]["why"] == "", last.story)
        whole.check_log()
        whole.check_equal()


def refused(host, before, name):
    """The log says so, and what to do."""
    def said():
        return [line for line in host.read_log()[before:].splitlines()
                if "cluster" in line and re.search(
                    r"batch|log of the cluster|position", line)]
    wait_for(said, lambda: "%s: nothing is logged\n%s" % (name, host.story()))


def forged_batch():
    """a batch that somebody made, at the end of the log, is applied nowhere, though
    its bytes are those of another one
    """
    with cluster() as whole, Liar(whole) as liar:
        token = whole.token("jane")
        whole.hosts[0].admin("revoke", id_of(token))
        whole.wait_equal()
        before = [len(host.read_log()) for host in whole.hosts]
        liar.session.rows(
            "BEGIN; INSERT INTO jira_pat.log SELECT h.seq + 1, gen_random_uuid(), "
            "l.node, l.at, l.bytes, sha256(l.mac), h.total FROM jira_pat.log l, "
            "jira_pat.head h WHERE l.seq = h.seq - 1; UPDATE jira_pat.head SET "
            "seq = seq + 1; COMMIT; " + TOUCH)
        for host, start in zip(whole.hosts, before):
            refused(host, start, "a forged batch")
            wait_for(lambda: host.verdict(*whole.probe()) == UNAVAILABLE,
                     host.story)
            assert host.verdict("jane", token) == DENY
        alive(whole)
        liar.session.rows(
            "BEGIN; DELETE FROM jira_pat.log WHERE seq = (SELECT seq FROM "
            "jira_pat.head); UPDATE jira_pat.head SET seq = seq - 1; COMMIT; " +
            TOUCH)
        whole.wait_leases()
        assert {host.verdict("jane", token) for host in whole.hosts} == {DENY}
        whole.check_log()
        whole.check_equal()


def older_database():
    """a database that was set back to what it once was is refused by all hosts, and
    taken when it is as it was
    """
    with cluster() as whole, Liar(whole) as liar:
        token = whole.token("jane")
        seq, mac = liar.session.rows(
            "SELECT seq, encode(mac, 'hex') FROM jira_pat.head")[0]
        whole.hosts[0].admin("revoke", id_of(token))
        whole.wait_equal()
        liar.keep()
        last, end = liar.session.rows(
            "SELECT seq, encode(mac, 'hex') FROM jira_pat.head")[0]
        assert last > seq
        liar.session.rows(
            "BEGIN; DELETE FROM jira_pat.log WHERE seq > %s; UPDATE jira_pat.head "
            "SET seq = %s, mac = '\\x%s'; COMMIT; %s" % (seq, seq, mac, TOUCH))
        for host in whole.hosts:
            host.end_link()
            host.start_link()
        for host in whole.hosts:
            wait_for(lambda: host.verdict(*whole.probe()) == UNAVAILABLE,
                     host.story)
            assert host.verdict("jane", token) == DENY
        failed = whole.hosts[0].admin("create", "joe", check=False)
        assert failed.returncode != 0, failed
        alive(whole)
        liar.session.rows("UPDATE jira_pat.head SET seq = %s, mac = '\\x%s'" % (
            last, end))
        liar.put_back()
        whole.wait_leases()
        whole.check_log()
        whole.check_equal()


# What a function answers instead: the text of its body, where {name} is answered.
ROWS = ("SELECT {head}, {mac}, 1::bigint, 1::bigint, {name}, {applied}, {grants}, "
        "{lease}, 0::bigint, {version}, false "
        "FROM jira_pat.head h, (SELECT nextval('public.asked')) n")
RIGHT = {"head": "h.seq", "mac": "h.mac", "name": "'proxy1'::text", "applied": "1::bigint",
         "grants": "1::bigint", "lease": "5000", "version": "'1'::text"}
WRONG = ({"head": "-1::bigint"}, {"head": "NULL::bigint"},
         {"head": "9223372036854775807"}, {"mac": "sha256(h.mac)"},
         {"mac": "NULL::bytea"}, {"mac": "''::bytea"}, {"name": "repeat('x', 100000)"},
         {"name": "E'a\\nb'"}, {"name": "NULL::text"}, {"name": "''"},
         {"applied": "-1::bigint"}, {"lease": "-1"}, {"lease": "2147483647"},
         {"lease": "NULL::integer"}, {"grants": "NULL::bigint"},
         {"version": "repeat(chr(233), 70000)"})


def function(name):
    """How the schema makes it."""
    with open(SCHEMA) as file:
        text = file.read()
    return re.search(r"CREATE (FUNCTION jira_pat\.%s\(.*?AS )\$\$.*?^\$\$;" % name,
                     text, re.M | re.S)


@contextlib.contextmanager
def replaced(session, name, body):
    found = function(name)
    head = found.group(1).replace("LANGUAGE plpgsql", "LANGUAGE sql")
    session.rows("CREATE OR REPLACE %s $$ %s $$" % (head, body))
    try:
        yield
    finally:
        session.rows(found.group(0).replace("CREATE FUNCTION",
                                            "CREATE OR REPLACE FUNCTION"))


def lying_answers():
    """answers that no such database gives, with texts that are too long and numbers
    that cannot be, end neither daemon
    """
    with cluster(hosts=2) as whole, whole.pair.owner() as session:
        session.rows("CREATE SEQUENCE public.asked; GRANT USAGE ON SEQUENCE public.asked TO PUBLIC")

        def answered():
            """Twice: the first answer is digested when the next one is given."""
            asked = "SELECT last_value FROM public.asked"
            before = int(session.one(asked))
            wait_for(lambda: int(session.one(asked)) >= before + 2,
                     whole.hosts[0].story)
            alive(whole)

        for wrong in WRONG:
            with replaced(session, "lease", ROWS.format(**{**RIGHT, **wrong})):
                answered()
        rows = "SELECT {}, gen_random_uuid(), {}, 0::bigint, {}, {} " \
               "FROM generate_series(1, {}), (SELECT nextval('public.asked')) n"
        for batch in (("NULL::bigint", "'x'", "''::bytea", "''::bytea", 1),
                      ("p_seq + 1", "repeat('x', 99999)", "''::bytea", "''::bytea", 3),
                      ("p_seq + 1", "'x'", "convert_to(repeat('x', 80000000), "
                       "'UTF8')", "sha256('')", 1),
                      ("-1::bigint", "NULL::text", "NULL::bytea", "NULL::bytea", 9),
                      ("p_seq + 1", "'proxy1'", "sha256('')", "sha256('')", 99999)):
            with replaced(session, "since", rows.format(*batch)):
                session.rows("UPDATE jira_pat.head SET seq = seq + 1; " + TOUCH)
                answered()
                session.rows("UPDATE jira_pat.head SET seq = seq - 1; " + TOUCH)
        whole.wait_leases()
        whole.texts.append(whole.made("jane"))
        whole.check_log()
        whole.check_equal()


def garbled_network():
    """a network that changes bytes ends neither daemon and loses nothing"""
    with cluster() as whole:
        for host in whole.hosts:
            host.cut("garbage")
        for number in range(10):
            for host in whole.hosts:
                host.admin("create", "jane%d" % number, check=False)
            alive(whole)
        for host in whole.hosts:
            host.mend()
        whole.wait_leases()
        assert whole.hosts[1].verdict(*whole.probe()) == ACCEPT
        whole.check_log()
        whole.check_equal()


CASES = [changed_log, forged_batch, older_database, lying_answers, garbled_network]
main([case for case in CASES if sys.argv[1:] in ([], [case.__name__])])
