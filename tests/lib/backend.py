#!/usr/bin/env python3
"""Stands in for Jira behind a proxy: answers, as JSON, what reached it.

Usage: backend.py PORT_FILE

Listens on a free port of 127.0.0.1 and writes the port into PORT_FILE. The
answer to every request:

    {"method": "GET", "path": "/a%2Fb?c", "x_forwarded_user": ["alice"],
     "authorization": [], "cookie": [], "headers": ["host", ...],
     "fields": [["Host", "localhost"], ...]}

/rest/api/2/myself adds what Jira says there: {"name": "alice", "key": ...}; or
answers 401 if no user reached it. /status/404 has that status. Every answer
sets a cookie, as Jira does.
"""

import http.server
import json
import os
import sys


class Backend(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass  # a request may hold what must not be logged

    def all(self, name):
        return self.headers.get_all(name) or []

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        users = self.all("X-Forwarded-User")
        seen = {
            "method": self.command,
            "path": self.path,
            "x_forwarded_user": users,
            "authorization": self.all("Authorization"),
            "cookie": self.all("Cookie"),
            "headers": sorted({name.lower() for name in self.headers.keys()}),
            "fields": self.headers.items(),
        }
        status = 200
        if self.path.split("?")[0] == "/rest/api/2/myself":
            if len(users) == 1 and users[0]:
                seen.update(name=users[0], key=users[0], active=True)
            else:
                status = 401
        if self.path.startswith("/status/"):
            status = int(self.path[8:11])
        body = (json.dumps(seen, sort_keys=True) + "\n").encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Set-Cookie", "JSESSIONID=0123; Path=/; HttpOnly")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = answer


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main():
    server = Server(("127.0.0.1", 0), Backend)
    port_file = sys.argv[1]
    with open(port_file + ".new", "w", encoding="ascii") as out:
        print(server.server_address[1], file=out)
    os.rename(port_file + ".new", port_file)
    server.serve_forever()


if __name__ == "__main__":
    main()
