/*
 * FastCGI 1.0 as a web server speaks it to an application ("FastCGI
 * Specification", 29 April 1996): records of a stream, read in pieces of any
 * size, and the records that answer. One request at a time for each connection.
 * Pure: no socket, no clock, nothing is allocated.
 *
 * A request is complete when its parameters are: STDIN and DATA are skipped and
 * never waited for. Records of a request that has ended are skipped (§3.3).
 */
#ifndef PATHTTPD_FCGI_WIRE_H
#define PATHTTPD_FCGI_WIRE_H

#include "pat_httpd/fcgi_params.h"

#define FCGI_HEADER_LEN 8
#define FCGI_BODY_LEN 8 /* of BEGIN_REQUEST, END_REQUEST, UNKNOWN_TYPE */
#define FCGI_SKIPPED_MAX 262144 /* bytes that are skipped for one request */
#define FCGI_REPLY_MAX 128

/* X(CODE, name): the parameters that are read. */
#define FCGI_PARAM_LIST(X)                                                     \
	X(AUTHORIZATION, "HTTP_AUTHORIZATION")                                 \
	X(METHOD, "REQUEST_METHOD")                                            \
	X(URI, "REQUEST_URI")                                                  \
	X(ADDRESS, "REMOTE_ADDR")                                              \
	X(SCRIPT, "SCRIPT_NAME")                                               \
	X(SERVICE, "JIRA_PAT_SERVICE")                                         \
	X(ACCEPT, "HTTP_ACCEPT")                                               \
	X(ORIGIN, "HTTP_ORIGIN")                                               \
	X(PREFLIGHT, "HTTP_ACCESS_CONTROL_REQUEST_METHOD")

enum fcgi_param_code {
#define FCGI_PARAM_ENUM(code, name) FCGI_PARAM_##code,
	FCGI_PARAM_LIST(FCGI_PARAM_ENUM)
#undef FCGI_PARAM_ENUM
	    FCGI_PARAM_COUNT,
};

/* What a web server may ask for (§4.1). */
enum fcgi_value {
	FCGI_MAX_CONNS,
	FCGI_MAX_REQS,
	FCGI_MPXS_CONNS,
	FCGI_VALUES,
};

enum fcgi_role {
	FCGI_RESPONDER = 1,
	FCGI_AUTHORIZER = 2,
};

/* What the bytes that were read amount to. */
enum fcgi_step {
	FCGI_STEP_BROKEN, /* malformed: the connection is of no use any more */
	FCGI_STEP_MORE,   /* all were read, nothing is complete */
	FCGI_STEP_ASK,    /* the open request has all of its parameters */
	FCGI_STEP_TOO_LARGE, /* the open request has too many */
	FCGI_STEP_ABORT,     /* the web server gives the open request up */
	FCGI_STEP_REPLY,     /* `reply` is to be sent */
	FCGI_STEP_HOLD,      /* nothing is read until the open request ends */
};

struct fcgi_reader {
	unsigned int max_conns; /* what GET_VALUES is told */

	/* The open request, or the last one. */
	uint16_t id;
	bool open;
	enum fcgi_role role;
	bool keep_conn; /* another request may follow on the connection */
	bool asked;     /* its parameters are not read any more */
	bool whole;     /* its STDIN has ended, or none is due */
	struct fcgi_param params[FCGI_PARAM_COUNT]; /* while it is open */

	uint8_t reply[FCGI_REPLY_MAX];
	size_t reply_len;
	bool reply_ends; /* it refuses a request after which none comes */

	/* The record that is being read. */
	uint8_t header[FCGI_HEADER_LEN];
	size_t header_len;
	const struct fcgi_record *record; /* NULL: not begun */
	size_t content_left, padding_left;
	uint8_t body[FCGI_BODY_LEN];
	size_t body_len;
	size_t skipped;
	struct fcgi_pairs pairs; /* of PARAMS */
	char text[FCGI_PAIRS_MAX];
	struct fcgi_pairs values; /* of GET_VALUES */
	struct fcgi_param value_params[FCGI_VALUES];
	char values_text[FCGI_VALUES];
};

/* The text of a fresh reader is not touched. */
void fcgi_reader_start(struct fcgi_reader *reader, unsigned int max_conns);

/*
 * Reads on in the `len` bytes; `used` gets how many of them it has taken. It
 * returns behind the first record that amounts to something: call it again for
 * the rest, with nothing for a reader that held.
 */
enum fcgi_step fcgi_reader_step(
    struct fcgi_reader *reader, const uint8_t *bytes, size_t len, size_t *used);

/* The open request has its answer: its parameters are cleared. */
void fcgi_reader_end(struct fcgi_reader *reader);

/* Whether no request is open and no record has begun. */
bool fcgi_reader_idle(const struct fcgi_reader *reader);

/* ---- what is sent ---- */

/* Bytes that an answer takes beside its text: the records around it. */
#define FCGI_ANSWER_EXTRA (3 * FCGI_HEADER_LEN + FCGI_BODY_LEN)

/*
 * Makes the answer to request `id` of the `len` bytes that begin at
 * `bytes + FCGI_HEADER_LEN`, at most 65535: STDOUT, its end, END_REQUEST. There
 * is room for `len + FCGI_ANSWER_EXTRA`; returns how many bytes it has.
 */
size_t fcgi_answer(uint8_t *bytes, uint16_t id, size_t len);

/* The end alone, of a request that was given up: FCGI_HEADER_LEN +
 * FCGI_BODY_LEN bytes. */
size_t fcgi_end(uint8_t *bytes, uint16_t id);

#endif
