"""Whether a recorded history of a cluster can have been: a linearizability checker.

What is promised, as a machine. There is one log. A change takes effect when it is
appended, once, between its begin and its acknowledgement; one that was never
acknowledged is appended at any time after its begin, or never. Each host has applied a
beginning of the log, which only grows. An answer is what its host had applied at some
moment between question and answer. When a change is acknowledged, every host that may
still say yes has applied it. A history is right if this machine can have made it.

The histories of two tokens have nothing in common but the changes of their user, so
each is searched alone (linearizability is local: Herlihy and Wing 1990). The search is
that of Wing and Gong (1993), which takes a step only when an answer or an
acknowledgement needs it (Lowe 2017).

Without `strict` some host may be cut off. It has no lease, so it says no yes; but it
still denies what it knows as ended, though that may have been changed since. So an old
no of a token that has once been not live is right, and an old yes never is.
"""
import collections
import itertools
import threading

ACCEPT, DENY = 2, 0  # as in the protocol; what was not decided is not recorded

# Of what is changed, and to what: of the token, or of its user.
CHANGES = {"create": (0, "live"), "resume": (0, "live"), "pause": (0, "paused"),
           "end": (0, "dead"), "off": (1, "off"), "on": (1, "on")}
FIRST = ("absent", "on")
FINAL = "dead"  # nothing makes it live again

# `end` None: it was not acknowledged; then it has happened by `until`, or never will.
Change = collections.namedtuple("Change", "begin end what until", defaults=[None])
Ask = collections.namedtuple("Ask", "begin end host verdict")

# What is kept of one way that it may have been. `state` is what the changes that
# every host has applied have made, `log` the changes (numbers) after them. `floors`:
# how many of these each host has applied at least; `asks`: the questions that are
# open, and how many their host had applied when they began. `ended`: whether the
# token was once not live; `lost`: changes in `state` that were not acknowledged yet.
Way = collections.namedtuple("Way", "state log floors asks ended lost")

LIMIT = 20000  # ways at a time: more than any history of ours has


class TooMany(Exception):
    """So many ways that the search has no end."""


def changed(state, what):
    part, value = CHANGES[what]
    if part == 0 and state[0] == FINAL:
        return state
    return (value, state[1]) if part == 0 else (state[0], value)


def verdict(state):
    return ACCEPT if state == ("live", "on") else DENY


def denies(state):
    """A no that a host without lease may say, too: it knows the token."""
    return state[0] != "absent" and verdict(state) == DENY


