#include "common/wire/sasl_plain.h"

#include <string.h>

#include "common/base/text.h"

void
jp_login_clear(struct jp_login *login)
{
	explicit_bzero(login, sizeof(*login));
}

enum jp_err
jp_passwd_set(struct jp_secret *passwd, const char *text, size_t len)
{
	jp_secret_clear(passwd);
	if (len == 0)
		return JP_ERR_INVALID;
	if (len > JP_SECRET_MAX)
		return JP_ERR_TOO_LONG;
	if (!jp_utf8_valid(text, len))
		return JP_ERR_INVALID;
	return jp_secret_set(passwd, text, len);
}

/* The bytes up to the next NUL, and past it; false if there is no NUL. */
static bool
take_field(const char **at, size_t *left, const char **field, size_t *len)
{
	const char *end = memchr(*at, '\0', *left);

	if (end == NULL)
		return false;
	*field = *at;
	*len = (size_t)(end - *at);
	*left -= *len + 1;
	*at = end + 1;
	return true;
}

static enum jp_err
parse(const char *at, size_t left, struct jp_login *login)
{
	const char *authzid, *authcid;
	size_t authzid_len, authcid_len;
	enum jp_err err = JP_ERR_OK;

	if (!take_field(&at, &left, &authzid, &authzid_len) ||
	    !take_field(&at, &left, &authcid, &authcid_len))
		return JP_ERR_TRUNCATED;
	if (memchr(at, '\0', left) != NULL)
		return JP_ERR_TRAILING;
	if (authzid_len > 0)
		err = jp_name_set(login->authzid, sizeof(login->authzid),
		    authzid, authzid_len);
	if (err == JP_ERR_OK)
		err = jp_name_set(login->authcid, sizeof(login->authcid),
		    authcid, authcid_len);
	if (err == JP_ERR_OK)
		err = jp_passwd_set(&login->passwd, at, left);
	return err;
}

enum jp_err
jp_plain_parse(const char *message, size_t len, struct jp_login *login)
{
	enum jp_err err;

	jp_login_clear(login);
	if (len > JP_PLAIN_MAX)
		return JP_ERR_TOO_LONG;
	err = parse(message, len, login);
	if (err != JP_ERR_OK)
		jp_login_clear(login);
	return err;
}
