/*
 * Text from outside, made fit for one line of a log. People paste tokens into
 * every field, with text around them, and clients cut them: so whatever looks
 * like the secret of a token, of any prefix, right or wrong, also inside
 * base64, is shown as `***`. Its id, if there is one, stays to be seen:
 * `jpat_D4oBwk0S_***`.
 *
 * A fragment is a secret from 12 characters behind an id on, for what is then
 * left to guess has 107 bits; without an id, from 30 on, and its beginning is
 * shown, for it may be the strange name of somebody. Of a secret that something
 * cuts in two, behind an id and a shorter beginning, the rest is masked.
 */
#ifndef JP_ESCAPE_H
#define JP_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

#define JP_ESCAPED_MAX(len) (4 * (len) + 1) /* bytes for `len` escaped ones */

/*
 * Writes `text` to `dst` without secrets, and with all but printable ASCII, and
 * quotes and backslashes too, as \xNN; cut to `size` bytes with the NUL.
 * Returns `dst`.
 */
const char *jp_escape(char *dst, size_t size, const char *text);

/* Masks the secrets in `text`, which does not grow, and changes nothing else.
 */
void jp_mask(char *text);

/* Whether the whole secret of a token is in `text`: it may not be stored. */
bool jp_has_token(const char *text);

#endif
