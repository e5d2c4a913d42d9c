"""The wall clock of patd, pat-admin and pat-httpd, which a test can set; the clock
that nobody can set goes on as it is.
"""
import contextlib
import os
import struct

from daemon import BUILD, SANITIZED, Skip, world

SHIM = os.path.join(BUILD, "tests/faults/.libs/shift_clock.so")
DAY = 86400
YEAR = 365 * DAY


class Clock:
    def __init__(self, place):
        self.file = os.open(place.root + "/shift", os.O_RDWR | os.O_CREAT, 0o644)
        self.set(0)
        os.environ["JP_SHIFT_CLOCK"] = place.root + "/shift"
        os.environ["LD_PRELOAD"] = SHIM

    def set(self, seconds):
        """So many ahead, for all that run and will."""
        os.pwrite(self.file, struct.pack("q", seconds), 0)
        self.shift = seconds

    def close(self):
        os.close(self.file)
        del os.environ["LD_PRELOAD"], os.environ["JP_SHIFT_CLOCK"]


@contextlib.contextmanager
def shifted(policy="", start=True, make=world):
    """A world with a clock, and lines of [tokens]."""
    if SANITIZED or not os.path.exists(SHIM):
        raise Skip("preloads a library of its own")
    with make(start=False) as place:
        with open(place.config) as file:
            config = file.read()
        with open(place.config, "w") as file:
            file.write(config.replace("[tokens]\n", "[tokens]\n" + policy))
        with contextlib.closing(Clock(place)) as clock:
            if start:
                place.start()
            yield place, clock
