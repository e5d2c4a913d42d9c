#include "patd/pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/client.h"
#include "common/throttle.h"
#include "patd/answer.h"

enum {
	TAGGED_MAX = 256,   /* flights that wait */
	TAGLESS_MAX = 64,   /* the same without fast tag */
	TAGLESS_ID_MAX = 2, /* of these for one id */
	STORE_MAX = 256,    /* that wait for the store */
	WORKERS_MAX = 256,
};

/*
 * What waits for a worker: those of the first lane take off first. What waits
 * for a commit has a thread of its own, for it only waits: all of them go on at
 * once, when the commit is done.
 */
enum {
	LANE_TAGGED,
	LANE_TAGLESS,
	LANE_STORE,
	LANE_COUNT,
};

/* The questions that wait for one Argon2id, in the order of their deadlines. */
struct flight {
	struct flight *next; /* in the queue, or idle */
	uint8_t tag[JP_MEMO_TAG_LEN];
	size_t lane;
	bool charged; /* a try that comes back if no wrong text is seen */
	char id[JP_TOKEN_ID_LEN + 1];
	struct pool_item *first, **last; /* `first` NULL: idle */
};

struct lane {
	struct flight *first, **last;
	size_t len, max; /* of those that wait or are under way */
};

struct pool {
	struct jp_core *core;
	int event_fd;
	struct jp_memo_key key; /* of the tags */
	pthread_mutex_t mutex;  /* of all below but what is set at the start */
	pthread_cond_t wake;
	pthread_cond_t wake_store; /* the thread of LANE_STORE */
	bool stopping;
	struct pool_item *idle; /* used before */
	struct flight *idle_flight;
	struct lane lanes[LANE_COUNT];
	struct jp_throttle throttle;
	struct pool_item *done;
	size_t item_used; /* the items behind these were never touched */
	size_t joined_len;
	size_t telling_len; /* items that wait for their line */
	size_t worker_len, item_len, flight_len, joined_max;
	pthread_t *threads;
	struct pool_item *items;
	struct flight *flights;
};

/* ---- under the mutex ---- */

static size_t
lane_of(const struct jp_decision *open)
{
	if (open->need == JP_NEED_STORE)
		return LANE_STORE;
	return open->tagless ? LANE_TAGLESS : LANE_TAGGED;
}

static void
rest(struct pool *pool, struct flight *flight)
{
	flight->first = NULL;
	flight->next = pool->idle_flight;
	pool->idle_flight = flight;
}

static void
retire(struct pool *pool, struct flight *flight)
{
	if (flight->charged)
		jp_throttle_give_back(
		    &pool->throttle, flight->id, JP_TOKEN_ID_LEN);
	pool->lanes[flight->lane].len--;
	rest(pool, flight);
}

static void
put_done(struct pool *pool, struct pool_item *item)
{
	const uint64_t one = 1;

	item->next = pool->done;
	pool->done = item;
	(void)!write(pool->event_fd, &one, sizeof(one));
}

/* Nobody waits for these answers any more: perhaps that saves the hash. */
static void
refuse_late(struct pool *pool, struct flight *flight)
{
	int64_t now = jp_now_ms();
	struct pool_item *item;

	while ((item = flight->first) != NULL && now >= item->deadline_ms) {
		flight->first = item->next;
		jp_decision_refuse(&item->decision, JP_REASON_OVERLOAD);
		put_done(pool, item);
	}
	if (flight->first == NULL)
		retire(pool, flight);
}

/*
 * The flight of this tag, queued or under way, or NULL. The key is random, so
 * nobody learns or steers anything by how long the comparison takes.
 */
static struct flight *
find_flight(struct pool *pool, const uint8_t tag[JP_MEMO_TAG_LEN])
{
	for (size_t i = 0; i < pool->flight_len; i++)
		if (pool->flights[i].first != NULL &&
		    memcmp(pool->flights[i].tag, tag, JP_MEMO_TAG_LEN) == 0)
			return &pool->flights[i];
	return NULL;
}

/* How many flights without fast tag there are for this id. */
static size_t
count_tagless(const struct pool *pool, const char *id)
{
	size_t count = 0;

	for (size_t i = 0; i < pool->flight_len; i++) {
		const struct flight *flight = &pool->flights[i];

		count += flight->first != NULL &&
		         flight->lane == LANE_TAGLESS &&
		         strcmp(flight->id, id) == 0;
	}
	return count;
}

