/*
 * The token scanner: finds tokens in any stream of bytes: logs, sources, dumps.
 * A token is what jp_token_parse() accepts, also between other letters, as its
 * checksum shows where it begins. It is also found
 * - inside base64 (RFC 4648 §4 and §5), and base64 inside that, also where
 *   lines break it, with an indentation or the marks of a diff or a quotation:
 *   so `Authorization: Basic` and `Bearer` and Secrets of Kubernetes are read;
 * - in UTF-16, big and little endian;
 * - where characters are escaped as URLs, C, JSON, HTML, Markdown or
 *   quoted-printable do, also up to three times.
 * Memory does not grow with the stream.
 */
#ifndef JP_TOKEN_SCAN_H
#define JP_TOKEN_SCAN_H

#include <stdint.h>

#include "common/base/unescape.h"
#include "common/wire/token.h"

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
	JP_TOKEN_SCAN_RING =
	    64, /* bytes, a power of 2, at least a whole token */
	JP_TOKEN_SCAN_PHASES = 4,
	JP_TOKEN_SCAN_INNER =
	    1 + JP_TOKEN_SCAN_PHASES, /* that may hold base64 */
	JP_TOKEN_SCAN_NODES = 1 + JP_TOKEN_SCAN_PHASES * JP_TOKEN_SCAN_INNER,
	JP_TOKEN_SCAN_ESCAPES = 3, /* so often may a character be escaped */
};

/* A text that is searched: what was read, or what base64 in it holds. */
struct jp_token_scan_node {
	char ring[JP_TOKEN_SCAN_RING]; /* its last bytes */
	size_t at;                     /* bytes seen */
	size_t run, before, ahead; /* base62 now, before one `_`, before two */
	size_t sextets;            /* in this run of base64 */
	uint32_t bits;             /* the last of them */
	bool line_begins;          /* only marks came since the line's end */
};

/*
 * One reading of the stream. The base64 in node N is decoded into the four
 * nodes from 1 + 4 * N on, one for each place where it may begin.
 */
struct jp_token_scan_reading {
	const char *marks; /* ignored at the beginning of a line of base64 */
	struct jp_token_scan_node nodes[JP_TOKEN_SCAN_NODES];
};

/* Private to token_scan.c. */
struct jp_token_scan {
	const char *prefix;
	jp_found_take take;
	void *arg;
	enum jp_err err;
	uint64_t line, at; /* at: bytes read */
	struct jp_token_scan_reading plain;
	struct jp_token_scan_reading decoded; /* without NUL and escapes */
	struct jp_unescape escapes[JP_TOKEN_SCAN_ESCAPES];
	uint64_t last_at; /* where the last one was found */
	char last_id[JP_TOKEN_ID_LEN];
};

/*
 * Starts a search. Text with a wrong checksum is reported only if it begins
 * with `prefix`, which stays the caller's, as `arg` does.
 */
void jp_token_scan_start(struct jp_token_scan *scan, const char *prefix,
    jp_found_take take, void *arg);

/* Reads on. Returns the first error of `take`, then and ever after. */
enum jp_err
jp_token_scan_feed(struct jp_token_scan *scan, const void *bytes, size_t len);

/* Ends the search: reports what was pending, and wipes all. */
enum jp_err jp_token_scan_end(struct jp_token_scan *scan);

#endif
