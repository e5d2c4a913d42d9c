"""patd as its clients, its administrator and its service manager see it."""
import fcntl
import json
import os
import resource
import select
import shutil
import signal
import socket
import stat
import struct
import subprocess
import threading
import time
from multiprocessing.pool import ThreadPool

from activation import listening
from daemon import (ACCEPT, ACCOUNT, ADMIN, DENY, MAY, PATD, ROOT,
                    SANITIZED, UNAVAILABLE, Client, OneShot, Skip, account,
                    forged, freeze, main, make_slow, question, text, wait_for,
                    world)


def ready_is_told():
    """patd tells its service manager READY, RELOADING and STOPPING"""
    with world(start=False) as place:
        path = place.root + "/notify"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.bind(path)
            os.chmod(path, 0o777)
            sock.settimeout(60)
            os.environ["NOTIFY_SOCKET"] = path
            try:
                place.start()
            finally:
                del os.environ["NOTIFY_SOCKET"]
            assert sock.recv(999).startswith(b"READY=1")
            place.patd.send_signal(signal.SIGHUP)
            reloading = sock.recv(999)
            assert reloading.startswith(b"RELOADING=1\nMONOTONIC_USEC=")
            assert sock.recv(999).startswith(b"READY=1")
            assert place.stop() == 0
            assert sock.recv(999) == b"STOPPING=1"


def answers():
    """an own token is accepted with its user, anything else is denied"""
    with world() as place:
        token = place.token()
        assert place.ask("alice", token) == (ACCEPT, "alice")
        assert place.ask("", token) == (ACCEPT, "alice")
        assert place.ask("bob", token) == (DENY, "")
        assert place.ask("alice", "hunter2") == (DENY, "")
        assert place.ask(token, token) == (DENY, "")  # in the wrong field
        place.admin("revoke", token[5:13])
        assert place.ask("alice", token) == (DENY, "")
        for reason in ("wrong-user", "shape", "revoked", "accepted"):
            place.logged("reason=" + reason)


def memory_is_limited():
    """as many workers start as fit into the memory that there may be, and all
    of them hash at the same time"""
    with world(start=False) as place:
        make_slow(place, 1)
        tokens = [place.token() for _ in range(40)]
        with open(place.config, "a") as file:
            file.write("workers = 200\n")
        limit = (1 << 30, 1 << 30)
        if SANITIZED:
            raise Skip("a sanitizer takes more address space")
        place.start("--debug", preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_AS, limit))
        place.logged("memory: ")
        said = [line for line in place.read_log().splitlines()
                if "memory: " in line][0]
        assert " workers instead of 200, of 65 MiB each" in said, said
        assert "1024 MiB (RLIMIT_AS)" in said, said
        clients = [Client(place.verify) for _ in tokens]
        for client, token in zip(clients, tokens):
            client.send(question("alice", token))
        verdicts = [client.answer()[0] for client in clients]
        for client in clients:
            client.close()
        assert DENY not in verdicts, verdicts
        wait_for(lambda: place.ask("alice", tokens[0])[0] == ACCEPT)
        requests = place.stats()["requests"]["unavailable"]
        assert requests["memory"] == 0, requests
        done = subprocess.run(
            ["prlimit", "--as=1073741824", PATD, "--config", place.config,
             "--check-config"], capture_output=True, text=True)
        assert done.returncode == 0, done
        assert " instead of 200" in done.stdout, done


def modes():
    """sockets and their folder have the documented modes, and go at the end"""
    with world() as place:
        def mode(path):
            return stat.S_IMODE(os.stat(path).st_mode)
        assert mode(place.verify) == 0o666
        assert mode(place.admin_sock) == 0o600
        assert mode(os.path.dirname(place.verify)) == 0o755
        assert place.stop() == 0
        assert os.listdir(os.path.dirname(place.verify)) == []


def second_fails():
    """a second patd on the same store exits 3 and leaves the first alone"""
    with world() as place:
        token = place.token()
        second = place.run()
        assert second.returncode == 3, second.returncode
        assert second.stderr.startswith("patd: store: "), second.stderr
        assert second.stderr.count("\n") == 1
        assert place.ask("alice", token) == (ACCEPT, "alice")


