"""What takes tokens out and in while patd serves: every change holds on the very
next request over verify.sock.
"""
import grp
import json
import pwd

from daemon import ACCEPT, DENY, Client, main, wait_for, world


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
        place.logged("reason=user-disabled")


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
        place.logged("reason=superseded")


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


def reuse():
    """with on_reuse = revoke_family the use of a rotated token after its end
    takes its family down"""
    with world("[tokens]\non_reuse = revoke_family") as place:
        old = place.token()
        new = rotated(place, old, "--grace", "0")
        other = place.token()
        assert place.ask("alice", new) == (ACCEPT, "alice")
        assert place.ask("alice", old) == (DENY, "")
        assert place.ask("alice", new) == (DENY, "")
        assert place.ask("alice", other) == (ACCEPT, "alice")
        place.logged("reuse: the rotated token")


def alert():
    """with on_reuse = alert, the default, only the rotated token is denied"""
    with world() as place:
        old = place.token()
        new = rotated(place, old, "--grace", "0")
        assert place.ask("alice", old) == (DENY, "")
        assert place.ask("alice", new) == (ACCEPT, "alice")


def unused():
    """a token that was not used for as long as unused_limit is denied"""
    with world("[tokens]\nunused_limit = 1s") as place:
        token = place.token()
        wait_for(lambda: place.ask("alice", token) == (DENY, ""))
        place.logged("reason=unused")


def groups():
    """who is in no group of the service is denied, and in on the next request
    once it is"""
    with world("[service jira]\ngroups = ops, developers") as place:
        token = place.token()
        with Client(place.verify) as client:
            assert client.ask("alice", token) == (DENY, "alice")
            place.admin("user", "groups", "alice", "developers")
            assert client.ask("alice", token) == (ACCEPT, "alice")
            place.admin("user", "groups", "alice", "developers2")
            assert client.ask("alice", token) == (DENY, "alice")
        place.logged("reason=group ")


def groups_of_the_system():
    """with group_source = nss a user is also in the groups of the system"""
    account = pwd.getpwnam("daemon")
    group = grp.getgrgid(account.pw_gid).gr_name
    with world("group_source = nss\n[service jira]\ngroups = " +
               group) as place:
        token, other = place.token("daemon"), place.token("alice")
        for _ in range(3):
            assert place.ask("daemon", token) == (ACCEPT, "daemon")
            assert place.ask("alice", other) == (DENY, "alice")
        # What is in the store counts at once, and what is remembered there
        # costs no worker.
        place.admin("user", "groups", "alice", group)
        assert place.ask("alice", other) == (ACCEPT, "alice")
        assert place.admin("test", "daemon", "--service", "jira",
                           said=token + "\n").stdout == "accepted\n"
        assert place.stats()["argon2_runs"] == 2
    with world("[service jira]\ngroups = " + group) as place:
        token = place.token("daemon")
        assert place.ask("daemon", token) == (DENY, "daemon")


def last_denial():
    """the last denial of a token is kept, that of a forged one is not"""
    with world() as place:
        token, other = place.token(), place.token("bob")
        assert place.ask("bob", token) == (DENY, "")
        assert place.ask("bob", other[:-1] + "!") == (DENY, "")
        place.stop()
        shown = [json.loads(place.admin("show", "--json", text[5:13]).stdout)
                 for text in (token, other)]
        assert shown[0]["denied_why"] == "wrong-user", shown[0]
        assert shown[0]["denied_at"] and shown[0]["use_count"] == 0
        assert shown[1]["denied_why"] == "" and shown[1]["denied_at"] is None
        assert "wrong-user" in place.admin("show", token[5:13]).stdout


def list_unused():
    """list --unused shows the tokens that were not used for so long"""
    with world() as place:
        token = place.token()
        wait_for(lambda: token[5:13] in place.admin(
            "list", "--unused", "1s").stdout)
        assert token[5:13] not in place.admin("list", "--unused", "1d").stdout


main([
    disabled_user,
    disabled_user_stays_so,
    first_use,
    first_use_lasts,
    kept,
    reuse,
    alert,
    unused,
    groups,
    groups_of_the_system,
    last_denial,
    list_unused,
])
