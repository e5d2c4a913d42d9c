"""Slot 4: a token that is not known yet, beside Argon2id alone."""
from measure import Contender, Target, figures
from place import USER, drive, expect, program

NAME = "cold"
TITLE = "A token that patd does not know yet"
ABOUT = """\
patd without a memo, asked on verify.sock about one token by one client, beside
crypto_pwhash() of libsodium in a loop with the same parameters (19 MiB, two
passes), which maps its memory anew for each hash. patd keeps that memory. The
CPU is that of the client and of patd together."""
BASE = "crypto_pwhash() alone"
COLUMNS = [("cpu_us", "CPU µs", "%.0f"), ("server_us", "patd", "%.0f"),
           ("wall_us", "wall µs", "%.0f"), ("rate", "per second", "%.1f")]
PLOT = ("cpu_us", "CPU, µs per verification")
TARGETS = [
    Target("a cold verification costs at most 0.6 × crypto_pwhash()", "cpu_us",
           "patd, cold", "<=", 0.6, "crypto_pwhash() alone"),
]
MEMORY_KIB, PASSES = 19456, 2


def contender(name, kind, argv, lines, servers=()):
    def turn(count):
        result = drive([*argv(count)], lines, servers)
        return figures(expect(result, kind, "accepted"), result["wall_ns"],
                       result["cpu_ns"], result["server_ns"])

    return Contender(name, turn)


def contenders(place):
    store = place.store("cache_entries = 0", cost="memory = %dK\npasses = %d" %
                        (MEMORY_KIB, PASSES))
    token = store.token(USER)
    return [
        contender(BASE, "all", lambda count: [
            program("pwhash_bench"), str(MEMORY_KIB), str(PASSES), "1",
            str(count)], [token]),
        contender("patd, cold", "warm", lambda count: [
            program("crowd"), "verify", store.verify, "1", "1", str(count),
            "0"], ["warm %s %s" % (USER, token)], [store]),
    ]
