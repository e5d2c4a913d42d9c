/*
 * Name-value pairs of FastCGI 1.0 (specification §3.4): the length of the name
 * and that of the value, in one byte or in four, then both. They come in pieces
 * of any size. Only values whose names stand in a table are kept; the others
 * are skipped where they lie. Pure: no socket, no memory of its own.
 */
#ifndef PATHTTPD_FCGI_PARAMS_H
#define PATHTTPD_FCGI_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FCGI_NAME_MAX 40     /* bytes of a name in a table */
#define FCGI_PAIRS_MAX 16384 /* bytes of all pairs together */

/* One that is read, in its right spelling. */
struct fcgi_name {
	const char *text;
	size_t len;
};
#define FCGI_NAME(text)                                                        \
	{                                                                      \
		(text), sizeof(text) - 1                                       \
	}

/* What came under one name. */
struct fcgi_param {
	const char *value; /* the first one, closed by a NUL; NULL: none came */
	unsigned int count; /* how often the name came, in any spelling */
	/* A value holds a NUL, or the name came in another spelling: other
	 * letters, or '-', '.' or a blank in the place of '_'. */
	bool odd;
};

struct fcgi_pairs {
	const struct fcgi_name *names;
	struct fcgi_param *params; /* one for each of them */
	size_t names_len;
	char
	    *text; /* where the values are kept; FCGI_PAIRS_MAX bytes suffice */
	size_t text_size, text_len;
	size_t len; /* bytes read */

	/* The pair that is being read. */
	enum { FCGI_LENGTHS, FCGI_NAME, FCGI_VALUE } stage;
	uint8_t lengths[8];
	size_t lengths_len;
	size_t name_left, value_left;
	char name[FCGI_NAME_MAX];
	size_t name_len;          /* of a longer name, too */
	struct fcgi_param *param; /* where its value goes; NULL: nowhere */
	bool keeps;               /* its value is the first one */
};

/* Starts with no parameter. The table of names, `params` and `text` stay the
 * caller's. */
void fcgi_pairs_start(struct fcgi_pairs *pairs, const struct fcgi_name *names,
    size_t names_len, struct fcgi_param *params, char *text, size_t text_size);

/*
 * Reads the next `len` bytes. False: they, or the pair that has begun, are more
 * than FCGI_PAIRS_MAX altogether, or the values more than `text_size`.
 */
bool
fcgi_pairs_read(struct fcgi_pairs *pairs, const uint8_t *bytes, size_t len);

/* Whether what was read ends where a pair does. */
bool fcgi_pairs_whole(const struct fcgi_pairs *pairs);

#endif
