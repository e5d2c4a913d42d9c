"""Tokens without fast tag, as an import makes them: what wrong secrets for them
cost, and that nobody else pays for it.
"""
import select
import time

from daemon import (ACCEPT, DENY, UNAVAILABLE, Client, forged, main, make_slow,
                    phc_of, question, wait_for, world)

BURST, REFILL_S = 10, 10  # of common/decide/throttle.h


class Clock:
    """How many tries have come back since, at the most."""

    def __init__(self):
        self.begin = time.monotonic()

    def refills(self):
        return int((time.monotonic() - self.begin) / REFILL_S) + 1


def untagged(place, count=1, user="alice"):
    """Tokens whose records lose their fast tag; no patd may run yet."""
    tokens = [place.token(user) for _ in range(count)]
    place.record_edit("untag", *[token[5:13] for token in tokens])
    return tokens


def accepted_and_denied():
    """the right secret is accepted with one hash, a wrong one is denied"""
    with world(start=False) as place:
        token, = untagged(place)
        place.start()
        with Client(place.verify) as client:
            for _ in range(5):
                assert client.ask("alice", token) == (ACCEPT, "alice")
                assert client.ask("bob", token) == (DENY, "")
        assert place.stats()["argon2_runs"] == 1
        assert place.ask("alice", forged(token[5:13])) == (DENY, "")
        assert place.stats()["argon2_runs"] == 2


def throttled():
    """1,000 wrong secrets for one id run a burst of hashes and no more"""
    with world(start=False) as place:
        token, other = untagged(place, 2)
        place.start()
        clock = Clock()
        with Client(place.verify) as client:
            verdicts = [client.ask("alice", forged(token[5:13]), seq)[0]
                        for seq in range(1000)]
        limit = BURST + clock.refills()
        runs = place.stats()["argon2_runs"]
        assert BURST <= runs <= limit, runs
        assert verdicts == [DENY] * 1000, set(verdicts)
        requests = place.stats()["requests"]
        assert requests["denied"]["throttled"] == 1000 - runs, requests
        place.logged("reason=throttled id=" + token[5:13])
        assert place.ask("alice", other) == (ACCEPT, "alice")


def known_unharmed():
    """who is remembered is accepted while wrong secrets are throttled"""
    with world(start=False) as place:
        token, = untagged(place)
        tagged = place.token()
        place.start()
        assert place.ask("alice", token) == (ACCEPT, "alice")
        with Client(place.verify) as bad, Client(place.verify) as good:
            for seq in range(100):
                bad.ask("alice", forged(token[5:13]), seq)
                assert good.ask("alice", token, seq) == (ACCEPT, "alice")
                assert good.ask("alice", tagged, seq) == (ACCEPT, "alice")
        assert place.stats()["requests"]["denied"]["throttled"] > 50


def same_again():
    """a wrong secret that is tried again costs no hash and no try"""
    with world(start=False) as place:
        token, = untagged(place)
        place.start()
        wrong = forged(token[5:13])
        with Client(place.verify) as client:
            for seq in range(200):
                assert client.ask("alice", wrong, seq) == (DENY, "")
            assert place.stats()["argon2_runs"] == 1
            assert client.ask("alice", token) == (ACCEPT, "alice")


def no_room():
    """too many hashes at once are denied before the first one is done"""
    with world("workers = 1", start=False) as place:
        warm = place.token()
        make_slow(place, 4)
        token, = untagged(place)
        place.start()
        assert place.ask("alice", warm) == (ACCEPT, "alice")
        slow = [Client(place.verify) for _ in range(2)]
        for client in slow:
            client.send(question("alice", forged(token[5:13])))
        with Client(place.verify) as third:
            for seq in range(5):
                wrong = forged(token[5:13])
                assert third.ask("alice", wrong, seq) == (DENY, "")
                assert third.ask("alice", warm, seq) == (ACCEPT, "alice")
        ready, _, _ = select.select([slow[1].sock], [], [], 0)
        assert not ready, "the second hash was done before"
        for client in slow:
            assert client.answer()[0] in (DENY, UNAVAILABLE)
            client.close()
        assert place.stats()["argon2_runs"] <= 3


def imported():
    """secrets that pat-admin import took are throttled as well"""
    with world() as place:
        place.admin("import", "-", said="erin:%s\nfrank:%s\n" % (
            phc_of("correct horse"), phc_of("battery staple")))
        clock = Clock()
        with Client(place.verify) as client:
            assert client.ask("erin", "correct horse") == (ACCEPT, "erin")
            for number in range(200):
                assert client.ask("frank", "wrong %d" % number) == (DENY, "")
            limit = BURST + clock.refills() + 1
            assert BURST < place.stats()["argon2_runs"] <= limit
            assert client.ask("erin", "correct horse") == (ACCEPT, "erin")


def unknown_alike():
    """the user of an imported secret gets the answers of an unknown user,
    however many texts are tried, one by one or at once"""
    with world() as place:
        place.admin("import", "-", said="frank:%s\n" % phc_of("right"))
        with Client(place.verify) as client:
            for number in range(50):
                for user in ("frank", "nobody-there"):
                    answer = client.ask(user, "wrong %d" % number, number)
                    assert answer == (DENY, ""), (user, number, answer)
        for user in ("frank", "nobody-there"):
            crowd = [Client(place.verify) for _ in range(50)]
            for number, client in enumerate(crowd):
                client.send(question(user, "more %d" % number))
            for client in crowd:
                assert client.answer() == (DENY, ""), user
                client.close()


def flood_passed(place, tokens, warm, cold):
    """Whether these two were accepted while a flood of wrong secrets still waited:
    on a busy machine it may be over before we have asked, and a hash take longer than
    patd has for an answer."""
    flood = [Client(place.verify) for _ in range(2 * len(tokens))]
    for number, client in enumerate(flood):
        identity = tokens[number % len(tokens)][5:13]
        client.send(question("alice", forged(identity)))
    wait_for(lambda: place.stats()["queue"]["depth"] >= len(flood) / 2)
    assert place.ask("alice", warm) == (ACCEPT, "alice")
    said = place.ask("alice", cold)[0]
    ready, _, _ = select.select([client.sock for client in flood], [], [], 0)
    for client in flood:
        assert client.answer()[0] in (DENY, UNAVAILABLE)
        client.close()
    assert said != DENY
    return said == ACCEPT and len(ready) < len(flood)


def many_ids():
    """a flood over many ids leaves warm and cold tokens of our own alone"""
    with world("workers = 1", start=False) as place:
        warm = place.token()
        colds = [place.token() for _ in range(BURST // 2)]
        make_slow(place, 2)
        tokens = untagged(place, 12)
        place.start()
        assert place.ask("alice", warm) == (ACCEPT, "alice")
        assert any(flood_passed(place, tokens, warm, cold) for cold in colds), \
            "a cold token waits for the flood"


main([accepted_and_denied, throttled, known_unharmed, same_again, no_room,
      imported, unknown_alike, many_ids])
