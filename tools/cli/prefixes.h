/*
 * The prefixes of tokens: how many live tokens have which, and how a proxy
 * recognises one that was typed as a user name.
 */
#ifndef PAT_ADMIN_PREFIXES_H
#define PAT_ADMIN_PREFIXES_H

#include "tools/cli/session.h"

enum {
	PREFIX_COUNTS_MAX = 16, /* prefixes that are counted one by one */
	PREFIXES_TEXT_MAX = 1024,
	GUARD_MAX = 512, /* bytes of a pattern, with its NUL */
};

/* Tokens that have not ended, but perhaps by their prefix. */
struct prefix_counts {
	size_t len;
	struct prefix_count {
		char prefix[JP_TOKEN_PREFIX_MAX + 1];
		uint64_t tokens;
	} counts[PREFIX_COUNTS_MAX];
	uint64_t unknown; /* records of an older version, until the next use */
	uint64_t others;  /* of further prefixes */
};

/* Counts those in the store. */
enum jp_err prefixes_count(
    struct session *session, struct prefix_counts *counts, struct jp_why *why);

/*
 * Prints "jpat 12, old 3 (not accepted), unknown 4"; true: `policy` accepts
 * all that are known.
 */
bool prefixes_format(const struct prefix_counts *counts,
    const struct jp_policy *policy, char text[PREFIXES_TEXT_MAX]);

/*
 * A regular expression (PCRE) for what the base64 of "TOKEN:..." begins with,
 * whichever of its prefixes the token has.
 */
void guard_pattern(const struct jp_policy *policy, char text[GUARD_MAX]);

/*
 * Whether `line`, a guard of Apache or nginx, has the pattern of each prefix;
 * else `prefix` is the first that lacks. What is no guard lacks nothing.
 */
bool guard_complete(
    const char *line, const struct jp_policy *policy, const char **prefix);

#endif
