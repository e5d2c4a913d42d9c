/*
 * Making a cluster, joining one, leaving one: a few statements each.
 */
#include <stdio.h>
#include <string.h>

#include "pat_clusterd/bridge.h"
#include "pat_clusterd/schema.h"

enum {
	STEP_SCHEMA, /* CREATE: where there is none */
	STEP_CHANGE,
	STEP_REST, /* WELCOME; or, of LEAVE, that it is forgotten */
};

enum {
	BUSY_MS = 500, /* until the next try */
	BUSY_TRIES = 8,
};

static void
end(struct bridge *bridge, enum jp_err err, const char *text)
{
	const uint32_t req = bridge->setup.msg.kind == JP_LINK_CREATE
	                         ? bridge->setup.msg.create.req
	                     : bridge->setup.msg.kind == JP_LINK_JOIN
	                         ? bridge->setup.msg.join.req
	                         : bridge->setup.msg.leave.req;

	bridge_forget(&bridge->setup);
	bridge_done(bridge, req, err, text);
}

/* ---- steps ---- */

static bool
is_possible(const struct bridge *bridge)
{
	return bridge->database.has_schema ||
	       bridge->setup.msg.kind == JP_LINK_CREATE;
}

static bool
setup_is_wanted(const struct bridge *bridge)
{
	return bridge->setup.is_there && bridge->now_ms >= bridge->setup_ms;
}

/* Whether that is the name by which this one has joined, or tried to. */
static bool
is_own(const struct bridge *bridge, const char *node)
{
	return bridge->entered[0] != '\0' && strcmp(bridge->entered, node) == 0;
}

static void
create(struct statement *statement, const struct jp_link_create *msg)
{
	statement_begin(statement, "SELECT jira_pat.init($1, $2, $3, $4)");
	statement_bytes(statement, msg->cluster, JP_LINK_ID_LEN);
	statement_int4(statement, SCHEMA_FORMAT);
	statement_bytes(statement, msg->tag, JP_LINK_TAG_LEN);
	statement_bytes(statement, msg->mac, JP_LINK_MAC_LEN);
}

/* The second time the host says that its store is in its place. */
static void
join(struct bridge *bridge, struct statement *statement)
{
	const struct jp_link_join *msg = &bridge->setup.msg.join;
	const bool again = is_own(bridge, msg->node);

	statement_begin(statement, again ? "SELECT jira_pat.settle($1, $2)"
	                                 : "SELECT jira_pat.enter($1, $2, $3)");
	statement_text(statement, msg->node);
	if (!again)
		statement_bytes(statement, msg->tag, JP_LINK_TAG_LEN);
	statement_int8(statement, bridge->session);
	bridge->is_entering = !again;
	/* Also where the answer is lost. */
	(void)snprintf(
	    bridge->entered, sizeof(bridge->entered), "%s", msg->node);
}

static void
leave(struct bridge *bridge, struct statement *statement)
{
	const char *node = bridge->setup.msg.leave.node;

	statement_begin(statement, is_own(bridge, node)
	                               ? "SELECT jira_pat.abandon($1, $2)"
	                               : "SELECT jira_pat.leave($1)");
	statement_text(statement, node);
	if (is_own(bridge, node))
		statement_int8(statement, bridge->session);
}

static void
change(struct bridge *bridge, struct statement *statement)
{
	const struct jp_link_msg *msg = &bridge->setup.msg;

	if (msg->kind == JP_LINK_CREATE)
		create(statement, &msg->create);
	else if (msg->kind == JP_LINK_JOIN)
		join(bridge, statement);
	else
		leave(bridge, statement);
}

static void
do_rest(struct bridge *bridge, struct statement *statement)
{
	if (bridge->setup.msg.kind != JP_LINK_LEAVE) {
		statement_begin(statement, "SELECT * FROM jira_pat.welcome()");
		return;
	}
	statement_begin(statement, "SELECT jira_pat.forget($1)");
	statement_text(statement, bridge->setup.msg.leave.node);
}

static void
setup_start(struct bridge *bridge)
{
	struct statement statement;

	memset(&bridge->got, 0, sizeof(bridge->got));
	if (!is_possible(bridge)) {
		end(bridge, JP_ERR_MISSING,
		    "there is no cluster in this database: run "
		    "\"pat-admin cluster init\" on the first host");
		bridge->task = NULL;
		return;
	}
	if (bridge->setup_step == STEP_SCHEMA && !bridge->database.has_schema) {
		database_run_script(
		    &bridge->database, schema_sql(), bridge->now_ms);
		return;
	}
	if (bridge->setup_step == STEP_SCHEMA)
		bridge->setup_step = STEP_CHANGE;
	if (bridge->setup_step == STEP_CHANGE)
		change(bridge, &statement);
	else
		do_rest(bridge, &statement);
	bridge_run(bridge, &statement, false);
}

