#!/bin/sh
# expiring and notify: who ends soon or is used from a new address, and who is
# told of it, once.

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
	"JP_EVENT JP_EXPIRES_AT JP_ID JP_NAME JP_OWNER_GROUP JP_USER JP_WITHIN PATH "
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

# --- New addresses ---------------------------------------------------------------

cat >"$HOOK" <<EOT
#!/bin/sh
echo "\$JP_EVENT \$JP_ID \$JP_ADDRESS" >>"$TOLD"
env >"$SCRATCH/env"
EOT
chmod 755 "$HOOK"

# used ID [ADDRESS SECONDS]...: a token that was used from there, where each is
# new since so many seconds ago; 0: the first of all.
used() {
	python3 -c 'import datetime, json, sys
line, now, name, *places = sys.argv[1:]
def when(seconds):
    if seconds == "0":
        return None
    time = datetime.datetime.utcfromtimestamp(int(now) - int(seconds))
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
record = json.loads(line)
uses = [{"at": when("1"), "service": "jira", "address": address,
         "since": when(since)} for address, since in zip(places[::2], places[1::2])]
record.update(id=name, family=name, expires_at=None, revoked_at=None, uses=uses,
              user="u", name="x y", owner_group="ops")
print(json.dumps(record))' "$record" "$now" "$@"
}

# since SECONDS: as if notify had last run so long ago.
since() {
	marks 0
	echo "new-address $((now - $1)) ~ -" >>"$MARKS"
}

now=$(date +%s)
run export
record=$(printf '%s\n' "$out" | head -n 1)
{
	used Place001 192.0.2.1 0
	used Place002 2001:db8::2 3000 192.0.2.1 0
	# Two services of one address; a burst, the first place gone from the list.
	used Place003 192.0.2.9 2000 192.0.2.9 2000 192.0.2.8 2000 192.0.2.7 2500 \
		192.0.2.6 8000
	used Place004 anywhere 3000 "" 3000 198.51.100.1 0
	used Place005 192.0.2.5 0 203.0.113.5 5
} >"$SCRATCH/lines"
run import "$SCRATCH/lines"
is "tokens that were used" "$status" 0
for way in without with; do
	rm -f "$MARKS"
	[ "$way" = without ] || cli_patd
	exits "[$way patd] the first run" 0 notify
	is "[$way patd] tells of no address that lies behind it" "$(cat "$TOLD" 2>/dev/null)" ""
	since 7200
	exits "[$way patd] two hours later" 0 notify
	is "[$way patd] it tells of each new address, in their order" \
		"$(cat "$TOLD")" "new-address Place002 2001:db8::2
new-address Place003 192.0.2.7
new-address Place003 192.0.2.8
new-address Place003 192.0.2.9"
	rm "$TOLD"
	exits "[$way patd] again" 0 notify
	is "[$way patd] it tells of none twice" "$(cat "$TOLD" 2>/dev/null)" ""
	[ "$way" = without ] || stop patd
done
is "the command has the facts and a path, nothing else" \
	"$(grep -v '^_=\|^PWD=\|^SHLVL=' "$SCRATCH/env" | cut -d= -f1 | sort |
		tr '\n' ' ')" \
	"JP_ADDRESS JP_EVENT JP_EXPIRES_AT JP_ID JP_NAME JP_OWNER_GROUP JP_SERVICE JP_SINCE JP_USER PATH "
for fact in JP_ID=Place003 JP_USER=u JP_OWNER_GROUP=ops "JP_NAME=x y" \
	JP_EXPIRES_AT=never JP_SERVICE=jira JP_ADDRESS=192.0.2.9; do
	ok "it is told $fact" grep -qx "$fact" "$SCRATCH/env"
done
cli_patd

# What is a moment old may not be all there is: the next run has it.
like "the next run begins where this one ended" "$(cat "$MARKS")" \
	"*new-address [0-9]* ~ -*"
mark=$(sed -n 's/^new-address \([0-9]*\) .*/\1/p' "$MARKS")
ok "before what is a moment old" test "$mark" -lt $((now))

since 2200
run notify --dry-run --json
is "--dry-run tells which" "$(printf '%s\n' "$out" | python3 -c 'import json, sys
for line in sys.stdin:
    notice = json.loads(line)
    print(notice["event"], notice["id"], notice["address"], notice["service"],
          notice["since"] is not None, notice["notified"])')" \
	"new-address Place003 192.0.2.8 jira True False
new-address Place003 192.0.2.9 jira True False"
run notify --dry-run
like "in words" "$out" "Place003 of u is used from 192.0.2.8 since 20*"

# As if it had been killed behind the first of two of one second.
marks 0
echo "new-address $((now - 2000)) Place003 192.0.2.8" >>"$MARKS"
exits "after it was killed" 0 notify
is "what was written before the command ran is not repeated" \
	"$(cat "$TOLD")" "new-address Place003 192.0.2.9"
rm "$TOLD"
since -86400
exits "a mark of a clock that was ahead" 0 notify
mark=$(sed -n 's/^new-address \([0-9]*\) .*/\1/p' "$MARKS")
ok "is not kept" test "$mark" -le "$(date +%s)"
marks -864000
exits "marks of ends that it wrote" 0 notify
mark=$(sed -n "s/^$DAY \([0-9]*\) .*/\1/p" "$MARKS")
ok "are not kept, either" test "$mark" -le $(($(date +%s) + DAY))
stop patd

run disable Place002
run revoke Place003
since 7200
exits "a token that was disabled, and one that was revoked" 0 notify
is "it tells of what may live again" "$(cat "$TOLD")" \
	"new-address Place002 2001:db8::2"
rm "$TOLD"

sed -i '/^notify_at/d' "$CONF"
since 7200
exits "without thresholds" 0 notify
is "it tells of addresses alone" "$(cat "$TOLD")" \
	"new-address Place002 2001:db8::2"

# --- The example ----------------------------------------------------------------

cat >"$SCRATCH/sendmail" <<EOT
#!/bin/sh
cat >"$SCRATCH/mail"
EOT
chmod 755 "$SCRATCH/sendmail"
mail() {
	env -i PATH="$PATH" SENDMAIL="$SCRATCH/sendmail" JP_ID=Day00006 \
		JP_USER="$1" JP_NAME="x y" JP_WITHIN=7d JP_EVENT="${2:-expiring}" \
		JP_EXPIRES_AT=2027-01-31T00:00:00Z JP_ADDRESS=192.0.2.7 \
		JP_SERVICE=jira JP_SINCE=2026-01-31T00:00:00Z JP_OWNER_GROUP= \
		sh "$JP_SOURCE/examples/notify/jira-pat-mail" 2>/dev/null
}
ok "the example mails" mail jane.doe
like "to the user" "$(head -n 1 "$SCRATCH/mail")" "To: jane.doe@example.org"
like "of the end" "$(cat "$SCRATCH/mail")" "*ends within 7d*"
ok "it mails of a new address" mail jane.doe new-address
like "with the address" "$(cat "$SCRATCH/mail")" "*from 192.0.2.7*"
: >"$SCRATCH/mail"
ok "of an event that it does not know" mail jane.doe another
is "it mails nothing" "$(cat "$SCRATCH/mail")" ""
ok "not to odd names" test "$(mail 'a, b' && echo mailed)" = ""

done_testing
