"""pat-admin cluster, backup, restore and check, with real databases and hosts that
are one of a cluster or not yet."""
import concurrent.futures
import contextlib
import datetime
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest.mock

import postgres
from cluster import CLUSTERD, PATIENCE, SHIM, Cluster, Host, wait_for
from daemon import (ACCEPT, ROOT, DENY, SANITIZED, UNAVAILABLE, OneShot, Skip,
                    World, main)


class Apart(Host):
    """One that becomes a host of the cluster when it is told to."""

    def admin(self, *args, **options):
        if args[0] == "cluster" and args[1] != "status":
            args += ("--clusterd", CLUSTERD)
        return World.admin(self, *args, **options)

    def pepper(self):
        return os.path.join(self.root, "key/pepper.key")

    def join(self, other, *args, **options):
        return self.admin(
            "cluster", "join", "--pepper", other.pepper(), *args, **options)

    def alone(self):
        """Its configuration has no [cluster] any more."""
        World.write(self, self.whole.more)
        return self

    def start(self, *args, **options):
        """With its lease, so that it says yes and changes."""
        super().start(*args, **options)
        wait_for(lambda: self.admin(
            "cluster", "status", check=False).returncode == 0, self.story)

    def start_alone(self):
        World.start(self)

    def halt(self):
        self.end_link()
        if self.patd is not None:
            self.stop()

    def files(self):
        """What is beside the store and the pepper, by name."""
        return sorted(os.listdir(self.root)) + sorted(
            os.listdir(os.path.join(self.root, "key")))

    def live(self):
        """The users of live tokens, sorted."""
        return sorted(one["user"] for one in json.loads(
            self.admin("list", "--json").stdout))


class Bare(Cluster):
    """A database and no host. One without a standby is emptied and used again: to
    make a PostgreSQL takes longer than what is tested with it."""
    kept = None

    def __init__(self, standby):
        self.standby = standby
        if standby or Bare.kept is None:
            super().__init__(hosts=0, standby=standby)
        else:
            with unittest.mock.patch.object(
                    postgres, "Pair", lambda **_: Bare.kept):
                super().__init__(hosts=0, standby=False)
        if not standby:
            Bare.kept = self.pair

    def close(self):
        if self.standby:
            super().close()
            return
        for host in self.hosts:
            host.end()
            host.remove()
        self.pair.primary.start()
        with self.pair.owner() as session:
            session.rows("DROP SCHEMA IF EXISTS jira_pat CASCADE")

    @staticmethod
    def end():
        if Bare.kept is not None:
            Bare.kept.close()


@contextlib.contextmanager
def hosts(count, standby=False):
    """A database, and hosts that are not in a cluster."""
    if not os.access(CLUSTERD, os.X_OK):
        raise Skip("pat-clusterd is not built")
    try:
        whole = Bare(standby)
    except postgres.Missing as missing:
        raise Skip(str(missing)) from None
    try:
        for number in range(count):
            whole.hosts.append(Apart(whole, number))
        yield whole, whole.hosts
        whole.check_logs()
    finally:
        whole.close()


@contextlib.contextmanager
def pair():
    """Two hosts of a cluster, which run."""
    with hosts(2) as (whole, (one, two)):
        one.admin("cluster", "init")
        one.start()
        two.join(one)
        two.start()
        yield whole, (one, two)


def identity(token):
    return token.split("_")[1]


