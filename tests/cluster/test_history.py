"""The checker of histories finds what is wrong, and nothing else: made-up histories,
and random ones, of which another checker tries everything that can have been.
"""
import itertools
import random

from daemon import main
from history import ACCEPT, DENY, Ask, Change, changed, denies, verdict, why_not
from history import FIRST

CREATED = Change(0, 1, "create")


def right(changes, asks, strict=True):
    why = why_not([CREATED, *changes], asks, strict)
    assert why is None, why


def wrong(changes, asks, strict=True):
    assert why_not([CREATED, *changes], asks, strict) is not None


def plain():
    """a yes before the revocation and a no after it are right, whatever was said
    while it went on
    """
    end = [Change(10, 20, "end")]
    right(end, [Ask(5, 6, "a", ACCEPT), Ask(21, 22, "b", DENY)])
    for said in (ACCEPT, DENY):
        right(end, [Ask(11, 12, "a", said), Ask(5, 15, "b", said),
                    Ask(19, 25, "c", said), Ask(5, 25, "d", said)])


def late():
    """one yes that begins after a revocation has returned is found, on each host
    and whoever else says no
    """
    end = [Change(10, 20, "end")]
    for host in "abc":
        wrong(end, [Ask(20.5, 22, host, ACCEPT)])
        wrong(end, [Ask(20.5, 22, host, ACCEPT)], strict=False)
        wrong(end, [Ask(21, 30, other, DENY) for other in "abc"] +
              [Ask(31, 32, host, ACCEPT)])


def early():
    """a no that ends before the revocation begins is found, and so is one of a
    token that was made everywhere
    """
    end = [Change(10, 20, "end")]
    for strict in (True, False):
        wrong(end, [Ask(5, 9, "a", DENY)], strict)
        wrong([], [Ask(2, 3, "b", DENY)], strict)
        right(end, [Ask(5, 11, "a", DENY)], strict)


def back():
    """a host that has said no does not say yes again while the revocation goes on;
    another host may not know of it yet
    """
    end = [Change(10, 20, "end")]
    wrong(end, [Ask(11, 12, "a", DENY), Ask(13, 14, "a", ACCEPT)])
    right(end, [Ask(11, 12, "a", DENY), Ask(13, 14, "b", ACCEPT)])
    right(end, [Ask(11, 13, "a", DENY), Ask(12, 14, "a", ACCEPT)])


def again():
    """what is paused and resumed is answered by one of both in the meantime, and a
    no after it is an old one
    """
    both = [Change(10, 20, "pause"), Change(30, 40, "resume")]
    right(both, [Ask(15, 16, "a", ACCEPT), Ask(21, 22, "a", DENY),
                 Ask(31, 32, "a", DENY), Ask(33, 34, "a", ACCEPT),
                 Ask(41, 42, "b", ACCEPT)])
    wrong(both, [Ask(41, 42, "b", DENY)])
    wrong(both, [Ask(21, 22, "b", ACCEPT)])
    wrong(both, [Ask(21, 22, "b", ACCEPT)], strict=False)
    right(both, [Ask(41, 42, "b", DENY)], strict=False)


def unknown():
    """a change that was never acknowledged happened, or not, but once: what has been
    seen stays, and when nothing is under way any more it is too late
    """
    end = [Change(10, None, "end")]
    right(end, [Ask(50, 51, "a", ACCEPT), Ask(52, 53, "a", DENY)])
    right(end, [Ask(50, 51, "a", ACCEPT)])
    wrong(end, [Ask(50, 51, "a", DENY), Ask(52, 53, "a", ACCEPT)])
    both = [Change(10, None, "pause"), Change(20, 30, "resume")]
    right(both, [Ask(40, 41, "a", ACCEPT), Ask(42, 43, "a", DENY)])
    wrong(both, [Ask(31, 32, "a", ACCEPT), Ask(33, 34, "a", DENY),
                 Ask(35, 36, "a", ACCEPT)])
    over = [Change(10, None, "end", 40)]
    right(over, [Ask(30, 31, "a", ACCEPT), Ask(32, 33, "a", DENY)])
    right(over, [Ask(50, 51, "a", ACCEPT), Ask(52, 53, "b", ACCEPT)])
    wrong(over, [Ask(50, 51, "a", ACCEPT), Ask(52, 53, "a", DENY)])
    wrong(over, [Ask(50, 51, "a", DENY), Ask(52, 53, "b", ACCEPT)])


def lost():
    """an acknowledged change that is gone is found, and one that was done twice"""
    wrong([Change(10, 20, "pause")], [Ask(30, 31, "a", ACCEPT)])
    wrong([Change(10, 20, "pause"), Change(30, 40, "resume")],
          [Ask(41, 42, "a", ACCEPT), Ask(43, 44, "a", DENY)])


