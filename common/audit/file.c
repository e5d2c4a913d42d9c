#include "common/audit/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "common/sys/durable.h"
#include "common/sys/log.h"

void
jp_audit_file_init(struct jp_audit_file *file, const char *path,
    const char *store_dir, const struct jp_pepper *pepper)
{
	memset(file, 0, sizeof(*file));
	(void)jp_field_set(file->path, sizeof(file->path), path);
	(void)snprintf(file->checkpoint_path, sizeof(file->checkpoint_path),
	    "%s/%s", store_dir, JP_AUDIT_CHECKPOINT_NAME);
	jp_audit_key_make(pepper, &file->key);
	jp_audit_checkpoint_key_make(pepper, &file->checkpoint_key);
	file->fd = -1;
	file->write = write;
	file->sync = fdatasync;
}

static enum jp_err
file_why(struct jp_why *why, const char *doing, const char *path)
{
	int errnum = errno;

	return jp_why(why, jp_err_from_errno(errnum), "cannot %s %s: %s", doing,
	    path, strerror(errnum));
}

/* ---- the checkpoint ---- */

enum jp_err
jp_audit_checkpoint_read(const char *path, const struct jp_audit_key *key,
    struct jp_audit_link *link, struct jp_why *why)
{
	char text[JP_AUDIT_CHECKPOINT_LEN + 1];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	enum jp_err err = JP_ERR_OK;
	ssize_t len = -1;

	memset(link, 0, sizeof(*link));
	if (fd >= 0)
		len = read(fd, text, sizeof(text));
	if (len < 0)
		err = file_why(why, "read", path);
	else if (jp_audit_checkpoint_get(key, text, (size_t)len, link) !=
	         JP_ERR_OK)
		err = jp_why(why, JP_ERR_DAMAGED,
		    "%s: damaged, or made with another pepper", path);
	if (fd >= 0)
		(void)close(fd);
	return err;
}

