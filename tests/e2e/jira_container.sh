#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# examples/jira in the real Tomcat 10 and 9, behind the real nginx and the real Apache,
# which ask pat-httpd: an application that does what Seraph does in Jira calls the authenticator. It is built and
# installed by the commands of doc/JIRA.md, and its parameters and connectors are
# those of the examples.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/document.sh
. "$JP_SOURCE/tests/lib/document.sh"
# shellcheck source=tests/lib/servers.sh
. "$JP_SOURCE/tests/lib/servers.sh"
# shellcheck source=tests/lib/world.sh
. "$JP_SOURCE/tests/lib/world.sh"
# shellcheck source=tests/clients/lib.sh
. "$JP_SOURCE/tests/clients/lib.sh"

JIRA=$JP_SOURCE/examples/jira
GUIDE=$JP_SOURCE/doc/JIRA.md
SECRET=shared-secret-of-this-test

clients_needs curl java javac jar "$WORLD_MODULES/mod_proxy_ajp.so"
scratch
servers_make
clients_world
mkdir -p "$SCRATCH/copy/examples"
cp -r "$JIRA" "$SCRATCH/copy/examples/"
chmod -R u+w "$SCRATCH/copy"

# --- An installation like that of Jira ---------------------------------------------

# for_servlet FILE: a source of these tests, for this Tomcat's servlet API.
for_servlet() {
	sed "s/^import jakarta\.servlet\./import $servlet.servlet./" "$1"
}

# installation VERSION: $home has what `build` needs: Tomcat's servlet API, and
# stand-ins for Seraph and Jira.
installation() {
	servlet=jakarta
	[ "$1" != 9 ] || servlet=javax
	home=$SERVERS/jira-$1
	lib=$home/atlassian-jira/WEB-INF/lib
	mkdir -p "$home/lib" "$lib" "$home/conf" "$home/temp" "$home/stubs" \
		"$home/classes"
	ln -s "/usr/share/java/tomcat$1-servlet-api.jar" \
		"$home/lib/servlet-api.jar"
	for jar in catalina coyote util juli; do
		[ ! -e "/usr/share/java/tomcat$1-$jar.jar" ] ||
			ln -s "/usr/share/java/tomcat$1-$jar.jar" \
				"$home/lib/$jar.jar"
	done
	(cd "$JP_SOURCE/tests/lib/seraph" && find . -name '*.java') |
		while IFS= read -r source; do
			mkdir -p "$home/stubs/$(dirname "$source")"
			for_servlet "$JP_SOURCE/tests/lib/seraph/$source" \
				>"$home/stubs/$source"
		done
	find "$home/stubs" -name '*.java' -exec javac --release 8 \
		-Xlint:-options -encoding UTF-8 -cp "$home/lib/*" \
		-d "$home/classes" {} + >>"$SCRATCH/log/javac.log" 2>&1 ||
		bail "stubs: $(cat "$SCRATCH/log/javac.log")"
	jar cf "$lib/stubs.jar" -C "$home/classes" com
}

# guide TITLE: runs the commands of this part of doc/JIRA.md, in a copy of the
# source, for this installation.
guide() {
	block "$GUIDE" "$1" sh | sed -e "s|/opt/atlassian/jira|$home|" \
		-e "s|/var/tmp/|$SCRATCH/copy/|g" -e "s|/var/tmp|$SCRATCH/copy|" \
		>"$SCRATCH/commands"
	ok "$what: there are commands for: $1" test -s "$SCRATCH/commands"
	is "$what: they run, and the compiler has nothing to say" "$(
		cd "$SCRATCH/copy" && sh -eu "$SCRATCH/commands" 2>&1 |
			grep -v "jira-pat-valve.jar, for $servlet.servlet$")" ''
}

