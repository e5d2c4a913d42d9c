#include "pat_httpd/authorizer/answer.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/sys/json_text.h"
#include "common/sys/time_text.h"

#define REALM "realm=\"jira-pat\""

static const struct {
	unsigned int status;
	const char *error, *title;
} rows[ANSWER_COUNT] = {
#define ANSWER_ROW(code, status, error, title)                                 \
	[ANSWER_##code] = { status, error, title },
	ANSWER_LIST(ANSWER_ROW)
#undef ANSWER_ROW
};

/* What a yes tells, in both spellings. */
enum told {
	TOLD_USER,
	TOLD_ID,
	TOLD_EXPIRES,
	TOLD_UPSTREAM,
	TOLD_PREFLIGHT,
	TOLD_COUNT,
};

static const char *const told_names[TOLD_COUNT][2] = {
	[TOLD_USER] = { NULL /* configured */, "Variable-REMOTE_USER" },
	[TOLD_ID] = { "X-Token-Id", "Variable-TOKEN_ID" },
	[TOLD_EXPIRES] = { "X-Token-Expires", "Variable-TOKEN_EXPIRES" },
	[TOLD_UPSTREAM] = { "X-Upstream-Authorization",
	    "Variable-UPSTREAM_AUTHORIZATION" },
	[TOLD_PREFLIGHT] = { "X-Token-Preflight", "Variable-TOKEN_PREFLIGHT" },
};

unsigned int
answer_status(enum answer_kind kind)
{
	return rows[kind].status;
}

const char *
answer_name(enum answer_kind kind)
{
	static const char *const names[ANSWER_COUNT] = {
#define ANSWER_NAME(code, status, error, title) [ANSWER_##code] = #code,
		ANSWER_LIST(ANSWER_NAME)
#undef ANSWER_NAME
	};

	return names[kind];
}

const char *
answer_title(enum answer_kind kind)
{
	return rows[kind].title;
}

/* ---- fields ---- */

struct list {
	struct answer_field *at;
	size_t len;
	enum answer_names names;
	const char *user_header;
};

static struct answer_field *
add(struct list *list, const char *name, const char *value)
{
	struct answer_field *field = &list->at[list->len++];

	field->name = name;
	field->value = value;
	return field;
}

static struct answer_field *
tell(struct list *list, enum told told, const char *value)
{
	const char *name = told_names[told][list->names];

	return add(list, name != NULL ? name : list->user_header, value);
}

static void
tell_accepted(struct list *list, const struct answer *answer)
{
	struct answer_field *expires;

	(void)tell(list, TOLD_USER, answer->user);
	(void)tell(list, TOLD_ID, answer->id);
	expires = tell(list, TOLD_EXPIRES, NULL);
	jp_when_format(answer->expires, expires->text);
	expires->value = expires->text;
	if (answer->upstream.len > 0)
		(void)tell(list, TOLD_UPSTREAM, answer->upstream.text);
}

/* Both ways in; first the one that programs wait for: many a proxy hands on
 * only the first. */
static void
challenge(struct list *list, enum answer_kind kind)
{
	static const char *const bearer[ANSWER_COUNT] = {
		[ANSWER_DENIED] = "Bearer " REALM ", error=\"invalid_token\"",
		[ANSWER_NO_CREDENTIALS] = "Bearer " REALM,
		[ANSWER_MALFORMED] =
		    "Bearer " REALM ", error=\"invalid_request\"",
	};

	(void)add(
	    list, "WWW-Authenticate", "Basic " REALM ", charset=\"UTF-8\"");
	(void)add(list, "WWW-Authenticate", bearer[kind]);
}

size_t
answer_fields(const struct answer *answer, enum answer_names names,
    const char *user_header, struct answer_field fields[ANSWER_FIELDS_MAX])
{
	struct list list = { fields, 0, names, user_header };
	unsigned int status = rows[answer->kind].status;

	/* Apache hands on to the client what an authorizer's yes has beside
	 * variables, as part of the response to come. */
	if (names == ANSWER_NAMES_HTTP || status != 200)
		(void)add(&list, "Cache-Control", "no-store");
	switch (status) {
	case 200:
		if (answer->kind == ANSWER_ACCEPTED)
			tell_accepted(&list, answer);
		if (answer->kind == ANSWER_PREFLIGHT) {
			(void)tell(&list, TOLD_USER, "");
			(void)tell(&list, TOLD_PREFLIGHT, "yes");
		}
		break;
	case 401:
		challenge(&list, answer->kind);
		break;
	case 429:
		(void)add(&list, "Retry-After", "10");
		break;
	case 503:
		(void)add(&list, "Retry-After", "2");
		break;
	default:
		break;
	}
	return list.len;
}

/* ---- body ---- */

char *
answer_body(const struct answer *answer, size_t *len)
{
	unsigned int status = answer_status(answer->kind);
	const char *error = rows[answer->kind].error;
	json_t *problem;
	char *text;

	if (!answer->body || status == 200)
		return NULL;
	problem = json_pack("{s:s, s:s, s:i, s:s}", "type", "about:blank",
	    "title", rows[answer->kind].title, "status", (int)status, "error",
	    error[0] != '\0' ? error : "credentials_required");
	text = jp_json_text(problem);
	json_decref(problem);
	*len = text != NULL ? strlen(text) : 0;
	return text;
}

void
answer_clear(struct answer *answer)
{
	explicit_bzero(answer, sizeof(*answer));
}
