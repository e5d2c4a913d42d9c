"""Upstream credentials in patd's answers: who is told one, and when; and what
is left of them in files and logs.
"""
import os
import pwd
import signal
import stat
import subprocess
import time

from daemon import (ACCEPT, ADMIN, AUDIT, DENY, ROOT, SANITIZED, UNAVAILABLE,
                    Client, Skip, account, as_user, detailed, forged, main,
                    question, wait_for, world)

PAT = "MDA5ODc2NTQzMjEwOgQkVEryS3cr3t"
HEADER = "Bearer " + PAT
CONFIG = AUDIT + """
[pat-httpd]
user = bin
[service jira]
upstream = yes
[service strict]
upstream = required
[service plain]
"""


def asked(place, token, service="jira", user="alice"):
    with Client(place.verify) as client:
        client.send(detailed(user, token, 7, service))
        return client.details()


def told(place, token, service="jira", user="alice"):
    answer = asked(place, token, service, user)
    return answer.verdict, answer.upstream


def set_upstream(place, secret=PAT, user="alice", *more):
    return place.admin("upstream", "set", user, *more, said=secret + "\n")


def key_path(place):
    return os.path.join(place.root, "key/upstream.key")


def only_where_asked():
    """an acceptance carries the stored credential at services with upstream, and
    nothing else does"""
    with world(CONFIG) as place:
        token, other = place.token("alice"), place.token("bob")
        assert told(place, token) == (ACCEPT, "")
        set_upstream(place)
        assert told(place, token) == (ACCEPT, HEADER)  # a hash, in a worker
        assert told(place, token) == (ACCEPT, HEADER)  # from memory
        assert told(place, token, user="") == (ACCEPT, HEADER)
        assert told(place, token, "plain") == (ACCEPT, "")
        assert told(place, token, "unnamed") == (ACCEPT, "")
        assert told(place, other, user="bob") == (ACCEPT, "")
        assert told(place, token, user="bob") == (DENY, "")
        assert told(place, forged(token[5:13])) == (DENY, "")
        place.admin("user", "disable", "alice")
        assert told(place, token) == (DENY, "")
        place.admin("user", "enable", "alice")
        assert told(place, token) == (ACCEPT, HEADER)
        place.admin("revoke", token[5:13])
        assert told(place, token) == (DENY, "")
        with Client(place.verify) as client:
            client.send(account("alice"))
            assert PAT.encode() not in client.sock.recv(4096)
            client.send(question("bob", other))
            assert PAT.encode() not in client.sock.recv(4096)


def a_change_holds_at_once():
    """the next request sees another credential, and a removed one no more; that
    of the service goes before that of all"""
    with world(CONFIG) as place:
        token = place.token("alice")
        set_upstream(place)
        assert told(place, token) == (ACCEPT, HEADER)
        set_upstream(place, "bob@example.com:tok", "alice", "--service", "jira")
        assert told(place, token) == (
            ACCEPT, "Basic Ym9iQGV4YW1wbGUuY29tOnRvaw==")
        place.admin("upstream", "remove", "alice", "--service", "jira")
        assert told(place, token) == (ACCEPT, HEADER)
        place.admin("upstream", "remove", "alice")
        assert told(place, token) == (ACCEPT, "")


def required():
    """required: a user without one is denied as one who lacks a right is; with
    one that cannot be opened it is unavailable"""
    with world(CONFIG) as place:
        token = place.token("alice")
        answer = asked(place, token, "strict")
        assert (answer.verdict, answer.denial) == (DENY, 1), answer
        assert place.admin("test", "alice", "--service", "strict", check=False,
                           said=token + "\n").stdout == "denied: upstream\n"
        set_upstream(place)
        assert told(place, token, "strict") == (ACCEPT, HEADER)
        os.unlink(key_path(place))
        place.patd.send_signal(signal.SIGHUP)
        place.logged("settings: reloaded")
        assert told(place, token, "strict") == (UNAVAILABLE, "")


def a_lost_key():
    """a lost or exchanged key: a clear line in the log, no credential, and tokens
    go on; the right one makes all as before"""
    with world(CONFIG) as place:
        token = place.token("alice")
        set_upstream(place)
        kept = key_path(place) + ".kept"
        os.rename(key_path(place), kept)
        place.stop()
        place.start()
        assert told(place, token) == (ACCEPT, "")
        place.logged("there is no key")
        listed = place.admin("upstream", "list").stdout
        assert "there is no key" in listed, listed
        done = place.admin("upstream", "set", "bob", said="x\n")
        assert "is new" in done.stderr, done.stderr
        assert told(place, token) == (ACCEPT, "")
        assert "sealed with another key" in place.admin(
            "upstream", "list", "alice").stdout
        done = place.admin("upstream", "rekey", check=False)
        assert done.returncode == 3 and "alice" in done.stdout, done
        os.unlink(key_path(place) + ".new")
        os.rename(kept, key_path(place))
        place.patd.send_signal(signal.SIGHUP)
        place.logged("settings: reloaded")
        wait_for(lambda: told(place, token) == (ACCEPT, HEADER))


