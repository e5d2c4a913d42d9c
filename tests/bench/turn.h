/*
 * The measured loop of every driver in tests/bench: so many operations, taken
 * by so many threads, timed one by one, and the CPU of this process meanwhile.
 *
 * A driver reads its secrets from standard input (arguments are visible to
 * everybody), up to an empty line; runs some operations unmeasured; prints
 * "ready"; waits for another line; measures; and prints one line of JSON. In
 * between, whoever started it can read what servers have used until then.
 */
#ifndef JP_BENCH_TURN_H
#define JP_BENCH_TURN_H

#include <stdbool.h>
#include <stdint.h>

enum {
	TURN_KINDS = 3,     /* kinds of operations, told apart in the result */
	TURN_THREADS = 256, /* at the most */
};

enum turn_result {
	TURN_DENIED,
	TURN_ACCEPTED,
	TURN_FAILED, /* no answer, or neither yes nor no */
	TURN_RESULTS
};

struct turn {
	const char *kinds[TURN_KINDS]; /* names; NULL: there is none */
	int threads;                   /* 1 to TURN_THREADS */
	int64_t warm;                  /* operations before the measured ones */
	int64_t count;                 /* measured operations */
	int64_t seconds;               /* ends earlier after these; 0: never */

	/* State of one thread, or NULL; may be NULL as a whole. */
	void *(*open)(void);
	void (*close)(void *state);

	/*
	 * One operation, `number` counting from 0 over all threads, again from
	 * 0 when measuring begins. `kind`, an index into `kinds`, is what
	 * `kind` said of it; warming up takes kind 0 only.
	 */
	enum turn_result (*operate)(void *state, int64_t number, int kind);
	int (*kind)(int64_t number); /* NULL: all are of kind 0 */
};

/* Runs it. The exit status of main(): 0, or 1 if there was no memory. */
int turn_run(const struct turn *turn);

/*
 * The next line of standard input without its end, in memory that the caller
 * owns; NULL at an empty line and at the end.
 */
char *turn_line(void);

/* A number from 0 to `max` in an argument; else says so and leaves with 2. */
int64_t turn_number(const char *text, int64_t max);

#endif
