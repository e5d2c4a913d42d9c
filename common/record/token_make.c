#include "common/record/token_make.h"

#include <sodium.h>

static void
draw_base62(char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		text[i] = JP_TOKEN_ALPHABET[randombytes_uniform(
		    sizeof(JP_TOKEN_ALPHABET) - 1)];
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
