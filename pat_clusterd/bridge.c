#include "pat_clusterd/bridge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <syslog.h>

#include "common/base/clock.h"
#include "common/base/text.h"
#include "common/sys/log.h"

enum {
	WELL_MS = 10000, /* a connection without a failure */
	PATIENCE_MIN_MS = 3000,
	PATIENCE_MAX_MS = 30000,
};

static const struct task *const tasks[] = { &task_hello, &task_setup,
	&task_append, &task_lease, &task_release, &task_applied, &task_follow,
	&task_nodes, &task_status, &task_put, &task_get };
#define TASKS (sizeof(tasks) / sizeof(tasks[0]))

/* ---- messages of the host ---- */

static enum jp_err
wrong(struct jp_why *why, const char *text)
{
	return jp_why(why, JP_ERR_PROTOCOL, "%s", text);
}

/*
 * A server that hangs is left so early that a lease can be had from another one
 * before the last one is over.
 */
static int64_t
patience_of(uint32_t lease_ms)
{
	const int64_t third = lease_ms / 3;

	return third < PATIENCE_MIN_MS   ? PATIENCE_MIN_MS
	       : third > PATIENCE_MAX_MS ? PATIENCE_MAX_MS
	                                 : third;
}

static enum jp_err
take_hello(
    struct bridge *bridge, const struct jp_link_msg *msg, struct jp_why *why)
{
	if (bridge->greeted)
		return wrong(why, "a second HELLO");
	if (msg->hello.version != JP_LINK_VERSION)
		return wrong(why, "patd is of another version: install the "
		                  "same one of patd and pat-clusterd, and "
		                  "restart both");
	bridge->greeted = true;
	bridge->hello = msg->hello;
	bridge->applied = bridge->told = bridge->sent = msg->hello.applied;
	bridge->head = bridge->applied;
	database_be_patient(
	    &bridge->database, patience_of(msg->hello.lease_ms));
	database_start(&bridge->database, bridge->now_ms);
	return JP_ERR_OK;
}

static void
say_not_done(struct bridge *bridge, uint32_t req)
{
	static struct jp_link_msg msg = { .kind = JP_LINK_APPENDED,
		.appended = { .result = JP_LINK_NOT_DONE } };

	msg.appended.req = req;
	bridge_text(msg.appended.text,
	    bridge->refused != JP_ERR_OK       ? bridge->refusal
	    : bridge->database.text[0] != '\0' ? bridge->database.text
	                                       : "there is no connection yet",
	    "");
	bridge_send(bridge, &msg, NULL);
}

static enum jp_err
take_append(struct bridge *bridge, const struct jp_link_msg *msg,
    const uint8_t *bytes, struct jp_why *why)
{
	if (bridge->append.is_there || bridge->task == &task_append)
		return wrong(why, "a second APPEND");
	if (!bridge->welcome) {
		say_not_done(bridge, msg->append.req);
		return JP_ERR_OK;
	}
	return bridge_keep(&bridge->append, msg, bytes);
}

/* The oldest of too many will not be answered. */
static void
take_lease(struct bridge *bridge, uint32_t req)
{
	if (bridge->lease_len == BRIDGE_LEASES_MAX) {
		bridge->lease_len--;
		memmove(bridge->leases, bridge->leases + 1,
		    bridge->lease_len * sizeof(bridge->leases[0]));
	}
	bridge->leases[bridge->lease_len++] = req;
}

/* It is granted none any more; where there is no database, others wait. */
static void
take_release(struct bridge *bridge, uint32_t req)
{
	bridge->lease_len = 0;
	bridge->want_release = true;
	bridge->release_req = req;
	if (!bridge->welcome)
		bridge_end_release(bridge, JP_ERR_UNREACHABLE);
}

static enum jp_err
take_put(struct bridge *bridge, const struct jp_link_msg *msg,
    const uint8_t *bytes, struct jp_why *why)
{
	if (bridge->put.is_there)
		return wrong(why, "a second SNAPSHOT_PUT");
	bridge->put_step = 0;
	return bridge_keep(&bridge->put, msg, bytes);
}

static enum jp_err
take_setup(
    struct bridge *bridge, const struct jp_link_msg *msg, struct jp_why *why)
{
	if (bridge->setup.is_there)
		return wrong(why, "a second request while one is under way");
	if (!bridge->is_setup && msg->kind != JP_LINK_LEAVE)
		return wrong(why,
		    "CREATE, JOIN, SETTLE or ABANDON of a host that is set up");
	bridge->setup_step = 0;
	bridge->setup_tries = 0;
	bridge->setup_ms = 0;
	return bridge_keep(&bridge->setup, msg, NULL);
}

static void
take_get(struct bridge *bridge, uint32_t req)
{
	bridge->want_get = true;
	bridge->has_get = false;
	bridge->get_req = req;
	bridge->get_next = 0;
}

/* Where there is no database, the answer is what there is. */
static void
take_status(struct bridge *bridge, uint32_t req)
{
	bridge->want_status = true;
	bridge->status_req = req;
	if (bridge->database.state == DATABASE_READY &&
	    (bridge->welcome || bridge->is_setup))
		return;
	bridge->want_status = false;
	bridge_say_state(bridge, true);
	bridge_done(bridge, req, JP_ERR_OK, "");
}

