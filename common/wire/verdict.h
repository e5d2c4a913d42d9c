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
	JP_UNAVAILABLE = 1, /* could not be decided: try again later */
	JP_ACCEPT = 2,
	JP_MAY = 3, /* no token was asked for: this user may, if they prove who
	               they are elsewhere; it is no acceptance */
};

/*
 * What kind of denial it is, for fronts whose protocol tells them apart: as
 * little as a client may learn of the reason.
 */
enum jp_denial {
	JP_DENIAL_CREDENTIALS = 0, /* not a live token of this user */
	JP_DENIAL_RIGHTS = 1,      /* one that merely lacks a right */
	JP_DENIAL_THROTTLED = 2,   /* neither, and too many were before */
};

/*
 * What a decision has found out about the text that was given as a token. The
 * zero value is nothing: such a text counts as no live token, and its secret
 * as not proved.
 */
enum jp_finding {
	JP_FINDING_NOTHING = 0, /* it was not looked at, or could not be */
	JP_FINDING_OTHER,       /* it is formatted as no token that is taken */
	JP_FINDING_DAMAGED,     /* as a token, with a wrong checksum */
	JP_FINDING_UNKNOWN,     /* no token has its id */
	JP_FINDING_FORGED,      /* a token has its id, and another secret */
	JP_FINDING_PROVED,      /* the secret is that of the token */
	JP_FINDING_LACKS_RIGHT, /* the same; the token merely lacks a right */
};

/*
 * X(CODE, number, verdict, finding, name, text), in the order of the decision:
 * where several hold, the first one is the reason. The number crosses
 * admin.sock: a new reason takes the next one, and none ever changes.
 */
