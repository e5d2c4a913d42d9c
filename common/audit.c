#include "common/audit.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "common/audit_limit.h"
#include "common/log.h"

enum {
	TICK_S = 1, /* between two looks at floods that are over */
	TAKEN_MAX = JP_AUDIT_BATCH - 1, /* room for the line about lost ones */
};

struct entry {
	struct jp_audit_event event;
	jp_audit_done done; /* NULL: nobody waits */
	void *arg;
};

struct jp_audit {
	struct jp_clock clock;
	enum jp_audit_accept accept;
	bool has_file, required, to_syslog;
	pthread_mutex_t mutex; /* of all below up to the next one */
	pthread_cond_t wake;   /* the thread: there is work */
	pthread_cond_t moved;  /* the others: something left the queue */
	bool threaded, stopping, failing;
	uint64_t lost;     /* lines, since the last one that was written */
	uint64_t lost_all; /* since the start */
	struct jp_why why;
	struct jp_audit_limit limit;
	size_t first, len;
	struct entry queue[JP_AUDIT_QUEUE];
	pthread_t thread;
	pthread_mutex_t file_mutex; /* of what follows */
	size_t taken_len;
	struct entry taken[TAKEN_MAX];
	struct jp_audit_event batch[JP_AUDIT_BATCH];
	struct jp_audit_file file;
};

/* Somebody who waits for some lines. */
struct waiting {
	struct jp_audit *audit;
	size_t pending;
	enum jp_err err; /* the first one */
};

/* ---- making and writing lines, under the mutex but for the writing ---- */

static void
lose(struct jp_audit *audit, uint64_t count)
{
	audit->lost += count;
	audit->lost_all += count;
}

static bool
push(struct jp_audit *audit, const struct jp_audit_event *event,
    jp_audit_done done, void *arg)
{
	struct entry *entry;

	if (audit->len == JP_AUDIT_QUEUE) {
		lose(audit, 1);
		return false;
	}
	entry = &audit->queue[(audit->first + audit->len) % JP_AUDIT_QUEUE];
	entry->event = *event;
	entry->done = done;
	entry->arg = arg;
	audit->len++;
	pthread_cond_signal(&audit->wake);
	return true;
}

static const char *
event_name(const struct jp_decision *decision)
{
	if (decision->reason == JP_REASON_SUPERSEDED)
		return "reuse";
	switch (decision->verdict) {
	case JP_ACCEPT:
		return "accept";
	case JP_UNAVAILABLE:
		return "unavailable";
	case JP_DENY:
		break;
	}
	return "deny";
}

/* One line for all denials of a flood that had none. */
static void
push_flood(struct jp_audit *audit, const struct jp_flood *flood)
{
	struct jp_decision decision = {
		.verdict = jp_reason_verdict(flood->reason),
		.reason = flood->reason,
	};
	struct jp_audit_event event = {
		.time = jp_clock_now(&audit->clock),
		.event = event_name(&decision),
		.reason = jp_reason_name(flood->reason),
		.has_peer = true,
		.peer = flood->peer,
		.count = flood->held,
	};

	if (flood->held == 0)
		return;
	(void)jp_field_set(event.detail, sizeof(event.detail),
	    "so many more, not told one by one");
	(void)push(audit, &event, NULL, NULL);
}

static void
push_floods(struct jp_audit *audit, bool all)
{
	struct jp_flood flood;
	int64_t now = jp_clock_now(&audit->clock);

	while (audit->len < JP_AUDIT_QUEUE &&
	       jp_flood_next(&audit->limit.floods, now, all, &flood))
		push_flood(audit, &flood);
}

/* Takes the oldest lines out of the queue; returns how many to write. */
static size_t
take(struct jp_audit *audit)
{
	size_t count = 0;

	if (audit->lost > 0)
		audit->batch[count++] = (struct jp_audit_event){
			.time = jp_clock_now(&audit->clock),
			.event = "lost",
			.detail = "lines that could not be written",
			.count = audit->lost,
		};
	for (audit->taken_len = 0;
	     audit->taken_len < TAKEN_MAX && audit->len > 0;
	     audit->taken_len++) {
		audit->taken[audit->taken_len] = audit->queue[audit->first];
		audit->batch[count++] = audit->queue[audit->first].event;
		audit->first = (audit->first + 1) % JP_AUDIT_QUEUE;
		audit->len--;
	}
	pthread_cond_broadcast(&audit->moved);
	return count;
}

