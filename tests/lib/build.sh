# shellcheck shell=sh
# Packages and out-of-tree builds, for quickstart, tests and .ci/run.

# need_packages FILE GROUP...: installs the packages of these groups that are
# missing. "a|b" in FILE: whichever is there, else the first that this release
# has, or none if the last one is "-". Fails where one cannot be installed, and
# says which and why; the others are installed all the same.
need_packages() {
	need_file=$1
	shift
	command -v dpkg-query >/dev/null 2>&1 || return 0 # not Debian
	need_missing=$(need_missing "$@")
	[ -n "$need_missing" ] || return 0
	if [ "$(id -u)" != 0 ]; then
		need_by_hand
		return
	fi
	need_choose || { apt_get update && need_choose; }
	[ -z "$need_list" ] || echo "installing:$need_list" >&2
	# The lists of packages may be old or missing.
	need_install || { apt_get update && need_install; } || {
		need_fitting
		need_install || need_failed="$need_failed$need_list (apt-get fails)"
	}
	[ -n "$need_failed" ] || return 0
	echo "cannot install:$need_failed" >&2
	return 1
}

# need_by_hand: what root would have to do. Succeeds where there is nothing.
need_by_hand() {
	need_list=$(printf '%s\n' "$need_missing" |
		sed -e '/|-$/d' -e 's/|.*//' | tr '\n' ' ')
	[ -n "$need_list" ] || return 0
	echo "missing packages; as root: apt-get install $need_list" >&2
	return 1
}

need_installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" \
		2>/dev/null)" = installed ]
}

# need_missing GROUP...: prints the entries of these groups that are missing.
need_missing() {
	for need_group in "$@"; do
		awk -v group="$need_group" '$1 == group { print $2 }' \
			"$need_file"
	done | while IFS= read -r need_entry; do
		for need_one in $(echo "$need_entry" | tr '|' ' '); do
			need_installed "$need_one" && continue 2
		done
		echo "$need_entry"
	done
}

# need_choose: sets $need_list, the names to install for $need_missing. Fails
# if this release, or an old list of it, does not have all; the others, with the
# reason, are in $need_failed.
need_choose() {
	need_list=
	need_failed=
	for need_entry in $need_missing; do
		for need_one in $(echo "$need_entry" | tr '|' ' '); do
			[ "$need_one" != - ] || continue 2
			apt-cache show "$need_one" >/dev/null 2>&1 || continue
			need_list="$need_list $need_one"
			continue 2
		done
		need_failed="$need_failed $need_entry (not in this release)"
	done
	[ -z "$need_failed" ]
}

need_install() {
	[ -n "$need_list" ] || return 0
	# shellcheck disable=SC2086
	without_services apt_get --no-remove install $need_list
}

# need_fitting: leaves those of $need_list out in whose place another package
# would have to go, Postfix where Exim is; nothing is installed for that.
need_fitting() {
	need_fits=
	for need_one in $need_list; do
		# shellcheck disable=SC2086
		if apt-get -q -s --no-remove --no-install-recommends install \
			$need_fits "$need_one" >/dev/null 2>&1; then
			need_fits="$need_fits $need_one"
		else
			need_failed="$need_failed $need_one ($(need_why))"
		fi
	done
	need_list=$need_fits
}

