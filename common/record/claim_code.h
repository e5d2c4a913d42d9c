/*
 * The code of a link by which a user fetches a token that an administrator made
 * for them: "ID-SECRET", the id of its record and 22 characters of base62,
 * which are 131 bits. It is shown once and stored as a tag alone:
 *
 *     tag = BLAKE2b-128(key = pepper, "jpat-claim-v1" || id || secret)
 */
#ifndef JP_CLAIM_CODE_H
#define JP_CLAIM_CODE_H

#include "common/record/pepper.h"

#define JP_CLAIM_SECRET_LEN 22
#define JP_CLAIM_CODE_LEN (JP_TOKEN_ID_LEN + 1 + JP_CLAIM_SECRET_LEN)

/* Draws a code for the record `id`, each character equally likely. */
void jp_claim_code_make(const struct jp_pepper *pepper,
    const char id[JP_TOKEN_ID_LEN + 1], struct jp_secret *code,
    uint8_t tag[JP_FAST_TAG_LEN]);

/*
 * Whether `code` is the one that `record` waits for: in a time that tells
 * nothing of the tag. A record without a tag waits for none.
 */
bool jp_claim_code_fits(const struct jp_pepper *pepper,
    const struct jp_secret *code, const struct jp_record *record);

#endif
