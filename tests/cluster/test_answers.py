"""What a real PostgreSQL answers when it cannot serve, or when who is in between is none:
what is wrong is said in one line, with what to do, as often as it changes; the pauses
between the tries grow; and all goes on by itself when it is right again."""
import contextlib
import os
import shutil
import signal
import subprocess

import daemon
import libpq
import link
import ports  # tests/lib/ports.py, by daemon
import postgres
from clusterd import (CLUSTER, TAG, batch_id, forget_all, host_of, is_well, kick, lines,
                      make, pauses, run_alone, setup, told, using, welcome)
from link import NOT_DONE, OK, Place

TRIES = 4  # after which the pauses have grown


def tried_in_vain(host, *words):
    """Some tries later: with a pause after each, which grow, and one line in the log."""
    before = len(pauses(host.place))
    told(host, *words)
    daemon.wait_for(lambda: len(pauses(host.place)) >= before + TRIES)
    made = pauses(host.place)[before:before + TRIES]
    assert all(pause >= 100 << number for number, pause in enumerate(made)), made
    assert len(lines(host.place, *words)) == 1, host.place.said()


def cut_by_signal(pair):
    """The same where the server lets nobody in who could ask it for that."""
    for pid in pair.primary.pids()[1:]:
        with open("/proc/%d/cmdline" % pid) as file:
            if "%s %s" % (postgres.ROLE, postgres.DATABASE) in file.read():
                os.kill(pid, signal.SIGTERM)


# --- the server -----------------------------------------------------------------


