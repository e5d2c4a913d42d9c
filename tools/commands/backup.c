/*
 * pat-admin backup: a copy of the store and its pepper, while patd serves. The
 * files come over admin.sock and are written here, by whoever runs this.
 */
#include "tools/commands/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/escape.h"
#include "tools/formats/act_as.h"
#include "tools/formats/files.h"
#include "tools/formats/manifest.h"
#include "tools/cli/cluster_report.h"
#include "tools/cli/output.h"
#include "tools/cli/progress.h"
#include "tools/cli/session.h"
#include "tools/formats/path_why.h"

static struct backup_args {
	const char *folder;
} args;

/* What has been written. */
struct backup {
	int dir_fd;
	bool made;   /* the folder */
	int file_fd; /* of the last file; -1: none is open */
	struct manifest manifest;
	crypto_generichash_state hash; /* of the last file */
	uint64_t expected;             /* bytes, about */
	struct progress progress;
	struct jp_why *why;
};

/* What is in the folder is made and removed as its owner. */
static enum jp_err
enter_folder(struct jp_why *why)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s", args.folder, MANIFEST_NAME);
	return act_at(path, why);
}

static enum jp_err
make_folder(struct backup *backup, struct jp_why *why)
{
	backup->made = mkdir(args.folder, 0700) == 0;
	if (!backup->made && errno == ENOENT)
		return jp_why(why, JP_ERR_MISSING,
		    "cannot create %.300s: create its parent directory first",
		    args.folder);
	if (!backup->made && errno != EEXIST)
		return path_why(why, "make", args.folder);
	backup->dir_fd = open(args.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (backup->dir_fd < 0)
		return path_why(why, "open", args.folder);
	if (!backup->made && !folder_empty(backup->dir_fd))
		return jp_why(why, JP_ERR_EXISTS,
		    "%s is not empty: name a new directory", args.folder);
	return JP_ERR_OK;
}

/* Makes the folder; an empty one is fine, too. */
static enum jp_err
open_folder(struct backup *backup, struct jp_why *why)
{
	enum jp_err err = act_at(args.folder, why);

	if (err == JP_ERR_OK)
		err = make_folder(backup, why);
	act_as_self();
	return err;
}

/* Where no patd runs, this process becomes its user before it writes. */
static enum jp_err
give_folder(const struct context *context, const struct backup *backup,
    struct jp_why *why)
{
	struct owner owner;
	enum jp_err err = owner_of_store(&context->settings, &owner, why);

	if (err == JP_ERR_OK && backup->made &&
	    fchown(backup->dir_fd, owner.uid, owner.gid) != 0)
		err = path_why(why, "chown", args.folder);
	return err;
}

static struct manifest_file *
last_file(struct backup *backup)
{
	return &backup->manifest.files[backup->manifest.len - 1];
}

/* The file that was being written is whole. */
static enum jp_err
end_file(struct backup *backup)
{
	struct manifest_file *file;
	int fd = backup->file_fd;
	enum jp_err err = JP_ERR_OK;

	if (fd < 0)
		return JP_ERR_OK;
	backup->file_fd = -1;
	file = last_file(backup);
	(void)crypto_generichash_final(
	    &backup->hash, file->hash, sizeof(file->hash));
	if (fsync(fd) != 0)
		err = path_why(backup->why, "write into", args.folder);
	if (close(fd) != 0 && err == JP_ERR_OK)
		err = path_why(backup->why, "write into", args.folder);
	return err;
}

static enum jp_err
begin_file(struct backup *backup, const char *name)
{
	enum jp_err err = end_file(backup);

	if (err != JP_ERR_OK)
		return err;
	if (manifest_add(&backup->manifest, name) == NULL)
		return jp_why(backup->why, JP_ERR_PROTOCOL,
		    "patd sent a file that cannot be taken");
	backup->file_fd = openat(backup->dir_fd, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (backup->file_fd < 0)
		return path_why(backup->why, "write into", args.folder);
	(void)crypto_generichash_init(&backup->hash, NULL, 0, MANIFEST_HASH);
	return JP_ERR_OK;
}

static enum jp_err
write_piece(struct backup *backup, const struct jp_piece *piece)
{
	struct manifest_file *file = last_file(backup);
	ssize_t put;

	if (piece->offset != file->bytes)
		return jp_why(backup->why, JP_ERR_PROTOCOL,
		    "patd sent a file with a gap");
	for (size_t at = 0; at < piece->len; at += (size_t)put) {
		put =
		    write(backup->file_fd, piece->bytes + at, piece->len - at);
		if (put < 0 && errno != EINTR)
			return path_why(backup->why, "write into", args.folder);
		if (put < 0)
			put = 0;
	}
	(void)crypto_generichash_update(
	    &backup->hash, piece->bytes, piece->len);
	file->bytes += piece->len;
	progress_show(&backup->progress, manifest_bytes(&backup->manifest),
	    backup->expected);
	return JP_ERR_OK;
}

static enum jp_err
take_item(void *arg, const struct jp_admin_item *item)
{
	struct backup *backup = arg;
	const struct jp_piece *piece = &item->piece;
	enum jp_err err = JP_ERR_OK;

	if (item->kind == JP_ITEM_STATS) {
		backup->expected = item->store.bytes;
		return JP_ERR_OK;
	}
	if (cluster_report_has(item))
		return JP_ERR_OK;
	if (item->kind != JP_ITEM_PIECE)
		return JP_ERR_PROTOCOL;
	if (backup->file_fd < 0 ||
	    strcmp(last_file(backup)->name, piece->name) != 0)
		err = begin_file(backup, piece->name);
	return err == JP_ERR_OK ? write_piece(backup, piece) : err;
}

/* Half a backup is none: what was written goes again. */
static void
take_back(struct backup *backup)
{
	struct jp_why ignored;

	if (backup->file_fd >= 0)
		(void)close(backup->file_fd);
	for (size_t i = 0; i < backup->manifest.len; i++)
		(void)unlinkat(
		    backup->dir_fd, backup->manifest.files[i].name, 0);
	if (backup->made && act_at(args.folder, &ignored) == JP_ERR_OK)
		(void)rmdir(args.folder);
}

static enum jp_err
ask(struct session *session, struct backup *backup, enum jp_admin_op op)
{
	const struct jp_admin_request request = { .op = op };
	struct jp_why why = { .text = "" };
	enum jp_err err =
	    session_run(session, &request, take_item, backup, &why);

	/* What went wrong here is known better here. */
	if (err != JP_ERR_OK && backup->why->text[0] == '\0')
		*backup->why = why;
	return err;
}

/* The name of the folder itself. */
static enum jp_err
sync_name(struct jp_why *why)
{
	enum jp_err err = act_at(args.folder, why);

	if (err == JP_ERR_OK)
		err = sync_parent(args.folder, why);
	act_as_self();
	return err;
}

static enum jp_err
fill(struct session *session, struct backup *backup)
{
	enum jp_err err = ask(session, backup, JP_ADMIN_STATS);

	if (err == JP_ERR_OK) {
		backup->manifest.made_at = jp_clock_now(&jp_system_clock);
		progress_start(&backup->progress, "backup", "bytes");
		err = ask(session, backup, JP_ADMIN_BACKUP);
		progress_end(&backup->progress);
	}
	if (err == JP_ERR_OK)
		err = end_file(backup);
	if (err == JP_ERR_OK)
		err = manifest_write(&backup->manifest, backup->dir_fd,
		    args.folder, backup->why);
	return err == JP_ERR_OK ? sync_name(backup->why) : err;
}

static enum jp_err
print_done(const struct context *context, const struct backup *backup)
{
	char shown[PATH_MAX];
	json_t *json;

	(void)snprintf(shown, sizeof(shown), "%s", args.folder);
	jp_mask(shown);
	if (!context->json) {
		(void)printf("%s: %zu files, %" PRIu64 " bytes\n", shown,
		    backup->manifest.len, manifest_bytes(&backup->manifest));
		return JP_ERR_OK;
	}
	json = manifest_json(&backup->manifest);
	(void)json_object_set_new(json, "folder", json_string(shown));
	return output_json(json);
}

static enum status
run(struct context *context)
{
	struct jp_why why = { .text = "" };
	struct backup backup = { .dir_fd = -1, .file_fd = -1, .why = &why };
	struct session session;
	enum jp_err err = open_folder(&backup, &why);

	if (err == JP_ERR_OK)
		err = context_load(context, &why);
	if (err == JP_ERR_OK)
		err = give_folder(context, &backup, &why);
	if (err == JP_ERR_OK)
		err = session_open(&session, context, &why);
	if (err == JP_ERR_OK) {
		why.text[0] = '\0'; /* what was said of patd is no error */
		err = enter_folder(&why);
		if (err == JP_ERR_OK)
			err = fill(&session, &backup);
		session_close(&session);
	}
	if (err == JP_ERR_OK)
		(void)print_done(context, &backup);
	else
		take_back(&backup);
	act_as_self();
	if (backup.dir_fd >= 0)
		(void)close(backup.dir_fd);
	manifest_clear(&backup.manifest);
	return err == JP_ERR_OK ? STATUS_DONE
	                        : context_fail(context, err, &why);
}

const struct command cmd_backup = {
	.name = "backup",
	.synopsis = "DIR [OPTION]...",
	.help = "copy the store and the pepper into DIR while patd runs",
	.words_min = 1,
	.words_max = 1,
	.word = CMD_TEXT("FOLDER", NULL, NULL, struct backup_args, folder),
	.prints = true,
	.args = &args,
	.run = run,
};
