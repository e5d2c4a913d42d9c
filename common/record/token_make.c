#include "common/record/token_make.h"

#include <sodium.h>

enum {
	LETTERS = sizeof(JP_TOKEN_ALPHABET) - 1,
	FAIR =
	    256 / LETTERS * LETTERS, /* a byte below it is no letter's more */
};

/* Bytes are drawn together, for each call asks the kernel. */
static void
draw_base62(char *text, size_t len)
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
jp_token_make(
    const char *prefix, struct jp_secret *text, char id[JP_TOKEN_ID_LEN + 1])
{
	char secret[JP_TOKEN_SECRET_LEN];

	draw_base62(id, JP_TOKEN_ID_LEN);
	id[JP_TOKEN_ID_LEN] = '\0';
	draw_base62(secret, sizeof(secret));
	jp_token_format(text, prefix, id, secret);
	sodium_memzero(secret, sizeof(secret));
}
