#!/bin/sh
# Documents and code name the same things. Each list is taken from the table in
# the code and from the place in the document where such names are tagged.
set -u

# shellcheck source=tests/lib/tap.sh
. "${JP_SOURCE:?}/tests/lib/tap.sh"

# words: one on each line, sorted; none twice.
words() {
	LC_ALL=C sort -u
}

# part FILE HEAD: the lines below the .Sh or .Ss HEAD, up to the next one.
part() {
	awk -v head="$2" '
		/^\.S[hs] / { inside = substr($0, 5) == head; next }
		inside' "$JP_SOURCE/doc/$1"
}

# same SENTENCE WANTED GOT: the same list, which is not empty.
same() {
	if [ -z "$2" ]; then
		fail "$1" "nothing was found in the code"
	else
		is "$1" "$3" "$2"
	fi
}

# example_keys FILE: "SECTION KEY" of each key that is given, or would be without
# the comment sign.
example_keys() {
	sed -n 's/^#*\[\([a-z0-9_-]*\).*\]$/[\1/p; s/^#*\([a-z_]*\) =.*/\1/p' "$1" |
		awk '/^\[/ { section = substr($0, 2); next }
			{ print section, $1 }' | words
}

# --- The configuration ----------------------------------------------------------

config=$JP_SOURCE/common/config
keys=$(cat "$config"/*keys.c |
	sed -n 's/^	{ "\([a-z0-9_-]*\)", "\([a-z_]*\)",.*/\1 \2/p' | words)

# The members that no key sets: the file itself, and what has a section of its own.
is "every setting has a key" "$(
	awk '/^struct jp_(settings|(httpd|self|cluster)_settings|listener|policy|rule) {/ {
			inside = 1; next }
		/^};/ { inside = 0 }
		inside && /;/ { sub(/;.*/, ""); sub(/\[.*/, ""); print $NF }' \
		"$config/settings.h" "$config/httpd_settings.h" \
		"$config/self_settings.h" "$config/cluster_settings.h" \
		"$JP_SOURCE/common/record/policy.h" |
		tr -d '*' | while read -r member; do
		case $member in
		file | policy | rule_len | rules | glob) continue ;;
		httpd | self | cluster | configured | listener_len | listeners | name) continue ;;
		esac
		grep -Eq "(AT\(|httpd[.]|policy[.]|policy->|self->)$member\>" \
			"$config"/*keys.c || echo "$member"
	done
)" ''

same "jira-pat.conf(5) has the keys that the parser knows" "$keys" "$(
	awk '/^\.Ss \[/ { section = substr($2, 2); sub(/\].*/, "", section) }
		/^\.S[hs] [^[]/ { section = "" }
		/^\.It Ic / && section != "" { print section, $3 }' \
		"$JP_SOURCE/doc/jira-pat.conf.5" | words
)"

example=$JP_SOURCE/examples/jira-pat.conf
same "examples/jira-pat.conf has them, too" "$keys" \
	"$(example_keys "$example")"

patd=${JP_BUILD:?}/patd/patd
if [ -x "$patd" ]; then
	scratch
	sed '/^\[patd\]$/a user = 0' "$example" >"$SCRATCH/as-it-is.conf"
	sed 's/^#\([[a-z]\)/\1/' "$example" >"$SCRATCH/all-keys.conf"
	# Numbers need no account; the names are those of another machine.
	sed -i -e 's/^\(user\|admin_group\) = .*/\1 = 0/' \
		-e 's/^\(allow_[a-z]*\) = .*/\1 = 0/' "$SCRATCH"/*.conf
	chmod 644 "$SCRATCH"/*.conf
	for file in as-it-is all-keys; do
		is "patd accepts examples/jira-pat.conf: $file" "$(
			"$patd" --config "$SCRATCH/$file.conf" \
				--check-config >"$SCRATCH/log/$file" 2>&1 ||
				cat "$SCRATCH/log/$file"
		)" ''
	done
else
	skip "patd accepts examples/jira-pat.conf" "patd is not built"
fi

if [ -x "$patd" ]; then
	same "patd(8) has the options of patd --help" "$(
		"$patd" --help | sed -n 's/^  \(--[a-z-]*\).*/\1/p' | words
	)" "$(part patd.8 DESCRIPTION |
		sed -n 's/^\.It Fl \(-[a-z-]*\).*/-\1/p' | words)"
else
	skip "patd(8) has the options of patd --help" "patd is not built"
fi

