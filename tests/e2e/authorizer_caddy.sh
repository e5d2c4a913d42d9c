#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# Tokens through a real Caddy that asks pat-httpd, with examples/caddy as it stands.

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

EXAMPLE=$JP_SOURCE/examples/caddy

authorizer_needs caddy
authorizer_make
proxy_mute http

# --- Caddy -------------------------------------------------------------------------

# caddy_site URL SERVICE [LINES [SNIPPET]]: the site of the example, with more
# lines in front of it.
caddy_site() {
	cat <<-EOF
		$1:$server_port {
			bind ${1#*//}
			${3:-}
	EOF
	sed -e "s|/var/log/caddy/jira-api|$WORLD/caddy/access-${1#*//}|" \
		-e "s|import jira_pat jira .*|import ${4:-jira_pat} $2 ${WORLD_BACKEND#http://}|" \
		-e '1,/^jira-api/d' "$EXAMPLE/Caddyfile"
}

# caddy_snippets NAME [SED-ARGUMENT...]: those of the example, as NAME.
caddy_snippets() {
	caddy_name=$1
	shift
	sed -e "s|/run/jira-pat/|$WORLD/run/|" \
		-e "s/\((\|import \)jira_pat/\1$caddy_name/" "$@" \
		"$EXAMPLE/jira-pat.caddy"
}

# Of this machine.
caddy_conf() {
	cat <<-EOF
		{
			admin off
			auto_https off
		}
	EOF
	caddy_snippets jira_pat
	caddy_snippets mute -e "s|unix/$WORLD/run/http.sock|unix/$PROXY_MUTE_SOCKET|"
	caddy_snippets balanced -e 's|#\(.*@balancer\)|\1|' \
		-e "s|192\.0\.2\.1|$PROXY_BALANCER|"
	caddy_site "http://$PROXY_JIRA" jira
	caddy_site "https://$PROXY_TLS" jira \
		"tls $WORLD/tls/cert.pem $WORLD/tls/key.pem"
	caddy_site "http://$PROXY_WIKI" wiki
	caddy_site "http://$PROXY_OPEN" open
	caddy_site "http://$PROXY_NATIVE" native
	caddy_site "http://$PROXY_MUTE" jira '' mute
	caddy_site "http://$PROXY_BALANCED" jira '' balanced
}

caddy_once() {
	caddy_conf >"$WORLD/caddy/Caddyfile"
	# shellcheck disable=SC2046
	start proxy $(as_user "$world_web") env XDG_DATA_HOME="$WORLD/caddy" \
		XDG_CONFIG_HOME="$WORLD/caddy" \
		caddy run --config "$WORLD/caddy/Caddyfile" --adapter caddyfile
}

mkdir "$WORLD/caddy" && own "$world_web" "$WORLD/caddy"
proxy_certificate
server_try proxy caddy_once ||
	bail "Caddy does not start: $(tail "$SCRATCH/log/proxy.log")"
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
authorizer_secrets "$WORLD/caddy/access-$PROXY_JIRA.log"
done_testing
