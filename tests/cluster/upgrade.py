"""In the middle of an upgrade one host writes what the others cannot read: they say so,
accept until their leases end and nothing after that, change nothing, keep nobody waiting
twice, and go on as soon as they are upgraded.
"""
import json
import os
import sys

from acts import Watch, id_of, now
from cluster import BUILD, LEASE, cluster
from daemon import ACCEPT, AUDIT, DENY, UNAVAILABLE, Skip, main

NEWER = os.path.join(BUILD, "tests/cluster/patd_newer")


def upgrade(host, newer):
    """`newer`: what is written otherwise, as tests/cluster/newer.c has it."""
    host.stop()
    host.patd_program = NEWER
    host.environment = lambda: dict(os.environ, JP_NEWER=newer)
    host.start_again()


def told(host):
    """It says what is wrong, and what to do, wherever one looks."""
    host.logged("newer version of jira-pat")
    said = [host.read_log(), *(host.admin(*args, check=False) for args in (
        ["cluster", "status"], ["check"], ["create", "joe"]))]
    said[1:] = [done.stdout + done.stderr for done in said[1:]]
    for text in said:
        assert "newer version of jira-pat" in text and "install" in text, (text, said)
    assert "nothing was changed" in said[-1], said[-1]


def refused(whole, old, pairs):
    """An old host whose lease is over, of a token that lives, one that was revoked since
    and one that it knows as revoked."""
    (user, live), (_, late), (_, ended) = pairs
    assert old.verdict(user, ended) == DENY
    for pair in ((user, live), (user, late), whole.probe()):
        assert old.verdict(*pair) == UNAVAILABLE
    old.logged("the lease is over")
    assert {row["id"] for row in json.loads(old.admin("list", user, "--json").stdout)
            } >= {id_of(live), id_of(late)}


def everything(host):
    """All of what a host shows of the tokens and users."""
    rows = map(json.loads, host.admin("export").stdout.splitlines())
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


def upgraded(newer):
    if not os.access(NEWER, os.X_OK):
        raise Skip("%s is not built" % os.path.relpath(NEWER, BUILD))
    with cluster(more=AUDIT, standby=False, lease=LEASE) as whole:
        first, *others = whole.hosts
        live, late, ended = (whole.token("jane") for _ in range(3))
        others[0].admin("revoke", id_of(ended))
        upgrade(first, newer)
        whole.wait_leases()
        assert first.verdict("jane", ended) == DENY
        by_old = others[0].admin("create", "jane").stdout.strip()
        whole.texts.append(by_old)
        assert first.verdict("jane", by_old) == ACCEPT
        with Watch(others[0], "jane", late) as one, \
                Watch(others[1], "jane", late) as two:
            said = first.admin("revoke", id_of(late)).stderr
            returned = now()
            assert all(old.name in said for old in others), said
            for watch in (one, two):
                watch.wait(UNAVAILABLE)
        for watch in (one, two):
            assert not [row for row in watch.said
                        if row[2] == ACCEPT and row[0] > returned]
        for old in others:
            told(old)
            refused(whole, old, [("jane", live), ("jane", late), ("jane", ended)])
        more = whole.token("jane")
        said = first.admin("revoke", id_of(more))
        assert "waited" not in said.stderr, said.stderr
        assert first.verdict("jane", live) == ACCEPT
        go_on(whole, others, newer, live, late)


def go_on(whole, others, newer, live, late):
    """One after the other; nothing is lost of what was done meanwhile."""
    for old in others:
        upgrade(old, newer)
        whole.wait_leases([old])
        assert (old.verdict("jane", live), old.verdict("jane", late)) == (ACCEPT, DENY)
        whole.texts.append(old.admin("create", "jane").stdout.strip())
    whole.wait_leases()
    whole.wait_equal()
    whole.check_log()
    for host in whole.hosts:
        host.stop()
        host.start_again()
    whole.wait_equal()
    seen = [everything(host) for host in whole.hosts]
    assert seen[0] == seen[1] == seen[2], seen


def records():
    """where records have a newer format, older hosts refuse them, say so, accept nothing
    after their leases, and go on once they are upgraded
    """
    upgraded("record")


def batches():
    """the same where batches have"""
    upgraded("batch")


CASES = [records, batches]

if __name__ == "__main__":
    main([case for case in CASES if sys.argv[1:] in ([], [case.__name__])])
