"""The same tokens and users on several hosts at the same moment, by whatever door:
one of them does it, the others hear so, and all say the same afterwards.
"""
import collections
import concurrent.futures
import csv
import html
import json
import os
import re
import shutil
import threading

from acts import id_of
from cluster import PATIENCE, Host, cluster
from daemon import ACCEPT, AUDIT, DENY, ROOT, UNAVAILABLE, Skip, main
from httpd import Http, Place, request

MOST = 4  # max_per_user
LINKS = 50
ME = "root" if ROOT else str(os.geteuid())
MORE = "[patd]\naudit_required = yes\n" + AUDIT + """[self_service]
trusted_peers = %s
url = https://jira.example.com/tokens
[service jira]
scope = read
""" % ME
FORM = "Content-Type: application/x-www-form-urlencoded"
JSON = "Content-Type: application/json"
OWN = "Sec-Fetch-Site: same-origin"
REST = "/rest/pat/latest/tokens"


class Front(Host, Place):
    """A host with a pat-httpd."""

    def lay_out(self):
        super().lay_out()
        self.link_user = "sys" if ROOT else self.user
        trails = os.path.join(self.root, "audit")
        os.mkdir(trails, 0o700)
        shutil.chown(trails, self.user)

    def write(self, more=""):
        super().write(more)
        with open(self.config) as file:
            config = file.read()
        with open(self.config, "w") as file:
            file.write(config.replace(
                "max_per_user = 0", "max_per_user = %d" % MOST))

    def start(self, *args, **options):
        super().start(*args, **options)
        if self.httpd is None:
            self.start_httpd("--debug")
        return self.patd

    def end(self):
        if self.httpd is not None:
            self.httpd.kill()
            self.httpd.wait()
            self.httpd = None
        super().end()

    def page(self, user, path, body=None, auth=(), kind=FORM):
        """What the single sign-on in front of it hears for that user."""
        fields = ["X-Remote-User: " + user, OWN] if user else []
        if body is not None:
            fields += [kind, "Content-Length: %d" % len(body)]
        with Http(self.http) as http:
            http.send(request(path, *fields, *auth,
                              method="GET" if body is None else "POST") +
                      (body or b""))
            return http.answer()


def at_once(calls):
    """What these return, all begun at the same moment."""
    barrier = threading.Barrier(len(calls))

    def run(call):
        barrier.wait(PATIENCE)
        return call()

    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        return [done.result(PATIENCE) for done in
                [pool.submit(run, call) for call in calls]]


def records(host, *user):
    """What is stored of all tokens, or of a user's."""
    return json.loads(host.admin("list", *user, "--all", "--json").stdout)


def shown(answer):
    """The token on a page that shows one."""
    found = re.search(rb'<code id="token"[^>]*>([^<]*)<', answer.body)
    return html.unescape(found.group(1).decode()) if found else None


# ---- links ----


def links(whole, users):
    """The path of a link for each."""
    host = whole.hosts[0]
    path = os.path.join(host.root, "links")
    with open(path, "w") as file:
        file.writelines("%s\n" % line for line in ["user", *users])
    host.admin("create", "--batch", path, "--output", path + ".out", "--link")
    with open(path + ".out", newline="") as file:
        rows = list(csv.DictReader(file))
    os.remove(path + ".out")
    return [next(value for value in row.values() if "/link/" in value).partition(
        "example.com")[2] for row in rows]


def a_link_is_for_one():
    """a link that is opened on all hosts at the same moment leads to one token, on one
    of them; the others say that it is gone
    """
    users = ["link%d" % n for n in range(LINKS)]
    for user, path in zip(users, links(WHOLE, users)):
        said = at_once([lambda host=host: host.page(user, path, b"")
                        for host in WHOLE.hosts])
        statuses = sorted(answer.status for answer in said)
        assert statuses == [201, 404, 404], (user, statuses)
        tokens = [shown(answer) for answer in said if answer.status == 201]
        assert tokens[0], said[0].body
        WHOLE.texts.append(tokens[0])
        for answer in said:
            assert answer.status == 201 or b'data-error="link-gone"' in answer.body, \
                answer.body
        for host in WHOLE.hosts:
            assert host.verdict(user, tokens[0]) == ACCEPT
            assert host.page(user, path, b"").status == 404


