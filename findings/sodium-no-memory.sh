#!/bin/sh
# crypto_pwhash_str_verify() of libsodium 1.0.18 says the same of a wrong password
# and of a right one that it had no memory to hash: -1 and EINVAL. ENOMEM is set
# by crypto_pwhash() alone. (Later sources compare only after success.)
set -eu

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq -o APT::Sandbox::User=root download \
	libsodium23=1.0.18-1+deb12u1 libsodium-dev=1.0.18-1+deb12u1 || exit 77
for deb in *.deb; do
	dpkg -x "$deb" pkg
done
lib=$dir/pkg/usr/lib/$(uname -m)-linux-gnu

cat >verify.c <<'END'
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define MEMORY (64 << 20)

/* What malloc and mmap may have. */
static void
limit_memory(rlim_t bytes)
{
	struct rlimit limit = { bytes, RLIM_INFINITY };

	setrlimit(RLIMIT_AS, &limit);
}

static void
show(const char *what, int result)
{
	printf("%s: %d", what, result);
	printf("%s%s\n", result != 0 ? ", " : "",
	    result != 0 ? strerror(errno) : "");
}

int
main(void)
{
	const unsigned char salt[crypto_pwhash_SALTBYTES] = { 0 };
	char stored[crypto_pwhash_STRBYTES];
	unsigned char key[32];

	if (sodium_init() != 0 ||
	    crypto_pwhash_str(stored, "right", 5, 1, MEMORY) != 0)
		return 1;
	printf("libsodium %s\n", sodium_version_string());
	show("wrong password", crypto_pwhash_str_verify(stored, "wrong", 5));
	show("right password", crypto_pwhash_str_verify(stored, "right", 5));
	limit_memory(MEMORY);
	show("right password, memory is short",
	    crypto_pwhash_str_verify(stored, "right", 5));
	show("crypto_pwhash, memory is short",
	    crypto_pwhash(key, sizeof(key), "right", 5, salt, 1, MEMORY,
	        crypto_pwhash_ALG_ARGON2ID13));
	limit_memory(RLIM_INFINITY);
	show("right password, memory is back",
	    crypto_pwhash_str_verify(stored, "right", 5));
	return 0;
}
END
cc -I pkg/usr/include -o verify verify.c -L "$lib" -l:libsodium.so.23
seen=$(LD_LIBRARY_PATH=$lib ./verify)

echo "$seen"
[ "$seen" = 'libsodium 1.0.18
wrong password: -1, Invalid argument
right password: 0
right password, memory is short: -1, Invalid argument
crypto_pwhash, memory is short: -1, Cannot allocate memory
right password, memory is back: 0' ]
