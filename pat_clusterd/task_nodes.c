/*
 * The hosts: how they are, what they have applied, and the leases, which come
 * and go with that.
 */
#include <string.h>

#include "pat_clusterd/bridge.h"

/* ---- rows ---- */

/* In the order of jira_pat.nodes(). */
enum {
	HEAD,
	HEAD_MAC,
	LOG_BATCHES,
	LOG_BYTES,
	NAME,
	APPLIED,
	GRANTS,
	LEASE_MS,
	CONTACT_MS,
	VERSION,
	GONE
};

static void
read_node(
    struct jp_link_nodes_msg *nodes, const PGresult *rows, int row, int column)
{
	struct jp_link_node *node = &nodes->nodes.of[nodes->nodes.len];

	nodes->nodes.head = (uint64_t)row_int(rows, row, column + HEAD);
	row_copy(rows, row, column + HEAD_MAC, nodes->nodes.mac,
	    sizeof(nodes->nodes.mac));
	nodes->log_batches = (uint64_t)row_int(rows, row, column + LOG_BATCHES);
	nodes->log_bytes = (uint64_t)row_int(rows, row, column + LOG_BYTES);
	if (nodes->nodes.len == JP_LINK_NODES_MAX)
		return;
	memset(node, 0, sizeof(*node));
	row_text(rows, row, column + NAME, node->name, sizeof(node->name));
	node->applied = (uint64_t)row_int(rows, row, column + APPLIED);
	node->grants = (uint64_t)row_int(rows, row, column + GRANTS);
	node->lease_ms = (uint32_t)row_int(rows, row, column + LEASE_MS);
	node->contact_ms = row_int(rows, row, column + CONTACT_MS);
	row_text(
	    rows, row, column + VERSION, node->version, sizeof(node->version));
	node->gone = row_int(rows, row, column + GONE) != 0;
	if (node->name[0] != '\0')
		nodes->nodes.len++;
}

void
bridge_read_nodes(struct bridge *bridge, struct jp_link_nodes_msg *nodes,
    const PGresult *rows, int column)
{
	for (int row = 0; row < PQntuples(rows); row++) {
		bridge->any = true;
		read_node(nodes, rows, row, column);
	}
}

/* ---- a lease ---- */

static bool
lease_is_wanted(const struct bridge *bridge)
{
	return bridge->welcome && bridge->lease_len > 0;
}

/* One grant is good for all that was asked before it. */
static void
lease_start(struct bridge *bridge)
{
	struct statement statement;

	bridge->asked_len = bridge->lease_len;
	memcpy(bridge->asked, bridge->leases, sizeof(bridge->asked));
	bridge->lease_len = 0;
	memset(&bridge->got, 0, sizeof(bridge->got));
	bridge->got.kind = JP_LINK_NODES;
	statement_begin(
	    &statement, "SELECT * FROM jira_pat.lease($1, $2, $3, $4)");
	statement_text(&statement, bridge->hello.node);
	statement_int8(&statement, bridge->session);
	statement_int4(&statement, (int32_t)bridge->hello.lease_ms);
	statement_int8(&statement, (int64_t)bridge->applied);
	bridge_run(bridge, &statement, false);
}

static void
nodes_rows(struct bridge *bridge, const PGresult *rows)
{
	bridge_read_nodes(bridge, &bridge->got.nodes, rows, 0);
}

static void
say_leased(struct bridge *bridge, bool ok, const char *text)
{
	struct jp_link_msg msg = { .kind = JP_LINK_LEASED };

	msg.leased.ok = ok;
	if (ok) {
		msg.leased.head = bridge->got.nodes.nodes.head;
		memcpy(msg.leased.mac, bridge->got.nodes.nodes.mac,
		    JP_LINK_MAC_LEN);
	}
	bridge_text(msg.leased.text, text, "");
	for (size_t i = 0; i < bridge->asked_len; i++) {
		msg.leased.req = bridge->asked[i];
		bridge_send(bridge, &msg, NULL);
	}
	bridge->asked_len = 0;
}

/* The number of the lease: by it it is given back. */
static void
note_granted(struct bridge *bridge)
{
	const struct jp_link_nodes *nodes = &bridge->got.nodes.nodes;

	for (size_t i = 0; i < nodes->len; i++)
		if (strcmp(nodes->of[i].name, bridge->hello.node) == 0)
			bridge->granted = nodes->of[i].grants;
}

static void
lease_ended(struct bridge *bridge, enum database_end end)
{
	if (end == DATABASE_DONE && bridge->any) {
		note_granted(bridge);
		say_leased(bridge, true, "");
		bridge_take_nodes(bridge, &bridge->got.nodes);
		if (bridge->head > bridge->sent)
			bridge->is_behind = true;
		bridge_looked(bridge);
		return;
	}
	bridge->look_ms = bridge->now_ms;
	say_leased(bridge, false, bridge->database.text);
	if (end == DATABASE_FAILED)
		bridge_failed(bridge);
}

