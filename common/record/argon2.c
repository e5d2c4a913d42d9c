#include "common/record/argon2.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(JP_PHC_SALT_LEN == crypto_pwhash_argon2id_SALTBYTES,
    "libsodium's Argon2id takes another salt");

enum {
	SALT_TEXT_LEN = 22, /* base64 without padding */
	TAG_TEXT_LEN = 43,
	SLICES = 4, /* of one lane */
};

/* Moves `at` past `word`, or returns false. */
static bool
skip(const char **at, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(*at, word, len) != 0)
		return false;
	*at += len;
	return true;
}

/* Reads a canonical decimal number between `min` and `max`. */
static bool
read_number(const char **at, uint32_t min, uint32_t max, uint32_t *value)
{
	size_t len = strspn(*at, "0123456789");

	if (len == 0 || len > 9 || (*at)[0] == '0')
		return false;
	*value = (uint32_t)strtoul(*at, NULL, 10);
	*at += len;
	return *value >= min && *value <= max;
}

/*
 * Reads exactly `text_len` characters of base64 as `len` bytes. The alphabet is
 * checked here: libsodium 1.0.18 takes some bytes above 0x7f for '/'.
 */
static bool
read_base64(const char **at, size_t text_len, uint8_t *bytes, size_t len)
{
	size_t got;

	if (strspn(*at, JP_TOKEN_ALPHABET "+/") < text_len ||
	    sodium_base642bin(bytes, len, *at, text_len, NULL, &got, NULL,
	        sodium_base64_VARIANT_ORIGINAL_NO_PADDING) != 0 ||
	    got != len)
		return false;
	*at += text_len;
	return true;
}

enum jp_err
jp_phc_parse(const char *text, struct jp_phc *phc)
{
	const char *at = text;

	if (!skip(&at, "$argon2id$v=19$m=") ||
	    !read_number(&at, JP_ARGON2_MEMORY_MIN, JP_ARGON2_MEMORY_MAX,
	        &phc->cost.memory) ||
	    !skip(&at, ",t=") ||
	    !read_number(&at, 1, JP_ARGON2_PASSES_MAX, &phc->cost.passes) ||
	    !skip(&at, ",p=1$") ||
	    !read_base64(&at, SALT_TEXT_LEN, phc->salt, sizeof(phc->salt)) ||
	    !skip(&at, "$") ||
	    !read_base64(&at, TAG_TEXT_LEN, phc->tag, sizeof(phc->tag)) ||
	    *at != '\0')
		return JP_ERR_INVALID;
	return JP_ERR_OK;
}

void
jp_phc_format(const struct jp_phc *phc, char text[JP_PHC_MAX + 1])
{
	char salt[SALT_TEXT_LEN + 1], tag[TAG_TEXT_LEN + 1];

	sodium_bin2base64(salt, sizeof(salt), phc->salt, sizeof(phc->salt),
	    sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
	sodium_bin2base64(tag, sizeof(tag), phc->tag, sizeof(phc->tag),
	    sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
	snprintf(text, JP_PHC_MAX + 1, "$argon2id$v=19$m=%u,t=%u,p=1$%s$%s",
	    (unsigned int)phc->cost.memory, (unsigned int)phc->cost.passes,
	    salt, tag);
}

static const struct jp_argon2_memory *provider;

void
jp_argon2_provide(const struct jp_argon2_memory *memory)
{
	provider = memory;
}

/*
 * The bytes that are mapped for a hash: the memory in KiB, rounded down to four
 * slices (RFC 9106, 3.2).
 */
static size_t
mapped_bytes(const struct jp_cost *cost)
{
	return (size_t)cost->memory / SLICES * SLICES * 1024;
}

/* One Argon2id run: its only failure within our bounds is lack of memory. */
static enum jp_err
run_argon2id(const struct jp_phc *phc, const struct jp_secret *token,
    uint8_t tag[JP_PHC_TAG_LEN])
{
	const struct jp_argon2_memory *memory = provider;
	int rc, error;

	if (memory != NULL)
		memory->begin(mapped_bytes(&phc->cost));
	rc = crypto_pwhash(tag, JP_PHC_TAG_LEN, token->text, token->len,
	    phc->salt, phc->cost.passes, (size_t)phc->cost.memory * 1024,
	    crypto_pwhash_ALG_ARGON2ID13);
	error = errno;
	if (memory != NULL)
		memory->end();
	if (rc == 0)
		return JP_ERR_OK;
	return error == ENOMEM ? JP_ERR_NOMEM : JP_ERR_IO;
}

enum jp_err
jp_hash_make(const struct jp_secret *token, const struct jp_cost *cost,
    char text[JP_PHC_MAX + 1])
{
	struct jp_phc phc = { .cost = *cost };
	enum jp_err err;

	randombytes_buf(phc.salt, sizeof(phc.salt));
	err = run_argon2id(&phc, token, phc.tag);
	if (err == JP_ERR_OK)
		jp_phc_format(&phc, text);
	return err;
}

enum jp_err
jp_hash_verify(const char *text, const struct jp_secret *token, bool *match)
{
	struct jp_phc phc;
	uint8_t tag[JP_PHC_TAG_LEN];
	enum jp_err err;

	*match = false;
	err = jp_phc_parse(text, &phc);
	if (err == JP_ERR_OK)
		err = run_argon2id(&phc, token, tag);
	if (err == JP_ERR_OK)
		*match = sodium_memcmp(tag, phc.tag, sizeof(tag)) == 0;
	sodium_memzero(tag, sizeof(tag));
	return err;
}
