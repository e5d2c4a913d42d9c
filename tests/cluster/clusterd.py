"""pat-clusterd between a host, which the test plays, and a real PostgreSQL: what the cases
of it have in common."""
import contextlib
import os
import re
import sys

import daemon
import link
import postgres
from link import CONNECTED, Place, mac_of

CLUSTER, TAG, NONE = bytes(range(1, 17)), b"T" * 16, bytes(16)
ERRORS = {"ok": 0, "not-found": 7, "exists": 8, "refused": 9, "permission": 11,
          "io": 12, "missing": 15, "unreachable": 18, "timeout": 19, "overload": 22,
          "busy": 23, "conflict": 24}
PAIRS = []


def pair():
    """The database of the case that runs."""
    return PAIRS[-1]


@contextlib.contextmanager
def using(database):
    """That is the database."""
    PAIRS.append(database)
    try:
        yield database
    finally:
        PAIRS.pop()


def batch_id(number):
    return bytes([number]) * 16


def forget_all():
    with pair().owner() as session:
        session.rows("DROP SCHEMA IF EXISTS jira_pat CASCADE")


@contextlib.contextmanager
def setup(node="a", conninfo=None):
    """A pat-clusterd of pat-admin."""
    with Place(conninfo or pair().conninfo(), node, start=False) as place:
        host = place.setup()
        host.hello(node, NONE)
        yield host
        host.close()
        assert place.process.wait(link.LIMIT) == 0, place.said()


def make(*nodes):
    """A new cluster of these."""
    forget_all()
    with setup() as host:
        assert host.ask("CREATE", cluster=CLUSTER, tag=TAG,
                        mac=mac_of(0)).err == ERRORS["ok"]
        for node in nodes:
            assert host.ask("JOIN", node=node, tag=TAG).err == ERRORS["ok"]


@contextlib.contextmanager
def welcome(node="a", applied=0, place=None, **options):
    """A host that the database knows."""
    with contextlib.ExitStack() as stack:
        place = place or stack.enter_context(
            Place(options.pop("conninfo", None) or pair().conninfo(), node,
                  **{name: options.pop(name) for name in ("more", "arguments")
                     if name in options}))
        host = place.host()
        stack.callback(host.close)
        host.hello(node, CLUSTER, applied, **options)
        host.place = place
        try:
            host.welcome = host.wait("WELCOME")
            yield host
        except BaseException:
            for line in place.said().splitlines()[-20:]:
                print("# pat-clusterd: " + line)
            raise


@contextlib.contextmanager
def host_of(pair, **options):
    """One that is in the cluster of that database."""
    with using(pair):
        make("a")
        with welcome("a", arguments=("--debug",), **options) as host:
            yield host


def lines(place, *words):
    """What the log has for an administrator with these words."""
    return [line for line in place.said().splitlines()
            if all(word in line for word in words) and "database: lost: " not in line]


def told(host, *words):
    """The host hears these words, and the log has them, in one line."""
    state = host.wait("STATE", lambda state: state.state != CONNECTED and all(
        word in state.text for word in words))
    daemon.wait_for(lambda: lines(host.place, *words))
    return state


def is_well(host):
    """The log ends with it, and it has leases: one that was asked for before may be
    forgotten with a connection that came to nothing."""
    daemon.wait_for(lambda: "connected to" in host.place.said().splitlines()[-1])
    daemon.wait_for(lambda: host.lease().ok)


def pauses(place):
    """How long it has paused, each time, in milliseconds."""
    return [int(ms) for ms in re.findall(r"the next try is in (\d+) ms", place.said())]


def kick():
    """Its session ends, as by an administrator."""
    with pair().owner("postgres") as session:
        session.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                     "WHERE application_name LIKE 'pat-clusterd%'")


def run_cases(cases):
    """Those, or the ones among them that the command line names."""
    daemon.main([case for case in cases
                 if len(sys.argv) < 2 or case.__name__ in sys.argv[1:]])


def run_alone(cases):
    """Each has a database of its own."""
    if not os.access(link.CLUSTERD, os.X_OK):
        print("1..0 # SKIP pat-clusterd is not built")
        return
    try:
        postgres.programs(), postgres.account()
    except postgres.Missing as reason:
        print("1..0 # SKIP %s" % reason)
        return
    run_cases(cases)


def run(cases, standby=False):
    """With one primary for all, and its standby if they need one."""
    if not os.access(link.CLUSTERD, os.X_OK):
        print("1..0 # SKIP pat-clusterd is not built")
        return
    try:
        with postgres.Pair(standby=standby) as both, using(both):
            run_cases(cases)
    except postgres.Missing as reason:
        print("1..0 # SKIP %s" % reason)
