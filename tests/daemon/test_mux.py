"""The saslauthd protocol of patd, byte by byte and with testsaslauthd(8)."""
import contextlib
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import time
from multiprocessing.pool import ThreadPool

from activation import listening
from daemon import (ACCEPT, DENY, ROOT, Client, Skip, freeze, main,
                    make_slow, question, text, wait_for, world)

OK, NO = b"\0\2OK", b"\0\2NO"
TESTER = shutil.which("testsaslauthd", path="/usr/sbin:/usr/bin:/sbin:/bin")


def frame(*fields):
    return b"".join(text(field) for field in fields)


def ask_for(user, token, realm="", service="svn", *address):
    return frame(user, token, service, realm, *address)


class Mux:
    """One connection that speaks the saslauthd protocol."""

    def __init__(self, path, timeout=60):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(timeout)
        try:
            self.sock.connect(path)
        except OSError:
            self.sock.close()
            raise

    def send(self, data):
        self.sock.sendall(data)

    def all(self):
        """What comes until the other end is closed; it is reset there if patd
        had not read all that we sent.
        """
        data = b""
        while True:
            try:
                part = self.sock.recv(4096)
            except ConnectionResetError:
                return data
            if part == b"":
                return data
            data += part

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()


@contextlib.contextmanager
def mux_world(more="", names=("run/mux",), start=True, args=("--debug",)):
    """A world with mux sockets; place.mux is the first one's path."""
    lines = "".join("mux = {root}/%s\n" % name for name in names)
    with world(lines + more, start=False) as place:
        place.streams = [os.path.join(place.root, name) for name in names]
        place.mux = place.streams[0]
        if start:
            place.start(*args)
        yield place


def ask(place, *args, path=None):
    with Mux(path or place.mux) as mux:
        mux.send(ask_for(*args))
        return mux.all()


def answers():
    """the right token is OK; wrong, foreign, revoked and expired ones are NO
    """
    with mux_world() as place:
        token = place.token()
        assert ask(place, "alice", token) == OK
        assert ask(place, "bob", token) == NO
        assert ask(place, "alice", "hunter2") == NO
        assert ask(place, "alice", token[:-1]) == NO
        assert ask(place, token, token) == NO
        place.admin("revoke", token[5:13])
        assert ask(place, "alice", token) == NO
        short = place.admin("create", "alice", "--expires", "3s")
        wait_for(lambda: ask(place, "alice", short.stdout.strip()) == NO)
        place.logged('reason=accepted id=%s front=mux peer=%d service="svn"' % (
            token[5:13], os.geteuid()))
        for reason in ("wrong-user", "shape", "revoked", "expired"):
            place.logged("reason=" + reason)


def warm():
    """100 questions about one token run one Argon2id"""
    with mux_world() as place:
        token = place.token()
        for _ in range(100):
            assert ask(place, "alice", token) == OK
        assert place.stats()["argon2_runs"] == 1


def revoked_at_once():
    """20 times: OK before a revocation, NO on the very next question"""
    with mux_world(args=()) as place:
        for _ in range(20):
            token = place.token()
            assert ask(place, "alice", token) == OK
            assert ask(place, "alice", token) == OK
            place.admin("revoke", token[5:13])
            assert ask(place, "alice", token) == NO


def byte_by_byte():
    """a question may come byte by byte, and is answered once it is whole"""
    with mux_world() as place:
        token = place.token()
        for user, wanted in (("alice", OK), ("bob", NO)):
            with Mux(place.mux) as mux:
                for byte in ask_for(user, token, "", "svn"):
                    mux.send(bytes([byte]))
                    time.sleep(0.0005)  # most bytes get a turn of their own
                assert mux.all() == wanted


