#!/usr/bin/env python3
"""Asks patd once, without any module.

Usage: ask.py verify|mux PATH USER
       ask.py one-shot PATD USER

The token is the first line of standard input. Prints "accepted", "denied" or
"unavailable". Like a front door, it does not wait until there is a socket.
"""

import socket
import struct
import subprocess
import sys

VERDICTS = ["denied", "unavailable", "accepted"]


def text(value):
    return struct.pack(">H", len(value)) + value.encode()


def ask(sock, user, token):
    sock.settimeout(60)
    sock.send(b"JPV1" + struct.pack(">BI", 0, 7) + text(user) + text(token) +
              text("jira") + text("10.0.0.1"))
    return VERDICTS[sock.recv(4096)[4]]


def verify(path, user, token):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
        sock.connect(path)
        return ask(sock, user, token)


def one_shot(program, user, token):
    """As the PAM module does in a process of root's."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, subprocess.Popen([program, "--one-shot"], stdin=theirs) as patd:
        theirs.close()
        answer = ask(ours, user, token)
        ours.close()
        assert patd.wait(60) == 0
        return answer


def mux(path, user, token):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(60)
        sock.connect(path)
        sock.sendall(text(user) + text(token) + text("jira") + text(""))
        answer = sock.recv(4096)
        return "accepted" if answer[2:4] == b"OK" else "denied"


way, where, who = sys.argv[1:]
ways = {"verify": verify, "mux": mux, "one-shot": one_shot}
print(ways[way](where, who, sys.stdin.readline().strip()))
