#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# Stores and backups of every format there was open in this build, and say what
# they said. store-H-R.tar.xz: what a build left with version H of a store and
# version R of records, made by tests/compat/make.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/cli/lib.sh
. "$JP_SOURCE/tests/cli/lib.sh"

command -v xz >/dev/null || skip_all "xz is missing"
cli_make 'max_per_user = 0' 'max_lifetime = never' 'name_required = no'
TAB=$(printf '\t')

# now: what is said of each question, in the form of the file of questions.
now() {
	while IFS=$TAB read -r now_token _ now_words; do
		# shellcheck disable=SC2086
		run_with "$now_token" test $now_words
		printf '%s\t%s\t%s\n' "$now_token" "$out" "$now_words"
	done <"$was/questions"
}

# accepted: the first token that is, its user, and nothing else to it.
accepted() {
	sed -n "s/^\\([^$TAB]*\\)${TAB}accepted$TAB\\([a-z]*\\)\$/\\1 \\2/p" \
		"$was/questions" | head -n 1
}

# changes FORMAT: what was live can be revoked, and a new token can be made.
changes() {
	# shellcheck disable=SC2046
	set -- "$1" $(accepted)
	exits "[$1] a token of it is revoked" 0 revoke "$(id_of "$2")"
	run_with "$2" test "$3"
	is "[$1] and denied from then on" "$out" "denied: revoked"
	run create "$3" --expires never
	run_with "$(printf '%s\n' "$out" | head -n 1)" test "$3"
	is "[$1] a token that is made in it is accepted" "$out" accepted
}

for fixture in "$JP_SOURCE"/tests/compat/store-*.tar.xz; do
	format=$(basename "$fixture" .tar.xz)
	was=$SCRATCH/$format
	mkdir "$was"
	tar -C "$was" --no-same-owner -xJf "$fixture" ||
		bail "$fixture is damaged"
	asked=$(cat "$was/questions")

	rm -rf "$HOME_DIR" && mkdir "$HOME_DIR" "$HOME_DIR/run" &&
		cp -a "$was/store" "$was/key" "$HOME_DIR/"
	is "[$format] the store says what it said" "$(now)" "$asked"
	run check --json
	is "[$format] and is whole" "$(json \
		'"\n".join(f["text"] for f in d if f["level"] == "bad")' 2>&1)" ""
	cli_patd
	is "[$format] patd says the same of it" "$(now)" "$asked"
	changes "$format"
	stop patd

	rm -rf "$HOME_DIR" && mkdir "$HOME_DIR"
	exits "[$format] its backup is restored" 0 restore "$was/backup"
	is "[$format] the backup says what the store said" "$(now)" "$asked"
	changes "$format, restored"
done
done_testing
