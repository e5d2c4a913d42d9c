"""pat-clusterd as a process: its settings, its rights, its host, and its end."""
import os
import re
import shutil

import daemon
import link
from clusterd import CLUSTER, batch_id, make, pair, run, welcome
from link import OK, Place


def host_misbehaves():
    """a host that sends what is no message, or not in its turn, loses its connection,
    and gets another"""
    make("a")
    with Place(pair().conninfo()) as place:
        for wrong in (b"", b"x", b"JPC1", b"JPC1\x0c" + bytes(30),
                      link.encode("LEASE", req=1), b"JPC1\x01" + bytes(20),
                      bytes(70000)):
            host = place.host()
            host.sock.send(wrong or b"\0")
            assert host.is_closed(), wrong
            host.close()
        with welcome("a", place=place) as host:
            host.hello("a", CLUSTER)
            assert host.is_closed()
        with welcome("a", place=place) as host:
            assert host.lease().ok


def ends():
    """SIGTERM ends it at once, and it leaves nothing in the database"""
    make("a")
    with welcome("a") as host:
        assert host.place.kill(15) == 0
        with pair().owner() as session:
            daemon.wait_for(lambda: not session.rows(
                "SELECT 1 FROM pg_stat_activity WHERE application_name "
                "LIKE 'pat-clusterd%'"))


def settings():
    """--check-config says what is wrong with the conninfo, and repeats no password"""
    for conninfo, says in (
            ("host=127.0.0.1 dbname=x", None),
            ("host=db.example dbname=x", "verify-full"),
            ("host=127.0.0.1 password=hunter2", "password"),
            ("host=127.0.0.1 colour=red", "colour"),
            ("service=x", "service")):
        with Place(conninfo, start=False) as place:
            done = place.run("--check-config")
            assert (done.returncode == 0) == (says is None), (conninfo, done)
            assert says is None or says in done.stderr, done
            assert "hunter2" not in done.stderr + done.stdout


def no_section():
    """a host of no cluster is told once, and has a status of its own: 1"""
    with Place("host=/tmp", start=False) as place:
        with open(place.config) as file:
            config = file.read().partition("[cluster]")[0]
        with open(place.config, "w") as file:
            file.write(config)
        for arguments in ((), ("--check-config",), ("--setup",)):
            done = place.run(*arguments)
            assert done.returncode == 1, done
            assert done.stderr.count("\n") == 1, done
            for word in ("no section [cluster]", "jira-pat.conf(5)",
                         "systemctl disable pat-clusterd"):
                assert word in done.stderr, done
        os.remove(place.config)
        assert place.run().returncode == 3  # it may be there at the next start


def named_files(root):
    """Files that conninfo may name: how each is made, what is wrong with it; None:
    nothing."""
    good, gone = os.path.join(root, "good"), os.path.join(root, "gone")
    wide, folder = os.path.join(root, "wide"), os.path.join(root, "folder")
    for path, mode in ((good, 0o600), (wide, 0o644)):
        with open(path, "w") as file:
            file.write("x\n")
        os.chmod(path, mode)
        if link.ROOT:
            shutil.chown(path, "daemon", "daemon")
    os.mkdir(folder)
    yield "", None
    for key in ("sslrootcert", "sslcert", "sslcrl", "sslkey", "passfile"):
        yield "%s=%s" % (key, good), None
        yield "%s=%s" % (key, gone), ("there is no such file",)
        yield "%s=%s" % (key, folder), ("is not a file",)
        yield "%s=good" % key, ("from / on",)
    yield "sslcrldir=" + folder, None
    yield "sslcrldir=" + good, ("is not a directory",)
    yield "sslrootcert=" + wide, None
    yield "sslkey=" + wide, ("others may read it", "chmod 600 " + wide)
    yield "passfile=" + wide, ("others may read it", "chmod 600 " + wide)
    yield "sslrootcert=system", None
    if link.ROOT:
        yield from files_of_others(root)


