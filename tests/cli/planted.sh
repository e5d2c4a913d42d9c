#!/bin/sh
# What root does in folders of patd's user: links that this user planted at any
# path that it may write lead nowhere, whatever root runs.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/cli/lib.sh
. "$JP_SOURCE/tests/cli/lib.sh"

[ "$(id -u)" = 0 ] || skip_all "needs root"

OWNER=daemon
SECRET='root:only root may read this'

cli_make 'max_per_user = 0'
CLI_TIMEOUT=20
VICTIM=$SCRATCH/victim
NEW=$SCRATCH/victim-folder/new # does not exist

# world: a fresh store of the user, with a trail and a token.
world() {
	rm -rf "$HOME_DIR" "$SCRATCH/backup"
	mkdir "$HOME_DIR"
	mkdir -m 700 "$HOME_DIR/owned" "$SCRATCH/victim-folder"
	chown $OWNER: "$HOME_DIR/owned"
	cli_user=$OWNER
	{
		cli_conf "$HOME_DIR" 'notify_at = 400d' \
			'notify_command = /bin/true' |
			sed '/^\[service/,$d'
		echo "audit_file = $HOME_DIR/log/audit.jsonl"
	} >"$CONF"
	run init
	run create alice --name one --expires 30d
	run notify
	chown $OWNER "$HOME_DIR/store/notices"
	run backup "$SCRATCH/backup"
}

# victims: what must stay as it is.
victims() {
	rm -rf "$VICTIM" "$SCRATCH/victim-folder"
	mkdir -m 700 "$SCRATCH/victim-folder"
	echo "$SECRET" >"$VICTIM"
	echo "$SECRET" >"$SCRATCH/victim-folder/file"
	chmod 600 "$VICTIM" "$SCRATCH/victim-folder/file"
}

victims_state() {
	stat -c '%n %F %U %a %s' "$VICTIM" "$SCRATCH/victim-folder" \
		"$SCRATCH/victim-folder"/*
	sha256sum "$VICTIM" "$SCRATCH/victim-folder/file"
}

# plant KIND PATH: as patd's user could, in place of what is there.
plant() {
	rm -rf "$2"
	case $1 in
	file) ln -s "$VICTIM" "$2" ;;
	folder) ln -s "$SCRATCH/victim-folder" "$2" ;;
	dangling) ln -s "$NEW" "$2" ;;
	hard) ln "$VICTIM" "$2" ;;
	fifo) mkfifo "$2" ;;
	esac
	chown -h $OWNER "$2" 2>/dev/null
	[ "$1" != hard ] || chown root "$VICTIM"
}

# planted_paths: whatever patd's user may write.
planted_paths() {
	cat <<-EOT
		store/notices
		store/audit.head
		store/store.lock
		store/creating
		store/tokens.db
		store/log.0000000001
		store/DB_CONFIG
		log/audit.jsonl
		log/audit.jsonl.1
		run/admin.sock
	EOT
}

commands() {
	cat <<-EOT
		init
		restore $SCRATCH/backup
		notify
		audit
		audit verify
		check
		purge
		backup $SCRATCH/out-backup
	EOT
}

# leaked: whether what only root may read came into the user's hands.
leaked() {
	find "$HOME_DIR" -user $OWNER -type f -links 1 \
		-exec grep -l -F "$SECRET" {} + 2>/dev/null
	grep -l -F "$SECRET" "$SCRATCH/out" "$SCRATCH/err"
}

world
for file in "$HOME_DIR/log/audit.jsonl" "$HOME_DIR/store/notices" \
    "$SCRATCH/backup/manifest.json"; do
	[ -s "$file" ] || bail "no $file: $err"
done
cp -a "$HOME_DIR" "$SCRATCH/fresh"
cp -a "$SCRATCH/backup" "$SCRATCH/fresh-backup"
again() {
	rm -rf "$HOME_DIR" "$SCRATCH/out-backup" "$SCRATCH/backup"
	cp -a "$SCRATCH/fresh" "$HOME_DIR"
	cp -a "$SCRATCH/fresh-backup" "$SCRATCH/backup"
	victims
}

for kind in file folder dangling hard fifo; do
	for path in $(planted_paths); do
		# Berkeley DB waits there, as patd's user, for that user.
		case $kind:$path in
		fifo:*/tokens.db | fifo:*/log.*) continue ;;
		esac
		again
		touched=
		before=$(victims_state)
		while read -r command; do
			cp -a "$SCRATCH/fresh/." "$HOME_DIR"
			rm -rf "$SCRATCH/out-backup"
			plant $kind "$HOME_DIR/$path"
			# shellcheck disable=SC2086
			run $command
			[ "$status" != 124 ] || touched="$touched; $command hangs"
			[ "$(victims_state)" = "$before" ] && [ -z "$(leaked)" ] &&
				[ ! -e "$NEW" ] ||
				touched="$touched; $command ($kind $path): $(
					victims_state
					leaked
				)"
			rm -rf "$HOME_DIR"/store.before-* "$HOME_DIR/${path:?}"
		done <<-EOT
			$(commands)
		EOT
		is "$kind in place of $path: its target stays as it is" \
			"$touched" ""
	done
