/*
 * Snapshots: a part of one at a time, in either direction.
 */
#include <string.h>

#include "pat_clusterd/bridge.h"

#define LOCK 0x6a706174736e6170 /* "jpatsnap": whoever makes one has it */

enum { STEP_LOCK, STEP_PUT, STEP_UNLOCK };

static const char no_connection[] =
    "there is no connection to the database: try again when it is back";

static bool
is_connected(const struct bridge *bridge)
{
	return bridge->welcome || bridge->is_setup;
}

/* ---- to the database ---- */

static bool
put_is_wanted(const struct bridge *bridge)
{
	return bridge->put.is_there && is_connected(bridge);
}

static void
end_put(struct bridge *bridge, enum jp_err err, const char *text)
{
	const uint32_t req = bridge->put.msg.snapshot.req;

	bridge_forget(&bridge->put);
	bridge_done(bridge, req, err, text);
}

static void
put(struct bridge *bridge, struct statement *statement)
{
	const struct jp_link_snapshot *part = &bridge->put.msg.snapshot;

	statement_begin(
	    statement, "SELECT jira_pat.snapshot_put($1, $2, $3, $4, $5, $6)");
	statement_int8(statement, (int64_t)part->seq);
	statement_bytes(statement, part->mac, JP_LINK_MAC_LEN);
	statement_int4(statement, (int32_t)part->parts);
	statement_int4(statement, (int32_t)part->part);
	statement_bytes(statement, part->part_mac, JP_LINK_MAC_LEN);
	statement_bytes(statement, bridge->put.bytes, part->len);
}

static void
put_start(struct bridge *bridge)
{
	struct statement statement;

	if (bridge->put_step == STEP_LOCK && bridge->has_put_lock)
		bridge->put_step = STEP_PUT;
	if (bridge->put_step == STEP_LOCK &&
	    bridge->put.msg.snapshot.part > 0) {
		end_put(bridge, JP_ERR_BUSY,
		    "the connection was lost in between: begin again");
		bridge->task = NULL;
		return;
	}
	if (bridge->put_step == STEP_PUT) {
		put(bridge, &statement);
	} else {
		statement_begin(
		    &statement, bridge->put_step == STEP_LOCK
		                    ? "SELECT pg_try_advisory_lock($1)"
		                    : "SELECT pg_advisory_unlock($1)");
		statement_int8(&statement, LOCK);
	}
	bridge_run(bridge, &statement, false);
}

static void
put_rows(struct bridge *bridge, const PGresult *rows)
{
	bridge->any = row_int(rows, 0, 0) != 0;
}

static void
put_ended(struct bridge *bridge, enum database_end end)
{
	const struct jp_link_snapshot *part = &bridge->put.msg.snapshot;

	if (end == DATABASE_UNSURE) {
		end_put(bridge, JP_ERR_UNREACHABLE, no_connection);
	} else if (end == DATABASE_FAILED) {
		end_put(bridge, JP_ERR_IO, bridge->database.text);
		bridge_failed(bridge);
	} else if (bridge->put_step == STEP_LOCK && !bridge->any) {
		end_put(bridge, JP_ERR_BUSY, "another host is making one");
	} else if (bridge->put_step == STEP_LOCK) {
		bridge->has_put_lock = true;
		bridge->put_step = STEP_PUT;
	} else if (bridge->put_step == STEP_PUT &&
	           part->part + 1 == part->parts) {
		bridge->put_step = STEP_UNLOCK;
	} else {
		if (bridge->put_step == STEP_UNLOCK)
			bridge->has_put_lock = false;
		end_put(bridge, JP_ERR_OK, "");
	}
}

const struct task task_put = { put_is_wanted, put_start, put_rows, put_ended };

/* ---- from the database ---- */

static bool
get_is_wanted(const struct bridge *bridge)
{
	return bridge->want_get && is_connected(bridge) &&
	       bridge->host.backlog < HOST_BACKLOG;
}

/* First what there is, then part for part. */
static void
get_start(struct bridge *bridge)
{
	struct statement statement;

	if (!bridge->has_get) {
		statement_begin(&statement,
		    "SELECT seq, mac, parts FROM jira_pat.snapshot");
	} else {
		statement_begin(&statement,
		    "SELECT mac, bytes FROM jira_pat.snapshot_part"
		    " WHERE seq = $1 AND part = $2");
		statement_int8(&statement, (int64_t)bridge->get.seq);
		statement_int4(&statement, (int32_t)bridge->get_next);
	}
	bridge_run(bridge, &statement, false);
}

static void
copy_mac(uint8_t mac[JP_LINK_MAC_LEN], const PGresult *rows, int column)
{
	size_t len;
	const uint8_t *bytes = row_bytes(rows, 0, column, &len);

	memset(mac, 0, JP_LINK_MAC_LEN);
	if (bytes != NULL && len == JP_LINK_MAC_LEN)
		memcpy(mac, bytes, JP_LINK_MAC_LEN);
}

static void
send_part(struct bridge *bridge, const PGresult *rows)
{
	struct jp_link_msg msg = { .kind = JP_LINK_SNAPSHOT };
	const uint8_t *bytes;
	size_t len;

	msg.snapshot = bridge->get;
	msg.snapshot.part = bridge->get_next++;
	copy_mac(msg.snapshot.part_mac, rows, 0);
	bytes = row_bytes(rows, 0, 1, &len);
	msg.snapshot.len = (uint32_t)len;
	bridge_send(bridge, &msg, bytes);
}

static void
get_rows(struct bridge *bridge, const PGresult *rows)
{
	if (PQntuples(rows) != 1)
		return;
	bridge->any = true;
	if (bridge->has_get) {
		send_part(bridge, rows);
		return;
	}
	memset(&bridge->get, 0, sizeof(bridge->get));
	bridge->get.req = bridge->get_req;
	bridge->get.seq = (uint64_t)row_int(rows, 0, 0);
	copy_mac(bridge->get.mac, rows, 1);
	bridge->get.parts = (uint32_t)row_int(rows, 0, 2);
}

static void
end_get(struct bridge *bridge, enum jp_err err, const char *text)
{
	bridge->want_get = bridge->has_get = false;
	bridge_done(bridge, bridge->get_req, err, text);
}

static void
get_ended(struct bridge *bridge, enum database_end end)
{
	if (end == DATABASE_UNSURE) {
		end_get(bridge, JP_ERR_UNREACHABLE, no_connection);
	} else if (end == DATABASE_FAILED) {
		end_get(bridge, JP_ERR_IO, bridge->database.text);
		bridge_failed(bridge);
	} else if (!bridge->any && !bridge->has_get) {
		end_get(bridge, JP_ERR_NOT_FOUND, "there is no snapshot");
	} else if (!bridge->any) {
		end_get(bridge, JP_ERR_BUSY,
		    "a newer snapshot has taken its place: begin again");
	} else if (bridge->has_get && bridge->get_next == bridge->get.parts) {
		end_get(bridge, JP_ERR_OK, "");
	} else {
		bridge->has_get = true;
	}
}

const struct task task_get = { get_is_wanted, get_start, get_rows, get_ended };

void
bridge_drop_snapshots(struct bridge *bridge)
{
	if (bridge->put.is_there)
		end_put(bridge, JP_ERR_UNREACHABLE, no_connection);
	if (bridge->want_get)
		end_get(bridge, JP_ERR_UNREACHABLE, no_connection);
}
