#include "common/record/token_filter.h"

#include <string.h>

#include "common/base/unescape.h"
#include "common/record/sextet.h"
#include "common/record/token_match.h"

enum {
	PHASES = 4,
	CODE_LEN = JP_TOKEN_SECRET_LEN + JP_TOKEN_CRC_LEN,
	SEXTETS_LEAST = (JP_TOKEN_LEAST * 8 + 5) / 6,
	GROUPS_LEAST = (JP_TOKEN_LEAST - 2) / 3, /* whole ones in a token */
};

/* ---- Of itself ---- */

/* Whether a token ends at `end`, with all in front that may be its prefix. */
static bool
ends_token(
    const struct jp_token_filter *filter, const char *text, const char *end)
{
	const char *tail = end - (JP_TOKEN_LEAST - 1), *begin = tail;
	struct jp_token token;
	bool checked;

	while (begin > text && tail - begin < JP_TOKEN_PREFIX_MAX &&
	       jp_is_base62(begin - 1, 1))
		begin--;
	return begin < tail && jp_token_ending(filter->prefix, end,
	                           (size_t)(end - begin), &token, &checked) > 0;
}

static bool
has_token(const struct jp_token_filter *filter, const char *text, size_t len)
{
	enum { BEHIND = JP_TOKEN_LEAST - 2, NEXT = JP_TOKEN_ID_LEN + 1 };
	const char *end = text + len, *at = text + 1;

	while ((size_t)(end - at) > BEHIND) {
		at = memchr(at, '_', (size_t)(end - at) - BEHIND);
		if (at == NULL)
			return false;
		if (at[NEXT] == '_' && jp_is_base62(at + 1, JP_TOKEN_ID_LEN) &&
		    jp_is_base62(at + NEXT + 1, CODE_LEN) &&
		    ends_token(filter, text, at + NEXT + 1 + CODE_LEN))
			return true;
		at++;
	}
	return false;
}

/* ---- In base64 ---- */

/*
 * The sextets in the text; others where base64 ends. Marks at the beginning of
 * a line are left out, also `+` and `-`, which some readings take for letters:
 * no text of a token has them in its base64.
 */
static size_t
sextets_in(const char *text, size_t len, unsigned char *sextets)
{
	size_t count = 0;
	bool begins = false;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		begins =
		    c == '\n' || (begins && strchr(" \t+->#*|", c) != NULL);
		sextets[count] = jp_sextet(c);
		count += !begins && c != '\r';
	}
	return count;
}

/* One byte of two neighbours; one that is an end where base64 ends. */
static char
join(unsigned int a, unsigned int b, int shift)
{
	if (a == JP_NO_SEXTET || b == JP_NO_SEXTET)
		return '\xff';
	return (char)((a << 6 | b) >> shift & 0xff);
}

/* The bytes of one group, or of what there is of it. Returns how many. */
static size_t
decode_group(const unsigned char *sextets, size_t count, char bytes[3])
{
	size_t len = count < PHASES ? count : PHASES;

	for (size_t i = 0; i + 1 < len; i++)
		bytes[i] = join(sextets[i], sextets[i + 1], 4 - 2 * (int)i);
	return len > 0 ? len - 1 : 0;
}

static size_t
decode(const unsigned char *sextets, size_t count, char *bytes)
{
	size_t len = 0;

	for (size_t i = 0; i < count; i += PHASES)
		len += decode_group(sextets + i, count - i, bytes + len);
	return len;
}

/* No byte of the group is always an end. */
static bool
is_soft(const unsigned char *sextets)
{
	char bytes[3];

	(void)decode_group(sextets, PHASES, bytes);
	return !jp_is_end(bytes[0]) && !jp_is_end(bytes[1]) &&
	       !jp_is_end(bytes[2]);
}

/* A run of whole groups, of one phase, without such a byte. */
struct groups {
	const unsigned char *sextets;
	size_t count;    /* of sextets */
	size_t from, to; /* of groups */
};

/*
 * The next run that may hold a token; it has one of each GROUPS_LEAST groups.
 */
static bool
next_run(struct groups *run)
{
	size_t all = run->count / PHASES;
	size_t at = run->to + GROUPS_LEAST - 1;

	for (; at < all; at += GROUPS_LEAST) {
		size_t from = at, to = at;

		while (to < all && is_soft(run->sextets + PHASES * to))
			to++;
		if (to == at)
			continue;
		while (from > run->to &&
		       is_soft(run->sextets + PHASES * (from - 1)))
			from--;
		run->from = from;
		run->to = to;
		if (to - from >= GROUPS_LEAST)
			return true;
		at = to;
	}
	return false;
}

static bool holds(struct jp_token_filter *filter, char *text, size_t len,
    size_t level, struct jp_filter_open open);

/* The run, and the groups that it is between, of which parts may count. */
static bool
run_holds(struct jp_token_filter *filter, const struct groups *run,
    size_t level, struct jp_filter_open open)
{
	size_t from = run->from > 0 ? PHASES * (run->from - 1) : 0;
	size_t to = PHASES * (run->to + 1);
	size_t last = to < run->count ? to : run->count;
	char *bytes = filter->levels[level].bytes;

	open.begin = open.begin && from == 0;
	open.end = open.end && to >= run->count;
	return holds(filter, bytes,
	    decode(run->sextets + from, last - from, bytes), level + 1, open);
}

static bool
base64_holds(struct jp_token_filter *filter, const char *text, size_t len,
    size_t level, struct jp_filter_open open)
{
	unsigned char *sextets = filter->levels[level].sextets;
	size_t count = sextets_in(text, len, sextets);

	for (size_t phase = 0; phase < PHASES && phase < count; phase++) {
		struct groups run = { .sextets = sextets + phase,
			.count = count - phase };

		while (next_run(&run))
			if (run_holds(filter, &run, level, open))
				return true;
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
		if (has_token(filter, part, part_len))
			return true;
		if (level < JP_FILTER_LEVELS &&
		    base64_holds(filter, part, part_len, level, inner))
			return true;
	}
	return false;
}

/* Without NUL and escapes; without the last one, if it goes on. */
static size_t
unescape(const char *text, size_t len, bool open_end, char *dst)
{
	struct jp_unescape_all state = { 0 };
	char out[JP_UNESCAPE_ALL_MAX];
	size_t used = 0;

	for (size_t i = 0; i < len; i++)
		if (text[i] != '\0')
			used += squeeze(out,
			    jp_unescape_all(&state, text[i], out), dst + used);
	if (!open_end)
		used +=
		    squeeze(out, jp_unescape_all_end(&state, out), dst + used);
	return used;
}

bool
jp_token_filter(struct jp_token_filter *filter, const char *text, size_t len,
    struct jp_filter_open open)
{
	bool escaped =
	    memchr(text, '%', len) != NULL || memchr(text, '\\', len) != NULL ||
	    memchr(text, '&', len) != NULL || memchr(text, '=', len) != NULL;

	memcpy(filter->text, text, len);
	if (holds(filter, filter->text, len, 0, open))
		return true;
	return escaped &&
	       holds(filter, filter->text,
	           unescape(text, len, open.end, filter->text), 0, open);
}

bool
jp_token_filter_overlaps(
    struct jp_token_filter *filter, const char *text, size_t len)
{
	size_t letters = 0;

	len = unescape(text, len, true, filter->text);
	for (size_t i = 0; i < len; i++)
		letters += jp_is_letter(filter->text[i]);
	return letters >= JP_FILTER_OVERLAP;
}
