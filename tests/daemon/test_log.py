"""A log that nobody reads: it delays no answer, and what was lost is said."""
import os
import re
import socket
import subprocess
import threading
import time

from daemon import (ACCEPT, DENY, PATD, ROOT, Client, Skip, main, wait_for,
                    world)

ANSWERS = 4000
DEVICES = """
mkdir -p "$1" && mount -t tmpfs tmpfs "$1" &&
for name in null zero random urandom; do
	: >"$1/$name" && mount --bind "/dev/$name" "$1/$name" || exit 99
done
mount --move "$1" /dev || exit 99
ln -s "$2" /dev/log && shift 2 && exec "$@"
"""


def ask_often(place, token, count=ANSWERS):
    """Accepted questions, which --debug logs one by one: where the log held one up,
    it would do so for ever."""
    with Client(place.verify) as client:
        for _ in range(count):
            assert client.ask("alice", token) == (ACCEPT, "alice")


def start_with(place, stderr, *args, **options):
    place.patd = subprocess.Popen(
        [PATD, "--config", place.config, *args], stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=stderr, **options)
    wait_for(lambda: place.patd.poll() is not None or place.answers())
    assert place.patd.poll() is None, place.patd.returncode


def read_all(fd, parts):
    """Adds what comes until the end of a pipe."""
    while part := os.read(fd, 1 << 16):
        parts.append(part)


def lost_in(log):
    return sum(map(int, re.findall(r"log: (\d+) lines lost", log)))


def pipe_that_nobody_reads():
    """nobody reads standard error: every answer comes, and what was lost is
    counted, logged and shown by stats"""
    with world(start=False) as place:
        token = place.token()
        reader, writer = os.pipe()
        start_with(place, writer, "--debug")
        os.close(writer)
        ask_often(place, token)
        stats = place.stats()
        assert stats["log"]["lost"] > 0, stats["log"]
        exposed = place.admin("stats", "--prometheus").stdout
        assert "jira_pat_log_lost_lines_total %d\n" % (
            stats["log"]["lost"]) in exposed
        parts = []
        thread = threading.Thread(target=read_all, args=(reader, parts))
        thread.start()
        # Behind what was lost, the log goes on.
        wait_for(lambda: lost_in(b"".join(parts).decode()) > 0)
        assert place.ask("bob", token)[0] == DENY
        assert place.stop() == 0
        thread.join()
        os.close(reader)
        log = b"".join(parts).decode()
        seen = log.count("reason=accepted")
        assert lost_in(log) == stats["log"]["lost"], (lost_in(log), stats)
        assert seen + lost_in(log) == ANSWERS, (seen, lost_in(log))
        assert "reason=wrong-user" in log and "stopping" in log, log[-500:]


def stop_in_time():
    """nobody reads standard error: patd stops all the same, in time"""
    with world(start=False) as place:
        token = place.token()
        reader, writer = os.pipe()
        start_with(place, writer, "--debug")
        os.close(writer)
        ask_often(place, token)
        begin = time.monotonic()
        assert place.stop() == 0
        assert time.monotonic() - begin < 15
        os.close(reader)


def reader_gone():
    """the reader of standard error leaves: patd goes on, and counts"""
    with world(start=False) as place:
        token = place.token()
        reader, writer = os.pipe()
        start_with(place, writer, "--debug")
        os.close(writer)
        os.close(reader)
        ask_often(place, token, 100)
        wait_for(lambda: place.stats()["log"]["lost"] >= 100)
        assert place.stop() == 0


def nonblocking():
    """a standard error that somebody made non-blocking loses no line"""
    with world(start=False) as place:
        token = place.token()
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        start_with(place, writer, "--debug")
        os.close(writer)
        ask_often(place, token, 600)  # more than a pipe holds
        parts = []
        thread = threading.Thread(target=read_all, args=(reader, parts))
        thread.start()
        assert place.stop() == 0
        thread.join()
        os.close(reader)
        log = b"".join(parts).decode()
        assert log.count("reason=accepted") == 600
        assert lost_in(log) == 0


