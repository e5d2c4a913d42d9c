/*
 * A line about long work, on standard error where that is a terminal: how far
 * it is, how fast, and how long it may still take.
 */
#ifndef PAT_ADMIN_PROGRESS_H
#define PAT_ADMIN_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	const char *what, *unit;
	bool shown;
	bool silent;
	int64_t start_ms, last_ms; /* of jp_now_ms() */
};

/* "WHAT: 42 % (4200 UNIT), 512 UNIT/s, 11 s left" */
void
progress_start(struct progress *progress, const char *what, const char *unit);

/* Shows it if it is time to; `all` 0: not known. */
void progress_show(struct progress *progress, uint64_t done, uint64_t all);

/* Takes the line away. */
void progress_end(struct progress *progress);

#endif
