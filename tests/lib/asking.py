#!/usr/bin/env python3
"""Asks pat-httpd what proxies ask that no Debian package has.

Usage: asking.py traefik|envoy|apisix CONFIGURATION PORT_FILE

A proxy on a free port of 127.0.0.1, which it writes into PORT_FILE. It asks for each
request what that proxy asks, with the lists and addresses of CONFIGURATION, one of
the examples, and does with the answer what that proxy does, by their sources:

    traefik   3.7.9, pkg/middlewares/auth/forward.go, and headers/header.go
    envoy     9c276e3, source/extensions/filters/common/ext_authz/
              ext_authz_http_impl.cc, and its asynchronous client, which adds to
              X-Forwarded-For
    apisix    000fce2, apisix/plugins/forward-auth.lua

What else these do with a request, to paths above all, is not here.
"""

import http.client
import http.server
import os
import re
import socket
import sys
import urllib.parse

import yaml

LIMIT = 60  # seconds; only what hangs takes that long
HOP = ("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade")
FORWARDED = re.compile(r"(?i)x[-_](forwarded[-_](proto|scheme|for|host|port|server|"
                       r"uri|method|prefix|tls-client-cert(-info)?)|scheme|real-ip)")
METHODS = "GET HEAD POST PUT DELETE PATCH OPTIONS".split()


class Fields(list):
    """Header fields in their order."""

    def all(self, name):
        return [value for key, value in self if key.lower() == name.lower()]

    def without(self, matches):
        return Fields(one for one in self if not matches(one[0]))

    def remove(self, names):
        names = [name.lower() for name in names]
        return self.without(lambda name: name.lower() in names)

    def only(self, names):
        names = [name.lower() for name in names]
        return self.without(lambda name: name.lower() not in names)

    def set(self, name, values):
        return Fields(self.remove([name]) + [(name, one) for one in values])


