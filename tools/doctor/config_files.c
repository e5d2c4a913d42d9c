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

static void
read_one(struct config_scan *scan, const char *path,
    void (*take)(void *arg, const struct config_text *text), void *arg)
{
	struct config_text text = { .path = path + strlen(scan->root) };
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

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
	take(arg, &text);
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

char *
config_line(char **at, unsigned int *line)
{
	char *start = *at, *end = start;

	if (*start == '\0')
		return NULL;
	++*line;
	while ((end = strchrnul(end, '\n'))[0] == '\n' && end > start &&
	       end[-1] == '\\') {
		end[-1] = ' ';
		*end = ' ';
		++*line;
	}
	*at = *end == '\n' ? end + 1 : end;
	*end = '\0';
	return start;
}

char *
config_word(char **at)
{
	char *word = *at + strspn(*at, " \t\r"), *end;

	if (*word == '\0')
		return NULL;
	if (*word == '"' || *word == '\'') {
		end = strchrnul(word + 1, *word);
		word++;
	} else {
		end = word + strcspn(word, " \t\r");
	}
	*at = *end != '\0' ? end + 1 : end;
	*end = '\0';
	return word;
}
