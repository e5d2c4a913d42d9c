/*
 * The file of a key, of the mode that the first byte says, or with 0100 only a
 * link to it: it is taken if it has the right size and nobody else may read it;
 * else the key is zeroes.
 */
#include "common/record/key_file.h"
#include "tests/fuzz/scratch.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t nothing[JP_KEY_LEN];
	struct jp_why why = { .text = "" };
	uint8_t key[JP_KEY_LEN];
	char path[64], link[64];
	bool linked;
	mode_t mode;

	if (size == 0)
		return 0;
	mode = data[0] & 0277U;
	linked = (data[0] & 0100U) != 0;
	(void)snprintf(path, sizeof(path), "%s/key", fuzz_scratch());
	fuzz_scratch_write(path, data + 1, size - 1, mode | 0400);
	(void)snprintf(link, sizeof(link), "%s/link", fuzz_scratch());
	FUZZ_ASSERT(symlink(path, link) == 0 || errno == EEXIST);
	memset(key, 0xff, sizeof(key));
	if (jp_key_file_load(linked ? link : path, "pepper file", key, &why) ==
	    JP_ERR_OK) {
		FUZZ_ASSERT(size == sizeof(key) + 1 && (mode & 077) == 0);
		FUZZ_ASSERT(!linked);
		FUZZ_ASSERT(memcmp(key, data + 1, sizeof(key)) == 0);
	} else {
		FUZZ_ASSERT(
		    linked || size != sizeof(key) + 1 || (mode & 077) != 0);
		FUZZ_ASSERT(memcmp(key, nothing, sizeof(key)) == 0);
		fuzz_says(why.text);
	}
	return 0;
}
