/*
 * Files that hold a key of JP_KEY_LEN random bytes, outside the store: the
 * pepper, and the key of the upstream credentials.
 */
#ifndef JP_KEY_FILE_H
#define JP_KEY_FILE_H

#include <stdint.h>

#include "common/base/err.h"

#define JP_KEY_LEN 32

/*
 * Writes a new random key to `path`, mode 0400, whole or not at all. `what` is
 * the file's name for people: "pepper file". JP_ERR_EXISTS if a file is there;
 * else what the file system says.
 */
enum jp_err
jp_key_file_create(const char *path, const char *what, struct jp_why *why);

/*
 * Reads it. JP_ERR_MISSING, JP_ERR_PERMISSION; JP_ERR_CONFIG if others than the
 * owner can read it, if it is not a regular file or has the wrong size. An
 * error leaves the key zeroed.
 */
enum jp_err jp_key_file_load(const char *path, const char *what,
    uint8_t key[JP_KEY_LEN], struct jp_why *why);

#endif
