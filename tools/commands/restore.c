/*
 * pat-admin restore: puts a backup in the place of store and pepper, while no
 * patd runs. Everything is copied and verified beside them first; what was
 * there is kept under another name. The lock of the old store is held all the
 * time, so that no patd opens it meanwhile.
 */
#include "common/sys/durable.h"
#include "common/sys/process.h"
#include "tools/commands/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/admin/admin.h"
#include "common/audit/audit.h"
#include "common/decide/core.h"
#include "common/record/pepper.h"
#include "common/store/bdb.h"
#include "tools/formats/act_as.h"
#include "tools/formats/files.h"
#include "tools/formats/manifest.h"
#include "tools/cli/output.h"
#include "tools/cli/progress.h"
#include "tools/formats/path_why.h"
#include "tools/formats/place.h"

enum {
	LOCK_MS = 3000, /* a patd that is just leaving */
	CHUNK = 1 << 16,
};

static struct restore_args {
	const char *folder;
} args;

struct restore {
	const struct jp_settings *settings;
	struct owner owner;
	struct manifest manifest;
	int lock_fd; /* of the store that is there */
	bool made;   /* the folder for the new one */
	struct place store, pepper;
	bool same_pepper; /* the one that is there stays */
	uint64_t done;
	struct progress progress;
	struct jp_why *why;
};

/* ---- a signal ---- */

static volatile sig_atomic_t interrupted;

static void
note_signal(int number)
{
	interrupted = number;
}

/* One that would end it leaves nothing behind, and nothing half in its place.
 */
static void
note_signals(void)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGTERM };
	const struct sigaction noted = { .sa_handler = note_signal,
		.sa_flags = SA_RESTART };
	struct sigaction was;

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (sigaction(signals[i], NULL, &was) == 0 &&
		    was.sa_handler != SIG_IGN)
			(void)sigaction(signals[i], &noted, NULL);
}

static enum jp_err
go_on(struct restore *restore)
{
	return interrupted == 0 ? JP_ERR_OK
	                        : jp_why(restore->why, JP_ERR_IO,
	                              "interrupted: nothing was changed");
}

/* ---- copying ---- */

static enum jp_err
not_ours(struct restore *restore, const char *name, const char *what)
{
	return jp_why(restore->why, JP_ERR_DAMAGED,
	    "%s/%s %s: put the right one back, or take another backup; "
	    "nothing was changed",
	    args.folder, name, what);
}

/* Copies from one descriptor to the other; false: see errno(3). */
static bool
copy_bytes(struct restore *restore, int from, int to,
    crypto_generichash_state *hash, uint64_t *bytes)
{
	static uint8_t chunk[CHUNK];
	ssize_t got = 0;

	*bytes = 0;
	while (
	    interrupted == 0 && (got = read(from, chunk, sizeof(chunk))) > 0) {
		if (write(to, chunk, (size_t)got) != got)
			break;
		(void)crypto_generichash_update(hash, chunk, (size_t)got);
		*bytes += (uint64_t)got;
		restore->done += (uint64_t)got;
		progress_show(&restore->progress, restore->done,
		    manifest_bytes(&restore->manifest));
	}
	sodium_memzero(chunk, sizeof(chunk));
	return got == 0 && fsync(to) == 0;
}

/*
 * A new file, which belongs to the user of patd from the first byte on; -1: see
 * errno(3).
 */
static int
make_file(struct restore *restore, const char *path, mode_t mode)
{
	int fd = -1, errnum;

	if (act_at(path, restore->why) == JP_ERR_OK)
		fd = open(path,
		    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd >= 0 &&
	    fchown(fd, restore->owner.uid, restore->owner.gid) != 0) {
		errnum = errno;
		(void)close(fd);
		fd = -1;
		errno = errnum;
	}
	errnum = errno;
	act_as_self();
	errno = errnum;
	return fd;
}

/* Copies one file to `path`, which is new, and compares it with the manifest.
 */
