#include "common/record/pepper.h"

#include <dirent.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

_Static_assert(JP_FAST_TAG_LEN >= crypto_generichash_BYTES_MIN &&
                   JP_PEPPER_NAME_LEN >= crypto_generichash_BYTES_MIN,
    "BLAKE2b makes no tag that short");

static const char what[] = "pepper file";

enum jp_err
jp_pepper_create(const char *path, struct jp_why *why)
{
	return jp_key_file_create(path, what, why);
}

enum jp_err
jp_pepper_load(const char *path, struct jp_pepper *pepper, struct jp_why *why)
{
	return jp_key_file_load(path, what, pepper->key, why);
}

void
jp_pepper_clear(struct jp_pepper *pepper)
{
	sodium_memzero(pepper, sizeof(*pepper));
}

/* The name with the latest time that is `base` with the words of before. */
static void
find_newest(DIR *dir, const char *base, char newest[NAME_MAX + 1])
{
	const size_t len = strlen(base), more = strlen(JP_PEPPER_BEFORE);
	const struct dirent *entry;

	newest[0] = '\0';
	while ((entry = readdir(dir)) != NULL)
		if (strncmp(entry->d_name, base, len) == 0 &&
		    strncmp(entry->d_name + len, JP_PEPPER_BEFORE, more) == 0 &&
		    strcmp(entry->d_name, newest) > 0)
			(void)snprintf(
			    newest, NAME_MAX + 1, "%s", entry->d_name);
}

enum jp_err
jp_pepper_explain(const char *path, enum jp_err err, struct jp_why *why)
{
	const char *slash = strrchr(path, '/');
	const int len = slash != NULL ? (int)(slash - path) + 1 : 0;
	char folder[PATH_MAX], newest[NAME_MAX + 1];
	const struct jp_why said = *why;
	DIR *dir;

	(void)snprintf(folder, sizeof(folder), "%.*s", len, path);
	dir = opendir(len > 0 ? folder : ".");
	if (dir == NULL)
		return err;
	find_newest(dir, path + len, newest);
	(void)closedir(dir);
	if (newest[0] == '\0')
		return err;
	return jp_why(why, err,
	    "%s: %s%s was there before: if a \"pat-admin cluster join\" was "
	    "interrupted, run it again, or a \"pat-admin restore\", once what "
	    "ends with .restore is removed; else put %s aside first, and "
	    "rename that to it",
	    said.text, folder, newest, path);
}

static void
keyed_hash(const struct jp_pepper *pepper, const char *domain,
    const char *first, size_t first_len, const char *second, size_t second_len,
    uint8_t *tag, size_t tag_len)
{
	crypto_generichash_state state;

	crypto_generichash_init(
	    &state, pepper->key, sizeof(pepper->key), tag_len);
	crypto_generichash_update(
	    &state, (const unsigned char *)domain, strlen(domain));
	crypto_generichash_update(
	    &state, (const unsigned char *)first, first_len);
	crypto_generichash_update(
	    &state, (const unsigned char *)second, second_len);
	crypto_generichash_final(&state, tag, tag_len);
	sodium_memzero(&state, sizeof(state));
}

void
jp_pepper_fast_tag(const struct jp_pepper *pepper,
    const char id[JP_TOKEN_ID_LEN], const char secret[JP_TOKEN_SECRET_LEN],
    uint8_t tag[JP_FAST_TAG_LEN])
{
	keyed_hash(pepper, "jpat-tag-v1", id, JP_TOKEN_ID_LEN, secret,
	    JP_TOKEN_SECRET_LEN, tag, JP_FAST_TAG_LEN);
}

void
jp_pepper_claim_tag(const struct jp_pepper *pepper,
    const char id[JP_TOKEN_ID_LEN], const char *secret, size_t len,
    uint8_t tag[JP_FAST_TAG_LEN])
{
	keyed_hash(pepper, "jpat-claim-v1", id, JP_TOKEN_ID_LEN, secret, len,
	    tag, JP_FAST_TAG_LEN);
}

void
jp_pepper_name(const struct jp_pepper *pepper, uint8_t tag[JP_PEPPER_NAME_LEN])
{
	keyed_hash(pepper, "jpat-pepper-name-v1", "", 0, "", 0, tag,
	    JP_PEPPER_NAME_LEN);
}

void
jp_pepper_derive(const struct jp_pepper *pepper, const char *domain,
    uint8_t *key, size_t len)
{
	keyed_hash(pepper, domain, "", 0, "", 0, key, len);
}
