"""Who may do what on admin.sock, and in whose name: pat-httpd's account, local
users, other system accounts and root, each as a process of that uid.
"""
import contextlib
import json
import os
import pwd
import signal
import stat

from asking import OPERATIONS, Asker
from daemon import (ACCEPT, AUDIT, DENY, ROOT, Client, Skip, main, wait_for,
                    world)

HTTPD, OTHER = 31007, 31008  # system accounts need no entry
LOCAL, LOCAL_UID = "nobody", pwd.getpwnam("nobody").pw_uid
ADDRESS = "192.0.2.7"
HTTPD_CONFIG = "[pat-httpd]\nuser = %d\n" % HTTPD
SELF = "[self_service]\nusers = all\n"
ON = HTTPD_CONFIG + SELF
SERVICE = "[service *]\nscope = read\n"
TOKEN = 1  # JP_ITEM_TOKEN
BOUND = ("create", "list", "show", "revoke", "rotate", "disable", "enable",
         "claim")


def config(patd="", tokens="", more=ON):
    """Lines of [patd], and the sections behind it."""
    return AUDIT + patd + (("[tokens]\n" + tokens) if tokens else "") + more


@contextlib.contextmanager
def rights_world(more=None, start=True):
    if not ROOT:
        raise Skip("needs root")
    with world(config() if more is None else more, start=start) as place:
        yield place


def named(user, token="", **more):
    """The fields of a request in the name of that user."""
    fields = {"behalf": user, "address": ADDRESS}
    if token:
        fields["token"] = token
    return dict(fields, **more)


def trail(place, event, count):
    """The lines of the audit trail with that event; a thread of patd writes
    them.
    """
    lines = []

    def there():
        whole = place.read_trail().rpartition("\n")[0]
        lines[:] = [line for line in map(json.loads, whole.splitlines())
                    if line["event"] == event]
        return len(lines) >= count
    wait_for(there)
    assert len(lines) == count, lines
    return lines


def records(place, user):
    return json.loads(place.admin("list", user, "--all", "--json").stdout)


def refused(asker, refusal, op, *args, **fields):
    items, result = asker.ask(op, *args, **fields)
    said = (op, args, fields, items, result, asker.refusal, asker.why)
    assert (items, result, asker.refusal) == ([], "refused", refusal), said


def good(asker, op, *args, **fields):
    items, result = asker.ask(op, *args, **fields)
    assert result == "ok", (op, args, fields, result, asker.why)
    return items


def new_token(asker, place, **fields):
    """Makes one, and returns its text."""
    item = good(asker, "create", **fields)[0]
    assert int(item.kind) == TOKEN, item
    place.tokens.append(item.token)
    return item.token


def pat_httpd_must_name():
    """pat-httpd gets nothing in its own name, whatever it asks for"""
    with rights_world() as place, Asker(place, HTTPD) as httpd:
        token = place.token("alice")[5:13]
        before = records(place, "alice")
        for op in OPERATIONS:
            for fields in ({}, {"token": token}, {"staff": 1},
                           {"address": ADDRESS}):
                refused(httpd, "not-allowed", op, **fields)
                refused(httpd, "not-allowed", op, token, **fields)
                refused(httpd, "not-allowed", op, "", "alice", **fields)
        assert records(place, "alice") == before


def in_the_name_of_a_user():
    """pat-httpd manages the tokens of the user whom it names, and nothing else;
    the records and the trail name both"""
    with rights_world() as place, Asker(place, HTTPD) as httpd:
        theirs = place.token("bob")[5:13]
        token = new_token(httpd, place, **named("alice", name="page"))
        assert place.ask("alice", token) == (ACCEPT, "alice")
        own = token[5:13]
        record = records(place, "alice")[0]
        assert record["created_by"] == "sso:alice", record
        line = trail(place, "create", 2)[-1]
        assert (line["actor"], line["address"], line["peer"], line["user"]) == (
            "sso:alice", ADDRESS, HTTPD, "alice"), line
        for op in ("show", "revoke", "rotate"):
            assert httpd.ask(op, theirs, **named("alice")) == ([], "not-found")
        assert [item.id for item in good(
            httpd, "list", **named("alice"))] == [own]
        for op in OPERATIONS:
            if op not in BOUND:
                refused(httpd, "not-allowed", op, **named("alice"))
        good(httpd, "revoke", own, **named("alice"))
        assert records(place, "alice")[0]["revoked_by"] == "sso:alice"
        assert place.ask("alice", token) == (DENY, "")