done

# --- A folder on the way ----------------------------------------------------------

# on_the_way SENTENCE COMMAND...: everything lies in a folder of the user, who
# makes the folder in between a link.
on_the_way() {
	on_what=$1
	shift
	again
	before=$(victims_state)
	sed -e "s|^store_dir.*|store_dir = $HOME_DIR/owned/way/store|" \
		-e "s|^pepper_file.*|pepper_file = $HOME_DIR/owned/way/file|" \
		-e "s|^audit_file.*|audit_file = $HOME_DIR/owned/way/audit|" \
		-i "$CONF"
	plant folder "$HOME_DIR/owned/way"
	run "$@"
	is "$on_what" "$(victims_state)$(leaked)" "$before"
}

on_the_way "init makes nothing behind a link on the way" init
on_the_way "restore puts nothing behind a link on the way" \
	restore "$SCRATCH/backup"
on_the_way "a backup is not written behind a link on the way" \
	backup "$HOME_DIR/owned/way/backup"
printf 'user,name\nbob,x\n' >"$SCRATCH/batch.csv"
on_the_way "no file of tokens is made behind a link on the way" \
	create --batch "$SCRATCH/batch.csv" --output "$HOME_DIR/owned/way/new"

# --- Links in the hands of root ------------------------------------------------------

world
mkdir "$SCRATCH/other-disk"
mv "$HOME_DIR/log" "$SCRATCH/other-disk/log"
ln -s ../other-disk/log "$HOME_DIR/log"
exits "a link of root to the folder of the trail is followed" 0 audit verify
exits "and by restore, too" 0 restore "$SCRATCH/backup"
is "which says nothing of a trail that it could not write" \
	"$(grep -c 'audit trail' "$SCRATCH/err")" 0
exits "and the trail is whole" 0 audit verify
is "what restore made belongs to patd's user" \
	"$(find "$HOME_DIR/store" "$HOME_DIR/key/pepper.key" \
		"$SCRATCH/other-disk/log" ! -user $OWNER)" ""

# --- What an older version left ---------------------------------------------------------

chown root "$HOME_DIR/store/notices"
exits "the state of notify that root made is taken over" 0 notify
is "and belongs to patd's user then" \
	"$(stat -c %U "$HOME_DIR/store/notices")" $OWNER
chown root "$SCRATCH/backup"/*
exits "a backup that root wrote into the user's folder is restored" 0 \
	restore "$SCRATCH/backup"

# A backup is no way to read what only root may read.
victims
plant hard "$SCRATCH/backup/hard"
cp "$VICTIM" "$SCRATCH/backup/tokens.db"
rm "$SCRATCH/backup/tokens.db"
plant hard "$SCRATCH/backup/tokens.db"
run restore "$SCRATCH/backup"
is "a hard link in a backup is refused" "$status" 3
is "and nothing of it stays" "$(leaked)" ""
rm -rf "$SCRATCH/other-disk/log/audit.jsonl"
plant file "$SCRATCH/other-disk/log/audit.jsonl"
victims
before=$(victims_state)
rm "$SCRATCH/backup"/*
run backup "$SCRATCH/backup2"
run restore "$SCRATCH/backup2"
like "a trail that cannot be written is reported" "$err" "*audit trail*"
is "and what the link names is not touched" "$(victims_state)" "$before"

# --- Everybody's folder -----------------------------------------------------------------

mkdir -m 777 "$SCRATCH/everybody"
sed "s|^store_dir.*|store_dir = $SCRATCH/everybody/store|" -i "$CONF"
run init
is "a folder that everybody may change is refused" "$status" 3
like "and it says which" "$err" "*everybody may change $SCRATCH/everybody *"

done_testing
