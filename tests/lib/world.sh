# shellcheck shell=sh
# A scratch world for end-to-end tests and for quickstart: a store, patd, a
# backend in place of Jira, and Apache with examples/apache/jira-pat.conf as it
# stands. All of it lives in $SCRATCH and on the loopback.
#
# Needs tests/lib/tap.sh, JP_BUILD and JP_SOURCE. Order: world_make, world_patd,
# world_backend, world_apache. Then $WORLD_URL is Apache's address. world_httpd, for
# those that ask pat-httpd, comes behind world_patd.
#
# Before that may be set: WORLD_SECTIONS, the end of jira-pat.conf;
# WORLD_APACHE_MODULES, more modules; WORLD_APACHE_LINES, lines in front of the
# example's Include; WORLD_APACHE_END, lines behind that virtual host.

# Where Debian keeps Apache's modules; what a hash costs: next to nothing.
WORLD_MODULES=${WORLD_MODULES:-/usr/lib/apache2/modules}
WORLD_COST=${WORLD_COST:-memory = 64K
passes = 1}
# What [tokens] says.
WORLD_TOKENS=${WORLD_TOKENS:-max_per_user = 0
name_required = no}

# world_missing: prints what is missing on this machine, if anything is.
world_missing() {
	for world_tool in apache2 curl python3 setsid; do
		command -v "$world_tool" >/dev/null 2>&1 || echo "$world_tool"
	done
	closed_folders "$JP_BUILD" "$JP_SOURCE"
	[ -e "$WORLD_MODULES/mod_authnz_pam.so" ] || echo mod_authnz_pam
	for world_tool in patd/patd tools/pat-admin .libs/pam_jira_pat.so \
	    tests/lib/.libs/pam_confdir.so; do
		[ -e "$JP_BUILD/$world_tool" ] || echo "$world_tool (build it)"
	done
	case $(ldd "$JP_BUILD/.libs/pam_jira_pat.so" 2>/dev/null) in
	*libasan* | *libtsan*) echo "a build without sanitizer" ;;
	esac
}

# pat_admin ARGUMENT...
pat_admin() {
	"$JP_BUILD/tools/pat-admin" --config "$WORLD/jira-pat.conf" "$@"
}