def days_from_now(days):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(
        days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def nodes(whole):
    with whole.pair.owner() as session:
        return [row[0] for row in session.rows(
            "SELECT name FROM jira_pat.node ORDER BY name")]


def refused(done, status, *said):
    assert done.returncode == status, (done.returncode, done.stderr)
    assert done.stdout == "", done.stdout
    for text in said:
        assert text in done.stderr, (text, done.stderr)


def accepts(host, user, token):
    wait_for(lambda: host.verdict(user, token) == ACCEPT, host.story)


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


@contextlib.contextmanager
def held(whole):
    """Who joins meanwhile has entered, and gets no part of the snapshot."""
    with whole.pair.owner() as session:
        session.rows("BEGIN; LOCK TABLE jira_pat.snapshot_part "
                     "IN ACCESS EXCLUSIVE MODE")

        def waits():
            with whole.pair.owner() as other:
                return other.rows("SELECT 1 FROM pg_locks WHERE NOT granted AND "
                                  "relation = 'jira_pat.snapshot_part'::regclass")
        yield waits
        session.rows("COMMIT")


def joins(host, other):
    """A join that can be killed."""
    return subprocess.Popen(
        [host.admin_program, "--config", host.config, "cluster", "join", "--clusterd",
         CLUSTERD, "--pepper", other.pepper()], text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@contextlib.contextmanager
def namesakes():
    """A cluster, and two more hosts of one name."""
    with hosts(3) as (whole, (one, two, three)):
        one.token("alice")
        one.admin("cluster", "init")
        three.name = two.name
        whole.lease = 90  # a server may be silent for a third of it
        for host in (one, two, three):
            host.write()
        yield whole, one, two, three


def case_join_at_once():
    """of two that join by one name at once, one wins; the other one is told so, and its
    store stays as it is"""
    with namesakes() as (whole, one, two, three):
        with held(whole) as waits:
            first = joins(two, one)
            wait_for(waits, two.story)
            before = three.files()
            refused(three.join(one, check=False), 3, "proxy2", "another host",
                    "at this moment", "node in [cluster]")
            assert three.files() == before
        said = first.communicate(timeout=PATIENCE)
        assert first.returncode == 0, said
        assert nodes(whole) == ["proxy1", "proxy2"]
        refused(three.join(one, check=False), 3, "proxy2", "already",
                "node in [cluster]")
        assert three.files() == before
        one.start()
        two.start()


def case_join_dies():
    """who is killed while it joins gives its name away without anybody's help"""
    with namesakes() as (whole, one, two, three):
        with held(whole) as waits:
            first = joins(two, one)
            wait_for(waits, two.story)
            first.kill()
            first.communicate(timeout=PATIENCE)
        wait_for(lambda: three.join(one, check=False).returncode == 0, three.story)
        one.start()
        three.start()
        refused(two.join(one, check=False), 3, "proxy2", "already")
        assert nodes(whole) == ["proxy1", "proxy2"]


GIVES_UP = 30  # seconds without a database: CONNECT_MS of tools/cli/cluster_link.c


def is_late(since):
    """pat-admin may have given up: this machine stood still meanwhile."""
    return time.monotonic() - since > GIVES_UP / 2


def cut_off():
    """False: it was late, and says nothing."""
    with namesakes() as (whole, one, two, three):
        with held(whole) as waits:
            first = joins(two, one)
            wait_for(waits, two.story)
            before = two.files()
            since = time.monotonic()
            two.relay.set("cut")
        wait_for(lambda: three.join(one, check=False).returncode == 0, three.story)
        two.relay.set("pass")
        late = is_late(since)
        said = first.communicate(timeout=PATIENCE)
        assert first.returncode == 3 and "connection" in said[1], said
        if late and "cluster leave" in said[1]:
            return False
        assert "cluster leave" not in said[1], said
        assert [name for name in before if ".join" not in name] == two.files()
        assert nodes(whole) == ["proxy1", "proxy2"]
        one.start()
        three.start()
        return True


def case_join_cut_off():
    """who loses its connection while it joins takes its name from nobody who has it by
    then"""
    assert any(cut_off() for _ in range(5)), "each time it was late"


def case_join_taken_away():
    """a name that is taken away while a host joins: it stays what it was, and says so"""
    with namesakes() as (whole, one, two, _):
        token = two.token("bob")
        with held(whole) as waits:
            first = subprocess.Popen(
                [two.admin_program, "--config", two.config, "cluster", "join",
                 "--import", "--clusterd", CLUSTERD, "--pepper", one.pepper()],
                text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE)
            wait_for(waits, two.story)
            with whole.pair.owner() as session:
                session.rows("UPDATE jira_pat.node SET entered = 1 "
                             "WHERE name = 'proxy2'")
        said = first.communicate(timeout=PATIENCE)
        assert first.returncode == 3 and "meanwhile" in said[1], said
        assert not [name for name in two.files() if ".join" in name], two.files()
        assert "accepted" in two.alone().admin("test", "bob", said=token).stdout


@contextlib.contextmanager
def protected():
    """A database with TLS and a password, and a host that is to come: with write(), it
    has these words in its conninfo."""
    if not os.access(CLUSTERD, os.X_OK):
        raise Skip("pat-clusterd is not built")
    try:
        pair_ = postgres.Pair(standby=False, tls=True, auth="scram-sha-256")
    except postgres.Missing as missing:
        raise Skip(str(missing)) from None
    place = World()
    try:
        user = "bin" if ROOT else place.user
        folder = pair_.client_files(user)

        def write(*changes):
            words = pair_.conninfo(folder)
            for old, new in changes:
                assert old in words, (old, words)
                words = words.replace(old, new)
            place.write("\n[cluster]\nconninfo = %s\nnode = proxy1\nuser = %s\n" % (
                words.replace(" ssl", "\nconninfo = ssl"), user))

        yield pair_, place, folder, write
    finally:
        place.remove()
        pair_.close()


def tries(server):
    """How often somebody has proved nothing."""
    return server.read_log().count("password authentication failed")


def case_hopeless():
    """what cannot heal without an administrator is said by init and join at the first
    try, with what to do: a certificate, a password, a role, a database, a schema"""
    with protected() as (whole, place, folder, write):
        def says(*said):
            for action in ("init", "join"):
                done = place.admin("cluster", action, "--clusterd", CLUSTERD,
                                   check=False)
                refused(done, 3, "pat-admin: cluster: the database: ", *said)

        other = os.path.join(folder, "other.crt")
        shutil.copy(os.path.join(folder, "client.crt"), other)
        if ROOT:
            shutil.chown(other, "bin")
        for change, *said in (
                (("/ca.crt", "/none.crt"), "root certificate", "sslrootcert in"),
                (("/ca.crt", "/other.crt"), "certificate verify failed",
                 "of no CA in sslrootcert"),
                (("host=127.0.0.1", "host=localhost.localdomain hostaddr=127.0.0.1"),
                 "does not match host name", "a name that stands in the certificate"),
                (("dbname=jira_pat", "dbname=nowhere"), "nowhere", "dbname"),
                (("user=jira_pat", "user=nobody"), "nobody", "pg_hba.conf"),
                (("/pgpass", "/none"), "no password supplied", "passfile in")):
            write(change)
            says(*said)
        with open(os.path.join(folder, "pgpass"), "w") as file:
            file.write("*:*:*:*:wrong\n")
        write()
        before = tries(whole.primary)
        says("password authentication failed", "passfile of")
        assert tries(whole.primary) == before + 2, tries(whole.primary)
        assert "LOCATION" not in place.admin(
            "cluster", "join", "--clusterd", CLUSTERD, check=False).stderr
        with open(os.path.join(folder, "pgpass"), "w") as file:
            file.write("*:*:*:*:%s\n" % whole.password)
        with whole.owner() as session:
            session.rows("REVOKE CREATE ON DATABASE jira_pat FROM jira_pat")
            session.rows("ALTER DATABASE jira_pat OWNER TO CURRENT_USER")
        refused(place.admin("cluster", "init", "--clusterd", CLUSTERD, check=False), 3,
                "permission denied", "CREATE on the database")
        with whole.owner() as session:
            session.rows("CREATE SCHEMA jira_pat CREATE TABLE cluster (id integer)")
        says("permission denied", "own the schema")


def heals():
    """False: it was late, and says nothing."""
    with hosts(1) as (whole, (one,)):
        with concurrent.futures.ThreadPoolExecutor() as both:
            with whole.pair.owner() as session:
                session.rows("ALTER ROLE jira_pat CONNECTION LIMIT 0")
                since, before = time.monotonic(), len(whole.pair.primary.read_log())
                made = both.submit(one.admin, "cluster", "init", check=False)
                wait_for(lambda: "too many connections for role" in
                         whole.pair.primary.read_log()[before:], one.story)
            whole.pair.primary.stop()
            whole.pair.primary.start()
            assert not made.done() or is_late(since)
            with whole.pair.owner() as session:
                session.rows("ALTER ROLE jira_pat CONNECTION LIMIT -1")
            late = is_late(since)
            done = made.result()
        if late and done.returncode != 0:
            return False
        assert done.returncode == 0, done
        assert nodes(whole) == ["proxy1"]
        return True


def case_heals():
    """what may heal is tried again: a server that is down, or in recovery, or has no
    room for one more"""
    assert any(heals() for _ in range(5)), "each time it was late"


def case_join_new_cluster():
    """a host of a cluster that is no more is told how to join the one that was made
    anew, and brings what only it had heard of"""
    with pair() as (whole, (one, two)):
        token, gone = one.token("alice"), one.token("bob")
        one.admin("backup", one.root + "/backup")
        one.admin("revoke", identity(gone))
        one.halt()
        two.halt()
        one.admin("restore", one.root + "/backup")
        one.admin("cluster", "leave", "--without-database")
        with whole.pair.owner() as session:
            session.rows("DROP SCHEMA jira_pat CASCADE")
        one.admin("cluster", "init")
        one.start()
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


def is_exposition(text):
    """Prometheus takes it, and so does whoever lints it, where these are there."""
    with contextlib.suppress(ImportError):
        from prometheus_client.parser import text_string_to_metric_families
        families = list(text_string_to_metric_families(text))
        names = [family.name for family in families]
        assert len(names) == len(set(names)), names
        assert all(family.documentation and family.samples
                   for family in families if family.name.startswith(
                       "jira_pat_cluster")), text
    if shutil.which("promtool"):
        done = subprocess.run(["promtool", "check", "metrics"], input=text,
                              text=True, capture_output=True, timeout=PATIENCE)
        assert done.returncode == 0 and not done.stdout + done.stderr, done


def case_status():
    """status shows each host, as a table, as JSON and for Prometheus; without a
    lease its exit status is 1"""
    with hosts(2, standby=True) as (whole, (one, two)):
        refused(one.alone().admin("cluster", "status", check=False), 1,
                "in no cluster")
        one.write()
        one.admin("cluster", "init")
        two.join(one)
        one.start()
        two.start()
        token = one.token("alice")
        accepts(two, "alice", token)
        accepts(one, "alice", token)
        done = one.status()
        assert done["node"] == "proxy1" and done["lag"] == 0, done
        assert 0 < done["lease_left"] <= done["lease"] == whole.lease, done
        assert done["database"]["synchronous"], done
        assert done["database"]["primary"], done
        assert [node["node"] for node in done["nodes"]] == [
            "proxy1", "proxy2"], done
        assert [node["here"] for node in done["nodes"]] == [True, False], done
        lines = one.admin("cluster", "status").stdout.splitlines()
        assert any(line.startswith("proxy1*") for line in lines), lines
        assert any(line.startswith("proxy2 ") for line in lines), lines
        text = one.admin("cluster", "status", "--prometheus").stdout
        assert "\njira_pat_cluster_connected 1\n" in text, text
        assert 'jira_pat_cluster_node_applied{node="proxy2"} ' in text, text
        in_stats = one.admin("stats", "--prometheus").stdout
        assert "jira_pat_cluster_applied" in in_stats
        for exposition in (text, in_stats):
            is_exposition(exposition)
        one.end_link()
        wait_for(lambda: one.admin(
            "cluster", "status", check=False).returncode == 1, one.story)
        assert "none: this host accepts no token" in one.admin(
            "cluster", "status", check=False).stdout
        one.halt()
        done = one.admin("cluster", "status", "--json", check=False)
        assert done.returncode == 1, done
        assert json.loads(done.stdout)["database"]["state"] == "offline", done


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
        one.halt()
        two.halt()
        one.admin("restore", one.root + "/backup")
        one.admin("cluster", "leave", "--without-database")
        with whole.pair.owner() as session:
            session.rows("DROP SCHEMA jira_pat CASCADE")
        one.admin("cluster", "init")
        one.start()
        refused(two.join(one, check=False), 3, "another cluster")
        os.rename(two.root + "/store", two.root + "/store.old")
        two.join(one)
        two.start()
        for host in (one, two):
            accepts(host, "alice", token)
            assert host.verdict("bob", later) == DENY


def findings(host):
    """What check says of the cluster: pairs of level and text."""
    done = host.admin("check", "--json", check=False)
    return [(one["level"], one["text"]) for one in json.loads(done.stdout)
            if one["subject"] == "cluster"]


def has(found, level, *parts):
    assert any(one[0] == level and all(part in one[1] for part in parts)
               for one in found), (level, parts, found)


def case_check():
    """check: the lease, the standby, hosts that are gone, and a store or a
    configuration that is not in the cluster"""
    with hosts(2) as (whole, (one, two)):
        has(findings(one), "bad", "in no cluster", "cluster init")
        one.admin("cluster", "init")
        has(findings(one.alone()), "bad", "no [cluster]")
        one.write()
        two.join(one)
        one.start()
        two.start()
        token = one.token("alice")
        accepts(one, "alice", token)
        accepts(two, "alice", token)
        found = findings(one)
        has(found, "ok", "proxy1 has a lease")
        has(found, "warn", "no synchronous standby")
        assert "bad" not in [level for level, _ in found], found
        two.end()
        wait_for(lambda: any("nothing is heard of proxy2" in text
                             for _, text in findings(one)), one.story)
        one.end_link()
        wait_for(lambda: any("no lease" in text and level == "bad"
                             for level, text in findings(one)), one.story)
        found = findings(one)
        has(found, "bad", "pat-clusterd is not connected")
        # What it hears of nobody says nothing about them.
        assert not any("nothing is heard" in text for _, text in found), found
        said = one.admin("cluster", "status", check=False).stdout
        assert "database pat-clusterd is not connected\n" in said, said
        assert "last heard" in said, said
        assert [line.split()[3] for line in said.splitlines()
                if line.startswith("proxy2")] == ["unknown"], said
        said = json.loads(one.admin("cluster", "status", "--json",
                                    check=False).stdout)
        assert [node["lease_run_out"] for node in said["nodes"]
                if not node["here"]] == [None], said
        one.stop()
        assert any(found["level"] == "bad" and
                   "patd is not running: this host of a cluster" in found["text"]
                   for found in json.loads(one.admin(
                       "check", "--json", check=False).stdout))


def case_silent():
    """status and check: for a host that has said nothing for a day the database keeps
    so many changes, until it is made to leave"""
    with hosts(2) as (whole, (one, two)):
        one.admin("cluster", "init")
        two.join(one)
        one.start()
        two.start()
        two.halt()
        for number in range(3):
            one.token("user%d" % number)
        assert "said nothing" not in one.admin("cluster", "status").stdout
        with whole.pair.owner() as session:
            session.rows("UPDATE jira_pat.node SET contact = clock_timestamp() - "
                         "interval '50 hours' WHERE name = 'proxy2'")
        said = []

        def silent():
            said[:] = [line for line in one.admin("cluster", "status").stdout.splitlines()
                       if "said nothing" in line]
            return said

        wait_for(silent, one.story)
        lag = next(node["lag"] for node in one.status()["nodes"]
                   if node["node"] == "proxy2")
        assert lag >= 3
        assert said == ["proxy2 has said nothing for 2 days, and the database keeps %d "
                        "changes for it: if it is gone for good, run `pat-admin cluster "
                        "leave proxy2`" % lag], said
        has(findings(one), "warn", "proxy2", "2 days", "%d changes" % lag,
            "cluster leave proxy2")
        one.admin("cluster", "leave", "proxy2")
        wait_for(lambda: not silent(), one.story)


def case_never_came():
    """a host that has joined and was never started: status says since when, and after
    a day what is kept for it"""
    with hosts(2) as (whole, (one, two)):
        one.admin("cluster", "init")
        two.join(one)
        with whole.pair.owner() as session:
            session.rows("UPDATE jira_pat.node SET joined = clock_timestamp() - "
                         "interval '50 hours' WHERE name = 'proxy2'")
        one.start()
        one.token("alice")
        other = next(node for node in one.status()["nodes"]
                     if node["node"] == "proxy2")
        assert other["contact"] >= 50 * 3600 and other["lease_run_out"], other
        assert "said nothing" in one.admin("cluster", "status").stdout
        assert "proxy1" not in [line.split()[0] for line in one.admin(
            "cluster", "status").stdout.splitlines() if "said nothing" in line]


def case_check_conninfo():
    """check: traps of the connection string"""
    with tempfile.TemporaryDirectory() as folder:
        place = World()
        try:
            place.link_user = "bin" if ROOT else place.user
            os.chmod(folder, 0o755)
            secret = os.path.join(folder, "pgpass")
            with open(secret, "w") as file:
                file.write("x\n")
            os.chmod(secret, 0o644)

            def check(conninfo, more=""):
                place.write()
                with open(place.config, "a") as file:
                    file.write("[cluster]\nconninfo = %s\n%suser = %s\n" % (
                        conninfo, more, place.link_user))
                return findings(place)

            plain = "host=db1 dbname=x"
            has(check(plain), "bad", "sslmode=prefer", "verify-full")
            has(check(plain, "insecure = yes\n"), "warn", "verify-full")
            has(check(plain + " sslmode=require"), "bad", "sslmode=require")
            found = check("host=127.0.0.1 dbname=x")
            assert not any("sslmode" in text for _, text in found), found
            two = "host=db1,db2 sslmode=verify-full"
            has(check(two), "bad", "2 hosts", "target_session_attrs")
            found = check(two + " target_session_attrs=read-write")
            assert not any("target_session" in text for _, text in found), found
            has(check("host=/tmp passfile=" + secret), "bad", "chmod 600")
            os.chmod(secret, 0o600)
            if ROOT:
                os.chmod(folder, 0o700)
                has(check("host=/tmp passfile=" + secret), "bad", "chmod a+x")
                os.chmod(folder, 0o755)
                has(check("host=/tmp passfile=" + secret), "bad", "chown bin")
                found = check("host=/tmp sslrootcert=" + secret)
                has(found, "bad", "sslrootcert", "cannot read", "chmod a+r")
                os.chmod(secret, 0o644)
                found = check("host=/tmp sslrootcert=" + secret)
                assert not any("sslrootcert" in text for _, text in found), found
                os.chmod(secret, 0o640)  # and is root's
                found = check("host=/tmp sslkey=" + secret)
                has(found, "bad", "sslkey", "cannot read", "chown bin")
                shutil.chown(secret, group="bin")
                found = check("host=/tmp sslkey=" + secret)
                assert not any("sslkey" in text for _, text in found), found
            for key in ("sslrootcert", "sslcrl"):
                has(check("host=/tmp %s=%s.not" % (key, secret)), "bad",
                    key, "there is no such file")
            place.link_user = "no-such-user"
            has(check("host=/tmp"), "bad", "there is no user no-such-user")
        finally:
            place.remove()


def case_check_failover():
    """check: a lease that ends before the next server is found"""
    place = World()
    try:
        def warned(conninfo, lease):
            place.write()
            with open(place.config, "a") as file:
                file.write("[cluster]\nconninfo = sslmode=verify-full "
                           "%s\nlease = %s\n" % (conninfo, lease))
            return [text for level, text in findings(place)
                    if level == "warn" and text.startswith("lease is")]

        two = "host=db1,db2 target_session_attrs=read-write"
        assert warned(two, "15s") == []
        assert warned("host=db1", "5s") == []
        found = warned(two, "10s")
        assert len(found) == 1 and "13 s" in found[0], found
        found = warned(two + " connect_timeout=20", "15s")
        assert len(found) == 1 and "30 s" in found[0], found
        assert warned(two + " connect_timeout=2", "12s") == []
    finally:
        place.remove()


def change_key(host, key):
    """Of credentials: another one, or none."""
    path = os.path.join(host.root, "key/upstream.key")
    if os.path.exists(path):
        os.unlink(path)
    if key is not None:
        with open(path, "xb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(key)
        owner = os.stat(host.pepper())
        os.chown(path, owner.st_uid, owner.st_gid)


def case_check_upstream():
    """check: a host whose upstream.key is not that of the others, or is missing"""
    with hosts(2) as (whole, (one, two)):
        whole.more = "\n[service jira]\nupstream = yes\n"
        for host in (one, two):
            host.write(whole.more)
        one.admin("cluster", "init")
        two.join(one)
        one.start()
        one.admin("upstream", "set", "alice", "--service", "jira",
                  said="secret\n")
        with open(os.path.join(one.root, "key/upstream.key"), "rb") as file:
            key = file.read()

        def closed(other):
            change_key(two, other)
            two.start()
            wait_for(lambda: two.status()["lag"] == 0, two.story)
            done = two.admin("check", "--json", check=False)
            two.halt()
            return [item["text"] for item in json.loads(done.stdout)
                    if item["subject"] == "upstream"
                    and item["level"] == "bad"]

        for other in (None, bytes([key[0] ^ 1]) + key[1:]):
            found = closed(other)
            assert len(found) == 1, (other is None, found)
            assert "1 of 1" in found[0] and "another host" in found[0], found
        assert closed(key) == []


def case_check_pepper():
    """check: a host whose pepper is not that of the others any more"""
    with hosts(2) as (whole, (one, two)):
        one.admin("cluster", "init")
        two.join(one)
        with open(two.pepper(), "r+b") as file:
            first = file.read(1)
            file.seek(0)
            file.write(bytes([first[0] ^ 1]))
        done = two.admin("check", "--json", check=False)
        assert done.returncode == 1, done
        found = [item for item in json.loads(done.stdout)
                 if item["level"] == "bad" and "pepper" in item["text"]]
        assert found, done.stdout


CASES = [case_init, case_join, case_join_pepper, case_join_old_store,
         case_join_own, case_join_ended,
         case_join_new_cluster, case_join_at_once, case_join_dies,
         case_join_cut_off, case_join_taken_away, case_hopeless, case_heals, case_join_again, case_join_anew, case_join_changed,
         case_leave, case_leave_meanwhile, case_leave_again, case_leave_taken, case_clocks, case_leave_other,
         case_leave_without, case_lost_end,
         case_status, case_offline, case_one_shot, case_restore,
         case_restore_old, case_restore_all, case_check,
         case_silent, case_never_came, case_check_conninfo,
         case_check_failover, case_check_upstream, case_check_pepper]

if __name__ == "__main__":
    try:
        main([case for case in CASES
              if len(sys.argv) < 2 or case.__name__[5:] in sys.argv[1:]])
    finally:
        Bare.end()
