"""Every n-th call of pat-admin fails, in each of its commands that write, with
and without a patd.
"""
import contextlib
import csv
import json
import os
import shutil
import subprocess

from daemon import main, world
from nth_call import CLASSES, Calls, explained, mute, plans, show, tried


class Commands:
    """Those of pat-admin that fail, in a world of which the rest is well."""

    def __init__(self, place, online):
        self.place, self.online = place, online
        self.calls = Calls(place.root + "/calls")
        self.folder = place.root + "/work"
        os.mkdir(self.folder)
        self.rows = self.write("rows", "user,name\ncarol,one\ncarol,two\n")
        self.people = self.write("people", "user,active\ndave,no\n" + "".join(
                "%s,yes\n" % name for name in ("alice", "carol", "erin")))
        self.list = self.write("export", place.admin("export").stdout)
        place.admin("backup", self.folder + "/old")
        self.secrets = []

    def write(self, name, text):
        with open(self.folder + "/" + name, "w") as file:
            file.write(text)
        return file.name

    def run(self, *words, said=""):
        """Its status, and what it printed; never a crash, a hang or a riddle."""
        done = subprocess.run(
            [self.place.admin_program, "--config", self.place.config, *words],
            text=True, input=said, capture_output=True, timeout=120,
            env=self.calls.env, errors="backslashreplace")
        self.calls.off()
        explained(done, self.mute)
        for secret in self.secrets:
            assert secret not in done.stderr, "a secret is said"
        return done

    def ids(self):
        done = self.place.admin("list", "--all", "--json")
        return {one["id"]: one["state"] for one in json.loads(done.stdout)}

    def verdict(self, token, user="alice"):
        done = self.place.admin("test", user, check=False, said=token)
        return done.stdout.split(":")[0].strip()


def create(all_):
    """What is printed is there."""
    done = all_.run("create", "alice")
    token = done.stdout.strip()
    if done.returncode == 0 or len(token) == 50:
        assert all_.verdict(token) == "accepted", done
        all_.secrets.append(token[14:])


def create_batch(all_):
    out = all_.folder + "/made"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(out)
    done = all_.run("create", "--batch", all_.rows, "--output", out)
    if done.returncode == 0:
        with open(out) as file:
            for row in csv.DictReader(file):
                assert all_.verdict(row["token"], "carol") == "accepted", done


def rotate(all_):
    old = all_.place.token()
    done = all_.run("rotate", old[5:13])
    if done.returncode == 0:
        assert all_.verdict(done.stdout.strip()) == "accepted", done
    else:
        all_.place.admin("show", old[5:13])


def revoke(all_):
    token = all_.place.token()
    done = all_.run("revoke", token[5:13])
    if done.returncode == 0:
        assert all_.verdict(token) == "denied", done


def disable(all_):
    token = all_.place.token()
    done = all_.run("disable", token[5:13])
    if done.returncode == 0:
        assert all_.verdict(token) == "denied", done


def user(all_):
    token = all_.place.token("erin")
    done = all_.run("user", "disable", "erin")
    if done.returncode == 0:
        assert all_.verdict(token, "erin") == "denied", done
    all_.place.admin("user", "enable", "erin")


def sync_users(all_):
    done = all_.run("sync-users", all_.people, "--force")
    if done.returncode == 0:
        shown = all_.place.admin("user", "list", "--json").stdout
        assert "dave" in shown, shown


def import_(all_):
    done = all_.run("import", all_.list)
    assert done.returncode != 2, done


def purge(all_):
    token = all_.place.token()
    before = all_.ids()
    all_.run("purge", "--dead-for", "1d")
    live = {one for one, state in before.items() if state == "live"}
    assert live <= set(all_.ids()), "a live token is gone"
    assert all_.verdict(token) == "accepted"


def policy(all_):
    all_.run("policy", "apply")


def upstream(all_):
    """Nothing of the credential is said, nor is it in the store as it is."""
    secret = "MDA5ODc2NTQzMjEwOgQkVEryS3cr3t"
    all_.secrets.append(secret)
    all_.place.admin("upstream", "remove", "alice", check=False)
    done = all_.run("upstream", "set", "alice", said=secret + "\n")
    listed = all_.place.admin("upstream", "list", "alice").stdout
    if done.returncode == 0:
        assert "ready" in listed, listed
    assert secret not in listed + done.stdout


def backup(all_):
    copy = all_.folder + "/copy"
    shutil.rmtree(copy, ignore_errors=True)
    done = all_.run("backup", copy)
    if done.returncode == 0:
        assert "manifest.json" in os.listdir(copy), done


def init(all_):
    all_.run("init")
    all_.place.admin("init")


def restore_again(all_):
    """As it says: what is in the way is removed."""
    for _ in range(4):
        done = all_.place.admin("restore", all_.folder + "/old", check=False)
        if done.returncode == 0:
            return
        assert " is in the way" in done.stderr, done
        path = done.stderr.split(": ")[2].split(" is in the way")[0]
        if os.path.isdir(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)
    raise AssertionError("it cannot be restored")


def restore(all_):
    """Only without patd: over what is there, which stays or is replaced."""
    if all_.online:
        return
    done = all_.run("restore", all_.folder + "/old")
    if done.returncode != 0:
        restore_again(all_)


ACTS = [create, create_batch, rotate, revoke, disable, user, sync_users,
        import_, purge, policy, upstream, backup, init, restore]


def one(all_, act, plan):
    all_.mute = mute(plan)
    del all_.secrets[:]
    original = all_.run

    def armed(*words, **more):
        all_.calls.arm(plan)
        return original(*words, **more)

    all_.run = armed
    try:
        act(all_)
    finally:
        all_.calls.off()
        del all_.run


def every(online):
    with world(start=online) as place:
        good, all_ = place.token(), Commands(place, online)
        wrong = []
        for act in ACTS:
            totals = {}

            def count(*words, **more):
                all_.calls.arm()
                done = Commands.run(all_, *words, **more)
                totals.update((kind, all_.calls.total(kind))
                              for kind in CLASSES)
                return done

            all_.mute, all_.run = False, count
            act(all_)
            del all_.run
            try:
                tried(plans(totals), lambda plan: one(all_, act, plan))
            except AssertionError as why:
                wrong.append("%s: %s" % (act.__name__, why))
            assert all_.verdict(good) == "accepted", act.__name__
        show(all_.calls, "" if online else "db")
        assert not wrong, "\n".join(wrong)
        check = place.admin("check", check=False)
        assert check.returncode in (0, 1), check


def alone():
    """whatever call of a command fails without patd, it says so; what it
    acknowledged is there, and the store is whole
    """
    every(False)


def with_patd():
    """so it is with patd, which goes on"""
    every(True)


main([alone, with_patd])
