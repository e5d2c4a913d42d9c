"""patd under load: who asks much, or badly, or not at all, takes nothing from
the others, and nothing grows. JP_LOAD=N asks N questions where it counts.
"""
import os
import random
import resource
import socket

from daemon import (ACCEPT, AUDIT, BASE62, DENY, ROOT, SANITIZED, UNAVAILABLE,
                    Client, Skip, connect, forged, main, make_slow, question,
                    wait_for, world)

QUESTIONS = int(os.environ.get("JP_LOAD", "100000"))
DAEMON_UID = 1  # a system account that every Debian has
GROWTH_KIB = 1024


def garbage():
    """Texts that are no token, or none of ours."""
    letters = "".join(random.choices(BASE62, k=36))
    return ["", "x", "hunter2", "x" * 511, "jpat_", "jpat_" + letters,
            "jpat_%s_%s" % (letters[:8], letters), "abcd_12345678_" + letters,
            "jpat_12345678_" + "\u00e4" * 18, " " + letters]


def status(place, key):
    """A number of /proc/PID/status."""
    with open("/proc/%d/status" % place.patd.pid) as file:
        for line in file:
            if line.startswith(key + ":"):
                return int(line.split()[1])
    raise AssertionError("no " + key)


def no_growth():
    """descriptors, threads and memory do not grow with the questions"""
    with world(AUDIT, args=()) as place:
        mine = [place.token() for _ in range(20)]
        pairs = [("alice", token) for token in mine]
        pairs += [("bob", token) for token in mine]
        pairs += [("alice", forged(token[5:13])) for token in mine]
        pairs += [("alice", forged("".join(random.choices(BASE62, k=8))))
                  for _ in range(20)]
        pairs += [("alice", text) for text in garbage()]
        def load(count):
            accepted, denied, unavailable = place.hammer(
                pairs, count, conns=16, per_conn=100)
            whole, rest = divmod(count, len(pairs))
            assert accepted == whole * 20 + min(rest, 20), accepted
            assert denied == count - accepted and unavailable == 0, denied
            wait_for(lambda: place.stats()["connections"]["open"] == 0)
        load(QUESTIONS // 10)
        before = {key: status(place, key) for key in ("VmRSS", "Threads")}
        fds = place.fds() if ROOT else 0
        load(QUESTIONS)
        wait_for(lambda: not ROOT or place.fds() <= fds)
        # The thread of the last administrator may be on its way out.
        wait_for(lambda: status(place, "Threads") <= before["Threads"])
        grown = status(place, "VmRSS") - before["VmRSS"]
        assert grown <= GROWTH_KIB, "%d KiB more" % grown
        stats = place.stats()
        assert stats["argon2_runs"] == len(mine), stats["argon2_runs"]
        assert sum(sum(verdict.values()) for verdict in
                   stats["requests"].values()) == QUESTIONS // 10 + QUESTIONS
        assert stats["requests"]["unavailable"] == dict.fromkeys(
            stats["requests"]["unavailable"], 0)
        assert place.read_trail().count("\n") > 20, "it was not told"


def hit_ratio():
    """of 200 tokens each runs one hash; every other question is a hit"""
    with world(args=()) as place:
        pairs = [("user%d" % n, place.token("user%d" % n)) for n in range(200)]
        assert place.hammer(pairs, 20000, conns=8) == (20000, 0, 0)
        stats = place.stats()
        assert stats["argon2_runs"] == 200, stats["argon2_runs"]
        assert stats["memo"]["hits"] == 20000 - 200, stats["memo"]
        assert stats["memo"]["evictions"] == 0, stats["memo"]


def not_shared():
    """what is known of one user's token helps no other user or token"""
    with world() as place:
        alice, bob = place.token("alice"), place.token("bob")
        for _ in range(3):
            assert place.ask("alice", alice) == (ACCEPT, "alice")
            assert place.ask("bob", alice) == (DENY, "")
        assert place.stats()["argon2_runs"] == 1
        assert place.ask("alice", bob) == (DENY, "")
        assert place.stats()["argon2_runs"] == 2
        for _ in range(3):
            assert place.ask("bob", bob) == (ACCEPT, "bob")
            assert place.ask("alice", bob) == (DENY, "")
            assert place.ask("bob", forged(alice[5:13])) == (DENY, "")
        stats = place.stats()
        assert stats["argon2_runs"] == 2 and stats["memo"]["entries"] == 2


def bad_company(place, token):
    """Connections that are open and of no use, of five kinds."""
    clients = []

    def silent():
        return Client(place.verify)

    def half_closed():
        client = Client(place.verify)
        client.sock.shutdown(socket.SHUT_WR)
        return client

    def deaf():
        client = Client(place.verify)
        client.sock.shutdown(socket.SHUT_RD)
        client.send(question("alice", token))
        return client

    def never_reads():
        client = Client(place.verify)
        client.sock.settimeout(0)
        try:
            while True:
                client.send(question("alice", token))
        except OSError:  # patd waits for us, or has closed it
            return client

    def bad_message():
        client = Client(place.verify)
        client.send(b"GET / HTTP/1.0")
        return client

    kinds = [silent, half_closed, deaf, never_reads, bad_message]
    while True:
        clients.append(kinds[len(clients) % len(kinds)]())
        yield clients


def company_is_harmless():
    """5, 64 and 300 idle, half-open and deaf connections hinder nobody"""
    with world(args=()) as place:
        token, cold = place.token(), [place.token() for _ in range(3)]
        pairs = [("alice", token)]
        for number, clients in enumerate(bad_company(place, token), 1):
            if number in (5, 64, 300):
                assert place.hammer(pairs, 1000, conns=4) == (1000, 0, 0)
                assert place.ask("alice", cold.pop()) == (ACCEPT, "alice")
            if number == 300:
                break
        for client in clients:
            client.close()
        wait_for(lambda: place.stats()["connections"]["open"] == 0)
        assert place.hammer(pairs, 1000, conns=4) == (1000, 0, 0)


def half_closed_is_answered():
    """who only sends, and says so, still gets the answer to its question"""
    with world() as place:
        token = place.token()
        for _ in range(2):  # cold, then warm
            with Client(place.verify) as client:
                client.send(question("alice", token))
                client.sock.shutdown(socket.SHUT_WR)
                assert client.answer() == (ACCEPT, "alice")
                assert client.closed()


def idle_administrators():
    """idle connections to admin.sock hinder no question"""
    with world() as place:
        token = place.token()
        idle = []
        for _ in range(64):
            try:
                idle.append(Client(place.admin_sock))
            except OSError:
                break
        assert place.hammer([("alice", token)], 1000) == (1000, 0, 0)
        for client in idle:
            client.close()
        wait_for(lambda: place.admin("stats", check=False).returncode == 0)


def no_memory():
    """without memory for a hash the answer is unavailable, and not remembered
    """
    if SANITIZED:
        raise Skip("sanitizers take their memory before")
    with world(start=False) as place:
        warm = place.token()
        make_slow(place, 1)
        cold, tagless = place.token(), place.token()
        place.record_edit("untag", tagless[5:13])
        one_arena = dict(os.environ, MALLOC_ARENA_MAX="1")
        place.start(env=one_arena)
        wait_for(lambda: "ready" in place.read_log())  # all threads are there
        size = (status(place, "VmSize") + 16 * 1024) * 1024
        place.stop()
        place.start(env=one_arena, preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_AS, (size, size)))
        for _ in range(3):
            assert place.ask("alice", cold) == (UNAVAILABLE, "")
            assert place.ask("alice", tagless) == (UNAVAILABLE, "")
            assert place.ask("alice", warm) == (ACCEPT, "alice")
        place.logged("reason=memory id=" + cold[5:13])
        place.stop()
        place.start()
        assert place.ask("alice", cold) == (ACCEPT, "alice")
        assert place.ask("alice", tagless) == (ACCEPT, "alice")


