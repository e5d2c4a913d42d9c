#!/bin/sh
# What need_npm of tests/lib/build.sh does, with an npm that is a script.

# shellcheck source-path=SCRIPTDIR/../..
# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/build.sh
. "$JP_SOURCE/tests/lib/build.sh"

scratch
export JP_CACHE="$SCRATCH/cache"
mkdir "$SCRATCH/bin" "$SCRATCH/folder" "$SCRATCH/none"
echo '{}' >"$SCRATCH/folder/package.json"
echo '{"lockfileVersion": 3}' >"$SCRATCH/folder/package-lock.json"

# npm_does COMMAND: what the npm of this test does.
npm_does() {
	printf '#!/bin/sh\necho "$*" >>"%s"\n%s\n' "$SCRATCH/calls" "$1" \
		>"$SCRATCH/bin/npm"
	chmod 755 "$SCRATCH/bin/npm"
}

# need: sets $out, $said and $ended.
need() {
	out=$(PATH=$SCRATCH/bin:$PATH need_npm "$SCRATCH/folder" \
		2>"$SCRATCH/said")
	ended=$?
	said=$(cat "$SCRATCH/said")
}

said=$(PATH=$SCRATCH/none need_npm "$SCRATCH/folder" 2>&1)
is "without npm it says so" "$? $said" "1 npm is missing"

npm_does 'mkdir node_modules; echo "npm ERR! no network" >&2; exit 1'
need
is "where npm fails, it fails, with its words" "$ended $out $said" \
	"1  npm ERR! no network"
is "and nothing of it is left" "$(ls "$JP_CACHE")" ''

npm_does 'mkdir -p node_modules/a; cp package-lock.json node_modules/; echo done'
need
is "the folder of modules is all that is printed" "$ended $(
	cmp "$SCRATCH/folder/package-lock.json" "$out/package-lock.json" && ls "$out")" \
	"0 a
package-lock.json"
like "npm may not run scripts of packages, and follows the lock file" \
	"$(tail -n 1 "$SCRATCH/calls")" "ci *--ignore-scripts *"
first=$out
: >"$SCRATCH/calls"
need
is "the second time npm is not asked" "$ended $out $(cat "$SCRATCH/calls")" \
	"0 $first "
echo '{"lockfileVersion": 2}' >"$SCRATCH/folder/package-lock.json"
need
ok "another lock file has another folder" test "$out" != "$first"
is "the source is not written to" "$(ls "$SCRATCH/folder")" "package-lock.json
package.json"

# Somebody else is done first.
rm -rf "${out%/*}"
npm_does "mkdir -p '$out/b' node_modules/a"
need
is "of two that install at once, one is taken, whole" \
	"$ended $(ls "$out") $(find "$JP_CACHE" -name 'new.*')" "0 b "
done_testing
