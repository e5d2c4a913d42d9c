/* The log: where it is, what is put behind it, and what comes from there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pat_clusterd/bridge.h"
#include "pat_clusterd/schema.h"

enum {
	ROWS_MAX = 1000,     /* batches at once, */
	BYTES_MAX = 1 << 20, /* and bytes, from which on no more are taken */
};

/* ---- hello ---- */

static bool
is_zero(const uint8_t *bytes, size_t len)
{
	while (len > 0 && bytes[len - 1] == 0)
		len--;
	return len == 0;
}

static bool
hello_is_wanted(const struct bridge *bridge)
{
	return !bridge->welcome &&
	       !is_zero(bridge->hello.cluster, JP_LINK_ID_LEN) &&
	       !(bridge->is_waiting && bridge->now_ms < bridge->wait_ms);
}

static void
hello_start(struct bridge *bridge)
{
	const struct jp_link_hello *hello = &bridge->hello;
	struct statement statement;

	memset(&bridge->got, 0, sizeof(bridge->got));
	bridge->must_wait_ms = 0;
	bridge->got.kind = JP_LINK_WELCOME;
	statement_begin(&statement,
	    "SELECT * FROM jira_pat.hello($1, $2, $3, $4, $5, $6, $7)");
	statement_bytes(&statement, hello->cluster, JP_LINK_ID_LEN);
	statement_text(&statement, hello->node);
	statement_int8(&statement, bridge->session);
	statement_bytes(&statement, hello->holder, JP_LINK_HOLDER_LEN);
	statement_bool(&statement, bridge->is_waiting);
	statement_int8(&statement, (int64_t)bridge->applied);
	statement_text(&statement, hello->release);
	bridge_run(bridge, &statement, false);
}

/* In the order of jira_pat.welcome(), and what hello() adds. */
enum { ID, FORMAT, TAG, LOG_HEAD, MAC, OLDEST, SNAPSHOT, WAIT_MS };

void
bridge_read_welcome(struct jp_link_welcome *welcome, const PGresult *rows)
{
	const int64_t snapshot = row_int(rows, 0, SNAPSHOT);

	welcome->version = JP_LINK_VERSION;
	row_copy(rows, 0, ID, welcome->cluster, JP_LINK_ID_LEN);
	row_copy(rows, 0, TAG, welcome->tag, JP_LINK_TAG_LEN);
	welcome->head = (uint64_t)row_int(rows, 0, LOG_HEAD);
	row_copy(rows, 0, MAC, welcome->mac, JP_LINK_MAC_LEN);
	welcome->oldest = (uint64_t)row_int(rows, 0, OLDEST);
	welcome->has_snapshot = snapshot >= 0;
	welcome->snapshot = snapshot >= 0 ? (uint64_t)snapshot : 0;
}

static void
hello_rows(struct bridge *bridge, const PGresult *rows)
{
	if (PQntuples(rows) != 1)
		return;
	bridge->any = row_int(rows, 0, FORMAT) == SCHEMA_FORMAT;
	bridge_read_welcome(&bridge->got.welcome, rows);
	bridge->must_wait_ms = row_int(rows, 0, WAIT_MS);
}

/*
 * Another holder may have a lease yet; none is granted to it from now on. The
 * clocks of the two differ by less than one in a hundred.
 */
static void
wait_for_holder(struct bridge *bridge)
{
	const int64_t ms = bridge->must_wait_ms < JP_LINK_LEASE_MAX_MS
	                       ? bridge->must_wait_ms
	                       : JP_LINK_LEASE_MAX_MS;

	bridge->is_waiting = true;
	bridge->wait_ms = bridge->now_ms + ms + ms / 100 + 1;
	bridge_say_state(bridge, false);
}

