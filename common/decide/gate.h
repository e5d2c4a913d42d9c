/*
 * Room for hashes: those that run at the same time take no more memory than
 * there is. Tokens of one store may cost different amounts, for the settings
 * change, and an import brings its own; so the number of threads alone bounds
 * nothing.
 */
#ifndef JP_GATE_H
#define JP_GATE_H

#include <pthread.h>
#include <stdint.h>

struct jp_gate {
	pthread_mutex_t mutex;
	pthread_cond_t left;
	uint64_t room; /* bytes */
	uint64_t used;
};

/* Without a limit. */
void jp_gate_init(struct jp_gate *gate);
void jp_gate_free(struct jp_gate *gate);

void jp_gate_limit(struct jp_gate *gate, uint64_t room);

/*
 * Waits until there is room for `bytes`, and takes it. What would never fit
 * runs alone.
 */
void jp_gate_enter(struct jp_gate *gate, uint64_t bytes);
void jp_gate_leave(struct jp_gate *gate, uint64_t bytes);

#endif
