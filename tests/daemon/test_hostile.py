"""Clients that mean harm, many of them, on every socket of patd and pat-httpd:
who asks rightly beside them is answered, and what the processes hold stays flat.
JP_HOSTILE=N: N connections of each kind at a time; JP_FORGED=N: N forged tokens.
"make hostile" is the long form, and says how long others wait beside each kind.
"""
import collections
import contextlib
import itertools
import json
import os
import socket
import subprocess
import time

import test_fcgi
from daemon import (ACCEPT, AUDIT, DENY, HAMMER, ROOT, SANITIZED, Client, Skip,
                    account, as_user, detailed, forged, main, question,
                    room_for, text, wait_for)
from httpd import USER, Http, Place, ending, request, status_for

SWARM = int(os.environ.get("JP_HOSTILE", "2000"))
FORGED = int(os.environ.get("JP_FORGED", "60000"))
LONG = "JP_HOSTILE" in os.environ
BESIDE = 200  # questions of the one who asks rightly
SPARE = 200   # connections beside a swarm
MIB = 1024    # KiB
STREAM, PACKET = socket.SOCK_STREAM, socket.SOCK_SEQPACKET
NOBODY = "nobody"
MORE = """max_connections = %(room)d
max_per_uid = %(room)d
mux = {root}/run/mux
""" + AUDIT + """[pat-httpd]
user = %(user)s
max_connections = %(room)d
max_per_uid = %(room)d
[listener http]
[listener fcgi]
[listener metrics]
protocol = metrics
listen = {root}/run/metrics.sock
[self_service]
trusted_peers = root
"""


class Hostile(Place):
    """Room for a swarm, and each kind of socket."""

    def write(self, more=""):
        super().write(MORE % {"room": SWARM + SPARE, "user": USER})
        self.mux = self.root + "/run/mux"
        self.metrics = self.root + "/run/metrics.sock"


@contextlib.contextmanager
def hostile_place():
    if not ROOT:
        raise Skip("needs root")
    if room_for(SWARM + SPARE) < SWARM + SPARE:
        raise Skip("too few descriptors for %d connections" % SWARM)
    with ending(Hostile()) as world:
        world.start()
        world.start_httpd()
        yield world


# --- what a process holds ---------------------------------------------------------


Held = collections.namedtuple("Held", "maps descriptors threads resident locked")


def held(pid):
    with open("/proc/%d/status" % pid) as file:
        status = dict(line.split(":", 1) for line in file)
    with open("/proc/%d/maps" % pid) as file:
        maps = sum(1 for _ in file)
    return Held(maps, len(os.listdir("/proc/%d/fd" % pid)),
                *(int(status[key].split()[0])
                  for key in ("Threads", "VmRSS", "VmLck")))


# KiB for each connection, and for all; mappings for each. patd has a table of fixed
# size, and room for some thousand halves of questions; pat-httpd has memory for each
# head, mapped side by side, with a hole where one has gone before its neighbours.
COST = {"patd": (0, 10 * MIB, 0), "pat-httpd": (40, 6 * MIB, 1)}


def assert_flat(name, before, now, connections):
    """`connections`: those that may be there."""
    assert now.descriptors <= before.descriptors + connections + 24, (before, now)
    if SANITIZED:
        return
    each, all_of_them, maps = COST[name]
    assert now.maps <= before.maps + 64 + maps * connections, (before, now)
    assert now.threads <= before.threads + 20, (before, now)
    assert now.locked <= before.locked + 6 * MIB, (before, now)
    assert now.resident <= before.resident + each * connections + all_of_them, (
        before, now)


# --- who asks rightly -------------------------------------------------------------


