"""A token in every field that it could be pasted into: no log line, no line of
the audit trail, no error text and no stored label shows its secret.
"""
import base64
import json
import os
import re
import socket
import subprocess

from daemon import (
    ADMIN, AUDIT, PATD, Client, forged, main, text, world)

WINDOW = 12  # so long a piece of a secret is secret, too
MORE = AUDIT + "mux = {root}/run/mux\nself_service = yes\n"
TABLE_ONLY = ("restore",)  # waits for a yes on a terminal


def spellings(token):
    """What a client or its user makes of it; no name may hold these."""
    flipped = "0" if token[-1] != "0" else "1"
    return [
        token, token + "@realm", token + " ", " " + token, "alice " + token,
        "alice:" + token, token + " " + token, token + token, "(%s)" % token,
        token[:-1] + flipped, token[:-6], token[4:], token[5:], token.lower(),
        "acme" + token[4:], "DOMAIN\\" + token,
        base64.b64encode(("alice:" + token).encode()).decode(),
        base64.b64encode(token.encode()).decode(),
    ]


def pieces(token):
    """What no longer is a token, and still not for a log."""
    return [token[:30], token[:26], token[9:], token[14:], token[14:44],
            token.replace("_", "%5F"), token.replace("_", "-"),
            token.replace("_", "\\u005f")]


def windows(token):
    secret = token[14:44].lower()
    for at in range(len(secret) - WINDOW + 1):
        yield secret[at:at + WINDOW]
    for user in ("", "alice:"):
        for text_of in (token, token.lower()):
            data = base64.b64encode((user + text_of).encode()).decode()
            yield data[len(data) - 40:len(data) - 20].lower()


class Watch:
    """Looks for the secrets of all tokens that were given to it."""

    def __init__(self, place):
        self.place = place
        self.needles = set()
        self.fields = 0

    def spellings(self, more=()):
        token = forged("".join(
            "%08d" % (int.from_bytes(os.urandom(4), "big") % 10 ** 8)))
        self.needles.update(windows(token))
        return spellings(token) + list(more and more(token))

    def look(self, output, where):
        lower = output.lower()
        for needle in self.needles:
            if needle in lower:
                raise AssertionError("%s: a secret in: %s" % (
                    where, output[max(0, lower.index(needle) - 200):
                                  lower.index(needle) + 60]))

    def end(self):
        self.look(self.place.read_log(), "the log")
        self.look(self.place.read_trail(), "the trail")
        for command in (("list", "--all"), ("list", "--all", "--json"),
                        ("user", "list", "--json"), ("export",), ("audit",),
                        ("audit", "--json"), ("stats",)):
            self.look(self.place.admin(*command, check=False).stdout, command)


def cut(value, room):
    return value.encode()[:room]


def ask_verify(place, fields):
    user, token, service, rhost = fields
    with Client(place.verify) as client:
        client.send(b"JPV1" + b"\0" + b"\0\0\0\7" + text(cut(user, 255)) +
                    text(cut(token, 128)) + text(cut(service, 64)) +
                    text(cut(rhost, 64)))
        try:
            client.answer()
        except (AssertionError, ConnectionError):
            pass  # it does not fit: refused


def ask_mux(place, fields):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(60)
        sock.connect(os.path.join(place.root, "run/mux"))
        sock.sendall(b"".join(text(field) for field in fields))
        sock.recv(16)


def front_doors():
    """a token in any field of verify.sock and mux shows in no log"""
    with world(MORE) as place:
        watch = Watch(place)
        for ask, plain in (
                (ask_verify, ("alice", "no token", "jira", "10.0.0.1")),
                (ask_mux, ("alice", "no token", "svn", "realm"))):
            for field in range(4):
                for spelling in watch.spellings(pieces):
                    fields = list(plain)
                    fields[field] = spelling
                    ask(place, fields)
                    watch.fields += 1
        real = place.token()  # accepted, too: what is kept of a use
        for spelling in watch.spellings(pieces):
            ask_verify(place, ("alice", real, spelling, spelling))
        show = place.admin("show", real[5:13]).stdout
        watch.look(show, "show")
        assert place.stop() == 0
        assert watch.fields == 8 * 26
        assert "deny" in place.read_trail()
        place.start()
        watch.look(place.admin("show", real[5:13], "--json").stdout, "show")
        watch.end()


def commands():
    done = subprocess.run([ADMIN, "--help"], text=True, capture_output=True,
                          check=True).stdout
    names = re.findall(r"^  ([a-z][a-z-]+) {1,9}\S", done, re.M)
    assert "create" in names and "sync-users" in names, names
    return [name for name in names if name not in TABLE_ONLY]


def options(command):
    """Its options that take a value; --config would be another world."""
    done = subprocess.run([ADMIN, command, "--help"], text=True,
                          capture_output=True, check=True).stdout
    return [name for name in re.findall(r"^  (--[a-z-]+) [A-Z]+ ", done, re.M)
            if name != "--config"]


