#include "common/record/upstream_seal.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "common/record/token_match.h"

enum {
	NONCE_LEN = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
	TAG_LEN = crypto_aead_xchacha20poly1305_ietf_ABYTES,
	AROUND_MAX = 1024, /* bytes of associated data */
};

_Static_assert(NONCE_LEN + TAG_LEN == JP_UPSTREAM_SEAL_LEN &&
                   crypto_aead_xchacha20poly1305_ietf_KEYBYTES == JP_KEY_LEN,
    "XChaCha20-Poly1305 has other sizes");
_Static_assert(JP_UPSTREAM_KEY_NAME_LEN >= crypto_generichash_BYTES_MIN,
    "BLAKE2b makes no name that short");

static const char bearer[] = "Bearer ", basic[] = "Basic ";

_Static_assert(JP_UPSTREAM_PAT_MAX + sizeof(bearer) - 1 <= JP_SECRET_MAX &&
                   (JP_UPSTREAM_BASIC_MAX + 2) / 3 * 4 + sizeof(basic) - 1 <=
                       JP_SECRET_MAX,
    "each header fits");

/* ---- the key ---- */

static const char key_file[] = "upstream key file";

enum jp_err
jp_upstream_key_create(const char *path, struct jp_why *why)
{
	return jp_key_file_create(path, key_file, why);
}

enum jp_err
jp_upstream_key_load(
    const char *path, struct jp_upstream_key *key, struct jp_why *why)
{
	static const char domain[] = "jpat-upstream-key-name-v1";
	enum jp_err err = jp_key_file_load(path, key_file, key->key, why);

	memset(key->name, 0, sizeof(key->name));
	if (err == JP_ERR_OK)
		(void)crypto_generichash(key->name, sizeof(key->name),
		    (const unsigned char *)domain, sizeof(domain) - 1, key->key,
		    sizeof(key->key));
	return err;
}

/* ---- what is typed ---- */

static enum jp_err
own_token(void *arg, const struct jp_found *found)
{
	(void)arg;
	(void)found;
	return JP_ERR_REFUSED;
}

/* Whether it is, or holds, a token of our own. */
static bool
is_ours(const struct jp_secret *typed, const char *prefix)
{
	struct jp_token_match match;
	enum jp_err err;

	jp_token_match_start(&match, prefix, own_token, NULL);
	err = jp_token_match_feed(&match, typed->text, typed->len);
	if (err == JP_ERR_OK)
		err = jp_token_match_flush(&match);
	sodium_memzero(&match, sizeof(match));
	return err != JP_ERR_OK || jp_is_token(typed->text, typed->len);
}

static bool
has_control(const struct jp_secret *typed)
{
	for (size_t i = 0; i < typed->len; i++)
		if ((unsigned char)typed->text[i] < ' ' ||
		    typed->text[i] == 0x7f)
			return true;
	return false;
}

/* token68 of RFC 7235 §2.1. */
static bool
is_token68(const char *text)
{
	size_t len = strspn(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                          "abcdefghijklmnopqrstuvwxyz-._~+/");

	return len > 0 && strspn(text + len, "=") == strlen(text + len);
}

static enum jp_err
make_bearer(
    const struct jp_secret *typed, struct jp_secret *header, struct jp_why *why)
{
	if (typed->len > JP_UPSTREAM_PAT_MAX)
		return jp_why(why, JP_ERR_TOO_LONG,
		    "no personal access token has more than %d bytes",
		    JP_UPSTREAM_PAT_MAX);
	if (!is_token68(typed->text))
		return jp_why(why, JP_ERR_INVALID,
		    "expected a personal access token alone, which has "
		    "letters, "
		    "digits and -._~+/= only, or user:token");
	header->len = (size_t)snprintf(
	    header->text, sizeof(header->text), "%s%s", bearer, typed->text);
	return JP_ERR_OK;
}

