/*
 * The token scanner: finds tokens in any stream of bytes: logs, sources, dumps.
 * What is found, and in which forms, says token_match.h, which reads only where
 * token_filter.h does not rule it out. Memory does not grow with the stream.
 */
#ifndef JP_TOKEN_SCAN_H
#define JP_TOKEN_SCAN_H

#include "common/record/token_filter.h"
#include "common/record/token_match.h"

/* Private to token_scan.c. */
struct jp_token_scan {
	struct jp_token_match match;
	struct jp_token_filter filter;
	char block[JP_FILTER_MAX]; /* what may still be a part of a token */
	size_t held;               /* bytes of it */
	size_t fed; /* of these: `match` has read them, if awake */
	bool awake; /* `match` reads on */
	bool blind; /* nothing of the stretch could be kept: it reads all */
	unsigned int doubt;   /* how often the filter said yes, about */
	unsigned int unasked; /* blocks about which it is not asked */
	bool cut;             /* the stretch in `block` began before it */
	size_t counted;       /* bytes of `block` whose lines are in `line` */
	uint64_t at, line;    /* of block[0]; of block[counted] */
};

/*
 * Starts a search. Text with a wrong checksum is reported only if it begins
 * with `prefix`, which stays the caller's, as `arg` does.
 */
void jp_token_scan_start(struct jp_token_scan *scan, const char *prefix,
    jp_found_take take, void *arg);

/*
 * Reads on, and reports every token whose last byte, and what shows that it is
 * the last one, was read. Returns the first error of `take`, then and ever
 * after.
 */
enum jp_err
jp_token_scan_feed(struct jp_token_scan *scan, const void *bytes, size_t len);

/* Ends the search: reports what was pending, and wipes all. */
enum jp_err jp_token_scan_end(struct jp_token_scan *scan);

#endif
