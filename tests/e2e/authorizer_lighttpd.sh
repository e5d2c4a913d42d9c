#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# Tokens through a real lighttpd that asks pat-httpd, with examples/lighttpd as it
# stands.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/world.sh
. "$JP_SOURCE/tests/lib/world.sh"
# shellcheck source=tests/lib/servers.sh
. "$JP_SOURCE/tests/lib/servers.sh"
# shellcheck source=tests/lib/authorizer.sh
. "$JP_SOURCE/tests/lib/authorizer.sh"
# shellcheck source=tests/lib/proxies.sh
. "$JP_SOURCE/tests/lib/proxies.sh"

EXAMPLE=$JP_SOURCE/examples/lighttpd

authorizer_needs lighttpd /usr/lib/lighttpd/mod_magnet.so \
	/usr/lib/lighttpd/mod_openssl.so
authorizer_make
proxy_mute fcgi

# --- lighttpd ----------------------------------------------------------------------

# lighttpd_at ADDRESS LINES: what is different there.
lighttpd_at() {
	printf "\$SERVER[\"socket\"] == \"%s\" {\n%s\n}\n" \
		"$1:$server_port" "$2"
}

# lighttpd_service NAME: the line of the example that names the service.
lighttpd_service() {
	sed -n "/^setenv.add-env/s|\"jira\"|\"$1\"|p" "$EXAMPLE/jira-pat.conf"
}

# Of this machine: what is logged, and more servers.
lighttpd_conf() {
	cat <<-EOF
		server.bind = "$PROXY_JIRA"
		server.port = $server_port
		server.document-root = "$WORLD/web"
		server.upload-dirs = ( "$WORLD/lighttpd" )
		server.modules = ( "mod_accesslog", "mod_openssl" )
		accesslog.filename = "/dev/stdout"
		accesslog.format = "%h %u %m %U %>s"
		$(proxy_readme lighttpd server.modules)
	EOF
	sed -e "s|/etc/lighttpd/|$WORLD/lib/|; s|/run/jira-pat/|$WORLD/run/|" \
		-e "s|8080|${WORLD_BACKEND##*:}|" "$EXAMPLE/jira-pat.conf"
	lighttpd_at "$PROXY_WIKI" "$(lighttpd_service wiki)"
	lighttpd_at "$PROXY_OPEN" "$(lighttpd_service open)"
	lighttpd_at "$PROXY_NATIVE" "$(lighttpd_service native)"
	lighttpd_at "$PROXY_MUTE" "$(sed -n '/^fastcgi/,/^))/p' \
		"$EXAMPLE/jira-pat.conf" |
		sed "s|/run/jira-pat/fcgi.sock|$PROXY_MUTE_SOCKET|")"
	lighttpd_at "$PROXY_BALANCED" "$(proxy_readme lighttpd extforward)"
	lighttpd_at "$PROXY_TLS" "ssl.engine = \"enable\"
		ssl.pemfile = \"$WORLD/tls/cert.pem\"
		ssl.privkey = \"$WORLD/tls/key.pem\""
}

lighttpd_once() {
	lighttpd_conf >"$WORLD/lighttpd/lighttpd.conf"
	# shellcheck disable=SC2046
	start proxy $(as_user "$world_web") \
		lighttpd -D -f "$WORLD/lighttpd/lighttpd.conf"
}

mkdir "$WORLD/lighttpd" && own "$world_web" "$WORLD/lighttpd"
cp "$EXAMPLE"/*.lua "$WORLD/lib/" && chmod 644 "$WORLD"/lib/*.lua
proxy_certificate
server_try proxy lighttpd_once ||
	bail "lighttpd does not start: $(tail "$SCRATCH/log/proxy.log")"
to JIRA

# --- What all proxies answer ---------------------------------------------------------

authorizer_table
authorizer_transport
authorizer_two "http://$PROXY_WIKI:$server_port"
proxy_http2 "https://$PROXY_TLS:$server_port" -k
authorizer_upstream "http://$PROXY_NATIVE:$server_port"
proxy_named
proxy_preflight
proxy_balanced
authorizer_faults
authorizer_secrets "$SCRATCH/log/proxy.log"
done_testing
