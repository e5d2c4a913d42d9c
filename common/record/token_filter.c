#include "common/record/token_filter.h"

#include <string.h>

#include "common/base/unescape.h"
#include "common/record/sextet.h"

enum {
	PHASES = 4,
	CODE_LEN = JP_TOKEN_SECRET_LEN + JP_TOKEN_CRC_LEN,
	SEXTETS_LEAST = (JP_TOKEN_LEAST * 8 + 5) / 6,
	BREAK = 0x40, /* no sextet: base64 ends */
};

/* ---- Of itself ---- */

static bool
is_base62(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= 'a' && c <= 'z'))
			return false;
	}
	return true;
}

/* `x_ID_SECRET` is in it. */
static bool
has_shape(const char *text, size_t len)
{
	enum { BEHIND = JP_TOKEN_LEAST - 2, NEXT = JP_TOKEN_ID_LEN + 1 };
	const char *end = text + len, *at = text + 1;

	while ((size_t)(end - at) > BEHIND) {
		at = memchr(at, '_', (size_t)(end - at) - BEHIND);
		if (at == NULL)
			return false;
		if (at[NEXT] == '_' && is_base62(at - 1, 1) &&
		    is_base62(at + 1, JP_TOKEN_ID_LEN) &&
		    is_base62(at + NEXT + 1, CODE_LEN))
			return true;
		at++;
	}
	return false;
}

/* ---- In base64 ---- */

/*
 * The sextets in the text. Marks at the beginning of a line are left out; `+`
 * and `-` are such, unless `keep`: some readings take them for letters. `signs`
 * is set if there are any.
 */
static size_t
sextets_in(const char *text, size_t len, bool keep, unsigned char *sextets,
    bool *signs)
{
	size_t count = 0;
	bool begins = false;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		int sextet = jp_sextet(c);

		if (begins && (c == '+' || c == '-')) {
			*signs = true;
			if (!keep)
				continue;
		}
		if (c == '\n') {
			begins = true;
			continue;
		}
		if (begins && c != '\0' && strchr(" \t>#*|", c) != NULL)
			continue;
		begins = false;
		if (sextet >= 0)
			sextets[count++] = (unsigned char)sextet;
		else if (c != '\r')
			sextets[count++] = BREAK;
	}
	return count;
}

/* One byte of two neighbours; one that is an end where base64 is broken. */
static char
join(unsigned int a, unsigned int b, int shift)
{
	return ((a | b) & BREAK) != 0 ? '\xff'
	                              : (char)((a << 6 | b) >> shift & 0xff);
}

/* The bytes that groups of four hold, as of the first one. */
static size_t
decode(const unsigned char *sextets, size_t count, char *bytes)
{
	size_t len = 0;

	for (size_t i = 0; i + 1 < count; i++) {
		if (i % PHASES != PHASES - 1)
			bytes[len++] = join(sextets[i], sextets[i + 1],
			    4 - 2 * (int)(i % PHASES));
	}
	return len;
}

static bool holds(struct jp_token_filter *filter, char *text, size_t len,
    size_t level, struct jp_filter_open open);

static bool
base64_holds(struct jp_token_filter *filter, const char *text, size_t len,
    size_t level, struct jp_filter_open open)
{
	struct jp_filter_level *room = &filter->levels[level];
	bool signs = false;

	for (int keep = 0; keep <= signs; keep++) {
		size_t count =
		    sextets_in(text, len, keep != 0, room->sextets, &signs);

		if (count < SEXTETS_LEAST)
			continue;
		for (size_t phase = 0; phase < PHASES; phase++) {
			size_t bytes = decode(
			    room->sextets + phase, count - phase, room->bytes);

			if (holds(filter, room->bytes, bytes, level + 1, open))
				return true;
		}
	}
	return false;
}

/* ---- The whole ---- */

/* Without NUL, which is half of a character in UTF-16; also in place. */
static size_t
squeeze(const char *text, size_t len, char *dst)
{
	size_t used = 0;

	if (text == dst && memchr(text, '\0', len) == NULL)
		return len;
	for (size_t i = 0; i < len; i++) {
		dst[used] = text[i];
		used += text[i] != '\0';
	}
	return used;
}

/* `text` has no escapes; NUL is taken out of it. */
static bool
holds(struct jp_token_filter *filter, char *text, size_t len, size_t level,
    struct jp_filter_open open)
{
	struct jp_ends ends = {
		.text = text, .len = len, .midline = level == 0 || !open.begin
	};
	struct jp_stretch stretch;

	while (jp_ends_stretch(&ends, &stretch)) {
		struct jp_filter_open inner = {
			.begin = open.begin && stretch.from == 0,
			.end = open.end && !stretch.closed,
		};
		char *part = text + stretch.from;
		size_t part_len = stretch.to - stretch.from;

		/* Cut, it may hold base64 that is cut, and however long. */
		if (level == 1 && (inner.begin || inner.end))
			return true;
		part_len = squeeze(part, part_len, part);
		if (part_len < JP_TOKEN_LEAST)
			continue;
		if (has_shape(part, part_len))
			return true;
		if (level < JP_FILTER_LEVELS &&
		    base64_holds(filter, part, part_len, level, inner))
			return true;
	}
	return false;
}

static size_t
unescape(const char *text, size_t len, char *dst)
{
	struct jp_unescape_all state = { 0 };
	char out[JP_UNESCAPE_ALL_MAX];
	size_t used = 0;

	for (size_t i = 0; i < len; i++)
		if (text[i] != '\0')
			used += squeeze(out,
			    jp_unescape_all(&state, text[i], out), dst + used);
	used += squeeze(out, jp_unescape_all_end(&state, out), dst + used);
	return used;
}

enum jp_filter_answer
jp_token_filter(struct jp_token_filter *filter, const char *text, size_t len,
    struct jp_filter_open open)
{
	bool escaped =
	    memchr(text, '%', len) != NULL || memchr(text, '\\', len) != NULL ||
	    memchr(text, '&', len) != NULL || memchr(text, '=', len) != NULL;
	bool found;

	if (escaped && (open.begin || open.end))
		return JP_FILTER_UNKNOWN;
	memcpy(filter->text, text, len);
	found = holds(filter, filter->text, len, 0, open);
	if (!found && escaped)
		found = holds(filter, filter->text,
		    unescape(text, len, filter->text), 0, open);
	return found ? JP_FILTER_YES : JP_FILTER_NO;
}
