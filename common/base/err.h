/*
 * The error codes of jira-pat: one list, each with a name for logs and a text
 * for people. A function that can fail returns `enum jp_err`. What a code
 * means to a caller of PAM, SASL or the shell is decided there, not here.
 */
#ifndef JP_ERR_H
#define JP_ERR_H

/*
 * X(CODE, number, name, text). The number crosses admin.sock: a new error takes
 * the next one, and none ever changes.
 */
#define JP_ERR_LIST(X)                                                         \
	X(OK, 0, "ok", "done")                                                 \
	X(INVALID, 1, "invalid", "malformed value")                            \
	X(TOO_LONG, 2, "too-long", "value too long")                           \
	X(TRUNCATED, 3, "truncated", "data ends too early")                    \
	X(TRAILING, 4, "trailing", "data goes on after its end")               \
	X(CHECKSUM, 5, "checksum", "checksum does not match")                  \
	X(NEWER, 6, "newer", "written by a newer version of jira-pat")         \
	X(NOT_FOUND, 7, "not-found", "no such token")                          \
	X(EXISTS, 8, "exists", "already there")                                \
	X(REFUSED, 9, "refused", "refused by the policy")                      \
	X(NOMEM, 10, "nomem", "out of memory")                                 \
	X(PERMISSION, 11, "permission", "permission denied")                   \
	X(IO, 12, "io", "input/output error")                                  \
	X(DISK_FULL, 13, "disk-full", "no space left on the disk")             \
	X(LOCKED, 14, "locked", "in use by another process")                   \
	X(MISSING, 15, "missing", "not there")                                 \
	X(DAMAGED, 16, "damaged", "damaged")                                   \
	X(CONFIG, 17, "config", "wrong configuration")                         \
	X(UNREACHABLE, 18, "unreachable", "nobody answers")                    \
	X(TIMEOUT, 19, "timeout", "no answer in time")                         \
	X(PEER, 20, "peer", "the process at the other end is not trusted")     \
	X(PROTOCOL, 21, "protocol", "unexpected message")                      \
	X(OVERLOAD, 22, "overload", "too many requests at once")               \
	X(BUSY, 23, "busy", "being written just now")                          \
	X(CONFLICT, 24, "conflict", "changed by another host meanwhile")

enum jp_err {
#define JP_ERR_ENUM(code, number, name, text) JP_ERR_##code = (number),
	JP_ERR_LIST(JP_ERR_ENUM)
#undef JP_ERR_ENUM
};

enum {
#define JP_ERR_ONE(...) +1
	JP_ERR_COUNT = 0 JP_ERR_LIST(JP_ERR_ONE)
#undef JP_ERR_ONE
};

/* The short name of `err`, for logs and JSON; never NULL: "unknown" for no err.
 */
const char *jp_err_name(enum jp_err err);

/* One phrase about `err` for people; never NULL. */
const char *jp_err_text(enum jp_err err);

/* The code that fits the errno value `errnum`; JP_ERR_IO when none does. */
enum jp_err jp_err_from_errno(int errnum);

/*
 * X(CODE, number, id): why a request was refused, for programs and pages that
 * say it in their own words or act by it. The number crosses admin.sock and the
 * id is a promise to callers: append only, and none ever changes.
 */
#define JP_REFUSAL_LIST(X)                                                     \
	X(NONE, 0, "") /* nothing but the text is known about it */            \
	X(NAME_REQUIRED, 1, "name-required")                                   \
	X(NAME_INVALID, 2, "name-invalid")                                     \
	X(SCOPE_REQUIRED, 3, "scope-required")                                 \
	X(SCOPE_NOT_ALLOWED, 4, "scope-not-allowed")                           \
	X(SCOPE_INVALID, 5, "scope-invalid") /* or a service, or a network */  \
	X(LIFETIME_TOO_LONG, 6, "lifetime-too-long")                           \
	X(LIFETIME_PAST, 7, "lifetime-past")                                   \
	X(TOO_MANY, 8, "too-many-tokens")                                      \
	X(TOO_FAST, 9, "too-fast")                                             \
	X(USER_DISABLED, 10, "user-disabled")                                  \
	X(USER_UNKNOWN, 11, "user-unknown")                                    \
	X(NOT_ALLOWED, 12, "not-allowed")                                      \
	X(NOT_LIVE, 13, "not-live")                                            \
	X(ROTATED, 14, "rotated-already")                                      \
	X(WIDER, 15, "wider-than-parent")                                      \
	X(NEEDS_SCOPE, 16, "scope-tokens-needed")                              \
	X(LINK_GONE, 17, "link-gone")                                          \
	X(NOT_FOUND, 18, "not-found")                                          \
	X(USER_INVALID, 19, "user-invalid")                                    \
	X(AUDIT, 20, "audit") /* it cannot be logged, so it is not done */

enum jp_refusal {
#define JP_REFUSAL_ENUM(code, number, id) JP_REFUSAL_##code = (number),
	JP_REFUSAL_LIST(JP_REFUSAL_ENUM)
#undef JP_REFUSAL_ENUM
};

enum {
#define JP_REFUSAL_ONE(...) +1
	JP_REFUSAL_COUNT = 0 JP_REFUSAL_LIST(JP_REFUSAL_ONE)
#undef JP_REFUSAL_ONE
};

/* The id of `refusal`; "" for none and for what is no refusal; never NULL. */
const char *jp_refusal_id(enum jp_refusal refusal);

#define JP_WHY_MAX 512

/*
 * What went wrong, in one line for people: set by the functions that know
 * more than their error code says. Never holds a secret: tokens are masked.
 */
struct jp_why {
	char text[JP_WHY_MAX];
	enum jp_refusal refusal;
};

/*
 * Writes the line, cut to its room, without a refusal; returns `err`, to end a
 * function with.
 */
enum jp_err jp_why(struct jp_why *why, enum jp_err err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with the refusal that it is. */
enum jp_err
jp_why_refusal(struct jp_why *why, enum jp_err err, enum jp_refusal refusal,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Says of a line that is written which refusal it is; returns `err`. */
enum jp_err
jp_why_is(struct jp_why *why, enum jp_err err, enum jp_refusal refusal);

/* Nothing went wrong yet. */
void jp_why_clear(struct jp_why *why);

#endif
