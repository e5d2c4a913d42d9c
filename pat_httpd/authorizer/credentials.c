#include "pat_httpd/authorizer/credentials.h"

#include <sodium.h>
#include <string.h>
#include <strings.h>

#include "common/base/escape.h"
#include "common/wire/token.h"

/* Bytes of the longest USER:TOKEN. */
#define PAIR_MAX (JP_USER_MAX + 1 + JP_SECRET_MAX)

static enum jp_err
set_user(struct jp_login *login, const char *user, size_t len)
{
	enum jp_err err =
	    jp_name_set(login->authcid, sizeof(login->authcid), user, len);

	if (err == JP_ERR_OK && jp_has_token(login->authcid))
		return JP_ERR_INVALID;
	return err;
}

/* USER:TOKEN; a name holds no colon (RFC 7617 §2), a token may. */
static enum jp_err
read_pair(struct jp_login *login, const char *text, size_t len)
{
	const char *colon = memchr(text, ':', len);
	enum jp_err err;

	if (colon == NULL)
		return JP_ERR_INVALID;
	err = set_user(login, text, (size_t)(colon - text));
	if (err != JP_ERR_OK)
		return err;
	return jp_passwd_set(
	    &login->passwd, colon + 1, len - (size_t)(colon - text) - 1);
}

/* The same in base64, of the one alphabet and with all its padding. */
static enum jp_err
read_coded_pair(struct jp_login *login, const char *text, size_t len)
{
	unsigned char pair[PAIR_MAX];
	const char *end;
	size_t pair_len;
	enum jp_err err = JP_ERR_INVALID;

	if (sodium_base642bin(pair, sizeof(pair), text, len, NULL, &pair_len,
	        &end, sodium_base64_VARIANT_ORIGINAL) == 0 &&
	    end == text + len)
		err = read_pair(login, (const char *)pair, pair_len);
	sodium_memzero(pair, sizeof(pair));
	return err;
}

/*
 * What is formatted as a token is one, and only what is not may be a pair: no
 * token has a colon, nor is it base64 of something with one.
 */
static enum jp_err
read_bearer(struct jp_login *login, const char *text, size_t len)
{
	enum jp_err err;

	if (memchr(text, ':', len) != NULL)
		return read_pair(login, text, len);
	if (jp_is_token(text, len))
		return jp_passwd_set(&login->passwd, text, len);
	err = read_coded_pair(login, text, len);
	if (err == JP_ERR_OK)
		return err;
	jp_login_clear(login);
	return jp_passwd_set(&login->passwd, text, len);
}

static const struct {
	const char *scheme;
	enum jp_err (*read)(
	    struct jp_login *login, const char *text, size_t len);
} schemes[] = {
	{ "Basic", read_coded_pair },
	{ "Bearer", read_bearer },
};

static enum jp_err
read_scheme(struct jp_login *login, const char *value, size_t len)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t at = strlen(schemes[i].scheme);

		if (len <= at || value[at] != ' ' ||
		    strncasecmp(value, schemes[i].scheme, at) != 0)
			continue;
		while (at < len && value[at] == ' ')
			at++;
		/* A blank or a comma: two of them were joined to one. */
		if (memchr(value + at, ' ', len - at) != NULL ||
		    memchr(value + at, ',', len - at) != NULL)
			return JP_ERR_INVALID;
		return schemes[i].read(login, value + at, len - at);
	}
	return JP_ERR_INVALID;
}

enum jp_err
credentials_parse(const char *value, size_t len, struct jp_login *login)
{
	enum jp_err err;

	jp_login_clear(login);
	err = read_scheme(login, value, len);
	if (err != JP_ERR_OK)
		jp_login_clear(login);
	return err;
}
