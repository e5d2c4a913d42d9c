# shellcheck shell=sh
# For the tests of the page of users: a world whose nginx stands for the single
# sign-on: each of its servers has signed in one user, and says so over the Unix
# socket of pat-httpd.
#
# Needs tests/lib/tap.sh and tests/lib/world.sh. Order: page_needs, page_make,
# then page_run.
# shellcheck disable=SC2034,SC2154 # names of tap.sh and world.sh

# Who has signed in where; each is a variable PAGE_NAME of page.env, with the
# address. "old" is alice, whose login was long ago,
# "untimed" nobody knows when, "future" later than now; "nobody" has not signed in.
PAGE_SERVERS='alice bob ann known quoted old untimed future nobody'

# page_needs TOOL...: leaves, unless all of them are here.
page_needs() {
	PATH=$PATH:/usr/sbin:/sbin
	page_missing=$(
		closed_folders "$JP_BUILD" "$JP_SOURCE"
		for page_tool in curl nginx python3 setsid "$@"; do
			command -v "$page_tool" >/dev/null 2>&1 ||
				echo "$page_tool"
		done
		for page_tool in patd/patd pat_httpd/pat-httpd tools/pat-admin \
		    .libs/pam_jira_pat.so tests/lib/.libs/pam_confdir.so; do
			[ -e "$JP_BUILD/$page_tool" ] ||
				echo "$page_tool (build it)"
		done
	)
	[ -z "$page_missing" ] ||
		skip_all "missing here: $(echo "$page_missing" | tr '\n' ' ')"
}

# page_make: everything, and the file with the addresses.
page_make() {
	scratch
	export SCRATCH # the scripts leave something beside it
	# As world_make has it.
	page_peer=$(id -un)
	[ "$(id -u)" != 0 ] || page_peer=www-data
	WORLD_SECTIONS="[self_service]
trusted_peers = $page_peer
admin_group = token-admins
max_auth_age = 1h
login_url = /signed-in-again
logout_url = /signed-out
services = jira, wiki
${PAGE_LINES:-}

[service jira]
scope = write
read_scope = read

[service wiki]
scope = wiki
"
	world_make >"$SCRATCH/log/init.log" 2>&1 ||
		bail "no store: $(cat "$SCRATCH/log/init.log")"
	# A policy, which world_make has no place for, and a token from before.
	pat_admin create veteran --name old --expires 365d \
		>"$SCRATCH/log/pat-admin.log" 2>&1
	sed -i "s/^\[tokens\]/&\nmax_lifetime = 200d\nself_lifetime = 100d/" \
		"$WORLD/jira-pat.conf"
	world_patd || bail "patd does not start: $(cat "$SCRATCH/log/patd.log")"
	world_httpd ||
		bail "pat-httpd does not start: $(cat "$SCRATCH/log/httpd.log")"
	{
		pat_admin user groups ann token-admins
		pat_admin user disable gone
	} >>"$SCRATCH/log/pat-admin.log" 2>&1 ||
		bail "no users: $(cat "$SCRATCH/log/pat-admin.log")"
	mkdir -p "$WORLD/nginx/tmp"
	[ "$(id -u)" != 0 ] || chown "$world_web" "$WORLD/nginx/tmp"
	page_nginx || bail "nginx does not start: $(
		tail -n 5 "$SCRATCH/log/proxy.log" "$SCRATCH/log/nginx-error.log")"
}

# page_use TOKEN FROM: it is used once, for jira, to read; prints the status.
page_use() {
	printf 'header = "Authorization: Bearer %s"\n' "$1" |
		curl -K - -s -o "$WORLD/probe" -w '%{http_code}' \
			--unix-socket "$WORLD/run/http.sock" \
			-H "X-Forwarded-For: $2" -H "X-Forwarded-Method: GET" \
			-H "X-Forwarded-Uri: /rest/api/2/myself" \
			http://localhost/auth/jira
}

