"""pat-admin stats: patd counts what it answers, and says so in three ways."""
import json
import os
import pwd
import shutil
import signal
import subprocess

from daemon import ACCEPT, DENY, ROOT, Client, Skip, main, wait_for, world

SYSTEM_PYTHON = "/usr/bin/python3"
PARSE = """
import json, sys
from prometheus_client.parser import text_string_to_metric_families as parse
print(json.dumps([
    {"name": f.name, "type": f.type, "help": f.documentation,
     "samples": [[s.name, s.labels, s.value] for s in f.samples]}
    for f in parse(sys.stdin.read())]))
"""


def some_work(place):
    """Three accepted, two denied, with one hash; returns the token."""
    token = place.token()
    with Client(place.verify) as client:
        for _ in range(3):
            assert client.ask("alice", token) == (ACCEPT, "alice")
        assert client.ask("bob", token) == (DENY, "")
        assert client.ask("alice", "secret") == (DENY, "")
    return token


def counts():
    """every answer is counted by its reason and has a time"""
    with world() as place:
        some_work(place)
        stats = place.stats()
        requests = stats["requests"]
        assert requests["accepted"]["accepted"] == 3, requests
        assert requests["denied"].pop("wrong-user") == 1, requests
        assert requests["denied"].pop("shape") == 1, requests
        assert not any(requests["denied"].values()), requests
        assert not any(requests["unavailable"].values()), requests
        latency = stats["latency"]
        assert latency["count"] == 5, latency
        assert sum(b["count"] for b in latency["buckets"]) == 5, latency
        assert 0 < latency["p50"] <= latency["p99"] < 10, latency
        assert latency["p50"] * 2 < latency["sum"] * 9 / 8, latency
        assert stats["argon2_runs"] == 1, stats
        assert stats["memo"]["hits"] == 3, stats
        assert stats["store"]["records"] == 1, stats
        assert stats["queue"]["depth"] == 0, stats


def uses_show_at_once():
    """a use shows in list, show and export before it is written"""
    with world() as place:
        token = some_work(place)
        for command in (["list", "--json"], ["show", token[5:13], "--json"],
                        ["export"]):
            shown = json.loads(place.admin(*command).stdout.strip().strip(
                "[]").splitlines()[0])
            assert shown["use_count"] == 3, (command, shown)
            assert shown["last_used_at"] is not None, (command, shown)


def connections():
    """open and refused connections are counted"""
    with world("max_per_uid = 3") as place:
        wait_for(lambda: place.stats()["connections"]["open"] == 0)
        clients = [Client(place.verify) for _ in range(5)]
        assert [client.closed() for client in clients[3:]] == [True, True]
        shown = place.stats()["connections"]
        assert shown["open"] == 3 and shown["refused"] == 2, shown
        for client in clients:
            client.close()
        wait_for(lambda: place.stats()["connections"]["open"] == 0)


def parsed(place):
    """What a real reader of the format of Prometheus makes of it."""
    if not os.access(SYSTEM_PYTHON, os.X_OK) or subprocess.run(
            [SYSTEM_PYTHON, "-c", "import prometheus_client"],
            capture_output=True).returncode != 0:
        raise Skip("no python3-prometheus-client")
    shown = place.admin("stats", "--prometheus").stdout
    families = json.loads(subprocess.run(
        [SYSTEM_PYTHON, "-c", PARSE], input=shown, text=True, check=True,
        capture_output=True).stdout)
    return {family["name"]: family for family in families}


def prometheus():
    """--prometheus is what a Prometheus client reads, and says the same"""
    with world() as place:
        some_work(place)
        families = parsed(place)
        for name, family in families.items():
            assert name.startswith("jira_pat_"), name
            assert family["help"] and family["type"] in (
                "counter", "gauge", "histogram"), family
        value = {(name, json.dumps(labels)): number
                 for family in families.values()
                 for name, labels, number in family["samples"]}
        accepted = json.dumps({"verdict": "accepted", "reason": "accepted"})
        assert value["jira_pat_requests_total", accepted] == 3
        assert value["jira_pat_up", "{}"] == 1
        assert value["jira_pat_argon2_runs_total", "{}"] == 1
        assert value["jira_pat_store_records", "{}"] == 1
        histogram = families["jira_pat_answer_seconds"]
        assert histogram["type"] == "histogram"
        buckets = [number for name, _, number in histogram["samples"]
                   if name.endswith("_bucket")]
        assert buckets == sorted(buckets) and buckets[-1] == 5, buckets


def promtool():
    """promtool finds nothing wrong with --prometheus"""
    if shutil.which("promtool") is None:
        raise Skip("no promtool")
    with world() as place:
        some_work(place)
        done = subprocess.run(
            ["promtool", "check", "metrics"], text=True, capture_output=True,
            input=place.admin("stats", "--prometheus").stdout, timeout=60)
        assert done.returncode == 0 and not done.stdout + done.stderr, done


def without_patd():
    """without patd the store is told, and that nothing counts"""
    with world(start=False) as place:
        place.token()
        stats = place.stats()
        assert stats["patd"] is False and "requests" not in stats, stats
        assert "memo" not in stats, stats
        assert stats["store"]["records"] == 1, stats
        done = place.admin("stats")
        assert "patd is not running" in done.stderr, done.stderr
        assert "store records" in done.stdout, done.stdout
        assert "jira_pat_up 0\n" in place.admin(
            "stats", "--prometheus").stdout


