#!/bin/sh
# The ladder of folders that CONTRIBUTING.md shows: a file includes its own folder
# and lower ones, modules include the two lowest only, and no object file needs
# one that needs it.
set -u

# shellcheck source=tests/lib/tap.sh
. "${JP_SOURCE:?}/tests/lib/tap.sh"

cd "$JP_SOURCE" || bail "no source tree"
build=${JP_BUILD:?}
scratch

# --- Includes -------------------------------------------------------------------

ladder='common/base common/wire common/sys common/record common/store
	common/cluster common/config common/audit common/decide common/admin
	patd pat_httpd/base pat_httpd/authorizer pat_httpd/self pat_httpd pat_clusterd
	tools/formats tools/cli tools/doctor tools/commands tools'

# includes FOLDER...: "FILE INCLUDED" of all that their files include of ours.
includes() {
	# shellcheck disable=SC2016
	find "$@" -name '*.[ch]' | LC_ALL=C sort | xargs awk '
		/^#include "[a-z_]*\// { split($0, part, "\""); print FILENAME, part[2] }'
}

is "a file includes its own folder and lower ones" "$(
	includes common patd pat_httpd pat_clusterd tools | awk -v ladder="$ladder" '
		function folder(path) { sub(/\/[^\/]*$/, "", path); return path }
		BEGIN { n = split(ladder, names)
			for (i = 1; i <= n; i++) rung[names[i]] = i }
		{ from = folder($1); to = folder($2) }
		!(from in rung) { print from, "is not on the ladder"; next }
		!(to in rung) || rung[to] > rung[from] { print $1, "->", $2; next }
		from ~ /^tools|^pat_httpd|^pat_clusterd/ && to == "patd" { print $1, "->", $2 }
		from ~ /^tools/ && to == "pat_clusterd" { print $1, "->", $2 }
		from ~ /^tools|^pat_clusterd/ && to ~ /^pat_httpd/ { print $1, "->", $2 }'
)" ''

# It parses what comes from outside, and must not reach the store. What it asks
# of patd is the two headers of the admin protocol.
is "pat-httpd knows no store and does not decide" "$(
	includes pat_httpd | awk '
		$2 ~ /^common\/admin\/(wire|request)\.h$/ { next }
		$2 ~ /^common\/(store|audit|decide|admin)\// { print $1, "->", $2 }'
)" ''

# It has the network, and a hostile database may be at its end.
is "pat-clusterd knows the messages, and no store" "$(
	includes pat_clusterd | awk '
		$2 == "common/cluster/link.h" { next }
		$2 ~ /^common\/(record|store|cluster|audit|decide|admin)\// {
			print $1, "->", $2 }'
)" ''

is "one header of each folder says what lives there" "$(
	for folder in $ladder; do
		[ "$folder" != tools ] || continue
		cat "$folder"/*.h | grep -c "^ \* $folder/: " |
			grep -vx 1 | sed "s#^#$folder: #"
	done
)" ''

is "a module includes its own folder, base and wire" "$(
	includes pam_jira_pat sasl_plugin | awk '
		{ own = $1; sub(/\/.*/, "/", own) }
		index($2, own) != 1 && $2 !~ /^common\/(base|wire)\// {
			print $1, "->", $2 }'
)" ''

# --- Lists of sources -----------------------------------------------------------

# listed TARGET: the sources that a Makefile.inc lists for it.
listed() {
	cat common/Makefile.inc patd/Makefile.inc tools/Makefile.inc \
		pat_httpd/Makefile.inc pat_clusterd/Makefile.inc \
		pam_jira_pat/Makefile.inc sasl_plugin/Makefile.inc |
		awk -v target="$1_SOURCES" '
			$1 == target && $2 == "=" { inside = 1; sub(/.*=/, "") }
			inside { end = !/\\$/; sub(/\\$/, "")
				for (i = 1; i <= NF; i++) print $i
				if (end) exit }' | LC_ALL=C sort
}

# odd TARGETS FOLDER...: what is listed and not there, or the other way round.
odd() {
	targets=$1
	shift
	{
		for target in $targets; do
			listed "$target"
		done
		find "$@" -name '*.[ch]'
	} | LC_ALL=C sort | uniq -u
}

is "libjp is base and wire, all of both" \
	"$(odd libjp_la common/base common/wire)" ''
