#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# The examples of the manual pages are run as they stand there: those of pat-admin(8)
# in a store of their own and a git repository, the service files of pam_jira_pat(8)
# under the real libpam, the configurations by the programs that read them.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/cli/lib.sh
. "$JP_SOURCE/tests/cli/lib.sh"

for tool in git pamtester python3; do
	command -v $tool >/dev/null 2>&1 || skip_all "$tool is missing"
done
cli_make 'max_per_user = 0'
mkdir "$HOME_DIR/log" "$SCRATCH/bin" "$SCRATCH/here"
sed -i "/^\[patd\]/a audit_file = $HOME_DIR/log/audit.jsonl" "$CONF"
cat >>"$CONF" <<-'END'
	[service jira]
	scope = write
	read_scope = read
END
cat >"$SCRATCH/bin/pat-admin" <<-END
	#!/bin/sh
	exec "$PAT_ADMIN" --config "$CONF" "\$@"
END
chmod 755 "$SCRATCH/bin/pat-admin"
cd "$SCRATCH/here" || exit 1
PATH=$SCRATCH/bin:$PATH

# shown KIND PAGE HEAD...: see tests/lib/man_examples.py.
shown() {
	shown_kind=$1
	shown_page=$2
	shift 2
	python3 "$JP_SOURCE/tests/lib/man_examples.py" "$shown_kind" \
		"$JP_SOURCE/doc/$shown_page" "$@"
}

# id_here: of the live token of jane.doe that was made first; anew where the last
# one has ended.
id_here() {
	pat-admin list jane.doe --json | python3 -c 'import json, sys
for token in json.load(sys.stdin):
    if token["state"] == "live":
        print(token["id"])
        break'
}

# runs COMMAND: its status, with ID for a live token, and a token where one is
# asked for.
runs() {
	runs_id=$(id_here 2>/dev/null)
	printf '%s\n' "$1" | sed -e "s|\<ID\>|$runs_id|g" \
		-e "s|/var/lib/prometheus/node-exporter|$SCRATCH|" >"$SCRATCH/command"
	sh -eu "$SCRATCH/command" <"$SCRATCH/token" >>"$SCRATCH/log/examples" 2>&1
	runs_status=$?
	case $1 in
	# Of this machine it may find something.
	*' check') [ $runs_status -gt 1 ] || runs_status=0 ;;
	esac
	echo $runs_status
}

# all PAGE HEAD: each of its commands.
all() {
	shown commands "$@" >"$SCRATCH/commands"
	ok "$1, $2: there are examples" test -s "$SCRATCH/commands"
	while IFS= read -r command; do
		is "$1: $command" "$(runs "$command")" 0
	done <"$SCRATCH/commands"
}

# --- pat-admin ----------------------------------------------------------------------

pat-admin init >>"$SCRATCH/log/examples" 2>&1
cli_patd || bail "patd does not start: $(cat "$SCRATCH/log/patd.log")"
pat-admin create jane.doe --name here 2>/dev/null >"$SCRATCH/token"
all pat-admin.8 "First steps"
pat-admin user enable jane.doe >>"$SCRATCH/log/examples" 2>&1

# A repository in whose history tokens are, and a file with one.
git init -q .
pat-admin create jane.doe --name committed 2>/dev/null >secret
git add secret
git -c user.name=x -c user.email=x@example.org commit -q -m secret
pat-admin create jane.doe --name backup 2>/dev/null >token.txt
cp token.txt "$SCRATCH/token"
all pat-admin.8 EXAMPLES
is "the tokens that leaked are dead" "$(pat-admin identify secret |
	grep -c -w dead)" 1
is "without the first line of an example nothing is run" \
	"$(shown commands pat-admin.8 NOTHING)" ''
is "a wrong command would be seen" "$(runs 'pat-admin create')" 2

# --- The configuration --------------------------------------------------------------

