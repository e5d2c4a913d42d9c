"""For tests of patd: a scratch world with its own store, clients that speak
the verify protocol, and TAP output. Everything lives in one folder of $TMPDIR.
"""
import collections
import contextlib
import csv
import ctypes
import json
import os
import pwd
import random
import resource
import shutil
import signal
import socket
import string
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import zlib

import activation

sys.path.append(os.path.join(os.environ["JP_SOURCE"], "tests/lib"))

from waiting import wait_for  # noqa: E402  (tests/lib/waiting.py)

BUILD = os.environ["JP_BUILD"]
PATD = os.path.join(BUILD, "patd/patd")
HAMMER = os.path.join(BUILD, "tests/daemon/hammer")
RECORD_EDIT = os.path.join(BUILD, "tests/daemon/record_edit")
ADMIN = os.path.join(BUILD, "tools/pat-admin")
WATCHED = os.path.join(BUILD, "tests/daemon/patd_watched")
SANITIZED = not os.path.exists(WATCHED)  # it has an allocator of its own
ROOT = os.geteuid() == 0
DENY, UNAVAILABLE, ACCEPT, MAY = 0, 1, 2, 3
ACCOUNT = 64  # added to the front: no token, but whether the user may
BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
CONFIG = """[tokens]
max_per_user = 0
name_required = no
[argon2]
memory = 64K
passes = 1
[patd]
user = {user}
run_dir = {run_dir}
store_dir = {root}/store
pepper_file = {root}/key/pepper.key
{more}
"""


AUDIT = "audit_file = {root}/audit/trail\n"


class Skip(Exception):
    pass


def ended(number, _):
    """Whoever ends a test leaves nothing behind: what is open closes, as at an error;
    once, however often it is said."""
    for other in ENDS:
        signal.signal(other, signal.SIG_IGN)
    sys.exit(128 + number)


ENDS = (signal.SIGTERM, signal.SIGHUP)
for each in ENDS:
    if signal.getsignal(each) != signal.SIG_IGN:  # as by nohup(1)
        signal.signal(each, ended)


def text(value):
    value = value.encode() if isinstance(value, str) else value
    return struct.pack(">H", len(value)) + value


def question(user, token, seq=7, service="jira", rhost="10.0.0.1"):
    return (b"JPV1" + struct.pack(">BI", 0, seq) + text(user) + text(token) +
            text(service) + text(rhost))


def detailed(user, token, seq=7, service="jira", rhost="10.0.0.1", read=False,
             front=4):
    """JPV2: answered in detail, perhaps after later ones."""
    return (b"JPV2" + struct.pack(">BI", front, seq) + text(user) +
            text(token) + text(service) + text(rhost) + bytes([read]))


def account(user, service="jira", rhost="10.0.0.1", token="", front=ACCOUNT):
    return (b"JPV1" + struct.pack(">BI", front, 7) + text(user) + text(token) +
            text(service) + text(rhost))


def freeze(process):
    """SIGSTOP, and none of its threads runs any more: the kernel says so earlier."""
    process.send_signal(signal.SIGSTOP)
    tasks = "/proc/%d/task" % process.pid

    def is_still(task):
        with open("%s/%s/stat" % (tasks, task)) as file:
            return file.read().rpartition(") ")[2][0] == "T"
    wait_for(lambda: all(map(is_still, os.listdir(tasks))))


def forged(identity):
    """A well-made token that was never given out."""
    secret = "".join(random.choices(BASE62, k=30))
    body = "jpat_%s_%s" % (identity, secret)
    crc, digits = zlib.crc32(body.encode()), ""
    for _ in range(6):
        digits = BASE62[crc % 62] + digits
        crc //= 62
    return body + digits


