"""What befalls the server that has the log, a real PostgreSQL: the disk of its WAL is
full, one of its processes is killed, its clock is off by a year, it is put back to an
older backup. What was acknowledged is there, nothing is done twice, and each host says
what to do, and goes on by itself when it is right again."""
import contextlib
import os
import shutil
import signal
import sys
import time

import cluster
import daemon
import link
import postgres
from acts import id_of
from clusterd import (ERRORS, batch_id, host_of, is_well, lines, make, run_alone, told,
                      using, welcome)
from daemon import ACCEPT, DENY, UNAVAILABLE
from link import OK, mac_of
from test_standby import silent_standby

SMALL = "16m"  # of which what fills it leaves nothing
BATCH = 500000  # bytes: two of them make a file of WAL
YEAR = 366 * 86400


# --- the disk of pg_wal -----------------------------------------------------------


def move_wal(pair):
    """To the small disk, in small files."""
    pair.primary.stop()
    wal, there = os.path.join(pair.primary.data, "pg_wal"), pair.path("small", "wal")
    pair.run(os.path.join(postgres.programs(), "pg_resetwal"), "--wal-segsize=1", "-D",
             pair.primary.data)
    pair.primary.configure(pair.standby, "min_wal_size = 2MB\nmax_wal_size = 4MB")
    pair.run("mv", wal, there)
    pair.run("ln", "-s", there, wal)
    pair.primary.start()


class Log:
    """What a host has appended, one after the other, and what it has heard."""

    def __init__(self, host):
        self.host, self.head = host, 0
        self.acknowledged = []

    def append(self):
        """False: it was not acknowledged."""
        said = self.host.append(self.head, batch_id(self.head + 1),
                                os.urandom(BATCH))
        if said.result != OK:
            return False
        self.head += 1
        self.acknowledged.append((str(self.head), batch_id(self.head).hex()))
        return True

    def check(self, pair):
        with pair.owner() as session:
            found = [tuple(row) for row in session.rows(
                "SELECT seq, replace(batch::text, '-', '') FROM jira_pat.log "
                "ORDER BY seq")]
        assert found == self.acknowledged, (found, self.acknowledged)


def full_wal():
    """the disk of pg_wal is full: the server stops, what was acknowledged is there
    when it has room and is started again, and the host says what to do"""
    if not link.ROOT or not shutil.which("unshare"):
        raise daemon.Skip("needs root, and unshare")
    with postgres.Pair(standby=False, small=SMALL) as pair:
        move_wal(pair)
        with host_of(pair) as host:
            log = Log(host)
            daemon.wait_for(lambda: host.lease().ok)
            assert log.append()
            filler = pair.path("small", "filler")
            pair.run("sh", "-c", 'head -c %s /dev/zero >"$1" || [ -s "$1" ]' % SMALL,
                     "sh", filler)
            while log.append():
                assert log.head < 99
            told(host, "No space left on device", "make room on the disk of the database")
            pair.run("rm", filler)
            if not pair.primary.running():
                pair.primary.process = None
            pair.primary.start()
            host.wait("WELCOME")
            is_well(host)
            assert log.append() and log.append()
            log.check(pair)


# --- a process of the server ------------------------------------------------------


def crash(pair):
    """Another session's process is killed, as when memory runs out."""
    with pair.owner() as other, contextlib.suppress(Exception):
        pid = int(other.one("SELECT pg_backend_pid()"))
        os.kill(pid, signal.SIGKILL)