static enum jp_err
copy_file(struct restore *restore, const struct manifest_file *file,
    const char *path, mode_t mode)
{
	crypto_generichash_state hash;
	uint8_t sum[MANIFEST_HASH];
	uint64_t bytes = 0;
	enum jp_err err = JP_ERR_OK;
	char source[PATH_MAX], what[128];
	int to = -1, from;

	(void)snprintf(
	    source, sizeof(source), "%s/%s", args.folder, file->name);
	from = open_as_owner(source);
	if (from < 0) {
		(void)snprintf(what, sizeof(what), "cannot be opened: %s",
		    strerror(errno));
		return not_ours(restore, file->name, what);
	}
	(void)crypto_generichash_init(&hash, NULL, 0, sizeof(sum));
	to = make_file(restore, path, mode);
	if (to < 0 || !copy_bytes(restore, from, to, &hash, &bytes))
		err = path_why(restore->why, "write", path);
	if (to >= 0)
		(void)close(to);
	(void)close(from);
	(void)crypto_generichash_final(&hash, sum, sizeof(sum));
	if (err == JP_ERR_OK &&
	    (bytes != file->bytes || memcmp(sum, file->hash, sizeof(sum)) != 0))
		err = not_ours(restore, file->name,
		    "is not what was written there: its size or its hash "
		    "differs");
	return err;
}

static bool
is_pepper(const struct manifest_file *file)
{
	return strcmp(file->name, JP_BACKUP_PEPPER) == 0;
}

static enum jp_err
copy_all(struct restore *restore)
{
	enum jp_err err = JP_ERR_OK;
	bool pepper = false;

	progress_start(&restore->progress, "restore", "bytes");
	for (size_t i = 0; i < restore->manifest.len && err == JP_ERR_OK; i++) {
		const struct manifest_file file = restore->manifest.files[i];
		char path[PLACE_MAX + JP_FILE_NAME_MAX + 1];

		pepper |= is_pepper(&file);
		(void)snprintf(
		    path, sizeof(path), "%s/%s", restore->store.new, file.name);
		err = is_pepper(&file)
		          ? copy_file(restore, &file, restore->pepper.new, 0400)
		          : copy_file(restore, &file, path, 0600);
		if (interrupted != 0)
			err = go_on(restore);
	}
	progress_end(&restore->progress);
	if (err == JP_ERR_OK && !pepper)
		err = not_ours(restore, JP_BACKUP_PEPPER, "is missing");
	return err;
}

/* ---- the audit trail ---- */

/*
 * What stays beside the store, of whatever day it is: the trail goes on, and no
 * notice is given twice.
 */
static const char *const kept[] = { JP_AUDIT_CHECKPOINT_NAME, NOTICES_NAME };

static ssize_t
read_kept(struct restore *restore, const char *name, char *text, size_t size)
{
	char path[PLACE_MAX + 32];
	ssize_t len = -1;
	int fd = -1;

	(void)snprintf(path, sizeof(path), "%s/%s", restore->store.path, name);
	if (act_at(path, restore->why) == JP_ERR_OK)
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd >= 0) {
		len = read(fd, text, size);
		(void)close(fd);
	}
	act_as_self();
	return len;
}

static enum jp_err
keep_file(struct restore *restore, const char *name)
{
	char path[PLACE_MAX + 32], text[1024];
	enum jp_err err = JP_ERR_OK;
	ssize_t len = read_kept(restore, name, text, sizeof(text));
	int fd;

	if (len <= 0)
		return JP_ERR_OK;
	(void)snprintf(path, sizeof(path), "%s/%s", restore->store.new, name);
	fd = make_file(restore, path, 0600);
	if (fd < 0 || write(fd, text, (size_t)len) != len || fsync(fd) != 0)
		err = path_why(restore->why, "write", path);
	if (fd >= 0)
		(void)close(fd);
	return err;
}

static enum jp_err
write_event(
    struct restore *restore, struct jp_audit_event *event, struct jp_why *why)
{
	struct jp_audit *audit = NULL;
	struct jp_pepper pepper;
	enum jp_err err =
	    jp_pepper_load(restore->settings->pepper_file, &pepper, why);

	if (err == JP_ERR_OK)
		err = jp_audit_make(
		    &audit, restore->settings, &pepper, &jp_system_clock);
	jp_pepper_clear(&pepper);
	if (err == JP_ERR_OK)
		err = jp_audit_ready(audit, why);
	if (err == JP_ERR_OK)
		err = jp_audit_acts(audit, event, 1, why);
	jp_audit_close(audit);
	return err;
}

/*
 * As the user of patd, who may have put a link in place of the trail. It is
 * done by now: a trail that cannot be written is reported to people.
 */
static void
tell_restore(struct restore *restore)
{
	struct jp_audit_event event = { .event = "restore" };
	struct jp_why why = { .text = "" };
	char made_at[JP_WHEN_TEXT_MAX];
	enum jp_err err;

	jp_when_format(restore->manifest.made_at, made_at);
	(void)snprintf(event.detail, sizeof(event.detail), "as of %s", made_at);
	jp_actor_name(getuid(), event.actor);
	err = act_as(&restore->owner, &why);
	if (err == JP_ERR_OK)
		err = write_event(restore, &event, &why);
	act_as_self();
	if (err != JP_ERR_OK)
		(void)fprintf(
		    stderr, "This is not in the audit trail: %s\n", why.text);
}