# parameters NAME=VALUE...: a seraph-config.xml.
parameters() {
	echo '<authenticator class="jirapat.ProxyAuthenticator">'
	for pair in "$@"; do
		printf '<init-param><param-name>%s</param-name>' "${pair%%=*}"
		printf '<param-value>%s</param-value></init-param>\n' \
			"${pair#*=}"
	done
	echo '</authenticator>'
}

# application NAME: with the seraph-config.xml from standard input.
application() {
	app=$home/webapps/$1/WEB-INF
	mkdir -p "$app/classes" "$app/lib"
	cat >"$app/classes/seraph-config.xml"
	cp "$home"/classes/SeraphFilter*.class "$app/classes/"
	cp "$lib/stubs.jar" "$lib/jira-pat-authenticator.jar" "$app/lib/"
	cat >"$app/web.xml" <<-'EOT'
		<web-app>
		<filter><filter-name>seraph</filter-name>
		<filter-class>SeraphFilter</filter-class></filter>
		<filter-mapping><filter-name>seraph</filter-name>
		<url-pattern>/*</url-pattern></filter-mapping>
		</web-app>
	EOT
}

# applications: the examples' two, with the ports of this test, and what an
# administrator may get wrong.
applications() {
	rm -rf "$home/webapps"
	sed "s/>8081</>$api_port</" "$JIRA/seraph-config.xml" | application ROOT
	application ajp <"$JIRA/seraph-config-ajp.xml"
	parameters other-requests=jira | application none
	parameters trusted-peers= other-requests=jira | application empty
	parameters trusted-peers=localhost | application name
	parameters trusted-peers=0.0.0.0 | application any
	parameters trusted-peer=127.0.0.1 trusted-peers=127.0.0.1 |
		application misspelt
	parameters trusted-peers=127.0.0.1 source=both | application both
	parameters trusted-peers=127.0.0.1 source=ajp port=8009 |
		application port
	parameters trusted-peers='127.0.0.1 ::1' | application closed
	parameters trusted-peers=127.0.0.1 | application rewritten
	mkdir "$home/webapps/rewritten/META-INF"
	cat >"$home/webapps/rewritten/META-INF/context.xml" <<-'EOT'
		<Context><Valve
		className="org.apache.catalina.valves.RemoteIpValve"/></Context>
	EOT
}

# part FILE ELEMENT: an element of one of the examples.
part() {
	tr '\n' ' ' <"$JIRA/$1" | grep -o "<$2 [^>]*/>"
}

# The connector that is waited for comes last: the others are there when it is.
tomcat_once() {
	# shellcheck disable=SC2046
	set -- $(free_ports 2)
	api_port=$1 ajp_port=$2
	applications
	cat >"$home/conf/server.xml" <<-EOT
		<Server port="-1"><Service name="Catalina">
		$(part server.xml Connector | sed "s/8081/$api_port/")
		$(part server-ajp.xml Connector | sed -e "s/8009/$ajp_port/" \
			-e "s/REPLACE-THIS-SECRET/$SECRET/")
		<Connector address="127.0.0.1" port="$server_port"/>
		<Engine name="Catalina" defaultHost="localhost">
		<Host name="localhost" appBase="webapps" startStopThreads="1">
		$(part server-ajp.xml Valve)
		</Host></Engine></Service></Server>
	EOT
	cat >"$home/conf/web.xml" <<-'EOT'
		<web-app><servlet><servlet-name>default</servlet-name>
		<servlet-class>org.apache.catalina.servlets.DefaultServlet</servlet-class>
		</servlet><servlet-mapping><servlet-name>default</servlet-name>
		<url-pattern>/</url-pattern></servlet-mapping></web-app>
	EOT
	own www-data "$home"
	# shellcheck disable=SC2046
	start "tomcat-$version" $(as_user www-data) java -Xmx128m \
		-XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
		-Dcatalina.base="$home" -Dcatalina.home="$home" \
		-Djava.io.tmpdir="$home/temp" \
		-cp "$(server_tomcat_jars "$version")$home/lib/jira-pat-valve.jar" \
		org.apache.catalina.startup.Tomcat
}

