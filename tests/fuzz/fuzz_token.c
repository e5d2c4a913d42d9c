/* The text of a token: what is accepted is spelled the same. */
#include "common/wire/token.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jp_token token;
	struct jp_secret again;
	char *text = fuzz_text(data, size);

	if (jp_token_parse(text, size, &token) == JP_ERR_OK) {
		char prefix[JP_TOKEN_PREFIX_MAX + 1] = "";

		FUZZ_ASSERT(token.prefix_len <= JP_TOKEN_PREFIX_MAX);
		memcpy(prefix, token.prefix, token.prefix_len);
		FUZZ_ASSERT(jp_token_prefix_valid(prefix));
		jp_token_format(&again, prefix, token.id, token.secret);
		FUZZ_ASSERT(again.len == size);
		FUZZ_ASSERT(memcmp(again.text, text, size) == 0);
	}
	free(text);
	return 0;
}