/* ---- the steps ---- */

static enum jp_err
open_backup(struct restore *restore)
{
	int fd = open(args.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return path_why(restore->why, "open", args.folder);
	(void)close(fd);
	return manifest_read(&restore->manifest, args.folder, restore->why);
}

/* The lock of the store that is there; it lies in the hands of its owner. */
static enum jp_err
hold_old(struct restore *restore)
{
	char path[PLACE_MAX + 32];
	enum jp_err err;

	(void)snprintf(
	    path, sizeof(path), "%s/store.lock", restore->store.path);
	err = act_at(path, restore->why);
	if (err == JP_ERR_OK)
		err =
		    jp_store_bdb_hold(restore->store.path, "pat-admin restore",
		        LOCK_MS, &restore->lock_fd, restore->why);
	act_as_self();
	return err;
}

/* The folder of the new store. */
static enum jp_err
make_new(struct restore *restore)
{
	const char *path = restore->store.new;
	enum jp_err err = act_at(path, restore->why);

	if (err != JP_ERR_OK)
		return err;
	restore->made = mkdir(path, 0700) == 0;
	if (!restore->made)
		err = path_why(restore->why, "make", path);
	else if (lchown(path, restore->owner.uid, restore->owner.gid) != 0)
		err = path_why(restore->why, "chown", path);
	act_as_self();
	return err;
}

static enum jp_err
find_places(struct restore *restore)
{
	const struct jp_settings *settings = restore->settings;
	enum jp_err err =
	    owner_of_store(settings, &restore->owner, restore->why);

	if (err == JP_ERR_OK)
		err = place_set(
		    &restore->store, settings->store_dir, restore->why);
	if (err == JP_ERR_OK)
		err = place_set(
		    &restore->pepper, settings->pepper_file, restore->why);
	if (err == JP_ERR_OK && restore->store.old[0] != '\0')
		err = hold_old(restore);
	return err == JP_ERR_OK ? make_new(restore) : err;
}

/* Recovers the copy, reads every page, and compares the pepper. */
static enum jp_err
verify_copy(struct restore *restore)
{
	struct jp_store_options options = {
		.dir = restore->store.new,
		.holder = "pat-admin restore",
		.wait_ms = LOCK_MS,
	};
	struct jp_pepper pepper, ours;
	struct jp_why ignored;
	enum jp_err err =
	    jp_pepper_load(restore->pepper.new, &pepper, restore->why);

	if (err != JP_ERR_OK)
		return err;
	restore->same_pepper =
	    jp_pepper_load(restore->settings->pepper_file, &ours, &ignored) ==
	        JP_ERR_OK &&
	    sodium_memcmp(&ours, &pepper, sizeof(pepper)) == 0;
	jp_pepper_name(&pepper, options.tag);
	jp_pepper_clear(&pepper);
	jp_pepper_clear(&ours);
	return jp_store_bdb_complete(&options, restore->why);
}

/* Of the backup, and not of the folder beside the store, which goes. */
static enum jp_err
not_whole(struct restore *restore, enum jp_err err)
{
	const struct jp_why found = *restore->why;

	/* A new folder, and no file of settings: that is all it can be. */
	if (err == JP_ERR_CONFIG)
		return not_ours(restore, JP_BACKUP_PEPPER,
		    "is not the one that its store was made with");
	return jp_why(restore->why, err,
	    "%s is not a whole backup: %s; nothing was changed", args.folder,
	    found.text);
}

/* What recovery makes belongs to the user of patd, too. */
static enum jp_err
verify(struct restore *restore)
{
	enum jp_err err = act_as(&restore->owner, restore->why);

	if (err != JP_ERR_OK)
		return err;
	err = verify_copy(restore);
	act_as_self();
	return err == JP_ERR_OK ? err : not_whole(restore, err);
}

/*
 * Both or none, as a store is of no use with another one's pepper: where the
 * store cannot be taken back, the pepper of the backup stays, too.
 */
static void
take_back(struct restore *restore)
{
	struct place *const places[] = { &restore->store, &restore->pepper };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (place_take_back(places[i]))
			continue;
		(void)fprintf(stderr,
		    "%s is that of the backup and cannot be taken back%s%s\n",
		    places[i]->path,
		    places[i]->old[0] != '\0' ? "; what was there is " : "",
		    places[i]->old);
		return;
	}
}

