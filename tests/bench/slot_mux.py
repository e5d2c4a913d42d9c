"""Slot 3: the saslauthd protocol."""
import contextlib
import os
import shutil
import signal
import time

from measure import Contender, Missing, Target, figures
from place import USER, Failed, drive, expect, processes, program

NAME = "mux"
TITLE = "The saslauthd protocol"
ABOUT = """\
One operation is what libsasl does for a password with `pwcheck_method:
saslauthd`: connect, send, read the answer, close; from one client, and from
eight at once. saslauthd runs with its five processes and asks PAM, where
pam_permit says yes: the least that PAM can cost. With -c it remembers an MD5 of
the password, and does not see for eight hours that it was revoked; patd reads
the token's record every time. The rate is limited by the processors: with two of
them and eight clients, what the clients themselves use counts."""
BASE = "saslauthd -c, 1 client"
COLUMNS = [("rate", "per second", "%.0f"), ("cpu_us", "CPU µs", "%.1f"),
           ("client_us", "client", "%.1f"), ("server_us", "server", "%.1f"),
           ("p50_us", "p50 µs", "%.0f"), ("p99_us", "p99 µs", "%.0f")]
PLOT = ("rate", "answers per second")
CROWDS = (1, 8)


def clients(number):
    return "%d client%s" % (number, "s" if number > 1 else "")


def versus(crowd, limit):
    return Target(
        "with %s at least %g × the rate of saslauthd -c" % (
            clients(crowd), limit), "rate", "ours, " + clients(crowd), ">=",
        limit, "saslauthd -c, " + clients(crowd))


TARGETS = [versus(1, 1.4), versus(8, 1.8)]


class Saslauthd:
    """It puts itself into the background; its pid is in a file."""

    def __init__(self, place, name, arguments):
        folder = place.path(name)
        os.mkdir(folder, 0o755)
        self.socket = os.path.join(folder, "mux")
        self.pid_file = os.path.join(folder, "saslauthd.pid")
        self.pid = None
        self.starter = place.server(
            name, [program_of_saslauthd(), "-m", folder, "-a", "pam",
                   *arguments],
            {"LD_PRELOAD": place.module("tests/lib/.libs/pam_confdir.so"),
             "JP_PAM_CONFDIR": place.path("pam.d")})
        place.servers.append(self)
        end = time.monotonic() + 30
        while not (self.has_pid() and os.path.exists(self.socket)):
            if time.monotonic() > end:
                raise Failed("saslauthd does not start")
            time.sleep(0.02)

    def has_pid(self):
        with contextlib.suppress(OSError, ValueError):
            with open(self.pid_file) as file:
                self.pid = int(file.read())
        return self.pid is not None

    def pids(self):
        return processes(self.pid)

    def stop(self):
        if self.pid is None:
            return
        everyone = self.pids()
        for how in (signal.SIGTERM, signal.SIGKILL):
            for pid in everyone:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, how)
            end = time.monotonic() + 5
            while any(os.path.exists("/proc/%d" % pid) for pid in everyone):
                if time.monotonic() > end:
                    break
                time.sleep(0.02)


def program_of_saslauthd():
    return shutil.which("saslauthd", path=os.environ["PATH"] + ":/usr/sbin")


def contender(place, name, socket, server, crowd, token):
    warm = 1 if place.operations else 50

    def turn(count):
        result = drive(
            [program("crowd"), "mux", socket, str(crowd), str(warm),
             str(count), "0"], ["warm %s %s" % (USER, token)], [server])
        operations = expect(result, "warm", "accepted")
        found = figures(operations, result["wall_ns"], result["cpu_ns"],
                        result["server_ns"])
        for part in ("p50", "p99"):
            found[part + "_us"] = result["kinds"]["all"][part + "_ns"] / 1e3
        return found

    return Contender("%s, %s" % (name, clients(crowd)), turn)


def ours(place):
    store = place.store("mux = @ROOT@/run/mux")
    token = store.token(USER)
    return token, [contender(place, "ours", os.path.join(
        store.root, "run/mux"), store, crowd, token) for crowd in CROWDS]


def contenders(place):
    token, everyone = ours(place)
    place.service("bench", "pam_permit.so")
    for name, arguments in (("saslauthd -c", ["-c"]), ("saslauthd", [])):
        if not program_of_saslauthd():
            everyone += [Missing("%s, %s" % (name, clients(crowd)),
                                 "saslauthd is missing: apt-get install "
                                 "sasl2-bin") for crowd in CROWDS]
            continue
        server = Saslauthd(place, name.replace(" ", ""), arguments)
        everyone += [contender(place, name, server.socket, server, crowd,
                               token) for crowd in CROWDS]
    return everyone
