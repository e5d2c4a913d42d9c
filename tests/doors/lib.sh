# shellcheck shell=sh
# For the tests of real servers that ask PAM: a store, patd, a private /etc and
# /run, and the proofs that each door has to pass.
#
# Needs tests/lib/tap.sh. A script does, in this order:
#
#	door_needs TOOL...		leaves where something is missing
#	door_make			store, patd, $DOOR/etc, $DOOR/run
#	door_recipe X			what examples/X/README.md says, as it stands
#					(or door_service and door_file)
#	server_try X x_once		x_once does: door_start X COMMAND...
#	token_proofs, door_sso, door_networks, door_longest, door_refusing ...
#	door_end X
#
# Whatever runs by `door_start` or `inside` has a mount namespace of its own, with
# $DOOR/etc as /etc and $DOOR/run as /run: a copy of the machine's /etc, in which
# the script writes what it likes, at the paths that the recipes name. alice and bob
# have a line in its passwd; sso.user has none. Nothing of it is seen outside.

# shellcheck source=tests/lib/build.sh
. "$JP_SOURCE/tests/lib/build.sh"
# shellcheck source=tests/lib/document.sh
. "$JP_SOURCE/tests/lib/document.sh"
# shellcheck source=tests/lib/world.sh
. "$JP_SOURCE/tests/lib/world.sh"
# shellcheck source=tests/lib/servers.sh
. "$JP_SOURCE/tests/lib/servers.sh"
# shellcheck source=tests/lib/tokens.sh
. "$JP_SOURCE/tests/lib/tokens.sh"

# The module as it is built, except that its `patd --one-shot` is this build's.
DOOR_MODULE=$JP_BUILD/tests/pam/.libs/pam_jira_pat_here.so
DOOR_LENGTH=$JP_BUILD/tests/lib/.libs/pam_length.so

door_usr= # folders that are laid over /usr, the first on top

# --- Before -------------------------------------------------------------------

# door_needs TOOL...: leaves, unless all of them are here. A tool is a command or
# a path.
door_needs() {
	[ "$(id -u)" = 0 ] || skip_all "not root"
	door_missing="$(closed_folders "$JP_BUILD" "$JP_SOURCE" | sed "s|^| |")"
	for door_tool in python3 setsid unshare "$@"; do
		command -v "$door_tool" >/dev/null 2>&1 || [ -e "$door_tool" ] ||
			door_missing="$door_missing $door_tool"
	done
	for door_tool in "$JP_BUILD/patd/patd" "$JP_BUILD/tools/pat-admin" \
	    "$DOOR_MODULE" "$DOOR_LENGTH"; do
		[ -e "$door_tool" ] ||
			door_missing="$door_missing $door_tool (build it)"
	done
	case $(ldd "$DOOR_MODULE" 2>/dev/null) in
	*libasan* | *libtsan*) door_missing="$door_missing a build without sanitizer" ;;
	esac
	[ -z "$door_missing" ] || skip_all "missing here:$door_missing"
	unshare -m mount --bind /etc /etc 2>/dev/null ||
		skip_all "no mount namespace here"
}

# door_unpacked PACKAGE: if it is not installed, what it has, unpacked, is there
# all the same for `inside` and door_start: in /usr by a layer, in $DOOR/etc by a
# copy. Behind door_make. Leaves where it cannot be had.
door_unpacked() {
	! need_installed "$1" || return 0
	door_tree=$(need_unpacked "$1" 2>"$SCRATCH/log/unpacked.log") ||
		skip_all "$1: $(tail -n 1 "$SCRATCH/log/unpacked.log")"
	door_layer "$door_tree" || skip_all "no overlay of folders here"
	[ ! -d "$door_tree/etc" ] || cp -a "$door_tree/etc/." "$DOOR/etc/"
}

# door_layer FOLDER: for `inside` and door_start, FOLDER/usr is laid over /usr. Fails
# where that cannot be done.
door_layer() {
	unshare -m mount -t overlay -o "lowerdir=$1/usr:/usr" none /usr \
		2>/dev/null && door_usr=$door_usr$1/usr:
}