def room_for(clients):
    """So many connections need as many descriptors of ours."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = clients + 64
    if hard != resource.RLIM_INFINITY and hard < wanted:
        return 300
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return clients


Details = collections.namedtuple(
    "Details", "seq verdict denial user id expires upstream")


def take_text(data, at):
    """The text at this place, and where it ends."""
    end = at + 2 + struct.unpack(">H", data[at:at + 2])[0]
    return data[at + 2:end].decode(), end


class Client:
    """One connection to verify.sock."""

    def __init__(self, path, timeout=60):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sock.settimeout(timeout)
        try:
            self.sock.connect(path)
        except OSError:
            self.sock.close()
            raise

    def send(self, data):
        self.sock.send(data)

    def answer(self, seq=7):
        reply = self.sock.recv(4096)
        assert len(reply) == 272, "reply of %d bytes" % len(reply)
        magic, verdict, got, length = struct.unpack(">4sBIH", reply[:11])
        assert magic == b"JPV1" and got == seq, reply[:11]
        assert not reply[11 + length:].strip(b"\0")
        return verdict, reply[11:11 + length].decode()

    def details(self):
        """The next detailed answer, whichever it is."""
        reply = self.sock.recv(4096)
        assert len(reply) == 800, "reply of %d bytes" % len(reply)
        assert reply[:4] == b"JPV2", reply[:4]
        verdict, seq = struct.unpack(">BI", reply[4:9])
        user, at = take_text(reply, 9)
        denial = reply[at]
        identity, at = take_text(reply, at + 1)
        expires = struct.unpack(">q", reply[at:at + 8])[0]
        upstream, at = take_text(reply, at + 8)
        assert not reply[at:].strip(b"\0")
        return Details(seq, verdict, denial, user, identity, expires, upstream)

    def ask(self, user, token, seq=7):
        self.send(question(user, token, seq))
        return self.answer(seq)

    def closed(self):
        """Whether patd closed it, without an answer."""
        try:
            return self.sock.recv(4096) == b""
        except ConnectionError:
            return True

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class OneShot:
    """A patd for one question, as the module spawns it."""

    def __init__(self, place, user, token, message=None, program=PATD,
                 stderr=subprocess.DEVNULL, **options):
        ours, theirs = socket.socketpair(
            socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.client = Client.__new__(Client)
        self.client.sock = ours
        ours.settimeout(60)
        self.client.send(message or question(user, token))
        self.patd = subprocess.Popen(
            [program, "--one-shot", "--config", place.config], stdin=theirs,
            stdout=subprocess.DEVNULL, stderr=stderr, **options)
        theirs.close()

    def end(self):
        """Its answer, and its exit status."""
        answer = self.client.answer()
        assert self.client.closed()
        self.client.close()
        return answer, self.patd.wait(60)


def as_user(name, call):
    """What `call` returns in a process of that user: a short text."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            account = pwd.getpwnam(name)
            os.setgroups([])
            os.setgid(account.pw_gid)
            os.setuid(account.pw_uid)
            os.write(writer, repr(call()).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader) as file:
        said = file.read()
    os.waitpid(child, 0)
    return said


def connect(path):
    """Tried again as long as patd has not taken those before."""
    end = time.monotonic() + 60
    while True:
        try:
            return Client(path, 60)
        except BlockingIOError:
            if time.monotonic() > end:
                raise


def on_tmpfs(path):
    """Whether what lies there is gone after a boot, as it is in /run."""
    done = subprocess.run(["stat", "-f", "-c", "%T", path], text=True,
                          capture_output=True)
    return done.stdout == "tmpfs\n"


TMPFS = next((path for path in ("/dev/shm", "/run") if on_tmpfs(path) and
              os.access(path, os.W_OK)), None)


