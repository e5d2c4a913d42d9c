# shellcheck shell=sh
# For tests that run what a document says: its blocks, ``` in front of them and
# behind them, as a reader copies them.

# block FILE TITLE KIND [N]: the N-th (or each) block of that kind below this
# heading, without the indentation of the list in which it may stand.
block() {
	awk -v title="$2" -v kind="\`\`\`$3" -v n="${4:-0}" '
		!open && /^##+ / { name = $0; sub(/^#+ /, "", name) }
		!open && name == title && /^ *```/ {
			text = $0
			sub(/^ */, "", text)
			indent = length($0) - length(text)
			open = 1
			shown = text == kind && (n == 0 || ++count == n)
			next
		}
		open && /^ *```$/ { open = 0; next }
		open && shown { print substr($0, indent + 1) }' "$1"
}