# ---- limits ----


def wishes(whole, user, number):
    """Calls that create for the user, by each door of each host: how many tokens were
    made, and what was said if none was."""
    def by_page(host):
        answer = host.page(user, REST, b'{"name":"ci"}', kind=JSON)
        said = json.loads(answer.body)
        if answer.status == 201:
            whole.texts.append(said["rawToken"])
            return 1, ""
        return 0, said["error"]

    def by_command(host):
        done = host.admin("create", user, check=False)
        whole.texts.extend(done.stdout.split())
        return (0 if done.returncode else 1), done.stderr

    def by_batch(host):
        path = os.path.join(host.root, "batch%d" % number)
        with open(path, "w") as file:
            file.write("user\n%s\n%s\n" % (user, user))
        done = host.admin("create", "--batch", path, "--output", path + ".out",
                          check=False)
        return (0 if done.returncode else 2), done.stderr

    return [lambda door=door, host=host: door(host) for host in whole.hosts
            for door in (by_page, by_command, by_batch)]


def is_limit(why):
    return "too-many" in why or "max_per_user" in why


def a_limit_is_for_all():
    """hosts that create for the same user at the same moment, by whatever door, make as
    many tokens as max_per_user has it, and say why there are no more
    """
    for number in range(8):
        user = "crowd%d" % number
        wished = wishes(WHOLE, user, number)
        # Who had to wait for others too long wishes it again.
        said = [answer if answer[0] or is_limit(answer[1]) else wish()
                for answer, wish in zip(at_once(wished), wished)]
        made = sum(count for count, _ in said)
        assert made == MOST, said
        for count, why in said:
            assert count or is_limit(why), said
        for host in WHOLE.hosts:
            assert len(records(host, user)) == MOST


def uses_are_for_all():
    """a token with a limited number of uses is accepted so often, by all hosts
    together
    """
    for number in range(4):
        user = "uses%d" % number
        token = WHOLE.token(user, "--uses", "5")
        said = collections.Counter(at_once(
            [lambda host=host: host.verdict(user, token)
             for host in WHOLE.hosts for _ in range(4)]))
        # Who had to wait for others too long is asked again.
        for _ in range(said.pop(UNAVAILABLE, 0)):
            said[WHOLE.hosts[0].verdict(user, token)] += 1
        assert said == {ACCEPT: 5, DENY: 7}, said


# ---- the same records ----

# What an operation says that comes too late.
LATE = ("was rotated already", "is revoked", "no token has the id", "try again",
        "there already", "no token to revoke", "others keep changing")
ROUNDS = 12


def trails(whole, since=None):
    """The lines of all audit trails; how far each of them goes."""
    lines, ends = [], {}
    for host in whole.hosts:
        text = host.read_trail()
        ends[host.name] = len(text)
        begin = (since or {}).get(host.name, 0)
        lines += map(json.loads, text[begin:].splitlines())
    return lines, ends


def told(lines):
    """How often each token and each user was changed, as the trails have it: what did not
    come about is taken back by a line with a reason."""
    count = collections.Counter()
    for line in lines:
        if "actor" in line:
            count[line.get("id") or line["user"]] += -1 if "reason" in line else 1
    return +count


def logged(whole, since):
    """The same, as the log of the cluster has it from there on."""
    count = collections.Counter()
    with whole.pair.owner() as session:
        rows = session.rows("SELECT encode(bytes, 'hex') FROM jira_pat.log "
                            "WHERE seq > $1", str(since))
    for row in rows:
        count.update(keys_of(bytes.fromhex(row[0])))
    return count


