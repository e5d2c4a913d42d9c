"""Stands in for systemd where it does not run: starts a service as its unit says, and
starts it anew if it ends, or if its watchdog does not hear of it in time.

    supervise.py SERVICE [SOCKET...] -- COMMAND...

SERVICE is a unit (WatchdogSec=, RestartSec=), SOCKET a unit and its drop-ins: what they
open is opened here, for as long as this runs, and passed. SIGTERM ends both. What it
does is printed."""
import fcntl
import os
import re
import select
import signal
import socket
import sys
import tempfile
import time

FIRST_FD = 3  # sd_listen_fds(3)


KINDS = {"ListenStream": socket.SOCK_STREAM,
         "ListenSequentialPacket": socket.SOCK_SEQPACKET}


def settings(files):
    """What the units say: names and values."""
    found = []
    for name in files:
        with open(name, encoding="utf-8") as file:
            found += re.findall(r"^([A-Za-z]+)=(.*)$", file.read(), re.M)
    return found


def opened(path, kind, unit):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.exists(path):
        os.unlink(path)
    sock = socket.socket(socket.AF_UNIX, kind)
    sock.bind(path)
    os.chmod(path, int(unit["SocketMode"], 8))
    sock.listen(int(unit["Backlog"]))
    return sock


class Service:
    def __init__(self, service, sockets, command):
        unit = dict(settings([service]))
        self.command = command
        self.watchdog = float(unit["WatchdogSec"].removesuffix("s"))
        self.pause = float(unit["RestartSec"].removesuffix("s"))
        listed = settings(sockets)
        self.sockets = [opened(value, KINDS[name], dict(listed))
                        for name, value in listed if name in KINDS]
        self.folder = tempfile.mkdtemp()
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(f"{self.folder}/notify")
        os.chmod(self.folder, 0o755)
        os.chmod(f"{self.folder}/notify", 0o666)
        self.pid = 0

    def start(self):
        self.pid = os.fork()
        if self.pid == 0:
            high = [fcntl.fcntl(sock, fcntl.F_DUPFD, 100) for sock in self.sockets]
            for place, fd in enumerate(high):
                os.dup2(fd, FIRST_FD + place)
            os.environ.update({
                "NOTIFY_SOCKET": f"{self.folder}/notify",
                "WATCHDOG_USEC": str(int(self.watchdog * 1000000)),
                "WATCHDOG_PID": str(os.getpid())})
            if self.sockets:
                os.environ.update({"LISTEN_FDS": str(len(self.sockets)),
                                   "LISTEN_PID": str(os.getpid())})
            os.execv(self.command[0], self.command)
        print(f"started {self.pid}", flush=True)

    def heard(self, until):
        """Waits for a sign of life: whether there was one by then."""
        ready, _, _ = select.select([self.notify], [], [],
                                    max(0, until - time.monotonic()))
        return bool(ready) and bool(self.notify.recv(4096))

    def run_once(self):
        """Until it ends, or is ended as systemd does it: SIGABRT, and SIGCONT for a
        process that was stopped."""
        self.start()
        until = time.monotonic() + self.watchdog
        while os.waitpid(self.pid, os.WNOHANG) == (0, 0):
            if self.heard(min(until, time.monotonic() + 0.2)):
                until = time.monotonic() + self.watchdog
            elif time.monotonic() >= until:
                print(f"watchdog: {self.pid}", flush=True)
                os.kill(self.pid, signal.SIGABRT)
                os.kill(self.pid, signal.SIGCONT)
                os.waitpid(self.pid, 0)
                break
        print(f"ended {self.pid}", flush=True)
        self.pid = 0
        time.sleep(self.pause)

    def end(self, *_):
        if self.pid:
            os.kill(self.pid, signal.SIGTERM)
            os.kill(self.pid, signal.SIGCONT)
            os.waitpid(self.pid, 0)
        os.unlink(f"{self.folder}/notify")
        os.rmdir(self.folder)
        sys.exit(0)


def main():
    split = sys.argv.index("--")
    service = Service(sys.argv[1], sys.argv[2:split], sys.argv[split + 1:])
    signal.signal(signal.SIGTERM, service.end)
    while True:
        service.run_once()


main()
