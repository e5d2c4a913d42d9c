"""What is done to many, through patd: how many commits it takes, what is left
where patd or pat-admin is killed in the middle, and that others go on.
"""
import csv
import json
import os
import signal
import subprocess

from daemon import ACCEPT, DENY, AUDIT, main, make_slow, wait_for, world

BATCH = 256
MANY = 20 * BATCH + 7


def path(place, name):
    return os.path.join(place.root, name)


def write(place, name, lines):
    with open(path(place, name), "w") as file:
        file.writelines(line + "\n" for line in lines)
    return path(place, name)


def names(count):
    return ["user%06d" % i for i in range(count)]


def rows(place, users):
    return write(place, "rows", ["user,name", *(u + ",ci" for u in users)])


def people(place, count, active="yes"):
    return write(place, "list", [
        "user,active,groups", *("%s,%s,dev" % (n, active)
                                for n in names(count))])


def made(place, name="made"):
    """[(user, token)] of the output of create --batch: its whole lines."""
    try:
        with open(path(place, name)) as file:
            lines = file.read().split("\n")[:-1]
    except FileNotFoundError:
        return []
    pairs = [(row["user"], row["token"]) for row in csv.DictReader(lines)]
    place.tokens += [token for _, token in pairs]
    return pairs


def known(place):
    """The users of whom there is a record."""
    return [u["user"] for u in json.loads(
        place.admin("user", "list", "--json").stdout)]


def live(place):
    return len(json.loads(place.admin("list", "--json").stdout))


def records(place):
    return place.stats()["store"]["records"]


def begin(place, *arguments):
    return subprocess.Popen(
        [place.admin_program, "--config", place.config, *arguments],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True)


def kill_in_the_middle(place, *arguments):
    """Kills patd once the operation has made a commit, and starts it again; how
    the operation ended."""
    before = place.commits()
    with begin(place, *arguments) as command:
        wait_for(lambda: place.commits() > before or
                 command.poll() is not None)
        place.stop(signal.SIGKILL)
        command.communicate(timeout=120)
    place.start()
    return command.returncode


def costs():
    """one commit for each batch of tokens and of users, of a file in its order
    """
    with world(AUDIT + "audit_required = yes\n", args=()) as place:
        before = place.commits()
        place.admin("create", "--batch", rows(place, names(600)), "--output",
                    path(place, "made"))
        assert place.commits() == before + 3
        pairs = made(place)
        assert [user for user, _ in pairs] == names(600)
        for user, token in pairs[::97]:
            assert place.ask(user, token) == (ACCEPT, user)
        lines = [json.loads(line) for line in place.read_trail().splitlines()]
        assert [line["id"] for line in lines if line["event"] == "create"] \
            == [token[5:13] for _, token in pairs]
        before = place.commits()
        place.admin("sync-users", people(place, 600))
        assert place.commits() == before + 3
        lines = [json.loads(line) for line in place.read_trail().splitlines()]
        assert [line["user"] for line in lines if line["event"] == "set-user"
                ] == names(600)
        exported = place.admin("export").stdout
    with world(args=()) as other:
        write(other, "export", exported.splitlines())
        before = other.commits()
        other.admin("import", path(other, "export"))
        assert other.commits() - before < 12, other.commits() - before
        assert records(other) == 600 and known(other) == names(600)
        assert other.ask(*pairs[0]) == (ACCEPT, pairs[0][0])


def sync_users_goes_on():
    """sync-users, killed in the middle: whole batches; the next run ends it"""
    with world(args=()) as place:
        path_of = people(place, MANY)
        kill_in_the_middle(place, "sync-users", path_of)
        done = known(place)
        print("# killed after %d of %d users" % (len(done), MANY))
        assert done == names(len(done))
        assert len(done) % BATCH == 0 or len(done) == MANY, len(done)
        again = place.admin("sync-users", path_of)
        assert "%d users changed, %d stay" % (
            MANY - len(done), len(done)) in again.stderr, again.stderr
        assert known(place) == names(MANY)
        again = place.admin("sync-users", path_of)
        assert "0 users changed, %d stay" % MANY in again.stderr


def import_goes_on():
    """import, killed in the middle: users before tokens, whole batches; with
    --skip-known the next run ends it"""
    with world(args=()) as place:
        place.admin("create", "--batch", rows(place, names(MANY)), "--output",
                    path(place, "made"))
        pairs = made(place)
        place.admin("sync-users", people(place, MANY, "no"), "--force")
        exported = place.admin("export").stdout.splitlines()
    with world(args=()) as other:
        write(other, "export", exported)
        kill_in_the_middle(other, "import", path(other, "export"))
        users, tokens = len(known(other)), records(other)
        print("# killed after %d users and %d tokens of %d" % (
            users, tokens, MANY))
        assert users % BATCH == 0 or users == MANY, users
        assert tokens == 0 or users == MANY, (users, tokens)
        again = other.admin("import", "--skip-known", path(other, "export"))
        assert "%d tokens and %d users imported, %d known" % (
            MANY - tokens, MANY - users, tokens + users) in again.stdout, again
        assert records(other) == MANY
        for user, token in pairs[::977]:
            assert other.ask(user, token) == (DENY, "")  # disabled


