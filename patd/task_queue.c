#include "patd/task_queue.h"

void
task_queue_init(struct task_queue *queue)
{
	*queue = (struct task_queue){ .last = &queue->first };
}

static void
append(struct task_queue *queue, struct task_group *group)
{
	group->next = NULL;
	*queue->last = group;
	queue->last = &group->next;
}

void
task_queue_add(struct task_queue *queue, struct task_group *group)
{
	append(queue, group);
}

static void
remove_first(struct task_queue *queue)
{
	queue->first = queue->first->next;
	if (queue->first == NULL)
		queue->last = &queue->first;
}

bool
task_queue_take(struct task_queue *queue, struct task_group **group, size_t *i)
{
	struct task_group *first = queue->first;

	if (first == NULL)
		return false;
	*group = first;
	*i = first->begun++;
	remove_first(queue);
	if (first->begun < first->count)
		append(queue, first);
	return true;
}

void
task_queue_cut(struct task_queue *queue, struct task_group *group)
{
	struct task_group **at = &queue->first;

	while (*at != NULL && *at != group)
		at = &(*at)->next;
	if (*at == NULL)
		return;
	*at = group->next;
	if (*at == NULL)
		queue->last = at;
}
