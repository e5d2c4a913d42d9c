/*
 * A folder that cannot be read to its end: common/store/bdb_names.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#include "tests/unit/engine_leaks.h"
#include "tests/unit/store_help.h"

/* So many calls of readdir(3) succeed, and the next fails. */
static int until_failure = -1;

struct dirent *__real_readdir(DIR *dir);
struct dirent *__wrap_readdir(DIR *dir);

struct dirent *
__wrap_readdir(DIR *dir)
{
	if (until_failure >= 0 && until_failure-- == 0) {
		errno = EIO;
		return NULL;
	}
	return __real_readdir(dir);
}

struct fixture {
	char dir[PATH_MAX];
	struct jp_store_options options;
	struct jp_why why;
};

static enum jp_err
open_and_close(struct fixture *fixture)
{
	struct jp_store *store = NULL;
	enum jp_err err =
	    jp_store_bdb_open(&fixture->options, &store, &fixture->why);

	jp_store_close(store);
	return err;
}

static int
count_logs(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	int count = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL)
		count += strncmp(entry->d_name, "log.", 4) == 0;
	(void)closedir(dir);
	return count;
}

static void
an_error_in_the_middle_is_not_the_end(void **state)
{
	struct fixture fixture;
	int failed = 0, logs;

	(void)state;
	scratch_make(fixture.dir);
	fixture.options = options_for(fixture.dir);
	assert_int_equal(
	    jp_store_bdb_create(&fixture.options, &fixture.why), JP_ERR_OK);
	logs = count_logs(fixture.dir);
	until_failure = 0;
	for (int calls = 0; until_failure < 0 || calls == 0; calls++) {
		assert_in_range(calls, 0, 1000);
		until_failure = calls;
		/* Once it looks only for what an older one has left. */
		failed += open_and_close(&fixture) != JP_ERR_OK;
	}
	until_failure = -1;
	assert_in_range(failed, 8, 1000); /* one for each file, at least */
	assert_int_equal(count_logs(fixture.dir), logs);
	assert_int_equal(open_and_close(&fixture), JP_ERR_OK);
	scratch_remove(fixture.dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_in_the_middle_is_not_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
