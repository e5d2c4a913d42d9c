/* A PHC string: what is accepted is within bounds and printed the same. */
#include "common/record/argon2.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jp_phc phc;
	char again[JP_PHC_MAX + 1];
	char *text = fuzz_text(data, size);

	if (jp_phc_parse(text, &phc) == JP_ERR_OK) {
		FUZZ_ASSERT(phc.cost.memory <= JP_ARGON2_MEMORY_MAX);
		FUZZ_ASSERT(phc.cost.passes <= JP_ARGON2_PASSES_MAX);
		jp_phc_format(&phc, again);
		FUZZ_ASSERT(strcmp(again, text) == 0);
	}
	free(text);
	return 0;
}