# The port answers long before: Tomcat starts the applications first.
tomcat_serves() {
	[ "$(ask "$api_port" / -m 10)" != 000 ]
}

# --- Requests -----------------------------------------------------------------------

# ask PORT PATH [CURL-ARGUMENT...]: what the application says, or the status.
ask() {
	ask_url=http://127.0.0.1:$1$2
	shift 2
	ask_status=$(curl -s -m 60 -o "$SCRATCH/said" -w '%{http_code}' \
		"$@" "$ask_url")
	if [ "$ask_status" = 200 ]; then
		cat "$SCRATCH/said"
	else
		echo "$ask_status"
	fi
}

# api [CURL-ARGUMENT...]: at the connector of the API. named: with this user.
api() {
	ask "$api_port" / "$@"
}
named() {
	named_user=$1
	shift
	api -H "X-Forwarded-User: $named_user" "$@"
}
ajp() {
	python3 "$JP_SOURCE/tests/lib/ajp.py" "$ajp_port" "$@"
}

logged() {
	grep -q -F -e "$1" "$SCRATCH/log/tomcat-$version.log"
}

NOBODY="user= session=no"

# --- The proofs ----------------------------------------------------------------------

by_header() {
	is "$what: the user of the header" "$(named alice)" \
		"user=alice session=no"
	is "$what: and no other" "$(named bob)" "user=bob session=no"
	is "$what: from an untrusted peer: nobody" \
		"$(named alice --interface 127.0.0.2)" "$NOBODY"
	ok "$what: the log says why" logged \
		"request of 127.0.0.2 refused: it names a user, and does not come from a trusted peer"
	is "$what: at the connector of the browsers: nobody" "$(
		ask "$server_port" / -H 'X-Forwarded-User: alice')" "$NOBODY"
	is "$what: two headers: nobody" \
		"$(named alice -H 'X-Forwarded-User: alice') $(
			named alice -H 'x-forwarded-user: bob')" \
		"$NOBODY $NOBODY"
	is "$what: an empty header: nobody" "$(api -H 'X-Forwarded-User;')" \
		"$NOBODY"
	is "$what: another spelling of the header is none" "$(
		api -H 'X_Forwarded_User: alice') $(
		api -H 'X.Forwarded.User: alice')" "$NOBODY $NOBODY"
	is "$what: in another case it is no user, in its own it is" \
		"$(named ALICE) $(named carol) $(named Carol)" \
		"$NOBODY $NOBODY user=Carol session=no"
	is "$what: nothing is cut at @" \
		"$(named jane@example.org) $(named alice@example.org)" \
		"user=jane@example.org session=no $NOBODY"
	is "$what: two names in one header are no user" \
		"$(named 'alice, bob') $(named 'alice,alice')" "$NOBODY $NOBODY"
	is "$what: a name in UTF-8, and in no encoding" \
		"$(named "$(printf 'j\303\274rgen')") $(
			named "$(printf 'j\374rgen')")" \
		"user=$(printf 'j\303\274rgen') session=no $NOBODY"
	is "$what: a user who may not log in, and one who is unknown" \
		"$(named inactive) $(named mallory)" "$NOBODY $NOBODY"
	is "$what: behind a RemoteIpValve the claimed address does not count" "$(
		ask "$api_port" /rewritten/ -H 'X-Forwarded-User: alice' \
			-H 'X-Forwarded-For: 127.0.0.1' --interface 127.0.0.2
	)" "$NOBODY"
	ok "$what: the log says that, too" logged "by a RemoteIpValve"
}

