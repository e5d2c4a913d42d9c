"""The audit trail of a real patd: what is told, and what is done to it."""
import contextlib
import json
import os
import shutil
import signal
import subprocess
import threading

from daemon import (ACCEPT, ADMIN, DENY, ROOT, UNAVAILABLE, Client, Skip, main,
                    question, wait_for, world)

SERVICES = """
[service narrow]
scope = write
[service *]
"""


@contextlib.contextmanager
def audited(more="", start=True):
    with world(start=False) as place:
        place.trail = os.path.join(place.root, "log/audit.jsonl")
        place.head = os.path.join(place.root, "store/audit.head")
        place.write("audit_file = %s\n%s" % (place.trail, more))
        place.admin("init")  # makes the folder
        if start:
            place.start("--debug")
        yield place


def lines(path):
    with open(path) as file:
        return [json.loads(line) for line in file]


def events(place, **wanted):
    try:
        told = lines(place.trail)
    except (FileNotFoundError, ValueError):  # half a line: it is being written
        return []
    return [line for line in told
            if all(line.get(key) == value for key, value in wanted.items())]


def verify(place, *files):
    done = place.admin("audit", "verify", *files, check=False)
    return done.returncode, done.stdout.strip()


def is_whole(place):
    code, said = verify(place)
    assert code == 0 and said.startswith("whole: "), said


def ask(place, user, token, service="jira", rhost="10.0.0.1"):
    with Client(place.verify) as client:
        client.send(question(user, token, 7, service, rhost))
        return client.answer(7)[0]


def changed(token, at):
    """The token with another letter in this place."""
    other = "a" if token[at] != "a" else "b"
    return token[:at] + other + token[at + 1:]


def with_crc(text):
    """Closes the beginning of a token with a right checksum."""
    import zlib
    digits = ("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
              "abcdefghijklmnopqrstuvwxyz")
    crc, tail = zlib.crc32(text.encode()), ""
    for _ in range(6):
        crc, digit = divmod(crc, 62)
        tail = digits[digit] + tail
    return text + tail


def made(place, *args):
    token = place.admin("create", "alice", *args).stdout.strip()
    place.tokens.append(token)
    return token


def every_denial():
    """each reason of a denial has its line, with who asked from where"""
    with audited(SERVICES) as place:
        token = made(place)
        gone = made(place)
        place.admin("revoke", gone[5:13])
        short = made(place, "--expires", "3s")
        wait_for(lambda: ask(place, "alice", short) == DENY)
        bound = made(place, "--service", "svn")
        scoped = made(place, "--scope", "read")
        near = made(place, "--from", "192.0.2.0/24")
        asked = [
            ("shape", "alice", "hello", "jira"),
            ("crc", "alice", changed(token, 40), "jira"),
            ("unknown-id", "alice", with_crc("jpat_" + "0" * 8 + token[13:44]),
             "jira"),
            ("fast-tag", "alice", with_crc(changed(token, 20)[:44]), "jira"),
            ("wrong-user", "bob", token, "jira"),
            ("revoked", "alice", gone, "jira"),
            ("expired", "alice", short, "jira"),
            ("service", "alice", bound, "jira"),
            ("scope", "alice", scoped, "narrow"),
            ("address", "alice", near, "jira"),
        ]
        for reason, user, text, service in asked:
            assert ask(place, user, text, service) == DENY, reason
            wait_for(lambda: events(place, event="deny", reason=reason,
                                    service=service))
            line = events(place, reason=reason, service=service)[-1]
            assert line["user"] == user and line["address"] == "10.0.0.1"
            assert line["front"] == "pam" and line["peer"] == os.geteuid()
            if reason not in ("shape", "crc", "unknown-id"):
                assert line["id"] == text[5:13], line
        is_whole(place)
        with open(place.trail) as file:
            told = file.read()
        for text in place.tokens:
            assert text[14:] not in told, "a secret is in the trail"


