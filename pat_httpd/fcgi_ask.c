#include "pat_httpd/fcgi_ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "pat_httpd/base/http_head.h"

#define SCRIPT_PREFIX "/auth/"

/* ---- questions ---- */

static const char *
script_service(const struct fcgi_param *script)
{
	size_t len = strlen(SCRIPT_PREFIX);

	if (script->value == NULL ||
	    strncmp(script->value, SCRIPT_PREFIX, len) != 0)
		return NULL;
	return script->value + len;
}

static const char *
variable_service(
    const struct fcgi_param *variable, const struct jp_listener *listener)
{
	if (variable->value != NULL)
		return variable->value;
	return listener->service[0] != '\0' ? listener->service : NULL;
}

static bool
unclear(const struct fcgi_param *param)
{
	return param->count > 1 || param->odd;
}

static bool
is_once(const struct fcgi_param *param)
{
	return param->count == 1 && !param->odd;
}

/* RFC 9457 §3, or what most clients say that want the same. */
static bool
wants_body(const struct fcgi_param *accept)
{
	return accept->value != NULL &&
	       (http_list_has(accept->value, "application/problem+json") ||
	           http_list_has(accept->value, "application/json"));
}

void
fcgi_ask_read(const struct fcgi_reader *reader,
    const struct jp_listener *listener, struct ask *ask)
{
	const struct fcgi_param *params = reader->params;
	const struct fcgi_param *authorization =
	    &params[FCGI_PARAM_AUTHORIZATION];
	const struct fcgi_param *names = &params[FCGI_PARAM_SERVICE];

	if (reader->role == FCGI_RESPONDER)
		names = &params[FCGI_PARAM_SCRIPT];
	*ask = (struct ask){
		.service = reader->role == FCGI_RESPONDER
		               ? script_service(names)
		               : variable_service(names, listener),
		.authorization = authorization->value,
		.authorizations = authorization->count,
		.method = params[FCGI_PARAM_METHOD].value,
		.uri = params[FCGI_PARAM_URI].value,
		.address = params[FCGI_PARAM_ADDRESS].value,
		.ambiguous = unclear(names) || authorization->odd ||
		             unclear(&params[FCGI_PARAM_METHOD]) ||
		             unclear(&params[FCGI_PARAM_URI]) ||
		             unclear(&params[FCGI_PARAM_ADDRESS]),
		.preflight = is_once(&params[FCGI_PARAM_ORIGIN]) &&
		             is_once(&params[FCGI_PARAM_PREFLIGHT]),
		.body = wants_body(&params[FCGI_PARAM_ACCEPT]),
	};
}

/* ---- answers ---- */

static void
put_text(struct jp_buf *buf, const char *text)
{
	jp_buf_put_raw(buf, text, strlen(text));
}

static void
put_field(struct jp_buf *buf, const char *name, const char *value)
{
	put_text(buf, name);
	put_text(buf, ": ");
	put_text(buf, value);
	put_text(buf, "\r\n");
}

static void
put_number(struct jp_buf *buf, const char *name, size_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%zu", value);
	put_field(buf, name, text);
}

static void
put_fields(struct jp_buf *buf, const struct answer *answer,
    enum answer_names names, const char *user_header)
{
	struct answer_field fields[ANSWER_FIELDS_MAX];
	size_t len = answer_fields(answer, names, user_header, fields);

	for (size_t i = 0; i < len; i++)
		put_field(buf, fields[i].name, fields[i].value);
}

static void
put_body(struct jp_buf *buf, const struct answer *answer)
{
	size_t len = 0;
	char *body = answer_body(answer, &len);

	if (body != NULL)
		put_field(buf, "Content-Type", "application/problem+json");
	put_number(buf, "Content-Length", len);
	put_text(buf, "\r\n");
	if (body != NULL)
		jp_buf_put_raw(buf, body, len);
	free(body);
}

size_t
fcgi_answer_make(const struct answer *answer, enum fcgi_role role, uint16_t id,
    const char *user_header, uint8_t bytes[FCGI_ANSWER_MAX])
{
	bool variables =
	    role == FCGI_AUTHORIZER && answer_status(answer->kind) == 200;
	struct jp_buf buf;

	jp_buf_write(
	    &buf, bytes + FCGI_HEADER_LEN, FCGI_ANSWER_MAX - FCGI_ANSWER_EXTRA);
	put_number(&buf, "Status", answer_status(answer->kind));
	put_fields(&buf, answer,
	    role == FCGI_AUTHORIZER ? ANSWER_NAMES_CGI : ANSWER_NAMES_HTTP,
	    user_header);
	if (variables)
		put_text(&buf, "\r\n");
	else
		put_body(&buf, answer);
	return fcgi_answer(bytes, id, buf.pos);
}
