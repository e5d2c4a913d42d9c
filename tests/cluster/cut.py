"""A host that is cut off: it says yes until its lease ends and nothing but "not now"
after that; who ends a token elsewhere waits as long, once, and is told for whom.
"""
import contextlib
import os
import shutil
import signal
import subprocess
import sys

from acts import ByCommand, Record, Watch, id_of, now
from cluster import PATIENCE, SHIM, Host, cluster, wait_for
from daemon import (ACCEPT, DENY, ROOT, SANITIZED, UNAVAILABLE, Client, Skip, freeze,
                    main, question)

HOUR = 3600


def cut_and_revoke(whole, mode, meanwhile=lambda: None):
    """The last host is cut off while tokens are ended on the first one."""
    first, second, last = whole.hosts
    record = Record(whole.hosts)
    token, other, ended = (whole.token("jane") for _ in range(3))
    for each in (token, other):
        record.known("jane", each)
    first.admin("revoke", id_of(ended))
    assert last.verdict("jane", ended) == DENY
    with Watch(last, "jane", token) as watch:
        cut = now()
        last.cut(mode)
        watch.wait(ACCEPT, cut)  # it goes on saying yes
        meanwhile()
        begin = now()
        said = first.admin("revoke", id_of(token))
        returned = now()
        record.changed([token], begin, returned, "end",
                       type("Said", (), {"done": True, "why": said.stderr}))
        assert second.verdict("jane", token) == DENY
        late = [row for row in watch.said if row[2] == ACCEPT and
                row[0] > returned]
        assert not late, "%d times yes after the command returned" % len(late)
        assert "waited" in said.stderr and last.name in said.stderr, said.stderr
        watch.wait(UNAVAILABLE)
        meanwhile()
        while_cut(whole, other, ended, mode != "deaf")
        last.mend()
        watch.wait(DENY, now())
    for row in watch.said:
        record.asked(last, token, *row)
    whole.wait_leases()
    assert last.verdict("jane", other) == DENY
    record.check()


def while_cut(whole, other, ended, silent):
    """The lease is over: nobody waits for this host any more, if it does not go on
    asking for leases, and it knows that it does not know."""
    first, _, last = whole.hosts
    user, probe = whole.probe()
    assert last.verdict(user, probe) == UNAVAILABLE
    assert last.verdict("jane", ended) == DENY  # what is known as ended is denied
    said = first.admin("revoke", id_of(other))
    assert not silent or "waited" not in said.stderr, said.stderr
    assert last.verdict("jane", other) == UNAVAILABLE
    fresh = whole.token("jane")
    assert first.verdict("jane", fresh) == ACCEPT
    assert last.verdict("jane", fresh) == UNAVAILABLE  # not: no
    refused = last.admin("create", "jane", check=False)
    assert refused.returncode != 0 and not refused.stdout, refused
    assert "database" in refused.stderr, refused.stderr
    assert last.admin("list", "jane").returncode == 0
    last.logged("lease")


def cut_off():
    """a host whose network is cut says yes until its lease ends, and the revocation
    has not returned before
    """
    cut_and_revoke(WHOLE, "hole")


def deaf():
    """so does one that still reaches the database, and is not reached by it"""
    cut_and_revoke(WHOLE, "deaf")


def clocks():
    """so does one in a cluster whose clocks are an hour apart, and jump"""
    if SANITIZED or not os.path.exists(SHIM):
        raise Skip("preloads a library of its own")
    with cluster(clocks=(HOUR, 0, -HOUR)) as whole:
        shifts = iter([(-HOUR, HOUR, 0), (0, 30 * HOUR, HOUR)])

        def jump():
            for host, shift in zip(whole.hosts, next(shifts)):
                host.set_clock(shift)

        cut_and_revoke(whole, "cut", jump)


INSIDE = "inside"  # a namespace of its own, with a wire for each host


def wires():
    """so does one whose line is down, where the kernel alone knows of it"""
    if not ROOT or not shutil.which("nsenter") or not shutil.which("ip"):
        raise Skip("needs root, nsenter and ip")
    done = subprocess.run(
        ["unshare", "--net", sys.executable, __file__, INSIDE], text=True,
        stdin=subprocess.DEVNULL, capture_output=True)
    if done.stdout.startswith("skip "):
        raise Skip(done.stdout[5:].strip())
    assert done.returncode == 0, done.stdout + done.stderr


def inside():
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    try:
        with cluster(wires=True) as whole:
            cut_and_revoke(whole, "down")
    except Skip as reason:
        print("skip %s" % reason)


@contextlib.contextmanager
def stopped(host):
    freeze(host.patd)
    try:
        yield
    finally:
        host.patd.send_signal(signal.SIGCONT)