def acceptances():
    """an acceptance is told once for each token and address, or as is set"""
    for policy, wanted in (("first", 2), ("all", 4), ("none", 0)):
        with audited("audit_accept = " + policy) as place:
            token = made(place)
            for rhost in ("10.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.1"):
                assert ask(place, "alice", token, rhost=rhost) == ACCEPT
            place.stop()
            told = events(place, event="accept")
            assert len(told) == wanted, (policy, told)
            assert all(line["id"] == token[5:13] for line in told)
            is_whole(place)


def administration(start):
    with audited(start=start) as place:
        token = made(place, "--name", "nightly")
        place.admin("revoke", "--user", "alice", "--reason", "left \"us\"")
        test = [ADMIN, "--config", place.config, "test", "alice"]
        assert subprocess.run(test, input=token, text=True,
                              capture_output=True).returncode == 1
        place.admin("list", "--all")
        place.admin("show", token[5:13])
        place.admin("backup", os.path.join(place.root, "copy"))
        exported = place.admin("export").stdout
        moved = os.path.join(place.root, "moved")
        with open(moved, "w") as file:
            file.write(exported.replace(token[5:13], "B" * 8))
        os.chmod(moved, 0o644)
        place.admin("import", moved)
        place.admin("purge", "--dead-for", "0")
        if start:
            place.stop()
        told = [line["event"] for line in lines(place.trail)]
        wanted = ["create", "revoke", "test", "backup", "export", "import"]
        assert told[:6] == wanted, told
        assert set(told[6:]) <= {"purge"}, told
        create, revoke, test = lines(place.trail)[:3]
        assert create["detail"] == "nightly" and create["user"] == "alice"
        assert revoke["detail"] == "left \"us\"", revoke
        assert test["reason"] == "revoked" and test["front"] == "admin"
        assert all(line["actor"] for line in lines(place.trail))
        is_whole(place)


def through_patd():
    """each administrative act through patd has its line, with who did it"""
    administration(True)


def without_patd():
    """and pat-admin alone writes the same lines"""
    administration(False)


def restored():
    """a restore is told, and does not break the chain"""
    with audited() as place:
        made(place)
        copy = os.path.join(place.root, "copy")
        place.admin("backup", copy)
        token = made(place)
        place.stop()
        notices = os.path.join(place.root, "store/notices")
        with open(notices, "w") as file:
            file.write("86400 1800000000 AAAAAAAA\n")
        place.admin("restore", copy)
        with open(notices) as file:
            assert "AAAAAAAA" in file.read(), "a notice would come again"
        is_whole(place)
        assert events(place)[-1]["event"] == "restore", events(place)
        place.start()
        assert ask(place, "alice", token) == DENY
        place.stop()
        assert [line["seq"] for line in events(place)] == [1, 2, 3, 4, 5]
        is_whole(place)


def rotated():
    """a rotation, the end by the successor's use, and a reuse are told"""
    with audited() as place:
        old = made(place)
        new = place.admin("rotate", old[5:13]).stdout.split()[0]
        place.tokens.append(new)
        assert ask(place, "alice", old) == ACCEPT
        assert ask(place, "alice", new) == ACCEPT
        assert ask(place, "alice", old) == DENY
        place.stop()
        told = {(line["event"], line["id"]) for line in events(place)}
        assert told == {
            ("create", old[5:13]), ("rotate", old[5:13]),
            ("rotate", new[5:13]), ("end", old[5:13]),
            ("accept", old[5:13]), ("accept", new[5:13]),
            ("reuse", old[5:13])}, told
        assert events(place, event="end")[0]["detail"] == "by " + new[5:13]
        is_whole(place)


def users():
    """a user who is disabled, and the denials that follow, are told"""
    with audited() as place:
        token = made(place)
        place.admin("user", "disable", "alice")
        assert ask(place, "alice", token) == DENY
        place.stop()
        told = [(line["event"], line["user"]) for line in events(place)]
        assert told == [("create", "alice"), ("set-user", "alice"),
                        ("deny", "alice")], told
        assert events(place)[-1]["reason"] == "user-disabled"
        is_whole(place)


