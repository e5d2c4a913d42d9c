"""The wall clock jumps, by a second to ten years, ahead and back, at every operation;
then it is set right. What holds meanwhile and behind that: the table "The clock" of
doc/RELIABILITY.md has a row for each case.
"""
import json
import os

import test_fcgi
from clock import DAY, YEAR, shifted
from daemon import (ACCEPT, AUDIT, DENY, OneShot, forged, main, wait_for,
                    world)
from httpd import Http, place as site

AHEAD = (1, 60, 600, 3600, DAY, 29 * DAY, 31 * DAY, YEAR, 10 * YEAR)
JUMPS = AHEAD + tuple(-jump for jump in AHEAD)
SEEN = 300   # seconds: patd takes less for a correction
LIFE = 90 * DAY  # of a token, by default
GRACE = DAY  # of a rotation, by default


def jumping(policy="", **options):
    return shifted("max_lifetime = never\n" + policy, **options)


def with_trail(**options):
    return world(AUDIT, **options)


def at_each_jump(clock, jumps=JUMPS):
    """By each jump, and right again behind it."""
    for jump in jumps:
        clock.set(jump)
        yield jump
        clock.set(0)


def verdict(place, token, user="alice"):
    return place.ask(user, token)[0]


def records(place):
    return {record["id"]: record for record in json.loads(
        place.admin("list", "--all", "--json").stdout)}


def create(place, *args):
    return place.token("alice", *args)


def verification():
    """a token is accepted until the clock says that it has ended, and again when the
    clock is right; one without an end always is; a wrong, revoked or disabled one never
    is"""
    with jumping() as (place, clock):
        plain, for_ever = create(place), create(place, "--expires", "never")
        revoked, paused = create(place), create(place)
        place.admin("revoke", revoked[5:13])
        place.admin("disable", paused[5:13])
        for jump in at_each_jump(clock):
            lives = jump < LIFE
            assert verdict(place, plain) == (ACCEPT if lives else DENY), jump
            assert verdict(place, for_ever) == ACCEPT, jump
            assert verdict(place, plain, "bob") == DENY, jump
            assert verdict(place, revoked) == DENY, jump
            assert verdict(place, paused) == DENY, jump
            clock.set(0)
            assert verdict(place, plain) == ACCEPT, jump
            assert verdict(place, paused) == DENY, jump
        # What was proved of each once does not depend on it either.
        assert place.stats()["argon2_runs"] == 4, place.stats()["argon2_runs"]


def one_shot():
    """patd for one question decides by the clock as it is, too"""
    with jumping(start=False) as (place, clock):
        token, revoked = create(place), create(place)
        place.admin("revoke", revoked[5:13])
        for jump in at_each_jump(clock, (DAY, 10 * YEAR, -10 * YEAR)):
            wanted = ACCEPT if jump < LIFE else DENY
            assert OneShot(place, "alice", token).end()[0][0] == wanted, jump
            assert OneShot(place, "alice", revoked).end()[0][0] == DENY, jump


def revocation():
    """what is revoked, disabled or ended by a wrong clock stays so when it is right"""
    with jumping() as (place, clock):
        for number, jump in enumerate(at_each_jump(clock)):
            user = "user%d" % number
            revoked, paused = (create(place, "--expires", "never")
                               for _ in range(2))
            ours = place.token(user, "--expires", "never")
            place.admin("revoke", revoked[5:13])
            place.admin("disable", paused[5:13])
            place.admin("user", "disable", user)
            for shift in (jump, 0):
                clock.set(shift)
                assert verdict(place, revoked) == DENY, jump
                assert verdict(place, paused) == DENY, jump
                assert verdict(place, ours, user) == DENY, jump
            place.admin("enable", paused[5:13])
            place.admin("user", "enable", user)
            assert verdict(place, ours, user) == ACCEPT, jump
        states = [one["state"] for one in records(place).values()]
        assert states.count("revoked") == len(JUMPS), states


def rotation():
    """the first use of a successor by a wrong clock ends the old one for good; until
    then its grace is that of the clock, and is there again when that is right"""
    with jumping() as (place, clock):
        for jump in JUMPS:
            clock.set(0)
            old = create(place)
            new = place.admin("rotate", old[5:13]).stdout.strip()
            place.tokens.append(new)
            clock.set(jump)
            assert verdict(place, old) == (ACCEPT if jump < GRACE else DENY), jump
            clock.set(0)
            assert verdict(place, old) == ACCEPT, jump
            if jump >= LIFE:
                continue  # nor does the new one live by that clock
            clock.set(jump)
            assert verdict(place, new) == ACCEPT, jump
            assert verdict(place, old) == DENY, jump
            clock.set(0)
            assert verdict(place, old) == DENY, jump
            assert verdict(place, new) == ACCEPT, jump