is "libjpstore is the rest of common/" \
	"$(odd libjpstore_la common/[!bw]*)" ''
is "patd is all of patd/" "$(odd "libpatd_la patd_patd" patd)" ''
is "pat-httpd is all of pat_httpd/" \
	"$(odd "libpathttpd_la pat_httpd_pat_httpd" pat_httpd)" ''
is "pat-clusterd is all of pat_clusterd/" \
	"$(odd "libpatclusterd_la pat_clusterd_pat_clusterd" pat_clusterd)" ''
is "pat-admin is all of tools/" "$(odd "libpatadmin_la tools_pat_admin" tools)" ''
is "the PAM module is all of pam_jira_pat/" \
	"$(odd pam_jira_pat_la pam_jira_pat)" ''
is "the SASL plugin is all of sasl_plugin/" \
	"$(odd libjirapat_la sasl_plugin)" ''

# --- Object files ---------------------------------------------------------------

# objects TARGET PREFIX: "SOURCE OBJECT" of what is built for the product.
objects() {
	listed "$1" | sed -n 's/\.c$//p' | while read -r source; do
		name=${source%/*}/$2${source##*/}.o
		object=$build/$name
		[ -e "$object" ] || object=$build/${name%/*}/.libs/${name##*/}
		echo "$source.c $object"
	done
}

# symbols TARGET PREFIX: "SOURCE LETTER SYMBOL" of each global symbol.
symbols() {
	objects "$1" "$2" | while read -r source object; do
		if [ ! -e "$object" ]; then
			echo "$source" >&2
			continue
		fi
		nm -gP "$object" | awk -v source="$source" '
			{ sub(/\[.*/, "", $1); print source, $2, $1 }'
	done
}

# no_cycle SENTENCE FILE: of those who need each other, whoever they are.
no_cycle() {
	is "$1" "$(
		awk '$2 != "U" && $2 != "w" { home[$3] = $1; next }
			$2 == "U" { needs[$1 " " $3] }
			END { for (pair in needs) {
				split(pair, part, " ")
				if (part[2] in home && home[part[2]] != part[1])
					print part[1], home[part[2]] } }' "$2" |
			LC_ALL=C sort -u | LC_ALL=C tsort 2>&1 >/dev/null |
			sed 's/^tsort: -: input contains a loop:/a knot:/; s/^tsort: //'
	)" ''
}

if command -v nm >/dev/null && [ -x "$build/patd/patd" ]; then
	{
		{
			symbols libjp_la ''
			symbols libjpstore_la libjpstore_la-
		} >"$SCRATCH/common"
		{
			symbols libpatd_la libpatd_la-
			symbols patd_patd patd-
		} >"$SCRATCH/patd"
		{
			symbols libpathttpd_la libpathttpd_la-
			symbols pat_httpd_pat_httpd pat_httpd-
		} >"$SCRATCH/pat_httpd"
		{
			symbols libpatclusterd_la libpatclusterd_la-
			symbols pat_clusterd_pat_clusterd pat_clusterd-
		} >"$SCRATCH/pat_clusterd"
		{
			symbols libpatadmin_la libpatadmin_la-
			symbols tools_pat_admin pat_admin-
		} >"$SCRATCH/tools"
		symbols pam_jira_pat_la la- >"$SCRATCH/pam"
		symbols libjirapat_la libjirapat_la- >"$SCRATCH/sasl"
	} 2>"$SCRATCH/missing"

	is "every source has its object file" "$(cat "$SCRATCH/missing")" ''

	for folder in common patd pat_httpd pat_clusterd tools pam sasl; do
		no_cycle "no two object files need each other: $folder" \
			"$SCRATCH/$folder"
	done
	# Each program has a main(), and compilers repeat what is of theirs.
	once() {
		(cd "$SCRATCH" && cat "$@") |
			awk '$2 ~ /^[TDBRC]$/ && $3 != "main" && $3 !~ /^_/ {
				print $3, $1 }' | LC_ALL=C sort |
			awk '$1 == last { print $1, "in", file, "and", $2 }
				{ last = $1; file = $2 }'
	}
	is "no name is defined twice outside static" \
		"$(once common patd pat_httpd pat_clusterd tools pam sasl)" ''
else
	skip "no two object files need each other" "nm or the build is missing"
fi
done_testing
