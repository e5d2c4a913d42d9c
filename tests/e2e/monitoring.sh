#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# examples/monitoring with a real Prometheus and a real node exporter: what these
# read from patd and pat-httpd is there, and alerts go off by it.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/world.sh
. "$JP_SOURCE/tests/lib/world.sh"

EXAMPLES=$JP_SOURCE/examples/monitoring

missing=$(
	for tool in prometheus prometheus-node-exporter curl python3; do
		command -v "$tool" >/dev/null 2>&1 || echo "$tool"
	done
	closed_folders "$JP_BUILD" "$JP_SOURCE"
)
[ -z "$missing" ] || skip_all "missing here: $(echo "$missing" | tr '\n' ' ')"

scratch
# shellcheck disable=SC2046
set -- $(free_ports 3)
NODE=127.0.0.1:$1
METRICS=127.0.0.1:$2
PROMETHEUS=127.0.0.1:$3

# shellcheck disable=SC2034
WORLD_SECTIONS="[listener metrics]
protocol = metrics
listen = $METRICS
[self_service]
trusted_peers = $(id -un)"
world_make >"$SCRATCH/log/init.log" 2>&1 ||
	bail "no store: $(cat "$SCRATCH/log/init.log")"
world_patd || bail "patd does not start: $(cat "$SCRATCH/log/patd.log")"
world_httpd || bail "pat-httpd does not start: $(cat "$SCRATCH/log/httpd.log")"

# --- The servers ----------------------------------------------------------------

mkdir "$SCRATCH/textfile"
write_textfile() {
	pat_admin stats --prometheus --output "$SCRATCH/textfile/jira-pat.prom"
}
start node prometheus-node-exporter --web.listen-address="$NODE" \
	--collector.disable-defaults --collector.textfile \
	--collector.textfile.directory="$SCRATCH/textfile"

# The example's file, with the addresses and paths of this world, and more often.
sed -e "s|localhost:9100|$NODE|; s|127[.]0[.]0[.]1:9712|$METRICS|" \
	-e "s|/etc/prometheus/|$SCRATCH/|" \
	-e 's|scrape_interval: 30s|scrape_interval: 1s\n  evaluation_interval: 1s|' \
	"$EXAMPLES/prometheus.yml" >"$SCRATCH/prometheus.yml"
cp "$EXAMPLES/jira-pat-rules.yaml" "$SCRATCH/"
start prometheus prometheus --config.file="$SCRATCH/prometheus.yml" \
	--storage.tsdb.path="$SCRATCH/data" --web.listen-address="$PROMETHEUS"

# api PATH [CURL-ARGUMENT...]: what Prometheus says, as JSON.
api() {
	api_path=$1
	shift
	curl -s -m 20 "$@" "http://$PROMETHEUS/api/v1/$api_path"
}

# value EXPR: of its first sample; nothing if there is none.
value() {
	api query -G --data-urlencode "query=$1" | python3 -c 'import json, sys
try:
    for one in json.load(sys.stdin)["data"]["result"][:1]:
        print(one["value"][1])
except (ValueError, KeyError):
    pass'
}

# has EXPR VALUE
has() {
	[ "$(value "$1")" = "$2" ]
}

# becomes SENTENCE EXPR VALUE
becomes() {
	if wait_for 120 has "$2" "$3"; then
		pass "$1"
	else
		fail "$1" "$2 is \"$(value "$2")\", not \"$3\""
	fi
}

# alert_is NAME: it is pending, or goes off.
alert_is() {
	api alerts | python3 -c 'import json, sys
try:
    alerts = json.load(sys.stdin)["data"]["alerts"]
except ValueError:
    alerts = []
sys.exit(not any(one["labels"]["alertname"] == sys.argv[1] for one in alerts))' "$1"
}

# --- What they read -------------------------------------------------------------

token=$(pat_admin create alice 2>>"$SCRATCH/log/pat-admin.log") ||
	bail "no token: $(cat "$SCRATCH/log/pat-admin.log")"
ask() {
	printf 'header = "Authorization: %s"\n' "$(bearer "$1")" |
		curl -K - -s -o "$SCRATCH/answer" -w '%{http_code}' \
			--unix-socket "$WORLD/run/http.sock" http://localhost/auth/jira
}
is "a token is accepted" "$(ask "$token")" 200
is "another text is not" "$(ask jpat_x)" 401
ok "the file for the node exporter is written" write_textfile

becomes "Prometheus has the answers of patd, by the node exporter" \
	'sum(jira_pat_requests_total{verdict="accepted"})' 1
becomes "and that patd runs" 'jira_pat_up{job="node"}' 1
becomes "and how old the file is" \
	'time() - node_textfile_mtime_seconds{file=~"(.*/)?jira-pat[.]prom"} < bool 600' 1
becomes "the node exporter has no complaint about it" \
	'node_textfile_scrape_error' 0
becomes "Prometheus has the answers of pat-httpd" \
	'jira_pat_httpd_answers_total{job="pat-httpd",protocol="http",answer="accepted",code="200"}' 1
becomes "and how long they took" \
	'sum(jira_pat_httpd_answer_seconds_count{protocol="http"})' 2
becomes "its job is up" 'up{job="pat-httpd"}' 1

# --- Rules and dashboard --------------------------------------------------------

# wrong_rules: those that Prometheus cannot evaluate, or has not yet.
wrong_rules() {
	api rules | python3 -c 'import json, sys
groups = json.load(sys.stdin)["data"]["groups"]
rules = [rule for group in groups for rule in group["rules"]]
print(len(rules), [rule["name"] for rule in rules if rule["health"] != "ok"])'
}
rules_are_good() {
	[ "$(wrong_rules 2>/dev/null)" = "$1 []" ]
}
count=$(grep -c -- '- alert:' "$EXAMPLES/jira-pat-rules.yaml")
wait_for 60 rules_are_good "$count"
is "Prometheus evaluates each alert" "$(wrong_rules)" "$count []"

python3 "$JP_SOURCE/tests/lib/dashboard.py" "$EXAMPLES/jira-pat-dashboard.json" \
	>"$SCRATCH/panels"
# silent: the expressions that give no data; "> 0" and what is divided may not.
silent() {
	while IFS= read -r expr; do
		case $expr in
		*'> 0' | *quantile* | *' / '*) continue ;;
		esac
		[ -n "$(value "$expr")" ] || echo "$expr"
	done <"$SCRATCH/panels"
}
all_show() {
	[ -z "$(silent)" ]
}
ok "the dashboard has panels" test "$(wc -l <"$SCRATCH/panels")" -gt 30
wait_for 60 all_show
is "each panel of the dashboard shows something" "$(silent)" ''

# --- Alerts ---------------------------------------------------------------------

for alert in JiraPatDown JiraPatHttpdNoPatd JiraPatHttpdDown \
    JiraPatMetricsStale; do
	is "all is well: $alert" "$(alert_is "$alert" && echo "it goes off")" ''
done

stop patd
ok "without patd the file is written" write_textfile
ok "patd stops: JiraPatDown" wait_for 120 alert_is JiraPatDown
ok "pat-httpd says so itself: JiraPatHttpdNoPatd" \
	wait_for 120 alert_is JiraPatHttpdNoPatd
stop httpd
ok "pat-httpd stops: JiraPatHttpdDown" wait_for 120 alert_is JiraPatHttpdDown
touch -d '1 hour ago' "$SCRATCH/textfile/jira-pat.prom"
ok "nobody writes the file: JiraPatMetricsStale" \
	wait_for 120 alert_is JiraPatMetricsStale

done_testing
