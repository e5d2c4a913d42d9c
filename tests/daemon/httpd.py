"""pat-httpd for tests, in a world of daemon.py with its own patd."""
import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time

from daemon import BUILD, ROOT, Skip, World, wait_for

HTTPD = os.path.join(BUILD, "pat_httpd/pat-httpd")
USER = "bin" if ROOT else None  # not the user of patd, nor a person's


def library_is_strict():
    """Whether the HTTP library, as pat-httpd loads it, is one of those from 1.0 on:
    they refuse some of what RFC 9112 lets a server overlook."""
    library = ctypes.CDLL("libmicrohttpd.so.12")
    library.MHD_get_version.restype = ctypes.c_char_p
    return not library.MHD_get_version().startswith(b"0.")


class Answer:
    """One answer of HTTP, read from a file object."""

    def __init__(self, file, head_only=False):
        line = file.readline()
        if not line:
            raise EOFError
        version, status, _ = line.decode().split(" ", 2)
        assert version == "HTTP/1.1", line
        self.status = int(status)
        self.fields = []
        while (line := file.readline()) not in (b"\r\n", b""):
            name, value = line.decode().rstrip("\r\n").split(": ", 1)
            self.fields.append((name, value))
        assert line == b"\r\n", "cut in its head"
        site = self.one("Content-Security-Policy") is not None
        # The library's own complaints have neither.
        assert self.all("Cache-Control") == ["no-store"] or site or \
            self.status in (400, 413, 414, 431, 505), self.fields
        empty = head_only or self.status in (100, 204, 304)
        length = "0" if empty else self.one("Content-Length")
        self.body = file.read(int(length))
        assert self.status != 200 or length == "0" or site

    def all(self, name):
        return [value for key, value in self.fields if key == name]

    def one(self, name):
        values = self.all(name)
        assert len(values) <= 1, self.fields
        return values[0] if values else None


def request(path="/auth/jira", *fields, method="GET", version="1.1"):
    """The bytes of a request with these fields, each "Name: value"."""
    lines = ["%s %s HTTP/%s" % (method, path, version), "Host: localhost"]
    return "\r\n".join([*lines, *fields, "", ""]).encode("latin-1")


ASKS_AS = """import os, socket, sys
os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[2]))
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
try:
    s.sendall(sys.stdin.buffer.read())
except OSError:
    pass
print(s.recv(1000).decode().split()[1])"""


def status_for(path, uid, sent):
    """The status that this request gets from a process of that uid."""
    done = subprocess.run(
        [sys.executable, "-c", ASKS_AS, path, str(uid)], input=sent,
        capture_output=True, timeout=60)
    return done.stdout.decode().strip() or done.stderr.decode()


class Connection:
    """One to a listener of pat-httpd, in whatever protocol."""

    def __init__(self, address, timeout=60):
        unix = isinstance(address, str)
        self.sock = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
        self.sock.settimeout(timeout)
        end = time.monotonic() + timeout
        while True:  # as long as those before were not taken
            try:
                self.sock.connect(address)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    self.sock.close()
                    raise
            except BaseException:
                self.sock.close()
                raise
        self.file = self.sock.makefile("rb")

    def send(self, data):
        self.sock.sendall(data)
        return self

    def closed(self):
        """Whether nothing more comes."""
        try:
            return self.file.read(1) == b""
        except ConnectionError:
            return True

    def close(self):
        self.file.close()
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Http(Connection):
    """The same of a proxy that speaks HTTP."""

    def answer(self, head_only=False):
        return Answer(self.file, head_only)

    def ask(self, *args, **options):
        self.send(request(*args, **options))
        return self.answer(options.get("method") == "HEAD")


class Place(World):
    def __init__(self, more="", **options):
        user = "user = %s\n" % USER if ROOT else ""
        self.httpd = None
        super().__init__("[pat-httpd]\n" + user + more, **options)
        self.http = os.path.join(self.run_dir, "http.sock")
        self.fcgi = os.path.join(self.run_dir, "fcgi.sock")
        self.httpd_log = os.path.join(self.root, "httpd.log")

    def spawn_httpd(self, *args, **options):
        with open(self.httpd_log, "a") as log:
            return subprocess.Popen(
                [HTTPD, "--config", self.config, *args],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, **options)

    def httpd_answers(self):
        try:
            Http(self.http).close()
            return True
        except OSError:
            return False

    def start_httpd(self, *args, **options):
        ready = self.read_httpd_log().count("pat-httpd: ready")
        self.httpd = self.spawn_httpd(*args, **options)
        wait_for(lambda: self.httpd.poll() is not None or
                 self.read_httpd_log().count("pat-httpd: ready") > ready)
        assert self.httpd.poll() is None, self.read_httpd_log()[-400:]

    def run_httpd(self, *args, **options):
        """One that is expected to leave by itself."""
        return subprocess.run(
            [HTTPD, "--config", self.config, *args], text=True, timeout=60,
            stdin=subprocess.DEVNULL, capture_output=True, **options)

    def stop_httpd(self, sig=signal.SIGTERM):
        self.httpd.send_signal(sig)
        status = self.httpd.wait(30)
        self.httpd = None
        return status

    def read_httpd_log(self):
        try:
            with open(self.httpd_log) as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def httpd_logged(self, said):
        wait_for(lambda: said in self.read_httpd_log())

    def httpd_fds(self):
        try:
            return len(os.listdir("/proc/%d/fd" % self.httpd.pid))
        except PermissionError:
            raise Skip("needs root") from None


@contextlib.contextmanager
def ending(world):
    """At the end no token may be in a log, and all of the world goes."""
    try:
        yield world
        log = world.read_log() + world.read_httpd_log() + world.read_trail()
        for token in world.tokens:
            assert token not in log, "a token is in the log"
            assert token[14:] not in log, "a secret is in the log"
        for sign in ("Sanitizer: ", "runtime error: "):
            assert sign not in log, log[max(0, log.index(sign) - 99):]
    finally:
        for process in (world.httpd, world.patd):
            if process is not None:
                process.kill()
                process.wait()
        world.remove()


@contextlib.contextmanager
def place(more="", args=("--debug",), start=True, **options):
    """patd and pat-httpd."""
    with ending(Place(more, **options)) as world:
        if start:
            world.start("--debug")
            world.start_httpd(*args)
        yield world
