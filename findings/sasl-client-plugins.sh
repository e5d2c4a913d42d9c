#!/bin/sh
# A mere SASL client loads every plugin in the folder, those for servers, too: with
# Debian's libsasldb.so, the user database of servers, Berkeley DB comes into each
# ldapsearch. sasl_server_init() does so whatever mech_list says: what a plugin is
# linked with, and does when it is loaded, happens in all programs with SASL.
set -eu

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
sasl=2.1.28+dfsg-10+deb12u1
apt-get -qq -o APT::Sandbox::User=root download libsasl2-2=$sasl \
	libsasl2-dev=$sasl libsasl2-modules=$sasl libsasl2-modules-db=$sasl \
	libdb5.3=5.3.28+dfsg2-1 || exit 77
for deb in *.deb; do
	dpkg -x "$deb" pkg
done
lib=$dir/pkg/usr/lib/$(uname -m)-linux-gnu

cat >init.c <<'END'
#include <sasl/sasl.h>
#include <stdio.h>
#include <string.h>

/* What is mapped to be run from the folder of plugins, and libdb. */
static void
show(const char *who)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[4096];

	while (fgets(line, sizeof(line), maps) != NULL)
		if (strstr(line, " r-xp ") != NULL &&
		    (strstr(line, "/sasl2/") != NULL ||
		        strstr(line, "/libdb-") != NULL))
			printf("%s: %s", who, strrchr(line, '/') + 1);
	fclose(maps);
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	(void)argv;
	show("at first");
	if (argc > 1 ? sasl_server_init(NULL, "mail") : sasl_client_init(NULL))
		return 1;
	show(argc > 1 ? "server" : "client");
	return 0;
}
END
cc -I pkg/usr/include -o init init.c -L "$lib" -l:libsasl2.so.2

mkdir conf
echo 'mech_list: PLAIN' >conf/mail.conf
seen=$({
	export SASL_PATH="$lib/sasl2" SASL_CONF_PATH="$dir/conf"
	export LD_LIBRARY_PATH="$lib"
	./init && ./init server
} | LC_ALL=C sort)
wanted=$(for who in client server; do
	echo "$who: libdb-5.3.so"
	for plugin in "$lib"/sasl2/*.so; do
		echo "$who: $(basename "$(readlink -f "$plugin")")"
	done
done | LC_ALL=C sort)

echo "libsasl2 $sasl: sasl_client_init(), sasl_server_init() with mech_list PLAIN"
echo "$seen"
[ "$seen" = "$wanted" ] && [ "${seen#*client: libsasldb.so}" != "$seen" ]
