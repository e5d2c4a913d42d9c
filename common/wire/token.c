#include "common/wire/token.h"

#include <stdint.h>
#include <string.h>

enum {
	BASE = 62,
	TAIL_LEN =
	    1 + JP_TOKEN_ID_LEN + 1 + JP_TOKEN_SECRET_LEN + JP_TOKEN_CRC_LEN,
};

/* CRC-32 of IEEE 802.3: reflected, polynomial 0xEDB88320; four bits a step. */
static uint32_t
crc32_ieee(const char *text, size_t len)
{
	static const uint32_t steps[16] = { 0x00000000, 0x1DB71064, 0x3B6E20C8,
		0x26D930AC, 0x76DC4190, 0x6B6B51F4, 0x4DB26158, 0x5005713C,
		0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C, 0x9B64C2B0,
		0x86D3D2D4, 0xA00AE278, 0xBDBDF21C };
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < len; i++) {
		crc ^= (uint8_t)text[i];
		crc = crc >> 4 ^ steps[crc & 15];
		crc = crc >> 4 ^ steps[crc & 15];
	}
	return ~crc;
}

static void
format_crc(char digits[JP_TOKEN_CRC_LEN], uint32_t crc)
{
	for (size_t i = JP_TOKEN_CRC_LEN; i-- > 0; crc /= BASE)
		digits[i] = JP_TOKEN_ALPHABET[crc % BASE];
}

bool
jp_is_base62(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= 'a' && c <= 'z'))
			return false;
	}
	return true;
}

bool
jp_token_prefix_valid(const char *prefix)
{
	size_t len = strnlen(prefix, JP_TOKEN_PREFIX_MAX + 1);

	return len > 0 && len <= JP_TOKEN_PREFIX_MAX &&
	       jp_is_base62(prefix, len);
}

bool
jp_token_id_valid(const char *id)
{
	return strnlen(id, JP_TOKEN_ID_LEN + 1) == JP_TOKEN_ID_LEN &&
	       jp_is_base62(id, JP_TOKEN_ID_LEN);
}

enum jp_err
jp_token_parse(const char *text, size_t len, struct jp_token *token)
{
	char crc[JP_TOKEN_CRC_LEN];
	const char *tail;

	if (len <= TAIL_LEN || len > TAIL_LEN + JP_TOKEN_PREFIX_MAX)
		return JP_ERR_INVALID;
	tail = text + (len - TAIL_LEN);
	token->prefix = text;
	token->prefix_len = len - TAIL_LEN;
	token->id = tail + 1;
	token->secret = token->id + JP_TOKEN_ID_LEN + 1;
	if (tail[0] != '_' || token->secret[-1] != '_' ||
	    !jp_is_base62(text, token->prefix_len) ||
	    !jp_is_base62(token->id, JP_TOKEN_ID_LEN) ||
	    !jp_is_base62(
	        token->secret, JP_TOKEN_SECRET_LEN + JP_TOKEN_CRC_LEN))
		return JP_ERR_INVALID;
	format_crc(crc, crc32_ieee(text, len - JP_TOKEN_CRC_LEN));
	if (memcmp(crc, text + len - JP_TOKEN_CRC_LEN, sizeof(crc)) != 0)
		return JP_ERR_CHECKSUM;
	return JP_ERR_OK;
}

bool
jp_is_token(const char *text, size_t len)
{
	struct jp_token token;

	return jp_token_parse(text, len, &token) != JP_ERR_INVALID;
}

void
jp_token_format(struct jp_secret *text, const char *prefix,
    const char id[JP_TOKEN_ID_LEN], const char secret[JP_TOKEN_SECRET_LEN])
{
	char *at = text->text;

	at = stpcpy(at, prefix);
	*at++ = '_';
	at = mempcpy(at, id, JP_TOKEN_ID_LEN);
	*at++ = '_';
	at = mempcpy(at, secret, JP_TOKEN_SECRET_LEN);
	format_crc(at, crc32_ieee(text->text, (size_t)(at - text->text)));
	at += JP_TOKEN_CRC_LEN;
	*at = '\0';
	text->len = (size_t)(at - text->text);
}