def clean_end():
    """behind the answer comes the end, and no reset, also for one who is known,
    is not known yet, is wrong, or sends in parts
    """
    with mux_world() as place:
        token = place.token()
        whole = ask_for("alice", token)
        for parts, answer in (([whole], OK), ([whole], OK),  # cold, warm
                              ([whole[:9], whole[9:]], OK),
                              ([ask_for("bob", token)], NO),
                              ([frame("alice", "")], NO),
                              ([b"\xff" * 40], NO)):
            with Mux(place.mux) as mux:
                for part in parts:
                    mux.send(part)
                got = b""
                while len(got) < 4:
                    got += mux.sock.recv(4 - len(got))
                assert got == answer, (parts, got)
                assert mux.sock.recv(1) == b""  # a reset is an exception


def half_closed():
    """a client that closes its sending side is answered"""
    with mux_world() as place:
        token = place.token()
        with Mux(place.mux) as mux:
            mux.send(ask_for("alice", token))
            mux.sock.shutdown(socket.SHUT_WR)
            assert mux.all() == OK
        for part in (b"", b"\0", ask_for("alice", token)[:-3]):
            with Mux(place.mux) as mux:
                mux.send(part)
                mux.sock.shutdown(socket.SHUT_WR)
                assert mux.all() == NO, part


def deadline():
    """who sends nothing, or never ends, gets NO after 5 s, and hinders nobody
    """
    with mux_world("max_per_uid = 600") as place:
        token = place.token()
        whole = ask_for("alice", token)
        begin = time.monotonic()
        held = [Mux(place.mux) for _ in range(300)]
        for number, mux in enumerate(held):
            mux.send(whole[:number % len(whole)])
        assert ask(place, "alice", token) == OK
        assert place.ask("alice", token) == (ACCEPT, "alice")
        for mux in held:
            assert mux.all() == NO
            mux.sock.close()
        assert 4 < time.monotonic() - begin


def bad_frames():
    """over-long fields, NULs, empty names and passwords, and what follows a
    question are NO at once, and close no other connection
    """
    with mux_world() as place:
        token = place.token()
        good = ask_for("alice", token)
        for bad in (b"\x04\x01", b"\xff\xff", b"GET / HTTP/1.0\r\n\r\n",
                    ask_for("alice", "x" * 512), ask_for("a" * 256, token),
                    ask_for("alice", token, "r" * 1024),
                    ask_for("alice", token, "", "s" * 65),
                    ask_for("alice", token, "r\0"),
                    ask_for("al\0ice", token), ask_for("alice\0", token),
                    ask_for("alice", token + "\0"),
                    ask_for("alice", "\0" + token),
                    ask_for("", token), ask_for("", token, "jira"),
                    ask_for("alice", ""), ask_for("", ""),
                    ask_for("@", token), bytes(8), bytes(10), bytes(11),
                    ask_for("alice", token, "", "svn", "::1") + b"x",
                    frame(*["x" * 1024] * 5) + b"x" * 9000,
                    os.urandom(300).replace(b"\0", b"\xff")):
            with Mux(place.mux) as other, Mux(place.mux) as mux:
                other.send(good[:9])
                mux.send(bad)
                assert mux.all() == NO, bad[:40]
                other.send(good[9:])
                assert other.all() == OK
        assert place.stats()["argon2_runs"] == 1
        place.logged("on mux: too-long")
        place.logged("denied: reason=shape id=- front=mux")


def audited():
    """what is decided on mux is in the audit trail, bad questions, too"""
    with mux_world("audit_file = {root}/run/audit\naudit_accept = all\n"
                   ) as place:
        token = place.token()
        assert ask(place, "alice", token, "", "imap") == OK
        assert ask(place, "bob", token, "", "imap") == NO
        assert ask(place, "", token) == NO
        uid = os.geteuid()

        def trail():
            with open(place.root + "/run/audit") as file:
                lines = [json.loads(line) for line in file]
            return [(line["reason"], line.get("service"), line["peer"])
                    for line in lines if line.get("front") == "mux"]
        wait_for(lambda: len(trail()) == 3)
        assert trail() == [("accepted", "imap", uid),
                           ("wrong-user", "imap", uid),
                           ("shape", None, uid)], trail()


