/*
 * A question of the saslauthd protocol: what is accepted encodes the same, and
 * each of its beginnings waits for more, but for the one without address.
 */
#include "common/wire/saslauthd.h"
#include "tests/fuzz/fuzz.h"

static void
check_beginnings(
    const struct jp_mux_frame *frame, const uint8_t *data, size_t size)
{
	struct jp_mux_frame part;
	size_t tail = frame->has_address ? 2 + strlen(frame->address) : 0;

	for (size_t len = 0; len < size; len++)
		FUZZ_ASSERT(
		    jp_mux_decode(&part, data, len) ==
		    (tail > 0 && len == size - tail ? JP_ERR_OK
		                                    : JP_ERR_TRUNCATED));
}

static void
check_request(const struct jp_mux_frame *frame, enum jp_realm realm)
{
	struct jp_request request;

	if (jp_mux_request(frame, realm, &request) != JP_ERR_OK)
		return;
	FUZZ_ASSERT(request.front == JP_FRONT_MUX);
	FUZZ_ASSERT(request.user[0] != '\0' && request.token.len > 0);
	FUZZ_ASSERT(strcmp(request.token.text, frame->password) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t again[JP_MUX_FRAME_MAX];
	static struct jp_mux_frame frame;
	size_t len;

	if (jp_mux_decode(&frame, data, size) != JP_ERR_OK)
		return 0;
	jp_mux_encode(&frame, again, &len);
	FUZZ_ASSERT(len == size && memcmp(again, data, len) == 0);
	if (size < 200)
		check_beginnings(&frame, data, size);
	for (size_t i = 0; i < JP_REALM_COUNT; i++)
		check_request(&frame, (enum jp_realm)i);
	return 0;
}