def foreign_socket():
    """a socket that somebody answers on is not taken over"""
    with world() as place, world(start=False) as other:
        with open(other.config) as file:
            config = file.read()
        config = config.replace(other.root + "/run", place.root + "/run")
        with open(other.config, "w") as file:
            file.write(config)
        done = other.run()
        assert done.returncode == 3
        assert "another patd answers at " + place.verify in done.stderr
        assert place.ask("alice", "x") == (DENY, "")


def check_config():
    """--check-config takes a good file and names file, line and key of a bad
    """
    with world(start=False) as place:
        assert place.run("--check-config").returncode == 0
        place.write("colour = blue")
        bad = place.run("--check-config")
        assert bad.returncode == 3
        assert place.config + ":" in bad.stderr and "colour" in bad.stderr
        assert bad.stderr.count("\n") == 1


def no_such_account():
    """an account that does not exist stops --check-config as it stops a start,
    with the same line"""
    rows = ["allow_users = daemon, no-such", "allow_groups = no-such",
            "admin_group = no-such", "allow_users = 4294967295",
            "allow_users = 12x", "allow_groups = -1"]
    with world(start=False) as place:
        for row in rows:
            place.write(row)
            start, check = place.run(), place.run("--check-config")
            assert start.returncode == check.returncode == 3, (row, start)
            assert start.stderr == check.stderr, (row, start, check)
            assert row.split(" = ")[0] in check.stderr, (row, check)


def as_user(place, user, more=""):
    """The configuration, for patd to become `user`."""
    place.write(more)
    with open(place.config) as file:
        config = file.read()
    with open(place.config, "w") as file:
        file.write(config.replace("user = " + place.user, "user = " + user))


def foreign_admin_group():
    """an admin_group of which patd is no member stops --check-config, too"""
    if not ROOT:
        raise Skip("needs root")
    with world("admin_group = mail", start=False) as place:
        start, check = place.run(), place.run("--check-config")
        assert start.returncode == check.returncode == 3, (start, check)
        assert "usermod -aG mail daemon" in check.stderr, check.stderr


def numbers():
    """accounts may be numbers that have no line in /etc/passwd or /etc/group"""
    if not ROOT:
        raise Skip("needs root")
    number = 1234567
    with world(start=False) as place:
        shutil.rmtree(place.root + "/store")
        shutil.rmtree(place.root + "/key")
        as_user(place, str(number), "allow_users = 7654321 0\n"
                "allow_groups = 7654322\nadmin_group = %d" % number)
        assert place.run("--check-config").returncode == 0
        place.admin("init")
        token = place.token()
        place.start("--debug")
        for path in ("/store", "/store/tokens.db", "/key/pepper.key", "/run"):
            owner = os.stat(place.root + path)
            assert (owner.st_uid, owner.st_gid) == (number, number), path
        with open("/proc/%d/status" % place.patd.pid) as file:
            lines = file.read().splitlines()
        for line in ("Uid:" + "\t%d" % number * 4, "Groups:\t "):
            assert line.rstrip() in [one.rstrip() for one in lines], lines
        asked = question("alice", token)
        for uid, status in ((7654321, 0), (7654322, 0), (1, 3)):
            assert as_uid(uid, place.verify, asked) == status, uid


def usage():
    """a wrong command line exits 2; --help and --version exit 0"""
    def status(*args):
        return subprocess.run([PATD, *args], capture_output=True).returncode
    assert status("--nonsense") == 2
    assert status("stray") == 2
    assert status("--help") == 0
    assert status("--version") == 0


def unknown_user():
    """a user that does not exist is told, with exit 3"""
    if not ROOT:
        raise Skip("needs root")
    with world(start=False) as place:
        with open(place.config) as file:
            config = file.read()
        with open(place.config, "w") as file:
            file.write(config.replace("user = daemon", "user = no-such"))
        done = place.run()
        assert done.returncode == 3 and "no-such" in done.stderr


