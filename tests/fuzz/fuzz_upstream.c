/*
 * Stored upstream credentials: what is accepted encodes the same, and nothing
 * that was not sealed with the key is opened.
 */
#include "common/record/upstream_seal.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct jp_upstream_key key = { { 7 }, "k" };
	struct jp_upstreams all;
	struct jp_secret header;
	uint8_t again[JP_UPSTREAM_RECORD_MAX];
	size_t len;

	if (jp_upstreams_decode(&all, data, size) != JP_ERR_OK)
		return 0;
	FUZZ_ASSERT(jp_upstreams_encode(&all, again, &len) == JP_ERR_OK);
	FUZZ_ASSERT(len == size && memcmp(again, data, len) == 0);
	for (size_t i = 0; i < all.len; i++) {
		FUZZ_ASSERT(
		    jp_upstreams_exact(&all, all.of[i].service) == &all.of[i]);
		memcpy(all.of[i].key_name, key.name, sizeof(key.name));
		FUZZ_ASSERT(jp_upstream_open(&key, all.user, &all.of[i],
		                &header) == JP_ERR_DAMAGED);
		FUZZ_ASSERT(header.len == 0 && header.text[0] == '\0');
	}
	return 0;
}