def largest():
    """fields of 1,024 bytes are read, whatever comes of them"""
    with mux_world("mux_realm = strip\n") as place:
        token = place.token()
        assert ask(place, "alice", token, "r" * 1024) == OK
        assert ask(place, "alice", token, "r" * 1025) == NO
        assert ask(place, *["x" * 1024] * 4) == NO
        assert ask(place, "alice", token, "r", "svn", "x" * 1024) == OK


def addresses():
    """the address of the fifth field counts, and without it a token that is
    bound to networks is denied
    """
    with mux_world() as place:
        token = place.admin("create", "alice", "--from", "192.0.2.0/24",
                            "--from", "2001:db8::/32").stdout.strip()
        place.tokens.append(token)
        for address, wanted in (
                ((), NO), (("",), NO), (("192.0.2.7;4711",), OK),
                (("192.0.2.7",), OK), (("2001:db8::1;4711",), OK),
                (("::ffff:192.0.2.7;1",), OK), (("198.51.100.1;1",), NO),
                (("192.0.2.7:4711",), OK), (("localhost;1",), NO)):
            assert ask(place, "alice", token, "", "imap",
                       *address) == wanted, address
        with Mux(place.mux) as mux:  # a fifth field that comes in two parts
            whole = ask_for("alice", token, "", "imap", "192.0.2.7;1")
            mux.send(whole[:-5])
            mux.send(whole[-5:])
            assert mux.all() == OK
        place.logged('rhost="192.0.2.7"')
        place.logged('rhost="localhost;1" (not an address: not used)')


def realms():
    """mux_realm keeps, strips or requires the realm, and paths may differ"""
    names = (("alice", ""), ("alice", "jira"), ("alice@jira", ""),
             ("alice", "other"))
    with mux_world() as place:
        tokens = {user: place.token(user) for user in ("alice", "alice@jira")}
        for mode, wanted in (
                ("keep", {"alice": [OK, NO, NO, NO],
                          "alice@jira": [NO, OK, OK, NO]}),
                ("strip", {"alice": [OK, OK, OK, OK],
                           "alice@jira": [NO, NO, NO, NO]}),
                ("require", {"alice": [NO, NO, NO, NO],
                             "alice@jira": [NO, OK, OK, NO]})):
            place.stop()
            place.write("mux = {0}\nmux_realm = {1}".format(place.mux, mode))
            place.start()
            for user, token in tokens.items():
                got = [ask(place, name, token, realm)
                       for name, realm in names]
                assert got == wanted[user], (mode, user, got)
        place.stop()
        place.streams = [place.mux, place.root + "/run/cut"]
        place.write("mux = {root}/run/mux\nmux = {root}/run/cut strip")
        place.start()
        for path, wanted in zip(place.streams, (NO, OK)):
            assert ask(place, "alice", tokens["alice"], "jira",
                       path=path) == wanted


def services():
    """the service of the question decides which rules hold"""
    with mux_world() as place:
        token = place.admin("create", "alice", "--service",
                            "imap").stdout.strip()
        assert ask(place, "alice", token, "", "imap") == OK
        assert ask(place, "alice", token, "", "smtp") == NO
        assert ask(place, "alice", token, "", "") == NO


def several_at_once():
    """questions of many clients at once are each answered rightly"""
    with mux_world() as place:
        tokens = [place.token("user%d" % n) for n in range(8)]

        def client(n):
            for i in range(50):
                right = (i + n) % 3 != 0
                got = ask(place, "user%d" % n,
                          tokens[n if right else (n + 1) % 8])
                if got != (OK if right else NO):
                    return "user%d: %r in turn %d" % (n, got, i)
            return None
        with ThreadPool(8) as threads:
            wrong = [one for one in threads.map(client, range(8)) if one]
        assert not wrong, wrong
        assert place.stats()["argon2_runs"] == 8


