#!/bin/sh
# Steps of tests/packages/deb_lib.sh, in a root that is thrown away: each is a
# function here, and fails with what is to be seen.
set -eu
set -x

export DEBIAN_FRONTEND=noninteractive
debs=/srv/debs
store=/var/lib/jira-pat

# no COMMAND...: it fails. "set -e" does not see a "!".
no() {
	if "$@"; then
		echo "this should have failed: $*"
		exit 1
	fi
}

# --- Building -----------------------------------------------------------------

# build TREE UID: the packages, beside the tree. The second one has everything
# different that must not matter.
build() {
	tree=$1
	chown -R "$2:$2" "${tree%/*}"
	set --  "--reuid=$2" "--regid=$2" --clear-groups \
		env "HOME=${tree%/*}" DEB_BUILD_PROFILES=nocheck \
		"DEB_BUILD_OPTIONS=nocheck parallel=$(nproc)"
	if [ "$tree" != /srv/first/jira-pat ]; then
		umask 002
		set -- "$@" TZ=Pacific/Auckland LC_ALL=C
	fi
	(cd "$tree" && find . -type f | sort >../before &&
		setpriv "$@" dpkg-buildpackage -b -us -uc >../build.log 2>&1) || {
		tail -n 40 "$tree/../build.log"
		exit 1
	}
	[ "$tree" = /srv/first/jira-pat ] || return 0
	mkdir $debs
	for deb in /srv/first/*.deb; do
		case $deb in *-dbgsym_*) ;; *) cp "$deb" $debs/ ;; esac
	done
	[ "$(find $debs -name '*.deb' | wc -l)" = 6 ]
}

lint() {
	cd /srv/first
	lintian --allow-root --no-tag-display-limit --fail-on error,warning \
		./*.changes
}

hardened() {
	blhc --all /srv/first/build.log
}

# A comment stands above each.
explained() {
	cd /srv/first/jira-pat/debian
	awk '/^[^#]/ && last !~ /^#/ { print FILENAME ": " $0; bad = 1 }
		{ last = $0 } END { exit bad }' ./*.lintian-overrides \
		source/lintian-overrides
}

profiles() {
	for profile in /srv/first/jira-pat/debian/apparmor/*; do
		apparmor_parser -Q -K -T "$profile"
	done
}

# depends DEB PATTERN
depends() {
	dpkg-deb -f "$1" Depends | grep -E "(^|, )($2)"
}

needs() {
	cd /srv/first/jira-pat
	apt-get -s -P nocheck build-dep ./ | grep '^0 upgraded, 0 newly installed'
	cd $debs
	no depends pat-admin_*.deb patd
	depends patd_*.deb 'pat-admin \(= '
	no depends libpam-jira-pat_*.deb 'patd|libdb|libsodium'
	no depends libsasl2-modules-jira-pat_*.deb 'patd|libdb|libsodium'
}

# newer: patd and pat-admin 0.2.0, whose store has a format that 0.1.0 cannot
# read.
newer() {
	cp -a /srv/first/jira-pat /srv/first/made
	cp -a /srv/first/jira-pat /srv/first/next
	cd /srv/first/next
	sed -i 's/^#define HEAD_VERSION 4$/#define HEAD_VERSION 6/' \
		common/store/bdb_head.c
	grep -q 'HEAD_VERSION 6' common/store/bdb_head.c
	make -s V=0 -j "$(nproc)" patd/patd tools/pat-admin
	mkdir $debs/newer
	for program in patd/patd tools/pat-admin; do
		name=${program#*/}
		rm -rf /tmp/deb
		dpkg-deb -R "$(echo $debs/"$name"_0.1.0_*.deb)" /tmp/deb
		sed -i 's/0\.1\.0/0.2.0/' /tmp/deb/DEBIAN/control
		cp $program /tmp/deb/usr/sbin/
		grep -rl 'bdb_head\.4' /tmp/deb/DEBIAN /tmp/deb/usr/share |
			xargs sed -i 's/bdb_head\.4/bdb_head.5/'
		rm /tmp/deb/DEBIAN/md5sums
		dpkg-deb -b /tmp/deb $debs/newer
	done
	rm -rf /srv/first/next
}