def another_key():
    """rekey: another key, and every credential as before, without a restart and
    with one"""
    with world(CONFIG) as place:
        token = place.token("alice")
        set_upstream(place)
        with open(key_path(place), "rb") as file:
            before = file.read()
        place.admin("upstream", "rekey")
        with open(key_path(place), "rb") as file:
            assert file.read() != before
        info = os.stat(key_path(place))
        assert stat.S_IMODE(info.st_mode) == 0o400
        assert info.st_uid == pwd.getpwnam(place.user).pw_uid
        assert sorted(os.listdir(os.path.dirname(key_path(place)))) == [
            "pepper.key", "upstream.key"]
        assert told(place, token) == (ACCEPT, HEADER)
        set_upstream(place, "after", "bob")
        place.stop()
        place.start()
        assert told(place, token) == (ACCEPT, HEADER)
        assert told(place, place.token("bob"), user="bob") == (
            ACCEPT, "Bearer after")


def which_peers():
    """root, the user of patd and that of pat-httpd are told; others who may ask
    are not, and get the same answer else"""
    if not ROOT:
        raise Skip("needs root")
    with world(CONFIG) as place:
        token = place.token("alice")
        set_upstream(place)
        for name, shown in (("bin", True), (place.user, True), ("mail", False),
                            ("www-data", False)):
            said = as_user(name, lambda: told(place, token))
            assert said == repr((ACCEPT, HEADER if shown else "")), (name, said)


def audited():
    """with audit_required the answer that waits for its line carries it, too"""
    with world(CONFIG.replace("[pat-httpd]", "audit_required = yes\n"
                              "audit_accept = all\n[pat-httpd]")) as place:
        token = place.token("alice")
        set_upstream(place)
        for _ in range(3):
            assert told(place, token) == (ACCEPT, HEADER)


def left_nowhere():
    """the secret is in no file of the store, no backup, no log, no trail; the key
    is in no backup"""
    with world(CONFIG) as place:
        token = place.token("alice")
        set_upstream(place)
        assert told(place, token) == (ACCEPT, HEADER)
        place.admin("backup", os.path.join(place.root, "backup"))
        place.admin("export")
        said = place.admin("upstream", "list", "--json").stdout
        assert PAT not in said and PAT not in place.admin("export").stdout
        with open(key_path(place), "rb") as file:
            key = file.read()
        place.stop()
        for folder, _, names in os.walk(place.root):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    data = file.read()
                assert PAT.encode() not in data, (folder, name)
                assert key not in data or name == "upstream.key", name
        trail = place.read_trail()
        assert '"event":"set-upstream"' in trail and "alice" in trail


def memory_of(pid):
    """What can be read of it, piece by piece."""
    with open("/proc/%d/maps" % pid) as maps, \
            open("/proc/%d/mem" % pid, "rb", 0) as mem:
        for line in maps:
            words = line.split()
            begin, end = (int(number, 16) for number in words[0].split("-"))
            if "r" not in words[1]:
                continue
            try:
                mem.seek(begin)
                yield mem.read(end - begin)
            except (OSError, OverflowError, ValueError):
                continue  # of the kernel, or a guard


def wiped():
    """after the answer, from a worker or from memory, patd's memory holds no
    secret: neither as it was set, nor as it was given"""
    if not ROOT or SANITIZED:
        raise Skip("needs root, and a build without sanitizer")
    with world(CONFIG) as place:
        token = place.token("alice")
        set_upstream(place)
        for _ in range(3):
            assert told(place, token) == (ACCEPT, HEADER)
        place.admin("upstream", "list")
        place.admin("upstream", "rekey")
        other = place.token("bob")
        for _ in range(200):  # over what the stacks held
            assert told(place, other, user="bob") == (ACCEPT, "")
        left = [data.count(PAT.encode()) for data in memory_of(place.patd.pid)]
        assert sum(left) == 0, "%d times" % sum(left)


def a_kill():
    """kill -9 while one is set: it is the old one or the new one, and what was
    acknowledged stays"""
    with world(CONFIG) as place:
        token, old = place.token("alice"), "old"
        set_upstream(place, old)
        for turn in range(12):
            new = "new%d" % turn
            with subprocess.Popen(
                    [ADMIN, "--config", place.config, "upstream", "set",
                     "alice"], stdin=subprocess.PIPE, text=True,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL) as process:
                process.stdin.write(new + "\n")
                process.stdin.close()
                end = time.monotonic() + turn * 0.003  # any moment will do
                while time.monotonic() < end:
                    pass
                place.patd.kill()
                place.patd.wait()
                done = process.wait(60)
            place.start()
            verdict, header = told(place, token)
            assert verdict == ACCEPT
            assert header in ("Bearer " + new, "Bearer " + old), header
            assert done != 0 or header == "Bearer " + new, header
            old = header[len("Bearer "):]


main([only_where_asked, a_change_holds_at_once, required, a_lost_key,
      another_key, which_peers, audited, left_nowhere, wiped, a_kill])
