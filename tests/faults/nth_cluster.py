"""Every n-th call of what makes a host one of a cluster fails: of pat-admin cluster and
the pat-clusterd that it starts, and of the pat-clusterd that serves patd.
"""
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys

sys.path.append(os.path.join(os.environ["JP_SOURCE"], "tests/cluster"))

import postgres  # noqa: E402
from apart import Apart  # noqa: E402
from cluster import CLUSTERD, Cluster, wait_for  # noqa: E402
from daemon import ACCEPT, DENY, Skip, main  # noqa: E402
from nth_call import CLASSES, EVER, Calls, Plan, clear, explained, mute, plans, \
    show, tried  # noqa: E402


NONE = Plan("memory", 0, "once")  # nothing fails, but all is counted


def open_bytes(path):
    with open(path, "rb") as file:
        return file.read()


class Own(Apart):
    """It can be what it was. `link_env`: of its pat-clusterd alone."""
    link_env = None

    def keep(self):
        self.kept = self.root + ".kept"
        subprocess.run(["cp", "-a", self.root, self.kept], check=True)

    def restore(self):
        shutil.rmtree(self.root)
        subprocess.run(["cp", "-a", self.kept, self.root], check=True)

    def remove(self):
        super().remove()
        shutil.rmtree(self.root + ".kept", ignore_errors=True)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.root + ".calls")

    def live(self):
        return self.alone() and super().live()

    def leftovers(self):
        """What a join has made beside the store and the pepper."""
        return [name for folder in (self.root, self.root + "/key")
                for name in os.listdir(folder) if ".join" in name]

    def peppers(self):
        """All that there are, by their content."""
        folder = os.path.join(self.root, "key")
        return [open_bytes(os.path.join(folder, name)) for name in os.listdir(folder)
                if name.startswith("pepper.key")]

    def read_pepper(self):
        return open_bytes(self.pepper())

    def environment(self):
        return self.link_env

    def links(self):
        """Its pat-clusterd is there, and all is well."""
        return self.clusterd.poll() is None and self.admin(
            "cluster", "status", check=False).returncode == 0


class Commands:
    """Two hosts: `one`, whose tokens the cluster gets, and `two`."""
    three = None  # has no tokens

    def __init__(self, whole, one, two):
        self.whole, self.one, self.two = whole, one, two
        self.calls = Calls(one.root + ".calls")
        self.plan = None

    def run(self, host, *words):
        """Its status and what it printed, with the calls of the plan."""
        if words[1] != "status":
            words += ("--clusterd", CLUSTERD)
        with self.calls.failing(self.plan or NONE, EVER):
            done = subprocess.run(
                [host.admin_program, "--config", host.config, *words], text=True,
                stdin=subprocess.DEVNULL, capture_output=True, timeout=120,
                env=self.calls.env, errors="backslashreplace")
        explained(done, self.plan is not None and mute(self.plan))
        return done

    def database(self, statement):
        with self.whole.pair.owner() as session:
            session.rows(statement)

    def drop(self):
        self.database("DROP SCHEMA IF EXISTS jira_pat CASCADE")

    def nodes(self):
        with self.whole.pair.owner() as session:
            return [row[0] for row in session.rows(
                "SELECT name FROM jira_pat.node ORDER BY name")]

    def imported(self):
        with self.whole.pair.owner() as session:
            return session.one("SELECT count(*) FROM jira_pat.log") == "1"

    def remember(self):
        """The log is empty."""
        self.database("CREATE TABLE public.kept AS SELECT * FROM jira_pat.head")

    def forget_two(self):
        """All is what it was before it joined."""
        self.database("DELETE FROM jira_pat.node WHERE name = 'proxy2'")
        self.database("DELETE FROM jira_pat.log")
        self.database("UPDATE jira_pat.head h SET seq = k.seq, mac = k.mac, "
                      "total = k.total FROM public.kept k")
        self.two.restore()

    def killed(self):
        return self.plan is not None and self.plan.kind == "random"

    def remove(self, path):
        if os.path.isdir(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)

    def join(self):
        """Without a fault. What has no random bytes leaves as if it were killed."""
        words = ("cluster", "join", "--import", "--pepper",
                 self.one.root + "/key/pepper.key")
        done = self.two.admin(*words, check=False)
        while self.killed() and " is in the way" in done.stderr:
            self.remove(re.search(r"cluster: (\S+) is in the way", done.stderr)[1])
            done = self.two.admin(*words, check=False)
        assert done.returncode == 0, done


