#include "common/record/token_scan.h"

#include <string.h>

#include "common/record/sextet.h"

enum {
	CARRY = 448,      /* bytes kept of a stretch that goes on */
	UNASKED_MAX = 16, /* blocks */
	CUT_LOOK = 160,   /* in front of them, for a place to cut */
};

/* ---- Where we are ---- */

/* In portions that compilers turn into operations on many bytes. */
static size_t
count_lines(const char *text, size_t len)
{
	enum { PORTION = 128 };
	size_t lines = 0;

	for (; len >= PORTION; text += PORTION, len -= PORTION) {
		unsigned char some = 0;

		for (size_t i = 0; i < PORTION; i++)
			some = (unsigned char)(some + (text[i] == '\n'));
		lines += some;
	}
	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	return lines;
}

static void
count_up_to(struct jp_token_scan *scan, size_t to)
{
	if (to <= scan->counted)
		return;
	scan->line +=
	    count_lines(scan->block + scan->counted, to - scan->counted);
	scan->counted = to;
}

/* ---- A stretch ---- */

/* `match` reads the block from `from`, or on, up to `to`. */
static void
read_up_to(struct jp_token_scan *scan, size_t from, size_t to)
{
	if (!scan->awake) {
		count_up_to(scan, from);
		jp_token_match_restart(
		    &scan->match, scan->at + from, scan->line);
		scan->fed = from;
	}
	(void)jp_token_match_feed(
	    &scan->match, scan->block + scan->fed, to - scan->fed);
	scan->fed = to;
	scan->awake = true;
}

static void
fall_asleep(struct jp_token_scan *scan, bool closed)
{
	if (scan->awake && closed)
		(void)jp_token_match_flush(&scan->match);
	scan->awake = scan->blind = false;
}

/*
 * While `match` reads on, there is no harm in not asking; if the filter says
 * yes again and again, its work is for nothing.
 */
static bool
may_hold(struct jp_token_scan *scan, const struct jp_stretch *stretch)
{
	struct jp_filter_open open = {
		.begin = scan->cut && stretch->from == 0,
		.end = !stretch->closed,
	};
	bool may;

	if (scan->blind)
		return true;
	if (scan->awake && scan->unasked > 0) {
		scan->unasked--;
		return true;
	}
	may = jp_token_filter(&scan->filter, scan->block + stretch->from,
	    stretch->to - stretch->from, open);
	if (!may)
		scan->doubt = 0;
	else if (scan->awake && scan->doubt < UNASKED_MAX)
		scan->doubt = 2 * scan->doubt + 1;
	scan->unasked = may ? scan->doubt : 0;
	return may;
}

static void
judge(struct jp_token_scan *scan, const struct jp_stretch *stretch)
{
	bool may = may_hold(scan, stretch);

	if (may)
		read_up_to(scan, stretch->from, stretch->to);
	if (!may || stretch->closed)
		fall_asleep(scan, may);
}

/* ---- What is kept ---- */

static void
keep(struct jp_token_scan *scan, size_t from, bool cut)
{
	count_up_to(scan, from);
	scan->counted -= from;
	scan->held -= from;
	memmove(scan->block, scan->block + from, scan->held);
	scan->at += from;
	scan->fed = scan->held;
	scan->cut = cut;
}

/*
 * Where the last CARRY bytes begin, or some more: behind a letter, of which no
 * escape is a part. The block's end if there is no such place, or too little
 * behind it.
 */
static size_t
carry_from(struct jp_token_scan *scan)
{
	size_t most = scan->held - CARRY, at = 0, clear = 0;

	for (size_t i = most; i > most - CUT_LOOK; i--) {
		char c = scan->block[i - 1];

		if (jp_may_escape(c))
			at = clear = 0;
		else if (at == 0 && jp_is_letter(c))
			at = i;
		clear += at > 0 && c != '\0';
		if (clear == JP_UNESCAPE_ALL_MAX)
			break;
	}
	return clear == JP_UNESCAPE_ALL_MAX &&
	               jp_token_filter_overlaps(
	                   &scan->filter, scan->block + at, scan->held - at)
	           ? at
	           : scan->held;
}

/* The last stretch of the block goes on; all of it is kept if it is short. */
static void
keep_open(struct jp_token_scan *scan, size_t from)
{
	size_t at = scan->blind ? scan->held : from;

	if (scan->held - from > CARRY + CUT_LOOK)
		at = carry_from(scan);
	scan->blind = at == scan->held;
	if (scan->blind)
		read_up_to(scan, from, scan->held);
	keep(scan, at, at > from || (scan->cut && from == 0));
}

static void
scan_block(struct jp_token_scan *scan)
{
	struct jp_ends ends = { .text = scan->block,
		.len = scan->held,
		.midline = !scan->blind,
		.escapes = true };
	struct jp_stretch stretch = { .closed = true };
	bool more = scan->awake;

	if (more)
		jp_ends_extend(&ends, scan->fed, &stretch);
	else
		more = jp_ends_stretch(&ends, &stretch);
	while (more) {
		judge(scan, &stretch);
		more = jp_ends_stretch(&ends, &stretch);
	}
	if (stretch.closed)
		keep(scan, ends.start, scan->cut && ends.start == 0);
	else
		keep_open(scan, stretch.from);
}

/* ---- The whole ---- */

void
jp_token_scan_start(struct jp_token_scan *scan, const char *prefix,
    jp_found_take take, void *arg)
{
	memset(scan, 0, sizeof(*scan));
	jp_token_match_start(&scan->match, prefix, take, arg);
	scan->filter.prefix = prefix;
	scan->line = 1;
}

enum jp_err
jp_token_scan_feed(struct jp_token_scan *scan, const void *bytes, size_t len)
{
	const char *text = bytes;

	while (len > 0 && scan->match.err == JP_ERR_OK) {
		size_t room = sizeof(scan->block) - scan->held;
		size_t part = len < room ? len : room;

		memcpy(scan->block + scan->held, text, part);
		scan->held += part;
		text += part;
		len -= part;
		scan_block(scan);
	}
	return scan->match.err;
}

enum jp_err
jp_token_scan_end(struct jp_token_scan *scan)
{
	enum jp_err err;

	if (scan->awake)
		(void)jp_token_match_flush(&scan->match);
	err = scan->match.err;
	explicit_bzero(scan, sizeof(*scan));
	return err;
}