static enum jp_err
make_basic(
    const struct jp_secret *typed, struct jp_secret *header, struct jp_why *why)
{
	const char *colon = strchr(typed->text, ':');

	if (typed->len > JP_UPSTREAM_BASIC_MAX)
		return jp_why(why, JP_ERR_TOO_LONG,
		    "user:token has at most %d bytes", JP_UPSTREAM_BASIC_MAX);
	if (colon == typed->text || colon[1] == '\0')
		return jp_why(why, JP_ERR_INVALID,
		    "expected user:token, of which one half is empty");
	if (!jp_utf8_valid(typed->text, typed->len))
		return jp_why(why, JP_ERR_INVALID, "user:token is not UTF-8");
	memcpy(header->text, basic, sizeof(basic));
	(void)sodium_bin2base64(header->text + sizeof(basic) - 1,
	    sizeof(header->text) - sizeof(basic) + 1,
	    (const unsigned char *)typed->text, typed->len,
	    sodium_base64_VARIANT_ORIGINAL);
	header->len = strlen(header->text);
	return JP_ERR_OK;
}

static enum jp_err
check_typed(
    const struct jp_secret *typed, const char *prefix, struct jp_why *why)
{
	if (typed->len == 0)
		return jp_why(why, JP_ERR_INVALID, "the secret is empty");
	if (has_control(typed))
		return jp_why(why, JP_ERR_INVALID,
		    "a control character is in the secret");
	if (jp_blank_ends(typed->text))
		return jp_why(why, JP_ERR_INVALID,
		    "blanks are at the ends of the secret");
	if (is_ours(typed, prefix))
		return jp_why(why, JP_ERR_REFUSED,
		    "that is a token of jira-pat, which the server behind the "
		    "proxy does not know: give the server's own");
	return JP_ERR_OK;
}

enum jp_err
jp_upstream_header(const struct jp_secret *typed, const char *prefix,
    enum jp_upstream_kind *kind, struct jp_secret *header, struct jp_why *why)
{
	enum jp_err err = check_typed(typed, prefix, why);

	jp_secret_clear(header);
	if (err != JP_ERR_OK)
		return err;
	*kind = strchr(typed->text, ':') != NULL ? JP_UPSTREAM_BASIC
	                                         : JP_UPSTREAM_BEARER;
	return *kind == JP_UPSTREAM_BASIC ? make_basic(typed, header, why)
	                                  : make_bearer(typed, header, why);
}

/* ---- the seal ---- */

/* The associated data; all fields are bounded, and fit. */
static size_t
put_around(const char *user, const struct jp_upstream *upstream,
    uint8_t bytes[AROUND_MAX])
{
	struct jp_buf buf;

	jp_buf_write(&buf, bytes, AROUND_MAX);
	jp_buf_put_str(&buf, "jpat-upstream-v1");
	jp_buf_put_str(&buf, user);
	jp_upstream_put(&buf, upstream);
	return buf.pos;
}

void
jp_upstream_seal(const struct jp_upstream_key *key, const char *user,
    const struct jp_secret *header, struct jp_upstream *upstream)
{
	uint8_t around[AROUND_MAX];
	unsigned long long len;
	size_t around_len;

	memcpy(upstream->key_name, key->name, sizeof(upstream->key_name));
	around_len = put_around(user, upstream, around);
	randombytes_buf(upstream->sealed, NONCE_LEN);
	(void)crypto_aead_xchacha20poly1305_ietf_encrypt(
	    upstream->sealed + NONCE_LEN, &len,
	    (const unsigned char *)header->text, header->len, around,
	    around_len, NULL, upstream->sealed, key->key);
	upstream->sealed_len = NONCE_LEN + (size_t)len;
}

enum jp_err
jp_upstream_open(const struct jp_upstream_key *key, const char *user,
    const struct jp_upstream *upstream, struct jp_secret *header)
{
	uint8_t around[AROUND_MAX];
	size_t around_len = put_around(user, upstream, around);
	unsigned long long len = 0;

	jp_secret_clear(header);
	if (sodium_memcmp(upstream->key_name, key->name, sizeof(key->name)) !=
	    0)
		return JP_ERR_CONFIG;
	if (upstream->sealed_len <= JP_UPSTREAM_SEAL_LEN ||
	    upstream->sealed_len > sizeof(upstream->sealed) ||
	    crypto_aead_xchacha20poly1305_ietf_decrypt(
	        (unsigned char *)header->text, &len, NULL,
	        upstream->sealed + NONCE_LEN, upstream->sealed_len - NONCE_LEN,
	        around, around_len, upstream->sealed, key->key) != 0) {
		jp_secret_clear(header);
		return JP_ERR_DAMAGED;
	}
	header->len = (size_t)len;
	header->text[len] = '\0';
	return JP_ERR_OK;
}
