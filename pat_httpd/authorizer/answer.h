/*
 * What a proxy hears: one row for each kind of answer, and the fields that go
 * with it, whatever protocol carries them.
 */
#ifndef PATHTTPD_ANSWER_H
#define PATHTTPD_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/secret.h"
#include "common/base/text.h"
#include "common/base/token_shape.h"

/*
 * X(CODE, status, error, title). The zero value denies. `error` is for
 * machines: RFC 6750 §3.1 where it has one.
 */
#define ANSWER_LIST(X)                                                         \
	X(DENIED, 401, "invalid_token", "The token is not valid.")             \
	X(NO_CREDENTIALS, 401, "", "A token is needed.")                       \
	X(MALFORMED, 401, "invalid_request",                                   \
	    "The credentials are malformed: send Basic USER:TOKEN or Bearer "  \
	    "TOKEN, once.")                                                    \
	X(FORBIDDEN, 403, "insufficient_scope",                                \
	    "The token lacks a right that this request needs.")                \
	X(PATH, 403, "forbidden_path", "Nobody may call this path.")           \
	X(HEADER, 403, "ambiguous_header",                                     \
	    "A header came twice or in another spelling.")                     \
	X(PEER, 403, "forbidden_peer", "This process may not ask.")            \
	X(NOT_FOUND, 404, "not_found", "There is no such service.")            \
	X(TOO_LARGE, 431, "too_large", "The header is larger than 16 KiB.")    \
	X(THROTTLED, 429, "throttled", "Too many wrong tokens.")               \
	X(UNAVAILABLE, 503, "unavailable",                                     \
	    "The token could not be checked: try again.")                      \
	X(BAD_REQUEST, 400, "bad_request", "The request is malformed.")        \
	X(ACCEPTED, 200, "", "")                                               \
	X(PREFLIGHT, 200, "", "")                                              \
	X(HEALTHY, 200, "", "")

enum answer_kind {
#define ANSWER_ENUM(code, status, error, title) ANSWER_##code,
	ANSWER_LIST(ANSWER_ENUM)
#undef ANSWER_ENUM
	    ANSWER_COUNT,
};

/* Zeroed, it denies. It may hold a secret: whoever owns it clears it. */
struct answer {
	enum answer_kind kind;
	bool body;                    /* a problem detail is asked for */
	char user[JP_USER_MAX + 1];   /* ANSWER_ACCEPTED: never empty */
	char id[JP_TOKEN_ID_LEN + 1]; /* of the token */
	int64_t expires;              /* seconds since 1970; 0: never */
	struct jp_secret upstream;    /* in place of Authorization; "": none */
};

/* How names are spelt on the way to a proxy. */
enum answer_names {
	ANSWER_NAMES_HTTP, /* header fields */
	ANSWER_NAMES_CGI,  /* FastCGI's authorizer: Variable-NAME on a yes */
};

/* One field: "NAME: VALUE\r\n" on every wire. */
struct answer_field {
	const char *name;
	const char *value; /* a constant, or in the answer, or in `text` */
	char text[32];
};

/* Fields of one answer, at most. */
#define ANSWER_FIELDS_MAX 6

unsigned int answer_status(enum answer_kind kind);

/* Its code, as above: for metrics. */
const char *answer_name(enum answer_kind kind);

/* One sentence for people; "" for a yes. */
const char *answer_title(enum answer_kind kind);

/*
 * Fills `fields` with all that this answer carries, but the length of its body,
 * and returns how many. `user_header` names the user where names are those of
 * HTTP. The fields point into `answer` and are good as long as it is.
 */
size_t answer_fields(const struct answer *answer, enum answer_names names,
    const char *user_header, struct answer_field fields[ANSWER_FIELDS_MAX]);

/*
 * The body that is asked for (RFC 9457), to be freed by the caller; NULL: this
 * answer has none, or there is no memory.
 */
char *answer_body(const struct answer *answer, size_t *len);

/* Overwrites all of it. */
void answer_clear(struct answer *answer);

#endif
