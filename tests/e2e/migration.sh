#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# doc/MIGRATION.md: its commands are run and its service files are used as they stand
# there, and what was before works beside the tokens. Those of LDAP: mux_slapd.sh.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/document.sh
. "$JP_SOURCE/tests/lib/document.sh"
# shellcheck source=tests/lib/world.sh
. "$JP_SOURCE/tests/lib/world.sh"
# shellcheck source=tests/lib/story.sh
. "$JP_SOURCE/tests/lib/story.sh"

GUIDE=$JP_SOURCE/doc/MIGRATION.md
ME=/rest/api/2/myself
HTPASSWD="From htpasswd"
USERDB="From pam_userdb"
JIRA="From Jira's own personal access tokens"
APP="From an app of the marketplace"

missing=$(
	story_missing
	for tool in htpasswd db5.3_load db5.3_dump jq pamtester; do
		command -v $tool >/dev/null 2>&1 || echo $tool
	done
)
[ -z "$missing" ] || skip_all "missing here: $(echo "$missing" | tr '\n' ' ')"
scratch
STORY_SECTIONS='[service jira]
scope = write
read_scope = read
upstream = yes
[service pam-*]'
story_make || bail "the world does not start: $(tail -n 3 "$SCRATCH"/log/*)"

# Those who ask pat-httpd.
WORLD_URL=$STORY_URL

# guide TITLE [N]: runs its commands, with this world's files.
guide() {
	block "$GUIDE" "$1" sh "${2:-}" |
		sed -e "s|/etc/apache2/htpasswd|$STORY/htpasswd|" \
			-e "s|/etc/vsftpd/login|$STORY/login|" \
			-e "s|https://jira.example.org|${NATIVE:-none}|" \
			>"$SCRATCH/commands"
	rm -f "$STORY/users.csv" "$STORY/tokens.csv"
	story_run "$SCRATCH/commands"
	is "its commands run: $1${2:+, $2}" "$status $(grep -c pat-admin \
		"$SCRATCH/commands")" "0 ${3:-1}"
}

# token_of USER: the one that was delivered.
token_of() {
	python3 -c 'import csv, sys
for row in csv.DictReader(open(sys.argv[1], encoding="utf-8")):
    if row["user"] == sys.argv[2]:
        print(row["token"])' "$STORY/tokens.csv" "$1"
}

# service NAME TITLE: /etc/pam.d/NAME, as it stands there.
service() {
	block "$GUIDE" "$2" pam | sed -e \
		"s|pam_jira_pat\.so|$WORLD/lib/& socket=$WORLD/run/verify.sock one_shot=no|" \
		-e "s|/etc/apache2/htpasswd|$STORY/htpasswd|" \
		-e "s|/etc/vsftpd/login|$STORY/login|" >"$WORLD/pam.d/$1"
}

# logs_in SERVICE USER PASSWORD: by PAM; prints yes or no.
logs_in() {
	printf '%s\n' "$3" | LD_PRELOAD=$WORLD/lib/pam_confdir.so \
		JP_PAM_CONFDIR=$WORLD/pam.d pamtester "$1" "$2" authenticate \
		acct_mgmt >>"$SCRATCH/log/pamtester.log" 2>&1 && echo yes || echo no
}

# side_by_side SERVICE USER OLD: both are taken, and neither of another user.
side_by_side() {
	token=$(token_of "$2")
	is "$2: a token, the old password, a wrong one, another user's token" \
		"$(logs_in "$1" "$2" "$token") $(logs_in "$1" "$2" "$3") $(
			logs_in "$1" "$2" wrong) $(logs_in "$1" other "$token")" \
		"yes yes no no"
	pat_admin revoke "$(echo "$token" | cut -d _ -f 2)" >>"$SCRATCH/log/revoked"
	is "the token ends alone" "$(logs_in "$1" "$2" "$token") $(
		logs_in "$1" "$2" "$3")" "no yes"
}

# --- htpasswd ---------------------------------------------------------------------

printf 'old-secret-1\n' | htpasswd -ciB "$STORY/htpasswd" alice 2>/dev/null
printf 'old-secret-2\n' | htpasswd -iB "$STORY/htpasswd" bob 2>/dev/null
guide "$HTPASSWD"
is "a token for each line" "$(pat_admin list | sed 1d | awk '{ print $2 }' |
	tr '\n' ' ')" "alice bob "
