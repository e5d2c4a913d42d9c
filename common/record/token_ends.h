/*
 * The ends in a text: bytes behind which nothing in front of them matters to
 * common/record/token_match.h, in any of its readings. A token, in whatever
 * form, lies between two of them that are neighbours, so that most of a text
 * can be skipped: it has an end among each JP_TOKEN_LEAST bytes, and the last
 * one of these is as good as the first.
 */
#ifndef JP_TOKEN_ENDS_H
#define JP_TOKEN_ENDS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/token_shape.h"

enum {
	/* Bytes of the shortest token, `x_ID_SECRET` and its checksum. */
	JP_TOKEN_LEAST = 1 + 1 + JP_TOKEN_ID_LEN + 1 + JP_TOKEN_SECRET_LEN +
	                 JP_TOKEN_CRC_LEN,
};

/* A text that is searched for ends. */
struct jp_ends {
	const char *text;
	size_t len;
	size_t start; /* searched up to here; nothing in front matters */
	bool midline; /* at `start`, no line begins, and no escape is open */
	bool escapes; /* characters may be escaped */
};

/* A part of a text without an end but for its last byte. */
struct jp_stretch {
	size_t from, to;
	bool closed; /* its last byte is an end; else the text's last one */
};

/* Whether `c` is an end wherever it stands, if nothing is escaped. */
bool jp_is_end(char c);

/*
 * The next stretch of at least JP_TOKEN_LEAST bytes; `start` moves behind it.
 * False if there is none: what is behind `start` is shorter.
 */
bool jp_ends_stretch(struct jp_ends *ends, struct jp_stretch *stretch);

/*
 * Where the stretch that begins at `start`, and has no end in front of `from`,
 * goes on to.
 */
void
jp_ends_extend(struct jp_ends *ends, size_t from, struct jp_stretch *stretch);

#endif
