"""What is left of secrets when they are not needed any more: in memory, of
patd after each kind of question and act, of programs at their very end; and in
all files.
"""
import base64
import hashlib
import os
import re
import signal
import socket
import subprocess
import tempfile

from daemon import (ACCEPT, AUDIT, DENY, PATD, ROOT, SANITIZED, Client, Skip,
                    as_user, detailed, forged, main, phc_of, question, text,
                    wait_for, world)
from httpd import Http, place, request
from memory import found, needles_of, to_the_end

TOKEN = re.compile(r"jpat_[0-9A-Za-z]{8}_[0-9A-Za-z]{36}")
UPSTREAM = "MDA5ODc2NTQzMjEwOgQkVEryS3cr3tMDA5ODc2"
IMPORTED = "hunter22-hunter23-hunter24-hunter"
CONFIG = AUDIT + """mux = {root}/run/mux
[pat-httpd]
user = bin
[self_service]
trusted_peers = root
url = https://jira.example.com/tokens
[service jira]
upstream = yes
"""


def needs_memory():
    if not ROOT:
        raise Skip("needs root")
    if SANITIZED:
        raise Skip("a sanitizer keeps freed memory as it was")
    try:
        to_the_end([PATD, "--version"], lambda pid: found(pid, {}),
                   stdout=subprocess.DEVNULL)
    except OSError:
        raise Skip("may not look into other processes") from None


def needles(tokens, secrets=()):
    """Of tokens, as they are and as Basic has them, and of other secrets."""
    all_of = needles_of(tokens)
    for number, token in enumerate(tokens):
        pair = base64.b64encode(("alice:" + token).encode())
        all_of["pair %d" % number] = pair[20:60]
    for secret in secrets:
        all_of["secret " + secret[:4]] = secret.encode()
    return all_of


def keys_of(world_):
    """The keys on disk: {name: bytes}."""
    folder = os.path.join(world_.root, "key")
    keys = {}
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), "rb") as file:
            keys[name] = file.read()
    return keys


# ---- pat-admin ----

def last_of_admin(world_, args, said=""):
    """What pat-admin printed, and what of its secrets its memory holds when it
    is done: those that it read, printed, or wrote into a file of its own.
    """
    hits = {}
    with tempfile.TemporaryFile("w+") as given, \
            tempfile.TemporaryFile("w+") as out, \
            tempfile.TemporaryFile("w+") as err:
        given.write(said)
        given.seek(0)

        def look(pid):
            out.seek(0)
            seen = said + out.read()
            if "--output" in args:
                with open(args[args.index("--output") + 1]) as file:
                    seen += file.read()
            secrets = [UPSTREAM] if UPSTREAM in said else []
            hits.update(found(pid, dict(
                needles(TOKEN.findall(seen), secrets), **keys_of(world_))))

        status = to_the_end(
            [world_.admin_program, "--config", world_.config, *args], look,
            stdin=given, stdout=out, stderr=err)
        out.seek(0)
        err.seek(0)
        printed = out.read()
        assert status in (0, 1), (args, status, err.read())
    return printed, hits


def use_admin(world_):
    def run(*args, said=""):
        printed, hits = last_of_admin(world_, args, said)
        assert not hits, (args, hits)
        return TOKEN.findall(printed)

    listed = os.path.join(world_.root, "listed.csv")
    with open(listed, "w") as file:
        file.write("user\nursula\nviktor\n")
    token, = run("create", "alice")
    run("create", "alice", "--bearer")
    run("create", "alice", "--json")
    run("create", "alice", "--link", "--json")
    successor, = run("rotate", token[5:13])
    run("rotate", successor[5:13], "--json")
    run("create", "--batch", listed, "--output", world_.root + "/made.csv")
    run("create", "--batch", listed, "--json", "--output",
        world_.root + "/made.json")
    run("test", "alice", said=token + "\n")
    run("test", "alice", "--json", said=token + "\n")
    run("test", "alice", said=forged(token[5:13]) + "\n")
    run("test", "alice", said=forged("zzzzzzzz") + "\n")
    run("identify", said="lost: %s and more\n" % token)
    run("identify", "--json", said="lost: %s and more\n" % token)
    run("upstream", "set", "alice", said=UPSTREAM + "\n")
    if world_.patd is not None:  # else root has to put it in its place
        run("upstream", "rekey")
    run("revoke", "--from-file", "-", said=token + "\n")
    run("export")
    run("backup", world_.root + "/backup")


def admin_with_patd():
    """pat-admin leaves no token, credential or key in its memory, whatever it
    did with them, beside patd"""
    needs_memory()
    with world(CONFIG, args=()) as world_:
        use_admin(world_)