def one_shot():
    """patd --one-shot writes into the same trail"""
    import socket
    with audited(start=False) as place:
        token = made(place)
        ours, theirs = socket.socketpair(socket.AF_UNIX,
                                         socket.SOCK_SEQPACKET)
        ours.send(question("bob", token))
        done = subprocess.run(
            [place_patd(), "--config", place.config, "--one-shot"],
            stdin=theirs, capture_output=True, timeout=120)
        assert done.returncode == 0, done.stderr
        assert events(place, event="deny", reason="wrong-user")
        is_whole(place)


def place_patd():
    import daemon
    return daemon.PATD


def rotation():
    """log rotation keeps the chain, under load"""
    with audited("audit_accept = all") as place:
        token = made(place)
        stop = threading.Event()

        def hammer():
            with Client(place.verify) as client:
                while not stop.is_set():
                    assert client.ask("alice", token)[0] == ACCEPT

        thread = threading.Thread(target=hammer)
        thread.start()
        try:
            for number in range(1, 5):
                wait_for(lambda: len(events(place)) > 3)
                os.rename(place.trail, "%s.%d" % (place.trail, 5 - number))
                wait_for(lambda: os.path.exists(place.trail))
        finally:
            stop.set()
            thread.join()
        place.stop()
        is_whole(place)
        assert "files: 5" in verify(place)[1], verify(place)
        # Old files may go; the rest can still be verified.
        os.unlink(place.trail + ".4")
        is_whole(place)
        os.unlink(place.trail + ".2")
        code, said = verify(place)
        assert code == 1 and said.startswith(place.trail + ".1:1: "), said


def killed():
    """kill -9 leaves a trail that is whole, and goes on"""
    with audited("audit_accept = all", start=False) as place:
        token = made(place)
        for _ in range(5):
            place.start()
            with Client(place.verify) as client:
                for _ in range(200):
                    client.ask("alice", token)
            place.stop(signal.SIGKILL)
            is_whole(place)
        assert len(lines(place.trail)) > 5


def tampered():
    """what is removed, changed, doubled, reordered or cut off is named"""
    with audited(start=False) as place:
        for _ in range(5):
            made(place)
        with open(place.trail) as file:
            good = file.readlines()
        cases = [
            ("changed", [good[0], good[1].replace("alice", "mallo")] +
             good[2:], 2),
            ("removed", good[:2] + good[3:], 3),
            ("reordered", [good[0], good[2], good[1]] + good[3:], 2),
            ("doubled", good[:2] + good[1:], 3),
            ("cut at the end", good[:3], 4),
            ("cut at the beginning", good[2:], 1),
            ("added", good[:2] + ['{"seq":3}\n'] + good[2:], 3),
            ("half", good[:4] + [good[4][:20]], 5),
        ]
        for what, left, bad in cases:
            with open(place.trail, "w") as file:
                file.writelines(left)
            code, said = verify(place)
            where = "%s:%d: " % (place.trail, bad)
            assert code == 1 and said.startswith(where), (what, said)
            done = place.admin("audit", "verify", "--json", check=False)
            shown = json.loads(done.stdout)
            assert shown["whole"] is False and shown["line"] == bad, shown
        with open(place.trail, "w") as file:
            file.writelines(good)
        is_whole(place)
        os.unlink(place.head)
        code, said = verify(place)
        assert code == 1 and "audit.head" in said, said
        with open(place.head, "w") as file:
            file.write("jpah1 nonsense\n")
        code, said = verify(place)
        assert code == 1 and "audit.head" in said, said


def flood():
    """a flood of denials is a few lines and one with the count"""
    with audited() as place:
        with Client(place.verify) as client:
            for _ in range(3000):
                client.ask("alice", "hello")
        place.stop()
        told = events(place, reason="shape")
        assert len(told) < 100, len(told)
        assert sum(line.get("count", 1) for line in told) == 3000
        is_whole(place)


def fault(place, broken):
    """The folder of the trail goes, or comes back."""
    hidden = place.root + "/hidden"
    if broken:
        os.rename(os.path.dirname(place.trail), hidden)
    else:
        os.rename(hidden, os.path.dirname(place.trail))


def log_has(place, text):
    wait_for(lambda: text in place.read_log())


