#include "common/record/token_ends.h"

#include <stdint.h>

#include "common/base/unescape.h"

#define NO_START SIZE_MAX

enum {
	STEP = 16,      /* bytes in which the end of a stretch is looked for */
	LINE_LOOK = 64, /* bytes that are looked at in front of a mark */
};

/* What a byte is, of itself. */
enum kind {
	END,    /* always one */
	SOFT,   /* may be in a token, in base64 or in an escape */
	MARK,   /* an end, unless only such are in front of it in its line */
	ESCAPE, /* an end, unless an escape begins with it */
};

#define LETTERS                                                                \
	['0' ... '9'] = SOFT, ['A' ... 'Z'] = SOFT, ['a' ... 'z'] = SOFT,      \
	         ['+'] = SOFT, ['/'] = SOFT, ['-'] = SOFT, ['_'] = SOFT,       \
	         ['\n'] = SOFT, ['\r'] = SOFT, ['\0'] = SOFT
#define MARKS                                                                  \
	[' '] = MARK, ['\t'] = MARK, ['>'] = MARK, ['*'] = MARK, ['|'] = MARK

static const uint8_t kinds_unescaped[256] = { LETTERS, MARKS, ['#'] = MARK };
static const uint8_t kinds_escaped[256] = { LETTERS,
	MARKS, ['#'] = SOFT, [';'] = SOFT, ['{'] = SOFT, ['}'] = SOFT,
	['%'] = ESCAPE, ['\\'] = ESCAPE, ['&'] = ESCAPE, ['='] = ESCAPE };

static enum kind
kind_of(const struct jp_ends *ends, char c)
{
	return ends->escapes ? kinds_escaped[(unsigned char)c]
	                     : kinds_unescaped[(unsigned char)c];
}

bool
jp_is_end(char c)
{
	return kinds_unescaped[(unsigned char)c] == END;
}

/* What an escape character is. */
enum escape {
	ESCAPE_NONE, /* itself */
	ESCAPE_END,  /* the first byte of an escape that stands for an end */
	ESCAPE_SOFT, /* of another one, or it takes more of the text to know */
};

static enum escape
escape_at(const struct jp_ends *ends, size_t at)
{
	char c;
	size_t len = jp_unescape_peek(ends->text + at, ends->len - at, &c);

	if (len == 1)
		return ESCAPE_NONE;
	return len > 1 && kind_of(ends, c) == END ? ESCAPE_END : ESCAPE_SOFT;
}

/*
 * Where nothing in front matters any more, because of an escape character: in
 * front of an escape that stands for an end, unless it is itself escaped.
 */
static size_t
start_at_escape(const struct jp_ends *ends, size_t at)
{
	switch (escape_at(ends, at)) {
	case ESCAPE_NONE:
		return at + 1;
	case ESCAPE_END:
		if (at > ends->start && ends->text[at - 1] != '\0' &&
		    kind_of(ends, ends->text[at - 1]) != ESCAPE)
			return at;
		break;
	case ESCAPE_SOFT:
		break;
	}
	return NO_START;
}

/* What a byte in front of a mark says of the line that they are in. */
enum sight {
	SEES_LITTLE, /* may itself be ignored at the beginning of a line */
	SEES_MARK,
	SEES_BEGIN,
	SEES_TEXT, /* stands in the line, if it is not of an escape */
	SEES_END,
	SEES_ESCAPE, /* that may stand for the end of a line */
};

static enum sight
sight_of(const struct jp_ends *ends, size_t at)
{
	char c = ends->text[at];

	if (c == '\n')
		return SEES_BEGIN;
	if (c == '+' || c == '-' || c == '#' || c == '\0')
		return SEES_LITTLE;
	switch (kind_of(ends, c)) {
	case END:
		return SEES_END;
	case MARK:
		return SEES_MARK;
	case ESCAPE:
		return escape_at(ends, at) == ESCAPE_SOFT ? SEES_ESCAPE
		                                          : SEES_END;
	case SOFT:
		break;
	}
	return SEES_TEXT;
}

/*
 * Whether something is in front of the mark in its line. If that is not sure,
 * `seen` is where: up to there, it is not for other marks either.
 */
static bool
is_midline(const struct jp_ends *ends, size_t mark, size_t *seen)
{
	size_t least =
	    mark - ends->start > LINE_LOOK ? mark - LINE_LOOK : ends->start;
	bool text = false;

	for (*seen = mark; *seen > least;)
		switch (sight_of(ends, --*seen)) {
		case SEES_LITTLE:
			break;
		case SEES_TEXT:
			if (!ends->escapes)
				return true;
			text = true;
			break;
		case SEES_MARK:
			if (text)
				return true;
			break;
		case SEES_BEGIN: /* may be in an escape, after one more */
			if (!text)
				return false;
			break;
		case SEES_END:
			return true;
		case SEES_ESCAPE:
			return false;
		}
	return least == ends->start && ends->midline;
}

/*
 * Where a stretch begins: behind the last end in [from, to), or in front of an
 * escape there. NO_START if there is none.
 */
static size_t
last_start(const struct jp_ends *ends, size_t from, size_t to)
{
	const uint8_t *kinds = ends->escapes ? kinds_escaped : kinds_unescaped;
	size_t start;

	while (to > from) {
		size_t at = --to;

		switch ((enum kind)kinds[(unsigned char)ends->text[at]]) {
		case SOFT:
			break;
		case END:
			return at + 1;
		case MARK:
			if (is_midline(ends, at, &to))
				return at + 1;
			break;
		case ESCAPE:
			start = start_at_escape(ends, at);
			if (start != NO_START)
				return start;
			break;
		}
	}
	return NO_START;
}

void
jp_ends_extend(struct jp_ends *ends, size_t from, struct jp_stretch *stretch)
{
	size_t start = NO_START;

	stretch->from = ends->start;
	while (start == NO_START && from < ends->len) {
		size_t to = ends->len - from > STEP ? from + STEP : ends->len;

		start = last_start(ends, from, to);
		from = to;
	}
	stretch->closed = start != NO_START;
	stretch->to = stretch->closed ? start : ends->len;
	ends->start = stretch->to;
	ends->midline = true;
}

bool
jp_ends_stretch(struct jp_ends *ends, struct jp_stretch *stretch)
{
	size_t known = ends->start; /* none begins from `start` up to it */

	while (ends->len - ends->start >= JP_TOKEN_LEAST) {
		size_t to = ends->start + JP_TOKEN_LEAST;
		size_t start = last_start(ends, known, to);

		if (start == NO_START) {
			jp_ends_extend(ends, to, stretch);
			return true;
		}
		ends->start = start;
		ends->midline = true;
		known = to;
	}
	return false;
}