# world_make: folders, configuration and store.
world_make() {
	WORLD=$SCRATCH/world
	mkdir "$WORLD" "$WORLD/pam.d" "$WORLD/lib" "$WORLD/web"
	world_user=$(id -un)
	world_web=$world_user
	world_httpd_user=$world_user
	world_allow="allow_users = $world_user"
	if [ "$(id -u)" = 0 ]; then
		# Different users, as on a real machine: patd, pat-httpd, the
		# workers of Apache, and root, who starts them.
		world_user=daemon
		world_httpd_user=bin
		world_web=www-data
		world_allow=
	fi
	cat >"$WORLD/jira-pat.conf" <<-EOF
		[tokens]
		$WORLD_TOKENS

		[argon2]
		$WORLD_COST

		[pat-httpd]
		user = $world_httpd_user
		$world_allow

		[patd]
		user = $world_user
		run_dir = $WORLD/run
		store_dir = $WORLD/store
		pepper_file = $WORLD/key/pepper.key
		$world_allow
		${WORLD_SECTIONS:-}
	EOF
	pat_admin init || return 1

	# Apache's workers load these: they must lie where they can read.
	cp "$JP_BUILD/.libs/pam_jira_pat.so" \
		"$JP_BUILD/tests/lib/.libs/pam_confdir.so" \
		"$JP_SOURCE/examples/apache/jira-pat-headers.lua" \
		"$WORLD/lib/" &&
		chmod 644 "$WORLD"/lib/* || return 1
	world_pam jira-pat
	printf '%s required pam_deny.so\n' auth account >"$WORLD/pam.d/other"
}

# world_pam SERVICE [EXAMPLE]: the example's service file (by default the one of
# that name), for this world's module and socket.
world_pam() {
	sed "s|pam_jira_pat\.so|$WORLD/lib/& socket=$WORLD/run/verify.sock one_shot=no timeout=2|" \
		"$JP_SOURCE/examples/pam.d/${2:-$1}" >"$WORLD/pam.d/$1"
}

world_accepts() {
	python3 -c 'import socket, sys
socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).connect(sys.argv[1])' \
		"$1" 2>/dev/null
}

world_patd() {
	start patd "$JP_BUILD/patd/patd" --config "$WORLD/jira-pat.conf" \
		--foreground
	wait_for 60 world_accepts "$WORLD/run/verify.sock"
}

# world_httpd: pat-httpd, at $WORLD/run/http.sock and fcgi.sock.
world_httpd() {
	start httpd "$JP_BUILD/pat_httpd/pat-httpd" \
		--config "$WORLD/jira-pat.conf" --foreground
	wait_for 60 world_answers "$WORLD/run/http.sock"
}

world_answers() {
	python3 -c 'import socket, sys
socket.socket(socket.AF_UNIX).connect(sys.argv[1])' "$1" 2>/dev/null
}

world_backend() {
	rm -f "$WORLD/backend.port"
	start backend python3 "$JP_SOURCE/tests/lib/backend.py" \
		"$WORLD/backend.port" ${WORLD_BACKEND_LOG:+"$WORLD_BACKEND_LOG"}
	wait_for 60 test -s "$WORLD/backend.port" &&
		WORLD_BACKEND=http://127.0.0.1:$(cat "$WORLD/backend.port")
}

# world_apache: a free port may be taken before Apache gets it, so it may try
# again with another one.
world_apache() {
	# shellcheck disable=SC2034
	for world_try in 1 2 3; do
		world_port=$(free_port) || return 1
		WORLD_URL=http://127.0.0.1:$world_port
		world_apache_conf >"$WORLD/apache2.conf"
		start apache env LD_PRELOAD="$WORLD/lib/pam_confdir.so" \
			JP_PAM_CONFDIR="$WORLD/pam.d" \
			apache2 -f "$WORLD/apache2.conf" -DFOREGROUND
		wait_for 60 world_apache_settled && running apache && return 0
		stop apache || :
	done
	return 1
}

# It answers, or it has given up.
world_apache_settled() {
	running apache || return 0
	curl -s -o "$WORLD/probe" "$WORLD_URL/"
}

world_apache_conf() {
	world_apache_server
	world_apache_site
}

world_apache_server() {
	cat <<-EOF
		ServerRoot $WORLD/web
		ServerName localhost
		Listen 127.0.0.1:$world_port
		DefaultRuntimeDir $WORLD/web
		PidFile $WORLD/web/apache2.pid
		Mutex file:$WORLD/web
		ErrorLog $SCRATCH/log/apache-error.log
		LogLevel debug
		LogFormat "%h %u %t \"%r\" %>s" world
		CustomLog $SCRATCH/log/apache-access.log world
		DocumentRoot $WORLD/web
		StartServers 1
		ServerLimit 2
		ThreadsPerChild 16
		MaxRequestWorkers 32
		MinSpareThreads 1
		MaxSpareThreads 32
	EOF
	for world_module in mpm_event authn_core authz_core authz_user \
	    auth_basic authnz_pam headers proxy proxy_http rewrite \
	    ${WORLD_APACHE_LUA-lua} \
	    ${WORLD_APACHE_MODULES:-}; do
		echo "LoadModule ${world_module}_module" \
			"$WORLD_MODULES/mod_$world_module.so"
	done
	if [ "$(id -u)" = 0 ]; then
		echo "User $world_web"
		echo "Group $(id -gn "$world_web")"
	fi
}

# What this server does: a script may have another function of this name.
world_apache_site() {
	cat <<-EOF
		Define JIRA_PAT_BACKEND $WORLD_BACKEND
		Define JIRA_PAT_HEADERS $WORLD/lib/jira-pat-headers.lua
		<VirtualHost *>
		${WORLD_APACHE_LINES:-}
		Include $JP_SOURCE/examples/apache/jira-pat.conf
		</VirtualHost>
		${WORLD_APACHE_END:-}
	EOF
}

# world_nginx_head WORKERS LEVEL: the beginning of a configuration of nginx, as far
# as into http {}; its errors are logged from this level on.
world_nginx_head() {
	cat <<-EOF
		worker_processes $1;
		daemon off;
		pid $WORLD/nginx/nginx.pid;
		error_log $SCRATCH/log/nginx-error.log $2;
	EOF
	[ "$(id -u)" != 0 ] ||
		echo "user $world_web $(id -gn "$world_web");"
	cat <<-EOF
		events { worker_connections 256; }
		http {
		    access_log $SCRATCH/log/nginx-access.log;
		    client_body_temp_path $WORLD/nginx/tmp/body;
		    proxy_temp_path $WORLD/nginx/tmp/proxy;
		    fastcgi_temp_path $WORLD/nginx/tmp/fastcgi;
		    uwsgi_temp_path $WORLD/nginx/tmp/uwsgi;
		    scgi_temp_path $WORLD/nginx/tmp/scgi;
	EOF
}

# --- HTTP ---------------------------------------------------------------------

# basic USER PASSWORD / bearer TEXT: the value of Authorization.
basic() {
	printf 'Basic %s' "$(printf '%s:%s' "$1" "$2" | base64 -w 0)"
}

bearer() {
	printf 'Bearer %s' "$1"
}

# http PATH AUTHORIZATION [CURL-ARGUMENT...]: one request. Sets $status, $body
# and $head. An empty AUTHORIZATION sends none. The secret goes to curl on its
# standard input: arguments are visible to everybody on the machine.
http() {
	http_path=$1
	http_auth=$2
	shift 2
	# shellcheck disable=SC2034
	status=$(
		[ -z "$http_auth" ] ||
			printf 'header = "Authorization: %s"\n' "$http_auth" |
			curl -K - -s -m 20 -o "$WORLD/body" -D "$WORLD/head" \
				-w '%{http_code}' "$@" "$WORLD_URL$http_path"
		[ -n "$http_auth" ] ||
			curl -s -m 20 -o "$WORLD/body" -D "$WORLD/head" \
				-w '%{http_code}' "$@" "$WORLD_URL$http_path"
	)
	body=$(cat "$WORLD/body")
	# shellcheck disable=SC2034
	head=$(tr -d '\r' <"$WORLD/head")
}

# claims USER AUTHORIZATION [METHOD [usual]]: what tests/lib/claims.py finds wrong
# with $WORLD_URL; its last line, if nothing is, is $CLAIMS_NONE.
# shellcheck disable=SC2034
CLAIMS_NONE='[1-9][0-9][0-9][0-9] claims in [1-9][0-9]* requests'
claims() {
	printf '%s' "$2" | timeout 300 python3 "$JP_SOURCE/tests/lib/claims.py" \
		"$WORLD_URL/rest/api/2/myself" "$1" "${3:-GET}" ${4:+"$4"}
}

# field NAME: of the JSON in $body, as compact JSON.
field() {
	printf '%s' "$body" | python3 -c 'import json, sys
try:
    value = json.load(sys.stdin).get(sys.argv[1])
except ValueError:
    value = "not JSON"
print(json.dumps(value, separators=(",", ":")))' "$1"
}