/*
 * JP_REASON_NONE: a flight may start, and what it costs is taken. What one id
 * alone is limited by gets the answer that a wrong text gets: nothing shows
 * that the id, or the user of an imported secret, is there.
 */
static enum jp_reason
may_start(struct pool *pool, const struct jp_decision *open)
{
	const struct lane *lane = &pool->lanes[lane_of(open)];

	if (open->tagless && count_tagless(pool, open->id) >= TAGLESS_ID_MAX)
		return JP_REASON_THROTTLED;
	if (lane->len == lane->max)
		return JP_REASON_OVERLOAD;
	if (!open->tagless)
		return JP_REASON_NONE;
	return jp_throttle_take(
	           &pool->throttle, open->id, JP_TOKEN_ID_LEN, jp_now_ms()) == 0
	           ? JP_REASON_NONE
	           : JP_REASON_THROTTLED;
}

static enum jp_reason
join(struct pool *pool, struct flight *flight, struct pool_item *item)
{
	if (pool->joined_len == pool->joined_max)
		return JP_REASON_OVERLOAD;
	pool->joined_len++;
	item->joined = true;
	*flight->last = item;
	flight->last = &item->next;
	return JP_REASON_NONE;
}

static enum jp_reason
start_flight(struct pool *pool, const struct jp_decision *open,
    const uint8_t tag[JP_MEMO_TAG_LEN], struct pool_item *item)
{
	struct lane *lane = &pool->lanes[lane_of(open)];
	struct flight *flight = pool->idle_flight;
	enum jp_reason reason = may_start(pool, open);

	if (reason != JP_REASON_NONE)
		return reason;
	pool->idle_flight = flight->next; /* one for each place of the lanes */
	flight->next = NULL;
	memcpy(flight->tag, tag, JP_MEMO_TAG_LEN);
	memcpy(flight->id, open->id, sizeof(flight->id));
	flight->lane = lane_of(open);
	flight->charged = open->tagless;
	flight->first = item;
	flight->last = &item->next;
	*lane->last = flight;
	lane->last = &flight->next;
	lane->len++;
	atomic_fetch_add(&pool->core->stats.queued, 1);
	pthread_cond_signal(
	    flight->lane == LANE_STORE ? &pool->wake_store : &pool->wake);
	return JP_REASON_NONE;
}

/* ---- workers ---- */

/*
 * Takes the next flight out of `lane` or the `spare` one, or NULL; under the
 * mutex.
 */
static struct flight *
take_flight(struct pool *pool, struct lane *lane, struct lane *spare)
{
	struct flight *flight;

	if (lane->first == NULL)
		lane = spare;
	flight = lane->first;
	if (flight == NULL)
		return NULL;
	lane->first = flight->next;
	if (lane->first == NULL)
		lane->last = &lane->first;
	atomic_fetch_sub(&pool->core->stats.queued, 1);
	return flight;
}

/* The next flight, in which somebody still waits; NULL at the end. */
static struct flight *
next_flight(struct pool *pool, size_t lane, size_t spare, pthread_cond_t *wake)
{
	struct flight *flight = NULL;

	pthread_mutex_lock(&pool->mutex);
	while (!pool->stopping && (flight == NULL || flight->first == NULL)) {
		flight =
		    take_flight(pool, &pool->lanes[lane], &pool->lanes[spare]);
		if (flight != NULL)
			refuse_late(pool, flight);
		else
			pthread_cond_wait(wake, &pool->mutex);
	}
	if (pool->stopping)
		flight = NULL;
	pthread_mutex_unlock(&pool->mutex);
	return flight;
}

/*
 * The end of a flight: nobody joins it any more. By now the memos know what was
 * proved, so whoever comes later needs no hash either.
 */
static struct pool_item *
land(struct pool *pool, struct flight *flight, const struct jp_proof *proof)
{
	bool wrong = proof->phc[0] != '\0' && !proof->match;
	struct pool_item *items;

	pthread_mutex_lock(&pool->mutex);
	items = flight->first;
	flight->charged = flight->charged && !wrong;
	retire(pool, flight);
	pthread_mutex_unlock(&pool->mutex);
	return items;
}