def succeeds_nowhere_before():
    """a successor is accepted, by whatever host and however often it is asked, only
    when the host that is cut off does not accept the old token any more
    """
    first, second, last = WHOLE.hosts
    record = Record(WHOLE.hosts)
    old = WHOLE.token("jane")
    new = first.admin("rotate", id_of(old)).stdout.strip()
    WHOLE.texts.append(new)
    WHOLE.wait_equal()
    with Watch(last, "jane", old) as watch:
        last.cut("hole")
        begin = now()
        wait_for(lambda: ACCEPT in (first.verdict("jane", new),
                                    second.verdict("jane", new)), first.story)
        accepted = now()
        watch.wait(UNAVAILABLE)
        late = [row for row in watch.said if row[2] == ACCEPT and
                row[0] > accepted]
        assert not late, "%d times yes after its successor" % len(late)
        for host in (first, second):
            assert host.verdict("jane", old) == DENY
        last.mend()
        watch.wait(DENY, now())
    record.known("jane", old)
    record.changed([old], begin, accepted, "end",
                   type("Said", (), {"done": True, "why": ""}))
    for row in watch.said:
        record.asked(last, old, *row)
    record.check()
    WHOLE.wait_leases()
    assert last.verdict("jane", new) == ACCEPT


def stands_still():
    """a patd that stood still says no yes to whoever asks after the revocation"""
    first, second, last = WHOLE.hosts
    token = WHOLE.token("jane")
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(last.verify, PATIENCE))
                   for _ in range(8)]
        for client in clients:  # they are known to patd
            assert client.ask("jane", token)[0] == ACCEPT
        with stopped(last):
            said = first.admin("revoke", id_of(token))
            assert last.name in said.stderr, said.stderr
            assert second.verdict("jane", token) == DENY
            for client in clients:
                client.send(question("jane", token))
        verdicts = [client.answer()[0] for client in clients]
    assert ACCEPT not in verdicts, verdicts
    WHOLE.wait_leases()
    assert last.verdict("jane", token) == DENY


def without_standby():
    """where the primary has lost its standby nothing is granted and nothing is done,
    and all goes on when it is back
    """
    first, _, last = WHOLE.hosts
    token = WHOLE.token("jane")
    WHOLE.pair.standby.freeze()
    try:
        said = ByCommand().do(first, "revoke", id_of(token))
        assert said.done is not True, said
        for host in WHOLE.hosts:
            wait_for(lambda: host.verdict("jane", token) in (UNAVAILABLE, DENY),
                     host.story)
            assert host.verdict(*WHOLE.probe()) == UNAVAILABLE
    finally:
        WHOLE.pair.standby.thaw()
    WHOLE.wait_leases()
    WHOLE.wait_equal()
    verdicts = {host.verdict("jane", token) for host in WHOLE.hosts}
    assert len(verdicts) == 1, verdicts
    first.admin("revoke", id_of(token), check=False)
    assert last.verdict("jane", token) == DENY


@contextlib.contextmanager
def copy_of(host):
    """The same host on another machine, both being down while it is copied."""
    host.stop()
    host.end_link()
    twin = Host(WHOLE, len(WHOLE.hosts), original=host)
    try:
        host.start_again()
        WHOLE.wait_leases()
        yield twin
    finally:
        twin.end()
        twin.remove()


def copied():
    """a machine that was copied, and runs beside the copy: the copy is refused; and
    where it comes in its place, while it is cut off, the revocation waits for both
    """
    first, _, last = WHOLE.hosts
    token = WHOLE.token("jane")
    with copy_of(last) as twin, Watch(last, "jane", token) as watch:
        twin.start()
        twin.linked("another machine")
        assert twin.verdict(*WHOLE.probe()) == UNAVAILABLE
        watch.wait(ACCEPT, now())
        last.cut("hole")
        with WHOLE.pair.owner() as session:  # as if its clock had jumped
            session.rows("UPDATE jira_pat.node SET contact = contact - "
                         "interval '1 day'")
        twin.linked("the leases of the machine that had its name")
        said = first.admin("revoke", id_of(token))
        returned = now()
        assert last.name in said.stderr, said.stderr
        watch.wait(UNAVAILABLE, returned)
        late = [row for row in watch.said if row[2] == ACCEPT and row[0] > returned]
        assert not late, "%d times yes after the command returned" % len(late)
        WHOLE.wait_leases([twin])
        assert twin.verdict("jane", token) == DENY
        last.mend()
        last.linked("another machine")
        assert last.verdict(*WHOLE.probe()) == UNAVAILABLE
    WHOLE.wait_leases()
    assert last.verdict("jane", token) == DENY


def the_same_in_the_end():
    """after all that, the log and the stores are whole, and the same"""
    WHOLE.check_log()
    WHOLE.check_equal()
    WHOLE.check_logs()


WHOLE = None
CASES = [cut_off, deaf, succeeds_nowhere_before, stands_still, without_standby, copied,
         the_same_in_the_end, wires, clocks]

if sys.argv[1:] == [INSIDE]:
    inside()
else:
    try:
        with cluster() as WHOLE:
            main([case for case in CASES
                  if sys.argv[1:] in ([], [case.__name__])])
    except Skip as reason:
        print("1..0 # SKIP %s" % reason)
