#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# curl and wget, in each way in which they send a user and a token, or a token.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/world.sh
. "$JP_SOURCE/tests/lib/world.sh"
# shellcheck source=tests/clients/lib.sh
. "$JP_SOURCE/tests/clients/lib.sh"

clients_needs curl wget
scratch
clients_make

# request: reads what a client reads, and sets these variables.
request() {
	read -r request_mode && read -r request_method && read -r request_url &&
		read -r request_user && read -r request_token
	case $request_method in
	GET) request_url=$request_url/rest/api/2/myself ;;
	*) request_url=$request_url/rest/api/2/issue ;;
	esac
	request_host=${request_url#http://}
	request_host=${request_host%%:*}
}

# answered STATUS: prints it, and the user in $SCRATCH/answer.
answered() {
	if [ "$1" = 200 ]; then
		body=$(cat "$SCRATCH/answer")
		echo "200 $(field x_forwarded_user | tr -d '[]"')"
	else
		echo "$1"
	fi
}

# What curl(1) offers, in its configuration file and not as arguments.
curl_lines() {
	case $request_mode in
	-u) printf 'user = "%s:%s"\n' "$request_user" "$request_token" ;;
	--anyauth)
		printf 'user = "%s:%s"\nanyauth\n' "$request_user" \
			"$request_token"
		;;
	--oauth2-bearer)
		printf 'oauth2-bearer = "%s"\n' "$request_token"
		;;
	--netrc)
		printf 'machine %s login %s password %s\n' "$request_host" \
			"$request_user" "$request_token" >"$SCRATCH/secret.netrc"
		printf 'netrc-file = "%s"\n' "$SCRATCH/secret.netrc"
		;;
	esac
	[ "$request_method" = GET ] || printf 'data = "{}"\n'
}

curl_client() {
	request
	answered "$(umask 077 && curl_lines | curl -s -m 60 -K - \
		-o "$SCRATCH/answer" -w '%{http_code}' "$request_url")"
	rm -f "$SCRATCH/secret.netrc"
}

wget_lines() {
	case $request_mode in
	bearer) echo "header = Authorization: Bearer $request_token" ;;
	*)
		echo "user = $request_user"
		echo "password = $request_token"
		;;
	esac
	[ "$request_mode" != "--auth-no-challenge" ] ||
		echo "auth_no_challenge = on"
	[ "$request_method" = GET ] || echo "post_data = {}"
	echo "tries = 1"
}

wget_client() {
	request
	(umask 077 && wget_lines >"$SCRATCH/secret.wgetrc")
	answered "$(wget --config="$SCRATCH/secret.wgetrc" -nv -S -T 60 \
		-O "$SCRATCH/answer" "$request_url" 2>&1 |
		sed -n 's/^ *HTTP\/[0-9.]* \([0-9]*\).*/\1/p' | tail -n 1)"
	rm -f "$SCRATCH/secret.wgetrc"
}

clients_proofs curl "-u --anyauth --oauth2-bearer --netrc" curl_client
clients_proofs wget "user --auth-no-challenge bearer" wget_client
clients_end
