"""The sandbox of patd and pat-httpd: what they have given up once they run, what
becomes of a call that they do not make, and that they make all others.
"""
import contextlib
import glob
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
from multiprocessing.pool import ThreadPool

import test_fcgi
from daemon import (ACCEPT, AUDIT, BUILD, DENY, ROOT, SANITIZED, Client,
                    OneShot, Skip, detailed, forged, main, text, wait_for)
from daemon import world as daemon_world
from httpd import Http, place, request

CALLS = os.path.join(BUILD, "tests/daemon/sandbox_calls")
SHIM = os.path.join(BUILD, "tests/daemon/.libs/forbidden.so")
MUX = "mux = {root}/run/mux\n"
METRICS = ("[listener metrics]\nprotocol = metrics\n"
           "listen = {root}/run/metrics.sock\n")
MORE = METRICS + "[self_service]\ntrusted_peers = %s\n" % (
    "root" if ROOT else os.geteuid())
OWN = ("X-Remote-User: alice", "Sec-Fetch-Site: same-origin")
SERVICE = "[service jira]\nupstream = yes\n"
DAEMONS = ("patd", "pat-httpd")

# Those that tests/daemon/forbidden.c makes, and what the kernel says; all others
# end the process.
REFUSED = {"open-file": "EACCES", "make-file": "EACCES",
           "inet": "EAFNOSUPPORT", "netlink": "EAFNOSUPPORT"}
KILLED = """written-code later-code fork signal-other execve execveat vfork ptrace
process_vm_readv kill mount umount2 chroot unshare setns setuid setresgid capset prctl
bpf perf_event_open io_uring_setup userfaultfd memfd_create keyctl init_module
personality ioctl prlimit64 symlink link open_by_handle_at""".split()
# And those that libraries make where much is asked at once, or little is there.
RARE = """select sched_yield sched_getaffinity uname writev sigaction access socketpair
pipe eventfd""".split()


@contextlib.contextmanager
def both(patd="", httpd=MORE, **options):
    """patd and pat-httpd; `patd` are lines of its section."""
    with place(httpd, start=False, **options) as world:
        with open(world.config) as file:
            config = file.read()
        with open(world.config, "w") as file:
            file.write(config.replace(
                "[patd]\n", "[patd]\n" + patd.format(root=world.root)))
        world.admin("init")
        world.streams = [world.run_dir + "/mux"] if "mux" in patd else []
        yield world


def start_patd(world, **options):
    """It answers a moment before it is confined; it is ready after that."""
    ready = world.read_log().count("patd: ready")
    world.start("--debug", **options)
    wait_for(lambda: world.read_log().count("patd: ready") > ready)


def start(world):
    start_patd(world)
    world.start_httpd("--debug")


# --- what holds -----------------------------------------------------------------


def status_of(pid):
    """Each line of /proc/PID/status, of each thread."""
    for path in glob.glob("/proc/%d/task/*/status" % pid):
        with open(path) as file:
            yield dict(line.rstrip("\n").split(":\t", 1) for line in file
                       if ":\t" in line)


def held():
    """each thread of both has a filter of system calls, no capability and no way to
    any, and nobody else may look into its memory"""
    with both() as world:
        start(world)
        for process in (world.patd, world.httpd):
            threads = list(status_of(process.pid))
            assert len(threads) >= 2
            for thread in threads:
                assert thread["Seccomp"].strip() == "2", thread
                assert thread["NoNewPrivs"].strip() == "1", thread
                for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
                    assert int(thread[name], 16) == 0, (name, thread)
                if ROOT:
                    assert int(thread["CapBnd"], 16) == 0, thread
            owner = os.stat("/proc/%d/environ" % process.pid).st_uid
            assert owner == 0, "it can be dumped"


def said():
    """the log says once what holds"""
    line = re.compile(r"sandbox: capabilities dropped, "
                      r"(no )?Landlock \(.*\), seccomp")
    with both() as world:
        start(world)
        for log in (world.read_log(), world.read_httpd_log()):
            assert len(line.findall(log)) == 1, log
            assert log.count("sandbox") == 1, log