def syslog_that_nobody_reads():
    """nobody reads syslog: every answer comes, and what was lost is said"""
    if not ROOT or subprocess.run(
            ["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
            capture_output=True).returncode != 0:
        raise Skip("cannot make a /dev of its own here")
    with world(start=False) as place:
        token = place.token()
        path = place.root + "/syslog"
        logger = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        logger.bind(path)
        os.chmod(path, 0o777)
        place.patd = subprocess.Popen(
            ["unshare", "-m", "sh", "-c", DEVICES, "sh", place.root + "/dev",
             path, PATD, "--config", place.config, "--syslog", "--debug"],
            stdin=subprocess.DEVNULL)
        wait_for(lambda: place.patd.poll() is not None or place.answers())
        assert place.patd.poll() is None, place.patd.returncode
        ask_often(place, token)
        lost = place.stats()["log"]["lost"]
        assert lost > 0
        logger.settimeout(60)
        said = ""
        while lost_in(said) < lost:
            said += logger.recv(4096).decode() + "\n"
        assert said.count("reason=accepted") + lost == ANSWERS
        logger.close()
        assert place.stop() == 0


def denials_are_limited():
    """a flood of denials is a few lines of the log and one with the count"""
    with world() as place:
        token = place.token()
        with Client(place.verify) as client:
            for _ in range(3000):
                assert client.ask("alice", "hunter2")[0] == DENY
        assert place.ask("bob", token)[0] == DENY  # another reason
        place.stop()
        log = place.read_log()
        lines = [line for line in log.splitlines() if "reason=shape" in line]
        more = sum(map(int, re.findall(
            r"denied: reason=shape peer=%d: (\d+) more" % os.geteuid(), log)))
        assert len(lines) < 100, len(lines)
        whole = [line for line in lines if " more, " not in line]
        assert len(whole) + more == 3000, (len(whole), more)
        assert log.count("reason=wrong-user") == 1, log




def closed_from_the_start():
    """without standard descriptors the log goes into no file of the store, and
    its lines count as lost"""
    with world(start=False) as place:
        token = place.token()
        place.patd = subprocess.Popen(
            ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", PATD, "--config",
             place.config, "--debug"])
        wait_for(lambda: place.patd.poll() is not None or place.answers())
        for fd in range(3):
            held = os.readlink("/proc/%d/fd/%d" % (place.patd.pid, fd))
            assert held == "/dev/null", held
        ask_often(place, token, 100)
        wait_for(lambda: place.stats()["log"]["lost"] >= 100)
        with open(place.root + "/store/store.lock") as lock:
            assert lock.read() == "patd (pid %d)\n" % place.patd.pid
        assert place.stop() == 0


def notified(place, more, patience=2):
    """The first ten datagrams of a patd with this in its environment, or those until
    none came for so many seconds.
    """
    path = place.root + "/notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(path)
        os.chmod(path, 0o777)
        sock.settimeout(60)
        place.patd = subprocess.Popen(
            [PATD, "--config", place.config], stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "NOTIFY_SOCKET": path, **more})
        assert sock.recv(4096).startswith(b"READY=1")
        sock.settimeout(patience)
        signs = []
        try:
            while len(signs) < 10:
                signs.append(sock.recv(4096))
        except socket.timeout:
            pass
        os.unlink(path)
        assert place.stop() == 0
        return signs


def watchdog():
    """the loop shows signs of life as often as the service manager wants, and
    none that are meant for another process"""
    with world(start=False) as place:
        every = {"WATCHDOG_USEC": "400000"}
        assert notified(place, every, 60) == 10 * [b"WATCHDOG=1"]
        assert notified(place, {**every, "WATCHDOG_PID": "1"}) == []
        for nonsense in ("", "0", "-5", "soon", "9" * 30):
            assert notified(place, {"WATCHDOG_USEC": nonsense}) == []
        assert notified(place, {}) == []


main([pipe_that_nobody_reads, stop_in_time, reader_gone, nonblocking,
      closed_from_the_start,
      syslog_that_nobody_reads, denials_are_limited, watchdog])
