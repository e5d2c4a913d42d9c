"""Slot 12: the authorizer, through nginx, through Apache, and alone."""
import base64
import contextlib
import grp
import os
import pwd
import shutil
import signal
import socket
import urllib.error
import urllib.request

import slot_apache
from measure import Contender, Missing, Target, figures
from place import PASSWORD, ROOT, USER, drive, expect, free_port, program

NAME = "authorizer"
TITLE = "The authorizer"
ABOUT = """\
One operation is a GET of a small file with Basic credentials, from eight clients
that keep their connections, without access log, as in the slot of Apache; the CPU
is that of the proxy, pat-httpd and patd. nginx has one worker and asks by
auth_request, in FastCGI or in HTTP over a kept-alive Unix socket; Apache asks by
mod_authnz_fcgi, with a TCP connection for each request, for it can do no other.
Alone, pat-httpd has one core to itself, and is asked by a driver; driver and patd
have the others. Beside it, in the same way, are a bare hello of libmicrohttpd, and
a FastCGI server that says yes to everything; "one core" is what the CPU of the
server alone comes to.
While patd is frozen, eight clients wait for the authorizer, and one asks for
another location. Verify questions are those of the modules (JPV1), for a look at
another build."""
BASE = "nginx, auth_pam with pam_permit"
COLUMNS = [("server_us", "CPU µs", "%.0f"), ("wall_us", "wall µs", "%.0f"),
           ("rate", "per second", "%.0f"), ("core_rate", "one core", "%.0f"),
           ("p50_us", "p50 µs", "%.0f"), ("p99_us", "p99 µs", "%.0f")]
PLOT = ("server_us", "CPU of proxy, pat-httpd and patd, µs per request")
TARGETS = [
    Target("nginx, FastCGI: at most 0.20 × auth_pam with pam_permit",
           "server_us", "ours, nginx over FastCGI", "<=", 0.20,
           "nginx, auth_pam with pam_permit"),
    Target("nginx, HTTP: at most 0.20 × auth_pam with pam_permit", "server_us",
           "ours, nginx over HTTP", "<=", 0.20,
           "nginx, auth_pam with pam_permit"),
    Target("Apache, FastCGI: at most 0.85 × its PAM with pam_permit",
           "server_us", "ours, Apache over FastCGI", "<=", 0.85,
           "Apache, pam_permit"),
    Target("HTTP alone: at least 0.65 × the rate of a hello of libmicrohttpd",
           "rate", "ours, HTTP alone", ">=", 0.65,
           "hello of libmicrohttpd"),
    Target("FastCGI alone: at least 0.65 × the rate of a stub", "rate",
           "ours, FastCGI alone", ">=", 0.65, "FastCGI stub"),
    Target("patd frozen: p99 of another location as ever", "p99_us",
           "ours, nginx elsewhere, patd frozen", "<=", 1.10,
           "ours, nginx elsewhere"),
]
CLIENTS = 8
WAITING = 8    # clients of a frozen patd
SERVICE = "jira"
PAM_MODULE = "/usr/lib/nginx/modules/ngx_http_auth_pam_module.so"
SETTINGS = """
[pat-httpd]
user = {user}
[listener bench]
listen = 127.0.0.1:{http}
[listener apache]
listen = 127.0.0.1:{fcgi}
protocol = fastcgi
service = jira
"""
# What examples/nginx/jira-pat-authorizer.conf asks, and no more.
OVER_FASTCGI = """\
fastcgi_pass authorizer_fcgi;
fastcgi_keep_conn on;
fastcgi_pass_request_body off;
fastcgi_pass_request_headers off;
fastcgi_param SCRIPT_NAME /auth/jira;
fastcgi_param REQUEST_METHOD $request_method;
fastcgi_param REQUEST_URI $request_uri;
fastcgi_param REMOTE_ADDR $remote_addr;
fastcgi_param HTTP_AUTHORIZATION $http_authorization if_not_empty;
fastcgi_read_timeout 5s;
"""
OVER_HTTP = """\
proxy_pass http://authorizer_http/auth/jira;
proxy_http_version 1.1;
proxy_pass_request_body off;
proxy_set_header Connection "";
proxy_set_header Content-Length "";
proxy_set_header X-Forwarded-Method $request_method;
proxy_set_header X-Forwarded-Uri $request_uri;
proxy_set_header X-Forwarded-For $remote_addr;
proxy_read_timeout 5s;
"""
ASKS = """\
auth_request /.authorize-{name};
auth_request_set $user_{name} $upstream_http_x_forwarded_user;
add_header X-User $user_{name};
"""
ASKS_PAM = 'auth_pam "bench";\nauth_pam_service_name "permit";\n'
CONF = """\
{module}
{user}
worker_processes 1;
daemon off;
pid {folder}/pid;
error_log {folder}/error.log warn;
env JP_PAM_CONFDIR;
events {{ worker_connections 256; }}
http {{
    access_log off;
    keepalive_requests 1000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream authorizer_fcgi {{
        server unix:{run}/fcgi.sock;
        keepalive 32;
    }}
    upstream authorizer_http {{
        server unix:{run}/http.sock;
        keepalive 32;
        keepalive_requests 1000000;
    }}
    server {{
        listen 127.0.0.1:{port};
        root {web};
        location /plain/ {{ }}
        {locations}
    }}
}}
"""


