#!/bin/sh
# pam_exec hands on no more than the first 511 bytes of a password, without a
# word in the log, while the next module in the same stack gets all of it.
# PAM_MAX_RESP_SIZE, 512, looks like a limit of libpam; libpam keeps none.
set -eu

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq -o APT::Sandbox::User=root download libpam0g=1.5.2-6+deb12u3 \
	libpam0g-dev=1.5.2-6+deb12u3 libpam-modules=1.5.2-6+deb12u3 || exit 77
for deb in *.deb; do
	dpkg -x "$deb" root
done
lib=$dir/root/lib/$(uname -m)-linux-gnu

cat >next.c <<'END'
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <stdio.h>
#include <string.h>

int
pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	const char *password;
	int err = pam_get_authtok(pamh, PAM_AUTHTOK, &password, NULL);

	(void)flags, (void)argc, (void)argv;
	if (err == PAM_SUCCESS)
		printf("the next module: %zu bytes\n", strlen(password));
	return err;
}
END
cat >ask.c <<'END'
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
answer(int n, const struct pam_message **m, struct pam_response **r, void *data)
{
	(void)m;
	*r = calloc((size_t)n, sizeof(**r));
	(*r)->resp = strdup(data);
	return PAM_SUCCESS;
}

int
main(int argc, char **argv)
{
	struct pam_conv conv = { answer, argv[argc - 1] };
	pam_handle_t *pamh;

	if (pam_start_confdir("mail", "alice", &conv, argv[1], &pamh) != 0)
		return 1;
	return pam_end(pamh, pam_authenticate(pamh, 0));
}
END
cc -I root/usr/include -shared -fPIC -o next.so next.c
cc -I root/usr/include -o ask ask.c -L "$lib" -l:libpam.so.0

mkdir pam.d
cat >pam.d/mail <<END
auth required $lib/security/pam_exec.so expose_authtok $(command -v tee) $dir/got
auth required $dir/next.so
END
echo "auth required $lib/security/pam_deny.so" >pam.d/other
password=$(printf '%0600d' 0)
seen=$(
	LD_LIBRARY_PATH=$lib ./ask "$dir/pam.d" "$password"
	echo "the command of pam_exec: $(wc -c <got) bytes"
)

echo "pam_exec 1.5.2-6+deb12u3: expose_authtok, a password of 600 bytes"
echo "$seen"
[ "$seen" = 'the next module: 600 bytes
the command of pam_exec: 511 bytes' ]