# door_make: store, patd, a private /etc and /run. The end of jira-pat.conf is
# $WORLD_SECTIONS, in which {run} is the folder that the servers see as /run.
door_make() {
	scratch
	servers_make
	DOOR=$SCRATCH/door
	mkdir "$DOOR" "$DOOR/run" "$DOOR/bin"
	cp -a /etc "$DOOR/etc" || bail "no copy of /etc"
	# Of the machine's own services, `other` decides no longer.
	printf '%s required pam_deny.so\n' auth account >"$DOOR/etc/pam.d/other"
	WORLD_SECTIONS=$(printf "%s\n" "${WORLD_SECTIONS:-}" | sed "s|{run}|$DOOR/run|g")
	world_make >"$SCRATCH/log/init.log" 2>&1 ||
		bail "no store: $(cat "$SCRATCH/log/init.log")"
	cp "$DOOR_MODULE" "$WORLD/lib/pam_jira_pat.so" &&
		cp "$DOOR_LENGTH" "$WORLD/lib/" && chmod 644 "$WORLD"/lib/*
	: >"$DOOR/lengths" && chmod 666 "$DOOR/lengths"
	printf '#!/bin/sh\nexec "%s" --config "%s" "$@"\n' \
		"$JP_BUILD/tools/pat-admin" "$WORLD/jira-pat.conf" \
		>"$DOOR/bin/pat-admin"
	echo '#!/bin/sh' >"$DOOR/bin/systemctl"
	chmod 755 "$DOOR"/bin/*
	door_account alice 61001
	door_account bob 61002
	patd_again || bail "patd does not start: $(cat "$SCRATCH/log/patd.log")"
}

# patd_again: starts patd, also after `stop patd`. It logs accepted requests, too.
patd_again() {
	start patd "$JP_BUILD/patd/patd" --config "$WORLD/jira-pat.conf" --debug
	wait_for 60 world_accepts "$WORLD/run/verify.sock"
}

# door_account USER UID: a line in the private passwd, without a password; the
# home folder is $DOOR/home/USER.
door_account() {
	echo "$1:x:$2:$2::$DOOR/home/$1:/bin/sh" >>"$DOOR/etc/passwd"
	echo "$1:x:$2:" >>"$DOOR/etc/group"
	echo "$1:*:19000:0:99999:7:::" >>"$DOOR/etc/shadow"
	mkdir -p "$DOOR/home/$1" && chown "$2:$2" "$DOOR/home/$1"
}

# door_certificate: what Debian's package ssl-cert makes, in the private /etc.
door_certificate() {
	door_ssl=$DOOR/etc/ssl
	mkdir -p "$door_ssl/certs" "$door_ssl/private"
	rm -f "$door_ssl/certs/ssl-cert-snakeoil.pem"
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost \
		-keyout "$door_ssl/private/ssl-cert-snakeoil.key" \
		-out "$door_ssl/certs/ssl-cert-snakeoil.pem" \
		2>>"$SCRATCH/log/openssl.log" || bail "no certificate"
}

# --- Files --------------------------------------------------------------------

# door_recipe DOOR [TITLE [SED-ARGUMENT...]]: runs the commands (```sh) that examples/DOOR/README.md
# has below this heading, "Set up" by default: inside, in the source tree, as they
# stand, but for paths outside of /etc and /run that SED-ARGUMENTs replace. pat-admin is this world's; the services that systemctl names are started
# by the test. The module in the service files becomes this world's.
door_recipe() {
	door_name=$1
	door_title=${2:-Set up}
	shift
	[ $# -eq 0 ] || shift
	block "$JP_SOURCE/examples/$door_name/README.md" "$door_title" sh |
		sed -e '' "$@" >"$DOOR/commands"
	ok "there are commands below \"$door_title\" for $door_name" \
		test -s "$DOOR/commands"
	# shellcheck disable=SC2016
	inside sh -ec 'cd "$1"; PATH=$2/bin:$PATH; . "$2/commands"' sh \
		"$JP_SOURCE" "$DOOR" >"$DOOR/said" 2>"$SCRATCH/log/recipe.log"
	door_status=$?
	is "they run as they stand" "$door_status $([ $door_status = 0 ] ||
		tail -n 5 "$SCRATCH/log/recipe.log")" "0 "
	for door_stack in "$DOOR"/etc/pam.d/*; do
		door_module "$door_stack"
	done
}

# door_try_it DOOR TRY: the commands below "Try it" make a token, the last line of
# what they say, that lets alice in.
door_try_it() {
	door_recipe "$1" "Try it"
	token=$(tail -n 1 "$DOOR/said")
	rm -f "$DOOR/said"
	[ -n "$token" ] || return 0
	tokens_made="$tokens_made $token"
	token_try "$2" alice "$token"
	is "$1: the token of \"Try it\" gets in" "$outcome" in
}

# door_check DOOR [TRAP...]: pat-admin check knows that tokens open this door, and
# finds these traps of PAM and its doors, and no others.
door_check() {
	door_name=$1
	shift
	inside "$DOOR/bin/pat-admin" check >"$SCRATCH/log/check.log" 2>&1
	ok "pat-admin check: tokens open $door_name" \
		grep -q "^ok  *doors .*$door_name" "$SCRATCH/log/check.log"
	is "pat-admin check: the traps of $door_name" "$(
		sed -n 's/^\(warn\|bad\) *pam .*\[\([a-z-]*\)\]$/\2/p' \
			"$SCRATCH/log/check.log" | tr '\n' ' '
	)" "${*:+$* }"
}

# door_module FILE [ARGUMENT...]: in this service file, the module is this world's,
# with further arguments; the example's own stay.
door_module() {
	door_stack=$1
	shift
	sed -i "s|^\([^#]*[[:space:]]\)pam_jira_pat\.so|\1$WORLD/lib/pam_jira_pat.so socket=$WORLD/run/verify.sock config=$WORLD/jira-pat.conf timeout=30 $*|" \
		"$door_stack"
}

# door_service SERVICE EXAMPLE [ARGUMENT...]: /etc/pam.d/SERVICE is the file
# EXAMPLE below examples/ (pam.d/jira-pat), with this world's module, and these
# further arguments of the module.
door_service() {
	door_name=$1
	cp "$JP_SOURCE/examples/$2" "$DOOR/etc/pam.d/$door_name" || return 1
	shift 2
	door_module "$DOOR/etc/pam.d/$door_name" "$@"
}

# door_file EXAMPLE PATH [SED-ARGUMENT...]: PATH, in the private /etc or /run, or in
# $SCRATCH, is the file EXAMPLE below examples/; SED-ARGUMENTs replace ports and
# paths in it.
door_file() {
	door_example=$1
	door_path=$2
	shift 2
	case $door_path in
	/etc/* | /run/*) door_path=$DOOR$door_path ;;
	esac
	mkdir -p "$(dirname "$door_path")" &&
		sed -e '' "$@" "$JP_SOURCE/examples/$door_example" >"$door_path"
}

# --- Running ------------------------------------------------------------------

# The first arguments of sh: the folder, the layers, the command.
# shellcheck disable=SC2016
door_enter='
	door=$1 usr=$2
	shift 2
	mount --bind "$door/etc" /etc && mount --bind "$door/run" /run || exit 125
	[ -z "$usr" ] || mount -t overlay -o "lowerdir=$usr/usr" none /usr || exit 125
	exec "$@"'

# inside COMMAND...: runs it there. A command, not a function of the shell.
inside() {
	unshare -m sh -c "$door_enter" sh "$DOOR" "$door_usr" "$@"
}

# door_start NAME COMMAND...: as `start` does, but inside.
door_start() {
	door_name=$1
	shift
	start "$door_name" unshare -m sh -c "$door_enter" sh "$DOOR" "$door_usr" \
		"$@"
}

# --- Proofs, besides token_proofs ---------------------------------------------
#
# TRY prints "in", or OUT where the door says no: see token_try.

# door_sso WHAT TRY OUTCOME: what a user without a line in passwd gets with the
# right token, and that a wrong one is refused all the same.
door_sso() {
	new sso.user
	token_try "$2" sso.user "$token"
	is "$1: a user without a passwd line, with the right token: $3" \
		"$outcome" "$3"
	[ "$3" = in ] || return 0
	token_try "$2" sso.user "$(spoilt "$token")"
	is "$1: a user without a passwd line, with a wrong token: no" \
		"$([ "$outcome" = in ] || echo no)" no
	revoke "$id"
	token_try "$2" sso.user "$token"
	is "$1: a user without a passwd line, with a revoked token: no" \
		"$([ "$outcome" = in ] || echo no)" no
}

# door_networks WHAT TRY OUT SERVICE [none]: patd learns the service, and that the
# client is at 127.0.0.1; with `none`, no address, so that each token that is bound
# to networks is refused.
door_networks() {
	new alice --service "$4"
	token_try "$2" alice "$token"
	is "$1: a token for the service $4 gets in" "$outcome" in
	new alice --service elsewhere
	token_try "$2" alice "$token"
	is "$1: a token for another service does not" "$outcome" "$3"
	new alice --from 127.0.0.0/8
	token_try "$2" alice "$token"
	is "$1: a token for the client's network: ${5:-in}" "$outcome" \
		"$([ -z "${5:-}" ] && echo in || echo "$3")"
	new alice --from 192.0.2.0/24
	token_try "$2" alice "$token"
	is "$1: a token for another network does not get in" "$outcome" "$3"
}

# door_case WHAT TRY OUTCOME: what a user whose name has capitals gets. Their
# line in passwd is there, too.
door_case() {
	door_account Jane.Doe 61003
	new Jane.Doe
	token_try "$2" Jane.Doe "$token"
	is "$1: a user name with capitals: $3" "$outcome" "$3"
}

# door_arrives TRY USER SERVICE BYTES: sets $arrived to how many bytes of a
# password of so many PAM is given; "nothing" if it is not asked.
door_arrives() {
	door_stack=$DOOR/etc/pam.d/$3
	cp "$door_stack" "$DOOR/stack"
	echo "auth required $WORLD/lib/pam_length.so $DOOR/lengths" >"$door_stack"
	: >"$DOOR/lengths"
	token_try "$1" "$2" "$(head -c "$4" /dev/zero | tr '\0' x)"
	cp "$DOOR/stack" "$door_stack"
	arrived=$(tail -n 1 "$DOOR/lengths")
	arrived=${arrived:-nothing}
}

# door_longest WHAT TRY SERVICE BYTES [BEYOND]: a password of so many bytes arrives
# whole; of one more, BEYOND bytes do, by default "nothing".
door_longest() {
	door_arrives "$2" alice "$3" "$4"
	is "$1: a password of $4 bytes arrives whole" "$arrived" "$4"
	door_arrives "$2" alice "$3" $(($4 + 1))
	is "$1: one of $(($4 + 1)) bytes: ${5:-nothing}" "$arrived" \
		"${5:-nothing}"
}

# door_refusing WHAT TRY DOWN SERVICE: neither patd nor, for a door that is root,
# a patd for one request: nobody gets in, and everybody does afterwards.
door_refusing() {
	door_stack=$DOOR/etc/pam.d/$4
	new alice
	stop patd
	cp "$door_stack" "$DOOR/stack"
	sed -i 's/ timeout=/ one_shot=no&/' "$door_stack"
	token_try "$2" alice "$token"
	is "$1: with nobody to ask: $3" "$outcome" "$3"
	cp "$DOOR/stack" "$door_stack"
	patd_again || bail "patd does not start again"
	token_try "$2" alice "$token"
	is "$1: patd is back, and the token gets in" "$outcome" in
}

# door_said PATTERN: patd's log has it; an expression of grep.
door_said() {
	wait_for 60 grep -q "$1" "$SCRATCH/log/patd.log"
}

# door_end [NAME...]: stops these servers, looks at what they have left, and ends.
door_end() {
	tokens_end "$@"
}
