"""What a question costs about a token that patd does not know: one Argon2id, in
memory that is there already.
"""
from contextlib import contextmanager

from daemon import (ACCEPT, SANITIZED, Client, Skip, main, make_slow, world)

MEMORY = 19 << 20  # bytes of one hash, as by default
PAGES = MEMORY // 4096
QUESTIONS = 20
FAULTS_MAX = 20


@contextmanager
def cold_world():
    """One worker, no memo, and tokens of the default cost."""
    if SANITIZED:
        raise Skip("a sanitizer has a mmap() of its own")
    with world("cache_entries = 0\nworkers = 1", start=False) as place:
        make_slow(place, passes=2, memory="19M")
        place.start()
        yield place


def faults(place):
    """Minor page faults of patd, with those of threads that have ended."""
    with open("/proc/%d/stat" % place.patd.pid) as file:
        return int(file.read().rpartition(")")[2].split()[7])


def mappings(place):
    """The size in bytes and the flags of each, proc_pid_smaps(5)."""
    size = 0
    with open("/proc/%d/smaps" % place.patd.pid) as file:
        for line in file:
            if line.startswith("Size:"):
                size = int(line.split()[1]) * 1024
            elif line.startswith("VmFlags:"):
                yield size, line.split()[1:]


def ask(place, token, count):
    with Client(place.verify) as client:
        for _ in range(count):
            assert client.ask("alice", token) == (ACCEPT, "alice")


def few_faults():
    """a cold verification faults in no memory for its hash"""
    with cold_world() as place:
        token = place.token()
        ask(place, token, 3)
        before = faults(place)
        ask(place, token, QUESTIONS)
        each = (faults(place) - before) / QUESTIONS
        assert each <= FAULTS_MAX, "%.1f page faults each" % each
        assert place.stats()["argon2_runs"] == 3 + QUESTIONS


def create_too():
    """a token that is made through patd takes the memory of the last hash"""
    with cold_world() as place:
        ask(place, place.token(), 3)
        before = faults(place)
        for _ in range(QUESTIONS):
            place.token()
        each = (faults(place) - before) / QUESTIONS
        assert each <= PAGES / 10, "%.1f page faults each" % each


def counted():
    """stats counts the memory that is kept, and it is in no core dump"""
    with cold_world() as place:
        assert place.stats()["hash_memory"] == 0
        ask(place, place.token(), 3)
        assert place.stats()["hash_memory"] == MEMORY
        large = [flags for size, flags in mappings(place) if size == MEMORY]
        assert large and all("dd" in flags for flags in large), large


if __name__ == "__main__":
    main([few_faults, create_too, counted])
