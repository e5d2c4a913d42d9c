#!/bin/sh
# examples/monitoring: alerts, their tests, their runbooks and the dashboard fit
# together, and name metrics that there are.
set -u

# shellcheck source=tests/lib/tap.sh
. "${JP_SOURCE:?}/tests/lib/tap.sh"

folder=$JP_SOURCE/examples/monitoring
rules=$folder/jira-pat-rules.yaml
tests=$folder/jira-pat-rules.test.yaml
dashboard=$folder/jira-pat-dashboard.json
runbooks=$JP_SOURCE/doc/OPERATIONS.md
scratch

alerts=$(sed -n 's/^ *- alert: //p' "$rules")
lower() {
	tr '[:upper:]' '[:lower:]'
}

# --- Alerts and what is said of them --------------------------------------------

is "each alert has a runbook, in the order of the alerts" "$(
	awk '/^## / { inside = $0 == "## Runbooks" }
		inside && /^### / { print $2 }' "$runbooks"
)" "$alerts"
is "its runbook_url is that section, where the packages install it" "$(
	sed -n 's/^ *runbook_url: //p' "$rules"
)" "$(echo "$alerts" | lower |
	sed 's|^|file:///usr/share/doc/jira-pat/OPERATIONS.md#|')"
is "each alert is set off by a test, and not where all is well" "$(
	grep -A 1 -E 'alertname: ' "$tests" |
		sed -n 's/^ *alertname: //p' | LC_ALL=C sort -u
	sed -n 's/.*alertname: \(.*\), exp_alerts: \[\].*/\1/p' "$tests"
)" "$(echo "$alerts" | LC_ALL=C sort -u
echo "$alerts")"
is "README.md says how many there are" "$(
	sed -n 's/.* \([0-9]*\) alerts.*/\1/p' "$folder/README.md"
)" "$(echo "$alerts" | wc -l)"
is "the command at the top of the rules moves all runbooks" "$(
	cp "$rules" "$SCRATCH/jira-pat-rules.yaml"
	sed -n 's/^# *\(sed -i .*\)/\1/p' "$rules" >"$SCRATCH/command"
	(cd "$SCRATCH" && sh -e ./command) 2>&1
	grep -c 'runbook_url: https://wiki.example.org/OPERATIONS.md#' \
		"$SCRATCH/jira-pat-rules.yaml"
)" "$(echo "$alerts" | wc -l)"

# fenced FILE: the lines of its blocks, without indentation.
fenced() {
	awk '/^ *```/ { inside = !inside; next }
		inside { sub(/^ */, ""); print }' "$1"
}
is "README.md has no command that is not run from OPERATIONS.md" "$(
	fenced "$runbooks" >"$SCRATCH/run"
	fenced "$folder/README.md" | grep -v -x -F -f "$SCRATCH/run"
)" ''

# --- Metrics --------------------------------------------------------------------

python3 "$JP_SOURCE/tests/lib/dashboard.py" "$dashboard" \
	>"$SCRATCH/exprs" 2>"$SCRATCH/wrong"
is "the dashboard is JSON" "$(cat "$SCRATCH/wrong")" ''
ok "and it shows something" test "$(wc -l <"$SCRATCH/exprs")" -gt 30

# names FILE: of our metrics in it, as they are in the source.
names() {
	grep -v '^ *#' "$1" | grep -o -E '\bjira_pat_[a-z0-9_]+' |
		sed -E 's/_seconds_(bucket|sum|count)$/_seconds/' |
		LC_ALL=C sort -u
}
exposed() {
	sed -n 's/.*NAME("\([a-z0-9_]*\)").*/'"$2"'\1/p' "$JP_SOURCE/$1"
}
{
	exposed tools/commands/stats.c jira_pat_
	exposed pat_httpd/metrics.c jira_pat_httpd_
	exposed tools/cli/cluster_report.c jira_pat_cluster_
} | LC_ALL=C sort -u >"$SCRATCH/exposed"
ok "the programs expose metrics" test "$(wc -l <"$SCRATCH/exposed")" -gt 40
for file in "$rules" "$tests" "$SCRATCH/exprs"; do
	is "there is each metric of ${file##*/}" "$(
		names "$file" | LC_ALL=C comm -23 - "$SCRATCH/exposed"
	)" ''
done

# --- What promtool finds --------------------------------------------------------

if ! command -v promtool >/dev/null 2>&1; then
	skip "promtool finds nothing wrong" "no promtool"
	done_testing
	exit
fi

# finds_nothing SENTENCE COMMAND...
finds_nothing() {
	finds_what=$1
	shift
	if "$@" >"$SCRATCH/found" 2>&1; then
		pass "$finds_what"
	else
		fail "$finds_what" "$(cat "$SCRATCH/found")"
	fi
}
finds_nothing "promtool finds nothing wrong with the rules" \
	promtool check rules "$rules"
finds_nothing "the tests of the alerts pass" promtool test rules "$tests"
finds_nothing "promtool finds nothing wrong with prometheus.yml" \
	promtool check config --syntax-only "$folder/prometheus.yml"
{
	echo 'groups: [{name: dashboard, rules: ['
	n=0
	while IFS= read -r expr; do
		n=$((n + 1))
		printf "{record: 'x:%s', expr: '%s'},\n" "$n" "$expr"
	done <"$SCRATCH/exprs"
	echo ']}]'
} >"$SCRATCH/dashboard.yaml"
finds_nothing "each expression of the dashboard is PromQL" \
	promtool check rules "$SCRATCH/dashboard.yaml"

# never ALERT: the rules, with one that cannot go off.
never() {
	awk -v alert="$1" '
		/^ *- alert: / { own = $3 == alert }
		own && /^ *expr: / { print "        expr: vector(0) > 1"; skip = 1; next }
		/^ *(for|labels): / { skip = 0 }
		!skip' "$rules"
}
cp "$tests" "$SCRATCH/broken.test.yaml"
is "the test of each alert fails without that alert" "$(
	for alert in $alerts; do
		never "$alert" >"$SCRATCH/jira-pat-rules.yaml"
		promtool check rules "$SCRATCH/jira-pat-rules.yaml" \
			>/dev/null 2>&1 || echo "$alert: no rules any more"
		promtool test rules "$SCRATCH/broken.test.yaml" \
			>/dev/null 2>&1 && echo "$alert: no test of it fails"
	done
)" ''
done_testing
