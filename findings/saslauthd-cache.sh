#!/bin/sh
# The cache of saslauthd (-c, in Debian's default options) never keeps a login
# whose user, realm and service have more than 57 bytes together, and says so
# nowhere but in debug output: mail addresses as user names soon cost PAM each time.
set -eu

dir=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; wait; rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq -o APT::Sandbox::User=root download \
	sasl2-bin=2.1.28+dfsg-10+deb12u1 libsasl2-2=2.1.28+dfsg-10+deb12u1 \
	libpam0g=1.5.2-6+deb12u3 libpam0g-dev=1.5.2-6+deb12u3 \
	libpam-modules=1.5.2-6+deb12u3 || exit 77
for deb in *.deb; do
	dpkg -x "$deb" pkg
done
arch=$(uname -m)-linux-gnu
security=$dir/pkg/lib/$arch/security

# Service files of our own, not those of the machine.
cat >confdir.c <<'END'
#include <security/pam_appl.h>
#include <stdlib.h>

int
pam_start(const char *service, const char *user, const struct pam_conv *conv,
    pam_handle_t **pamh)
{
	return pam_start_confdir(service, user, conv, getenv("CONFDIR"), pamh);
}
END
cc -I pkg/usr/include -shared -fPIC -o confdir.so confdir.c

# PAM says yes, and leaves a byte for each question.
mkdir pam.d run
cat >asked <<END
#!/bin/sh
printf x >>$dir/questions
END
chmod 700 asked
cat >pam.d/imap <<END
auth required $security/pam_exec.so quiet $dir/asked
account required $security/pam_permit.so
END
echo "auth required $security/pam_deny.so" >pam.d/other

export LD_LIBRARY_PATH="$dir/pkg/lib/$arch:$dir/pkg/usr/lib/$arch"
# A session of its own, as it ends its whole process group.
CONFDIR=$dir/pam.d LD_PRELOAD=$dir/confdir.so setsid \
	pkg/usr/sbin/saslauthd -d -n 1 -a pam -c -m "$dir/run" >log 2>&1 &
pid=$!
tries=100
until [ -S run/mux ]; do
	tries=$((tries - 1))
	[ "$tries" -gt 0 ] || { cat log; exit 1; }
	sleep 0.1
done

# login BYTES: three times the same user, whose name has so many bytes.
login() {
	: >questions
	user=$(printf "%0$1d" 0)
	for password in secret secret secret; do
		pkg/usr/sbin/testsaslauthd -f "$dir/run/mux" -s imap \
			-u "$user" -p $password
	done | uniq -c | sed 's/^ *//'
	echo "user of $1 bytes: PAM is asked $(wc -c <questions) times"
}
seen=$(login 53 && login 54)

echo "saslauthd 2.1.28+dfsg-10+deb12u1: -c, service imap, no realm, 3 logins each"
echo "$seen"
[ "$seen" = '3 0: OK "Success."
user of 53 bytes: PAM is asked 1 times
3 0: OK "Success."
user of 54 bytes: PAM is asked 3 times' ]
