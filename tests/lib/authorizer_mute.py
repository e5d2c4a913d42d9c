#!/usr/bin/env python3
"""An authorizer that says yes to everybody, with the lines that it is told.

Usage: authorizer_mute.py SOCKET http|fcgi [LINE...]

Stands in for pat-httpd where a test needs a yes that pat-httpd never gives: one
that names nobody. It becomes ready when SOCKET is there. In FastCGI it reads the
parameters of one request, in HTTP the head of each.
"""

import os
import socket
import sys
import threading


def http(peer, lines):
    """RFC 9112: one answer to each head; no question has a body."""
    answer = "\r\n".join(
        ["HTTP/1.1 200 OK", "Content-Length: 0", *lines, "", ""]).encode()
    with peer, peer.makefile("rb") as file:
        while file.readline():
            while file.readline() not in (b"\r\n", b""):
                pass
            peer.sendall(answer)


def record(kind, content):
    """FastCGI 1.0 section 3.3, of the request 1."""
    return bytes([1, kind, 0, 1, len(content) >> 8, len(content) & 255, 0, 0]
                 ) + content


def fcgi(peer, lines):
    """One request a connection; its parameters end with an empty record."""
    answer = "\r\n".join(["Status: 200", *lines, "", ""]).encode()
    with peer, peer.makefile("rb") as file:
        while head := file.read(8):
            length = head[4] << 8 | head[5]
            file.read(length + head[6])
            if head[1] == 4 and length == 0:
                peer.sendall(record(6, answer) + record(6, b"") +
                             record(3, bytes(8)))
                return


def main():
    path, protocol, *lines = sys.argv[1:]
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path + ".new")
    os.chmod(path + ".new", 0o666)
    listener.listen(64)
    os.rename(path + ".new", path)
    answer = {"http": http, "fcgi": fcgi}[protocol]
    while True:
        peer, _ = listener.accept()
        threading.Thread(target=answer, args=(peer, lines), daemon=True).start()


if __name__ == "__main__":
    main()
