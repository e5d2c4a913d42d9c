/* The messages of admin.sock: what is accepted encodes the same. */
#include "common/admin/wire.h"
#include "tests/fuzz/fuzz.h"

/* Large, and one at a time: not on the stack. */
static struct jp_admin_request request;
static struct jp_admin_item item;
static uint8_t again[JP_ADMIN_MSG_MAX];

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jp_why why = { .text = "" };
	enum jp_err result = JP_ERR_OK, err;
	size_t len;
	bool end;

	if (size <= JP_ADMIN_MSG_MAX &&
	    jp_admin_request_decode(&request, data, size, &why) == JP_ERR_OK) {
		err = jp_admin_request_encode(&request, again, &len);
		FUZZ_ASSERT(err == JP_ERR_OK && len == size);
		FUZZ_ASSERT(memcmp(again, data, len) == 0);
	}
	if (size <= JP_ADMIN_MSG_MAX &&
	    jp_admin_answer_decode(data, size, &end, &item, &result, &why) ==
	        JP_ERR_OK) {
		err = end ? jp_admin_end_encode(result, &why, again, &len)
		          : jp_admin_item_encode(&item, again, &len);
		FUZZ_ASSERT(err == JP_ERR_OK);
		/* A list of an older build is shorter. */
		if (!end && item.kind == JP_ITEM_STATS && size < len)
			return 0;
		FUZZ_ASSERT(len == size);
		FUZZ_ASSERT(memcmp(again, data, len) == 0);
	}
	return 0;
}
