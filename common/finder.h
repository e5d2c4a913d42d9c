/*
 * Finds tokens in a stream of bytes of any kind: logs, sources, dumps. A token
 * is what jp_token_parse() takes, wherever it stands: between other letters,
 * too, for its checksum tells where it begins. It is also found inside base64
 * (RFC 4648 §4 and §5, also where lines break it), so `Authorization: Basic`
 * and `Bearer` are read. Memory does not grow with the stream.
 */
#ifndef JP_FINDER_H
#define JP_FINDER_H

#include <stdint.h>

#include "common/token.h"

/* One token that was found; all of it ends with the call. */
struct jp_found {
	const char *text; /* a secret; not closed by a NUL */
	size_t len;
	struct jp_token token; /* its parts, inside `text` */
	bool checked;          /* its checksum is right */
	bool base64;           /* it was inside base64 */
	uint64_t line;         /* where it ends, from 1 */
};

/* Takes one; an error ends the search with it. */
typedef enum jp_err (*jp_found_take)(void *arg, const struct jp_found *found);

enum {
	JP_FINDER_RING = 64, /* bytes, a power of 2, at least a whole token */
	JP_FINDER_PHASES = 4,
};

/* The last bytes of one reading of the stream, and the runs of letters there.
 */
struct jp_finder_scan {
	char ring[JP_FINDER_RING];
	size_t at;                 /* bytes seen */
	size_t run, before, ahead; /* base62 now, before one `_`, before two */
};

/* Private to finder.c. */
struct jp_finder {
	const char *prefix;
	jp_found_take take;
	void *arg;
	enum jp_err err;
	uint64_t line;
	struct jp_finder_scan plain;
	struct jp_finder_scan decoded[JP_FINDER_PHASES];
	size_t sextets; /* in this run of base64 */
	uint32_t bits;  /* the last of them */
};

/*
 * Starts a search. Text with a wrong checksum is told only if it begins with
 * `prefix`, which stays the caller's, as `arg` does.
 */
void jp_finder_start(struct jp_finder *finder, const char *prefix,
    jp_found_take take, void *arg);

/* Reads on. Returns the first error of `take`, then and ever after. */
enum jp_err
jp_finder_feed(struct jp_finder *finder, const void *bytes, size_t len);

/* Ends the search: tells what waited for the end, and wipes all. */
enum jp_err jp_finder_end(struct jp_finder *finder);

#endif
