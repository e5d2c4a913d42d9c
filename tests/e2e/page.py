"""The page of users, in a browser without scripts: see page.sh."""

import re
import subprocess
import sys

from page_client import Client, admin, has, keep_token, report, same, use

DAY = 86400
HOSTILE = "<script>alert(1)</script>\"'&amp; \u202e\u05e9\u2066"
LONG = "w" * 128


def token_on(answer):
    token = answer.root.one(id="token").text
    if token:
        keep_token(token)
    return token


def id_of(token):
    return token[5:13]


def cards(answer):
    return {card["id"][2:]: card for card in answer.root.all(class_="card")}


def well_made(what, answer):
    """What holds for each page."""
    root, wrong = answer.root, list(answer.tree.errors)
    ids = [node["id"] for node in root.all() if node["id"]]
    wrong += ["id twice: " + one for one in set(ids) if ids.count(one) > 1]
    labels = {node["for"] for node in root.all("label")}
    for node in root.all("input") + root.all("select"):
        inside, at = False, node.parent
        while at is not None:
            inside |= at.tag == "label"
            at = at.parent
        if node["type"] != "hidden" and not inside and \
                node["id"] not in labels:
            wrong.append("no label: %s" % node["name"])
    for node in root.all("button") + root.all("a"):
        if not node.text:
            wrong.append("no name: %s" % node.attributes)
    level = 0
    for node in root.all():
        if re.fullmatch("h[1-6]", node.tag):
            if int(node.tag[1]) > level + 1:
                wrong.append("heading %s behind h%d" % (node.tag, level))
            level = int(node.tag[1])
    if len(root.all("h1")) != 1 or not root.one("title").text:
        wrong.append("no h1 or title")
    if root.one("html")["lang"] not in ("en", "de"):
        wrong.append("no lang")
    for name in ("aria-describedby", "aria-labelledby"):
        for node in root.all():
            wrong += ["%s of nothing: %s" % (name, one)
                      for one in node[name].split() if one not in ids]
    for node in root.all():
        wrong += ["inline %s" % name for name in node.attributes
                  if name == "style" or name.startswith("on")]
    if [one for one in root.all("script") if one.text] or root.all("style"):
        wrong.append("inline script or style")
    csp = answer.head.get("Content-Security-Policy", "")
    if "default-src 'none'" not in csp or "unsafe" in csp or \
            answer.head.get("Cache-Control") != "no-store":
        wrong.append("headers: %s" % answer.head)
    same("%s: well made" % what, wrong, [])


def create(client, **fill):
    return client.submit(client.get("/tokens/new"), "/tokens", **fill)


def an_empty_list(alice):
    answer = alice.get("/tokens")
    same("a new user sees an empty list", [answer.status, answer.title],
         [200, "Your access tokens"])
    has("which says so", answer.root.text, "You have no tokens yet.",
        "Signed in as alice")
    same("without search, nor anything to revoke",
         [answer.root.all(role="search"),
          answer.root.all("a", href="/tokens/revoke-all")], [[], []])
    well_made("the empty list", answer)


def the_form(alice):
    answer = alice.get("/tokens/new")
    well_made("the form", answer)
    options = answer.form("/tokens").one(name="lifetime").all("option")
    same("lifetimes are cut to the policy",
         [one["value"] for one in options], ["7", "30", "90", "100", "custom"])
    same("the default is chosen",
         [one["value"] for one in options if "selected" in one], ["90"])
    same("scopes and services are those of the configuration",
         [one["value"] for one in answer.root.all("input", type="checkbox")],
         ["read", "write", "wiki", "tokens", "jira", "wiki", "1"])
    has("the address of the visitor is offered", answer.root.text,
        "Only from the address that you use now (127.0.0.1)")
    same("nothing is chosen before",
         [one for one in answer.root.all("input") if "checked" in one], [])


