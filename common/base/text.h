/*
 * Names that a client sends to a server, as protocols with texts of counted
 * length carry them: UTF-8, of bounded size, with something in them to see.
 */
#ifndef JP_NAME_H
#define JP_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/err.h"

/*
 * How many of the `len` bytes are one character of UTF-8, as jp_utf8_valid()
 * wants it; 0 if they begin none.
 */
size_t jp_utf8_length(const char *text, size_t len);

/*
 * Whether `len` bytes are UTF-8 as RFC 3629 has it: no overlong form, no
 * surrogate, nothing above U+10FFFF. Reads no byte behind them.
 */
bool jp_utf8_valid(const char *text, size_t len);

/*
 * Whether the text, which is UTF-8, begins or ends with a blank: a character of
 * Unicode's class White_Space, a zero width space or a byte order mark.
 */
bool jp_blank_ends(const char *text);

/* How many of the `len` bytes are such a blank at their start, or at their end;
 * 0: none. */
size_t jp_blank_at_start(const char *text, size_t len);
size_t jp_blank_at_end(const char *text, size_t len);

/*
 * Copies `len` bytes into a field of `size` bytes and closes it by a NUL.
 * JP_ERR_TOO_LONG if there is no room, JP_ERR_INVALID if they are not UTF-8,
 * hold a control character (RFC 4013 §2.3), or are nothing but spaces.
 */
enum jp_err
jp_name_set(char *field, size_t size, const char *bytes, size_t len);

#endif
