/*
 * The pepper: 32 random bytes in a file outside the store. It keys the fast
 * tag, which refuses a wrong secret without an Argon2id run, and which is of no
 * use to a thief of the store alone:
 *
 *     fast tag = BLAKE2b-128(key = pepper, "jpat-tag-v1" || id || secret)
 */
#ifndef JP_PEPPER_H
#define JP_PEPPER_H

#include <sys/types.h>

#include "common/record/key_file.h"
#include "common/record/record.h"

#define JP_PEPPER_LEN JP_KEY_LEN
#define JP_PEPPER_NAME_LEN 16

struct jp_pepper {
	uint8_t key[JP_PEPPER_LEN];
};

/* As jp_key_file_create() and jp_key_file_load(). */
enum jp_err jp_pepper_create(const char *path, struct jp_why *why);
enum jp_err
jp_pepper_load(const char *path, struct jp_pepper *pepper, struct jp_why *why);

void jp_pepper_clear(struct jp_pepper *pepper);

/* What a command that puts another one in the place of `path` calls this one.
 */
#define JP_PEPPER_BEFORE ".before-"

/*
 * Of a pepper in `path` that is not that of the store, or is missing: adds to
 * `why` which one was put aside last, if any, and what to do. Returns `err`.
 */
enum jp_err
jp_pepper_explain(const char *path, enum jp_err err, struct jp_why *why);

/* The fast tag of a token's parts (common/wire/token.h). */
void jp_pepper_fast_tag(const struct jp_pepper *pepper,
    const char id[JP_TOKEN_ID_LEN], const char secret[JP_TOKEN_SECRET_LEN],
    uint8_t tag[JP_FAST_TAG_LEN]);

/* The tag of the code that fetches a token (common/record/claim_code.h). */
void jp_pepper_claim_tag(const struct jp_pepper *pepper,
    const char id[JP_TOKEN_ID_LEN], const char *secret, size_t len,
    uint8_t tag[JP_FAST_TAG_LEN]);

/* A name for the pepper that reveals nothing about it: kept in the store. */
void
jp_pepper_name(const struct jp_pepper *pepper, uint8_t tag[JP_PEPPER_NAME_LEN]);

/* A key of 16 to 64 bytes for another purpose, which `domain` names. */
void jp_pepper_derive(const struct jp_pepper *pepper, const char *domain,
    uint8_t *key, size_t len);

#endif