def users():
    """a token of a user who is disabled is denied, and one that is dead stays dead
    when the user is enabled
    """
    off = [Change(10, 20, "off"), Change(30, 40, "on")]
    right(off, [Ask(21, 22, "a", DENY), Ask(41, 42, "a", ACCEPT)])
    wrong(off, [Ask(21, 22, "a", ACCEPT)])
    wrong([*off, Change(22, 24, "end")], [Ask(41, 42, "a", ACCEPT)])
    wrong([Change(10, 20, "end"), Change(30, 40, "resume")],
          [Ask(41, 42, "a", ACCEPT)])


def crossing():
    """two changes at a time come in either order, and a host keeps to the one that
    it has shown
    """
    both = [Change(10, 30, "pause"), Change(10, 30, "resume")]
    for said in (ACCEPT, DENY):
        right(both, [Ask(31, 32, "a", said)])
        right(both, [Ask(31, 32, "a", said), Ask(33, 34, "b", said)])
    wrong(both, [Ask(31, 32, "a", ACCEPT), Ask(33, 34, "a", DENY)])
    wrong(both, [Ask(31, 32, "a", ACCEPT), Ask(33, 34, "b", DENY)])


# ---- everything that can have been ----

PARTS = 2  # moments between two events


def moments(begin, end, last):
    return range(begin * PARTS, (last if end is None else end) * PARTS)


def applied(length, moment_count):
    """Each way in which a host comes to have applied all of a log: when it applied
    each change; the last moment is never."""
    return itertools.combinations_with_replacement(
        range(moment_count + 1), length)


def host_can(asks, log, appended, changes, count, last, strict):
    """Whether one host can have answered so: `appended` has the moments."""
    states = list(itertools.accumulate(
        log, lambda state, change: changed(state, changes[change].what),
        initial=FIRST))
    for when in applied(len(log), count):
        if any(at < since or (changes[change].end is not None and
                              at >= changes[change].end * PARTS)
               for at, since, change in zip(when, appended, log)):
            continue

        def said(moment, ask):
            known = sum(at <= moment for at in when)
            old = not strict and ask.verdict == DENY and any(
                denies(state) for state in states[:known + 1])
            return verdict(states[known]) == ask.verdict or old

        if all(any(said(moment, ask)
                   for moment in moments(ask.begin, ask.end, last))
               for ask in asks):
            return True
    return False


def can_be(changes, asks, strict):
    last = 1 + max(row.end or row.begin for row in changes + asks)
    must = [n for n, change in enumerate(changes) if change.end is not None]
    may = [n for n, change in enumerate(changes) if change.end is None]
    hosts = {ask.host for ask in asks}
    for count in range(len(may) + 1):
        for some in itertools.combinations(may, count):
            for log in itertools.permutations(must + list(some)):
                for appended in itertools.product(*(
                        moments(changes[n].begin, changes[n].end, last)
                        for n in log)):
                    if list(appended) == sorted(appended) and all(host_can(
                            [ask for ask in asks if ask.host == host], log,
                            appended, changes, last * PARTS, last, strict)
                            for host in hosts):
                        return True
    return False


def made_up(chance):
    """A history of events at different times, right or wrong."""
    kinds = [Change(0, 0, chance.choice(["pause", "resume", "end", "off", "on"]))
             for _ in range(chance.randint(1, 2))]
    kinds += [Ask(0, 0, chance.choice("ab"), chance.choice([ACCEPT, DENY]))
              for _ in range(chance.randint(1, 3))]
    times = list(range(2, 2 + 2 * len(kinds)))
    chance.shuffle(times)
    rows = []
    for row in kinds:
        begin, end = sorted((times.pop(), times.pop()))
        if isinstance(row, Change) and chance.random() < 0.3:
            end = None
        rows.append(row._replace(begin=begin, end=end))
    return ([CREATED] + [row for row in rows if isinstance(row, Change)],
            [row for row in rows if isinstance(row, Ask)])


def everything():
    """it agrees with a search of everything that can have been"""
    chance = random.Random(1)
    seen = {True: 0, False: 0}
    for _ in range(ROUNDS):
        changes, asks = made_up(chance)
        for strict in (True, False):
            can = can_be(changes, asks, strict)
            seen[can] += 1
            assert (why_not(changes, asks, strict) is None) == can, (
                changes, asks, strict, can)
    print("# %d right, %d wrong" % (seen[True], seen[False]))
    assert min(seen.values()) > ROUNDS // 5


ROUNDS = 80
main([plain, late, early, back, again, unknown, lost, users, crossing, everything])
