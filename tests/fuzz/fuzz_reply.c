/* An answer of the verify protocol: what is accepted encodes the same. */
#include "common/wire/verify.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jp_reply reply;
	uint8_t again[JP_REPLY_MAX];
	size_t len;

	if (jp_reply_decode(&reply, data, size) != JP_ERR_OK) {
		FUZZ_ASSERT(reply.verdict == JP_DENY && reply.user[0] == '\0');
		FUZZ_ASSERT(reply.id[0] == '\0' && reply.upstream.len == 0);
		return 0;
	}
	jp_reply_encode(&reply, again, &len);
	FUZZ_ASSERT(size == len && memcmp(again, data, size) == 0);
	FUZZ_ASSERT(reply.upstream.len == 0 || reply.verdict == JP_ACCEPT);
	return 0;
}