def ended():
    """57P01: a session that is ended where nothing is under way, and in the middle of a
    statement"""
    with postgres.Pair(standby=False) as pair, host_of(pair) as host:
        words = ("terminating connection due to administrator command",
                 "somebody has stopped the database, or ended this session")
        kick()
        state = told(host, *words)
        assert "abnormally" not in state.text, state
        is_well(host)
        host.kept.clear()
        with pair.owner() as session:
            session.rows("BEGIN; SELECT 1 FROM jira_pat.head FOR UPDATE")
            host.send("LEASE", req=1000)
            with pair.owner() as other:
                daemon.wait_for(lambda: other.rows(
                    "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))
            kick()
            state = told(host, *words)
            assert state.text.count("terminating") == 1, state
            assert "abnormally" not in state.text, state
        is_well(host)


def stops():
    """57P03: one that shuts down, and is started again"""
    with postgres.Pair(standby=False) as pair, host_of(pair) as host:
        with pair.owner():  # for which it waits
            pair.primary.process.send_signal(signal.SIGTERM)
            daemon.wait_for(lambda: "smart shutdown" in pair.primary.read_log())
            cut_by_signal(pair)
            tried_in_vain(host, "the database system is shutting down",
                          "wait until it has started, or start it again")
        pair.primary.process.wait(link.LIMIT)
        pair.primary.process = None
        pair.primary.start()
        is_well(host)


def full():
    """53300: all connections are taken"""
    with postgres.Pair(standby=False) as pair, host_of(pair) as host, \
            contextlib.ExitStack() as others:
        session = others.enter_context(pair.owner("postgres"))
        session.rows("ALTER ROLE %s CONNECTION LIMIT 0" % postgres.ROLE)
        kick()
        told(host, "too many connections for role", "raise max_connections")
        with contextlib.suppress(libpq.Refused):
            while True:
                others.enter_context(pair.owner())
        session.rows("ALTER ROLE %s CONNECTION LIMIT -1" % postgres.ROLE)
        tried_in_vain(host, "too many clients already", "raise max_connections",
                      "each host needs one")
        others.close()
        is_well(host)


def no_room():
    """53100: the disk of the database is full: nothing was changed, and what is not
    written goes on meanwhile"""
    if not link.ROOT or not shutil.which("unshare"):
        raise daemon.Skip("needs root, and unshare")
    with postgres.Pair(standby=False, small="4m") as pair, host_of(pair) as host:
        with pair.owner() as session:
            session.rows("CREATE TABLESPACE small LOCATION '%s'" % pair.path("small"))
            session.rows("ALTER TABLE jira_pat.log SET TABLESPACE small")
            session.rows("CREATE TABLE filler (data text) TABLESPACE small")
            session.rows("ALTER TABLE filler ALTER data SET STORAGE PLAIN")
            with contextlib.suppress(libpq.Refused):
                while True:
                    session.rows("INSERT INTO filler SELECT repeat('x', 7000) FROM "
                                 "generate_series(1, 10)")
        daemon.wait_for(lambda: host.lease().ok)
        words = ("No space left on device", "make room on the disk of the database")
        said = host.append(0, batch_id(1), os.urandom(500000))
        assert said.result == NOT_DONE and all(
            word in said.text for word in words), said
        told(host, *words)
        host.wait("WELCOME")
        daemon.wait_for(lambda: host.lease().ok)
        assert len(lines(host.place, *words)) == 1, host.place.said()
        with pair.owner() as session:
            session.rows("DROP TABLE filler")
        assert host.append(0, batch_id(2), os.urandom(500000)).result == OK
        is_well(host)


# --- certificates ----------------------------------------------------------------


def sign_again(pair, days="2", name="localhost"):
    """The server has a new certificate."""
    key, request, made, more = (pair.path("tls", "server" + end)
                                for end in (".key", ".csr", ".crt", ".ext"))
    pair.write("tls/server.ext", "subjectAltName=DNS:%s\n" % name, 0o644)
    pair.run("openssl", "req", "-new", "-key", key, "-subj", "/CN=" + name, "-out",
             request)
    pair.run("openssl", "x509", "-req", "-in", request, "-CA", pair.path("tls/ca.crt"),
             "-CAkey", pair.path("tls/ca.key"), "-days", days, "-set_serial",
             str(int.from_bytes(os.urandom(7), "big")), "-extfile", more, "-out", made)
    before = pair.primary.read_log().count("reloading")
    pair.primary.reload()
    daemon.wait_for(lambda: pair.primary.read_log().count("reloading") > before)


def certificates():
    """a certificate of the server that has expired, or has another name"""
    user = "daemon" if link.ROOT else daemon.pwd.getpwuid(os.geteuid()).pw_name
    with postgres.Pair(standby=False, tls=True, auth="scram-sha-256") as pair, \
            using(pair):
        conninfo = pair.conninfo(folder=pair.client_files(user), host="localhost")
        forget_all()
        with setup(conninfo=conninfo) as host:
            host.ask("CREATE", cluster=CLUSTER, tag=TAG, mac=link.mac_of(0))
            host.ask("JOIN", node="a", tag=TAG)
        with welcome("a", conninfo=conninfo, arguments=("--debug",)) as host:
            for change, words in (
                    ({"days": "-1"}, ("certificate verify failed", "has expired")),
                    ({"name": "db2.example"},
                     ("does not match host name", "host= has to be a name"))):
                sign_again(pair, **change)
                kick()
                tried_in_vain(host, *words)
                sign_again(pair)
                is_well(host)
                host.kept.clear()


# --- a pooler ---------------------------------------------------------------------

BOUNCER = """[databases]
{name} = host=127.0.0.1 port={to} user={role}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
"""


@contextlib.contextmanager
def bouncer(pair, mode):
    """pgbouncer of Debian; its port."""
    port = ports.free(1)[0]
    pair.write("bouncer.ini", BOUNCER.format(
        to=pair.primary.port, port=port, mode=mode, name=postgres.DATABASE,
        role=postgres.ROLE))
    with open(pair.path("bouncer.log"), "w") as log:
        process = subprocess.Popen(
            [shutil.which("pgbouncer", path=os.environ["PATH"] + ":/usr/sbin"),
             pair.path("bouncer.ini")], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            cwd="/", **postgres.dropped(pair.who))
    try:
        def listens():
            with contextlib.suppress(OSError), daemon.socket.create_connection(
                    ("127.0.0.1", port)):
                return True
            assert process.poll() is None, open(pair.path("bouncer.log")).read()
            return False
        daemon.wait_for(listens)
        yield port
    finally:
        process.kill()
        process.wait()


def bounces():
    """pgbouncer in between, whatever it pools, is refused by that name"""
    if not shutil.which("pgbouncer", path=os.environ["PATH"] + ":/usr/sbin"):
        raise daemon.Skip("no pgbouncer")
    with postgres.Pair(standby=False) as pair, using(pair):
        make("a")
        for mode in ("session", "transaction"):
            with bouncer(pair, mode) as port, Place(
                    pair.conninfo(ports=[port]), arguments=("--debug",)) as place:
                host = place.host()
                host.place = place
                host.hello("a", CLUSTER)
                tried_in_vain(host, "pgbouncer", "name PostgreSQL itself in conninfo",
                              "127.0.0.1:%d" % port)
                host.close()


CASES = [ended, stops, full, no_room, certificates, bounces]


if __name__ == "__main__":
    run_alone(CASES)
