/*
 * Readers of values that several tables of keys use, as struct jp_key has them.
 */
#ifndef JP_READERS_H
#define JP_READERS_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

enum jp_err
jp_read_yes_no(void *at, const char *text, int64_t min, int64_t max);

/* A duration, in seconds; "never" is JP_NEVER. */
enum jp_err
jp_read_lifetime(void *at, const char *text, int64_t min, int64_t max);

/* A local account or group, by name or number, of `min` to `max` bytes. */
enum jp_err
jp_read_account(void *at, const char *text, int64_t min, int64_t max);

#define JP_AN_ACCOUNT "a local account, by name or number"

/* Names of struct jp_accounts, of at most `max` bytes; they replace others. */
enum jp_err
jp_read_accounts(void *at, const char *text, int64_t min, int64_t max);

/* The place of `text` among `names`; `len`: it is none of them. */
size_t jp_find_word(const char *text, const char *const names[], size_t len);

/*
 * The name of a header that a proxy writes or passes on, and that means nothing
 * else to anybody.
 */
enum jp_err
jp_read_header(void *at, const char *text, int64_t min, int64_t max);

#define JP_A_HEADER                                                            \
	"a header name of at most 64 letters, digits and \"-\" that has no "   \
	"other use"

#endif
