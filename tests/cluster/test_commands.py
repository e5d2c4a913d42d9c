"""Other commands of pat-admin on a host of a cluster: backup and restore, also of the whole
cluster, rotate, and what goes without patd."""
import os

from apart import (accepts, begin_anew, findings, has, hosts, identity, pair, refused,
                   run)
from cluster import SHIM, Host, wait_for
from daemon import ACCEPT, DENY, SANITIZED, UNAVAILABLE, OneShot, Skip


def case_clocks():
    """a token that is rotated without grace has ended on all hosts, however far
    ahead the clock is of the one that did it"""
    if SANITIZED or not os.path.exists(SHIM):
        raise Skip("preloads a library of its own")
    with hosts(2) as (whole, (one, two)):
        one.clock_file = os.path.join(one.root, "shift")
        one.set_clock(3600)
        one.admin("cluster", "init")
        one.start()
        two.join(one)
        two.start()
        token, other = one.token("alice"), one.token("alice")
        accepts(two, "alice", token)
        accepts(two, "alice", other)
        one.admin("rotate", identity(token), "--grace", "0")
        assert two.verdict("alice", token) == DENY
        after = one.admin("rotate", identity(other), "--grace", "1d").stdout
        assert two.verdict("alice", other) == ACCEPT
        assert one.verdict("alice", after.strip()) == ACCEPT
        wait_for(lambda: two.verdict("alice", other) == DENY, two.story)


def case_lost_end():
    """a database that was put back to an older state: no host applies it, and the
    host that knows most makes a new cluster, which the others join"""
    with pair() as (whole, (one, two)):
        with whole.pair.owner() as session:
            seq, mac = session.rows("SELECT seq, mac FROM jira_pat.head")[0]
            token = one.token("alice")
            accepts(two, "alice", token)
            one.halt()
            two.halt()
            session.rows("DELETE FROM jira_pat.log WHERE seq > $1", seq)
            session.rows("UPDATE jira_pat.head SET seq = $1, mac = $2", seq, mac)
            Host.start(one)
            wait_for(lambda: "has lost what was committed" in one.read_log(),
                     one.story)
            assert one.verdict("alice", token) == UNAVAILABLE
            # pat-clusterd is there, and so is the database.
            has(findings(one), "bad", "the database cannot be used: the log")
            said = one.admin("cluster", "status", check=False).stdout
            assert "database the database cannot be used: the log" in said, said
            one.halt()
            one.admin("cluster", "leave", "--without-database")
            session.rows("DROP SCHEMA jira_pat CASCADE")
        one.admin("cluster", "init")
        one.start()
        os.rename(two.root + "/store", two.root + "/store.old")
        two.admin("cluster", "join")
        two.start()
        assert one.verdict("alice", token) == ACCEPT
        assert two.verdict("alice", token) == ACCEPT


def case_offline():
    """without patd, what changes or accepts is refused, and what reads works"""
    with hosts(1) as (whole, (one,)):
        token = one.token("alice")
        one.admin("cluster", "init")
        for args in (("create", "bob"), ("revoke", identity(token)),
                     ("user", "disable", "alice"), ("purge", "--dead-for", "0")):
            done = one.admin(*args, check=False)
            if args[0] != "purge":
                assert done.returncode == 3, (args, done)
                assert "start patd" in done.stderr, (args, done.stderr)
        assert one.live() == ["alice"]
        one.admin("export")
        one.admin("backup", one.root + "/copy")


def case_one_shot():
    """where [cluster] stands, nobody but patd says yes: not of a store of a cluster,
    nor of one that is in none, as of a host that has left or an older backup"""
    def asked(host):
        return OneShot(host, "alice", token).end()[0][0]

    with hosts(1) as (_, (one,)):
        token = one.token("alice")
        one.admin("backup", one.root + "/backup")
        assert asked(one) == UNAVAILABLE
        one.alone()
        assert asked(one) == ACCEPT
        one.write()
        one.admin("cluster", "init")
        assert asked(one) == UNAVAILABLE
        assert asked(one.alone()) == UNAVAILABLE
        one.write()
        one.start()
        assert asked(one) == ACCEPT  # patd was asked
        one.halt()
        one.admin("restore", one.root + "/backup")
        assert asked(one) == UNAVAILABLE
        one.admin("cluster", "leave", check=False)
        assert asked(one.alone()) == ACCEPT


def case_restore():
    """a backup of a host that is restored takes what has happened since from the
    others"""
    with pair() as (whole, (one, two)):
        token = one.token("alice")
        accepts(two, "alice", token)
        two.admin("backup", two.root + "/backup")
        one.admin("revoke", identity(token))
        two.halt()
        done = two.admin("restore", two.root + "/backup")
        assert "takes from the others" in done.stderr, done.stderr
        assert "live again" not in done.stderr, done.stderr
        two.start()
        wait_for(lambda: two.verdict("alice", token) != UNAVAILABLE, two.story)
        assert two.verdict("alice", token) == DENY


def case_restore_old():
    """a backup that is older than the log applies nothing and accepts nothing; join
    fills it anew"""
    with pair() as (whole, (one, two)):
        token = one.token("alice")
        accepts(two, "alice", token)
        two.admin("backup", two.root + "/backup")
        one.admin("revoke", identity(token))
        with whole.pair.owner() as session:
            before = int(session.one("SELECT seq FROM jira_pat.head"))
            # As if there had been so much that a snapshot is due.
            session.rows("UPDATE jira_pat.head SET total = total + (17 << 20)")
            one.token("bob")
            wait_for(lambda: session.one(
                "SELECT count(*) FROM jira_pat.log WHERE seq <= $1",
                before) == "0", one.story)
        two.halt()
        two.admin("restore", two.root + "/backup")
        Host.start(two)
        wait_for(lambda: "no longer has what this host lacks" in two.read_log(),
                 two.story)
        assert two.verdict("alice", token) == UNAVAILABLE
        two.halt()
        two.join(one)
        two.start()
        wait_for(lambda: two.verdict("alice", token) != UNAVAILABLE, two.story)
        assert two.verdict("alice", token) == DENY
        assert one.live() == two.live()


def case_restore_all():
    """the whole cluster goes back to a backup, by what CLUSTER.md says"""
    with pair() as (whole, (one, two)):
        token = one.token("alice")
        one.admin("backup", one.root + "/backup")
        one.admin("revoke", identity(token))
        later = one.token("bob")
        accepts(two, "bob", later)
        begin_anew(whole)
        refused(two.join(one, check=False), 3, "another cluster")
        os.rename(two.root + "/store", two.root + "/store.old")
        two.join(one)
        two.start()
        for host in (one, two):
            accepts(host, "alice", token)
            assert host.verdict("bob", later) == DENY


CASES = [case_clocks, case_lost_end, case_offline, case_one_shot, case_restore,
         case_restore_old, case_restore_all]

if __name__ == "__main__":
    run(CASES)