/*
 * Whoever leaves has a lease until then, by our own clock; but a host that
 * leaves itself has stopped patd before.
 */
static void
wait_for_lease(struct bridge *bridge, int64_t lease_ms)
{
	if (bridge->is_setup &&
	    strcmp(bridge->setup.msg.leave.node, bridge->hello.node) == 0)
		return;
	bridge->setup_ms = bridge->now_ms + lease_ms + lease_ms / 100 + 1;
}

static void
setup_rows(struct bridge *bridge, const PGresult *rows)
{
	bridge->any = PQntuples(rows) > 0;
	if (bridge->setup_step == STEP_CHANGE &&
	    bridge->setup.msg.kind == JP_LINK_LEAVE)
		bridge->got.done.req = (uint32_t)row_int(rows, 0, 0);
	else if (bridge->setup_step == STEP_REST && bridge->any)
		bridge_read_welcome(&bridge->got.welcome, rows);
}

/* ---- ends ---- */

static void
fail(struct bridge *bridge)
{
	static const struct {
		const char *sqlstate;
		enum jp_err err;
	} errors[] = {
		{ "JP001", JP_ERR_NOT_FOUND },
		{ "JP002", JP_ERR_EXISTS },
		{ "JP003", JP_ERR_REFUSED },
		{ "JP004", JP_ERR_REFUSED },
		{ "JP008", JP_ERR_BUSY },
		{ "JP009", JP_ERR_CONFLICT },
		{ "JP010", JP_ERR_BUSY },
		{ "42501", JP_ERR_PERMISSION },
	};
	enum jp_err err = JP_ERR_IO;
	char text[JP_LINK_TEXT_MAX + 1];

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (strcmp(errors[i].sqlstate, bridge->database.sqlstate) == 0)
			err = errors[i].err;
	bridge_text(text, bridge->database.text,
	    err == JP_ERR_NOT_FOUND ? "\"pat-admin cluster status\" names them"
	                            : bridge_advice(bridge));
	if (bridge->setup.msg.kind == JP_LINK_JOIN && bridge->is_entering)
		bridge->entered[0] = '\0';
	end(bridge, err, text);
}

/* Another "cluster init" was faster: there is a schema now. */
static bool
is_overtaken(const struct bridge *bridge)
{
	const char *sqlstate = bridge->database.sqlstate;

	/* unique_violation, of the catalogue; duplicate_schema. */
	return bridge->setup_step == STEP_SCHEMA &&
	       (strcmp(sqlstate, "23505") == 0 ||
	           strcmp(sqlstate, "42P06") == 0);
}

/* The connection of a join that has ended, or was killed, may be there yet. */
static bool
is_tried_again(struct bridge *bridge)
{
	const char *sqlstate = bridge->database.sqlstate;

	if ((strcmp(sqlstate, "JP008") != 0 &&
	        strcmp(sqlstate, "JP010") != 0) ||
	    ++bridge->setup_tries >= BUSY_TRIES)
		return false;
	bridge->entered[0] = '\0';
	bridge->setup_ms = bridge->now_ms + BUSY_MS;
	return true;
}

/*
 * A join that goes back ends here after abandon(): a row that is gone by then
 * is another host's, which may have a lease yet.
 */
static void
leave_ended(struct bridge *bridge)
{
	bridge->entered[0] = '\0';
	end(bridge, JP_ERR_OK, "");
}

static void
go_on(struct bridge *bridge)
{
	const bool leaves = bridge->setup.msg.kind == JP_LINK_LEAVE;

	switch (bridge->setup_step++) {
	case STEP_SCHEMA:
		bridge->database.has_schema = true;
		break;
	case STEP_CHANGE:
		if (leaves && is_own(bridge, bridge->setup.msg.leave.node))
			leave_ended(bridge);
		else if (leaves)
			wait_for_lease(bridge, bridge->got.done.req);
		break;
	default:
		if (leaves) {
			leave_ended(bridge);
			return;
		}
		bridge->got.kind = JP_LINK_WELCOME;
		bridge_send(bridge, &bridge->got, NULL);
		end(bridge, JP_ERR_OK, "");
	}
}

static void
setup_ended(struct bridge *bridge, enum database_end how)
{
	if (how == DATABASE_DONE ||
	    (how == DATABASE_FAILED && is_overtaken(bridge)))
		go_on(bridge);
	else if (how == DATABASE_FAILED && is_tried_again(bridge))
		return;
	else if (how == DATABASE_FAILED)
		fail(bridge);
	else
		end(bridge, JP_ERR_TIMEOUT,
		    "the connection was lost on the way: see \"pat-admin "
		    "cluster status\", and try again");
}

const struct task task_setup = { setup_is_wanted, setup_start, setup_rows,
	setup_ended };
