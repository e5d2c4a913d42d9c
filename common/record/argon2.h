/*
 * Argon2id (RFC 9106) by libsodium, and the strict reader of PHC strings:
 *
 *     $argon2id$v=19$m=19456,t=2,p=1$<salt, 22 base64>$<tag, 43 base64>
 *
 * crypto_pwhash_str_verify() is not used: it obeys whatever cost a record
 * names, and answers "wrong" when memory is short.
 */
#ifndef JP_ARGON2_H
#define JP_ARGON2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/secret.h"
#include "common/record/record.h"

#define JP_ARGON2_MEMORY_MIN 8U     /* KiB */
#define JP_ARGON2_MEMORY_MAX 65536U /* KiB */
#define JP_ARGON2_MEMORY 19456U     /* KiB, OWASP's headline set */
#define JP_ARGON2_PASSES_MAX 10U
#define JP_ARGON2_PASSES 2U
#define JP_PHC_SALT_LEN 16
#define JP_PHC_TAG_LEN 32

struct jp_cost {
	uint32_t memory; /* KiB */
	uint32_t passes;
};

/* Bytes that a hash of this cost takes while it runs. */
#define JP_COST_BYTES(cost) ((cost)->memory * UINT64_C(1024))

struct jp_phc {
	struct jp_cost cost;
	uint8_t salt[JP_PHC_SALT_LEN];
	uint8_t tag[JP_PHC_TAG_LEN];
};

/*
 * Reads a PHC string within the bounds above, p=1, canonical numbers and
 * base64: JP_ERR_INVALID for anything else. What is read prints the same.
 */
enum jp_err jp_phc_parse(const char *text, struct jp_phc *phc);

void jp_phc_format(const struct jp_phc *phc, char text[JP_PHC_MAX + 1]);

/*
 * Who provides the memory of hashes hears of each: `begin` of the bytes that
 * libsodium maps for it, in the thread that hashes, and `end` after it.
 */
struct jp_argon2_memory {
	void (*begin)(size_t bytes);
	void (*end)(void);
};

/* `memory` stays the caller's; NULL: the kernel alone. While no hash runs. */
void jp_argon2_provide(const struct jp_argon2_memory *memory);

/* Hashes `token` under a fresh salt. JP_ERR_NOMEM if memory is short. */
enum jp_err jp_hash_make(const struct jp_secret *token,
    const struct jp_cost *cost, char phc[JP_PHC_MAX + 1]);

/*
 * Whether `token` is what `phc` was made of: one Argon2id run. JP_ERR_INVALID
 * for a PHC string out of bounds (nothing is run), JP_ERR_NOMEM if memory is
 * short; `match` is then false.
 */
enum jp_err
jp_hash_verify(const char *phc, const struct jp_secret *token, bool *match);

#endif
