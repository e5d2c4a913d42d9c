"""Something comes in between while a host joins: another one of its name, a kill, a lost
connection, a database that cannot serve or does not let it in."""
import concurrent.futures
import contextlib
import os
import shutil
import subprocess
import time

import postgres
from apart import held, hosts, joins, namesakes, nodes, refused, run
from cluster import CLUSTERD, PATIENCE, wait_for
from daemon import ROOT, Skip, World


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
def protected(**options):
    """A database with TLS and a password, and a host that is to come: with write(), it
    has these words in its conninfo."""
    if not os.access(CLUSTERD, os.X_OK):
        raise Skip("pat-clusterd is not built")
    try:
        pair_ = postgres.Pair(standby=False, tls=True, auth="scram-sha-256",
                              **options)
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
            place.write("\n[cluster]\n%s\nnode = proxy1\nuser = %s\n" % (
                postgres.as_settings(words), user))

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
                (("/ca.crt", "/none.crt"), "sslrootcert=", "there is no such file"),
                (("/ca.crt", "/other.crt"), "certificate verify failed",
                 "of no CA in sslrootcert"),
                (("host=127.0.0.1", "host=localhost.localdomain hostaddr=127.0.0.1"),
                 "does not match host name", "a name that stands in the certificate"),
                (("dbname=jira_pat", "dbname=nowhere"), "nowhere", "dbname"),
                (("user=jira_pat", "user=nobody"), "nobody", "pg_hba.conf"),
                (("/pgpass", "/none"), "passfile=", "there is no such file")):
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


def case_hopeless_german():
    """likewise where the database speaks another language"""
    with protected(language="de_DE") as (whole, place, folder, write):
        def says(*said):
            refused(place.admin("cluster", "join", "--clusterd", CLUSTERD, check=False),
                    3, "pat-admin: cluster: the database: ", *said)

        for change, *said in (
                (("dbname=jira_pat", "dbname=nowhere"), "existiert nicht", "conninfo: dbname"),
                (("user=jira_pat", "user=nobody"), "pg_hba.conf-Eintrag", "LOGIN of")):
            write(change)
            says(*said)
        write()
        with whole.owner() as session:
            session.rows("CREATE SCHEMA jira_pat CREATE TABLE cluster (id integer)")
        says("keine Berechtigung", "own the schema")
        with open(os.path.join(folder, "pgpass"), "w") as file:
            file.write("*:*:*:*:wrong\n")
        says("Passwort-Authentifizierung", "passfile of")


def case_other_words():
    """what the database says is not searched for words: one that is called so is not
    another cluster"""
    with hosts(2) as (whole, (one, two)):
        one.admin("cluster", "init")
        two.join(one)
        with open(two.config) as file:
            lines = file.read()
        with open(two.config, "w") as file:
            file.write(lines.replace("dbname=jira_pat\n", "dbname='another cluster'\n"))
        done = two.join(one, check=False)
        refused(done, 3, '"another cluster" does not exist', "dbname")
        assert "leave" not in done.stderr, done.stderr


def case_heals():
    """what may heal is tried again: a server that is down, or in recovery, or has no
    room for one more"""
    assert any(heals() for _ in range(5)), "each time it was late"


CASES = [case_join_at_once, case_join_dies, case_join_cut_off, case_join_taken_away,
         case_hopeless, case_hopeless_german, case_other_words, case_heals]

if __name__ == "__main__":
    run(CASES)
