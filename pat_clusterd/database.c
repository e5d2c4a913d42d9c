#include "pat_clusterd/database.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "pat_clusterd/database_connect.h"
#include "pat_clusterd/database_rounds.h"
#include "pat_clusterd/database_words.h"

enum {
	PATIENCE_MS = 15000,
};

void
database_make(struct database *database, const struct conninfo *info,
    struct names *names, const char *node, const struct database_events *events)
{
	memset(database, 0, sizeof(*database));
	database->info = info;
	database->names = names;
	database->events = *events;
	database->patience_ms = PATIENCE_MS;
	(void)snprintf(
	    database->name, sizeof(database->name), "pat-clusterd %s", node);
}

void
database_be_patient(struct database *database, int64_t ms)
{
	database->patience_ms = ms;
}

/* ---- its answers ---- */

/* Why database_judge() has found it of no use; NULL: it has not. */
static const struct useless *
take_result(struct database *database, const PGresult *result)
{
	switch ((int)PQresultStatus(result)) { /* newer libraries know more */
	case PGRES_TUPLES_OK:
	case PGRES_SINGLE_TUPLE:
		if (database->state != DATABASE_READY)
			return database_judge(database, result);
		database->events.rows(database->events.arg, result);
		return NULL;
	case PGRES_COMMAND_OK:
	case PGRES_EMPTY_QUERY:
		return NULL;
	default:
		database_note_error(database, result);
		return NULL;
	}
}

/*
 * The server has said that it is ready again: only now is a transaction of one
 * statement committed. Its rows came before.
 */
static void
finish(struct database *database, int64_t now_ms)
{
	const enum database_end end = database->failed     ? DATABASE_FAILED
	                              : database->doubtful ? DATABASE_UNSURE
	                                                   : DATABASE_DONE;

	database->running = false;
	if (database->state == DATABASE_READY) {
		database->events.ended(database->events.arg, end);
	} else if (end != DATABASE_DONE) {
		database_leave(database, now_ms);
	} else {
		database->state = DATABASE_READY;
		database->ready_ms = now_ms;
		database->tried = 0;
		database->address = database->addresses.len = 0;
		database->text[0] = '\0';
		database->events.changed(database->events.arg);
	}
}

/* A connection of which a result says that it is lost has no further ones. */
static bool
take_results(struct database *database, int64_t now_ms)
{
	PGconn *conn = database->conn;

	while (database->running && PQisBusy(conn) == 0) {
		PGresult *result = PQgetResult(conn);
		const struct useless *useless = NULL;

		if (PQstatus(conn) == CONNECTION_BAD) {
			PQclear(result);
			return false;
		}
		if (result == NULL) {
			finish(database, now_ms);
			return true;
		}
		useless = take_result(database, result);
		PQclear(result);
		if (database->conn != conn)
			return true;
		if (useless != NULL) {
			database_lose_server(database, now_ms, useless);
			return true;
		}
	}
	return true;
}

static void
take_notifications(struct database *database)
{
	PGnotify *notify;
	bool any = false;

	while ((notify = PQnotifies(database->conn)) != NULL) {
		any = true;
		PQfreemem(notify);
	}
	if (any && database->state == DATABASE_READY)
		database->events.notified(database->events.arg);
}

/*
 * It is not silent: it answers, or takes more of what is large, or goes over a
 * slow line.
 */
static void
note_progress(struct database *database, short ready, int64_t now_ms)
{
	if (database->state == DATABASE_READY && database->due_ms > 0 &&
	    (ready & (POLLIN | POLLOUT)) != 0 &&
	    database->due_ms < now_ms + database->patience_ms)
		database->due_ms = now_ms + database->patience_ms;
}

static void
exchange(struct database *database, short ready, int64_t now_ms)
{
	PGconn *conn = database->conn;

	if ((ready & (POLLIN | POLLHUP | POLLERR)) != 0 &&
	    PQconsumeInput(conn) == 0) {
		database_lose(database, now_ms, PQerrorMessage(conn));
		return;
	}
	note_progress(database, ready, now_ms);
	if (PQflush(conn) < 0 || !take_results(database, now_ms)) {
		database_lose(database, now_ms, PQerrorMessage(conn));
		return;
	}
	if (database->conn == conn)
		take_notifications(database);
}

/* ---- statements ---- */

bool
database_is_free(const struct database *database)
{
	return database->state == DATABASE_READY && !database->running;
}

static void
begin(struct database *database, int sent, bool large, int64_t now_ms)
{
	database->running = true;
	database->failed = database->doubtful = false;
	database->sqlstate[0] = '\0';
	database->is_old = true;
	database->due_ms = now_ms + database->patience_ms;
	/* Not sent: the connection is found lost by the next step. */
	if (sent == 0 || (large && PQsetSingleRowMode(database->conn) == 0)) {
		database_say(database, PQerrorMessage(database->conn));
		database->due_ms = 0;
	} else {
		(void)PQflush(database->conn);
	}
}

void
database_run(struct database *database, const struct statement *statement,
    bool large, int64_t now_ms)
{
	begin(
	    database, statement_send(statement, database->conn), large, now_ms);
}

void
database_run_script(struct database *database, const char *sql, int64_t now_ms)
{
	begin(database, PQsendQuery(database->conn, sql), false, now_ms);
}

/* ---- for the loop ---- */

int
database_fd(const struct database *database)
{
	if (database->state == DATABASE_NAMING)
		return names_fd(database->names);
	return database->conn != NULL ? PQsocket(database->conn) : -1;
}

short
database_poll(const struct database *database)
{
	if (database->state == DATABASE_NAMING)
		return POLLIN;
	if (database->conn == NULL)
		return 0;
	if (database->state == DATABASE_CONNECTING)
		return database->polling == PGRES_POLLING_READING ? POLLIN
		                                                  : POLLOUT;
	return (short)(POLLIN | (PQflush(database->conn) > 0 ? POLLOUT : 0));
}

/* When a pause is over, or a server is late. */
static int64_t
last_moment(const struct database *database)
{
	return database->state == DATABASE_OFF || database_is_free(database)
	           ? INT64_MAX
	           : database->due_ms;
}

int64_t
database_due(const struct database *database)
{
	/* Without a socket libpq has failed already: look now. */
	if (database->state == DATABASE_CONNECTING && database_fd(database) < 0)
		return 0;
	return last_moment(database);
}

void
database_step(struct database *database, short ready, int64_t now_ms)
{
	const bool is_connecting = database->state == DATABASE_CONNECTING;

	if (database->state == DATABASE_NAMING)
		database_go_on_naming(database, now_ms);
	else if (is_connecting && (ready != 0 || database_fd(database) < 0))
		database_go_on_connecting(database, now_ms);
	else if (database->conn != NULL && !is_connecting && ready != 0)
		exchange(database, ready, now_ms);
	if (now_ms >= last_moment(database))
		database_come_due(database, now_ms);
}
