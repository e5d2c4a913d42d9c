/*
 * Tokens in a stream: what is found parses, pieces change nothing, and what is
 * skipped has none: the matcher, which reads every byte, finds the same.
 */
#include "common/record/token_scan.h"
#include "tests/fuzz/fuzz.h"

struct sum {
	size_t count;
	uint64_t lines;
};

static enum jp_err
take(void *arg, const struct jp_found *found)
{
	struct sum *sum = arg;
	struct jp_token token;

	FUZZ_ASSERT(jp_token_parse(found->text, found->len, &token) ==
	            (found->checked ? JP_ERR_OK : JP_ERR_CHECKSUM));
	FUZZ_ASSERT(token.id == found->token.id);
	sum->count++;
	sum->lines += found->line;
	return JP_ERR_OK;
}

static struct sum
search(const uint8_t *data, size_t size, size_t piece)
{
	struct jp_token_scan scan;
	struct sum sum = { 0 };

	jp_token_scan_start(&scan, "jpat", take, &sum);
	for (size_t at = 0; at < size; at += piece)
		(void)jp_token_scan_feed(
		    &scan, data + at, size - at < piece ? size - at : piece);
	FUZZ_ASSERT(jp_token_scan_end(&scan) == JP_ERR_OK);
	return sum;
}

static struct sum
match(const uint8_t *data, size_t size)
{
	struct jp_token_match all;
	struct sum sum = { 0 };

	jp_token_match_start(&all, "jpat", take, &sum);
	(void)jp_token_match_feed(&all, (const char *)data, size);
	FUZZ_ASSERT(jp_token_match_flush(&all) == JP_ERR_OK);
	return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sum whole = search(data, size, size + 1);
	struct sum pieces = search(data, size, 1 + size / 7);

	FUZZ_ASSERT(whole.count == pieces.count);
	FUZZ_ASSERT(whole.lines == pieces.lines);
	pieces = match(data, size);
	FUZZ_ASSERT(whole.count == pieces.count);
	FUZZ_ASSERT(whole.lines == pieces.lines);
	return 0;
}
