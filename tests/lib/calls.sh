# shellcheck shell=sh
# For tests that count the system calls of a program; after tests/lib/tap.sh.

# trace PROGRAM ARGUMENT...: runs it under strace, its first thread alone, and
# leaves the calls in $SCRATCH/trace. Leaves where that cannot be done.
trace() {
	command -v strace >/dev/null ||
		skip_all "strace is missing: apt-get install strace"
	strace -o "$SCRATCH/trace" true 2>/dev/null ||
		skip_all "strace may not trace"
	! ldd "$1" | grep -q 'lib[a-z]*san\.' ||
		skip_all "a sanitizer has calls of its own"
	strace -o "$SCRATCH/trace" "$@" >"$SCRATCH/log/traced" 2>&1 || {
		note "$(grep '^not ok' "$SCRATCH/log/traced")"
		bail "$1 fails"
	}
}

# questions PATTERN: how the traced program asked patd, one line for each way:
# the names of all its calls from the end of what it did before to the close(2).
# Of questions of which a call matches PATTERN, an expression of awk.
questions() {
	awk -v pattern="$1" '
		!/^[a-z_0-9]+\(/ { next }
		{
			name = $0
			sub(/\(.*/, "", name)
			sub(/^(new)?f?stat(at|x)?(64)?$/, "stat", name)
			line = line (line == "" ? "" : " ") name
		}
		/^socket\(AF_UNIX, SOCK_SEQPACKET.*SOCK_NONBLOCK/ { ours = 1 }
		$0 ~ pattern { found = 1 }
		name == "close" {
			if (ours && found)
				print line
			ours = found = 0
			line = ""
		}' "$SCRATCH/trace" | LC_ALL=C sort -u
}

# objects_loaded: the shared objects that the traced program opened, and how
# often.
objects_loaded() {
	sed -n 's|^open.*/\([^/"]*\.so[.0-9]*\)", .*= [0-9]*$|\1|p' \
		"$SCRATCH/trace" | LC_ALL=C sort | uniq -c |
		awk '{ print $2, $1 }'
}

# A question, where this process trusts whom it asks. Only of a listener that
# is not root it has to know whose the directory of the socket is.
directory=$(test "$(id -u)" = 0 || echo 'stat ')
# shellcheck disable=SC2034 # used where this is read
question="socket connect getsockopt ${directory}sendto poll recvfrom close"
# shellcheck disable=SC2034
answered='^recvfrom.* = 272$'
