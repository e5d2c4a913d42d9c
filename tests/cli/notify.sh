#!/bin/sh
# expiring and notify: who ends soon, and who is told of it, once.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/cli/lib.sh
. "$JP_SOURCE/tests/cli/lib.sh"

cli_make 'max_per_user = 0' 'notify_at = 30d, 7d, 1d'
TOLD=$SCRATCH/told
HOOK=$SCRATCH/hook
MARKS=$HOME_DIR/store/notices
DAY=86400
now=$(date +%s)
cat >"$HOOK" <<EOT
#!/bin/sh
echo "\$JP_ID \$JP_USER \$JP_NAME \$JP_WITHIN" >>"$TOLD"
env >"$SCRATCH/env"
EOT
chmod 755 "$HOOK"
run init

# told: what the hook noted since it was asked last, in order.
told() {
	[ ! -f "$TOLD" ] || cut -d' ' -f1,5 "$TOLD" | tr '\n' ';'
	rm -f "$TOLD"
}

# marks SECONDS: as if notify had last run so long ago.
marks() {
	for days in 30 7 1; do
		echo "$((days * DAY)) $((now - $1 + days * DAY)) ~~~~~~~~"
	done >"$MARKS"
}

run notify
is "without a command it refuses" "$status" 3
like "and says what to set" "$err" "*notify_command*"
echo "notify_command = $HOOK" >"$SCRATCH/line"
sed -i "/^notify_at/r $SCRATCH/line" "$CONF"

# Tokens that end so many days from now, at noon of that day.
run create seed
run export
printf '%s' "$out" | python3 -c 'import datetime, json, sys
record = json.load(sys.stdin)
now = int(sys.argv[1])
for days, state in (("29", {}), ("06", {}), ("00", {}), ("60", {}),
                    ("05", {"revoked_at": "2026-01-01T00:00:00Z"}),
                    ("-1", {})):
    end = datetime.datetime.utcfromtimestamp(now + int(days) * 86400 + 43200)
    print(json.dumps(dict(record, id="Day000" + days.replace("-", "M"),
        user="user" + days, name="x y", family="",
        expires_at=end.strftime("%Y-%m-%dT%H:%M:%SZ"), **state)))' "$now" \
	>"$SCRATCH/lines"
sed -i 's/, "family": ""//' "$SCRATCH/lines"
run import "$SCRATCH/lines"
is "tokens for the test" "$status" 0
run revoke --user seed

# --- expiring -------------------------------------------------------------------

run expiring --json
is "expiring: within 30 days, the next one first" \
	"$(json '[t["id"] for t in d]')" "['Day00000', 'Day00006', 'Day00029']"
run expiring --within 7d --json
is "expiring --within" "$(json '[t["id"] for t in d]')" \
	"['Day00000', 'Day00006']"
run expiring
like "expiring is a table" "$out" "ID *USER *EXPIRES*Day00000*"

# --- notify ---------------------------------------------------------------------

for way in without with; do
	rm -f "$MARKS"
	[ "$way" = without ] || cli_patd
	exits "[$way patd] the first run" 0 notify
	is "[$way patd] tells of nothing that lies behind it" "$(told)" ""
	marks "$DAY"
	exits "[$way patd] a day later" 0 notify
	is "[$way patd] it tells of what crossed a threshold" \
		"$(told | tr ';' '\n' | sort | tr '\n' ' ')" \
		"Day00000 1d Day00006 7d Day00029 30d "
	exits "[$way patd] again" 0 notify
	is "[$way patd] it tells nobody twice" "$(told)" ""
	[ "$way" = without ] || stop patd
done
is "the command has the facts and a path, nothing else" \
	"$(grep -v '^_=\|^PWD=\|^SHLVL=' "$SCRATCH/env" | cut -d= -f1 | sort |
		tr '\n' ' ')" \
	"JP_EXPIRES_AT JP_ID JP_NAME JP_USER JP_WITHIN PATH "
cli_patd
marks "$DAY"
run notify --dry-run --json
is "--dry-run tells which" "$(printf '%s\n' "$out" | python3 -c 'import json, sys
print(sorted((json.loads(line)["id"], json.loads(line)["told"]) for line in sys.stdin))')" \
	"[('Day00000', False), ('Day00006', False), ('Day00029', False)]"
is "and runs nothing" "$(told)" ""
exits "so the next run" 0 notify
is "tells of them" "$(told | tr ';' '\n' | wc -l)" 3

# As if it had been killed behind the first of two.
marks $((2 * DAY))
echo "$((7 * DAY)) $((now + 6 * DAY + 43200)) Day00006" >>"$MARKS"
run notify
is "what was written before the command ran is not repeated" \
	"$(told | grep -c Day00006)" 0

printf '#!/bin/sh\nexit 1\n' >"$HOOK"
marks "$DAY"
exits "a command that fails: status 1" 1 notify
like "it says for which token" "$err" "*failed for token Day000*"
printf '#!/bin/sh\nkill -9 $$\n' >"$HOOK"
marks "$DAY"
exits "a command that is killed: status 1" 1 notify
rm "$HOOK"
marks "$DAY"
exits "a command that is not there: status 1" 1 notify
like "it says so" "$err" "*cannot run $HOOK: No such file*"
echo nonsense >"$MARKS"
exits "a state that cannot be read begins anew" 0 notify
flock "$MARKS" "$PAT_ADMIN" --config "$CONF" notify \
	>"$SCRATCH/out" 2>"$SCRATCH/err"
is "two at a time: the second refuses" "$?" 3
like "and says why" "$(cat "$SCRATCH/err")" "*another*notify*"
stop patd

# --- The example ----------------------------------------------------------------

cat >"$SCRATCH/sendmail" <<EOT
#!/bin/sh
cat >"$SCRATCH/mail"
EOT
chmod 755 "$SCRATCH/sendmail"
mail() {
	env -i PATH="$PATH" SENDMAIL="$SCRATCH/sendmail" JP_ID=Day00006 \
		JP_USER="$1" JP_NAME="x y" JP_WITHIN=7d \
		JP_EXPIRES_AT=2027-01-31T00:00:00Z \
		sh "$JP_SOURCE/examples/notify/jira-pat-mail" 2>/dev/null
}
ok "the example mails" mail jane.doe
like "to the user" "$(head -n 1 "$SCRATCH/mail")" "To: jane.doe@example.org"
ok "not to odd names" test "$(mail 'a, b' && echo mailed)" = ""

done_testing
