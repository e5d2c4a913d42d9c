#include "common/decide/gate.h"

void
jp_gate_init(struct jp_gate *gate)
{
	*gate = (struct jp_gate){ .room = UINT64_MAX };
	(void)pthread_mutex_init(&gate->mutex, NULL);
	(void)pthread_cond_init(&gate->left, NULL);
}

void
jp_gate_free(struct jp_gate *gate)
{
	(void)pthread_cond_destroy(&gate->left);
	(void)pthread_mutex_destroy(&gate->mutex);
}

void
jp_gate_limit(struct jp_gate *gate, uint64_t room)
{
	pthread_mutex_lock(&gate->mutex);
	gate->room = room;
	pthread_cond_broadcast(&gate->left);
	pthread_mutex_unlock(&gate->mutex);
}

void
jp_gate_enter(struct jp_gate *gate, uint64_t bytes)
{
	pthread_mutex_lock(&gate->mutex);
	while (gate->used > 0 &&
	       (gate->used > gate->room || bytes > gate->room - gate->used))
		pthread_cond_wait(&gate->left, &gate->mutex);
	gate->used += bytes;
	pthread_mutex_unlock(&gate->mutex);
}

void
jp_gate_leave(struct jp_gate *gate, uint64_t bytes)
{
	pthread_mutex_lock(&gate->mutex);
	gate->used -= bytes;
	pthread_cond_broadcast(&gate->left);
	pthread_mutex_unlock(&gate->mutex);
}
