#!/bin/sh
# In a root, as boot_start of tests/lib/boot.sh starts it: systemd, in namespaces and
# in a control group of its own.
#
#     boot_inside.sh GROUP
set -eu

if [ "$1" = --as-first ]; then
	umount /sys/fs/cgroup
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
	mount -t proc proc /proc
	mount -t tmpfs -o mode=755 tmpfs /run
	mount -t tmpfs -o mode=1777 tmpfs /tmp
	exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=jira-pat-test \
		/lib/systemd/systemd --log-target=console --show-status=no
fi

mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir "/sys/fs/cgroup/$1"
echo 0 >"/sys/fs/cgroup/$1/cgroup.procs"
exec unshare -m -p -u -n -C --fork --kill-child --propagation private \
	sh -eu "$0" --as-first
