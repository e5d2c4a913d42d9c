#include "tests/unit/core_help.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/store_mem.h"

static int64_t
now_of(void *arg)
{
	return *(const int64_t *)arg;
}

void
core_help_settings(struct jp_settings *settings)
{
	jp_settings_default(settings);
	settings->policy.cost = (struct jp_cost){ 8, 1 };
}

void
core_help_open(struct jp_core *core, const struct jp_settings *settings,
    const int64_t *now)
{
	static const struct jp_pepper pepper = { { 1, 2, 3 } };
	const struct jp_clock clock = { now_of, (void *)(uintptr_t)now };
	struct jp_store *store;

	assert_int_equal(jp_store_mem_open(&store), JP_ERR_OK);
	assert_int_equal(jp_core_init(core, store, &pepper, &settings->policy,
	                     now != NULL ? &clock : &jp_system_clock),
	    JP_ERR_OK);
}

ssize_t
core_help_full_disk(int fd, const void *bytes, size_t len)
{
	(void)fd;
	(void)bytes;
	(void)len;
	errno = ENOSPC;
	return -1;
}
