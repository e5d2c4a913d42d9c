#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# What the documents show of a terminal is what happens there: the README, its
# picture, and pat-httpd(8).

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/document.sh
. "$JP_SOURCE/tests/lib/document.sh"
# shellcheck source=tests/lib/world.sh
. "$JP_SOURCE/tests/lib/world.sh"
# shellcheck source=tests/lib/story.sh
. "$JP_SOURCE/tests/lib/story.sh"

missing=$(story_missing)
[ -z "$missing" ] || skip_all "missing here: $(echo "$missing" | tr '\n' ' ')"
scratch
story_make || bail "the world does not start: $(tail -n 3 "$SCRATCH"/log/*)"

# plays NAME: the transcript in that file goes as it says.
plays() {
	ok "$1 has a transcript" grep -q '^# pat-admin create' "$SCRATCH/$1"
	story_play <"$SCRATCH/$1" >"$SCRATCH/$1.played"
	is "what $1 shows is what happens" "$(python3 \
		"$JP_SOURCE/tests/lib/terminal.py" lacks "$SCRATCH/$1" \
		<"$SCRATCH/$1.played")" ''
	[ $tap_failed -eq 0 ] || note "$(cat "$SCRATCH/$1.played")"
}

# shellcheck disable=SC2016
sed -n '/^```console$/,/^```$/{/^```/d;p}' "$JP_SOURCE/README.md" \
	>"$SCRATCH/README"
plays README

is "its token was revoked" "$(pat_admin list --json)" "[]"
python3 "$JP_SOURCE/tests/lib/terminal.py" text \
	<"$JP_SOURCE/doc/terminal.svg" >"$SCRATCH/picture"
plays picture

# What pat-httpd(8) has its readers ask.
{
	sed -n 1,2p "$SCRATCH/README"
	python3 "$JP_SOURCE/tests/lib/man_examples.py" commands \
		"$JP_SOURCE/doc/pat-httpd.8" EXAMPLES |
		sed -n "s|/run/jira-pat/|$WORLD/run/|; s/^curl/# &/p"
	echo "HTTP/1.1 200 OK"
	echo "X-Forwarded-User: jane.doe"
} >"$SCRATCH/pat-httpd"
plays pat-httpd

# One thing that does not happen, in each kind of line.
printf '%s\n' '# pat-admin create bob --name x' "$(sed -n 2p "$SCRATCH/README")" \
	"# pat-admin revoke D4oBwk0S" "revoked D4oBwk0S bob y" >"$SCRATCH/wrong"
story_play <"$SCRATCH/wrong" >"$SCRATCH/wrong.played"
is "a line that does not come is seen" "$(python3 \
	"$JP_SOURCE/tests/lib/terminal.py" lacks "$SCRATCH/wrong" \
	<"$SCRATCH/wrong.played")" "revoked D4oBwk0S bob y"

# --- TROUBLESHOOTING.md -----------------------------------------------------------

GUIDE=$JP_SOURCE/doc/TROUBLESHOOTING.md
pat_admin create jane.doe --name x --service jira 2>/dev/null >"$STORY/token.txt"
printf '#!/bin/sh\ncase "$*" in "-u patd -u pat-httpd --since -1h") ;; *) exit 1 ;; esac\n' \
	>"$STORY/bin/journalctl"
chmod 755 "$STORY/bin/journalctl"
block "$GUIDE" "Where to look" sh >"$SCRATCH/commands"
while IFS= read -r command; do
	echo "$command" >"$SCRATCH/command"
	story_run "$SCRATCH/command"
	case $command in
	# Of this machine it may find something.
	*' check') [ "$status" -gt 1 ] || status=0 ;;
	*' audit '*) denied=$out ;;
	*) ;;
	esac
	is "it runs: $command" "$status" 0
done <"$SCRATCH/commands"
like "the audit trail has what was denied" "$denied" "*revoked*"

# Denials by each kind of door, and a service that has no section.
for request in "jira jpat_AAAAAAAA_$(printf '%036d' 0)" "wiki $(
	cat "$STORY/token.txt")" "jira $(cat "$STORY/token.txt")x"; do
	printf 'user = "jane.doe:%s"\n' "${request#* }" | curl -s -K - -o /dev/null \
		--unix-socket "$WORLD/run/http.sock" \
		"http://localhost/auth/${request% *}"
done
kill -HUP "$(pid_of patd)" "$(pid_of httpd)"
wait_for 60 grep -q reloaded "$SCRATCH/log/patd.log"
wait_for 60 grep -q reloaded "$SCRATCH/log/httpd.log"
stop httpd
stop patd
for log in patd httpd; do
	ok "$log has logged something" test -s "$SCRATCH/log/$log.log"
	is "each line that $log logged has a row in TROUBLESHOOTING.md" \
		"$(python3 "$JP_SOURCE/tests/lint/log_rows.py" unknown \
			<"$SCRATCH/log/$log.log")" ''
done
done_testing