# What autoreconf makes is no part of a checkout either.
clean() {
	cd /srv/first/jira-pat
	debian/rules clean
	find . -type f | sort | diff ../before -
}

same() {
	cd /srv/first
	for deb in *.deb; do
		cmp "$deb" "/srv/second/$deb"
	done
}

# --- Installed ----------------------------------------------------------------

# add DEB...: with what is here, and nobody who could answer a question.
add() {
	apt-get -q -y install "$@"
}

# As an administrator would write it.
by_apt() {
	# Where systemd runs, the packages start their units.
	[ ! -d /run/systemd/system ] || rm -f /usr/sbin/policy-rc.d
	md5sum /etc/pam.d/* >/srv/pam.md5
	cd $debs
	apt install -y ./*.deb
	[ "$(dpkg-query -W -f '${db:Status-Status} ' patd pat-admin pat-httpd \
		libpam-jira-pat libsasl2-modules-jira-pat)" = \
		"installed installed installed installed installed " ]
	patd --check-config
	grep -q '^audit_file = ' /etc/jira-pat/jira-pat.conf
}

enabled() {
	for unit in patd.service patd.socket pat-httpd.service \
		pat-httpd-http.socket pat-httpd-fcgi.socket; do
		systemctl is-enabled "$unit"
	done
	for timer in backup notify purge stats; do
		[ "$(systemctl is-enabled jira-pat-$timer.timer)" = disabled ]
	done
}

pam_untouched() {
	md5sum --quiet -c /srv/pam.md5
}

# The token is in a file of root alone, from here to the last step.
first_command() {
	umask 077
	pat-admin create jane.doe >/root/token
	grep -E -x 'jpat_[0-9A-Za-z]{8}_[0-9A-Za-z]{36}' /root/token
	accepted
}

accepted() {
	[ "$(pat-admin test jane.doe </root/token)" = accepted ]
}

story() {
	/srv/tests/first-token
}

# traced NAME COMMAND...: in the background; what it does goes to /srv/NAME.trace.
# `ended` ends all of them.
traced() {
	name=$1
	shift
	strace -f -y -s 4096 -e trace=file,bind,connect -o "/srv/$name.trace" \
		"$@" >"/srv/$name.log" 2>&1 &
	pids="$! ${pids:-}"
}

# signalled SIGNAL: what is traced gets it.
signalled() {
	for pid in $pids; do
		# shellcheck disable=SC2046
		kill "-$1" $(cat "/proc/$pid/task/$pid/children")
	done
}

ended() {
	signalled TERM
	wait
	pids=
}

# awaited SOCKET: until somebody listens there; the file alone may be left over
# from a program that gave up root.
awaited() {
	for _ in $(seq 600); do
		! grep -q " 00010000 .* $1\$" /proc/net/unix || return 0
		sleep 0.1
	done
	cat /srv/*.log
	exit 1
}

# The profiles are in complain mode; enforced, they would not stand in the way.
allowed() {
	systemd-tmpfiles --create patd.conf
	traced patd setpriv --reuid jira-pat --regid jira-pat --init-groups \
		/usr/sbin/patd --foreground
	awaited /run/jira-pat/admin.sock
	traced pat-httpd /usr/sbin/pat-httpd --foreground
	awaited /run/jira-pat/http.sock
	pat-admin test jane.doe </root/token
	pat-admin list
	printf 'user = "jane.doe:%s"\n' "$(cat /root/token)" | curl -s -K - -f \
		--unix-socket /run/jira-pat/http.sock http://localhost/auth/jira
	signalled HUP
	pat-admin stats
	ended
	# Started as root it changes owners and becomes its user; so do the modules.
	traced root /usr/sbin/patd --foreground
	awaited /run/jira-pat/admin.sock
	ended
	for name in patd pat-httpd; do
		apparmor_parser -p "/etc/apparmor.d/usr.sbin.$name" >"/srv/$name.rules"
	done
	sed -i "1,/execve(.*patd/d" /srv/patd.trace
	python3 /srv/deb_profile.py /srv/patd.rules /srv/patd.trace
	python3 /srv/deb_profile.py /srv/patd.rules /srv/root.trace
	python3 /srv/deb_profile.py /srv/pat-httpd.rules /srv/pat-httpd.trace
	# It would be seen: what is another's is not allowed.
	no python3 /srv/deb_profile.py /srv/pat-httpd.rules /srv/patd.trace
}

# --- PAM ----------------------------------------------------------------------

# logs_in USER FILE: by the stack of all services.
logs_in() {
	cat >/etc/pam.d/test-common <<-'END'
		@include common-auth
		@include common-account
	END
	pamtester test-common "$1" authenticate acct_mgmt <"$2"
}

pam_selected() {
	useradd -m local-user
	echo local-user:secret-word | chpasswd
	echo secret-word >/root/password
	no logs_in jane.doe /root/token
	logs_in local-user /root/password
	pam-auth-update --enable jira-pat
	logs_in jane.doe /root/token # patd --one-shot answers
	logs_in local-user /root/password
	no logs_in local-user /root/token
	no logs_in jane.doe /root/password
	# Where no patd can answer: passwords still do.
	chmod 000 /usr/sbin/patd
	no logs_in jane.doe /root/token
	logs_in local-user /root/password
	chmod 755 /usr/sbin/patd
}

# The same module of another architecture, as a machine with both has it.
pam_other_gone() {
	rm -rf /tmp/deb
	dpkg-deb -R $debs/libpam-jira-pat_*.deb /tmp/deb
	sed -i -e "s/^Architecture: .*/Architecture: $1/" \
		-e '/^Depends:/d' -e '/^Recommends:/d' /tmp/deb/DEBIAN/control
	mv /tmp/deb/usr/lib/* /tmp/deb/usr/lib/another
	rm /tmp/deb/DEBIAN/md5sums
	dpkg-deb -b /tmp/deb /tmp/other.deb
	dpkg --add-architecture "$1"
	dpkg -i /tmp/other.deb
	dpkg --remove "libpam-jira-pat:$1"
	logs_in jane.doe /root/token
	dpkg --purge "libpam-jira-pat:$1"
	dpkg --remove-architecture "$1"
	rm -r /tmp/deb /tmp/other.deb
}

pam_removed() {
	grep -q pam_jira_pat.so /etc/pam.d/common-auth
	apt-get -q -y remove libpam-jira-pat
	no grep -r pam_jira_pat.so /etc/pam.d
	logs_in local-user /root/password
}

# --- Removed ------------------------------------------------------------------

kept() {
	apt-get -q -y remove patd
	[ ! -e /usr/sbin/patd ]
	[ -e $store/tokens.db ] && [ -e /etc/jira-pat/pepper.key ]
	echo '# of the administrator' >>/etc/jira-pat/jira-pat.conf
	add $debs/patd_*.deb
	accepted
	tail -n 1 /etc/jira-pat/jira-pat.conf | grep administrator
}

purged_kept() {
	apt-get -q -y purge patd pat-httpd 2>&1 | tee /srv/purge
	grep 'patd: kept, for you to remove: .*/var/lib/jira-pat' /srv/purge
	[ -e $store/tokens.db ] && [ -e /etc/jira-pat/pepper.key ]
	[ -e /var/log/jira-pat/audit.jsonl ]
	[ ! -e /etc/jira-pat/jira-pat.conf ] && [ ! -e /run/jira-pat ]
	add $debs/patd_*.deb
	accepted
}

