#!/bin/sh
# pam_wrapper copies the folder of service files when a process starts. What is
# edited afterwards counts for the next process only, while libpam itself reads
# the files in each pam_start: a server in a test needs a restart.
set -eu

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq -o APT::Sandbox::User=root download libpam0g=1.5.2-6+deb12u3 \
	libpam0g-dev=1.5.2-6+deb12u3 libpam-modules=1.5.2-6+deb12u3 \
	libpam-wrapper=1.1.4-1+b2 || exit 77
for deb in *.deb; do
	dpkg -x "$deb" pkg
done
arch=$(uname -m)-linux-gnu
lib=$dir/pkg/lib/$arch

cat >twice.c <<'END'
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>

static int
no_questions(int n, const struct pam_message **m, struct pam_response **r,
    void *data)
{
	(void)n, (void)m, (void)r, (void)data;
	return PAM_CONV_ERR;
}

static void
login(const char *when)
{
	struct pam_conv conv = { no_questions, NULL };
	pam_handle_t *pamh;

	if (pam_start("mail", "alice", &conv, &pamh) != PAM_SUCCESS)
		exit(1);
	printf("%s: %s\n", when, pam_strerror(pamh, pam_authenticate(pamh, 0)));
	pam_end(pamh, 0);
}

int
main(int argc, char **argv)
{
	FILE *file;

	login("at first");
	file = fopen(argv[1], "w");
	fprintf(file, "auth required %s\n", argv[argc - 1]);
	fclose(file);
	login("after an edit");
	return 0;
}
END
cc -I pkg/usr/include -o twice twice.c -L "$lib" -l:libpam.so.0

mkdir pam.d
echo "auth required $lib/security/pam_deny.so" | tee pam.d/mail >pam.d/other
seen=$(for process in 1 2; do
	echo "process $process"
	TMPDIR=$dir LD_LIBRARY_PATH=$lib PAM_WRAPPER=1 \
		LD_PRELOAD=$dir/pkg/usr/lib/$arch/libpam_wrapper.so \
		PAM_WRAPPER_SERVICE_DIR=$dir/pam.d \
		./twice pam.d/mail "$lib/security/pam_permit.so"
done)

echo "pam_wrapper 1.1.4-1+b2: pam_deny.so becomes pam_permit.so"
echo "$seen"
[ "$seen" = 'process 1
at first: Authentication failure
after an edit: Authentication failure
process 2
at first: Success
after an edit: Success' ]
