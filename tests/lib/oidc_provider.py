"""A stand-in for a company's OpenID Connect provider (OpenID Connect Core 1.0):
the authorization code flow, signed with the client's secret.

    oidc_provider.py PORT_FILE SECRET_FILE

It signs in whoever /login?user=NAME said last, at once. What it is asked for
stands in GET /seen, as JSON: the parameters of each authorization request.
"""
import base64
import hashlib
import hmac
import http.server
import json
import os
import secrets
import sys
import time
import urllib.parse

CLIENT = "jira-pat"


def coded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Provider(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, secret):
        super().__init__(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server_port}"
        self.secret = secret
        self.user = "nobody"
        self.signed_in = 0
        self.codes = {}
        self.seen = []

    def id_token(self, nonce):
        now = int(time.time())
        claims = {
            "iss": self.issuer, "sub": "id-of-" + self.user, "aud": CLIENT,
            "iat": now, "exp": now + 300, "auth_time": self.signed_in,
            "preferred_username": self.user, "nonce": nonce,
        }
        text = ".".join(coded(json.dumps(part).encode())
                        for part in ({"alg": "HS256", "typ": "JWT"}, claims))
        mac = hmac.new(self.secret, text.encode(), hashlib.sha256)
        return f"{text}.{coded(mac.digest())}"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, value, **headers):
        body = json.dumps(value).encode()
        self.send_response(status)
        for name, text in headers.items():
            self.send_header(name, text)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        pages = {
            "/.well-known/openid-configuration": self.metadata,
            "/jwks": lambda _: self.reply(200, {"keys": []}),
            "/login": self.login,
            "/authorize": self.authorize,
            "/seen": lambda _: self.reply(200, self.server.seen),
        }
        pages.get(url.path, lambda _: self.reply(404, {}))(query)

    def metadata(self, _):
        issuer = self.server.issuer
        self.reply(200, {
            "issuer": issuer,
            "authorization_endpoint": issuer + "/authorize",
            "token_endpoint": issuer + "/token",
            "jwks_uri": issuer + "/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["HS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        })

    def login(self, query):
        """Whoever it is signed in `ago` seconds ago."""
        self.server.user = query["user"]
        self.server.signed_in = int(time.time()) - int(query.get("ago", 0))
        self.reply(200, {})

    def authorize(self, query):
        self.server.seen.append(query)
        if query.get("prompt") == "login":
            self.server.signed_in = int(time.time())
        code = secrets.token_urlsafe(16)
        self.server.codes[code] = query.get("nonce", "")
        back = urllib.parse.urlencode({"code": code, "state": query["state"]})
        self.reply(302, {}, Location=f"{query['redirect_uri']}?{back}")

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        form = dict(urllib.parse.parse_qsl(self.rfile.read(length).decode()))
        basic = base64.b64encode(
            CLIENT.encode() + b":" + self.server.secret).decode()
        if self.path != "/token" or \
                self.headers.get("Authorization") != "Basic " + basic:
            return self.reply(401, {"error": "invalid_client"})
        if form.get("code") not in self.server.codes:
            return self.reply(400, {"error": "invalid_grant"})
        nonce = self.server.codes.pop(form["code"])
        return self.reply(200, {
            "access_token": secrets.token_urlsafe(16), "token_type": "Bearer",
            "expires_in": 300, "id_token": self.server.id_token(nonce),
        })


def main():
    port_file, secret_file = sys.argv[1:]
    with open(secret_file, encoding="ascii") as file:
        provider = Provider(file.read().strip().encode())
    with open(port_file + ".new", "w", encoding="ascii") as file:
        file.write(str(provider.server_port))
    os.rename(port_file + ".new", port_file)
    provider.serve_forever()


if __name__ == "__main__":
    main()
