/*
 * Connection strings of libpq, as far as this side has to understand them:
 * words "key = value", a value perhaps in single quotes, with a backslash in
 * front of what stands for itself. URIs are refused by whoever reads one, for
 * they hide a password well.
 */
#ifndef JP_CONNINFO_H
#define JP_CONNINFO_H

#include <stdbool.h>

#include "common/base/err.h"

#define JP_CONNINFO_MAX 1023   /* bytes of a connection string */
#define JP_CONNINFO_KEY_MAX 31 /* bytes of a key: libpq has none longer */

struct jp_conninfo_word {
	char key[JP_CONNINFO_KEY_MAX + 1];
	char value[JP_CONNINFO_MAX + 1]; /* without quotes and backslashes */
};

/*
 * The word at `*at`, which then points behind it; key "": there is no other.
 * JP_ERR_INVALID: that is no word.
 */
enum jp_err jp_conninfo_next(const char **at, struct jp_conninfo_word *word);

/*
 * The value of `key`, of its last word, as libpq takes it. False: there is
 * none, or this is no connection string.
 */
bool jp_conninfo_find(
    const char *conninfo, const char *key, struct jp_conninfo_word *word);

#endif