def a_token(alice):
    answer = create(alice, name="nightly build", lifetime="7",
                    scopes=["read"], services=["jira"],
                    networks="127.0.0.1, 192.0.2.0/24")
    token = token_on(answer)
    same("a token is made: 201", [answer.status, answer.title],
         [201, "Your new token"])
    report(re.fullmatch("jpat_[0-9A-Za-z]{8}_[0-9A-Za-z]{36}", token),
           "it is shown")
    same("once", answer.body.count(token), 1)
    well_made("the page with the token", answer)
    same("its limits hold",
         [admin("test", "alice", "--exact", "--service", service, "--from",
                address, text=token)
          for service, address in (("jira", "192.0.2.7"),
                                   ("wiki", "192.0.2.7"))],
         ["denied: scope", "denied: service"])
    same("and within them it is accepted",
         admin("test", "alice", "--exact", "--read", "--service", "jira",
               "--from", "192.0.2.7", text=token), "accepted")
    answer = alice.get("/tokens")
    card = cards(answer)[id_of(token)]
    has("the list has it, in words", card.text, "nightly build", "live",
        "Read only (read)", "For jira", "Only from 127.0.0.1, 192.0.2.0/24",
        "Expires soon", "in 7 days", "never")
    report(token not in answer.body, "but not its text")
    limited = token_on(create(alice, uses="1000", here="1"))
    has("so has it one of limited uses, from here",
        cards(alice.get("/tokens"))[id_of(limited)].text,
        "1000 of 1000 uses left", "Only from 127.0.0.1")
    alice.post("/tokens/%s/revoke" % id_of(limited))
    well_made("the list", answer)
    same("it is used from two places",
         [use(token, "192.0.2.7"), use(token, "192.0.2.8")], ["200", "200"])
    card = cards(alice.get("/tokens"))[id_of(token)]
    has("the list says when, from where and for what", card.text,
        "just now from 192.0.2.8 for jira")
    same("and the places before", [one.text for one in
         card.one("details").all("li")],
         ["just now from 192.0.2.8 for jira",
          "just now from 192.0.2.7 for jira"])
    answer = alice.get("/tokens/" + id_of(token))
    has("the details have more", answer.root.text, "Created", "by sso:alice",
        "UTC (in 7 days)", "Renew", "Revoke")
    well_made("the details", answer)
    return token


def what_is_wrong(alice):
    for what, wanted, field, fill in (
            ("no lifetime that is one", "lifetime-invalid", "lifetime",
             {"lifetime": "1.5"}),
            ("one that is not offered", "lifetime-too-long", "lifetime",
             {"lifetime": "101"}),
            ("never, where that is not offered", "lifetime-too-long",
             "lifetime", {"lifetime": "never"}),
            ("no date", "date-invalid", "expires",
             {"lifetime": "custom", "expires": ""}),
            ("a duration as the date", "date-invalid", "expires",
             {"lifetime": "custom", "expires": "90d"}),
            ("a day that is past", "lifetime-past", "expires",
             {"lifetime": "custom", "expires": "2020-01-31"}),
            ("a network that is none", "network-invalid", "networks",
             {"networks": "10.0.0.1 my.host"}),
            ("host bits", "network-invalid", "networks",
             {"networks": "10.0.0.1/8"}),
            ("17 networks", "network-invalid", "networks",
             {"networks": " ".join("10.0.0.%d" % i for i in range(17))}),
            ("no uses", "uses-invalid", "uses", {"uses": "0"}),
            ("too many uses", "uses-invalid", "uses", {"uses": "4294967296"}),
            ("a name that is too long", "name-invalid", "name",
             {"name": LONG + "x"}),
            ("a name that is a token", "name-invalid", "name",
             {"name": "jpat_D4oBwk0S_" + "a" * 36}),
            ("a service that is not offered", "service-invalid", "services",
             {"services": ["postfix"]}),
            ("a scope with a blank", "scope-invalid", "scopes",
             {"scopes": ["a b"]})):
        answer = create(alice, **dict({"name": "kept", "scopes": ["write"]},
                                      **fill))
        same("%s: refused, with its id" % what,
             [answer.status, answer.error], [400, wanted])
        input_ = answer.root.one(id=field)
        same("%s: said at the input, and the rest is kept" % what,
             ["problem" in input_["aria-describedby"].split(),
              "aria-invalid" in input_,
              answer.root.one(id="name")["value"]],
             [True, True, fill.get("name", "kept")])
    well_made("a form with an error", answer)


def names(alice):
    made = []
    for name in (HOSTILE, LONG, "", "مرحبا", "😀" * 32):
        answer = create(alice, name=name)
        made.append(id_of(token_on(answer)))
        well_made("a token named %.12r" % name, answer)
    listed = cards(alice.get("/tokens"))
    same("names are shown as they are, and are no markup",
         [listed[one].one("h2").one("bdi").raw_text() for one in made[:2]],
         [HOSTILE, LONG])
    same("no name is said, too", listed[made[2]].one("h2").text, "(no name)")
    for one in made:
        well_made("details of such a name", alice.get("/tokens/" + one))
    return made


