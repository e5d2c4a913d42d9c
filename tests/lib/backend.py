#!/usr/bin/env python3
"""Stands in for Jira behind a proxy: answers, as JSON, what reached it.

Usage: backend.py PORT_FILE [LOG_FILE]

Listens on a free port of 127.0.0.1 and writes the port into PORT_FILE. The
answer to every request:

    {"method": "GET", "path": "/a%2Fb?c", "x_forwarded_user": ["alice"],
     "authorization": [], "cookie": [], "headers": ["host", ...],
     "fields": [["Host", "localhost"], ...], "received": 0}

`received` counts the bytes of the body, `sha256` is theirs. /rest/api/2/myself
adds what Jira says there: {"name": "alice", "key": ...}; or answers 401 if no
user reached it. /status/404 has that status. Every answer sets a cookie, as
Jira does. A WebSocket gets its first message back.

LOG_FILE gets a line for each request as soon as its head is there: the users
and the path, as JSON. Another one, "PATH BYTES", for each megabyte of its body.
"""

import base64
import hashlib
import http.server
import json
import os
import sys

WEBSOCKET = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3
MEGABYTE = 1 << 20


class Log:
    """One write(2) a line: whoever reads it sees whole lines."""

    def __init__(self, path):
        self.fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def line(self, text):
        os.write(self.fd, (text + "\n").encode())


class NoLog:
    def line(self, text):
        pass


class Backend(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    log = NoLog()

    def log_message(self, *args):
        pass  # a request may hold what must not be logged

    def all(self, name):
        return self.headers.get_all(name) or []

    def chunks(self):
        """The parts of a body in chunks (RFC 9112 section 7.1)."""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            while size > 0:
                part = self.rfile.read(min(size, MEGABYTE))
                if not part:
                    raise ConnectionError("the body is cut")
                size -= len(part)
                yield part
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # trailers

    def counted(self):
        """The parts of a body of a known length."""
        left = int(self.headers.get("Content-Length") or 0)
        while left > 0:
            part = self.rfile.read(min(left, MEGABYTE))
            if not part:
                raise ConnectionError("the body is cut")
            left -= len(part)
            yield part

    def body(self):
        """How long it is, and its hash."""
        chunked = "chunked" in (self.headers.get("Transfer-Encoding") or "")
        received, digest = 0, hashlib.sha256()
        for part in self.chunks() if chunked else self.counted():
            if (received + len(part)) // MEGABYTE > received // MEGABYTE:
                self.log.line(f"{self.path} {received + len(part)}")
            received += len(part)
            digest.update(part)
        return received, digest.hexdigest()

    def websocket(self):
        """Its first message, which is short, comes back (RFC 6455)."""
        key = self.headers.get("Sec-WebSocket-Key", "").encode()
        accept = base64.b64encode(hashlib.sha1(key + WEBSOCKET).digest())
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", accept.decode())
        self.end_headers()
        length = self.rfile.read(2)[1] & 0x7f
        mask = self.rfile.read(4)
        text = bytes(byte ^ mask[at % 4]
                     for at, byte in enumerate(self.rfile.read(length)))
        self.wfile.write(bytes([0x81, len(text)]) + text)
        self.close_connection = True

    def seen(self):
        received, digest = self.body()
        return {
            "method": self.command,
            "path": self.path,
            "x_forwarded_user": self.all("X-Forwarded-User"),
            "authorization": self.all("Authorization"),
            "cookie": self.all("Cookie"),
            "headers": sorted({name.lower() for name in self.headers.keys()}),
            "fields": self.headers.items(),
            "received": received,
            "sha256": digest,
        }

    def answer(self):
        users = self.all("X-Forwarded-User")
        self.log.line(json.dumps([users, self.path]))
        if self.headers.get("Upgrade", "").lower() == "websocket":
            self.websocket()
            return
        seen = self.seen()
        status = 200
        if self.path.split("?")[0] == "/rest/api/2/myself":
            if len(users) == 1 and users[0]:
                seen.update(name=users[0], key=users[0], active=True)
            else:
                status = 401
        if self.path.startswith("/status/"):
            status = int(self.path[8:11])
        self.send_json(status, seen)

    def send_json(self, status, seen):
        body = (json.dumps(seen, sort_keys=True) + "\n").encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Set-Cookie", "JSESSIONID=0123; Path=/; HttpOnly")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = answer
    do_PATCH = answer


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main():
    server = Server(("127.0.0.1", 0), Backend)
    port_file = sys.argv[1]
    if len(sys.argv) > 2:
        Backend.log = Log(sys.argv[2])
    with open(port_file + ".new", "w", encoding="ascii") as out:
        print(server.server_address[1], file=out)
    os.rename(port_file + ".new", port_file)
    server.serve_forever()


if __name__ == "__main__":
    main()