def several_paths():
    """each path of the configuration is answered, and its folder made"""
    with mux_world(names=("run/mux", "jail/saslauthd", "run/third")) as place:
        token = place.token()
        paths = [place.mux, place.root + "/jail/saslauthd",
                 place.root + "/run/third"]
        for path in paths:
            assert stat.S_IMODE(os.stat(path).st_mode) == 0o666
            assert ask(place, "alice", token, path=path) == OK
        folder = os.stat(place.root + "/jail")
        assert stat.S_IMODE(folder.st_mode) == 0o755
        assert folder.st_uid == os.stat(place.root + "/run").st_uid
        assert place.stop() == 0
        for path in paths:
            assert not os.path.exists(path)


def folders():
    """an empty folder of root's is given to patd and keeps group and mode; one
    with other files is not, and patd says what to do
    """
    if not ROOT:
        raise Skip("needs root")
    with mux_world(names=("jail/mux",), start=False) as place:
        jail = place.root + "/jail"
        os.mkdir(jail)
        os.chown(jail, 0, 8)
        os.chmod(jail, 0o710)
        place.start()
        assert os.path.exists(jail + "/mux")
        got = os.stat(jail)
        assert got.st_uid != 0 and got.st_gid == 8
        assert stat.S_IMODE(got.st_mode) == 0o710
        place.stop()
        os.chown(jail, 0, 0)
        os.chmod(jail, 0o755)
        with open(jail + "/other", "w"):
            pass
        done = place.run()
        assert done.returncode == 3, done.returncode
        assert "its directory must belong to the user of patd" in done.stderr
        assert os.stat(jail).st_uid == 0
        os.remove(jail + "/other")
        os.symlink("/tmp", place.root + "/link")
        place.write("mux = %s/link/mux" % place.root)
        done = place.run()
        assert done.returncode == 3 and "cannot open" in done.stderr


def stale():
    """a socket file that nobody answers on is replaced; what is in use, or is
    no socket, is not
    """
    with mux_world() as place:
        token = place.token()
        place.stop(signal.SIGKILL)
        assert os.path.exists(place.mux)
        place.start()
        assert ask(place, "alice", token) == OK
        place.stop()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
            other.bind(place.mux)
            os.chmod(place.mux, 0o777)
            other.listen(1)
            done = place.run()
            assert done.returncode == 3, done.returncode
            assert "saslauthd answers at " + place.mux in done.stderr
        os.remove(place.mux)
        with open(place.mux, "w"):
            pass
        done = place.run()
        assert done.returncode == 3 and "not a socket" in done.stderr


def activation():
    """a mux of the service manager is used, and left at the end"""
    with mux_world(start=False) as place:
        token = place.token()
        with listening(place.mux) as sock:
            with Mux(place.mux) as early:
                early.send(ask_for("alice", token))
                place.launch([sock])
                assert early.all() == OK
            wait_for(place.answers)
        assert place.stop() == 0
        assert os.path.exists(place.mux)
        assert not os.path.exists(place.verify)


def limits():
    """beyond max_per_uid and max_connections the answer is NO, and room comes
    back
    """
    for limit in ("max_per_uid = 3\n", "max_connections = 3\n"):
        with mux_world(limit) as place:
            token = place.token()
            held = [Mux(place.mux) for _ in range(3)]
            with Mux(place.mux) as fourth:
                assert fourth.all() == NO
            held[2].send(ask_for("alice", token))
            assert held[2].all() == OK
            held[0].sock.close()
            wait_for(lambda: ask(place, "alice", token) == OK)
            for mux in held:
                mux.sock.close()


def overload():
    """more than can be hashed in time is NO, soon, and logged"""
    with mux_world("workers = 1\n", start=False) as place:
        make_slow(place)
        place.start()
        with ThreadPool(4) as threads:
            tokens = threads.map(lambda _: place.token(), range(40))
        place.stop()
        place.start()
        clients = [Mux(place.mux) for _ in tokens]
        for client, token in zip(clients, tokens):
            client.send(ask_for("alice", token))
        got = [client.all() for client in clients]
        assert NO in got and set(got) <= {OK, NO}, set(got)
        place.logged("reason=overload")
        # What was hashed too late is known from then on.
        wait_for(lambda: ask(place, "alice", tokens[0]) == OK)
        place.logged("front=mux")
        for client in clients:
            client.sock.close()


