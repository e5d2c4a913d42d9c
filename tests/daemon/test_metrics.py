"""The metrics of pat-httpd: who can read them, and that they count."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess

import test_fcgi
from daemon import ROOT, Skip, forged, main, wait_for
from httpd import Http, place, request, status_for
import ports

LISTENER = "[listener metrics]\nprotocol = metrics\nlisten = %s\n"
UNIX = LISTENER % "{root}/run/metrics.sock"
ME = "root" if ROOT else str(os.geteuid())
SELF = "[self_service]\ntrusted_peers = %s\n" % ME
OWN = ("X-Remote-User: alice", "Sec-Fetch-Site: same-origin",
       "Content-Type: application/json")
TOKENS = "/rest/pat/latest/tokens"


def bearer(token):
    return "Authorization: Bearer " + token


def where(world):
    return os.path.join(world.run_dir, "metrics.sock")


def scrape(address, path="/metrics", method="GET"):
    """Status, type and text of one reading."""
    with socket.socket(socket.AF_UNIX if isinstance(address, str) else
                       socket.AF_INET) as sock:
        sock.settimeout(60)
        sock.connect(address)
        said = b""
        try:
            sock.sendall(request(path, "Connection: close", method=method))
            while piece := sock.recv(65536):
                said += piece
        except ConnectionError:
            return 0, None, ""  # refused before it was read
    head, _, body = said.decode().partition("\r\n\r\n")
    kind = re.search(r"(?mi)^content-type: (.*?)\r?$", head)
    return int(head.split()[1]), kind and kind[1], body


def values(world):
    """Each sample of the metrics: its value by name and labels."""
    status, _, text = scrape(where(world))
    assert status == 200, status
    return {name: float(value) for name, value in (
        line.rsplit(" ", 1) for line in text.splitlines()
        if not line.startswith("#"))}


def answers_of(shown, protocol):
    """How often each kind of answer was given, those that were."""
    found = {}
    for name, value in shown.items():
        said = re.fullmatch(r'jira_pat_httpd_answers_total\{protocol="%s",'
                            r'answer="(\w+)",code="(\d+)"\}' % protocol, name)
        if said and value:
            found[said[1], int(said[2])] = value
    return found


def ask(world, *fields, path="/auth/jira", **options):
    with Http(world.http) as http:
        return http.ask(path, *fields, **options)


# --- who can read them ------------------------------------------------------------


def off():
    """nobody can read them unless a listener is for it, and then only there"""
    for more in ("", UNIX, SELF + UNIX):
        with place(more) as world:
            for path in ("/metrics", "/metrics/", "/auth/metrics",
                         "/tokens/metrics", "/rest/pat/latest/metrics"):
                answer = ask(world, path=path)
                assert answer.status in (401, 404), (path, answer.status)
                assert b"jira_pat_httpd" not in answer.body, path


def nothing_else():
    """on that listener nothing else is answered, whoever asks"""
    with place(SELF + UNIX) as world:
        good = bearer(world.token())
        for path in ("/auth/jira", "/healthz", "/", "/tokens", TOKENS,
                     "/metrics/", "/metrics?x=y", "/Metrics", "/%6detrics",
                     "//metrics"):
            with Http(where(world)) as http:
                answer = http.ask(path, good, "X-Remote-User: alice")
                assert answer.status == 404, (path, answer.status)
        for method in ("POST", "PUT", "OPTIONS", "DELETE"):
            assert scrape(where(world), method=method)[0] == 404, method
        assert scrape(where(world), method="HEAD")[0] == 200


def type_and_cache():
    """the type is that of the text format, and nobody may keep the answer"""
    with place(UNIX) as world:
        status, kind, text = scrape(where(world))
        assert status == 200
        assert kind == "text/plain; version=0.0.4; charset=utf-8", kind
        assert text.endswith("\n")
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(where(world))
            sock.sendall(request("/metrics", "Connection: close"))
            assert b"\r\nCache-Control: no-store\r\n" in sock.recv(4096)


def strangers():
    """on a Unix socket only those may read them who may ask"""
    if not ROOT:
        raise Skip("needs root")
    with place("allow_users = www-data\n" + UNIX) as world:
        for uid, status in ((0, "200"), (33, "200"), (65534, "403")):
            got = status_for(where(world), uid, request("/metrics"))
            assert got == status, (uid, got)
        refused = 'jira_pat_httpd_connections_refused_total{reason="%s"}'
        shown = values(world)
        assert shown[refused % "not_allowed"] == 1, shown
        assert shown[refused % "no_room"] == 0, shown


def over_tcp():
    """over TCP the listener is one of this machine, as all are"""
    address = ("127.0.0.1", ports.free()[0])
    with place(LISTENER % ("127.0.0.1:%d" % address[1])) as world:
        assert scrape(address)[0] == 200
        assert scrape(address, "/auth/jira")[0] == 404
        world.stop_httpd()
        for wrong in ("0.0.0.0:9", "192.0.2.1:9", "localhost:9", "9"):
            world.write("[pat-httpd]\n" + LISTENER % wrong)
            done = world.run_httpd("--check-config")
            assert done.returncode == 3 and "listen: expected" in done.stderr


# --- what they count --------------------------------------------------------------


def counted():
    """each answer is counted by its kind, for its protocol, with its time"""
    with place("[service jira]\nscope = write\n" + UNIX) as world:
        token = world.token()
        narrow = world.token("alice", "--scope", "other")
        assert not answers_of(values(world), "http")
        for _ in range(3):
            assert ask(world, bearer(token)).status == 200
        for field in (bearer(forged(token[5:13])), "X: y",
                      "Authorization: x", bearer(narrow)):
            ask(world, field)
        with Http(world.http) as http:  # behind an answer that has a time
            assert http.ask("/auth/jira", bearer(token)).status == 200
            assert http.ask("/nothing").status == 404
        with test_fcgi.Fcgi(world.fcgi) as fcgi:
            assert fcgi.ask(token).status == 200
        shown = values(world)
        assert answers_of(shown, "http") == {
            ("accepted", 200): 4, ("denied", 401): 1,
            ("no_credentials", 401): 1, ("malformed", 401): 1,
            ("forbidden", 403): 1, ("not_found", 404): 1}, shown
        assert answers_of(shown, "fastcgi") == {("accepted", 200): 1}, shown
        times = 'jira_pat_httpd_answer_seconds_%s{protocol="%s"}'
        assert shown[times % ("count", "http")] == 8  # of no path: none
        assert shown[times % ("count", "fastcgi")] == 1
        assert 0 < shown[times % ("sum", "http")] < 60
        taken = 'jira_pat_httpd_connections_total{protocol="%s"}'
        assert shown[taken % "fastcgi"] == 1 and shown[taken % "metrics"] == 2
        assert shown[taken % "http"] >= 8, shown


def patd_away():
    """without patd they can be read, and say so"""
    with place(UNIX) as world:
        token = world.token()
        assert values(world)["jira_pat_httpd_patd_up"] == 1
        world.stop()
        assert ask(world, bearer(token)).status == 503
        shown = values(world)
        assert shown["jira_pat_httpd_patd_up"] == 0, shown
        assert answers_of(shown, "http") == {("unavailable", 503): 1}, shown
        world.start()
        wait_for(lambda: values(world)["jira_pat_httpd_patd_up"] == 1)


def no_room():
    """they can be read where there is no room for proxies, by a few at once"""
    with place("max_connections = 4\nmax_per_uid = 4\n" + UNIX) as world:
        full = [Http(world.http) for _ in range(4)]
        wait_for(lambda: values(world)["jira_pat_httpd_connections"] == 4)
        with Http(world.http) as http:
            assert http.answer().status == 503
        shown = values(world)
        assert shown["jira_pat_httpd_connections_refused_total"
                     '{reason="no_room"}'] == 1, shown
        assert shown["jira_pat_httpd_connections_max"] == 4, shown
        # A reader that stays takes no place of a proxy.
        for http in full:
            http.close()
        readers = [Http(where(world)) for _ in range(8)]
        with Http(where(world)) as http:
            assert http.answer().status == 503
        assert ask(world).status == 401
        for http in readers:
            http.close()
        wait_for(lambda: scrape(where(world))[0] == 200)


def stops_with_reader():
    """a reader that stays connected does not keep pat-httpd from ending"""
    with place(UNIX) as world:
        with Http(where(world)) as idle:
            assert scrape(where(world))[0] == 200
            assert world.stop_httpd(signal.SIGTERM) == 0
            assert idle.closed()


def self_service():
    """what users do to their tokens is counted by act and end; not without
    self-service"""
    with place(UNIX) as world:
        assert not any("self_service" in name for name in values(world))
    with place(SELF + UNIX) as world:
        act = 'jira_pat_httpd_self_service_acts_total{act="%s",result="%s"}'
        reply = ('jira_pat_httpd_self_service_replies_total'
                 '{part="%s",code="%s"}')
        shown = values(world)
        assert shown[act % ("create", "done")] == 0, shown
        assert not any(act % (name, "done") in shown
                       for name in ("purge", "import", "stats", "list"))

        def do(body, path=TOKENS, method="POST"):
            with Http(world.http) as http:
                http.send(request(
                    path, *OWN, "Content-Length: %d" % len(body),
                    method=method) + body)
                return http.answer()

        made = do(b'{"name":"ci"}')
        assert made.status == 201, made.status
        world.tokens.append(json.loads(made.body)["rawToken"])
        number = json.loads(made.body)["id"]
        world.admin("user", "disable", "alice")
        assert do(b'{"name":"ci"}').status == 403
        world.admin("user", "enable", "alice")
        assert do(b"", "%s/%d" % (TOKENS, number), "DELETE").status == 204
        ask(world, "X-Remote-User: alice", path="/tokens")
        world.stop()
        assert do(b'{"name":"ci"}').status == 503
        shown = values(world)
        assert shown[act % ("create", "done")] == 1, shown
        assert shown[act % ("create", "refused")] == 1, shown
        assert shown[act % ("create", "unavailable")] == 1, shown
        assert shown[act % ("revoke", "done")] == 1, shown
        assert shown[reply % ("rest", "2xx")] == 2, shown
        assert shown[reply % ("rest", "4xx")] == 1, shown
        assert shown[reply % ("rest", "5xx")] == 1, shown
        assert shown[reply % ("page", "2xx")] == 1, shown


def nobody_named():
    """no user, token or service is in them, and they do not grow"""
    with place(SELF + UNIX) as world:
        before = len(values(world))
        token = world.token("alice-of-the-metrics")
        for path in ("/auth/of-the-metrics", "/of-the-metrics"):
            ask(world, bearer(token), "X-Forwarded-Uri: /of-the-metrics",
                path=path)
        text = scrape(where(world))[2]
        assert "of-the-metrics" not in text and token[5:13] not in text
        assert len(values(world)) == before


def promtool():
    """promtool finds nothing wrong with them"""
    if shutil.which("promtool") is None:
        raise Skip("no promtool")
    with place(SELF + UNIX) as world:
        ask(world, bearer(world.token()))
        done = subprocess.run(
            ["promtool", "check", "metrics"], text=True, capture_output=True,
            input=scrape(where(world))[2], timeout=60)
        assert done.returncode == 0 and not done.stdout + done.stderr, done


main([off, nothing_else, type_and_cache, strangers, over_tcp, counted,
      patd_away, no_room, stops_with_reader, self_service, nobody_named,
      promtool])
