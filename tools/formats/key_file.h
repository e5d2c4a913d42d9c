/*
 * The files of keys, which pat-admin makes and patd reads: the pepper, and the
 * key of the upstream credentials.
 */
#ifndef PAT_ADMIN_KEY_FILE_H
#define PAT_ADMIN_KEY_FILE_H

#include <stdbool.h>

#include "tools/formats/act_as.h"

/* jp_pepper_create() or its like. */
typedef enum jp_err (*key_create)(const char *path, struct jp_why *why);

/*
 * Makes the key with its folders, unless a file is there; either way it is then
 * the owner's. `made`: it was not there. Follows act_at().
 */
enum jp_err key_file_make(const char *path, const struct owner *owner,
    key_create create, bool *made, struct jp_why *why);

/* The same for a key of upstream credentials. */
enum jp_err upstream_key_make(const struct jp_settings *settings,
    const char *path, bool *made, struct jp_why *why);

/* Tells people about a new one. */
void upstream_key_told(const char *path);

#endif