class Search:
    """Of one token. `wrong` is the answer or the acknowledgement that no way
    explains, or None."""

    def __init__(self, changes, asks, strict=True):
        self.changes, self.strict = changes, strict
        self.hosts = {host: at for at, host in enumerate(
            sorted({ask.host for ask in asks}))}
        self.asks = asks
        self.ways = {Way(FIRST, (), (0,) * len(self.hosts), (), False,
                         frozenset())}
        self.pending = []      # changes that have begun, and are not acknowledged
        self.calm = {}         # questions that began when all was known: their verdict
        self.settled = True    # all ways agree, and no host is behind
        self.wrong = None

    # ---- the events in their order ----

    def events(self):
        """(time, 0 begins | 1 ends, what it is, number): what begins and
        what ends at the same time is at the same time."""
        for kind, rows in ((0, self.changes), (1, self.asks)):
            for number, row in enumerate(rows):
                yield row.begin, 0, kind, number
                if row.end is not None:
                    yield row.end, 1, kind, number
                elif row.until is not None:
                    yield row.until, 1, 2, number

    def run(self):
        steps = ((self.change_begins, self.ask_begins),
                 (self.change_ends, self.ask_ends, self.change_is_over))
        for _, ends, kind, number in sorted(self.events()):
            steps[ends][kind](number)
            if not self.ways:
                self.wrong = (self.asks if kind == 1 else self.changes)[number]
                return False
            if len(self.ways) > LIMIT:
                raise TooMany(len(self.changes), len(self.asks))
        return True

    def change_begins(self, number):
        self.pending.append(number)
        for ask in self.calm:  # from now on it may see more than it did
            host = self.hosts[self.asks[ask].host]
            self.ways = {way._replace(asks=(*way.asks, (ask, way.floors[host])))
                         for way in self.ways}
        self.calm, self.settled = {}, False

    def ask_begins(self, number):
        if self.settled:
            way, = self.ways
            self.calm[number] = (verdict(way.state), way.ended)
            return
        host = self.hosts[self.asks[number].host]
        self.ways = {way._replace(asks=(*way.asks, (number, way.floors[host])))
                     for way in self.ways}

    def change_ends(self, number):
        """It is in the log, and every host has applied it."""
        self.everywhere(number, {way._replace(log=log) for way in self.ways
                                 for log in self.logs_with(way, number)})

    def change_is_over(self, number):
        """It is in the log, and everywhere, or never will be."""
        self.everywhere(number, self.ways)

    def everywhere(self, number, ways):
        """Every host has applied it, if it is in the log."""
        self.pending.remove(number)
        applied = set()
        for way in ways:
            least = way.log.index(number) + 1 if number in way.log else 0
            applied.add(self.shortened(way._replace(
                floors=tuple(max(floor, least) for floor in way.floors),
                lost=way.lost - {number})))
        self.ways = applied
        self.calm_down()

    def ask_ends(self, number):
        ask = self.asks[number]
        if number in self.calm:
            said, ended = self.calm.pop(number)
            if said != ask.verdict and (
                    self.strict or ask.verdict == ACCEPT or not ended):
                self.ways = set()
            return
        ways = set()
        for way in self.ways:
            floor = dict(way.asks)[number]
            left = tuple(each for each in way.asks if each[0] != number)
            ways.update(self.answered(way._replace(asks=left), ask, floor))
        self.ways = {self.shortened(way) for way in ways}
        self.calm_down()

    def calm_down(self):
        """Where there is one way, and all that was changed is known everywhere, a
        question has one answer."""
        if self.pending or len(self.ways) != 1:
            return
        way, = self.ways
        if way.log:
            return
        self.settled = True
        for ask, _ in way.asks:
            self.calm[ask] = (verdict(way.state), way.ended)
        self.ways = {way._replace(asks=())}

    # ---- how it may have been ----

    def free(self, way):
        """Changes that may be appended now."""
        return [number for number in self.pending
                if number not in way.log and number not in way.lost]

    def logs_with(self, way, number):
        """Each log that has it, with whatever may have come before it."""
        if number in way.log or number in way.lost:
            return [way.log]
        others = [each for each in self.free(way) if each != number]
        return [way.log + before + (number,)
                for count in range(len(others) + 1)
                for before in itertools.permutations(others, count)]

    def answered(self, way, ask, floor):
        """A way that has appended and applied less than another can still become
        that one, so the shortest ones are enough."""
        if not self.strict and ask.verdict == DENY and self.knew_end(way, floor):
            return [way]
        found = self.applied(way, ask, floor)
        if found is not None:
            return [found]
        ways, todo = [], [way]
        while todo:
            each = todo.pop()
            for number in self.free(each):
                longer = each._replace(log=(*each.log, number))
                found = self.applied(longer, ask, floor)
                (todo.append(longer) if found is None else ways.append(found))
        return ways

    def applied(self, way, ask, floor):
        """Its host has applied as little as explains the answer; None: nothing
        does."""
        host = self.hosts[ask.host]
        state = way.state
        for count in range(len(way.log) + 1):
            if count > 0:
                state = changed(state, self.changes[way.log[count - 1]].what)
            if count >= floor and verdict(state) == ask.verdict:
                floors = list(way.floors)
                floors[host] = max(floors[host], count)
                return way._replace(floors=tuple(floors))
        return None

    def knew_end(self, way, floor):
        """Whether it was not live in what its host has applied."""
        state, ended = way.state, way.ended or denies(way.state)
        for number in way.log[:floor]:
            state = changed(state, self.changes[number].what)
            ended = ended or denies(state)
        return ended

    def shortened(self, way):
        """What nobody can see any more becomes the state."""
        floors = [*way.floors, *(floor for _, floor in way.asks)]
        count = min([*floors, len(way.log)])
        if not count:
            return way
        state, ended, lost = way.state, way.ended, set(way.lost)
        for number in way.log[:count]:
            ended = ended or denies(state)
            state = changed(state, self.changes[number].what)
            if number in self.pending:
                lost.add(number)
        ended = ended or denies(state)
        return Way(state, way.log[count:],
                   tuple(floor - count for floor in way.floors),
                   tuple((ask, floor - count) for ask, floor in way.asks),
                   ended, frozenset(lost))


def why_not(changes, asks, strict=True):
    """None: the history of this token can have been. Else the row that nothing
    explains, and what was changed."""
    changes = sorted(changes, key=lambda change: change.begin)
    asks = sorted(asks, key=lambda ask: ask.begin)
    search = Search(changes, asks, strict)
    if search.run():
        return None
    return search.wrong, [tuple(change) for change in changes]


class History:
    """Of many tokens: who changed and asked what, and when."""

    def __init__(self):
        self.changes = collections.defaultdict(list)  # of a token, or of a user
        self.asks = collections.defaultdict(list)     # of a token
        self.users = {}                               # of each token
        self.lock = threading.Lock()
        self.last_settled = 0

    def change(self, key, begin, end, what):
        with self.lock:
            self.changes[key].append(Change(begin, end, what))

    def ask(self, token, begin, end, host, said):
        with self.lock:
            self.asks[token].append(Ask(begin, end, host, said))

    def settled(self, now):
        """Nothing has been under way for a moment: what began before the last such
        one, and was not acknowledged, has happened, or will not."""
        with self.lock:
            for changes in self.changes.values():
                changes[:] = [
                    change._replace(until=change.until or now)
                    if change.end is None and change.begin < self.last_settled
                    else change for change in changes]
            self.last_settled = now

    def wrong(self, strict=True):
        """(token, why) of those that cannot have been."""
        found = []
        for token, user in self.users.items():
            why = why_not(self.changes[token] + self.changes.get(user, []),
                          self.asks[token], strict)
            if why:
                found.append((token, why))
        return found

    def counts(self):
        """How many changes, and how many questions."""
        return (sum(map(len, self.changes.values())),
                sum(map(len, self.asks.values())))