#define JP_REASON_LIST(X)                                                      \
	X(NONE, 0, JP_DENY, NOTHING, "none", "not decided")                    \
	X(SHAPE, 1, JP_DENY, OTHER, "shape", "not formatted as a token")       \
	X(CRC, 2, JP_DENY, DAMAGED, "crc",                                     \
	    "the token's checksum is wrong: a typing error?")                  \
	X(UNKNOWN_ID, 3, JP_DENY, UNKNOWN, "unknown-id",                       \
	    "no token has this id")                                            \
	X(FAST_TAG, 4, JP_DENY, FORGED, "fast-tag",                            \
	    "the secret part is wrong")                                        \
	X(SECRET, 5, JP_DENY, FORGED, "secret", "the secret part is wrong")    \
	X(USER, 6, JP_DENY, PROVED, "wrong-user",                              \
	    "the token belongs to another user")                               \
	X(REVOKED, 7, JP_DENY, PROVED, "revoked", "the token is revoked")      \
	X(SUPERSEDED, 8, JP_DENY, PROVED, "superseded",                        \
	    "the token was rotated and its grace is over")                     \
	X(EXPIRED, 9, JP_DENY, PROVED, "expired", "the token is expired")      \
	X(UNUSED, 10, JP_DENY, PROVED, "unused",                               \
	    "the token was not used for too long")                             \
	X(USER_DISABLED, 11, JP_DENY, PROVED, "user-disabled",                 \
	    "the user is disabled")                                            \
	X(SERVICE, 12, JP_DENY, LACKS_RIGHT, "service",                        \
	    "the token does not serve this service")                           \
	X(SCOPE, 13, JP_DENY, LACKS_RIGHT, "scope",                            \
	    "the token lacks the scope of the service")                        \
	X(ADDRESS, 14, JP_DENY, LACKS_RIGHT, "address",                        \
	    "the token may not come from there")                               \
	X(GROUP, 15, JP_DENY, LACKS_RIGHT, "group",                            \
	    "the user is in no group of the service")                          \
	X(STORE, 16, JP_UNAVAILABLE, NOTHING, "store",                         \
	    "the store cannot be read")                                        \
	X(GROUP_SOURCE, 17, JP_UNAVAILABLE, NOTHING, "group-source",           \
	    "the name service does not tell groups")                           \
	X(RECORD, 18, JP_UNAVAILABLE, NOTHING, "record",                       \
	    "the token's record is damaged")                                   \
	X(MEMORY, 19, JP_UNAVAILABLE, NOTHING, "memory",                       \
	    "not enough memory for Argon2id")                                  \
	X(OVERLOAD, 20, JP_UNAVAILABLE, NOTHING, "overload",                   \
	    "too many requests at once")                                       \
	/* Denied as an unknown user is: another answer would show the user.   \
	 */                                                                    \
	X(THROTTLED, 21, JP_DENY, NOTHING, "throttled",                        \
	    "too many wrong secrets for this token")                           \
	X(AUDIT, 22, JP_UNAVAILABLE, NOTHING, "audit",                         \
	    "the audit trail cannot be written")                               \
	X(STOPPING, 23, JP_UNAVAILABLE, NOTHING, "stopping",                   \
	    "patd is stopping")                                                \
	X(ACCEPTED, 24, JP_ACCEPT, PROVED, "accepted", "accepted")             \
	X(NO_TOKEN, 25, JP_DENY, NOTHING, "no-token",                          \
	    "the user has no token that would be accepted here")               \
	X(ACCOUNT, 26, JP_MAY, NOTHING, "account",                             \
	    "the user may, by one of their tokens")                            \
	/* Behind GROUP. */                                                    \
	X(UPSTREAM, 27, JP_DENY, LACKS_RIGHT, "upstream",                      \
	    "the user has no upstream credential for the service")             \
	/* Behind USED_UP. */                                                  \
	X(DISABLED, 28, JP_DENY, PROVED, "disabled", "the token is disabled")  \
	/* In front of DISABLED if the parent is dead, else behind             \
	 * USER_DISABLED. */                                                   \
	X(PARENT, 29, JP_DENY, PROVED, "parent",                               \
	    "the token that this one is a child of is dead or disabled")       \
	/* Behind EXPIRED. */                                                  \
	X(USED_UP, 30, JP_DENY, PROVED, "used-up",                             \
	    "the token was used as often as it may be")                        \
	/* Instead of what this host alone cannot know: patd/cluster.h. */     \
	X(LEASE, 31, JP_UNAVAILABLE, NOTHING, "lease",                         \
	    "this host has lost the others of its cluster")

enum jp_reason {
#define JP_REASON_ENUM(code, number, verdict, finding, name, text)             \
	JP_REASON_##code = (number),
	JP_REASON_LIST(JP_REASON_ENUM)
#undef JP_REASON_ENUM
};

enum {
#define JP_REASON_ONE(...) +1
	JP_REASON_COUNT = 0 JP_REASON_LIST(JP_REASON_ONE)
#undef JP_REASON_ONE
};

/* A number that is no reason counts as JP_REASON_NONE in all of these. */

/* The verdict that `reason` leads to. */
enum jp_verdict jp_reason_verdict(enum jp_reason reason);

enum jp_finding jp_reason_finding(enum jp_reason reason);

/* Whether it is a denial that is found after the secret has been proved. */
bool jp_reason_proved(enum jp_reason reason);

/*
 * Whether it denies a good token of the right user that merely lacks a right:
 * this service, its scope, this address, its groups, or what is to be shown
 * behind it. Another request may pass.
 */
bool jp_reason_rights(enum jp_reason reason);

/*
 * What clients may be told of a denial, if it is known from the reason alone:
 * never THROTTLED, which would show that there is a secret to guess.
 */
enum jp_denial jp_reason_denial(enum jp_reason reason);

/* Its name for logs, JSON and `pat-admin test`; never NULL. */
const char *jp_reason_name(enum jp_reason reason);

/* One phrase about it for people; never NULL. */
const char *jp_reason_text(enum jp_reason reason);

/* "denied", "unavailable" or "accepted"; never NULL. */
const char *jp_verdict_name(enum jp_verdict verdict);

#endif
