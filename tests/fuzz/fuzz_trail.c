/*
 * The files of an audit trail, a byte 0xff between them: every byte of each is
 * in one of the lines that are taken, in the order of their numbers, and no
 * line that was not made with the key is true.
 */
#include <stdbool.h>

#include "common/audit/verify.h"
#include "tests/fuzz/fuzz.h"
#include "tools/formats/audit_trail.h"

enum { FILES_MAX = 8 };

struct taken {
	struct jp_audit_check check;
	size_t bytes;
	uint64_t last;
};

static enum jp_err
take(void *arg, const struct trail_line *line)
{
	struct taken *taken = arg;
	struct jp_why why = { .text = "" };

	FUZZ_ASSERT(line->len <= JP_AUDIT_LINE_MAX && line->number >= 1);
	FUZZ_ASSERT(memchr(line->text, '\n', line->len) == NULL);
	taken->bytes += line->len + line->whole;
	FUZZ_ASSERT(jp_audit_check_line(&taken->check, line->text, line->len,
	                &why) == JP_ERR_DAMAGED);
	fuzz_says(why.text);
	return JP_ERR_OK;
}

static void
add(struct trail *trail, const uint8_t *data, size_t size)
{
	struct trail_file *file = &trail->files[trail->len];
	char name[] = "a";

	if (size == 0)
		return;
	name[0] = (char)('a' + trail->len++);
	file->path = strdup(name);
	file->file = fuzz_file(data, size);
	file->first = trail_first_number(file->file);
}

static size_t
split(struct trail *trail, const uint8_t *data, size_t size)
{
	size_t bytes = 0;

	trail->files = calloc(FILES_MAX, sizeof(*trail->files));
	while (size > 0 && trail->len < FILES_MAX) {
		const uint8_t *end = memchr(data, 0xff, size);
		size_t len = end != NULL ? (size_t)(end - data) : size;

		add(trail, data, len);
		bytes += len;
		data += len + (end != NULL);
		size -= len + (end != NULL);
	}
	return bytes;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct jp_pepper pepper = { { 1 } };
	struct taken taken = { .bytes = 0 };
	struct trail trail = { 0 };
	size_t bytes = split(&trail, data, size);
	FILE *last;

	jp_audit_key_make(&pepper, &taken.check.key);
	trail_sort(&trail);
	for (size_t i = 1; i < trail.len; i++)
		FUZZ_ASSERT(trail.files[i - 1].first <= trail.files[i].first);
	FUZZ_ASSERT(trail_each(&trail, take, &taken) == JP_ERR_OK);
	FUZZ_ASSERT(taken.bytes == bytes);
	last = trail_last(&trail, "a");
	if (last != NULL)
		(void)fclose(last);
	trail_close(&trail);
	return 0;
}
