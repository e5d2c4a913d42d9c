"""A client of admin.sock that says what pat-admin never would:
tests/daemon/admin_ask.c, as any user.
"""
import collections
import os
import re
import subprocess

from daemon import BUILD

ASK = os.path.join(BUILD, "tests/daemon/admin_ask")

with open(os.path.join(os.environ["JP_SOURCE"], "common/admin/request.h")) as header:
    OPERATIONS = re.search(r"JP_ADMIN_OP_LIST\(X\)(.*?)enum", header.read(),
                           re.DOTALL)
OPERATIONS = re.findall(r'X\(\w+, \d+, "([a-z-]+)",', OPERATIONS.group(1))

Item = collections.namedtuple("Item", "kind id user expires scopes token")


class Asker:
    """It stays, as the user with this uid (or "UID:GID"), and connects again
    where patd has hung up.
    """

    def __init__(self, place, uid):
        self.process = subprocess.Popen(
            [ASK, place.admin_sock, str(uid)], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, op, identity="", user="", **fields):
        """The items, and the name of the result."""
        words = [str(OPERATIONS.index(op)), identity or "-", user or "-"]
        for name, value in fields.items():
            values = value if isinstance(value, (list, tuple)) else [value]
            words += ["%s=%s" % (name, each) for each in values]
        self.process.stdin.write(" ".join(words) + "\n")
        self.process.stdin.flush()
        items = []
        for line in self.process.stdout:
            words = line.rstrip("\n").split(" ")
            if words[0] == "item":
                items.append(Item(*words[1:]))
                continue
            self.refusal = words[2] if words[0] == "end" else "-"
            self.why = " ".join(words[3:])
            return items, words[1] if words[0] == "end" else "closed"
        raise AssertionError("admin_ask ended")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()