def stopping():
    """SIGTERM: a held question is answered, a half one gets NO"""
    with mux_world(start=False) as place:
        make_slow(place, 1)
        token = place.token()
        place.start()
        with Mux(place.mux) as client, Mux(place.mux) as half:
            half.send(b"\0\5alice")
            client.send(ask_for("alice", token))
            time.sleep(0.02)
            place.patd.send_signal(signal.SIGTERM)
            assert client.all() == OK
            assert half.all() == NO
        assert place.patd.wait(60) == 0
        place.patd = None


def silent():
    """a patd that is stopped says nothing, and goes on later"""
    with mux_world() as place:
        token = place.token()
        assert ask(place, "alice", token) == OK
        freeze(place.patd)
        with Mux(place.mux, 1) as mux:
            mux.send(ask_for("alice", token))
            try:
                raise AssertionError(mux.all())
            except socket.timeout:
                pass
        place.patd.send_signal(signal.SIGCONT)
        assert ask(place, "alice", token) == OK


def leavers():
    """askers that leave before their answer leave no descriptor"""
    with mux_world() as place:
        token = place.token()
        wait_for(lambda: "ready" in place.read_log())
        before = place.fds()
        for number in range(300):
            with Mux(place.mux) as mux:
                mux.send(ask_for("alice", token)[:number])
        assert ask(place, "alice", token) == OK
        wait_for(lambda: place.fds() <= before)


def as_uid(uid, path, data):
    """What a process of `uid` is answered."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
            with Mux(path) as mux:
                try:
                    mux.send(data)
                except BrokenPipeError:
                    pass
                os.write(writer, mux.all())
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(pid, 0)
    with os.fdopen(reader, "rb") as file:
        return file.read()


def peers():
    """only root, system accounts and listed users may ask; others get NO"""
    if not ROOT:
        raise Skip("needs root")
    with mux_world() as place:
        asked = ask_for("alice", place.token())
        assert as_uid(12345, place.mux, asked) == NO
        assert as_uid(33, place.mux, asked) == OK
        place.logged("refused a connection from uid 12345")
        place.logged("front=mux peer=33")
    with mux_world("allow_users = nobody\nallow_groups = mail") as place:
        asked = ask_for("alice", place.token())
        assert as_uid(65534, place.mux, asked) == OK
        assert as_uid(8, place.mux, asked) == OK
        assert as_uid(33, place.mux, asked) == NO


def both_protocols():
    """a question of the other protocol is answered on neither socket"""
    with mux_world() as place:
        token = place.token()
        with Mux(place.mux) as mux:
            mux.send(question("alice", token))
            assert mux.all() == NO
        with Client(place.verify) as client:
            client.send(ask_for("alice", token))
            assert client.closed()
        assert place.ask("bob", token) == (DENY, "")


def testsaslauthd():
    """testsaslauthd(8) says OK for a token, and NO otherwise"""
    if TESTER is None:
        raise Skip("no testsaslauthd (sasl2-bin)")
    with mux_world("mux_realm = strip\n") as place:
        token = place.token()

        def tester(user, *more):
            done = subprocess.run(
                [TESTER, "-f", place.mux, "-u", user, "-p", *more],
                text=True, capture_output=True, timeout=120)
            return done.stdout.strip()
        assert tester("alice", token, "-s", "svn") == '0: OK "Success."'
        assert tester("alice", token, "-r", "jira") == '0: OK "Success."'
        assert tester("bob", token) == '0: NO "authentication failed"'
        assert tester("alice", "x") == '0: NO "authentication failed"'
        assert tester("alice", "") == '0: NO "authentication failed"'
        place.stop()
        assert "OK" not in tester("alice", token)


main([answers, warm, revoked_at_once, byte_by_byte, clean_end, half_closed,
      deadline, bad_frames, audited, largest, addresses, realms, services,
      several_at_once, several_paths, folders, stale, activation, limits,
      overload, stopping, silent, leavers, peers, both_protocols,
      testsaslauthd])
