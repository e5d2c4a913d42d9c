/* A stored user: what is accepted encodes the same. */
#include "common/record/user.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jp_user user;
	uint8_t again[JP_USER_RECORD_MAX];
	size_t len;

	if (jp_user_decode(&user, data, size) != JP_ERR_OK)
		return 0;
	FUZZ_ASSERT(jp_user_encode(&user, again, &len) == JP_ERR_OK);
	FUZZ_ASSERT(len == size && memcmp(again, data, len) == 0);
	return 0;
}
