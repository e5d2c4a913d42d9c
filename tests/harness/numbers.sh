#!/bin/sh
# A parameter of a make target that is no number is refused before anything is built.
set -u

# shellcheck source-path=SCRIPTDIR/../..
# shellcheck source=tests/lib/tap.sh
. "${JP_SOURCE:?}/tests/lib/tap.sh"

scratch

# refused TARGET NAME=VALUE: a dry run, which does nothing where it is not refused.
# Only what is said before make names what failed.
refused() {
	is "make $1 refuses $2" "$(env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL \
		make -n -s -C "${JP_BUILD:?}" "$1" "$2" 2>&1 >"$SCRATCH/out" |
		sed 's/^make\(\[[0-9]*\]\)\{0,1\}: \*\*\* .* Error 2$/failed/'
	)" "make: $2: not a number: give up to 15 digits and nothing else, or leave it out
failed"
}

while read -r target names; do
	for name in $names; do
		refused "$target" "$name=x"
	done
done <<'TABLE'
hostile CONNECTIONS FORGED
torture KILLS CUTS SEED
soak SOAK SEED
cluster-torture ROUNDS ENDS SECONDS SEED
constant-time SAMPLES
nth-call NTH
mutants COUNT SECONDS
static COUNT SECONDS
fuzz SECONDS RUNS
TABLE

for value in -1 +1 1.5 1x '1 2' 1000000000000000; do
	refused constant-time "SAMPLES=$value"
done
refused hostile CONNECTIONS=

# accepted NAME=VALUE: by the check alone.
accepted() {
	is "$1 is accepted" "$(env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL \
		make -s -C "$JP_BUILD" numbers "$1" 2>&1)" ''
}
accepted KILLS=0
accepted COUNT=
accepted SEED=999999999999999
done_testing
