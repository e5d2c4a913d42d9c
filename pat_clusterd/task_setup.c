/*
 * Making a cluster, joining one, leaving one: a few statements each.
 */
#include <stdio.h>
#include <string.h>

#include "pat_clusterd/advice.h"
#include "pat_clusterd/bridge.h"
#include "pat_clusterd/schema.h"

enum {
	STEP_SCHEMA, /* is it ours? CREATE: where there is none */
	STEP_CHANGE,
	STEP_REST,
};

enum {
	BUSY_MS = 500, /* until the next try */
	BUSY_TRIES = 8,
};

static void
end(struct bridge *bridge, enum jp_err err, const char *text)
{
	const uint32_t req = bridge->setup.msg.request.req;

	bridge_forget(&bridge->setup);
	bridge_done(bridge, req, err, text);
}

/* ---- statements ---- */

static void
create(const struct bridge *bridge, struct statement *statement)
{
	const struct jp_link_create *msg = &bridge->setup.msg.create;

	statement_begin(statement, "SELECT jira_pat.init($1, $2, $3, $4)");
	statement_bytes(statement, msg->cluster, JP_LINK_ID_LEN);
	statement_int4(statement, SCHEMA_FORMAT);
	statement_bytes(statement, msg->tag, JP_LINK_TAG_LEN);
	statement_bytes(statement, msg->mac, JP_LINK_MAC_LEN);
}

static void
enter(const struct bridge *bridge, struct statement *statement)
{
	const struct jp_link_join *msg = &bridge->setup.msg.join;

	statement_begin(statement, "SELECT jira_pat.enter($1, $2, $3)");
	statement_text(statement, msg->node);
	statement_bytes(statement, msg->tag, JP_LINK_TAG_LEN);
	statement_int8(statement, bridge->session);
}

static void
of_node(
    const struct bridge *bridge, struct statement *statement, const char *sql)
{
	statement_begin(statement, sql);
	statement_text(statement, bridge->setup.msg.of_node.node);
}

static void
settle(const struct bridge *bridge, struct statement *statement)
{
	of_node(bridge, statement, "SELECT jira_pat.settle($1, $2)");
	statement_int8(statement, bridge->session);
}

static void
abandon(const struct bridge *bridge, struct statement *statement)
{
	of_node(bridge, statement, "SELECT jira_pat.abandon($1, $2)");
	statement_int8(statement, bridge->session);
}

static void
leave(const struct bridge *bridge, struct statement *statement)
{
	of_node(bridge, statement, "SELECT jira_pat.leave($1)");
}

static void
forget(const struct bridge *bridge, struct statement *statement)
{
	of_node(bridge, statement, "SELECT jira_pat.forget($1)");
}

static void
welcome(const struct bridge *bridge, struct statement *statement)
{
	(void)bridge;
	statement_begin(statement, "SELECT * FROM jira_pat.welcome()");
}

/* What each request does, and then; NULL: that is all. */
typedef void (*make_statement)(
    const struct bridge *bridge, struct statement *statement);

static const struct act {
	make_statement change, rest;
} acts[JP_LINK_KINDS] = {
	[JP_LINK_CREATE] = { create, welcome },
	[JP_LINK_JOIN] = { enter, welcome },
	[JP_LINK_SETTLE] = { settle, NULL },
	[JP_LINK_ABANDON] = { abandon, NULL },
	[JP_LINK_LEAVE] = { leave, forget },
};