def basic(password):
    return "Basic " + base64.b64encode(
        ("%s:%s" % (USER, password)).encode()).decode()


def with_quantiles(result):
    """The figures of one turn; all were accepted."""
    operations = expect(result, "requests", "accepted")
    found = figures(operations, result["wall_ns"], result["cpu_ns"],
                    result["server_ns"])
    if found["server_us"] > 0:
        found["core_rate"] = 1e6 / found["server_us"]
    for part in ("p50", "p99"):
        found[part + "_us"] = result["kinds"]["all"][part + "_ns"] / 1e3
    return found


def pin(pids, cores):
    """All their threads; those that have just ended need none."""
    for pid in pids:
        with contextlib.suppress(OSError):
            for task in os.listdir("/proc/%d/task" % pid):
                os.sched_setaffinity(int(task), cores)


@contextlib.contextmanager
def apart(server, others):
    """The server has a core to itself, if there is more than one."""
    cores = os.sched_getaffinity(0)
    first = {min(cores)}
    rest = cores - first or cores
    pin(server.pids(), first)
    for pids in ([os.getpid()], *(other.pids() for other in others)):
        pin(pids, rest)
    try:
        yield
    finally:
        for pids in ([os.getpid()], server.pids(),
                     *(other.pids() for other in others)):
            pin(pids, cores)


def contender(place, name, argv, line, servers, clients=CLIENTS,
              around=contextlib.nullcontext, during=contextlib.nullcontext):
    """`argv`: of the driver, up to where it asks; `around` and `during` make
    what is so meanwhile, before it starts, and when it has warmed up."""
    warm = 1 if place.operations else 16

    def turn(count):
        with around():
            return with_quantiles(drive(
                [*argv, str(clients), str(warm), str(count)], [line], servers,
                during=during()))

    return Contender(name, turn)


# ---- what is asked ----

class Httpd:
    """pat-httpd of this store."""

    def __init__(self, place, store, ports):
        self.server = place.server("pat-httpd", [
            os.path.join(place.build, "pat_httpd/pat-httpd"), "--config",
            store.config])
        self.sockets = [os.path.join(store.run_dir, name)
                        for name in ("http.sock", "fcgi.sock")]
        self.ports = ports
        self.server.wait_until(self.answers)

    def answers(self):
        try:
            for path in self.sockets:
                with socket.socket(socket.AF_UNIX) as sock:
                    sock.connect(path)
            for port in self.ports:
                socket.create_connection(("127.0.0.1", port), 5).close()
            return True
        except OSError:
            return False

    def pids(self):
        return self.server.pids()


