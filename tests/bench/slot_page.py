"""Slot 13: the page of users and Jira's REST interface, with many users."""
import base64
import os
import pwd
import re
import subprocess

from measure import Contender, Target
from place import ROOT, drive, free_port, program
from slot_authorizer import Hello, Httpd, with_quantiles

NAME = "page"
TITLE = "Self-service"
ABOUT = """\
A store with {users} users that tests/bench/fill made, two tokens each. One operation
is a GET over a Unix socket, four clients that keep their connections, without a
proxy; the users take turns. The page and the form are asked for as a single sign-on
does, REST with a token, which is proved first. The list of the administrators'
group shows its first page; the search looks for a user in the middle, through all
tokens. The CPU is that of pat-httpd and patd, the memory the largest resident size
of pat-httpd until then. Beside it is a bare hello of libmicrohttpd."""
BASE = "hello of libmicrohttpd"
COLUMNS = [("server_us", "CPU µs", "%.0f"), ("wall_us", "wall µs", "%.0f"),
           ("rate", "per second", "%.0f"), ("p50_us", "p50 µs", "%.0f"),
           ("p99_us", "p99 µs", "%.0f"), ("rss_mib", "memory MiB", "%.1f")]
PLOT = ("server_us", "CPU of pat-httpd and patd, µs per request")
USERS, FEW = 100000, 1000
ABOUT = ABOUT.format(users=USERS)
PAGE, REST, SEARCH = "the page", "REST", "administrators, search"
TARGETS = [
    Target("99 of 100 pages take at most 20 ms", "p99_us", PAGE, "<=", 20000,
           unit=" µs"),
    Target("99 of 100 answers of REST take at most 20 ms", "p99_us", REST,
           "<=", 20000, unit=" µs"),
    Target("pat-httpd stays within 24 MiB", "rss_mib", SEARCH, "<=", 24,
           unit=" MiB"),
]
ROUNDS = 5
CLIENTS = 4
PER_USER = 2
SAMPLE = 200
ASKERS = 1000   # users who take turns
SLOW = 50       # a search counts for so many other operations
HEADER = "X-Remote-User"
STAFF = "boss"
SETTINGS = """
[pat-httpd]
user = {user}
[self_service]
trusted_peers = {me}
user_header = """ + HEADER + """
admin_group = pat-admins
"""


def memory_mib(pid):
    with open("/proc/%d/status" % pid) as file:
        return int(re.search(r"VmHWM:\s+(\d+) kB",
                             file.read()).group(1)) / 1024


class Site:
    """pat-httpd and patd over a store of many."""

    def __init__(self, place):
        self.place = place
        self.users = FEW if place.operations or place.quick else USERS
        me = pwd.getpwuid(os.geteuid()).pw_name
        self.store = place.store(
            SETTINGS.format(user="bin" if ROOT else me, me=me),
            start=False, cost="memory = 64K\npasses = 1")
        texts = os.path.join(self.store.root, "texts")
        subprocess.run(
            [program("fill"), "--config", self.store.config, "--tokens",
             str(self.users * PER_USER), "--users", str(self.users),
             "--sample", str(SAMPLE), "--out", texts, "--cache", "1024"],
            check=True)
        with open(texts) as file:
            self.tokens = [line.split() for line in file]
        self.store.start()
        self.store.admin("user", "groups", STAFF, "pat-admins")
        self.httpd = Httpd(place, self.store, [])
        self.socket = self.httpd.sockets[0]

    def contender(self, name, path, lines, slow=1):
        warm = 1 if self.place.operations else 16

        def turn(count):
            count = max(1, count // slow)
            result = drive(
                [program("web"), self.socket, path, str(CLIENTS), str(warm),
                 str(count)], lines, [self.httpd, self.store])
            done = with_quantiles(result)
            done["rss_mib"] = memory_mib(self.httpd.server.process.pid)
            return done

        return Contender(name, turn)

    def everyone(self):
        step = max(1, self.users // ASKERS)
        return ["%s: user%07d" % (HEADER, i)
                for i in range(0, self.users, step)]

    def proofs(self):
        return ["Basic " + base64.b64encode(
            ("%s:%s" % (user, token)).encode()).decode()
            for user, token in self.tokens]


def hello(place):
    port = str(free_port())
    server = Hello(place, "http", port)

    def turn(count):
        return with_quantiles(drive(
            [program("web"), port, "/", str(CLIENTS), "1", str(count)],
            ["none"], [server]))

    return Contender(BASE, turn)


def contenders(place):
    site = Site(place)
    boss = ["%s: %s" % (HEADER, STAFF)]
    middle = "user%07d" % (site.users // 2)
    return [
        site.contender(PAGE, "/tokens", site.everyone()),
        site.contender("the form", "/tokens/new", site.everyone()),
        site.contender(REST, "/rest/pat/latest/tokens", site.proofs()),
        site.contender("administrators, first page", "/tokens/admin", boss),
        site.contender(SEARCH, "/tokens/admin?q=" + middle, boss, SLOW),
        hello(place),
    ]