def policy_and_purge_go_on():
    """policy apply and purge, killed in the middle: whole batches; the next run
    ends it"""
    with world(args=()) as place:
        place.admin("create", "--batch", rows(place, names(MANY)), "--output",
                    path(place, "made"))
        made(place)
        with open(place.config) as file:
            config = file.read()
        with open(place.config, "w") as file:
            file.write(config.replace(
                "[tokens]", "[tokens]\nmax_lifetime = 1s\n"
                "default_lifetime = 1s"))
        place.stop()
        place.start()
        kill_in_the_middle(place, "policy", "apply")
        left = place.admin("policy", "check", "--json", check=False)
        left = len(left.stdout.splitlines())
        print("# killed when %d of %d were left" % (left, MANY))
        assert (MANY - left) % BATCH == 0 or left == 0, left
        again = place.admin("policy", "apply")
        assert "%d tokens broke the policy" % left in again.stderr, again
        wait_for(lambda: live(place) == 0)
        kill_in_the_middle(place, "purge", "--dead-for", "0")
        left = records(place)
        print("# killed when %d of %d were left" % (left, MANY))
        assert (MANY - left) % BATCH == 0 or left == 0, left
        again = place.admin("purge", "--dead-for", "0")
        assert "%d records removed" % left in again.stderr, again.stderr
        assert records(place) == 0


def create_takes_back():
    """create --batch whose patd is killed takes back what it made, and no file
    stays; killed itself, every token in its file is good"""
    with world(args=()) as place:
        users = names(MANY)
        status = kill_in_the_middle(place, "create", "--batch",
                                    rows(place, users), "--output",
                                    path(place, "made"))
        if status == 0:
            assert len(made(place)) == live(place) == MANY
        else:
            assert not os.path.exists(path(place, "made"))
            assert live(place) == 0, live(place)
    with world(args=()) as place:
        with begin(place, "create", "--batch", rows(place, users), "--output",
                   path(place, "made")) as command:
            wait_for(lambda: len(made(place)) > BATCH)
            command.kill()
        wait_for(lambda: records(place) % BATCH == 0 or
                 records(place) == MANY)
        pairs = made(place)
        print("# %d tokens in the file, %d in the store" % (
            len(pairs), live(place)))
        assert [user for user, _ in pairs] == users[:len(pairs)]
        assert 0 <= live(place) - len(pairs) <= BATCH
        for user, token in pairs[::101] + pairs[-1:]:
            assert place.ask(user, token) == (ACCEPT, user)


def two_at_once():
    """two files at once: each has its own tokens, all of them; a list twice at
    once changes each user once"""
    with world(AUDIT, args=()) as place:
        files = [(rows(place, ["a" + n for n in names(700)]), "first"),
                 (write(place, "rows2", ["user", *names(700)]), "second")]
        commands = [begin(place, "create", "--batch", source, "--output",
                          path(place, to)) for source, to in files]
        for command in commands:
            assert command.wait(120) == 0, command.stderr.read()
            command.stderr.close()
        pairs = made(place, "first") + made(place, "second")
        assert len({token for _, token in pairs}) == 1400 == live(place)
        for user, token in pairs[::111]:
            assert place.ask(user, token) == (ACCEPT, user)
        commands = [begin(place, "sync-users", people(place, 700), "--force")
                    for _ in range(2)]
        for command in commands:
            assert command.wait(120) == 0, command.stderr.read()
            command.stderr.close()
        assert place.stop() == 0  # which writes the rest of the trail
        changed = [line["user"] for line in
                   map(json.loads, place.read_trail().splitlines())
                   if line["event"] == "set-user"]
        assert len(set(changed)) == len(changed), len(changed)


def others_go_on():
    """during the hashes of a batch a token is revoked, and a new one verified
    """
    with world(args=()) as place:
        old, other = place.token(), place.token()
        place.stop()
        make_slow(place, 2, "19M")
        place.start()
        with begin(place, "create", "--batch", rows(place, names(2000)),
                   "--output", path(place, "made")) as command:
            wait_for(lambda: os.path.exists(path(place, "made")))
            place.admin("revoke", old[5:13])
            assert place.ask("alice", old) == (DENY, "")
            assert place.ask("alice", other) == (ACCEPT, "alice")
            assert command.poll() is None
            command.kill()
        place.stop(signal.SIGKILL)


main([costs, sync_users_goes_on, import_goes_on, policy_and_purge_go_on,
      create_takes_back, two_at_once, others_go_on])