def searching(alice, made):
    report(not alice.get("/tokens").root.all(role="search"),
           "few tokens: no search")
    for i in range(6):
        made.append(id_of(token_on(create(alice, name="job %d" % i))))
    answer = alice.get("/tokens")
    has("more than ten: a search, and how many", answer.root.text, "12 tokens")
    well_made("a list with a search", answer)
    same("it finds by name, in any case",
         [[one["id"] for one in
           alice.submit(answer, "/tokens", q=text).root.all(class_="card")]
          for text in ("JOB 3", "nothing of the kind")],
         [["t-" + made[-3]], []])
    found = alice.submit(answer, "/tokens", q=made[0])
    same("and by id", list(cards(found)), [made[0]])
    same("the filter stays", found.root.one(id="q")["value"], made[0])


def renewing(alice, token):
    old = id_of(token)
    answer = alice.submit(alice.get("/tokens/" + old), "/rotate",
                          grace="86400")
    new = token_on(answer)
    same("renewing shows a new token", [answer.status, answer.title],
         [201, "Your new token"])
    has("and until when the old one lives", answer.root.one(class_="old").text,
        "nightly build", "or until the new one is first used")
    well_made("the renewed token", answer)
    has("the old one says so", alice.get("/tokens/" + old).root.text,
        "renewed; still works for a while")
    answer = alice.post("/tokens/%s/rotate" % old, [("grace", "0")])
    same("renewing it again: refused", [answer.status, answer.error],
         [409, "rotated-already"])
    answer = alice.post("/tokens/%s/rotate" % id_of(new), [("grace", "1w")])
    same("a grace that is not offered: refused", [answer.status, answer.error],
         [400, "bad-form"])
    return new


def pausing(alice, token):
    answer = alice.submit(alice.get("/tokens"), id_of(token) + "/disable")
    has("disabling is done, and said", answer.root.one(role="status").text,
        "The token is disabled.")
    card = cards(answer)[id_of(token)]
    same("and seen", [card["data-state"], card.one(class_="state paused").text],
         ["paused", "disabled"])
    same("and so is it by patd",
         admin("test", "alice", "--exact", text=token), "denied: disabled")
    answer = alice.submit(answer, id_of(token) + "/enable")
    has("enabling, too", answer.root.one(role="status").text,
        "The token is enabled.")
    same("it is live again", cards(answer)[id_of(token)]["data-state"], "live")


def children(alice, token):
    answer = alice.get("/tokens/" + id_of(token))
    link = [one["href"] for one in answer.root.all("a") if "parent=" in
            one["href"]][0]
    form = alice.get(link)
    same("a child names its parent", form.root.one(id="parent")["value"],
         id_of(token))
    well_made("the form for a child", form)
    day = form.root.one(id="expires")["min"]
    answer = alice.submit(form, "/tokens", name="child", lifetime="custom",
                          expires=day, scopes=["write"])
    same("wider than the parent: refused", [answer.status, answer.error],
         [403, "wider-than-parent"])
    same("the form stays", answer.root.one(id="parent")["value"], id_of(token))
    answer = alice.submit(answer, "/tokens", lifetime="30", scopes=["read"])
    same("not beyond its end either", [answer.status, answer.error],
         [403, "wider-than-parent"])
    answer = alice.submit(answer, "/tokens", lifetime="custom", expires=day)
    child = id_of(token_on(answer))
    same("within it, it is made", answer.status, 201)
    answer = alice.get("/tokens/" + child)
    has("and says whose it is", answer.root.text, "Child of" + id_of(token))
    alice.post("/tokens/%s/disable" % id_of(token))
    has("it is paused with its parent", cards(alice.get("/tokens"))[child].text,
        "paused with the token that it came from")
    alice.post("/tokens/%s/enable" % id_of(token))
    alice.post("/tokens/%s/revoke" % child)


def revoking(alice, token):
    listed = alice.get("/tokens")
    link = [one["href"] for one in
            cards(listed)[id_of(token)].all("a") if "revoke" in one["href"]][0]
    answer = alice.get(link)
    same("revoking asks first", [answer.status, answer.title],
         [200, "Revoke this token?"])
    well_made("the question", answer)
    answer = alice.submit(answer, "/revoke")
    has("then it is done, and said", answer.root.one(role="status").text,
        "The token is revoked.")
    report(id_of(token) not in cards(answer), "it is out of the list")
    ended = cards(alice.get("/tokens?state=dead"))
    same("and in that of ended ones", ended[id_of(token)]["data-state"], "dead")
    answer = alice.post("/tokens/%s/enable" % id_of(token))
    same("nothing brings it back", [answer.status, answer.error],
         [409, "not-live"])


