/*
 * What a test looks at of its own process: the lines that it logs, and how many
 * descriptors are open. All that may fail here ends the test.
 */
#ifndef JP_TESTS_PROCESS_HELP_H
#define JP_TESTS_PROCESS_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct logged {
	FILE *file; /* instead of standard error, */
	int kept;   /* which is here */
	long seen;  /* so much of it */
};

static inline void
logged_begin(struct logged *logged)
{
	logged->file = tmpfile();
	logged->kept = dup(STDERR_FILENO);
	logged->seen = 0;
	assert_non_null(logged->file);
	assert_true(dup2(fileno(logged->file), STDERR_FILENO) >= 0);
}

static inline void
logged_end(struct logged *logged)
{
	(void)dup2(logged->kept, STDERR_FILENO);
	(void)close(logged->kept);
	(void)fclose(logged->file);
}

/* So many lines since the last time, each of which has `part`. */
static inline void
assert_logged(struct logged *logged, int lines, const char *part)
{
	char line[1024];
	int count = 0;

	assert_int_equal(fseek(logged->file, logged->seen, SEEK_SET), 0);
	for (; fgets(line, sizeof(line), logged->file) != NULL; count++)
		if (strstr(line, part) == NULL)
			fail_msg("\"%s\" is not in: %s", part, line);
	logged->seen = ftell(logged->file);
	assert_int_equal(count, lines);
}

static inline int
count_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		count++;
	(void)closedir(dir);
	return count;
}

#endif