static void
tell_syslog(const struct jp_audit *audit, size_t count)
{
	char text[JP_AUDIT_LINE_MAX];

	for (size_t i = 0; audit->to_syslog && i < count; i++)
		if (jp_audit_event_text(&audit->batch[i], text) == JP_ERR_OK)
			syslog(LOG_AUTHPRIV | LOG_NOTICE, "audit: %s", text);
}

/* What was not told may be told the next time. */
static void
give_up(struct jp_audit *audit)
{
	lose(audit, audit->taken_len);
	for (size_t i = 0; i < audit->taken_len; i++) {
		const struct jp_audit_event *event = &audit->taken[i].event;

		if (strcmp(event->event, "accept") == 0)
			jp_audit_first_forget(
			    &audit->limit, event->id, event->address);
	}
	if (!audit->failing)
		jp_log(LOG_ERR, "audit: %s: %s", audit->why.text,
		    audit->required ? "nothing is done until it can be told"
		                    : "lines are lost");
	audit->failing = true;
}

static void
settle(struct jp_audit *audit, enum jp_err err, uint64_t lost)
{
	if (err != JP_ERR_OK) {
		give_up(audit);
		return;
	}
	audit->lost -= lost;
	if (audit->failing)
		jp_log(LOG_NOTICE,
		    "audit: lines are written again; %llu were not",
		    (unsigned long long)lost);
	audit->failing = false;
}

/*
 * Writes some of what waits. The mutex is held before and after, and not while
 * the disk works.
 */
static void
write_some(struct jp_audit *audit)
{
	struct jp_why why = { "" };
	enum jp_err err = JP_ERR_OK;
	uint64_t lost;
	size_t count;

	pthread_mutex_unlock(&audit->mutex);
	pthread_mutex_lock(&audit->file_mutex);
	pthread_mutex_lock(&audit->mutex);
	lost = audit->lost;
	count = take(audit);
	pthread_mutex_unlock(&audit->mutex);
	if (audit->has_file && count > 0)
		err = jp_audit_file_append(
		    &audit->file, audit->batch, count, &why);
	tell_syslog(audit, count);
	pthread_mutex_lock(&audit->mutex);
	if (err != JP_ERR_OK)
		audit->why = why;
	settle(audit, err, lost);
	pthread_mutex_unlock(&audit->mutex);
	for (size_t i = 0; i < audit->taken_len; i++)
		if (audit->taken[i].done != NULL)
			audit->taken[i].done(audit->taken[i].arg, err);
	pthread_mutex_unlock(&audit->file_mutex);
	pthread_mutex_lock(&audit->mutex);
}

/* ---- the thread ---- */

