#!/bin/sh
# The command line of pat-admin: help, wrong use, wrong configuration; and the
# bash completion, which offers what the help names.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/cli/lib.sh
. "$JP_SOURCE/tests/cli/lib.sh"

cli_make 'name_required = no'
run init

# help_options: the options in $out, sorted, on one line.
help_options() {
	printf '%s\n' "$out" | sed -n 's/^  \(--[a-z-]*\).*/\1/p' | sort |
		tr '\n' ' '
}

# completion FUNCTION [ARGUMENT]: what it prints, in the same form.
completion() {
	bash -c '. "$0"; program=("$1"); shift; "$@"' \
		"$JP_SOURCE/tools/pat-admin.bash-completion" "$PAT_ADMIN" \
		"$@" | tr ' ' '\n' | sort | tr '\n' ' '
}

# --- Help ---------------------------------------------------------------------

exits "--help" 0 --help
is "--help goes to standard output" "$err" ""
commands=$(printf '%s\n' "$out" |
	sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p' | sort | tr '\n' ' ')
is "--help has every command that there is, under its own name" "$commands" "$(
	sed -n 's/^const struct command cmd_\([a-z_]*\) = {$/\1/p' \
		"$JP_SOURCE"/tools/commands/*.c | tr _ - | sort | tr '\n' ' '
)"
is "completion and --help: the same commands" \
	"$(completion _pat_admin_commands)" "$commands"
is "completion and --help: the same options" \
	"$(completion _pat_admin_options '')" "$(help_options)"
for command in $commands; do
	exits "$command --help" 0 "$command" --help
	is "completion and $command --help: the same options" \
		"$(completion _pat_admin_options "$command")" \
		"$(help_options)"
	like "$command --help has a synopsis" "$out" \
		"Usage: pat-admin $command *"
done
is "completion completes a command" "$(bash -c '. "$0"
COMP_WORDS=("$1" cre) COMP_CWORD=1
_pat_admin
echo "${COMPREPLY[*]}"' "$JP_SOURCE/tools/pat-admin.bash-completion" "$PAT_ADMIN")" create

# completes WANTED WORD...: the offers for the last word, in a real bash; in it
# `=` stands apart, as readline has it.
completes() {
	completes_wanted=$1
	shift
	is "completion of: $*" "$(bash -c 'shopt -u sourcepath
. "$0"
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_pat_admin
printf "%s\n" "${COMPREPLY[@]}" | sort | tr "\n" " "' \
		"$JP_SOURCE/tools/pat-admin.bash-completion" \
		"$PAT_ADMIN" "$@" | sed 's/ $//')" "$completes_wanted"
}
mkdir "$SCRATCH/files"
touch "$SCRATCH/files/one file"
for user in ann anton 'an n' "an\$(touch $SCRATCH/files/expanded)"; do
	"$PAT_ADMIN" --config "$CONF" create "$user" >/dev/null 2>>"$ERRORS"
done
run user disable andrea
run list --json
ann=$(json 'next(r["id"] for r in d if r["user"] == "ann")')
dead=$(json 'next(r["id"] for r in d if r["user"] == "anton")')
run revoke "$dead"
for words in "list" "create" "test" "user enable" "revoke --user" \
	"revoke --user =" "audit --user" "sync-users --keep"; do
	# shellcheck disable=SC2086
	completes "ann" --config "$CONF" $words ann
	# shellcheck disable=SC2086
	completes "andrea" --config = "$CONF" $words and
done
completes "an\\ n an\\\$\\(touch\\ $SCRATCH/files/expanded\\) andrea ann" \
	--config "$CONF" list an
ok "nothing in a name is run" test ! -e "$SCRATCH/files/expanded"
completes "$ann" --config "$CONF" revoke "$ann"
completes "$ann" --config "$CONF" rotate "$ann"
completes "$ann" --config "$CONF" disable "$ann"
completes "$dead" --config "$CONF" create ann --parent "$dead"
run user groups andrea ops 'build team' dev
completes "build\\ team" --config "$CONF" create ann --owner-group b
completes "build\\ team dev ops" --config "$CONF" list --owner ""
completes "7d" --config "$CONF" create ann --link-lifetime 7
completes "" --config "$CONF" revoke "$dead"
completes "$dead" --config "$CONF" show "$dead"
completes "$dead" --config "$CONF" audit --id "$dead"
completes "narrow" --config "$CONF" create ann --service narr
completes "write" --config "$CONF" create ann --scope ""
completes "apply check" policy ""
completes "apache nginx" guard ""
completes "init join leave status" cluster ""
completes "" cluster join ""
cat >"$SCRATCH/in-a-cluster" <<'END'
#!/bin/sh
echo '{"node":"proxy1","nodes":[{"node":"proxy1"},{"node":"proxy2"}]}'
END
chmod 755 "$SCRATCH/in-a-cluster"
alone=$PAT_ADMIN
PAT_ADMIN=$SCRATCH/in-a-cluster
completes "proxy1 proxy2" cluster leave p
PAT_ADMIN=$alone
completes "--json" list --js
completes "deny" audit --event den
completes "deny" audit --event = den
completes "comma" sync-users --separator com
completes "$SCRATCH/files/one file" identify "$SCRATCH/files/o"
completes "$SCRATCH/files" backup "$SCRATCH/file"
completes "" create ann --name ""
completes "list" help lis
for word in ann anton 'an n' "an\$(touch $SCRATCH/files/expanded)"; do
	run revoke --user "$word"
done
run purge --dead-for 0
run --help
whole=$out
for words in "-h" "help" "help --help" "--help list" "-h show"; do
	# shellcheck disable=SC2086
	exits "$words" 0 $words
done
run help
is "help is --help" "$out" "$whole"
run list --help
whole=$out
for words in "help list" "--help list" "list -h" "list --all -h"; do
	# shellcheck disable=SC2086
	run $words
	is "$words is list --help" "$status:$out" "0:$whole"
done
exits "--version" 0 --version
like "--version names the program" "$out" "pat-admin [0-9]*"

# --- Wrong use ----------------------------------------------------------------

"$PAT_ADMIN" >"$SCRATCH/out" 2>"$SCRATCH/err"
is "no command: exit status 2" "$?:$(cat "$SCRATCH/out")" "2:"
like "no command: the usage on standard error" "$(cat "$SCRATCH/err")" \
	"Usage:*"

# wrong PATTERN ARGUMENT...: status 2, nothing on standard output.
wrong() {
	wrong_pattern=$1
	shift
	run "$@"
	is "pat-admin $*: exit status 2" "$status:$out" "2:"
	like "pat-admin $*: tells what and what to do" "$err" "$wrong_pattern"
}

wrong '*unknown command: creat*--help*' creat bob
wrong '*unknown option: --foo*--help*' --foo
wrong '*needs a value*' --config
wrong '*create: unknown option: --foo*--help*' create bob --foo
wrong '*create: needs a value: --name*' create bob --name
wrong '*create: takes no value: --bearer*' create bob --bearer=yes
wrong '*create: takes no value: --json*' create bob --json=x
wrong '*list: takes no value: --help*' list --help=x
wrong '*init: unknown option: --json*' init --json=x
wrong '*create: an argument is missing*' create
wrong '*create: too many arguments*' create bob eve
wrong '*init: unknown option: --json*' init --json
wrong '*show: an argument is missing*' show
wrong '*disable: no token is named*' disable
wrong '*enable: ID 1: neither*' enable xyz
for uses in 0 -1 +1 ' 1' 1x 4294967296 18446744073709551617 one ''; do
	wrong '*--uses: expected a number from 1 to 4294967295*' create bob \
		--uses "$uses"
done
wrong '*--owner-group: a group?s name is empty*' create bob --owner-group ''
wrong '*--owner-group: *blanks*' create bob --owner-group 'ops '
wrong '*--parent: neither*' create --parent bob
wrong '*--link-lifetime needs --link*' create bob --link-lifetime 7d
wrong '*--link-lifetime: expected a duration*' create bob --link \
	--link-lifetime never
wrong '*--bearer*omit one*' create bob --link --bearer
wrong '*a group?s name is empty*' list --owner ''
wrong '*--parent: neither*' list --parent bob
wrong '*--summary changes nothing*' policy apply --summary
wrong '*show: ID: neither*' show xyz
wrong '*list: --expiring*' list --expiring soon
wrong '*revoke: nothing to revoke*' revoke
wrong '*revoke: ID 2: neither*' revoke AAAAAAAA b
wrong '*test: an argument is missing*' test
wrong '*test: --from*' test bob --from localhost
wrong '*identify: --live*--json*' identify --live --json
wrong '*unknown command: lst*' help lst

# meant WORD NAME [COMMAND]: what is suggested for a mistyped word.
meant() {
	# shellcheck disable=SC2086
	run ${3-} "$1"
	# shellcheck disable=SC2016
	is "pat-admin ${3-} $1: did you mean ${2:-nothing}" "$(
		printf '%s\n' "$err" | sed -n 's/^did you mean `\(.*\)`?$/\1/p'
	)" "$2"
}
meant lsit list
meant list-users ''
meant creat create
meant crate create
meant rev revoke
meant syncusers sync-users
meant sync sync-users
meant zzz ''
meant x ''
meant --confg --config
meant --hlep --help
meant --expring --expiring list
meant --usr=x --user revoke
meant --jsno --json show
meant --expire --expires create
exits "a file of ids that is not there: exit status 3" 3 \
	revoke --from-file "$SCRATCH/nothing"

# --- Tokens in the wrong place ------------------------------------------------

token=$("$PAT_ADMIN" --config "$CONF" create bob 2>>"$ERRORS")
secret=${token#jpat_????????_}
run "$token"
run show "${token}x"
run test bob "$token"
run create bob --foo="$token"
run revoke "${token%?}"
is "a token in the wrong place is not shown again" \
	"$(grep -cF "$(printf '%.20s' "$secret")" "$ERRORS")" 0
exits "a --config behind the command holds" 3 list \
	--config "$SCRATCH/nothing.conf"
exits "--option=value is read like --option value" 0 create bob --name=x=y \
	--json
is "up to the first =" "$(json 'd["name"]')" "x=y"
exits "behind -- all are words" 0 list --json -- -nobody
is "also those that look like options" "$out" "[]"

# --- Output --------------------------------------------------------------------

# piped ARGUMENT...: exit status and errors where the reader has left.
piped() {
	{
		python3 -c 'import os, subprocess, sys
left, right = os.pipe()
os.close(left)
done = subprocess.run(sys.argv[1:], stdout=right, stderr=subprocess.PIPE)
print(done.returncode, done.stderr.decode().replace("\n", "|"), sep=":")' \
			"$PAT_ADMIN" --config "$CONF" "$@"
	} </dev/null
}
for words in "list" "list --json" "--help" "show --help" "--version"; do
	# shellcheck disable=SC2086
	is "$words into a pipe that nobody reads says nothing" \
		"$(piped $words)" "0:"
done
run list --json
before=$(json 'len(d)')
like "a token that nobody reads is an error" "$(piped create bob)" \
	"3:*cannot*|*"
run list --json
is "and none is left alive" "$(json 'len(d)')" "$before"
for words in "list nobody-is-this" "policy check" "purge" "expiring"; do
	# shellcheck disable=SC2086
	run $words --json
	is "$words --json of nothing is an empty array" "$status:$out" "0:[]"
done

# begins: at which columns of a terminal the words RIGHTS and `any` begin.
begins() {
	printf '%s\n' "$out" | python3 -c 'import re, sys, unicodedata
def wide(text):
    return sum(0 if unicodedata.combining(c) else
        2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
print(*sorted({wide(line[:re.search("RIGHTS|any$", line).start()])
    for line in sys.stdin.read().splitlines()}))'
}
for name in plain 日本語 한국어 'e\314\201te\314\201' 🎉🎉; do
	# shellcheck disable=SC2059
	run create "$(printf "$name")" --name "$(printf "$name")"
done
for locale in C C.UTF-8; do
	LC_ALL=$locale
	export LC_ALL
	run list
	like "$locale: columns stand below each other, whatever a user is called" \
		"$(PYTHONUTF8=1 begins | wc -w):$(printf '%s\n' "$out" | wc -l)" "1:8"
done
unset LC_ALL

# --- Wrong configuration ------------------------------------------------------

printf '[tokens]\nmax_lifetimes = 3d\n' >"$SCRATCH/wrong.conf"
for command in "list" "show AAAAAAAA" "create bob" "revoke AAAAAAAA" "init"; do
	# shellcheck disable=SC2086
	run $command --config "$SCRATCH/wrong.conf"
	is "$command with an unknown key: exit status 3" "$status" 3
	like "$command with an unknown key: names file and line" "$err" \
		"*$SCRATCH/wrong.conf:2:*max_lifetimes*"
done
exits "check with an unknown key: exit status 1" 1 check --config \
	"$SCRATCH/wrong.conf" --json
is_json "check --json with an unknown key prints JSON"
is "check with an unknown key: that row is bad" \
	"$(json 'd[0]["level"], ".conf:2:" in d[0]["text"], len(d)')" \
	"('bad', True, 1)"
done_testing