const struct task task_lease = { lease_is_wanted, lease_start, nodes_rows,
	lease_ended };

/* ---- the lease of a host that ends ---- */

/* One task at a time: a lease under way has ended, and its number is known. */
static bool
release_is_wanted(const struct bridge *bridge)
{
	return bridge->welcome && bridge->want_release;
}

static void
release_start(struct bridge *bridge)
{
	struct statement statement;

	statement_begin(&statement, "SELECT jira_pat.release($1, $2, $3)");
	statement_text(&statement, bridge->hello.node);
	statement_int8(&statement, bridge->session);
	statement_int8(&statement, (int64_t)bridge->granted);
	bridge_run(bridge, &statement, false);
}

/* The host does not stay for a second try. */
static void
release_ended(struct bridge *bridge, enum database_end end)
{
	bridge_end_release(
	    bridge, end == DATABASE_DONE ? JP_ERR_OK : JP_ERR_UNREACHABLE);
	if (end == DATABASE_FAILED)
		bridge_failed(bridge);
}

const struct task task_release = { release_is_wanted, release_start, NULL,
	release_ended };

/* ---- what this host has applied ---- */

static bool
applied_is_wanted(const struct bridge *bridge)
{
	return bridge->welcome && bridge->applied > bridge->told;
}

static void
applied_start(struct bridge *bridge)
{
	struct statement statement;

	bridge->told = bridge->applied;
	statement_begin(&statement, "SELECT jira_pat.applied($1, $2, $3)");
	statement_text(&statement, bridge->hello.node);
	statement_int8(&statement, bridge->session);
	statement_int8(&statement, (int64_t)bridge->applied);
	bridge_run(bridge, &statement, false);
}

/* A connection that is lost begins with what has been applied. */
static void
applied_ended(struct bridge *bridge, enum database_end end)
{
	if (end == DATABASE_FAILED)
		bridge_failed(bridge);
}

const struct task task_applied = { applied_is_wanted, applied_start, NULL,
	applied_ended };

/* ---- how the hosts are ---- */

static bool
nodes_is_wanted(const struct bridge *bridge)
{
	return bridge->welcome && bridge->want_nodes;
}

static void
nodes_start(struct bridge *bridge)
{
	struct statement statement;

	bridge->want_nodes = false;
	memset(&bridge->got, 0, sizeof(bridge->got));
	statement_begin(&statement, "SELECT * FROM jira_pat.nodes()");
	bridge_run(bridge, &statement, false);
}

static void
nodes_ended(struct bridge *bridge, enum database_end end)
{
	if (end == DATABASE_FAILED)
		bridge_failed(bridge);
	else if (end == DATABASE_DONE && bridge->any)
		bridge_take_nodes(bridge, &bridge->got.nodes);
}

const struct task task_nodes = { nodes_is_wanted, nodes_start, nodes_rows,
	nodes_ended };

static bool
status_is_wanted(const struct bridge *bridge)
{
	return bridge->want_status && (bridge->welcome || bridge->is_setup);
}

/* Where there is no cluster yet, there is nothing to say about one. */
static void
status_start(struct bridge *bridge)
{
	struct statement statement;

	memset(&bridge->got, 0, sizeof(bridge->got));
	statement_begin(&statement,
	    bridge->database.has_schema
	        ? "SELECT current_setting('synchronous_standby_names') <> '',"
	          " n.* FROM jira_pat.nodes() n"
	        : "SELECT current_setting('synchronous_standby_names') <> ''");
	bridge_run(bridge, &statement, false);
}

static void
status_rows(struct bridge *bridge, const PGresult *rows)
{
	bridge->database.synchronous = row_int(rows, 0, 0) != 0;
	if (bridge->database.has_schema)
		bridge_read_nodes(bridge, &bridge->got.nodes, rows, 1);
}

static void
status_ended(struct bridge *bridge, enum database_end end)
{
	if (end == DATABASE_UNSURE)
		return; /* the end of the connection answers */
	bridge_say_state(bridge, true);
	bridge->want_status = false;
	if (end == DATABASE_DONE && bridge->any) {
		bridge_take_nodes(bridge, &bridge->got.nodes);
		bridge->has_status = true;
		return;
	}
	bridge_done(bridge, bridge->status_req, JP_ERR_OK, "");
	if (end == DATABASE_FAILED)
		bridge_failed(bridge);
}

const struct task task_status = { status_is_wanted, status_start, status_rows,
	status_ended };