static void
pause_a_tick(struct jp_audit *audit)
{
	struct timespec until;

	if (!jp_flood_holds(&audit->limit.floods)) {
		(void)pthread_cond_wait(&audit->wake, &audit->mutex);
		return;
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += TICK_S;
	(void)pthread_cond_timedwait(&audit->wake, &audit->mutex, &until);
}

static void *
work(void *arg)
{
	struct jp_audit *audit = arg;

	pthread_mutex_lock(&audit->mutex);
	while (!audit->stopping) {
		if (audit->len == 0)
			pause_a_tick(audit);
		push_floods(audit, audit->stopping);
		if (audit->len > 0)
			write_some(audit);
	}
	pthread_mutex_unlock(&audit->mutex);
	return NULL;
}

enum jp_err
jp_audit_start(struct jp_audit *audit)
{
	if (audit == NULL)
		return JP_ERR_OK;
	audit->threaded =
	    pthread_create(&audit->thread, NULL, work, audit) == 0;
	return audit->threaded ? JP_ERR_OK : JP_ERR_NOMEM;
}

bool
jp_audit_waits(const struct jp_audit *audit)
{
	return audit != NULL && audit->required && audit->threaded;
}

/* Without a thread whoever has something to tell writes it. */
static void
write_if_alone(struct jp_audit *audit)
{
	while (!audit->threaded && audit->len > 0)
		write_some(audit);
}

/* ---- decisions ---- */

/* People paste into the wrong field: a token is not shown as a user either. */
static void
set_user(struct jp_audit_event *event, const char *user)
{
	struct jp_token token;
	enum jp_err err = jp_token_parse(user, strlen(user), &token);
	bool secret = err == JP_ERR_OK || err == JP_ERR_CHECKSUM;

	(void)jp_field_set(
	    event->user, sizeof(event->user), secret ? "(a token)" : user);
}

static void
describe(struct jp_audit_event *event, const struct jp_request *request,
    const struct jp_decision *decision)
{
	memset(event, 0, sizeof(*event));
	event->event = event_name(decision);
	event->reason = jp_reason_name(decision->reason);
	event->front = jp_front_name(request->front);
	memcpy(event->id, decision->id, sizeof(event->id));
	set_user(event,
	    decision->verdict == JP_ACCEPT ? decision->user : request->user);
	(void)jp_field_set(
	    event->service, sizeof(event->service), request->service);
	(void)jp_field_set(
	    event->address, sizeof(event->address), request->rhost);
}

/* Whether this decision gets a line of its own. */
static bool
is_told(struct jp_audit *audit, const struct jp_audit_event *event,
    const struct jp_decision *decision)
{
	struct jp_flood ended;
	bool told;

	if (decision->verdict == JP_ACCEPT) {
		switch (audit->accept) {
		case JP_AUDIT_ACCEPT_ALL:
			return true;
		case JP_AUDIT_ACCEPT_NONE:
			return false;
		case JP_AUDIT_ACCEPT_FIRST:
			break;
		}
		return jp_audit_is_first(
		    &audit->limit, event->id, event->address, event->time);
	}
	told = jp_flood_tell(&audit->limit.floods, event->peer,
	    decision->reason, event->time, &ended);
	push_flood(audit, &ended);
	return told;
}

static void
on_written(void *arg, enum jp_err err)
{
	struct waiting *waiting = arg;

	pthread_mutex_lock(&waiting->audit->mutex);
	if (waiting->err == JP_ERR_OK)
		waiting->err = err;
	waiting->pending--;
	pthread_cond_broadcast(&waiting->audit->moved);
	pthread_mutex_unlock(&waiting->audit->mutex);
}

/* Under the mutex. */
static enum jp_audit_answer
tell_required(struct jp_audit *audit, const struct jp_audit_event *event,
    jp_audit_done done, void *arg)
{
	struct waiting waiting = { .audit = audit, .pending = 1 };

	if (audit->threaded) {
		if (push(audit, event, done, arg))
			return JP_AUDIT_WAIT;
		jp_audit_first_forget(&audit->limit, event->id, event->address);
		return JP_AUDIT_FAIL;
	}
	if (!push(audit, event, on_written, &waiting))
		return JP_AUDIT_FAIL;
	write_if_alone(audit);
	return waiting.err == JP_ERR_OK ? JP_AUDIT_GO : JP_AUDIT_FAIL;
}

enum jp_audit_answer
jp_audit_decision(struct jp_audit *audit, const struct jp_request *request,
    const struct jp_decision *decision, uid_t peer, jp_audit_done done,
    void *arg)
{
	enum jp_audit_answer answer = JP_AUDIT_GO;
	struct jp_audit_event event;

	if (audit == NULL || decision->reason == JP_REASON_AUDIT)
		return JP_AUDIT_GO;
	describe(&event, request, decision);
	event.time = jp_clock_now(&audit->clock);
	event.has_peer = true;
	event.peer = peer;
	pthread_mutex_lock(&audit->mutex);
	if (is_told(audit, &event, decision)) {
		if (audit->required && decision->verdict != JP_UNAVAILABLE)
			answer = tell_required(audit, &event, done, arg);
		else
			(void)push(audit, &event, NULL, NULL);
	}
	write_if_alone(audit);
	pthread_mutex_unlock(&audit->mutex);
	return answer;
}

/* ---- administrative acts ---- */

/* An act can wait for room, unlike a question. */
static void
push_act(struct jp_audit *audit, const struct jp_audit_event *event,
    struct waiting *waiting)
{
	write_if_alone(audit);
	while (audit->len == JP_AUDIT_QUEUE)
		(void)pthread_cond_wait(&audit->moved, &audit->mutex);
	(void)push(audit, event, waiting != NULL ? on_written : NULL, waiting);
}

enum jp_err
jp_audit_acts(struct jp_audit *audit, struct jp_audit_event *events,
    size_t count, struct jp_why *why)
{
	struct waiting waiting = { .audit = audit, .pending = count };
	enum jp_err err = JP_ERR_OK;

	if (audit == NULL)
		return JP_ERR_OK;
	pthread_mutex_lock(&audit->mutex);
	for (size_t i = 0; i < count; i++) {
		events[i].time = jp_clock_now(&audit->clock);
		push_act(audit, &events[i], audit->required ? &waiting : NULL);
	}
	write_if_alone(audit);
	while (audit->required && waiting.pending > 0)
		(void)pthread_cond_wait(&audit->moved, &audit->mutex);
	err = waiting.err;
	if (err != JP_ERR_OK)
		(void)jp_why(why, err,
		    "nothing was done, for it could not be told: %s",
		    audit->why.text);
	pthread_mutex_unlock(&audit->mutex);
	return err;
}

/* ---- start and end ---- */

enum jp_err
jp_audit_make(struct jp_audit **out, const struct jp_settings *settings,
    const struct jp_pepper *pepper, const struct jp_clock *clock)
{
	struct jp_audit *audit;
	pthread_condattr_t attr;

	*out = NULL;
	if (settings->audit_file[0] == '\0' && !settings->audit_syslog)
		return JP_ERR_OK;
	audit = calloc(1, sizeof(*audit));
	if (audit == NULL)
		return JP_ERR_NOMEM;
	audit->clock = *clock;
	audit->accept = settings->audit_accept;
	audit->required = settings->audit_required;
	audit->to_syslog = settings->audit_syslog;
	audit->has_file = settings->audit_file[0] != '\0';
	jp_audit_file_init(
	    &audit->file, settings->audit_file, settings->store_dir, pepper);
	(void)pthread_mutex_init(&audit->mutex, NULL);
	(void)pthread_mutex_init(&audit->file_mutex, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&audit->wake, &attr);
	(void)pthread_cond_init(&audit->moved, &attr);
	(void)pthread_condattr_destroy(&attr);
	*out = audit;
	return JP_ERR_OK;
}

enum jp_err
jp_audit_ready(struct jp_audit *audit, struct jp_why *why)
{
	enum jp_err err = JP_ERR_OK;

	if (audit == NULL || !audit->has_file)
		return JP_ERR_OK;
	pthread_mutex_lock(&audit->file_mutex);
	err = jp_audit_file_ready(&audit->file, why);
	pthread_mutex_unlock(&audit->file_mutex);
	return err;
}

uint64_t
jp_audit_lost(struct jp_audit *audit)
{
	uint64_t lost;

	if (audit == NULL)
		return 0;
	pthread_mutex_lock(&audit->mutex);
	lost = audit->lost_all;
	pthread_mutex_unlock(&audit->mutex);
	return lost;
}

void
jp_audit_close(struct jp_audit *audit)
{
	if (audit == NULL)
		return;
	if (audit->threaded) {
		pthread_mutex_lock(&audit->mutex);
		audit->stopping = true;
		pthread_cond_signal(&audit->wake);
		pthread_mutex_unlock(&audit->mutex);
		(void)pthread_join(audit->thread, NULL);
		audit->threaded = false;
	}
	pthread_mutex_lock(&audit->mutex);
	do {
		push_floods(audit, true);
		write_if_alone(audit);
	} while (jp_flood_holds(&audit->limit.floods));
	pthread_mutex_unlock(&audit->mutex);
	jp_audit_file_close(&audit->file);
	(void)pthread_cond_destroy(&audit->wake);
	(void)pthread_cond_destroy(&audit->moved);
	(void)pthread_mutex_destroy(&audit->mutex);
	(void)pthread_mutex_destroy(&audit->file_mutex);
	free(audit);
}

struct jp_audit_file *
jp_audit_file(struct jp_audit *audit)
{
	return &audit->file;
}
