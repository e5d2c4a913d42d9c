#include "common/config/readers.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "common/base/text.h"
#include "common/config/httpd_settings.h"
#include "common/sys/time_text.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

enum jp_err
jp_read_yes_no(void *at, const char *text, int64_t min, int64_t max)
{
	(void)min;
	(void)max;
	if (strcmp(text, "yes") != 0 && strcmp(text, "no") != 0)
		return JP_ERR_INVALID;
	*(bool *)at = text[0] == 'y';
	return JP_ERR_OK;
}

enum jp_err
jp_read_lifetime(void *at, const char *text, int64_t min, int64_t max)
{
	(void)min;
	(void)max;
	return jp_duration_parse(text, at);
}

enum jp_err
jp_read_account(void *at, const char *text, int64_t min, int64_t max)
{
	if (strlen(text) < (size_t)min || strpbrk(text, " \t:,/") != NULL)
		return JP_ERR_INVALID;
	return jp_field_set(at, (size_t)max + 1, text);
}

/* Names between spaces or commas; they replace the default. */
enum jp_err
jp_read_accounts(void *at, const char *text, int64_t min, int64_t max)
{
	static const char separators[] = " \t,";
	struct jp_accounts *accounts = at;

	(void)min;
	accounts->len = 0;
	for (text += strspn(text, separators); *text != '\0';
	     text += strspn(text, separators)) {
		size_t len = strcspn(text, separators);

		if (len > (size_t)max || accounts->len == JP_LIST_MAX)
			return JP_ERR_INVALID;
		memcpy(accounts->names[accounts->len], text, len);
		accounts->names[accounts->len++][len] = '\0';
		text += len;
	}
	return accounts->len > 0 ? JP_ERR_OK : JP_ERR_INVALID;
}

/*
 * Headers that mean something to HTTP, to browsers, or in an answer, or that a
 * client may send to have another method carried out: none of them can be what
 * only the proxy writes.
 */
static const char *const taken_headers[] = {
	"Accept",
	"Authorization",
	"Cache-Control",
	"Connection",
	"Content-Encoding",
	"Content-Length",
	"Content-Type",
	"Cookie",
	"Date",
	"Expect",
	"Forwarded",
	"Host",
	"Keep-Alive",
	"Location",
	"Origin",
	"Proxy-Authenticate",
	"Proxy-Authorization",
	"Proxy-Connection",
	"Range",
	"Referer",
	"Retry-After",
	"Server",
	"Set-Cookie",
	"Status",
	"TE",
	"Trailer",
	"Transfer-Encoding",
	"Upgrade",
	"User-Agent",
	"Vary",
	"Via",
	"WWW-Authenticate",
	"X-Atlassian-Token",
	"X-HTTP-Method",
	"X-HTTP-Method-Override",
	"X-Method-Override",
	"X-Token-Expires",
	"X-Token-Id",
	"X-Token-Preflight",
	"X-Upstream-Authorization",
};

size_t
jp_find_word(const char *text, const char *const names[], size_t len)
{
	size_t i = 0;

	while (i < len && strcmp(text, names[i]) != 0)
		i++;
	return i;
}

/*
 * Narrower than RFC 9110 section 5.1: many servers take "_" and "." for "-", or
 * drop such a header.
 */
enum jp_err
jp_read_header(void *at, const char *text, int64_t min, int64_t max)
{
	(void)min;
	if (text[0] == '\0' || strchr(LETTERS, text[0]) == NULL ||
	    text[strspn(text, LETTERS DIGITS "-")] != '\0' ||
	    strncasecmp(text, "Access-Control-", 15) == 0 ||
	    strncasecmp(text, "Sec-", 4) == 0)
		return JP_ERR_INVALID;
	for (size_t i = 0; i < sizeof(taken_headers) / sizeof(char *); i++)
		if (strcasecmp(text, taken_headers[i]) == 0)
			return JP_ERR_INVALID;
	return jp_field_set(at, (size_t)max + 1, text);
}
