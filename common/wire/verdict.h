/*
 * The answer to "may this request pass?" and the reason behind it. A verdict
 * is not an error code, and its zero value denies: a forgotten or zeroed
 * verdict opens no door. The reason goes to logs and to the administrator,
 * never to the client.
 */
#ifndef JP_VERDICT_H
#define JP_VERDICT_H

#include <stdbool.h>

enum jp_verdict {
	JP_DENY = 0,
	JP_UNAVAILABLE, /* could not be decided: try again later */
	JP_ACCEPT,
	JP_MAY, /* no token was asked for: this user may, if he proves who he
	           is elsewhere; it is no acceptance */
};

/*
 * X(CODE, verdict, name, text), in the order of the decision: where several
 * hold, the first one is the reason. Those before USER need no knowledge of
 * the secret; all others are looked at only after it has been proved.
 */
#define JP_REASON_LIST(X)                                                      \
	X(NONE, JP_DENY, "none", "not decided")                                \
	X(SHAPE, JP_DENY, "shape", "not the shape of a token")                 \
	X(CRC, JP_DENY, "crc",                                                 \
	    "the token's checksum is wrong: a typing error?")                  \
	X(UNKNOWN_ID, JP_DENY, "unknown-id", "no token has this id")           \
	X(FAST_TAG, JP_DENY, "fast-tag", "the secret part is wrong")           \
	X(SECRET, JP_DENY, "secret", "the secret part is wrong")               \
	X(USER, JP_DENY, "wrong-user", "the token belongs to another user")    \
	X(REVOKED, JP_DENY, "revoked", "the token is revoked")                 \
	X(SUPERSEDED, JP_DENY, "superseded",                                   \
	    "the token was rotated and its grace is over")                     \
	X(EXPIRED, JP_DENY, "expired", "the token is expired")                 \
	X(UNUSED, JP_DENY, "unused", "the token was not used for too long")    \
	X(USER_DISABLED, JP_DENY, "user-disabled", "the user is disabled")     \
	X(SERVICE, JP_DENY, "service",                                         \
	    "the token does not serve this service")                           \
	X(SCOPE, JP_DENY, "scope", "the token lacks the scope of the service") \
	X(ADDRESS, JP_DENY, "address", "the token may not come from there")    \
	X(GROUP, JP_DENY, "group", "the user is in no group of the service")   \
	X(STORE, JP_UNAVAILABLE, "store", "the store cannot be read")          \
	X(GROUP_SOURCE, JP_UNAVAILABLE, "group-source",                        \
	    "the name service does not tell groups")                           \
	X(RECORD, JP_UNAVAILABLE, "record", "the token's record is damaged")   \
	X(MEMORY, JP_UNAVAILABLE, "memory", "not enough memory for Argon2id")  \
	X(OVERLOAD, JP_UNAVAILABLE, "overload", "too many requests at once")   \
	/* Denied as an unknown user is: another answer would show the user.   \
	 */                                                                    \
	X(THROTTLED, JP_DENY, "throttled",                                     \
	    "too many wrong secrets for this token")                           \
	X(AUDIT, JP_UNAVAILABLE, "audit", "the audit trail cannot be written") \
	X(STOPPING, JP_UNAVAILABLE, "stopping", "patd is stopping")            \
	X(ACCEPTED, JP_ACCEPT, "accepted", "accepted")                         \
	X(NO_TOKEN, JP_DENY, "no-token",                                       \
	    "the user has no token that would be accepted here")               \
	X(ACCOUNT, JP_MAY, "account", "the user may, by a token of his")

enum jp_reason {
#define JP_REASON_ENUM(code, verdict, name, text) JP_REASON_##code,
	JP_REASON_LIST(JP_REASON_ENUM)
#undef JP_REASON_ENUM
	    JP_REASON_COUNT
};

/* The verdict that `reason` leads to. */
enum jp_verdict jp_reason_verdict(enum jp_reason reason);

/* Whether it is a denial that is found after the secret has been proved. */
bool jp_reason_proved(enum jp_reason reason);

/*
 * Whether it denies a good token of the right user that merely lacks a right:
 * this service, its scope, this address, its groups. Another request may pass.
 */
bool jp_reason_rights(enum jp_reason reason);

/* Its name for logs, JSON and `pat-admin test`; never NULL. */
const char *jp_reason_name(enum jp_reason reason);

/* One phrase about it for people; never NULL. */
const char *jp_reason_text(enum jp_reason reason);

/* "denied", "unavailable" or "accepted"; never NULL. */
const char *jp_verdict_name(enum jp_verdict verdict);

#endif
