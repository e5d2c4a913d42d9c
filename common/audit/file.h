/*
 * The file of the audit trail, and the checkpoint beside the store. One
 * process writes them, the one that owns the store. The lines come first, the
 * checkpoint after them: a crash leaves it behind, never ahead.
 *
 * A file that was renamed is left alone; the next line begins a new one under
 * the name, chained to the last line of the old one.
 */
#ifndef JP_AUDIT_FILE_H
#define JP_AUDIT_FILE_H

#include "common/audit/line.h"
#include "common/config/settings.h"

#define JP_AUDIT_CHECKPOINT_NAME "audit.head" /* in store_dir */
#define JP_AUDIT_BATCH 128                    /* lines in one write */

struct jp_audit_file {
	char path[JP_PATH_MAX + 1];
	char checkpoint_path[JP_PATH_MAX + 16];
	struct jp_audit_key key, checkpoint_key;
	struct jp_audit_link at; /* the last line that was written */
	bool known;              /* `at` is: the files were looked at */
	int fd;                  /* -1: not open */
	bool torn;               /* there may be half a line behind `size` */
	int64_t size;            /* of the file, of whole lines */
	/* write(2) and fdatasync(2), or what a test puts in their place. */
	ssize_t (*write)(int fd, const void *bytes, size_t len);
	int (*sync)(int fd);
	char text[JP_AUDIT_BATCH * JP_AUDIT_LINE_MAX];
};

/* Sets it up; touches no file. */
void jp_audit_file_init(struct jp_audit_file *file, const char *path,
    const char *store_dir, const struct jp_pepper *pepper);

/*
 * Opens the file, or makes it, if it is not open under its name; finds out
 * where the chain stands. Half a line at the end, as a crash leaves it, goes.
 */
enum jp_err jp_audit_file_ready(struct jp_audit_file *file, struct jp_why *why);

/*
 * Appends up to JP_AUDIT_BATCH events, which survive a power cut when it
 * returns: all of them, or none.
 */
enum jp_err jp_audit_file_append(struct jp_audit_file *file,
    const struct jp_audit_event *events, size_t count, struct jp_why *why);

/* Closes it, and wipes the keys. */
void jp_audit_file_close(struct jp_audit_file *file);

/*
 * Reads the checkpoint: JP_ERR_MISSING, JP_ERR_DAMAGED, or what the file system
 * says.
 */
enum jp_err
jp_audit_checkpoint_read(const char *path, const struct jp_audit_key *key,
    struct jp_audit_link *link, struct jp_why *why);

#endif