static enum jp_err
take_message(void *arg, const struct jp_link_msg *msg, const uint8_t *bytes,
    struct jp_why *why)
{
	struct bridge *bridge = arg;

	if (!bridge->greeted && msg->kind != JP_LINK_HELLO)
		return wrong(why, "a message before HELLO");
	/* The reader lets no message of our own kinds through. */
	switch ((int)msg->kind) {
	case JP_LINK_HELLO:
		return take_hello(bridge, msg, why);
	case JP_LINK_APPEND:
		return take_append(bridge, msg, bytes, why);
	case JP_LINK_LEASE:
		take_lease(bridge, msg->request.req);
		return JP_ERR_OK;
	case JP_LINK_RELEASE:
		take_release(bridge, msg->request.req);
		return JP_ERR_OK;
	case JP_LINK_APPLIED:
		if (msg->applied.seq > bridge->applied)
			bridge->applied = msg->applied.seq;
		return JP_ERR_OK;
	case JP_LINK_SNAPSHOT_PUT:
		return take_put(bridge, msg, bytes, why);
	case JP_LINK_SNAPSHOT_GET:
		take_get(bridge, msg->request.req);
		return JP_ERR_OK;
	case JP_LINK_CREATE:
	case JP_LINK_JOIN:
	case JP_LINK_SETTLE:
	case JP_LINK_ABANDON:
	case JP_LINK_LEAVE:
		return take_setup(bridge, msg, why);
	case JP_LINK_STATUS:
		take_status(bridge, msg->request.req);
		return JP_ERR_OK;
	default:
		return wrong(why, "a message that is not for pat-clusterd");
	}
}

/* ---- the host comes and goes ---- */

/* pat-admin, on whose terminal this would be, hears it by messages. */
static int
news(const struct bridge *bridge)
{
	return bridge->is_setup ? LOG_DEBUG : LOG_INFO;
}

static void
on_opened(void *arg)
{
	struct bridge *bridge = arg;

	jp_log(news(bridge), "host: connected");
	bridge_say_state(bridge, true);
}

/* What it had asked for is nobody's any more. */
static void
on_closed(void *arg)
{
	struct bridge *bridge = arg;

	jp_log(news(bridge), "host: disconnected");
	database_stop(&bridge->database);
	bridge_forget(&bridge->append);
	bridge_forget(&bridge->put);
	bridge_forget(&bridge->setup);
	bridge_drop_followed(bridge);
	bridge->is_garbage = false;
	bridge->greeted = bridge->welcome = false;
	bridge->refused = JP_ERR_OK;
	bridge->is_waiting = false;
	bridge->lease_len = bridge->asked_len = 0;
	bridge->granted = 0;
	bridge->want_status = bridge->want_get = bridge->want_nodes = false;
	bridge->want_release = false;
	bridge->has_nodes = bridge->has_put_lock = bridge->has_status = false;
	bridge->awaited = 0;
	bridge->task = bridge->culprit = bridge->done = NULL;
	bridge->is_over = bridge->is_setup;
}

/* ---- the database comes and goes ---- */

/* All that waits for it is told. */
static void
on_lost(struct bridge *bridge, bool was_welcome)
{
	if (!bridge->is_refusing)
		bridge->refused = JP_ERR_OK;
	/* Whoever sets something up is there, and can mend it at once. */
	if (bridge->is_setup && bridge->database.is_hopeless) {
		bridge_text(bridge->refusal, bridge->database.text, "");
		bridge->refused = JP_ERR_CONFIG;
	}
	bridge->lease_len = 0;
	/* What it said of the nodes may be undone where another one goes on. */
	bridge->has_nodes = bridge->has_put_lock = false;
	bridge_say_state(
	    bridge, was_welcome || bridge->want_status || bridge->has_status);
	if (bridge->append.is_there) {
		say_not_done(bridge, bridge->append.msg.append.req);
		bridge_forget(&bridge->append);
	}
	bridge_end_release(bridge, JP_ERR_UNREACHABLE);
	bridge_drop_snapshots(bridge);
	if (bridge->want_status || bridge->has_status)
		bridge_done(bridge, bridge->status_req, JP_ERR_OK, "");
	bridge->want_status = bridge->has_status = false;
}

static void
on_changed(void *arg)
{
	struct bridge *bridge = arg;
	const bool is_ready = bridge->database.state == DATABASE_READY;
	const bool was_welcome = bridge->welcome;

	bridge->welcome = false;
	bridge->refused_ms = 0;
	if (!is_ready)
		on_lost(bridge, was_welcome);
	else if (!bridge->is_setup && !bridge->database.has_schema)
		bridge_refuse(bridge,
		    "there is no cluster in this database: run \"pat-admin "
		    "cluster init\" on the first host");
	else
		bridge_say_state(bridge, false);
}

static void
on_rows(void *arg, const PGresult *rows)
{
	struct bridge *bridge = arg;

	if (bridge->task != NULL && bridge->task->rows != NULL)
		bridge->task->rows(bridge, rows);
}

