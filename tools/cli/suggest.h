/*
 * "Did you mean": the name that is nearest to a mistyped one.
 */
#ifndef PAT_ADMIN_SUGGEST_H
#define PAT_ADMIN_SUGGEST_H

#include <stddef.h>

struct suggestion {
	const char *word; /* as it was typed */
	const char *best; /* NULL: none is near enough */
	size_t distance;
};

/* Starts a search; `word` stays the caller's. */
void suggestion_start(struct suggestion *suggestion, const char *word);

/* Takes `name` if it is nearer than those before, and near enough. */
void suggestion_try(struct suggestion *suggestion, const char *name);

/* Prints `did you mean X?` on stderr, if there is one. */
void suggestion_print(const struct suggestion *suggestion);

#endif
