#include "pat_httpd/self/visitor.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/escape.h"
#include "common/base/net.h"
#include "common/sys/time_text.h"
#include "pat_httpd/authorizer/credentials.h"

/* ---- times ---- */

/* Behind a fraction, which may be absent; NULL: it has no digits. */
static const char *
skip_fraction(const char *text)
{
	size_t len;

	if (*text != '.')
		return text;
	len = strspn(text + 1, "0123456789");
	return len > 0 ? text + 1 + len : NULL;
}

/* "Z" or an offset, in seconds. */
static enum jp_err
read_zone(const char *text, int64_t *seconds)
{
	int64_t hours, minutes;

	*seconds = 0;
	if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0)
		return JP_ERR_OK;
	if (strlen(text) != strlen("+00:00") || text[3] != ':' ||
	    (text[0] != '+' && text[0] != '-'))
		return JP_ERR_INVALID;
	for (size_t i = 1; i < strlen("+00:00"); i++)
		if (i != 3 && !isdigit((unsigned char)text[i]))
			return JP_ERR_INVALID;
	hours = (text[1] - '0') * 10 + text[2] - '0';
	minutes = (text[4] - '0') * 10 + text[5] - '0';
	if (hours > 23 || minutes > 59)
		return JP_ERR_INVALID;
	*seconds = (hours * 60 + minutes) * (text[0] == '-' ? -60 : 60);
	return JP_ERR_OK;
}

/* RFC 3339 §5.6. */
static enum jp_err
read_date(const char *text, int64_t *when)
{
	enum { SECONDS_AT = 19 }; /* of what comes behind them */
	char utc[SECONDS_AT + 2];
	const char *zone;
	int64_t offset;

	if (strlen(text) <= SECONDS_AT || (text[10] != 'T' && text[10] != 't'))
		return JP_ERR_INVALID;
	memcpy(utc, text, SECONDS_AT);
	utc[10] = 'T';
	memcpy(utc + SECONDS_AT, "Z", sizeof("Z"));
	zone = skip_fraction(text + SECONDS_AT);
	if (zone == NULL || read_zone(zone, &offset) != JP_ERR_OK ||
	    jp_when_parse(utc, 0, when) != JP_ERR_OK)
		return JP_ERR_INVALID;
	*when = jp_when_add(*when, -offset);
	return *when > 0 ? JP_ERR_OK : JP_ERR_INVALID;
}

enum jp_err
visitor_time(const char *text, int64_t *when)
{
	enum { DIGITS_MAX = 12 }; /* of JP_WHEN_MAX */
	size_t digits = strspn(text, "0123456789");
	const char *end = skip_fraction(text + digits);

	if (end == NULL || *end != '\0' || digits == 0 || digits > DIGITS_MAX)
		return read_date(text, when);
	*when = strtoll(text, NULL, 10);
	return *when > 0 && jp_when_valid(*when) ? JP_ERR_OK : JP_ERR_INVALID;
}

/* ---- headers of the single sign-on ---- */

/* Takes the value without the blanks around it, which are no part of it (RFC
 * 9110 §5.5); false: it is too long. */
static bool
take_value(char *field, size_t size, const char *value)
{
	size_t len;

	value += strspn(value, " \t");
	len = strlen(value);
	while (len > 0 && (value[len - 1] == ' ' || value[len - 1] == '\t'))
		len--;
	if (len >= size)
		return false;
	memcpy(field, value, len);
	field[len] = '\0';
	return true;
}

/*
 * A web server writes "(null)" for a variable that is not set, and a comma
 * where it joins a header that came twice (RFC 9110 section 5.3).
 */
static bool
is_user(const char *name)
{
	struct jp_why ignored;

	return jp_user_check_new(name, &ignored) == JP_ERR_OK &&
	       strcmp(name, "(null)") != 0 && strchr(name, ',') == NULL &&
	       !jp_has_token(name);
}

static enum visitor_verdict
read_user(const struct http_found *found, struct visitor *visitor)
{
	if (!take_value(visitor->user, sizeof(visitor->user), found->first) ||
	    !is_user(visitor->user))
		return VISITOR_AMBIGUOUS;
	visitor->kind = VISITOR_SSO;
	return VISITOR_READ;
}

static enum visitor_verdict
read_auth_time(const struct http_found *found, struct visitor *visitor)
{
	char text[64] = "";

	return take_value(text, sizeof(text), found->first) &&
	               visitor_time(text, &visitor->auth_time) == JP_ERR_OK
	           ? VISITOR_READ
	           : VISITOR_AMBIGUOUS;
}

/* What only the single sign-on may say. */
static enum visitor_verdict
read_sso(const struct http_head *head, const struct visitor_rules *rules,
    struct visitor *visitor)
{
	struct http_found user = http_head_find(head, rules->user_header);
	struct http_found at = http_head_find(head, rules->auth_time_header);
	enum visitor_verdict verdict = VISITOR_READ;

	if (user.count + at.count == 0)
		return VISITOR_READ;
	if (!rules->trusted)
		return VISITOR_FORGED;
	if (user.count > 1 || user.odd || at.count > 1 || at.odd)
		return VISITOR_AMBIGUOUS;
	if (at.count > 0)
		verdict = read_auth_time(&at, visitor);
	if (verdict == VISITOR_READ && user.count > 0)
		verdict = read_user(&user, visitor);
	return verdict;
}

/* ---- the rest ---- */

static enum visitor_verdict
read_token(const struct http_head *head, struct jp_login *login)
{
	struct http_found found = http_head_find(head, "Authorization");

	if (found.count == 0)
		return VISITOR_READ;
	if (found.odd)
		return VISITOR_AMBIGUOUS;
	return found.count == 1 && credentials_parse(found.first,
	                               strlen(found.first), login) == JP_ERR_OK
	           ? VISITOR_READ
	           : VISITOR_BAD_LOGIN;
}

/* Of several, the hop that is trusted wrote the last one. What is no address
 * lies in no network. */
static enum visitor_verdict
read_address(const struct http_head *head, const char *name,
    char address[JP_RHOST_MAX + 1])
{
	struct http_found found = http_head_find(head, name);

	if (found.odd)
		return VISITOR_AMBIGUOUS;
	if (found.count == 0 || !jp_rhost_read(http_list_last(found.last),
	                            address, JP_RHOST_MAX + 1))
		address[0] = '\0';
	return VISITOR_READ;
}

enum visitor_verdict
visitor_read(const struct http_head *head, const struct visitor_rules *rules,
    struct visitor *visitor, struct jp_login *login)
{
	enum visitor_verdict verdict;

	memset(visitor, 0, sizeof(*visitor));
	jp_login_clear(login);
	verdict = read_sso(head, rules, visitor);
	if (verdict == VISITOR_READ && rules->takes == VISITOR_TAKES_TOKEN)
		verdict = read_token(head, login);
	if (verdict == VISITOR_READ)
		verdict =
		    read_address(head, rules->address_header, visitor->address);
	if (verdict == VISITOR_READ)
		return verdict;
	memset(visitor, 0, sizeof(*visitor));
	jp_login_clear(login);
	return verdict;
}
