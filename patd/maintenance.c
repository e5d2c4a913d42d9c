#include "patd/maintenance.h"

#include <pthread.h>
#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/decide/clock_guard.h"
#include "common/sys/cond.h"
#include "common/sys/log.h"
#include "common/decide/usage.h"
#include "patd/arena.h"

enum {
	STALLED_S = 10,
	WATCH_MS = 1000,
	LAST_WORDS_MS = 1000,
};

/* What the first thread is called for between two times. */
enum call {
	CALL_LOOK = 1,
	CALL_WRITE = 2,
};

struct maintenance {
	struct jp_core *core;
	unsigned int period_ms;
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
	_exit(MAINTENANCE_EXIT);
}

static void
leave_if_damaged(struct maintenance *maintenance, enum jp_err err)
{
	struct jp_why why = { .text = "" };

	if (err == JP_ERR_OK)
		return;
	jp_store_why(maintenance->core->store, &why);
	jp_log(LOG_CRIT, "store: %s: %s", jp_err_text(err), why.text);
	if (err == JP_ERR_DAMAGED)
		leave();
}

/*
 * Sleeps until then, or a call (`calls` NULL: they are for another thread), or
 * the stop: that is false.
 */
static bool
pause_until(
    struct maintenance *maintenance, int64_t when_ms, unsigned int *calls)
{
	bool go_on;

	pthread_mutex_lock(&maintenance->mutex);
	while (!maintenance->stopping &&
	       (calls == NULL || maintenance->calls == 0) &&
	       jp_cond_wait_until(
	           &maintenance->wake, &maintenance->mutex, when_ms))
		continue;
	go_on = !maintenance->stopping;
	if (calls != NULL) {
		*calls = maintenance->calls;
		maintenance->calls = 0;
	}
	pthread_mutex_unlock(&maintenance->mutex);
	return go_on;
}

static void
call(struct maintenance *maintenance, enum call what)
{
	pthread_mutex_lock(&maintenance->mutex);
	maintenance->calls |= what;
	pthread_cond_broadcast(&maintenance->wake);
	pthread_mutex_unlock(&maintenance->mutex);
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
	struct maintenance *maintenance = arg;
	struct jp_core *core = maintenance->core;
	int64_t when_ms = jp_now_ms() + maintenance->period_ms;
	struct jp_store_info info;
	unsigned int calls;

	while (pause_until(maintenance, when_ms, &calls)) {
		if ((calls & CALL_LOOK) != 0)
			leave_if_damaged(
			    maintenance, jp_store_info(core->store, &info));
		if ((calls & CALL_WRITE) != 0)
			leave_if_damaged(maintenance, save(core));
		if (calls != 0)
			continue;
		leave_if_damaged(maintenance, save(core));
		when_ms = jp_now_ms() + maintenance->period_ms;
	}
	return NULL;
}

/* Calls nothing of the store that could hang with it. */
static void *
watch(void *arg)
{
	struct maintenance *maintenance = arg;

	while (pause_until(maintenance, jp_now_ms() + WATCH_MS, NULL)) {
		arena_sweep(jp_now_ms() - maintenance->period_ms);
		if (!jp_store_stalled(maintenance->core->store, STALLED_S))
			continue;
		jp_log(LOG_CRIT,
		    "store: no operation has ended for %d seconds: exiting",
		    STALLED_S);
		leave();
	}
	return NULL;
}

enum jp_err
maintenance_start(
    struct maintenance **out, struct jp_core *core, unsigned int period_ms)
{
	static void *(*const tasks[])(void *) = { keep, watch };
	struct maintenance *maintenance = calloc(1, sizeof(*maintenance));

	*out = NULL;
	if (maintenance == NULL)
		return JP_ERR_NOMEM;
	maintenance->core = core;
	jp_clock_guard_watch(core, &jp_steady_clock);
	maintenance->period_ms = period_ms;
	(void)pthread_mutex_init(&maintenance->mutex, NULL);
	jp_cond_init(&maintenance->wake);
	while (maintenance->thread_len < 2 &&
	       pthread_create(&maintenance->threads[maintenance->thread_len],
	           NULL, tasks[maintenance->thread_len], maintenance) == 0)
		maintenance->thread_len++;
	if (maintenance->thread_len == 2) {
		*out = maintenance;
		return JP_ERR_OK;
	}
	maintenance_stop(maintenance);
	return JP_ERR_NOMEM;
}

void
maintenance_suspect(struct maintenance *maintenance)
{
	call(maintenance, CALL_LOOK);
}

void
maintenance_hurry(struct maintenance *maintenance)
{
	call(maintenance, CALL_WRITE);
}

void
maintenance_stop(struct maintenance *maintenance)
{
	if (maintenance == NULL)
		return;
	pthread_mutex_lock(&maintenance->mutex);
	maintenance->stopping = true;
	pthread_cond_broadcast(&maintenance->wake);
	pthread_mutex_unlock(&maintenance->mutex);
	for (size_t i = 0; i < maintenance->thread_len; i++)
		(void)pthread_join(maintenance->threads[i], NULL);
	(void)pthread_cond_destroy(&maintenance->wake);
	(void)pthread_mutex_destroy(&maintenance->mutex);
	free(maintenance);
}