static const struct act *
act_of(const struct bridge *bridge)
{
	return &acts[bridge->setup.msg.kind];
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

static void
do_step(struct bridge *bridge)
{
	struct statement statement;

	if (bridge->setup_step == STEP_SCHEMA)
		statement_begin(
		    &statement, "SELECT c.format FROM jira_pat.cluster c");
	else if (bridge->setup_step == STEP_CHANGE)
		act_of(bridge)->change(bridge, &statement);
	else
		act_of(bridge)->rest(bridge, &statement);
	bridge_run(bridge, &statement, false);
}

static void
setup_start(struct bridge *bridge)
{
	memset(&bridge->got, 0, sizeof(bridge->got));
	if (!is_possible(bridge)) {
		end(bridge, JP_ERR_MISSING,
		    "there is no cluster in this database: run "
		    "\"pat-admin cluster init\" on the first host");
		bridge->task = NULL;
	} else if (bridge->database.has_schema) {
		do_step(bridge);
	} else {
		database_run_script(
		    &bridge->database, schema_sql(), bridge->now_ms);
	}
}

/*
 * Whoever leaves has a lease until then, by our own clock; but a host that
 * leaves itself has stopped patd before.
 */
static void
wait_for_lease(struct bridge *bridge)
{
	const int64_t said_ms = bridge->setup_said;
	const int64_t lease_ms = said_ms < 0 || said_ms > JP_LINK_LEASE_MAX_MS
	                             ? JP_LINK_LEASE_MAX_MS
	                             : said_ms;

	if (bridge->is_setup &&
	    strcmp(bridge->setup.msg.of_node.node, bridge->hello.node) == 0)
		return;
	bridge->setup_ms = bridge->now_ms + lease_ms + lease_ms / 100 + 1;
}

static void
setup_rows(struct bridge *bridge, const PGresult *rows)
{
	bridge->any = PQntuples(rows) > 0;
	if (!bridge->any)
		return;
	if (bridge->setup_step == STEP_REST && act_of(bridge)->rest == welcome)
		bridge_read_welcome(&bridge->got.welcome, rows);
	else
		bridge->setup_said = row_int(rows, 0, 0);
}

/* ---- ends ---- */

static void
fail(struct bridge *bridge)
{
	const enum jp_err err = advice_err(bridge->database.sqlstate);
	char text[JP_LINK_TEXT_MAX + 1];

	bridge_text(text, bridge->database.text,
	    err == JP_ERR_NOT_FOUND ? "\"pat-admin cluster status\" names them"
	                            : bridge_advice(bridge));
	end(bridge, err, text);
}

/* Another "cluster init" was faster: there is a schema now. */
static bool
take_overtaken(struct bridge *bridge)
{
	const char *sqlstate = bridge->database.sqlstate;

	/* unique_violation, of the catalogue; duplicate_schema. */
	if (bridge->setup_step != STEP_SCHEMA ||
	    (strcmp(sqlstate, "23505") != 0 && strcmp(sqlstate, "42P06") != 0))
		return false;
	bridge->database.has_schema = true;
	return true;
}

/* The connection of a join that has ended, or was killed, may be there yet. */
static bool
try_again(struct bridge *bridge)
{
	const char *sqlstate = bridge->database.sqlstate;

	if ((strcmp(sqlstate, "JP008") != 0 &&
	        strcmp(sqlstate, "JP010") != 0) ||
	    ++bridge->setup_tries >= BUSY_TRIES)
		return false;
	bridge->setup_ms = bridge->now_ms + BUSY_MS;
	return true;
}

static void
finish(struct bridge *bridge)
{
	if (act_of(bridge)->rest == welcome) {
		bridge->got.kind = JP_LINK_WELCOME;
		bridge_send(bridge, &bridge->got, NULL);
	}
	end(bridge, JP_ERR_OK, "");
}

/* One that schema.sql has made by hand says nothing yet. */
static void
look_at_schema(struct bridge *bridge)
{
	bridge->database.has_schema = true;
	if (bridge->any && bridge->setup_said != SCHEMA_FORMAT)
		end(bridge, JP_ERR_DAMAGED, SCHEMA_OTHER);
}

static void
go_on(struct bridge *bridge)
{
	switch (bridge->setup_step++) {
	case STEP_SCHEMA:
		look_at_schema(bridge);
		break;
	case STEP_CHANGE:
		if (act_of(bridge)->rest == NULL)
			finish(bridge);
		else if (act_of(bridge)->rest == forget)
			wait_for_lease(bridge);
		break;
	default:
		finish(bridge);
	}
}

static void
setup_ended(struct bridge *bridge, enum database_end how)
{
	if (how == DATABASE_DONE)
		go_on(bridge);
	else if (how == DATABASE_UNSURE)
		end(bridge, JP_ERR_TIMEOUT,
		    "the connection was lost on the way: see \"pat-admin "
		    "cluster status\", and try again");
	else if (!take_overtaken(bridge) && !try_again(bridge))
		fail(bridge);
}

const struct task task_setup = { setup_is_wanted, setup_start, setup_rows,
	setup_ended };
