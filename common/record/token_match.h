/*
 * Finds tokens in any text, byte by byte; token_scan.h is the fast way to it.
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
#ifndef JP_TOKEN_MATCH_H
#define JP_TOKEN_MATCH_H

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
	JP_TOKEN_MATCH_RING =
	    64, /* bytes, a power of 2, at least a whole token */
	JP_TOKEN_MATCH_PHASES = 4,
	JP_TOKEN_MATCH_INNER =
	    1 + JP_TOKEN_MATCH_PHASES, /* that may hold base64 */
	JP_TOKEN_MATCH_NODES = 1 + JP_TOKEN_MATCH_PHASES * JP_TOKEN_MATCH_INNER,
};

/* A text that is searched: what was read, or what base64 in it holds. */
struct jp_token_node {
	char ring[JP_TOKEN_MATCH_RING]; /* its last bytes */
	size_t at;                      /* bytes seen */
	size_t run, before, ahead; /* base62 now, before one `_`, before two */
	size_t sextets;            /* in this run of base64 */
	uint32_t bits;             /* the last of them */
	bool line_begins;          /* only marks came since the line's end */
};

/*
 * One reading of the stream. The base64 in node N is decoded into the four
 * nodes from 1 + 4 * N on, one for each place where it may begin.
 */
struct jp_token_reading {
	const char *marks; /* ignored at the beginning of a line of base64 */
	struct jp_token_node nodes[JP_TOKEN_MATCH_NODES];
};

/*
 * The length of the token at the end of the `longest` bytes in front of `end`,
 * which are formatted as one: its own checksum says where it begins. Else,
 * without `checked`, that of one that begins with `prefix`; 0 if none does.
 */
size_t jp_token_ending(const char *prefix, const char *end, size_t longest,
    struct jp_token *token, bool *checked);

/* Private to token_match.c; it holds secrets: whoever owns it wipes it. */
struct jp_token_match {
	const char *prefix;
	jp_found_take take;
	void *arg;
	enum jp_err err;
	uint64_t line, at; /* at: bytes read */
	struct jp_token_reading plain;
	struct jp_token_reading decoded; /* without NUL and escapes */
	struct jp_unescape_all escapes;
	uint64_t last_at; /* where the last one was found */
	char last_id[JP_TOKEN_ID_LEN];
};

/*
 * Starts. Text with a wrong checksum is reported only if it begins with
 * `prefix`, which stays the caller's, as `arg` does.
 */
void jp_token_match_start(struct jp_token_match *match, const char *prefix,
    jp_found_take take, void *arg);

/*
 * Goes on with what stands behind the first `at` bytes of the stream, in line
 * `line`, as if nothing were in front of it; but what was reported last is not
 * reported again.
 */
void jp_token_match_restart(
    struct jp_token_match *match, uint64_t at, uint64_t line);

/* Reads on. Returns the first error of `take`, then and ever after. */
enum jp_err
jp_token_match_feed(struct jp_token_match *match, const char *text, size_t len);

/* Reports what is still pending, as the text ends here. */
enum jp_err jp_token_match_flush(struct jp_token_match *match);

#endif
