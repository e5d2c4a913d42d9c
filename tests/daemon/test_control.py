"""What takes tokens out and in while patd serves: every change holds on the very
next request over verify.sock.
"""
from daemon import ACCEPT, DENY, Client, main, world


def disabled_user():
    """a disabled user is out on the next request of an open connection"""
    with world() as place:
        tokens = [place.token() for _ in range(2)]
        other = place.token("bob")
        with Client(place.verify) as client:
            for _ in range(2):
                for token in tokens:
                    assert client.ask("alice", token) == (ACCEPT, "alice")
                place.admin("user", "disable", "alice")
                for token in tokens:
                    assert client.ask("alice", token) == (DENY, "")
                assert client.ask("bob", other) == (ACCEPT, "bob")
                place.admin("user", "enable", "alice")
        assert place.stats()["argon2_runs"] == 3
        assert "reason=user-disabled" in place.read_log()


def disabled_user_stays_so():
    """a disabled user is out after a kill of patd, too"""
    with world() as place:
        token = place.token()
        place.admin("user", "disable", "alice")
        place.patd.kill()
        place.patd.wait()
        place.start("--debug")
        assert place.ask("alice", token) == (DENY, "")



def rotated(place, token, *args):
    new = place.admin("rotate", token[5:13], *args).stdout.strip()
    place.tokens.append(new)
    return new


def first_use():
    """the answer to a successor's first use comes after the end of the old one"""
    with world() as place:
        with Client(place.verify) as one, Client(place.verify) as two:
            for _ in range(5):
                old = place.token()
                assert one.ask("alice", old) == (ACCEPT, "alice")
                new = rotated(place, old)
                assert one.ask("alice", old) == (ACCEPT, "alice")
                assert two.ask("alice", new) == (ACCEPT, "alice")
                assert one.ask("alice", old) == (DENY, "")
        assert "reason=superseded" in place.read_log()


def first_use_lasts():
    """what a first use ended stays so after a kill of patd; it is one write"""
    with world() as place:
        old = place.token()
        new = rotated(place, old)
        before = place.commits()
        for _ in range(4):
            assert place.ask("alice", new) == (ACCEPT, "alice")
        assert place.commits() == before + 1
        place.patd.kill()
        place.patd.wait()
        place.start("--debug")
        assert place.ask("alice", old) == (DENY, "")
        assert place.ask("alice", new) == (ACCEPT, "alice")


def kept():
    """with --keep-until-grace both tokens work"""
    with world() as place:
        old = place.token()
        new = rotated(place, old, "--keep-until-grace")
        for token in (old, new, old):
            assert place.ask("alice", token) == (ACCEPT, "alice")


main([
    disabled_user,
    disabled_user_stays_so,
    first_use,
    first_use_lasts,
    kept,
])
