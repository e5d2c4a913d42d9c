# shellcheck shell=sh
# For the tests of real servers that ask patd in the protocol of saslauthd: a
# store, patd, and the proofs that each server has to pass.
#
# Needs tests/lib/tap.sh and tests/lib/servers.sh.

# shellcheck source=tests/lib/tokens.sh
. "$JP_SOURCE/tests/lib/tokens.sh"

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
	wait_for 60 mux_answers "$MUX"
}

mux_answers() {
	python3 -c 'import socket, sys
socket.socket(socket.AF_UNIX).connect(sys.argv[1])' "$1" 2>/dev/null
}

# What tests/lib/tokens.sh needs.
pat_admin() {
	mux_admin "$@"
}

patd_again() {
	mux_patd
}

# mux_try TRY USER TOKEN: see token_try.
mux_try() {
	token_try "$@"
}

# mux_proofs WHAT TRY OUT DOWN: see token_proofs. Leaves a token of alice in
# $mux_alice.
mux_proofs() {
	token_proofs "$@"
	# shellcheck disable=SC2034
	mux_alice=$token_alice
}

# mux_end [NAME...]: see tokens_end.
mux_end() {
	tokens_end "$@"
}
