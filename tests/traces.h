/*
 * Whether a program of tests holds a secret: a text that stands nowhere in it,
 * as its bytes are kept from back to front.
 */
#ifndef JP_TESTS_TRACES_H
#define JP_TESTS_TRACES_H

#include <stddef.h>

struct trace {
	const char *backwards;
	size_t len;
};

/* Writes the secret, without a NUL; to be wiped by the caller. */
void trace_put(const struct trace *trace, char *to);

/*
 * How often it stands in the memory that this process may write: data, heap and
 * stacks. -1 if that cannot be looked at.
 */
int trace_count(const struct trace *trace);

/*
 * Runs `act` on a stack that nothing is called on afterwards, so that what it
 * leaves there stays to be counted. Returns what it returns.
 */
int trace_act(int (*act)(void *arg), void *arg);

#endif
