#!/bin/sh
# pat-admin check: store, sockets, clock and configuration on a real store, and
# every trap of the front doors on a tree of its own, once with the trap in it and
# once without.

# Variables in quotes, and backslashes in front of them, are those of the servers'
# configurations.
# shellcheck disable=SC2016,SC1003

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/cli/lib.sh
. "$JP_SOURCE/tests/cli/lib.sh"

cli_make 'max_per_user = 0' 'name_required = no'
run init
TREE=$SCRATCH/tree
EXAMPLES=$JP_SOURCE/examples

# tree: a machine without front doors.
tree() {
	rm -rf "$TREE"
	mkdir -p "$TREE/etc"
}

# put FILE: standard input becomes that file of the tree.
put() {
	mkdir -p "$(dirname "$TREE$1")"
	cat >"$TREE$1"
}

found_traps= # by any test

# traps: which the doctor finds: "NAME FILE:LINE ..." or "none". Sets $status.
traps() {
	run check --root "$TREE" --json
	found=$(json '" ".join("%s %s:%d" % (f["trap"], f["file"], f["line"])
for f in d if "trap" in f) or "none"')
	found_traps="$found_traps $found "
}

# finds SENTENCE STATUS TRAPS
finds() {
	traps
	is "$1" "$status $found" "$2 $3"
}

# --- PAM ----------------------------------------------------------------------------

deny() {
	printf '%s required pam_deny.so\n' auth account password session |
		put /etc/pam.d/other
}

# A machine with the module and the example's service files.
machine() {
	tree
	put /usr/lib/x86_64-linux-gnu/security/pam_jira_pat.so </dev/null
	for machine_file in "$EXAMPLES"/pam.d/*; do
		put "/etc/pam.d/${machine_file##*/}" <"$machine_file"
	done
	deny
}

tree
finds "no front door: nothing to find" 0 none
machine
finds "examples/pam.d has no trap" 0 none
run check --root "$TREE"
like "what was looked at is told" "$out" "*ok    pam          3 files*"

put /etc/pam.d/other <<-END
	# Debian's
	@include common-auth
	@include common-account
END
finds "pam-other: one that takes passwords" 0 "pam-other /etc/pam.d/other:2"
printf 'auth required pam_warn.so\nauth required pam_deny.so\n' |
	put /etc/pam.d/other
finds "pam-other: one that refuses" 0 none
rm "$TREE/usr/lib/x86_64-linux-gnu/security/pam_jira_pat.so"
printf 'auth required pam_jira_pat.so\naccount required pam_jira_pat.so\n' |
	put /etc/pam.d/jira-pat
rm "$TREE/etc/pam.d/jira-pat-or-password"
finds "pam-module: the module is not there" 1 \
	"pam-module /etc/pam.d/jira-pat:1 pam-module /etc/pam.d/jira-pat:2"
put /lib/security/pam_jira_pat.so </dev/null
finds "pam-module: it is, where others have it" 0 none
printf 'auth required /opt/pam_jira_pat.so\naccount required pam_jira_pat.so\n' |
	put /etc/pam.d/jira-pat
finds "pam-module: by its path, and not there" 1 "pam-module /etc/pam.d/jira-pat:1"
machine
printf 'auth required pam_jira_pat.so %s\naccount required pam_jira_pat.so\n' \
	'unknown=pass sokket=/run/x' | put /etc/pam.d/jira-pat
finds "pam-argument: one that is misspelt" 1 "pam-argument /etc/pam.d/jira-pat:1"
printf 'auth required pam_jira_pat.so %s\naccount required pam_jira_pat.so\n' \
	'debug [prompt=Your token: ] timeout=2 # why' | put /etc/pam.d/jira-pat
finds "pam-argument: right ones" 0 none
printf 'auth required pam_jira_pat.so\n@include common-account\n' |
	put /etc/pam.d/jira-pat
finds "pam-account: tokens in auth alone" 0 "pam-account /etc/pam.d/jira-pat:1"
printf '%s\n' 'auth required' 'account required' 'session' '@include' |
	put /etc/pam.d/broken
finds "lines that name no module are of no other service" 0 \
	"pam-account /etc/pam.d/jira-pat:1"
rm "$TREE/etc/pam.d/broken"
printf 'auth [success=done default=die] pam_jira_pat.so\n%s\n%s\n' \
	'auth required pam_unix.so' 'account required pam_jira_pat.so' |
	put /etc/pam.d/jira-pat
finds "pam-nodelay: pam_unix.so as it stands" 0 "pam-nodelay /etc/pam.d/jira-pat:2"
printf 'auth sufficient pam_jira_pat.so\n%s\n%s\n' \
	'auth required pam_unix.so try_first_pass nodelay' \
	'account required pam_jira_pat.so' | put /etc/pam.d/jira-pat
finds "pam-next: a refused token goes on" 0 "pam-next /etc/pam.d/jira-pat:1"
printf 'auth sufficient pam_jira_pat.so\n%s\n%s\n' \
	'auth required pam_deny.so' 'account required pam_jira_pat.so' |
	put /etc/pam.d/jira-pat
finds "pam-unavailable: sufficient in front of pam_deny.so" 0 \
	"pam-unavailable /etc/pam.d/jira-pat:1"
printf '%s\n' 'auth required pam_jira_pat.so' 'auth required pam_deny.so' \
	'account required pam_jira_pat.so' | put /etc/pam.d/jira-pat
finds "pam-unavailable: required keeps what patd could not say" 0 none

# Spellings that libpam reads.
printf '# the tokens \\\nauth required pam_jira_pat.so # why \\\n%s\n' \
	'auth required pam_unix.so' | put /etc/pam.d/jira-pat
finds "pam-account: no comment goes on in the next line" 0 \
	"pam-nodelay /etc/pam.d/jira-pat:3 pam-account /etc/pam.d/jira-pat:2"
printf 'auth \\ \n\t[success=done \\\n# between\n default=die] \\\n%s\n' \
	'pam_jira_pat.so#x' | put /etc/pam.d/jira-pat
finds "pam-account: the line where joined ones begin, blanks behind backslashes" \
	0 "pam-account /etc/pam.d/jira-pat:1"
printf '  -AUTH\tRequired\tpam_jira_pat.so\tsokket=x\n%s\n' \
	'Account required pam_jira_pat.so' | put /etc/pam.d/jira-pat
finds "pam-argument: capitals, tabs and a dash" 1 \
	"pam-argument /etc/pam.d/jira-pat:1"

# crlf LINE...: these lines, each closed by CR LF.
crlf() {
	printf '%s\r\n' "$@"
}

crlf '# why' '' 'auth required pam_jira_pat.so debug # why' \
	'account required pam_jira_pat.so debug # why' | put /etc/pam.d/jira-pat
finds "pam-crlf: an empty line" 1 "pam-crlf /etc/pam.d/jira-pat:2"
crlf '# why' 'auth required pam_jira_pat.so' 'account required pam_jira_pat.so' |
	put /etc/pam.d/jira-pat
finds "pam-crlf: the module's name is not its name" 1 \
	"pam-crlf /etc/pam.d/jira-pat:2"
printf 'auth required pam_jira_pat.so\naccount \\\r\n required pam_jira_pat.so\n' |
	put /etc/pam.d/jira-pat
finds "pam-crlf: a backslash that joins no lines" 1 \
	"pam-crlf /etc/pam.d/jira-pat:2"
crlf '# why' 'auth required pam_jira_pat.so # why' \
	'account required pam_jira_pat.so#why' | put /etc/pam.d/jira-pat
finds "pam-crlf: in comments it does no harm" 0 none
crlf '# pam_jira_pat.so' 'auth required pam_permit.so' | put /etc/pam.d/unrelated
finds "pam-crlf: a service that takes no tokens" 0 none
machine
crlf '@include jira-pat' | put /etc/pam.d/wiki
finds "pam-crlf: a service that includes one that does" 1 "pam-crlf /etc/pam.d/wiki:1"

# --- Apache ---------------------------------------------------------------------------

