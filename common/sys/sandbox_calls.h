/*
 * The system calls that each confined process makes once it has started: one
 * row each. tests/daemon/test_sandbox.sh shows that none is too many.
 */
#ifndef JP_SANDBOX_CALLS_H
#define JP_SANDBOX_CALLS_H

#include <stddef.h>

struct jp_call {
	const char *name;
	int number;        /* of libseccomp; below 0: not on this machine */
	unsigned int made; /* bits of enum jp_process: in each load */
	unsigned int rare; /* seldom, or on another machine */
};

/* The i-th; NULL behind the last. */
const struct jp_call *jp_sandbox_call(size_t i);

#endif