def off():
    """"sandbox = no" leaves it off, which is said"""
    with both("sandbox = no\n", "sandbox = no\n") as world:
        start(world)
        for process, log in ((world.patd, world.read_log()),
                             (world.httpd, world.read_httpd_log())):
            assert "sandbox: off, by the settings" in log, log
            for thread in status_of(process.pid):
                assert thread["Seccomp"].strip() == "0"


# --- calls that are not allowed -------------------------------------------------


class Forbidden:
    """Whoever is in the process, and makes a call."""

    def __init__(self, world):
        self.world = world
        self.file = world.root + "/forbidden"
        self.outside = world.root + ".outside"
        self.env = {**os.environ, "LD_PRELOAD": SHIM,
                    "JP_FORBIDDEN": self.file,
                    "JP_FORBIDDEN_FILE": self.outside + "/readable",
                    "JP_FORBIDDEN_NEW": self.outside + "/new"}
        os.mkdir(self.outside)
        os.chmod(self.outside, 0o777)
        with open(self.outside + "/readable", "w"):
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.outside)

    def start(self, name):
        """The process, and how to read its log."""
        if name == "patd":
            start_patd(self.world, env=self.env)
            return self.world.patd, self.world.read_log
        self.world.start_httpd(env=self.env)
        return self.world.httpd, self.world.read_httpd_log

    def wake(self, name):
        """It waits for events, or logs a line."""
        with contextlib.suppress(OSError):
            if name == "patd":
                Client(self.world.verify).close()
            else:
                Http(self.world.http).close()

    def make(self, name, call, process, log):
        """What came of it: its errno, or a signal."""
        with open(self.file + ".new", "w") as file:
            file.write(call)
        os.rename(self.file + ".new", self.file)
        mark = "forbidden: %s: " % call.removeprefix("log:")
        process.send_signal(signal.SIGHUP)  # and so logs a line
        wait_for(lambda: self.wake(name) or process.poll() is not None or
                 mark in log())
        os.unlink(self.file)
        if mark in log():
            return re.search(mark + "(.*)", log())[1]
        return signal.Signals(-process.wait(60)).name

    def end(self, name):
        if name == "patd":
            self.world.stop()
        elif self.world.httpd.poll() is None:
            self.world.stop_httpd()
        else:
            self.world.httpd = None


def landlock():
    with both() as world:
        start_patd(world)
        return "Landlock (ABI" in world.read_log()


@contextlib.contextmanager
def forbidden():
    if SANITIZED or not os.path.exists(SHIM):
        raise Skip("preloads a library of its own")
    with both() as world, Forbidden(world) as maker:
        yield world, maker


def answered(world, maker, name, token):
    """It is started anew, and answers."""
    process, _ = maker.start(name)
    if name == "patd":
        assert world.ask("alice", token) == (ACCEPT, "alice")
    else:
        with Http(world.http) as http:
            assert http.ask("/auth/jira").status == 401
    maker.end(name)
    assert process.returncode == 0


def killed():
    """each call that neither makes ends it at once, by SIGSYS, and the next one
    starts and answers"""
    with forbidden() as (world, maker):
        token = world.token()
        for name in DAEMONS:
            for call in KILLED:
                process, log = maker.start(name)
                result = maker.make(name, call, process, log)
                assert result == "SIGSYS", (name, call, result)
                maker.end(name)
            answered(world, maker, name, token)


def refused():
    """files elsewhere cannot be opened, read or made, and there is no network;
    also for the thread that writes the log"""
    with forbidden() as (world, maker):
        files = landlock()
        for name in DAEMONS:
            for call, errno in REFUSED.items():
                for front in ("", "log:"):
                    if errno == "EACCES" and not files:
                        continue
                    process, log = maker.start(name)
                    result = maker.make(name, front + call, process, log)
                    assert result == errno, (name, front + call, result)
                    maker.end(name)
                    (world.log, world.httpd_log) = (
                        world.log + "+", world.httpd_log + "+")
        if not files:
            raise Skip("no Landlock here: only the network was tried")


