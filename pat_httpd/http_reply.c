#include "pat_httpd/http_reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The rest of the title does not matter: only the number is read. */
static const char *
reason_of(unsigned int status)
{
	static const struct {
		unsigned int status;
		const char *reason;
	} reasons[] = {
		{ 200, "OK" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 408, "Request Timeout" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 503, "Service Unavailable" },
		{ 505, "HTTP Version Not Supported" },
	};
	size_t i = 0;

	while (i + 1 < sizeof(reasons) / sizeof(reasons[0]) &&
	       reasons[i].status != status)
		i++;
	return reasons[i].reason;
}

/* RFC 9110 §5.6.7, made once a second. */
static const char *
date(void)
{
	static char text[32];
	static time_t made = -1;
	time_t now = time(NULL);
	struct tm tm;

	if (now != made && gmtime_r(&now, &tm) != NULL &&
	    strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm) > 0)
		made = now;
	return text;
}

struct text {
	char *bytes;
	size_t len;
};

/* All that an answer may hold has room. */
static void
put(struct text *text, const char *bytes, size_t len)
{
	if (len > HTTP_REPLY_MAX - text->len)
		len = HTTP_REPLY_MAX - text->len;
	memcpy(text->bytes + text->len, bytes, len);
	text->len += len;
}

static void
put_field(struct text *text, const char *name, const char *value)
{
	put(text, name, strlen(name));
	put(text, ": ", 2);
	put(text, value, strlen(value));
	put(text, "\r\n", 2);
}

static void
put_status(struct text *text, unsigned int status)
{
	char line[64];
	int len = snprintf(line, sizeof(line), "HTTP/1.1 %u %s\r\n", status,
	    reason_of(status));

	put(text, line, (size_t)len);
}

static void
put_length(struct text *text, size_t len)
{
	char value[24];

	(void)snprintf(value, sizeof(value), "%zu", len);
	put_field(text, "Content-Length", value);
}

size_t
http_reply_make(const struct answer *answer, const struct http_reply_form *form,
    char bytes[HTTP_REPLY_MAX])
{
	struct answer_field fields[ANSWER_FIELDS_MAX];
	size_t len =
	    answer_fields(answer, ANSWER_NAMES_HTTP, form->user_header, fields);
	size_t body_len = 0;
	char *body = answer_body(answer, &body_len);
	struct text text = { bytes, 0 };

	put_status(&text, answer_status(answer->kind));
	put_field(&text, "Date", date());
	for (size_t i = 0; i < len; i++)
		put_field(&text, fields[i].name, fields[i].value);
	if (body != NULL)
		put_field(&text, "Content-Type", "application/problem+json");
	put_length(&text, body_len);
	put_field(&text, "Connection", form->close ? "close" : "keep-alive");
	put(&text, "\r\n", 2);
	if (body != NULL && !form->head_only)
		put(&text, body, body_len);
	free(body);
	return text.len;
}
