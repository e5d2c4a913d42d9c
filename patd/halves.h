/*
 * The beginnings of questions that came in parts, in locked memory. There are
 * few places, taken from the kernel a piece at a time: a page of its own with
 * guards around for each would take as many mappings as a process may have, and
 * all that it may lock. Where all are taken, who has waited for the rest of its
 * question the longest gives way (patd/questions.c).
 */
#ifndef PATD_HALVES_H
#define PATD_HALVES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/wire/saslauthd.h"

#define HALVES_MAX 1024 /* as many connections as there are by default */

struct conn;

struct half {
	TAILQ_ENTRY(half) next; /* of those that are free, or taken */
	struct conn *conn;      /* whose it is */
	size_t len;
	uint8_t bytes[JP_MUX_FRAME_MAX + 1]; /* one more: it is too long */
};

TAILQ_HEAD(half_list, half);

struct halves {
	struct half_list free, taken; /* taken: the oldest first */
	size_t piece_len;
	struct half *pieces[8];
};

void halves_init(struct halves *halves);

/* Wipes and frees all. */
void halves_free(struct halves *halves);

/* Whether there is a place, which may have to be taken from the kernel. */
bool halves_have_room(struct halves *halves);

/* One for `conn`, without bytes: there is room. */
struct half *halves_take(struct halves *halves, struct conn *conn);

/* Wipes it; NULL is fine. */
void halves_give_back(struct halves *halves, struct half *half);

/* Whose question has been a half for the longest time; NULL: there is none. */
struct conn *halves_oldest(const struct halves *halves);

#endif
