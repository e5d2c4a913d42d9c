/*
 * How often something may be done: a token bucket for each key, in a table of
 * fixed size. Keys that share a bucket share its rate, so that no number of
 * keys makes it larger; which ones share is secret, so that nobody can be
 * targeted. Wrong secrets are limited for each token where only Argon2id finds
 * that they are wrong; new tokens for each user in self-service.
 */
#ifndef JP_THROTTLE_H
#define JP_THROTTLE_H

#include <stddef.h>
#include <stdint.h>

#define JP_THROTTLE_BUCKETS 4096
#define JP_THROTTLE_KEY_LEN 16

/* Of wrong secrets: tries in a row, and the time until there is one more. */
#define JP_THROTTLE_BURST 10
#define JP_THROTTLE_REFILL_MS 10000

/* The caller keeps threads apart. */
struct jp_throttle {
	int64_t burst, refill_ms;
	uint8_t key[JP_THROTTLE_KEY_LEN];
	int64_t
	    full_ms[JP_THROTTLE_BUCKETS]; /* when the bucket is full again */
};

/* `burst` tries in a row, and one more each `refill_ms`. */
void jp_throttle_init(
    struct jp_throttle *throttle, int64_t burst, int64_t refill_ms);

/*
 * Takes one try for the `len` bytes of `key`: 0, or the milliseconds until
 * there will be one. `now_ms` never jumps back.
 */
int64_t jp_throttle_take(
    struct jp_throttle *throttle, const void *key, size_t len, int64_t now_ms);

/* The try that was taken was none: the secret was right, or was not tried. */
void jp_throttle_give_back(
    struct jp_throttle *throttle, const void *key, size_t len);

#endif