def root_of_the_sso():
    """"root" of the single sign-on is not taken for root"""
    with rights_world() as place, Asker(place, HTTPD) as httpd:
        new_token(httpd, place, **named("root"))
        refused(httpd, "not-allowed", "stats", **named("root"))
        refused(httpd, "not-allowed", "list", **named("root", staff=1))
        place.token("root")
        by = sorted(each["created_by"] for each in records(place, "root"))
        assert by == ["root", "sso:root"], by
        assert [(line["actor"], line.get("peer")) for line in trail(
            place, "create", 2)] == [("sso:root", HTTPD), ("root", None)]


def odd_addresses():
    """an address that is none is kept apart, and none is left out"""
    with rights_world() as place, Asker(place, HTTPD) as httpd:
        for address in ("unknown", "2001:db8::1"):
            new_token(httpd, place, behalf="alice", address=address)
        new_token(httpd, place, behalf="alice")
        lines = trail(place, "create", 3)
        assert [(line.get("address"), line.get("rhost")) for line in lines] == [
            (None, "unknown"), ("2001:db8::1", None), (None, None)], lines


def others_name_nobody():
    """a system account and a local user name nobody, with self_service and
    without"""
    with rights_world() as place, Asker(place, OTHER) as other:
        assert other.ask("list", **named("alice")) == ([], "closed")
        place.logged("not an administrator")
    with rights_world(config("self_service = yes\n")) as place:
        for uid in (OTHER, LOCAL_UID):
            with Asker(place, uid) as asker:
                for op in OPERATIONS:
                    refused(asker, "not-allowed", op, **named("alice"))
                    refused(asker, "not-allowed", op,
                            **named("alice", staff=1))
        with Asker(place, LOCAL_UID) as local:
            assert good(local, "create")[0].user == LOCAL
        assert trail(place, "create", 1)[-1]["actor"] == LOCAL


def members_of_admin_group():
    """a member of the local admin_group names nobody, and pat-httpd is none even
    if it is in that group"""
    gid = pwd.getpwnam("daemon").pw_gid
    with rights_world(config("admin_group = %d\n" % gid)) as place, \
            Asker(place, "%d:%d" % (OTHER, gid)) as member, \
            Asker(place, "%d:%d" % (HTTPD, gid)) as httpd:
        good(member, "stats")
        refused(member, "not-allowed", "list", **named("alice"))
        refused(httpd, "not-allowed", "stats")
        refused(httpd, "not-allowed", "list")
        good(httpd, "list", **named("alice"))


def root_for_a_user():
    """root in the name of a user gets what pat-httpd gets"""
    with rights_world(config(tokens="self_scopes = read\n")) as place, \
            Asker(place, 0) as root, Asker(place, HTTPD) as httpd:
        place.token("bob")
        for asker in (root, httpd):
            refused(asker, "not-allowed", "stats", **named("alice"))
            refused(asker, "not-allowed", "list",
                    **named("alice", staff=1))
            refused(asker, "scope-required", "create", **named("alice"))
            new_token(asker, place, **named("alice", scope="read"))
            assert {item.user for item in good(
                asker, "list", **named("alice"))} == {"alice"}
        assert {item.user for item in good(root, "list")} == {"alice", "bob"}
        assert [line["peer"] for line in trail(place, "create", 3)
                if line["actor"] == "sso:alice"] == [0, HTTPD]


