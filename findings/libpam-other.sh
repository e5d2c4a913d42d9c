#!/bin/sh
# libpam loads the modules of `other` for every service, also for one whose own
# file has all four types: pam.conf(5) calls it the default for services without
# a file. A heavy module in it is paid for in each transaction.
set -eu

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq -o APT::Sandbox::User=root download libpam0g=1.5.2-6+deb12u3 \
	libpam0g-dev=1.5.2-6+deb12u3 libpam-modules=1.5.2-6+deb12u3 || exit 77
for deb in *.deb; do
	dpkg -x "$deb" pkg
done
lib=$dir/pkg/lib/$(uname -m)-linux-gnu

cat >start.c <<'END'
#include <security/pam_appl.h>
#include <stdio.h>
#include <string.h>

static int
no_questions(int n, const struct pam_message **m, struct pam_response **r,
    void *data)
{
	(void)n, (void)m, (void)r, (void)data;
	return PAM_CONV_ERR;
}

/* The modules that are mapped to be run. */
static void
show(const char *when)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[4096];

	printf("%s:", when);
	while (fgets(line, sizeof(line), maps) != NULL)
		if (strstr(line, " r-xp ") != NULL &&
		    strstr(line, "/security/") != NULL)
			printf(" %.*s", (int)strcspn(strrchr(line, '/') + 1, "\n"),
			    strrchr(line, '/') + 1);
	printf("\n");
	fclose(maps);
}

int
main(int argc, char **argv)
{
	struct pam_conv conv = { no_questions, NULL };
	pam_handle_t *pamh;

	if (argc != 2 ||
	    pam_start_confdir("mail", "alice", &conv, argv[1], &pamh) != 0)
		return 1;
	show("after pam_start");
	printf("pam_authenticate: %s\n",
	    pam_strerror(pamh, pam_authenticate(pamh, 0)));
	pam_end(pamh, 0);
	show("after pam_end");
	return 0;
}
END
cc -I pkg/usr/include -o start start.c -L "$lib" -l:libpam.so.0

mkdir pam.d
for type in auth account password session; do
	echo "$type required $lib/security/pam_permit.so" >>pam.d/mail
	echo "$type required $lib/security/pam_deny.so" >>pam.d/other
done
seen=$(LD_LIBRARY_PATH=$lib ./start "$dir/pam.d")

echo "libpam 1.5.2-6+deb12u3: pam.d/mail has pam_permit.so for all types, and" \
	"pam.d/other pam_deny.so"
echo "$seen"
[ "$seen" = 'after pam_start: pam_deny.so pam_permit.so
pam_authenticate: Success
after pam_end:' ]
