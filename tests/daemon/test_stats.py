"""pat-admin stats: patd counts what it answers, and says so in three ways."""
import json
import os
import subprocess

from daemon import ACCEPT, DENY, Client, Skip, main, wait_for, world

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


main([counts, uses_show_at_once, connections, prometheus, without_patd, for_people, one_format])
