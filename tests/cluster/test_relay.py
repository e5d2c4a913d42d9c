"""The relay that stands for a network does what it is told."""
import contextlib
import socket
import threading

from daemon import main
from relay import MODES, Relay

PATIENCE = 60
SILENCE = 0.3  # nothing comes: the test of that ends here


class Echo:
    """A server that says the same."""

    def __init__(self):
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.serve, daemon=True,
                                 args=(self.sock.accept()[0],)).start()

    def serve(self, conn):
        with contextlib.suppress(OSError), conn:
            while (data := conn.recv(4096)):
                conn.sendall(data)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()


@contextlib.contextmanager
def network():
    """The relay, and a connection through it."""
    with Echo() as one, Echo() as two, Relay([one.port, two.port]) as relay:
        with connected(relay) as client:
            yield relay, client


def connected(relay, number=0):
    client = socket.create_connection(("127.0.0.1", relay.ports[number]))
    client.settimeout(PATIENCE)
    return client


def said(client, data):
    """What comes back, as much as that is."""
    if data:
        client.sendall(data)
    found = b""
    while len(found) < len(data or b"x"):
        found += client.recv(65536)
    return found


def silent(client):
    client.settimeout(SILENCE)
    try:
        return not client.recv(1)
    except TimeoutError:
        return True
    finally:
        client.settimeout(PATIENCE)


def is_reset(client):
    try:
        client.recv(1)
    except ConnectionResetError:
        return True
    return False


def passes():
    """it carries all bytes, to each server"""
    with network() as (relay, client), connected(relay, 1) as other:
        data = bytes(range(256)) * 2000
        assert said(client, data[:90000]) == data[:90000]
        assert said(other, data[:30000]) == data[:30000]


def cuts():
    """cut, connections are reset, and new ones too"""
    with network() as (relay, client):
        said(client, b"x")
        relay.set("cut")
        assert is_reset(client)
        with connected(relay) as new:
            assert is_reset(new)
        relay.set("pass")
        with connected(relay) as new:
            assert said(new, b"y") == b"y"


def swallows():
    """in a hole nothing arrives, and all of it later"""
    for mode in ("hole", "deaf"):
        with network() as (relay, client):
            said(client, b"x")
            relay.set(mode)
            client.sendall(b"later")
            assert silent(client)
            relay.set("pass")
            assert said(client, b"") [:1] == b"l"


def spoils():
    """garbage has as many bytes, and other ones"""
    with network() as (relay, client):
        relay.set("garbage")
        got = b"".join(said(client, bytes(1000)) for _ in range(20))
        assert len(got) == 20000
        assert got != bytes(20000)


def is_slow():
    """slow, all of it arrives as it was"""
    with network() as (relay, client):
        relay.set("slow")
        data = bytes(range(256)) * 1000
        assert said(client, data) == data


assert MODES == ("pass", "cut", "hole", "deaf", "garbage", "slow")
main([passes, cuts, swallows, spoils, is_slow])
