#!/bin/sh
# The rules of examples/secret-scanning find every token, and nothing else: real
# ones of pat-admin, many of a generator, and what is nearly one.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/cli/lib.sh
. "$JP_SOURCE/tests/cli/lib.sh"

python3 -c 'import tomllib, yaml' 2>/dev/null ||
	skip_all "python3-yaml or a python3 with tomllib is missing"

RULES=$JP_SOURCE/examples/secret-scanning
cli_make 'max_per_user = 0' 'name_required = no'
run init
: >"$SCRATCH/real"
for user in j jo joe joey "$(head -c 255 /dev/zero | tr '\0' u)"; do
	run create "$user" --bearer
	printf '%s\n' "$out" >>"$SCRATCH/real"
done
is "pat-admin made tokens" "$(wc -l <"$SCRATCH/real")" 10

python3 "$JP_SOURCE/tests/cli/scanning.py" "$RULES" <"$SCRATCH/real" \
	>"$SCRATCH/results" 2>"$SCRATCH/log/scanning" ||
	fail "the rules can be read" "$(tail -n 3 "$SCRATCH/log/scanning")"
while IFS='	' read -r verdict sentence why; do
	is "$sentence" "$verdict:$why" "ok:"
done <"$SCRATCH/results"

# The program that README.md has for another prefix gives the words of the rules.
sed -n '/^    python3 -c/,/^    . jpat$/s/^    //p' "$RULES/README.md" \
	>"$SCRATCH/words.sh"
is "README.md tells how the words of the base64 rules are made" \
	"($(sh "$SCRATCH/words.sh" | paste -s -d '|'))" "$(
		sed -n 's/.*(?:\(a[^)]*\)).*/(\1)/p' "$RULES/gitleaks.toml"
	)"

if command -v gitleaks >/dev/null 2>&1; then
	mkdir "$SCRATCH/scan"
	cp "$SCRATCH/real" "$SCRATCH/scan/real.txt"
	gitleaks detect --no-git --no-banner --redact \
		--source "$SCRATCH/scan" --config "$RULES/gitleaks.toml" \
		--report-path "$SCRATCH/report" >"$SCRATCH/log/gitleaks" 2>&1
	is "gitleaks finds them all" "$(python3 -c 'import json, sys
found = json.load(open(sys.argv[1]))
print(len({f["StartLine"] for f in found if "jira-pat" in f["RuleID"]}))' \
		"$SCRATCH/report")" 10
else
	skip "gitleaks finds them all" "gitleaks is not installed"
fi
done_testing
