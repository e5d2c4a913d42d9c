#include "tests/unit/core_help.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/audit/audit.h"
#include "common/decide/open.h"
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

void *
core_help_fixture(void **state, size_t size)
{
	*state = calloc(1, size);
	assert_non_null(*state);
	return *state;
}

int
core_help_tear_down(void **state)
{
	jp_core_close(*state);
	free(*state);
	return 0;
}

void
core_help_commit(struct jp_core *core, enum jp_change_kind kind,
    const struct jp_record *record)
{
	const struct jp_change change = { kind, record };

	assert_int_equal(jp_store_commit(core->store, &change, 1), JP_ERR_OK);
}

void
core_help_reread(struct jp_core *core, struct jp_record *record)
{
	char id[JP_TOKEN_ID_LEN + 1];

	memcpy(id, record->id, sizeof(id));
	assert_int_equal(jp_store_get(core->store, id, record), JP_ERR_OK);
}

void
core_help_trail_dir(char dir[CORE_HELP_DIR_MAX], struct jp_settings *settings)
{
	strcpy(dir, "/tmp/jira-pat-trail.XXXXXX");
	assert_non_null(mkdtemp(dir));
	strcpy(settings->store_dir, dir);
	(void)snprintf(settings->audit_file, sizeof(settings->audit_file),
	    "%s/trail", dir);
	settings->audit_required = true;
}

void
core_help_make_trail(struct jp_core *core, const struct jp_settings *settings)
{
	assert_int_equal(
	    jp_audit_make(&core->audit, settings, &core->pepper, &core->clock),
	    JP_ERR_OK);
}

void
core_help_remove_trail(const char *dir)
{
	static const char *const names[] = { "trail", "audit.head" };
	char path[CORE_HELP_DIR_MAX + 16];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(dir), 0);
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
