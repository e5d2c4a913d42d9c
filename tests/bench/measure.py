"""What the bench measures and how: contenders that take turns, figures of each
turn, medians, and the targets that are made of them.

A slot is a module with

    NAME       of --slot
    TITLE      one line
    ABOUT      what is measured, and what limits it: a paragraph
    BASE       the contender to which the table compares, or None
    COLUMNS    of the table: (figure, heading, format)
    PLOT       (figure, label) of its plot, or None
    TARGETS    list of Target
    contenders(place)    list of Contender or Missing; may start servers

A figure is a number with a name that says its unit. What a contender's turn
returns is a dictionary of them.
"""
import statistics
import time

FIRST_COUNT = 4        # operations of the turn that finds out what one costs
FEWEST, MOST = 4, 200000


class Contender:
    """Someone who takes turns. `turn(count)` does so many operations and
    returns figures. `count` fixes how many; else they are so many as fill the
    time of a turn."""

    def __init__(self, name, turn, count=None):
        self.name = name
        self.turn = turn
        self.count = count
        self.samples = []


class Missing:
    """A contender that cannot run here, and why."""

    def __init__(self, name, reason):
        self.name = name
        self.reason = reason


class Target:
    """`figure` of the contender `name`, divided by that of `against` if there
    is one, is at most (sense "<=") or at least (">=") `limit`. `unit` is
    printed behind the number."""

    def __init__(self, words, figure, name, sense, limit, against=None,
                 unit=""):
        self.words = words
        self.figure = figure
        self.name = name
        self.against = against
        self.sense = sense
        self.limit = limit
        self.unit = unit or (" ×" if against else "")


def figures(operations, wall_ns, client_ns, server_ns):
    """The figures of `operations` that took so long and used so much CPU."""
    return {
        "rate": operations / (wall_ns / 1e9),
        "wall_us": wall_ns / 1e3 / operations,
        "client_us": client_ns / 1e3 / operations,
        "server_us": server_ns / 1e3 / operations,
        "cpu_us": (client_ns + server_ns) / 1e3 / operations,
    }


def calibrate(contender, seconds):
    """How many operations fill so many seconds."""
    count = FIRST_COUNT
    while True:
        begin = time.monotonic()
        sample = contender.turn(count)
        spent = time.monotonic() - begin
        one = sample.get("wall_us", spent * 1e6 / count) / 1e6
        wanted = int(seconds / one) if one > 0 else MOST
        if count * 4 >= min(wanted, 200):
            return max(FEWEST, min(MOST, wanted))
        count = max(count * 2, min(wanted // 2, count * 16))


def take_turns(contenders, rounds, seconds, operations, say):
    """Each contender once in each round, in an order that moves on by one from
    round to round: what disturbs the machine disturbs all of them alike."""
    for number, contender in enumerate(contenders, 1):
        say("looks at %s (%d of %d)" % (
            contender.name, number, len(contenders)))
        contender.samples = []
        if operations:
            contender.count = operations
        elif contender.count is None:
            contender.count = calibrate(contender, seconds)
    for turn in range(rounds if contenders else 0):
        first = turn % len(contenders)
        for contender in contenders[first:] + contenders[:first]:
            say("round %d of %d: %s" % (turn + 1, rounds, contender.name))
            contender.samples.append(contender.turn(contender.count))


def medians(samples):
    """The median of each figure."""
    return {figure: statistics.median(s[figure] for s in samples)
            for figure in samples[0]}


def spread(samples, figure):
    """The smallest and the largest."""
    values = [sample[figure] for sample in samples]
    return min(values), max(values)


def reached(target, samples):
    """What a target comes to: `samples` has those of each contender by name.
    None if someone is missing. Ratios are taken within a round."""
    own = samples.get(target.name)
    other = samples.get(target.against) if target.against else None
    if not own or (target.against and not other):
        return None
    values = [sample[target.figure] for sample in own]
    if target.against:
        values = [value / sample[target.figure]
                  for value, sample in zip(values, other)]
    return statistics.median(values)


def met(target, value):
    return value <= target.limit if target.sense == "<=" else (
        value >= target.limit)