def disabled():
    """a disabled user gets nothing, by any way, and gets it back"""
    with rights_world(config("self_service = yes\n")) as place, \
            Asker(place, HTTPD) as httpd, Asker(place, LOCAL_UID) as local:
        token = place.token(LOCAL, "--scope", "tokens")[5:13]
        place.admin("user", "disable", LOCAL)
        for op, identity in (("list", ""), ("show", token), ("create", ""),
                             ("rotate", token), ("revoke", token)):
            refused(local, "user-disabled", op, identity)
            refused(httpd, "user-disabled", op, identity, **named(LOCAL))
            refused(httpd, "user-disabled", op, identity,
                    **named(LOCAL, token))
        place.admin("user", "enable", LOCAL)
        good(local, "list")
        good(httpd, "list", **named(LOCAL, token))


def known():
    """with users = known those come who have a token or a record"""
    with rights_world(config(more=HTTPD_CONFIG + "[self_service]\n"
                                  "users = known\n")) as place, \
            Asker(place, HTTPD) as httpd:
        refused(httpd, "user-unknown", "list", **named("alice"))
        refused(httpd, "user-unknown", "create", **named("alice"))
        place.token("alice")
        good(httpd, "list", **named("alice"))
        place.admin("user", "groups", "bob", "dev")
        good(httpd, "list", **named("bob"))
        refused(httpd, "user-unknown", "list", **named("Alice"))


def staff():
    """the administrators' group sees and revokes all, others and tokens do
    not"""
    more = HTTPD_CONFIG + "[self_service]\nadmin_group = \"Jira Admins\"\n"
    with rights_world(config(more=more)) as place, \
            Asker(place, HTTPD) as httpd:
        own = place.token("alice")[5:13]
        theirs = place.token("bob")[5:13]
        minter = place.token("alice", "--scope", "tokens")[5:13]
        refused(httpd, "not-allowed", "list", **named("alice", staff=1))
        place.admin("user", "groups", "alice", "Jira Admins")
        seen = {item.id for item in good(
            httpd, "list", **named("alice", staff=1))}
        assert seen == {own, theirs, minter}, seen
        assert [item.id for item in good(
            httpd, "list", "", "bob", **named("alice", staff=1))] == [theirs]
        for op in ("create", "rotate", "stats", "user", "set-user", "export"):
            refused(httpd, "not-allowed", op, **named("alice", staff=1))
        refused(httpd, "not-allowed", "list",
                **named("alice", minter, staff=1))
        assert httpd.ask("show", theirs, **named("alice")) == ([], "not-found")
        for op in ("disable", "enable", "revoke"):
            good(httpd, op, theirs, **named("alice", staff=1))
        line = trail(place, "revoke", 1)[-1]
        assert (line["actor"], line["user"]) == ("sso:alice", "bob"), line
        place.admin("user", "groups", "alice", "others")
        refused(httpd, "not-allowed", "list", **named("alice", staff=1))


def minting():
    """a token makes others with the scope, no wider and no longer"""
    with rights_world(config(more=ON + SERVICE)) as place, Asker(place, HTTPD) as httpd:
        bare = place.token("alice")[5:13]
        reader = place.token("alice", "--scope", "read")[5:13]
        minter = place.token("alice", "--scope", "tokens", "--scope", "read",
                             "--expires", "10d")[5:13]
        for token in (bare, reader):
            refused(httpd, "scope-tokens-needed", "create",
                    **named("alice", token))
        made = new_token(httpd, place, **named("alice", minter, scope="read"))
        assert place.ask("alice", made) == (ACCEPT, "alice")
        record = [each for each in records(place, "alice")
                  if each["id"] == made[5:13]][0]
        assert record["created_by"] == "token:" + minter, record
        assert trail(place, "create", 4)[-1]["actor"] == "token:" + minter
        refused(httpd, "wider-than-parent", "create",
                **named("alice", minter, scope=["read", "write"]))
        refused(httpd, "lifetime-too-long", "create",
                **named("alice", minter, lives=11 * 86400))
        good(httpd, "create", **named("alice", minter, lives=9 * 86400,
                                      dry_run=1))
        refused(httpd, "not-allowed", "create", **named("bob", minter))
        place.admin("revoke", minter)
        refused(httpd, "not-allowed", "create", **named("alice", minter))


