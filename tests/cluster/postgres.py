"""PostgreSQL for tests: a primary with a synchronous streaming standby, or one
server alone, in a scratch folder, as an unprivileged user, with fsync on.

    with Pair() as pair:                  # tls=True, auth="cert", standby=False…
        pair.conninfo()                   # for pat-clusterd: role jira_pat, TCP
        with pair.owner() as session:     # the superuser, on a Unix socket
            session.rows("SELECT …")      # libpq.py
        pair.primary.kill()               # kill -9 of all its processes
        pair.promote()                    # the standby is the primary now
        pair.rejoin()                     # the other one is its standby

By TCP (127.0.0.1) and by sockets in the folder only the role jira_pat gets in, the
owner of the database jira_pat; the superuser only by socket, as who started this. The
standby follows by socket: a relay in front of `pair.primary.port` cuts off clients
alone. Nothing is left behind: what kill() leaves of System V memory goes at the end, and
all of it goes when the test is killed.

What PostgreSQL 15 and libpq do, and what follows; test_postgres.py shows each:

 1. A COMMIT whose wait for the standby is cancelled (PQcancel(), pg_cancel_backend())
    succeeds, with a WARNING of SQLSTATE 01000 (57P01 where the backend is terminated,
    and the connection ends), in the language of lc_messages. All see it at once, and
    it is gone if the standby is promoted. So: never cancel as a timeout, close the
    connection instead; any WARNING makes append, lease and hello "unknown".
 2. statement_timeout does not end that wait: only the client's own clock does.
 3. The wait is for WAL of this very transaction. One with an xid and no WAL
    (pg_current_xact_id()) or that only reads is not held up, not even where what it
    reads is not on the standby yet; FOR SHARE or FOR UPDATE of one row is enough to
    be held up, and so is pg_logical_emit_message(true, '', '').
 4. After kill -9 and start, a primary shows what was waiting for the standby as
    committed, before the standby has it; nobody was told. So: hello, which writes, is
    committed before anything else of a new connection is believed. An append() that
    finds its batch there waits for the standby, too, by its FOR UPDATE.
 5. Hence a number that counts can come twice: grants 8, cancelled or crashed, then the
    standby is promoted with 7, and counts to 8 again. Whoever remembers "8 was seen
    then" errs. So grants moves on by a random step (schema.sql).
 6. FOR SHARE waits for FOR UPDATE until that has committed and its standby has it,
    and then reads the new row, in PL/pgSQL at read committed, too; the reverse alike.
    A FOR SHARE gets past a FOR UPDATE that waits for other FOR SHARE.
 7. target_session_attrs=read-write takes the first host in the list that does not
    follow another: also a primary whose standby has been promoted, each time again.
    Writing hangs there. So: after a timeout, go on with the next host oneself.
 8. PQconnectPoll() has no connect_timeout: it stays with a host that takes the
    connection and says nothing (a frozen machine), however many follow in the list.
    So: connect to one host at a time, with a clock of one's own.
 9. NOTIFY takes a lock of the whole database until the commit has its standby: those
    of all others wait, also with synchronous_commit=off. Who listens hears of it only
    when the standby has it. LISTEN is refused by a standby (25006), and has to be said
    again on each connection.
10. A table that was never analyzed is taken for one of a thousand rows: a join without
    condition of some that have one row seems so dear that each call is compiled (jit),
    half a second of CPU, also inside of functions. So: LIMIT 1, and jit = off.
"""
import contextlib
import glob
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path += [os.path.join(os.path.dirname(os.path.abspath(__file__)), path)
             for path in (".", "../lib")]

import libpq  # noqa: E402
import ports  # noqa: E402  (tests/lib/ports.py)
from waiting import wait_for  # noqa: E402  (tests/lib/waiting.py)