# apache LINE...: a virtual host with these lines, as Debian has it.
apache() {
	machine
	put /etc/apache2/apache2.conf <<-END
		# the main file
		IncludeOptional mods-enabled/*.load
		IncludeOptional sites-enabled/*.conf
	END
	printf '%s\n' "$@" | put /etc/apache2/sites-enabled/jira.conf
}

SITE=/etc/apache2/sites-enabled/jira.conf

apache 'Include /etc/apache2/apache2.conf' 'Include sites-enabled/*.conf' \
	'HostnameLookups On'
finds "files that include each other are read once" 0 "apache-hostnames $SITE:3"

apache 'Define JIRA_PAT_BACKEND http://127.0.0.1:8080' \
	'Include /etc/apache2/jira-pat.conf'
put /etc/apache2/jira-pat.conf <"$EXAMPLES/apache/jira-pat.conf"
finds "examples/apache has no trap" 0 none
rm "$TREE/etc/pam.d/jira-pat"
traps
like "pam-missing: its service has no file" "$status $found" \
	"1 pam-missing /etc/apache2/jira-pat.conf:[0-9]*"
apache 'Define JIRA_PAT_SERVICE jira-write' \
	'Define JIRA_PAT_READ_SERVICE jira-read' \
	'Include jira-pat.conf'
put /etc/apache2/jira-pat.conf <"$EXAMPLES/apache/jira-pat.conf"
put /etc/pam.d/jira-read <"$EXAMPLES/pam.d/jira-pat"
traps
like "pam-missing: one of its two services has no file" "$status $found" \
	"1 pam-missing /etc/apache2/jira-pat.conf:[0-9]*"
is "pam-missing: it says which" \
	"$(json '[f["text"].split(":")[0] for f in d if "trap" in f]')" \
	"['jira-write']"
put /etc/pam.d/jira-write <"$EXAMPLES/pam.d/jira-pat"
finds "pam-missing: both are there" 0 none
apache 'AuthPAMService JIRA-PAT'
finds "pam-missing: libpam makes small letters of it" 0 none
apache 'AuthPAMService "jira pat"'
finds "pam-missing: quotes keep a space" 1 "pam-missing $SITE:1"
apache '<IfDefine NEVER>' 'AuthPAMService nothing' '<IfDefine X>' '</IfDefine>' \
	'AuthPAMService nothing' '</IfDefine>' 'AuthPAMService jira-pat'
finds "pam-missing: what IfDefine leaves out is not judged" 0 none

apache '<Location />' 'AuthPAMService jira-pat' '<LimitExcept GET HEAD>' \
	'AuthPAMService jira-pat' '</LimitExcept>' '</Location>'
finds "apache-limit: AuthPAMService in LimitExcept" 1 "apache-limit $SITE:4"
apache '<LIMIT POST>' 'AuthPAMService jira-pat' '</LIMIT>'
finds "apache-limit: in Limit, in other letters" 1 "apache-limit $SITE:2"
apache '<Limit POST>' 'Require all denied' '</Limit>' \
	'<If "%{REQUEST_METHOD} =~ /^(GET|HEAD)$/">' 'AuthPAMService jira-pat' \
	'</If>'
finds "apache-limit: in If, and a Limit of something else" 0 none
apache 'AuthPAMService jira-pat'
echo 'LoadModule authn_socache_module /usr/lib/apache2/modules/x.so' |
	put /etc/apache2/mods-enabled/authn_socache.load
finds "apache-socache: it is loaded" 1 \
	"apache-socache /etc/apache2/mods-enabled/authn_socache.load:1"
apache 'Require all granted'
echo 'LoadModule authn_socache_module /usr/lib/apache2/modules/x.so' |
	put /etc/apache2/mods-enabled/authn_socache.load
finds "apache-socache: where nothing asks PAM it is no trap" 0 none
apache 'AuthPAMService jira-pat' \
	'AuthPAMExpiredRedirect https://x/ realm=1'
finds "apache-expired: AuthPAMExpiredRedirect" 1 "apache-expired $SITE:2"
apache 'AuthPAMService jira-pat' "$("$PAT_ADMIN" --config "$CONF" guard apache)"
finds "apache-guard: the guard of these prefixes" 0 none
sed 's/^prefix/#&/; /^\[tokens\]/a accept_prefix = former' "$CONF" \
	>"$SCRATCH/former.conf"
main=$CONF CONF=$SCRATCH/former.conf
finds "apache-guard: one that a prefix is missing in" 0 "apache-guard $SITE:2"
apache 'AuthPAMService jira-pat' "$("$PAT_ADMIN" --config "$CONF" guard apache)"
finds "apache-guard: that of two prefixes" 0 none
CONF=$main
apache 'AuthPAMService jira-pat' '# AuthPAMExpiredRedirect https://x/'
finds "apache-expired: in a comment" 0 none
apache "AuthPAMService \\" '  jira-pat' 'hostnamelookups Double'
finds "apache-hostnames: HostnameLookups" 0 "apache-hostnames $SITE:3"
apache 'AuthPAMService jira-pat' 'HostnameLookups Off'
finds "apache-hostnames: Off" 0 none
apache 'Include loop.conf'
echo 'Include loop.conf' | put /etc/apache2/loop.conf
finds "a file that includes itself does no harm" 0 none
machine
printf 'ServerRoot "/etc/httpd"\nInclude conf.d\n' | put /etc/httpd/conf/httpd.conf
echo 'AuthPAMService nothing' | put /etc/httpd/conf.d/a.conf
finds "httpd.conf and a folder to include" 1 "pam-missing /etc/httpd/conf.d/a.conf:1"

# Spellings that Apache reads.
apache 'authpamservice	"nothing"'
finds "pam-missing: small letters, a tab and quotes" 1 "pam-missing $SITE:1"
printf 'AuthPAMService \\\r\n  jira-pat\r\nHostnameLookups On\r\n' | put $SITE
finds "apache-hostnames: a file with CR LF, and a line that goes on" 0 \
	"apache-hostnames $SITE:3"
apache '# a comment \' 'AuthPAMService nothing'
finds "pam-missing: a comment goes on in the next line" 0 none
machine
printf 'Include\t"sites-enabled/my site.conf"\n' | put /etc/apache2/apache2.conf
echo 'AuthPAMService nothing' | put "/etc/apache2/sites-enabled/my site.conf"
finds "pam-missing: an Include with quotes and a space" 1 \
	"pam-missing /etc/apache2/sites-enabled/my site.conf:1"
apache 'AuthPAMService jira-pat' \
	'REQUESTHEADER set X-User "expr=\"%{REMOTE_USER}\"" "expr=true"'
finds "apache-headers: quotes in quotes" 0 "apache-headers $SITE:2"
apache '<Macro Jira $service @name>' 'AuthPAMService $service' \
	'AuthPAMService @name' '</Macro>' 'Use Jira jira-pat jira-pat'
finds "pam-missing: the parameters of a macro are not judged" 0 none

# Two virtual hosts: what the first defines the second must not take over.
products() {
	apache '<VirtualHost *:443>' 'Define JIRA_PAT_SERVICE jira-pat' \
		'Define JIRA_PAT_READ_SERVICE jira-pat-or-password' \
		'Include jira-pat.conf' '</VirtualHost>' '<VirtualHost *:443>' \
		"$@" 'Include jira-pat.conf' '</VirtualHost>'
}
products 'Define JIRA_PAT_SERVICE jira-pat'
put /etc/apache2/jira-pat.conf <"$EXAMPLES/apache/jira-pat.conf"
finds "apache-define: the example forgets at its end" 0 none
products 'Define JIRA_PAT_SERVICE jira-pat'
grep -v '^UnDefine' "$EXAMPLES/apache/jira-pat.conf" |
	put /etc/apache2/jira-pat.conf
traps
like "apache-define: the first one's read service is in force" \
	"$status $found" "1 apache-define /etc/apache2/jira-pat.conf:[0-9]*"
# shellcheck disable=SC2016
SERVICE='AuthPAMService ${S}'
apache '<VirtualHost a>' 'Define S jira-pat' "$SERVICE" \
	'</VirtualHost>' '<VirtualHost b>' "$SERVICE" '</VirtualHost>'
finds "apache-define: the service of another virtual host" 1 \
	"apache-define $SITE:6"
apache 'Define S jira-pat' '<VirtualHost a>' "$SERVICE" \
	'</VirtualHost>' '<VirtualHost b>' "$SERVICE" '</VirtualHost>'
finds "apache-define: one that was meant for all" 0 none
apache 'AuthPAMService jira-pat' \
	'RequestHeader set X-Forwarded-User "expr=%{REMOTE_USER}"'
finds "apache-headers: other headers pass" 0 "apache-headers $SITE:2"
apache 'AuthPAMService jira-pat' 'LuaHookAccessChecker /x.lua pass early' \
	'RequestHeader set X-Forwarded-User "expr=%{REMOTE_USER}"'
finds "apache-headers: those that pass are listed" 0 none
apache 'AuthPAMService jira-pat' 'Require pam-account jira-pat'
finds "apache-account: account without a token" 1 "apache-account $SITE:2"
printf '%s\n' 'auth required pam_jira_pat.so' 'account required pam_unix.so' \
	'account required pam_jira_pat.so' | put /etc/pam.d/jira-pat
finds "apache-account: another module answers, too" 0 none
printf 'auth required pam_jira_pat.so\naccount required %s\n' \
	'pam_jira_pat.so account=user' | put /etc/pam.d/jira-pat
finds "apache-account: with account=user" 0 none

# --- nginx ------------------------------------------------------------------------------

# nginx LINE...: a server with these lines.
nginx() {
	machine
	printf 'http {\n  include /etc/nginx/sites-enabled/*;\n}\n' |
		put /etc/nginx/nginx.conf
	printf '%s\n' 'server {' "$@" '}' | put /etc/nginx/sites-enabled/jira
}

nginx 'include jira-pat-scopes.conf;' 'include jira-pat.conf;'
for file in "$EXAMPLES"/nginx/*.conf; do
	put "/etc/nginx/${file##*/}" <"$file"
