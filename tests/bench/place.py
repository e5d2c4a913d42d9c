"""Where the bench runs: a scratch folder with stores, patds and other servers,
tokens, and the drivers that do the measured work. All of it goes at the end.
"""
import concurrent.futures
import contextlib
import ctypes
import ctypes.util
import json
import os
import random
import shutil
import signal
import string
import subprocess
import sys
import tempfile
import time
import zlib

SOURCE = os.environ["JP_SOURCE"]
BUILD = os.environ["JP_BUILD"]
sys.path.insert(0, os.path.join(SOURCE, "tests/daemon"))

import daemon  # noqa: E402  (tests/daemon/daemon.py)
import ports  # noqa: E402  (tests/lib/ports.py, by way of daemon)

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
ROOT = os.geteuid() == 0
USER = "sso.user"
PASSWORD = "correct-horse-7"


class Failed(Exception):
    """Something of the bench does not work: the message says what."""


def processes(pid):
    """This process and all below it."""
    found = [pid]
    for one in found:
        with contextlib.suppress(OSError):
            for task in os.listdir("/proc/%d/task" % one):
                with open("/proc/%d/task/%s/children" % (one, task)) as file:
                    found.extend(int(child) for child in file.read().split())
    return found


def cpu_ns(pids):
    """The CPU that these processes have used, all their threads included, also
    those that have ended."""
    used = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            used += time.clock_gettime_ns((~pid << 3) | 2)
    return used


def forged(identity, prefix="jpat"):
    """A well-made token that was never given out."""
    secret = "".join(random.choices(BASE62, k=30))
    body = "%s_%s_%s" % (prefix, identity, secret)
    crc, digits = zlib.crc32(body.encode()), ""
    for _ in range(6):
        digits = BASE62[crc % 62] + digits
        crc //= 62
    return body + digits


def crypt(password, setting):
    """crypt(3) of this machine's libcrypt; `setting` as "$2y$05$" or
    "$y$j9T$", to which the salt is added."""
    library = ctypes.CDLL(ctypes.util.find_library("crypt"))
    library.crypt.restype = ctypes.c_char_p
    library.crypt_gensalt.restype = ctypes.c_char_p
    prefix, _, cost = setting.partition(":")
    salt = library.crypt_gensalt(
        prefix.encode(), ctypes.c_ulong(int(cost or 0)), None, 0)
    made = library.crypt(password.encode(), salt) if salt else None
    if not made or made.startswith(b"*"):
        raise Failed("libcrypt does not know %s" % setting)
    return made.decode()


def free_port():
    return ports.free()[0]


class Store(daemon.World):
    """A store with its patd; what a hash costs is what it costs by default."""

    def __init__(self, more="", cost="memory = 19M\npasses = 2", build=BUILD,
                 tmpfs=None):
        self.cost = cost
        super().__init__(more, build, tmpfs)

    def write(self, more=""):
        super().write(more.replace("@ROOT@", self.root))
        with open(self.config) as file:
            config = file.read()
        with open(self.config, "w") as file:
            file.write(config.replace("memory = 64K\npasses = 1", self.cost))

    def several(self, count, say=None):
        """So many tokens of USER. Each costs a hash, so that two processes are
        kept busy; not remembered as those of token() are."""
        def make(number):
            if say and number % 50 == 0:
                say("makes tokens: %d of %d" % (number, count))
            return self.admin("create", USER).stdout.strip()

        with concurrent.futures.ThreadPoolExecutor(
                (os.cpu_count() or 1) + 1) as pool:
            return list(pool.map(make, range(count)))

    def pids(self):
        return [self.patd.pid]


