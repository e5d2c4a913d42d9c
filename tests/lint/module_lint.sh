#!/bin/sh
# What the built PAM module and the SASL plugin bring into a foreign process:
# few libraries, few symbols, and code that stays mapped (a module that libpam
# unloads at each transaction is slow, and crashes hosts that still point into
# it). And what pat-httpd, which reads what strangers send, does not have.
set -eu

folder=${JP_BUILD:?}/.libs
if ! command -v readelf >/dev/null || ! command -v nm >/dev/null; then
	echo '1..0 # SKIP readelf and nm are missing: apt-get install binutils'
	exit 0
fi
count=0

# check NAME EXPECTED FOUND: one test, which says what it found.
check()
{
	count=$((count + 1))
	if [ "$2" = "$3" ]; then
		echo "ok $count - $1"
	else
		echo "not ok $count - $1"
		printf '# expected: %s\n# found: %s\n' "$2" "$3"
	fi
}

# Standard input's words on one line, sorted.
line()
{
	sort | tr '\n' ' ' | sed 's/ $//'
}

# has SECTION-LISTING WORD: "yes" or "no".
has()
{
	if printf '%s\n' "$1" | grep -qw -- "$2"; then echo yes; else echo no; fi
}

# needed FILE: the libraries that it names. The dynamic linker, and a
# sanitizer's own libraries, are no dependency.
needed()
{
	found=$(readelf -dW "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]$/\1/p')
	if printf '%s\n' "$found" | grep -q '^lib[a-z]*san\.'; then
		found=$(printf '%s\n' "$found" |
			grep -Ev '^lib([a-z]*san|gcc_s|m|pthread|dl)\.')
	fi
	printf '%s\n' "$found" | grep -v '^ld-linux' | line
}

# module NAME NEEDED EXPORTED
module()
{
	file=$folder/$1.so
	dynamic=$(readelf -dW "$file")
	headers=$(readelf -lW "$file")
	check "$1 needs these libraries and no other" "$2" "$(needed "$file")"
	check "$1 exports its entry points and nothing else" "$3" \
		"$(nm -D --defined-only "$file" | awk '{ print $NF }' | line)"
	# The modules are linked with all of libjp.
	check "$1 holds nothing of a protocol that it does not speak" '' \
		"$(nm "$file" | awk '$NF ~ /^jp_mux_/ { print $NF }' | line)"
	check "$1 is never unloaded" yes "$(has "$dynamic" NODELETE)"
	check "$1 binds all symbols at once" yes "$(has "$dynamic" BIND_NOW)"
	check "$1 makes its relocations read-only" yes \
		"$(has "$headers" GNU_RELRO)"
	check "$1 has no executable stack and no text relocations" no \
		"$(has "$headers $dynamic" 'RWE\|TEXTREL')"
}

echo 1..20
module pam_jira_pat 'libc.so.6 libpam.so.0' \
	'pam_sm_acct_mgmt pam_sm_authenticate pam_sm_setcred'
module libjirapat libc.so.6 sasl_server_plug_init

httpd=$JP_BUILD/pat_httpd/pat-httpd
check "pat-httpd needs these libraries and no other" \
	'libc.so.6 libinih.so.1 libjansson.so.4 libmicrohttpd.so.12 libseccomp.so.2 libsodium.so.23' \
	"$(needed "$httpd")"
check "pat-httpd has no store, no decision and no operation in it" '' \
	"$(nm "$httpd" | awk '$NF ~ /^(jp_(store_|bdb|decide|core_|op_|admin_execute)|db_create)/ { print $NF }' | line)"

check "patd needs these libraries and no other, also for several hosts" \
	'libc.so.6 libdb-5.3.so libinih.so.1 libjansson.so.4 libseccomp.so.2 libsodium.so.23' \
	"$(needed "$JP_BUILD/patd/patd")"

# with_libpq: the programs that name it, of those that are built.
with_libpq()
{
	for program in patd/patd pat_httpd/pat-httpd tools/pat-admin \
	    pat_clusterd/pat-clusterd; do
		if readelf -dW "$JP_BUILD/$program" 2>/dev/null |
			grep -q '\[libpq\.'; then
			echo "${program##*/}"
		fi
	done
}
check "libpq is for pat-clusterd alone" '' \
	"$(with_libpq | grep -v -x pat-clusterd || :)"
clusterd=$JP_BUILD/pat_clusterd/pat-clusterd
if [ -x "$clusterd" ]; then
	check "pat-clusterd needs these libraries and no other" \
		'libc.so.6 libinih.so.1 libpq.so.5 libseccomp.so.2 libsodium.so.23' \
		"$(needed "$clusterd")"
	check "pat-clusterd has no store, no key and no decision in it" '' \
		"$(nm "$clusterd" | awk '$NF ~ /^(jp_(store_|bdb|decide|core_|op_|pepper_|chain_)|db_create)/ { print $NF }' | line)"
else
	count=$((count + 2))
	echo "ok $((count - 1)) - pat-clusterd needs these libraries # SKIP not built"
	echo "ok $count - pat-clusterd has no store in it # SKIP not built"
fi