done
put /etc/pam.d/jira-read <"$EXAMPLES/pam.d/jira-pat"
put /etc/pam.d/jira-write <"$EXAMPLES/pam.d/jira-pat"
finds "examples/nginx has no trap" 0 none
rm "$TREE/etc/pam.d/jira-write"
traps
like "pam-missing: its service has no file" "$status $found" \
	"1 pam-missing /etc/nginx/jira-pat-scopes.conf:[0-9]*"
nginx 'location / { auth_pam "x; {"; auth_pam_set_pam_env on; }'
finds "nginx-pam-env: it is on" 1 "nginx-pam-env /etc/nginx/sites-enabled/jira:2"
CONF=$SCRATCH/former.conf
nginx 'location / {' "$("$PAT_ADMIN" --config "$main" guard nginx)" '}'
finds "nginx-guard: one that a prefix is missing in" 0 \
	"nginx-guard /etc/nginx/sites-enabled/jira:3"
nginx 'location / {' "$("$PAT_ADMIN" --config "$CONF" guard nginx)" '}'
finds "nginx-guard: the guard of these prefixes" 0 none
CONF=$main
nginx '# auth_pam_set_pam_env on;' 'location / {' \
	'auth_pam_set_pam_env' '  off; auth_pam_service_name "jira-pat"; }'
finds "nginx-pam-env: it is off" 0 none

# shellcheck disable=SC2016
SETS='proxy_set_header X-Forwarded-User $remote_user;'
nginx 'location / { auth_pam_service_name jira-pat;' "$SETS }"
finds "nginx-headers: other headers pass" 0 \
	"nginx-headers /etc/nginx/sites-enabled/jira:3"
nginx 'location / { auth_pam_service_name jira-pat;' \
	"$SETS" 'proxy_pass_request_headers off; }'
finds "nginx-headers: those that pass are listed" 0 none

# Spellings that nginx reads.
nginx 'location / { auth_pam_service_name jira-pat;' \
	'proxy_set_header X-Forwarded-User ${remote_user};' \
	'auth_pam_set_pam_env on; }'
finds "nginx-headers: braces in a variable" 1 "nginx-pam-env \
/etc/nginx/sites-enabled/jira:4 nginx-headers /etc/nginx/sites-enabled/jira:3"
machine
printf 'http{include\t"sites-enabled/*" ;}\r\n' | put /etc/nginx/nginx.conf
printf 'server{\r\nauth_pam_service_name\r\n\t'"'nothing'"';#x\r\n}\r\n' |
	put "/etc/nginx/sites-enabled/my site"
finds "pam-missing: an include with quotes, CR LF, nothing between" 1 \
	"pam-missing /etc/nginx/sites-enabled/my site:2"

# --- Other doors that ask PAM --------------------------------------------------

# door SERVICE [FILE LINE...]: a machine whose service takes tokens, with an account
# that needs none, and the door's file with these lines.
door() {
	machine
	rm "$TREE"/etc/pam.d/jira-pat*
	printf '%s\n' 'auth required pam_jira_pat.so' \
		'account sufficient pam_jira_pat.so' \
		'account required pam_unix.so' | put "/etc/pam.d/$1"
	[ $# -lt 2 ] || {
		door_file=$2
		shift 2
		printf '%s\n' "$@" | put "$door_file"
	}
}

# opens SENTENCE DOOR: the last line names that door.
opens() {
	run check --root "$TREE"
	like "$1" "$out" "*doors*tokens*$2*"
}

# only_tokens SERVICE: its account stack has tokens alone.
only_tokens() {
	printf '%s required pam_jira_pat.so\n' auth account |
		put "/etc/pam.d/$1"
}

DC=/etc/dovecot/dovecot.conf
door dovecot $DC 'passdb {' 'driver = pam' 'args = cache_key=%u%s dovecot' '}' \
	'auth_cache_size = 10M' 'auth_username_format = %u'
finds "dovecot-cache: 2.3 keeps what PAM said" 1 "dovecot-cache /etc/pam.d/dovecot:1"
door dovecot $DC 'passdb {' 'driver = pam' 'args = dovecot' '}' \
	'auth_cache_size = 10M' 'auth_username_format = %u'
finds "dovecot-cache: 2.3 without cache_key does not" 0 none
opens "dovecot is a door that tokens open" "dovecot (dovecot)"
door dovecot $DC 'dovecot_config_version = 2.4.0' 'passdb pam {' \
	'service_name = dovecot' '}' 'auth_cache_size = 10M' \
	'auth_username_format = %{user}'
finds "dovecot-cache: 2.4 needs no cache_key" 1 "dovecot-cache /etc/pam.d/dovecot:1"
door dovecot $DC 'dovecot_config_version = 2.4.0' 'passdb pam {' \
	'use_cache = no' '}' 'auth_cache_size = 10M' \
	'auth_username_format = %{user}'
finds "dovecot-cache: 2.4 with use_cache = no" 0 none
door dovecot $DC 'driver = pam' '# auth_cache_size = 10M' 'auth_cache_size = 0'
finds "door-case: Dovecot makes small letters" 0 "door-case /etc/pam.d/dovecot:1"
door dovecot $DC 'passdb pam {' '}' 'auth_username_format = %{user | lower}'
finds "door-case: also if that is written down" 0 "door-case /etc/pam.d/dovecot:1"
door dovecot $DC 'dovecot_config_version = 2.4.0' 'auth_username_format = %Lu'
finds "dovecot-syntax: 2.4 takes %Lu as it stands" 1 \
	"dovecot-syntax /etc/pam.d/dovecot:1 door-case /etc/pam.d/dovecot:1"
door dovecot $DC 'auth_username_format = %u'
finds "dovecot-syntax: 2.3 knows %u" 0 none
door dovecot $DC 'passdb pam {' 'service_name = Nothing'
finds "pam-missing: Dovecot's service has no file" 1 "pam-missing $DC:2"

SQ=/etc/squid/squid.conf
SQUID='auth_param basic program /usr/lib/squid/basic_pam_auth -n proxy'
door proxy $SQ "$SQUID" 'auth_param basic casesensitive on'
finds "squid-cache: credentialsttl is two hours" 1 \
	"door-address /etc/pam.d/proxy:1 squid-cache /etc/pam.d/proxy:1"