def rare():
    """what libraries call in rare cases ends nothing: the store's engine that waits
    for a page, malloc(3) that counts processors, modules of the name service that
    would ask the network"""
    with forbidden() as (world, maker):
        for name in DAEMONS:
            process, log = maker.start(name)
            assert maker.make(name, "rare", process, log) == "done"
            for call in RARE:
                assert "forbidden: %s: done" % call in log(), (name, call, log())
            maker.end(name)


def in_kernel_log(kmsg, pid, lines=100):
    """Whether a call of it is there, or comes within a second."""
    for _ in range(lines):
        line = kmsg.read(8192)
        if line is None and not select.select([kmsg], [], [], 1)[0]:
            return False
        if line and b"type=1326" in line and b"pid=%d " % pid in line:
            return True
    return False


def kernel_tells():
    """the kernel logs which call it was"""
    if not ROOT:
        raise Skip("needs root")
    with forbidden() as (world, maker), \
            open("/dev/kmsg", "rb", buffering=0) as kmsg:
        os.set_blocking(kmsg.fileno(), False)
        os.lseek(kmsg.fileno(), 0, os.SEEK_END)
        for _ in range(5):  # it leaves out some, if there are many
            process, log = maker.start("patd")
            assert maker.make("patd", "ptrace", process, log) == "SIGSYS"
            world.patd = None
            if in_kernel_log(kmsg, process.pid):
                return
        raise Skip("no audit in the kernel's log here")


def killed_here(kmsg):
    """The lines about programs of this build that come within a second."""
    found = []
    while select.select([kmsg], [], [], 1)[0]:
        line = kmsg.read(8192) or b""
        if b"type=1326" in line and b'exe="%s/' % BUILD.encode() in line:
            found.append(line)
    return found


def end():
    """each ends by itself, and nothing of it is killed on the way: in a build with a
    sanitizer either, which looks at the process then, from one of its own"""
    if not ROOT:
        raise Skip("needs root")
    with both() as world, open("/dev/kmsg", "rb", buffering=0) as kmsg:
        os.set_blocking(kmsg.fileno(), False)
        os.lseek(kmsg.fileno(), 0, os.SEEK_END)
        answer = OneShot(world, "alice", world.token()).end()
        assert answer == ((ACCEPT, "alice"), 0), answer
        start(world)
        assert world.stop() == 0
        assert world.stop_httpd() == 0
        found = killed_here(kmsg)
        assert not found, found


# --- calls that are made --------------------------------------------------------


def rights(process):
    """The system calls that it may make: those of a load, and rare ones."""
    done = subprocess.run([CALLS], text=True, capture_output=True, check=True)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    return tuple({name for who, name, how in rows
                  if who == process and how == which}
                 for which in ("made", "rare"))


def needs_strace():
    if SANITIZED:
        raise Skip("a sanitizer makes calls of its own")
    if not shutil.which("strace") or not ROOT:
        raise Skip("needs strace, and root")


