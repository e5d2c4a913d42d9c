"""TCP ports of the loopback that nobody uses: `python3 ports.py N` prints N of
them on one line. They lie below those that Linux gives to clients (ip(7),
ip_local_port_range), so that no connection takes one before its server does.
"""
import contextlib
import random
import socket
import sys

FIRST, END = 20000, 32000


def free(count=1):
    """So many different ones."""
    found = []
    with contextlib.ExitStack() as held:
        for port in random.SystemRandom().sample(range(FIRST, END), END - FIRST):
            if len(found) == count:
                return found
            sock = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                sock.bind(("127.0.0.1", port))
                found.append(port)
    raise OSError("there are no %d free ports" % count)


if __name__ == "__main__":
    print(*free(int(sys.argv[1])))
