"""A patd whose disk or name service hangs while a test wants it."""
import contextlib
import grp
import os
import pwd

from daemon import BUILD, SANITIZED, Skip, world

HANG = os.path.join(BUILD, "tests/daemon/.libs/hang.so")
NSS = """group_source = nss
workers = 2
"""
SERVICES = """[service grouped]
groups = {group}
[service *]
"""


class Hanging:
    """A patd whose disk or name service hangs while a file is there."""

    def __init__(self, place):
        self.place = place
        self.folder = place.root + "/hang"
        self.trail = place.root + "/audit/trail"
        os.mkdir(self.folder)
        os.chmod(self.folder, 0o755)

    def start(self):
        self.place.start("--debug", env={
            **os.environ, "LD_PRELOAD": HANG, "JP_HANG": self.folder,
            "JP_HANG_FILE": self.trail})

    def begin(self, what):
        with open(os.path.join(self.folder, what), "w"):
            pass

    def end(self, what):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(self.folder, what))


@contextlib.contextmanager
def hanging(more, services="", start=True):
    if SANITIZED:
        raise Skip("a sanitizer wants to be loaded first")
    with world(start=False) as place:
        place.write(more + "\n" + services)
        place.admin("init")
        place.hang = Hanging(place)
        if start:
            place.hang.start()
        try:
            yield place
        finally:
            for name in os.listdir(place.hang.folder):
                place.hang.end(name)


def services():
    return SERVICES.format(
        group=grp.getgrgid(pwd.getpwuid(os.geteuid()).pw_gid).gr_name)
