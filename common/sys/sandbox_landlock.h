/* Which files can be opened, by landlock(7). For common/sys/sandbox.c. */
#ifndef JP_SANDBOX_LANDLOCK_H
#define JP_SANDBOX_LANDLOCK_H

#include "common/sys/sandbox.h"

/* The ABI of the kernel; below 1: the negated errno(3) of why it has none. */
int jp_landlock_abi(void);

/*
 * For this thread and those that it makes; 0, or errno(3). `connects`: TCP is
 * refused to listen only.
 */
int jp_landlock_restrict(
    int abi, bool connects, const struct jp_beneath_rule *rules, size_t count);

#endif
