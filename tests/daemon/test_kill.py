"""What kill -9 of patd leaves behind: nothing that was acknowledged is lost,
and no stale socket is in the way.
"""
import random
import signal
import threading
import time

from daemon import ACCEPT, DENY, main, world

KILLS = 20
SECONDS = 30


def loop(place, live, dead, unsure, stop):
    """Makes and revokes tokens; notes what pat-admin acknowledged."""
    while not stop.is_set():
        made = place.admin("create", "alice", check=False)
        if made.returncode != 0:
            time.sleep(0.01)
            continue
        token = made.stdout.strip()
        place.tokens.append(token)
        live.append(token)
        if random.random() < 0.5:
            live.remove(token)
            revoked = place.admin("revoke", token[5:13], check=False)
            (dead if revoked.returncode == 0 else unsure).append(token)


def kills_lose_nothing():
    """after 20 kill -9 in the middle of work, all that was acknowledged holds
    """
    with world(args=()) as place:
        live, dead, unsure = [], [], []
        stop = threading.Event()
        thread = threading.Thread(
            target=loop, args=(place, live, dead, unsure, stop))
        end = time.monotonic() + SECONDS
        thread.start()
        try:
            for _ in range(KILLS):
                if time.monotonic() > end:
                    break
                time.sleep(random.uniform(0.01, 0.25))
                place.stop(signal.SIGKILL)
                time.sleep(random.choice((0, 0.1)))
                # pat-admin may own the store for a moment: try again
                for _ in range(50):
                    try:
                        place.start()
                        break
                    except AssertionError:
                        time.sleep(0.02)
        finally:
            stop.set()
            thread.join()
        assert len(live) + len(dead) > 10, "too little work: %d" % len(live)
        for token in live:
            assert place.ask("alice", token) == (ACCEPT, "alice"), "lost"
        for token in dead:
            assert place.ask("alice", token) == (DENY, ""), "came back"
        print("# %d live, %d revoked, %d unsure" % (
            len(live), len(dead), len(unsure)))


main([kills_lose_nothing])