def token_and_others():
    """a token rotates itself, and manages others with the scope alone"""
    with rights_world(config(more=ON + SERVICE)) as place, Asker(place, HTTPD) as httpd:
        other = place.token("alice", "--scope", "read")[5:13]
        reader = place.token("alice", "--scope", "read")[5:13]
        minter = place.token("alice", "--scope", "tokens", "--scope",
                             "read")[5:13]
        bare = place.token("alice")[5:13]
        for op in ("revoke", "rotate", "disable"):
            refused(httpd, "scope-tokens-needed", op, other,
                    **named("alice", reader))
        refused(httpd, "scope-tokens-needed", "revoke", "", "alice",
                **named("alice", reader))
        refused(httpd, "scope-tokens-needed", "enable", reader,
                **named("alice", reader))
        assert len(good(httpd, "list", **named("alice", reader))) == 4
        refused(httpd, "wider-than-parent", "rotate", bare,
                **named("alice", minter))
        items = good(httpd, "rotate", reader, **named("alice", reader))
        place.tokens.append(items[0].token)
        assert place.ask("alice", items[0].token) == (ACCEPT, "alice")
        items = good(httpd, "rotate", other, **named("alice", minter))
        place.tokens.append(items[0].token)
        good(httpd, "revoke", bare, **named("alice", minter))
        refused(httpd, "not-allowed", "claim", other, **named("alice", minter))


def pauses():
    """a token that has disabled itself asks for nothing until another, with the
    scope, or the user enables it"""
    with rights_world() as place, Asker(place, HTTPD) as httpd:
        reader = place.token("alice", "--scope", "read")[5:13]
        minter = place.token("alice", "--scope", "tokens")[5:13]
        for enabler in (minter, ""):
            good(httpd, "disable", reader, **named("alice", reader))
            for op, identity in (("list", ""), ("show", reader),
                                 ("revoke", reader), ("enable", reader)):
                refused(httpd, "not-allowed", op, identity,
                        **named("alice", reader))
            good(httpd, "enable", reader, **named("alice", enabler))
            good(httpd, "list", **named("alice", reader))
        assert [line["actor"] for line in trail(place, "enable", 2)] == [
            "token:" + minter, "sso:alice"]


def pauses_of_administrators():
    """a token that its user has paused before stays paused when an administrator
    disables it, whatever the user says then"""
    more = HTTPD_CONFIG + "[self_service]\nadmin_group = admins\n"
    with rights_world(config(more=more)) as place, \
            Asker(place, HTTPD) as httpd:
        place.admin("user", "groups", "carol", "admins")
        for user, disable in (
                ("alice", lambda token: place.admin("disable", token)),
                ("bob", lambda _: place.admin("disable", "--user", "bob")),
                ("dora", lambda token: good(
                    httpd, "disable", token, **named("carol", staff=1)))):
            token = place.token(user, "--scope", "tokens")[5:13]
            good(httpd, "disable", token, **named(user))
            at = records(place, user)[0]["disabled_at"]
            disable(token)
            for _ in range(2):  # the user's word changes nothing now
                record = records(place, user)[0]
                assert record["disabled_at"] == at, record
                assert record["disabled_by"] in ("root", "sso:carol"), record
                refused(httpd, "not-allowed", "enable", token, **named(user))
                good(httpd, "disable", token, **named(user))
            place.admin("enable", token)
            good(httpd, "disable", token, **named(user))
            good(httpd, "enable", token, **named(user))
        assert [line["actor"] for line in trail(place, "disable", 9)] == [
            "sso:alice", "root", "sso:alice", "sso:bob", "root", "sso:bob",
            "sso:dora", "sso:carol", "sso:dora"]


