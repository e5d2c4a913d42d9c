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
Debian's own `/etc/pam.d/other` costs every one of these some 700 µs more."""
BASE = "empty module"
COLUMNS = [("cpu_us", "CPU µs", "%.1f"), ("client_us", "caller", "%.1f"),
           ("server_us", "patd", "%.1f"), ("wall_us", "wall µs", "%.1f"),
           ("rate", "per second", "%.0f")]
PLOT = ("cpu_us", "CPU, µs per transaction")
TARGETS = [
    Target("ours warm costs at most 1.3 × the empty module", "cpu_us",
           "ours, warm", "<=", 1.3, "empty module"),
    Target("refusing a forged token costs at most 1.3 × the empty module",
           "cpu_us", "ours, forged token", "<=", 1.3, "empty module"),
]
WARM = 20


def contender(place, name, service, password, servers=(), user=USER,
              answer="accepted", env=None, warm=WARM):
    if place.operations:
        warm = 1

    def turn(count):
        result = drive([program("pam_bench"), place.path("pam.d"), service,
                        str(warm), str(count), "1"], [user, password],
                       servers, env)
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


def unix(place, name="pam_unix, yescrypt"):
    """With users of its own, see own_users.c."""
    if not ROOT:
        return Missing(name, "needs root: others ask unix_chkpwd, which reads "
                       "the machine's own shadow")
    env = {
        "LD_PRELOAD": place.module("tests/bench/.libs/own_users.so"),
        "JP_BENCH_PASSWD": place.write(
            "passwd", "%s:x:65000:65000::/:/bin/sh\n" % USER),
        "JP_BENCH_SHADOW": place.write(
            "shadow", "%s:%s:19000:0:99999:7:::\n" % (
                USER, crypt(PASSWORD, "$y$")), 0o600),
    }
    service = place.service("unix", "pam_unix.so nodelay")
    return contender(place, name, service, PASSWORD, env=env, warm=1)


def contenders(place):
    return [
        contender(place, "empty module", place.service(
            "empty", place.module("tests/bench/.libs/pam_empty.so")),
            PASSWORD),
        contender(place, "pam_permit", place.service(
            "permit", "pam_permit.so"), PASSWORD),
        *ours(place),
        userdb(place),
        unix(place),
    ]