sessions() {
	is "$what: a browser signs in as before" "$(
		ask "$server_port" / -c "$SCRATCH/jar" -d os_username=bob \
			-d 'os_password=password of bob') $(
		ask "$server_port" / -b "$SCRATCH/jar")" \
		"user=bob session=bob user=bob session=bob"
	is "$what: somebody else's JSESSIONID does not win" \
		"$(named alice -b "$SCRATCH/jar")" "user=alice session=bob"
	is "$what: nor where the header is refused" "$(
		named alice -b "$SCRATCH/jar" --interface 127.0.0.2)" \
		"user= session=bob"
	named alice -c "$SCRATCH/fresh" >"$SCRATCH/log/fresh"
	is "$what: no session is begun" \
		"$(grep -c JSESSIONID "$SCRATCH/fresh")" 0
	ask "$api_port" /session -H 'X-Forwarded-User: alice' \
		-c "$SCRATCH/own" >"$SCRATCH/log/own"
	is "$what: one that Jira begins holds no user" "$(
		grep -c JSESSIONID "$SCRATCH/own") $(api -b "$SCRATCH/own")" \
		"1 user= session=empty"
	is "$what: Basic, as before, and not beside the header" "$(
		ask "$server_port" / -u 'bob:password of bob') $(
		named alice -u 'bob:password of bob')" \
		"user=bob session=no user=alice session=no"
	is "$what: a password in the URL signs nobody in beside the header" \
		"$(ask "$api_port" '/?os_username=bob&os_password=password%20of%20bob' \
			-H 'X-Forwarded-User: alice')" "user=alice session=no"
}

# Nobody: neither by a header nor by Jira's own means.
misconfigured() {
	misconfigured_said=
	for app in none empty name any misspelt both port; do
		for app_ask in "-H X-Forwarded-User:alice" \
		    "-d os_username=bob -d os_password=password%20of%20bob"; do
			# shellcheck disable=SC2086
			misconfigured_answer=$(ask "$api_port" "/$app/" $app_ask)
			[ "$misconfigured_answer" = "$NOBODY" ] ||
				misconfigured_said="$misconfigured_said $app: $misconfigured_answer"
		done
	done
	is "$what: a missing or wrong configuration lets nobody in" \
		"$misconfigured_said" ''
	for why in 'trusted-peers is missing' '"localhost" is not the address' \
	    '"0.0.0.0" is not the address' 'unknown init-params [trusted-peer]' \
	    'source is neither' 'header and port are of source = header'; do
		ok "$what: the log says: $why" logged "$why"
	done
	is "$what: not by Basic either" "$(
		ask "$api_port" /none/ -u 'bob:password of bob')" "$NOBODY"
	is "$what: other-requests is closed unless it is opened" "$(
		ask "$api_port" /closed/ -d os_username=bob \
			-d 'os_password=password of bob') $(
		ask "$api_port" /closed/ -u 'bob:password of bob') $(
		ask "$api_port" /closed/ -H 'X-Forwarded-User: bob')" \
		"$NOBODY $NOBODY user=bob session=no"
}

by_ajp() {
	is "$what: AJP: the user of the proxy" \
		"$(ajp /ajp/ remote_user=alice secret=$SECRET)" \
		"200 user=alice session=no"
	is "$what: AJP: no secret, and another one" \
		"$(ajp /ajp/ remote_user=alice) $(
			ajp /ajp/ remote_user=alice secret=x$SECRET)" "403  403 "
	is "$what: AJP: with the secret, from an untrusted peer" "$(
		ajp /ajp/ 127.0.0.2 remote_user=alice secret=$SECRET)" \
		"200 $NOBODY"
	is "$what: AJP: a header is no user" "$(
		ajp /ajp/ secret=$SECRET X-Forwarded-User=alice \
			Remote-User=alice)" "200 $NOBODY"
	is "$what: AJP: a header beside the user changes nothing" "$(
		ajp /ajp/ secret=$SECRET remote_user=alice \
			X-Forwarded-User=bob)" "200 user=alice session=no"
	is "$what: AJP: names are as exact" "$(
		ajp /ajp/ secret=$SECRET remote_user=ALICE) $(
		ajp /ajp/ secret=$SECRET remote_user= ) $(
		ajp /ajp/ secret=$SECRET "remote_user=$(printf 'j\303\274rgen')")" \
		"200 $NOBODY 200 $NOBODY 200 user=$(
			printf 'j\303\274rgen') session=no"
	is "$what: AJP: where the header is the source, REMOTE_USER is none" \
		"$(ajp / secret=$SECRET remote_user=alice)" "200 $NOBODY"
	is "$what: a header over HTTP is none where AJP is the source" "$(
		ask "$api_port" /ajp/ -H 'X-Forwarded-User: alice')" "$NOBODY"
}

