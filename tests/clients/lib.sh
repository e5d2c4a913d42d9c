# shellcheck shell=sh
# For tests of clients as they are: a world with the real nginx and the real Apache,
# both with their examples and both asking one pat-httpd, and the proofs that every
# client has to pass through both of them.
#
# Needs tests/lib/tap.sh and tests/lib/world.sh. Order: clients_needs, scratch,
# clients_make, then the proofs, then clients_end.
#
# Before that may be set: CLIENTS_SERVICES, each of which gets a host of its own;
# CLIENTS_SECTIONS, the sections of jira-pat.conf; WORLD_BACKEND, something else than
# a stand-in for Jira; CLIENTS_NGINX_HEADERS and CLIENTS_LUA_HEADERS, more headers
# to pass on; CLIENTS_APACHE_LINES, lines in front of the Include of the example.

# A token with `read` may read: what reading is, is said by the request.
CLIENTS_SECTIONS='[service jira]
scope = write
read_scope = read'
CLIENTS_SERVICES=${CLIENTS_SERVICES:-jira}

# clients_more nginx|apache SERVICE: the end of this server.
clients_more() {
	:
}

# clients_hosts: virtual hosts of Apache beside those.
clients_hosts() {
	:
}

# clients_needs TOOL...: leaves, unless all of them are here: commands, or files.
clients_needs() {
	PATH=$PATH:/usr/sbin:/sbin
	clients_missing=$(
		world_missing | grep -v -x mod_authnz_pam
		for clients_tool in nginx "$JP_BUILD/pat_httpd/pat-httpd" \
		    "$WORLD_MODULES/mod_authnz_fcgi.so" "$@"; do
			command -v "$clients_tool" >/dev/null 2>&1 ||
				[ -e "$clients_tool" ] || echo "$clients_tool"
		done
	)
	[ -z "$clients_missing" ] ||
		skip_all "missing here: $(echo "$clients_missing" | tr '\n' ' ')"
}

# clients_world: everything but the proxies and what is behind them.
clients_world() {
	clients_port=$(free_port) || bail "no port"
	# shellcheck disable=SC2034
	WORLD_SECTIONS="$CLIENTS_SECTIONS

[listener apache]
listen = 127.0.0.1:$clients_port
protocol = fastcgi"
	world_make >"$SCRATCH/log/init.log" 2>&1 ||
		bail "no store: $(cat "$SCRATCH/log/init.log")"
	world_patd || bail "patd does not start: $(cat "$SCRATCH/log/patd.log")"
	world_httpd ||
		bail "pat-httpd does not start: $(cat "$SCRATCH/log/httpd.log")"
}

# clients_make: everything. Sets $alice, $reader and $wrong: a token of alice, one of
# reader that may read, and one of nobody.
clients_make() {
	clients_world
	[ -n "${WORLD_BACKEND:-}" ] || world_backend ||
		bail "the backend does not start"
	clients_front nginx clients_nginx
	clients_front apache clients_apache
	clients_new alice
	alice=$token
	clients_new reader --scope read
	# shellcheck disable=SC2034
	reader=$token
	case $alice in
	*x) wrong=${alice%?}y ;;
	*) wrong=${alice%?}x ;;
	esac
}

# clients_new USER [ARGUMENT...]: makes a token; sets $token and $id.
clients_new() {
	token=$(pat_admin create "$@" 2>>"$SCRATCH/log/pat-admin.log") ||
		bail "pat-admin create $*: $(tail -n 3 "$SCRATCH/log/pat-admin.log")"
	id=$(printf '%.13s' "$token" | cut -c 6-)
	clients_tokens="${clients_tokens:-} $token"
}

# guide_commands TITLE: runs the commands of this part of $GUIDE, with pat-admin of this
# world, in $SCRATCH/guide. Sets $guide_said. Needs tests/lib/document.sh.
guide_commands() {
	mkdir -p "$SCRATCH/guide" "$SCRATCH/bin"
	cat >"$SCRATCH/bin/pat-admin" <<-EOF
		#!/bin/sh
		exec "$JP_BUILD/tools/pat-admin" --config "$WORLD/jira-pat.conf" "\$@"
	EOF
	chmod 755 "$SCRATCH/bin/pat-admin"
	block "$GUIDE" "$1" sh >"$SCRATCH/commands"
	ok "there are commands for: $1" test -s "$SCRATCH/commands"
	# shellcheck disable=SC2034
	guide_said=$(cd "$SCRATCH/guide" && PATH=$SCRATCH/bin:$PATH \
		sh -eu "$SCRATCH/commands" 2>>"$SCRATCH/log/pat-admin.log")
	is "they run" "$?" 0
}

