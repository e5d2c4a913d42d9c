#!/bin/sh
# sasl_seterror() is documented to format as syslog(3) does. Its own formatter knows
# %s, %d, %i, %c, %m, %z and %% only: %u and %x come out if one of these letters
# follows ("tries"), and are lost with the rest of the text if none does ("left").
# %m takes an argument and leaves errno alone; %z is the text of a SASL error.
set -eu

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq -o APT::Sandbox::User=root download \
	libsasl2-2=2.1.28+dfsg-10+deb12u1 \
	libsasl2-dev=2.1.28+dfsg-10+deb12u1 || exit 77
for deb in *.deb; do
	dpkg -x "$deb" pkg
done
lib=$dir/pkg/usr/lib/$(uname -m)-linux-gnu

cat >format.c <<'END'
#include <errno.h>
#include <sasl/sasl.h>
#include <stdio.h>

int
main(void)
{
	static const char *const formats[] = { "%d of %d left", "%d of %u left",
		"%d of %u tries", "%d of %x left", "%m, %d left" };
	sasl_conn_t *conn;

	if (sasl_client_init(NULL) != SASL_OK ||
	    sasl_client_new("imap", "mail.example.org", NULL, NULL, NULL, 0,
	        &conn) != SASL_OK)
		return 1;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		errno = EACCES;
		sasl_seterror(conn, SASL_NOLOG, formats[i], 3, 5);
		printf("%s -> %s.\n", formats[i], sasl_errdetail(conn));
	}
	sasl_dispose(&conn);
	return 0;
}
END
cc -I pkg/usr/include -o format format.c -L "$lib" -l:libsasl2.so.2

mkdir no-plugins
seen=$(SASL_PATH=$dir/no-plugins LD_LIBRARY_PATH=$lib ./format)

echo "libsasl2 2.1.28+dfsg-10+deb12u1: sasl_seterror(conn, SASL_NOLOG," \
	"FORMAT, 3, 5) with errno EACCES"
echo "$seen"
[ "$seen" = '%d of %d left -> SASL(0): successful result: 3 of 5 left.
%d of %u left -> SASL(0): successful result: 3 of .
%d of %u tries -> SASL(0): successful result: 3 of 5 tries.
%d of %x left -> SASL(0): successful result: 3 of .
%m, %d left -> SASL(0): successful result: No such process, 5 left.' ]