def admin_alone():
    """nor without patd, where it has the store and the keys itself"""
    needs_memory()
    with world(CONFIG, start=False) as world_:
        use_admin(world_)
        printed, hits = last_of_admin(
            world_, ["restore", world_.root + "/backup"])
        assert not hits, hits


# ---- patd ----

def accepted(world_):
    token = world_.token()
    for _ in range(2):
        assert world_.ask("alice", token) == (ACCEPT, "alice")
    return [token]


def wrong(world_):
    token = forged(world_.token()[5:13])
    assert world_.ask("alice", token) == (DENY, "")
    return [token]


def unknown(world_):
    token = forged("zzzzzzzz")
    assert world_.ask("alice", token) == (DENY, "")
    return [token]


def too_long(world_):
    token = forged("yyyyyyyy")
    assert world_.ask("alice", token + "x" * 300) == (DENY, "")
    return [token]


def as_a_name(world_):
    token = world_.token()
    assert world_.ask(token, token) == (DENY, "")
    return [token]


def malformed(world_):
    token = world_.token()
    for data in (question("alice", token)[:-2], question("alice", token)[1:],
                 question("alice", token) + b"x" * 2000):
        with Client(world_.verify) as client:
            client.send(data)
            assert client.closed()
    return [token]


def over_mux(world_):
    token = world_.token()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as mux:
        mux.settimeout(60)
        mux.connect(world_.root + "/run/mux")
        mux.sendall(text("alice") + text(token) + text("svn") + text(""))
        assert mux.recv(99) == b"\0\2OK"
    return [token]


def tested(world_):
    token = world_.token()
    world_.admin("test", "alice", said=token + "\n")
    world_.admin("identify", said=token + "\n")
    return [token]


def rotated(world_):
    token = world_.token()
    successor = world_.admin("rotate", token[5:13]).stdout.strip()
    assert world_.ask("alice", successor) == (ACCEPT, "alice")
    assert world_.ask("alice", token)[0] == DENY
    return [token, successor]


def revoked(world_):
    token = world_.token()
    assert world_.ask("alice", token) == (ACCEPT, "alice")
    world_.admin("revoke", "--from-file", "-", said=token + "\n")
    assert world_.ask("alice", token)[0] == DENY
    return [token]


def in_a_batch(world_):
    listed, made = world_.root + "/listed", world_.root + "/made"
    with open(listed, "w") as file:
        file.write("user\nursula\nviktor\n")
    world_.admin("create", "--batch", listed, "--output", made)
    with open(made) as file:
        return TOKEN.findall(file.read())


def upstream(world_):
    token = world_.token()
    world_.admin("upstream", "set", "alice", said=UPSTREAM + "\n")
    with Client(world_.verify) as client:
        client.send(detailed("alice", token))
        assert UPSTREAM in client.details().upstream
    world_.admin("upstream", "rekey")
    return [token, UPSTREAM]


def imported(world_):
    path = world_.root + "/imported"
    with open(path, "w") as file:
        file.write("carol:%s\n" % phc_of(IMPORTED))
    world_.admin("import", path)
    assert world_.ask("carol", IMPORTED) == (ACCEPT, "carol")
    assert world_.ask("carol", IMPORTED + "x")[0] == DENY
    return [IMPORTED]


def maintained(world_):
    token = world_.token()
    assert world_.ask("alice", token) == (ACCEPT, "alice")
    world_.admin("backup", world_.root + "/backup")
    world_.admin("purge")
    world_.patd.send_signal(signal.SIGHUP)
    world_.logged("settings: reloaded")
    return [token]


ACTS = [unknown, wrong, too_long, as_a_name, malformed, accepted, over_mux,
        tested, rotated, revoked, in_a_batch, upstream, imported, maintained]


def patd_after_each():
    """patd's memory holds nothing of a token, a credential or an imported secret
    after each kind of question and act, the first of its kind, too; and each
    key once, in locked memory"""
    needs_memory()
    with world(CONFIG, args=()) as world_:
        for act in ACTS:
            secrets = act(world_)
            wait_for(lambda: world_.stats()["connections"]["open"] == 0)
            tokens = [each for each in secrets if TOKEN.fullmatch(each)]
            others = [each for each in secrets if each not in tokens]
            keys = keys_of(world_)
            hits = found(
                world_.patd.pid, dict(needles(tokens, others), **keys))
            for name in keys:
                places = hits.pop(name, [])
                assert len(places) == 1, (act.__name__, name, places)
                assert "lo" in places[0][1], (act.__name__, name, places)
            assert not hits, (act.__name__, hits)