# --- pat-clusterd ---------------------------------------------------------------

clusterd=$JP_BUILD/pat_clusterd/pat-clusterd
if [ -x "$clusterd" ]; then
	same "pat-clusterd(8) has the options of pat-clusterd --help" "$(
		"$clusterd" --help | sed -n 's/^  \(--[a-z-]*\).*/\1/p' | words
	)" "$(part pat-clusterd.8 DESCRIPTION |
		sed -n 's/^\.It Fl \(-[a-z-]*\).*/-\1/p' | words)"
else
	skip "pat-clusterd(8) has the options of pat-clusterd --help" \
		"pat-clusterd is not built"
fi

# --- pat-httpd ------------------------------------------------------------------

httpd=$JP_BUILD/pat_httpd/pat-httpd
if [ -x "$httpd" ]; then
	same "pat-httpd(8) has the options of pat-httpd --help" "$(
		"$httpd" --help | sed -n 's/^  \(--[a-z-]*\).*/\1/p' | words
	)" "$(part pat-httpd.8 DESCRIPTION |
		sed -n 's/^\.It Fl \(-[a-z-]*\).*/-\1/p' | words)"
else
	skip "pat-httpd(8) has the options of pat-httpd --help" \
		"pat-httpd is not built"
fi
same "pat-httpd(8) has the errors of self-service" "$(
	sed -n 's/.*X([A-Z_]*, [1-5][0-9][0-9], "\([a-z-]*\)".*/\1/p' \
		"$JP_SOURCE/pat_httpd/self/site.h" \
		"$JP_SOURCE/pat_httpd/self/page_frame.h" \
		"$JP_SOURCE/pat_httpd/self/rest_json.h" | grep . | words
)" "$(part pat-httpd.8 "Errors of self-service" |
	sed -n 's/^\.Cm \([a-z-]*\).*/\1/p' | words)"
same "pat-httpd(8) has the variables that FastCGI reads" "$(
	sed -n 's/^	X([A-Z]*, "\([A-Z_]*\)").*/\1/p' \
		"$JP_SOURCE/pat_httpd/fcgi_wire.h" | words
)" "$(part pat-httpd.8 FastCGI | sed -n 's/^\.It Ev //p' | words)"

# --- The PAM module -------------------------------------------------------------

same "pam_jira_pat(8) has the module's options" "$(
	sed -n 's/^	{ "\([a-z_]*\)", set_.*/\1/p' \
		"$JP_SOURCE/pam_jira_pat/options.c" | words
)" "$(part pam_jira_pat.8 OPTIONS | sed -n 's/^\.It Cm \([a-z_]*\).*/\1/p' |
	words)"

same "its synopsis has them, too" "$(
	part pam_jira_pat.8 OPTIONS | sed -n 's/^\.It Cm \([a-z_]*\).*/\1/p' |
		words
)" "$(part pam_jira_pat.8 SYNOPSIS |
	sed -n 's/^\.Op Cm \([a-z_]*\).*/\1/p' | words)"

# --- The SASL plugin ------------------------------------------------------------

same "libjirapat(5) has the plugin's options" "$(
	sed -n 's/^	{ "\(jirapat_[a-z]*\)", set_.*/\1/p' \
		"$JP_SOURCE/sasl_plugin/options.c" | words
)" "$(part libjirapat.5 OPTIONS |
	sed -n 's/^\.It Cm \(jirapat_[a-z]*\).*/\1/p' | words)"

same "libjirapat(5) has its mechanisms, in their order" "$(
	sed -n 's/^	X(\([A-Z0-9-]*\), .*/\1/p' \
		"$JP_SOURCE/common/wire/sasl_mechanisms.h"
)" "$(part libjirapat.5 DESCRIPTION |
	sed -n '/^\.Bl/,/^\.El/s/^\.It Cm \([A-Z0-9-]*\)$/\1/p')"

# --- pat-admin ------------------------------------------------------------------

# reasons: "VERDICT NAME" of each row of the table, in its order; "none" is never
# an answer.
reasons() {
	sed -n '/^#define JP_REASON_LIST/,/^enum/s/\\*$//p' \
		"$JP_SOURCE/common/wire/verdict.h" | tr -s '\n\t ' ' ' |
		sed 's/X([A-Z_]*,/\n&/g' |
		sed -n 's/^X([^"]*JP_\([A-Z]*\),[^"]*"\([a-z-]*\)".*/\1 \2/p' |
		sed '/ none$/d'
}
same "pat-admin(8) has the reasons of a decision, in their order" \
	"$(reasons | sed 's/.* //')" \
	"$(part pat-admin.8 Reasons | sed -n 's/^\.It Li \([a-z-]*\).*/\1/p')"