class Nginx:
    """One worker, with the locations of all who are asked."""

    def __init__(self, place, name, locations, run, module="", servers=()):
        self.servers = list(servers)
        self.port = free_port()
        folder = place.path(name)
        os.mkdir(folder, 0o755)
        user = ""
        if ROOT:
            group = grp.getgrgid(pwd.getpwnam("www-data").pw_gid).gr_name
            user = "user www-data %s;" % group
        conf = place.write(name + ".conf", CONF.format(
            module=module, user=user, folder=folder, port=self.port, run=run,
            web=place.path("web"), locations=locations))
        self.server = place.server(
            name, ["nginx", "-p", folder, "-c", conf],
            {"LD_PRELOAD": place.module("tests/lib/.libs/pam_confdir.so"),
             "JP_PAM_CONFDIR": place.path("pam.d")} if module else {})
        self.server.wait_until(self.answers)

    def answers(self):
        try:
            urllib.request.urlopen("http://127.0.0.1:%d/plain/index.html" %
                                   self.port, timeout=10).close()
        except urllib.error.HTTPError:
            pass  # an answer, too
        except OSError:
            return False
        return True

    def pids(self):
        return [pid for server in [self.server, *self.servers]
                for pid in server.pids()]


def asking(name, lines):
    """The location that asks by these lines, and where it asks."""
    return "location /%s/ { %s }\nlocation = /.authorize-%s {\ninternal;\n%s}\n" % (
        name, ASKS.format(name=name), name, lines)


def through(place, name, nginx, path, password):
    return contender(place, name, [program("web"), str(nginx.port), path],
                     basic(password) if password else "none", [nginx])


def with_nginx(place, store, httpd, token):
    if not shutil.which("nginx"):
        return [Missing("nginx", "nginx is missing: "
                        "apt-get install nginx-light")]
    nginx = Nginx(place, "nginx", asking("fastcgi", OVER_FASTCGI) +
                  asking("http", OVER_HTTP), store.run_dir,
                  servers=[httpd, store])
    found = [
        through(place, "nginx, no authentication", nginx, "/plain/index.html",
                None),
        through(place, "ours, nginx over FastCGI", nginx,
                "/fastcgi/index.html", token),
        through(place, "ours, nginx over HTTP", nginx, "/http/index.html",
                token),
        *elsewhere(place, nginx, store, token),
    ]
    if not os.path.exists(PAM_MODULE):
        return found + [Missing(
            BASE, "auth_pam is missing: "
            "apt-get install libnginx-mod-http-auth-pam")]
    pam = Nginx(place, "nginx-pam", "location /pam/ { %s }" % ASKS_PAM,
                store.run_dir, "load_module %s;" % PAM_MODULE)
    return found + [through(place, BASE, pam, "/pam/index.html", PASSWORD)]


@contextlib.contextmanager
def frozen(store, nginx, token):
    """Clients wait for a patd that does not move."""
    os.kill(store.patd.pid, signal.SIGSTOP)
    waiting = []
    try:
        for _ in range(WAITING):
            sock = socket.create_connection(("127.0.0.1", nginx.port), 10)
            waiting.append(sock)
            sock.sendall(("GET /fastcgi/index.html HTTP/1.1\r\nHost: x\r\n"
                          "Authorization: %s\r\n\r\n" % basic(token)).encode())
        yield
    finally:
        os.kill(store.patd.pid, signal.SIGCONT)
        for sock in waiting:
            sock.close()


def elsewhere(place, nginx, store, token):
    """One client of a location that asks nobody."""
    argv = [program("web"), str(nginx.port), "/plain/index.html"]
    return [
        contender(place, "ours, nginx elsewhere", argv, "none", [nginx.server],
                  clients=1),
        contender(place, "ours, nginx elsewhere, patd frozen", argv, "none",
                  [nginx.server], clients=1,
                  during=lambda: frozen(store, nginx, token)),
    ]


