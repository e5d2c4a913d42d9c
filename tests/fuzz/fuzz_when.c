/*
 * Times and durations: what is accepted lies within bounds and is printed as
 * one that reads the same; sums of any numbers do.
 */
#include "common/sys/time_text.h"
#include "tests/fuzz/fuzz.h"

enum { NOW = 1800000000 };

static void
check_duration(const char *text)
{
	char printed[JP_WHEN_TEXT_MAX];
	int64_t seconds, again;

	if (jp_duration_parse(text, &seconds) != JP_ERR_OK) {
		FUZZ_ASSERT(seconds == JP_NEVER);
		return;
	}
	FUZZ_ASSERT(jp_when_valid(seconds));
	jp_duration_format(seconds, printed);
	FUZZ_ASSERT(jp_duration_parse(printed, &again) == JP_ERR_OK);
	FUZZ_ASSERT(again == seconds);
}

static void
check_when(const char *text)
{
	char printed[JP_WHEN_TEXT_MAX];
	int64_t when, again;

	if (jp_when_parse(text, NOW, &when) != JP_ERR_OK)
		return;
	FUZZ_ASSERT(jp_when_valid(when));
	jp_when_format(when, printed);
	FUZZ_ASSERT(jp_when_parse(printed, 0, &again) == JP_ERR_OK);
	FUZZ_ASSERT(again == when);
}

static void
check_sums(const uint8_t *data)
{
	int64_t a, b;
	char printed[JP_WHEN_TEXT_MAX];

	memcpy(&a, data, sizeof(a));
	memcpy(&b, data + sizeof(a), sizeof(b));
	FUZZ_ASSERT(jp_when_add(a, b) <= JP_WHEN_MAX);
	FUZZ_ASSERT(jp_when_add(a, b) >= -JP_WHEN_MAX);
	FUZZ_ASSERT(jp_when_since(a, b) <= JP_WHEN_MAX);
	FUZZ_ASSERT(jp_when_since(a, b) == -jp_when_since(b, a));
	jp_when_format(a, printed);
	FUZZ_ASSERT(printed[0] != '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);

	check_duration(text);
	check_when(text);
	if (size >= 2 * sizeof(int64_t))
		check_sums(data);
	free(text);
	return 0;
}
