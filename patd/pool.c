#include "patd/pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/client.h"
#include "patd/answer.h"

enum {
	QUEUE_MAX = 256,
	WORKERS_MAX = 256,
};

struct pool {
	struct jp_core *core;
	int event_fd;
	pthread_mutex_t mutex; /* of all below but `items` and `threads` */
	pthread_cond_t wake;
	bool stopping;
	struct pool_item *idle;
	struct pool_item *first, **last; /* what waits for a worker */
	struct pool_item *done;
	size_t worker_len, item_len;
	pthread_t *threads;
	struct pool_item *items;
};

/* The next item to work on; NULL at the end. */
static struct pool_item *
next_item(struct pool *pool)
{
	struct pool_item *item = NULL;

	pthread_mutex_lock(&pool->mutex);
	while (!pool->stopping && pool->first == NULL)
		pthread_cond_wait(&pool->wake, &pool->mutex);
	if (!pool->stopping) {
		item = pool->first;
		pool->first = item->next;
		if (pool->first == NULL)
			pool->last = &pool->first;
	}
	pthread_mutex_unlock(&pool->mutex);
	return item;
}

static void
hand_back(struct pool *pool, struct pool_item *item)
{
	const uint64_t one = 1;

	pthread_mutex_lock(&pool->mutex);
	item->next = pool->done;
	pool->done = item;
	pthread_mutex_unlock(&pool->mutex);
	(void)!write(pool->event_fd, &one, sizeof(one));
}

static void *
work(void *arg)
{
	struct pool *pool = arg;
	struct pool_item *item;

	while ((item = next_item(pool)) != NULL) {
		/* Nobody waits for this answer any more: save the hash. */
		if (jp_now_ms() >= item->deadline_ms)
			answer_refuse(&item->decision, JP_REASON_OVERLOAD);
		else
			jp_decide_now(
			    pool->core, &item->request, &item->decision);
		hand_back(pool, item);
	}
	return NULL;
}

static size_t
worker_count(uint32_t wanted)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	if (wanted == 0)
		wanted = processors > 0 ? (uint32_t)processors : 1;
	return wanted < WORKERS_MAX ? wanted : WORKERS_MAX;
}

/* Tokens lie in the items: they stay in memory, if the limit allows. */
static enum jp_err
make_items(struct pool *pool)
{
	pool->items = calloc(pool->item_len, sizeof(*pool->items));
	if (pool->items == NULL)
		return JP_ERR_NOMEM;
	(void)mlock(pool->items, pool->item_len * sizeof(*pool->items));
	for (size_t i = 0; i < pool->item_len; i++) {
		pool->items[i].next = pool->idle;
		pool->idle = &pool->items[i];
	}
	return JP_ERR_OK;
}

static enum jp_err
start_workers(struct pool *pool, size_t count)
{
	pool->threads = calloc(count, sizeof(*pool->threads));
	if (pool->threads == NULL)
		return JP_ERR_NOMEM;
	while (pool->worker_len < count) {
		if (pthread_create(&pool->threads[pool->worker_len], NULL, work,
		        pool) != 0)
			return JP_ERR_NOMEM;
		pool->worker_len++;
	}
	return JP_ERR_OK;
}

enum jp_err
pool_start(
    struct pool **out, struct jp_core *core, uint32_t workers, int event_fd)
{
	size_t count = worker_count(workers);
	struct pool *pool = calloc(1, sizeof(*pool));
	enum jp_err err;

	*out = NULL;
	if (pool == NULL)
		return JP_ERR_NOMEM;
	pool->core = core;
	pool->event_fd = event_fd;
	pool->last = &pool->first;
	pool->item_len = QUEUE_MAX + count;
	(void)pthread_mutex_init(&pool->mutex, NULL);
	(void)pthread_cond_init(&pool->wake, NULL);
	err = make_items(pool);
	if (err == JP_ERR_OK)
		err = start_workers(pool, count);
	if (err == JP_ERR_OK)
		*out = pool;
	else
		pool_stop(pool);
	return err;
}

struct pool_item *
pool_take(struct pool *pool)
{
	struct pool_item *item;

	pthread_mutex_lock(&pool->mutex);
	item = pool->idle;
	if (item != NULL)
		pool->idle = item->next;
	pthread_mutex_unlock(&pool->mutex);
	return item;
}

void
pool_submit(struct pool *pool, struct pool_item *item)
{
	pthread_mutex_lock(&pool->mutex);
	item->next = NULL;
	*pool->last = item;
	pool->last = &item->next;
	pthread_cond_signal(&pool->wake);
	pthread_mutex_unlock(&pool->mutex);
}

struct pool_item *
pool_done(struct pool *pool)
{
	struct pool_item *item;

	pthread_mutex_lock(&pool->mutex);
	item = pool->done;
	pool->done = NULL;
	pthread_mutex_unlock(&pool->mutex);
	return item;
}

void
pool_release(struct pool *pool, struct pool_item *item)
{
	explicit_bzero(item, sizeof(*item));
	pthread_mutex_lock(&pool->mutex);
	item->next = pool->idle;
	pool->idle = item;
	pthread_mutex_unlock(&pool->mutex);
}

void
pool_stop(struct pool *pool)
{
	if (pool == NULL)
		return;
	pthread_mutex_lock(&pool->mutex);
	pool->stopping = true;
	pthread_cond_broadcast(&pool->wake);
	pthread_mutex_unlock(&pool->mutex);
	for (size_t i = 0; i < pool->worker_len; i++)
		(void)pthread_join(pool->threads[i], NULL);
	if (pool->items != NULL)
		explicit_bzero(
		    pool->items, pool->item_len * sizeof(*pool->items));
	free(pool->items);
	free(pool->threads);
	(void)pthread_cond_destroy(&pool->wake);
	(void)pthread_mutex_destroy(&pool->mutex);
	free(pool);
}
