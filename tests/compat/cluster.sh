#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# A host of a cluster without its patd, from a store that an earlier build left:
# it accepts nothing and writes nothing, and all that only reads goes on. Out of
# the cluster it is what it was. cluster-H-R.tar.xz: a fixture of
# tests/compat/make whose store place_store has put into a cluster.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/cli/lib.sh
. "$JP_SOURCE/tests/cli/lib.sh"

command -v xz >/dev/null || skip_all "xz is missing"
cli_make 'max_per_user = 0' 'max_lifetime = never' 'name_required = no'
TAB=$(printf '\t')
OWN="is one of a cluster, and only patd changes it: start patd"

# now: what is said of each question of the fixture, in its form.
now() {
	while IFS=$TAB read -r now_token _ now_words; do
		# shellcheck disable=SC2086
		run_with "$now_token" test $now_words
		printf '%s\t%s\t%s\n' "$now_token" "$out" "$now_words"
	done <"$was/questions"
}

# answers: the answers alone, each once.
answers() {
	now | cut -f2 | sort -u
}

# refused SENTENCE ARGUMENT...
refused() {
	refused_name=$1
	shift
	run "$@"
	like "$refused_name is refused, with the way out" \
		"$status $err" "[1-9]* $OWN*"
}

for fixture in "$JP_SOURCE"/tests/compat/cluster-*.tar.xz; do
	format=$(basename "$fixture" .tar.xz)
	was=$SCRATCH/$format
	mkdir "$was"
	tar -C "$was" --no-same-owner -xJf "$fixture" ||
		bail "$fixture is damaged"
	asked=$(cat "$was/questions")
	first=$(head -n 1 "$was/questions" | cut -f1)
	rm -rf "$HOME_DIR" && mkdir "$HOME_DIR" "$HOME_DIR/run" &&
		cp -a "$was/store" "$was/key" "$HOME_DIR/"

	is "[$format] no token is accepted" \
		"$(answers | grep -c accepted)" 0
	like "[$format] but unavailable" "$(answers)" "*unavailable: lease*"
	like "[$format] what is known as revoked stays so" \
		"$(answers)" "*denied: revoked*"
	exits "[$format] its tokens are listed" 0 list --all
	listed=$out
	exits "[$format] one is shown" 0 show "$(id_of "$first")"
	exits "[$format] all are exported" 0 export
	exits "[$format] it is backed up" 0 backup "$SCRATCH/$format.backup"
	run check
	like "[$format] it is checked" "$out" "*[0-9] records, *"

	refused "[$format] a new token" create nobody --expires never
	refused "[$format] a revocation" revoke "$(id_of "$first")"
	refused "[$format] a disabled user" user disable nobody
	run list --all
	is "[$format] and nothing has changed" "$out" "$listed"

	rm -rf "$HOME_DIR" && mkdir "$HOME_DIR" "$HOME_DIR/run"
	exits "[$format] the backup is restored" 0 restore "$SCRATCH/$format.backup"
	run list --all
	is "[$format] with all of it" "$out" "$listed"
	refused "[$format, restored] a new token" create nobody --expires never

	exits "[$format] it leaves the cluster" 0 \
		cluster leave --without-database
	is "[$format] and says what it said before" "$(now)" "$asked"
	exits "[$format] a token is made" 0 create nobody --expires never
done
done_testing
