# shellcheck shell=sh
# Real servers for end-to-end tests: on the loopback, without privileges where
# that is possible, with all their files in $SERVERS, a folder of $SCRATCH.
#
# Needs tests/lib/tap.sh. Each server_NAME starts one and sets a variable that
# says where it is; it fails if the server does not come up, and its log is
# $SCRATCH/log/NAME.log. Its configuration of SASL comes from server_sasl.

PATH=$PATH:/usr/sbin:/sbin
SASL_PLUGINS=${SASL_PLUGINS:-}

# servers_make: once, first.
servers_make() {
	SERVERS=$SCRATCH/servers
	mkdir "$SERVERS" "$SERVERS/sasl2"
}

# server_sasl FILE NAME [SED-ARGUMENT...]: the example FILE becomes the
# configuration of the application NAME; SED-ARGUMENTs replace its paths.
server_sasl() {
	server_file=$1
	server_name=$2
	shift 2
	sed -e '' "$@" "$JP_SOURCE/examples/$server_file" \
		>"$SERVERS/sasl2/$server_name.conf"
}

# as_user USER: prints the words in front of a command that runs as USER, who is
# a system account; nothing where we are not root, and cannot become anybody.
as_user() {
	[ "$(id -u)" != 0 ] ||
		echo "setpriv --reuid=$1 --regid=$(id -gn "$1") --init-groups"
}

# own USER PATH...: gives them to USER, if we are root.
own() {
	server_user=$1
	shift
	[ "$(id -u)" != 0 ] || chown -R "$server_user" "$@"
}

# port_answers PORT
port_answers() {
	python3 -c 'import socket, sys
socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)' "$1" 2>/dev/null
}

# server_settled NAME PORT: it answers, or it has given up.
server_settled() {
	running "$1" || return 0
	port_answers "$2"
}

# server_try NAME COMMAND...: starts it with $server_port, a free port, which
# may be taken before the server gets it: then once more. COMMAND is a function
# that calls `start NAME`.
server_try() {
	server_name=$1
	shift
	# shellcheck disable=SC2034
	for server_round in 1 2 3; do
		server_port=$(free_port) || return 1
		"$@" || return 1
		wait_for 60 server_settled "$server_name" "$server_port" &&
			running "$server_name" && return 0
		stop "$server_name" || :
	done
	return 1
}

# --- svnserve -----------------------------------------------------------------

# server_svn_repo FILE: a repository "repo" whose conf/svnserve.conf is FILE.
server_svn_repo() {
	svnadmin create "$SERVERS/repo" &&
		cp "$JP_SOURCE/examples/$1" "$SERVERS/repo/conf/svnserve.conf" &&
		own www-data "$SERVERS/repo"
}

# server_svnserve [ARGUMENT...]: sets $SVN_URL.
server_svnserve() {
	server_try svnserve server_svnserve_once "$@" || return 1
	# shellcheck disable=SC2034
	SVN_URL=svn://127.0.0.1:$server_port/repo
}

server_svnserve_once() {
	# shellcheck disable=SC2046
	start svnserve $(as_user www-data) \
		env SASL_CONF_PATH="$SERVERS/sasl2" \
		${SASL_PLUGINS:+SASL_PATH="$SASL_PLUGINS"} \
		svnserve --daemon --foreground "$@" --root "$SERVERS" \
		--listen-host 127.0.0.1 --listen-port "$server_port"
}

# --- memcached ----------------------------------------------------------------

# server_memcached: sets $MEMCACHED_PORT.
server_memcached() {
	server_try memcached server_memcached_once || return 1
	# shellcheck disable=SC2034
	MEMCACHED_PORT=$server_port
}

server_memcached_once() {
	# shellcheck disable=SC2046
	start memcached $(as_user memcache) \
		env SASL_CONF_PATH="$SERVERS/sasl2" \
		${SASL_PLUGINS:+SASL_PATH="$SASL_PLUGINS"} \
		memcached -S -l 127.0.0.1 -p "$server_port" -U 0 -t 2 -m 8
}

