#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# Squid's basic_pam_auth, with the file of examples/squid among those of Debian: a
# token in place of the proxy password.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/doors/lib.sh
. "$JP_SOURCE/tests/doors/lib.sh"

door_needs curl squid /usr/lib/squid/basic_pam_auth
door_make
door_recipe squid
door_check squid door-address
world_backend || bail "nothing behind the proxy"
mkdir "$SCRATCH/squid" && own proxy "$SCRATCH/squid"
# What is behind the proxy is on this host: Debian 13's forbids that.
sed -i '/^http_access deny to_localhost/d' "$DOOR/etc/squid/squid.conf"
# How this one is started: where all of it is, in place of /var.
cat >"$DOOR/etc/squid/conf.d/zz-test.conf" <<-EOT
	access_log stdio:$SCRATCH/squid/access.log
	cache_log $SCRATCH/squid/cache.log
	cache_store_log none
	netdb_filename none
	pinger_enable off
	pid_filename $SCRATCH/squid/pid
	visible_hostname localhost
	shutdown_lifetime 1 second
EOT

squid_once() {
	sed -i "s|^http_port .*|http_port 127.0.0.1:$server_port|" \
		"$DOOR/etc/squid/squid.conf"
	door_start squid squid -N -f /etc/squid/squid.conf
}

# curl_proxy [ARGUMENT...]: prints the status of a request through the proxy.
curl_proxy() {
	curl -s -m 60 -o "$SCRATCH/body" -w '%{http_code}' --noproxy '' \
		-x "http://127.0.0.1:$server_port" "$@" "$WORLD_BACKEND/"
}

# What Squid keeps of the try before is over then.
try_proxy() {
	sleep 2
	try_at_once "$@"
}

try_at_once() {
	proxy_status=$(printf 'proxy-user = "%s:%s"\n' "$1" "$(cat "$2")" |
		curl_proxy -K -)
	case $proxy_status in
	200) echo in ;;
	*) echo "$proxy_status" ;;
	esac
}

server_try squid squid_once || bail "Squid does not start: $(tail -n 20 \
	"$SCRATCH/log/squid.log" "$SCRATCH/squid/cache.log")"
door_try_it squid try_proxy
token_proofs Squid try_proxy 407 407
is "no credentials: 407" "$(curl_proxy)" 407
door_sso Squid try_proxy in
door_networks Squid try_proxy 407 jira-pat-squid none
door_case Squid try_proxy in
door_longest Squid try_at_once jira-pat-squid 8000 8001

# Why the recipe says one second.
stop squid
sed -i '/credentialsttl/d' "$DOOR/etc/squid/conf.d/jira-pat.conf"
door_check squid door-address squid-cache
server_try squid squid_once ||
	bail "Squid does not start: $(tail "$SCRATCH/log/squid.log")"
new alice
token_try try_at_once alice "$token"
is "with Squid's own credentialsttl, a token gets in" "$outcome" in
revoke "$id"
token_try try_proxy alice "$token"
is "and still when it has been revoked" "$outcome" in
door_end squid