def crashes():
    """57P02: a process of another session is killed, so that all of them end: while
    nothing is under way, and in the middle of a statement"""
    words = ("terminating connection because of crash of another server process",
             "the log of the database says why it has crashed")
    with postgres.Pair(standby=False) as pair, host_of(pair) as host:
        for busy in (False, True):
            with contextlib.ExitStack() as stack:
                if busy:
                    session = stack.enter_context(pair.owner())
                    session.rows("BEGIN; SELECT 1 FROM jira_pat.head FOR UPDATE")
                    host.send("LEASE", req=1000)
                    other = stack.enter_context(pair.owner())
                    daemon.wait_for(lambda: other.rows(
                        "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))
                crash(pair)
                state = told(host, *words)
                assert state.text.count("terminating") == 1, state
                assert "abnormally" not in state.text, state
            host.wait("WELCOME")
            is_well(host)
            host.kept.clear()
        daemon.wait_for(lambda: len(lines(host.place, *words)) == 2)
        assert host.append(0, batch_id(1)).result == OK


def back(whole):
    """Each host has the database again: a lease says so only when it has run out."""
    for host in whole.hosts:
        cluster.wait_for(lambda: host.admin("create", "back", check=False
                                            ).returncode == 0, host.story)


# --- its clock --------------------------------------------------------------------


def clock():
    """the clock of the database jumps by a year, ahead and back: leases go on, what is
    revoked is refused at once, no host seems to be gone, and one can join"""
    if daemon.SANITIZED or not os.path.exists(cluster.SHIM):
        raise daemon.Skip("needs a clock that can be shifted")
    with cluster.cluster(hosts=2, standby=False) as whole:
        one, two = whole.hosts
        server, shift = whole.pair.primary, whole.pair.path("shift")
        server.stop()
        server.environment = dict(os.environ, LD_PRELOAD=cluster.SHIM,
                                  JP_SHIFT_CLOCK=shift)
        whole.pair.write("shift", "", 0o644)
        set_clock(shift, 0)
        server.start()
        back(whole)
        for number, seconds in enumerate((YEAR, -YEAR, 0)):
            set_clock(shift, seconds)
            token = whole.token("jane")
            assert [host.verdict("jane", token) for host in whole.hosts] == [
                ACCEPT] * len(whole.hosts)
            one.admin("revoke", id_of(token))
            assert [host.verdict("jane", token) for host in whole.hosts] == [
                DENY] * len(whole.hosts)
            with whole.pair.owner() as session:
                assert abs(int(session.one(
                    "SELECT extract(epoch FROM clock_timestamp() - to_timestamp(%d))"
                    "::bigint" % time.time())) - seconds) < 3600
            whole.add(number + 2).start()
            whole.wait_leases()
            cluster.wait_for(lambda: all(node["contact"] < 3600
                                         for node in one.status()["nodes"]),
                             one.story)
        whole.check_log()
        whole.check_equal()


def set_clock(path, seconds):
    with open(path, "r+b") as file:
        file.write(seconds.to_bytes(8, sys.byteorder, signed=True))


# --- its past ---------------------------------------------------------------------


def backup():
    """a primary that is put back to a backup of its files, while the hosts run: none
    applies its log, each says what to do, none accepts once its lease is over, a token
    that was revoked since stays so; and with the primary that was there all is well"""
    with cluster.cluster(hosts=2, standby=False) as whole:
        one, two = whole.hosts
        pair, server = whole.pair, whole.pair.primary
        ended, lives = whole.token("jane"), whole.token("joe")
        whole.wait_equal()
        kept, old = pair.path("kept"), pair.path("old")
        server.stop()
        pair.run("cp", "-a", server.data, old)
        server.start()
        back(whole)
        one.admin("revoke", id_of(ended))
        late = whole.token("jill")
        whole.wait_equal()
        server.stop()
        os.rename(server.data, kept)
        os.rename(old, server.data)
        server.start()
        for host in whole.hosts:
            daemon.wait_for(lambda: "has lost what was committed" in host.read_log())
            cluster.wait_for(lambda: host.verdict("joe", lives) == UNAVAILABLE,
                             host.story)
            assert host.verdict("jane", ended) == DENY
            said = host.admin("create", "jack", check=False)
            assert said.returncode != 0 and "nothing was changed" in said.stderr, said
            said = host.admin("cluster", "status", check=False).stdout
            assert "What each failure looks like" in said, said
        server.stop()
        os.rename(server.data, old)
        os.rename(kept, server.data)
        server.start()
        whole.wait_leases()
        back(whole)
        for host in whole.hosts:
            assert [host.verdict(user, token) for user, token in (
                ("jane", ended), ("joe", lives), ("jill", late))] == [
                    DENY, ACCEPT, ACCEPT]
        whole.check_log()
        whole.check_equal()


# --- settings ---------------------------------------------------------------------

# Of an administrator, for the role.
SETTINGS = (
    "synchronous_commit = off", "statement_timeout = 200",
    "idle_in_transaction_session_timeout = 1", "idle_session_timeout = 1",
    "lock_timeout = 1", "search_path = public", "client_encoding = 'LATIN1'",
    "\"DateStyle\" = 'SQL, DMY'", "\"TimeZone\" = 'Asia/Kathmandu'",
    "\"IntervalStyle\" = iso_8601", "bytea_output = escape", "row_security = off",
    "standard_conforming_strings = off", "backslash_quote = off",
    "default_transaction_isolation = serializable",
    "default_transaction_deferrable = on", "check_function_bodies = off",
    "client_min_messages = error", "extra_float_digits = -15", "xmlbinary = hex",
    "quote_all_identifiers = on", "transform_null_equals = on", "array_nulls = off",
    "enable_indexscan = off", "enable_seqscan = off", "jit_above_cost = 0",
    "work_mem = '64kB'", "temp_buffers = 100", "default_tablespace = ''",
    "gin_fuzzy_search_limit = 1", "plan_cache_mode = force_generic_plan",
    "join_collapse_limit = 1", "lo_compat_privileges = on",
    "default_toast_compression = pglz", "from_collapse_limit = 1",
    "tcp_keepalives_idle = 1", "synchronize_seqscans = off",
)
DATA = bytes(range(256)) * 300


def settings():
    """whatever is set for the role: a cluster is made, batches with all bytes come as
    they were sent, snapshots too, and a commit waits for the standby"""
    with postgres.Pair() as pair, using(pair):
        with pair.owner() as session:
            for setting in SETTINGS:
                session.rows("ALTER ROLE %s SET %s" % (postgres.ROLE, setting))
        make("a", "b")
        with welcome("a", lease_ms=90000) as one, welcome("b") as two:
            assert one.append(0, batch_id(1), DATA).result == OK
            batch = two.wait("BATCH")
            assert (batch.seq, batch.bytes, batch.mac) == (1, DATA, mac_of(1))
            two.send("APPLIED", seq=1)
            one.send("APPLIED", seq=1)
            assert one.put(1, 1, 0, DATA).err == ERRORS["ok"]
            two.send("SNAPSHOT_GET", req=two.next_req())
            assert two.wait("SNAPSHOT").bytes == DATA
            assert one.ask("STATUS").err == ERRORS["ok"]
            assert [node["name"] for node in one.wait("NODES")["nodes"]] == ["a", "b"]
            with silent_standby():
                req = one.begin_append(1, batch_id(2))
                assert one.silent("APPENDED", 0.5)
            assert one.wait("APPENDED", lambda said: said.req == req).result == OK


CASES = [full_wal, crashes, clock, backup, settings]


if __name__ == "__main__":
    run_alone(CASES)
