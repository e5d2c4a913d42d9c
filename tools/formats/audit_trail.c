#include "tools/formats/audit_trail.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/grow.h"
#include "tools/formats/act_as.h"
#include "tools/formats/files.h"
#include "tools/formats/path_why.h"

enum {
	GUESSES = 16, /* lines that are looked at for the number of the first */
};

/* ---- lines ---- */

/*
 * Reads up to a newline, which is not kept, or JP_AUDIT_LINE_MAX bytes: a
 * longer line is none of ours. False: there is nothing more.
 */
static bool
read_line(FILE *file, char *text, size_t *len, bool *whole)
{
	int c = EOF;

	*len = 0;
	while (*len < JP_AUDIT_LINE_MAX && (c = getc_unlocked(file)) != EOF &&
	       c != '\n')
		text[(*len)++] = (char)c;
	*whole = c == '\n';
	return *len > 0 || *whole;
}

enum jp_err
trail_read(FILE *file, struct trail_line *line, trail_take take, void *arg)
{
	char text[JP_AUDIT_LINE_MAX];
	enum jp_err err = JP_ERR_OK;

	line->text = text;
	while (err == JP_ERR_OK &&
	       read_line(file, text, &line->len, &line->whole)) {
		line->number++;
		err = take(arg, line);
	}
	line->text = NULL;
	return err;
}

/* From one of the first lines that can be read. */
uint64_t
trail_first_number(FILE *file)
{
	char text[JP_AUDIT_LINE_MAX];
	struct jp_audit_line line;
	uint64_t first = 0;
	size_t len;
	bool whole;

	for (uint64_t i = 0;
	     first == 0 && i < GUESSES && read_line(file, text, &len, &whole);
	     i++)
		if (jp_audit_line_split(text, len, &line) == JP_ERR_OK)
			first = line.seq > i ? line.seq - i : 1;
	rewind(file);
	return first;
}

/* ---- files ---- */

static enum jp_err
keep_file(struct trail *trail, const char *path, FILE *file, struct jp_why *why)
{
	struct trail_file *place;

	if (JP_GROW(trail->files, trail->len, trail->cap) != JP_ERR_OK)
		return jp_why(
		    why, JP_ERR_NOMEM, "%s", jp_err_text(JP_ERR_NOMEM));
	place = &trail->files[trail->len];
	place->path = strdup(path);
	if (place->path == NULL)
		return jp_why(
		    why, JP_ERR_NOMEM, "%s", jp_err_text(JP_ERR_NOMEM));
	place->file = file;
	place->first = trail_first_number(file);
	trail->len++;
	return JP_ERR_OK;
}

/* `st` gets what is there; NULL with `why`: it is no file to be read. */
static FILE *
open_regular(
    const char *path, struct stat *st, enum jp_err *err, struct jp_why *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;

	*err = JP_ERR_OK;
	if (file == NULL || fstat(fd, st) != 0)
		*err = path_why(why, "read", path);
	else if (!S_ISREG(st->st_mode))
		*err =
		    jp_why(why, JP_ERR_INVALID, "%s: not a regular file", path);
	if (*err == JP_ERR_OK)
		return file;
	if (file != NULL)
		(void)fclose(file);
	else if (fd >= 0)
		(void)close(fd);
	return NULL;
}

static FILE *
open_file(
    const char *path, struct stat *st, enum jp_err *err, struct jp_why *why)
{
	FILE *file = NULL;

	*err = act_at(path, why);
	if (*err == JP_ERR_OK)
		file = open_regular(path, st, err, why);
	act_as_self();
	return file;
}

FILE *
trail_open(const char *path)
{
	struct jp_why ignored;
	struct stat st;
	enum jp_err err;

	return open_file(path, &st, &err, &ignored);
}

enum jp_err
trail_add(struct trail *trail, const char *path, struct jp_why *why)
{
	struct stat st;
	enum jp_err err;
	FILE *file = open_file(path, &st, &err, why);

	if (file == NULL)
		return err;
	if (st.st_size > 0) {
		err = keep_file(trail, path, file, why);
		if (err == JP_ERR_OK)
			return err;
	}
	(void)fclose(file);
	return err;
}

static bool
is_packed(const char *name)
{
	static const char *const ends[] = { ".gz", ".xz", ".bz2", ".zst" };
	size_t len = strlen(name);

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (len > strlen(ends[i]) &&
		    strcmp(name + len - strlen(ends[i]), ends[i]) == 0)
			return true;
	return false;
}

/* What trail_find() looks for. */
struct search {
	struct trail *trail;
	const char *path;
	struct jp_why *why;
};

static enum jp_err
add_if_ours(void *arg, const char *path)
{
	struct search *search = arg;
	size_t len = strlen(search->path);
	enum jp_err err;

	if (strncmp(path, search->path, len) != 0 ||
	    (path[len] != '\0' && path[len] != '.' && path[len] != '-'))
		return JP_ERR_OK;
	if (is_packed(path)) {
		search->trail->packed++;
		return JP_ERR_OK;
	}
	err = trail_add(search->trail, path, search->why);
	/* Rotated away under our eyes, or a folder of a similar name. */
	return err == JP_ERR_MISSING || err == JP_ERR_INVALID ? JP_ERR_OK : err;
}

enum jp_err
trail_find(struct trail *trail, const char *path, struct jp_why *why)
{
	struct search search = { .trail = trail, .path = path, .why = why };
	char folder[PATH_MAX];
	enum jp_err err;

	(void)snprintf(folder, sizeof(folder), "%s", path);
	*strrchr(folder, '/') = '\0';
	why->text[0] = '\0';
	err = each_name(folder[0] != '\0' ? folder : "/", add_if_ours, &search);
	if (err != JP_ERR_OK && why->text[0] == '\0')
		return jp_why(
		    why, err, "cannot read %s: %s", folder, jp_err_text(err));
	if (err == JP_ERR_OK)
		trail_sort(trail);
	return err;
}

static int
compare_files(const void *a, const void *b)
{
	const struct trail_file *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return strcmp(x->path, y->path);
}

void
trail_sort(struct trail *trail)
{
	if (trail->len > 1)
		qsort(trail->files, trail->len, sizeof(*trail->files),
		    compare_files);
}

enum jp_err
trail_each(struct trail *trail, trail_take take, void *arg)
{
	enum jp_err err = JP_ERR_OK;

	for (size_t i = 0; err == JP_ERR_OK && i < trail->len; i++) {
		struct trail_line line = {
			.path = trail->files[i].path,
			.last_file = i + 1 == trail->len,
		};

		err = trail_read(trail->files[i].file, &line, take, arg);
	}
	return err;
}

FILE *
trail_last(struct trail *trail, const char *path)
{
	struct trail_file *last;

	if (trail->len == 0)
		return NULL;
	last = &trail->files[trail->len - 1];
	if (strcmp(last->path, path) != 0)
		return NULL;
	trail->len--;
	free(last->path);
	return last->file;
}

void
trail_close(struct trail *trail)
{
	for (size_t i = 0; i < trail->len; i++) {
		(void)fclose(trail->files[i].file);
		free(trail->files[i].path);
	}
	free(trail->files);
	memset(trail, 0, sizeof(*trail));
}
