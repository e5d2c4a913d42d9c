"""pat-admin cluster init and join: what the database and the stores of hosts have in the
end, and what is refused."""
import datetime
import json
import os
import shutil

from apart import accepts, begin_anew, hosts, identity, nodes, pair, refused, run
from daemon import ACCEPT, DENY


def days_from_now(days):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(
        days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def case_init():
    """init makes a cluster of what the host has; a second one, here or on another
    host, is refused and changes nothing"""
    with hosts(2) as (whole, (one, two)):
        token = one.token("alice")
        done = json.loads(one.admin("cluster", "init", "--json").stdout)
        assert done["node"] == "proxy1" and len(done["cluster"]) == 32, done
        assert nodes(whole) == ["proxy1"]
        refused(one.admin("cluster", "init", check=False), 3,
                "in a cluster already")
        two.token("bob")
        refused(two.admin("cluster", "init", check=False), 3,
                "already", "cluster join", "DROP SCHEMA")
        assert two.alone().live() == ["bob"]
        one.start()
        accepts(one, "alice", token)
        assert one.live() == ["alice"]


def case_join():
    """join fills the store of a host; what is made and revoked on one then holds on
    the other"""
    with hosts(2) as (_, (one, two)):
        token = one.token("alice")
        one.admin("cluster", "init")
        one.start()
        done = json.loads(two.join(one, "--json").stdout)
        assert done["node"] == "proxy2" and done["applied"] == 0, done
        assert os.path.isdir(done["before"]), done
        two.start()
        accepts(two, "alice", token)
        later = one.token("bob")
        accepts(two, "bob", later)
        two.admin("revoke", identity(token))
        assert one.verdict("alice", token) == DENY
        with open(one.pepper(), "rb") as ours, open(two.pepper(), "rb") as theirs:
            assert ours.read() == theirs.read()
        refused(two.join(one, check=False), 3, "in use by")


def case_join_pepper():
    """join without the pepper of the cluster changes nothing, here and there"""
    with hosts(2) as (whole, (one, two)):
        one.admin("cluster", "init")
        before = two.files()
        refused(two.admin("cluster", "join", check=False), 1,
                "another pepper", "--pepper")
        assert two.files() == before
        assert nodes(whole) == ["proxy1"]


def read(path):
    with open(path, "rb") as file:
        return file.read()


def case_join_old_store():
    """an old store that is put back beside the pepper of the cluster gets its own one
    again by join, and that of the cluster is kept, also if join then fails"""
    with hosts(2) as (whole, (one, two)):
        own, shared = read(two.pepper()), read(one.pepper())
        one.admin("cluster", "init")
        old = json.loads(two.join(one, "--json").stdout)["before"]
        os.rename(two.root + "/store", two.root + "/store.new")
        os.rename(old, two.root + "/store")
        done = two.admin("cluster", "join", check=False)
        refused(done, 3, "interrupted", "already", "node in [cluster]")
        assert read(two.pepper()) == own
        kept = os.path.join(two.root, "key", next(
            name for name in two.files() if name.startswith("pepper.key.before-")))
        assert read(kept) == shared and kept in done.stderr, (kept, done.stderr)
        assert not [name for name in two.files() if ".join" in name], two.files()
        assert two.alone().live() == []


def case_join_own():
    """join refuses a store with tokens of its own, and adds them when told to: what
    both have stays as it is in the cluster, but what is revoked here is so there"""
    with hosts(3) as (whole, (one, two, three)):
        common, gone = one.token("alice"), one.token("carol")
        one.admin("backup", one.root + "/backup")
        two.admin("restore", one.root + "/backup")  # the same pepper, too
        two.admin("revoke", identity(gone))
        own = two.token("bob")
        two.admin("user", "disable", "dora")
        foreign = three.token("erik")  # with another pepper
        one.admin("cluster", "init")
        one.start()
        refused(two.join(one, check=False), 3, "of its own", "--import")
        assert nodes(whole) == ["proxy1"]
        done = json.loads(two.join(one, "--import", "--json").stdout)
        assert done["imported"] == {"added": 2, "ended": 1, "known": 1}, done
        two.start()
        accepts(two, "bob", own)
        assert one.verdict("bob", own) == ACCEPT
        assert one.verdict("alice", common) == ACCEPT
        assert one.verdict("carol", gone) == DENY
        assert "disabled" in one.admin("user", "show", "dora").stdout
        three.join(one, "--import")
        three.start()
        accepts(three, "erik", foreign)
        assert one.verdict("erik", foreign) == ACCEPT
        assert one.live() == two.live() == three.live()


def case_join_ended():
    """what ended here in another way than by a command is not brought back by
    join: a token that was rotated, one that was used up, one that expires earlier"""
    with hosts(2) as (whole, (one, two)):
        rotated, cut = one.token("alice"), one.token("bob", "--expires", "300d")
        used = one.token("carol", "--uses", "1")
        one.admin("backup", one.root + "/backup")
        two.admin("restore", one.root + "/backup")
        two.admin("rotate", identity(rotated), "--grace", "0")
        two.alone()
        with open(two.config) as file:
            lines = file.read()
        with open(two.config, "w") as file:
            file.write(lines.replace("[tokens]", "[tokens]\nmax_lifetime = 30d\n"
                                     "default_lifetime = 30d"))
        two.start_alone()
        two.admin("policy", "apply")
        assert two.verdict("carol", used) == ACCEPT
        assert two.verdict("carol", used) == DENY
        two.halt()
        two.write()
        one.admin("cluster", "init")
        one.start()
        done = json.loads(two.join(one, "--import", "--json").stdout)
        assert done["imported"] == {"added": 1, "ended": 3, "known": 0}, done
        two.start()
        accepts(two, "bob", cut)
        for host in (one, two):
            assert host.verdict("alice", rotated) == DENY
            assert host.verdict("carol", used) == DENY
        ends = [[token["expires_at"] for token in json.loads(host.admin(
            "list", "bob", "--json").stdout)] for host in (one, two)]
        assert ends[0] == ends[1] and ends[0] < [days_from_now(31)], ends


def case_join_new_cluster():
    """a host of a cluster that is no more is told how to join the one that was made
    anew, and brings what only it had heard of"""
    with pair() as (whole, (one, two)):
        token, gone = one.token("alice"), one.token("bob")
        one.admin("backup", one.root + "/backup")
        one.admin("revoke", identity(gone))
        begin_anew(whole)
        refused(two.admin("cluster", "join", check=False), 3, "another cluster",
                "leave --without-database", "join --import")
        two.admin("cluster", "leave", "--without-database")
        two.admin("cluster", "join", "--import")
        two.start()
        accepts(two, "alice", token)
        assert one.verdict("alice", token) == ACCEPT
        assert one.verdict("bob", gone) == two.verdict("bob", gone) == DENY


def case_join_again():
    """a join that was interrupted can be repeated; the name of a host that lives
    is refused"""
    with hosts(2) as (whole, (one, two)):
        one.admin("cluster", "init")
        with whole.pair.owner() as session:
            session.rows("INSERT INTO jira_pat.node (name) VALUES ('proxy2')")
            two.join(one)
            two.start()
            two.halt()
            shutil.rmtree(two.root + "/store")
            refused(two.join(one, check=False), 3, "proxy2", "cluster leave")
            assert nodes(whole) == ["proxy1", "proxy2"]


def case_join_anew():
    """a host whose place in the log is gone joins anew, also after it was removed;
    not where it knows more than the database, or where that is another cluster"""
    with pair() as (whole, (one, two)):
        token = one.token("alice")
        accepts(two, "alice", token)
        two.halt()
        done = two.join(one)
        assert "no lease of it" in done.stderr, done.stderr
        two.start()
        accepts(two, "alice", token)
        two.halt()
        one.admin("cluster", "leave", "proxy2")
        two.join(one)
        two.start()
        accepts(two, "alice", token)
        two.halt()
        one.halt()
        with whole.pair.owner() as session:
            seq = session.one("SELECT seq FROM jira_pat.head")
            session.rows("UPDATE jira_pat.head SET seq = 0")
            refused(two.join(one, check=False), 3, "lost its end")
            session.rows("UPDATE jira_pat.head SET seq = $1", seq)
            session.rows("UPDATE jira_pat.cluster SET id = "
                         "set_byte(id, 0, get_byte(id, 0) # 1)")
            refused(two.join(one, check=False), 3, "another cluster")
        assert nodes(whole) == ["proxy1", "proxy2"]


def case_join_changed():
    """a snapshot that somebody has changed in the database is refused: nothing is
    changed, and no name of a host stays there"""
    with hosts(2) as (whole, (one, two)):
        one.token("alice")
        one.admin("cluster", "init")
        with whole.pair.owner() as session:
            session.rows("UPDATE jira_pat.snapshot_part SET "
                         "bytes = set_byte(bytes, 20, 7)")
        before = two.files()
        refused(two.join(one, check=False), 3, "snapshot")
        assert two.files() == before
        assert nodes(whole) == ["proxy1"]


CASES = [case_init, case_join, case_join_pepper, case_join_old_store, case_join_own,
         case_join_ended, case_join_new_cluster, case_join_again, case_join_anew,
         case_join_changed]

if __name__ == "__main__":
    run(CASES)