def examples(alice):
    """The lines on the page are run as they are."""
    quoted = Client("quoted")
    for client, user in ((alice, "alice"), (quoted, 'o"neil\\')):
        answer = create(client, name="examples")
        token = token_on(answer)
        got = []
        for pre in answer.root.all("pre")[1:]:
            text = pre.raw_text().replace("curl -K -", "cat #")
            got.append(subprocess.run(
                ["sh", "-c", text], stdout=subprocess.PIPE, text=True,
                env={"TOKEN": token, "PATH": "/usr/bin:/bin"},
                check=False).stdout)
        escaped = user.replace("\\", "\\\\").replace('"', '\\"')
        same("the examples of %s are what curl takes" % user, got,
             ['user = "%s:%s"\n' % (escaped, token),
              'header = "Authorization: Bearer %s"\n' % token])
        has("and name the server of the tokens", answer.root.text,
            "https://api.example.com/jira/rest/api/2/myself")
        client.post("/tokens/%s/revoke" % id_of(token))


def old_logins(alice):
    old = Client("old")
    answer = old.get("/tokens")
    same("an old login sees the list", answer.status, 200)
    answer = create(old, name="typed with care", lifetime="30",
                    scopes=["read", "wiki"], networks="192.0.2.1", here="1")
    same("but makes no token", [answer.status, answer.error],
         [403, "login-again"])
    same("what was typed is kept",
         [answer.root.one(id="name")["value"],
          answer.root.one(id="networks")["value"],
          [one["value"] for one in answer.root.all("option")
           if "selected" in one],
          [one["value"] for one in answer.root.all("input")
           if "checked" in one]],
         ["typed with care", "192.0.2.1", ["30"], ["read", "wiki", "1"]])
    same("and it is said where to sign in again",
         answer.root.one(role="alert").one("a")["href"], "/signed-in-again")
    well_made("the form of an old login", answer)
    for server, wanted in (("future", "login-again"),
                           ("untimed", "login-time-unknown")):
        answer = create(Client(server), name="kept")
        same("nor does one of another time (%s)" % server,
             [answer.status, answer.error, answer.root.one(id="name")["value"]],
             [403, wanted, "kept"])
    one = list(cards(alice.get("/tokens")))[0]
    answer = old.submit(old.get("/tokens/" + one), "/rotate", keep="1",
                        grace="3600")
    same("nor renews one", [answer.status, answer.error,
                            "checked" in answer.root.one(name="keep")],
         [403, "login-again", True])
    answer = old.post("/tokens/link/abcdefgh-" + "a" * 22)
    same("nor fetches one", [answer.status, answer.error,
                             len(answer.root.all("form"))],
         [403, "login-again", 1])
    answer = old.post("/tokens/%s/disable" % one)
    same("but disables one", answer.status, 200)
    alice.post("/tokens/%s/enable" % one)


def links(alice):
    for text in ("zzzzzzzz-" + "a" * 22, "x", "zzzzzzzz-", "a" * 64):
        answer = alice.post("/tokens/link/" + text)
        same("no code: the same answer (%.9s)" % text,
             [answer.status, answer.error], [404, "link-gone"])
    link = admin("create", "alice", "--name", "for you", "--link")
    report(link.startswith("https://pat.example.com/tokens/link/"),
           "an administrator makes a link", link)
    path = link.replace("https://pat.example.com", "")
    card = [one for one in cards(alice.get("/tokens")).values()
            if "for you" in one.text]
    has("the list says that it waits", card[0].text, "not fetched yet")
    answer = alice.get(path)
    same("a link shows a button, and asks nobody",
         [answer.status, len(answer.root.all("form"))], [200, 1])
    well_made("the link", answer)
    answer = Client("bob").post(path)
    same("another user does not get the token",
         [answer.status, answer.error], [404, "link-gone"])
    answer = alice.submit(alice.get(path), path)
    token = token_on(answer)
    same("its user does, once", [answer.status, admin(
        "test", "alice", "--exact", text=token)], [201, "accepted"])
    well_made("the fetched token", answer)
    answer = alice.post(path)
    same("then the link is used up", [answer.status, answer.error],
         [404, "link-gone"])
    alice.post("/tokens/%s/revoke" % id_of(token))


