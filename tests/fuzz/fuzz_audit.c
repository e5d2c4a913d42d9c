/*
 * A line of the audit trail, and the checkpoint: what is split is split
 * the same again, and no line that was not made with the key is taken.
 */
#include "common/audit/verify.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct jp_pepper pepper = { { 1 } };
	struct jp_audit_check check = { .has_checkpoint = false };
	struct jp_audit_key checkpoint_key;
	struct jp_audit_link link;
	struct jp_audit_line line;
	struct jp_why why = { "" };
	char *text = fuzz_text(data, size);

	jp_audit_key_make(&pepper, &check.key);
	jp_audit_checkpoint_key_make(&pepper, &checkpoint_key);
	if (jp_audit_line_split(text, size, &line) == JP_ERR_OK) {
		FUZZ_ASSERT(line.seq >= 1 && line.seq <= JP_AUDIT_SEQ_MAX);
		FUZZ_ASSERT(line.body_len < size && size < JP_AUDIT_LINE_MAX);
		FUZZ_ASSERT(memchr(text, '\n', size) == NULL);
	}
	FUZZ_ASSERT(
	    jp_audit_check_line(&check, text, size, &why) == JP_ERR_DAMAGED);
	FUZZ_ASSERT(why.text[0] != '\0');
	FUZZ_ASSERT(jp_audit_checkpoint_get(
	                &checkpoint_key, text, size, &link) == JP_ERR_DAMAGED);
	FUZZ_ASSERT(link.seq == 0);
	free(text);
	return 0;
}
