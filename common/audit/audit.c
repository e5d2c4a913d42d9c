#include "common/audit/audit.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "common/audit/limit.h"
#include "common/base/escape.h"
#include "common/sys/cond.h"
#include "common/sys/log.h"
#include "common/wire/client.h"

enum {
	TICK_MS = 1000, /* between two looks at floods that are over */
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
	bool threaded, stopping, ended;
	bool failing;       /* lines cannot be written, and that was logged */
	bool stuck;         /* nothing has left the queue since it was full */
	uint64_t lost;      /* lines, since the last one that was written */
	uint64_t lost_all;  /* since the start */
	uint64_t failed_at; /* `lost_all` when it began to fail */
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

/* A thread that waits for some lines; it may leave before they are written. */
struct waiting {
	struct jp_audit *audit;
	size_t pending;
	bool left;       /* the last line frees this */
	enum jp_err err; /* the first one */
};

/* ---- making and writing lines, under the mutex but for the writing ---- */

static void
lose(struct jp_audit *audit, uint64_t count)
{
	audit->lost += count;
	audit->lost_all += count;
}

static const char *
name_of(const struct jp_audit *audit)
{
	return audit->has_file ? audit->file.path : "syslog";
}

/* Logged once, until lines are written again. */
static void
begin_failing(struct jp_audit *audit)
{
	if (audit->failing)
		return;
	audit->failing = true;
	audit->failed_at = audit->lost_all;
	jp_log(LOG_ERR, "audit: %s: %s", audit->why.text,
	    audit->required ? "nothing is done until it can be logged"
	                    : "lines are lost");
}

static bool
push(struct jp_audit *audit, const struct jp_audit_event *event,
    jp_audit_done done, void *arg)
{
	struct entry *entry;

	if (audit->len == JP_AUDIT_QUEUE) {
		if (!audit->failing)
			(void)jp_why(&audit->why, JP_ERR_TIMEOUT,
			    "%s takes no lines in time", name_of(audit));
		begin_failing(audit);
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
	case JP_MAY:
		return "account";
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
	    "more of these, not logged one by one");
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

	if (audit->lost > 0) {
		audit->batch[0] = (struct jp_audit_event){
			.time = jp_clock_now(&audit->clock),
			.event = "lost",
			.detail = "lines that could not be written",
			.count = audit->lost,
		};
		count = 1;
	}
	for (audit->taken_len = 0;
	     audit->taken_len < TAKEN_MAX && audit->len > 0;
	     audit->taken_len++) {
		audit->taken[audit->taken_len] = audit->queue[audit->first];
		audit->batch[count++] = audit->queue[audit->first].event;
		audit->first = (audit->first + 1) % JP_AUDIT_QUEUE;
		audit->len--;
	}
	audit->stuck = false;
	pthread_cond_broadcast(&audit->moved);
	return count;
}

static void
log_to_syslog(const struct jp_audit *audit, size_t count)
{
	char text[JP_AUDIT_LINE_MAX];

	for (size_t i = 0; audit->to_syslog && i < count; i++)
		if (jp_audit_event_text(&audit->batch[i], text) == JP_ERR_OK)
			syslog(LOG_AUTHPRIV | LOG_NOTICE, "audit: %s", text);
}

/* What was not logged may be logged the next time. */
static void
give_up(struct jp_audit *audit)
{
	for (size_t i = 0; i < audit->taken_len; i++) {
		const struct jp_audit_event *event = &audit->taken[i].event;

		if (strcmp(event->event, "accept") == 0)
			jp_audit_first_forget(
			    &audit->limit, event->id, event->address);
	}
	begin_failing(audit);
	lose(audit, audit->taken_len);
}

/* With audit_required an acceptance was logged once its line was written. */
static void
keep_firsts(struct jp_audit *audit)
{
	for (size_t i = 0; audit->required && i < audit->taken_len; i++) {
		const struct jp_audit_event *event = &audit->taken[i].event;

		if (strcmp(event->event, "accept") == 0)
			jp_audit_first_note(&audit->limit, event->id,
			    event->address, event->time);
	}
}

static void
complete(struct jp_audit *audit, enum jp_err err, uint64_t lost)
{
	if (err != JP_ERR_OK) {
		give_up(audit);
		return;
	}
	keep_firsts(audit);
	audit->lost -= lost;
	if (!audit->failing || audit->lost > 0)
		return;
	audit->failing = false;
	jp_log(LOG_NOTICE, "audit: lines are written again; %llu were not",
	    (unsigned long long)(audit->lost_all - audit->failed_at));
}

/*
 * Writes some of what waits. The mutex is held before and after, and not while
 * the disk works.
 */
static void
write_some(struct jp_audit *audit)
{
	struct jp_why why = { .text = "" };
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
	log_to_syslog(audit, count);
	pthread_mutex_lock(&audit->mutex);
	if (err != JP_ERR_OK)
		audit->why = why;
	complete(audit, err, lost);
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
	if (jp_flood_holds(&audit->limit.floods))
		(void)jp_cond_wait_until(
		    &audit->wake, &audit->mutex, jp_now_ms() + TICK_MS);
	else
		(void)pthread_cond_wait(&audit->wake, &audit->mutex);
}

static void *
work(void *arg)
{
	struct jp_audit *audit = arg;

	pthread_mutex_lock(&audit->mutex);
	for (;;) {
		push_floods(audit, audit->stopping);
		if (audit->len > 0)
			write_some(audit);
		else if (audit->stopping)
			break;
		else
			pause_a_tick(audit);
	}
	audit->ended = true;
	pthread_cond_broadcast(&audit->moved);
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

/* Without a thread the caller writes its lines. */
static void
write_if_alone(struct jp_audit *audit)
{
	while (!audit->threaded && audit->len > 0)
		write_some(audit);
}

/* ---- decisions ---- */

/* People paste tokens into any field: here, no copy may outlive the request. */
static void
set_masked(char *dst, size_t size, const char *text)
{
	(void)jp_field_set(dst, size, text);
	jp_mask(dst);
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
	set_masked(event->user, sizeof(event->user),
	    decision->verdict == JP_ACCEPT ? decision->user : request->user);
	set_masked(event->service, sizeof(event->service), request->service);
	set_masked(
	    jp_address_valid(request->rhost) ? event->address : event->rhost,
	    sizeof(event->address), request->rhost);
}

/* Whether this decision gets a line of its own. */
static bool
is_logged(struct jp_audit *audit, const struct jp_audit_event *event,
    const struct jp_decision *decision)
{
	struct jp_flood ended;
	bool logged;

	if (decision->verdict == JP_MAY) /* nobody came in by it */
		return false;
	if (decision->verdict == JP_ACCEPT) {
		switch (audit->accept) {
		case JP_AUDIT_ACCEPT_ALL:
			return true;
		case JP_AUDIT_ACCEPT_NONE:
			return false;
		case JP_AUDIT_ACCEPT_FIRST:
			break;
		}
		return audit->required
		           ? jp_audit_would_be_first(&audit->limit, event->id,
		                 event->address, event->time)
		           : jp_audit_is_first(&audit->limit, event->id,
		                 event->address, event->time);
	}
	logged = jp_flood_passes(&audit->limit.floods, event->peer,
	    decision->reason, event->time, &ended);
	push_flood(audit, &ended);
	return logged;
}

static void
on_written(void *arg, enum jp_err err)
{
	struct waiting *waiting = arg;
	struct jp_audit *audit = waiting->audit;

	pthread_mutex_lock(&audit->mutex);
	if (waiting->err == JP_ERR_OK)
		waiting->err = err;
	waiting->pending--;
	if (waiting->left && waiting->pending == 0)
		free(waiting);
	pthread_cond_broadcast(&audit->moved);
	pthread_mutex_unlock(&audit->mutex);
}

/* Under the mutex. */
static enum jp_audit_answer
log_required(struct jp_audit *audit, const struct jp_audit_event *event,
    jp_audit_done done, void *arg)
{
	struct waiting waiting = { .audit = audit, .pending = 1 };

	if (audit->threaded) {
		return push(audit, event, done, arg) ? JP_AUDIT_WAIT
		                                     : JP_AUDIT_FAIL;
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
	if (is_logged(audit, &event, decision)) {
		if (audit->required && decision->verdict != JP_UNAVAILABLE)
			answer = log_required(audit, &event, done, arg);
		else
			(void)push(audit, &event, NULL, NULL);
	}
	write_if_alone(audit);
	pthread_mutex_unlock(&audit->mutex);
	return answer;
}

/* ---- administrative acts ---- */

bool
jp_audit_required(const struct jp_audit *audit)
{
	return audit != NULL && audit->required;
}

/*
 * Waits until there is room for a line, or `deadline_ms`. Where nothing has
 * moved since somebody waited in vain, who does not need the line does not
 * wait as well.
 */
static void
wait_for_room(struct jp_audit *audit, int64_t deadline_ms)
{
	write_if_alone(audit);
	while (
	    audit->len == JP_AUDIT_QUEUE && (audit->required || !audit->stuck))
		if (!jp_cond_wait_until(
		        &audit->moved, &audit->mutex, deadline_ms)) {
			audit->stuck = true;
			break;
		}
}

/* Under the mutex. */
static void
push_acts(struct jp_audit *audit, const struct jp_audit_event *events,
    size_t count, struct waiting *waiting, int64_t deadline_ms)
{
	for (size_t i = 0; i < count; i++) {
		struct jp_audit_event event = events[i];

		event.time = jp_clock_now(&audit->clock);
		wait_for_room(audit, deadline_ms);
		if (push(audit, &event, waiting != NULL ? on_written : NULL,
		        waiting))
			continue;
		if (waiting != NULL) {
			waiting->pending--;
			waiting->err = JP_ERR_TIMEOUT;
		}
	}
	write_if_alone(audit);
}

/* Under the mutex; JP_ERR_TIMEOUT: the disk has not done it in time. */
static enum jp_err
wait_written(
    struct jp_audit *audit, struct waiting *waiting, int64_t deadline_ms)
{
	enum jp_err err;

	while (waiting->pending > 0 &&
	       jp_cond_wait_until(&audit->moved, &audit->mutex, deadline_ms))
		continue;
	err = waiting->pending > 0 ? JP_ERR_TIMEOUT : waiting->err;
	waiting->left = waiting->pending > 0;
	if (!waiting->left)
		free(waiting);
	return err;
}

static enum jp_err
acts_required(struct jp_audit *audit, const struct jp_audit_event *events,
    size_t count, struct jp_why *why)
{
	int64_t deadline_ms = jp_now_ms() + JP_AUDIT_ACT_MS;
	struct waiting *waiting = calloc(1, sizeof(*waiting));
	enum jp_err err;

	if (waiting == NULL)
		return jp_why(
		    why, JP_ERR_NOMEM, "%s", jp_err_text(JP_ERR_NOMEM));
	*waiting = (struct waiting){ .audit = audit, .pending = count };
	pthread_mutex_lock(&audit->mutex);
	push_acts(audit, events, count, waiting, deadline_ms);
	err = wait_written(audit, waiting, deadline_ms);
	if (err == JP_ERR_TIMEOUT)
		(void)jp_why(why, err,
		    "nothing was done, as it could not be logged: %s takes no "
		    "lines in time: look at its disk",
		    name_of(audit));
	else if (err != JP_ERR_OK)
		(void)jp_why(why, err,
		    "nothing was done, as it could not be logged: %s",
		    audit->why.text);
	pthread_mutex_unlock(&audit->mutex);
	return err;
}

enum jp_err
jp_audit_acts(struct jp_audit *audit, const struct jp_audit_event *events,
    size_t count, struct jp_why *why)
{
	if (audit == NULL || count == 0)
		return JP_ERR_OK;
	if (audit->required)
		return acts_required(audit, events, count, why);
	pthread_mutex_lock(&audit->mutex);
	/* Those of one write have this time; many acts have more of it. */
	for (size_t at = 0; at < count; at += TAKEN_MAX)
		push_acts(audit, events + at,
		    count - at < TAKEN_MAX ? count - at : TAKEN_MAX, NULL,
		    jp_now_ms() + JP_AUDIT_ROOM_MS);
	pthread_mutex_unlock(&audit->mutex);
	return JP_ERR_OK;
}

void
jp_audit_note(
    struct jp_audit *audit, const struct jp_audit_event *events, size_t count)
{
	if (audit == NULL)
		return;
	pthread_mutex_lock(&audit->mutex);
	push_acts(audit, events, count, NULL, 0);
	pthread_mutex_unlock(&audit->mutex);
}

/* ---- start and end ---- */

enum jp_err
jp_audit_make(struct jp_audit **out, const struct jp_settings *settings,
    const struct jp_pepper *pepper, const struct jp_clock *clock)
{
	struct jp_audit *audit;

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
	jp_cond_init(&audit->wake);
	jp_cond_init(&audit->moved);
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

/* False: the disk hangs, and the thread with it. */
static bool
stop_thread(struct jp_audit *audit)
{
	int64_t deadline_ms = jp_now_ms() + JP_AUDIT_CLOSE_MS;
	bool ended;

	pthread_mutex_lock(&audit->mutex);
	audit->stopping = true;
	pthread_cond_signal(&audit->wake);
	while (!audit->ended &&
	       jp_cond_wait_until(&audit->moved, &audit->mutex, deadline_ms))
		continue;
	ended = audit->ended;
	if (!ended)
		jp_log(LOG_ERR,
		    "audit: %s hangs: %zu lines and more are not written",
		    name_of(audit), audit->len);
	pthread_mutex_unlock(&audit->mutex);
	if (ended)
		(void)pthread_join(audit->thread, NULL);
	audit->threaded = !ended;
	return ended;
}

void
jp_audit_close(struct jp_audit *audit)
{
	if (audit == NULL || (audit->threaded && !stop_thread(audit)))
		return;
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
