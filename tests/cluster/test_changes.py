"""Changes of a cluster that is in use, as "Changes" in doc/CLUSTER.md has them: another
password, another name, another server; and a machine that is the copy of a host."""
import contextlib
import functools
import os
import subprocess

import postgres
from apart import Apart, accepts, identity, nodes, pair, run
from cluster import CLUSTERD, Cluster, Host, wait_for
from daemon import DENY, UNAVAILABLE, Skip


@contextlib.contextmanager
def by_password():
    """A cluster of two hosts, whose role has a password, and its passfile."""
    if not os.access(CLUSTERD, os.X_OK):
        raise Skip("pat-clusterd is not built")
    try:
        whole = Cluster(hosts=0, standby=False, auth="scram-sha-256", kind=Apart)
    except postgres.Missing as missing:
        raise Skip(str(missing)) from None
    try:
        one = Apart(whole, 0)
        folder = whole.pair.client_files(one.link_user)
        whole.pair.conninfo = functools.partial(whole.pair.conninfo, folder)
        whole.hosts.append(one)
        one.write()
        one.admin("cluster", "init")
        one.start()
        two = whole.add(1)
        two.join(one)
        two.start()
        yield whole, one, two, os.path.join(folder, "pgpass")
        whole.check_logs()
    finally:
        whole.close()


def end_sessions(whole):
    with whole.pair.owner() as session:
        session.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                     "WHERE usename = 'jira_pat'")


def connections(host):
    """How often it has had one, so far."""
    return host.read_link_log().count("database: connected to")


def in_database(host, name):
    """Its conninfo has that one."""
    with open(host.config) as file:
        text = file.read()
    assert "dbname=jira_pat\n" in text, text
    with open(host.config, "w") as file:
        file.write(text.replace("dbname=jira_pat\n", "dbname=%s\n" % name))


def move(whole, name):
    """The database, by a dump; nobody gets into the old one any more."""
    where = ["-h", whole.pair.sockets, "-p", str(whole.pair.primary.port)]

    def type_it(program, *args, said=None):
        done = subprocess.run(
            [os.path.join(postgres.programs(), program), *where, *args], input=said,
            capture_output=True, text=True, cwd="/",
            **postgres.dropped(whole.pair.who))
        assert done.returncode == 0, done
        return done.stdout

    dump = type_it("pg_dump", "-U", "jira_pat", "jira_pat")
    with whole.pair.owner("postgres") as session:
        session.rows("ALTER DATABASE jira_pat ALLOW_CONNECTIONS false")
        session.rows("CREATE DATABASE %s OWNER jira_pat" % name)
    type_it("psql", "-qX1", "-v", "ON_ERROR_STOP=1", "-U", "jira_pat", name, said=dump)


@contextlib.contextmanager
def moved():
    """A cluster whose database has moved while its hosts were down."""
    with pair() as (whole, (one, two)):
        token = one.token("alice")
        accepts(two, "alice", token)
        for host in (one, two):
            host.halt()
        try:
            move(whole, "moved")
            yield whole, one, two, token
        finally:
            for host in (one, two):
                host.halt()
            with whole.pair.owner("postgres") as session:
                session.rows("DROP DATABASE IF EXISTS moved WITH (FORCE)")
                session.rows("ALTER DATABASE jira_pat ALLOW_CONNECTIONS true")


def case_password():
    """who gives the role another password writes it into the passfile, and restarts
    nothing"""
    with by_password() as (whole, one, two, passfile):
        with whole.pair.owner() as session:
            session.rows("ALTER ROLE jira_pat PASSWORD 'another-one'")
        token = one.token("alice")
        accepts(two, "alice", token)
        with open(passfile, "w") as file:
            file.write("*:*:*:jira_pat:another-one\n")
        before = [connections(host) for host in (one, two)]
        end_sessions(whole)
        for host, count in zip((one, two), before):
            wait_for(lambda h=host, c=count: connections(h) > c and
                     h.status()["database"]["state"] == "connected", host.story)
            accepts(host, "alice", token)
        two.admin("revoke", identity(token))
        assert [host.verdict("alice", token) for host in (one, two)] == [DENY] * 2


def case_name():
    """a host with another name joins again, and the old name is taken out"""
    with pair() as (whole, (one, two)):
        token = one.token("alice")
        two.halt()
        two.name = "renamed"
        two.write()
        two.admin("cluster", "join")
        two.start()
        one.admin("cluster", "leave", "proxy2")
        assert nodes(whole) == ["proxy1", "renamed"]
        accepts(two, "alice", token)
        two.admin("revoke", identity(token))
        assert one.verdict("alice", token) == DENY


def case_server():
    """hosts go on where they were when their database is another one"""
    with moved() as (_, one, two, token):
        for host in (one, two):
            in_database(host, "moved")
            host.start()
        accepts(one, "alice", token)
        two.admin("revoke", identity(token))
        assert [host.verdict("alice", token) for host in (one, two)] == [DENY] * 2


def case_server_left():
    """and one that was forgotten gets no lease of the old one"""
    with moved() as (_, one, two, token):
        in_database(one, "moved")
        one.start()
        Host.start(two)
        wait_for(lambda: "not currently accepting" in two.read_link_log(), two.story)
        assert two.verdict("alice", token) == UNAVAILABLE
        in_database(two, "moved")
        two.halt()
        two.start()
        accepts(two, "alice", token)


def case_copy():
    """a copy of a host gets a name of its own, and joins, while that one goes on"""
    with pair() as (whole, (one, two)):
        token = one.token("alice")
        two.halt()
        copy = Apart(whole, 2)
        whole.hosts.append(copy)
        subprocess.run(["rm", "-r", copy.root + "/store", copy.root + "/key"],
                       check=True)
        subprocess.run(["cp", "-a", two.root + "/store", two.root + "/key",
                        copy.root], check=True)
        two.start()
        copy.admin("cluster", "join")
        copy.start()
        assert nodes(whole) == ["proxy1", "proxy2", "proxy3"]
        for host in (two, copy):
            accepts(host, "alice", token)
        copy.admin("revoke", identity(token))
        assert [host.verdict("alice", token) for host in (one, two)] == [DENY] * 2


run([case_password, case_name, case_server, case_server_left, case_copy])
