/*
 * A core over a store in memory, for tests of what is built on one. All that
 * may fail here ends the test.
 */
#ifndef TESTS_UNIT_CORE_HELP_H
#define TESTS_UNIT_CORE_HELP_H

#include <sys/types.h>

#include "common/config/settings.h"
#include "common/decide/core.h"

/* The defaults, but that an Argon2id costs next to nothing. */
void core_help_settings(struct jp_settings *settings);

/*
 * Opens `core` with the policy of `settings`; its clock says `*now`, which
 * stays the caller's, or the system's time if that is NULL. To be closed with
 * jp_core_close().
 */
void core_help_open(struct jp_core *core, const struct jp_settings *settings,
    const int64_t *now);

/* In place of write(2): the disk is full. */
ssize_t core_help_full_disk(int fd, const void *bytes, size_t len);

#endif
