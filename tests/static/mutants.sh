#!/bin/sh
# What make mutants is made of: it finds the gap where a test is missing, and what is
# said of survivors is still of the sources as they are.
set -u

# shellcheck source-path=SCRIPTDIR/../..
# shellcheck source=tests/lib/tap.sh
. "${JP_SOURCE:?}/tests/lib/tap.sh"

for tool in gcc python3; do
	command -v $tool >/dev/null || skip_all "$tool is missing"
done
[ -x "${JP_BUILD:?}/tests/unit/test_throttle" ] || skip_all "cmocka is missing"
export PYTHONDONTWRITEBYTECODE=1
scratch

# mutants UNIT COUNT: those of one source, with this unit alone to notice.
mutants() {
	python3 - "$JP_SOURCE/tests/static" "$JP_BUILD" "$1" "$2" <<-'END'
		import sys
		sys.path.insert(0, sys.argv[1])
		import mutants
		one = "common/decide/throttle.c"
		mutants.SUBJECTS[one] = sys.argv[3]
		sys.exit(mutants.main(sys.argv[2], ["FILES=" + one, "COUNT=" + sys.argv[4]]))
	END
}

mutants throttle 4 >"$SCRATCH/noticed" 2>&1
is "faults in what is tested are noticed, and every explanation is of a mutant" \
	"$? $(tail -n 1 "$SCRATCH/noticed")" "0 4 mutants of 20: 4 killed"
mutants html 4 >"$SCRATCH/missed" 2>&1
is "where no test looks, each is shown as a gap" "$? $(tail -n 1 "$SCRATCH/missed")" \
	"1 4 mutants of 20: 4 survived"
is "by the line and what was made of it" \
	"$(grep -c '^  [-+] ' "$SCRATCH/missed")" 8
done_testing
