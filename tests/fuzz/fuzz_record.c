/* A stored record: what is accepted encodes the same; a peek sees the same. */
#include "common/record/record.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jp_record record;
	uint8_t again[JP_RECORD_MAX];
	const char *user;
	size_t len, user_len;
	int64_t expires_at;
	enum jp_err peeked =
	    jp_record_peek(data, size, &user, &user_len, &expires_at);

	if (jp_record_decode(&record, data, size) != JP_ERR_OK)
		return 0;
	FUZZ_ASSERT(jp_record_encode(&record, again, &len) == JP_ERR_OK);
	/* Version 1 is read, and never written. */
	if (data[0] == JP_RECORD_VERSION)
		FUZZ_ASSERT(len == size && memcmp(again, data, len) == 0);
	FUZZ_ASSERT(peeked == JP_ERR_OK && expires_at == record.expires_at);
	FUZZ_ASSERT(user_len == strlen(record.user));
	FUZZ_ASSERT(memcmp(user, record.user, user_len) == 0);
	return 0;
}
