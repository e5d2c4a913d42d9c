"""Slot 1: whole PAM transactions."""
import os
import shutil
import subprocess

from measure import Contender, Missing, Target, figures
from place import (PASSWORD, ROOT, USER, crypt, drive, expect, forged,
                   program)

NAME = "pam"
TITLE = "Whole PAM transactions"
ABOUT = """\
One operation is pam_start, pam_authenticate, pam_acct_mgmt and pam_end in one
thread, with a service file of one module and an `other` that denies: what a
front door does for every request. The CPU is that of the caller and of patd
together. libpam itself is the floor: it reads and parses the service files,
loads what is not loaded, and opens four netlink sockets for the audit system.
The second row is the floor of every module that asks another process: it only
lets the processor go once, for the shortest time.
Debian's own `/etc/pam.d/other` costs every one of these some 700 µs more."""
BASE = "empty module"
COLUMNS = [("cpu_us", "CPU µs", "%.1f"), ("client_us", "caller", "%.1f"),
           ("server_us", "patd", "%.1f"), ("wall_us", "wall µs", "%.1f"),
           ("rate", "per second", "%.0f")]
PLOT = ("cpu_us", "CPU, µs per transaction")
TARGETS = [
    Target("ours warm costs at most 1.35 × the empty module", "cpu_us",
           "ours, warm", "<=", 1.35, "empty module"),
    Target("refusing a forged token costs at most 1.3 × the empty module",
           "cpu_us", "ours, forged token", "<=", 1.3, "empty module"),
]
WARM = 20


def contender(place, name, service, password, servers=(), user=USER,
              answer="accepted", before=(), warm=WARM):
    if place.operations:
        warm = 1

    def turn(count):
        result = drive([*before, program("pam_bench"), place.path("pam.d"),
                        service, str(warm), str(count), "1"], [user, password],
                       servers)
        operations = expect(result, "all", answer)
        return figures(operations, result["wall_ns"], result["cpu_ns"],
                       result["server_ns"])

    return Contender(name, turn)


def ours(place):
    warm = place.store()
    token = warm.token(USER)
    cold = place.store("cache_entries = 0")
    service = place.ours("ours", warm)
    return [
        contender(place, "ours, warm", service, token, [warm]),
        contender(place, "ours, forged token", service, forged(token[5:13]),
                  [warm], answer="denied"),
        contender(place, "ours, cold", place.ours("cold", cold),
                  cold.token(USER), [cold], warm=1),
    ]


def userdb(place, name="pam_userdb, SHA-512 crypt"):
    load = shutil.which("db5.3_load")
    if not load:
        return Missing(name, "db5.3_load is missing: "
                       "apt-get install db5.3-util")
    subprocess.run([load, "-T", "-t", "hash", place.path("users.db")],
                   input="%s\n%s\n" % (USER, crypt(PASSWORD, "$6$")),
                   text=True, check=True)
    os.chmod(place.path("users.db"), 0o644)
    service = place.service("userdb", "pam_userdb.so db=%s crypt=crypt" %
                            place.path("users"))
    return contender(place, name, service, PASSWORD, warm=2)


# In a mount namespace of its own: the helper of pam_unix, which libpam 1.7 runs
# for root, too, reads these names and gets no environment.
OWN_USERS = """mount --bind "$1" /etc/passwd && mount --bind "$2" /etc/shadow &&
shift 2 && exec "$@"
"""


def unix(place, name="pam_unix, yescrypt"):
    """With users of its own in place of the machine's."""
    private = ["unshare", "--mount", "--propagation", "private"]
    if not ROOT:
        return Missing(name, "needs root, to put its own users in place of the "
                       "machine's")
    if not shutil.which("unshare") or subprocess.run(
            [*private, "true"], check=False).returncode:
        return Missing(name, "needs a mount namespace of its own")
    passwd = place.write("passwd", "root:x:0:0::/root:/bin/sh\n"
                         "%s:x:65000:65000::/:/bin/sh\n" % USER)
    shadow = place.write("shadow", "root:*:19000:0:99999:7:::\n"
                         "%s:%s:19000:0:99999:7:::\n" % (
                             USER, crypt(PASSWORD, "$y$")), 0o600)
    service = place.service("unix", "pam_unix.so nodelay")
    return contender(place, name, service, PASSWORD, warm=1, before=[
        *private, "sh", "-c", OWN_USERS, "sh", passwd, shadow])


def contenders(place):
    empty = place.module("tests/bench/.libs/pam_empty.so")
    return [
        contender(place, "empty module", place.service("empty", empty),
                  PASSWORD),
        contender(place, "empty module that sleeps once",
                  place.service("sleep", empty + " sleep"), PASSWORD),
        contender(place, "pam_permit", place.service(
            "permit", "pam_permit.so"), PASSWORD),
        *ours(place),
        userdb(place),
        unix(place),
    ]
