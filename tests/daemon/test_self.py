"""self_service on admin.sock, asked by a client that says what pat-admin never
would: nobody reads or changes what is another's, whatever the request names.
"""
import itertools
import json
import os
import pwd
import subprocess

from daemon import ACCEPT, BUILD, ROOT, Skip, main, world

ASK = os.path.join(BUILD, "tests/daemon/admin_ask")
OPERATIONS = ("create", "list", "show", "revoke", "test", "stats", "backup",
              "export", "import", "purge", "users", "user", "set-user",
              "rotate", "policy")  # as numbered by common/admin.h
SELF = ("create", "list", "show", "revoke", "rotate")
MINE, THEIRS = "nobody", "mallory"
SERVICE = "self_service = yes"


class Asker:
    """A client that stays, as the user nobody."""

    def __init__(self, place):
        uid = pwd.getpwnam(MINE).pw_uid
        self.process = subprocess.Popen(
            [ASK, place.admin_sock, str(uid)], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, op, identity="", user="", **fields):
        """The items, as (kind, id, user), and the name of the result."""
        words = [str(OPERATIONS.index(op)), identity or "-", user or "-"]
        words += ["%s=%d" % field for field in fields.items()]
        self.process.stdin.write(" ".join(words) + "\n")
        self.process.stdin.flush()
        items = []
        for line in self.process.stdout:
            words = line.rstrip("\n").split(" ")
            if words[0] == "item":
                items.append((int(words[1]), words[2], words[3]))
            else:
                self.why = " ".join(words[2:])
                return items, words[1] if words[0] == "end" else "closed"
        raise AssertionError("admin_ask ended")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()


def everything(place, user):
    """The records of a user, as an administrator sees them."""
    return json.loads(place.admin("list", user, "--all", "--json").stdout)


def expected(op, identity, whose, user):
    """The result of one line of the table."""
    if len(identity) > 8:
        return "closed"
    if op not in SELF:
        return "refused"
    takes_id = op in ("show", "revoke", "rotate")
    takes_user = op in ("create", "list", "revoke")
    if identity and (user or not takes_id or len(identity) < 8):
        return "invalid"
    if user and not takes_user:
        return "invalid"
    if identity:
        return "ok" if whose == MINE else "not-found"
    if user:
        return "ok" if user == MINE else "refused"
    return "ok" if op in ("create", "list") else "invalid"


def table():
    """every operation, for every kind of id and user in one request: nothing of
    another's is shown or changed"""
    if not ROOT:
        raise Skip("needs root")
    with world(SERVICE) as place, Asker(place) as asker:
        their_token = place.token(THEIRS)
        theirs, before = their_token[5:13], everything(place, THEIRS)
        forms = ("none", "whole", "prefix", "text", "padded")
        users = ("", MINE, THEIRS, MINE.upper())
        for op, form, whose, user in itertools.product(
                OPERATIONS, forms, (MINE, THEIRS), users):
            token = place.token(MINE) if whose == MINE else their_token
            identity = {"none": "", "whole": token[5:13],
                        "prefix": token[5:9], "text": token,
                        "padded": token[5:13] + "_"}[form]
            items, result = asker.ask(op, identity, user)
            row = (op, form, whose, user, items, result, asker.why)
            assert result == expected(op, identity, whose, user), row
            for _, shown, owner in items:
                assert owner == MINE and shown != theirs, row
            assert result == "ok" or not items, row
            assert everything(place, THEIRS) == before, row
        assert place.ask(THEIRS, their_token) == (ACCEPT, THEIRS)


def another_is_not_told():
    """the id of another's token and one that nobody has get the same answer"""
    if not ROOT:
        raise Skip("needs root")
    with world(SERVICE) as place, Asker(place) as asker:
        theirs = place.token(THEIRS)[5:13]
        for op in ("show", "revoke", "rotate"):
            answers = []
            for identity in (theirs, "AAAAAAAA"):
                answers.append((asker.ask(op, identity),
                                asker.why.replace(identity, "ID")))
            assert answers[0] == answers[1], answers


def both_for_root():
    """a request that names a token and a user is refused for root, too"""
    if not ROOT:
        raise Skip("needs root")
    with world(SERVICE) as place:
        token = place.token(MINE)
        before = everything(place, MINE)
        done = subprocess.run(
            [ASK, place.admin_sock, "0"], text=True, capture_output=True,
            input="3 %s %s\n" % (token[5:13], MINE), timeout=60)
        assert done.stdout.startswith("end invalid "), done.stdout
        assert everything(place, MINE) == before


main([table, another_is_not_told, both_for_root])
