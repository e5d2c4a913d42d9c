# shellcheck shell=sh
# Real clients of servers that are asked in more than one way. Arguments are
# visible to everybody, so a token comes in a file.
#
# Needs tests/lib/tap.sh and a server of tests/lib/servers.sh.

# --- Subversion, at $SVN_URL ----------------------------------------------------

# svn_as USER FILE ARGUMENT...
svn_as() {
	svn_user=$1
	svn_file=$2
	shift 2
	timeout 60 svn "$@" --non-interactive --no-auth-cache \
		--config-dir "$SCRATCH/svn" --username "$svn_user" \
		--password-from-stdin <"$svn_file"
}

try_list() {
	if svn_as "$1" "$2" ls "$SVN_URL" >/dev/null; then
		echo in
	else
		echo out
	fi
}

# try_work USER FILE: a checkout, and a commit.
try_work() {
	rm -rf "$SCRATCH/checkout"
	svn_as "$1" "$2" checkout -q "$SVN_URL" "$SCRATCH/checkout" &&
		date >>"$SCRATCH/checkout/dates" &&
		{ svn add -q --force "$SCRATCH/checkout/dates" || :; } &&
		svn_as "$1" "$2" commit -q -m "a line" "$SCRATCH/checkout" && echo in
}

# --- SMTP, at $SMTP_PORT --------------------------------------------------------

# try_smtp MECHANISM USER FILE: prints "in" if the relaying of a mail is
# permitted, else the code of the answer to AUTH. Arguments are visible to
# everybody, so the token comes in a file.
try_smtp() {
	smtp_rc=$SCRATCH/secret.swaks
	(
		umask 077
		{
			printf 'auth-user %s\nauth-password ' "$2"
			cat "$3"
			echo
		} >"$smtp_rc"
	)
	smtp_said=$(timeout 60 swaks --config "$smtp_rc" --auth "$1" \
		--server 127.0.0.1 --port "$SMTP_PORT" --timeout 50 \
		--from "$2@example.org" --to friend@example.net \
		--quit-after RCPT 2>&1)
	rm -f "$smtp_rc"
	smtp_codes=$(printf '%s\n' "$smtp_said" |
		sed -n 's/^<[-*~ ]* \([25]..\|4..\) .*/\1/p' | tr '\n' ' ')
	case $smtp_codes in
	*'235 250 250 221 ') echo in ;;
	*) printf '%s\n' "$smtp_codes" | grep -o -E '535|435|454|554|504' |
		head -n 1 ;;
	esac
}

try_plain() {
	try_smtp PLAIN "$@"
}

try_login() {
	try_smtp LOGIN "$@"
}
