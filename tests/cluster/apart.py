"""Hosts that become those of a cluster when they are told to, and the database for them:
what the cases of pat-admin have in common."""
import contextlib
import json
import os
import subprocess
import sys
import unittest.mock

import postgres
from cluster import CLUSTERD, Cluster, Host, wait_for
from daemon import ACCEPT, Skip, World, main


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


def begin_anew(whole):
    """The first host goes back to its backup, and makes another cluster of it."""
    one = whole.hosts[0]
    for host in whole.hosts:
        host.halt()
    one.admin("restore", one.root + "/backup")
    one.admin("cluster", "leave", "--without-database")
    with whole.pair.owner() as session:
        session.rows("DROP SCHEMA jira_pat CASCADE")
    one.admin("cluster", "init")
    one.start()


def identity(token):
    return token.split("_")[1]


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


def findings(host):
    """What check says of the cluster: pairs of level and text."""
    done = host.admin("check", "--json", check=False)
    return [(one["level"], one["text"]) for one in json.loads(done.stdout)
            if one["subject"] == "cluster"]


def has(found, level, *parts):
    assert any(one[0] == level and all(part in one[1] for part in parts)
               for one in found), (level, parts, found)


def run(cases):
    """Those, or the ones among them that the command line names."""
    try:
        main([case for case in cases
              if len(sys.argv) < 2 or case.__name__[5:] in sys.argv[1:]])
    finally:
        Bare.end()
