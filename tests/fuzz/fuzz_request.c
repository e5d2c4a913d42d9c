/* A question of the verify protocol: what is accepted encodes the same. */
#include "common/wire/verify.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jp_request request;
	uint8_t again[JP_REQUEST_MAX];
	size_t len;

	if (jp_request_decode(&request, data, size) != JP_ERR_OK)
		return 0;
	FUZZ_ASSERT(jp_request_encode(&request, again, &len) == JP_ERR_OK);
	FUZZ_ASSERT(len == size && memcmp(again, data, len) == 0);
	return 0;
}