# through APP: what a client with a token gets, through $front.
through() {
	through_app=$1
	WORLD_URL=$(front_url "$front")
	clients_new alice
	auth=$(bearer "$token")
	http "$through_app/" "$auth"
	is "$what: a token: that user" "$status $body" \
		"200 user=alice session=no"
	http "$through_app/" "$auth" -H 'X-Forwarded-User: bob' \
		-H 'X_Forwarded_User: bob' -b "$SCRATCH/jar"
	is "$what: a claim and somebody's session change nothing" \
		"$status $body" "200 user=alice session=no"
	http "$through_app/session" "$auth"
	is "$what: a session of Jira does not reach the client" "$status $(
		printf '%s\n' "$head" | grep -c -i '^set-cookie')" "200 0"
	http "$through_app/?os_username=bob&os_password=password%20of%20bob" \
		"$auth"
	is "$what: nor does a password in the URL begin one" "$status $body" \
		"200 user=alice session=no"
	pat_admin revoke "$id" >>"$SCRATCH/log/pat-admin.log" 2>&1
	http "$through_app/" "$auth"
	is "$what: revoked, it is out at once" "$status" 401
	clients_new mallory
	auth=$(basic mallory "$token")
	http "$through_app/" "$auth"
	is "$what: a user whom Jira does not have is nobody" "$status $body" \
		"200 $NOBODY"
}

# --- Each Tomcat ---------------------------------------------------------------------

for version in 10 9; do
	what="Tomcat $version"
	if [ ! -e /usr/share/java/tomcat$version-catalina.jar ]; then
		skip "$what" "libtomcat$version-java is not in this release"
		continue
	fi
	installation $version
	guide "b. An authenticator in Jira"
	guide "By AJP"
	server_try tomcat-$version tomcat_once ||
		bail "Tomcat does not start: $(tail -n 30 "$SCRATCH/log/tomcat-$version.log")"
	ok "$what: its applications are there" wait_for 300 tomcat_serves
	by_header
	sessions
	misconfigured
	by_ajp
	WORLD_BACKEND=http://127.0.0.1:$api_port
	for front in nginx apache; do
		what="Tomcat $version behind $front, by header"
		clients_front $front clients_$front
		through ''
		stop $front
	done
	what="Tomcat $version behind Apache, by AJP"
	WORLD_APACHE_MODULES=proxy_ajp
	CLIENTS_APACHE_LINES=$(sed -e "s/8009/$ajp_port/" \
		-e "s/REPLACE-THIS-SECRET/$SECRET/" "$JIRA/apache-ajp.conf")
	clients_front apache clients_apache
	through /ajp
	stop apache
	WORLD_APACHE_MODULES='' CLIENTS_APACHE_LINES=''
	stop tomcat-$version
done

mkdir -p "$home/confluence/WEB-INF/classes" "$SCRATCH/wiki"
mv "$home/atlassian-jira" "$SCRATCH/"
cp -r "$home/classes/com" "$home/confluence/WEB-INF/classes/"
like "it compiles for Confluence, too" "$(
	"$JIRA/authenticator/build" "$home" "$SCRATCH/wiki" 2>&1)" \
	"$SCRATCH/wiki/jira-pat-authenticator.jar and *"
ok "no name of a client is in the log" sh -c \
	"! grep -l -e mallory -e ALICE '$SCRATCH'/log/tomcat-*.log"
clients_end