/* Not before all that is in it is durable by its name, too. */
static enum jp_err
swap(struct restore *restore)
{
	enum jp_err err = JP_ERR_OK;

	if (jp_sync_folder(restore->store.new) != 0)
		err = path_why(restore->why, "sync", restore->store.new);
	if (err == JP_ERR_OK && !restore->same_pepper)
		err = place_put(&restore->pepper, restore->why);
	if (err == JP_ERR_OK)
		err = place_put(&restore->store, restore->why);
	if (err != JP_ERR_OK)
		take_back(restore);
	return err;
}

static enum jp_err
restore_all(struct restore *restore)
{
	enum jp_err err = open_backup(restore);

	if (err == JP_ERR_OK)
		err = find_places(restore);
	if (err == JP_ERR_OK)
		err = copy_all(restore);
	if (err == JP_ERR_OK)
		err = verify(restore);
	if (err == JP_ERR_OK)
		err = go_on(restore);
	for (size_t i = 0;
	     err == JP_ERR_OK && i < sizeof(kept) / sizeof(kept[0]); i++)
		err = keep_file(restore, kept[i]);
	if (err == JP_ERR_OK)
		err = swap(restore);
	if (err == JP_ERR_OK)
		tell_restore(restore);
	return err;
}

static enum jp_err
remove_name(void *arg, const char *path)
{
	(void)arg;
	(void)unlink(path);
	return JP_ERR_OK;
}

/* What is not in its place by now has no use. */
static void
clean_up(struct restore *restore)
{
	struct jp_why ignored;

	if (restore->made) {
		if (act_as(&restore->owner, &ignored) == JP_ERR_OK)
			(void)each_name(restore->store.new, remove_name, NULL);
		if (act_at(restore->store.new, &ignored) == JP_ERR_OK)
			(void)rmdir(restore->store.new);
		if (act_at(restore->pepper.new, &ignored) == JP_ERR_OK)
			(void)unlink(restore->pepper.new);
		act_as_self();
	}
	if (restore->lock_fd >= 0)
		(void)close(restore->lock_fd);
	manifest_clear(&restore->manifest);
}

/* Whether there is something of before to be shown. */
static bool
replaced(const struct place *place)
{
	return place->put && place->old[0] != '\0';
}

static json_t *
old_json(const struct place *place)
{
	return replaced(place) ? json_string(place->old) : json_null();
}

static enum jp_err
print_done(const struct context *context, const struct restore *restore)
{
	const struct place *const places[] = { &restore->store,
		&restore->pepper };
	char made_at[JP_WHEN_TEXT_MAX];
	json_t *json;

	(void)fputs("What was revoked after the backup is live again: revoke "
	            "it before patd starts.\n",
	    stderr);
	if (replaced(&restore->pepper) &&
	    restore->settings->audit_file[0] != '\0')
		(void)fputs(
		    "The pepper is another one now. What the one of before has "
		    "signed of the audit trail is verified with that alone: "
		    "move the old files of the trail away.\n",
		    stderr);
	if (!context->json) {
		jp_when_format(restore->manifest.made_at, made_at);
		(void)printf("%s: as of %s\n", restore->store.path, made_at);
		for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
			if (replaced(places[i]))
				(void)printf("%s: what was there before\n",
				    places[i]->old);
		return JP_ERR_OK;
	}
	json = manifest_json(&restore->manifest);
	(void)json_object_set_new(
	    json, "store", json_string(restore->store.path));
	(void)json_object_set_new(json, "before", old_json(&restore->store));
	(void)json_object_set_new(
	    json, "pepper_before", old_json(&restore->pepper));
	return output_json(json);
}

static enum status
run(struct context *context)
{
	struct jp_why why = { .text = "" };
	struct restore restore = {
		.settings = &context->settings,
		.lock_fd = -1,
		.why = &why,
	};
	enum jp_err err = context_load(context, &why);

	note_signals();
	if (err == JP_ERR_OK)
		err = restore_all(&restore);
	if (err == JP_ERR_OK)
		err = print_done(context, &restore);
	clean_up(&restore);
	return err == JP_ERR_OK ? STATUS_DONE
	                        : context_fail(context, err, &why);
}

const struct command cmd_restore = {
	.name = "restore",
	.synopsis = "DIR [OPTION]...",
	.help = "replace the store and the pepper with a backup",
	.words_min = 1,
	.words_max = 1,
	.word = CMD_TEXT("FOLDER", NULL, NULL, struct restore_args, folder),
	.prints = true,
	.args = &args,
	.run = run,
};
