#!/bin/sh
# core.httpclient of HAProxy 2.6.12 keeps connections for the next request, and
# takes those to Unix sockets for one another: after a request to `unix@A`, the
# answer to one to `unix@B` comes from the server at A. With "Connection: close" in
# the request it comes from B.
#
# Needs what Debian's haproxy depends on beside Lua, as an installed one has.
set -eu

dir=$(mktemp -d)
pids=
# shellcheck disable=SC2086
trap '[ -z "$pids" ] || kill $pids; rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq -o APT::Sandbox::User=root download haproxy=2.6.12-1+deb12u4 \
	liblua5.3-0=5.3.6-2 || exit 77
for deb in *.deb; do
	dpkg -x "$deb" pkg
done
LD_LIBRARY_PATH=$dir/pkg/usr/lib/$(uname -m)-linux-gnu
export LD_LIBRARY_PATH

# A server at the socket $1 that keeps connections and says its name.
cat >server.py <<'END'
import http.server
import os
import socketserver
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "1")
        self.end_headers()
        self.wfile.write(sys.argv[1].encode())

    def address_string(self):
        return "-"

    def log_message(self, *args):
        pass


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


server = Server("new" + sys.argv[1], Handler)
os.rename("new" + sys.argv[1], sys.argv[1])
server.serve_forever()
END
cat >ask.lua <<'END'
local function ask(socket, headers)
	local answer = core.httpclient():get{ url = "http://x/",
		dst = "unix@" .. socket, headers = headers }
	return answer.body
end

core.register_task(function()
	local close = { connection = { "close" } }
	local kept = ask("A") .. ask("B")
	local closed = ask("A", close) .. ask("B", close)
	local file = io.open("seen", "w")
	file:write("kept: ", kept, "\nclosed: ", closed, "\n")
	file:close()
	os.rename("seen", "answers")
end)
END
cat >haproxy.cfg <<END
global
	lua-load $dir/ask.lua
defaults
	mode http
	timeout client 9s
	timeout server 9s
	timeout connect 9s
frontend none
	bind unix@$dir/front
END

for name in A B; do
	python3 server.py $name &
	pids="$pids $!"
done
while [ ! -S A ] || [ ! -S B ]; do sleep 0.1; done
pkg/usr/sbin/haproxy -v >version || exit 77
head -n 1 version
pkg/usr/sbin/haproxy -db -f haproxy.cfg 2>log &
pids="$pids $!"
for _ in 1 2 3 4 5 6 7 8 9 10; do
	[ -e answers ] || sleep 1
done
cat answers || { cat log; exit 1; }
[ "$(cat answers)" = "kept: AA
closed: AB" ]
