# shellcheck shell=sh
# Roots: trees of a Debian release, also of another one than this machine's, in
# which a command runs as on a machine of its own. Include tests/lib/build.sh
# first; $JP_SOURCE is the source tree.
#
#     root_have trixie build test || skip_all "..."
#     root_make trixie "$SCRATCH/root" build test
#     cp -r something "$SCRATCH/root/srv/"
#     root_run "$SCRATCH/root" sh -c 'cd /srv/something && make'
#     root_drop "$SCRATCH/root"
#
# A prepared root is debootstrap's, and packages of tests/lib/packages above it. It
# is made once, in $JP_CACHE/roots, by layers of overlayfs: one for debootstrap, and
# one for each set of packages, which stands on the largest set that it contains.
# What a command changes is in a layer that goes with its folder.

# root_have RELEASE [GROUP...]: that root is prepared, with the packages of these
# groups. The first time this takes minutes, and the network. Fails where that
# cannot be, and says why.
root_have() {
	root_can || return 1
	root_folder=$(need_cache)/roots/$1
	mkdir -p "$root_folder" || return 1
	(
		flock 9 || exit 1
		root_base "$1" && shift && root_layer "$@"
	) 9>"$root_folder/lock" || return 1
}

# root_can: this machine can do it at all.
root_can() {
	root_why=
	if [ -n "${JP_ROOT:-}" ]; then
		root_why="this is itself a root of $JP_ROOT"
	elif [ "$(id -u)" != 0 ]; then
		root_why="a root of another release needs root"
	else
		for root_tool in debootstrap unshare setpriv flock pivot_root; do
			command -v $root_tool >/dev/null 2>&1 ||
				root_why="$root_tool is missing"
		done
	fi
	[ -n "$root_why" ] || root_stacks ||
		root_why="no overlayfs in $(need_cache)"
	[ -z "$root_why" ] || echo "$root_why" >&2
	[ -z "$root_why" ]
}

# root_stacks: overlayfs takes folders of the cache, and namespaces are allowed.
root_stacks() {
	root_try=$(need_cache) && mkdir -p "$root_try" &&
		root_try=$(mktemp -d "$root_try/try.XXXXXXXX") || return 1
	mkdir "$root_try/a" "$root_try/upper" "$root_try/work" "$root_try/root"
	unshare -m -p -f --propagation private mount -t overlay -o \
		"lowerdir=$root_try/a,upperdir=$root_try/upper,workdir=$root_try/work" \
		root "$root_try/root" 2>/dev/null
	root_status=$?
	rm -rf "$root_try"
	return $root_status
}

# root_make RELEASE DIR [GROUP...]: a root of one's own in DIR, which must not
# exist. DIR/srv is /srv of the root, also while commands run there.
root_make() {
	root_release=$1
	root_dir=$2
	shift 2
	root_have "$root_release" "$@" || return 1
	root_stack "$root_release" "$root_dir" "$(root_key "$@")"
}

# root_stack RELEASE DIR LAYER: DIR stands on that layer.
root_stack() {
	root_folder=$(need_cache)/roots/$1
	mkdir -m 755 "$2" "$2/upper" "$2/work" "$2/root" "$2/srv" || return 1
	echo "$1" >"$2/release"
	echo "$root_folder" >"$2/folder"
	cp "$root_folder/$3/layers" "$2/layers"
}

# root_here DIR: a root that has all that this machine has, without what is mounted
# there; also for DIR and root_drop. DIR lies on another file system than /, such as
# /dev/shm. Fails where that cannot be, and says why.
root_here() {
	if [ "$(id -u)" != 0 ] || [ -n "${JP_ROOT:-}" ] || ! root_stacks; then
		echo "a copy of this machine needs root and overlayfs" >&2
		return 1
	fi
	mkdir -m 755 "$1" "$1/upper" "$1/work" "$1/root" "$1/srv" || return 1
	echo machine >"$1/release"
	echo / >"$1/folder"
	echo . >"$1/layers"
}

# root_run DIR COMMAND...: runs it as root of that tree, in / there, with an
# environment that has nothing of this one. What it starts and mounts ends with
# it, or with the shell that calls. The network is this machine's.
root_run() {
	root_dir=$(cd "$1" && pwd) || return 1
	shift
	root_shared=$(root_cache "$(cat "$root_dir/release")")
	mkdir -p "$root_shared" || return 1
	setpriv --pdeathsig KILL unshare -m -p -i -f --propagation private \
		--kill-child sh -eu "$JP_SOURCE/tests/lib/root_inside.sh" \
		"$root_dir" "$root_shared" "$@"
	root_status=$?
	[ $root_status -ne 75 ] || echo "a command runs in $root_dir already" >&2
	return $root_status
}

# root_cache RELEASE: what is $JP_CACHE in the roots of this release.
root_cache() {
	echo "$(need_cache)/within/$1"
}