same "patd(8) has every check, in the order of their reasons" \
	"$(reasons | sed -n 's/^DENY //p')" "$(
		part patd.8 'What is checked' |
			sed -n 's/^\.It Li \([a-z-]*\).*/\1/p'
	)"

# The commands stand in groups, each below a heading of its own.
GROUPS_OF_COMMANDS='Tokens
Decisions
Users and policy
Watching
The store
Several hosts'

# commands_part: all of these, in the order of the page.
commands_part() {
	awk -v heads="$GROUPS_OF_COMMANDS" '
		BEGIN { n = split(heads, names, "\n")
			for (i = 1; i <= n; i++) known[names[i]] = 1 }
		/^\.S[hs] / { inside = substr($0, 5) in known }
		inside' "$JP_SOURCE/doc/pat-admin.8"
}

commands=$(commands_part |
	sed -n 's/^\.It Cm \([a-z-]*\).*/\1/p' | words)
synopsis=$(part pat-admin.8 SYNOPSIS |
	sed -n 's/^\.Nm pat-admin Cm \([a-z-]*\).*/\1/p' | words)
same "the synopsis of pat-admin(8) has its commands" "$commands" "$synopsis"

# options_of COMMAND: as the manual page tags them, from its .It Cm to the next.
options_of() {
	commands_part | awk -v command="$1" '
		/^\.It Cm / { inside = $3 == command }
		inside && /^\.It Fl -/ { print "-" $3 }' | words
}

# Those that every command knows are described once, in front.
help_options() {
	"$pat_admin" "$1" --help 2>&1 |
		grep -o -E '(^|[^a-z-])--[a-z][a-z-]*' | grep -o -E -e '--.*' |
		grep -v -x -E -e '--(config|json|help)' | words
}

pat_admin=$JP_BUILD/tools/pat-admin
if [ -x "$pat_admin" ]; then
	same "pat-admin --help has the commands of pat-admin(8)" "$(
		"$pat_admin" --help 2>&1 |
			sed -n 's/^  \([a-z][a-z-]*\)\( .*\)\{0,1\}$/\1/p' | words
	)" "$commands"
	same "pat-admin(8) has them in the groups and the order of --help" "$(
		"$pat_admin" --help 2>&1 | sed -n '/^Commands:/,/^Options:/{
			s/^\([A-Z][A-Za-z ]*\):$/= \1/p
			s/^  \([a-z][a-z-]*\) .*/\1/p
		}' | grep -v -x -e '= Commands' -e '= Options'
	)" "$(commands_part | sed -n -e 's/^\.Ss /= /p' \
		-e 's/^\.It Cm \([a-z-]*\).*/\1/p' | uniq)"
	for command in $commands; do
		is "pat-admin(8) has the options of $command --help" \
			"$(options_of "$command")" "$(help_options "$command")"
	done
else
	skip "pat-admin --help has the commands of pat-admin(8)" \
		"pat-admin is not built"
fi

# list_of NAME FILE: the words of `static const char *const NAME[] = { ... }`.
list_of() {
	tr '\n' ' ' <"$JP_SOURCE/$2" |
		sed -n "s/.*const $1\[\] = {\([^}]*\)}.*/\1/p" |
		grep -o '"[A-Za-z0-9_-]*"' | tr -d '"' | words
}
same "pat-admin check knows the arguments of the PAM module" "$(
	sed -n 's/^	{ "\([a-z_]*\)", set_.*/\1/p' \
		"$JP_SOURCE/pam_jira_pat/options.c" | words
)" "$(list_of own_arguments tools/doctor/pam.c)"
if [ -e "$JP_SOURCE/sasl_plugin/options.c" ]; then
	same "pat-admin check knows the keys of the SASL plugin" "$(
		sed -n 's/^	{ "\(jirapat_[a-z_]*\)", set_.*/\1/p' \
			"$JP_SOURCE/sasl_plugin/options.c" | words
	)" "$(list_of own_keys tools/doctor/sasl.c)"
fi

