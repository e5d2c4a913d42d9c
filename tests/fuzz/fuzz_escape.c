/*
 * Any text, as it is shown in a log and masked elsewhere: no token is left in
 * it, and what is logged is one line of ASCII.
 */
#include "common/base/escape.h"
#include "tests/fuzz/fuzz.h"

enum { SHOWN_MAX = 4096 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	static char shown[SHOWN_MAX];

	FUZZ_ASSERT(jp_escape(shown, sizeof(shown), text) == shown);
	for (const char *at = shown; *at != '\0'; at++)
		FUZZ_ASSERT(*at >= ' ' && *at <= '~');
	fuzz_hides(shown);
	size = strlen(text);
	jp_mask(text);
	FUZZ_ASSERT(strlen(text) <= size);
	FUZZ_ASSERT(!jp_has_token(text));
	free(text);
	return 0;
}
