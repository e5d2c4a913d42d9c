/*
 * Rows of a file on their way into an operation that takes a batch of them:
 * gathered until a batch is full, then sent. A row that is in the way is named
 * by its line.
 */
#ifndef PAT_ADMIN_ROWS_H
#define PAT_ADMIN_ROWS_H

#include "common/admin/batch.h"
#include "tools/cli/session.h"

struct rows {
	/* Set by the caller: */
	struct session *session;
	const char *file; /* for people */
	enum jp_admin_op op;
	bool dry_run, skip_known;
	int64_t link_for; /* of new tokens; 0: none waits to be fetched */
	/* Takes what is answered, but for rows; NULL: nothing is. */
	jp_admin_emit take;
	/* After each batch that was taken; NULL: nothing is to be done then. */
	enum jp_err (*sent)(void *arg, struct jp_why *why);
	void *arg; /* of both */

	uint64_t told;  /* rows that were answered, for they are known */
	size_t len;     /* of the batch; for `sent`, of the one before */
	size_t asked;   /* which row the answer has named last, */
	bool has_asked; /* if it has */
	struct jp_buf buf;
	unsigned long lines[JP_BATCH_ROWS];
	uint8_t bytes[JP_BATCH_MAX]; /* may hold hashes: rows_end() */
};

/* Writes `row` into the batch, as those of common/admin/batch.h do. */
typedef enum jp_err (*rows_put)(struct jp_buf *buf, const void *row);

/* Empties it. */
void rows_start(struct rows *rows);

/*
 * Adds a row that comes from `line`; a batch that is full is sent first. An
 * error is that of the batch, or of `put`.
 */
enum jp_err rows_add(struct rows *rows, unsigned long line, rows_put put,
    const void *row, struct jp_why *why);

/* Sends what there is. */
enum jp_err rows_send(struct rows *rows, struct jp_why *why);

/* Wipes it. */
void rows_end(struct rows *rows);

#endif
