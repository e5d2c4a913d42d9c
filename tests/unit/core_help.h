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

/*
 * For cmocka's set_up() and tear_down(): a fixture of `size` bytes, all zero,
 * that begins with its core, which is still to be opened.
 */
void *core_help_fixture(void **state, size_t size);
int core_help_tear_down(void **state);

/* One change of the store; and the stored record of this id, into itself. */
void core_help_commit(struct jp_core *core, enum jp_change_kind kind,
    const struct jp_record *record);
void core_help_reread(struct jp_core *core, struct jp_record *record);

/*
 * The files of a trail in a new folder, whose name is written to `dir` and to
 * `settings`; jp_audit_make() makes the trail of the core in there. The folder
 * goes with core_help_remove_trail(), after the trail was closed.
 */
#define CORE_HELP_DIR_MAX 40
void
core_help_trail_dir(char dir[CORE_HELP_DIR_MAX], struct jp_settings *settings);
void
core_help_make_trail(struct jp_core *core, const struct jp_settings *settings);
void core_help_remove_trail(const char *dir);

/* In place of write(2): the disk is full. */
ssize_t core_help_full_disk(int fd, const void *bytes, size_t len);

#endif