door proxy $SQ "$SQUID" 'auth_param basic credentialsttl 2 hours'
finds "squid-cache: also if it says so; names are folded" 1 \
	"door-address /etc/pam.d/proxy:1 door-case /etc/pam.d/proxy:1 squid-cache /etc/pam.d/proxy:1"
door proxy $SQ "$SQUID" 'auth_param basic casesensitive on' \
	'auth_param basic credentialsttl 3 seconds'
finds "door-address: Squid gives none, and keeps nothing" 0 \
	"door-address /etc/pam.d/proxy:1"
door proxy $SQ "$SQUID" 'auth_param basic casesensitive on' \
	'auth_param basic credentialsttl 7200 seconds'
finds "squid-cache: two hours in seconds" 1 \
	"door-address /etc/pam.d/proxy:1 squid-cache /etc/pam.d/proxy:1"
door proxy $SQ "$SQUID" 'auth_param basic casesensitive on' \
	'auth_param basic credentialsttl 0 seconds'
finds "squid-zero: no request would ever end" 1 \
	"door-address /etc/pam.d/proxy:1 squid-zero /etc/pam.d/proxy:1"
door other-service $SQ "$SQUID"
finds "pam-missing: Squid's service has no file" 1 "pam-missing $SQ:1"
door squid
opens "without a file of its own, a door asks its usual service" "squid (squid)"

LT=/etc/lighttpd/lighttpd.conf
door http $LT 'auth.backend = "pam"' 'auth.cache = ( "max-age" => "600" )'
finds "lighttpd-cache: auth.cache" 1 "lighttpd-cache /etc/pam.d/http:1"
door http $LT 'auth.backend = "pam"' '# auth.cache = ( "max-age" => "600" )'
finds "lighttpd-cache: in a comment" 0 none
door jira-pat $LT 'auth.backend = "pam"'
finds "pam-missing: lighttpd's service is http" 1 "pam-missing $LT:1"
door jira-pat $LT 'auth.backend = "pam"' \
	'auth.backend.pam.opts = ( "service" => "jira-pat" )'
finds "pam-missing: or what it is told" 0 none

OV=/etc/openvpn/server/a.conf
PLUGIN='plugin /usr/lib/openvpn/openvpn-plugin-auth-pam.so vpn'
door vpn $OV "$PLUGIN"
finds "openvpn-reneg: an hour" 0 "openvpn-reneg /etc/pam.d/vpn:1"
door vpn $OV "$PLUGIN" 'reneg-sec 0'
finds "openvpn-reneg: never" 0 "openvpn-reneg /etc/pam.d/vpn:1"
door vpn $OV "$PLUGIN" 'reneg-sec 300'
finds "openvpn-reneg: five minutes" 0 none
door vpn $OV "$PLUGIN" 'reneg-sec 300' 'auth-gen-token 3600'
finds "openvpn-once: the server's own tokens" 1 "openvpn-once /etc/pam.d/vpn:1"
door jira $OV ";$PLUGIN"
finds "pam-missing: in a comment of OpenVPN" 0 none

door sudo
finds "sudo-cache: sudo remembers" 0 "sudo-cache /etc/pam.d/sudo:1"
door sudo /etc/sudoers 'Defaults timestamp_timeout=0'
finds "sudo-cache: not with timestamp_timeout=0" 0 none
only_tokens sudo
finds "door-account: the second sudo" 0 "door-account /etc/pam.d/sudo:1"

SD=/etc/ssh/sshd_config
door sshd $SD 'UseDNS yes'
finds "door-address: sshd with UseDNS" 0 \
	"door-address /etc/pam.d/sshd:1 door-local /etc/pam.d/sshd:1"
door sshd $SD '#UseDNS yes'
finds "door-local: sshd knows local users alone" 0 "door-local /etc/pam.d/sshd:1"
only_tokens sshd
finds "door-account: a public key" 0 \
	"door-local /etc/pam.d/sshd:1 door-account /etc/pam.d/sshd:1"
echo 'PubkeyAuthentication no' | put $SD
finds "door-account: none without public keys" 0 "door-local /etc/pam.d/sshd:1"
door sshd $SD 'UseDNS no'
put /usr/lib/openssh/sshd-session </dev/null
finds "sshd-penalties: OpenSSH 9.8 and later" 0 \
	"door-local /etc/pam.d/sshd:1 sshd-penalties /etc/pam.d/sshd:1"
echo 'PerSourcePenaltyExemptList 192.0.2.0/24' |
	put /etc/ssh/sshd_config.d/ci.conf
finds "sshd-penalties: not for those that are named" 0 \
	"door-local /etc/pam.d/sshd:1"

VS=/etc/vsftpd.conf
door ftp $VS 'pam_service_name=ftp'
finds "door-local: vsftpd" 0 "door-local /etc/pam.d/ftp:1"
door ftp $VS 'pam_service_name=ftp' 'guest_enable=YES'
finds "door-local: vsftpd with guests" 0 none
for one in pure-ftpd:door-address:door-local cockpit:door-local \
	cups:door-address exim:door-address:exim-denied mysql:door-address su:door-address \
	login:door-address; do
	door "${one%%:*}"
	wanted=
	for name in $(echo "${one#*:}" | tr ':' ' '); do
		wanted="$wanted $name /etc/pam.d/${one%%:*}:1"
	done
	finds "${one%%:*} has what is known of it" 0 "${wanted# }"
done
door exim
put /etc/pam.d/exim <"$EXAMPLES/exim/exim"
finds "exim-denied: not with the example's file" 0 "door-address /etc/pam.d/exim:6"
AA=/etc/apparmor.d/usr.sbin.cupsd
door cups $AA '/usr/sbin/cupsd flags=(attach_disconnected) {' '/run/** rm,' '}'
finds "cups-apparmor: Debian's profile" 0 \
	"cups-apparmor /etc/pam.d/cups:1 door-address /etc/pam.d/cups:1"
put /etc/apparmor.d/local/usr.sbin.cupsd <"$EXAMPLES/cups/apparmor"
finds "cups-apparmor: not with the example's lines" 0 "door-address /etc/pam.d/cups:1"
: | put /etc/apparmor.d/local/usr.sbin.cupsd
: | put /etc/apparmor.d/disable/usr.sbin.cupsd
finds "cups-apparmor: not where the profile is disabled" 0 \
	"door-address /etc/pam.d/cups:1"
door radius /etc/freeradius/3.0/mods-enabled/pam 'pam {' 'pam_auth = radius' '}'
finds "door-address: FreeRADIUS" 0 "door-address /etc/pam.d/radius:1"
door pg /etc/postgresql/17/main/pg_hba.conf \
	'host all all ::1/128 pam pamservice=pg pam_use_hostname=1'
finds "door-address: PostgreSQL with pam_use_hostname" 0 \
	"door-address /etc/pam.d/pg:1"
door pg /etc/postgresql/17/main/pg_hba.conf \
	'host all all ::1/128 pam pamservice=pg'
finds "door-address: PostgreSQL as it stands" 0 none
for one in hostssl local hostnossl; do
	door jira-pat /etc/postgresql/17/main/pg_hba.conf "$one all all pam"
	finds "pam-missing: PostgreSQL asks PAM by $one" 1 \
		"pam-missing /etc/postgresql/17/main/pg_hba.conf:1"
done
door ftps /etc/proftpd/proftpd.conf 'AuthPAMConfig ftps' 'UseReverseDNS on'
echo 'session optional pam_permit.so' >>"$TREE/etc/pam.d/ftps"
finds "door-address: ProFTPD with UseReverseDNS" 0 "door-address /etc/pam.d/ftps:1"
PF=/etc/proftpd/conf.d/jira-pat.conf
door ftps $PF 'AuthPAMConfig ftps'
finds "door-session: ProFTPD opens one" 0 "door-session /etc/pam.d/ftps:1"
for one in '-session optional pam_permit.so' 'session include common-session' \
	'@include common-session-noninteractive'; do
	door ftps $PF 'AuthPAMConfig ftps'
	echo "$one" >>"$TREE/etc/pam.d/ftps"
	finds "door-session: a line for it: $one" 0 none
done
door ftps $PF 'AuthPAMConfig proftpd'
echo '@include ftps' | put /etc/pam.d/proftpd
finds "door-session: neither has what it includes" 0 \
	"door-session /etc/pam.d/proftpd:1"