def hammer(where, token, *args):
    done = subprocess.run(
        [HAMMER, where, *map(str, args)], input="alice\t%s\n" % token,
        text=True, capture_output=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


class Warm:
    """Asks each front, with connections that stay and with new ones."""

    def __init__(self, world):
        self.world, self.token = world, world.token()
        self.verify = Client(world.verify)
        self.http, self.fcgi = Http(world.http), test_fcgi.Fcgi(world.fcgi)
        self.ask("at the start")

    def ask_once(self, beside):
        bearer = "Authorization: Bearer " + self.token
        answers = (self.verify.ask("alice", self.token)[0],
                   self.http.ask("/auth/jira", bearer).status,
                   self.fcgi.ask(self.token).status)
        assert answers == (ACCEPT, 200, 200), (beside, answers)

    def ask(self, beside):
        world, token = self.world, self.token
        bearer = "Authorization: Bearer " + token
        for _ in range(BESIDE // 10):
            self.ask_once(beside)
        with Client(world.verify) as client:
            assert client.ask("alice", token) == (ACCEPT, "alice"), beside
        assert tell(world.mux, STREAM, frame(token), 4) == b"\0\2OK", beside
        with Http(world.http) as http:
            assert http.ask("/auth/jira", bearer).status == 200, beside
        self.time(beside)

    def time(self, beside):
        words = hammer(self.world.verify, self.token, "times", BESIDE)
        assert words[:2] == ["accepted", str(BESIDE)], (beside, words)
        if LONG:
            print("# %s: p50 %d us, p99 %d us" % (
                beside, int(words[3]) // 1000, int(words[5]) // 1000),
                flush=True)

    def close(self):
        for one in (self.verify, self.http, self.fcgi):
            one.close()


def frame(token, user="alice"):
    return text(user) + text(token) + text("svn") + text("")


def enter(where, kind):
    """A connection; tried again as long as those before were not taken."""
    sock = socket.socket(socket.AF_UNIX, kind)
    sock.settimeout(60)
    end = time.monotonic() + 60
    while True:
        try:
            sock.connect(where)
            return sock
        except BlockingIOError:
            if time.monotonic() > end:
                raise


def tell(where, kind, data, length=65536):
    """What comes back."""
    with contextlib.closing(enter(where, kind)) as sock:
        with contextlib.suppress(ConnectionError):
            sock.send(data)
        with contextlib.suppress(ConnectionError):
            return sock.recv(length)
        return b""


# --- swarms -----------------------------------------------------------------------


def silent(sock, whole):
    pass


def half(sock, whole):
    sock.send(whole[:len(whole) // 2])


def dribble(sock, whole):
    for byte in whole[:5]:
        sock.send(bytes([byte]))


def half_closed(sock, whole):
    sock.send(whole[:-3])
    sock.shutdown(socket.SHUT_WR)


def deaf(sock, whole):
    sock.shutdown(socket.SHUT_RD)
    sock.send(whole)


def unread(sock, whole):
    """As many as it takes, until nobody takes them any more."""
    sock.setblocking(False)
    for _ in range(64):
        sock.send(whole)


def gone(sock, whole):
    sock.send(whole)
    sock.close()


def oversized(sock, whole):
    sock.setblocking(False)
    sock.send(whole + bytes(60000))


def nonsense(sock, whole):
    sock.send(bytes(range(255, 0, -1)))


def backwards(sock, whole):
    sock.send(whole[::-1])


PARTS = (silent, half, dribble, half_closed, deaf, unread, gone, oversized,
         nonsense, backwards)
PACKETS = (silent, half, half_closed, deaf, unread, gone, oversized, nonsense,
           backwards)


# Each asks many times: more of them are more than two processors answer.
ASKING = {unread: 500}


def swarm(where, kind, behave, wholes, warm, number=SWARM):
    """So many connections that behave like that, with these messages in turn; those
    that were refused or closed meanwhile are among them."""
    socks, number = [], min(number, ASKING.get(behave, number))
    for whole in itertools.islice(itertools.cycle(wholes), number):
        socks.append(enter(where, kind))
        with contextlib.suppress(OSError):
            behave(socks[-1], whole)
        if len(socks) % 200 == 0:
            warm.ask_once("among %d %s" % (len(socks), behave.__name__))
    return socks


def swarms(name, where, kind, behaviours, wholes):
    """Each behaviour in turn, on a socket of that process."""
    with hostile_place() as world:
        warm = Warm(world)
        pid = (world.patd if name == "patd" else world.httpd).pid
        path, rest = where(world), held(pid)
        for behave in behaviours:
            socks = swarm(path, kind, behave, wholes(world, warm.token), warm)
            warm.ask("beside %d %s" % (SWARM, behave.__name__))
            peak = held(pid)
            for sock in socks:
                sock.close()
            assert_flat(name, rest, peak, SWARM)
            wait_for(lambda: held(pid).descriptors <=
                     rest.descriptors + 24)
            assert_flat(name, rest, held(pid), 0)
        warm.ask("after all")
        warm.close()


def on_verify():
    """verify.sock: whoever is silent, sends halves, nonsense or too much, takes no
    answer or goes, many at once, costs the others nothing"""
    def wholes(world, token):
        return [question("alice", token), detailed("alice", token),
                account("alice"), question("alice", forged(token[5:13])),
                # what patd says, and an end of admin.sock
                b"JPV1\2\0\0\0\7\0\5alice" + bytes(256), b"JPA\4" + bytes(40)]
    swarms("patd", lambda world: world.verify, PACKET, PACKETS, wholes)


def on_mux():
    """mux: the same, with questions in parts"""
    def wholes(world, token):
        return [frame(token), frame(forged(token[5:13])), frame("x" * 1024),
                text("x" * 1024) * 4 + b"\4\0x", b"\0\2OK"]
    swarms("patd", lambda world: world.mux, STREAM, PARTS, wholes)


def on_http():
    """HTTP, with the page and the REST interface: the same, with bodies in parts"""
    def wholes(world, token):
        own = ("X-Remote-User: alice", "Sec-Fetch-Site: same-origin",
               "Content-Type: application/json")
        return [request("/auth/jira", "Authorization: Bearer " + token),
                request("/auth/jira", "X: " + "y" * 15000),
                request("/tokens", *own),
                request("/rest/pat/latest/tokens", *own, "Content-Length: 9000",
                        method="POST") + b'{"name":"ci',
                request("/rest/pat/latest/tokens", *own, method="POST")[:-2] +
                b"Transfer-Encoding: chunked\r\n\r\n5\r\n{\"nam\r\nfff\r\n",
                b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"]
    swarms("pat-httpd", lambda world: world.http, STREAM, PARTS, wholes)


def on_fcgi():
    """FastCGI: the same, with records in the wrong order"""
    def wholes(world, token):
        params = test_fcgi.record(
            test_fcgi.PARAMS, test_fcgi.pairs(test_fcgi.params_of(token)))
        return [test_fcgi.request(token),
                params + test_fcgi.begin() + params,
                test_fcgi.record(test_fcgi.STDIN, b"x") + test_fcgi.request(token),
                test_fcgi.begin() * 3, test_fcgi.begin() + params * 90,
                test_fcgi.record(test_fcgi.END, bytes(8))]
    swarms("pat-httpd", lambda world: world.fcgi, STREAM, PARTS, wholes)


def on_metrics():
    """the metrics: the same; a few may read at a time, and the next one can again"""
    def wholes(world, token):
        return [request("/metrics"), request("/metrics", "X: " + "y" * 15000)]

    def readable(world):
        answer = tell(world.metrics, STREAM, request("/metrics"))
        return answer.startswith(b"HTTP/1.1 200 OK\r\n")
    with hostile_place() as world:
        warm = Warm(world)
        before = held(world.httpd.pid)
        for behave in PARTS:
            socks = swarm(world.metrics, STREAM, behave, wholes(world, ""), warm)
            warm.ask("beside %d on metrics, %s" % (SWARM, behave.__name__))
            assert_flat("pat-httpd", before, held(world.httpd.pid), 8)
            for sock in socks:
                sock.close()
            wait_for(lambda: readable(world))
        warm.close()


def on_admin():
    """admin.sock: the same; each line of pat-admin gets its turn"""
    with hostile_place() as world:
        warm = Warm(world)
        before = held(world.patd.pid)
        wholes = [b"JPA\4" + bytes(60), b"JPA\3" + bytes(60), b"JPV1" + bytes(60),
                  b"JPA\4" + b"\xff" * 200]
        for behave in PACKETS:
            socks = swarm(world.admin_sock, PACKET, behave, wholes, warm,
                          SWARM // 4)
            warm.ask("beside %d on admin.sock, %s" % (
                SWARM // 4, behave.__name__))
            assert_flat("patd", before, held(world.patd.pid), 20)
            for sock in socks:
                sock.close()
            wait_for(lambda: world.admin("stats", check=False).returncode == 0)
        world.admin("revoke", warm.token[5:13])
        assert world.ask("alice", warm.token) == (DENY, "")
        warm.close()


# --- who may not ask at all -------------------------------------------------------


def strangers():
    """who may not ask: nobody is answered, however many come, and a line a second is
    logged"""
    with hostile_place() as world:
        warm = Warm(world)
        before = held(world.patd.pid), held(world.httpd.pid)
        token, number = warm.token, SWARM // 3
        begun = time.monotonic()

        def flood():
            answers = collections.Counter()
            for _ in range(number):
                with contextlib.suppress(OSError):
                    said = tell(world.verify, PACKET, question("alice", token))
                    answers["verify", said[4] if said else None] += 1
                    answers["mux", tell(world.mux, STREAM, frame(token), 4)] += 1
            return dict(answers)
        said = as_user(NOBODY, flood)
        wanted = {("verify", None): number, ("mux", b"\0\2NO"): number}
        assert said == repr(wanted), said
        world.logged("refused a connection from uid 65534")
        lines = world.read_log().count("refused a connection from uid 65534")
        assert 1 <= lines <= time.monotonic() - begun + 2, lines
        for where in (world.http, world.metrics):
            assert status_for(where, 65534, request()) == "403", where
        warm.ask("after %d strangers" % number)
        assert_flat("patd", before[0], held(world.patd.pid), 0)
        assert_flat("pat-httpd", before[1], held(world.httpd.pid), 0)
        warm.close()


# --- what was recorded ------------------------------------------------------------


def ways(world, token):
    """The one question in every protocol, as bytes: socket, kind, and what the answer
    has if it is a yes."""
    bearer = "Authorization: Bearer " + token
    return {
        "verify": (world.verify, PACKET, question("alice", token), b"JPV1\2"),
        "detailed": (world.verify, PACKET, detailed("alice", token), b"JPV2\2"),
        "mux": (world.mux, STREAM, frame(token), b"\0\2OK"),
        "http": (world.http, STREAM, request("/auth/jira", bearer),
                 b"HTTP/1.1 200 OK"),
        "fcgi": (world.fcgi, STREAM, test_fcgi.request(token),
                 b"Status: 200"),
    }


def replayed():
    """bytes of a question that was accepted are decided anew, in every protocol: the
    same bytes are denied once the token has ended, and accepted uses are counted"""
    with hostile_place() as world:
        def accepts(recorded):
            where, kind, data, yes = recorded
            return yes in tell(where, kind, data)

        for way in ways(world, "x"):
            token = world.token()
            recorded = ways(world, token)
            assert all(map(accepts, recorded.values())), way
            world.admin("disable", token[5:13])
            assert not any(map(accepts, recorded.values())), way
            world.admin("enable", token[5:13])
            assert accepts(recorded[way])
            world.admin("revoke", token[5:13])
            assert not any(map(accepts, recorded.values())), way
        token = world.token("alice", "--uses", "7")
        recorded = list(ways(world, token).values())
        assert sum(accepts(one) for one in recorded * 5) == 7


def echoed():
    """what patd and pat-httpd said is no question to them"""
    with hostile_place() as world:
        token = world.token()
        for name, (where, kind, data, yes) in ways(world, token).items():
            answer = tell(where, kind, data)
            assert yes in answer, name
            for other, (path, its_kind, _, its_yes) in ways(world, token).items():
                back = tell(path, its_kind, answer)
                assert its_yes not in back, (name, other, back)


# --- forged tokens ----------------------------------------------------------------


def forgeries():
    """forged tokens, each another one, of ids that are known and that are not: all are
    denied, none costs an Argon2id, a write or memory, and a few lines are logged"""
    with hostile_place() as world:
        warm = Warm(world)
        pairs = ["alice\t" + world.token() for _ in range(8)]
        pairs += ["alice\t" + forged("%08d" % number) for number in range(8)]
        before, stats = held(world.patd.pid), world.stats()
        with subprocess.Popen(
                [HAMMER, world.verify, "forge", str(FORGED), "16", "500"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as flood:
            flood.stdin.write("\n".join(pairs) + "\n")
            flood.stdin.close()
            turns = 0
            while flood.poll() is None or turns == 0:
                warm.ask("beside forged tokens")
                turns += 1
            assert flood.stdout.read() == (
                "accepted 0 denied %d unavailable 0\n" % FORGED)
        assert_flat("patd", before, held(world.patd.pid), 0)
        now = world.stats()
        assert now["argon2_runs"] == stats["argon2_runs"]
        denied = {reason: now["requests"]["denied"][reason] -
                  stats["requests"]["denied"][reason]
                  for reason in now["requests"]["denied"]}
        assert sum(denied.values()) == FORGED, denied
        listed = json.loads(world.admin("list", "--json").stdout)
        assert not any(record.get("denied_at") for record in listed)
        lines = world.read_log().count("\n") + world.read_trail().count("\n")
        assert lines < 100 + FORGED // 20, lines
        warm.close()


def forgeries_by_http():
    """and the same through pat-httpd: 401, or 429 where one id is guessed at"""
    with hostile_place() as world:
        warm = Warm(world)
        runs = world.stats()["argon2_runs"]
        before = held(world.httpd.pid)
        said = collections.Counter()
        count = max(FORGED // 100, 200)
        with Http(world.http) as http:
            for number in range(count):
                known = warm.token[5:13] if number % 2 else "%08d" % number
                said[http.ask("/auth/jira", "Authorization: Bearer " +
                              forged(known)).status] += 1
        assert set(said) == {401, 429} and said[401] > count // 2, said
        warm.ask("after forged tokens by HTTP")
        assert world.stats()["argon2_runs"] == runs
        assert_flat("pat-httpd", before, held(world.httpd.pid), 0)
        warm.close()


if __name__ == "__main__":
    main([on_verify, on_mux, on_http, on_fcgi, on_metrics, on_admin, strangers,
          replayed, echoed, forgeries, forgeries_by_http])
