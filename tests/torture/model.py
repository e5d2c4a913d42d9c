"""What must hold of a store: what was acknowledged, and when.

A point in time is a number that grows: of a counter, or of a recorded disk. An
act began at one and was acknowledged at a later one, or never. What holds at a
point is what was acknowledged until then; what only began may hold.
"""
import collections
import datetime
import itertools
import json
import os
import threading

from daemon import ACCEPT, DENY, UNAVAILABLE, wait_for

LIVE, PAUSED, DEAD, ABSENT = "live", "paused", "dead", "absent"
ACTIVE, DISABLED = "active", "disabled"

# Whether a token in this state is one that will end.
ENDING = {"live": True, "paused": True, "revoked": False, "expired": False}

Token = collections.namedtuple("Token", "text user")


def id_of(text):
    return text.split("_")[1]


def time_of(text):
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")


class Act:
    """A key gets a value."""

    def __init__(self, begin, value):
        self.begin, self.end, self.value = begin, None, value


class Facts:
    """`first` has the value of a key of which nothing is known."""

    FIRST = {"token": ABSENT, "user": ACTIVE, "groups": "", "upstream": ABSENT,
             "expiry": ABSENT}

    def __init__(self, now=None):
        self.now = now or itertools.count(1).__next__
        self.acts = collections.defaultdict(list)
        self.tokens = {}   # text: Token
        self.trail = []    # (point, event, id): what the audit trail has
        self.backups = []  # (folder, began, acknowledged)
        self.lock = threading.Lock()

    # ---- what happens ----

    def begin(self, key, value):
        """Something begins that makes it so."""
        act = Act(self.now(), value)
        with self.lock:
            self.acts[key].append(act)
        return act

    def done(self, act, *events):
        """It was acknowledged; the trail has these (event, id)."""
        act.end = self.now()
        with self.lock:
            self.trail.extend((act.end, *event) for event in events)

    def undone(self, act):
        """It is sure that it did not happen."""
        with self.lock:
            for acts in self.acts.values():
                if act in acts:
                    acts.remove(act)

    def seen(self, key, value):
        """It was looked at, and is so."""
        act = self.begin(key, value)
        act.end = act.begin

    def created(self, text, user, value, began, event="create"):
        """A token is there now; until then its text was not known."""
        act = Act(began, value)
        with self.lock:
            self.tokens[text] = Token(text, user)
            self.acts["token", text].append(act)
        self.done(act, (event, id_of(text)))

    def purged(self):
        """What a purge that begins now takes away, if it is done; what it may take
        of users who may be disabled, as nobody knows, is noted, too."""
        sure = []
        for key in list(self.acts):
            user = self.is_now(("user", key[1]))
            if key[0] == "upstream" and user != ACTIVE:
                act = self.begin(key, ABSENT)
                sure += [act] if user == DISABLED else []
        return sure

    # ---- what must hold ----

    def may(self, key, sure=None, begun=None):
        """The values that it may have, if acts count that were acknowledged by
        `sure`, and may count that began before `begun`; None: all.
        """
        values = {self.FIRST[key[0]]}
        for act in self.acts.get(key, ()):
            if begun is not None and act.begin >= begun:
                break
            if act.end is not None and (sure is None or act.end <= sure):
                values = {act.value}
            else:
                values.add(act.value)
        return values

    def is_now(self, key):
        """Its value, or None if that is not sure."""
        values = self.may(key)
        return values.pop() if len(values) == 1 else None

    def verdicts(self, token, *at):
        """What patd may answer about this token."""
        values = self.may(("token", token.text), *at)
        users = self.may(("user", token.user), *at)
        may = set()
        if LIVE in values and ACTIVE in users:
            may.add(ACCEPT)
        if values != {LIVE} or users != {ACTIVE}:
            may.add(DENY)
        return may


def verdict(place, user, text):
    """What patd says; on a busy machine it may be late, and asked again."""
    said = []

    def answered():
        said.append(place.ask(user, text)[0])
        return said[-1] != UNAVAILABLE

    wait_for(answered)
    return said[-1]