def restart():
    """after a restart 300 waiting clients of one token run one Argon2id"""
    with world(start=False) as place:
        make_slow(place, 1)
        token = place.token()
        place.start()
        assert place.ask("alice", token) == (ACCEPT, "alice")
        for _ in range(3):
            place.stop()
            place.start()
            clients = [connect(place.verify) for _ in range(300)]
            for client in clients:
                client.send(question("alice", token))
            for client in clients:
                assert client.answer() == (ACCEPT, "alice")
                client.close()
            assert place.stats()["argon2_runs"] == 1


def connect_as(place, uid):
    os.seteuid(uid)
    try:
        return Client(place.verify)
    finally:
        os.seteuid(0)


def total_limit():
    """max_connections holds for all uids, max_per_uid for each"""
    if not ROOT:
        raise Skip("needs root")
    with world("max_connections = 5\nmax_per_uid = 3") as place:
        token = place.token()
        wait_for(lambda: place.stats()["connections"]["open"] == 0)
        ours = [connect_as(place, 0) for _ in range(4)]
        assert ours.pop().closed(), "more than max_per_uid"
        theirs = [connect_as(place, DAEMON_UID) for _ in range(3)]
        assert theirs.pop().closed(), "more than max_connections"
        for client in ours + theirs:
            assert client.ask("alice", token) == (ACCEPT, "alice")
        ours.pop().close()
        wait_for(lambda: place.stats()["connections"]["open"] == 4)
        theirs.append(connect_as(place, DAEMON_UID))
        assert theirs[-1].ask("alice", token) == (ACCEPT, "alice")
        for client in ours + theirs:
            client.close()


main([no_growth, hit_ratio, not_shared, company_is_harmless,
      half_closed_is_answered, idle_administrators, no_memory, restart,
      total_limit])
