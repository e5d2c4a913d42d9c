#!/bin/sh
# What a token is made with: names that nobody can type are refused; rights that
# open nothing are warned of, by every way to make a record.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/cli/lib.sh
. "$JP_SOURCE/tests/cli/lib.sh"

cli_make 'max_per_user = 0' 'name_required = no'
run init

# each_way SENTENCE USER OPTION VALUE CHECK: makes a record in each way and runs
# CHECK on it. OPTION and VALUE may be empty.
each_way() {
	each_what=$1
	if [ -n "$3" ]; then
		run create "$2" "--$3" "$4"
	else
		run create "$2"
	fi
	"$5" "create: $each_what" ''
	if [ -n "$3" ]; then
		run create --json "$2" "--$3" "$4"
	else
		run create --json "$2"
	fi
	"$5" "create --json: $each_what" ''
	printf 'user,%s\n"%s","%s"\n' "${3:-name}" "$2" "$4" >"$SCRATCH/batch"
	rm -f "$SCRATCH/tokens"
	run create --batch "$SCRATCH/batch" --output "$SCRATCH/tokens"
	"$5" "create --batch: $each_what" "$SCRATCH/batch:2: "
	imported "$2" "$3" "$4" >"$SCRATCH/import"
	run import "$SCRATCH/import" --dry-run
	"$5" "import: $each_what" "$SCRATCH/import:1: "
}

# imported USER OPTION VALUE: a line for `import`.
imported() {
	python3 -c '
import json, sys
line, user, option, value = sys.argv[1:]
record = json.loads(line)
record["id"] = "Abcd1234"
del record["family"]
record["user"] = user
if option:
    record[option + "s"] = [value]
print(json.dumps(record))' "$model" "$1" "$2" "$3"
}

run create model
run export
model=$(printf '%s\n' "$out" | grep model)

refused() {
	is "$1: refused" "$status" 2
	like "$1: and it says why" "$err" "*$2*$wanted*"
}

warned() {
	is "$1: made" "$status" 0
	like "$1: with a warning" "$err" "*warning: $2$wanted*"
}

silent() {
	is "$1: made" "$status" 0
	case $err in
	*warning*) fail "$1: without a warning" "$err" ;;
	*) pass "$1: without a warning" ;;
	esac
}

wanted='blanks at its ends'
each_way "a blank behind the name" 'anna ' '' '' refused
each_way "a blank in front of it" ' anna' '' '' refused
each_way "a no-break space" "$(printf 'anna\302\240')" '' '' refused
each_way "a byte order mark" "$(printf '\357\273\277anna')" '' '' refused
each_way "a zero width space" "$(printf 'anna\342\200\213')" '' '' refused
wanted='control character'
each_way "a tab" "$(printf 'an\tna')" '' '' refused
run create alice
token=$(printf '%s\n' "$out" | head -n 1)
wanted='text of a token'
each_way "a token" "$token" '' '' refused
each_way "a name and a token" "alice $token" '' '' refused
like "no output has the token" "$(grep -c -F "$token" "$ERRORS")" 0

wanted='scope wirte: no \[service\] section names it*'
each_way "a scope that no section names" anna scope wirte warned
wanted='service nowhere-such: no \[service\] section and no file*'
each_way "a service that nobody has" anna service nowhere-such warned
wanted='service Narrow: PAM has the names*lower case*'
each_way "a service in upper case" anna service Narrow warned
wanted='service /etc/pam.d/login: no service has such a name*'
each_way "a path" anna service /etc/pam.d/login warned
each_way "a scope that a section names" anna scope write silent
sed -i 's/^scope = write$/&\nread_scope = read/' "$CONF"
each_way "a scope that a section names for reading" anna scope read silent
each_way "the scope of self-service" anna scope tokens silent
each_way "a service that has a section" anna service narrow silent
each_way "a glob that fits a section" anna service 'nar*' silent
[ ! -e /etc/pam.d/login ] ||
	each_way "a service of the system" anna service login silent

printf 'user,scope,service\na,wirte,narrow\nb,wirte,nowhere\nc,wirte,nowhere\n' \
	>"$SCRATCH/rows"
run create --batch "$SCRATCH/rows" --output "$SCRATCH/many"
is "many rows: the first of them is warned of" \
	"$(printf '%s\n' "$err" | grep warning | cut -d : -f 1-4)" \
	"warning: $SCRATCH/rows:2: scope wirte
warning: $SCRATCH/rows:3: service nowhere"

run create bob --scope wirte
run rotate "$(id_of "$(printf '%s\n' "$out" | head -n 1)")"
wanted='scope wirte: '
warned "rotate" ''
done_testing
