# shellcheck shell=sh
# For a shell test that mounts: it goes on in a mount namespace of its own, which takes
# its mounts along when it ends. Use with `. "$JP_SOURCE/tests/lib/mounts.sh"`, before
# anything is begun.
if [ "${1:-}" != inside ]; then
	unshare -m true 2>/dev/null || {
		echo "1..0 # SKIP mounting is not allowed here"
		exit 0
	}
	exec unshare -m --propagation private "$0" inside
fi
