"""A long day, in short: patd and pat-httpd under a load of everything, while the
configuration is read again, the trail is rotated, backups are made, the clock
jumps, and both are restarted. What was acknowledged holds, good tokens are accepted
throughout, and memory, mappings, descriptors and threads stay what they were.

    JP_SOAK=SECONDS JP_SEED=NUMBER
"""
import glob
import os
import random
import signal
import time

from daemon import ACCEPT, BUILD, SANITIZED, Skip, main
from httpd import Http, Place
from load import CONFIG, Load, folder_for_backups
from model import Facts, Look
from test_hostile import held

SECONDS = int(os.environ.get("JP_SOAK") or 15)
SEED = int(os.environ.get("JP_SEED") or random.randrange(1 << 30))
SHIM = os.path.join(BUILD, "tests/faults/.libs/shift_clock.so")
STEADY = 20         # tokens that nobody touches
ASKED = 300         # questions about them, in each turn
WARM_UP = 5         # turns, until a process has what it needs
CACHE = 32 * 1024   # KiB, of the store, by default: it fills
ROOM = {"maps": 64, "descriptors": 24, "threads": 4,
        "resident": CACHE + 32 * 1024, "locked": 6 * 1024}  # KiB
DAY = 86400
JUMPS = [sign * seconds for sign in (1, -1)
         for seconds in (1, 60, 3600, DAY, 30 * DAY, 3653 * DAY)]


class Soaked(Place):
    """Its trail is rotated; its clock is read from a file in run_dir, where patd
    may read in its sandbox, too."""

    def __init__(self):
        super().__init__(
            "[self_service]\ntrusted_peers = root\n[listener http]\n")
        self.shift = os.path.join(self.run_dir, "shift")
        self.rotations = 0

    def write(self, more=""):
        super().write(CONFIG + more)

    def set_clock(self, seconds):
        with open(self.shift + ".new", "w") as file:
            file.write("%d\n" % seconds)
        os.rename(self.shift + ".new", self.shift)

    def rotate_trail(self):
        trail = os.path.join(self.root, "audit/trail")
        if os.path.exists(trail):
            self.rotations += 1
            os.rename(trail, "%s.%d" % (trail, self.rotations))

    def read_trail(self):
        text = ""
        for path in glob.glob(os.path.join(self.root, "audit/trail*")):
            with open(path) as file:
                text += file.read()
        return text


class Flat:
    """What a process holds, compared with what it held when it was warm."""

    def __init__(self):
        self.first = self.most = None
        self.pid = self.turns = 0

    def look(self, pid):
        if pid != self.pid:
            self.pid, self.turns, self.first = pid, 0, None
        self.turns += 1
        if self.turns < WARM_UP:
            return
        now = held(pid)
        self.first = self.first or now
        self.most = now if self.most is None else type(now)(
            *map(max, self.most, now))
        if not SANITIZED:
            for name, room in ROOM.items():
                before, after = getattr(self.first, name), getattr(now, name)
                assert after <= before + room, (name, self.first, now)


class Soak:
    def __init__(self, place, load):
        self.place, self.load = place, load
        self.random = random.Random(SEED)
        self.steady = [("steady", place.token("steady"))
                       for _ in range(STEADY)]
        self.flat = {"patd": Flat(), "pat-httpd": Flat()}
        self.done = {name.__name__: 0 for _, name in self.EVENTS}
        self.asked = 0

    # ---- events ----

    def nothing(self):
        pass

    def reload(self):
        for process in (self.place.patd, self.place.httpd):
            process.send_signal(signal.SIGHUP)

    def rotate(self):
        self.place.rotate_trail()

    def restart(self):
        self.load.end()
        assert self.place.stop() == 0
        self.place.start()
        self.place.stop_httpd()
        self.place.start_httpd()

    def jump(self):
        """Nothing acts on it for good but a purge, which takes only what it would
        take at the right time."""
        self.load.end()
        self.place.set_clock(self.random.choice(JUMPS))
        self.ask(False)
        acts = self.load.facts.purged()
        if self.place.admin(
                "purge", "--dead-for", "0", check=False).returncode == 0:
            for act in acts:
                self.load.facts.done(act)
        self.place.set_clock(0)
        self.place.admin("purge", "--trust-clock")  # as the guard asks for

    def look(self):
        self.load.end()
        look = Look(self.place, self.load.facts)
        assert not look.all(), "\n".join(look.wrong)
        self.load.settle(look)

    EVENTS = ((8, nothing), (4, reload), (3, rotate), (1, restart), (2, jump),
              (1, look))

    # ---- questions ----

    def ask(self, good=True):
        """All of them are accepted, if the clock is right."""
        answers = self.place.hammer(self.steady, ASKED, 4, 50)
        self.asked += ASKED
        assert sum(answers) == ASKED, answers
        if good:
            assert answers == (ASKED, 0, 0), answers
        with Http(self.place.http) as http:
            for user, token in self.steady:
                status = http.ask(
                    "/auth/jira", "Authorization: Bearer " + token).status
                assert status == 200 or not good, status

    def turn(self):
        event = self.random.choice(
            [event for weight, event in self.EVENTS for _ in range(weight)])
        self.load.begin(self.random.randint(4, 12))
        self.ask()
        event(self)
        self.done[event.__name__] += 1
        self.load.end()
        self.ask()
        for name, process in (("patd", self.place.patd),
                              ("pat-httpd", self.place.httpd)):
            assert process.poll() is None, name + " has ended"
            self.flat[name].look(process.pid)


def day():
    """after hours of everything, nothing is lost, and nothing has grown"""
    if SANITIZED or not os.path.exists(SHIM):
        raise Skip("preloads a library of its own")
    place = Soaked()
    os.environ["JP_SHIFT_CLOCK"] = place.shift
    os.environ["LD_PRELOAD"] = SHIM
    try:
        place.start()
        place.set_clock(0)
        place.start_httpd()
        load = Load(place, Facts(), SEED, place.root,
                    folder_for_backups(place), killed=0)
        soak = Soak(place, load)
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            soak.turn()
        soak.look()
        assert place.ask(*soak.steady[0])[0] == ACCEPT
        log = place.read_log() + place.read_httpd_log() + place.read_trail()
        for text in load.facts.tokens:
            assert text[14:] not in log, "a secret is in the log"
        print("# %d questions, %d acts; %s" % (
            soak.asked, load.count, ", ".join(
                "%s %d" % pair for pair in soak.done.items())))
        for name, flat in soak.flat.items():
            print("# %s, warm and at most: %s %s" % (
                name, flat.first, flat.most))
    finally:
        del os.environ["LD_PRELOAD"], os.environ["JP_SHIFT_CLOCK"]
        for process in (place.httpd, place.patd):
            if process is not None:
                process.kill()
                process.wait()
        place.remove()


print("# seed %d" % SEED, flush=True)
main([day])