def again_init(all_):
    """The same command again is all that it takes."""
    done = again(all_, all_.one, ("cluster", "init"))
    assert done.returncode == 0 or "in a cluster already" in done.stderr, done


def init(all_):
    all_.drop()
    all_.one.restore()
    if all_.run(all_.one, "cluster", "init").returncode != 0:
        again_init(all_)
    assert all_.nodes() == ["proxy1"], all_.nodes()
    assert all_.one.live() == ["alice"]
    all_.one.write()


def entered(all_, again):
    """What was imported by a join that failed at its very end is in the log."""
    assert all_.nodes() == ["proxy1", "proxy2"], all_.nodes()
    assert all_.two.leftovers() == [], all_.two.leftovers()
    live = all_.two.live()
    assert live == ["alice", "bob"] or (
        again and live == ["alice"] and all_.imported()), live


def join(all_):
    """Whatever became of it, it can be done again."""
    all_.forget_two()
    done = all_.run(all_.two, "cluster", "join", "--import", "--pepper",
                    all_.one.root + "/key/pepper.key")
    if done.returncode != 0:
        all_.join()
    entered(all_, done.returncode != 0)


def leave(all_, *more):
    all_.forget_two()
    all_.join()
    done = all_.run(all_.two, "cluster", "leave", *more)
    if done.returncode != 0:
        again = all_.two.admin("cluster", "leave", *more, check=False)
        assert again.returncode == 0 or "no cluster" in again.stderr, again
    assert more or all_.nodes() == ["proxy1"], all_.nodes()
    assert set(all_.two.live()) == {"alice", "bob"}, all_.two.live()
    said = all_.two.admin("test", "bob", said=all_.two.tokens[0]).stdout
    assert said.startswith("accepted"), said


def leave_alone(all_):
    leave(all_, "--without-database")


def status(all_):
    done = all_.run(all_.one, "cluster", "status", "--json")
    if done.returncode == 0:
        assert json.loads(done.stdout)["nodes"][0]["node"] == "proxy1", done


def one_plan(all_, act, plan):
    all_.plan = plan
    try:
        act(all_)
    finally:
        all_.plan = None
        all_.calls.off()


def every(all_, act):
    """What went wrong, of all plans for it."""
    act(all_)
    totals = {kind: all_.calls.total(kind) for kind in CLASSES}
    try:
        tried(plans(totals), lambda plan: one_plan(all_, act, plan))
    except AssertionError as why:
        return ["%s: %s" % (act.__name__, why)]
    return []


@contextlib.contextmanager
def hosts():
    if not os.access(CLUSTERD, os.X_OK):
        raise Skip("pat-clusterd is not built")
    try:
        whole = Cluster(hosts=0, standby=False)
    except postgres.Missing as missing:
        raise Skip(str(missing)) from None
    try:
        for number, user in enumerate(("alice", "bob")):
            whole.hosts.append(Own(whole, number))
            whole.hosts[number].token(user)
            whole.hosts[number].keep()
        yield Commands(whole, *whole.hosts)
        whole.check_logs()
    finally:
        whole.close()


def commands():
    """whatever call of init, join or leave fails, it says so, and can be done again:
    then all is as if nothing had failed"""
    with hosts() as all_:
        wrong = []
        wrong += every(all_, init)
        all_.remember()
        for act in (join, leave, leave_alone):
            wrong += every(all_, act)
        show(all_.calls)
        assert not wrong, "\n".join(wrong)


# ---- killed ----

