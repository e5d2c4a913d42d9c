"""patd over a store of many tokens: what it reads, and what memory a long list
takes, counted.
"""
import json
import os
import re
import subprocess

from daemon import (ACCEPT, ADMIN, BUILD, DENY, Client, main, wait_for,
                    world)

FILL = os.path.join(BUILD, "tests/bench/fill")
TOKENS, USERS, SAMPLE = 20000, 2000, 50
MANY = 7000  # of which patd gathers the uses of 4,096 at a time
MIB = 1024  # KiB


def fill(place, sample=SAMPLE):
    """Fills the store of a world without patd: [(user, token)] of the sample.
    """
    texts = os.path.join(place.root, "texts")
    subprocess.run(
        [FILL, "--config", place.config, "--tokens", str(TOKENS), "--users",
         str(USERS), "--sample", str(sample), "--out", texts],
        check=True, timeout=120)
    assert os.stat(texts).st_mode & 0o777 == 0o600
    with open(texts) as file:
        known = [tuple(line.split()) for line in file]
    assert len(known) == sample
    place.tokens += [token for _, token in known]
    return known


def reads(place):
    return place.stats()["store"]["reads"]


def one_read():
    """a start reads no record, a known token one, a list its user's alone"""
    with world(start=False, args=()) as place:
        known = fill(place)
        place.start()
        assert place.stats()["store"]["records"] == TOKENS
        assert reads(place) == 0, reads(place)
        with Client(place.verify) as client:
            for user, token in known:
                assert client.ask(user, token) == (ACCEPT, user)
            warm = reads(place)
            for _ in range(20):
                for user, token in known:
                    assert client.ask(user, token) == (ACCEPT, user)
            assert reads(place) == warm + 20 * SAMPLE, reads(place) - warm
            before = reads(place)
            assert client.ask("user0000001", known[0][1]) == (DENY, "")
            assert reads(place) == before + 1
        before = reads(place)
        shown = json.loads(place.admin("list", known[0][0], "--json").stdout)
        assert len(shown) == TOKENS // USERS, len(shown)
        assert reads(place) == before + TOKENS // USERS


def peak_kib(place):
    with open("/proc/%d/status" % place.patd.pid) as file:
        return int(re.search(r"VmHWM:\s+(\d+) kB", file.read()).group(1))


def run_list(place, *args):
    """Bytes of the answer and peak memory in KiB of pat-admin."""
    with subprocess.Popen(
            [ADMIN, "--config", place.config, "list", *args],
            stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as child:
        size = 0
        while chunk := child.stdout.read(65536):
            size += len(chunk)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0
    return size, usage.ru_maxrss


def streams():
    """a list of 20,000 tokens needs no memory for them, in patd or pat-admin"""
    with world("cache = 1M", start=False, args=()) as place:
        user = fill(place)[0][0]
        place.start()
        few, little = run_list(place, user, "--json")
        before = peak_kib(place)
        many, much = run_list(place, "--json")
        after = peak_kib(place)
        assert few < 20000 and many > 1000 * few, (few, many)
        assert many > 6 * MIB * 1024, many
        assert much - little < 4 * MIB, (little, much)
        assert after - before < 4 * MIB, (before, after)


def unread():
    """a list that nobody reads holds up neither questions nor revocations"""
    with world("cache = 1M", start=False, args=()) as place:
        known = fill(place)
        (user, token), (other, doomed) = known[0], known[1]
        place.start()
        before = reads(place)
        with subprocess.Popen(
                [ADMIN, "--config", place.config, "list", "--json"],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
            try:
                wait_for(lambda: reads(place) > before + 100)
                assert place.ask(user, token) == (ACCEPT, user)
                assert place.ask(other, doomed) == (ACCEPT, other)
                place.admin("revoke", doomed[5:13])
                assert place.ask(other, doomed) == (DENY, "")
                assert reads(place) < before + TOKENS // 2, "it was read"
                first = child.stdout.readline()
                assert first.startswith(b'[{"id":'), first
            finally:
                child.kill()


def all_uses():
    """the uses of more tokens than memory holds are all written"""
    with world(start=False, args=()) as place:
        known = fill(place, MANY)
        place.start()
        before = place.commits()
        with Client(place.verify) as client:
            for user, token in known[:MANY // 2]:
                assert client.ask(user, token) == (ACCEPT, user)
            wait_for(lambda: place.commits() > before)
            for user, token in known[MANY // 2:]:
                assert client.ask(user, token) == (ACCEPT, user)
        place.stop()
        shown = json.loads(place.admin("list", "--json").stdout)
        used = sum(token["use_count"] for token in shown)
        assert used == MANY, used


main([one_read, streams, unread, all_uses])
