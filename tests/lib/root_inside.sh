#!/bin/sh
# The first process in a root, with which all others there end: root_run of
# tests/lib/roots.sh starts it in namespaces of its own.
#
#     root_inside.sh DIR SHARED COMMAND...
set -eu

dir=$1 shared=$2 release=$(cat "$1/release")
shift 2
exec 9<"$dir/release"
flock -n 9 || exit 75
cd "$(cat "$dir/folder")"
mount -t overlay -o \
	"lowerdir=$(cat "$dir/layers"),upperdir=$dir/upper,workdir=$dir/work" \
	root "$dir/root"
cd "$dir/root"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
for n in 0:stdin 1:stdout 2:stderr; do
	ln -s "/proc/self/fd/${n%:*}" "dev/${n#*:}"
done
for n in null:3 zero:5 full:7 random:8 urandom:9; do
	mknod -m 666 "dev/${n%:*}" c 1 "${n#*:}"
done
mknod -m 666 dev/tty c 5 0
if [ -c /dev/net/tun ]; then
	mkdir dev/net
	mknod -m 666 dev/net/tun c 10 200
fi
mount --bind "$dir/srv" srv
mkdir -p var/cache/jira-pat
mount --bind "$shared" var/cache/jira-pat
cat /etc/resolv.conf >etc/resolv.conf 2>/dev/null || :
printf "127.0.0.1 localhost\n::1 localhost ip6-localhost\n127.0.1.1 %s\n" \
	"$(uname -n)" >etc/hosts
pivot_root . .
umount -l .
cd /
result=0
env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
	TERM="${TERM:-dumb}" JP_ROOT="$release" JP_CACHE=/var/cache/jira-pat \
	"$@" 9<&- || result=$?
exit $result