class World:
    """`tmpfs`: where run_dir shall lie, else with all the rest."""

    def __init__(self, more="", build=BUILD, tmpfs=None):
        self.patd_program = os.path.join(build, "patd/patd")
        self.admin_program = os.path.join(build, "tools/pat-admin")
        self.root = tempfile.mkdtemp(prefix="jira-pat-daemon.")
        os.chmod(self.root, 0o755)
        self.run_root = self.root
        if tmpfs:
            self.run_root = tempfile.mkdtemp(
                prefix="jira-pat-daemon.", dir=tmpfs)
            os.chmod(self.run_root, 0o755)
        self.lay_out()
        try:
            self.write(more)
            self.admin("init")
        except BaseException:
            self.remove()
            raise

    def lay_out(self):
        """What lies where, in `root` and `run_root`."""
        self.user = "daemon" if ROOT else pwd.getpwuid(os.geteuid()).pw_name
        self.config = os.path.join(self.root, "jira-pat.conf")
        self.run_dir = os.path.join(self.run_root, "run")
        self.verify = os.path.join(self.run_dir, "verify.sock")
        self.admin_sock = os.path.join(self.run_dir, "admin.sock")
        self.log = os.path.join(self.root, "patd.log")
        self.patd = None
        self.tokens = []
        self.streams = []  # paths of mux

    def remove(self):
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.rmtree(self.run_root, ignore_errors=True)

    def write(self, more=""):
        """The configuration, with lines of [patd] in which {root} is ours."""
        more = more.replace("{root}", self.root)
        with open(self.config, "w") as file:
            file.write(CONFIG.format(
                user=self.user, root=self.root, run_dir=self.run_dir,
                more=more))
        os.chmod(self.config, 0o644)

    def admin(self, *args, check=True, said=""):
        done = subprocess.run(
            [self.admin_program, "--config", self.config, *args], text=True,
            input=said, capture_output=True, timeout=120)
        if check and done.returncode != 0:
            raise AssertionError("pat-admin %s: %d %s" % (
                args, done.returncode, done.stderr))
        return done

    def token(self, user="alice", *rights):
        token = self.admin("create", user, *rights).stdout.strip()
        self.tokens.append(token)
        return token

    def batch(self, users, **columns):
        """(user, token) of a new token for each of them, by --batch; `columns`: what
        all have. No patd need run."""
        rows, made = (os.path.join(self.root, name) for name in ("rows", "made"))
        with open(rows, "w") as file:
            csv.writer(file, lineterminator="\n").writerows(
                [("user", *columns), *((user, *columns.values()) for user in users)])
        self.admin("create", "--batch", rows, "--output", made)
        with open(made, newline="") as file:
            got = [(row["user"], row["token"]) for row in csv.DictReader(file)]
        os.unlink(made)
        assert [user for user, _ in got] == list(users), got
        self.tokens += [token for _, token in got]
        return got

    def record_edit(self, *args):
        """Changes the store with tests/daemon/record_edit.c."""
        done = subprocess.run(
            [RECORD_EDIT, self.config, *args], text=True,
            stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
        assert done.returncode == 0, done.stderr

    def stats(self):
        """What pat-admin stats --json says."""
        return json.loads(self.admin("stats", "--json").stdout)

    def commits(self):
        """How many commits the store has seen."""
        return self.stats()["store"]["commits"]

    def spawn(self, *args, program=None, **options):
        with open(self.log, "a") as log:
            return subprocess.Popen(
                [program or self.patd_program, "--config", self.config, *args],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, **options)

    def answers(self):
        try:
            for path in (self.verify, self.admin_sock):
                Client(path).close()
            for path in self.streams:
                with socket.socket(socket.AF_UNIX) as sock:
                    sock.connect(path)
            return True
        except OSError:
            return False

    def start(self, *args, **options):
        self.patd = self.spawn(*args, **options)
        wait_for(lambda: self.patd.poll() is not None or self.answers())
        assert self.patd.poll() is None, self.read_log()[-400:]
        return self.patd

    def launch(self, sockets, **options):
        """A patd with sockets that a service manager made."""
        self.patd = activation.launch(
            sockets, [self.patd_program, "--config", self.config], self.log,
            **options)
        return self.patd

    def run(self, *args):
        """A patd that is expected to leave by itself."""
        return subprocess.run(
            [self.patd_program, "--config", self.config, *args], text=True,
            timeout=120, stdin=subprocess.DEVNULL, capture_output=True)

    def stop(self, sig=signal.SIGTERM):
        if self.patd is None:
            return None
        self.patd.send_signal(sig)
        try:
            status = self.patd.wait(60)
        except subprocess.TimeoutExpired:
            self.patd.kill()
            status = self.patd.wait()
        self.patd = None
        return status

    def read_log(self):
        try:
            with open(self.log) as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def logged(self, said):
        """Waits until that is in the log: a thread of patd writes it."""
        wait_for(lambda: said in self.read_log())

    def read_trail(self):
        """The audit trail, where AUDIT stands in the configuration."""
        try:
            with open(os.path.join(self.root, "audit/trail")) as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def ask(self, user, token):
        with Client(self.verify) as client:
            return client.ask(user, token)

    def hammer(self, pairs, count, conns=1, per_conn=1000):
        """Asks about pairs of (user, text) in turn: how many were accepted,
        denied, and not decided.
        """
        done = subprocess.run(
            [HAMMER, self.verify, "count", str(count), str(conns),
             str(per_conn)], capture_output=True, text=True, timeout=300,
            input="".join("%s\t%s\n" % pair for pair in pairs))
        assert done.returncode == 0, done.stderr
        words = done.stdout.split()
        assert words[::2] == ["accepted", "denied", "unavailable"], words
        return tuple(map(int, words[1::2]))

    def fds(self):
        try:
            return len(os.listdir("/proc/%d/fd" % self.patd.pid))
        except PermissionError:  # patd lets nobody but root look
            raise Skip("needs root") from None


@contextlib.contextmanager
def world(more="", start=True, args=("--debug",), tmpfs=None):
    place = World(more, tmpfs=tmpfs)
    try:
        if start:
            place.start(*args)
        yield place
        log = place.read_log() + place.read_trail()
        for token in place.tokens:
            assert token not in log, "a token is in the log"
            assert token[14:] not in log, "a secret is in the log"
        for sign in ("Sanitizer: ", "runtime error: "):
            assert sign not in log, log[max(0, log.index(sign) - 99):]
    finally:
        if place.patd is not None:
            place.patd.kill()
            place.patd.wait()
        place.remove()


def make_slow(place, passes=10, memory="64M"):
    """Tokens that are made from now on take their time, and memory."""
    with open(place.config) as file:
        config = file.read()
    config = config.replace("memory = 64K", "memory = " + memory)
    with open(place.config, "w") as file:
        file.write(config.replace("passes = 1", "passes = %d" % passes))


def phc_of(secret):
    """What another program makes of it with the same library."""
    sodium = ctypes.CDLL("libsodium.so.23")
    out = ctypes.create_string_buffer(128)
    assert sodium.sodium_init() >= 0
    assert sodium.crypto_pwhash_str(
        out, secret.encode(), ctypes.c_ulonglong(len(secret)),
        ctypes.c_ulonglong(1), ctypes.c_size_t(8192)) == 0
    return out.value.decode()


def main(cases):
    for tool in (PATD, ADMIN):
        if not os.access(tool, os.X_OK):
            print("1..0 # SKIP %s is not built" % tool)
            return
    print("1..%d" % len(cases), flush=True)
    failed = 0
    for number, case in enumerate(cases, 1):
        name = case.__doc__.strip().replace("\n    ", " ")
        try:
            case()
            print("ok %d - %s" % (number, name), flush=True)
        except Skip as reason:
            print("ok %d - %s # SKIP %s" % (number, name, reason), flush=True)
        except Exception:
            failed += 1
            print("not ok %d - %s" % (number, name), flush=True)
            for line in traceback.format_exc().splitlines():
                print("# " + line, flush=True)
    sys.exit(1 if failed else 0)