static void
hello_ended(struct bridge *bridge, enum database_end end)
{
	if (end == DATABASE_FAILED) {
		bridge_failed(bridge);
		return;
	}
	if (end == DATABASE_UNSURE)
		return; /* again, if the connection is there */
	if (!bridge->any) {
		bridge_refuse(bridge, SCHEMA_OTHER);
		return;
	}
	if (bridge->culprit == NULL || bridge->culprit == &task_hello)
		bridge->refused = JP_ERR_OK;
	if (bridge->must_wait_ms > 0) {
		wait_for_holder(bridge);
		return;
	}
	bridge->is_waiting = false;
	bridge->welcome = true;
	bridge->told = bridge->applied;
	bridge->head = bridge->got.welcome.head;
	bridge->is_behind = bridge->want_nodes = true;
	bridge_say_state(bridge, false);
	bridge_send(bridge, &bridge->got, NULL);
}

const struct task task_hello = { hello_is_wanted, hello_start, hello_rows,
	hello_ended };

/* ---- a batch of this host ---- */

static bool
append_is_wanted(const struct bridge *bridge)
{
	return bridge->welcome && bridge->append.is_there;
}

static void
append_start(struct bridge *bridge)
{
	const struct jp_link_append *append = &bridge->append.msg.append;
	struct statement statement;

	bridge->append_req = append->req;
	memset(&bridge->got, 0, sizeof(bridge->got));
	bridge->got.kind = JP_LINK_APPENDED;
	bridge->got.appended.req = append->req;
	statement_begin(&statement, "SELECT * FROM jira_pat.append("
	                            "$1, $2, $3, $4, $5, $6, $7)");
	statement_int8(&statement, (int64_t)append->expected);
	statement_uuid(&statement, append->id);
	statement_text(&statement, bridge->hello.node);
	statement_int8(&statement, bridge->session);
	statement_int8(&statement, append->time);
	statement_bytes(&statement, bridge->append.bytes, append->len);
	statement_bytes(&statement, append->mac, JP_LINK_MAC_LEN);
	bridge_run(bridge, &statement, false);
}

/* The result is the first column; that it is "ok" counts once it has ended. */
static void
append_rows(struct bridge *bridge, const PGresult *rows)
{
	static struct jp_link_nodes_msg nodes;
	char result[16];

	row_text(rows, 0, 0, result, sizeof(result));
	memset(&nodes, 0, sizeof(nodes));
	bridge_read_nodes(bridge, &nodes, rows, 1);
	bridge->got.appended.nodes = nodes.nodes;
	bridge->got.appended.result =
	    strcmp(result, "ok") == 0 ? JP_LINK_OK : JP_LINK_CONFLICT;
}

/* Nobody knows whether it is there: the host will ask again. */
static void
say_not_ok(struct bridge *bridge, enum jp_link_result result)
{
	struct jp_link_appended *appended = &bridge->got.appended;

	memset(appended, 0, sizeof(*appended));
	appended->req = bridge->append_req;
	appended->result = result;
	if (result == JP_LINK_NOT_DONE)
		bridge_text(appended->text, bridge->database.text,
		    bridge_advice(bridge));
	bridge->got.kind = JP_LINK_APPENDED;
	bridge_send(bridge, &bridge->got, NULL);
}

/*
 * The host waits for a WELCOME, also where the connection is there yet: as the
 * wait for the standby was cancelled, or as there was no answer, after which it
 * is made anew.
 */
static void
not_appended(struct bridge *bridge, enum database_end end)
{
	say_not_ok(bridge,
	    end == DATABASE_FAILED ? JP_LINK_NOT_DONE : JP_LINK_UNKNOWN);
	if (end == DATABASE_FAILED)
		bridge_failed(bridge);
	else if (end == DATABASE_UNSURE)
		bridge->welcome = false;
	else
		bridge->is_garbage = true;
}

static void
append_ended(struct bridge *bridge, enum database_end end)
{
	const uint64_t seq = bridge->append.msg.append.expected + 1;

	bridge_forget(&bridge->append);
	if (end != DATABASE_DONE || !bridge->any) {
		not_appended(bridge, end);
		return;
	}
	if (bridge->got.appended.nodes.head > bridge->head)
		bridge->head = bridge->got.appended.nodes.head;
	if (bridge->got.appended.result == JP_LINK_OK)
		bridge->awaited = seq;
	/* The host has this one, and all before it. */
	if (bridge->got.appended.result == JP_LINK_OK &&
	    bridge->sent == seq - 1)
		bridge->sent = seq;
	else
		bridge->is_behind = true;
	bridge_send(bridge, &bridge->got, NULL);
}

