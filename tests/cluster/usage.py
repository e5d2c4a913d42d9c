"""What was used when, where and how often, of all hosts together: nothing is lost and
nothing counts twice while one of them is cut off, and what may be lost where one is killed
is what it had not written yet.
"""
import json
import signal
import sys

from acts import id_of, make_tokens
from cluster import PATIENCE, cluster, wait_for
from daemon import ACCEPT, Client, Skip, main, question

MANY = 1100  # more tokens than patd gathers the uses of before it writes them


def use(host, user, token, times=1):
    """Each host has a place of its own."""
    with Client(host.verify, PATIENCE) as client:
        for _ in range(times):
            client.send(question(user, token, rhost=place_of(host)))
            assert client.answer()[0] == ACCEPT


def place_of(host):
    return "10.0.0.%d" % (host.number + 1)


def write_all(hosts):
    """Who stops writes what was used; these have it afterwards."""
    for host in hosts:
        assert host.stop() == 0
        host.start_again()
    WHOLE.wait_leases(hosts)
    WHOLE.wait_equal(hosts)


def rows(host):
    return {row["id"]: row for row in json.loads(host.admin("list", "--json").stdout)}


def counted(token):
    """The count, and the places, which all hosts agree on."""
    seen = [rows(host)[id_of(token)] for host in WHOLE.hosts]
    said = {(row["use_count"], tuple(sorted(use["address"] for use in row["uses"])),
             row["last_used_at"]) for row in seen}
    assert len(said) == 1, seen
    return said.pop()[:2]


def all_places():
    return tuple(place_of(host) for host in WHOLE.hosts)


def cut_off():
    """uses on a host that is cut off count once it is back, all of them, and beside those
    of the others
    """
    one, two, last = WHOLE.hosts
    token = WHOLE.token("jane")
    for host in WHOLE.hosts:
        use(host, "jane", token, 3)
    last.cut("hole")
    use(last, "jane", token, 5)
    use(one, "jane", token, 7)
    use(two, "jane", token, 11)
    write_all([one])  # which waits for nobody
    last.logged("the lease is over")
    last.mend()
    WHOLE.wait_leases()
    write_all(WHOLE.hosts)
    assert counted(token) == (32, all_places()), counted(token)
    write_all(WHOLE.hosts)
    assert counted(token) == (32, all_places()), counted(token)


def ends_cut_off():
    """a patd that ends while it is cut off loses what it has not written, and no more"""
    one, _, last = WHOLE.hosts
    token = WHOLE.token("jane")
    use(last, "jane", token, 2)
    use(one, "jane", token, 4)
    write_all(WHOLE.hosts)
    last.cut("hole")
    use(last, "jane", token, 8)
    assert last.stop() == 0
    last.mend()
    last.start_again()
    WHOLE.wait_leases()
    write_all(WHOLE.hosts)
    assert counted(token)[0] in (6, 14), counted(token)


def killed():
    """of a patd that is killed all is there that it has written, and what it had not may
    be lost; that of other hosts is there
    """
    one, two, last = WHOLE.hosts
    token = WHOLE.token("jane")
    use(last, "jane", token, 16)
    write_all(WHOLE.hosts)
    use(one, "jane", token, 1)
    use(two, "jane", token, 2)
    use(last, "jane", token, 32)
    last.stop(signal.SIGKILL)
    last.start_again()
    WHOLE.wait_leases()
    write_all(WHOLE.hosts)
    assert counted(token)[0] in (19, 51), counted(token)


def refused():
    """what the database refuses is written once it takes it again, once"""
    one, two, _ = WHOLE.hosts
    pairs = [(user, token) for user, *both in make_tokens(WHOLE, MANY // 2)
             for token in both]
    WHOLE.wait_equal()
    full = "ALTER TABLE jira_pat.log ADD CONSTRAINT full_disk CHECK (false) NOT VALID"
    with WHOLE.pair.owner() as session:
        session.rows(full)
        try:
            assert one.hammer(pairs, len(pairs), 4)[0] == len(pairs)
            wait_for(lambda: "full_disk" in WHOLE.pair.primary.read_log(), one.story)
            said = one.admin("create", "joe", check=False)
            assert said.returncode == 3 and "nothing was changed" in said.stderr, said
        finally:
            session.rows("ALTER TABLE jira_pat.log DROP CONSTRAINT full_disk")
    wait_for(lambda: one.admin("create", "joe", check=False).returncode == 0, one.story)
    write_all(WHOLE.hosts)
    seen = rows(two)
    counts = [seen[id_of(token)]["use_count"] for _, token in pairs]
    assert set(counts) == {1}, (set(counts), counts.count(0))


WHOLE = None
CASES = [cut_off, ends_cut_off, killed, refused]

if __name__ == "__main__":
    try:
        with cluster(standby=False, lease=15) as WHOLE:
            main([case for case in CASES
                  if sys.argv[1:] in ([], [case.__name__])])
    except Skip as reason:
        print("1..0 # SKIP %s" % reason)