for place in "A small file:1" EXAMPLES:1 EXAMPLES:2 EXAMPLES:3; do
	{
		shown blocks jira-pat.conf.5 "${place%:*}" "${place#*:}" |
			sed "s/^\[patd\]$/&\nuser = $cli_user/"
		[ "$place" = "A small file:1" ] ||
			printf '\n[patd]\nuser = %s\n' "$cli_user"
		printf '\n[pat-httpd]\nuser = %s\n' "$cli_user"
	} >"$SCRATCH/example.conf"
	is "jira-pat.conf(5), $place is good" "$("$PATD" --config \
		"$SCRATCH/example.conf" --check-config 2>&1 | sed -n 1p)" \
		"patd: $SCRATCH/example.conf: good"
done
is "and it says how to check it" "$(shown commands jira-pat.conf.5 EXAMPLES)" \
	"patd --check-config"

# --- PAM ----------------------------------------------------------------------------

confdir=$JP_BUILD/tests/lib/.libs/pam_confdir.so
[ -e "$confdir" ] || bail "$confdir is missing: make check TESTS= builds it"
mkdir "$SCRATCH/pam.d"
printf '%s required pam_deny.so\n' auth account >"$SCRATCH/pam.d/other"
pat-admin create jane.doe --name pam --from 192.0.2.7 2>"$SCRATCH/log/create" \
	>"$SCRATCH/token" || bail "no token: $(cat "$SCRATCH/log/create")"
printf '%s\n' "$(shown commands pam_jira_pat.8 EXAMPLES)" |
	sed 's/pamtester/& -v/; s/$/ acct_mgmt/' >"$SCRATCH/command"

# logs_in: as the page tests it, with the token on standard input.
logs_in() {
	LD_PRELOAD=$confdir JP_PAM_CONFDIR=$SCRATCH/pam.d \
		sh -eu "$SCRATCH/command" >>"$SCRATCH/log/pamtester" 2>&1 &&
		echo yes || echo no
}

case $(ldd "$JP_BUILD/.libs/pam_jira_pat.so" 2>/dev/null) in
*libasan* | *libtsan*) pam_why="a build without sanitizer" ;;
*) pam_why= ;;
esac
for number in 1 2 3; do
	what="pam_jira_pat(8), example $number: a token gets in, another text does not"
	if [ -n "$pam_why" ]; then
		skip "$what" "$pam_why"
		continue
	fi
	shown blocks pam_jira_pat.8 EXAMPLES $number |
		sed "s|pam_jira_pat\.so|$JP_BUILD/.libs/& socket=$HOME_DIR/run/verify.sock|" \
			>"$SCRATCH/pam.d/jira-pat"
	pam_says="$(logs_in <"$SCRATCH/token") $(echo wrong | logs_in)"
	is "$what" "$pam_says" "yes no"
	[ "$pam_says" = "yes no" ] ||
		note "$(tail -n 20 "$SCRATCH/log/pamtester" "$SCRATCH/log/patd.log")"
done

# --- SASL ---------------------------------------------------------------------------

mkdir -p "$SCRATCH/root/etc/sasl2" "$SCRATCH/root/etc/postfix/sasl"
shown blocks libjirapat.5 EXAMPLES 1 >"$SCRATCH/root/etc/sasl2/svn.conf"
shown blocks libjirapat.5 EXAMPLES 2 >"$SCRATCH/root/etc/postfix/sasl/smtpd.conf"
sasl=$("$PAT_ADMIN" check --root "$SCRATCH/root")
is "libjirapat(5): check reads both examples, and has nothing against a line" \
	"$(echo "$sasl" | grep -c -E 'sasl-(key|syntax|inert|mechs)')" 0
sed -i 's/jirapat_realm/jirapat_relm/' "$SCRATCH/root/etc/sasl2/svn.conf"
is "a wrong line would be seen" "$("$PAT_ADMIN" check --root "$SCRATCH/root" |
	grep -c sasl-key)" 1
done_testing
