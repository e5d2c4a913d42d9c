#include "tools/cli/suggest.h"

#include <stdio.h>
#include <string.h>

enum {
	WORD_MAX = 32, /* bytes of what is compared */
	FAR = 3,       /* a distance of nothing in common */
};

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * Damerau-Levenshtein, restricted: insertions, deletions, replacements, and
 * neighbours that changed places.
 */
static size_t
distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t cost[WORD_MAX + 1][WORD_MAX + 1];

	for (size_t i = 0; i <= a_len; i++)
		cost[i][0] = i;
	for (size_t j = 0; j <= b_len; j++)
		cost[0][j] = j;
	for (size_t i = 1; i <= a_len; i++)
		for (size_t j = 1; j <= b_len; j++) {
			cost[i][j] =
			    least(least(cost[i - 1][j], cost[i][j - 1]) + 1,
			        cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				cost[i][j] =
				    least(cost[i][j], cost[i - 2][j - 2] + 1);
		}
	return cost[a_len][b_len];
}

void
suggestion_start(struct suggestion *suggestion, const char *word)
{
	*suggestion = (struct suggestion){ .word = word, .distance = FAR };
}

/* The beginning of a name is as near as one typing error. */
void
suggestion_try(struct suggestion *suggestion, const char *name)
{
	const char *word = suggestion->word;
	size_t len = strcspn(word, "="), name_len = strlen(name), found;

	if (len < 2 || len > WORD_MAX || name_len > WORD_MAX)
		return;
	found = distance(word, len, name, name_len);
	if (len > 2 && strncmp(word, name, len) == 0)
		found = least(found, 1);
	if (found >= suggestion->distance || found * 2 >= name_len)
		return;
	suggestion->best = name;
	suggestion->distance = found;
}

void
suggestion_print(const struct suggestion *suggestion)
{
	if (suggestion->best != NULL)
		(void)fprintf(stderr, "did you mean `%s`?\n", suggestion->best);
}