AUTHORIZER_OF_APACHE = """\
AuthType Token
CGIPassAuth On
AuthnzFcgiCheckAuthnProvider jirapat Authoritative On RequireBasicAuth Off UserExpr "%{reqenv:REMOTE_USER}"
Require valid-user
"""


def with_apache(place, store, httpd, token):
    why = slot_apache.missing()
    if why:
        return [Missing("Apache", why)]
    modules = slot_apache.BASE_MODULES + ["authz_user"]
    ours = slot_apache.Apache(
        place, "apache-fcgi", modules + ["authnz_fcgi"], AUTHORIZER_OF_APACHE,
        [httpd, store],
        "AuthnzFcgiDefineProvider authn jirapat fcgi://127.0.0.1:%d/" %
        httpd.ports[1])
    pam = slot_apache.Apache(
        place, "apache-pam", slot_apache.BASIC_MODULES + ["authnz_pam"],
        slot_apache.asks_pam("permit"))
    return [
        slot_apache.contender(place, "Apache, pam_permit", pam, PASSWORD),
        slot_apache.contender(place, "ours, Apache over FastCGI", ours, token),
    ]


# ---- alone ----

class Hello:
    """A server that says yes and looks at nothing."""

    def __init__(self, place, protocol, where):
        self.server = place.server(
            "hello-" + protocol, [program("hello"), protocol, where])
        self.server.wait_until(self.ready)

    def ready(self):
        with open(self.server.log) as file:
            return file.read().startswith("ready")

    def pids(self):
        return self.server.pids()


def http_alone(place, store, httpd, token):
    found = [contender(
        place, "ours, HTTP alone",
        [program("web"), str(httpd.ports[0]), "/auth/" + SERVICE],
        basic(token), [httpd], around=lambda: apart(httpd, [store]))]
    port = free_port()
    hello = Hello(place, "http", str(port))
    return found + [contender(
        place, "hello of libmicrohttpd", [program("web"), str(port), "/"],
        basic(token), [hello], around=lambda: apart(hello, []))]


def fcgi_alone(place, store, httpd, token):
    path = place.path("hello.sock")
    everyone = [
        ("ours, FastCGI alone", os.path.join(store.run_dir, "fcgi.sock"), httpd,
         [store]),
        ("FastCGI stub", path, Hello(place, "fcgi", path), []),
    ]
    return [contender(
        place, name, [program("fcgi"), where, "/auth/" + SERVICE],
        basic(token), [server],
        around=lambda server=server, others=others: apart(server, others))
        for name, where, server, others in everyone]


# ---- as ever ----

def verify(place, store, token):
    """Questions of the modules."""
    warm = 1 if place.operations else 50

    def turn(count):
        result = drive(
            [program("crowd"), "verify", store.verify, str(CLIENTS), str(warm),
             str(count), "0"], ["warm %s %s" % (USER, token)], [store])
        result["kinds"]["requests"] = result["kinds"]["warm"]
        return with_quantiles(result)

    return Contender("ours, verify questions", turn)


def contenders(place):
    if not os.path.exists(os.path.join(place.build, "pat_httpd/pat-httpd")):
        store = place.store()  # of a build before there was one
        return [verify(place, store, store.token(USER))]
    for folder in ("plain", "fastcgi", "http", "pam"):
        os.makedirs(place.path("web", folder), 0o755)
        place.write("web/%s/index.html" % folder, "<p>hello</p>\n")
    place.write("web/index.html", "<p>hello</p>\n")
    place.service("permit", "pam_permit.so")
    ports = [free_port(), free_port()]
    store = place.store(SETTINGS.format(
        user="bin" if ROOT else pwd.getpwuid(os.geteuid()).pw_name,
        http=ports[0], fcgi=ports[1]))
    token = store.token(USER)
    httpd = Httpd(place, store, ports)
    return [
        *with_nginx(place, store, httpd, token),
        *with_apache(place, store, httpd, token),
        *http_alone(place, store, httpd, token),
        *fcgi_alone(place, store, httpd, token),
        verify(place, store, token),
    ]