def killed_at(all_, host, words, call, number):
    """pat-admin alone dies at this call. False: it has ended before."""
    trace = all_.one.root + ".trace"
    done = subprocess.run(
        ["strace", "-qq", "-o", trace, "-e", "trace=" + call, "-e",
         "inject=%s:signal=KILL:when=%d" % (call, number), host.admin_program,
         "--config", host.config, *words, "--clusterd", CLUSTERD], text=True,
        stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
    with open(trace) as file:
        dead = "+++ killed by SIGKILL +++" in file.read()
    os.unlink(trace)
    assert dead or done.returncode == 0, done
    return dead


def again(all_, host, words):
    """The same once more, as soon as the database has missed who was killed."""
    done = []

    def tried_again():
        done[:] = [host.admin(*words, check=False)]
        return "in a minute" not in done[0].stderr
    wait_for(tried_again)
    return done[0]


def pair_is_said(all_):
    """Whoever meets a store and a pepper that do not belong together hears why."""
    done = all_.two.alone().admin("list", check=False)
    all_.two.write()
    said = done.stderr
    if done.returncode != 0 and "pepper" in said:
        assert "pepper.key.before-" in said and "cluster join" in said, said
        return True
    return False


def killed_join(all_, more, call, number):
    all_.forget_two()
    words = ("cluster", "join", *more, "--pepper", all_.one.root + "/key/pepper.key")
    before = all_.two.read_pepper()
    if not killed_at(all_, all_.two, words, call, number):
        return False
    if pair_is_said(all_):
        all_.pairs += 1
        # A backup that is put back knows nothing of what was half done.
        words = words[:-2] if all_.pairs % 2 else words
    done = again(all_, all_.two, words)
    assert done.returncode == 0, done
    entered(all_, True)
    assert before in all_.two.peppers(), "the pepper of before is lost"
    all_.two.write()
    return True


def inode(path):
    return os.stat(path).st_ino


def stores(host):
    """All that there are, whatever they are called by now."""
    return {inode(os.path.join(host.root, name)) for name in os.listdir(host.root)
            if name == "store" or name.startswith("store.before-")}


def killed_fill(all_, call, number):
    """A host without tokens, of which the cluster knows nothing yet."""
    three = all_.three
    all_.database("DELETE FROM jira_pat.node WHERE name = 'proxy3'")
    three.restore()
    words = ("cluster", "join", "--pepper", all_.one.root + "/key/pepper.key")
    pepper, store = three.read_pepper(), inode(three.root + "/store")
    if not killed_at(all_, three, words, call, number):
        return False
    assert pepper in three.peppers() and store in stores(three), "lost at once"
    done = again(all_, three, words)
    assert done.returncode == 0, done
    assert all_.nodes() == ["proxy1", "proxy3"], all_.nodes()
    assert three.leftovers() == [], three.leftovers()
    assert pepper in three.peppers(), "the pepper of before is lost"
    assert store in stores(three), "the store of before is lost"
    assert three.read_pepper() == all_.one.read_pepper()
    assert three.live() == ["alice"], three.live()
    three.write()
    return True


def killed_import(all_, call, number):
    return killed_join(all_, ("--import",), call, number)


def killed_init(all_, call, number):
    """All that follow have the cluster of the last one."""
    all_.drop()
    all_.one.restore()
    words = ("cluster", "init")
    if not killed_at(all_, all_.one, words, call, number):
        return False
    done = again(all_, all_.one, words)
    assert done.returncode == 0 or "in a cluster already" in done.stderr, done
    assert all_.nodes() == ["proxy1"], all_.nodes()
    assert all_.one.live() == ["alice"]
    all_.one.write()
    return True


def killed_leave(all_, call, number):
    all_.forget_two()
    all_.join()
    words = ("cluster", "leave")
    if not killed_at(all_, all_.two, words, call, number):
        return False
    done = again(all_, all_.two, words)
    assert done.returncode == 0 or "in no cluster" in done.stderr, done
    assert all_.nodes() == ["proxy1"], all_.nodes()
    assert set(all_.two.live()) == {"alice", "bob"}, all_.two.live()
    all_.two.write()
    return True


# What each does that something can come in between of.
KILLS = ((killed_import, "mkdir rename renameat2 unlink rmdir sendto"),
         (killed_leave, "sendto"), (killed_init, "sendto"),
         (killed_fill, "mkdir rename renameat2 unlink rmdir fsync sendto"))
MANY = 30  # calls of one kind, of which no command makes so many


def killed_everywhere(all_, act, calls):
    wrong, count = [], 0
    for call in calls.split():
        number, goes_on = 1, True
        while goes_on:
            try:
                goes_on = act(all_, call, number)
            except AssertionError as why:
                goes_on = number < MANY
                wrong.append("%s %s:%d: %s" % (act.__name__, call, number, why))
                print("# " + wrong[-1].replace("\n", " "), flush=True)
            count += goes_on
            number += 1
    assert count, "%s was never killed" % act.__name__
    return wrong


def killed():
    """wherever init, join or leave is killed, running it again is all that it takes, and
    no pepper or store of before is lost; who meets what was half done says what to do"""
    if not shutil.which("strace") or subprocess.run(
            ["strace", "-o", "/dev/null", "true"], capture_output=True).returncode:
        raise Skip("strace is missing, or may not trace")
    with hosts() as all_:
        all_.pairs, wrong = 0, []
        all_.three = Own(all_.whole, 2)
        all_.whole.hosts.append(all_.three)
        all_.three.keep()
        all_.one.admin("cluster", "init")
        all_.remember()
        for act, calls in KILLS:
            wrong += killed_everywhere(all_, act, calls)
        assert all_.pairs > 0 or wrong, "no pair was half exchanged"
        assert not wrong, "\n".join(wrong)


# ---- while it serves ----


def began(all_):
    """pat-clusterd starts."""
    all_.one.end_link()
    all_.one.start_link()
    wait_for(lambda: all_.one.clusterd.poll() is not None or all_.one.links() or
             all_.calls.word("failed") > 0)


def changed(all_):
    """What is acknowledged holds, also later."""
    done = all_.one.admin("create", "carol", check=False)
    if done.returncode == 0:
        all_.made = done.stdout.strip()
        done = all_.one.admin("revoke", all_.made[5:13], check=False)
        all_.ended = done.returncode == 0
    if done.returncode != 0:
        clear(done.stderr)


def resumes(all_, mark):
    """It goes on, or has left by itself and said why, and is started anew."""
    one = all_.one
    wait_for(lambda: one.clusterd.poll() is not None or one.links(), one.story)
    has_left = one.clusterd.poll() is not None
    words = one.read_link_log()[mark:]
    if has_left:
        assert one.clusterd.returncode > 0, (one.clusterd.returncode, words[-400:])
        assert words or mute(all_.plan), "nothing is said"
        one.start_link()
        wait_for(one.links, one.story)
    clear(words)
    assert one.verdict("alice", one.tokens[0]) == ACCEPT
    if all_.made is not None:
        verdict = one.verdict("carol", all_.made)
        assert verdict == DENY if all_.ended else verdict != DENY


def one_service(all_, act, plan):
    all_.plan, all_.made, all_.ended = plan, None, False
    mark = len(all_.one.read_link_log())
    with all_.calls.failing(plan):
        act(all_)
    resumes(all_, mark)


def anew(all_):
    all_.calls.off()
    all_.one.end_link()
    all_.one.start_link()
    wait_for(all_.one.links, all_.one.story)


def serving():
    """whatever call of pat-clusterd fails, it goes on, or leaves, says why, and
    starts again: the host has its lease then, nothing that was acknowledged is lost, and
    no change is half done; so it is with status"""
    with hosts() as all_:
        init(all_)
        all_.one.start()
        wait_for(all_.one.links, all_.one.story)
        wrong = every(all_, status)
        all_.one.link_env = all_.calls.env
        for act in (began, changed):
            one_service(all_, act, NONE)
            totals = {kind: all_.calls.total(kind) for kind in CLASSES}
            try:
                tried(plans(totals),
                      lambda plan: one_service(all_, act, plan),
                      lambda: anew(all_))
            except AssertionError as why:
                wrong.append("%s: %s" % (act.__name__, why))
        show(all_.calls, "")
        assert not wrong, "\n".join(wrong)


main([case for case in (commands, killed, serving)
      if len(sys.argv) < 2 or case.__name__ in sys.argv[1:]])
