/*
 * Writers, one at a time. Where a commit goes to other hosts it may take as
 * long as they are out of reach, so whoever waits for its turn does so until a
 * moment of its own, and not behind all that came before. And where many wait,
 * others do not join them for long: what they keep busy is needed by those who
 * read.
 */
#ifndef JP_WRITERS_H
#define JP_WRITERS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* So many wait as long as they may; more do so for a moment. */
#define JP_WRITERS_WAITING 8
#define JP_WRITERS_MOMENT_MS 1000

struct jp_writers {
	pthread_mutex_t mutex;
	pthread_cond_t left;
	bool taken;
	size_t waiting;
};

void jp_writers_init(struct jp_writers *writers);
void jp_writers_free(struct jp_writers *writers);

/* Waits until `by_ms` of jp_now_ms(), INT64_MAX: for ever. False: it is over,
 * or too many wait. */
bool jp_writers_enter(struct jp_writers *writers, int64_t by_ms);
void jp_writers_leave(struct jp_writers *writers);

#endif