def run(place, watch, folder, *args, said=""):
    done = subprocess.run(
        [ADMIN, "--config", place.config, *args], text=True, cwd=folder,
        input=said, capture_output=True, timeout=60, errors="replace")
    # What it was asked to print of a new token is another one's.
    watch.look(done.stderr, args[0])
    watch.look(done.stdout, args[0])
    return done


def command_line():
    """a token in any argument of any command of pat-admin shows nowhere"""
    with world(MORE) as place:
        watch = Watch(place)
        folder = os.path.join(place.root, "work")
        os.mkdir(folder, 0o777)
        os.chmod(folder, 0o777)
        for command in commands():
            spelt = watch.spellings()
            for spelling in spelt[::3]:
                run(place, watch, folder, command, spelling)
                run(place, watch, folder, command, "alice", spelling)
                run(place, watch, folder, command, "--" + spelling)
            for option in options(command):
                for spelling in spelt[:2] + spelt[-2:]:
                    run(place, watch, folder, command, "alice", option,
                        spelling)
                    run(place, watch, folder, command, option + "=" + spelling,
                        "alice")
        for spelling in watch.spellings():
            run(place, watch, folder, spelling)
            run(place, watch, folder, "user", "disable", spelling)
            run(place, watch, folder, "user", "groups", "alice", spelling)
        watch.end()


def without_patd():
    """the same where no patd runs"""
    with world(MORE, start=False) as place:
        watch = Watch(place)
        for spelling in watch.spellings()[:4]:
            for args in (("create", spelling), ("create", "a", "--name",
                         spelling), ("revoke", "a", "--reason", spelling),
                         ("user", "disable", "a", "--note", spelling)):
                run(place, watch, place.root, *args)
        watch.end()


ROWS = {
    "create.csv": ("user,name,service\n%s,a,b\n", "user,name\nalice,%s\n",
                   "user,service\nalice,%s\n", "%s,name\na,b\n",
                   "user,expires\nalice,%s\n", "user,from\nalice,%s\n",
                   "user,scope\nalice,%s\n"),
    "users.csv": ("user,active\n%s,yes\n", "user,active\nalice,%s\n",
                  "user,groups\nalice,%s\n", "%s\nalice\n",
                  '"%s\n', "user\nalice,%s\n"),
    "users.json": ('{"user":"%s"}\n', '{"user":"alice","groups":["%s"]}\n',
                   '{"%s":1}\n', '{"user":"alice","active":"%s"}\n', "%s\n"),
    "import.json": ('{"user":"%s"}\n', '{"id":"%s","user":"a"}\n', "%s\n",
                    '{"user":"alice","phc":"%s","id":"ABCDEFGH"}\n'),
    "import.lines": ("%s:$argon2id$v=19$m=64,t=1,p=1$YWFhYWFhYWFhYWFhYWFhYQ$"
                     "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE\n",
                     "alice:%s\n"),
}
READERS = {
    "create.csv": ("create", "--batch"), "users.csv": ("sync-users",),
    "users.json": ("sync-users",), "import.json": ("import",),
    "import.lines": ("import",),
}


def rows():
    """a token in any column of a file that is read shows nowhere"""
    with world(MORE) as place:
        watch = Watch(place)
        for name, templates in ROWS.items():
            path = os.path.join(place.root, name)
            for template in templates:
                for spelling in watch.spellings()[::2]:
                    with open(path, "w") as file:
                        file.write(template.replace(
                            "%s", json.dumps(spelling)[1:-1]))
                    os.chmod(path, 0o644)
                    run(place, watch, place.root, *READERS[name], path)
        watch.end()


def configured():
    """a token as a path of the configuration: check and patd do not show it"""
    with world(start=False) as place:
        watch = Watch(place)
        with open(place.config) as file:
            good = file.read()
        for key in ("run_dir", "store_dir", "pepper_file", "audit_file"):
            path = "/nonexistent/" + watch.spellings()[0]
            lines = [line for line in good.splitlines()
                     if not line.startswith(key)] + [key + " = " + path]
            with open(place.config, "w") as file:
                file.write("\n".join(lines) + "\n")
            done = run(place, watch, place.root, "check")
            assert key == "audit_file" or "_***" in done.stdout, done
            run(place, watch, place.root, "check", "--json")
            done = subprocess.run(
                [PATD, "--config", place.config, "--check-config"], text=True,
                capture_output=True, timeout=60)
            watch.look(done.stdout + done.stderr, "--check-config")


def not_stored():
    """a whole token is refused as a user's name, a name, a note, a reason"""
    with world(MORE) as place:
        token = place.token()
        paste = forged("ABCDEFGH")
        for args in (("create", paste), ("create", "bob", "--name",
                     "for " + paste), ("user", "disable", "alice", "--note",
                     paste), ("revoke", token[5:13], "--reason", paste),
                     ("create", "bob", "--service", paste[:64]),
                     ("user", "groups", "alice", paste)):
            done = place.admin(*args, check=False)
            assert done.returncode == 2, (args[0], done)
            assert "token" in done.stderr, done.stderr
            assert paste[14:] not in done.stderr
        assert place.ask("alice", token)[0] == 2, "nothing was done"


if __name__ == "__main__":
    main([front_doors, command_line, without_patd, rows, configured,
          not_stored])