def for_people():
    """the text names what happened, and nothing that did not"""
    with world() as place:
        some_work(place)
        words = [line.rsplit(None, 1) for line in place.admin(
            "stats").stdout.splitlines()]
        shown = {key.strip(): value for key, value in words}
        assert shown["accepted"] == "3", shown
        assert shown["denied wrong-user"] == "1", shown
        assert "denied revoked" not in shown, shown
        assert shown["argon2_runs"] == "1", shown


def one_format():
    """--json and --prometheus together are a usage error"""
    with world(start=False) as place:
        done = place.admin("stats", "--json", "--prometheus", check=False)
        assert done.returncode == 2 and not done.stdout, done
        assert "choose one" in done.stderr, done.stderr
        done = place.admin("stats", "--output", "x", check=False)
        assert done.returncode == 2 and "--prometheus" in done.stderr, done


def write_file(place, path, check=True):
    return place.admin("stats", "--prometheus", "--output", path, check=check)


def read(path):
    with open(path) as file:
        return file.read()


def into_a_file():
    """--output replaces the file: the same text, for everybody, none beside"""
    with world() as place:
        some_work(place)
        folder = os.path.join(place.root, "textfile")
        path = os.path.join(folder, "jira-pat.prom")
        os.mkdir(folder)
        with open(path, "w") as file:
            file.write("of before\n")
        before = os.stat(path).st_ino
        assert write_file(place, path).stdout == ""
        wanted = place.admin("stats", "--prometheus").stdout
        assert [line.rsplit(" ", 1)[0] for line in read(path).splitlines()
                ] == [line.rsplit(" ", 1)[0] for line in wanted.splitlines()]
        assert "jira_pat_argon2_runs_total 1\n" in read(path)
        assert os.stat(path).st_mode & 0o777 == 0o644, os.stat(path)
        assert os.stat(path).st_ino != before, "it was written in place"
        assert os.listdir(folder) == ["jira-pat.prom"], os.listdir(folder)


def no_half_file():
    """where the numbers cannot be had or written, the file stays as it was"""
    with world() as place:
        folder = os.path.join(place.root, "textfile")
        path = os.path.join(folder, "jira-pat.prom")
        os.mkdir(folder)
        write_file(place, path)
        before = read(path)
        place.write("no_such_key = 1")
        done = write_file(place, path, check=False)
        assert done.returncode == 3 and done.stderr.count("pat-admin") == 1, (
            done)
        assert read(path) == before
        place.write()
        done = subprocess.run(
            ["sh", "-c", "ulimit -f 1; exec \"$@\"", "sh",
             place.admin_program, "--config", place.config, "stats",
             "--prometheus", "--output", path],
            text=True, capture_output=True, preexec_fn=ignore_file_limit)
        assert done.returncode == 3 and done.stderr, done
        assert read(path) == before
        assert os.listdir(folder) == ["jira-pat.prom"], os.listdir(folder)


def ignore_file_limit():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def file_of_others():
    """--output follows no link, and names what is wrong with its path"""
    with world() as place:
        aim = os.path.join(place.root, "aim")
        link = os.path.join(place.root, "jira-pat.prom")
        with open(aim, "w") as file:
            file.write("mine\n")
        os.symlink(aim, link)
        done = write_file(place, link, check=False)
        assert done.returncode == 3 and "not a regular file" in done.stderr, (
            done)
        assert read(aim) == "mine\n" and os.path.islink(link)
        done = write_file(place, place.root + "/no/x.prom", check=False)
        assert done.returncode == 3 and "x.prom: No such" in done.stderr, done


def file_without_patd():
    """without patd, root still replaces a file that only root may replace"""
    with world(start=False) as place:
        place.token()
        folder = os.path.join(place.root, "textfile")
        path = os.path.join(folder, "jira-pat.prom")
        os.mkdir(folder, 0o755)
        write_file(place, path)
        assert "jira_pat_up 0\n" in read(path), read(path)
        assert "jira_pat_store_records 1\n" in read(path), read(path)
        assert os.stat(path).st_uid == os.geteuid()


def file_without_store():
    """without patd and without the store the file still says that patd is down"""
    with world(start=False) as place:
        path = os.path.join(place.root, "jira-pat.prom")
        store = os.path.join(place.root, "store")
        os.rename(store, store + ".away")
        done = write_file(place, path)
        assert done.stderr.count("pat-admin: stats: ") == 1, done
        assert "jira_pat_up 0\n" in read(path), read(path)
        assert "jira_pat_store" not in read(path), read(path)
        for format in ([], ["--json"]):
            done = place.admin("stats", *format, check=False)
            assert done.returncode == 3 and not done.stdout, done


def roots_folder_in_anothers():
    """root's folder in one of somebody else, as Debian has it: no link in it"""
    if not ROOT:
        raise Skip("only root has others' folders to write in")
    with world() as place:
        outer = os.path.join(place.root, "prometheus")
        folder = os.path.join(outer, "node-exporter")
        path = os.path.join(folder, "jira-pat.prom")
        os.makedirs(folder)
        os.chown(outer, pwd.getpwnam("bin").pw_uid, -1)
        write_file(place, path)
        assert "jira_pat_up 1\n" in read(path), read(path)
        # The owner of the outer folder puts another one there.
        aim = os.path.join(place.root, "aim")
        os.rename(folder, aim)
        os.remove(os.path.join(aim, "jira-pat.prom"))
        os.symlink(aim, folder)
        done = write_file(place, path, check=False)
        assert done.returncode == 3 and "symbolic" in done.stderr, done
        assert os.listdir(aim) == [], os.listdir(aim)


main([counts, uses_show_at_once, connections, prometheus, promtool, without_patd,
      for_people, one_format, into_a_file, no_half_file, file_of_others,
      file_without_patd, file_without_store, roots_folder_in_anothers])