http $ME "$(basic alice "$(token_of alice)")"
is "it opens Jira" "$status $(field name)" '200 "alice"'
service pam-htpasswd "$HTPASSWD"
if [ -n "$(find /lib/*/security /usr/lib/*/security -name pam_pwdfile.so)" ]; then
	side_by_side pam-htpasswd bob old-secret-2
else
	skip "both ways at once" "no pam_pwdfile.so"
fi
pat_admin create carol --name "from htpasswd" >>"$SCRATCH/log/carol" 2>&1
guide "In all cases"
is "two weeks later: today nobody is late" "$(echo "$out" | sed 1d)" ""

# late: who is, a second later.
late() {
	sed 's/14d/1s/' "$SCRATCH/commands" >"$SCRATCH/commands-1s"
	story_run "$SCRATCH/commands-1s"
	printf '%s\n' "$out" | grep -q ' carol '
}
ok "who was not seen with the token is found" wait_for 60 late

# --- pam_userdb -------------------------------------------------------------------

printf '%s\n' dora old-secret-3 "eve smith" old-secret-4 |
	db5.3_load -T -t hash "$STORY/login.db"
guide "$USERDB"
is "a token for each name" "$(pat_admin list --search "from userdb" --json | jq -r \
	'.[].user' | tr '\n' ' ')" "dora eve smith "
service pam-userdb "$USERDB"
side_by_side pam-userdb dora old-secret-3

# --- Jira's own -------------------------------------------------------------------

echo native-secret >"$STORY/native-token"
guide "$JIRA" 1 2
# Jira's list of all tokens, for an administrator alone.
block "$GUIDE" "$JIRA" json >"$SCRATCH/jira.json"
cat >"$SCRATCH/jira.py" <<'END'
import base64, http.server, json, sys

class Jira(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        good = (
            self.path == "/rest/pat/latest/tokens/search"
            and self.headers["Content-Type"] == "application/json"
            and base64.b64decode(self.headers["Authorization"][6:]) == b"admin:x"
            and asked == {"page": 0, "limit": 1000, "name": "", "userKeys": []}
        )
        self.send_response(200 if good else 403)
        self.end_headers()
        if good:
            self.wfile.write(open(sys.argv[1], "rb").read())

    def log_message(self, *args):
        pass

server = http.server.HTTPServer(("127.0.0.1", 0), Jira)
with open(sys.argv[2], "w") as file:
    file.write(str(server.server_port))
server.serve_forever()
END
start jira python3 "$SCRATCH/jira.py" "$SCRATCH/jira.json" "$SCRATCH/jira.port"
wait_for 60 test -s "$SCRATCH/jira.port" || bail "no stand-in for Jira"
NATIVE=http://127.0.0.1:$(cat "$SCRATCH/jira.port")
echo "machine 127.0.0.1 login admin password x" >"$STORY/.netrc"
chmod 600 "$STORY/.netrc"
old_home=$HOME
HOME=$STORY
export HOME
guide "$JIRA" 2 0
HOME=$old_home
is "Jira's list arrives" "$(jq '.values | length' "$STORY/jira.json")" 2
guide "$JIRA" 3
is "a token for each that is in use, with its name" "$(pat_admin list --json |
	jq -r '.[] | select(.name == "nightly build" or .name == "Grafana, read") | .user' |
	sort | tr '\n' ' ')" "grafana.bot jane.doe "

# --- An app -----------------------------------------------------------------------

block "$GUIDE" "$APP" csv >"$STORY/app.csv"
guide "$APP"
is "what the app limited is limited" "$(pat_admin list --json | jq -c \
	'.[] | select(.name == "releases") | [.user, .scopes, .networks]')" \
	'["release.bot",["read","write"],["192.0.2.17/32"]]'
http $ME "$(basic grafana.bot "$(token_of grafana.bot)")"
read=$status
http $ME "$(basic grafana.bot "$(token_of grafana.bot)")" -X POST
is "read-only means that" "$read $status" "200 403"

# --- Another machine --------------------------------------------------------------

guide "From another machine, or hashes of Argon2id" "" 2
done_testing
