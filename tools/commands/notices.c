#include "tools/commands/notices.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/formats/act_as.h"
#include "tools/formats/files.h"
#include "tools/formats/path_why.h"

/* Above every id, which is letters and digits; and no address. */
#define LAST_ID "~"
#define NO_ADDRESS "-"

const char *
notice_name(enum notice_event event)
{
	static const char *const names[] = {
#define NOTICE_NAME(code, name) [NOTICE_##code] = (name),
		NOTICE_LIST(NOTICE_NAME)
#undef NOTICE_NAME
	};

	return names[event];
}

/* ---- their order ---- */

static int
compare(int64_t at, const char *id, const char *address,
    const struct notice *notice)
{
	int order;

	if (at != notice->at)
		return at < notice->at ? -1 : 1;
	order = strcmp(id, notice->id);
	return order != 0 ? order : strcmp(address, notice->address);
}

int
notice_compare(const void *a, const void *b)
{
	const struct notice *notice = a;

	return compare(notice->at, notice->id, notice->address, b);
}

bool
mark_is_before(const struct mark *mark, const struct notice *notice)
{
	return compare(mark->at, mark->id, mark->address, notice) < 0;
}

static void
set_mark(struct mark *mark, int64_t at, const char *id, const char *address)
{
	mark->at = at;
	(void)jp_field_set(mark->id, sizeof(mark->id), id);
	(void)jp_field_set(mark->address, sizeof(mark->address), address);
}

void
mark_pass(struct mark *mark, const struct notice *notice)
{
	set_mark(mark, notice->at, notice->id, notice->address);
}

void
mark_pass_until(struct mark *mark, int64_t until)
{
	if (mark->at < until)
		set_mark(mark, until, LAST_ID, "");
}

/* ---- the file ---- */

void
marks_start(struct marks *marks, const struct jp_policy *policy, int64_t now,
    int64_t settled)
{
	struct mark *mark = marks->of;

	memset(marks->of, 0, sizeof(marks->of));
	for (size_t i = 0; i < policy->notify_len; i++, mark++) {
		mark->event = NOTICE_EXPIRING;
		mark->threshold = policy->notify_at[i];
		mark_pass_until(mark, jp_when_add(now, mark->threshold));
	}
	mark->event = NOTICE_NEW_ADDRESS;
	mark_pass_until(mark, settled);
	marks->len = policy->notify_len + 1;
}

/*
 * "THRESHOLD EXPIRES-AT ID" or "new-address SINCE ID ADDRESS". Behind one that
 * a clock was ahead to write, nobody would be notified before that time.
 */
static void
read_mark(struct marks *marks, const char *line, int64_t now)
{
	struct mark read = { .event = NOTICE_EXPIRING };

	if (sscanf(line, "new-address %" SCNd64 " %8s %64s", &read.at, read.id,
	        read.address) == 3)
		read.event = NOTICE_NEW_ADDRESS;
	else if (sscanf(line, "%" SCNd64 " %" SCNd64 " %8s", &read.threshold,
	             &read.at, read.id) != 3)
		return;
	if (!jp_when_valid(read.at) ||
	    read.at > jp_when_add(now, read.threshold))
		return;
	for (size_t i = 0; i < marks->len; i++)
		if (marks->of[i].event == read.event &&
		    marks->of[i].threshold == read.threshold)
			marks->of[i] = read;
}

static int
print_mark(const struct mark *mark, char *text, size_t size)
{
	return mark->event == NOTICE_EXPIRING
	           ? snprintf(text, size, "%" PRId64 " %" PRId64 " %s\n",
	                 mark->threshold, mark->at, mark->id)
	           : snprintf(text, size, "%s %" PRId64 " %s %s\n",
	                 notice_name(mark->event), mark->at, mark->id,
	                 mark->address[0] != '\0' ? mark->address : NO_ADDRESS);
}

