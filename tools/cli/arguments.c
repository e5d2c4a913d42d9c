#include "tools/cli/arguments.h"

#include <sodium.h>
#include <string.h>

#include "common/record/token_scan.h"
#include "common/sys/time_text.h"

struct only {
	size_t count;
	char *id;
};

static enum jp_err
take_only(void *arg, const struct jp_found *found)
{
	struct only *only = arg;

	if (found->checked && only->count++ == 0)
		memcpy(only->id, found->token.id, JP_TOKEN_ID_LEN);
	return JP_ERR_OK;
}

/* `user:token`, or base64 of it: what clients send, and so what leaks. */
static bool
credential_id(const char *text, char id[JP_TOKEN_ID_LEN + 1])
{
	struct only only = { .id = id };
	struct jp_token_scan scan;

	jp_token_scan_start(&scan, JP_TOKEN_PREFIX, take_only, &only);
	(void)jp_token_scan_feed(&scan, text, strlen(text));
	(void)jp_token_scan_end(&scan);
	id[JP_TOKEN_ID_LEN] = '\0';
	return only.count == 1;
}

enum jp_err
arguments_token_id(char *text, const char *what, char id[JP_TOKEN_ID_LEN + 1],
    struct jp_why *why)
{
	size_t len = strlen(text);
	struct jp_token token;
	enum jp_err err = JP_ERR_OK;

	if (jp_token_id_valid(text)) {
		memcpy(id, text, JP_TOKEN_ID_LEN + 1);
		return JP_ERR_OK;
	}
	err = jp_token_parse(text, len, &token);
	if (err == JP_ERR_OK) {
		memcpy(id, token.id, JP_TOKEN_ID_LEN);
		id[JP_TOKEN_ID_LEN] = '\0';
	}
	if (err == JP_ERR_INVALID && credential_id(text, id))
		err = JP_ERR_OK;
	sodium_memzero(text, len);
	if (err == JP_ERR_CHECKSUM)
		return jp_why(why, JP_ERR_INVALID,
		    "%s: the checksum of the token is wrong: a typing error?",
		    what);
	if (err != JP_ERR_OK)
		return jp_why(why, JP_ERR_INVALID,
		    "%s: neither an id of %d letters and digits nor a token",
		    what, JP_TOKEN_ID_LEN);
	return JP_ERR_OK;
}

enum jp_err
arguments_expires(
    const char *value, struct jp_admin_request *request, struct jp_why *why)
{
	int64_t now = jp_clock_now(&jp_system_clock);
	enum jp_err err = jp_when_parse(value, now, &request->expires_at);

	if (err != JP_ERR_OK)
		return jp_why(why, err,
		    "--expires: expected a duration such as 90d, a date such "
		    "as 2027-01-31 or 2027-01-31T12:00:00Z, or never");
	request->lifetime = request->expires_at == JP_NEVER ? JP_LIFETIME_NEVER
	                                                    : JP_LIFETIME_UNTIL;
	return JP_ERR_OK;
}
