/*
 * Texts of bounded size that come from outside, such as names: how long they
 * may be and what may be in them, UTF-8, and fields to keep them in.
 */
#ifndef JP_TEXT_H
#define JP_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/err.h"

#define JP_USER_MAX 255   /* bytes of a user name */
#define JP_SERVICE_MAX 64 /* bytes of a PAM or SASL service name */
#define JP_RHOST_MAX 64   /* bytes of where a request comes from */
#define JP_NAME_MAX 128   /* bytes of a token's name */
#define JP_ACTOR_MAX 259  /* bytes of who did it: a name, or "sso:USER" */
#define JP_NOTE_MAX 255   /* bytes of a reason for a revocation */
#define JP_PATH_MAX 255   /* bytes of the path of a file */
#define JP_GROUP_MAX 64   /* bytes of a group's name */

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
 * hold a control character (RFC 4013 §2.3), or consist of spaces only.
 */
enum jp_err
jp_name_set(char *field, size_t size, const char *bytes, size_t len);

/* Copies `text` into a field of `size` bytes: JP_ERR_TOO_LONG if it is more. */
enum jp_err jp_field_set(char *field, size_t size, const char *text);

/*
 * Whether no segment behind a "/" is "." or "..", and none but the last is
 * empty: then the path is the one that every reader takes it for.
 */
bool jp_path_plain(const char *path);

/*
 * Text for people: valid UTF-8 of at most `max` bytes, no control characters,
 * no token: what is stored is shown in lists and logs.
 */
enum jp_err jp_text_check(
    const char *what, const char *text, size_t max, struct jp_why *why);

/*
 * A user name that every front door can carry: 1 to JP_USER_MAX bytes of
 * UTF-8, no control character, no ':' (RFC 7617 §2). `why` says what is
 * wrong.
 */
enum jp_err jp_user_check(const char *user, struct jp_why *why);

/*
 * The same for a new name: no blanks at either end, which
 * nobody would see.
 */
enum jp_err jp_user_check_new(const char *user, struct jp_why *why);

#endif