static void
on_ended(void *arg, enum database_end end)
{
	struct bridge *bridge = arg;
	const struct task *task = bridge->task;

	bridge->task = NULL;
	bridge->last = task;
	if (end == DATABASE_DONE)
		bridge->done = task;
	if (task != NULL)
		task->ended(bridge, end);
}

/* Only a hint, which anybody may send who may connect to the database. */
static void
on_notified(void *arg)
{
	struct bridge *bridge = arg;

	bridge->is_behind = true;
	if (bridge->awaited != 0)
		bridge->want_nodes = true;
}

/* ---- the tasks ---- */

/* From the one behind the last one, so that none has to wait for ever. */
static void
run_tasks(struct bridge *bridge)
{
	if (!bridge->greeted || bridge->now_ms < bridge->refused_ms)
		return;
	for (size_t i = 0; i < TASKS && database_is_free(&bridge->database);
	     i++) {
		const struct task *task = tasks[(bridge->turn + i) % TASKS];

		if (!task->is_wanted(bridge))
			continue;
		bridge->turn = (bridge->turn + i + 1) % TASKS;
		bridge->task = task;
		bridge->any = false;
		task->start(bridge);
		return;
	}
}

/* Behind the batches that were there when it was read. */
static void
send_nodes(struct bridge *bridge)
{
	static struct jp_link_msg msg = { .kind = JP_LINK_NODES };

	if (!bridge->has_nodes ||
	    (bridge->nodes.nodes.head > bridge->sent && !bridge->is_setup))
		return;
	msg.nodes = bridge->nodes;
	bridge->has_nodes = false;
	bridge_send(bridge, &msg, NULL);
	if (bridge->has_status)
		bridge_done(bridge, bridge->status_req, JP_ERR_OK, "");
	bridge->has_status = false;
}

static int64_t
chance(void)
{
	int64_t number;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		number = jp_now_ns();
	return number & INT64_MAX;
}

void
bridge_make(struct bridge *bridge, const struct bridge_options *options)
{
	const struct host_events host = { on_opened, take_message, on_closed,
		bridge };
	const struct database_events database = { on_changed, on_rows, on_ended,
		on_notified, bridge };

	memset(bridge, 0, sizeof(*bridge));
	bridge->session = chance();
	bridge->is_setup = options->path == NULL;
	host_make(&bridge->host, options->path, options->uids, options->uid_len,
	    &host);
	database_make(&bridge->database, options->info, options->names,
	    options->node, &database);
}

void
bridge_serve(struct bridge *bridge, int fd)
{
	host_adopt(&bridge->host, fd);
}

void
bridge_end(struct bridge *bridge)
{
	host_close(&bridge->host, bridge->now_ms);
	database_stop(&bridge->database);
}

/* ---- for the loop ---- */

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t
bridge_due(const struct bridge *bridge)
{
	int64_t due =
	    earlier(host_due(&bridge->host), database_due(&bridge->database));

	if (bridge->welcome)
		due = earlier(due, bridge->look_ms);
	if (bridge->refused_ms > bridge->now_ms)
		due = earlier(due, bridge->refused_ms);
	if (bridge->is_waiting && bridge->wait_ms > bridge->now_ms)
		due = earlier(due, bridge->wait_ms);
	if (bridge->setup.is_there && bridge->setup_ms > bridge->now_ms)
		due = earlier(due, bridge->setup_ms);
	return due;
}

/* A failure of one kind of work, which is done now, or no longer asked for. */
static void
look_whether_well(struct bridge *bridge)
{
	const struct database *database = &bridge->database;
	const bool is_steady = bridge->welcome &&
	                       database->state == DATABASE_READY &&
	                       bridge->now_ms - database->ready_ms >= WELL_MS;

	if (bridge->culprit != NULL &&
	    (bridge->done == bridge->culprit || is_steady))
		bridge_is_well(bridge);
	bridge->done = NULL;
}

static void
end_garbage(struct bridge *bridge)
{
	bridge->is_garbage = false;
	/* What was not taken is asked for again. */
	bridge->sent = bridge->applied;
	bridge_refuse(bridge,
	    "the database answers what pat-clusterd never put there: has "
	    "somebody changed it by hand? Nothing is taken from it");
}

/* A lease that is asked for tells the same; where it fails, a look is due. */
static void
look(struct bridge *bridge)
{
	bridge_looked(bridge);
	if (bridge->task == &task_lease || bridge->lease_len > 0)
		return;
	bridge->is_behind = true;
	bridge->want_nodes = bridge->awaited != 0;
}

void
bridge_step(struct bridge *bridge, short host_ready, short database_ready,
    int64_t now_ms)
{
	bridge->now_ms = now_ms;
	database_step(&bridge->database, database_ready, now_ms);
	host_step(&bridge->host, host_ready, now_ms);
	if (now_ms >= bridge->look_ms)
		look(bridge);
	run_tasks(bridge);
	send_nodes(bridge);
	if (bridge->is_garbage)
		end_garbage(bridge);
	else
		look_whether_well(bridge);
	host_step(&bridge->host, 0, now_ms);
}
