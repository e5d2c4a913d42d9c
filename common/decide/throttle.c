#include "common/decide/throttle.h"

#include <sodium.h>
#include <string.h>

_Static_assert(JP_THROTTLE_KEY_LEN == crypto_shorthash_KEYBYTES,
    "the key is one of SipHash-2-4");

void
jp_throttle_init(struct jp_throttle *throttle, int64_t burst, int64_t refill_ms)
{
	memset(throttle, 0, sizeof(*throttle));
	throttle->burst = burst;
	throttle->refill_ms = refill_ms;
	randombytes_buf(throttle->key, sizeof(throttle->key));
}

static int64_t *
bucket_of(struct jp_throttle *throttle, const void *key, size_t len)
{
	uint8_t hash[crypto_shorthash_BYTES];
	uint32_t bits;

	(void)crypto_shorthash(hash, key, len, throttle->key);
	memcpy(&bits, hash, sizeof(bits));
	return &throttle->full_ms[bits % JP_THROTTLE_BUCKETS];
}

/* A bucket that lacks n tries is full again in n times the refill. */
int64_t
jp_throttle_take(
    struct jp_throttle *throttle, const void *key, size_t len, int64_t now_ms)
{
	const int64_t most = throttle->burst * throttle->refill_ms;
	int64_t *full_ms = bucket_of(throttle, key, len);
	int64_t begin_ms = *full_ms > now_ms ? *full_ms : now_ms;
	int64_t over_ms = begin_ms + throttle->refill_ms - now_ms - most;

	if (over_ms > 0)
		return over_ms;
	*full_ms = begin_ms + throttle->refill_ms;
	return 0;
}

void
jp_throttle_give_back(struct jp_throttle *throttle, const void *key, size_t len)
{
	*bucket_of(throttle, key, len) -= throttle->refill_ms;
}