echo 'session optional pam_permit.so' >>"$TREE/etc/pam.d/ftps"
finds "door-session: unless that has one" 0 none
door jira-pat $SD 'UseDNS yes'
finds "a door whose service takes no tokens is not judged" 0 none
door common-auth
echo '@include common-auth' | put /etc/pam.d/sshd
finds "a service that includes one with tokens takes them" 0 \
	"door-local /etc/pam.d/sshd:1"
printf 'auth required pam_env.so\nauth substack common-auth\n' |
	put /etc/pam.d/sshd
finds "also by substack" 0 "door-local /etc/pam.d/sshd:2"
only_tokens tokens
printf 'auth include tokens\naccount include tokens\n' | put /etc/pam.d/sshd
finds "door-account: an account stack of tokens alone is included" 0 \
	"door-local /etc/pam.d/sshd:1 door-account /etc/pam.d/sshd:1"
for one in '@include common-account' 'account required pam_unix.so' \
    'account include common-account'; do
	printf 'auth include tokens\n%s\n' "$one" | put /etc/pam.d/sshd
	finds "door-account: only auth is included: $one" 0 \
		"door-local /etc/pam.d/sshd:1"
done
rm "$TREE/etc/pam.d/tokens"
door z-tokens
echo 'auth include system-auth' | put /etc/pam.d/sshd
echo 'auth include z-tokens' | put /etc/pam.d/system-auth
echo 'auth include sshd' | put /etc/pam.d/login
finds "also through others, in whatever order" 0 \
	"door-address /etc/pam.d/login:1 door-local /etc/pam.d/sshd:1"
door sshd $SD
head -c 5000 /dev/urandom | put $SD
head -c 5000 /dev/urandom | put /etc/pam.d/noise
finds "noise in a door's file is passed over" 0 "door-local /etc/pam.d/sshd:1"

# --- SASL ---------------------------------------------------------------------------------

# sasl LINE...: the file of svnserve.
sasl() {
	machine
	put /usr/lib/x86_64-linux-gnu/sasl2/libjirapat.so </dev/null
	printf '%s\n' "$@" | put /etc/sasl2/svn.conf
}

SVN=/etc/sasl2/svn.conf

sasl '# tokens' 'jirapat_enable: yes' 'mech_list: ANONYMOUS plain' \
	'jirapat_fallback: no'
finds "a right file of SASL has no trap" 0 none
put "/etc/sasl2/$(printf 'x\033\377').conf" <<-END
	jirapat_enable: yes
END
finds "a file whose name is no text is named all the same" 0 none
sasl 'jirapat_enable: yes' 'jirapat_falback: yes'
finds "sasl-key: a key that is misspelt" 1 "sasl-key $SVN:2"
sasl 'jirapat_enable = yes' 'jirapat_enable: yes'
finds "sasl-syntax: not key: value" 1 "sasl-syntax $SVN:1"
sasl 'jirapat_fallback: yes' 'jirapat_enable: no'
finds "sasl-inert: it is not enabled" 0 "sasl-inert $SVN:1"
sasl 'jirapat_enable: yes'
rm "$TREE"/usr/lib/*/sasl2/libjirapat.so
finds "sasl-plugin: it is not installed" 1 "sasl-plugin $SVN:1"
sasl 'jirapat_enable: yes' 'mech_list: SCRAM-SHA-256'
finds "sasl-mechs: none that carries a token" 1 "sasl-mechs $SVN:2"
sasl 'pwcheck_method: saslauthd' 'saslauthd_path: /run/jira-pat/mux'
finds "sasl-socket: there is none" 0 "sasl-socket $SVN:2"
mkdir -p "$TREE/run/jira-pat/mux"
finds "sasl-folder: it is a folder" 1 "sasl-folder $SVN:2"
mkdir -p "$TREE/var/spool/postfix/run/jira-pat"
# socket FOLDER [NAME]: makes one.
socket() {
	(cd "$1" && python3 -c 'import socket, sys
socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "${2:-mux}")
}
socket "$TREE/var/spool/postfix/run/jira-pat"
finds "sasl-folder: the socket is in Postfix's chroot" 0 none
rm -r "$TREE/var/spool/postfix" "$TREE/run/jira-pat/mux"
socket "$TREE/run/jira-pat"
finds "sasl-socket: it is there" 0 none
sasl 'JiraPat_Enable: Yes' '  MECH_LIST:SCRAM-SHA-256'
finds "sasl-mechs: keys in capitals, no blank behind the colon" 1 \
	"sasl-mechs $SVN:2"
sasl 'jirapat_enable: yes' 'mech_list:'
finds "sasl-syntax: a key without a value" 1 "sasl-syntax $SVN:2"
sasl '# a comment \' 'jirapat_enable: yes' 'jirapat_falback: yes \'
finds "sasl-key: no line goes on in the next one" 1 "sasl-key $SVN:3"
printf 'jirapat_enable: yes\r\njirapat_falback:\tyes\r\n' | put $SVN
finds "sasl-key: CR LF, and a tab" 1 "sasl-key $SVN:2"
sasl 'pwcheck_method: auxprop' 'a line of something else'
finds "a file of SASL that is not about tokens is not judged" 0 none
machine
printf '%s\n' 'configdirectory: /var/lib/cyrus' 'sasl_jirapat_enable: yes' |
	put /etc/imapd.conf
finds "sasl-plugin: Cyrus IMAP has its keys in imapd.conf" 1 \
	"sasl-plugin /etc/imapd.conf:2"

machine
put /usr/lib/x86_64-linux-gnu/sasl2/libjirapat.so </dev/null
echo 'jirapat_enable: yes' | put /etc/postfix/sasl/smtpd.conf
echo 'myhostname = a' | put /etc/postfix/main.cf
finds "postfix-path: main.cf does not name the folder" 1 \
	"postfix-path /etc/postfix/sasl/smtpd.conf:1"
echo 'cyrus_sasl_config_path = /etc/postfix/sasl' | put /etc/postfix/main.cf
finds "postfix-path: it does" 0 none

tree
put /usr/lib/x86_64-linux-gnu/sasl2/libjirapat.so </dev/null
printf 'mech_list: PLAIN\njirapat_enable: yes\n' | put /etc/sasl2/qemu.conf
echo 'root:x:0:0::/root:/bin/sh' | put /etc/passwd
finds "qemu-peer: libvirt is not here" 0 none
echo 'libvirt-qemu:x:64055:994::/var/lib/libvirt:/bin/sh' >>"$TREE/etc/passwd"
finds "qemu-peer: as an account that patd does not answer" 0 \
	"qemu-peer /etc/sasl2/qemu.conf:2"
main=$CONF CONF=$SCRATCH/allowed.conf
sed '/^\[patd\]/a allow_users = root libvirt-qemu' "$main" >"$CONF"
traps
is "qemu-peer: allow_users names it" "$found" none
CONF=$main

# --- Tomcat ---------------------------------------------------------------------------------

CONTEXT=/var/lib/tomcat10/webapps/app/META-INF/context.xml
REALM='<Realm className="org.apache.catalina.realm.JNDIRealm"'
VALVE='<Valve className="org.apache.catalina.authenticator.BasicAuthenticator"'

tomcat() {
	machine
	printf '%s\n' "$@" | put $CONTEXT
}

tomcat '<Context>' "$VALVE" ' charset="UTF-8"/>' "$REALM />" '</Context>'
finds "tomcat-cache: BasicAuthenticator as it stands" 1 "tomcat-cache $CONTEXT:2"
tomcat '<Context>' "$VALVE" ' cache="false" />' "$REALM />" '</Context>'
finds "tomcat-cache: with cache=\"false\"" 0 none
tomcat '<Context>' "$VALVE" '	cache = "False" />' "$REALM />" '</Context>'
finds "tomcat-cache: blanks, and a capital" 0 none
tomcat '<Context>' "$VALVE usecache='false' cache='true' />" "$REALM />" \
	'</Context>'
finds "tomcat-cache: on, and another attribute off" 1 "tomcat-cache $CONTEXT:2"
tomcat '<Context>' "$VALVE realmName='a > b' cache='false' />" "$REALM />" \
	'</Context>'
finds "tomcat-cache: a > in quotes" 0 none
tomcat '<Context>' "$REALM />" '</Context>'
finds "tomcat-realm: no BasicAuthenticator" 0 "tomcat-realm $CONTEXT:2"
tomcat '<Context>' "<!-- $REALM />" "$VALVE/> -->" "$VALVE/>" '</Context>'
finds "tomcat-realm: in a comment" 0 none

# shellcheck source=tests/cli/doctor_proxies.sh
. "$JP_SOURCE/tests/cli/doctor_proxies.sh"

# --- The other examples -----------------------------------------------------------------

# example SOURCE FILE: that example becomes this file, if there is such an example.
example() {
	[ ! -e "$EXAMPLES/$1" ] || put "$2" <"$EXAMPLES/$1"
}
for kind in saslauthd plugin; do
	machine
	put /usr/lib/x86_64-linux-gnu/sasl2/libjirapat.so </dev/null
	example svnserve/svn-$kind.conf /etc/sasl2/svn.conf
	example memcached/memcached-$kind.conf /etc/sasl2/memcached.conf
	example slapd/sasl-$kind.conf /etc/ldap/sasl2/slapd.conf
	example postfix/smtpd-$kind.conf /etc/postfix/sasl/smtpd.conf
	example cyrus/imapd-$kind.conf /etc/imapd.conf
	example tomcat/context-$kind.xml $CONTEXT
	# shellcheck disable=SC2013
	for path in $(grep -r -h 'saslauthd_path:' "$TREE/etc" |
		sed 's/.*: *//' | sort -u); do
		mkdir -p "$TREE$(dirname "$path")"
		socket "$TREE$(dirname "$path")" "$(basename "$path")"
	done
	finds "the examples of $kind have no trap" 0 none
