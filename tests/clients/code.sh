#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# git and svn over HTTP: their own servers (git http-backend, mod_dav_svn) behind
# the proxies, with the configuration that doc/recipes.md has for them.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/document.sh
. "$JP_SOURCE/tests/lib/document.sh"
# shellcheck source=tests/lib/world.sh
. "$JP_SOURCE/tests/lib/world.sh"
# shellcheck source=tests/lib/clients.sh
. "$JP_SOURCE/tests/lib/clients.sh"
# shellcheck source=tests/clients/lib.sh
. "$JP_SOURCE/tests/clients/lib.sh"

GIT_BACKEND=$(git --exec-path 2>/dev/null)/git-http-backend
RECIPE="Git and Subversion over HTTP"

clients_needs git svn svnadmin curl "$GIT_BACKEND" \
	"$WORLD_MODULES/mod_dav_svn.so" "$WORLD_MODULES/mod_cgi.so"
scratch
ORIGIN=$SCRATCH/origin
mkdir "$ORIGIN" "$SCRATCH/svn" "$SCRATCH/home"
# Neither the configuration of this machine nor its helpers.
export HOME="$SCRATCH/home" GIT_CONFIG_NOSYSTEM=1 GIT_TERMINAL_PROMPT=0

# --- The servers ------------------------------------------------------------------

git init -q --bare "$ORIGIN/repo.git"
svnadmin create "$ORIGIN/svn"
if [ "$(id -u)" = 0 ]; then
	chown -R www-data "$ORIGIN"
fi
printf 'function user(r)\n\tr.user = r.headers_in["X-Forwarded-User"]\n%s\nend\n' \
	'	return apache2.OK' >"$SCRATCH/user.lua"

# origin_conf: Apache believes the header, as Jira does.
origin_conf() {
	cat <<-EOF
		ServerRoot $ORIGIN
		ServerName localhost
		Listen 127.0.0.1:$origin_port
		DefaultRuntimeDir $ORIGIN
		PidFile $ORIGIN/pid
		Mutex file:$ORIGIN
		ErrorLog $SCRATCH/log/origin-error.log
	EOF
	for module in mpm_prefork authz_core alias env cgi dav dav_svn lua; do
		echo "LoadModule ${module}_module $WORLD_MODULES/mod_$module.so"
	done
	[ "$(id -u)" != 0 ] || printf 'User www-data\nGroup www-data\n'
	cat <<-EOF
		LuaHookFixups $SCRATCH/user.lua user
		SetEnv GIT_PROJECT_ROOT $ORIGIN
		SetEnv GIT_HTTP_EXPORT_ALL
		ScriptAlias /git/ $GIT_BACKEND/
		<Location /svn>
		    DAV svn
		    SVNPath $ORIGIN/svn
		</Location>
	EOF
}

origin_settled() {
	running origin || return 0
	curl -s -o "$SCRATCH/probe" "http://127.0.0.1:$origin_port/svn/"
}

for _ in 1 2 3; do
	origin_port=$(free_port)
	origin_conf >"$ORIGIN/apache2.conf"
	start origin apache2 -f "$ORIGIN/apache2.conf" -DFOREGROUND
	wait_for 60 origin_settled && running origin && break
	stop origin
done
running origin || bail "the origin does not start: $(cat "$SCRATCH"/log/origin*)"

CLIENTS_SERVICES=code
CLIENTS_SECTIONS=$(block "$JP_SOURCE/doc/recipes.md" "$RECIPE" ini)
CLIENTS_NGINX_HEADERS=$(block "$JP_SOURCE/doc/recipes.md" "$RECIPE" nginx)
CLIENTS_LUA_HEADERS=$(block "$JP_SOURCE/doc/recipes.md" "$RECIPE" lua |
	tr '\n' ' ')
WORLD_BACKEND=http://127.0.0.1:$origin_port
clients_make

# --- git ----------------------------------------------------------------------------

# The token comes by a configuration or a program that only this user reads.
cat >"$SCRATCH/askpass" <<-EOF
	#!/bin/sh
	case \$1 in
	Username*) sed -n 1p "$SCRATCH/secret" ;;
	*) sed -n 2p "$SCRATCH/secret" ;;
	esac
EOF
chmod 755 "$SCRATCH/askpass"

# git_as MODE USER TOKEN ARGUMENT...
git_as() {
	(
		umask 077
		printf '%s\n' "$2" "$3" >"$SCRATCH/secret"
	)
	git_mode=$1
	git_token=$3
	shift 3
	if [ "$git_mode" = bearer ]; then
		GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=http.extraHeader \
			GIT_CONFIG_VALUE_0="Authorization: Bearer $git_token" \
			GIT_ASKPASS=/bin/false git "$@"
	else
		GIT_ASKPASS=$SCRATCH/askpass git "$@"
	fi >"$SCRATCH/git.said" 2>&1
	git_status=$?
	rm -f "$SCRATCH/secret"
	cat "$SCRATCH/git.said" >>"$SCRATCH/log/client.log"
	return $git_status
}