def exchange(address, method, path, fields, body=b""):
    """One request; the status, the fields and the body of the answer."""
    peer = socket.socket(socket.AF_UNIX if isinstance(address, str) else
                         socket.AF_INET)
    with peer:
        peer.settimeout(LIMIT)
        peer.connect(address)
        lines = [f"{method} {path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in fields]
        peer.sendall("\r\n".join(lines + ["", ""]).encode("latin-1") + body)
        answer = http.client.HTTPResponse(peer, method=method)
        answer.begin()
        return answer.status, Fields(answer.getheaders()), answer.read()


def address_of(url):
    url = urllib.parse.urlsplit(url)
    return url.hostname, url.port


class Traefik:
    def __init__(self, config):
        parts = config["http"]["middlewares"]
        self.client = parts["jira-pat-client"]["headers"]["customRequestHeaders"]
        self.auth = parts["jira-pat"]["forwardAuth"]
        self.answer = parts["jira-pat-answer"]["headers"]["customResponseHeaders"]
        server, = config["http"]["services"]["jira"]["loadBalancer"]["servers"]
        self.jira = address_of(server["url"])
        self.regex = re.compile(self.auth["authResponseHeadersRegex"])
        assert self.auth["trustForwardHeader"] is False

    def receive(self, request):
        """The entry point, with underscoreHeadersStrategy: delete."""
        fields = request.fields.without(FORWARDED.fullmatch)
        fields = fields.without(lambda name: "_" in name)
        request.fields = fields.remove([*self.client, "Connection"])

    def ask(self, request):
        fields = request.fields.remove(HOP).without(FORWARDED.fullmatch)
        fields = fields.only(self.auth["authRequestHeaders"])
        url = urllib.parse.urlsplit(self.auth["address"])
        host = request.host
        return exchange((url.hostname, url.port), "GET", url.path, Fields(
            [("Host", url.netloc)] + fields + [
                ("X-Forwarded-For", request.peer),
                ("X-Forwarded-Method", request.method),
                ("X-Forwarded-Proto", "http"), ("X-Forwarded-Port", "80"),
                ("X-Forwarded-Host", host), ("X-Forwarded-Uri", request.path),
                ("Accept-Encoding", "gzip")]))

    def away(self):
        return 500, Fields(), b""

    def accept(self, request, told):
        fields = request.fields
        for name in self.auth["authResponseHeaders"]:
            fields = fields.set(name, told.all(name))
        fields = fields.without(self.regex.search)
        for name, value in told:
            if self.regex.search(name):
                fields = fields.set(name, [value])
        request.fields = fields

    def accepts(self, status):
        return 200 <= status < 300

    def refuse(self, status, told, body):
        return status, told.remove(HOP), body


class Apisix:
    def __init__(self, config):
        route, = config["routes"]
        self.auth = route["plugins"]["forward-auth"]
        self.removed = route["plugins"]["proxy-rewrite"]["headers"]["remove"]
        node, = route["upstream"]["nodes"]
        self.jira = address_of("http://" + node)
        assert self.auth["allow_degradation"] is False

    def receive(self, request):
        request.fields = request.fields.remove(["Connection", *self.removed])

    def ask(self, request):
        fields = Fields()
        for name in self.auth["request_headers"]:
            fields += [(name, one) for one in request.fields.all(name)[:1]]
        host = request.host
        url = urllib.parse.urlsplit(self.auth["uri"])
        return exchange((url.hostname, url.port), "GET", url.path, Fields(
            [("Host", url.netloc), ("X-Forwarded-Proto", "http"),
             ("X-Forwarded-Method", request.method), ("X-Forwarded-Host", host),
             ("X-Forwarded-Uri", request.path),
             ("X-Forwarded-For", request.peer)] + fields))

    def away(self):
        return self.auth["status_on_error"], Fields(), b""

    def accepts(self, status):
        return status < 300

    def accept(self, request, told):
        for name in self.auth["upstream_headers"]:
            request.fields = request.fields.set(name, told.all(name)[:1])

    def refuse(self, status, told, body):
        return status, told.only(self.auth["client_headers"]), body


class Envoy:
    def __init__(self, config):
        parts = config["static_resources"]
        chain, = parts["listeners"][0]["filter_chains"]
        manager = chain["filters"][0]["typed_config"]
        client, auth, token, _ = (
            one["typed_config"] for one in manager["http_filters"])
        removed, = client["mutations"]["request_mutations"]
        self.client = re.compile(removed["remove_on_match"]["key_matcher"][
            "safe_regex"]["regex"])
        self.token = [one["remove"] for one in
                      token["mutations"]["request_mutations"]]
        self.auth, self.service = auth, auth["http_service"]
        self.where = {one["name"]: self.endpoint(one)
                      for one in parts["clusters"]}
        self.jira = self.where["jira"]
        common = manager["common_http_protocol_options"]
        assert common["headers_with_underscores_action"] == "DROP_HEADER"
        assert auth["failure_mode_allow"] is False
        assert manager["use_remote_address"] is True

    @staticmethod
    def endpoint(cluster):
        place, = cluster["load_assignment"]["endpoints"]
        end, = place["lb_endpoints"]
        address = end["endpoint"]["address"]
        if "pipe" in address:
            return address["pipe"]["path"]
        where = address["socket_address"]
        return where["address"], where["port_value"]

    @staticmethod
    def patterns(matcher):
        return [one["exact"] for one in matcher["patterns"]]

    def receive(self, request):
        """headers_with_underscores_action: DROP_HEADER."""
        fields = request.fields.remove(["Connection"]).without(
            lambda name: "_" in name or self.client.fullmatch(name.lower()))
        before = fields.all("X-Forwarded-For")
        request.fields = fields.set(
            "X-Forwarded-For", [",".join(before + [request.peer])])

    def ask(self, request):
        names = self.patterns(self.auth["allowed_headers"]) + ["authorization"]
        asked = Fields([("host", request.host), ("content-length", "0")])
        for name in names:
            values = request.fields.all(name)
            asked = asked.set(name, [",".join(values)] if values else [])
        for one in self.service["authorization_request"]["headers_to_add"]:
            assert one["value"] == "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"
            asked = asked.set(one["key"], [request.peer])
        asked += [("x-envoy-internal", "true"), ("x-forwarded-for", "127.0.0.9"),
                  ("x-envoy-expected-rq-timeout-ms", "4000")]
        return exchange(self.where[self.service["server_uri"]["cluster"]],
                        request.method,
                        self.service["path_prefix"] + request.path, asked)

    def away(self):
        assert self.auth["status_on_error"]["code"] == "ServiceUnavailable"
        return 503, Fields(), b""

    def accepts(self, status):
        return status == 200

    def accept(self, request, told):
        rules = self.service["authorization_response"]
        for name in self.patterns(rules["allowed_upstream_headers"]):
            if told.all(name):
                request.fields = request.fields.set(name, told.all(name))
        request.fields = request.fields.remove(self.token)

    def refuse(self, status, told, body):
        if status >= 500:
            return self.away()
        rules = self.service["authorization_response"]
        return status, told.only(
            self.patterns(rules["allowed_client_headers"])), body


class Request(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy = None

    def log_message(self, *args):
        pass  # a request may hold what must not be logged

    def reply(self, status, fields, body):
        self.send_response(status)
        for name, value in fields.remove((*HOP, "content-length", "date")):
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.method != "HEAD":
            self.wfile.write(body)

    def judge(self):
        """An answer to the client, or nothing if the request goes on to Jira."""
        self.proxy.receive(self)
        try:
            status, told, body = self.proxy.ask(self)
        except (OSError, http.client.HTTPException):
            return self.proxy.away()
        if not self.proxy.accepts(status):
            return self.proxy.refuse(status, told, body)
        return self.proxy.accept(self, told)

    def handle_request(self):
        self.method, self.peer = self.command, self.client_address[0]
        self.host = self.headers.get("Host", "")
        self.fields = Fields(self.headers.items())
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        answer = self.judge()
        if answer is None:
            answer = exchange(self.proxy.jira, self.method, self.path,
                              self.fields, body)
        self.reply(*answer)


for name in METHODS:
    setattr(Request, "do_" + name, Request.handle_request)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main():
    kind, path, port_file = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        Request.proxy = {"traefik": Traefik, "envoy": Envoy, "apisix": Apisix}[
            kind](yaml.safe_load(file))
    server = Server(("127.0.0.1", 0), Request)
    with open(port_file + ".new", "w", encoding="ascii") as out:
        print(server.server_address[1], file=out)
    os.rename(port_file + ".new", port_file)
    server.serve_forever()


if __name__ == "__main__":
    main()