def keys_of(batch):
    """Of the records in it: common/store/batch.h."""
    assert batch[:4] == b"JPB1", batch[:4]
    at, keys = 8, []
    for _ in range(int.from_bytes(batch[4:8], "big")):
        size = int.from_bytes(batch[at + 1:at + 3], "big")
        keys.append(batch[at + 3:at + 3 + size].decode())
        at += 3 + size
        at += 4 + int.from_bytes(batch[at:at + 4], "big")
    assert at == len(batch), (at, len(batch))
    return keys


def moved(whole, number):
    """A file of tokens that no host has: they were exported, and purged everywhere."""
    first = whole.hosts[0]
    user = "moved%d" % number
    ids = [id_of(whole.token(user)) for _ in range(3)]
    rows = [line for line in first.admin("export").stdout.splitlines()
            if any(identity in line for identity in ids)]
    assert len(rows) == 3, rows
    first.admin("revoke", *ids)
    first.admin("purge", "--dead-for", "0")
    path = os.path.join(first.root, "moved")
    with open(path, "w") as file:
        file.writelines(line + "\n" for line in rows)
    return path, ids


def acts(whole, number, user, tokens):
    """What is done to the same records at once: (host, arguments)."""
    first = whole.hosts[0]
    one, other, third = (id_of(token) for token in tokens)
    path, ids = moved(whole, number)
    listed = os.path.join(first.root, "listed")
    people = {row["user"] for row in records(first)} - {user}
    with open(listed, "w") as file:
        file.writelines("%s\n" % line for line in ["user,active", *(
            name + ",yes" for name in sorted(people))])
    each = (["rotate", one, "--grace", "0"], ["revoke", one], ["revoke", other],
            ["disable", third], ["user", "disable", user],
            ["user", "enable", user], ["policy", "apply"],
            ["purge", "--dead-for", "0"], ["import", path],
            ["sync-users", listed, "--force"])
    return [(host, args) for args in each
            for host in whole.hosts[number % 2:][:2]], one, other, third, ids


def everything_at_once():
    """rotate, revoke, disable, enable, policy apply, import, purge and sync-users of the
    same tokens and users, on two hosts at the same moment: each is done, or said to be
    too late, no host has anything else than the others, and all trails together name
    each change that is in the log, once
    """
    for number in range(ROUNDS):
        user = "all%d" % number
        before = {row["id"] for row in records(WHOLE.hosts[0])}
        tokens = [WHOLE.token(user) for _ in range(3)]
        what, *ids = acts(WHOLE, number, user, tokens)
        WHOLE.wait_equal()
        _, ends = trails(WHOLE)
        head = WHOLE.check_log()
        said = at_once([lambda host=host, args=args: host.admin(*args, check=False)
                        for host, args in what])
        for (host, args), done in zip(what, said):
            WHOLE.texts.extend(re.findall(r"\bjpat_\w+", done.stdout))
            assert done.returncode == 0 or any(
                late in done.stderr for late in LATE), (args, done)
        lines, _ = trails(WHOLE, ends)
        trail, log = told(lines), logged(WHOLE, head)
        for used in before:  # and their uses are written once a minute
            del log[used]
        assert trail == log, (trail - log, log - trail, lines)
        seen = [{row["id"]: row for row in records(host) if row["id"] not in before}
                for host in WHOLE.hosts]
        assert seen[0] == seen[1] == seen[2], seen
        check_ends(seen[0], user, tokens, *ids)


def check_ends(rows, user, tokens, one, other, third, ids):
    """What has become of the tokens."""
    for identity in (one, other):
        assert identity not in rows or "dead" in rows[identity]["state_text"], rows
    assert rows[third]["disabled_at"], rows[third]
    assert set(ids) <= set(rows), rows
    for host in WHOLE.hosts:
        assert {host.verdict(user, token) for token in tokens} == {DENY}