def languages():
    german = Client("alice", "de-AT,de;q=0.9,en;q=0.5")
    answer = german.get("/tokens/new")
    same("German, by the browser", [answer.root.one("html")["lang"],
         answer.title], ["de", "Neues Zugriffstoken"])
    same("as the answer says", answer.head["Content-Language"], "de")
    answer = german.get("/tokens/new?lang=en")
    same("the query wins", answer.title, "New access token")
    same("and links keep it",
         [one["href"] for one in answer.root.all("a")
          if one["href"].startswith("/tokens") and
          "lang=en" not in one["href"]], [])
    answer = german.submit(answer, "/tokens", lifetime="x")
    same("forms, too", answer.title, "New access token")
    answer = german.get("/tokens?lang=xx")
    same("a language that is none: the browser's", answer.title,
         "Ihre Zugriffstoken")
    for path in ("/tokens", "/tokens/new", "/tokens/revoke-all",
                 "/tokens/link/abcdefgh-x", "/tokens/nothing"):
        well_made("German: " + path, german.get(path))


def others(alice, token):
    bob = Client("bob")
    one = id_of(token)
    answers = [bob.get("/tokens/" + one), bob.get("/tokens/%s/revoke" % one)] \
        + [bob.post("/tokens/%s/%s" % (one, act))
           for act in ("rotate", "disable", "enable", "revoke")]
    same("another user's token is not there",
         [[answer.status, answer.error] for answer in answers],
         [[404, "not-found"]] * 6)
    same("and lives on", cards(alice.get("/tokens"))[one]["data-state"],
         "live")
    report(not cards(bob.get("/tokens")), "nor is it in another list")


def shut_out():
    answer = Client("known").get("/tokens")
    same("a disabled user sees a plain page",
         [answer.status, answer.error, len(answer.root.all("ul")) <= 1,
          answer.root.all("form")], [403, "user-disabled", True, []])
    well_made("the plain page", answer)
    answer = Client("known").post("/tokens", [("name", "x"),
                                              ("lifetime", "7")])
    same("and makes nothing", [answer.status, answer.error],
         [403, "user-disabled"])
    answer = Client("nobody").get("/tokens")
    report(answer.status in (401, 403), "who has not signed in sees nothing",
           answer.status)
    well_made("the page for nobody", answer)


def hostile(alice):
    for what, status, headers in (
            ("another site", 403, {"Sec_Fetch_Site": "cross-site"}),
            ("a sister site", 403, {"Sec_Fetch_Site": "same-site"}),
            ("another origin", 403, {"Sec_Fetch_Site": None,
                                     "Origin": "https://evil.example"}),
            ("an origin that is null", 403, {"Sec_Fetch_Site": None,
                                             "Origin": "null"}),
            ("nothing said", 403, {"Sec_Fetch_Site": None})):
        answer = alice.post("/tokens/revoke-all", **headers)
        same("%s: nothing is done" % what, [answer.status, answer.error],
             [status, "cross-site"])
        well_made("refused: " + what, answer)
    answer = alice.post("/tokens", [("name", "a"), ("name", "b"),
                                    ("lifetime", "7")])
    same("a field twice: refused", [answer.status, answer.error],
         [400, "bad-form"])
    answer = alice.post("/tokens", [("name", "a" * 17000)])
    same("a form too large: refused", [answer.status, answer.error],
         [413, "too-large"])
    answer = alice.get("/tokens?q=a&q=b")
    same("a query with a field twice: refused", answer.status, 400)
    token = "jpat_" + "A" * 8 + "_" + "b" * 36
    answer = alice.get("/tokens?q=" + token)
    same("a token in the query: refused, and not shown", [answer.status,
         answer.error, token in answer.body], [400, "token-in-address", False])
    answer = alice.ask("DELETE", "/tokens")
    same("a method that is none: 405", [answer.status, "POST" in
         answer.head["Allow"], answer.error], [405, True, "bad-method"])
    for path in ("/tokens/ABC", "/tokens/..%2fx", "/tokens/zzzzzzzz",
                 "/tokens/static/x.css", "/tokens/new/x"):
        same("404: " + path, alice.get(path).status, 404)
    report(cards(alice.get("/tokens")), "and all tokens are still there")


