#include "common/throttle.h"

#include <sodium.h>
#include <string.h>

_Static_assert(JP_THROTTLE_KEY_LEN == crypto_shorthash_KEYBYTES,
    "the key is one of SipHash-2-4");

void
jp_throttle_init(struct jp_throttle *throttle)
{
	memset(throttle, 0, sizeof(*throttle));
	randombytes_buf(throttle->key, sizeof(throttle->key));
}

static int64_t *
bucket_of(struct jp_throttle *throttle, const char id[JP_TOKEN_ID_LEN])
{
	uint8_t hash[crypto_shorthash_BYTES];
	uint32_t bits;

	(void)crypto_shorthash(
	    hash, (const uint8_t *)id, JP_TOKEN_ID_LEN, throttle->key);
	memcpy(&bits, hash, sizeof(bits));
	return &throttle->full_ms[bits % JP_THROTTLE_BUCKETS];
}

/* A bucket that lacks n tries is full again in n times the refill. */
bool
jp_throttle_take(struct jp_throttle *throttle, const char id[JP_TOKEN_ID_LEN],
    int64_t now_ms)
{
	const int64_t most =
	    INT64_C(1) * JP_THROTTLE_BURST * JP_THROTTLE_REFILL_MS;
	int64_t *full_ms = bucket_of(throttle, id);
	int64_t begin_ms = *full_ms > now_ms ? *full_ms : now_ms;

	if (begin_ms + JP_THROTTLE_REFILL_MS - now_ms > most)
		return false;
	*full_ms = begin_ms + JP_THROTTLE_REFILL_MS;
	return true;
}

void
jp_throttle_give_back(
    struct jp_throttle *throttle, const char id[JP_TOKEN_ID_LEN])
{
	*bucket_of(throttle, id) -= JP_THROTTLE_REFILL_MS;
}
