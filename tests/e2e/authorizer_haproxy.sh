#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# Tokens through a real HAProxy that asks pat-httpd, with examples/haproxy as it
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

EXAMPLE=$JP_SOURCE/examples/haproxy

authorizer_needs haproxy
authorizer_make
proxy_mute http

# As root, in a chroot as Debian's, with a socket of its own.
haproxy_socket=$WORLD/run/http.sock
if [ "$(id -u)" = 0 ]; then
	mkdir "$WORLD/chroot"
	haproxy_socket=/jira-pat.sock
	ln "$PROXY_MUTE_SOCKET" "$WORLD/chroot/mute.sock"
	PROXY_MUTE_SOCKET=/mute.sock
	sed -n 's|^       \(.listener haproxy.\)|\1|p
		s|^       listen = /var/lib/haproxy|listen = '"$WORLD"'/chroot|p' \
		"$EXAMPLE/README.md" >>"$WORLD/jira-pat.conf"
	stop httpd
	world_httpd || bail "pat-httpd: $(tail "$SCRATCH/log/httpd.log")"
	ok "pat-httpd listens in the chroot, too" \
		test -S "$WORLD/chroot/jira-pat.sock"
fi

# --- HAProxy -----------------------------------------------------------------------

# One frontend and one backend of the example: its name, its address, its service,
# who is asked, and more lines.
haproxy_front() {
	sed -n -e "s|^frontend .*|frontend $1|" \
		-e "s|bind :443.*|bind $2:$server_port|" \
		-e "s|lua.jira-pat jira unix@.*|lua.jira-pat $3 unix@$4|" \
		-e '/^frontend/,/^backend/{/^backend/!p;}' \
		"$EXAMPLE/jira-pat.cfg" | sed "/^	mode http/a\\	${5:-}"
}

haproxy_conf() {
	# Of this machine.
	cat <<-EOF
		global
		    maxconn 4096
		    log stdout format raw local0
	EOF
	if [ "$(id -u)" = 0 ]; then
		echo "    chroot $WORLD/chroot"
		echo "    user $world_web"
		echo "    group $(id -gn "$world_web")"
	fi
	echo 'defaults
	    log global
	    log-format "%ci %ft %ST %HM %HPO %[var(txn.jira_pat_user)]"'
	sed -e "s|/etc/haproxy/|$WORLD/lib/|" -e '/^frontend/,$d' \
		"$EXAMPLE/jira-pat.cfg"
	haproxy_front jira "$PROXY_JIRA" jira "$haproxy_socket"
	haproxy_front wiki "$PROXY_WIKI" wiki "$haproxy_socket"
	haproxy_front open "$PROXY_OPEN" open "$haproxy_socket"
	haproxy_front native "$PROXY_NATIVE" native "$haproxy_socket"
	haproxy_front mute "$PROXY_MUTE" jira "$PROXY_MUTE_SOCKET"
	haproxy_front balanced "$PROXY_BALANCED" jira "$haproxy_socket" \
		"$haproxy_balancer"
	sed -n "/^backend/,\$s|127.0.0.1:8080|${WORLD_BACKEND#http://}|;
		/^backend/,\$p" "$EXAMPLE/jira-pat.cfg"
}

haproxy_once() {
	haproxy_conf >"$WORLD/haproxy.cfg"
	start proxy haproxy -db -f "$WORLD/haproxy.cfg"
}

haproxy_balancer=$(proxy_readme haproxy 'http-request set-src')
cp "$EXAMPLE/jira-pat.lua" "$WORLD/lib/" && chmod 644 "$WORLD/lib/jira-pat.lua"
server_try proxy haproxy_once ||
	bail "HAProxy does not start: $(tail "$SCRATCH/log/proxy.log")"
to JIRA

# --- What all proxies answer ---------------------------------------------------------

authorizer_table
authorizer_transport
authorizer_two "http://$PROXY_WIKI:$server_port"
proxy_http2 "$WORLD_URL" --http2-prior-knowledge
authorizer_upstream "http://$PROXY_NATIVE:$server_port"
proxy_named
proxy_preflight
proxy_balanced
authorizer_faults
authorizer_secrets "$SCRATCH/log/proxy.log"
done_testing
