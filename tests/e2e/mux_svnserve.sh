#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# svnserve asks patd in the protocol of saslauthd; the real svn is its client.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/servers.sh
. "$JP_SOURCE/tests/lib/servers.sh"
# shellcheck source=tests/e2e/mux_lib.sh
. "$JP_SOURCE/tests/e2e/mux_lib.sh"
# shellcheck source=tests/lib/clients.sh
. "$JP_SOURCE/tests/lib/clients.sh"

mux_needs svn svnserve svnadmin /usr/lib/*/sasl2/libplain.so
mux_make "mux_realm = strip"
server_sasl svnserve/svn-saslauthd.conf svn -e "s|/run/jira-pat/mux|$MUX|"
server_svn_repo svnserve/svnserve-saslauthd.conf || bail "no repository"

for mode in fork threads; do
	if [ $mode = threads ]; then
		server_svnserve --threads
	else
		server_svnserve
	fi || bail "svnserve does not start: $(cat "$SCRATCH/log/svnserve.log")"
	mux_proofs "svnserve ($mode)" try_list out out
	new alice
	mux_try try_work alice "$token"
	is "svnserve ($mode): checkout and commit with a token" "$outcome" in
	like "the author is the token's user" \
		"$(svn log -q "file://$SERVERS/repo" 2>&1)" '*| alice |*'
	stop svnserve
done
mux_end svnserve
