# shellcheck shell=sh
# For the tests of real servers that ask patd in the protocol of saslauthd: a
# store, patd, and the proofs that each server has to pass.
#
# Needs tests/lib/tap.sh and tests/lib/servers.sh.

# mux_needs TOOL...: leaves, unless all of them are here.
mux_needs() {
	mux_missing="$(closed_folders "$JP_BUILD" "$JP_SOURCE" | sed "s|^| |")"
	for mux_tool in python3 setsid "$@"; do
		command -v "$mux_tool" >/dev/null 2>&1 || [ -e "$mux_tool" ] ||
			mux_missing="$mux_missing $mux_tool"
	done
	for mux_tool in patd/patd tools/pat-admin \
	    tests/lib/.libs/sasl_confdir.so; do
		[ -e "$JP_BUILD/$mux_tool" ] ||
			mux_missing="$mux_missing $mux_tool (build it)"
	done
	case $(ldd "$JP_BUILD/tests/lib/.libs/sasl_confdir.so" 2>/dev/null) in
	*libasan* | *libtsan*) mux_missing="$mux_missing a build without sanitizer" ;;
	esac
	[ -z "$mux_missing" ] || skip_all "missing here:$mux_missing"
}

# mux_make [LINE...]: store and patd; LINEs go into [patd], {root} in them is
# $SCRATCH, and the folder above that of a mux is made. Sets $MUX.
mux_make() {
	scratch
	servers_make
	mux_user=$(id -un)
	mux_allow="allow_users = $mux_user"
	if [ "$(id -u)" = 0 ]; then
		mux_user=daemon
		mux_allow=
	fi
	MUX=$SCRATCH/run/mux
	cat >"$SCRATCH/jira-pat.conf" <<-EOT
		[tokens]
		max_per_user = 0
		[argon2]
		memory = 64K
		passes = 1
		[patd]
		user = $mux_user
		run_dir = $SCRATCH/run
		store_dir = $SCRATCH/store
		pepper_file = $SCRATCH/key/pepper.key
		mux = $MUX
		$mux_allow
	EOT
	for mux_line in "$@"; do
		mux_line=$(printf '%s\n' "$mux_line" | sed "s|{root}|$SCRATCH|")
		printf '%s\n' "$mux_line" >>"$SCRATCH/jira-pat.conf"
		case $mux_line in
		"mux = "* | "verify = "*) mkdir -p "$(dirname "$(dirname "${mux_line#* = }")")" ;;
		esac
	done
	mux_admin init >"$SCRATCH/log/init.log" 2>&1 ||
		bail "no store: $(cat "$SCRATCH/log/init.log")"
	mux_patd || bail "patd does not start: $(cat "$SCRATCH/log/patd.log")"
}

mux_admin() {
	"$JP_BUILD/tools/pat-admin" --config "$SCRATCH/jira-pat.conf" "$@"
}

# mux_patd: starts patd, again after `stop patd`.
mux_patd() {
	start patd "$JP_BUILD/patd/patd" --config "$SCRATCH/jira-pat.conf" \
		--debug
	wait_for 15 mux_answers "$MUX"
}

mux_answers() {
	python3 -c 'import socket, sys
socket.socket(socket.AF_UNIX).connect(sys.argv[1])' "$1" 2>/dev/null
}

# new USER [ARGUMENT...]: makes a token and sets $token and $id.
new() {
	token=$(mux_admin create "$@" 2>>"$SCRATCH/log/pat-admin.log") ||
		bail "pat-admin create $*: $(tail -n 3 "$SCRATCH/log/pat-admin.log")"
	id=$(printf '%.13s' "$token")
	id=${id#jpat_}
	mux_tokens="${mux_tokens:-} $token"
}

# spoilt TOKEN: prints it with another last character.
spoilt() {
	case $1 in
	*x) echo "${1%?}y" ;;
	*) echo "${1%?}x" ;;
	esac
}

revoke() {
	mux_admin revoke "$1" >>"$SCRATCH/log/pat-admin.log" 2>&1
}

# mux_try TRY USER TOKEN: runs TRY with the user and a file of the token. Sets
# $outcome to what it printed.
mux_try() {
	mux_secret=$SCRATCH/secret
	(
		umask 077
		printf '%s' "$3" >"$mux_secret"
	)
	outcome=$("$1" "$2" "$mux_secret" 2>>"$SCRATCH/log/client.log")
	rm -f "$mux_secret"
}

mux_no_more() {
	mux_try "$1" alice "$2"
	[ "$outcome" = "$3" ]
}

# mux_proofs WHAT TRY OUT DOWN: the proofs that every server has to pass. TRY is
# a function that logs in as $1 with the token in the file $2 and prints "in";
# or it prints OUT if the server says no, DOWN if it cannot ask.
mux_proofs() {
	mux_what=$1
	mux_do=$2
	mux_out=$3
	mux_down=$4
	new alice
	mux_alice=$token
	new bob
	mux_bob=$token
	mux_try "$mux_do" alice "$mux_alice"
	is "$mux_what: the right token gets in" "$outcome" in
	mux_try "$mux_do" alice "$mux_alice"
	is "$mux_what: and again" "$outcome" in
	mux_try "$mux_do" alice "$mux_bob"
	is "$mux_what: another user's token does not" "$outcome" "$mux_out"
	mux_try "$mux_do" alice "$(spoilt "$mux_alice")"
	is "$mux_what: a wrong token does not" "$outcome" "$mux_out"
	mux_try "$mux_do" alice hunter2
	is "$mux_what: nor does a password" "$outcome" "$mux_out"
	mux_late=
	for mux_round in 1 2 3; do
		new alice
		mux_try "$mux_do" alice "$token"
		mux_before=$outcome
		revoke "$id"
		mux_try "$mux_do" alice "$token"
		[ "$mux_before $outcome" = "in $mux_out" ] ||
			mux_late="$mux_late $mux_round: $mux_before $outcome"
	done
	is "$mux_what: a revoked one is out on the next try, 3 times" \
		"$mux_late" ''
	new alice --expires 3s
	ok "$mux_what: an expired one is out" \
		wait_for 15 mux_no_more "$mux_do" "$token" "$mux_out"
	ok "$mux_what: patd saw it expire" wait_for 10 \
		grep -q "reason=expired id=$id" "$SCRATCH/log/patd.log"
	stop patd
	is "$mux_what: patd ends with 0" $? 0
	mux_try "$mux_do" alice "$mux_alice"
	is "$mux_what: without patd nobody gets in" "$outcome" "$mux_down"
	mux_patd || bail "patd does not start again"
	mux_try "$mux_do" alice "$mux_alice"
	is "$mux_what: patd is back, and the token gets in" "$outcome" in
}

# mux_end [NAME...]: stops these servers and looks at what all have left.
mux_end() {
	for mux_name in "$@" patd; do
		stop "$mux_name" || :
	done
	# shellcheck disable=SC2086
	printf '%s\n' $mux_tokens | cut -c 15-44 >"$SCRATCH.patterns"
	# shellcheck disable=SC2034
	tap_cleanup="rm -f '$SCRATCH.patterns'"
	is "no token is in any file of the servers" \
		"$(grep -r -l -a -F -f "$SCRATCH.patterns" "$SCRATCH")" ''
	is "nothing of it crashed" \
		"$(grep -l -i 'segmentation fault\|core dumped\|sanitizer' \
			"$SCRATCH"/log/*)" ''
	done_testing
}