static void
hand_back(struct pool *pool, struct pool_item *item)
{
	pthread_mutex_lock(&pool->mutex);
	put_done(pool, item);
	pthread_mutex_unlock(&pool->mutex);
}

/*
 * One hash for the first item. Each of the others is decided by itself, with
 * that proof: their users, services and addresses differ, and a revocation may
 * have come meanwhile.
 */
static void
fly(struct pool *pool, struct flight *flight)
{
	struct pool_item *item = flight->first, *next;
	struct jp_proof proof = { .phc = "" };

	jp_decide_proving(pool->core, &item->request, &proof, &item->decision);
	item = land(pool, flight, &proof);
	next = item->next;
	hand_back(pool, item);
	for (item = next; item != NULL; item = next) {
		next = item->next;
		if (jp_now_ms() >= item->deadline_ms)
			jp_decision_refuse(&item->decision, JP_REASON_OVERLOAD);
		else
			jp_decide_proving(pool->core, &item->request, &proof,
			    &item->decision);
		hand_back(pool, item);
	}
}

static void *
work(void *arg)
{
	struct pool *pool = arg;
	struct flight *flight;

	while ((flight = next_flight(
	            pool, LANE_TAGGED, LANE_TAGLESS, &pool->wake)) != NULL)
		fly(pool, flight);
	return NULL;
}

/*
 * Decides as far as that goes without a hash. What is still needed then, the
 * loop sees to, for that has limits.
 */
static void
read_store(struct pool *pool, struct flight *flight)
{
	const struct jp_proof none = { .phc = "" };
	struct pool_item *item, *next;

	jp_store_hold(pool->core->store);
	jp_store_release(pool->core->store);
	for (item = land(pool, flight, &none); item != NULL; item = next) {
		next = item->next;
		if (jp_now_ms() >= item->deadline_ms)
			jp_decision_refuse(&item->decision, JP_REASON_OVERLOAD);
		else
			jp_decide_waiting(
			    pool->core, &item->request, NULL, &item->decision);
		hand_back(pool, item);
	}
}

static void *
wait_for_store(void *arg)
{
	struct pool *pool = arg;
	struct flight *flight;

	while ((flight = next_flight(
	            pool, LANE_STORE, LANE_STORE, &pool->wake_store)) != NULL)
		read_store(pool, flight);
	return NULL;
}

/* ---- start ---- */

static size_t
worker_count(uint32_t wanted)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	if (wanted == 0)
		wanted = processors > 0 ? (uint32_t)processors : 1;
	return wanted < WORKERS_MAX ? wanted : WORKERS_MAX;
}

/*
 * Tokens lie in the items: they stay in memory, if the limit allows. Few items
 * are ever used, and only those take memory.
 */
static enum jp_err
make_room(struct pool *pool)
{
	pool->items = calloc(pool->item_len, sizeof(*pool->items));
	pool->flights = calloc(pool->flight_len, sizeof(*pool->flights));
	if (pool->items == NULL || pool->flights == NULL)
		return JP_ERR_NOMEM;
	(void)mlock2(
	    pool->items, pool->item_len * sizeof(*pool->items), MLOCK_ONFAULT);
	for (size_t i = 0; i < pool->flight_len; i++)
		rest(pool, &pool->flights[i]);
	return JP_ERR_OK;
}

static enum jp_err
start_workers(struct pool *pool, size_t count)
{
	pool->threads = calloc(count + 1, sizeof(*pool->threads));
	if (pool->threads == NULL)
		return JP_ERR_NOMEM;
	while (pool->worker_len < count + 1) {
		if (pthread_create(&pool->threads[pool->worker_len], NULL,
		        pool->worker_len < count ? work : wait_for_store,
		        pool) != 0)
			return JP_ERR_NOMEM;
		pool->worker_len++;
	}
	return JP_ERR_OK;
}