/* In place: its length never changes, and it lies in one sector. */
static enum jp_err
write_head(const struct jp_audit_file *file, struct jp_why *why)
{
	char text[JP_AUDIT_CHECKPOINT_LEN + 1];
	int fd = open(file->checkpoint_path,
	    O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	enum jp_err err = JP_ERR_OK;

	jp_audit_checkpoint_put(&file->checkpoint_key, &file->at, text);
	if (fd < 0 || pwrite(fd, text, JP_AUDIT_CHECKPOINT_LEN, 0) !=
	                  (ssize_t)JP_AUDIT_CHECKPOINT_LEN)
		err = file_why(why, "write", file->checkpoint_path);
	if (fd >= 0)
		(void)close(fd);
	return err;
}

/* ---- where the chain stands ---- */

/*
 * Finds the end of the last whole line among the last bytes of the file, and
 * the parts of that line. False: there is none; `end` is then 0, or where the
 * search began.
 */
static bool
last_line(struct jp_audit_file *file, int64_t *end, struct jp_audit_line *line)
{
	int64_t from = file->size > 2 * JP_AUDIT_LINE_MAX
	                   ? file->size - 2 * JP_AUDIT_LINE_MAX
	                   : 0;
	ssize_t len =
	    pread(file->fd, file->text, 2 * JP_AUDIT_LINE_MAX, (off_t)from);
	const char *newline, *before;

	*end = from;
	if (len <= 0)
		return false;
	newline = memrchr(file->text, '\n', (size_t)len);
	if (newline == NULL)
		return false;
	*end = from + (newline - file->text) + 1;
	before = memrchr(file->text, '\n', (size_t)(newline - file->text));
	before = before != NULL ? before + 1 : file->text;
	return jp_audit_line_split(before, (size_t)(newline - before), line) ==
	       JP_ERR_OK;
}

/* What a crash left of a line that was not finished. */
static enum jp_err
cut_to(struct jp_audit_file *file, int64_t size, struct jp_why *why)
{
	if (ftruncate(file->fd, (off_t)size) != 0)
		return file_why(why, "shorten", file->path);
	file->size = size;
	file->torn = false;
	return JP_ERR_OK;
}

/*
 * The checkpoint decides; or the last line, if the process died between the
 * two. Missing lines are not hidden: numbers go on after the checkpoint.
 */
static void
choose_link(struct jp_audit_file *file, const struct jp_audit_line *line)
{
	struct jp_why why = { .text = "" };
	enum jp_err err = jp_audit_checkpoint_read(
	    file->checkpoint_path, &file->checkpoint_key, &file->at, &why);

	if (err != JP_ERR_OK && (err != JP_ERR_MISSING || line != NULL))
		jp_log(LOG_WARNING, "audit: %s", why.text);
	if (line != NULL && line->seq >= file->at.seq) {
		file->at.seq = line->seq;
		memcpy(file->at.mac, line->mac, sizeof(line->mac));
	} else if (line != NULL) {
		jp_log(LOG_WARNING,
		    "audit: lines are missing at the end of %s: run "
		    "`pat-admin audit verify`",
		    file->path);
	}
	file->known = true;
}

/* Whether all there is, is the beginning of the first line. */
static bool
half_first_line(const struct jp_audit_file *file, int64_t end)
{
	static const char begin[] = "{\"seq\":";
	size_t len = sizeof(begin) - 1;

	if ((uint64_t)file->size < len)
		len = (size_t)file->size;
	return end == 0 && memcmp(file->text, begin, len) == 0;
}

static enum jp_err
look(struct jp_audit_file *file, struct jp_why *why)
{
	struct jp_audit_line line;
	struct stat st;
	int64_t end;
	bool found;
	enum jp_err err = JP_ERR_OK;

	if (fstat(file->fd, &st) != 0)
		return file_why(why, "look at", file->path);
	if (!S_ISREG(st.st_mode))
		return jp_why(
		    why, JP_ERR_CONFIG, "%s: not a regular file", file->path);
	file->size = st.st_size;
	found = last_line(file, &end, &line);
	if (file->size > 0 && !found && !half_first_line(file, end))
		return jp_why(why, JP_ERR_CONFIG,
		    "%s does not end in a line of an audit trail: move it "
		    "away, or name another file",
		    file->path);
	if (end < file->size) {
		jp_log(LOG_WARNING,
		    "audit: %s ended in half a line of %" PRId64
		    " bytes: removed",
		    file->path, file->size - end);
		err = cut_to(file, end, why);
	}
	if (err == JP_ERR_OK && !file->known)
		choose_link(file, found ? &line : NULL);
	return err;
}

/* ---- the file ---- */

static void
close_file(struct jp_audit_file *file)
{
	if (file->fd >= 0)
		(void)close(file->fd);
	file->fd = -1;
	file->torn = false;
}

/* Whether the name still stands for the file that is open. */
static bool
is_current(struct jp_audit_file *file)
{
	struct stat named, opened;

	if (file->fd < 0 || stat(file->path, &named) != 0 ||
	    fstat(file->fd, &opened) != 0 || named.st_dev != opened.st_dev ||
	    named.st_ino != opened.st_ino)
		return false;
	file->size = opened.st_size; /* somebody may have emptied it */
	return true;
}

/* A file without a line may be new: its name has to last as long as they do. */
static enum jp_err
keep_name(const struct jp_audit_file *file, struct jp_why *why)
{
	if (file->size > 0 || jp_sync_parent(file->path) == 0 ||
	    errno == EACCES) /* a folder of others, who made the file, too */
		return JP_ERR_OK;
	return file_why(why, "sync the directory of", file->path);
}

static enum jp_err
open_file(struct jp_audit_file *file, struct jp_why *why)
{
	enum jp_err err;

	file->fd = open(file->path,
	    O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);
	if (file->fd < 0)
		return file_why(why, "open", file->path);
	err = look(file, why);
	if (err == JP_ERR_OK)
		err = keep_name(file, why);
	if (err != JP_ERR_OK)
		close_file(file);
	return err;
}

enum jp_err
jp_audit_file_ready(struct jp_audit_file *file, struct jp_why *why)
{
	if (file->torn) /* half a batch is there, and could not be removed */
		(void)cut_to(file, file->size, why);
	if (file->torn)
		return JP_ERR_IO;
	if (is_current(file))
		return JP_ERR_OK;
	close_file(file);
	return open_file(file, why);
}

static enum jp_err
write_text(struct jp_audit_file *file, size_t len, struct jp_why *why)
{
	struct jp_why ignored;
	enum jp_err err;
	ssize_t written;

	errno = ENOSPC; /* a short write says no more */
	written = file->write(file->fd, file->text, len);
	if (written == (ssize_t)len && file->sync(file->fd) == 0) {
		file->size += (int64_t)len;
		return JP_ERR_OK;
	}
	err = file_why(why, "write", file->path);
	file->torn = true;
	(void)cut_to(file, file->size, &ignored);
	return err;
}

enum jp_err
jp_audit_file_append(struct jp_audit_file *file,
    const struct jp_audit_event *events, size_t count, struct jp_why *why)
{
	enum jp_err err = jp_audit_file_ready(file, why);
	struct jp_audit_link before = file->at;
	size_t len = 0, more;

	for (size_t i = 0; err == JP_ERR_OK && i < count; i++) {
		err = jp_audit_line_make(&file->key, &events[i],
		    file->size + (int64_t)len == 0, &file->at, file->text + len,
		    &more);
		if (err == JP_ERR_OK)
			len += more;
		else
			(void)jp_why(why, err, "%s", jp_err_text(err));
	}
	if (err == JP_ERR_OK)
		err = write_text(file, len, why);
	if (err != JP_ERR_OK)
		file->at = before;
	return err == JP_ERR_OK ? write_head(file, why) : err;
}

void
jp_audit_file_close(struct jp_audit_file *file)
{
	close_file(file);
	sodium_memzero(&file->key, sizeof(file->key));
	sodium_memzero(&file->checkpoint_key, sizeof(file->checkpoint_key));
}
