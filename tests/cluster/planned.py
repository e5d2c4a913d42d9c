"""Planned stops: a host that is stopped gives its lease back, so that nobody waits for it;
one that is killed, or cut off, is waited for, and no host says an old yes in between.
"""
import signal
import sys
import threading

from acts import id_of, make_tokens
from cluster import cluster, wait_for
from daemon import ACCEPT, DENY, Skip, main

WHOLE = None
ROUNDS = 6
LEASE = 10  # seconds, of which a few are left when another host looks


def late(host):
    """How many changes there have waited for a lease to end."""
    for line in host.admin("cluster", "status", "--prometheus").stdout.splitlines():
        if line.startswith("jira_pat_cluster_late_total "):
            return int(line.split()[1])
    raise AssertionError("no late_total")


def revoked(token):
    """What revoke says of it."""
    return WHOLE.hosts[0].admin("revoke", id_of(token)).stderr


def is_given_back(host):
    with WHOLE.pair.owner() as session:
        return session.rows("SELECT lease_ms = 0 FROM jira_pat.node WHERE name = $1",
                            host.name) == [("t",)]


def stop(host):
    """In a second: where a busy machine had none, once more."""
    for _ in range(5):
        assert host.stop() == 0, host.story()
        if is_given_back(host):
            return
        host.start_again()
        WHOLE.wait_leases([host])
    raise AssertionError("it gives nothing back\n" + host.story())


def again(host):
    host.start_again()
    WHOLE.wait_leases()
    WHOLE.wait_equal()


def stopped():
    """nobody waits for a host that was stopped, nor names it, for however long; and when it
    is back, it knows all before it says yes"""
    one, _, last = WHOLE.hosts
    tokens = [WHOLE.token("jane") for _ in range(3)]
    WHOLE.wait_equal()
    before = late(one)
    stop(last)
    for token in tokens:
        said = revoked(token)
        assert "waited" not in said, said
    assert late(one) == before
    nodes = {node["node"]: node for node in one.status()["nodes"]}
    assert (nodes[last.name]["lease"], nodes[last.name]["lease_run_out"]) == (0, True)
    assert last.name + " was stopped, or never started" in one.admin(
        "check", check=False).stdout
    last.start_again()
    user, probe = WHOLE.probe()
    wait_for(lambda: last.verdict(user, probe) == ACCEPT, last.story)
    assert [last.verdict("jane", token) for token in tokens] == [DENY] * 3
    assert "leases of the machine" not in last.read_link_log()


def killed():
    """a host that was killed is waited for, and named"""
    last = WHOLE.hosts[2]
    token = WHOLE.token("jane")
    WHOLE.wait_equal()
    last.stop(signal.SIGKILL)
    said = revoked(token)
    assert "waited" in said and last.name in said, said
    again(last)


def cut_off():
    """so is one that was stopped while it could tell nobody, which took it no harm"""
    last = WHOLE.hosts[2]
    token = WHOLE.token("jane")
    WHOLE.wait_equal()
    last.cut("hole")
    assert last.stop() == 0, last.story()
    said = revoked(token)
    assert "waited" in said and last.name in said, said
    last.mend()
    again(last)


def link_stopped():
    """a host whose pat-clusterd alone is stopped goes on with its lease: nothing is given
    back, and it is waited for"""
    last = WHOLE.hosts[2]
    token = WHOLE.token("jane")
    WHOLE.wait_equal()
    assert last.end_link() == 0
    assert not is_given_back(last)
    assert last.verdict("jane", token) == ACCEPT
    said = revoked(token)
    assert "waited" in said and last.name in said, said
    assert last.verdict("jane", token) != ACCEPT
    last.start_link()
    WHOLE.wait_leases()
    WHOLE.wait_equal()


class Restarts(threading.Thread):
    """Stops and starts it, over and over."""

    def __init__(self, host):
        super().__init__(daemon=True)
        self.host, self.over, self.count, self.fault = host, False, 0, None

    def run(self):
        try:
            while not self.over:
                assert self.host.stop() == 0, self.host.story()
                self.host.start_again()
                WHOLE.wait_leases([self.host])
                self.count += 1
        except Exception as fault:
            self.fault = fault


def verdict_if_there(host, user, token):
    """None: its patd is not there, or goes before it has answered."""
    try:
        return host.verdict(user, token)
    except (OSError, AssertionError):
        return None


def over_and_over():
    """a host that is stopped and started over and over says no yes to what was revoked on
    another, from the moment when that has returned"""
    one, _, last = WHOLE.hosts
    users = make_tokens(WHOLE, 40 * ROUNDS)
    WHOLE.wait_equal()
    restarts = Restarts(last)
    restarts.start()
    ended = 0
    for user, *tokens in users:
        for token in tokens:
            one.admin("revoke", id_of(token))
            ended += 1
            assert verdict_if_there(last, user, token) != ACCEPT, (user, last.story())
        if restarts.count >= ROUNDS or restarts.fault:
            break
    restarts.over = True
    restarts.join()
    if restarts.fault:
        raise restarts.fault
    print("# %d tokens, %d restarts" % (ended, restarts.count), flush=True)
    assert restarts.count >= ROUNDS, "only %d restarts" % restarts.count


def run(cases):
    global WHOLE
    try:
        with cluster(lease=LEASE) as WHOLE:
            main([case for case in cases
                  if len(sys.argv) < 2 or case.__name__ in sys.argv[1:]])
    except Skip as reason:
        print("1..0 # SKIP %s" % reason)


run([stopped, killed, cut_off, link_stopped, over_and_over])