done

# --- Files that are not what they seem ---------------------------------------------------

apache 'AuthPAMService jira-pat'
head -c 2000000 /dev/zero | tr '\0' 'x' | put /etc/apache2/sites-enabled/huge.conf
head -c 5000 /dev/urandom | put /etc/apache2/sites-enabled/noise.conf
mkdir "$TREE/etc/apache2/sites-enabled/folder.conf"
mkfifo "$TREE/etc/apache2/sites-enabled/pipe.conf"
ln -s nowhere "$TREE/etc/apache2/sites-enabled/link.conf"
finds "huge, odd and missing files are passed over" 0 none
is_json "and the JSON stays whole"
printf 'AuthPAMService "\377\001\\"\n' | put $SITE
traps
is "odd bytes in a name are escaped" "$status $found" "1 pam-missing $SITE:1"
is_json "and in JSON, too"

# --- The rest ---------------------------------------------------------------------------------

tree
exits "a root that is no folder: exit status 2" 2 check --root "$CONF"
exits "store and pepper are well" 0 check --root "$TREE"
chmod 644 "$HOME_DIR/key/pepper.key"
exits "a pepper that everybody can read: exit status 1" 1 check --root "$TREE"
like "it says what to do" "$out" "*bad   pepper*chmod 0600*"
chmod 600 "$HOME_DIR/key/pepper.key"
cp "$CONF" "$CONF.before"
sed -i -e "s|^pepper_file = .*|pepper_file = $HOME_DIR/store/pepper.key|" \
	-e "s|^\[patd\]|&\nupstream_key_file = $HOME_DIR/key/upstream.key|" "$CONF"
cp -p "$HOME_DIR/key/pepper.key" "$HOME_DIR/store/pepper.key"
exits "a pepper in the directory of the store: exit status 1" 1 \
	check --root "$TREE"
like "it says what to do about that" "$out" "*bad   pepper*move it*"
rm "$HOME_DIR/store/pepper.key"
mv "$CONF.before" "$CONF"
chmod 755 "$HOME_DIR/store"
exits "a store that everybody can enter: exit status 1" 1 check --root "$TREE"
chmod 700 "$HOME_DIR/store"
chmod 644 "$HOME_DIR/store/users.db"
exits "a file in it that everybody can read: exit status 1" 1 check --root "$TREE"
like "it is named" "$out" "*bad   store*/store/users.db*chmod 0600*"
chmod 600 "$HOME_DIR/store/users.db"
if [ "$(id -u)" = 0 ]; then
	owner=$(stat -c %u "$HOME_DIR/store/users.db")
	chown 65534 "$HOME_DIR/store/users.db"
	exits "a file in it of another user: exit status 1" 1 check --root "$TREE"
	like "it is named" "$out" "*bad   store*/store/users.db*chown it to uid $owner*"
	chown "$owner" "$HOME_DIR/store/users.db"
fi

# What tokens open, and whether somebody answers. The machine's own folders are
# those of the tree, for this one command.
tree
exits "no front door asks: exit status 0" 0 check --root "$TREE"
like "that is said, as the last line" "$(echo "$out" | tail -n 1)" \
	"warn  doors*tokens open no door*"
apache 'AuthPAMService jira-pat'
like "patd is down, in a tree: a warning, as the last line" \
	"$(run check --root "$TREE"; echo "$status $out" | tail -n 1)" \
	"warn  doors*tokens would open apache (jira-pat), but patd is not running*"
out=$("$PAT_ADMIN" check --root "$TREE")
is "a tree alone has nothing of this machine" \
	"$(echo "$out" | cut -c 1-18 | tr -s ' ' | sort -u | tr '\n' ';')" \
	"ok apache ;ok pam ;warn doors ;"

# as_machine COMMAND...: with the tree's /etc/apache2 and /etc/pam.d in place of
# this machine's.
as_machine() {
	# shellcheck disable=SC2016
	unshare -m sh -c 'mount --make-rprivate / &&
		for one in pam.d apache2; do
			mkdir -p "/etc/$one" &&
				mount --bind "$0/etc/$one" "/etc/$one" || exit 99
		done; exec "$@"' "$TREE" "$@"
}
if [ -d /etc/apache2 ] && as_machine true 2>/dev/null; then
	put /etc/pam.d/jira-pat <<-END
		auth    required $JP_BUILD/.libs/pam_jira_pat.so
		account required $JP_BUILD/.libs/pam_jira_pat.so
	END
	rm "$TREE/etc/pam.d/jira-pat-or-password"
	out=$(as_machine "$PAT_ADMIN" --config "$CONF" check)
	is "patd is down and Apache asks: exit status 1" $? 1
	like "that is said, as the last line" "$(echo "$out" | tail -n 1)" \
		"bad   doors*tokens would open apache (jira-pat)*start it*"
	cli_patd || bail "patd does not start: $(cat "$SCRATCH/log/patd.log")"
	sed -i "s|\.so\$|& socket=$HOME_DIR/run/verify.sock|" \
		"$TREE/etc/pam.d/jira-pat"
	out=$(as_machine "$PAT_ADMIN" --config "$CONF" check)
	is "patd runs and Apache asks: nothing bad of either" \
		"$(echo "$out" | grep '^bad *\(patd\|apache\|doors\)')" ""
	like "what tokens open is said, as the last line" \
		"$(echo "$out" | tail -n 1)" "ok    doors*tokens open apache (jira-pat)*"
	stop patd
else
	skip "the machine's own front doors" "needs root, unshare and Apache"
fi
tree
cli_patd || bail "patd does not start: $(cat "$SCRATCH/log/patd.log")"
exits "patd is well" 0 check --root "$TREE"
like "patd listens" "$out" "*ok    patd*verify.sock*"
machine
# auth_line EXAMPLE: where its line of our module is.
auth_line() {
	grep -n '^auth.*pam_jira_pat' "$EXAMPLES/pam.d/$1" | cut -d : -f 1
}
finds "pam-socket: patd runs, and the module asks elsewhere" 1 \
	"pam-socket /etc/pam.d/jira-pat:$(auth_line jira-pat) pam-socket \
/etc/pam.d/jira-pat-or-password:$(auth_line jira-pat-or-password)"
mkdir -p "$TREE/run/jira-pat" "$TREE/run/other"
socket "$TREE/run/jira-pat" verify.sock
finds "pam-socket: the socket is where it asks" 0 none
printf 'auth required pam_jira_pat.so %s\naccount required pam_jira_pat.so\n' \
	'socket=/run/other/verify.sock' | put /etc/pam.d/jira-pat