# --- The two proxies -----------------------------------------------------------

# clients_front NAME COMMAND: starts it, with a free port for each service; one may
# be taken before the server gets it.
clients_front() {
	for clients_round in 1 2 3; do
		clients_ports=
		for clients_service in $CLIENTS_SERVICES; do
			clients_ports="$clients_ports $clients_service:$(free_port)"
		done
		eval "clients_${1}_ports=\$clients_ports"
		"$2"
		wait_for 60 clients_settled "$1" && running "$1" && return 0
		stop "$1" || :
	done
	bail "$1 does not start, $clients_round times: $(cat "$SCRATCH/log/$1"*)"
}

clients_settled() {
	running "$1" || return 0
	for clients_service in $CLIENTS_SERVICES; do
		curl -s -m 10 -o "$WORLD/probe" \
			"$(front_url "$1" "$clients_service")/" || return 1
	done
}

# front_url nginx|apache [SERVICE]
front_url() {
	eval "clients_ports=\$clients_${1}_ports"
	for clients_pair in $clients_ports; do
		[ "${clients_pair%:*}" != "${2:-jira}" ] ||
			echo "http://127.0.0.1:${clients_pair#*:}"
	done
}

clients_nginx() {
	mkdir -p "$WORLD/nginx/tmp"
	cp "$JP_SOURCE"/examples/nginx/jira-pat-*.conf "$WORLD/nginx/"
	chmod 644 "$WORLD"/nginx/*.conf
	sed -i "s|unix:/run/jira-pat/|unix:$WORLD/run/|" "$WORLD"/nginx/*.conf
	[ -z "${CLIENTS_NGINX_HEADERS:-}" ] ||
		printf '%s\n' "$CLIENTS_NGINX_HEADERS" \
			>>"$WORLD/nginx/jira-pat-headers.conf"
	# shellcheck disable=SC2154 # of world.sh
	[ "$(id -u)" != 0 ] || chown "$world_web" "$WORLD/nginx/tmp"
	clients_nginx_conf >"$WORLD/nginx/nginx.conf"
	start nginx nginx -p "$WORLD/nginx" -c "$WORLD/nginx/nginx.conf"
}

clients_nginx_conf() {
	cat <<-EOF
		worker_processes 1;
		daemon off;
		pid $WORLD/nginx/nginx.pid;
		error_log $SCRATCH/log/nginx-error.log notice;
		events { worker_connections 256; }
	EOF
	[ "$(id -u)" != 0 ] ||
		echo "user $world_web $(id -gn "$world_web");"
	echo "http { access_log $SCRATCH/log/nginx-access.log;"
	for clients_kind in client_body proxy fastcgi uwsgi scgi; do
		echo "${clients_kind}_temp_path $WORLD/nginx/tmp/$clients_kind;"
	done
	echo "upstream jira { server ${WORLD_BACKEND#http://}; keepalive 16; }"
	echo "include jira-pat-authorizer-http.conf;"
	for clients_pair in $clients_ports; do
		cat <<-EOF
			server {
			    listen 127.0.0.1:${clients_pair#*:};
			    set \$jira_pat_service ${clients_pair%:*};
			    set \$jira_pat_backend jira;
			    include jira-pat-authorizer.conf;
			    $(clients_more nginx "${clients_pair%:*}")
			}
		EOF
	done
	echo "}"
}

clients_apache() {
	mkdir -p "$WORLD/apache"
	cp "$JP_SOURCE"/examples/apache/jira-pat-* "$WORLD/apache/"
	sed -i "s|fcgi://127.0.0.1:888/|fcgi://127.0.0.1:$clients_port/|" \
		"$WORLD/apache/jira-pat-authorizer-provider.conf"
	sed -i "s|/run/jira-pat/|$WORLD/run/|; s|/etc/apache2/|$WORLD/apache/|" \
		"$WORLD/apache/jira-pat-self.conf"
	[ -z "${CLIENTS_LUA_HEADERS:-}" ] ||
		sed -i "s/^	x-atlassian-token /	$CLIENTS_LUA_HEADERS\n&/" \
			"$WORLD/apache/jira-pat-headers.lua"
	clients_apache_conf >"$WORLD/apache/apache2.conf"
	start apache apache2 -f "$WORLD/apache/apache2.conf" -DFOREGROUND
}

clients_apache_conf() {
	# shellcheck disable=SC2034
	WORLD_APACHE_LUA='lua authnz_fcgi setenvif'
	# shellcheck disable=SC2034
	world_port=1 # world_apache_server listens there: not here
	world_apache_server | grep -v -e '^Listen ' -e authnz_pam
	echo "Include $WORLD/apache/jira-pat-authorizer-provider.conf"
	for clients_pair in $clients_ports; do
		cat <<-EOF
			Listen 127.0.0.1:${clients_pair#*:}
			<VirtualHost *:${clients_pair#*:}>
			Define JIRA_PAT_BACKEND $WORLD_BACKEND
			Define JIRA_PAT_SERVICE ${clients_pair%:*}
			Define JIRA_PAT_HEADERS $WORLD/apache/jira-pat-headers.lua
			${CLIENTS_APACHE_LINES:-}
			Include $WORLD/apache/jira-pat-authorizer.conf
			$(clients_more apache "${clients_pair%:*}")
			</VirtualHost>
		EOF
	done
	clients_hosts
}

# --- The proofs -----------------------------------------------------------------

# A client is a command that reads a mode, a method, a URL, a user and a token, a
# line each, asks Jira with that as its own kind asks, and prints the status of the
# answer, and the user as whom it was answered.

# asks MODE METHOD USER TOKEN: through $front, by $client.
# shellcheck disable=SC2086 # a command and its arguments
asks() {
	printf '%s\n' "$1" "$2" "$(front_url "$front")" "$3" "$4" |
		$client 2>>"$SCRATCH/log/client.log"
}

# clients_proofs WHAT MODES CLIENT: through both proxies.
clients_proofs() {
	client=$3
	for front in nginx apache; do
		for clients_mode in $2; do
			clients_what="$1, $clients_mode, through $front"
			clients_rights "$clients_mode"
			clients_revoked "$clients_mode"
		done
	done
	stop patd
	for front in nginx apache; do
		for clients_mode in $2; do
			is "$1, $clients_mode, through $front: patd is away: 503" \
				"$(asks "$clients_mode" GET alice "$alice")" 503
		done
	done
	world_patd || bail "patd does not start again"
}

clients_rights() {
	is "$clients_what: a right token reads and writes as its user" \
		"$(asks "$1" GET alice "$alice"), $(
			asks "$1" POST alice "$alice")" "200 alice, 200 alice"
	is "$clients_what: a wrong one is 401" "$(asks "$1" GET alice "$wrong")" \
		401
	is "$clients_what: one that may read reads, and writing is 403" \
		"$(asks "$1" GET reader "$reader"), $(
			asks "$1" POST reader "$reader")" "200 reader, 403"
}

clients_revoked() {
	clients_new alice
	clients_before=$(asks "$1" GET alice "$token")
	pat_admin revoke "$id" >>"$SCRATCH/log/pat-admin.log" 2>&1
	is "$clients_what: revoked, it is 401 at once" \
		"$clients_before, $(asks "$1" GET alice "$token")" \
		"200 alice, 401"
}

# clients_end: no server has written a token down.
clients_end() {
	for clients_name in nginx apache httpd patd; do
		stop $clients_name || :
	done
	# shellcheck disable=SC2086
	printf '%s\n' $clients_tokens | cut -c 15-44 >"$SCRATCH.patterns"
	# shellcheck disable=SC2034
	tap_cleanup="rm -f '$SCRATCH.patterns'"
	is "no token is in any file of the servers" \
		"$(grep -r -l -a -F -f "$SCRATCH.patterns" "$SCRATCH/log" "$WORLD")" ''
	done_testing
}
