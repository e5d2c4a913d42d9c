#!/bin/sh
# purge: what ended long ago goes, and nothing else.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/cli/lib.sh
. "$JP_SOURCE/tests/cli/lib.sh"

cli_make 'max_per_user = 0' 'max_lifetime = never'
run init

# Records whose ends lie where we want them: imported.
run create live --expires never
run export
printf '%s' "$out" | python3 -c 'import json, sys
record = json.load(sys.stdin)
ends = [
    ("OldRevok", {"revoked_at": "2020-01-01T00:00:00Z"}),
    ("OldExpir", {"expires_at": "2020-01-01T00:00:00Z"}),
    ("OldSuper", {"superseded_at": "2020-01-01T00:00:00Z",
                  "grace_until": "2020-01-02T00:00:00Z"}),
    ("InGrace0", {"superseded_at": "2020-01-01T00:00:00Z",
                  "grace_until": "2090-01-02T00:00:00Z"}),
    ("Lives000", {"expires_at": "2090-01-01T00:00:00Z"}),
    ("Paused00", {"disabled_at": "2020-01-01T00:00:00Z"}),
    ("UsedUp00", {"uses_max": 2, "uses_left": 0,
                  "created_at": "2019-01-01T00:00:00Z",
                  "last_used_at": "2020-01-01T00:00:00Z"}),
]
for id, fields in ends:
    print(json.dumps(dict(record, id=id, family=id, user=id, **fields)))' \
	>"$SCRATCH/lines"
run import "$SCRATCH/lines"
run create young
young=$(id_of "$out")
run revoke "$young"

for way in without with; do
	[ "$way" = without ] || cli_patd
	run purge --dry-run
	is "[$way patd] --dry-run names what ended long ago" \
		"$(printf '%s\n' "$out" | cut -d' ' -f1 | tr '\n' ' ')" \
		"OldExpir OldRevok OldSuper UsedUp00 "
	run list --all --json
	is "[$way patd] and removes nothing" "$(json 'len(d)')" 9
	[ "$way" = without ] || stop patd
done
cli_patd
run purge --json
is "--json: a line for each" \
	"$(printf '%s\n' "$out" | python3 -c 'import json, sys
print([(json.loads(line)["id"], json.loads(line)["removed"])
    for line in sys.stdin])')" \
	"[('OldExpir', True), ('OldRevok', True), ('OldSuper', True), ('UsedUp00', True)]"
run list --all --json
is "what lives, is in its grace, paused or ended lately stays" "$(json 'len(d)')" 5
run purge --dead-for 0
is "--dead-for 0: whatever has ended" "$(printf '%s' "$out" | cut -d' ' -f1)" \
	"$young"
run purge
is "again: nothing is left to remove" "$status:$out" "0:"
exits "a wrong duration" 2 purge --dead-for soon
exits "never: not all of them" 2 purge --dead-for never
stop patd

done_testing