finds "pam-socket: it asks where none is" 1 "pam-socket /etc/pam.d/jira-pat:1"
is "pam-socket: it says where" \
	"$(json '[f["text"].split(":")[0] for f in d if "trap" in f]')" \
	"['/run/other/verify.sock']"
socket "$TREE/run/other" verify.sock
finds "pam-socket: by socket=" 0 none
tree
stop patd
sed -i "s|^\[patd\]|&\nmux = $HOME_DIR/mux|" "$CONF"
cli_patd || bail "patd does not start: $(cat "$SCRATCH/log/patd.log")"
exits "patd with mux is well" 0 check --root "$TREE"
like "mux listens" "$out" "*ok    mux*listens on $HOME_DIR/mux*"
rm "$HOME_DIR/mux"
exits "mux that nobody can reach: exit status 1" 1 check --root "$TREE"
like "it says what to do" "$out" "*bad   mux*$HOME_DIR/mux*restart patd*"
stop patd

TRAIL=$HOME_DIR/log/audit.jsonl
sed -i "s|^\[patd\]|&\naudit_file = $TRAIL|" "$CONF"
exits "no folder for the audit trail: exit status 1" 1 check --root "$TREE"
like "it says what to do" "$out" "*bad   audit*$HOME_DIR/log: *create it*"
mkdir "$HOME_DIR/log"
exits "a folder for it, and no trail yet: exit status 0" 0 check --root "$TREE"
if [ "$(id -u)" = 0 ]; then
	owner=$(stat -c %u "$HOME_DIR/log")
	chown 65534 "$HOME_DIR/log"
	exits "a folder that patd cannot write: exit status 1" 1 check --root "$TREE"
	like "it says what to do" "$out" "*bad   audit*$HOME_DIR/log: *chown the directory to uid $owner*"
	chmod 777 "$HOME_DIR/log"
	exits "one that it can, whose ever it is: exit status 0" 0 check --root "$TREE"
	chmod 755 "$HOME_DIR/log"
	chown "$owner" "$HOME_DIR/log"
fi
echo '{}' >"$TRAIL"
chmod 666 "$TRAIL"
exits "a trail that everybody can write: exit status 1" 1 check --root "$TREE"
like "it says what to do" "$out" "*bad   audit*chmod 0644*"

# services LINE...: sections of the configuration.
services() {
	cli_conf "$HOME_DIR" 'max_per_user = 0' >"$CONF"
	printf '[service %s]\nscope = s\n' "$@" >>"$CONF"
}
services 'jira-read' 'jira-*' 'svn'
exits "sections that hide none: exit status 0" 0 check --root "$TREE"
like "they are counted" "$out" "*ok    services*4 sections*"
services 'jira-*' 'jira-read'
exits "a section that another one hides: exit status 1" 1 check --root "$TREE"
like "both are named" "$out" "*jira-read] never applies: *jira-\**order*"
services '*' 'jira-[rw]*'
exits "a pattern behind a wider one: exit status 1" 1 check --root "$TREE"
services '*'
echo 'read_paths = POST /search' >>"$CONF"
exits "paths that read, without read_scope: exit status 0" 0 check --root "$TREE"
like "they have no effect, which is said" "$out" "*warn  services*read_scope*"
echo 'read_scope = r' >>"$CONF"
exits "with read_scope: exit status 0" 0 check --root "$TREE"
is "nothing is said" "$(echo "$out" | grep 'warn  services')" ""

# --- pat-httpd ----------------------------------------------------------------

# httpd LINE...: the configuration, with these lines.
httpd() {
	cli_conf "$HOME_DIR" >"$CONF"
	printf '%s\n' "$@" >>"$CONF"
}
httpd
exits "a pat-httpd that nobody uses: exit status 0" 0 check --root "$TREE"
is "nothing is said of it" "$(echo "$out" | grep pat-httpd)" ""
httpd '[pat-httpd]'
exits "a section without a key is no use of it: exit status 0" 0 \
	check --root "$TREE"
httpd '[pat-httpd]' 'user = nobody-of-that-name'
exits "pat-httpd is configured, and not there: exit status 1" 1 \
	check --root "$TREE"
like "its user is missing" "$out" \
	"*bad   pat-httpd*no user nobody-of-that-name: run adduser*"
like "a socket is missing" "$out" \
	"*bad   pat-httpd*$HOME_DIR/run/http.sock: No such file*start pat-httpd*"
like "the other one, too" "$out" "*bad   pat-httpd*/fcgi.sock: No such file*"
mkdir -p "$HOME_DIR/run"
start listeners python3 -c 'import os, signal, socket, sys
unix = [socket.socket(socket.AF_UNIX) for path in sys.argv[2:]]
for one, path in zip(unix, sys.argv[2:]):
    one.bind(path)
    one.listen()
port = socket.create_server(("127.0.0.1", 0))
with open(sys.argv[1] + ".new", "w") as file:
    print(port.getsockname()[1], file=file)
os.rename(sys.argv[1] + ".new", sys.argv[1])
signal.pause()' "$SCRATCH/port" "$HOME_DIR/run/http.sock" "$HOME_DIR/run/fcgi.sock"
wait_for 60 test -s "$SCRATCH/port" || bail "no sockets"
PORT=$(cat "$SCRATCH/port")
httpd '[pat-httpd]' "user = $(id -u)" '[listener apache]' \
	"listen = 127.0.0.1:$PORT" 'protocol = fastcgi'
exits "pat-httpd and its sockets are there: exit status 0" 0 check --root "$TREE"
for one in "$HOME_DIR/run/http.sock" "$HOME_DIR/run/fcgi.sock" "127.0.0.1:$PORT"; do
	like "it is seen to listen" "$out" "*ok    pat-httpd*listens on $one*"
done
like "a port of FastCGI that anybody can take" "$out" \
	"*warn  pat-httpd*[[]listener apache] 127.0.0.1:$PORT*systemd*"
printf '[Socket]\nListenStream=127.0.0.1:%s\n' "$PORT" |
	put /etc/systemd/system/pat-httpd.socket
exits "a socket unit holds it: exit status 0" 0 check --root "$TREE"
is "no warning then" "$(echo "$out" | grep 'warn  pat-httpd')" ""

# --- What was left by a command that was killed ------------------------------------

