/*
 * Leaves out tests that cannot run here. cmocka 1.1.5's skip() prints "not ok",
 * which TAP counts as a failure; a filter keeps them from being run at all.
 */
#ifndef JP_TESTS_LEAVE_OUT_H
#define JP_TESTS_LEAVE_OUT_H

#include <stdbool.h>

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN true /* needs terabytes of address space */
#else
#define UNDER_ASAN false
#endif

/* Tests whose names match `pattern` are left out, and a line says why. */
static inline void
leave_out(const char *pattern, const char *why)
{
	print_message("# %s: leaves out %s\n", why, pattern);
	cmocka_set_skip_filter(pattern);
}

#endif
