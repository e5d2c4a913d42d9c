"""For tests in Python: a condition is waited for, with a limit that only a hang reaches."""
import time

PATIENCE = 120  # seconds


def wait_for(what, why=lambda: "waited for nothing", seconds=PATIENCE):
    """Tried again until it is so: the machine may be busy. `why`: what to say if it
    never is."""
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            raise AssertionError(why())
        time.sleep(0.02)
