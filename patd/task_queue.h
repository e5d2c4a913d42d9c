/*
 * The tasks of operations of administrators, for the workers of patd/pool.h to
 * take where no question waits. Operations take turns, task by task. Nothing
 * here locks: whoever has the queue does.
 */
#ifndef PATD_TASK_QUEUE_H
#define PATD_TASK_QUEUE_H

#include <stdbool.h>

#include "common/decide/workers.h"

/* The tasks of one operation, its caller's. */
struct task_group {
	jp_task task;
	void *arg;
	size_t count;
	size_t begun, ended;
	struct task_group *next; /* while there are more to begin */
};

struct task_queue {
	struct task_group *first, **last;
};

void task_queue_init(struct task_queue *queue);

/* One with at least one task. */
void task_queue_add(struct task_queue *queue, struct task_group *group);

/* The next task, which is the i-th of `group`; false: there is none. */
bool
task_queue_take(struct task_queue *queue, struct task_group **group, size_t *i);

/* No more of its tasks begins. */
void task_queue_cut(struct task_queue *queue, struct task_group *group);

#endif
