"""Calls of a process that fail: tests/faults/nth_call.c, preloaded, and a plan
of which. For tests that try every n-th call, or a sample of them.

    JP_NTH_MOST=N         at most so many for each class; 0: all. 2 without it
    JP_NTH_PLAN=C:N:HOW   this plan alone, as a test names those that fail
"""
import collections
import contextlib
import ctypes
import errno
import mmap
import os
import re
import subprocess
import threading

from daemon import BUILD, SANITIZED, Skip

SHIM = os.path.join(BUILD, "tests/faults/.libs/nth_call.so")
MOST = int(os.environ.get("JP_NTH_MOST", "2"))
ONLY = os.environ.get("JP_NTH_PLAN")
SPINS = 20000  # failed calls of who tries again without a pause
EVER = 2**63  # the last call that fails, where all do from one on

with open(os.path.join(os.environ["JP_SOURCE"],
                       "tests/faults/nth_call.h")) as file:
    HEADER = file.read()


def listed(name):
    """The rows of a list of the header, without the code."""
    rows = re.search(r"define %s\(X\)(.*?)\n\n" % name, HEADER, re.DOTALL)
    return re.findall(r"X\((\w+), (.*?)\) ", rows.group(1) + " ")


CALLERS = [code.lower() for code, _ in listed("NTH_CALLER_LIST")]
ERRORS = {}  # of each class, in the order of their numbers
for _, rest in listed("NTH_CLASS_LIST"):
    quoted, error = rest.split(", ")
    ERRORS[quoted.strip('"')] = getattr(errno, error)
CLASSES = list(ERRORS)
FIXED = "armed class first last error by count failed".split()
CELLS = len(CLASSES) * len(CALLERS)

Plan = collections.namedtuple("Plan", "kind first how")
HOWS = ("once", "ever", "short")  # of calls of the class; short: less is moved


def spelled(plan):
    return "%s:%d:%s" % plan


class Calls:
    """Those of every process that runs with `env`."""

    def __init__(self, path):
        if SANITIZED or not os.path.exists(SHIM):
            raise Skip("preloads a library of its own")
        size = 8 * (len(FIXED) + 2 * CELLS)
        with open(path, "w+b") as file:
            file.truncate(size)
            os.fchmod(file.fileno(), 0o666)
            self.words = (ctypes.c_uint64 * (size // 8)).from_buffer(
                mmap.mmap(file.fileno(), size))
        self.env = dict(os.environ, LD_PRELOAD=SHIM, JP_NTH_CALL=path)
        self.hits = collections.Counter()  # (class, caller) of all plans

    def word(self, name):
        return self.words[FIXED.index(name)]

    def arm(self, plan=Plan("memory", 0, "once"), by=()):
        """From now on; without a plan nothing fails, but all is counted."""
        self.off()
        ctypes.memset(self.words, 0, ctypes.sizeof(self.words))
        last = EVER if plan.how == "ever" and plan.first else plan.first
        error = 0 if plan.how == "short" else ERRORS[plan.kind]
        bits = sum(1 << CALLERS.index(name) for name in by)
        self.words[1:6] = [CLASSES.index(plan.kind), plan.first, last, error,
                           bits]
        self.words[0] = 1

    def off(self):
        """Ends the plan; whether a call has failed by it."""
        self.words[0] = 0
        for key, number in self.table(len(FIXED) + CELLS).items():
            self.hits[key] += number
        failed = self.word("failed")
        self.words[len(FIXED) + CELLS:] = [0] * CELLS
        return failed > 0

    @contextlib.contextmanager
    def failing(self, plan, spins=SPINS):
        """A while in which it holds. Who waits for what fails for ever is
        served when that has ended; nobody tries as often as `spins`.
        """
        self.arm(plan)
        end = threading.Timer(PATIENCE, self.off)
        if plan.how == "ever":
            end.start()
        try:
            yield
        finally:
            end.cancel()
            self.off()
        failed = self.word("failed")
        assert failed < spins or plan.kind == "clock", "it spins: %d" % failed

    def table(self, start=len(FIXED)):
        """How often who called what since arm()."""
        return {(kind, caller): self.words[start + row * len(CALLERS) + column]
                for row, kind in enumerate(CLASSES)
                for column, caller in enumerate(CALLERS)}

    def total(self, kind):
        return sum(number for (one, _), number in self.table().items()
                   if one == kind)


def sample(total, most=MOST):
    """Numbers of calls: all, or the first, the last, and some between."""
    if not most or total <= most:
        return range(1, total + 1)
    return sorted({1 + round(part * (total - 1) / max(most - 1, 1))
                   for part in range(most)})


def harmless(plan):
    """What was interrupted, or cut, is done all the same."""
    return plan.kind == "signal" or plan.how == "short"


def plans(totals, hows=HOWS, most=MOST):
    """For so many calls of each class as a run without faults makes."""
    if ONLY:
        kind, first, how = ONLY.split(":")
        yield Plan(kind, int(first), how)
        return
    for kind, total in totals.items():
        for how in hows:
            if how == "short" and kind not in ("read", "write"):
                continue
            if how == "ever" and kind == "signal":
                continue  # who tries again does so for ever
            for first in sample(total, most):
                yield Plan(kind, first, how)


def tried(all_plans, run, clean=lambda: None):
    """Runs each of the plans, cleans up behind it where something went wrong,
    and says all that did.
    """
    wrong = []
    for plan in all_plans:
        try:
            run(plan)
        except (AssertionError, OSError,
                subprocess.TimeoutExpired) as why:
            wrong.append("JP_NTH_PLAN=%s %r" % (spelled(plan), why))
            clean()
            if len(wrong) > 40:
                break
    assert not wrong, "\n".join(wrong)


UNCLEAR = re.compile(r"Success|\(null\)|Unknown error|^[^:]*: *$")
PATIENCE = 1.0  # seconds until all calls work again, where none did


def mute(plan):
    """Nothing can be said where nothing can be written."""
    return plan.kind == "write" and plan.how == "ever"


def clear(words):
    """What went wrong is said, in words that say it."""
    lines = words.strip().split("\n")
    for line in lines:
        assert not UNCLEAR.search(line), "unclear: " + line
    return lines


def explained(done, muted=False):
    """A command has ended by itself, and said why, if not with all done. 127: with
    the C library's own last words."""
    if done.returncode == 127:
        assert "thread-local data" in done.stderr, done
        return
    assert done.returncode in (0, 1, 2, 3), done
    if done.returncode != 0:
        assert done.stderr or muted, "nothing is said: %r" % done
    clear(done.stderr)


def show(calls, library="db"):
    """The calls that failed, by who made them; some of this library's did."""
    for caller in CALLERS:
        row = ["%s %d" % (kind, calls.hits[kind, caller]) for kind in CLASSES
               if calls.hits[kind, caller]]
        if row:
            print("# failed calls of %s: %s" % (caller, ", ".join(row)),
                  flush=True)
    hit = sum(number for (_, caller), number in calls.hits.items()
              if caller == library)
    assert ONLY or hit > 0 or not library, "no call of its library has failed"
