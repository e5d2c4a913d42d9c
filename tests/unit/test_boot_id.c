/* Which boot it is, where /proc says so, and where it does not:
 * common/sys/boot_id.c. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/sys/boot_id.h"

static bool is_hidden; /* as by ProcSubset=pid */

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);

int
__wrap_open(const char *path, int flags, ...)
{
	if (!is_hidden || strncmp(path, "/proc/sys/", 10) != 0)
		return __real_open(path, flags);
	errno = ENOENT;
	return -1;
}

static int
begin(void **state)
{
	(void)state;
	is_hidden = false;
	return unsetenv(JP_BOOT_ID_VARIABLE);
}

/* The kernel's text without what systemd leaves out. */
static void
make_given(const char *kernels, char given[JP_BOOT_ID_LEN])
{
	size_t len = 0;

	for (; *kernels != '\0'; kernels++)
		if (*kernels != '-' && *kernels != '\n')
			given[len++] = *kernels;
	given[len] = '\0';
}

static void
the_kernel_says_it(void **state)
{
	char boot[JP_BOOT_ID_LEN], again[JP_BOOT_ID_LEN];

	(void)state;
	jp_boot_id(boot);
	assert_int_equal(strlen(boot), 37);
	assert_int_equal(
	    setenv(JP_BOOT_ID_VARIABLE, "00112233445566778899aabbccddeeff", 1),
	    0);
	jp_boot_id(again);
	assert_string_equal(again, boot);
}

static void
where_it_is_hidden_the_unit_says_the_same(void **state)
{
	char boot[JP_BOOT_ID_LEN], given[JP_BOOT_ID_LEN], text[JP_BOOT_ID_LEN];

	(void)state;
	jp_boot_id(boot);
	make_given(boot, given);
	assert_int_equal(setenv(JP_BOOT_ID_VARIABLE, given, 1), 0);
	is_hidden = true;
	jp_boot_id(text);
	assert_string_equal(text, boot);
}

static void
what_is_no_boot_id_is_none(void **state)
{
	static const char *const given[] = { "", "%b", "0",
		"00112233445566778899aabbccddeef",
		"00112233445566778899aabbccddeeff0",
		"00112233445566778899aabbccddeefg",
		"00112233-4455-6677-8899-aabbccdd" };
	char boot[JP_BOOT_ID_LEN];

	(void)state;
	is_hidden = true;
	jp_boot_id(boot);
	assert_string_equal(boot, "");
	for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++) {
		assert_int_equal(setenv(JP_BOOT_ID_VARIABLE, given[i], 1), 0);
		jp_boot_id(boot);
		assert_string_equal(boot, "");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_kernel_says_it, begin),
		cmocka_unit_test_setup(
		    where_it_is_hidden_the_unit_says_the_same, begin),
		cmocka_unit_test_setup(what_is_no_boot_id_is_none, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
