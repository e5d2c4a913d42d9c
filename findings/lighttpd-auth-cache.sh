#!/bin/sh
# auth.cache of lighttpd 1.4.69 keeps one password of a user, and the cache decides
# about all others: while it holds one, a second password that PAM accepts, too, is
# 401, and PAM is not asked. Without auth.cache both get in.
#
# Needs what Debian's lighttpd depends on, as an installed one has, and curl.
set -eu

dir=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; wait; rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq -o APT::Sandbox::User=root download \
	lighttpd=1.4.69-1 lighttpd-mod-authn-pam=1.4.69-1 \
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

# PAM accepts two passwords, and notes each question.
mkdir pam.d www && echo page >www/index.html
cat >asked <<END
#!/bin/sh
password=\$(tr -d '\0')
echo "\$password" >>$dir/questions
[ "\$password" = first ] || [ "\$password" = second ]
END
chmod 700 asked
cat >pam.d/http <<END
auth required $security/pam_exec.so quiet expose_authtok $dir/asked
account required $security/pam_permit.so
END
echo "auth required $security/pam_deny.so" >pam.d/other

# statuses [LINE]: of requests with both passwords, and how often PAM was asked.
statuses() {
	port=$(python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])')
	cat >conf <<-END
		server.bind = "127.0.0.1"
		server.port = $port
		server.document-root = "$dir/www"
		server.modules = ( "mod_auth", "mod_authn_pam" )
		auth.backend = "pam"
		auth.require = ( "/" => ( "method" => "basic", "realm" => "x",
			"require" => "valid-user" ) )
		${1:-}
	END
	: >questions
	CONFDIR=$dir/pam.d LD_PRELOAD=$dir/confdir.so \
		LD_LIBRARY_PATH="$dir/pkg/lib/$arch:$dir/pkg/usr/lib/$arch" \
		pkg/usr/sbin/lighttpd -D -f conf \
		-m "$dir/pkg/usr/lib/lighttpd" >>log 2>&1 &
	pid=$!
	for password in first second; do
		curl -s -o answer -w '%{http_code} ' --retry 20 \
			--retry-connrefused --retry-delay 1 \
			-u "user:$password" "http://127.0.0.1:$port/index.html"
	done
	echo "PAM is asked $(wc -l <questions) times"
	kill "$pid"
	wait "$pid" || :
	pid=
}
seen="without auth.cache: $(statuses)
with auth.cache:    $(statuses 'auth.cache = ( "max-age" => "600" )')"

echo "lighttpd 1.4.69-1: two passwords that PAM accepts"
echo "$seen"
[ "$seen" = 'without auth.cache: 200 200 PAM is asked 2 times
with auth.cache:    200 401 PAM is asked 1 times' ]