# said STATUS FILE: how a client ended: "in", or the status that it says it got. At
# 401 git asks for a user and a password, where there are none yet; svn has words.
said() {
	if [ "$1" = 0 ]; then
		echo in
	elif grep -q -i -e 'authentication failed' -e 'could not read Username' \
		"$2"; then
		echo 401
	elif grep -q ' forbidden$' "$2"; then
		echo 403
	else
		grep -o -E '\b(401|403|503)\b' "$2" | head -n 1
	fi
}

# clones MODE USER TOKEN / pushes MODE USER TOKEN
clones() {
	rm -rf "$SCRATCH/clone"
	git_as "$@" clone -q "$(front_url "$front" code)/git/repo.git" \
		"$SCRATCH/clone"
	said $? "$SCRATCH/git.said"
}

pushes() {
	rm -rf "$SCRATCH/work"
	git init -q -b main "$SCRATCH/work"
	pushes_at=$(($(cat "$SCRATCH/pushes" 2>/dev/null || echo 0) + 1))
	echo $pushes_at >"$SCRATCH/pushes"
	git -C "$SCRATCH/work" -c user.name=test -c user.email=test@example.org \
		commit -q --allow-empty -m "a change"
	git_as "$@" -C "$SCRATCH/work" push -q \
		"$(front_url "$front" code)/git/repo.git" \
		"main:refs/heads/b$pushes_at"
	said $? "$SCRATCH/git.said"
}

for front in nginx apache; do
	for mode in basic bearer; do
		what="git, $mode, through $front"
		is "$what: a right token pushes and clones" \
			"$(pushes $mode alice "$alice") $(
				clones $mode alice "$alice")" "in in"
		is "$what: a wrong one does neither" \
			"$(pushes $mode alice "$wrong") $(
				clones $mode alice "$wrong")" "401 401"
		is "$what: one that may read clones, and does not push" \
			"$(clones $mode reader "$reader") $(
				pushes $mode reader "$reader")" "in 403"
		clients_new alice
		before=$(clones $mode alice "$token")
		pat_admin revoke "$id" >>"$SCRATCH/log/pat-admin.log" 2>&1
		is "$what: revoked, it is 401 at once" \
			"$before $(clones $mode alice "$token")" "in 401"
	done
done

# --- svn ----------------------------------------------------------------------------

# svn_try USER TOKEN ARGUMENT...
svn_try() {
	(
		umask 077
		printf '%s' "$2" >"$SCRATCH/secret"
	)
	svn_try_user=$1
	shift 2
	svn_as "$svn_try_user" "$SCRATCH/secret" "$@" >"$SCRATCH/svn.said" 2>&1
	svn_try_status=$?
	rm -f "$SCRATCH/secret"
	cat "$SCRATCH/svn.said" >>"$SCRATCH/log/client.log"
	said $svn_try_status "$SCRATCH/svn.said"
}

checks_out() {
	rm -rf "$SCRATCH/checkout"
	svn_try "$1" "$2" checkout -q "$(front_url "$front" code)/svn" \
		"$SCRATCH/checkout"
}

# What checks_out left is changed.
commits() {
	date +%s%N >>"$SCRATCH/checkout/dates"
	svn add -q --force "$SCRATCH/checkout/dates"
	svn_try "$1" "$2" commit -q -m "a line" "$SCRATCH/checkout"
}

for front in nginx apache; do
	what="svn through $front"
	is "$what: a right token checks out and commits" \
		"$(checks_out alice "$alice") $(commits alice "$alice")" "in in"
	is "$what: the commit is its user's" "$(
		svn log -q -l 1 "file://$ORIGIN/svn" | sed -n 's/^r[0-9]* | \([a-z]*\) .*/\1/p'
	)" alice
	is "$what: a wrong one does not" "$(checks_out alice "$wrong")" 401
	is "$what: one that may read checks out, and does not commit" \
		"$(checks_out reader "$reader") $(commits reader "$reader")" \
		"in 403"
	clients_new alice
	before=$(checks_out alice "$token")
	pat_admin revoke "$id" >>"$SCRATCH/log/pat-admin.log" 2>&1
	is "$what: revoked, it is 401 at once" \
		"$before $(checks_out alice "$token")" "in 401"
done

# --- Without patd -------------------------------------------------------------------

stop patd
for front in nginx apache; do
	is "git through $front: patd is away: 503" "$(
		clones basic alice "$alice") $(clones bearer alice "$alice")" \
		"503 503"
	is "svn through $front: patd is away: no way in" \
		"$(checks_out alice "$alice")" 503
done
stop origin
clients_end