class Server:
    """Any other program that runs until the end."""

    def __init__(self, place, name, argv, env=None):
        self.log = place.path("log", name + ".log")
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=dict(os.environ, **(env or {})), start_new_session=True)

    def pids(self):
        return processes(self.process.pid)

    def wait_until(self, ready, seconds=30):
        end = time.monotonic() + seconds
        while not ready():
            if self.process.poll() is not None or time.monotonic() > end:
                with open(self.log) as file:
                    raise Failed("%s does not start: %s" % (
                        self.process.args[0], file.read()[-400:]))
            time.sleep(0.02)

    def alive(self):
        return self.process.poll() is None

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Place:
    """The scratch folder of one slot, for the product of one build; the drivers
    are always ours."""

    def __init__(self, quick=False, operations=None, say=lambda words: None,
                 build=BUILD):
        self.build = build
        self.say = say                 # for the line of progress
        self.quick = quick
        self.operations = operations   # so many only: a smoke test
        self.root = tempfile.mkdtemp(prefix="jira-pat-bench.")
        os.chmod(self.root, 0o755)     # servers that give up root read there
        self.servers = []
        for folder in ("log", "pam.d", "lib"):
            os.mkdir(self.path(folder))
        self.service("other", "pam_deny.so")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for server in reversed(self.servers):
            if isinstance(server, Store):
                server.stop()
                server.remove()
            else:
                server.stop()
        self.servers = []
        shutil.rmtree(self.root, ignore_errors=True)

    def path(self, *parts):
        return os.path.join(self.root, *parts)

    def write(self, name, text, mode=0o644):
        with open(self.path(name), "w") as file:
            file.write(text)
        os.chmod(self.path(name), mode)
        return self.path(name)

    def store(self, more="", start=True, **options):
        """A new store; with a patd that runs, unless told otherwise."""
        store = Store(more, build=self.build, **options)
        self.servers.append(store)
        if start:
            store.start()
        return store

    def server(self, name, argv, env=None):
        server = Server(self, name, argv, env)
        self.servers.append(server)
        return server

    def module(self, name):
        """A built module, put where every user can read it."""
        copy = self.path("lib", os.path.basename(name))
        if not os.path.exists(copy):
            shutil.copy(os.path.join(self.build, name), copy)
            os.chmod(copy, 0o644)
        return copy

    def service(self, name, module):
        """A service file of PAM, for pam_start_confdir()."""
        self.write("pam.d/" + name, "auth required %s\naccount required %s\n"
                   % (module, module))
        return name

    def ours(self, name, store):
        """A service file for pam_jira_pat.so and this store's patd."""
        return self.service(name, "%s socket=%s one_shot=no timeout=30" % (
            self.module(".libs/pam_jira_pat.so"), store.verify))


def program(name):
    path = os.path.join(BUILD, "tests/bench", name)
    if not os.access(path, os.X_OK):
        raise Failed("%s is not built: make bench-parts" % path)
    return path


@contextlib.contextmanager
def repeated(script, argv, root):
    """Meanwhile the shell runs the script, with `argv` as its "$@", again and
    again; afterwards the last run has ended by itself."""
    going = os.path.join(root, "going")
    with open(going, "w"):
        pass
    loop = 'while [ -e "$0" ]; do { %s; } || exit 1; done' % script
    with subprocess.Popen(["sh", "-c", loop, going, *argv],
                          stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True) as shell:
        try:
            yield
        finally:
            os.unlink(going)
        said = shell.communicate()[1]
    if shell.returncode != 0:
        raise Failed(said)


class Driver:
    """A driver (see turn.h) that has warmed up, and waits. `lines` are its
    secrets."""

    def __init__(self, argv, lines, env=None):
        self.argv = argv
        self.process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=dict(os.environ, **(env or {})))
        try:
            self.process.stdin.write(
                "".join(line + "\n" for line in lines) + "\n")
            self.process.stdin.flush()
            if self.process.stdout.readline() != "ready\n":
                raise self.failed()
        except BaseException:
            self.close()
            raise

    def failed(self):
        return Failed("%s ends with status %s" % (
            self.argv[0], self.process.wait(600)))

    def go(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def result(self):
        line = self.process.stdout.readline()
        if not line:
            raise self.failed()
        return json.loads(line)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def drive(argv, lines, servers=(), env=None, during=None):
    """Runs a driver and returns what it prints, with "server_ns": the CPU of
    `servers` while it measured. `during` is entered when it has warmed up."""
    with Driver(argv, lines, env) as driver, \
            during or contextlib.nullcontext():
        pids = [pid for server in servers for pid in server.pids()]
        before = cpu_ns(pids)
        driver.go()
        result = driver.result()
        result["server_ns"] = cpu_ns(pids) - before
    return result


def expect(result, kind, answer):
    """How many operations of this kind there were. All had this answer."""
    counts = result["kinds"][kind]
    if counts[answer] != counts["count"]:
        raise Failed("%s: not all were %s: %s" % (kind, answer, counts))
    return counts["count"]
