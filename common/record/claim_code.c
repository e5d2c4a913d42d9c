#include "common/record/claim_code.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "common/record/token_make.h"

void
jp_claim_code_make(const struct jp_pepper *pepper,
    const char id[JP_TOKEN_ID_LEN + 1], struct jp_secret *code,
    uint8_t tag[JP_FAST_TAG_LEN])
{
	char text[JP_CLAIM_CODE_LEN + 1];
	char *secret = text + JP_TOKEN_ID_LEN + 1;

	memcpy(text, id, JP_TOKEN_ID_LEN);
	text[JP_TOKEN_ID_LEN] = '-';
	jp_token_draw(secret, JP_CLAIM_SECRET_LEN);
	jp_pepper_claim_tag(pepper, id, secret, JP_CLAIM_SECRET_LEN, tag);
	(void)jp_secret_set(code, text, JP_CLAIM_CODE_LEN);
	sodium_memzero(text, sizeof(text));
}

bool
jp_claim_code_fits(const struct jp_pepper *pepper, const struct jp_secret *code,
    const struct jp_record *record)
{
	const char *secret = code->text + JP_TOKEN_ID_LEN + 1;
	uint8_t tag[JP_FAST_TAG_LEN];
	bool fits;

	if (code->len != JP_CLAIM_CODE_LEN ||
	    code->text[JP_TOKEN_ID_LEN] != '-' ||
	    memcmp(code->text, record->id, JP_TOKEN_ID_LEN) != 0 ||
	    sodium_is_zero(record->claim_tag, sizeof(record->claim_tag)))
		return false;
	jp_pepper_claim_tag(
	    pepper, record->id, secret, JP_CLAIM_SECRET_LEN, tag);
	fits = sodium_memcmp(tag, record->claim_tag, sizeof(tag)) == 0;
	sodium_memzero(tag, sizeof(tag));
	return fits;
}