# need_why: what stands in the way of $need_one.
need_why() {
	# shellcheck disable=SC2086
	need_gone=$(apt-get -q -s --no-install-recommends install $need_fits \
		"$need_one" 2>/dev/null | sed -n 's/^Remv \([^ ]*\).*/\1/p' |
		tr '\n' ' ')
	if [ -n "$need_gone" ]; then
		echo "in the place of ${need_gone% }"
	else
		echo "does not fit in here"
	fi
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

# need_npm FOLDER: installs what its package-lock.json names, once for each such
# file, in a cache outside of the source tree, and prints the folder of modules. With
# the hashes of that file, and without scripts of the packages. Fails, and says why,
# where npm or its registry is not there.
need_npm() {
	command -v npm >/dev/null 2>&1 || {
		echo "npm is missing" >&2
		return 1
	}
	need_modules=$(need_cache)/npm-$(sha256sum "$1/package-lock.json" | cut -c 1-16)
	[ -d "$need_modules" ] || need_npm_install "$1" >&2 || return 1
	echo "$need_modules/node_modules"
}

need_npm_install() {
	need_beside "$need_modules" || return 1
	cp "$1/package.json" "$1/package-lock.json" "$need_new/" &&
		(cd "$need_new" && timeout 600 npm ci --ignore-scripts \
			--no-audit --no-fund --no-update-notifier \
			--fetch-retries=1 --fetch-timeout=60000 </dev/null) &&
		need_move "$need_modules"
	need_status=$?
	rm -rf "$need_new"
	return $need_status
}

# need_unpacked PACKAGE: unpacks it, with those that it needs and that are not
# installed, in a cache outside of the source tree, once for each version, and
# prints the folder. For what cannot be installed beside others: no script of the
# package runs, and nothing of the machine is changed. Fails, and says why, where
# this release does not have it, or no mirror is there.
need_unpacked() {
	need_version=$(LC_ALL=C apt-cache policy "$1" 2>/dev/null |
		sed -n 's/^  Candidate: //p')
	case $need_version in
	'' | '(none)')
		echo "$1 is not in this release" >&2
		return 1
		;;
	esac
	need_folder=$(need_cache)/unpacked/$1-$(echo "$need_version" | tr : _)
	[ -d "$need_folder" ] || need_unpack "$1" >&2 || return 1
	echo "$need_folder"
}

need_unpack() {
	need_beside "$need_folder" || return 1
	mkdir "$need_new/deb"
	# shellcheck disable=SC2046
	(cd "$need_new/deb" && apt-get -q download $(need_with "$1") &&
		for need_deb in *.deb; do
			dpkg-deb -x "$need_deb" "$need_new" || exit 1
		done) && rm -rf "$need_new/deb" && chmod 755 "$need_new" &&
		need_move "$need_folder"
	need_status=$?
	rm -rf "$need_new"
	return $need_status
}

# need_with PACKAGE: NAME=VERSION of it and of those that would come with it.
need_with() {
	{
		echo "$1=$need_version"
		apt-get -q -s --no-install-recommends install "$1" 2>/dev/null |
			sed -n 's/^Inst \([^ ]*\) \(\[[^]]*\] \)\{0,1\}(\([^ ]*\) .*/\1=\3/p'
	} | sort -u
}

# need_all_unpacked FILE GROUP: of these entries, what this release has.
need_all_unpacked() {
	awk -v group="$2" '$1 == group { print $2 }' "$1" | tr '|' '\n' | {
		need_status=0
		while IFS= read -r need_one; do
			apt-cache show "$need_one" >/dev/null 2>&1 || continue
			need_unpacked "$need_one" || need_status=1
		done
		return $need_status
	}
}

need_cache() {
	echo "${JP_CACHE:-${XDG_CACHE_HOME:-${HOME:-/var/tmp}/.cache}/jira-pat}"
}

# need_beside FOLDER: sets $need_new, a new folder that need_move FOLDER moves to
# that place at once, or not where somebody else did so first.
need_beside() {
	mkdir -p "${1%/*}" && need_new=$(mktemp -d "${1%/*}/new.XXXXXXXX")
}

need_move() {
	mv -T "$need_new" "$1" 2>/dev/null || [ -d "$1" ]
}

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

# evaluated FOLDER EXPRESSION: as the Makefile of that build has it, whatever the
# make says that runs this. A stale Makefile is made first, as that prints what it does.
# shellcheck disable=SC2016
evaluated() {
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s -C "$1" Makefile >&2 &&
		printf 'include Makefile\nevaluated: ; @echo $(VALUE)\n' |
		env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s -C "$1" -f - \
			evaluated VALUE="$2"
}

# jobs: as many at a time as there are processors.
jobs_at_once() {
	nproc 2>/dev/null || echo 2
}
