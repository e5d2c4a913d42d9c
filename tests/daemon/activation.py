"""What a service manager does for a daemon: it hands over listening sockets
(sd_listen_fds(3)).
"""
import os
import socket
import subprocess
import sys

LAUNCHER = """import os, sys
fds = [int(fd) for fd in sys.argv[1].split(",")]
for at, fd in enumerate(fds):
    os.dup2(fd, 100 + at)
for at, fd in enumerate(fds):
    os.dup2(100 + at, 3 + at)
os.environ["LISTEN_PID"] = str(os.getpid())
os.environ["LISTEN_FDS"] = str(len(fds))
os.environ["LISTEN_FDNAMES"] = sys.argv[2]
os.execv(sys.argv[3], sys.argv[3:])
"""


def listening(address, kind=socket.SOCK_STREAM):
    """A socket of the service manager; one with a path is open to everybody."""
    is_path = isinstance(address, str)
    sock = socket.socket(socket.AF_UNIX if is_path else socket.AF_INET, kind)
    if is_path:
        os.makedirs(os.path.dirname(address), 0o755, exist_ok=True)
    sock.bind(address)
    sock.listen(16)
    if is_path:
        os.chmod(address, 0o666)
    return sock


def launch(sockets, command, log, names="", **options):
    """The process of `command`, which has them from descriptor 3 on."""
    fds = [sock.fileno() for sock in sockets]
    with open(log, "a") as file:
        return subprocess.Popen(
            [sys.executable, "-c", LAUNCHER, ",".join(map(str, fds)), names,
             *command], stdin=subprocess.DEVNULL, stdout=file, stderr=file,
            pass_fds=fds, **options)