purged_gone() {
	mkdir -p /var/backups/jira-pat
	pat-admin backup /var/backups/jira-pat/one
	pat-admin restore /var/backups/jira-pat/one
	[ -e "$(echo $store.before-*)" ] # the former store has tokens, too
	apt-get -q -y remove patd
	# On a terminal, as whoever is asked sees it.
	{ sleep 1; echo yes; } | TERM=dumb DEBIAN_FRONTEND=teletype \
		script -qec 'dpkg --purge patd' /dev/null >/srv/asked
	grep 'Remove all personal access tokens' /srv/asked
	apt-get -q -y purge pat-admin libsasl2-modules-jira-pat
	left=$(find / -xdev \( -path /srv -o -path /proc -o -path /root \
		-o -path /var/backups -o -path /var/cache \) -prune -o \
		\( -name '*jira?pat*' -o -name 'patd*' -o -name '*pat-admin*' \) \
		-print)
	[ -z "$left" ] || { echo "left: $left"; exit 1; }
	[ -e /var/backups/jira-pat/one ] # a backup is never touched
}

# --- Upgraded, and back -------------------------------------------------------

# As README.md had it before there were packages.
by_hand() {
	cd /srv/made
	make -s install
	adduser --system --group --no-create-home --home $store jira-pat
	adduser --system --group --no-create-home jira-pat-http
	mkdir /etc/jira-pat
	install -m 644 examples/jira-pat.conf /etc/jira-pat/
	cp examples/logrotate/jira-pat /etc/logrotate.d/
	sed -i 's/^#max_per_user = 10/max_per_user = 11/' \
		/etc/jira-pat/jira-pat.conf
	pat-admin init
	first_command
	sha256sum /etc/jira-pat/* >/srv/etc.sum
	id -u jira-pat >/srv/uid
}

# Without a question: what the administrator has changed stays.
take_over() {
	make -s -C /srv/made uninstall
	add -o Dpkg::Options::=--force-confold $debs/*.deb
	sha256sum --quiet -c /srv/etc.sum
	[ "$(id -u jira-pat)" = "$(cat /srv/uid)" ]
	accepted
	cat /var/lib/dpkg/info/*.list >/srv/owned
	unowned=$(find /usr -xdev -type f \( -path '*jira?pat*' -o \
		-path '*/patd*' -o -path '*/pat-*' -o -name '*jirapat*' \) |
		while read -r file; do
			grep -q -x -F -e "$file" -e "${file#/usr}" /srv/owned ||
				echo "$file"
		done)
	[ -z "$unowned" ] || { echo "of no package: $unowned"; exit 1; }
}

