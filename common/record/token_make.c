#include "common/record/token_make.h"

#include <sodium.h>

enum {
	LETTERS = sizeof(JP_TOKEN_ALPHABET) - 1,
	FAIR =
	    256 / LETTERS * LETTERS, /* a byte below it is no letter's more */
};

/* Bytes are drawn together, for each call asks the kernel. */
void
jp_token_draw(char *text, size_t len)
{
	uint8_t bytes[64];
	size_t i = 0;

	while (i < len) {
		randombytes_buf(bytes, sizeof(bytes));
		for (size_t j = 0; j < sizeof(bytes) && i < len; j++)
			if (bytes[j] < FAIR)
				text[i++] =
				    JP_TOKEN_ALPHABET[bytes[j] % LETTERS];
	}
	sodium_memzero(bytes, sizeof(bytes));
}

void
jp_token_make_id(char id[JP_TOKEN_ID_LEN + 1])
{
	jp_token_draw(id, JP_TOKEN_ID_LEN);
	id[JP_TOKEN_ID_LEN] = '\0';
}

void
jp_token_make_text(const char *prefix, const char id[JP_TOKEN_ID_LEN + 1],
    struct jp_secret *text)
{
	char secret[JP_TOKEN_SECRET_LEN];

	jp_token_draw(secret, sizeof(secret));
	jp_token_format(text, prefix, id, secret);
	sodium_memzero(secret, sizeof(secret));
}

void
jp_token_make(
    const char *prefix, struct jp_secret *text, char id[JP_TOKEN_ID_LEN + 1])
{
	jp_token_make_id(id);
	jp_token_make_text(prefix, id, text);
}
