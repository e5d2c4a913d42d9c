/*
 * Threads that hash for an operation of an administrator, several at once. In
 * patd these are its workers (patd/pool.h).
 */
#ifndef JP_WORKERS_H
#define JP_WORKERS_H

#include <stddef.h>

#include "common/base/err.h"

/* One of many tasks, the i-th; in any order, in any thread. */
typedef void (*jp_task)(void *arg, size_t i);

struct jp_workers {
	enum jp_err (*run)(
	    struct jp_workers *workers, jp_task task, void *arg, size_t count);
};

/*
 * Runs the tasks 0 to `count` - 1 and returns when all of them have ended:
 * JP_ERR_UNREACHABLE if some were left out, because the process is about to
 * end. `workers` NULL: in this thread, one after the other.
 */
enum jp_err jp_workers_run(
    struct jp_workers *workers, jp_task task, void *arg, size_t count);

#endif
