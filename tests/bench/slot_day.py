"""Slot 6: a mixed day."""
from measure import Contender, Target, figures
from place import USER, Failed, drive, forged, program

NAME = "day"
TITLE = "A mixed day"
ABOUT = """\
Eight clients ask patd without a pause, each question over a connection of its
own. In the mixed day, 95 of 100 questions are about 200 tokens that patd has seen
since it started, 4 about forged tokens with a good checksum, half of them with an
id that exists, and 1 about a token that patd has not seen yet: that one costs an
Argon2id, which is where nearly all CPU goes. In the warm day all are about the
200. patd starts anew for each round. The times are those that a client sees; the
last column is what patd itself says of all its answers. With two processors,
eight clients and as many Argon2id as there are processors, a client waits for a
processor, not for patd."""
BASE = None
COLUMNS = [("rate", "per second", "%.0f"), ("p50_us", "p50 µs", "%.0f"),
           ("p99_us", "p99 µs", "%.0f"),
           ("warm_p99_us", "warm p99 µs", "%.0f"),
           ("forged_p99_us", "forged p99 µs", "%.0f"),
           ("cold_p50_us", "cold p50 µs", "%.0f"),
           ("unavailable", "unavailable", "%.0f"),
           ("client_us", "client CPU µs", "%.1f"),
           ("server_us", "patd CPU µs", "%.1f"),
           ("patd_p99_us", "p99 µs in patd", "%.0f")]
PLOT = ("p99_us", "p99 of all answers, µs")
TARGETS = [
    Target("99 of 100 warm answers take at most 1 ms in patd", "patd_p99_us",
           "warm day", "<=", 1000, unit=" µs"),
]
ROUNDS = 4
CLIENTS = 8
WARM, FORGED, COLD = 200, 100, 1500
SECONDS, QUICK_SECONDS = 15, 3
HUNDRED = 100
MANY = 2 ** 31 - 1  # the time ends a round, not the count
# What no question of a kind must get.
KINDS = {"warm": "denied", "forged": "accepted", "cold": "denied"}


def measured(result):
    """The figures. Nobody had a wrong answer; none at all ("unavailable") is
    what an overloaded machine gives, and is counted."""
    found = figures(result["kinds"]["all"]["count"], result["wall_ns"],
                    result["cpu_ns"], result["server_ns"])
    found["unavailable"] = result["kinds"]["all"]["failed"]
    for kind, wrong in [*KINDS.items(), ("all", None)]:
        counts = result["kinds"][kind]
        if wrong and counts[wrong] > 0:
            raise Failed("%s tokens: some were %s: %s" % (
                kind, wrong, counts))
        for part in ("p50", "p99", "p999"):
            name = "%s_us" % part if kind == "all" else "%s_%s_us" % (
                kind, part)
            if counts["count"]:
                found[name] = counts[part + "_ns"] / 1e3
    return found


def day(place, store, name, lines, weights, most):
    seconds = QUICK_SECONDS if place.quick else SECONDS

    def turn(count):
        count = max(count, HUNDRED)  # of fewer, some kinds would be missing
        store.stop()
        store.start()  # it knows nobody yet
        result = drive(
            [program("crowd"), "verify", store.verify, str(CLIENTS),
             str(sum(line.startswith("warm") for line in lines)),
             str(min(count, most)), str(seconds), *map(str, weights)],
            lines, [store])
        found = measured(result)
        found["patd_p99_us"] = store.stats()["latency"]["p99"] * 1e6
        return found

    return Contender(name, turn, MANY)


def contenders(place):
    warm, cold = (4, 2) if place.operations else (
        WARM, COLD // 6 if place.quick else COLD)
    store = place.store()
    tokens = store.several(warm + cold, place.say)
    lines = ["warm %s %s" % (USER, token) for token in tokens[:warm]]
    more = ["cold %s %s" % (USER, token) for token in tokens[warm:]]
    for number in range(FORGED):
        known = tokens[number % warm][5:13]
        more.append("forged %s %s" % (USER, forged(
            known if number % 2 else forged("00000000")[14:22])))
    return [
        day(place, store, "mixed day", lines + more, (95, 4, 1), HUNDRED * cold),
        day(place, store, "warm day", lines, (100, 0, 0), MANY),
    ]
