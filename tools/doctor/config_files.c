#include "tools/doctor/config_files.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	TEXT_MAX = 1 << 20, /* bytes of a file */
};

/* ---- Files ---- */

static bool
below_root(
    const struct config_scan *scan, const char *path, char *room, size_t size)
{
	int len = snprintf(room, size, "%s%s", scan->root, path);

	return len > 0 && (size_t)len < size;
}

/* All of a regular file; NULL if it is none, too large or not readable. */
static char *
read_text(int fd, size_t *len)
{
	char *text = NULL;
	struct stat st;
	ssize_t got = 0;

	*len = 0;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
	    st.st_size > TEXT_MAX)
		return NULL;
	text = calloc(1, (size_t)st.st_size + 1);
	while (text != NULL && *len < (size_t)st.st_size) {
		got = read(fd, text + *len, (size_t)st.st_size - *len);
		if (got <= 0)
			break;
		*len += (size_t)got;
	}
	return text;
}

/* Files that include themselves, or all others, would be read without end. */
static bool
may_read(struct config_scan *scan, const char *path)
{
	for (const struct config_text *text = scan->open; text != NULL;
	     text = text->outer)
		if (strcmp(text->path, path) == 0)
			return false;
	if (++scan->reads == CONFIG_READS_MAX)
		report_finding(scan->doctor, LEVEL_WARN, scan->door,
		    "more than %d files: the rest is not looked at: do "
		    "they include each other?",
		    CONFIG_READS_MAX);
	return scan->reads < CONFIG_READS_MAX;
}

static void
read_one(struct config_scan *scan, const char *path,
    void (*take)(void *arg, const struct config_text *text), void *arg)
{
	struct config_text text = { .path = path + strlen(scan->root),
		.outer = scan->open };
	int fd;

	if (!may_read(scan, text.path))
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		if (errno == EACCES)
			report_hidden(scan->doctor, LEVEL_WARN);
		return;
	}
	text.text = read_text(fd, &text.len);
	(void)close(fd);
	if (text.text == NULL)
		return;
	scan->files++;
	scan->open = &text;
	take(arg, &text);
	scan->open = text.outer;
	free(text.text);
}

void
config_each(struct config_scan *scan, const char *pattern,
    void (*take)(void *arg, const struct config_text *text), void *arg)
{
	char whole[CONFIG_PATH_MAX];
	glob_t list;

	if (!below_root(scan, pattern, whole, sizeof(whole)) ||
	    glob(whole, 0, NULL, &list) != 0)
		return;
	for (size_t i = 0; i < list.gl_pathc; i++)
		read_one(scan, list.gl_pathv[i], take, arg);
	globfree(&list);
}

unsigned int
config_type(const struct config_scan *scan, const char *path)
{
	char whole[CONFIG_PATH_MAX];
	struct stat st;

	if (!below_root(scan, path, whole, sizeof(whole)) ||
	    stat(whole, &st) != 0)
		return 0;
	return st.st_mode & S_IFMT;
}

bool
config_any(const struct config_scan *scan, const char *pattern)
{
	char whole[CONFIG_PATH_MAX];
	glob_t list;

	if (!below_root(scan, pattern, whole, sizeof(whole)) ||
	    glob(whole, GLOB_NOSORT, NULL, &list) != 0)
		return false;
	globfree(&list);
	return true;
}

/* ---- Lines and words ---- */

/* The comment in the line from `line` to `end`; `end` if it has none. */
static char *
find_comment(char *line, const char *end)
{
	char *at = line;

	while (at < end &&
	       (*at != '#' || (at > line && strchr(" \t", at[-1]) == NULL)))
		at++;
	return at;
}

/* Whether the next line goes on; the backslash that says so becomes a blank. */
static bool
joins_next(char *line, char *end, bool trim)
{
	if (end > line && end[-1] == '\r')
		end--;
	while (trim && end > line && strchr(" \t", end[-1]) != NULL)
		end--;
	if (end == line || end[-1] != '\\')
		return false;
	end[-1] = ' ';
	return true;
}

/* The same where comments do not count; `joined`: as those before them say. */
static bool
joins_beside_comments(char *line, char *end, bool joined)
{
	char *comment = find_comment(line, end);
	bool alone = line + strspn(line, " \t") == comment;

	if (comment == end)
		return joins_next(line, end, true);
	memset(comment, ' ', (size_t)(end - comment));
	return alone && joined;
}

static bool
joins(enum config_join join, char *line, char *end, bool joined)
{
	switch (join) {
	case CONFIG_JOIN_NONE:
		return false;
	case CONFIG_JOIN:
		return joins_beside_comments(line, end, joined);
	case CONFIG_JOIN_ALL:
		return joins_next(line, end, false);
	}
	return false;
}

char *
config_line(struct config_lines *lines)
{
	char *start = lines->at, *line, *end;
	bool joined = false;

	if (*start == '\0')
		return NULL;
	lines->line = lines->read + 1;
	do {
		line = lines->at;
		end = strchrnul(line, '\n');
		lines->at = *end == '\n' ? end + 1 : end;
		lines->read++;
		joined =
		    joins(lines->join, line, end, joined) && *lines->at != '\0';
		*end = joined ? ' ' : '\0';
	} while (joined);
	return start;
}

/* The quote that closes the one at `at`; the end if there is none. */
static char *
closing_quote(char *at)
{
	char quote = *at++;

	for (; *at != '\0' && *at != quote; at++)
		if (*at == '\\' && at[1] == quote)
			at++;
	return at;
}

char *
config_word(char **at)
{
	char *word = *at + strspn(*at, " \t\r"), *end;

	if (*word == '\0')
		return NULL;
	if (*word == '"' || *word == '\'') {
		end = closing_quote(word);
		word++;
	} else {
		end = word + strcspn(word, " \t\r");
	}
	*at = *end != '\0' ? end + 1 : end;
	*end = '\0';
	return word;
}
