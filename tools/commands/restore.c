/*
 * pat-admin restore: puts a backup in the place of store and pepper, while no
 * patd runs. Everything is copied and verified beside them first.
 */
#include "common/sys/process.h"
#include "tools/commands/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/admin/admin.h"
#include "common/decide/core.h"
#include "common/record/pepper.h"
#include "common/store/bdb.h"
#include "tools/formats/act_as.h"
#include "tools/formats/files.h"
#include "tools/formats/manifest.h"
#include "tools/formats/new_store.h"
#include "tools/cli/output.h"
#include "tools/cli/progress.h"
#include "tools/formats/path_why.h"
#include "tools/formats/trail_tell.h"

enum {
	LOCK_MS = 3000, /* of a copy that nobody else knows */
	CHUNK = 1 << 16,
};

static struct restore_args {
	const char *folder;
} args;

struct restore {
	struct new_store making;
	struct manifest manifest;
	bool in_cluster; /* the store of the backup */
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
	to = new_store_file(&restore->making, path, mode);
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
		(void)snprintf(path, sizeof(path), "%s/%s",
		    restore->making.store.new, file.name);
		err = is_pepper(&file) ? copy_file(restore, &file,
		                             restore->making.pepper.new, 0400)
		                       : copy_file(restore, &file, path, 0600);
		if (interrupted != 0)
			err = go_on(restore);
	}
	progress_end(&restore->progress);
	if (err == JP_ERR_OK && !pepper)
		err = not_ours(restore, JP_BACKUP_PEPPER, "is missing");
	return err;
}

static void
tell_restore(const struct restore *restore)
{
	char made_at[JP_WHEN_TEXT_MAX], detail[JP_WHEN_TEXT_MAX + 8];

	jp_when_format(restore->manifest.made_at, made_at);
	(void)snprintf(detail, sizeof(detail), "as of %s", made_at);
	trail_tell(restore->making.settings, &restore->making.owner, "restore",
	    detail);
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

/* It is whole by now. */
static enum jp_err
look_for_cluster(
    struct restore *restore, const struct jp_store_options *options)
{
	struct jp_position position;
	struct jp_store *store;
	enum jp_err err = jp_store_bdb_open(options, &store, restore->why);

	if (err != JP_ERR_OK)
		return err;
	err = jp_store_position(store, &position);
	jp_store_close(store);
	restore->in_cluster = jp_position_is_set(&position);
	return err == JP_ERR_OK ? err
	                        : jp_why(restore->why, err, "%s: %s",
	                              options->dir, jp_err_text(err));
}

/* Recovers the copy, reads every page, and compares the pepper. */
static enum jp_err
verify_copy(struct restore *restore)
{
	struct jp_store_options options = {
		.dir = restore->making.store.new,
		.holder = "pat-admin restore",
		.wait_ms = LOCK_MS,
	};
	struct jp_pepper pepper, ours;
	struct jp_why ignored;
	enum jp_err err =
	    jp_pepper_load(restore->making.pepper.new, &pepper, restore->why);

	if (err != JP_ERR_OK)
		return err;
	restore->making.same_pepper =
	    jp_pepper_load(restore->making.settings->pepper_file, &ours,
	        &ignored) == JP_ERR_OK &&
	    sodium_memcmp(&ours, &pepper, sizeof(pepper)) == 0;
	jp_pepper_name(&pepper, options.tag);
	jp_pepper_clear(&pepper);
	jp_pepper_clear(&ours);
	err = jp_store_bdb_complete(&options, restore->why);
	return err == JP_ERR_OK ? look_for_cluster(restore, &options) : err;
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
	enum jp_err err = act_as(&restore->making.owner, restore->why);

	if (err != JP_ERR_OK)
		return err;
	err = verify_copy(restore);
	act_as_self();
	return err == JP_ERR_OK ? err : not_whole(restore, err);
}

static enum jp_err
restore_all(struct restore *restore)
{
	enum jp_err err = open_backup(restore);

	if (err == JP_ERR_OK)
		err = new_store_begin(&restore->making);
	if (err == JP_ERR_OK)
		err = copy_all(restore);
	if (err == JP_ERR_OK)
		err = verify(restore);
	if (err == JP_ERR_OK)
		err = go_on(restore);
	if (err == JP_ERR_OK)
		err = new_store_swap(&restore->making);
	if (err == JP_ERR_OK)
		tell_restore(restore);
	return err;
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
	const struct place *const places[] = { &restore->making.store,
		&restore->making.pepper };
	char made_at[JP_WHEN_TEXT_MAX];
	json_t *json;

	(void)fputs(
	    restore->in_cluster
	        ? "This is a host of a cluster: what was changed after the "
	          "backup it takes from the others once patd runs.\n"
	        : "What was revoked after the backup is live again: revoke "
	          "it before patd starts.\n",
	    stderr);
	if (!restore->in_cluster &&
	    restore->making.settings->cluster.configured)
		(void)fprintf(stderr,
		    "The backup is not of a host of the cluster, and patd "
		    "does not start with it: `pat-admin cluster leave %s` on "
		    "another host, and then `pat-admin cluster join --import` "
		    "here; what is revoked there is so here, too.\n",
		    restore->making.settings->cluster.node);
	if (replaced(&restore->making.pepper) &&
	    restore->making.settings->audit_file[0] != '\0')
		(void)fputs(
		    "The pepper is another one now. What the one of before has "
		    "signed of the audit trail is verified with that alone: "
		    "move the old files of the trail away.\n",
		    stderr);
	if (!context->json) {
		jp_when_format(restore->manifest.made_at, made_at);
		(void)printf(
		    "%s: as of %s\n", restore->making.store.path, made_at);
		for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
			if (replaced(places[i]))
				(void)printf("%s: what was there before\n",
				    places[i]->old);
		return JP_ERR_OK;
	}
	json = manifest_json(&restore->manifest);
	(void)json_object_set_new(
	    json, "store", json_string(restore->making.store.path));
	(void)json_object_set_new(
	    json, "before", old_json(&restore->making.store));
	(void)json_object_set_new(
	    json, "pepper_before", old_json(&restore->making.pepper));
	return output_json(json);
}

static enum status
run(struct context *context)
{
	struct jp_why why = { .text = "" };
	struct restore restore = {
		.making = {
			.settings = &context->settings,
			.holder = "pat-admin restore",
			.suffix = NEW_STORE_RESTORE,
			.lock_fd = -1,
			.why = &why,
		},
		.why = &why,
	};
	enum jp_err err = context_load(context, &why);

	note_signals();
	if (err == JP_ERR_OK)
		err = restore_all(&restore);
	if (err == JP_ERR_OK)
		err = print_done(context, &restore);
	new_store_end(&restore.making);
	manifest_clear(&restore.manifest);
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
