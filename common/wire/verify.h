/*
 * The verify protocol: one question and one answer, each one SOCK_SEQPACKET
 * message, so that record boundaries are kept and an oversized message shows
 * as MSG_TRUNC. Used on verify.sock and on the socket pair of
 * `patd --one-shot`. All parsing is strict: what is accepted encodes to the
 * same bytes again.
 *
 *     request: "JPV1", front u8, seq u32, user, token, service, rhost
 *              (front with JP_REQUEST_LAST: no other question follows; with
 *              JP_REQUEST_ACCOUNT: without a token, answered by JP_MAY and
 *              never by JP_ACCEPT; a patd that does not know it hangs up)
 *     reply:   "JPV1", verdict u8, seq u32, user; zeroes up to its fixed size
 *
 * A detailed question is answered in detail, and perhaps after later ones:
 * several may be under way on one connection, which `seq` tells apart.
 *
 *     request: "JPV2", what follows in JPV1, access u8
 *     reply:   "JPV2", what follows in JPV1, denial u8, id, expires i64,
 *              upstream; zeroes up to its own fixed size
 *
 * A denial that names the user says that the token is valid and theirs, and
 * only lacks a right. All others name nobody: nothing is disclosed before the
 * secret is proved. A detailed reply that tells more, or less, than its verdict
 * allows is refused.
 */
#ifndef JP_VERIFY_H
#define JP_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/secret.h"
#include "common/base/text.h"
#include "common/base/token_shape.h"
#include "common/wire/verdict.h"

#define JP_REQUEST_MAX 1024  /* bytes of an encoded request */
#define JP_REPLY_SIZE 272    /* bytes of every encoded reply */
#define JP_DETAILED_SIZE 800 /* of every detailed one */
#define JP_REPLY_MAX JP_DETAILED_SIZE
/* Added to the front: the answer closes; no token, but whether the user may. */
#define JP_REQUEST_LAST 128
#define JP_REQUEST_ACCOUNT 64

/*
 * X(CODE, number, name): the kinds of front door that ask. The number crosses
 * verify.sock: append only, below JP_REQUEST_ACCOUNT.
 */
#define JP_FRONT_LIST(X)                                                       \
	X(PAM, 0, "pam")                                                       \
	X(SASL, 1, "sasl")                                                     \
	X(MUX, 2, "mux")                                                       \
	X(ADMIN, 3, "admin")                                                   \
	X(HTTP, 4, "http")

enum jp_front {
#define JP_FRONT_ENUM(code, number, name) JP_FRONT_##code = (number),
	JP_FRONT_LIST(JP_FRONT_ENUM)
#undef JP_FRONT_ENUM
};

enum {
#define JP_FRONT_ONE(...) +1
	JP_FRONT_COUNT = 0 JP_FRONT_LIST(JP_FRONT_ONE)
#undef JP_FRONT_ONE
};

const char *jp_front_name(enum jp_front front);

/* What a request is going to do, as far as its front knows. */
enum jp_access {
	JP_ACCESS_WRITE = 0, /* whatever is not known to be less */
	JP_ACCESS_READ = 1,

	/*
	 * The token manages itself or other tokens of its user: no server is
	 * behind the service, so what a server asks for is not looked at:
	 * service, scope, group, upstream credential. All else is. It takes
	 * none of the uses of a token. From whoever may not ask so it counts
	 * as JP_ACCESS_WRITE.
	 */
	JP_ACCESS_SELF = 2,
};

/* The service of a question with JP_ACCESS_SELF. */
#define JP_SERVICE_SELF "tokens"

struct jp_request {
	enum jp_front front;
	bool last;                        /* patd closes after the reply */
	bool account;                     /* whether the user may; no token */
	bool detailed;                    /* JPV2 */
	enum jp_access access;            /* of a detailed one; else write */
	uint32_t seq;                     /* comes back in the reply */
	char user[JP_USER_MAX + 1];       /* as the client typed it */
	struct jp_secret token;           /* as the client typed it */
	char service[JP_SERVICE_MAX + 1]; /* "" if there is none */
	char rhost[JP_RHOST_MAX + 1];     /* literal IP address; "" or other
	                                     text: from no network */
};

struct jp_reply {
	enum jp_verdict verdict;
	uint32_t seq;
	char user[JP_USER_MAX + 1]; /* the token's, if accepted, or if denied
	                               for want of a right; else "" */

	/* The rest is of a detailed one. */
	bool detailed;
	enum jp_denial denial;        /* of JP_DENY */
	char id[JP_TOKEN_ID_LEN + 1]; /* the token's, where `user` is */
	int64_t expires; /* if accepted: the token's end; 0: it has none */
	struct jp_secret upstream; /* if accepted: the user's own credential for
	                              what is behind the service; or "" */
};

/* Encodes into JP_REQUEST_MAX bytes at `bytes`; `len` gets the length. */
enum jp_err jp_request_encode(
    const struct jp_request *request, uint8_t *bytes, size_t *len);

/* Any error leaves `request` cleared. */
enum jp_err
jp_request_decode(struct jp_request *request, const uint8_t *bytes, size_t len);

/* `len` gets JP_REPLY_SIZE, or JP_DETAILED_SIZE. */
void jp_reply_encode(
    const struct jp_reply *reply, uint8_t bytes[JP_REPLY_MAX], size_t *len);

/* Any error leaves `reply` zeroed, which denies. */
enum jp_err
jp_reply_decode(struct jp_reply *reply, const uint8_t *bytes, size_t len);

#endif