tree
for what in "store.restore:restore:and run" "key/pepper.key.restore:restore:and run" \
	"store.join:cluster join:or run"; do
	command=${what#*:}
	left=$HOME_DIR/${what%%:*}
	mkdir "$left"
	run check --root "$TREE"
	like "${what%%:*} is there: what to do about it is said" "$out" \
		"*warn  store *$left: a \`pat-admin ${command%:*}\`*rm -r $left, ${what##*:} it again*"
	rmdir "$left"
done
run check --root "$TREE"
is "it is gone: nothing is said" "$(echo "$out" | grep 'was killed')" ""

# --- The page of pat-httpd ------------------------------------------------------

# page LINE...: the configuration with [self_service] and these lines in it;
# sections may follow.
page() {
	httpd '[pat-httpd]' "user = ${HTTP_USER:-bin}" '[self_service]' "$@"
	tree
}

# The line of the configuration that begins with these bytes.
conf_line() {
	grep -n -F -m 1 "$1" "$CONF" | cut -d: -f1
}

DAEMON=daemon # an account of a system that every machine has
page "trusted_peers = $DAEMON" 'url = https://jira.example.com/tokens' \
	'max_auth_age = 15m' 'login_url = /sign_in' 'services = narrow'
finds "a page as it should be has no trap" 0 none
run check --root "$TREE"
like "and that is said" "$out" "*ok    page *no known trap*"
for HTTP_USER in 0 "$DAEMON"; do
	page "trusted_peers = $DAEMON"
	finds "page-account: pat-httpd as $HTTP_USER" 1 \
		"page-account $CONF:$(conf_line "user = $HTTP_USER")"
done
HTTP_USER=
page "trusted_peers = $DAEMON" '[cluster]' 'conninfo = host=/tmp' "user = bin"
finds "page-account: as pat-clusterd" 1 \
	"page-account $CONF:$(conf_line "user = bin")"
httpd '[pat-httpd]' 'user = 0'
tree
finds "page-account: without a page" 0 none
page "trusted_peers = $DAEMON, no-such-account"
finds "page-peer: an account that is not there" 1 \
	"page-peer $CONF:$(conf_line trusted_peers)"
run check --root "$TREE"
like "page-peer: it is named" "$out" "*bad   page *no-such-account*"
page "trusted_peers = root 12345"
finds "page-person: an account of a person, by its number" 0 \
	"page-person $CONF:$(conf_line trusted_peers)"
page "trusted_peers = $DAEMON" '[listener http]' "listen = 127.0.0.1:$PORT"
finds "page-tcp: no HTTP listener has a path" 1 \
	"page-tcp $CONF:$(conf_line trusted_peers)"
page "trusted_peers = $DAEMON" '[listener http]' "listen = 127.0.0.1:$PORT" \
	'[listener own]' "listen = $HOME_DIR/run/http.sock" 'protocol = http'
finds "page-tcp: another one has" 0 none
page "users = all" '[listener http]' "listen = 127.0.0.1:$PORT"
finds "page-tcp: where nobody is believed" 0 none
page "trusted_peers = $DAEMON" 'user_header = x-forwarded-user'
finds "page-header: the one that Jira is told" 0 \
	"page-header $CONF:$(conf_line user_header)"
page 'url = https://jira.example.com/pat'
finds "page-url: another path" 0 "page-url $CONF:$(conf_line url)"
page 'url = https://jira.example.com/jira/tokens'
finds "page-url: below a path" 0 none
page "trusted_peers = $DAEMON" 'max_auth_age = 15m'
finds "page-login: nowhere to sign in again" 0 \
	"page-login $CONF:$(conf_line max_auth_age)"
page 'services = narrow jria'
finds "page-service: a typing error" 0 \
	"page-service $CONF:$(conf_line services)"
page 'rest = yes' '[service maker]' 'scope = tokens'
finds "page-scope: a service asks for the right to create" 0 \
	"page-scope $CONF:0"
page 'rest = yes' '[service maker]' 'scope = x' 'read_scope = tokens'
finds "page-scope: to read" 0 "page-scope $CONF:0"
httpd '[pat-httpd]' "user = $(id -u)" '[service maker]' 'scope = tokens'
finds "page-scope: without a page" 0 none

# What proxies pass on to it.
SOCK=$HOME_DIR/run/http.sock
USER_HEADER='proxy_set_header X-Remote-User $user;'
page "trusted_peers = $DAEMON"
nginx 'location /tokens {' "proxy_pass http://unix:$SOCK; }"
finds "nginx-page: the client's header passes" 1 "nginx-page $NGINX:3"
nginx 'location /tokens {' "$USER_HEADER" "proxy_pass http://unix:$SOCK:/tokens; }"
finds "nginx-page: it is set" 0 none
nginx 'proxy_set_header x-remote-user "";' 'location /tokens {' \
	"proxy_pass http://unix:$SOCK; }"
finds "nginx-page: it is inherited" 0 none
nginx "$USER_HEADER" 'location /tokens { proxy_set_header Host $host;' \
	"proxy_pass http://unix:$SOCK; }"
finds "nginx-page: a block with headers inherits none" 1 "nginx-page $NGINX:4"
nginx 'location /tokens { proxy_pass_request_headers off;' \
	"proxy_pass http://unix:$SOCK; }"
finds "nginx-page: no header of the client passes" 0 none
nginx 'location /tokens { proxy_pass http://page; }' '}' \
	'upstream page {' "server unix:$SOCK;"
finds "nginx-page: by an upstream that follows" 1 "nginx-page $NGINX:2"
nginx 'location = /ask {' "proxy_pass http://unix:$SOCK:/auth/jira; }" \
	'location /auth/ {' "proxy_pass http://unix:$SOCK; }" \
	'location /other { proxy_pass http://unix:/run/other.sock; }'
finds "nginx-page: questions, and other sockets" 0 none
page 'rest = yes'
nginx 'location /rest/pat {' "proxy_pass http://unix:$SOCK; }"
finds "nginx-page: nobody is believed" 0 none

# The examples, with the sockets of this world.
examples_of() {
	for file in "$EXAMPLES/$1"/*.*; do
		sed "s|/run/jira-pat/|$HOME_DIR/run/|" "$file" |
			put "/etc/$2/${file##*/}"
	done
}
page "trusted_peers = $DAEMON"
nginx 'set $jira_pat_sso_user "";' 'include jira-pat-self.conf;'
examples_of nginx nginx
printf 'http {\n  include jira-pat-authorizer-http.conf;\n%s\n}\n' \
	'include sites-enabled/*;' | put /etc/nginx/nginx.conf
finds "examples/nginx with the page has no trap" 0 none
grep -v 'pass_request_headers\|X-Remote-User' \
	"$EXAMPLES/nginx/jira-pat-self-proxy.conf" |
	put /etc/nginx/jira-pat-self-proxy.conf
traps
like "nginx-page: the example without its lines" "$status:$found" \
	"1:nginx-page /etc/nginx/jira-pat-self-proxy.conf:*"
apache 'Include /etc/apache2/jira-pat-self.conf'
examples_of apache apache2
finds "examples/apache with the page has no trap" 0 none
sed -i '/RequestHeader.*X-Remote-User/d' "$TREE/etc/apache2/jira-pat-self.conf"
traps
like "apache-page: the example without its lines" "$status:$found" \
	"1:apache-page /etc/apache2/jira-pat-self.conf:*"

page "trusted_peers = $DAEMON"
PASS="ProxyPass /tokens \"unix:$SOCK|http://localhost/tokens\""
USER_HEADER='RequestHeader set X-Remote-User "expr=%{REMOTE_USER}"'
apache "$PASS"
finds "apache-page: the client's header passes" 1 "apache-page $SITE:1"
apache "$PASS" "$USER_HEADER"
finds "apache-page: it is set" 0 none
apache "$PASS" "$USER_HEADER env=REMOTE_USER"
finds "apache-page: it is set now and then" 1 "apache-page $SITE:1"
apache "$PASS" 'RequestHeader unset x-remote-user early' \
	"$USER_HEADER \"expr=-n %{REMOTE_USER}\""
finds "apache-page: it is removed before" 0 none
apache '<Location /tokens>' "ProxyPass unix:$SOCK|http://localhost/tokens" \
	'</Location>'
finds "apache-page: in a section" 1 "apache-page $SITE:2"
apache '<VirtualHost *:1>' "$USER_HEADER" '</VirtualHost>' '<VirtualHost *:2>' \
	"$PASS" '</VirtualHost>'
finds "apache-page: another host sets it" 1 "apache-page $SITE:5"
apache "$USER_HEADER" '<VirtualHost *:2>' "$PASS" '</VirtualHost>'
finds "apache-page: it is set for all hosts" 0 none
apache 'ProxyPass /x unix:/run/other.sock|http://localhost/'
finds "apache-page: another socket" 0 none

httpd
tree
run check --root "$TREE"
like "sockets alone show that it is used" "$out" "*ok    pat-httpd*http.sock*"
stop listeners

# --- The table of traps ---------------------------------------------------------------------

# Each of the code's traps is in this test: their names are their codes', in small
# letters.
table=$JP_SOURCE/tools/doctor/traps.h
names=$(sed -n 's/^	X([A-Z_]*, LEVEL_[A-Z]*, "[a-z]*", "\([a-z-]*\)".*/\1/p' \
	"$table")
is "the whole table of traps is read, and each name is that of its code" \
	"$names" "$(sed -n 's/^	X(\([A-Z_]*\),.*/\1/p' "$table" |
		tr 'A-Z_' 'a-z-')"
for name in $names; do
	ok "$name has its tests" grep -q "^finds \"$name: \|^like \"$name: " \
		"$JP_SOURCE/tests/cli/doctor.sh" \
		"$JP_SOURCE/tests/cli/doctor_proxies.sh"
	ok "$name is found in one of them" \
		test -z "${found_traps##* "$name" *}"
done

done_testing
