/*
 * Makes untrusted text fit for one line of a log. People paste tokens into any
 * field, with text around them, and clients truncate them: so whatever looks
 * like the secret of a token, with any prefix, valid or not, also inside
 * base64, is shown as `***`. Its id, if there is one, stays visible:
 * `jpat_D4oBwk0S_***`.
 *
 * Behind an id, a fragment counts as a secret from 12 characters on: fewer
 * leave at least 107 bits to guess. Without an id it takes 30, and the first
 * ones are shown, as it may be an unusual user name. If a secret is split in
 * two, behind an id and a shorter beginning, the rest is masked.
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

/*
 * For a text that was cut at a number of bytes: takes away what is left of a
 * character of UTF-8 at its end.
 */
void jp_cut_end(char *text);

/* Whether the whole secret of a token is in `text`: it may not be stored. */
bool jp_has_token(const char *text);

#endif