def reuse():
    """a rotated token that is used in its grace, but behind it by a wrong clock, takes
    no family down"""
    with jumping("on_reuse = revoke_family\n") as (place, clock):
        jumps = [jump for jump in AHEAD if jump >= GRACE]
        for jump in jumps:
            old = create(place)
            new = place.admin("rotate", old[5:13], "--keep-until-grace"
                              ).stdout.strip()
            place.tokens.append(new)
            clock.set(jump)
            assert verdict(place, old) == DENY, jump
            clock.set(0)
            assert verdict(place, old) == ACCEPT, jump
            assert verdict(place, new) == ACCEPT, jump
        wait_for(lambda: place.read_log().count(
            "is not revoked: the clock") >= len(jumps))


def destruction():
    """purge, policy apply and notify do nothing by a clock that was set by more than
    five minutes while patd ran, and say why; set right, they work, and nothing is gone
    """
    with jumping("unused_limit = 60d\nnotify_at = 1d\n"
                 "notify_command = /bin/true\n") as (place, clock):
        token, dead = create(place), create(place)
        place.admin("revoke", dead[5:13])
        known = set(records(place))
        for jump in at_each_jump(clock):
            for command in (("purge", "--dead-for", "2h"), ("policy", "apply"),
                            ("notify",)):
                done = place.admin(*command, check=False)
                if abs(jump) < SEEN:
                    assert "trust-clock" not in done.stderr, (jump, done)
                    continue
                assert done.returncode != 0, (jump, done)
                assert "--trust-clock" in done.stderr, (jump, done)
            clock.set(0)
            place.admin("purge", "--dead-for", "2h")
            place.admin("policy", "apply")
            assert set(records(place)) == known, jump
        assert verdict(place, token) == ACCEPT


def usage():
    """uses by a wrong clock are counted; no last use goes back, and none lies more than
    30 days ahead"""
    with jumping() as (place, clock):
        token = create(place, "--expires", "never")
        before, latest = 0, 0
        for jump in at_each_jump(clock):
            assert verdict(place, token) == ACCEPT, jump
            assert place.stop() == 0  # writes them
            clock.set(0)
            place.start()
            shown = records(place)[token[5:13]]
            before += 1
            assert shown["use_count"] == before, (jump, shown)
            assert shown["last_used_at"] is not None, jump
            assert str(shown["last_used_at"]) >= str(latest), (jump, shown)
            latest = shown["last_used_at"]
        assert verdict(place, token) == ACCEPT


def writing():
    """each writing command works, acts at once, and lasts; a backup is whole, and the
    trail is a chain whichever time its lines have"""
    with jumping(make=with_trail) as (place, clock):
        for number, jump in enumerate(at_each_jump(clock)):
            user = "user%d" % number
            token = place.token(user)
            assert verdict(place, token, user) == ACCEPT, jump
            place.admin("user", "groups", user, "developers")
            place.admin("sync-users", "-", said="%s developers\n" % user,
                        check=False)
            copy = place.root + "/copy%d" % number
            place.admin("backup", copy)
            assert os.listdir(copy), jump
            exported = place.admin("export").stdout
            assert token[5:13] in exported, jump
            clock.set(0)
            assert verdict(place, token, user) == (
                ACCEPT if jump > -LIFE else DENY), jump
        place.admin("audit", "verify")
        assert place.stop() == 0
        place.start()
        place.admin("audit", "verify")


def limits():
    """how often a secret may be guessed at goes by a clock that nobody can set"""
    with jumping() as (place, clock):
        token = create(place, "--expires", "never")
        tagless = create(place, "--expires", "never")
        assert place.stop() == 0
        place.record_edit("untag", tagless[5:13])
        place.start()
        for jump in at_each_jump(clock):
            for _ in range(5):
                assert verdict(place, forged(tagless[5:13])) == DENY, jump
            assert verdict(place, token) == ACCEPT, jump
        # Ten in a row, and one in ten seconds: a jump gives no more.
        runs = place.stats()["argon2_runs"]
        assert runs <= 5 * len(JUMPS) // 2, runs


def proxies():
    """pat-httpd answers by whatever clock, keeps its connections, and ends"""
    with jumping(make=site) as (place, clock):
        token = create(place, "--expires", "never")
        place.start_httpd()
        with Http(place.http) as http, test_fcgi.Fcgi(place.fcgi) as web:
            for jump in at_each_jump(clock):
                for _ in range(3):
                    assert http.ask("/auth/jira", "Authorization: Bearer " +
                                    token).status == 200, jump
                    assert web.ask(token).status == 200, jump
        assert place.stop_httpd() == 0


main([verification, one_shot, revocation, rotation, reuse, destruction, usage,
      writing, limits, proxies])
