# shellcheck shell=sh
# The place of test_plugin; after tests/lib/tap.sh.

# plugin_folders: sets $program, and makes $SCRATCH with the built plugin in one
# folder and those of Cyrus in another. Leaves where something is missing.
plugin_folders() {
	program=${JP_BUILD:?}/tests/sasl/test_plugin
	test -x "$program" ||
		skip_all "cmocka is missing: apt-get install libcmocka-dev"
	for stock in /usr/lib/*/sasl2/libplain.so /usr/lib*/sasl2/libplain.so; do
		test ! -e "$stock" || break
	done
	test -e "$stock" || skip_all \
		"libplain.so is missing: apt-get install libsasl2-modules"
	test -e "${stock%/*}/libsasldb.so" || skip_all \
		"libsasldb.so is missing: apt-get install libsasl2-modules-db"
	scratch
	mkdir "$SCRATCH/ours" "$SCRATCH/stock"
	ln -s "$JP_BUILD/.libs/libjirapat.so" "$SCRATCH/ours/"
	for name in libplain liblogin libsasldb; do
		ln -s "${stock%/*}/$name.so" "$SCRATCH/stock/"
	done
}