const struct task task_append = { append_is_wanted, append_start, append_rows,
	append_ended };

/* ---- batches for this host ---- */

static bool
follow_is_wanted(const struct bridge *bridge)
{
	return bridge->welcome && bridge->is_behind &&
	       bridge->host.backlog < HOST_BACKLOG;
}

static void
follow_start(struct bridge *bridge)
{
	struct statement statement;

	bridge->is_behind = false;
	statement_begin(&statement, "SELECT * FROM jira_pat.since($1, $2, $3)");
	statement_int8(&statement, (int64_t)bridge->sent);
	statement_int4(&statement, ROWS_MAX);
	statement_int8(&statement, BYTES_MAX);
	bridge_run(bridge, &statement, true);
}

/* In the order of jira_pat.since(). */
enum { SEQ, BATCH, NODE, AT, BYTES, BATCH_MAC };

static void
read_batch(struct jp_link_batch *batch, const PGresult *rows, size_t len)
{
	memset(batch, 0, sizeof(*batch));
	batch->seq = (uint64_t)row_int(rows, 0, SEQ);
	row_copy(rows, 0, BATCH, batch->id, sizeof(batch->id));
	row_text(rows, 0, NODE, batch->node, sizeof(batch->node));
	batch->time = row_int(rows, 0, AT);
	row_copy(rows, 0, BATCH_MAC, batch->mac, sizeof(batch->mac));
	batch->len = (uint32_t)len;
}

/*
 * One row at a time, so that there is no more of them in memory than was asked
 * for. They are kept until the end, which says that the standby has all of it.
 */
static void
follow_rows(struct bridge *bridge, const PGresult *rows)
{
	struct followed *followed;
	const uint8_t *bytes;
	size_t len;

	if (PQntuples(rows) != 1)
		return;
	bytes = row_bytes(rows, 0, BYTES, &len);
	followed = bridge->followed_len < ROWS_MAX &&
	                   bridge->followed_bytes < BYTES_MAX &&
	                   len <= JP_LINK_BYTES_MAX
	               ? malloc(sizeof(*followed) + len)
	               : NULL;
	if (followed == NULL) {
		bridge->is_garbage = true;
		return;
	}
	read_batch(&followed->batch, rows, len);
	if (len > 0)
		memcpy(followed->bytes, bytes, len);
	followed->next = NULL;
	if (bridge->followed == NULL)
		bridge->followed_end = &bridge->followed;
	*bridge->followed_end = followed;
	bridge->followed_end = &followed->next;
	bridge->followed_len++;
	bridge->followed_bytes += len;
}

/*
 * Hands them on, or not: then they are asked for again. Whatever they are: the
 * host sees whether each is the next one, and of the chain.
 */
static void
let_go(struct bridge *bridge, bool hand_on)
{
	static struct jp_link_msg msg;
	struct followed *next;

	for (struct followed *one = bridge->followed; one != NULL; one = next) {
		next = one->next;
		msg.kind = JP_LINK_BATCH;
		msg.batch = one->batch;
		/* Those were not asked for, and would be taken for ever. */
		if (hand_on && one->batch.seq <= bridge->sent)
			bridge->is_garbage = true;
		if (hand_on && !bridge->is_garbage) {
			bridge_send(bridge, &msg, one->bytes);
			bridge->sent = one->batch.seq;
			bridge->any = true;
		}
		free(one);
	}
	bridge->followed = NULL;
	bridge->followed_len = bridge->followed_bytes = 0;
}

void
bridge_drop_followed(struct bridge *bridge)
{
	let_go(bridge, false);
}

static void
follow_ended(struct bridge *bridge, enum database_end end)
{
	let_go(bridge, end == DATABASE_DONE && !bridge->is_garbage);
	if (end == DATABASE_FAILED)
		bridge_failed(bridge);
	else if (end == DATABASE_UNSURE ||
	         (bridge->any && bridge->sent < bridge->head))
		bridge->is_behind = true;
}

const struct task task_follow = { follow_is_wanted, follow_start, follow_rows,
	follow_ended };
