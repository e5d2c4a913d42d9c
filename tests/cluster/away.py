"""While the database stands still, or is away: whoever only reads goes on, however many
there are who have to write; each of these is told in time, and nothing happens twice.
"""
import concurrent.futures
import contextlib
import json
import os
import signal
import subprocess
import sys

from acts import id_of
from cluster import PATIENCE, cluster, wait_for
from daemon import ACCEPT, DENY, UNAVAILABLE, Client, Skip, main, question

LEASE = 60  # longer than a door waits, and than each case takes
CROWD = 300  # more than wait for a commit at the same time
MORE = ("[tokens]\non_reuse = revoke_family\n"
        "[patd]\nworkers = 1\nmax_connections = 1000\nmax_per_uid = 1000\n")


@contextlib.contextmanager
def frozen(whole):
    """Nothing answers, and no connection ends."""
    whole.wait_leases()
    whole.pair.primary.freeze()
    try:
        yield
    finally:
        whole.pair.primary.thaw()


def ask_all(host, pairs):
    """What each is told, all asked at the same time, each on its connection."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(host.verify, PATIENCE))
                   for _ in pairs]
        for client, (user, token) in zip(clients, pairs):
            client.send(question(user, token))
        return [client.answer()[0] for client in clients]


class Asking:
    """The same in a thread."""

    def __init__(self, host, pairs):
        self.pool = concurrent.futures.ThreadPoolExecutor(1)
        self.said = self.pool.submit(ask_all, host, pairs)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.pool.shutdown()

    def answers(self):
        return self.said.result(PATIENCE)


def successors(whole, count):
    """(user, token) that succeed others, and were never used; and those."""
    host = whole.hosts[0]
    old = host.batch(["succ%d" % n for n in range(count)])
    new = []
    for user, token in old:
        new.append((user, host.admin("rotate", id_of(token)).stdout.strip()))
    whole.texts += [token for _, token in new]
    return new, old


def uses_left(host, token):
    said = json.loads(host.admin("show", id_of(token), "--json").stdout)
    said = said[0] if isinstance(said, list) else said
    return said["uses_left"]


# ---- verification ----


def beside(host, ordinary, waiting, expected):
    """While those wait, each of the ordinary is accepted; then what each of those
    was told."""
    with Asking(host, waiting) as asking:
        for _ in range(2):  # by a hash, and from memory
            said = ask_all(host, ordinary)
            if UNAVAILABLE in said:  # the hashes of those who wait came first
                said = ask_all(host, ordinary)
            assert said == [ACCEPT] * len(ordinary), said
        answers = asking.answers()
        assert set(answers) == {expected}, answers


def successors_wait_apart():
    """tokens that take a hash are accepted while first uses of successors wait for the
    database, with one worker
    """
    host = WHOLE.hosts[0]
    new, old = successors(WHOLE, 6)
    cold = host.batch(["cold%d" % n for n in range(4)])
    WHOLE.wait_equal()
    with frozen(WHOLE):
        beside(host, cold, new, UNAVAILABLE)
    for (user, token), (_, before) in zip(new, old):
        wait_for(lambda: host.verdict(user, token) == ACCEPT, host.story)
        for each in WHOLE.hosts:
            assert each.verdict(user, before) == DENY


def families_wait_apart():
    """the same while families cannot be revoked, whose rotated tokens are denied all
    the same, and revoked when they can
    """
    host = WHOLE.hosts[0]
    new, old = successors(WHOLE, 6)
    for user, token in new:
        wait_for(lambda: host.verdict(user, token) == ACCEPT, host.story)
    cold = host.batch(["colder%d" % n for n in range(4)])
    WHOLE.wait_equal()
    with frozen(WHOLE):
        beside(host, cold, old, DENY)
    for (user, token), (_, before) in zip(new, old):
        wait_for(lambda: host.verdict(user, before) == DENY and
                 host.verdict(user, token) == DENY, host.story)


def take_all(host, pairs):
    """Which are accepted, once, until each is denied."""
    given = set()
    while pairs:
        said = list(zip(pairs, ask_all(host, pairs)))
        for (_, token), verdict in said:
            assert verdict != ACCEPT or token not in given, "twice"
            given |= {token} if verdict == ACCEPT else set()
        pairs = [pair for pair, verdict in said if verdict != DENY]
    return given


def uses_are_bounded():
    """of limited uses no more wait than there is room for, each is told so in time,
    and ordinary tokens are accepted meanwhile; none is given twice, by any host
    """
    host = WHOLE.hosts[0]
    once = host.batch(["once%d" % n for n in range(CROWD)], uses="1")
    cold = host.batch(["coldest%d" % n for n in range(4)])
    WHOLE.wait_equal()
    with frozen(WHOLE):
        for _ in range(3):  # whoever was answered waits no longer
            beside(host, cold, once, UNAVAILABLE)
        assert host.stats()["queue"]["depth"] <= CROWD
    WHOLE.wait_leases()
    given = set()
    for each in WHOLE.hosts:
        taken = take_all(each, once)
        assert not given & taken, given & taken
        given |= taken
        WHOLE.wait_equal()
    assert len(given) >= CROWD - 8, len(given)  # but for those on the way
    left = {uses_left(each, once[0][1]) for each in WHOLE.hosts}
    assert left == {0}, left


# ---- commands ----


def writers(host, tokens):
    """Commands that change something, one of each kind; (name, arguments)."""
    ids = [id_of(token) for _, token in tokens]
    folder = host.root
    for name, text in (("sync", "user,active\n%s,no\n" % tokens[1][0]), ("ids", ids[3] + "\n"),
                       ("create", "user\nnew1\nnew2\n")):
        with open(os.path.join(folder, name), "w") as file:
            file.write(text)
    return {
        "create": ["create", "jane"],
        "create --batch": ["create", "--batch", os.path.join(folder, "create"),
                           "--output", os.path.join(folder, "created")],
        "revoke": ["revoke", ids[0]],
        "revoke --user": ["revoke", "--user", tokens[1][0]],
        "revoke --from-file": ["revoke", "--from-file",
                               os.path.join(folder, "ids")],
        "rotate": ["rotate", ids[2]],
        "sync-users": ["sync-users", "--force",
                       os.path.join(folder, "sync")],
        "purge": ["purge", "--dead-for", "0"],
        "user disable": ["user", "disable", "nobody.here"],
        "user groups": ["user", "groups", "nobody.here", "staff"],
    }


READERS = (["list"], ["cluster", "status"], ["cluster", "status", "--json"],
           ["stats"], ["user", "list"], ["policy", "check"], ["export"],
           ["expiring", "--within", "30d"])


def run(host, args):
    return subprocess.Popen(
        [host.admin_program, "--config", host.config, *args], text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def readers_go_on():
    """while more commands wait for the database than patd talks to at once, those
    that only read do not, nor does a reload; whoever waits can be interrupted
    """
    host = WHOLE.hosts[0]
    user, token = host.batch(["shown"])[0]
    with frozen(WHOLE):
        assert host.verdict(user, token) == ACCEPT  # a use to be written
        waiting = [run(host, ["create", "jane%d" % n]) for n in range(4)]
        wait_for(lambda: host.admin("stats").returncode == 0)
        waiting[0].send_signal(signal.SIGINT)
        assert waiting[0].wait(PATIENCE) == -signal.SIGINT
        for args in READERS + (["backup", os.path.join(host.root, "saved")],
                               ["show", id_of(token)],):
            host.admin(*args)
        assert host.admin("test", user, said=token).stdout == "accepted\n"
        assert host.admin("check", check=False).returncode in (0, 1)
        host.patd.send_signal(signal.SIGHUP)
        host.logged("settings: reloaded")
        assert host.verdict(user, token) == ACCEPT
        assert any(process.poll() is None for process in waiting)
        more = [run(host, ["create", "joe%d" % n]) for n in range(24)]
        for args in READERS:  # there is room again for whoever reads
            wait_for(lambda: host.admin(*args, check=False).returncode == 0)
        assert any(process.poll() is None for process in waiting + more)
    for process in waiting + more:
        process.communicate()


def commands_end():
    """while the database stands still each command that writes ends with an error
    that says what has become of it, and patd ends in time with some that wait
    """
    with cluster(hosts=1, more=MORE, standby=False) as whole:
        host = whole.hosts[0]
        tokens = host.batch(["user%d" % n for n in range(4)])
        host.admin("revoke", id_of(host.token()))  # for purge
        commands = writers(host, tokens)
        with frozen(whole):
            waiting = {name: run(host, args) for name, args in commands.items()}
            for name, process in waiting.items():
                out, said = process.communicate(timeout=PATIENCE)
                assert process.returncode == 3, (name, out, said)
                assert not out, (name, out)
                assert "nothing was changed" in said or \
                    "whether this is done" in said, (name, said)
            waiting = [run(host, args) for args in commands.values()]
            wait_for(lambda: host.stats()["queue"]["depth"] >= 0)
            assert host.stop() == 0, host.read_log()[-900:]
            for process in waiting:
                process.communicate(timeout=PATIENCE)
                assert process.returncode == 3, process.returncode
        host.start_again()
        whole.wait_leases()


def timers_together():
    """what timers run may run on several hosts at the same time: each is done once,
    and none of them fails
    """
    tokens = WHOLE.hosts[0].batch(["timer%d" % n for n in range(40)])
    gone = [id_of(token) for _, token in tokens[:20]]
    for ids in (gone[:10], gone[10:]):
        WHOLE.hosts[0].admin("revoke", *ids)
    WHOLE.wait_equal()
    for args in (["purge", "--dead-for", "0"], ["policy", "apply"],
                 ["purge", "--dead-for", "0"]):
        running = [run(host, args) for host in WHOLE.hosts for _ in range(2)]
        for process in running:
            _, said = process.communicate(timeout=PATIENCE)
            assert process.returncode == 0, (args, process.returncode, said)
    WHOLE.wait_equal()
    for host in WHOLE.hosts:
        left = {row["id"] for row in json.loads(
            host.admin("list", "--all", "--json").stdout)}
        assert not left & set(gone), left & set(gone)
        assert {id_of(token) for _, token in tokens[20:]} <= left


# ---- usage ----


def used(host):
    rows = json.loads(host.admin("list", "--json").stdout)
    return {row["id"]: row["use_count"] for row in rows}


def usage_is_kept():
    """uses during that time are written afterwards, and none twice, though it was
    tried in between
    """
    with cluster(hosts=2, lease=LEASE, more=MORE, standby=False) as whole:
        one, two = whole.hosts
        pairs = one.batch(["used%d" % n for n in range(1100)])
        whole.wait_equal()
        with frozen(whole):
            assert one.hammer(pairs, 3 * len(pairs), 4)[0] == 3 * len(pairs)
        whole.wait_leases()
        one.stop()
        one.start_again()
        whole.wait_leases()
        whole.wait_equal()
        counts = used(two)
        counts = [counts[id_of(token)] for _, token in pairs]
        assert set(counts) <= {0, 3}, set(counts)
        assert counts.count(0) <= 64, counts.count(0)  # one batch, in doubt


WHOLE = None
CASES = [successors_wait_apart, families_wait_apart, uses_are_bounded,
         readers_go_on, timers_together, commands_end, usage_is_kept]

if __name__ == "__main__":
    try:
        with cluster(hosts=2, lease=LEASE, more=MORE, standby=False) as WHOLE:
            main([case for case in CASES
                  if sys.argv[1:] in ([], [case.__name__])])
    except Skip as reason:
        print("1..0 # SKIP %s" % reason)