enum jp_err
pool_start(struct pool **out, struct jp_core *core, uint32_t workers,
    uint32_t joined_max, int event_fd)
{
	size_t count = worker_count(workers);
	struct pool *pool = calloc(1, sizeof(*pool));
	enum jp_err err;

	*out = NULL;
	if (pool == NULL)
		return JP_ERR_NOMEM;
	pool->core = core;
	pool->event_fd = event_fd;
	for (size_t i = 0; i < LANE_COUNT; i++)
		pool->lanes[i].last = &pool->lanes[i].first;
	pool->lanes[LANE_TAGGED].max = TAGGED_MAX + count;
	pool->lanes[LANE_TAGLESS].max = TAGLESS_MAX;
	pool->lanes[LANE_STORE].max = STORE_MAX;
	pool->flight_len = TAGGED_MAX + count + TAGLESS_MAX + STORE_MAX;
	jp_throttle_init(
	    &pool->throttle, JP_THROTTLE_BURST, JP_THROTTLE_REFILL_MS);
	pool->joined_max = joined_max;
	pool->item_len = pool->flight_len + pool->joined_max;
	atomic_store(
	    &core->stats.max_queued, TAGGED_MAX + TAGLESS_MAX + STORE_MAX);
	jp_memo_key_make(&pool->key);
	(void)pthread_mutex_init(&pool->mutex, NULL);
	(void)pthread_cond_init(&pool->wake, NULL);
	(void)pthread_cond_init(&pool->wake_store, NULL);
	err = make_room(pool);
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
	else if (pool->item_used < pool->item_len)
		item = &pool->items[pool->item_used++];
	pthread_mutex_unlock(&pool->mutex);
	return item;
}

enum jp_reason
pool_submit(
    struct pool *pool, const struct jp_decision *open, struct pool_item *item)
{
	uint8_t tag[JP_MEMO_TAG_LEN];
	struct flight *flight;
	enum jp_reason reason;

	jp_memo_tag(&pool->key, open->phc, &item->request.token, tag);
	item->next = NULL;
	memcpy(item->decision.id, open->id, sizeof(item->decision.id));
	pthread_mutex_lock(&pool->mutex);
	pool->joined_len -= item->joined; /* a flight that has ended */
	item->joined = false;
	flight = find_flight(pool, tag);
	reason = flight != NULL ? join(pool, flight, item)
	                        : start_flight(pool, open, tag, item);
	pthread_mutex_unlock(&pool->mutex);
	return reason;
}

static void
on_told(void *arg, enum jp_err err)
{
	struct pool_item *item = arg;
	struct pool *pool = item->pool;

	if (err != JP_ERR_OK)
		jp_decision_refuse(&item->decision, JP_REASON_AUDIT);
	pthread_mutex_lock(&pool->mutex);
	put_done(pool, item);
	pool->telling_len--;
	pthread_cond_broadcast(&pool->wake);
	pthread_mutex_unlock(&pool->mutex);
}

enum jp_audit_answer
pool_tell(struct pool *pool, struct pool_item *item)
{
	enum jp_audit_answer answer;

	item->told = true;
	item->pool = pool;
	pthread_mutex_lock(&pool->mutex);
	pool->telling_len++;
	pthread_mutex_unlock(&pool->mutex);
	answer = jp_audit_decision(pool->core->audit, &item->request,
	    &item->decision, item->uid, on_told, item);
	if (answer == JP_AUDIT_WAIT)
		return answer;
	pthread_mutex_lock(&pool->mutex);
	pool->telling_len--;
	pthread_mutex_unlock(&pool->mutex);
	return answer;
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
	bool joined = item->joined;

	explicit_bzero(item, sizeof(*item));
	pthread_mutex_lock(&pool->mutex);
	pool->joined_len -= joined;
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
	pthread_cond_broadcast(&pool->wake_store);
	pthread_mutex_unlock(&pool->mutex);
	for (size_t i = 0; i < pool->worker_len; i++)
		(void)pthread_join(pool->threads[i], NULL);
	pthread_mutex_lock(&pool->mutex);
	while (pool->telling_len > 0)
		pthread_cond_wait(&pool->wake, &pool->mutex);
	pthread_mutex_unlock(&pool->mutex);
	if (pool->items != NULL)
		explicit_bzero(
		    pool->items, pool->item_used * sizeof(*pool->items));
	free(pool->items);
	free(pool->flights);
	free(pool->threads);
	(void)pthread_cond_destroy(&pool->wake);
	(void)pthread_cond_destroy(&pool->wake_store);
	(void)pthread_mutex_destroy(&pool->mutex);
	explicit_bzero(&pool->key, sizeof(pool->key));
	free(pool);
}
