#include "common/wire/sasl_bearer.h"

#include <string.h>
#include <strings.h>

#include "common/base/text.h"

#define KVSEP '\x01'

/* The rest of a message. */
struct rest {
	const char *at;
	size_t len;
};

/* Takes `text` off the front; false, and nothing taken, if it is not there. */
static bool
take(struct rest *rest, const char *text)
{
	size_t len = strlen(text);

	if (rest->len < len || memcmp(rest->at, text, len) != 0)
		return false;
	rest->at += len;
	rest->len -= len;
	return true;
}

/* Takes what stands in front of the next `end`, and `end`. */
static bool
take_until(struct rest *rest, char end, struct rest *part)
{
	const char *found = memchr(rest->at, end, rest->len);

	if (found == NULL)
		return false;
	*part = (struct rest){ rest->at, (size_t)(found - rest->at) };
	rest->at = found + 1;
	rest->len -= part->len + 1;
	return true;
}

static bool
is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* b64token of RFC 6750 §2.1, but for the "=" at its end. */
static bool
is_token_char(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("-._~+/", c) != NULL);
}

static bool
is_token(struct rest text)
{
	size_t len = 0;

	while (len < text.len && is_token_char(text.at[len]))
		len++;
	if (len == 0)
		return false;
	while (len < text.len && text.at[len] == '=')
		len++;
	return len == text.len;
}

/* "Bearer" in any case (RFC 7235 §2.1), spaces, the token. */
static enum jp_err
set_token(struct rest value, struct jp_login *login)
{
	static const char scheme[] = "bearer ";
	size_t len = sizeof(scheme) - 1;

	if (value.len < len || strncasecmp(value.at, scheme, len) != 0)
		return JP_ERR_INVALID;
	value.at += len;
	value.len -= len;
	while (take(&value, " "))
		continue;
	if (!is_token(value))
		return JP_ERR_INVALID;
	return jp_passwd_set(&login->passwd, value.at, value.len);
}

/* RFC 5801 §4: "=2C" is a comma, "=3D" an equals sign, "=" nothing else. */
static enum jp_err
set_saslname(struct rest text, struct jp_login *login)
{
	char name[JP_USER_MAX + 1];
	size_t len = 0;

	while (text.len > 0) {
		if (len == sizeof(name))
			return JP_ERR_TOO_LONG;
		if (take(&text, "=2C")) {
			name[len++] = ',';
		} else if (take(&text, "=3D")) {
			name[len++] = '=';
		} else if (text.at[0] == '=') {
			return JP_ERR_INVALID;
		} else {
			name[len++] = *text.at++;
			text.len--;
		}
	}
	return jp_name_set(login->authcid, sizeof(login->authcid), name, len);
}

/* gs2-header of RFC 5801 §4: no binding to a channel is known here. */
static enum jp_err
read_header(struct rest *rest, struct jp_login *login)
{
	struct rest name;

	if (!take(rest, "n,") && !take(rest, "y,"))
		return JP_ERR_INVALID;
	if (take(rest, ","))
		return JP_ERR_OK;
	if (!take(rest, "a=") || !take_until(rest, ',', &name))
		return JP_ERR_INVALID;
	return set_saslname(name, login);
}

/* RFC 7628 §3.1: value = *(VCHAR / SP / HTAB / CR / LF) */
static bool
is_value(struct rest text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];

		if ((c < ' ' || c > '~') && c != '\t' && c != '\r' && c != '\n')
			return false;
	}
	return true;
}

static enum jp_err
read_pair(struct rest pair, struct jp_login *login)
{
	struct rest key;

	if (!take_until(&pair, '=', &key) || key.len == 0 || !is_value(pair))
		return JP_ERR_INVALID;
	for (size_t i = 0; i < key.len; i++) {
		if (!is_letter(key.at[i]))
			return JP_ERR_INVALID;
	}
	if (key.len != strlen("auth") || memcmp(key.at, "auth", key.len) != 0)
		return JP_ERR_OK;
	if (login->passwd.len > 0) /* two of them: which one? */
		return JP_ERR_INVALID;
	return set_token(pair, login);
}

static enum jp_err
read_oauthbearer(struct rest rest, struct jp_login *login)
{
	enum jp_err err = read_header(&rest, login);
	struct rest pair;

	if (err == JP_ERR_OK && !take(&rest, "\x01"))
		err = JP_ERR_INVALID;
	while (err == JP_ERR_OK && !take(&rest, "\x01")) {
		err = take_until(&rest, KVSEP, &pair) ? read_pair(pair, login)
		                                      : JP_ERR_INVALID;
	}
	if (err != JP_ERR_OK)
		return err;
	return rest.len == 0 && login->passwd.len > 0 ? JP_ERR_OK
	                                              : JP_ERR_INVALID;
}

static enum jp_err
read_xoauth2(struct rest rest, struct jp_login *login)
{
	struct rest user, auth;
	enum jp_err err;

	if (!take(&rest, "user=") || !take_until(&rest, KVSEP, &user) ||
	    !take(&rest, "auth=") || !take_until(&rest, KVSEP, &auth) ||
	    !take(&rest, "\x01") || rest.len > 0)
		return JP_ERR_INVALID;
	err = jp_name_set(
	    login->authcid, sizeof(login->authcid), user.at, user.len);
	return err == JP_ERR_OK ? set_token(auth, login) : err;
}

static enum jp_err
parse(enum jp_err (*read)(struct rest, struct jp_login *), const char *message,
    size_t len, struct jp_login *login)
{
	enum jp_err err;

	jp_login_clear(login);
	if (len > JP_BEARER_MAX)
		return JP_ERR_TOO_LONG;
	err = read((struct rest){ message, len }, login);
	if (err != JP_ERR_OK)
		jp_login_clear(login);
	return err;
}

enum jp_err
jp_oauthbearer_parse(const char *message, size_t len, struct jp_login *login)
{
	return parse(read_oauthbearer, message, len, login);
}

enum jp_err
jp_xoauth2_parse(const char *message, size_t len, struct jp_login *login)
{
	return parse(read_xoauth2, message, len, login);
}