def one_shot():
    """nor does that of a patd for one question, at its end"""
    needs_memory()
    with world(AUDIT, start=False) as world_:
        good = world_.token()
        for token, verdict in ((good, ACCEPT), (forged(good[5:13]), DENY),
                               (forged("zzzzzzzz"), DENY)):
            hits = {}
            all_of = dict(needles([token]), **keys_of(world_))
            ours, theirs = socket.socketpair(
                socket.AF_UNIX, socket.SOCK_SEQPACKET)
            ours.send(question("alice", token))
            with ours, theirs:
                assert to_the_end(
                    [PATD, "--one-shot", "--config", world_.config],
                    lambda pid: hits.update(found(pid, all_of)),
                    stdin=theirs) == 0
                assert ours.recv(4096)[4] == verdict
            assert not hits, hits


# ---- pat-httpd ----

def site(method, path, *fields, body=b""):
    return request(path, "X-Remote-User: alice", "Sec-Fetch-Site: same-origin",
                   "Content-Type: application/json",
                   "Content-Length: %d" % len(body), *fields,
                   method=method) + body


def use_httpd(world_):
    """Every kind of request that has to do with one: (tokens, secrets)."""
    token = world_.token("alice", "--scope", "tokens")
    world_.admin("upstream", "set", "alice", said=UPSTREAM + "\n")
    plain = world_.token("alice")
    tokens = [token, plain, forged("zzzzzzzz")]
    rest = "/rest/pat/latest/tokens"
    with Http(world_.http) as http:
        for each in tokens:
            bearer = "Authorization: Bearer " + each
            http.ask("/auth/jira", bearer)
            http.ask("/auth/none", bearer)
            http.ask(rest, bearer)
        answer = http.send(site("POST", rest, body=b'{"name":"ci"}')).answer()
        assert answer.status == 201, answer.body
        tokens += TOKEN.findall(answer.body.decode())
        assert http.send(site("POST", rest, body=b'{"name":7}')
                         ).answer().status >= 400
    world_.stop()
    with Http(world_.http) as http:  # nobody is there to ask
        assert http.ask("/auth/jira", "Authorization: Bearer " + plain
                        ).status == 503
        assert http.send(site("POST", rest, body=b'{"name":"ci"}')
                         ).answer().status == 503
    return tokens


def httpd():
    """nor does that of pat-httpd, after the authorizer, the REST interface and
    refusals, with patd gone, too"""
    needs_memory()
    with place(CONFIG.partition("[pat-httpd]\nuser = bin\n")[2],
               args=()) as world_:
        before = world_.httpd_fds()
        tokens = use_httpd(world_)
        wait_for(lambda: world_.httpd_fds() <= before)
        hits = found(world_.httpd.pid, needles(tokens, [UPSTREAM]))
        assert not hits, hits


# ---- from outside ----

def nobody_may_look():
    """a process of the same user may not look into the memory of patd, so
    neither a debugger nor a core file shows it"""
    if not ROOT:
        raise Skip("needs root")
    with world(args=()) as world_:
        world_.token()

        def opened():
            try:
                open("/proc/%d/mem" % world_.patd.pid, "rb", 0).close()
                return "opened"
            except PermissionError:
                return "refused"
        assert as_user(world_.user, opened) == "'refused'"
        assert os.stat("/proc/%d/mem" % world_.patd.pid).st_uid == 0


def written(world_):
    """The bytes of every file below the folders of the world."""
    for top in {world_.root, world_.run_root}:
        for folder, _, names in os.walk(top):
            for name in names:
                path = os.path.join(folder, name)
                if os.path.isfile(path) and not name.startswith("made"):
                    with open(path, "rb") as file:
                        yield path, file.read()


def in_no_file():
    """no file holds a token, a credential or an imported secret, or an unsalted
    hash of one: store, memo, trail, logs, backup, configuration"""
    with world(CONFIG) as world_:
        secrets = [secret for act in ACTS for secret in act(world_)]
        secrets.remove(IMPORTED)  # it stands in no file that patd writes
        all_of = {}
        for secret in secrets + [IMPORTED]:
            raw = secret.encode()
            all_of[secret] = raw[14:44] if secret.startswith("jpat_") else raw
            for kind in ("md5", "sha1", "sha256", "sha512", "blake2b"):
                digest = hashlib.new(kind, raw)
                all_of[secret, kind] = digest.digest()
                all_of[secret, kind, "hex"] = digest.hexdigest().encode()
                all_of[secret, kind, "base64"] = base64.b64encode(
                    digest.digest())[:-4]
        world_.stop()
        count = 0
        for path, data in written(world_):
            count += 1
            for name, needle in all_of.items():
                assert needle not in data, (path, name)
        assert count > 10, count


main([admin_with_patd, admin_alone, patd_after_each, one_shot, httpd,
      nobody_may_look, in_no_file])
