/*
 * The files that a connection string names, and what libpq takes of them.
 */
#ifndef JP_CONNINFO_FILES_H
#define JP_CONNINFO_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "common/config/conninfo.h"
#include "common/sys/account.h"

/* The key of the file of that number, from 0 on; NULL: there are no more. */
const char *jp_conninfo_file_key(size_t number);

/*
 * Whether that file is there, and libpq takes it in a process of `account`,
 * which people call `user`; also where the string names none. JP_ERR_CONFIG:
 * `why` says what is wrong, and what to do. JP_ERR_PERMISSION: only root and
 * that account can tell.
 */
enum jp_err jp_conninfo_file_check(const char *conninfo, size_t number,
    const struct jp_account *account, const char *user, struct jp_why *why);

/*
 * Whether the unit of pat-clusterd hides that file from it, which others see:
 * `why` says so, and what to do.
 */
bool jp_conninfo_file_is_hidden(
    const char *conninfo, size_t number, struct jp_why *why);

#endif
