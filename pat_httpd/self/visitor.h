/*
 * Who a visitor is: what a head and the place that it came by say. Pure.
 *
 * The single sign-on in front names a user in one header, which counts on a
 * Unix socket from a trusted peer alone. Or a token does, which patd judges.
 */
#ifndef PATHTTPD_VISITOR_H
#define PATHTTPD_VISITOR_H

#include <stdint.h>

#include "common/base/text.h"
#include "common/base/token_shape.h"
#include "common/wire/sasl_plain.h"
#include "pat_httpd/base/http_head.h"

enum visitor_kind {
	VISITOR_NONE,
	VISITOR_SSO,   /* the single sign-on named the user */
	VISITOR_TOKEN, /* a token did, and patd accepted it */
};

/* What counts where both are there. */
enum visitor_takes {
	VISITOR_TAKES_SSO,   /* the single sign-on alone: a token is not read */
	VISITOR_TAKES_TOKEN, /* both; the token, of the same user, if both */
};

struct visitor {
	enum visitor_kind kind;
	char user[JP_USER_MAX + 1];
	char token[JP_TOKEN_ID_LEN + 1]; /* of VISITOR_TOKEN: its id */
	char address[JP_RHOST_MAX + 1];  /* where the user is, a literal
	                                    address; "": unknown */
	int64_t auth_time; /* when the single sign-on saw the user; 0: it did
	                      not say */
};

/* By what a head is read. */
struct visitor_rules {
	const char *user_header;      /* of the single sign-on; never "" */
	const char *auth_time_header; /* the same */
	const char *address_header;   /* of the listener; "": it has none */
	bool trusted; /* on a Unix socket, from one of trusted_peers */
	enum visitor_takes takes;
};

enum visitor_verdict {
	VISITOR_FORGED = 0, /* a header of the single sign-on from another */
	VISITOR_AMBIGUOUS,  /* one of these headers came twice, or misspelt, or
	                       its value is no user, or no time */
	VISITOR_BAD_LOGIN,  /* so is Authorization */
	VISITOR_READ,
};

/*
 * Reads who it is. `visitor` becomes VISITOR_SSO or VISITOR_NONE; `login` is
 * what a token is to be judged with, without `passwd` if there is none or none
 * is read. The caller clears `login`; an error leaves both cleared.
 */
enum visitor_verdict
visitor_read(const struct http_head *head, const struct visitor_rules *rules,
    struct visitor *visitor, struct jp_login *login);

/*
 * Reads when somebody signed in: seconds since 1970, as the claim auth_time of
 * OpenID Connect, or RFC 3339; a fraction does not count. JP_ERR_INVALID.
 */
enum jp_err visitor_time(const char *text, int64_t *when);

#endif
