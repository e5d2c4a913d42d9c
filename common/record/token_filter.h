/*
 * Whether a token may be in a stretch of a text (token_ends.h), in any of the
 * forms that token_match.h reads: faster than that, and sometimes wrong, but
 * then it says yes.
 */
#ifndef JP_TOKEN_FILTER_H
#define JP_TOKEN_FILTER_H

#include "common/record/token_ends.h"

enum {
	JP_FILTER_MAX = 4096 + 512, /* bytes of a stretch */
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
	bool begin; /* at least JP_FILTER_OVERLAP letters were asked about */
	bool end;
};

enum jp_filter_answer {
	JP_FILTER_NO,
	JP_FILTER_YES,
	JP_FILTER_UNKNOWN, /* it takes the whole stretch, from its true begin */
};

/*
 * Asks about `len` bytes, at most JP_FILTER_MAX. NO: no token ends in them,
 * but for one that has less than all letters of the overlap in them.
 */
enum jp_filter_answer jp_token_filter(struct jp_token_filter *filter,
    const char *text, size_t len, struct jp_filter_open open);

#endif
