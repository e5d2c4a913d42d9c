/*
 * Readers of values that several tables of keys use, as struct jp_key has them.
 */
#ifndef JP_READERS_H
#define JP_READERS_H

#include <stdint.h>

#include "common/base/err.h"

enum jp_err
jp_read_yes_no(void *at, const char *text, int64_t min, int64_t max);

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
