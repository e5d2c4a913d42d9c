/*
 * How often wrong secrets may be tried for one token where only Argon2id tells
 * that they are wrong: a token bucket for each id, in a table of fixed size.
 * Ids that share a bucket share its rate, so that no number of ids makes it
 * larger; which ones share is secret, so that nobody is aimed at.
 */
#ifndef JP_THROTTLE_H
#define JP_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/token.h"

#define JP_THROTTLE_BUCKETS 4096
#define JP_THROTTLE_KEY_LEN 16
#define JP_THROTTLE_BURST 10        /* tries in a row */
#define JP_THROTTLE_REFILL_MS 10000 /* until there is one more */

/* The caller keeps threads apart. */
struct jp_throttle {
	uint8_t key[JP_THROTTLE_KEY_LEN];
	int64_t
	    full_ms[JP_THROTTLE_BUCKETS]; /* when the bucket is full again */
};

void jp_throttle_init(struct jp_throttle *throttle);

/* Takes one try for `id`; false: there is none. `now_ms` never jumps back. */
bool jp_throttle_take(struct jp_throttle *throttle,
    const char id[JP_TOKEN_ID_LEN], int64_t now_ms);

/* The try that was taken was none: the secret was right, or was not tried. */
void jp_throttle_give_back(
    struct jp_throttle *throttle, const char id[JP_TOKEN_ID_LEN]);

#endif
