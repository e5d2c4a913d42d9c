/*
 * A row of a command's table of options, and what is done with its value. Most
 * rows name a member of the command's arguments; the macros below do not
 * compile where that has another type than the row needs.
 */
#ifndef PAT_ADMIN_OPTION_H
#define PAT_ADMIN_OPTION_H

#include <stdbool.h>
#include <stddef.h>

#include "common/admin/admin.h"

/* Takes one argument into the command's `args`; `why` tells what is wrong. */
typedef enum jp_err (*take_value)(void *args, char *value, struct jp_why *why);

enum cmd_kind {
	CMD_IS_CALL,
	CMD_IS_FLAG,
	CMD_IS_TEXT,
	CMD_IS_FIELD,
	CMD_IS_USER,
	CMD_IS_TOKEN_ID,
	CMD_IS_SPAN,
	CMD_IS_SPAN_OR_0,
	CMD_IS_EXPIRY,
};

struct cmd_option {
	const char *name;  /* "--expires"; "FILE" of a word */
	const char *value; /* "WHEN" in the help; NULL: takes none */
	const char *help;
	enum cmd_kind kind;
	size_t at;           /* the member of `args` */
	size_t size;         /* bytes of a field */
	const char *example; /* of a span, for the error message */
	take_value take;     /* of a call */
};

/* Where the member is; does not compile unless `&where` is a `pointer`. */
#define CMD_AT(args, member, where, pointer)                                   \
	_Generic(&((args *)NULL)->where, pointer : offsetof(args, member))

/* Anything else: `take` does it. */
#define CMD_CALL(name, value, help, take)                                      \
	{                                                                      \
		name, value, help, CMD_IS_CALL, 0, 0, NULL, take               \
	}

/* A bool, which becomes true. */
#define CMD_FLAG(name, help, args, member)                                     \
	{                                                                      \
		name, NULL, help, CMD_IS_FLAG,                                 \
		    CMD_AT(args, member, member, bool *), 0, NULL, NULL        \
	}

/* A const char *: the argument as it is. */
#define CMD_TEXT(name, value, help, args, member)                              \
	{                                                                      \
		name, value, help, CMD_IS_TEXT,                                \
		    CMD_AT(args, member, member, const char **), 0, NULL, NULL \
	}

/* An array of char that holds a text for a record: jp_text_check(). */
#define CMD_FIELD(name, value, help, args, member)                             \
	{                                                                      \
		name, value, help, CMD_IS_FIELD,                               \
		    CMD_AT(args, member, member[0], char *),                   \
		    sizeof(((args *)NULL)->member), NULL, NULL                 \
	}

/* An array for the name of a user: jp_user_check(). */
#define CMD_USER(name, value, help, args, member)                              \
	{                                                                      \
		name, value, help, CMD_IS_USER,                                \
		    CMD_AT(args, member, member, char(*)[JP_USER_MAX + 1]),    \
		    JP_USER_MAX + 1, NULL, NULL                                \
	}

/* An array for the id of a token: arguments_token_id(). */
#define CMD_TOKEN_ID(name, value, help, args, member)                          \
	{                                                                      \
		name, value, help, CMD_IS_TOKEN_ID,                            \
		    CMD_AT(                                                    \
		        args, member, member, char(*)[JP_TOKEN_ID_LEN + 1]),   \
		    0, NULL, NULL                                              \
	}

/* A duration in an int64_t of seconds, never 0. */
#define CMD_SPAN(name, help, example, args, member)                            \
	{                                                                      \
		name, "DURATION", help, CMD_IS_SPAN,                           \
		    CMD_AT(args, member, member, int64_t *), 0, example, NULL  \
	}

/* The same, or 0. */
#define CMD_SPAN_OR_0(name, help, example, args, member)                       \
	{                                                                      \
		name, "DURATION", help, CMD_IS_SPAN_OR_0,                      \
		    CMD_AT(args, member, member, int64_t *), 0, example, NULL  \
	}

/* The end of a token, in a request: arguments_expires(). */
#define CMD_EXPIRY(name, args, member)                                         \
	{                                                                      \
		name, "WHEN", "90d, 2027-01-31, 2027-01-31T12:00:00Z, never",  \
		    CMD_IS_EXPIRY,                                             \
		    CMD_AT(args, member, member, struct jp_admin_request *),   \
		    0, NULL, NULL                                              \
	}

/* Takes `value`, NULL where the option has none, into `args`. */
enum jp_err option_take(const struct cmd_option *option, void *args,
    char *value, struct jp_why *why);

#endif