# The same without make uninstall: what is there is replaced.
installed_over() {
	apt-get -q -y purge pat-httpd libpam-jira-pat libsasl2-modules-jira-pat
	make -s -C /srv/made install
	add --reinstall -o Dpkg::Options::=--force-confold $debs/*.deb
	accepted
	for name in patd pat-admin pat-httpd libpam-jira-pat; do
		dpkg --verify $name | grep -v ' c /etc/' || continue
		exit 1
	done
}

upgraded() {
	before=$(systemctl show -P MainPID patd)
	[ "$before" != 0 ]
	systemctl enable --now jira-pat-backup.timer
	upgrade
	[ "$(systemctl is-active jira-pat-backup.timer)" = active ]
	[ "$(systemctl is-active jira-pat-purge.timer)" = inactive ]
	[ "$(systemctl is-active patd)" = active ]
	[ "$(systemctl show -P MainPID patd)" != "$before" ]
	systemctl is-active pat-httpd
}

stopped() {
	apt-get -q -y remove patd
	for unit in patd.service patd.socket pat-httpd.service \
		jira-pat-backup.timer; do
		[ "$(systemctl is-active $unit)" = inactive ]
	done
}

upgrade() {
	add $debs/newer/*.deb
	accepted
	pat-admin create other.user >/srv/other # now the store has its format
}

downgrade() {
	no dpkg -i $debs/patd_*.deb $debs/pat-admin_*.deb >/srv/downgrade 2>&1
	cat /srv/downgrade
	[ "$(grep -c 'newer version of jira-pat' /srv/downgrade)" = 2 ]
	[ "$(dpkg-query -W -f '${Version} ${db:Status-Status} ' patd pat-admin)" \
		= "0.2.0 installed 0.2.0 installed " ]
	accepted
}

went_back() {
	apt-get -q -y remove patd pat-httpd
	add --allow-downgrades $debs/pat-admin_*.deb
	no add $debs/patd_*.deb >/srv/back 2>&1
	cat /srv/back
	grep 'the store is kept as it is' /srv/back
	[ "$(dpkg-query -W -f '${db:Status-Status}' patd)" = half-configured ]
}

"$@"
