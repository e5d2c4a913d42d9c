"""A browser without scripts, as far as the page of users needs one: it follows
links, fills in forms, and sends what a browser sends. And lines for page.sh."""

import html.parser
import http.client
import os
import subprocess
import urllib.parse

VOID = {"meta", "link", "input", "br", "hr", "img"}

def report(good, what, why=""):
    why = " ".join(str(why).split())[:600]
    print("ok" if good else "not ok", what, "" if good else why, sep="\t",
          flush=True)


def same(what, got, wanted):
    report(got == wanted, what, "got: %r wanted: %r" % (got, wanted))


def has(what, text, *parts):
    missing = [part for part in parts if part not in text]
    report(not missing, what, "not there: %r in: %s" % (missing, text))


def admin(*arguments, text=None):
    """pat-admin: its standard output, or else what it complains about."""
    done = subprocess.run(os.environ["PAGE_ADMIN"].split() + list(arguments),
                          input=text, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False)
    return done.stdout.strip() or done.stderr.strip()


def use(token, address):
    """Uses it once, for jira, to read; returns the status."""
    return subprocess.run(
        ["curl", "-K", "-", "-s", "-o", "/dev/null", "-w", "%{http_code}",
         "--unix-socket", os.environ["PAGE_SOCKET"],
         "-H", "X-Forwarded-For: " + address, "-H", "X-Forwarded-Method: GET",
         "-H", "X-Forwarded-Uri: /rest/api/2/myself",
         "http://localhost/auth/jira"],
        input='header = "Authorization: Bearer %s"\n' % token,
        stdout=subprocess.PIPE, text=True, check=False).stdout


def keep_token(token):
    """For page_secrets: that part of it that is secret."""
    with open(os.environ["SCRATCH"] + ".tokens", "a", encoding="ascii") as out:
        print(token[14:44], file=out)


class Node:
    def __init__(self, tag, attributes, parent):
        self.tag, self.parent = tag, parent
        self.attributes = dict(attributes)
        self.children = []

    def __getitem__(self, name):
        return self.attributes.get(name) or ""

    def __contains__(self, name):
        return name in self.attributes

    def all(self, tag=None, **attributes):
        found = []
        for child in self.children:
            if isinstance(child, str):
                continue
            if tag in (None, child.tag) and all(
                    child[name.rstrip("_").replace("_", "-")] == value
                    for name, value in attributes.items()):
                found.append(child)
            found += child.all(tag, **attributes)
        return found

    def one(self, tag=None, **attributes):
        found = self.all(tag, **attributes)
        return found[0] if found else Node("none", [], None)

    @property
    def text(self):
        return " ".join(self.raw_text().split())

    def raw_text(self):
        return "".join(child if isinstance(child, str) else child.raw_text()
                       for child in self.children)


class Tree(html.parser.HTMLParser):
    """Strict: whatever is opened is closed, in order."""

    def __init__(self, text):
        super().__init__()
        self.root = self.at = Node("root", [], None)
        self.errors = []
        self.feed(text)
        self.close()
        if self.at is not self.root:
            self.errors.append("not closed: " + self.at.tag)

    def handle_starttag(self, tag, attributes):
        names = [name for name, _ in attributes]
        if len(set(names)) != len(names):
            self.errors.append("an attribute twice in " + tag)
        node = Node(tag, attributes, self.at)
        self.at.children.append(node)
        if tag not in VOID:
            self.at = node

    def handle_endtag(self, tag):
        if tag != self.at.tag:
            self.errors.append("</%s> in <%s>" % (tag, self.at.tag))
            return
        self.at = self.at.parent

    def handle_data(self, data):
        self.at.children.append(data)


class Answer:
    def __init__(self, url, status, head, body):
        self.url, self.status, self.head = url, status, head
        self.body = body.decode("utf-8")
        self.tree = Tree(self.body) if "html" in head.get("Content-Type", "") \
            else None

    @property
    def root(self):
        return self.tree.root

    @property
    def title(self):
        return self.root.one("h1").text

    @property
    def error(self):
        """The stable id of what went wrong."""
        return self.root.one(role="alert")["data-error"]

    def form(self, end):
        """The form whose address ends so, without its query."""
        for form in self.root.all("form"):
            if form["action"].split("?")[0].endswith(end):
                return form
        raise AssertionError("no form %s at %s" % (end, self.url))


class Client:
    """One user's browser."""

    def __init__(self, server, language="en"):
        self.server, self.language = os.environ["PAGE_" + server], language
        self.seen = []

    def ask(self, method, path, body=None, **headers):
        url = urllib.parse.urljoin(self.server, path)
        parts = urllib.parse.urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=60)
        fields = {"Accept-Language": self.language,
                  "Sec-Fetch-Site": "same-origin"}
        if body is not None:
            fields["Content-Type"] = "application/x-www-form-urlencoded"
        fields.update({name.replace("_", "-"): value
                       for name, value in headers.items()})
        fields = {name: value for name, value in fields.items()
                  if value is not None}
        connection.request(method, parts.path +
                           ("?" + parts.query if parts.query else ""),
                           body, fields)
        got = connection.getresponse()
        answer = Answer(url, got.status, got.headers, got.read())
        connection.close()
        self.seen.append((method, url, answer))
        return answer

    def get(self, path, **headers):
        answer = self.ask("GET", path, **headers)
        while answer.status == 303:
            answer = self.ask("GET", answer.head["Location"], **headers)
        return answer

    def post(self, path, fields=(), **headers):
        answer = self.ask("POST", path, urllib.parse.urlencode(list(fields)),
                          **headers)
        if answer.status == 303:
            return self.get(answer.head["Location"])
        return answer

    def submit(self, answer, end, button=None, **fill):
        """Sends a form as it is, but for what `fill` says: None empties."""
        form = answer.form(end)
        fields = []
        for node in form.all():
            name, kind = node["name"], node["type"]
            if not name or name in fill or node.tag == "button":
                continue
            if node.tag == "select":
                options = node.all("option")
                chosen = [one for one in options if "selected" in one]
                fields.append((name, (chosen or options)[0]["value"]))
            elif kind in ("checkbox", "radio"):
                if "checked" in node:
                    fields.append((name, node["value"]))
            else:
                fields.append((name, node["value"]))
        for name, values in fill.items():
            for value in values if isinstance(values, list) else [values]:
                if value is not None:
                    fields.append((name, value))
        action = form["action"]
        if button is not None:
            found = [one for one in form.all("button")
                     if one["name"] == button or one["formaction"]
                     .split("?")[0].endswith(button)][0]
            action = found["formaction"] or action
            if found["name"]:
                fields.append((found["name"], found["value"]))
        if form["method"] == "post":
            return self.post(urllib.parse.urljoin(answer.url, action), fields)
        return self.get(urllib.parse.urljoin(answer.url, action) + "?" +
                        urllib.parse.urlencode(fields))
