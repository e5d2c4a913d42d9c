#include "patd/pool.h"

#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/config/budget.h"
#include "common/base/clock.h"
#include "common/sys/cond.h"
#include "common/decide/throttle.h"
#include "patd/task_queue.h"

enum {
	TAGGED_MAX = 256,   /* flights that wait */
	TAGLESS_MAX = 64,   /* the same without fast tag */
	TAGLESS_ID_MAX = 2, /* of these for one id */
	STORE_MAX = 256,    /* that wait for the store; again, for a commit */
	USES_MAX = 256,     /* that wait for a commit of their own */
	ENDS_MAX = 64,      /* the same, which ends other tokens */
	ENDS_THREADS = 2,
	NAMES_MAX = 256, /* look-ups that wait or are under way */
	NAMES_THREADS = 4,
	THREADS = 3 + ENDS_THREADS + NAMES_THREADS, /* but for the workers */
	STACK_SIZE = 1 << 20, /* of a thread: limits may count all of it */
};

/*
 * What waits for a thread: those of the first lane take off before those of the
 * second. What waits for the store has a thread of its own, for it only waits,
 * and not long. So has what a commit touches, and waits until it is durable:
 * all of them go on at once, then. And so has what itself waits for a commit,
 * as each use of a token does that has a limited number of them, and what ends
 * other tokens, which in a cluster waits for all hosts, too.
 */
enum lane_code {
	LANE_TAGGED,
	LANE_TAGLESS,
	LANE_STORE,
	LANE_COMMIT,
	LANE_USES,
	LANE_ENDS,
	LANE_NAMES,
	LANE_COUNT,
};

/*
 * The questions that wait for one Argon2id, or one look-up of the name service,
 * in the order of their deadlines.
 */
struct flight {
	struct flight *next; /* in the queue, or idle */
	uint8_t tag[JP_MEMO_TAG_LEN];
	enum lane_code lane;
	bool charged; /* a try that comes back if no wrong text is seen */
	char id[JP_TOKEN_ID_LEN + 1];
	struct pool_item *first, **last; /* `first` NULL: idle */
};

struct lane {
	struct flight *first, **last;
	size_t len, max; /* of those that wait or are under way */
};

/* The threads that serve some of the lanes, up to the one behind the last. */
struct crew {
	struct pool *pool;
	enum lane_code first_lane, end_lane;
	bool has_tasks; /* where no flight waits */
	void (*fly)(struct pool *pool, struct flight *flight);
	pthread_cond_t wake;
};

enum {
	CREW_HASH,
	CREW_STORE,
	CREW_COMMIT,
	CREW_USES,
	CREW_ENDS,
	CREW_NAMES,
	CREW_COUNT,
};

struct pool {
	struct jp_workers workers; /* first: operations know it as this */
	struct jp_core *core;
	int event_fd;
	struct jp_memo_key key; /* of the tags */
	pthread_mutex_t mutex;  /* of all below but what is set at the start */
	struct crew crews[CREW_COUNT];
	pthread_cond_t ended; /* a thread, a loan, or an operation */
	pthread_cond_t task_ended;
	struct task_queue tasks;
	size_t asking;  /* operations that wait for their tasks */
	bool tasks_end; /* no more of them begins */
	bool stopping;
	size_t running;         /* threads */
	struct pool_item *idle; /* used before */
	struct flight *idle_flight;
	struct lane lanes[LANE_COUNT];
	struct jp_throttle throttle;
	struct pool_item *done;
	size_t item_used; /* the items behind these were never touched */
	size_t joined_len;
	size_t lent_len; /* items that are lent */
	size_t thread_len, item_len, flight_len, joined_max;
	pthread_t *threads;
	struct pool_item *items;
	struct flight *flights;
};

/* ---- under the mutex ---- */

