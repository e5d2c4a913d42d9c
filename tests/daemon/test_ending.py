"""What is done to many, while patd ends in the middle of it."""
import contextlib
import os
import subprocess

from daemon import SANITIZED, Skip, main, make_slow, wait_for, world


@contextlib.contextmanager
def creating(place, count):
    """pat-admin create --batch, when its first hash is under way."""
    rows = os.path.join(place.root, "rows")
    with open(rows, "w") as file:
        file.write("user\n" + "".join("user%d\n" % i for i in range(count)))
    with subprocess.Popen(
            [place.admin_program, "--config", place.config, "create",
             "--batch", rows, "--output", place.root + "/made"],
            text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        wait_for(lambda: place.stats()["hash_memory"] > 0)
        yield run


def end_is_not_held_up():
    """patd ends in the middle of a batch: it waits for the hash under way, not
    for all of them; pat-admin says so, and no token stays
    """
    if SANITIZED:
        raise Skip("hashes are not counted")
    with world("workers = 1", start=False) as place:
        make_slow(place)
        place.start("--debug")
        with creating(place, 250) as run:
            assert place.stop() == 0
            said = run.communicate()[1]
        assert run.returncode == 3 and "patd is about to end" in said, said
        assert "exiting anyway" not in place.read_log()
        assert place.admin("list", "--all", "--json").stdout == "[]\n"


main([end_is_not_held_up])
