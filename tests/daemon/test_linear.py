"""What an administrator has done holds for every question that begins when the
command has returned, while clients ask about the token without a pause.
"""
import json
import os
import signal
import socket
import subprocess
import time

from daemon import ACCEPT, DENY, HAMMER, main, wait_for, world

HAMMERS, ROUNDS = 3, 10


class Hammer:
    """tests/daemon/hammer.c until nothing is accepted any more."""

    def __init__(self, place, user, token):
        self.process = subprocess.Popen(
            [HAMMER, place.verify, "until-denied"], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        self.process.stdin.write("%s\t%s\n" % (user, token))
        self.process.stdin.close()

    def running(self):
        line = self.process.stdout.readline()
        assert line == "running\n", line + self.process.stderr.read()

    def last(self):
        """When the last accepted question began, in ns."""
        line = self.process.stdout.readline().split()
        assert line[::2] == ["accepted", "last"], self.process.stderr.read()
        return int(line[3])

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()


def hold(place, user, token, change):
    """No accepted question about the token begins after change() returns."""
    hammers = [Hammer(place, user, token) for _ in range(HAMMERS)]
    try:
        for hammer in hammers:
            hammer.running()
        change()
        returned = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        for hammer in hammers:
            late = hammer.last() - returned
            assert late < 0, "accepted %d ns after the command" % late
    finally:
        for hammer in hammers:
            hammer.end()


def revoked():
    """of a revoked token"""
    with world(args=()) as place:
        for _ in range(ROUNDS):
            token = place.token()
            hold(place, "alice", token,
                 lambda: place.admin("revoke", token[5:13]))


def revoked_with_others():
    """of a token whose user's tokens are all revoked"""
    with world(args=()) as place:
        for number in range(ROUNDS):
            user = "user%d" % number
            tokens = [place.token(user) for _ in range(5)]
            hold(place, user, tokens[2],
                 lambda: place.admin("revoke", "--user", user))


def rotated():
    """of a token that was rotated without grace"""
    with world(args=()) as place:
        for _ in range(ROUNDS):
            token = place.token()
            hold(place, "alice", token, lambda: place.tokens.append(
                place.admin("rotate", token[5:13], "--grace", "0")
                .stdout.strip()))
            assert place.ask("alice", place.tokens[-1]) == (ACCEPT, "alice")


def succeeded():
    """of a rotated token, once its successor was answered for the first time
    """
    with world(args=()) as place:
        for _ in range(ROUNDS):
            token = place.token()
            place.tokens.append(place.admin(
                "rotate", token[5:13], "--grace", "1h").stdout.strip())
            assert place.ask("alice", token) == (ACCEPT, "alice")
            def change():
                assert place.ask("alice", place.tokens[-1]) == (
                    ACCEPT, "alice")
            hold(place, "alice", token, change)


def disabled():
    """of a user that is disabled; and once enabled the next one is accepted
    """
    with world(args=()) as place:
        token, other = place.token("jane"), place.token("joe")
        for _ in range(ROUNDS):
            hold(place, "jane", token,
                 lambda: place.admin("user", "disable", "jane"))
            assert place.ask("joe", other) == (ACCEPT, "joe")
            place.admin("user", "enable", "jane")
            assert place.ask("jane", token) == (ACCEPT, "jane")
        assert place.stats()["argon2_runs"] == 2


def made_again():
    """of a token whose record was deleted, until it is made again; and of none
    whose record was made again with another hash
    """
    with world(args=()) as place:
        token, other = place.token(), place.token()
        lines = {line["id"]: line for line in map(
            json.loads, place.admin("export").stdout.splitlines())}
        line, another = lines[token[5:13]], lines[other[5:13]]
        def delete():
            place.admin("revoke", token[5:13])
            wait_for(lambda: token[5:13] in place.admin(
                "purge", "--dead-for", "1s").stdout)
        for changed, verdict in ((line, ACCEPT),
                                 (dict(line, phc=another["phc"]), DENY)):
            hold(place, "alice", token, delete)
            assert place.ask("alice", token)[0] == DENY
            place.admin("import", "-", said=json.dumps(changed) + "\n")
            assert place.ask("alice", token)[0] == verdict
        assert place.ask("alice", other) == (ACCEPT, "alice")


class Notified:
    """What patd tells its service manager."""

    def __init__(self, place):
        path = place.root + "/notify"
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(path)
        os.chmod(path, 0o777)
        self.sock.settimeout(60)
        os.environ["NOTIFY_SOCKET"] = path
        try:
            place.start()
        finally:
            del os.environ["NOTIFY_SOCKET"]
        assert self.sock.recv(999).startswith(b"READY=1")

    def reload(self, place):
        """SIGHUP; returns when patd says that it is ready again."""
        place.patd.send_signal(signal.SIGHUP)
        assert self.sock.recv(999).startswith(b"RELOADING=1")
        assert self.sock.recv(999).startswith(b"READY=1")


def policy():
    """of a token that another policy refuses, once patd is READY again"""
    rules = "[service jira]\nscope = %s"
    with world(start=False) as place:
        manager = Notified(place)
        with manager.sock:
            for _ in range(ROUNDS):
                place.write(rules % "read")
                manager.reload(place)
                token = place.admin(
                    "create", "alice", "--scope", "read").stdout.strip()
                place.tokens.append(token)
                def change():
                    place.write(rules % "write")
                    manager.reload(place)
                hold(place, "alice", token, change)


def again_and_again():
    """and all of it while others ask, make, list and reload"""
    with world("cache_entries = 64\nworkers = 4", args=()) as place:
        tokens = [place.token("user%d" % n) for n in range(100)]
        pairs = [("user%d" % n, token) for n, token in enumerate(tokens)]
        others = [subprocess.Popen(
            [HAMMER, place.verify, "count", "5000", "16", "50"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for _ in range(2)]
        try:
            for other in others:
                other.stdin.write("".join("%s\t%s\n" % p for p in pairs))
                other.stdin.close()
            for _ in range(ROUNDS // 2):
                token = place.token()
                def change():
                    place.patd.send_signal(signal.SIGHUP)
                    place.admin("list")
                    place.admin("revoke", token[5:13])
                hold(place, "alice", token, change)
                place.stats()
            for other in others:
                said = other.stdout.read()
                assert said == "accepted 5000 denied 0 unavailable 0\n", said
        finally:
            for other in others:
                other.kill()
                other.wait()
                other.stdout.close()
        wait_for(lambda: place.stats()["connections"]["open"] == 0)


main([revoked, revoked_with_others, rotated, succeeded, disabled, made_again,
      policy, again_and_again])