# --- slapd --------------------------------------------------------------------

# server_slapd FILE LDIF: slapd with the lines of the example FILE and the
# entries of the example LDIF. Sets $LDAP_URL, and $LDAPI_URL for its socket.
server_slapd() {
	mkdir -p "$SERVERS/ldap/db" && own openldap "$SERVERS/ldap" || return 1
	{
		for server_schema in core cosine inetorgperson; do
			echo "include /etc/ldap/schema/$server_schema.schema"
		done
		echo "modulepath /usr/lib/ldap"
		echo "moduleload back_mdb"
		echo "pidfile $SERVERS/ldap/pid"
		echo "sasl-host localhost"
		sed "s|^directory .*|directory $SERVERS/ldap/db|" \
			"$JP_SOURCE/examples/$1"
	} >"$SERVERS/ldap/slapd.conf"
	# shellcheck disable=SC2046
	$(as_user openldap) slapadd -f "$SERVERS/ldap/slapd.conf" \
		-l "$JP_SOURCE/examples/$2" >>"$SCRATCH/log/slapadd.log" 2>&1 ||
		return 1
	server_slapd_again
}

# server_slapd_again: the same, after `stop slapd`.
server_slapd_again() {
	LDAPI_URL=ldapi://$(echo "$SERVERS/ldap/ldapi" | sed 's|/|%2f|g')
	server_try slapd server_slapd_once || return 1
	# shellcheck disable=SC2034
	LDAP_URL=ldap://127.0.0.1:$server_port
}

server_slapd_once() {
	# shellcheck disable=SC2046
	start slapd $(as_user openldap) env JP_SASL_CONFDIR="$SERVERS/sasl2" \
		${SASL_PLUGINS:+SASL_PATH="$SASL_PLUGINS"} \
		LD_PRELOAD="$SERVERS/sasl_confdir.so" \
		slapd -f "$SERVERS/ldap/slapd.conf" -d "${SLAPD_DEBUG:-0}" \
		-h "ldap://127.0.0.1:$server_port $LDAPI_URL"
}

# ldap_whoami DN ARGUMENT...: prints "in" if slapd says that ldapwhoami with these
# arguments is DN, else the result code of LDAP.
ldap_whoami() {
	whoami_dn=$1
	shift
	whoami_said=$(timeout 60 ldapwhoami "$@" 2>&1)
	whoami_status=$?
	printf '%s\n' "$whoami_said" >&2
	if [ "$whoami_said" = "dn:$whoami_dn" ]; then
		echo in
	else
		echo $whoami_status
	fi
}

# server_preload: sasl_confdir.so where unprivileged servers can read it; first.
server_preload() {
	cp "$JP_BUILD/tests/lib/.libs/sasl_confdir.so" "$SERVERS/" &&
		chmod 644 "$SERVERS/sasl_confdir.so"
}

# --- Tomcat -------------------------------------------------------------------

# server_tomcat_jars VERSION: prints the class path of Debian's libtomcat10-java, or
# of another version's, each part once, with the compiler of JSP.
server_tomcat_jars() {
	for server_jar in /usr/share/java/tomcat"$1"-*.jar \
	    /usr/share/java/ecj.jar /usr/share/java/eclipse-jdt-core.jar \
	    /usr/share/java/org.eclipse.jdt.core.jar; do
		case $server_jar in
		*-[0-9]*.[0-9]*.jar | *-i18n-* | *\**) ;;
		*) [ ! -e "$server_jar" ] || printf '%s:' "$server_jar" ;;
		esac
	done
}

