"""Slot 2: through Apache."""
import base64
import grp
import os
import pwd
import shutil
import subprocess
import urllib.error
import urllib.request

from measure import Contender, Missing, Target, figures
from place import (PASSWORD, ROOT, USER, Failed, crypt, drive, expect,
                   free_port, program)

NAME = "apache"
TITLE = "Through Apache"
ABOUT = """\
One operation is a GET of a small file with Basic credentials, from eight clients
that keep their connections, without access log. Everyone has an Apache (event
MPM, one process) with no more modules than needed. The CPU is that of Apache and,
for ours, patd; the client's is left out. An Apache that asks PAM does a whole
transaction for each request, so libpam is the floor, and `pam_permit` the
cheapest that can be had. bcrypt is what `htpasswd -B` makes (5 by default);
mod_authn_socache remembers the hash, not that it matched, so that nothing is
saved, and in front of PAM it adds a bcrypt of its own to each request."""
BASE = "pam_permit"
COLUMNS = [("server_us", "CPU µs", "%.0f"), ("wall_us", "wall µs", "%.0f"),
           ("rate", "per second", "%.0f"), ("p50_us", "p50 µs", "%.0f"),
           ("p99_us", "p99 µs", "%.0f")]
PLOT = ("server_us", "CPU of Apache and patd, µs per request")
TARGETS = [
    Target("ours warm costs at most 1.15 × pam_permit", "server_us",
           "ours, warm", "<=", 1.15, "pam_permit"),
]
CLIENTS = 8
MODULES = os.environ.get("BENCH_MODULES", "/usr/lib/apache2/modules")
BASE_MODULES = ["mpm_event", "authn_core", "authz_core"]
BASIC_MODULES = BASE_MODULES + ["authz_user", "auth_basic"]
BASIC = """\
AuthType Basic
AuthName bench
Require valid-user
"""


def missing():
    """What is not on this machine."""
    if not shutil.which("apache2"):
        return "Apache is missing: apt-get install apache2-bin"
    if not os.path.exists(os.path.join(MODULES, "mod_authnz_pam.so")):
        return ("mod_authnz_pam is missing: "
                "apt-get install libapache2-mod-authnz-pam")
    return None


class Apache:
    """One with these modules and these lines for its only folder; `before` are
    those of the server."""

    def __init__(self, place, name, modules, lines, servers=(), before=""):
        self.servers = list(servers)
        self.port = free_port()
        folder = place.path(name)
        os.mkdir(folder, 0o755)
        conf = place.write(name + ".conf", self.conf(
            place, folder, modules, before, lines))
        self.server = place.server(
            name, ["apache2", "-f", conf, "-DFOREGROUND"],
            {"LD_PRELOAD": place.module("tests/lib/.libs/pam_confdir.so"),
             "JP_PAM_CONFDIR": place.path("pam.d")})
        try:
            self.server.wait_until(self.answers)
        except Failed as error:
            with open(os.path.join(folder, "error.log")) as file:
                raise Failed("%s %s" % (error, file.read()[-400:])) from None

    def conf(self, place, folder, modules, before, lines):
        who = ""
        if ROOT:
            user = pwd.getpwnam("www-data")
            who = "User www-data\nGroup %s\n" % grp.getgrgid(
                user.pw_gid).gr_name
        return """\
ServerRoot {folder}
ServerName localhost
Listen 127.0.0.1:{port}
DefaultRuntimeDir {folder}
PidFile {folder}/pid
Mutex file:{folder}
ErrorLog {folder}/error.log
LogLevel warn
StartServers 1
ServerLimit 1
ThreadsPerChild 16
MaxRequestWorkers 16
MinSpareThreads 1
MaxSpareThreads 16
KeepAliveTimeout 60
MaxKeepAliveRequests 0
DocumentRoot {web}
{modules}
{who}
{before}
<Directory {web}>
{lines}</Directory>
""".format(folder=folder, port=self.port, web=place.path("web"), who=who,
           before=before, lines=lines, modules="\n".join(
               "LoadModule %s_module %s/mod_%s.so" % (name, MODULES, name)
               for name in modules))

    def answers(self):
        try:
            urllib.request.urlopen("http://127.0.0.1:%d/" % self.port,
                                   timeout=10).close()
        except urllib.error.HTTPError:
            pass  # an answer, too
        except OSError:
            return False
        return True

    def pids(self):
        return [pid for server in [self.server, *self.servers]
                for pid in server.pids()]


