/*
 * Text from outside, made fit for one line of a log.
 */
#ifndef JP_ESCAPE_H
#define JP_ESCAPE_H

#include <stddef.h>

#define JP_ESCAPED_MAX(len) (4 * (len) + 1) /* bytes for `len` escaped ones */

/*
 * Writes `text` to `dst` with all but printable ASCII, and quotes and
 * backslashes too, as \xNN; cut to `size` bytes with the NUL. Returns `dst`.
 */
const char *jp_escape(char *dst, size_t size, const char *text);

#endif