# server_tomcat CONTEXT WEB LDAP_URL: Tomcat 10 with one application, whose files
# are these two of the examples and a page that says who its user is; the page
# begins a session. Sets $TOMCAT_URL.
server_tomcat() {
	server_app=$SERVERS/tomcat/webapps/ROOT
	mkdir -p "$SERVERS/tomcat/conf" "$SERVERS/tomcat/temp" \
		"$SERVERS/tomcat/work" "$server_app/META-INF" \
		"$server_app/WEB-INF"
	sed "s|ldap://localhost:389|$3|" "$JP_SOURCE/examples/$1" \
		>"$server_app/META-INF/context.xml"
	cp "$JP_SOURCE/examples/$2" "$server_app/WEB-INF/web.xml"
	cat >"$server_app/index.jsp" <<-'EOT'
		<%@ page session="true" contentType="text/plain" %>user=<%=
		request.getRemoteUser() %>
	EOT
	cat >"$SERVERS/tomcat/conf/web.xml" <<-'EOT'
		<web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="6.0">
		<servlet><servlet-name>default</servlet-name>
		<servlet-class>org.apache.catalina.servlets.DefaultServlet</servlet-class>
		</servlet>
		<servlet><servlet-name>jsp</servlet-name>
		<servlet-class>org.apache.jasper.servlet.JspServlet</servlet-class>
		</servlet>
		<servlet-mapping><servlet-name>default</servlet-name>
		<url-pattern>/</url-pattern></servlet-mapping>
		<servlet-mapping><servlet-name>jsp</servlet-name>
		<url-pattern>*.jsp</url-pattern></servlet-mapping>
		<welcome-file-list><welcome-file>index.jsp</welcome-file>
		</welcome-file-list>
		</web-app>
	EOT
	server_try tomcat server_tomcat_once || return 1
	# shellcheck disable=SC2034
	TOMCAT_URL=http://127.0.0.1:$server_port
}

server_tomcat_once() {
	cat >"$SERVERS/tomcat/conf/server.xml" <<-EOT
		<Server port="-1"><Service name="Catalina">
		<Connector address="127.0.0.1" port="$server_port"/>
		<Engine name="Catalina" defaultHost="localhost">
		<Host name="localhost" appBase="webapps" startStopThreads="1"/>
		</Engine></Service></Server>
	EOT
	own www-data "$SERVERS/tomcat"
	# shellcheck disable=SC2046
	start tomcat $(as_user www-data) java -Xmx128m -XX:+UseSerialGC \
		-XX:TieredStopAtLevel=1 -Dcatalina.base="$SERVERS/tomcat" \
		-Dcatalina.home="$SERVERS/tomcat" \
		-Djava.io.tmpdir="$SERVERS/tomcat/temp" \
		-cp "$(server_tomcat_jars 10)" org.apache.catalina.startup.Tomcat
}

# --- Postfix ------------------------------------------------------------------

# server_postfix FILE [SED-ARGUMENT...]: Postfix with the lines of the example
# FILE and Debian's master.cf, where smtpd runs in a chroot: that is
# $SERVERS/postfix/spool. Needs root, and server_sasl FILE smtpd. Sets
# $SMTP_PORT.
server_postfix() {
	server_file=$1
	shift
	server_dir=$SERVERS/postfix
	# smtpd.conf is in $SERVERS/sasl2. Debian 12's Postfix looks in conf/sasl
	# alone, whatever main.cf says; Debian 13's where main.cf says alone.
	mkdir -p "$server_dir/conf" "$server_dir/spool" "$server_dir/data" &&
		ln -sfn "$SERVERS/sasl2" "$server_dir/conf/sasl" &&
		own postfix "$server_dir/data" || return 1
	cat >"$server_dir/conf/main.cf" <<-EOT
		compatibility_level = 3.6
		queue_directory = $server_dir/spool
		data_directory = $server_dir/data
		command_directory = /usr/sbin
		daemon_directory = /usr/lib/postfix/sbin
		mail_owner = postfix
		setgid_group = postdrop
		inet_interfaces = 127.0.0.1
		inet_protocols = ipv4
		myhostname = mail.example.org
		mydestination =
		mynetworks =
		maillog_file = /dev/stdout
		alias_maps =
		smtpd_peername_lookup = no
	EOT
	sed -e "s|/etc/postfix/sasl|$SERVERS/sasl2|" "$@" \
		"$JP_SOURCE/examples/$server_file" >>"$server_dir/conf/main.cf"
	touch "$server_dir/conf/dynamicmaps.cf"
	server_try postfix server_postfix_once || return 1
	# shellcheck disable=SC2034
	SMTP_PORT=$server_port
}

