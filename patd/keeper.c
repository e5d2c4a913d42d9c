#include "patd/keeper.h"

#include <pthread.h>
#include <stdlib.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "common/decide/clock_guard.h"
#include "common/sys/log.h"
#include "common/decide/usage.h"

enum {
	STALLED_S = 10,
	WATCH_MS = 1000,
	LAST_WORDS_MS = 1000,
	MS_PER_S = 1000,
	NS_PER_MS = 1000000,
};

/* What the first thread is called for between two times. */
enum call {
	CALL_LOOK = 1,
	CALL_WRITE = 2,
};

struct keeper {
	struct jp_core *core;
	unsigned int save_ms;
	pthread_mutex_t mutex; /* of the next two */
	pthread_cond_t wake;
	bool stopping;
	unsigned int calls; /* of enum call */
	size_t thread_len;
	pthread_t threads[2];
};

/* With its last words, if somebody reads them. */
static void
leave(void)
{
	(void)jp_log_flush(LAST_WORDS_MS);
	_exit(KEEPER_EXIT);
}

static void
leave_if_damaged(struct keeper *keeper, enum jp_err err)
{
	struct jp_why why = { "" };

	if (err == JP_ERR_OK)
		return;
	jp_store_why(keeper->core->store, &why);
	jp_log(LOG_CRIT, "store: %s: %s", jp_err_text(err), why.text);
	if (err == JP_ERR_DAMAGED)
		leave();
}

static struct timespec
ms_from_now(unsigned int ms)
{
	struct timespec when;

	(void)clock_gettime(CLOCK_MONOTONIC, &when);
	when.tv_sec += ms / MS_PER_S;
	when.tv_nsec += (long)(ms % MS_PER_S) * NS_PER_MS;
	if (when.tv_nsec >= MS_PER_S * NS_PER_MS) {
		when.tv_nsec -= MS_PER_S * NS_PER_MS;
		when.tv_sec++;
	}
	return when;
}

/*
 * Sleeps until then, or a call (`calls` NULL: they are for another thread), or
 * the stop: that is false.
 */
static bool
pause_until(
    struct keeper *keeper, const struct timespec *when, unsigned int *calls)
{
	int rc = 0;
	bool go_on;

	pthread_mutex_lock(&keeper->mutex);
	while (rc == 0 && !keeper->stopping &&
	       (calls == NULL || keeper->calls == 0))
		rc =
		    pthread_cond_timedwait(&keeper->wake, &keeper->mutex, when);
	go_on = !keeper->stopping;
	if (calls != NULL) {
		*calls = keeper->calls;
		keeper->calls = 0;
	}
	pthread_mutex_unlock(&keeper->mutex);
	return go_on;
}

static void
call(struct keeper *keeper, enum call what)
{
	pthread_mutex_lock(&keeper->mutex);
	keeper->calls |= what;
	pthread_cond_broadcast(&keeper->wake);
	pthread_mutex_unlock(&keeper->mutex);
}

static enum jp_err
save(struct jp_core *core)
{
	enum jp_err err;

	jp_clock_guard_note(core);
	err = jp_usage_flush(core->usage, core);
	return err == JP_ERR_OK ? jp_store_checkpoint(core->store) : err;
}

/* A call does not put off what is done at its time. */
static void *
keep(void *arg)
{
	struct keeper *keeper = arg;
	struct jp_core *core = keeper->core;
	struct timespec when = ms_from_now(keeper->save_ms);
	struct jp_store_info info;
	unsigned int calls;

	while (pause_until(keeper, &when, &calls)) {
		if ((calls & CALL_LOOK) != 0)
			leave_if_damaged(
			    keeper, jp_store_info(core->store, &info));
		if ((calls & CALL_WRITE) != 0)
			leave_if_damaged(
			    keeper, jp_usage_flush(core->usage, core));
		if (calls != 0)
			continue;
		leave_if_damaged(keeper, save(core));
		when = ms_from_now(keeper->save_ms);
	}
	return NULL;
}

/* Calls nothing of the store that could hang with it. */
static void *
watch(void *arg)
{
	struct keeper *keeper = arg;
	struct timespec when = ms_from_now(WATCH_MS);

	while (pause_until(keeper, &when, NULL)) {
		when = ms_from_now(WATCH_MS);
		if (!jp_store_stalled(keeper->core->store, STALLED_S))
			continue;
		jp_log(LOG_CRIT,
		    "store: no operation has ended for %d seconds: leaving",
		    STALLED_S);
		leave();
	}
	return NULL;
}

enum jp_err
keeper_start(struct keeper **out, struct jp_core *core, unsigned int save_ms)
{
	static void *(*const tasks[])(void *) = { keep, watch };
	struct keeper *keeper = calloc(1, sizeof(*keeper));
	pthread_condattr_t attr;

	*out = NULL;
	if (keeper == NULL)
		return JP_ERR_NOMEM;
	keeper->core = core;
	keeper->save_ms = save_ms;
	(void)pthread_mutex_init(&keeper->mutex, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&keeper->wake, &attr);
	(void)pthread_condattr_destroy(&attr);
	while (keeper->thread_len < 2 &&
	       pthread_create(&keeper->threads[keeper->thread_len], NULL,
	           tasks[keeper->thread_len], keeper) == 0)
		keeper->thread_len++;
	if (keeper->thread_len == 2) {
		*out = keeper;
		return JP_ERR_OK;
	}
	keeper_stop(keeper);
	return JP_ERR_NOMEM;
}

void
keeper_suspect(struct keeper *keeper)
{
	call(keeper, CALL_LOOK);
}

void
keeper_hurry(struct keeper *keeper)
{
	call(keeper, CALL_WRITE);
}

void
keeper_stop(struct keeper *keeper)
{
	if (keeper == NULL)
		return;
	pthread_mutex_lock(&keeper->mutex);
	keeper->stopping = true;
	pthread_cond_broadcast(&keeper->wake);
	pthread_mutex_unlock(&keeper->mutex);
	for (size_t i = 0; i < keeper->thread_len; i++)
		(void)pthread_join(keeper->threads[i], NULL);
	(void)pthread_cond_destroy(&keeper->wake);
	(void)pthread_mutex_destroy(&keeper->mutex);
	free(keeper);
}
