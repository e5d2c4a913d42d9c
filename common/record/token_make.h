/*
 * New tokens. The random parts come from libsodium, which aborts the process
 * rather than return predictable bytes.
 */
#ifndef JP_TOKEN_MAKE_H
#define JP_TOKEN_MAKE_H

#include "common/wire/token.h"

/* Draws `len` characters of base62, each equally likely (rejection); no NUL. */
void jp_token_draw(char *text, size_t len);

/* Draws an id. */
void jp_token_make_id(char id[JP_TOKEN_ID_LEN + 1]);

/* Draws a secret for the token `id`, and writes its text. */
void jp_token_make_text(const char *prefix, const char id[JP_TOKEN_ID_LEN + 1],
    struct jp_secret *text);

/* Both. */
void jp_token_make(
    const char *prefix, struct jp_secret *text, char id[JP_TOKEN_ID_LEN + 1]);

#endif
