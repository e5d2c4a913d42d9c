/*
 * The text of a token: `PREFIX_` id `_` secret crc, base62 in the order
 * 0-9A-Za-z, with the prefix `jpat` 50 characters:
 *
 *     jpat_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD
 *          id (8)   secret (30)                   crc (6)
 *
 * The id is public. The secret has 178.6 bits. The crc is the CRC-32 (IEEE
 * 802.3) of all that precedes it, as six base62 digits, most significant
 * first: it catches typing errors and helps secret scanners; it is no
 * protection. One token has one spelling. This file only reads and writes the
 * text; common/record/token_make.h draws new ones.
 */
#ifndef JP_TOKEN_H
#define JP_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/secret.h"
#include "common/base/token_shape.h"

/* The parts of a token: pointers into the parsed text, not closed by NUL. */
struct jp_token {
	const char *prefix;
	size_t prefix_len; /* 1 to JP_TOKEN_PREFIX_MAX */
	const char *id;
	const char *secret;
};

/* Whether `len` bytes are ASCII letters and digits, all of them. */
bool jp_is_base62(const char *text, size_t len);

/* True for 1 to JP_TOKEN_PREFIX_MAX ASCII letters and digits. */
bool jp_token_prefix_valid(const char *prefix);

/* True for exactly JP_TOKEN_ID_LEN base62 characters and a NUL. */
bool jp_token_id_valid(const char *id);

/*
 * Reads a token of any prefix from exactly `len` bytes. JP_ERR_INVALID if
 * they are not formatted as a token, JP_ERR_CHECKSUM if only the crc is
 * wrong; `token` is set in both the last case and on success.
 */
enum jp_err
jp_token_parse(const char *text, size_t len, struct jp_token *token);

/*
 * Whether exactly these bytes are formatted as a token, of any prefix, also
 * with a wrong crc: somebody meant it as one. It is then not tried as a
 * password, handed to another module, or taken for the name of something.
 */
bool jp_is_token(const char *text, size_t len);

/* Writes the text of a token from its parts, all valid; never fails. */
void jp_token_format(struct jp_secret *text, const char *prefix,
    const char id[JP_TOKEN_ID_LEN], const char secret[JP_TOKEN_SECRET_LEN]);

#endif