static enum lane_code
lane_for(const struct jp_decision *open)
{
	if (open->need == JP_NEED_GROUPS)
		return LANE_NAMES;
	if (open->need == JP_NEED_STORE)
		return LANE_STORE;
	if (open->need == JP_NEED_COMMIT)
		return LANE_COMMIT;
	if (open->need == JP_NEED_USE)
		return LANE_USES;
	if (open->need == JP_NEED_COMPLETE || open->need == JP_NEED_REVOKE)
		return LANE_ENDS;
	return open->tagless ? LANE_TAGLESS : LANE_TAGGED;
}

/*
 * What is said of a question that its lane was too slow for. A rotated token
 * that is used after its end is out, whatever becomes of its family.
 */
static enum jp_reason
late_for(const struct jp_decision *open)
{
	if (open->need == JP_NEED_REVOKE)
		return JP_REASON_SUPERSEDED;
	return open->need == JP_NEED_GROUPS ? JP_REASON_GROUP_SOURCE
	                                    : JP_REASON_OVERLOAD;
}

static struct crew *
crew_of(struct pool *pool, enum lane_code lane)
{
	struct crew *crew = pool->crews;

	while (lane >= crew->end_lane)
		crew++;
	return crew;
}

static void
count_lookups(struct pool *pool)
{
	atomic_store(&pool->core->stats.lookups, pool->lanes[LANE_NAMES].len);
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
	count_lookups(pool);
	rest(pool, flight);
}

