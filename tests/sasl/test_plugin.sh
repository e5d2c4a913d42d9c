#!/bin/sh
# Runs test_plugin under the real libsasl2, with the built plugin in one folder
# and those of Cyrus in another.
set -u

# shellcheck source=tests/lib/tap.sh
. "${JP_SOURCE:?}/tests/lib/tap.sh"

program=${JP_BUILD:?}/tests/sasl/test_plugin
test -x "$program" || skip_all "cmocka is missing: apt-get install libcmocka-dev"
for stock in /usr/lib/*/sasl2/libplain.so /usr/lib*/sasl2/libplain.so; do
	test ! -e "$stock" || break
done
test -e "$stock" ||
	skip_all "libplain.so is missing: apt-get install libsasl2-modules"
test -e "${stock%/*}/libsasldb.so" ||
	skip_all "libsasldb.so is missing: apt-get install libsasl2-modules-db"

scratch
mkdir "$SCRATCH/ours" "$SCRATCH/stock"
ln -s "$JP_BUILD/.libs/libjirapat.so" "$SCRATCH/ours/"
for name in libplain liblogin libsasldb; do
	ln -s "${stock%/*}/$name.so" "$SCRATCH/stock/"
done
"$program" "$SCRATCH"
