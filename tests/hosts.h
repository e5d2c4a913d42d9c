/*
 * Processes that treat SIGCHLD in each of the ways that hosts of a module do,
 * and have a child of their own: for tests that no other one ever shows.
 */
#ifndef JP_TESTS_HOSTS_H
#define JP_TESTS_HOSTS_H

#include <stdbool.h>
#include <stddef.h>

enum { HOST_COUNT = 6 };

/*
 * Has host `kind`, a process of its own, do `act` three times. Says "fine", or
 * what went wrong: `act` said false, a handler ran, a child was found or lost,
 * the host hung.
 */
const char *host_run(size_t kind, bool (*act)(void *arg), void *arg);

#endif
