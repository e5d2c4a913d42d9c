/*
 * What the tasks have in common: what is said to the host, and what becomes of
 * a database that is of no use.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "common/base/escape.h"
#include "common/base/text.h"
#include "common/sys/log.h"
#include "pat_clusterd/advice.h"
#include "pat_clusterd/bridge.h"

enum {
	REFUSED_MS = 5000, /* until an administrator may have acted */
};

/* ---- STATE ---- */

const char *
bridge_advice(const struct bridge *bridge)
{
	/* Nothing of ours is there yet. */
	if (bridge->is_setup && !bridge->database.has_schema &&
	    strcmp(bridge->database.sqlstate, "42501") == 0)
		return "grant the role of pat-clusterd CREATE on the database, "
		       "or run schema.sql as that role";
	return advice_of(bridge->database.sqlstate);
}

/* Not UTF-8, or with a token in it: it is shown without what that may be. */
static void
make_plain(char *text)
{
	struct jp_why why;

	if (text[0] == '\0' ||
	    jp_text_check("text", text, JP_LINK_TEXT_MAX, &why) == JP_ERR_OK)
		return;
	for (char *at = text; *at != '\0'; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
	if (jp_text_check("text", text, JP_LINK_TEXT_MAX, &why) != JP_ERR_OK)
		(void)snprintf(text, JP_LINK_TEXT_MAX + 1,
		    "a text that is not shown, for there is a token in it");
}

void
bridge_text(
    char text[JP_LINK_TEXT_MAX + 1], const char *from, const char *advice)
{
	const size_t more = advice[0] != '\0' ? 2 + strlen(advice) : 0;

	/* The advice is whole, whatever becomes of the rest. */
	(void)snprintf(text, JP_LINK_TEXT_MAX + 1 - more, "%s", from);
	jp_cut_end(text);
	make_plain(text);
	if (more > 0) {
		(void)strcat(text, ": ");
		(void)strcat(text, advice);
	}
}

void
bridge_send(
    struct bridge *bridge, const struct jp_link_msg *msg, const uint8_t *bytes)
{
	const enum jp_err err = host_send(&bridge->host, msg, bytes);

	if (err == JP_ERR_OK)
		return;
	jp_log(LOG_ERR, "database: what it says makes no %s: %s",
	    jp_link_kind_name(msg->kind), jp_err_text(err));
	bridge->is_garbage = true;
}

static void
describe(const struct bridge *bridge, struct jp_link_state_msg *state)
{
	const struct database *database = &bridge->database;
	const bool is_ready = database->state == DATABASE_READY;

	memset(state, 0, sizeof(*state));
	state->state = bridge->refused != JP_ERR_OK ? JP_LINK_REFUSED
	               : is_ready && (bridge->welcome || bridge->is_setup)
	                   ? JP_LINK_CONNECTED
	                   : JP_LINK_CONNECTING;
	state->err = bridge->refused;
	if (bridge->refused != JP_ERR_OK)
		bridge_text(state->text, bridge->refusal, "");
	else if (!is_ready)
		bridge_text(state->text, database->text, "");
	else if (bridge->is_waiting)
		bridge_text(state->text,
		    "this host waits until the leases of the machine that had "
		    "its name are over",
		    "");
	if (!is_ready)
		return;
	database_place(database, state->database, sizeof(state->database));
	jp_cut_end(state->database);
	make_plain(state->database);
	state->primary = true;
	state->tls = PQsslInUse(database->conn) != 0;
	state->verified = database->info->encrypted ||
	                  conninfo_is_near(PQhostaddr(database->conn));
	state->synchronous = database->synchronous;
}

/* Where it is counts in the log only once it is of use. */
static bool
is_news(const struct jp_link_state_msg *before,
    const struct jp_link_state_msg *state)
{
	return state->state != before->state ||
	       strcmp(state->text, before->text) != 0 ||
	       (state->state == JP_LINK_CONNECTED &&
	           memcmp(state, before, sizeof(*state)) != 0);
}

static void
log_state(const struct jp_link_state_msg *state)
{
	switch (state->state) {
	case JP_LINK_CONNECTED:
		jp_log(LOG_INFO, "database: connected to %s%s", state->database,
		    state->synchronous ? ""
		                       : "; no standby is waited for: what is "
		                         "committed may be lost with it");
		break;
	case JP_LINK_REFUSED:
		jp_log(LOG_ERR, "database: %s", state->text);
		break;
	case JP_LINK_CONNECTING:
		if (state->text[0] != '\0')
			jp_log(LOG_WARNING, "database: not connected: %s",
			    state->text);
		break;
	case JP_LINK_STATES:
		break;
	}
}

void
bridge_say_state(struct bridge *bridge, bool always)
{
	static struct jp_link_msg msg = { .kind = JP_LINK_STATE };

	describe(bridge, &msg.state);
	if (!always &&
	    memcmp(&msg.state, &bridge->state, sizeof(msg.state)) == 0)
		return;
	if (is_news(&bridge->state, &msg.state) && !bridge->is_setup)
		log_state(&msg.state);
	bridge->state = msg.state;
	bridge_send(bridge, &msg, NULL);
}

/* ---- requests ---- */

enum jp_err
bridge_keep(struct waiting *waiting, const struct jp_link_msg *msg,
    const uint8_t *bytes)
{
	const size_t len = jp_link_bytes_of(msg);

	waiting->bytes = malloc(len + 1);
	if (waiting->bytes == NULL)
		return JP_ERR_NOMEM;
	if (len > 0)
		memcpy(waiting->bytes, bytes, len);
	waiting->msg = *msg;
	waiting->is_there = true;
	return JP_ERR_OK;
}

void
bridge_forget(struct waiting *waiting)
{
	if (waiting->bytes != NULL)
		explicit_bzero(waiting->bytes, jp_link_bytes_of(&waiting->msg));
	free(waiting->bytes);
	waiting->bytes = NULL;
	waiting->is_there = false;
}

void
bridge_done(
    struct bridge *bridge, uint32_t req, enum jp_err err, const char *text)
{
	struct jp_link_msg msg = { .kind = JP_LINK_DONE };

	msg.done.req = req;
	msg.done.err = err;
	bridge_text(msg.done.text, text, "");
	bridge_send(bridge, &msg, NULL);
}

void
bridge_end_release(struct bridge *bridge, enum jp_err err)
{
	if (bridge->want_release)
		bridge_done(bridge, bridge->release_req, err, "");
	bridge->want_release = false;
}

void
bridge_run(struct bridge *bridge, const struct statement *statement, bool large)
{
	database_run(&bridge->database, statement, large, bridge->now_ms);
}

/* `refusal` is what the host hears. */
static void
give_up(struct bridge *bridge, const char *text)
{
	bridge->is_refusing = true;
	database_give_up(&bridge->database, bridge->now_ms, text);
	bridge->is_refusing = false;
}

void
bridge_failed(struct bridge *bridge)
{
	const char *sqlstate = bridge->database.sqlstate;

	bridge_text(
	    bridge->refusal, bridge->database.text, bridge_advice(bridge));
	bridge->refused = advice_err(sqlstate);
	bridge->culprit = NULL;
	if (strncmp(sqlstate, "JP", 2) != 0) {
		bridge->culprit = bridge->last;
		give_up(bridge, bridge->database.text);
		return;
	}
	bridge->welcome = false;
	bridge->refused_ms = bridge->now_ms + REFUSED_MS;
	bridge_say_state(bridge, false);
}

void
bridge_refuse(struct bridge *bridge, const char *text)
{
	bridge_text(bridge->refusal, text, "");
	bridge->refused = JP_ERR_PROTOCOL;
	bridge->culprit = bridge->last;
	give_up(bridge, text);
}

void
bridge_is_well(struct bridge *bridge)
{
	bridge->culprit = NULL;
	bridge->refused = JP_ERR_OK;
	bridge_say_state(bridge, false);
}

void
bridge_take_nodes(struct bridge *bridge, const struct jp_link_nodes_msg *nodes)
{
	bridge->nodes = *nodes;
	bridge->has_nodes = true;
	if (nodes->nodes.head > bridge->head) {
		bridge->head = nodes->nodes.head;
		bridge->is_behind = true;
	}
	for (size_t i = 0; i < nodes->nodes.len; i++)
		if (nodes->nodes.of[i].applied < bridge->awaited)
			return;
	bridge->awaited = 0;
}

void
bridge_looked(struct bridge *bridge)
{
	bridge->look_ms = bridge->now_ms + BRIDGE_LOOK_MS;
}
