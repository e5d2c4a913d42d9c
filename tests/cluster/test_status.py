"""What pat-admin shows of a cluster: status, as a table, as JSON and for Prometheus, and
check."""
import contextlib
import json
import os
import shutil
import subprocess
import tempfile

from apart import accepts, findings, has, hosts, refused, run
from cluster import PATIENCE, wait_for
from daemon import ROOT, World


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
    # Which no unit hides.
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
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


CASES = [case_status, case_check, case_silent, case_never_came, case_check_conninfo,
         case_check_failover, case_check_upstream, case_check_pepper]

if __name__ == "__main__":
    run(CASES)
