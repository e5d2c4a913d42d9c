"""What went wrong in other software: each case is named by its id, and says
what holds here. doc/RELIABILITY.md has the whole list; most of it is shown by
the tests of the part that it is about.
"""
import base64
import json
import os
import socket
import subprocess
import sys

sys.path.append(os.path.join(os.environ["JP_SOURCE"], "tests/daemon"))

from daemon import (ACCEPT, BUILD, DENY, SANITIZED, Client, Skip, forged, main,
                    question, text, world)
from httpd import Http, place, request

NO_RANDOM = os.path.join(BUILD, "tests/known/.libs/no_random.so")


def runs(world_):
    return world_.stats()["argon2_runs"]


def records(world_):
    return json.loads(world_.admin("list", "--all", "--json").stdout)


def no_random_numbers():
    """CVE-2020-27743, unchecked random numbers: without any, whichever call
    fails, no token is made, and none printed"""
    if SANITIZED:
        raise Skip("a sanitizer's library has to be loaded first")
    with world(start=False) as world_:
        for calls in range(100):
            before = len(records(world_))
            done = subprocess.run(
                [world_.admin_program, "--config", world_.config, "create",
                 "alice"], text=True, capture_output=True, timeout=120,
                env=dict(os.environ, LD_PRELOAD=NO_RANDOM,
                         JP_RANDOM_UNTIL=str(calls)))
            if done.returncode == 0:
                break
            assert "jpat_" not in done.stdout + done.stderr, done
            assert len(records(world_)) == before, calls
        assert done.returncode == 0 and calls >= 3, (calls, done)


def no_shell():
    """CVE-2021-3621, system() with a user's text: no program or module has a
    function that runs a shell"""
    programs = ["patd/patd", "pat_httpd/pat-httpd", "tools/pat-admin",
                ".libs/pam_jira_pat.so", ".libs/libjirapat.so"]
    for program in programs:
        done = subprocess.run(
            ["nm", "-D", "--undefined-only", os.path.join(BUILD, program)],
            text=True, capture_output=True, check=True)
        names = {line.split()[-1].split("@")[0]
                 for line in done.stdout.splitlines()}
        assert "memcpy" in names or "memset" in names, (program, names)
        for name in ("system", "popen", "wordexp", "execlp", "execvp",
                     "execvpe", "posix_spawnp"):
            assert name not in names, (program, name)


def huge_passwords():
    """CVE-2016-6515, a password without a bound is hashed: one of a megabyte
    runs no Argon2id at any door, and the next question is answered"""
    with place() as world_:
        token = world_.token()
        assert world_.ask("alice", token) == (ACCEPT, "alice")
        before = runs(world_)
        huge = token + "x" * (1 << 20)
        with Client(world_.verify) as client:
            try:
                client.send(question("alice", huge[:60000]))
                assert client.closed()
            except OSError:
                pass  # no message is as long
        for length in (512, 1024, 65000):
            with Client(world_.verify) as client:
                client.send(question("alice", huge[:length]))
                assert client.closed() or length <= 512
        for length in (300, 8000, 1 << 20):
            pair = base64.b64encode(("alice:" + huge[:length]).encode())
            with Http(world_.http) as http:
                try:
                    http.send(request(
                        "/auth/jira", "Authorization: Basic " + pair.decode()))
                    assert http.answer().status in (401, 431)
                except (ConnectionError, EOFError):
                    pass
        assert runs(world_) == before
        assert world_.ask("alice", token) == (ACCEPT, "alice")


def huge_on_mux():
    """CVE-2016-6515 on mux: the longest password that its protocol has is NO,
    without an Argon2id"""
    with world("mux = {root}/run/mux") as world_:
        token = world_.token()
        before = runs(world_)
        for length in (256, 1024, 65535):
            with socket.socket(socket.AF_UNIX) as mux:
                mux.settimeout(60)
                mux.connect(world_.root + "/run/mux")
                try:
                    mux.sendall(text("alice") + text(token.ljust(length, "x")) +
                                text("svn") + text(""))
                except OSError:
                    pass  # it is NO already
                assert mux.recv(99) == b"\0\2NO"
        assert runs(world_) == before


