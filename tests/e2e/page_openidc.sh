#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# The page behind a single sign-on: examples/apache/jira-pat-self-openidc.conf in
# a real Apache with mod_auth_openidc, and a stand-in for the provider.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/world.sh
. "$JP_SOURCE/tests/lib/world.sh"
# shellcheck source=tests/lib/authorizer.sh
. "$JP_SOURCE/tests/lib/authorizer.sh"

authorizer_needs apache2 "$WORLD_MODULES/mod_auth_openidc.so"
scratch
page_port=$(free_port) || bail "no port"
page_peer=www-data
[ "$(id -u)" = 0 ] || page_peer=$(id -un)

# --- The provider ----------------------------------------------------------------

mkdir "$SCRATCH/sso"
(umask 077 && openssl rand -hex 32 >"$SCRATCH/sso/secret")
start provider python3 "$JP_SOURCE/tests/lib/oidc_provider.py" \
	"$SCRATCH/sso/port" "$SCRATCH/sso/secret"
wait_for 60 test -s "$SCRATCH/sso/port" || bail "the provider does not start"
ISSUER=http://127.0.0.1:$(cat "$SCRATCH/sso/port")

# signs_in USER [AGO]: the provider knows them from now on, since AGO seconds.
signs_in() {
	curl -s -o /dev/null "$ISSUER/login?user=$1&ago=${2:-0}"
}

# --- Apache, pat-httpd, patd -----------------------------------------------------

# The lines that the example's head tells to put into jira-pat.conf.
EXAMPLE=$JP_SOURCE/examples/apache/jira-pat-self-openidc.conf
WORLD_SECTIONS="$(
	sed -n 's/^#     //p' "$EXAMPLE" | sed -n '/^\[self_service\]/,$p' |
		sed -e "s|https%3A%2F%2Fsso.example.org|$(
			echo "$ISSUER" | sed 's|:|%3A|g; s|/|%2F|g')|" \
			-e "s|https%3A%2F%2Ftokens.example.org|http%3A%2F%2F127.0.0.1%3A$page_port|" \
			-e "s|www-data|$page_peer|"
)"
world_make >"$SCRATCH/log/init.log" 2>&1 ||
	bail "no store: $(cat "$SCRATCH/log/init.log")"
world_patd || bail "patd does not start: $(cat "$SCRATCH/log/patd.log")"
world_httpd || bail "pat-httpd does not start: $(cat "$SCRATCH/log/httpd.log")"

mkdir "$WORLD/sso"
(
	umask 077
	sed -e "s|https://sso.example.org|$ISSUER|" \
		-e "s|change-me: the client's secret at the provider|$(
			cat "$SCRATCH/sso/secret")|" \
		-e "s|change-me: openssl rand -base64 32|$(openssl rand -hex 32)|" \
		"$EXAMPLE" >"$WORLD/sso/openidc.conf"
)
sed -e "s|/run/jira-pat/http.sock|$WORLD/run/http.sock|" \
	-e "s|/etc/apache2/|$WORLD/lib/|" \
	"$JP_SOURCE/examples/apache/jira-pat-self.conf" >"$WORLD/sso/self.conf"
cp "$JP_SOURCE/examples/apache/jira-pat-self.lua" "$WORLD/lib/" &&
	chmod 644 "$WORLD/lib/jira-pat-self.lua"
WORLD_APACHE_MODULES='auth_openidc'
world_apache_site() {
	echo "Include $WORLD/sso/self.conf"
	echo "Include $WORLD/sso/openidc.conf"
}
free_port() {
	echo "$page_port"
}
world_apache || bail "Apache does not start: $(cat "$SCRATCH"/log/apache*.log)"

# page JAR PATH [CURL-ARGUMENT...]: one request of the browser with this jar of
# cookies, through all redirections. Sets $status, $body and $landed.
page() {
	page_jar=$SCRATCH/jar.$1
	page_path=$2
	shift 2
	# shellcheck disable=SC2034
	landed=$(curl -s -m 20 -L --max-redirs 8 -b "$page_jar" -c "$page_jar" \
		-o "$SCRATCH/body" -w '%{http_code} %{url_effective}' "$@" \
		"$WORLD_URL$page_path")
	status=${landed%% *}
	landed=${landed#* }
	body=$(cat "$SCRATCH/body")
}

# has TEXT: whether the body has it.
has() {
	case $body in *"$1"*) ;; *) return 1 ;; esac
}

page none /tokens --max-redirs 0
is "who is not signed in is sent to the provider" \
	"$status $(curl -s -o /dev/null -w '%{redirect_url}' "$WORLD_URL/tokens" |
		sed 's/?.*//')" "302 $ISSUER/authorize"

signs_in jane.doe 3600
page jane /tokens -H 'X-Remote-User: root' -H 'X-Auth-Time: 9999999999'
is "who is signed in lands on the page" "$status $landed" "200 $WORLD_URL/tokens"
ok "the page is that of the user whom the provider named" has jane.doe

# submit JAR PATH FIELD=VALUE...: sends a form as a browser does.
submit() {
	submit_jar=$1
	submit_path=$2
	shift 2
	set -- "$@" --
	while [ "$1" != -- ]; do
		set -- "$@" --data-urlencode "$1"
		shift
	done
	shift
	page "$submit_jar" "$submit_path" -H 'Sec-Fetch-Site: same-origin' "$@"
}

# new_token: the text of the token in the body.
new_token() {
	printf '%s\n' "$body" | grep -oE 'jpat_[0-9A-Za-z]{8}_[0-9A-Za-z]{36}' |
		sed q
}

submit jane /tokens name=laptop lifetime=30
is "who signed in an hour ago makes no token" "$status $(new_token)" '403 '
ok "they are asked to sign in again" has 'data-error="login-again"'
again=$(printf '%s\n' "$body" | grep -oE 'href="/tokens/oidc[?][^"]*' |
	sed 's/^href="//; s/&amp;/\&/g; q')
page jane "$again"
is "the link leads back to the form" "$status $landed" "200 $WORLD_URL/tokens/new"
like "the provider was asked for a new login" "$(curl -s "$ISSUER/seen")" \
	'*"prompt": "login"*'

submit jane /tokens name=laptop lifetime=30
is "then a token is made" "$status" 201
token=$(new_token)
is "it is the user's, and is accepted" \
	"$(printf '%s\n' "$token" | pat_admin test jane.doe 2>/dev/null)" accepted
like "it was made by the user of the single sign-on" \
	"$(pat_admin list jane.doe --json)" '*"created_by":*"sso:jane.doe"*'

# --- What does not pass -------------------------------------------------------------

for name in X_Remote_User X.Remote.User; do
	page jane /tokens -H "$name: root"
	ok "a header that looks like the user's changes nothing: $name" \
		has jane.doe
done
page jane /tokens -X POST -H 'Origin: https://evil.example' -d name=evil
is "a form of another site" "$status" 403
page jane /tokens -X POST -d name=evil
is "a form from nobody knows where" "$status" 403
is "none of these made a token" "$(pat_admin list jane.doe --json |
	grep -c '"id":')" 1

# --- REST ---------------------------------------------------------------------------

WORLD_REST=/rest/pat/latest/tokens
http "$WORLD_REST" "$(basic jane.doe "$token")"
is "a token lists the tokens of its user, without a sign-on" "$status" 200
http "$WORLD_REST" '' -H 'X-Remote-User: jane.doe'
is "REST does not believe a header of the client" "$status" 401

done_testing
