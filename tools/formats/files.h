/*
 * Files and folders of the commands that make or copy a store.
 */
#ifndef PAT_ADMIN_FILES_H
#define PAT_ADMIN_FILES_H

#include <stdbool.h>

#include "tools/formats/act_as.h"

/* In the store's folder: how far `pat-admin notify` came. */
#define NOTICES_NAME "notices"

/* Makes the folders above `path`, mode 0755; those that are there stay. */
enum jp_err make_parents(const char *path, struct jp_why *why);

/*
 * Makes a folder, and those above it, and gives it its owner and mode.
 * JP_ERR_CONFIG if it is another one's, and holds something else than a store.
 * Afterwards this process acts as itself.
 */
enum jp_err make_owned_folder(const char *path, mode_t mode,
    const struct owner *owner, struct jp_why *why);

/*
 * The same for the audit trail, if there is one. A folder that is there is the
 * administrator's: /var/log is left as it is.
 */
enum jp_err make_audit_folder(const struct jp_settings *settings,
    const struct owner *owner, struct jp_why *why);

/* Makes the names in the folder above `path` durable. */
enum jp_err sync_parent(const char *path, struct jp_why *why);

/*
 * Calls `visit` with the path of each file in the folder `dir`; an error of it
 * ends that.
 */
enum jp_err each_name(const char *dir,
    enum jp_err (*visit)(void *arg, const char *path), void *arg);

/* Whether nothing is in the folder `fd`; false also if it cannot be read. */
bool folder_empty(int fd);

#endif