def files_of_others(root):
    """The same, of what the user of pat-clusterd cannot read, or only so."""
    mine, group = os.path.join(root, "mine"), os.path.join(root, "group")
    for path, mode, who in ((mine, 0o600, "root"), (group, 0o640, "daemon")):
        with open(path, "w") as file:
            file.write("x\n")
        os.chmod(path, mode)
        shutil.chown(path, "root", who)
    hidden = os.path.join(root, "hidden")
    os.mkdir(hidden, 0o700)
    for key, advice in (("sslrootcert", "chmod a+r"), ("sslcert", "chmod a+r"),
                        ("sslkey", "chown daemon"), ("passfile", "chown daemon")):
        yield "%s=%s" % (key, mine), ("cannot read it", "%s %s" % (advice, mine))
        yield "%s=%s/file" % (key, hidden), ("directory above it", "chmod a+x")
    # libpq takes that of a key alone.
    yield "sslkey=" + group, None
    yield "passfile=" + group, ("others may read it",)


def settings_files():
    """--check-config finds each file of the conninfo that is not there, or that libpq
    would not take"""
    with Place("host=/tmp", start=False) as place:
        with open(place.config) as file:
            config = file.read()
        for words, says in named_files(place.root):
            with open(place.config, "w") as file:
                file.write(config.replace("host=/tmp", "host=/tmp " + words))
            done = place.run("--check-config")
            said = done.stderr + done.stdout
            if says is None:
                assert done.returncode == 0 and "good" in done.stdout, (words, done)
            else:
                assert done.returncode == 3 and done.stderr.count("\n") == 1, (
                    words, done)
                assert all(word in done.stderr for word in (words, *says)), (words, said)


def confined():
    """it runs as the user of [cluster], without any right, and with the system calls
    alone that it makes"""
    make("a")
    with welcome("a") as host:
        with open("/proc/%d/status" % host.place.process.pid) as file:
            status = dict(line.split(":", 1) for line in file)
        assert status["CapEff"].strip("0\t\n") == "", status["CapEff"]
        assert status["CapBnd"].strip("0\t\n") == "" or not link.ROOT
        assert status["NoNewPrivs"].strip() == "1"
        if link.ROOT:
            assert status["Uid"].split()[0] == str(daemon.pwd.getpwnam(
                "daemon").pw_uid)
        if "sandbox: capabilities dropped" in host.place.said() and \
                "no seccomp" not in host.place.said():
            assert status["Seccomp"].strip() == "2"


def calls():
    """and makes each of those"""
    if daemon.SANITIZED or not link.ROOT or not daemon.shutil.which("strace"):
        raise daemon.Skip("needs strace, and root")
    make("a", "b")
    rights = daemon.subprocess.run(
        [os.path.join(link.BUILD, "tests/daemon/sandbox_calls")], text=True,
        capture_output=True, check=True).stdout
    usual = {line.split("\t")[1] for line in rights.splitlines()
             if line.startswith("pat-clusterd\t") and line.endswith("\tmade")}
    with Place(pair().conninfo(), start=False) as place:
        place.listen()
        trace = os.path.join(place.root, "trace")
        place.process = daemon.subprocess.Popen(
            ["strace", "-f", "-qq", "-e", "signal=none", "-o", trace, link.CLUSTERD,
             "--config", place.config], stdin=daemon.subprocess.DEVNULL,
            stdout=daemon.subprocess.DEVNULL, stderr=daemon.subprocess.DEVNULL)
        with welcome("a", place=place) as host, welcome("b") as other:
            assert other.append(0, batch_id(1), bytes(300000)).result == OK
            host.wait("BATCH")
            with pair().owner() as session:
                session.rows("SELECT pg_terminate_backend(pid) FROM "
                             "pg_stat_activity WHERE application_name "
                             "= 'pat-clusterd a'")
            host.wait("WELCOME")
        with open("/proc/%d/task/%d/children" % ((place.process.pid,) * 2)) as file:
            os.kill(int(file.read().split()[0]), 15)
        place.process.wait(link.LIMIT)
        with open(trace) as file:
            made = set(re.findall(r"(?m)^\d+ +(?:<\.\.\. )?(\w+)[( ]",
                                  file.read().partition("filter=")[2]))
    assert usual - made == set(), usual - made


def environment():
    """what the environment says of a database does not count"""
    make("a")
    with Place(pair().conninfo(), start=False) as place:
        place.listen()
        place.start(env=dict(os.environ, PGOPTIONS="-c colour=red",
                             PGPASSWORD="hunter2", PGSSLMODE="require"))
        with welcome("a", place=place) as host:
            assert host.lease().ok


CASES = [host_misbehaves, ends, settings, no_section, settings_files, confined, calls,
         environment]

if __name__ == "__main__":
    run(CASES)
