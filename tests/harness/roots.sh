#!/bin/sh
# What tests/lib/roots.sh does, with the real namespaces and overlayfs, for a release
# whose debootstrap and apt-get are scripts.

# shellcheck source-path=SCRIPTDIR/../..
# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/build.sh
. "$JP_SOURCE/tests/lib/build.sh"
# shellcheck source=tests/lib/roots.sh
. "$JP_SOURCE/tests/lib/roots.sh"

scratch
export JP_CACHE="$SCRATCH/cache"
mkdir -p "$SCRATCH/bin" "$SCRATCH/src/tests/lib"
# tool PATH: a script.
tool() {
	cat >"$1" && chmod 755 "$1"
}

# The real one is not needed here.
tool "$SCRATCH/bin/debootstrap" <<'SH'
#!/bin/sh
echo "debootstrap $*" >>"$CALLS"
[ ! -e "$CALLS.broken" ] || { echo "E: no mirror"; exit 1; }
cp -a "$TREE" "$3"
SH
export PATH="$SCRATCH/bin:$PATH" CALLS="$SCRATCH/calls" TREE="$SCRATCH/tree"
root_can 2>"$SCRATCH/why" || skip_all "$(cat "$SCRATCH/why")"
why=$(JP_ROOT=trixie root_have trixie 2>&1)
is "a root makes no other root" "$? $why" "1 this is itself a root of trixie"

# tree_make: the smallest machine: a shell, some tools, and a libc for them.
tree_make() {
	mkdir -p "$TREE/bin" "$TREE/etc/apt/apt.conf.d" "$TREE/etc/dpkg/dpkg.cfg.d" \
		"$TREE/usr/sbin" "$TREE/var/cache/apt/archives" "$TREE/tmp"
	for folder in proc sys dev srv; do
		mkdir "$TREE/$folder"
	done
	ln -s ../bin "$TREE/usr/bin"
	for one in sh env cat id mount umount sleep awk grep sed tr rm mkdir touch \
		ls readlink chmod; do
		file=$(readlink -f "$(command -v $one)")
		cp "$file" "$TREE/bin/$one" && ldd "$file"
	done | grep -o '/[^ ]*' | sort -u | while IFS= read -r lib; do
		mkdir -p "$TREE${lib%/*}" && cp "$lib" "$TREE$lib"
	done
	tree_packages
}

# tree_packages: what need_packages asks and runs; an installed package is a file.
tree_packages() {
	mkdir "$TREE/installed"
	tool "$TREE/bin/dpkg-query" <<-'SH'
		#!/bin/sh
		for name; do :; done
		[ ! -e "/installed/$name" ] || printf installed
	SH
	tool "$TREE/bin/apt-cache" <<-'SH'
		#!/bin/sh
		[ "$2" != gone ]
	SH
	tool "$TREE/bin/apt-get" <<-'SH'
		#!/bin/sh
		echo "apt-get $*" >>/srv/calls
		case " $* " in
		*" -s "*) exit 0 ;;
		*" broken"*) exit 100 ;;
		*" install "*) ;;
		*) exit 0 ;;
		esac
		for name; do :; done
		touch "/installed/$name"
	SH
}

tree_make
JP_SOURCE_REAL=$JP_SOURCE
JP_SOURCE=$SCRATCH/src
cp "$JP_SOURCE_REAL"/tests/lib/root_inside.sh "$JP_SOURCE_REAL"/tests/lib/build.sh \
	"$JP_SOURCE/tests/lib/"
packages() {
	printf '%s\n' "$@" >"$JP_SOURCE/tests/lib/packages"
}
packages "small one" "large one" "large two"

# have GROUP...: sets $said and $ended.
have() {
	said=$(root_have fake "$@" 2>&1)
	ended=$?
}

roots=$JP_CACHE/roots/fake
layers() {
	ls "$roots"
}

# has GROUP: the files in the layer of that group, not of those below.
has() {
	(cd "$roots/$(root_key "$1")/upper/installed" && echo *)
}

touch "$CALLS.broken"
have
like "where debootstrap fails, it fails, with its words" "$ended $said" \
	"1 *E: no mirror"
is "and nothing of it is left" "$(layers)" "debootstrap.log
lock"
rm "$CALLS.broken"
: >"$CALLS"

have small
is "a root has the packages of a group" "$ended $(has small)" "0 one"
before=$(layers)
have small
is "the second time there is nothing to do" \
	"$ended $said $(grep -c . "$CALLS") $(layers)" "0  1 $before"
