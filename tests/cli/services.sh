#!/bin/sh
# pat-admin test: at which services a token is accepted, and the very bytes.
# On the store itself and through patd.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/cli/lib.sh
. "$JP_SOURCE/tests/cli/lib.sh"

# new USER [ARGUMENT...]: makes a token, sets $token.
new() {
	run create "$@"
	token=$(printf '%s\n' "$out" | head -n 1)
}

# says SENTENCE ANSWER [ARGUMENT...]: test says "STATUS:TEXT" of $token.
says() {
	says_what=$1
	says_wanted=$2
	shift 2
	run_with "$token" test alice "$@"
	is "$W $says_what" "$status:$out" "$says_wanted"
}

# exact SENTENCE ANSWER FORMAT: of the bytes that printf makes of FORMAT, in
# which %s is $token.
exact() {
	# shellcheck disable=SC2059
	printf "$3" "$token" | "$PAT_ADMIN" --config "$CONF" test alice \
		--exact >"$SCRATCH/out" 2>"$SCRATCH/err"
	is "$W --exact: $1" "$?:$(cat "$SCRATCH/out" "$SCRATCH/err")" "$2"
}

check_places() {
	run user groups alice admins
	new alice
	says "no limits: accepted everywhere" "0:accepted"
	says "an unknown service is asked for by its name" "0:accepted" \
		--service sshd
	new alice --scope read
	says "a scope opens the services that name it" \
		"0:accepted at jira-read; refused at jira-write, admin, wiki-*, other services: scope"
	says "with --service the answer is one for it" "1:denied: scope" \
		--service jira-write
	run_with "$token" test alice --json
	is "$W --json has them all" "$status:$(json '(d["verdict"], [
(s["service"], s["verdict"], s["reason"]) for s in d["services"]][::4])')" \
		"0:('accepted', [('jira-read', 'accepted', 'accepted'), (None, 'denied', 'scope')])"
	new alice --scope none
	says "a scope that nobody names" "1:denied: scope"
	new alice --scope ops
	says "a group that the user is in" \
		"0:refused at jira-read, jira-write, wiki-*, other services: scope; accepted at admin"
	run user groups alice others
	says "a group is asked for" \
		"1:refused at jira-read, jira-write, wiki-*, other services: scope; refused at admin: group"
	run user groups alice admins
	new alice --service jira-write --service 'wiki-de'
	says "services that a token names" \
		"0:refused at jira-read, admin, other services: service; accepted at jira-write, wiki-de"
	new alice --service 'b*'
	says "a pattern that no section has" \
		"0:refused at jira-read, jira-write, admin, wiki-*, other services: service; accepted at b*"
	new alice --from 192.0.2.1
	says "what hangs on no service is said once" "1:denied: address"
	says "and with --from the rest" "0:accepted" --from 192.0.2.1
	run_with "$token" test bob
	is "$W another user" "$status:$out" "1:denied: wrong-user"
}

check_bytes() {
	new alice
	exact "the token alone" "0:accepted" '%s'
	for end in '\n' '\r\n' '\r' ' ' '\t' '\n\n' '\v' '\000' '\302\240'; do
		exact "$end behind it" "1:denied: shape" "%s$end"
	done
	exact "a byte order mark before it" "1:denied: shape" '\357\273\277%s'
	exact "nothing" "1:denied: shape" '%.0s'
	exact "more than any front door passes" "1:denied: shape" '%600s'
	run_with "$token" test alice
	like "$W without --exact a line end is left out, and that is said" \
		"$status:$out:$err" "0:accepted:*line end*--exact*"
	for end in '\r' '\n' ''; do
		# shellcheck disable=SC2059
		printf "%s$end" "$token" | "$PAT_ADMIN" --config "$CONF" test \
			alice >"$SCRATCH/out" 2>"$SCRATCH/err"
		printf '%s' "$?:$(cat "$SCRATCH/out"):$(wc -l <"$SCRATCH/err") "
	done >"$SCRATCH/ends"
	is "$W one line end at most: CR alone is none" \
		"$(cat "$SCRATCH/ends")" \
		"1:denied: shape:0 0:accepted:1 0:accepted:0 "
}

cli_make 'name_required = no' 'max_per_user = 0'
cat >>"$CONF" <<'EOT'
[service jira-read]
scope = read
[service jira-write]
scope = write
[service admin]
scope = ops
groups = admins
[service wiki-*]
EOT
sed -i '/service narrow/,+1d' "$CONF"
run init
for W in store: patd:; do
	[ "$W" = store: ] || cli_patd ||
		bail "patd does not start: $(cat "$SCRATCH/log/patd.log")"
	check_places
	check_bytes
done
stop patd

# One service for reading and writing.
printf '[service rest]\nscope = write\nread_scope = read\n' >>"$CONF"
for W in store: patd:; do
	[ "$W" = store: ] || cli_patd ||
		bail "patd does not start: $(cat "$SCRATCH/log/patd.log")"
	new alice --scope read
	says "a token that may only read does not write" \
		"1:denied: scope" --service rest
	says "--read: but it reads" "0:accepted" --service rest --read
	says "--read: at all services" \
		"0:accepted at jira-read, rest; refused at jira-write, admin, wiki-*, other services: scope" \
		--read
	new alice --scope write
	says "a token that may write writes" "0:accepted" --service rest
	says "--read: and reads" "0:accepted" --service rest --read
	new alice --scope other
	says "--read: one with another scope does neither" \
		"1:denied: scope" --service rest --read
done
stop patd
sed -i '/service rest/,+2d' "$CONF"

# A section for everything leaves no others.
printf '[service *]\nscope = read\n' >>"$CONF"
W=store:
new alice --scope read
says "a section for all other services" \
	"0:accepted at jira-read, *; refused at jira-write, admin, wiki-*: scope"
done_testing
