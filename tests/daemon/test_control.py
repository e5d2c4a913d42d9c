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


main([
    disabled_user,
    disabled_user_stays_so,
])