same "pat-admin(8) has the traps that check knows, in their order" "$(
	sed -n 's/^	X([A-Z_]*, LEVEL_[A-Z]*, "[a-z]*", "\([a-z-]*\)".*/\1/p' \
		"$JP_SOURCE/tools/doctor/traps.h"
)" "$(awk '/^Each of these traps/ { inside = 1 }
	/^\.El/ { inside = 0 }
	inside && /^\.It Li / { print $3 }' "$JP_SOURCE/doc/pat-admin.8")"

# --- Front doors ----------------------------------------------------------------

# Each row of the table of PAM names its recipe, and a test runs that: the one of
# Apache is in tests/e2e. The recipes of sasl_*.sh have a table of their own.
# shellcheck disable=SC2016
same "FRONT-DOORS.md has the doors of PAM whose recipes the tests run" "$(
	{
		for script in "$JP_SOURCE"/tests/doors/*.sh; do
			case $script in */sasl_*) ;; *) cat "$script" ;; esac
		done | sed -n 's/^door_recipe \([a-z-]*\).*/\1/p'
		[ ! -e "$JP_SOURCE/tests/e2e/apache.sh" ] || echo apache
	} | words
)" "$(sed -n '/^## Services that ask PAM/,/^## /p' "$JP_SOURCE/doc/FRONT-DOORS.md" |
	sed -n 's/^|.*| `\([a-z-]*\)` |$/\1/p' | words)"

# --- The tree -------------------------------------------------------------------

# table HEAD FILE: the directories in the first column of the table whose first
# line begins with "| directory" and HEAD.
table() {
	awk -v head="| directory$1 |" '
		index($0, head) == 1 { inside = 1; next }
		inside && !/^\|/ { exit }
		inside { split($0, cells, "|"); print cells[2] }' \
		"$JP_SOURCE/$2" | sed -n 's,^ .\(.*\)/. $,\1,p' | words
}

# A ring is a directory whose Makefile.inc adds tests.
same "CONTRIBUTING.md has the rings of tests" "$(
	grep -l -E '^(TESTS|[a-z_]+_TESTS) ' "$JP_SOURCE"/tests/*/Makefile.inc |
		sed 's,/Makefile.inc$,,; s,.*/,,' | words
)" "$(table ' of tests' CONTRIBUTING.md)"

# directories: those at the top, from git if this is a checkout. A release has m4
# without a Makefile.inc, and no .ci.
directories() {
	{
		if [ -e "$JP_SOURCE/.git" ]; then
			git -C "$JP_SOURCE" ls-files | sed -n 's,/.*,,p'
		fi
		for directory in "$JP_SOURCE"/*/Makefile.inc; do
			basename "${directory%/*}"
		done
		echo m4
		echo .ci
	} 2>/dev/null | words
}
same "CONTRIBUTING.md has the directories of the source" "$(directories)" \
	"$(table '' CONTRIBUTING.md)"

same "CONTRIBUTING.md has those of common/" "$(
	for directory in "$JP_SOURCE"/common/*/; do
		basename "$directory"
	done | words
)" "$(sed -n 's/^. .common\/. . .*lowest first: \(.*\) .$/\1/p' \
	"$JP_SOURCE/CONTRIBUTING.md" | grep -o '[a-z]*' | words)"

# doors FILE: what stands in the first column of the tables that begin with
# "| door" or "| server".
doors() {
	awk '/^\| (door|server) \|/ { inside = 1; next }
		!/^\|/ { inside = 0 }
		inside && !/^\|--/ { split($0, cells, "|"); print cells[2] }' \
		"$JP_SOURCE/doc/$1"
}
is "TROUBLESHOOTING.md knows a symptom of each door of FRONT-DOORS.md" "$(
	doors FRONT-DOORS.md | sed 's/^ *//; s/,.*//; s/ *$//; s/ [0-9].*//; s/.s VNC$//' |
		while read -r door; do
			doors TROUBLESHOOTING.md | grep -q -w -F -e "$door" ||
				echo "$door"
		done
)" ''

# --- The version ----------------------------------------------------------------

version=$(sed -n 's/^AC_INIT(\[jira-pat\], \[\([^]]*\)\].*/\1/p' \
	"$JP_SOURCE/configure.ac")
same "the first entry of NEWS is this version" "$version" \
	"$(grep -m 1 -x -E '[0-9]+\.[0-9]+\.[0-9]+' "$JP_SOURCE/NEWS")"
same "so is the first one of debian/changelog" "$version" \
	"$(sed -n '1s/^jira-pat (\(.*\)).*/\1/p' "$JP_SOURCE/debian/changelog")"

done_testing