page_conf() {
	world_nginx_head 1 notice
	# shellcheck disable=SC2016 # variables of nginx
	echo 'map $msec $seconds { "~^(?<whole>[0-9]+)" $whole; }'
	page_port_at=0
	for page_name in $PAGE_SERVERS; do
		page_port_at=$((page_port_at + 1))
		page_server "$page_name" \
			"$(echo "$page_ports" | cut -d ' ' -f $page_port_at)"
	done
	echo "}"
}

page_server() {
	page_user=$1
	# shellcheck disable=SC2016 # a variable of nginx
	page_time='$seconds'
	# shellcheck disable=SC1003 # two characters of nginx
	case $1 in
	old) page_user=alice page_time=1000000000 ;;
	untimed) page_user=alice page_time='""' ;;
	future) page_user=alice page_time=4000000000 ;;
	nobody) page_user= ;;
	known) page_user=gone ;;
	quoted) page_user='o\"neil\\' ;;
	esac
	echo "PAGE_$1=http://127.0.0.1:$2" >>"$WORLD/page.env"
	# shellcheck disable=SC2016 # variables of nginx
	printf '    server { listen 127.0.0.1:%s;
	location / { proxy_pass http://unix:%s/run/http.sock;
	proxy_set_header Host $http_host;
	proxy_set_header X-Remote-User "%s";
	proxy_set_header X-Auth-Time %s;
	proxy_set_header X-Forwarded-For $remote_addr; } }
' "$2" "$WORLD" "$page_user" "$page_time"
}

page_settled() {
	running proxy || return 0
	curl -s -o "$WORLD/probe" "$PAGE_alice/"
}

page_nginx() {
	for _ in 1 2 3; do
		page_ports=$(free_ports 9)
		: >"$WORLD/page.env"
		page_conf >"$WORLD/nginx/nginx.conf"
		# shellcheck disable=SC1091
		. "$WORLD/page.env"
		start proxy nginx -p "$WORLD/nginx" -c "$WORLD/nginx/nginx.conf"
		wait_for 60 page_settled && running proxy && return 0
		stop proxy || :
	done
	return 1
}

# page_run PYTHON SCRIPT [ARGUMENT...]: its lines, as tests. It gets the addresses
# in its environment, and pat-admin as it is to be called.
page_run() {
	page_python=$1
	page_script=$2
	shift 2
	(
		set -a
		# shellcheck disable=SC1091
		. "$WORLD/page.env"
		PAGE_ADMIN="$JP_BUILD/tools/pat-admin --config $WORLD/jira-pat.conf"
		PAGE_SOCKET=$WORLD/run/http.sock
		PYTHONPATH=$JP_SOURCE/tests/lib
		PYTHONDONTWRITEBYTECODE=1
		timeout 800 "$page_python" "$JP_SOURCE/tests/e2e/$page_script" "$@"
	) >"$SCRATCH/log/$page_script.out" 2>"$SCRATCH/log/$page_script.err"
	page_status=$?
	while IFS="$(printf '\t')" read -r page_verdict page_what page_why; do
		case $page_verdict in
		ok) pass "$page_what" ;;
		*) fail "$page_what" "${page_why:-$page_verdict}" ;;
		esac
	done <"$SCRATCH/log/$page_script.out"
	is "all of it was tried: $page_script" "$page_status" 0
	[ "$page_status" = 0 ] ||
		note "$(tail -n 20 "$SCRATCH/log/$page_script.err")"
}

# page_secrets: no token is in a file of the world. The script has left them,
# without what is public of them, in $SCRATCH.tokens.
page_secrets() {
	ok "tokens were shown" test -s "$SCRATCH.tokens"
	rm -f "$SCRATCH/log/"*.out
	is "no token is in any file of nginx, pat-httpd, patd or the store" \
		"$(grep -r -l -a -F -f "$SCRATCH.tokens" "$SCRATCH")" ''
	rm -f "$SCRATCH.tokens"
	is "nothing of it crashed" \
		"$(grep -l -i 'segmentation\|exited on signal\|panic' \
			"$SCRATCH"/log/*)" ''
}