server_postfix_once() {
	sed "s/^smtp  *inet /127.0.0.1:$server_port inet /" \
		/usr/share/postfix/master.cf.dist \
		>"$SERVERS/postfix/conf/master.cf"
	# Its master has a session of its own: `stop` ends this shell, and it
	# the master.
	# shellcheck disable=SC2016
	start postfix sh -c '
		trap "kill \$(cat spool/pid/master.pid)" TERM
		cd "$1" || exit
		postfix -c "$1/conf" start-fg &
		wait
		wait' sh "$SERVERS/postfix"
}

# --- Cyrus IMAP ---------------------------------------------------------------

# server_cyrus FILE [SED-ARGUMENT...]: Cyrus IMAP with the lines of the example
# FILE. Sets $IMAP_PORT.
server_cyrus() {
	server_file=$1
	shift
	server_dir=$SERVERS/cyrus
	for server_name in db lock log proc ptclient quota socket spool user; do
		mkdir -p "$server_dir/$server_name"
	done
	cat >"$server_dir/imapd.conf" <<-EOT
		configdirectory: $server_dir
		defaultpartition: default
		partition-default: $server_dir/spool
		proc_path: $server_dir/proc
		mboxname_lockpath: $server_dir/lock
		servername: localhost
		failedloginpause: 0
	EOT
	sed -e '' "$@" "$JP_SOURCE/examples/$server_file" \
		>>"$server_dir/imapd.conf"
	own cyrus "$server_dir"
	server_try cyrus server_cyrus_once || return 1
	# shellcheck disable=SC2034
	IMAP_PORT=$server_port
}

server_cyrus_once() {
	server_dir=$SERVERS/cyrus
	# One item on a line, or the file is not understood.
	cat >"$server_dir/cyrus.conf" <<-EOT
		START {
		  recover cmd="/usr/lib/cyrus/bin/ctl_cyrusdb -C $server_dir/imapd.conf -r"
		}
		SERVICES {
		  imap cmd="/usr/lib/cyrus/bin/imapd -C $server_dir/imapd.conf" listen="127.0.0.1:$server_port" prefork=0
		}
	EOT
	if [ "$(id -u)" = 0 ]; then
		server_user=cyrus
	else
		server_user=$(id -un)
	fi
	# shellcheck disable=SC2046
	start cyrus $(as_user cyrus) env CYRUS_USER="$server_user" \
		${SASL_PLUGINS:+SASL_PATH="$SASL_PLUGINS"} \
		/usr/lib/cyrus/bin/master -C "$server_dir/imapd.conf" \
		-M "$server_dir/cyrus.conf" -p "$server_dir/pid"
}

# --- lighttpd -----------------------------------------------------------------

# server_lighttpd FILE MUX: lighttpd with the lines of the example FILE, and a
# page. Sets $LIGHTTPD_URL.
server_lighttpd() {
	mkdir -p "$SERVERS/lighttpd/www" &&
		echo page >"$SERVERS/lighttpd/www/index.html" || return 1
	server_try lighttpd server_lighttpd_once "$1" "$2" || return 1
	# shellcheck disable=SC2034
	LIGHTTPD_URL=http://127.0.0.1:$server_port
}

server_lighttpd_once() {
	{
		cat <<-EOT
			server.modules = ( "mod_accesslog" )
			server.bind = "127.0.0.1"
			server.port = $server_port
			server.document-root = "$SERVERS/lighttpd/www"
			index-file.names = ( "index.html" )
			accesslog.filename = "/dev/stdout"
		EOT
		cat "$JP_SOURCE/examples/$1"
	} >"$SERVERS/lighttpd/lighttpd.conf"
	# shellcheck disable=SC2046
	start lighttpd $(as_user www-data) env JP_SASL_MUX="$2" \
		LD_PRELOAD="$SERVERS/sasl_confdir.so" \
		lighttpd -D -f "$SERVERS/lighttpd/lighttpd.conf"
}
