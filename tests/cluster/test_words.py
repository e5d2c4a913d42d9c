"""What pat-admin and patd say where an administrator has done something unusual: each
time it helps, and says nothing else."""
import json
import os
import subprocess

from apart import hosts, pair, refused, run
from daemon import BUILD, ROOT, Skip

PATD = os.path.join(BUILD, "patd/patd")


def case_quiet():
    """what goes well says what was done, and nothing of sandboxes"""
    with hosts(2) as (_, (one, two)):
        for done in (one.admin("cluster", "init"), two.join(one)):
            assert "pat-clusterd:" not in done.stderr, done.stderr


def case_unknown():
    """who removes a host that there is not is told where the names are"""
    with hosts(1) as (_, (one,)):
        one.admin("cluster", "init")
        done = one.admin("cluster", "leave", "proxy9", check=False)
        refused(done, 1, 'no host "proxy9"', "cluster status")
        assert "join" not in done.stderr, done.stderr


def case_forbidden():
    """root, whom the database forbids something, is not told to be root"""
    if not ROOT:
        raise Skip("not root")
    with hosts(1) as (whole, (one,)):
        with whole.pair.owner() as session:
            session.rows("ALTER DATABASE jira_pat OWNER TO CURRENT_USER")
            try:
                done = one.admin("cluster", "init", check=False)
            finally:
                session.rows("ALTER DATABASE jira_pat OWNER TO jira_pat")
        assert done.returncode != 0 and "permission denied" in done.stderr, done
        assert "run as root" not in done.stderr, done.stderr


def case_offline():
    """without patd, status knows the name of the host by its configuration"""
    with hosts(1) as (_, (one,)):
        one.admin("cluster", "init")
        done = one.admin("cluster", "status", check=False)
        assert "host     proxy1\n" in done.stdout, done.stdout
        assert json.loads(one.admin(
            "cluster", "status", "--json", check=False).stdout)["node"] == "proxy1"


def case_section_gone():
    """a host whose [cluster] was taken out says how it leaves, and leaves like that"""
    with hosts(1) as (_, (one,)):
        one.admin("cluster", "init")
        one.alone()
        done = subprocess.run([PATD, "--config", one.config], text=True,
                              capture_output=True, timeout=120)
        assert done.returncode != 0, done
        assert "cluster leave --without-database" in done.stderr, done.stderr
        done = one.admin("cluster", "leave", "--without-database")
        assert done.stdout == "this host has left\n", done.stdout


def case_section_back():
    """one whose [cluster] was taken out, and is put back, goes on where it was"""
    with pair() as (whole, (one, two)):
        token = one.token("alice")
        two.halt()
        two.alone()
        done = subprocess.run([PATD, "--config", two.config], text=True,
                              capture_output=True, timeout=120)
        assert done.returncode != 0, done
        refused(two.admin("revoke", token.split("_")[1], check=False), 3,
                "only patd changes it")
        one.admin("revoke", token.split("_")[1])
        two.write()
        two.start()
        assert two.live() == []
        whole.wait_equal()


def case_single_backup():
    """who puts a backup on a host that is from before the cluster is told that it is
    no host of it any more, and how it becomes one"""
    with hosts(2) as (_, (one, two)):
        token = one.token("alice")
        one.admin("backup", one.root + "/single")
        one.admin("cluster", "init")
        one.start()
        two.join(one)
        two.start()
        two.admin("revoke", token.split("_")[1])
        one.halt()
        done = one.admin("restore", one.root + "/single")
        assert "cluster join --import" in done.stderr, done.stderr
        assert "cluster leave proxy1" in done.stderr, done.stderr
        assert one.live() == ["alice"]
        two.admin("cluster", "leave", "proxy1")
        one.admin("cluster", "join", "--import")
        one.start()
        assert one.live() == []


run([case_quiet, case_unknown, case_forbidden, case_offline, case_section_gone,
     case_section_back, case_single_backup])
