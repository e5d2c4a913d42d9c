#include "common/record/token_number.h"

#include <string.h>

#include "common/wire/token.h"

enum {
	BASE = 62,
	DIGITS_MAX = 15, /* of JP_TOKEN_NUMBER_MAX */
};

/* The alphabet goes up as ASCII does, in three runs. */
static unsigned int
value_of(char digit)
{
	if (digit <= '9')
		return (unsigned int)(digit - '0');
	if (digit <= 'Z')
		return (unsigned int)(digit - 'A') + 10;
	return (unsigned int)(digit - 'a') + 36;
}

uint64_t
jp_token_number(const char *id)
{
	uint64_t number = 0;

	if (!jp_token_id_valid(id))
		return 0;
	for (size_t i = 0; i < JP_TOKEN_ID_LEN; i++)
		number = number * BASE + value_of(id[i]);
	return JP_TOKEN_NUMBER_MIN + number;
}

enum jp_err
jp_token_number_id(uint64_t number, char id[JP_TOKEN_ID_LEN + 1])
{
	id[0] = '\0';
	if (number < JP_TOKEN_NUMBER_MIN || number > JP_TOKEN_NUMBER_MAX)
		return JP_ERR_NOT_FOUND;
	number -= JP_TOKEN_NUMBER_MIN;
	for (size_t i = JP_TOKEN_ID_LEN; i-- > 0; number /= BASE)
		id[i] = JP_TOKEN_ALPHABET[number % BASE];
	id[JP_TOKEN_ID_LEN] = '\0';
	return JP_ERR_OK;
}

enum jp_err
jp_token_named(const char *text, char id[JP_TOKEN_ID_LEN + 1])
{
	size_t len = strnlen(text, DIGITS_MAX + 1);
	uint64_t number = 0;

	id[0] = '\0';
	if (jp_token_id_valid(text)) {
		memcpy(id, text, JP_TOKEN_ID_LEN + 1);
		return JP_ERR_OK;
	}
	if (len > DIGITS_MAX || text[0] == '0' ||
	    strspn(text, "0123456789") != len)
		return JP_ERR_NOT_FOUND;
	for (size_t i = 0; i < len; i++)
		number = number * 10 + (uint64_t)(text[i] - '0');
	return jp_token_number_id(number, id);
}