def rate():
    """the 21st token of a user in a row has to wait, whoever speaks for that
    user, and no other user does"""
    with rights_world(config("self_service = yes\n")) as place, \
            Asker(place, HTTPD) as httpd, Asker(place, LOCAL_UID) as local:
        for i in range(20):
            good(*((local, "create") if i % 2 else (httpd, "create")),
                 **({} if i % 2 else named(LOCAL)))
        for asker, fields in ((httpd, named(LOCAL)), (local, {})):
            refused(asker, "too-fast", "create", **fields)
            assert "try again in 15m" in asker.why, asker.why
        good(httpd, "create", **named("alice"))
        good(httpd, "list", **named(LOCAL))
        place.token(LOCAL)  # the administrator is not limited


def connect_as(place, uid):
    os.setegid(uid)
    os.seteuid(uid)
    try:
        return Client(place.admin_sock)
    finally:
        os.seteuid(0)
        os.setegid(0)


def try_fill(place, uids, room):
    """One connection of each uid: those that stay, which are the first so many;
    None if they are fewer, as others are still ending.
    """
    clients = [connect_as(place, uid) for uid in uids]
    for client in clients[room:]:
        assert client.closed()
        client.close()
    for client in clients[:room]:
        client.sock.settimeout(0)
        try:
            assert client.sock.recv(1) == b""
        except BlockingIOError:
            continue
        for each in clients:
            each.close()
        return None
    return clients[:room]


@contextlib.contextmanager
def filled(place, uids, room):
    held = []
    wait_for(lambda: held.extend(try_fill(place, uids, room) or ()) or held)
    try:
        yield
    finally:
        for client in held:
            client.close()


