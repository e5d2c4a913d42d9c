#!/bin/sh
# pat-admin cluster without a database: its words and options.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/cli/lib.sh
. "$JP_SOURCE/tests/cli/lib.sh"

cli_make 'name_required = no'

# refuses SENTENCE PATTERN ARGUMENT...: as a wrong command line.
refuses() {
	refuses_what=$1
	refuses_pattern=$2
	shift 2
	run cluster "$@"
	is "$refuses_what is a wrong command line" "$status:$out" "2:"
	like "$refuses_what: it says what is right" "$err" "$refuses_pattern"
}

refuses "no action" "*init|join|leave|status*"
refuses "an unknown action" "*expected init, join, leave or status*" start
refuses "a node to join" "*only \`cluster leave\` takes*" join proxy2
refuses "two nodes" "*too many arguments*" leave proxy2 proxy3
refuses "init --pepper" "*--pepper is for \`cluster join\`*" init --pepper x
refuses "leave --import" "*--import is for \`cluster join\`*" leave --import
refuses "join --without-database" "*is for \`cluster leave\`*" \
	join --without-database
refuses "join --prometheus" "*is for \`cluster status\`*" join --prometheus
refuses "another node without the database" "*takes no node*" \
	leave proxy2 --without-database

done_testing