ODD_NAMES = ["-schallenge", "--batch", "-", "alice:root", "../../etc/shadow",
             "alice\troot", "alice ", "alice@", "ALICE", "u" * 255]


def odd_names():
    """CVE-2019-19521, a name that is taken for an option: whatever a name looks
    like, it is one, of another user, and pat-admin asks for "--" before it"""
    with world() as world_:
        token = world_.token()
        for name in ODD_NAMES + ["u" * 256, "a\0b", "\udcff\udcfe"]:
            raw = name.encode(errors="surrogateescape")
            with Client(world_.verify) as client:
                client.send(question(raw, token))
                if len(raw) > 255 or b"\0" in raw:
                    assert client.closed()
                else:
                    assert client.answer() == (DENY, "")
        for name in ODD_NAMES[:3]:
            if name != "-":
                assert world_.admin(
                    "create", name, check=False).returncode == 2
            made = world_.admin("create", "--", name, check=False)
            if made.returncode == 0:
                own = made.stdout.strip()
                assert world_.ask(name, own) == (ACCEPT, name)
                assert world_.ask("alice", own) == (DENY, "")


def revived():
    """CVE-2026-84321, a revoked token lives again when its user is enabled: it
    was known, is revoked while the user is disabled, and stays so"""
    with world() as world_:
        token, other = world_.token(), world_.token()
        for each in (token, other):
            assert world_.ask("alice", each) == (ACCEPT, "alice")
        world_.admin("user", "disable", "alice")
        world_.admin("revoke", token[5:13])
        for each in (token, other):
            assert world_.ask("alice", each) == (DENY, "")
        world_.admin("user", "enable", "alice")
        assert world_.ask("alice", token) == (DENY, "")
        assert world_.ask("alice", other) == (ACCEPT, "alice")
        world_.stop()
        world_.start()
        assert world_.ask("alice", token) == (DENY, "")


def one_password_for_another():
    """Kong 3677, one wrong password keeps the right one out: wrong ones for
    the same id, before, between and after, do not"""
    with world() as world_:
        token = world_.token()
        for _ in range(3):
            for each in (forged(token[5:13]), token + "x", token[:-1]):
                assert world_.ask("alice", each) == (DENY, "")
            assert world_.ask("alice", token) == (ACCEPT, "alice")
        assert runs(world_) == 1


BAD_BASE64 = ["!", "====", "YQ", "YWxpY2U6", "=YQ=", "Y\xff==", "YQ==YQ==",
              "QUxJQ0U", "A" * 4001]


def bad_base64_of_others():
    """CVE-2025-59028, one client's bad base64 ends the logins of all others on
    the shared connection: it is that client's own 401, nobody else's"""
    with place() as world_:
        token = world_.token()
        good = "Authorization: Bearer " + token
        with Http(world_.http) as bad, Http(world_.http) as fine:
            for value in BAD_BASE64 * 3:
                fine.send(request("/auth/jira", good) * 3)
                bad.send(request("/auth/jira", "Authorization: Basic " + value))
                for _ in range(3):
                    assert fine.answer().status == 200
                try:
                    assert bad.answer().status in (400, 401), value
                except EOFError:
                    raise AssertionError("it is closed for " + value) from None


def reply_bytes():
    """CVE-2026-68744, a reply that is longer than what was put into it: behind
    what an answer says there are only zeros, also after a long one"""
    with world() as world_:
        long_name = "n" * 255
        token, short = world_.token(long_name), world_.token("b")
        with Client(world_.verify) as client:
            for user, each in ((long_name, token), ("b", short)) * 3:
                assert client.ask(user, each) == (ACCEPT, user)
                assert client.ask("x", forged("zzzzzzzz")) == (DENY, "")


main([no_random_numbers, no_shell, huge_passwords, huge_on_mux, odd_names,
      revived, one_password_for_another, bad_base64_of_others, reply_bytes])