have large
is "a larger group stands on a smaller one" \
	"$ended $(has large) $(grep -c . "$CALLS")" "0 two 1"

before=$(layers)
packages "small one" "large one" "large two" "large broken"
have large
like "where apt-get fails there is no root" "$ended $said" \
	"1 *cannot install: *(apt-get fails)*"
is "and nothing of it is left behind" "$(layers)" "$before"
packages "small one" "large one" "large two" "large gone"
have large
like "a package that this release does not have is named, and left out" \
	"$ended $said" "0 *cannot install: gone (not in this release)"

# A root of one's own.
root=$SCRATCH/root
root_make fake "$root" large
# shellcheck disable=SC2016
said=$(echo word | SECRET=1 root_run "$root" sh -c \
	'cat; ls /installed; echo "$JP_ROOT ${SECRET-none} $(id -u)"; exit 7')
is "a command runs there, with an environment of its own, and its status" \
	"$? $said" "7 word
one
two
fake none 0"
is "it has devices, processes, and a root that is mounted" "$(root_run "$root" sh -c '
	echo x >/dev/null && [ -r /dev/urandom ] && [ -d /dev/pts ] &&
		[ -d /proc/self ] && grep -c " / overlay " /proc/mounts')" 1
# shellcheck disable=SC2016
root_run "$root" sh -c 'echo changed >/installed/one; echo seen >/srv/file
	echo kept >/var/cache/jira-pat/file; sleep "$1" >/dev/null 2>&1 &' \
	sh "299.$$"
is "/srv is a folder of this machine" "$(cat "$root/srv/file")" seen
is "what it changes stays in its own root" "$(
	root_run "$root" cat /installed/one
	cat "$roots"/*/upper/installed/one)" changed

# of_it WORD: a process of this machine that has it in its arguments; with our
# number in it, as this test may run here more than once at a time.
of_it() {
	echo "$1" >"$SCRATCH/word" # it would find itself
	grep -l -s -z -x -F -f "$SCRATCH/word" /proc/[0-9]*/cmdline
}
until_gone() {
	tries=0
	while [ -n "$(of_it "$1")" ] && [ $tries -lt 600 ]; do
		tries=$((tries + 1))
		sleep 0.1
	done
	[ -z "$(of_it "$1")" ]
}
ok "what it started has ended with it" until_gone "299.$$"

# started COMMAND...: in the background, in a shell of its own; waits for /srv/up.
started() {
	rm -f "$root/srv/up"
	# shellcheck disable=SC2016
	setsid sh -c '. "$0/tests/lib/build.sh"; . "$0/tests/lib/roots.sh"
		trap : TERM; root_run "$@"; exit $?' "$JP_SOURCE_REAL" "$root" "$@" \
		>>"$SCRATCH/log/started" 2>&1 &
	shell=$!
	tries=0
	while [ ! -e "$root/srv/up" ] && [ $tries -lt 600 ]; do
		tries=$((tries + 1))
		sleep 0.1
	done
}

# shellcheck disable=SC2016
started sh -c 'touch /srv/up; sleep "$1"' sh "298.$$"
why=$(root_run "$root" true 2>&1)
like "a second command in it is refused" "$? $why" "75 a command runs in * already"
kill -s KILL $shell
ok "it ends with the shell that called" until_gone "298.$$"

started sh -c 'trap "echo ended >/srv/end; exit 5" TERM
	touch /srv/up; while :; do sleep 0.1; done'
kill -s TERM -- -$shell
wait $shell
is "what is asked to end, with the shell that called, does so in order" \
	"$? $(cat "$root/srv/end")" "5 ended"

other=$SCRATCH/other
root_make fake "$other"
mkdir "$JP_CACHE/modules" && echo shared >"$JP_CACHE/modules/file"
root_share fake "$JP_CACHE/modules" && root_share fake "$JP_CACHE/modules"
# shellcheck disable=SC2016
is "a folder of this machine's cache can be there, too" "$(
	root_run "$other" sh -c 'cat $JP_CACHE/modules/file; ls $JP_CACHE')" "shared
file
modules"
is "what is in the cache is there for every root of that release" "$(
	root_run "$other" cat /var/cache/jira-pat/file)" kept
root_drop "$root" && root_drop "$other"
is "a root goes without a trace" "$(ls -d "$root" "$other" 2>/dev/null
	grep -F "$SCRATCH" /proc/mounts)" ''
mkdir "$SCRATCH/mine"
root_drop "$SCRATCH/mine"
ok "no other folder is taken for a root" test -d "$SCRATCH/mine"
done_testing