ROLE = DATABASE = "jira_pat"
SETTINGS = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{sockets}'
hba_file = '{root}/hba'
ident_file = '{root}/ident'
fsync = on
shared_buffers = 16MB
# Files in its folder instead of those that a kill leaves in /dev/shm.
dynamic_shared_memory_type = mmap
autovacuum_naptime = 1h
log_line_prefix = '%m [%p] %u '
primary_conninfo = 'host={sockets} port={other} user={owner} application_name={name}'
wal_retrieve_retry_interval = 200ms
{tls}
{more}
include = 'synchronous.conf'
"""
TLS = """
ssl = on
ssl_cert_file = '{root}/tls/server.crt'
ssl_key_file = '{root}/tls/server.key'
ssl_ca_file = '{root}/tls/ca.crt'
"""
HBA = """
local all         {owner} peer map=own
local replication {owner} peer map=own
local all         {role}  trust
{host} all        {role}  127.0.0.1/32 {auth}
"""

# Waits until whoever started it is gone, in whatever way, and removes what is left.
GUARD = """
trap '' HUP INT TERM
cat >/dev/null
for file in "$1"/*/postmaster.pid; do
	[ -e "$file" ] || continue
	pid=$(head -n 1 "$file")
	if grep -q -s -F "$1" "/proc/$pid/cmdline"; then
		kill -s KILL "$pid" $(cat "/proc/$pid/task/$pid/children")
	fi
	ipcrm -m "$(sed -n '7s/.* //p' "$file")"
done
rm -rf "$1"
"""


# A disk of its own that is small, which only those see who go there, until this ends.
SMALL = """
mount -t tmpfs -o "size=$1,mode=700,uid=$3,gid=$4" small "$2"
echo mounted
exec cat
"""


class Missing(Exception):
    """What is not installed."""


def programs():
    """The folder of the newest version that is installed."""
    found = glob.glob("/usr/lib/postgresql/*/bin/initdb")
    if not found:
        raise Missing("PostgreSQL is not installed")
    number = re.compile(r"\d+")
    return os.path.dirname(max(found, key=lambda path: int(
        number.search(path).group())))


def account():
    """Whom PostgreSQL runs as: it refuses root."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise Missing("there is no user postgres or nobody")


def as_settings(conninfo):
    """As [cluster] has it: on a line each, for a line has its limit."""
    return "\n".join("conninfo = " + word for word in conninfo.split())


def dropped(who):
    """Options of subprocess.Popen that make it a process of that account."""
    if os.geteuid() != 0:
        return {}
    return {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}


def descendants(pid):
    """This process and all below it."""
    found = [pid]
    for one in found:
        with contextlib.suppress(OSError):
            for task in os.listdir("/proc/%d/task" % one):
                with open("/proc/%d/task/%s/children" % (one, task)) as file:
                    found.extend(int(child) for child in file.read().split())
    return found


def running(pid):
    """Neither gone nor a zombie."""
    try:
        with open("/proc/%d/stat" % pid) as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


class Server:
    """One PostgreSQL: `name`, `port`, its folder `data`, its log."""

    def __init__(self, pair, name, port):
        self.pair, self.name, self.port = pair, name, port
        self.data = pair.path(name)
        self.log = pair.path(name + ".log")
        self.process = self.environment = None

    def write(self, name, text):
        self.pair.write(os.path.join(self.name, name), text)

    def configure(self, other, more=""):
        self.write("postgresql.conf", SETTINGS.format(
            port=self.port, other=other.port, name=self.name, more=more,
            root=self.pair.root, sockets=self.pair.sockets,
            owner=self.pair.who.pw_name,
            tls=TLS.format(root=self.pair.root) if self.pair.tls else ""))

    def synchronous(self, wanted):
        """Whether commits wait for a standby; holds after reload()."""
        self.write("synchronous.conf", "synchronous_standby_names = '%s'\n" % (
            "*" if wanted else ""))

    def follow(self):
        """It is a standby from its next start."""
        self.write("standby.signal", "")

    def spawn(self):
        argv, options = self.pair.there(
            os.path.join(programs(), "postgres"), "-D", self.data)
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
                env=self.environment or self.pair.environment(), **options)

    def start(self):
        if self.process is None:
            self.spawn()
        wait_for(self.ready, lambda: "PostgreSQL does not start: " +
                 self.read_log()[-1500:])
        return self

    def ready(self):
        if self.process.poll() is not None:
            raise AssertionError("PostgreSQL ends: " + self.read_log()[-1500:])
        with contextlib.suppress(libpq.Refused), self.session() as session:
            return session.one("SELECT 1") == "1"
        return False

    def session(self, database="postgres", options=""):
        """The superuser's, without TCP."""
        return libpq.Session(
            "host=%s port=%d user=%s dbname=%s connect_timeout=30 %s" % (
                self.pair.sockets, self.port, self.pair.who.pw_name, database,
                options))

    def read_log(self):
        try:
            with open(self.log, errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def running(self):
        return self.process is not None and self.process.poll() is None

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def pids(self):
        return descendants(self.process.pid) if self.running() else []

    def signal_all(self, number):
        """To the first process and then to those that it has by then."""
        if self.running():
            self.process.send_signal(number)
            for pid in self.pids():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)

    def freeze(self):
        """As a machine that does not answer: connections stay open."""
        self.signal_all(signal.SIGSTOP)

    def thaw(self):
        self.signal_all(signal.SIGCONT)

    def kill(self):
        """kill -9 of all its processes at once, as a machine ends."""
        if self.running():
            self.process.send_signal(signal.SIGSTOP)  # no more children
            pids = self.pids()
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait(60)
            # They have its memory, without which it does not start again.
            wait_for(lambda: not any(map(running, pids)),
                     lambda: "processes do not end: %s" % pids)
        self.process = None

    def stop(self, number=signal.SIGINT):
        """An orderly end without waiting for clients; SIGQUIT: without a
        checkpoint."""
        if self.running():
            self.thaw()
            self.process.send_signal(number)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()
        self.process = None

    def remains(self):
        """Removes what a killed one has left outside its folder."""
        with contextlib.suppress(OSError, IndexError, ValueError):
            with open(os.path.join(self.data, "postmaster.pid")) as file:
                segment = file.read().split("\n")[6].split()[1]
            subprocess.run(["ipcrm", "-m", segment], stderr=subprocess.DEVNULL,
                           **dropped(self.pair.who))

    def remove(self):
        self.kill()
        self.remains()
        shutil.rmtree(self.data, ignore_errors=True)


