/*
 * New tokens. The random parts come from libsodium, which aborts the process
 * rather than return predictable bytes.
 */
#ifndef JP_TOKEN_MAKE_H
#define JP_TOKEN_MAKE_H

#include "common/wire/token.h"

/* Draws an id and a secret, each character equally likely (rejection). */
void jp_token_make(
    const char *prefix, struct jp_secret *text, char id[JP_TOKEN_ID_LEN + 1]);

#endif