def contender(place, name, apache, password):
    authorization = "none"
    if password:
        authorization = "Basic " + base64.b64encode(
            ("%s:%s" % (USER, password)).encode()).decode()
    warm = 1 if place.operations else 16

    def turn(count):
        result = drive([program("web"), str(apache.port), "/index.html", str(CLIENTS),
                        str(warm), str(count)], [authorization], [apache])
        operations = expect(result, "requests", "accepted")
        found = figures(operations, result["wall_ns"], result["cpu_ns"],
                        result["server_ns"])
        for part in ("p50", "p99"):
            found[part + "_us"] = result["kinds"]["all"][part + "_ns"] / 1e3
        return found

    return Contender(name, turn)


def asks_pam(service):
    return BASIC + "AuthBasicProvider PAM\nAuthPAMService %s\n" % service


def bcrypt_file(place, cost):
    return place.write("users.%d" % cost, "%s:%s\n" % (
        USER, crypt(PASSWORD, "$2y$:%d" % cost)))


def asks_file(place, cost, providers="file"):
    return BASIC + "AuthBasicProvider %s\nAuthUserFile %s\n" % (
        providers, bcrypt_file(place, cost))


def with_dbm(place, name="mod_authn_dbm (Berkeley DB), bcrypt 5"):
    load = shutil.which("db5.3_load")
    if not load:
        return Missing(name, "db5.3_load is missing: "
                       "apt-get install db5.3-util")
    path = place.path("users.dbm")
    subprocess.run([load, "-T", "-t", "hash", path],
                   input="%s\n%s\n" % (USER, crypt(PASSWORD, "$2y$:5")),
                   text=True, check=True)
    os.chmod(path, 0o644)
    return contender(place, name, Apache(
        place, "dbm", BASIC_MODULES + ["authn_dbm"],
        BASIC + "AuthBasicProvider dbm\nAuthDBMType DB\n"
        "AuthDBMUserFile %s\n" % path), PASSWORD)


def with_socache(place, store, token):
    """In front of the most expensive, and in front of ours."""
    cached = BASIC_MODULES + ["socache_shmcb", "authn_socache"]
    cache = "AuthnCacheProvideFor %s\nAuthnCacheTimeout 3600\n"
    return [
        contender(place, "mod_authn_socache and file, bcrypt 10", Apache(
            place, "socache-file", cached + ["authn_file"],
            asks_file(place, 10, "socache file") + cache % "file"), PASSWORD),
        contender(place, "mod_authn_socache and ours", Apache(
            place, "socache-ours", cached + ["authnz_pam"],
            asks_pam("ours").replace("PAM\n", "socache PAM\n", 1) +
            cache % "PAM", [store]), token),
    ]


def contenders(place):
    why = missing()
    if why:
        return [Missing("everyone", why)]
    os.mkdir(place.path("web"), 0o755)
    place.write("web/index.html", "<p>hello</p>\n")
    store = place.store()
    token = store.token(USER)
    place.ours("ours", store)
    place.service("permit", "pam_permit.so")
    pam = BASIC_MODULES + ["authnz_pam"]
    file = BASIC_MODULES + ["authn_file"]
    lines = "Require all granted\n"
    everyone = [
        ("no authentication", BASE_MODULES, lines, [], None),
        ("pam_permit", pam, asks_pam("permit"), [], PASSWORD),
        ("ours, warm", pam, asks_pam("ours"), [store], token),
        ("mod_authn_file, bcrypt 5", file, asks_file(place, 5), [], PASSWORD),
        ("mod_authn_file, bcrypt 10", file, asks_file(place, 10), [],
         PASSWORD),
    ]
    return [
        *(contender(place, name, Apache(
            place, "apache%d" % number, modules, lines, servers), password)
          for number, (name, modules, lines, servers, password)
          in enumerate(everyone)),
        with_dbm(place),
        *with_socache(place, store, token),
    ]
