/*
 * Whether a token may be in a stretch of a text (token_ends.h), in any of the
 * forms that token_match.h reads: faster than that, and sometimes wrong, but
 * then it says yes.
 */
#ifndef JP_TOKEN_FILTER_H
#define JP_TOKEN_FILTER_H

#include "common/record/token_ends.h"

enum {
	JP_FILTER_MAX = 4096 + 640, /* bytes of a stretch */
	/* Letters of base64 that hold any token, in base64 once. */
	JP_FILTER_OVERLAP = 160,
	JP_FILTER_LEVELS = 2, /* base64 in base64 */
};

/* Room to work in. It holds secrets: whoever owns it wipes it. */
struct jp_token_filter {
	const char *prefix; /* of tokens that are reported unchecked; set it */
	char text[JP_FILTER_MAX];
	struct jp_filter_level {
		unsigned char sextets[JP_FILTER_MAX];
		char bytes[JP_FILTER_MAX];
	} levels[JP_FILTER_LEVELS];
};

/* Where the text goes on beyond the stretch. */
struct jp_filter_open {
	bool begin; /* JP_FILTER_OVERLAP letters of it were asked about */
	bool end;
};

/*
 * Whether a token may be in `len` bytes, at most JP_FILTER_MAX, in front of
 * which no escape is open. A token that is cut counts if it has all letters of
 * an overlap in it.
 */
bool jp_token_filter(struct jp_token_filter *filter, const char *text,
    size_t len, struct jp_filter_open open);

/* Whether an overlap is in the bytes, in front of which no escape is open. */
bool jp_token_filter_overlaps(
    struct jp_token_filter *filter, const char *text, size_t len);

#endif