# ---- behind a load balancer ----


def page_by_turns():
    """a user whose requests go to the hosts by turns makes, sees, rotates and ends
    tokens on the page as if there were one
    """
    one, two, three = WHOLE.hosts
    user = "turns"
    form = one.page(user, "/tokens/new")
    assert form.status == 200
    for name in re.findall(rb'(?:href|src)="(/tokens/static/[^"]+)"', form.body):
        assert two.page(user, name.decode()).status == 200, name
    made = two.page(user, "/tokens", b"name=laptop&lifetime=7")
    assert made.status == 201, (made.status, made.body)
    token = shown(made)
    assert three.verdict(user, token) == ACCEPT
    assert id_of(token).encode() in three.page(user, "/tokens").body
    path = "/tokens/" + id_of(token)
    assert b"laptop" in one.page(user, path).body
    rotated = two.page(user, path + "/rotate", b"grace=0")
    assert rotated.status == 201, (rotated.status, rotated.body)
    new = shown(rotated)
    WHOLE.texts.extend((token, new))
    assert three.verdict(user, new) == ACCEPT
    assert one.verdict(user, token) == DENY
    path = "/tokens/" + id_of(new)
    assert one.page(user, path + "/disable", b"").status == 303
    assert two.verdict(user, new) == DENY
    assert three.page(user, path + "/enable", b"").status == 303
    assert one.verdict(user, new) == ACCEPT
    assert two.page(user, path + "/revoke").status == 200
    assert three.page(user, path + "/revoke", b"").status == 303
    for host in WHOLE.hosts:
        assert host.verdict(user, new) == DENY
        assert host.page(user, path + "/enable", b"").status != 303
    link = links(WHOLE, [user])[0]
    assert one.page(user, link).status == 200
    claimed = two.page(user, link, b"")
    assert claimed.status == 201, claimed.body
    WHOLE.texts.append(shown(claimed))
    assert three.verdict(user, shown(claimed)) == ACCEPT


def rest_by_turns():
    """so does a program with the REST interface, which comes with a token"""
    one, two, three = WHOLE.hosts
    user = "robot"
    token = WHOLE.token(user, "--scope", "tokens", "--scope", "read")
    auth = ("Authorization: Bearer " + token,)

    def rest(host, path="", body=None, status=200, auth=auth):
        answer = host.page(None, REST + path, body, auth, JSON)
        assert answer.status == status, (answer.status, answer.body)
        return json.loads(answer.body) if answer.body else None

    made = rest(two, body=b'{"name":"ci","scopes":["read"]}', status=201)
    WHOLE.texts.append(made["rawToken"])
    assert three.verdict(user, made["rawToken"]) == ACCEPT
    assert made["tokenId"] in {row["tokenId"] for row in rest(three)}
    rotated = rest(one, "/%s/rotate" % made["tokenId"], b'{"grace":0}', 201)
    WHOLE.texts.append(rotated["rawToken"])
    assert two.verdict(user, rotated["rawToken"]) == ACCEPT
    assert three.verdict(user, made["rawToken"]) == DENY
    two.admin("revoke", id_of(token))
    for host in WHOLE.hosts:
        rest(host, status=401)


def the_same_in_the_end():
    """after all that, the log and the stores are whole, and the same"""
    WHOLE.check_log()
    WHOLE.check_equal()
    WHOLE.check_logs()


CASES = [a_link_is_for_one, a_limit_is_for_all, uses_are_for_all, everything_at_once,
         page_by_turns, rest_by_turns, the_same_in_the_end]
WHOLE = None

if __name__ == "__main__":
    import sys
    try:
        with cluster(more=MORE, standby=False, kind=Front) as WHOLE:
            main([case for case in CASES
                  if sys.argv[1:] in ([], [case.__name__])])
    except Skip as reason:
        print("1..0 # SKIP %s" % reason)
