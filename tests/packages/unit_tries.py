#!/usr/bin/env python3
"""What a unit leaves to the processes in it.

Usage: unit_tries.py tries
       unit_tries.py names NAME

`tries` prints what each attempt came to: "ok", or the name of the error.

`names` is a name server on 127.0.0.1, for whom NAME is this machine, and nobody else
is anything. /run/names has who was asked for.
"""

import errno
import os
import socket
import struct
import subprocess
import sys


def sock(family=socket.AF_INET, kind=socket.SOCK_STREAM):
    return socket.socket(family, kind)


def connect():
    sock().connect(("127.0.0.1", 5432))


def multicast():
    with sock(kind=socket.SOCK_DGRAM) as one:
        one.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF,
                       socket.inet_aton("127.0.0.1"))
        one.sendto(b"x", ("239.255.0.1", 9))


def pepper():
    os.listdir("/var/lib/jira-pat")


def others():
    with os.scandir("/proc") as found:
        pids = {int(one.name) for one in found if one.name.isdigit()}
    return str(len([pid for pid in pids if pid != os.getpid()]))


def unshare():
    done = subprocess.run(["unshare", "--user", "true"], capture_output=True)
    return "EPERM" if b"not permitted" in done.stderr else str(done)


TRIES = {
    "accept": lambda: sock().accept(),
    "bind": lambda: sock().bind(("127.0.0.1", 0)),
    "connect": connect,
    "listen": lambda: sock().listen(),
    "multicast": multicast,
    "netlink": lambda: sock(socket.AF_NETLINK, socket.SOCK_RAW),
    "other processes": others,
    "packet": lambda: sock(socket.AF_PACKET, socket.SOCK_RAW),
    "pepper": pepper,
    "setuid": lambda: os.setuid(0),
    "unshare": unshare,
    "write": lambda: open("/var/tmp/../lib/x", "w"),
}


def tries():
    for name, what in TRIES.items():
        try:
            result = what()
        except OSError as error:
            result = errno.errorcode[error.errno]
        print("try: %s %s" % (name, result if isinstance(result, str) else "ok"))


def answer(question, known):
    """RFC 1035, section 4: an address, or that there is none of this type."""
    end, labels = 12, []
    while question[end]:
        labels.append(question[end + 1:end + 1 + question[end]].decode())
        end += 1 + question[end]
    kind = struct.unpack(">H", question[end + 1:end + 3])[0]
    name = ".".join(labels)
    with open("/run/names", "a") as file:
        file.write(name + "\n")
    found = name == known and kind == 1
    head = question[:2] + struct.pack(
        ">HHHHH", 0x8180 if name == known else 0x8183, 1, int(found), 0, 0)
    record = struct.pack(">HHHIH", 0xC00C, 1, 1, 60, 4) + bytes([127, 0, 0, 1])
    return head + question[12:end + 5] + (record if found else b"")


def names(known):
    with sock(kind=socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 53))
        while True:
            question, peer = server.recvfrom(512)
            server.sendto(answer(question, known), peer)


{"tries": tries, "names": names}[sys.argv[1]](*sys.argv[2:])