def uses_are_kept():
    """uses are counted and reach the store in one write, at the end as well"""
    with world() as place:
        token = place.token()
        commits = place.commits()
        with Client(place.verify) as client:
            for i in range(100):
                assert client.ask("alice", token, i)[0] == ACCEPT
            assert client.ask("bob", token)[0] == DENY
        assert place.commits() == commits
        place.stop()
        shown = json.loads(place.admin("show", token[5:13], "--json").stdout)
        assert shown["use_count"] == 100
        assert shown["last_used_at"] is not None
        assert place.commits() == commits + 1


def new_addresses_have_a_time():
    """since when each address is in use is kept, but for the first of all"""
    def seen(place, token):
        uses = json.loads(
            place.admin("show", token[5:13], "--json").stdout)["uses"]
        return [(use["address"], use["since"] is not None) for use in uses]

    def ask(place, token, addresses):
        with Client(place.verify) as client:
            for i, address in enumerate(addresses):
                client.send(question("alice", token, i, rhost=address))
                assert client.answer(i)[0] == ACCEPT

    with world() as place:
        token = place.token()
        ask(place, token, ("192.0.2.1", "2001:db8::2", "192.0.2.1"))
        wanted = [("192.0.2.1", False), ("2001:db8::2", True)]
        assert seen(place, token) == wanted  # by patd, before it is written
        place.stop()
        assert seen(place, token) == wanted
        place.start()
        ask(place, token, ("2001:db8::2", "192.0.2.1", "192.0.2.3"))
        place.stop()
        assert seen(place, token) == [("192.0.2.3", True)] + wanted


def held_is_answered():
    """SIGTERM: the question that is held is answered, then patd exits 0"""
    with world(start=False) as place:
        make_slow(place, 2)
        token = place.token()
        place.start()
        with Client(place.verify) as client, Client(place.verify) as idle:
            client.send(question("alice", token))
            time.sleep(0.02)
            place.patd.send_signal(signal.SIGTERM)
            assert client.answer() == (ACCEPT, "alice")
            assert idle.closed()
        assert place.patd.wait(60) == 0
        place.patd = None


def backlog_is_answered():
    """who asked before SIGTERM is answered, also if nobody had accepted yet"""
    with world() as place:
        token = place.token()
        assert place.ask("alice", token) == (ACCEPT, "alice")
        freeze(place.patd)
        clients = [Client(place.verify) for _ in range(20)]
        for client in clients:
            client.send(question("alice", token))
        place.patd.send_signal(signal.SIGTERM)
        place.patd.send_signal(signal.SIGCONT)
        for client in clients:
            assert client.answer() == (ACCEPT, "alice")
            client.close()
        assert place.patd.wait(60) == 0
        place.patd = None


def reload():
    """SIGHUP takes a good file, and keeps the old rules for a bad one"""
    with world() as place:
        token = place.admin("create", "alice", "--scope", "read").stdout
        token = token.strip()
        assert place.ask("alice", token) == (DENY, "alice")
        place.write("[service jira]\nscope = read")
        place.patd.send_signal(signal.SIGHUP)
        wait_for(lambda: place.ask("alice", token) == (ACCEPT, "alice"))
        place.write("colour = blue")
        place.patd.send_signal(signal.SIGHUP)
        wait_for(lambda: "colour" in place.read_log())
        assert place.ask("alice", token) == (ACCEPT, "alice")


def bad_messages():
    """a bad message closes its connection and no other"""
    with world() as place:
        token = place.token()
        good = question("alice", token)
        with Client(place.verify) as other:
            for bad in (b"x", b"\0" * 100, os.urandom(300), good[:-1],
                        good[:20], good + b"\0", good + b"\0" * 1100,
                        b"JPV2" + good[4:], b"JPV1\xff" + good[5:]):
                with Client(place.verify) as client:
                    client.send(bad)
                    assert client.closed(), bad[:20]
                assert other.ask("alice", token) == (ACCEPT, "alice")
            with Client(place.admin_sock) as client:
                client.send(b"\0" * 40)
                assert client.closed()
            with Client(place.admin_sock) as client:
                client.send(b"JPA4\x01")
                assert b"another version" in client.sock.recv(4096)
                assert client.closed()


