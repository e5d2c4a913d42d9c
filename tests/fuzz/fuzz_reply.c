/* An answer of the verify protocol: what is accepted encodes the same. */
#include "common/wire/verify.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jp_reply reply;
	uint8_t again[JP_REPLY_SIZE];

	if (jp_reply_decode(&reply, data, size) != JP_ERR_OK) {
		FUZZ_ASSERT(reply.verdict == JP_DENY && reply.user[0] == '\0');
		return 0;
	}
	jp_reply_encode(&reply, again);
	FUZZ_ASSERT(size == sizeof(again) && memcmp(again, data, size) == 0);
	return 0;
}