static void
put_done(struct pool *pool, struct pool_item *item)
{
	const uint64_t one = 1;

	item->next = pool->done;
	pool->done = item;
	while (write(pool->event_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

/* Nobody waits for these answers any more: perhaps that saves the hash. */
static void
refuse_late(struct pool *pool, struct flight *flight)
{
	int64_t now = jp_now_ms();
	struct pool_item *item;

	while ((item = flight->first) != NULL && now >= item->deadline_ms) {
		flight->first = item->next;
		jp_decision_refuse(&item->decision, item->late);
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
	enum lane_code lane = lane_for(open);

	if (lane == LANE_TAGLESS &&
	    count_tagless(pool, open->id) >= TAGLESS_ID_MAX)
		return JP_REASON_THROTTLED;
	if (pool->lanes[lane].len == pool->lanes[lane].max)
		return late_for(open);
	if (lane != LANE_TAGLESS)
		return JP_REASON_NONE;
	return jp_throttle_take(
	           &pool->throttle, open->id, JP_TOKEN_ID_LEN, jp_now_ms()) == 0
	           ? JP_REASON_NONE
	           : JP_REASON_THROTTLED;
}

static enum jp_reason
join(struct pool *pool, struct flight *flight, struct pool_item *item)
{
	if (!item->joined && pool->joined_len == pool->joined_max)
		return JP_REASON_OVERLOAD;
	pool->joined_len += !item->joined;
	item->joined = true;
	*flight->last = item;
	flight->last = &item->next;
	return JP_REASON_NONE;
}

static enum jp_reason
start_flight(struct pool *pool, const struct jp_decision *open,
    const uint8_t tag[JP_MEMO_TAG_LEN], struct pool_item *item)
{
	enum lane_code code = lane_for(open);
	struct lane *lane = &pool->lanes[code];
	struct flight *flight = pool->idle_flight;
	enum jp_reason reason = may_start(pool, open);

	if (reason != JP_REASON_NONE)
		return reason;
	pool->idle_flight = flight->next; /* one for each place of the lanes */
	flight->next = NULL;
	memcpy(flight->tag, tag, JP_MEMO_TAG_LEN);
	memcpy(flight->id, open->id, sizeof(flight->id));
	flight->lane = code;
	flight->charged = code == LANE_TAGLESS;
	flight->first = item;
	flight->last = &item->next;
	*lane->last = flight;
	lane->last = &flight->next;
	lane->len++;
	count_lookups(pool);
	atomic_fetch_add(&pool->core->stats.queued, code != LANE_NAMES);
	pthread_cond_signal(&crew_of(pool, code)->wake);
	return JP_REASON_NONE;
}

/* The tag of a look-up stands for a user and a service. */
static void
tag_names(const struct pool *pool, const char *user, const char *service,
    uint8_t tag[JP_MEMO_TAG_LEN])
{
	static const uint8_t domain[] = "jpat-names-v1";
	crypto_generichash_state state;

	(void)crypto_generichash_init(
	    &state, pool->key.bytes, sizeof(pool->key.bytes), JP_MEMO_TAG_LEN);
	(void)crypto_generichash_update(&state, domain, sizeof(domain));
	(void)crypto_generichash_update(
	    &state, (const uint8_t *)user, strlen(user) + 1);
	(void)crypto_generichash_update(
	    &state, (const uint8_t *)service, strlen(service) + 1);
	(void)crypto_generichash_final(&state, tag, JP_MEMO_TAG_LEN);
}

/* Puts the item into the flight of what `open` needs. */
static enum jp_reason
board(struct pool *pool, const struct jp_decision *open, struct pool_item *item)
{
	uint8_t tag[JP_MEMO_TAG_LEN];
	struct flight *flight;

	if (open->need == JP_NEED_GROUPS)
		tag_names(pool, open->user, item->request.service, tag);
	else
		jp_memo_tag(&pool->key, open->phc, &item->request.token, tag);
	item->next = NULL;
	item->late = late_for(open);
	flight = find_flight(pool, tag);
	return flight != NULL ? join(pool, flight, item)
	                      : start_flight(pool, open, tag, item);
}

/* ---- threads ---- */

/* Takes the next flight out of its lane, or NULL; under the mutex. */
static struct flight *
take_flight(const struct crew *crew)
{
	struct pool *pool = crew->pool;
	enum lane_code code = crew->first_lane;
	struct lane *lane;
	struct flight *flight;

	while (code + 1 < crew->end_lane && pool->lanes[code].first == NULL)
		code++;
	lane = &pool->lanes[code];
	flight = lane->first;
	if (flight == NULL)
		return NULL;
	lane->first = flight->next;
	if (lane->first == NULL)
		lane->last = &lane->first;
	atomic_fetch_sub(&pool->core->stats.queued, code != LANE_NAMES);
	return flight;
}

/* What a thread does next: a flight, or the i-th task of a group. */
struct work {
	struct flight *flight;
	struct task_group *group;
	size_t i;
};

/* Whether there is something: a flight in which somebody still waits first. */
static bool
find_work(struct crew *crew, struct work *work)
{
	struct pool *pool = crew->pool;

	while ((work->flight = take_flight(crew)) != NULL) {
		refuse_late(pool, work->flight);
		if (work->flight->first != NULL)
			return true;
	}
	return crew->has_tasks && !pool->tasks_end &&
	       task_queue_take(&pool->tasks, &work->group, &work->i);
}

/* False at the end. */
static bool
next_work(struct crew *crew, struct work *work)
{
	struct pool *pool = crew->pool;
	bool found = false;

	pthread_mutex_lock(&pool->mutex);
	while (!pool->stopping && !(found = find_work(crew, work)))
		pthread_cond_wait(&crew->wake, &pool->mutex);
	pthread_mutex_unlock(&pool->mutex);
	return found;
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

/* What an acceptance comes with; once. */
static void
reveal(struct pool *pool, struct pool_item *item, bool wait)
{
	if (!item->reveals || item->decision.verdict != JP_ACCEPT)
		return;
	jp_upstream_complete(
	    pool->core, &item->request, wait, &item->decision, &item->upstream);
	item->reveals = item->decision.need == JP_NEED_COMMIT;
}

/* To the loop; or on to another lane, if something is missing yet. */
static void
hand_on(struct pool *pool, struct pool_item *item)
{
	enum jp_reason reason;
	struct jp_decision open;

	reveal(pool, item, true);
	reason = item->decision.reason;
	open = item->decision;
	pthread_mutex_lock(&pool->mutex);
	if (reason == JP_REASON_NONE) {
		reason = item->left ? item->late : board(pool, &open, item);
		if (reason != JP_REASON_NONE)
			jp_decision_refuse(&item->decision, reason);
	}
	if (reason != JP_REASON_NONE)
		put_done(pool, item);
	pthread_mutex_unlock(&pool->mutex);
}

/* What other threads wait for than those that hash. */
#define COMMITS                                                                \
	(JP_BUT(JP_NEED_USE) | JP_BUT(JP_NEED_COMPLETE) |                      \
	    JP_BUT(JP_NEED_REVOKE))
#define ELSEWHERE (JP_BUT(JP_NEED_GROUPS) | COMMITS)

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

	jp_decide_but(
	    pool->core, &item->request, &proof, ELSEWHERE, &item->decision);
	item = land(pool, flight, &proof);
	next = item->next;
	item->proof = proof;
	hand_on(pool, item);
	for (item = next; item != NULL; item = next) {
		next = item->next;
		if (jp_now_ms() >= item->deadline_ms)
			jp_decision_refuse(&item->decision, JP_REASON_OVERLOAD);
		else
			jp_decide_but(pool->core, &item->request, &proof,
			    ELSEWHERE, &item->decision);
		item->proof = proof;
		hand_on(pool, item);
	}
}

/*
 * One look-up for the first item; what it says is remembered for the others. If
 * it failed they do not try again, one after the other.
 */
static void
look_up(struct pool *pool, struct flight *flight)
{
	static const struct jp_proof nothing = { .phc = "" };
	struct pool_item *item = flight->first, *next;
	bool failed;

	jp_decide_but(
	    pool->core, &item->request, &item->proof, COMMITS, &item->decision);
	failed = item->decision.reason == JP_REASON_GROUP_SOURCE;
	item = land(pool, flight, &nothing);
	next = item->next;
	hand_on(pool, item);
	for (item = next; item != NULL; item = next) {
		next = item->next;
		if (failed || jp_now_ms() >= item->deadline_ms)
			jp_decision_refuse(
			    &item->decision, JP_REASON_GROUP_SOURCE);
		else
			jp_decide_but(pool->core, &item->request, &item->proof,
			    COMMITS, &item->decision);
		hand_on(pool, item);
	}
}

/* Decides as far as that goes without a hash, and without a slow disk. */
static void
look_again(struct pool *pool, struct pool_item *item)
{
	struct jp_decision *decision = &item->decision;

	jp_decide(pool->core, &item->request, NULL, decision);
	reveal(pool, item, false);
	if (decision->need == JP_NEED_STORE)
		decision->need = JP_NEED_COMMIT;
}

/* The same behind the commit that touches the record. */
static void
look_behind(struct pool *pool, struct pool_item *item)
{
	jp_decide_waiting(pool->core, &item->request, NULL, &item->decision);
}

/* The hash is proved, or was: of what is needed else, another lane sees. */
static void
use_one(struct pool *pool, struct pool_item *item)
{
	jp_decide_using(pool->core, &item->request, &item->proof,
	    item->deadline_ms, &item->decision);
}

static void
end_others(struct pool *pool, struct pool_item *item)
{
	jp_decide_ending(pool->core, &item->request, &item->proof,
	    item->deadline_ms, &item->decision);
}

static void
do_all(struct pool *pool, struct flight *flight,
    void (*act)(struct pool *pool, struct pool_item *item))
{
	const struct jp_proof none = { .phc = "" };
	struct pool_item *item, *next;

	for (item = land(pool, flight, &none); item != NULL; item = next) {
		next = item->next;
		if (jp_now_ms() >= item->deadline_ms)
			jp_decision_refuse(&item->decision, item->late);
		else
			act(pool, item);
		hand_on(pool, item);
	}
}

static void
read_store(struct pool *pool, struct flight *flight)
{
	jp_store_wait(pool->core->store);
	do_all(pool, flight, look_again);
}

static void
read_settled(struct pool *pool, struct flight *flight)
{
	if (!flight->first->request.account) { /* of many records */
		jp_store_hold(pool->core->store);
		jp_store_release(pool->core->store);
	}
	do_all(pool, flight, look_behind);
}

/* A commit for each: whoever is answered late meanwhile takes no use. */
static void
use_each(struct pool *pool, struct flight *flight)
{
	do_all(pool, flight, use_one);
}

static void
end_each(struct pool *pool, struct flight *flight)
{
	do_all(pool, flight, end_others);
}

static void
do_task(struct pool *pool, struct task_group *group, size_t i)
{
	group->task(group->arg, i);
	pthread_mutex_lock(&pool->mutex);
	group->ended++;
	pthread_cond_broadcast(&pool->task_ended);
	pthread_mutex_unlock(&pool->mutex);
}

static void *
work(void *arg)
{
	struct crew *crew = arg;
	struct pool *pool = crew->pool;
	struct work next;

	while (next_work(crew, &next))
		if (next.flight != NULL)
			crew->fly(pool, next.flight);
		else
			do_task(pool, next.group, next.i);
	pthread_mutex_lock(&pool->mutex);
	pool->running--;
	pthread_cond_signal(&pool->ended);
	pthread_mutex_unlock(&pool->mutex);
	return NULL;
}

/* The `run` of jp_workers: the caller waits, and every worker does tasks. */
static enum jp_err
run_tasks(struct jp_workers *workers, jp_task task, void *arg, size_t count)
{
	struct pool *pool = (struct pool *)workers;
	struct task_group group = { .task = task, .arg = arg, .count = count };

	if (count == 0)
		return JP_ERR_OK;
	pthread_mutex_lock(&pool->mutex);
	pool->asking++;
	task_queue_add(&pool->tasks, &group);
	pthread_cond_broadcast(&pool->crews[CREW_HASH].wake);
	while (group.ended < group.begun ||
	       (group.begun < count && !pool->tasks_end))
		pthread_cond_wait(&pool->task_ended, &pool->mutex);
	task_queue_cut(&pool->tasks, &group);
	pool->asking--;
	pthread_cond_signal(&pool->ended);
	pthread_mutex_unlock(&pool->mutex);
	return group.begun == count ? JP_ERR_OK : JP_ERR_UNREACHABLE;
}

/* ---- start ---- */

static size_t
worker_count(uint32_t wanted)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	if (wanted == 0)
		wanted = processors > 0 ? (uint32_t)processors : 1;
	return wanted < JP_WORKERS_MAX ? wanted : JP_WORKERS_MAX;
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
start_threads(struct pool *pool, struct crew *crew, size_t count)
{
	enum jp_err err = JP_ERR_OK;
	pthread_attr_t attr;

	if (pthread_attr_init(&attr) != 0)
		return JP_ERR_NOMEM;
	(void)pthread_attr_setstacksize(&attr, STACK_SIZE);
	for (size_t i = 0; i < count && err == JP_ERR_OK; i++) {
		pthread_t *thread = &pool->threads[pool->thread_len];

		if (pthread_create(thread, &attr, work, crew) != 0)
			err = JP_ERR_NOMEM;
		else
			pool->thread_len++;
	}
	(void)pthread_attr_destroy(&attr);
	return err;
}

static enum jp_err
start_crews(struct pool *pool, size_t workers)
{
	enum jp_err err;

	pool->threads = calloc(workers + THREADS, sizeof(*pool->threads));
	if (pool->threads == NULL)
		return JP_ERR_NOMEM;
	pthread_mutex_lock(&pool->mutex); /* none ends before it is counted */
	err = start_threads(pool, &pool->crews[CREW_HASH], workers);
	if (err == JP_ERR_OK)
		err = start_threads(pool, &pool->crews[CREW_STORE], 1);
	if (err == JP_ERR_OK)
		err = start_threads(pool, &pool->crews[CREW_COMMIT], 1);
	if (err == JP_ERR_OK)
		err = start_threads(pool, &pool->crews[CREW_USES], 1);
	if (err == JP_ERR_OK)
		err =
		    start_threads(pool, &pool->crews[CREW_ENDS], ENDS_THREADS);
	if (err == JP_ERR_OK)
		err = start_threads(
		    pool, &pool->crews[CREW_NAMES], NAMES_THREADS);
	pool->running = pool->thread_len;
	pthread_mutex_unlock(&pool->mutex);
	return err;
}

static void
set_lanes(struct pool *pool, size_t workers)
{
	for (size_t i = 0; i < LANE_COUNT; i++)
		pool->lanes[i].last = &pool->lanes[i].first;
	pool->lanes[LANE_TAGGED].max = TAGGED_MAX + workers;
	pool->lanes[LANE_TAGLESS].max = TAGLESS_MAX;
	pool->lanes[LANE_STORE].max = STORE_MAX;
	pool->lanes[LANE_COMMIT].max = STORE_MAX;
	pool->lanes[LANE_USES].max = USES_MAX;
	pool->lanes[LANE_ENDS].max = ENDS_MAX;
	pool->lanes[LANE_NAMES].max = NAMES_MAX;
	for (size_t i = 0; i < LANE_COUNT; i++)
		pool->flight_len += pool->lanes[i].max;
	pool->crews[CREW_HASH] = (struct crew){ .pool = pool,
		.first_lane = LANE_TAGGED,
		.end_lane = LANE_STORE,
		.has_tasks = true,
		.fly = fly };
	pool->crews[CREW_STORE] = (struct crew){ .pool = pool,
		.first_lane = LANE_STORE,
		.end_lane = LANE_COMMIT,
		.fly = read_store };
	pool->crews[CREW_COMMIT] = (struct crew){ .pool = pool,
		.first_lane = LANE_COMMIT,
		.end_lane = LANE_USES,
		.fly = read_settled };
	pool->crews[CREW_USES] = (struct crew){ .pool = pool,
		.first_lane = LANE_USES,
		.end_lane = LANE_ENDS,
		.fly = use_each };
	pool->crews[CREW_ENDS] = (struct crew){ .pool = pool,
		.first_lane = LANE_ENDS,
		.end_lane = LANE_NAMES,
		.fly = end_each };
	pool->crews[CREW_NAMES] = (struct crew){ .pool = pool,
		.first_lane = LANE_NAMES,
		.end_lane = LANE_COUNT,
		.fly = look_up };
	for (size_t i = 0; i < CREW_COUNT; i++)
		(void)pthread_cond_init(&pool->crews[i].wake, NULL);
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
	set_lanes(pool, count);
	jp_throttle_init(
	    &pool->throttle, JP_THROTTLE_BURST, JP_THROTTLE_REFILL_MS);
	pool->joined_max = joined_max;
	/* What waits for the store and what waits for a commit of its own have
	 * the same items: all of them are locked. */
	pool->item_len =
	    pool->flight_len - USES_MAX - ENDS_MAX + pool->joined_max;
	atomic_store(&core->stats.max_queued,
	    TAGGED_MAX + TAGLESS_MAX + 2 * STORE_MAX + USES_MAX + ENDS_MAX);
	jp_memo_key_make(&pool->key);
	(void)pthread_mutex_init(&pool->mutex, NULL);
	jp_cond_init(&pool->ended);
	(void)pthread_cond_init(&pool->task_ended, NULL);
	task_queue_init(&pool->tasks);
	pool->workers.run = run_tasks;
	err = make_room(pool);
	if (err == JP_ERR_OK)
		err = start_crews(pool, count);
	if (err == JP_ERR_OK)
		*out = pool;
	else
		(void)pool_stop(pool, INT64_MAX);
	core->workers = err == JP_ERR_OK ? &pool->workers : NULL;
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
	enum jp_reason reason;

	memcpy(item->id, open->id, sizeof(item->id));
	memcpy(item->decision.id, open->id, sizeof(item->decision.id));
	pthread_mutex_lock(&pool->mutex);
	reason = board(pool, open, item);
	pthread_mutex_unlock(&pool->mutex);
	return reason;
}

enum jp_reason
pool_leave(struct pool *pool, struct pool_item *item)
{
	enum jp_reason reason;

	pthread_mutex_lock(&pool->mutex);
	item->left = true;
	reason = item->late;
	pthread_mutex_unlock(&pool->mutex);
	atomic_fetch_add(&pool->core->stats.late, 1);
	return reason;
}

void
pool_lend(struct pool *pool, struct pool_item *item, enum jp_reason late)
{
	item->pool = pool;
	memcpy(item->id, item->decision.id, sizeof(item->id));
	pthread_mutex_lock(&pool->mutex);
	item->late = late;
	pool->lent_len++;
	pthread_mutex_unlock(&pool->mutex);
}

void
pool_give_back(struct pool_item *item)
{
	struct pool *pool = item->pool;

	pthread_mutex_lock(&pool->mutex);
	put_done(pool, item);
	pool->lent_len--;
	pthread_cond_signal(&pool->ended);
	pthread_mutex_unlock(&pool->mutex);
}

void
pool_keep(struct pool_item *item)
{
	struct pool *pool = item->pool;

	pthread_mutex_lock(&pool->mutex);
	pool->lent_len--;
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
	bool joined = item->joined;

	explicit_bzero(item, sizeof(*item));
	pthread_mutex_lock(&pool->mutex);
	pool->joined_len -= joined;
	item->next = pool->idle;
	pool->idle = item;
	pthread_mutex_unlock(&pool->mutex);
}

static void
free_pool(struct pool *pool)
{
	if (pool->items != NULL)
		explicit_bzero(
		    pool->items, pool->item_used * sizeof(*pool->items));
	free(pool->items);
	free(pool->flights);
	free(pool->threads);
	for (size_t i = 0; i < CREW_COUNT; i++)
		(void)pthread_cond_destroy(&pool->crews[i].wake);
	(void)pthread_cond_destroy(&pool->task_ended);
	(void)pthread_cond_destroy(&pool->ended);
	(void)pthread_mutex_destroy(&pool->mutex);
	explicit_bzero(&pool->key, sizeof(pool->key));
	free(pool);
}

static bool
is_busy(const struct pool *pool)
{
	return pool->running > 0 || pool->lent_len > 0 || pool->asking > 0;
}

void
pool_end_tasks(struct pool *pool)
{
	if (pool == NULL)
		return;
	pthread_mutex_lock(&pool->mutex);
	pool->tasks_end = true;
	pthread_cond_broadcast(&pool->task_ended);
	pthread_mutex_unlock(&pool->mutex);
}

bool
pool_stop(struct pool *pool, int64_t deadline_ms)
{
	bool ended;

	if (pool == NULL)
		return true;
	pool_end_tasks(pool);
	pthread_mutex_lock(&pool->mutex);
	pool->stopping = true;
	for (size_t i = 0; i < CREW_COUNT; i++)
		pthread_cond_broadcast(&pool->crews[i].wake);
	while (is_busy(pool) &&
	       jp_cond_wait_until(&pool->ended, &pool->mutex, deadline_ms))
		continue;
	ended = !is_busy(pool);
	pthread_mutex_unlock(&pool->mutex);
	if (!ended)
		return false;
	for (size_t i = 0; i < pool->thread_len; i++)
		(void)pthread_join(pool->threads[i], NULL);
	pool->core->workers = NULL;
	free_pool(pool);
	return true;
}