void
marks_read(struct marks *marks, char *text, int64_t now)
{
	char *line;

	while ((line = strtok_r(text, "\n", &text)) != NULL)
		read_mark(marks, line, now);
}

size_t
marks_print(const struct marks *marks, char text[MARKS_TEXT_MAX])
{
	int len = 0;

	for (size_t i = 0; i < marks->len; i++)
		len += print_mark(
		    &marks->of[i], text + len, MARKS_TEXT_MAX - (size_t)len);
	return (size_t)len;
}

/* One that root made, before it acted as the user of patd, becomes theirs. */
static void
give_file(const struct marks *marks, const struct context *context)
{
	struct owner owner;
	struct jp_why ignored;
	int fd;

	fd = open_roots(marks->path);
	if (fd < 0)
		return;
	if (owner_of_store(&context->settings, &owner, &ignored) == JP_ERR_OK)
		/* Where it fails, so does the next try to open it. */
		if (fchown(fd, owner.uid, owner.gid) != 0)
			errno = EACCES;
	(void)close(fd);
}

static enum jp_err
open_file(struct marks *marks, const struct context *context, bool dry,
    struct jp_why *why)
{
	int how =
	    O_RDWR | (dry ? 0 : O_CREAT) | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	enum jp_err err = act_at(marks->path, why);
	struct stat st;

	if (err != JP_ERR_OK)
		return err;
	marks->fd = open(marks->path, how, 0600);
	if (marks->fd < 0 && errno == EACCES) {
		give_file(marks, context);
		err = act_at(marks->path, why);
		if (err == JP_ERR_OK)
			marks->fd = open(marks->path, how, 0600);
	}
	if (err == JP_ERR_OK && marks->fd < 0 && !(dry && errno == ENOENT))
		err = path_why(why, "open", marks->path);
	if (marks->fd >= 0 &&
	    (fstat(marks->fd, &st) != 0 || !S_ISREG(st.st_mode)))
		err = jp_why(why, JP_ERR_CONFIG,
		    "%s: not a regular file: remove it", marks->path);
	act_as_self();
	return err;
}

static enum jp_err
read_file(struct marks *marks, int64_t now, struct jp_why *why)
{
	char text[MARKS_TEXT_MAX];
	ssize_t len;

	if (flock(marks->fd, LOCK_EX | LOCK_NB) != 0)
		return jp_why(why, JP_ERR_LOCKED,
		    "%s is in use: another `pat-admin notify` runs",
		    marks->path);
	len = pread(marks->fd, text, sizeof(text) - 1, 0);
	if (len < 0)
		return path_why(why, "read", marks->path);
	text[len] = '\0';
	marks_read(marks, text, now);
	return JP_ERR_OK;
}

enum jp_err
marks_open(struct marks *marks, const struct context *context, int64_t now,
    int64_t settled, bool dry, struct jp_why *why)
{
	enum jp_err err;

	marks->fd = -1;
	(void)snprintf(marks->path, sizeof(marks->path), "%s/%s",
	    context->settings.store_dir, NOTICES_NAME);
	err = open_file(marks, context, dry, why);
	if (err != JP_ERR_OK)
		return err;
	marks_start(marks, &context->settings.policy, now, settled);
	return marks->fd >= 0 ? read_file(marks, now, why) : JP_ERR_OK;
}

enum jp_err
marks_save(const struct marks *marks, struct jp_why *why)
{
	char text[MARKS_TEXT_MAX];
	size_t len = marks_print(marks, text);

	if (pwrite(marks->fd, text, len, 0) != (ssize_t)len ||
	    ftruncate(marks->fd, (off_t)len) != 0 || fdatasync(marks->fd) != 0)
		return path_why(why, "write", marks->path);
	return JP_ERR_OK;
}

void
marks_close(struct marks *marks)
{
	if (marks->fd >= 0)
		(void)close(marks->fd);
	marks->fd = -1;
}
