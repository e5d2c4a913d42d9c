"""The clock is wrong for a while: nothing is lost by it for good."""
import json
import os

from clock import DAY, YEAR, shifted
from daemon import ACCEPT, DENY, main, wait_for

def refused(place, *command):
    done = place.admin(*command, check=False)
    assert done.returncode != 0 and not done.stdout, done
    for word in ("clock", "--trust-clock"):
        assert word in done.stderr, done
    assert ("store was last used at" in done.stderr or
            " while patd ran" in done.stderr), done
    findings = json.loads(place.admin(
        "check", "--json", check=False).stdout)
    assert [one["level"] for one in findings if one["subject"] == "clock"
        and "--trust-clock" in one["text"]] == ["bad"], findings
    return done.stderr


def ids(place):
    return {record["id"]: record["state"] for record in json.loads(
        place.admin("list", "--all", "--json").stdout)}


def restart(place):
    """Which writes the uses of tokens."""
    assert place.stop() == 0
    place.start()


def behind_once():
    """a clock that is behind for one request makes no token unused"""
    with shifted("unused_limit = 30d\n") as (place, clock):
        token = place.token()
        clock.set(25 * DAY)
        assert place.ask("alice", token)[0] == ACCEPT
        restart(place)
        clock.set(-YEAR)
        assert place.ask("alice", token)[0] == ACCEPT
        clock.set(25 * DAY)
        restart(place)
        clock.set(40 * DAY)
        restart(place)
        place.admin("policy", "apply")
        assert place.ask("alice", token)[0] == ACCEPT
        clock.set(80 * DAY)
        assert place.ask("alice", token)[0] == DENY


def ahead_once():
    """nor does one that is far ahead make it used for ever"""
    with shifted("unused_limit = 50d\n") as (place, clock):
        token = place.token()
        clock.set(45 * DAY)
        assert place.ask("alice", token)[0] == ACCEPT
        clock.set(0)
        restart(place)
        clock.set(25 * DAY)
        restart(place)
        clock.set(51 * DAY)
        assert place.ask("alice", token)[0] == DENY


def nothing_ends(start):
    with shifted("unused_limit = 60d\n", start) as (place, clock):
        token = place.token()
        known = ids(place)
        for shift in (-2 * YEAR, -DAY, -600, 31 * DAY, 10 * YEAR):
            clock.set(shift)
            refused(place, "purge", "--dead-for", "1d")
            refused(place, "policy", "apply")
        clock.set(0)
        assert ids(place) == known
        place.admin("purge")
        for shift in (-100, 0, 200, 20 * DAY):
            clock.set(shift)
            if start and shift > DAY:  # patd sees how it is set
                refused(place, "purge", "--dead-for", "1d")
                refused(place, "policy", "apply")
                continue
            place.admin("purge")
            place.admin("policy", "apply")
        clock.set(0)
        if start:
            place.admin("purge")
            assert place.ask("alice", token)[0] == ACCEPT
            place.logged("clock: the clock says")


def ends_not():
    """purge and policy apply refuse a clock that is far off, with patd"""
    nothing_ends(True)


def ends_not_alone():
    """and without"""
    nothing_ends(False)


def trusted():
    """--trust-clock is how a human says that it is right"""
    with shifted() as (place, clock):
        token = place.token()
        clock.set(YEAR)  # after which the token has expired
        refused(place, "purge", "--dead-for", "1d")
        place.admin("purge", "--dead-for", "1d", "--dry-run")
        done = place.admin("purge", "--dead-for", "1d", "--trust-clock")
        assert token[5:13] in done.stdout
        place.admin("policy", "apply")
        clock.set(0)  # which is behind now
        refused(place, "purge")
        place.admin("policy", "apply", "--trust-clock")
        place.admin("purge")


def first_start():
    """a store of before there was a note of the clock knows when it was
    written to last"""
    with shifted(start=False) as (place, clock):
        place.token()
        os.unlink(place.root + "/store/clock")
        for shift in (10 * YEAR, -10 * YEAR):
            clock.set(shift)
            refused(place, "purge", "--dead-for", "1d")
            place.start()
            refused(place, "purge", "--dead-for", "1d")
            assert place.stop() == 0
        clock.set(0)
        place.admin("purge")


def family():
    """a reuse that only a wrong clock sees revokes no family"""
    with shifted("on_reuse = revoke_family\n") as (place, clock):
        old = place.token()
        new = place.admin("rotate", old[5:13], "--grace", "7d",
                          "--keep-until-grace").stdout.strip()
        place.tokens.append(new)
        clock.set(10 * YEAR)
        assert place.ask("alice", old)[0] == DENY
        wait_for(lambda: "is not revoked: the clock" in place.read_log())
        clock.set(0)
        assert place.ask("alice", old)[0] == ACCEPT
        assert place.ask("alice", new)[0] == ACCEPT


def announced():
    """notify announces no end by such a clock, and does when it is right"""
    with shifted("notify_at = 30d\nnotify_command = /bin/sh\n") as (
            place, clock):
        told = place.root + "/told"
        hook = place.root + "/hook"
        with open(hook, "w") as file:
            file.write("#!/bin/sh\necho $JP_ID >>%s\n" % told)
        os.chmod(hook, 0o755)
        with open(place.config) as file:
            config = file.read()
        with open(place.config, "w") as file:
            file.write(config.replace("/bin/sh", hook))
        token = place.token()  # which ends in 90 days
        place.admin("notify")
        for shift in (65 * DAY, 10 * YEAR, -YEAR):
            clock.set(shift)
            refused(place, "notify")
        for shift in (25 * DAY, 50 * DAY):
            clock.set(shift)
            refused(place, "notify")
            restart(place)
            place.admin("notify")
            assert not os.path.exists(told)
        clock.set(65 * DAY)
        restart(place)
        place.admin("notify")
        with open(told) as file:
            assert file.read() == token[5:13] + "\n"


main([behind_once, ahead_once, ends_not, ends_not_alone, trusted,
      first_start, family, announced])
