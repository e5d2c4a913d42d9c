"""self_service on admin.sock, asked by a client that says what pat-admin never
would: nobody reads or changes what is another's, whatever the request names.
"""
import itertools
import json
import pwd
import subprocess

from asking import ASK, OPERATIONS, Asker
from daemon import ACCEPT, AUDIT, ROOT, Skip, main, world

SELF = ("create", "list", "show", "revoke", "rotate", "disable", "enable",
        "claim")
MINE, THEIRS = "nobody", "mallory"
SERVICE = "self_service = yes"


def nobody(place):
    """A client that stays, as the user nobody."""
    return Asker(place, pwd.getpwnam(MINE).pw_uid)


def everything(place, user):
    """The records of a user, as an administrator sees them."""
    return json.loads(place.admin("list", user, "--all", "--json").stdout)


def expected(op, identity, whose, user):
    """The result of one line of the table."""
    if len(identity) > 8:
        return "closed"
    if op not in SELF:
        return "refused"
    takes_id = op in ("show", "revoke", "rotate", "disable", "enable", "claim")
    takes_user = op in ("create", "list", "revoke")
    if identity and (user or not takes_id or len(identity) < 8):
        return "invalid"
    if user and not takes_user:
        return "invalid"
    if identity:
        return "ok" if whose == MINE and op != "claim" else "not-found"
    if user:
        return "ok" if user == MINE else "refused"
    return "ok" if op in ("create", "list") else "invalid"


def table():
    """every operation, for every kind of id and user in one request: nothing of
    another's is shown or changed"""
    if not ROOT:
        raise Skip("needs root")
    with world(SERVICE) as place, nobody(place) as asker:
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
            for item in items:
                assert item.user == MINE and item.id != theirs, row
            assert result == "ok" or not items, row
            assert everything(place, THEIRS) == before, row
        assert place.ask(THEIRS, their_token) == (ACCEPT, THEIRS)


def another_is_not_told():
    """the id of another's token and one that nobody has get the same answer"""
    if not ROOT:
        raise Skip("needs root")
    with world(SERVICE) as place, nobody(place) as asker:
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


def odd_times():
    """a time or a duration out of bounds ends the connection, and changes
    nothing"""
    if not ROOT:
        raise Skip("needs root")
    with world(SERVICE) as place, nobody(place) as asker:
        mine = place.token(MINE)[5:13]
        before = everything(place, MINE)
        for op, field in (("rotate", "grace"), ("rotate", "expires_at"),
                          ("create", "expires_at"), ("list", "expiring"),
                          ("list", "unused"), ("list", "dead_for")):
            for value in (2**63 - 1, -2**63, -1, 253402300800):
                row = (op, field, value)
                answer = asker.ask(op, mine if op == "rotate" else "",
                                   **{field: value})
                assert answer == ([], "closed"), (row, answer)
        assert everything(place, MINE) == before


def rate():
    """creations and revocations in pairs stop growing the store and the trail,
    a revocation does not, and what writes nothing costs nothing"""
    if not ROOT:
        raise Skip("needs root")
    with world(AUDIT + SERVICE) as place, nobody(place) as asker:
        kept = place.token(MINE)[5:13]
        for _ in range(50):  # these are refused, and so not counted
            assert asker.ask("rotate", "AAAAAAAA")[1] == "not-found"
        before = place.commits()
        for op, identity in (("create", ""), ("rotate", kept)):
            assert asker.ask(op, identity, dry_run=1) == ([], "ok"), op
        assert asker.ask("revoke", kept, dry_run=1)[1] == "invalid"
        assert place.commits() == before
        made = 0
        for _ in range(100):
            items, result = asker.ask("create")
            if result != "ok":
                break
            made += 1
            assert asker.ask("revoke", items[0].id)[1] == "ok"
        assert (made, result) == (20, "refused"), (made, result)
        assert "try again in " in asker.why, asker.why
        before, lines = place.commits(), place.read_trail()
        for _ in range(100):
            assert asker.ask("create")[1] == "refused"
            assert asker.ask("rotate", kept)[1] == "refused"
        assert place.commits() == before and place.read_trail() == lines
        assert asker.ask("revoke", kept)[1] == "ok"
        assert asker.ask("revoke", kept)[1] == "ok"  # changes nothing
        assert place.commits() == before + 1
        place.token(MINE)  # the administrator is not limited


main([table, another_is_not_told, both_for_root, odd_times, rate])