# root_share RELEASE FOLDER: one of the cache of this machine, for these roots, too.
root_share() {
	root_to=$(root_cache "$1")/${2##*/}
	[ ! -d "$root_to" ] || return 0
	# shellcheck disable=SC2154
	need_beside "$root_to" && cp -a "$2/." "$need_new" && need_move "$root_to"
	root_status=$?
	rm -rf "$need_new"
	return $root_status
}

# root_drop DIR: nothing else but a root is removed.
root_drop() {
	[ ! -e "$1" ] || { [ -f "$1/layers" ] && rm -rf "$1"; }
}

# --- Preparing ----------------------------------------------------------------

# root_base RELEASE: the layer of debootstrap.
root_base() {
	[ ! -d "$root_folder/base" ] || return 0
	echo "making a root of $1" >&2
	root_new=$(mktemp -d "$root_folder/new.XXXXXXXX") || return 1
	chmod 755 "$root_new"
	if ! debootstrap --variant=minbase "$1" "$root_new/upper" \
		"$(root_mirror)" >"$root_folder/debootstrap.log" 2>&1 ||
		! root_base_settings "$1" "$root_new/upper"; then
		tail -n 3 "$root_folder/debootstrap.log" >&2
		rm -rf "$root_new"
		return 1
	fi
	: >"$root_new/entries"
	echo base/upper >"$root_new/layers"
	mv -T "$root_new" "$root_folder/base"
}

# Another mirror: JP_MIRROR, to which "-security" is appended for that part.
root_mirror() {
	echo "${JP_MIRROR:-http://deb.debian.org/debian}"
}

root_base_settings() { # RELEASE TREE
	printf '#!/bin/sh\nexit 101\n' >"$2/usr/sbin/policy-rc.d" &&
		chmod 755 "$2/usr/sbin/policy-rc.d" || return 1
	printf 'deb %s %s main\n' "$(root_mirror)" "$1" "$(root_mirror)" \
		"$1-updates" "$(root_mirror)-security" "$1-security" \
		>"$2/etc/apt/sources.list"
	# As apt here gets to its mirrors.
	apt-config dump 2>/dev/null | grep -E \
		'^Acquire::(http|https|ftp|Retries|Check)' \
		>"$2/etc/apt/apt.conf.d/90machine"
	echo force-unsafe-io >"$2/etc/dpkg/dpkg.cfg.d/unsafe-io"
	rm -f "$2"/var/cache/apt/archives/*.deb
}

# root_entries GROUP...: what tests/lib/packages has for these.
root_entries() {
	for root_group in "$@"; do
		awk -v group="$root_group" '$1 == group { print $2 }' \
			"$JP_SOURCE/tests/lib/packages"
	done | LC_ALL=C sort -u
}

# root_key GROUP...: the name of their layer.
root_key() {
	if [ $# -eq 0 ]; then
		echo base
	else
		root_entries "$@" | sha256sum | cut -c 1-16
	fi
}

# root_layer GROUP...: the layer of these packages.
root_layer() {
	root_layer_key=$(root_key "$@")
	[ ! -d "$root_folder/$root_layer_key" ] || return 0
	root_new=$(mktemp -d "$root_folder/new.XXXXXXXX") || return 1
	root_entries "$@" >"$root_new/entries"
	root_under=$(root_below "$root_new/entries")
	if root_install "$@"; then
		chmod 755 "$root_new" # the layers of its own come first
		mv -T "$root_new" "$root_folder/$root_layer_key"
		root_status=$?
	else
		root_status=1
	fi
	rm -rf "$root_new"
	return $root_status
}

# root_below ENTRIES: the layer that has most of these, and nothing else.
root_below() {
	for root_one in "$root_folder"/*/entries; do
		case $root_one in */new.*) continue ;; esac
		[ -z "$(LC_ALL=C comm -23 "$root_one" "$1")" ] || continue
		# Not without end: each layer costs a look-up, and the list of
		# them has to fit in a page.
		[ "$(tr ':' '\n' <"${root_one%entries}layers" | wc -l)" -lt 25 ] ||
			continue
		root_one=${root_one%/entries}
		echo "$(wc -l <"$root_one/entries") ${root_one##*/}"
	done | sort -n | tail -n 1 | sed 's/^[^ ]* //'
}

# root_install GROUP...: into $root_new, above $root_under. What this release does
# not have, or what conflicts with the others, is left out; without a network
# there is no layer.
root_install() {
	root_release=${root_folder##*/}
	echo "installing in a root of $root_release: $*" >&2
	root_stack "$root_release" "$root_new/tree" "$root_under" || return 1
	cp "$JP_SOURCE/tests/lib/build.sh" "$JP_SOURCE/tests/lib/packages" \
		"$root_new/tree/srv/" || return 1
	root_run "$root_new/tree" sh -eu -c '
		. /srv/build.sh
		need_packages /srv/packages "$@" || echo incomplete
		apt-get clean' need "$@" >"$root_folder/install.log" 2>&1
	root_status=$?
	if [ $root_status -ne 0 ] ||
		grep -q '(apt-get fails)' "$root_folder/install.log"; then
		tail -n 3 "$root_folder/install.log" >&2
		return 1
	fi
	grep '^cannot install: ' "$root_folder/install.log" >&2
	mv "$root_new/tree/upper" "$root_new/upper" && rm -rf "$root_new/tree" &&
		echo "$root_layer_key/upper:$(cat "$root_folder/$root_under/layers")" \
			>"$root_new/layers"
}