def end(version, line):
    """the end of an operation: one byte grew behind it in version 4"""
    return (b"JPA" + version + b"\x07\x15" + text(line) +
            bytes(version >= b"4"))


def other_versions():
    """an older pat-admin, and a newer one, are told which side to restart"""
    rows = ((b"1", b"this pat-admin is older than patd"),
            (b"3", b"this pat-admin is older than patd"),
            (b"5", b"restart patd"), (b"\xff", b"restart patd"))
    with world() as place:
        token = place.token()
        for version, said in rows:
            request = b"JPA" + version + list_request()[4:]
            for bad in (request, request[:4], request + b"more"):
                with Client(place.admin_sock) as client:
                    client.send(bad)
                    got = client.sock.recv(4096)
                    assert got.startswith(b"JPA" + version + b"\x07\x15"), got
                    assert said in got and token[5:13].encode() not in got
                    assert client.closed()
        with Client(place.admin_sock) as client:
            client.send(b"JPA4\xfe" + list_request()[5:])
            assert b"restart patd" in client.sock.recv(4096)
            assert client.closed()
        assert place.ask("alice", token) == (ACCEPT, "alice")


def other_patd():
    """pat-admin says which side to restart, and takes nothing else as read"""
    item = b"JPA%c\0\x03\0\0\0" + text("") + text("")
    rows = ((end(b"1", "old"), "restart patd"),
            (end(b"1", ""), "restart patd"),
            (item % b"1", "restart patd"), (b"JPA1", "restart patd"),
            (item % b"5", "this pat-admin is older than patd"),
            (b"JPA4\xff", "this pat-admin is older than patd"))
    with world(start=False) as place:
        os.makedirs(os.path.dirname(place.admin_sock), exist_ok=True)
        for answer, said in rows:
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
                sock.bind(place.admin_sock)
                sock.listen()
                asker = subprocess.Popen(
                    [ADMIN, "--config", place.config, "list", "--json"],
                    text=True, stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                conn = sock.accept()[0]
                assert conn.recv(65536).startswith(b"JPA4\x01")
                conn.send(answer)
                out, err = asker.communicate()
                conn.close()
            os.unlink(place.admin_sock)
            assert asker.returncode not in (0, 1), asker.returncode
            assert said in err, err
            assert "live" not in out + err, out


def idle_connections():
    """300 idle connections do not hinder a client; they end after 5 s"""
    with world() as place:
        token = place.token()
        before = place.fds()
        idle = [Client(place.verify) for _ in range(300)]
        begin = time.monotonic()
        assert place.ask("alice", token) == (ACCEPT, "alice")
        ready, _, _ = select.select([c.sock for c in idle], [], [], 0)
        assert not ready, "it was answered when they had gone"
        assert idle[0].closed() and idle[299].closed()
        assert time.monotonic() - begin > 4
        for client in idle:
            client.close()
        wait_for(lambda: place.fds() <= before)


def limits():
    """connections beyond max_per_uid are closed, and room comes back"""
    with world("max_per_uid = 3") as place:
        token = place.token()
        held = [Client(place.verify) for _ in range(3)]
        with Client(place.verify) as fourth:
            assert fourth.closed()
        assert held[2].ask("alice", token) == (ACCEPT, "alice")
        held[0].close()
        def room():
            try:
                return place.ask("alice", token) == (ACCEPT, "alice")
            except (AssertionError, OSError):
                return False
        wait_for(room)


def many_questions():
    """one connection carries 100 questions, and each answer is its own"""
    with world() as place:
        token = place.token()
        with Client(place.verify) as client:
            for seq in range(100):
                user = "alice" if seq % 3 else "bob"
                wanted = (ACCEPT, "alice") if seq % 3 else (DENY, "")
                assert client.ask(user, token, seq) == wanted


def pipelined():
    """questions sent without waiting are answered one after the other"""
    with world() as place:
        token = place.token()
        with Client(place.verify) as client:
            for seq in range(20):
                client.send(question("alice", token, seq))
            for seq in range(20):
                assert client.answer(seq) == (ACCEPT, "alice")


def lacking_rights():
    """a denial names the user if the token is good and lacks a right only"""
    with world("[service jira-write]\nscope = write") as place:
        good = place.token()
        reads = place.token("alice", "--scope", "read")
        other = place.token("alice", "--service", "mail")
        away = place.token("alice", "--from", "192.0.2.0/24")
        for user, token, service, wanted in (
                ("alice", reads, "jira-write", "alice"),
                ("alice", other, "jira-write", "alice"),
                ("alice", away, "jira-write", "alice"),
                ("bob", reads, "jira-write", ""),
                ("alice", reads[:-1] + "x", "jira-write", ""),
                ("alice", forged(reads[5:13]), "jira-write", ""),
                ("alice", "nonsense", "jira-write", "")):
            with Client(place.verify) as client:
                client.send(question(user, token, service=service))
                assert client.answer() == (DENY, wanted), (user, token)
        place.admin("revoke", reads[5:13])
        assert place.ask("alice", reads) == (DENY, "")
        assert place.ask("alice", good) == (ACCEPT, "alice")


def last_question():
    """a question that says that it is the last one closes the connection"""
    with world() as place:
        token = place.token()
        for verdict, given in ((ACCEPT, token), (ACCEPT, token),
                               (DENY, "nonsense")):
            with Client(place.verify) as client:
                asked = bytearray(question("alice", given))
                asked[4] |= 128
                client.send(bytes(asked))
                assert client.answer()[0] == verdict
                assert client.closed()
            with Client(place.verify) as client:
                for _ in range(2):
                    assert client.ask("alice", given)[0] == verdict


def overload():
    """more questions than can be hashed in time are answered unavailable"""
    with world("workers = 1", start=False) as place:
        make_slow(place)
        place.start()
        with ThreadPool(4) as threads:
            tokens = threads.map(lambda _: place.token(), range(40))
        place.stop()
        place.start()
        clients = [Client(place.verify) for _ in tokens]
        for client, token in zip(clients, tokens):
            client.send(question("alice", token))
        verdicts = [client.answer()[0] for client in clients]
        assert UNAVAILABLE in verdicts and DENY not in verdicts, set(verdicts)
        place.logged("reason=overload")
        # What was hashed too late is known from then on.
        wait_for(lambda: place.ask("alice", tokens[0])[0] == ACCEPT)
        for client in clients:
            client.close()


def leavers():
    """askers that leave before their answer disturb nobody"""
    with world() as place:
        token = place.token()
        before = place.fds()
        for _ in range(200):
            with Client(place.verify) as client:
                client.send(question("alice", token))
        assert place.ask("alice", token) == (ACCEPT, "alice")
        wait_for(lambda: place.fds() <= before)


def settled(place):
    """The descriptors of a patd that everybody has left who asked whether it
    runs: as many at twenty looks in a row."""
    looks = []

    def steady():
        looks.append(place.fds())
        return len(looks) >= 20 and len(set(looks[-20:])) == 1

    wait_for(steady)
    return looks[-1]


def late_answer():
    """who leaves is noticed at once, and the answer goes to nobody else"""
    with world(start=False) as place:
        make_slow(place)
        token = place.token()
        place.start("--debug")
        before = settled(place)
        with Client(place.verify) as client:
            client.send(question("alice", token))
            wait_for(lambda: place.fds() > before)
            time.sleep(0.05)
        wait_for(lambda: place.fds() <= before)
        assert "reason=" not in place.read_log(), "noticed too late"
        with Client(place.verify) as other:
            wait_for(lambda: "reason=accepted" in place.read_log())
            other.sock.settimeout(0.3)
            try:  # it may be closed meanwhile, for it asks nothing
                assert other.sock.recv(999) == b""
            except socket.timeout:
                pass


def no_growth():
    """2,000 connections leave no descriptor and no zombie"""
    with world() as place:
        token = place.token()
        before = place.fds()
        for i in range(2000):
            with Client(place.verify) as client:
                if i % 10 == 0:
                    client.ask("alice", token)
        wait_for(lambda: place.fds() <= before)
        children = "/proc/%d/task/%d/children" % (
            place.patd.pid, place.patd.pid)
        with open(children) as file:
            assert file.read() == ""


def no_descriptors():
    """out of descriptors, patd neither spins nor dies, and recovers"""
    with world(start=False) as place:
        token = place.token()
        few = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
        place.start(preexec_fn=few)
        pid = place.patd.pid
        held = [Client(place.verify) for _ in range(60)]
        def ticks():
            with open("/proc/%d/stat" % pid) as file:
                return sum(map(int, file.read().rsplit(")")[1].split()[11:13]))
        begin = ticks()
        time.sleep(1)
        assert ticks() - begin < 20, "it spins"
        for client in held:
            client.close()
        wait_for(lambda: place.ask("alice", token) == (ACCEPT, "alice"))


def list_request():
    """`list --all` as common/admin/wire.c encodes it."""
    return (b"JPA4\x01" + text("") * 4 + bytes(3) + bytes(9) + b"\x01" +
            bytes(8) + text(question("", "")) + bytes(10) + text("") +
            bytes(1) + text("") + bytes(9) + text("") * 2 + bytes(19) +
            text("") * 2 + bytes(12) + text("") * 3 + bytes(1) + text("") +
            bytes(4) + text("") + bytes(10))


def slow_lister():
    """an administrator who does not read delays no one, nor the end"""
    with world() as place:
        token = place.token()
        with Client(place.admin_sock) as stuck:
            stuck.sock.settimeout(0.5)
            try:  # until patd waits for us to read
                for _ in range(5000):
                    stuck.send(list_request())
                raise AssertionError("patd does not wait")
            except socket.timeout:
                pass
            assert place.ask("alice", token) == (ACCEPT, "alice")
            place.admin("revoke", token[5:13])
            assert place.ask("alice", token) == (DENY, "")
            begin = time.monotonic()
            assert place.stop() == 0
            assert time.monotonic() - begin < 30


def may(place, user, **more):
    with Client(place.verify) as client:
        client.send(account(user, **more))
        return client.answer()


def accounts():
    """without a token: whether a user has one that would be accepted here"""
    rules = ("audit_file = {root}/audit/trail\n[service grouped]\n"
             "groups = staff\n[service write]\nscope = write\n")
    with world(rules, args=()) as place:
        yes, no = (MAY, "alice"), (DENY, "")
        assert may(place, "alice") == no  # nobody knows her
        assert may(place, "") == no
        token = place.token()
        assert may(place, "alice") == yes
        assert may(place, "Alice") == no and may(place, "bob") == no
        assert may(place, "alice", service="grouped") == no
        place.admin("user", "groups", "alice", "staff")
        assert may(place, "alice", service="grouped") == yes
        place.admin("user", "disable", "alice")
        assert may(place, "alice") == no
        place.admin("user", "enable", "alice")
        assert may(place, "alice") == yes
        place.admin("revoke", token[5:13])
        assert may(place, "alice") == no
        for option, value, good, bad in (
                ("--service", "svn", {"service": "svn"}, {}),
                ("--scope", "write", {"service": "write"}, {}),
                ("--from", "192.0.2.0/24", {"rhost": "192.0.2.7"},
                 {"rhost": "web01"})):
            place.admin("create", "alice", option, value)
            assert may(place, "alice", **good) == yes, option
            assert may(place, "alice", **bad) == no, option
            place.admin("revoke", "--user", "alice")
        for _ in range(20):  # dead ones in front of a live one, or behind
            place.admin("revoke", place.token()[5:13])
        live = place.token()
        assert may(place, "alice") == yes
        shown = json.loads(place.admin("show", live[5:13], "--json").stdout)
        assert shown["last_used_at"] is None and shown["use_count"] == 0
        wait_for(lambda: "no-token" in place.read_trail())
        assert '"event":"account"' not in place.read_trail()
        with Client(place.verify) as client:  # a token in it: no question
            client.send(account("alice", token=live))
            assert client.closed()
        with Client(place.verify) as client:  # and last of its connection
            client.send(account("alice", front=ACCOUNT + 128))
            assert client.answer() == yes and client.closed()
    with world(start=False) as place:
        place.token()
        for user, wanted in (("alice", ((MAY, "alice"), 0)),
                             ("bob", ((DENY, ""), 0))):
            assert OneShot(place, user, "", account(user)).end() == wanted
        place.write("[tokens]\nprefix = acme")  # the old one is not accepted
        question = account("alice")
        assert OneShot(place, "alice", "", question).end() == ((DENY, ""), 0)
        place.write("[tokens]\nprefix = acme\naccept_prefix = jpat")
        assert OneShot(place, "alice", "", question).end() == (
            (MAY, "alice"), 0)


def one_shot():
    """--one-shot answers one question on descriptor 0, and leaves"""
    with world(start=False) as place:
        token = place.token()
        for user, wanted in (("alice", (ACCEPT, "alice")),
                             ("bob", (DENY, ""))):
            assert OneShot(place, user, token).end() == (wanted, 0)


def one_shots_at_once():
    """twelve of them at once, of two users, are all answered"""
    with world("audit_file = {root}/trail/trail\n", start=False) as place:
        tokens = {user: place.token(user) for user in ("alice", "bob")}
        for _ in range(3):
            shots = [(user, OneShot(place, user, tokens[user]))
                     for user in ("alice", "bob") * 5]
            wrong = [OneShot(place, "carol", token)
                     for token in tokens.values()]
            for user, shot in shots:
                assert shot.end() == ((ACCEPT, user), 0)
            for shot in wrong:
                assert shot.end() == ((DENY, ""), 0)
        left = os.listdir(os.path.join(place.root, "store"))
        assert "one-shot.sock" not in left, left
        place.admin("audit", "verify")
        for token in tokens.values():  # all of them, not the holders' alone
            assert '"use_count":15,' in place.admin(
                "show", token[5:13], "--json").stdout


def start_under_one_shots():
    """patd starts while they keep arriving, ten times of ten"""
    with world(start=False) as place:
        token = place.token()
        stop = threading.Event()
        answers = []

        def keep_asking():
            while not stop.is_set():
                answers.append(OneShot(place, "alice", token).end())

        threads = [threading.Thread(target=keep_asking) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(10):
                before = len(answers)
                wait_for(lambda: len(answers) > before + 3)
                place.start()
                assert place.stop() == 0
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert all(answer[0] in (ACCEPT, UNAVAILABLE)
                   for answer, _ in answers), answers
        assert any(answer[0] == ACCEPT for answer, _ in answers)


def one_shot_beside_patd():
    """--one-shot asks the patd that has the store"""
    with world() as place:
        token = place.token()
        assert OneShot(place, "alice", token).end() == ((ACCEPT, "alice"), 0)
        assert OneShot(place, "bob", token).end() == ((DENY, ""), 0)


def one_shot_unavailable():
    """--one-shot answers unavailable where the store cannot be opened"""
    with world(start=False) as place:
        with open(os.path.join(place.root, "store/store.lock")) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            assert OneShot(place, "alice", "x").end() == ((UNAVAILABLE, ""), 3)
        os.rename(place.root + "/store", place.root + "/gone")
        assert OneShot(place, "alice", "x").end() == ((UNAVAILABLE, ""), 3)


def is_announced(lock):
    """Whether a patd waits for the store, or has it (fcntl(2), F_OFD_GETLK)."""
    room = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    return struct.unpack(
        "hhqqi4x", fcntl.fcntl(lock, 36, room))[0] != fcntl.F_UNLCK


def start_waits():
    """patd waits for a moment for who has the store, if that is no patd"""
    with world(start=False) as place:
        with open(os.path.join(place.root, "store/store.lock"),
                  "r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            place.patd = place.spawn()
            wait_for(lambda: is_announced(lock))
            second = place.run()  # it finds the first one waiting
            assert second.returncode == 3 and "in use" in second.stderr, second
            assert place.patd.poll() is None
        wait_for(place.answers)


def activation():
    """a socket of the service manager is used, and left at the end"""
    with world(start=False) as place:
        token = place.token()
        with listening(place.verify, socket.SOCK_SEQPACKET) as sock:
            with Client(place.verify) as early:
                early.send(question("alice", token))
                place.launch([sock])
                assert early.answer() == (ACCEPT, "alice")
        assert place.stop() == 0
        assert os.path.exists(place.verify)
        assert not os.path.exists(place.admin_sock)


def as_uid(uid, path, data):
    """What a process of `uid` gets for an answer; None if it is closed."""
    pid = os.fork()
    if pid == 0:
        status = 2
        try:
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
            with Client(path) as client:
                try:
                    client.send(data)
                    status = 0 if client.answer()[0] == ACCEPT else 1
                except (AssertionError, OSError):
                    status = 3
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def peers():
    """only root, system accounts and listed users may ask"""
    if not ROOT:
        raise Skip("needs root")
    with world() as place:
        asked = question("alice", place.token())
        assert as_uid(12345, place.verify, asked) == 3
        assert as_uid(33, place.verify, asked) == 0
        assert as_uid(33, place.admin_sock, b"x") == 2  # by its mode
        place.logged("refused a connection from uid 12345")
    with world("allow_users = nobody\nallow_groups = mail") as place:
        asked = question("alice", place.token())
        assert as_uid(65534, place.verify, asked) == 0
        assert as_uid(8, place.verify, asked) == 0
        assert as_uid(33, place.verify, asked) == 3


def stale():
    """a socket file that nobody answers on is replaced; another file is not
    """
    with world() as place:
        token = place.token()
        place.stop(signal.SIGKILL)
        assert os.path.exists(place.verify)
        place.start()
        assert place.ask("alice", token) == (ACCEPT, "alice")
        place.stop()
        with open(place.verify, "w"):
            pass
        done = place.run()
        assert done.returncode == 3 and "not a socket" in done.stderr


def more_sockets():
    """more sockets like verify.sock are asked like it, and go with patd; one
    path is not a socket of two kinds
    """
    with world("verify = {root}/jail/verify.sock\nverify = {root}/run/more",
               start=False) as place:
        paths = [place.root + "/jail/verify.sock", place.root + "/run/more"]
        place.start("--debug")
        token = place.token()
        for path in paths:
            assert stat.S_IMODE(os.stat(path).st_mode) == 0o666
            with Client(path) as client:
                assert client.ask("alice", token) == (ACCEPT, "alice")
                assert client.ask("bob", token) == (DENY, "")
        folder = os.stat(place.root + "/jail")
        assert stat.S_IMODE(folder.st_mode) == 0o755
        assert place.stop() == 0
        for path in paths + [place.verify]:
            assert not os.path.exists(path)
    with world("verify = {root}/run/both\nmux = {root}/run/both",
               start=False) as place:
        done = place.run()
        assert done.returncode == 3, done
        assert "two kinds" in done.stderr, done.stderr


main([ready_is_told, answers, memory_is_limited, modes, second_fails, foreign_socket,
      check_config, no_such_account, foreign_admin_group, numbers,
      uses_are_kept, new_addresses_have_a_time, usage, unknown_user,
      held_is_answered, backlog_is_answered, reload, bad_messages,
      idle_connections, limits, many_questions, pipelined, last_question,
      lacking_rights,
      overload, leavers, late_answer, no_growth, no_descriptors,
      other_versions, other_patd, slow_lister,
      accounts, one_shot, one_shots_at_once, start_under_one_shots,
      one_shot_beside_patd, one_shot_unavailable, start_waits, activation,
      peers, stale, more_sockets])