class Trace:
    """The system calls of a process, from now on."""

    def __init__(self, world, process):
        needs_strace()
        self.path = "%s/trace.%d" % (world.root, process.pid)
        self.process = process
        self.strace = subprocess.Popen(
            ["strace", "-f", "-qq", "-e", "signal=none", "-o", self.path,
             "-p", str(process.pid)], stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        wait_for(lambda: all(int(thread["TracerPid"]) for thread in
                             status_of(process.pid)))

    def end(self):
        """Their names; the process has ended."""
        self.strace.wait(60)
        with open(self.path) as file:
            return calls_in(file.read())


def calls_in(text):
    return set(re.findall(r"(?m)^\d+ +(?:<\.\.\. )?(\w+)[( ]", text))


def needed(process, made):
    """Nothing may be allowed that was not made, but what is rare."""
    usual, rare = rights(process)
    narrowed = {"mmap", "mprotect", "clone", "clone3", "socket", "prctl"}
    assert usual - made == set(), "never made: %s" % (usual - made)
    assert made - usual - rare - narrowed == set(), made - usual


PEOPLE = "user,name\ncarol,ci\ndave,ci\n"
PAT = "MDA5ODc2NTQzMjEwOgQkVEryS3cr3t"


def administer(world):
    """Each command of pat-admin that asks patd, and those of an administrator."""
    for name in ("batch", "users", "tokens"):
        open("%s/%s" % (world.root, name), "w").close()
    with open(world.root + "/batch", "w") as file:
        file.write(PEOPLE)
    with open(world.root + "/users", "w") as file:
        json.dump([{"user": "alice"}], file)
    token, other = world.token(), world.token("bob")
    ours, theirs = token[5:13], other[5:13]
    say = world.admin
    say("list"), say("show", ours), say("expiring", "--within", "900d")
    say("create", "--batch", world.root + "/batch", "--output",
        world.root + "/made")
    say("disable", theirs), say("enable", theirs)
    world.tokens.append(say("rotate", theirs).stdout.strip())
    say("test", "alice", said=token + "\n")
    say("identify", said=token + "\n")
    say("user", "disable", "carol"), say("user", "enable", "carol")
    say("user", "groups", "carol", "developers"), say("user", "list")
    say("sync-users", world.root + "/users", check=False)
    say("policy", "check"), say("policy", "apply", "--dry-run")
    say("upstream", "set", "alice", said=PAT + "\n"), say("upstream", "list")
    with Client(world.verify) as client:
        client.send(detailed("alice", token, 7, "jira"))
        assert client.details().upstream == "Bearer " + PAT
    say("upstream", "remove", "alice", check=False)
    say("audit", "verify", check=False), say("stats"), say("check", check=False)
    say("guard", "nginx", check=False), say("notify", check=False)
    say("backup", world.root + "/backup")
    records = say("export").stdout
    say("import", "-", said=records, check=False)
    say("revoke", theirs, check=False), say("purge")


def front_doors(world, token):
    """A right question and a wrong one through each of patd."""
    wrong = forged(token[5:13])
    assert world.ask("alice", token) == (ACCEPT, "alice")
    assert world.ask("alice", wrong)[0] == DENY
    assert world.hammer([("alice", token)], 200, conns=8, per_conn=10)[0] == 200
    for secret, answer in ((token, b"OK"), (wrong, b"NO")):
        with socket.socket(socket.AF_UNIX) as mux:
            mux.connect(world.run_dir + "/mux")
            mux.sendall(text("alice") + text(secret) + text("svn") + text(""))
            assert mux.recv(100)[2:4] == answer


def come_back(world):
    """What is removed under a running patd is made again."""
    os.rename(world.root + "/audit/trail", world.root + "/audit/trail.1")
    world.patd.send_signal(signal.SIGHUP)
    world.logged("settings: reloaded")
    os.unlink(world.verify), os.unlink(world.admin_sock)
    wait_for(world.answers)
    shutil.rmtree(world.run_dir)
    world.logged("sockets: cannot make ")
    os.mkdir(world.run_dir, 0o755)
    shutil.chown(world.run_dir, world.user)
    wait_for(world.answers)


def patd_load(world):
    administer(world)
    token = world.token()
    front_doors(world, token)
    come_back(world)
    front_doors(world, token)
    assert os.path.exists(world.root + "/audit/trail")


def patd_needs():
    """patd does all of its work in the sandbox: each front door, each command of
    administrators, reload, rotated logs, lost sockets; and makes each call that it
    may make"""
    more = AUDIT + MUX + "group_source = nss\n"
    if ROOT:
        more += "admin_group = daemon\n"
    with both(more, MORE + SERVICE) as world:
        start_patd(world)
        trace = Trace(world, world.patd)
        patd_load(world)
        assert world.stop() == 0
        needed("patd", trace.end())


def bearer(token):
    return "Authorization: Bearer " + token


def rest(http):
    """A token that alice makes for herself."""
    wish = b'{"name":"ci"}'
    http.send(request(
        "/rest/pat/latest/tokens", *OWN, "Content-Type: application/json",
        "Content-Length: %d" % len(wish), method="POST") + wish)
    answer = http.answer()
    assert answer.status == 201, answer.status
    return json.loads(answer.body)["rawToken"]


def httpd_load(world):
    token = world.token()
    for secret, status in ((token, 200), (forged(token[5:13]), 401)):
        with Http(world.http) as http:
            assert http.ask("/auth/jira", bearer(secret)).status == status
        assert test_fcgi.ask(world, secret).status == status
    with Http(world.http) as http:
        world.tokens.append(rest(http))
        assert http.ask("/tokens", *OWN).status == 200
    with Http(world.run_dir + "/metrics.sock") as http:
        assert http.send(request("/metrics")).file.readline().split()[1] == b"200"
    world.httpd.send_signal(signal.SIGHUP)
    world.httpd_logged("settings: reloaded")
    world.stop(), world.start()  # it finds patd again
    with Http(world.http) as http:
        wait_for(lambda: http.ask(
            "/auth/jira", bearer(token)).status == 200)


def httpd_needs():
    """pat-httpd does all of its work in the sandbox: HTTP, FastCGI, metrics, the
    page, its REST interface, reload, a patd that comes back; and makes each call that
    it may make"""
    with both(httpd=MORE) as world:
        start(world)
        trace = Trace(world, world.httpd)
        httpd_load(world)
        assert world.stop_httpd() == 0
        needed("pat-httpd", trace.end())


class Traced:
    """A patd for one question whose calls are noted from its filter on."""

    def __init__(self, world):
        self.world = world
        self.program = world.root + "/patd"
        with open(self.program, "w") as file:
            file.write("#!/bin/sh\nexec strace -f -qq -e signal=none -o %s/trace."
                       "$$ %s \"$@\"\n" % (world.root, world.patd_program))
        os.chmod(self.program, 0o755)

    def ask(self, token):
        answer, status = OneShot(
            self.world, "alice", token, program=self.program).end()
        assert (answer, status) == ((ACCEPT, "alice"), 0), (answer, status)

    def made(self):
        """The names of all of their calls."""
        names = set()
        for path in glob.glob(self.world.root + "/trace.*"):
            with open(path) as file:
                _, _, after = file.read().partition("filter=")
            names |= calls_in(after.partition("\n")[2])
        return names


def one_shot_needs():
    """so does patd for one question, alone, with others of its kind, and beside a
    patd that has the store"""
    needs_strace()
    with both(AUDIT + "group_source = nss\n", MORE + SERVICE) as world:
        token = world.token()
        traced = Traced(world)
        traced.ask(token)
        with ThreadPool(8) as crowd:
            crowd.map(traced.ask, [token] * 8)
        world.start()
        traced.ask(token)
        needed("patd --one-shot", traced.made())


OLDER = os.path.join(os.environ["JP_SOURCE"], "tests/compat/store-*.tar.xz")


def lay_out_older(world, fixture):
    """A store of an earlier version, and a token of alice in it."""
    shutil.rmtree(world.root + "/store"), shutil.rmtree(world.root + "/key")
    subprocess.run(["tar", "-C", world.root, "--no-same-owner", "-xJf", fixture],
                   stdin=subprocess.DEVNULL, check=True)
    if ROOT:
        for path in [world.root + "/store"] + glob.glob(world.root + "/store/*") + \
                glob.glob(world.root + "/key/*"):
            shutil.chown(path, world.user)
    with open(world.root + "/questions") as file:
        return re.search("(?m)^(\\S+)\taccepted\talice$", file.read())[1]


def one_shot_upgrades():
    """patd for one question opens a store of an earlier version, which it changes"""
    if not shutil.which("xz"):
        raise Skip("xz is missing")
    for fixture in sorted(glob.glob(OLDER)):
        with daemon_world(start=False) as world:
            token = lay_out_older(world, fixture)
            assert OneShot(world, "alice", token).end() == (
                (ACCEPT, "alice"), 0), fixture


# --- the name service -----------------------------------------------------------

# A mount namespace of its own has such a service and asks it, and /etc is as it is.
NAMES = """#!/bin/sh
[ -n "$JP_OWN" ] || JP_OWN=1 exec unshare -m "$0" "$@"
mount -t tmpfs tmpfs /run/systemd && mkdir /run/systemd/userdb &&
mount --bind {root}/nsswitch.conf /etc/nsswitch.conf || exit 1
{python} {source}/tests/daemon/userdb.py /run/systemd/userdb/org.example.Names &
echo $! >{root}/names.pid
while [ ! -S /run/systemd/userdb/org.example.Names ]; do sleep 0.1; done
exec {patd} "$@"
"""
GROUPED = "[service jira]\ngroups = far\n"


def has_names():
    """Whether a module here asks a daemon over a Unix socket."""
    return ROOT and os.path.isdir("/run/systemd") and shutil.which("unshare") and \
        glob.glob("/lib/*/libnss_systemd.so.2")


def names():
    """groups come from a daemon of the name service: its module is loaded in the
    sandbox, and asks it there"""
    if not has_names():
        raise Skip("needs root, libnss-systemd and /run/systemd")
    with both("group_source = nss\n", MORE + GROUPED) as world:
        program = world.root + "/patd"
        with open(program, "w") as file:
            file.write(NAMES.format(
                root=world.root, python=sys.executable, patd=world.patd_program,
                source=os.environ["JP_SOURCE"]))
        with open(world.root + "/nsswitch.conf", "w") as file:
            file.write("passwd: files systemd\ngroup: files systemd\n")
        os.chmod(program, 0o755)
        near, far = world.token("nearby"), world.token("remote")
        start_patd(world, program=program)
        assert world.ask("remote", far) == (ACCEPT, "remote"), world.read_log()
        assert world.ask("nearby", near)[0] == DENY
        with open(world.root + "/names.pid") as file:
            asked = "/proc/%d" % int(file.read())
        assert os.path.exists(asked)
        assert world.stop() == 0
        wait_for(lambda: not os.path.exists(asked))  # nothing is left


# --- where no patd runs ---------------------------------------------------------

OFFLINE = (("list",), ("create", "bob"), ("stats",), ("audit", "verify"),
           ("backup", "{root}/backup"), ("purge",), ("export",), ("policy", "check"),
           ("upstream", "list"))


def opened_as_root(trace, path):
    """The lines that open or make something there as root."""
    user = "0"
    with open(trace) as file:
        for line in file:
            change = re.search(r"setresuid\(-?\d+, (\d+),.* = 0", line)
            if change:
                user = change[1]
            elif user == "0" and path in line and " newfstatat(" not in line:
                yield line


def offline():
    """pat-admin, as root where no patd runs, becomes the store's user before it opens
    any file of the store"""
    needs_strace()
    with both(AUDIT) as world:
        trace = world.root + "/trace"
        for command in OFFLINE:
            done = subprocess.run(
                ["strace", "-f", "-qq", "-o", trace, "-e",
                 "trace=%file,setresuid", world.admin_program, "--config",
                 world.config, *(word.format(root=world.root) for word in command)],
                stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
            assert done.returncode == 0, (command, done.stderr)
            found = list(opened_as_root(trace, world.root + "/store"))
            assert not found, (command, found)


CASES = [held, said, off, end, kernel_tells, killed, refused, rare, patd_needs,
         httpd_needs, one_shot_needs, one_shot_upgrades, names, offline]
main([case for case in CASES
      if len(sys.argv) < 2 or case.__name__ in sys.argv[1:]])