def not_required():
    """a trail that cannot be written is told, and work goes on"""
    with audited("audit_accept = all") as place:
        token = made(place)
        wait_for(lambda: events(place, event="create"))
        fault(place, True)
        assert ask(place, "alice", token) == ACCEPT
        made(place)
        log_has(place, "lines are lost")
        # One process holds the old file no more; the new one is found again.
        fault(place, False)
        assert ask(place, "alice", token) == ACCEPT
        wait_for(lambda: events(place, event="accept"))
        assert events(place, event="lost")[0]["count"] >= 1
        is_whole(place)


def required():
    """with audit_required nothing is answered or done untold"""
    with audited("audit_accept = all\naudit_required = yes") as place:
        token = made(place)
        assert ask(place, "alice", token) == ACCEPT
        assert ask(place, "bob", token) == DENY
        assert events(place, event="accept") and events(place, event="deny")
        fault(place, True)
        records = place.stats()["store"]["records"]
        for user in ("alice", "bob", "alice"):
            assert ask(place, user, token) == UNAVAILABLE
        fresh = place.admin("create", "carol", check=False)
        assert fresh.returncode == 3 and not fresh.stdout, fresh
        assert "nothing was done" in fresh.stderr, fresh.stderr
        assert place.admin("revoke", token[5:13], check=False).returncode == 3
        assert place.stats()["store"]["records"] == records
        assert place.stats()["requests"]["unavailable"]["audit"] == 3
        fault(place, False)
        assert ask(place, "alice", token) == ACCEPT
        is_whole(place)


def required_under_load():
    """with audit_required every acceptance is in the trail"""
    with audited("audit_accept = all\naudit_required = yes") as place:
        token = made(place)
        told = []

        def hammer():
            with Client(place.verify) as client:
                for _ in range(50):
                    assert client.ask("alice", token)[0] == ACCEPT
                    told.append(1)

        threads = [threading.Thread(target=hammer) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        place.stop(signal.SIGKILL)  # what was answered is there even so
        assert len(told) == 400
        assert len(events(place, event="accept")) >= 400
        is_whole(place)


def start_refused():
    """patd does not start with a required trail that cannot be written"""
    with audited("audit_required = yes", start=False) as place:
        fault(place, True)
        done = place.run()
        assert done.returncode == 3, done
        assert "audit_required: cannot open" in done.stderr, done.stderr
        place.write("audit_required = yes")
        done = place.run("--check-config")
        assert done.returncode == 3 and "audit_file" in done.stderr, done


@contextlib.contextmanager
def small_disk(folder):
    """A disk of 16 KiB there."""
    if not ROOT or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", folder],
            capture_output=True).returncode != 0:
        raise Skip("cannot mount a small disk here")
    try:
        shutil.chown(folder, "daemon")
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def full_disk():
    """a full disk: warn and go on, or refuse; room again, and all is well"""
    for needed in ("no", "yes"):
        with audited("audit_accept = all\naudit_required = " + needed,
                     start=False) as place, \
                small_disk(os.path.dirname(place.trail)):
            filler = os.path.join(os.path.dirname(place.trail), "filler")
            place.start()
            token = made(place)
            wait_for(lambda: events(place, event="create"))
            with open(filler, "wb", buffering=0) as file:
                with contextlib.suppress(OSError):
                    while True:
                        file.write(b"x" * 512)
            with Client(place.verify) as client:
                verdicts = {client.ask("alice", token)[0]
                            for _ in range(100)}
            if needed == "yes":
                assert UNAVAILABLE in verdicts, verdicts
                assert place.admin("create", "bob",
                                   check=False).returncode == 3
            else:
                assert verdicts == {ACCEPT}, verdicts
            log_has(place, "No space left")
            is_whole(place)  # no half line
            os.unlink(filler)
            assert ask(place, "alice", token) == ACCEPT
            place.stop()
            assert events(place, event="lost")
            is_whole(place)


main([every_denial, acceptances, through_patd, without_patd, restored,
      rotated, users, one_shot,
      rotation, killed, tampered, flood, not_required, required,
      required_under_load, start_refused, full_disk])
