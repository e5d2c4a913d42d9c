/*
 * The error codes of jira-pat: one list, each with a name for logs and a text
 * for people. A function that can fail returns `enum jp_err`. What a code
 * means to a caller of PAM, SASL or the shell is decided there, not here.
 */
#ifndef JP_ERR_H
#define JP_ERR_H

/* X(CODE, name, text) */
#define JP_ERR_LIST(X)                                                         \
	X(OK, "ok", "done")                                                    \
	X(INVALID, "invalid", "malformed value")                               \
	X(TOO_LONG, "too-long", "value too long")                              \
	X(TRUNCATED, "truncated", "data ends too early")                       \
	X(TRAILING, "trailing", "data goes on after its end")                  \
	X(CHECKSUM, "checksum", "checksum does not match")                     \
	X(NEWER, "newer", "written by a newer version of jira-pat")            \
	X(NOT_FOUND, "not-found", "no such token")                             \
	X(EXISTS, "exists", "already there")                                   \
	X(REFUSED, "refused", "refused by the policy")                         \
	X(NOMEM, "nomem", "out of memory")                                     \
	X(PERMISSION, "permission", "permission denied")                       \
	X(IO, "io", "input/output error")                                      \
	X(DISK_FULL, "disk-full", "no space left on the disk")                 \
	X(LOCKED, "locked", "in use by another process")                       \
	X(MISSING, "missing", "not there")                                     \
	X(DAMAGED, "damaged", "damaged")                                       \
	X(CONFIG, "config", "wrong configuration")                             \
	X(UNREACHABLE, "unreachable", "nobody answers")                        \
	X(TIMEOUT, "timeout", "no answer in time")                             \
	X(PEER, "peer", "the process at the other end is not trusted")         \
	X(PROTOCOL, "protocol", "unexpected message")                          \
	X(OVERLOAD, "overload", "too many requests at once")                   \
	X(BUSY, "busy", "being written just now")

enum jp_err {
#define JP_ERR_ENUM(code, name, text) JP_ERR_##code,
	JP_ERR_LIST(JP_ERR_ENUM)
#undef JP_ERR_ENUM
};

enum {
#define JP_ERR_ONE(code, name, text) +1
	JP_ERR_COUNT = 0 JP_ERR_LIST(JP_ERR_ONE)
#undef JP_ERR_ONE
};

/* The short name of `err`, for logs and JSON; never NULL. */
const char *jp_err_name(enum jp_err err);

/* One phrase about `err` for people; never NULL. */
const char *jp_err_text(enum jp_err err);

/* The code that fits the errno value `errnum`; JP_ERR_IO when none does. */
enum jp_err jp_err_from_errno(int errnum);

#define JP_WHY_MAX 512

/*
 * What went wrong, in one line for people: set by the functions that know
 * more than their error code says. Never holds a secret: tokens are masked.
 */
struct jp_why {
	char text[JP_WHY_MAX];
};

/* Writes the line, cut to its room; returns `err`, to end a function with. */
enum jp_err jp_why(struct jp_why *why, enum jp_err err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