def quotas():
    """pat-httpd, local users and administrators have connections of their own,
    and none of them locks another out"""
    uids = [OTHER + i // 2 for i in range(8)]
    with rights_world(config("self_service = yes\n")) as place, \
            Asker(place, HTTPD) as httpd, Asker(place, LOCAL_UID) as local:
        with filled(place, [HTTPD] * 5, 4):
            place.admin("list")
            good(local, "list")
        with filled(place, [OTHER] * 3, 2):
            place.admin("list")
            good(httpd, "list", **named("alice"))
    with rights_world(config("self_service = yes\n")) as place, \
            Asker(place, HTTPD) as httpd:
        with filled(place, uids + [LOCAL_UID], 8):
            place.admin("list")
            good(httpd, "list", **named("alice"))
            with filled(place, [HTTPD] * 4, 3):
                place.admin("list")
                with filled(place, [0] * 9, 8):
                    good(httpd, "list", **named("alice"))
    with rights_world() as place, Asker(place, HTTPD) as httpd:
        with filled(place, [0] * 17, 16):
            good(httpd, "list", **named("alice"))
            with filled(place, [HTTPD] * 4, 3):
                good(httpd, "list", **named("alice"))


def mode_of(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def reload_with(place, more, times):
    place.write(more)
    place.patd.send_signal(signal.SIGHUP)
    wait_for(lambda: place.read_log().count("settings: reloaded") == times)


def reloads():
    """a reload turns self-service on, changes and ends it, for connections that
    stay, too"""
    off = config(more=HTTPD_CONFIG)
    group = config(more=HTTPD_CONFIG + "[self_service]\nadmin_group = ops\n")
    with rights_world(off) as place, Asker(place, HTTPD) as httpd:
        assert mode_of(place.admin_sock) == 0o600
        os.chmod(place.admin_sock, 0o666)  # as by a service manager
        assert httpd.ask("list", **named("alice")) == ([], "closed")
        place.logged("[self_service] is not configured")
        with Asker(place, 0) as root:
            refused(root, "not-allowed", "list", **named("alice"))
        os.chmod(place.admin_sock, 0o600)
        reload_with(place, config(), 1)
        assert mode_of(place.admin_sock) == 0o666
        good(httpd, "list", **named("alice"))
        place.admin("user", "groups", "alice", "ops")
        refused(httpd, "not-allowed", "list", **named("alice", staff=1))
        reload_with(place, group, 2)
        good(httpd, "list", **named("alice", staff=1))
        place.write("[self_service]\nusers = some\n")
        place.patd.send_signal(signal.SIGHUP)
        place.logged("settings: not changed")
        good(httpd, "list", **named("alice", staff=1))
        reload_with(place, off, 3)
        refused(httpd, "not-allowed", "list", **named("alice"))
        assert mode_of(place.admin_sock) == 0o600


def versions():
    """a pat-httpd of another version is told so, and gets nothing"""
    with rights_world() as place:
        for version in (b"3", b"9"):
            client = connect_as(place, HTTPD)
            client.send(b"JPA" + version + b"\x01" + bytes(60))
            got = client.sock.recv(4096)
            assert got[:6] == b"JPA" + version + b"\x07\x15", got
            assert b"restart" in got, got
            assert client.closed()
            client.close()


def checked():
    """--check-config finds that the account of pat-httpd is missing, where the
    page needs it; patd does without"""
    lost = "[pat-httpd]\nuser = no-such-account\n"
    with rights_world(config(more=lost), start=False) as place:
        assert place.run("--check-config").returncode == 0
        place.write(config(more=lost + SELF))
        done = place.run("--check-config")
        assert done.returncode == 3, done
        assert "[pat-httpd] user: there is no user" in done.stderr, done
        place.start()
        with Asker(place, OTHER) as other:
            assert other.ask("list", **named("alice")) == ([], "closed")


def become(place, user):
    """[pat-httpd] as it is; whose things are stays."""
    place.user = user
    place.write(AUDIT)


def capabilities(pid):
    with open("/proc/%d/status" % pid) as file:
        fields = dict(line.split(":", 1) for line in file)
    return [int(fields[name], 16) for name in ("CapPrm", "CapEff", "CapBnd")]


def stays_root():
    """with `user = root` patd stays root, without a capability, and serves
    from what is root's"""
    with rights_world(AUDIT) as place:
        place.stop()
        become(place, "root")
        for folder, names, files in os.walk(place.root):
            for name in names + files:
                os.chown(os.path.join(folder, name), 0, 0)
        os.chown(place.run_dir, 0, 0)
        place.start()
        assert os.stat("/proc/%d" % place.patd.pid).st_uid == 0
        assert capabilities(place.patd.pid) == [0, 0, 0]
        token = place.token()
        assert place.ask("alice", token) == (ACCEPT, "alice")
        place.admin("backup", place.root + "/backup")
        place.admin("revoke", token[5:13])
        assert place.ask("alice", token) == (DENY, "")
        assert place.stop() == 0


def of_another_user():
    """what belongs to another user is not opened, also not by root, and patd
    says whose it is; pat-admin check names each"""
    with rights_world(AUDIT, start=False) as place:
        become(place, "root")
        uid = pwd.getpwnam("daemon").pw_uid
        foreign = ("; it belongs to uid %d, but uid 0 uses it: pat-admin check "
                   "names all that has to change its owner\n" % uid)
        store = place.root + "/store"
        for path in (place.root + "/key/pepper.key", store, store + "/store.lock"):
            done = place.run()
            assert done.returncode != 0, done
            assert done.stderr.endswith(
                path + ": Permission denied" + foreign), done.stderr
            found = place.admin("check", check=False).stdout
            assert "%s: belongs to uid %d: chown it to uid 0" % (
                path, uid) in found, found
            os.chown(path, 0, 0)


main([stays_root, of_another_user, pat_httpd_must_name,
      in_the_name_of_a_user, root_of_the_sso, odd_addresses,
      others_name_nobody, members_of_admin_group, root_for_a_user,
      disabled, known, staff, minting, token_and_others,
      pauses, pauses_of_administrators, rate, quotas, reloads, versions,
      checked])
