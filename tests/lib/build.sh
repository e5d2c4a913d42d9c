# shellcheck shell=sh
# Packages and out-of-tree builds, for quickstart, tests/run and .ci/run.

# need_packages FILE GROUP...: installs the packages of these groups that are
# missing. Fails, with the command to run, where it cannot. A package in whose
# place another one would have to go (Postfix where Exim is) is left out.
need_packages() {
	need_file=$1
	shift
	command -v dpkg-query >/dev/null 2>&1 || return 0 # not Debian
	need_list=
	for need_group in "$@"; do
		# shellcheck disable=SC2013
		for need_one in $(awk -v group="$need_group" \
			'$1 == group { print $2 }' "$need_file"); do
			[ "$(dpkg-query -W -f '${db:Status-Status}' \
				"$need_one" 2>/dev/null)" = installed ] ||
				need_list="$need_list $need_one"
		done
	done
	[ -n "$need_list" ] || return 0
	if [ "$(id -u)" != 0 ]; then
		echo "missing packages; as root: apt-get install$need_list" >&2
		return 1
	fi
	echo "installing:$need_list" >&2
	# shellcheck disable=SC2086
	without_services apt_get --no-remove install $need_list || {
		# shellcheck disable=SC2086
		apt_get update &&
			without_services apt_get --no-remove install $need_list
	} || need_each
}

# need_each: what there is of $need_list, one after the other.
need_each() {
	need_failed=
	for need_one in $need_list; do
		without_services apt_get --no-remove install "$need_one" ||
			need_failed="$need_failed $need_one"
	done
	[ -n "$need_failed" ] || return 0
	echo "cannot install:$need_failed" >&2
	return 1
}

# without_services COMMAND...: what it installs is not started. A policy that
# this machine has already stays.
without_services() {
	policy=/usr/sbin/policy-rc.d
	if [ -e $policy ]; then
		"$@"
		return
	fi
	(
		trap 'rm -f $policy' EXIT
		trap 'exit 1' HUP INT TERM
		printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy &&
			"$@"
	)
}

# The lists of packages may be old or missing, so the first try may fail.
apt_get() {
	DEBIAN_FRONTEND=noninteractive apt-get -q -y \
		-o DPkg::Lock::Timeout=120 --no-install-recommends "$@" \
		</dev/null >&2
}

# copy_source FROM TO: the source tree without what was built inside it. The
# copy is what is bootstrapped: the checkout stays as it is.
copy_source() {
	mkdir -p "$2" &&
		tar -C "$1" -c -f - --exclude=./.git --exclude=./build \
			--exclude='./jira-pat-[0-9]*' \
			--exclude='./autom4te.cache' --exclude='./config.status' \
			--exclude='./config.h' --exclude='./config.log' \
			--exclude='./Makefile' --exclude='./libtool' \
			--exclude='./stamp-h1' --exclude='*.o' --exclude='*.lo' \
			--exclude='*.la' --exclude='.libs' --exclude='.deps' \
			--exclude='.dirstamp' --exclude='*.trs' \
			--exclude='__pycache__' . |
		tar -C "$2" -x -f - --no-same-owner
}

# jobs: as many at a time as there are processors.
jobs_at_once() {
	nproc 2>/dev/null || echo 2
}