def files(alice):
    page = alice.get("/tokens")
    sheet = page.root.one("link", rel="stylesheet")["href"]
    script = page.root.one("script")["src"]
    for path, kind in ((sheet, "text/css"), (script, "text/javascript")):
        answer = alice.get(path)
        report(answer.status == 200 and "immutable" in
               answer.head["Cache-Control"] and
               answer.head["Content-Type"].startswith(kind),
               "%s is kept by browsers" % kind, answer.head)
    sizes = len(alice.get(sheet).body), len(alice.get(script).body)
    report(max(sizes) < 16384, "both are small", sizes)


def staff(alice):
    ann = Client("ann")
    mine = list(cards(alice.get("/tokens")))
    answer = alice.get("/tokens/admin")
    same("who is not of the group sees no other users' tokens",
         [answer.status, answer.error], [403, "not-allowed"])
    answer = alice.post("/tokens/admin/revoke", [("ids", mine[0]),
                                                 ("confirm", "1")])
    same("nor revokes any", [answer.status, answer.error],
         [403, "not-allowed"])
    answer = ann.get("/tokens/admin")
    same("who is sees all", [one for one in mine if one not in cards(answer)],
         [])
    has("with their users", cards(answer)[mine[0]].text, "alice")
    well_made("the list of all", answer)
    answer = ann.submit(answer, "/tokens/admin", user="bob")
    same("it filters by user", list(cards(answer)), [])
    answer = ann.submit(answer, "/tokens/admin", user="", q="job")
    same("and searches", len(cards(answer)), 6)
    chosen = list(cards(answer))[:2]
    done = ann.submit(answer, "/admin/revoke", button="disable", ids=chosen)
    has("many are disabled at once", done.root.one(role="status").text,
        "The tokens are disabled.")
    same("and are so", [cards(done)[one]["data-state"] for one in chosen],
         ["paused", "paused"])
    ann.submit(done, "/admin/revoke", button="enable", ids=chosen)
    question = ann.submit(answer, "/admin/revoke", button="revoke", ids=chosen)
    same("many are revoked after a question",
         [question.title, len(question.root.one(class_="chosen").all("li"))],
         ["Revoke these tokens?", 2])
    well_made("that question", question)
    done = ann.submit(question, "/admin/revoke", button="confirm",
                      reason="left the company")
    has("and that is said", done.root.one(role="status").text,
        "The tokens are revoked.")
    ended = cards(alice.get("/tokens?state=dead"))
    same("their user sees it", [one in ended for one in chosen], [True, True])
    has("with the reason", alice.get("/tokens/" + chosen[0]).root.text,
        "left the company")
    answer = ann.post("/tokens/admin/revoke", [])
    same("nothing chosen: said", [answer.status, answer.error],
         [400, "nothing-chosen"])
    return ann


def policy(ann):
    answer = ann.get("/tokens/admin?policy=1")
    rows = {row.one("th").text: [cell.text for cell in row.all("td")]
            for row in answer.root.one("tbody").all("tr")}
    same("what the policy would do is counted, and said", rows,
         {"unused_limit": ["0", "they are revoked"],
          "name_required": ["0", "they are revoked"],
          "max_per_user": ["0", "they are revoked"],
          "max_lifetime": ["1", "their lifetime is shortened"]})
    well_made("the policy", answer)


def paging(ann):
    for i in range(55):
        admin("create", "many", "--name", "of many %d" % i)
    answer = ann.get("/tokens/admin?user=many")
    first = list(cards(answer))
    link = [one["href"] for one in answer.root.all("a")
            if "after=" in one["href"]]
    same("a page has fifty", [len(first), len(link)], [50, 1])
    answer = ann.get(link[0])
    same("the next one has the rest, under the same filter",
         [len(cards(answer)), set(first) & set(cards(answer)),
          answer.root.one(id="user")["value"]], [5, set(), "many"])


def revoking_all(alice):
    answer = alice.submit(alice.get("/tokens/revoke-all"), "/revoke-all")
    has("all of the own are revoked at once",
        answer.root.one(role="status").text, "Your tokens are revoked.")
    same("none is left", cards(answer), {})


def main():
    alice = Client("alice")
    an_empty_list(alice)
    the_form(alice)
    token = a_token(alice)
    what_is_wrong(alice)
    made = names(alice)
    searching(alice, made)
    new = renewing(alice, token)
    pausing(alice, new)
    children(alice, new)
    others(alice, new)
    examples(alice)
    old_logins(alice)
    links(alice)
    languages()
    shut_out()
    hostile(alice)
    files(alice)
    revoking(alice, new)
    ann = staff(alice)
    policy(ann)
    paging(ann)
    revoking_all(alice)
    return 0


if __name__ == "__main__":
    sys.exit(main())
