# shellcheck shell=sh
# What the log of a test program says about why it failed, for tests/run and .ci/run.

# failures LOG: first what failed, each with the lines that belong to it (40 at most),
# then the end of whatever else there is. The names stand at the top, wherever the
# output is cut.
failures() {
	LC_ALL=C awk -v most=40 '
		/^(ok |1\.\.[0-9]|PASS: |SKIP: |XFAIL: )/ { belongs = 0; next }
		/^FAIL: .* [0-9]+ - / { next } # the driver repeats "not ok"
		/^(not ok |Bail out!|(FAIL|XPASS|ERROR): )/ {
			belongs = most
			print
			next
		}
		belongs > 1 { belongs--; print; next }
		belongs == 1 { belongs = -1; print "# ..." }
		belongs < 0 { next }
		{ rest[++n] = $0 }
		END {
			first = n > most ? n - most + 1 : 1
			if (n > 0)
				print "-- and:"
			for (i = first; i <= n; i++)
				print rest[i]
		}' "$1"
}

# failed_names: of what tests/run prints, the lines that name what failed.
failed_names() {
	LC_ALL=C grep -E '^(---- |not ok |Bail out!|ERROR: |FAILED: )' || :
}
