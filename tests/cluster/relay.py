"""The network between one host and its databases: a relay of TCP that can be cut.

    relay = Relay(ports)      # of the servers
    relay.ports               # of its own, which go to those
    relay.set("hole")         # returns when it holds

| mode | what happens to connections, and to new ones |
|---|---|
| `pass` | nothing |
| `cut` | they are reset |
| `hole` | nothing arrives, in either direction, and nobody is told; it does later, if `pass` comes |
| `deaf` | what the host says arrives, and no answer comes back |
| `garbage` | one byte in some of the answers is another |
| `slow` | what the host says passes piece by piece, with pauses |

It is a process of its own, so that it goes on while its test is busy.
"""
import random
import selectors
import socket
import struct
import subprocess
import sys
import time

HOST, PIECE, PAUSE = "127.0.0.1", 65536, 0.02
MODES = ("pass", "cut", "hole", "deaf", "garbage", "slow")


class Relay:
    def __init__(self, ports, address=HOST):
        self.process = subprocess.Popen(
            [sys.executable, __file__, address, *map(str, ports)], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.ports = list(map(int, self.process.stdout.readline().split()))
        self.mode = "pass"

    def set(self, mode):
        self.process.stdin.write(mode + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == mode + "\n"
        self.mode = mode

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


# ---- the process ----


class Pipe:
    """One direction of a connection: what is read from `source` goes to `drain`."""

    def __init__(self, work, source, drain, answers):
        self.work, self.source, self.drain = work, source, drain
        self.answers = answers  # it comes from the server
        self.held = b""

    def blocked(self):
        return self.work.mode == "hole" or (
            self.answers and self.work.mode == "deaf")

    def wanted(self):
        """What it waits for: (socket, event)."""
        if self.blocked():
            return None
        if self.held:
            return self.drain, selectors.EVENT_WRITE
        return self.source, selectors.EVENT_READ

    def step(self):
        """False: the connection is over."""
        if self.work.mode == "slow" and not self.answers:
            time.sleep(PAUSE)
        try:
            if not self.held:
                self.held = self.spoilt(self.source.recv(PIECE))
                if not self.held:
                    return False
            self.held = self.held[self.drain.send(self.held):]
        except BlockingIOError:
            pass
        except OSError:
            return False
        return True

    def spoilt(self, data):
        if self.work.mode != "garbage" or not self.answers or not data or \
                self.work.chance.random() < 0.3:
            return data
        at = self.work.chance.randrange(len(data))
        other = self.work.chance.randrange(256)
        return data[:at] + bytes([other]) + data[at + 1:]


class Work:
    def __init__(self, address, ports):
        self.mode, self.chance = "pass", random.Random(1)
        self.listeners = {}
        for port in ports:
            sock = socket.create_server((address, 0))
            sock.setblocking(False)
            self.listeners[sock] = port
        self.pairs = []  # (client, server, pipes)

    def accept(self, listener):
        client, _ = listener.accept()
        try:
            server = socket.create_connection((HOST, self.listeners[listener]))
        except OSError:
            return reset(client)
        for sock in (client, server):
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pairs.append((client, server, (Pipe(self, client, server, False),
                                            Pipe(self, server, client, True))))
        return None

    def drop(self, pair):
        if pair in self.pairs:
            self.pairs.remove(pair)
            reset(pair[0])
            reset(pair[1])

    def command(self):
        """False: that was the end."""
        line = sys.stdin.readline()
        if not line:
            return False
        self.mode = line.strip()
        if self.mode == "cut":
            for pair in list(self.pairs):
                self.drop(pair)
        print(self.mode, flush=True)
        return True

    def waited(self):
        """What can be done: a function for each."""
        events = {sys.stdin: [(selectors.EVENT_READ, None, None)]}
        for listener in self.listeners if self.mode != "hole" else ():
            events[listener] = [(selectors.EVENT_READ, None, None)]
        for pair in self.pairs:
            for pipe in pair[2]:
                wanted = pipe.wanted()
                if wanted:
                    events.setdefault(wanted[0], []).append(
                        (wanted[1], pair, pipe))
        with selectors.DefaultSelector() as selector:
            for sock, rows in events.items():
                mask = 0
                for row in rows:
                    mask |= row[0]
                selector.register(sock, mask, rows)
            return [(key.fileobj, row) for key, mask in selector.select()
                    for row in key.data if row[0] & mask]

    def run(self):
        while True:
            for sock, (_, pair, pipe) in self.waited():
                if sock is sys.stdin:
                    if not self.command():
                        return
                    break  # what was waited for may be gone
                if sock in self.listeners:
                    self.accept_or_not(sock)
                elif pair in self.pairs and not pipe.step():
                    self.drop(pair)

    def accept_or_not(self, listener):
        if self.mode == "cut":
            reset(listener.accept()[0])
        else:
            self.accept(listener)


def reset(sock):
    """RST instead of a farewell."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def main():
    work = Work(sys.argv[1], map(int, sys.argv[2:]))
    print(*(sock.getsockname()[1] for sock in work.listeners), flush=True)
    work.run()


if __name__ == "__main__":
    main()
