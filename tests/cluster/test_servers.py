"""How pat-clusterd gets to a database: sockets, names that nobody resolves, poolers, TLS."""
import contextlib
import os
import socket
import threading

import daemon
import link
import postgres
from clusterd import CLUSTER, ERRORS, TAG, make, pair, run, setup, welcome
from link import CONNECTED, CONNECTING, Place, mac_of


def servers():
    """a Unix socket will do; where all servers are standbys, all of them are named"""
    make("a")
    with welcome("a", conninfo="host=%s port=%d dbname=%s user=%s" % (
            pair().sockets, pair().primary.port, postgres.DATABASE,
            postgres.ROLE)) as host:
        assert host.lease().ok
    port = str(pair().standby.port)
    with Place(pair().conninfo(ports=[port, port]).replace(
            "127.0.0.1,127.0.0.1", "127.0.0.1,localhost")) as place:
        host = place.host()
        host.hello("a", CLUSTER)
        state = host.wait("STATE", lambda state: "localhost" in state.text)
        assert '"127.0.0.1"' in state.text and state.text.count("read-only") == 2, state
        daemon.wait_for(lambda: "not connected" in place.said())
        assert place.said().count("not connected") == 1, place.said()
        host.close()


RESOLVER = """
mount --bind "$1/resolv" /etc/resolv.conf && mount --bind "$1/nsswitch" /etc/nsswitch.conf
shift
exec "$@"
"""


@contextlib.contextmanager
def silent_names(place):
    """A name server that hears and says nothing, for that pat-clusterd; what it heard."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        try:
            server.bind(("127.0.0.77", 53))
        except OSError as problem:
            raise daemon.Skip("no name server: %s" % problem) from None
        for name, text in (("resolv", "nameserver 127.0.0.77\n"),
                           ("nsswitch", "hosts: dns\n")):
            with open(os.path.join(place.root, name), "w") as file:
                file.write(text)
        place.listen()
        with open(place.log, "a") as log:
            place.process = daemon.subprocess.Popen(
                ["unshare", "-m", "sh", "-c", RESOLVER, "sh", place.root, link.CLUSTERD,
                 "--config", place.config], stdin=daemon.subprocess.DEVNULL, stdout=log,
                stderr=log)
        yield server


def heard(server):
    """How many questions there were."""
    count = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            server.recv(4096, socket.MSG_DONTWAIT)
            count += 1
    return count


def names():
    """while a name server does not answer the host is served, hears that the name is
    not found, and gets the next server"""
    if not link.ROOT or not daemon.shutil.which("unshare"):
        raise daemon.Skip("needs root, and unshare")
    make("a")
    conninfo = pair().conninfo(ports=[1]).replace("127.0.0.1", "db.example")
    with Place(conninfo, start=False, cluster="insecure = yes\n") as place, \
            silent_names(place) as server:
        host = place.host()
        host.hello("a", CLUSTER)
        daemon.wait_for(lambda: server.recv(4096, socket.MSG_PEEK))
        assert host.ask("STATUS").err == 0
        assert heard(server) <= 2  # A and AAAA: nobody has given up by then
        state = host.wait("STATE", lambda state: "cannot resolve" in state.text)
        assert "db.example" in state.text and state.state == CONNECTING, state
        host.close()
    conninfo = pair().conninfo(ports=[1, pair().primary.port]).replace(
        "127.0.0.1,", "db.example,")
    with Place(conninfo, start=False, cluster="insecure = yes\n") as place, \
            silent_names(place), welcome("a", place=place) as host:
        assert host.lease().ok


class Pooler(threading.Thread):
    """Between a client and PostgreSQL: the client hears of a process that is none, as
    poolers have it."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.server, self.to = socket.create_server(("127.0.0.1", 0)), port
        self.port = self.server.getsockname()[1]
        self.start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.server.accept()
                server = socket.create_connection(("127.0.0.1", self.to))
                for way in ((client, server, False), (server, client, True)):
                    threading.Thread(target=self.carry, args=way, daemon=True).start()

    @staticmethod
    def carry(source, drain, answers):
        with contextlib.suppress(OSError):
            while (data := source.recv(65536)):
                if answers and (at := data.find(b"K\0\0\0\x0c")) >= 0:
                    data = data[:at + 5] + b"\0\1\2\3" + data[at + 9:]
                drain.sendall(data)
        for sock in (source, drain):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


def pooler():
    """a pooler in between is refused, by that name"""
    make("a")
    between = Pooler(pair().primary.port)
    with Place(pair().conninfo(ports=[between.port])) as place:
        host = place.host()
        host.hello("a", CLUSTER)
        state = host.wait("STATE", lambda state: "pgbouncer" in state.text)
        assert "127.0.0.1:%d" % between.port in state.text, state
        host.close()
    between.server.close()


def encrypted():
    """TLS with a verified name and a certificate of the client, or a password from a
    file; a server of another name is refused"""
    user = "daemon" if link.ROOT else daemon.pwd.getpwuid(os.geteuid()).pw_name
    for auth in ("cert", "scram-sha-256"):
        with postgres.Pair(standby=False, tls=True, auth=auth) as pair:
            folder = pair.client_files(user)
            conninfo = pair.conninfo(folder=folder, host="localhost")
            with setup(conninfo=conninfo) as host:
                assert host.ask("CREATE", cluster=CLUSTER, tag=TAG,
                                mac=mac_of(0)).err == ERRORS["ok"]
                assert host.ask("JOIN", node="a", tag=TAG).err == ERRORS["ok"]
            with welcome("a", conninfo=conninfo) as host:
                state = host.wait("STATE", lambda state: state.state == CONNECTED)
                assert (state.tls, state.verified) == (1, 1), state
                assert host.lease().ok
            wrong = conninfo.replace("host=localhost", "host=elsewhere.example") + \
                " hostaddr=127.0.0.1"
            with Place(wrong) as place:
                host = place.host()
                host.hello("a", CLUSTER)
                host.wait("STATE",
                          lambda state: "elsewhere.example" in state.text)
                host.close()


CASES = [servers, names, pooler, encrypted]

if __name__ == "__main__":
    run(CASES, standby=True)