class Look:
    """Compares a world with the facts; `wrong` is what differs."""

    def __init__(self, place, facts, *at):
        self.place, self.facts, self.at = place, facts, at
        self.wrong = []
        self.answers = {}  # text: verdict
        self.values = {}   # of the other keys

    def complain(self, *words):
        self.wrong.append(" ".join(map(str, words)))

    def json(self, *args):
        done = self.place.admin(*args, "--json", check=False)
        if done.returncode != 0:
            self.complain(args, done.returncode, done.stderr.strip())
            return []
        return json.loads(done.stdout)

    def tokens(self):
        """Older ones first: a successor that is used ends its predecessor."""
        for token in list(self.facts.tokens.values()):
            said = verdict(self.place, token.user, token.text)
            self.answers[token.text] = said
            may = self.facts.verdicts(token, *self.at)
            if said not in may:
                self.complain(
                    id_of(token.text), "of", token.user, "is answered", said,
                    "not", may, self.story("token", token.text),
                    self.story("user", token.user),
                    self.trail_of(id_of(token.text), token.user))

    def story(self, *key):
        return [(act.value, act.begin, act.end)
                for act in self.facts.acts.get(key, ())]

    def trail_of(self, *words):
        """What the audit trail has about them."""
        return "\n".join(["", *(
            line for line in self.place.read_trail().splitlines()
            if any('"%s"' % word in line for word in words))])

    def one(self, kind, name, value):
        self.values[kind, name] = value
        may = self.facts.may((kind, name), *self.at)
        if value not in may:
            self.complain(kind, "of", name, "is", repr(value), "not", may,
                          self.story(kind, name))

    def users(self):
        listed = {user["user"]: user for user in self.json("user", "list")}
        for kind, name in list(self.facts.acts):
            user = listed.get(name, {"active": True, "groups": []})
            if kind == "user":
                self.one(kind, name, ACTIVE if user["active"] else DISABLED)
            elif kind == "groups":
                self.one(kind, name, ",".join(sorted(user["groups"])))

    def upstream(self):
        listed = {row["user"] for row in self.json("upstream", "list")}
        for kind, name in list(self.facts.acts):
            if kind == "upstream":
                self.one(kind, name, LIVE if name in listed else ABSENT)

    def listings(self):
        """All orders agree, and have what is then answered about."""
        rows = self.json("list", "--all")
        self.orders(rows)
        self.lives(rows)
        self.tokens()
        by_id = {row["id"]: row for row in rows}
        for text, said in self.answers.items():
            row = by_id.get(id_of(text), {"state": "absent"})
            if (said == ACCEPT) != (row["state"] in ("live", "replaced")):
                self.complain(id_of(text), "is listed as", row["state"],
                              "and answered", said)

    def lives(self, rows):
        """Which tokens live longer than policy allows."""
        for row in rows:
            if row["expires_at"] is None:
                continue
            days = (time_of(row["expires_at"]) - time_of(row["created_at"])).days
            for kind, name in list(self.facts.acts):
                if kind == "expiry" and id_of(name) == row["id"]:
                    self.one(kind, name, "long" if days > 250 else "short")

    def orders(self, rows):
        for name in sorted({row["user"] for row in rows}):
            mine = {row["id"] for row in self.json("list", name, "--all")}
            if mine != {row["id"] for row in rows if row["user"] == name}:
                self.complain("the index of users is wrong for", name)
        ending = {row["id"] for row in self.json("expiring", "--within", "999d")}
        states = {row["id"]: row["state"] for row in rows}
        wrong = {identity for identity, state in states.items()
                 if state in ENDING and (identity in ending) != ENDING[state]}
        if wrong or not ending <= set(states):
            self.complain("the index of expiry is wrong for", [
                (identity, states[identity]) for identity in wrong])

    def trail(self):
        if not os.path.isdir(os.path.join(self.place.root, "audit")):
            return self.complain("the folder of the trail is gone")
        verified = self.place.admin("audit", "verify", check=False)
        if verified.returncode != 0:
            self.complain("audit verify:", verified.stdout.strip(),
                          verified.stderr.strip())
        there = {(line["event"], line.get("id")) for line in
                 map(json.loads, self.place.read_trail().splitlines())}
        for point, event, identity in list(self.facts.trail):
            if (not self.at or point <= self.at[0]) and \
                    (event, identity) not in there:
                self.complain("the trail lacks", event, identity)

    def all(self):
        for part in (self.users, self.upstream, self.listings, self.trail):
            part()
        return self.wrong