class Pair:
    """`standby`: whether there is one. `tls`: by TCP only with TLS, with a CA
    made here. `auth` of the role by TCP: "trust", "scram-sha-256" (the password
    is `password`, see passfile()), "cert". `settings`: more lines of
    postgresql.conf. `small`: the size of a disk at path("small"), which only the servers
    see, and what run() runs; for root. `language`: in which the servers speak, as
    "de_DE"."""

    password = "correct-horse-7"

    def __init__(self, standby=True, tls=False, auth="trust", settings="", small="",
                 language=""):
        self.who, self.tls, self.auth = account(), tls or auth == "cert", auth
        self.settings, self.small, self.language = settings, small, language
        self.root = tempfile.mkdtemp(prefix="jira-pat-pg.")
        os.chmod(self.root, 0o755)
        self.sockets = self.root
        self.guard = subprocess.Popen(
            ["sh", "-c", GUARD, "guard", self.root], stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.servers = [Server(self, name, port)
                        for name, port in zip("ab", ports.free(2))]
        self.primary, self.standby = self.servers
        self.has_pair = self.has_standby = standby
        self.disk = None
        try:
            self.make()
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for server in self.servers:
            server.remove()
        if self.disk is not None:
            self.disk.communicate()
        shutil.rmtree(self.root, ignore_errors=True)
        self.guard.stdin.close()
        self.guard.wait(60)

    def path(self, *parts):
        return os.path.join(self.root, *parts)

    def own(self, path, mode):
        os.chmod(path, mode)
        if os.geteuid() == 0:
            os.chown(path, self.who.pw_uid, self.who.pw_gid)

    def write(self, name, text, mode=0o600):
        with open(self.path(name), "w") as file:
            file.write(text)
        self.own(self.path(name), mode)

    def mount(self):
        self.disk = subprocess.Popen(
            ["unshare", "-m", "sh", "-euc", SMALL, "sh", self.small, self.path("small"),
             str(self.who.pw_uid), str(self.who.pw_gid)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)
        assert self.disk.stdout.readline() == b"mounted\n", "there is no small disk"

    def there(self, *argv):
        """What runs that where the small disk is, if there is one: its words, and
        options of subprocess.Popen."""
        if self.disk is None:
            return argv, dropped(self.who)
        return ["nsenter", "--mount=/proc/%d/ns/mnt" % self.disk.pid, "setpriv",
                "--reuid", str(self.who.pw_uid), "--regid", str(self.who.pw_gid),
                "--clear-groups", *argv], {}

    def run(self, *argv):
        argv, options = self.there(*argv)
        done = subprocess.run(argv, capture_output=True, text=True, cwd="/", **options)
        if done.returncode != 0:
            raise AssertionError("%s: %s" % (argv[0], done.stderr))

    def make(self):
        """A cluster that has never run, copied, is a primary and its standby."""
        if self.tls:
            self.certificates()
        self.write("ident", "".join(
            "own %s %s\n" % (name, self.who.pw_name) for name in
            {self.who.pw_name, pwd.getpwuid(os.geteuid()).pw_name}))
        self.write("hba", HBA.format(
            owner=self.who.pw_name, role=ROLE, auth=self.auth,
            host="hostssl" if self.tls else "host"))
        self.own(self.root, 0o755)
        os.mkdir(self.path("small"))
        if self.small:
            self.mount()
        if self.language:
            self.learn()
        self.run(os.path.join(programs(), "initdb"), "-D", self.primary.data,
                 "-U", self.who.pw_name, "-A", "reject", "-E", "UTF8",
                 "--no-locale", "--no-sync")
        self.primary.synchronous(self.has_standby)
        if self.has_standby:
            self.run("cp", "-a", self.primary.data, self.standby.data)
            self.standby.configure(self.primary, self.settings)
            self.standby.follow()
        self.primary.configure(self.standby, self.settings)
        self.primary.spawn()
        if self.has_standby:
            self.standby.spawn()
        self.primary.start()
        if self.has_standby:
            self.standby.start()
            self.wait_synchronous()
        with self.primary.session() as session:
            session.rows("SET synchronous_commit = remote_apply")
            session.rows("CREATE ROLE %s LOGIN PASSWORD '%s'" % (
                ROLE, self.password))
            session.rows("CREATE DATABASE %s OWNER %s" % (DATABASE, ROLE))

    def learn(self):
        """locale/: that language, whatever the machine has."""
        needed = ("/usr/share/locale/%s/LC_MESSAGES/postgres-*.mo" % self.language[:2],
                  "/usr/share/i18n/locales/" + self.language)
        if not shutil.which("localedef") or not all(map(glob.glob, needed)):
            raise Missing("PostgreSQL does not speak %s here" % self.language)
        os.mkdir(self.path("locale"))
        self.own(self.path("locale"), 0o755)
        self.run("localedef", "--no-archive", "-i", self.language, "-f", "UTF-8",
                 self.path("locale", self.language + ".UTF-8"))
        self.settings += "lc_messages = '%s.UTF-8'\n" % self.language

    def environment(self):
        """Of the servers. LANGUAGE would count more than lc_messages."""
        env = {name: value for name, value in os.environ.items()
               if name != "LANGUAGE"}
        return dict(env, LOCPATH=self.path("locale")) if self.language else env

    def certificates(self):
        """tls/: a CA, a certificate of the server for 127.0.0.1 and localhost,
        one of a client for the role."""
        os.mkdir(self.path("tls"))
        self.own(self.path("tls"), 0o755)
        self.openssl("ca", "/CN=CA of the tests", "basicConstraints=critical,"
                     "CA:true", "-x509")
        self.issue("server", "/CN=localhost",
                   "subjectAltName=DNS:localhost,IP:127.0.0.1")
        self.issue("client", "/CN=" + ROLE, "keyUsage=digitalSignature")

    def openssl(self, name, subject, extension, *more):
        self.run("openssl", "req", *more, "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:P-256", "-nodes", "-subj", subject,
                 "-addext", extension, "-days", "2", "-batch",
                 "-keyout", self.path("tls", name + ".key"),
                 "-out", self.path("tls", name + ".crt"))

    def issue(self, name, subject, extension):
        self.openssl(name, subject, extension, "-x509",
                     "-CA", self.path("tls/ca.crt"),
                     "-CAkey", self.path("tls/ca.key"))

    def client_files(self, user):
        """tls/client.key, and a file with the password: of that user, whom they
        belong to, as libpq wants it. Their folder."""
        who = pwd.getpwnam(user)
        folder = self.path("client-" + user)
        os.mkdir(folder)
        for name in ("ca.crt", "client.crt", "client.key"):
            if self.tls:
                shutil.copy(self.path("tls", name), folder)
        with open(os.path.join(folder, "pgpass"), "w") as file:
            file.write("*:*:*:%s:%s\n" % (ROLE, self.password))
        for name in [".", *os.listdir(folder)]:
            os.chmod(os.path.join(folder, name), 0o700 if name == "." else 0o600)
            if os.geteuid() == 0:
                os.chown(os.path.join(folder, name), who.pw_uid, who.pw_gid)
        return folder

    def conninfo(self, folder=None, ports=None, host="127.0.0.1"):
        """As [cluster] conninfo has it. `folder` of client_files(), for what it
        has; `ports` instead of those of the servers, as of relays."""
        ports = ports or [server.port for server in self.servers[
            :2 if self.has_pair else 1]]
        words = ["host=" + ",".join([host] * len(ports)),
                 "port=" + ",".join(map(str, ports)), "dbname=" + DATABASE,
                 "user=" + ROLE, "target_session_attrs=read-write",
                 "connect_timeout=5"]
        if self.tls:
            words += ["sslmode=verify-full", "sslrootcert=%s/ca.crt" % (
                folder or self.path("tls"))]
        if self.auth == "cert":
            words += ["sslcert=%s/client.crt" % folder,
                      "sslkey=%s/client.key" % folder]
        if self.auth == "scram-sha-256":
            words.append("passfile=%s/pgpass" % folder)
        return " ".join(words)

    def owner(self, database=DATABASE):
        """A session of the superuser on the primary."""
        return self.primary.session(database)

    def role(self, options=""):
        """A session of the role on the primary, by its socket."""
        return libpq.Session("host=%s port=%d user=%s dbname=%s %s" % (
            self.sockets, self.primary.port, ROLE, DATABASE, options))

    def wait_synchronous(self):
        with self.owner("postgres") as session:
            wait_for(lambda: session.rows(
                "SELECT 1 FROM pg_stat_replication WHERE state = 'streaming' "
                "AND sync_state IN ('sync', 'quorum')"),
                lambda: "the standby does not follow: " +
                self.standby.read_log()[-1500:])

    def alone(self, wanted=True):
        """The primary's commits no longer wait for a standby, as an
        administrator decides when there is none; False: they do again."""
        self.primary.synchronous(not wanted)
        self.primary.reload()

    def promote(self, alone=True, kill=True):
        """The standby becomes the primary, and has no standby: with `alone` its
        commits do not wait for one. The old primary is killed first."""
        if kill:
            self.primary.kill()
        self.standby.synchronous(not alone)
        self.standby.reload()
        with self.standby.session() as session:
            session.rows("SELECT pg_promote(true, 60)")
        self.primary, self.standby = self.standby, self.primary
        self.has_standby = False

    def rejoin(self):
        """What was the primary is made anew as the standby of the one now."""
        self.standby.remove()
        self.run(os.path.join(programs(), "pg_basebackup"), "-D",
                 self.standby.data, "-h", self.sockets, "-p",
                 str(self.primary.port), "-U", self.who.pw_name, "-c", "fast",
                 "--no-sync")
        self.standby.configure(self.primary, self.settings)
        self.standby.follow()
        self.standby.start()
        self.has_standby = True
        self.alone(False)
        self.wait_synchronous()
