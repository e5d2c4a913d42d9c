#include "pat_clusterd/database.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <syslog.h>

#include "common/sys/log.h"

enum {
	PAUSE_MIN_MS = 200,
	PAUSE_MAX_MS = 5000,
	PATIENCE_MS = 15000,
	VERSION_MIN = 150000,
	BYTES_PER_MS = 100,
};

/*
 * The first words to a server, in one transaction: what an administrator may
 * have set for the role or the database must not change what a commit means;
 * then what it is. `stuck` counts commits of an earlier connection of this node
 * that wait there for a standby: more of them would use up its connections.
 */
static const char greeting[] =
    "SELECT set_config('synchronous_commit', 'on', false)"
    " WHERE current_setting('synchronous_commit') <> 'remote_apply';"
    "SELECT set_config('default_transaction_isolation', 'read committed',"
    " false),"
    " set_config('client_min_messages', 'warning', false),"
    " set_config('statement_timeout', '0', false),"
    " set_config('lock_timeout', '0', false),"
    " set_config('idle_session_timeout', '0', false),"
    " set_config('jit', 'off', false),"
    " set_config('search_path', 'pg_catalog', false);"
    /* A statement that waits for a lock ends when we are gone. */
    "SELECT set_config('client_connection_check_interval', '2s', false)"
    " WHERE version() ~ 'linux';"
    "LISTEN jira_pat;"
    "SELECT pg_is_in_recovery()"
    " OR current_setting('transaction_read_only')::boolean,"
    " current_setting('synchronous_standby_names') <> '',"
    " to_regclass('jira_pat.cluster') IS NOT NULL,"
    " (SELECT count(*) FROM pg_stat_activity"
    "  WHERE application_name = current_setting('application_name')"
    "  AND pid <> pg_backend_pid() AND wait_event = 'SyncRep')";
enum { IS_STANDBY, IS_SYNCHRONOUS, HAS_SCHEMA, STUCK, ANSWERS };

/* ---- words ---- */

/* One line of what libpq says, which may be several. */
static void
say(struct database *database, const char *text)
{
	size_t len = strlen(text);

	while (len > 0 && text[len - 1] == '\n')
		len--;
	(void)snprintf(database->text, sizeof(database->text), "%.*s",
	    (int)(len < DATABASE_TEXT_MAX ? len : DATABASE_TEXT_MAX - 1), text);
	for (char *at = database->text; *at != '\0'; at++)
		if (*at == '\n')
			*at = ' ';
}

void
database_place(const struct database *database, char *text, size_t size)
{
	const PGconn *conn = database->conn;
	const char *host = conn != NULL ? PQhost(conn) : NULL;

	if (host == NULL || PQdb(conn) == NULL)
		text[0] = '\0';
	else
		(void)snprintf(
		    text, size, "%s:%s/%s", host, PQport(conn), PQdb(conn));
}

/* ---- pauses ---- */

int64_t
database_pause_ms(unsigned int rounds, uint32_t chance)
{
	int64_t longest = PAUSE_MIN_MS;

	while (rounds-- > 0 && longest < PAUSE_MAX_MS)
		longest *= 2;
	if (longest > PAUSE_MAX_MS)
		longest = PAUSE_MAX_MS;
	return longest / 2 + chance % (longest / 2 + 1);
}

static void
pause_now(struct database *database, int64_t now_ms)
{
	uint32_t chance;

	if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) < 0)
		chance = (uint32_t)now_ms;
	database->state = DATABASE_PAUSING;
	database->due_ms =
	    now_ms + database_pause_ms(database->rounds++, chance);
}

/* ---- start and end ---- */

void
database_make(struct database *database, const struct conninfo *info,
    const char *node, const struct database_events *events)
{
	memset(database, 0, sizeof(*database));
	database->info = info;
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

static void
disconnect(struct database *database)
{
	PQfinish(database->conn);
	database->conn = NULL;
	database->running = false;
}

void
database_stop(struct database *database)
{
	disconnect(database);
	database->state = DATABASE_OFF;
	database->rounds = 0;
	database->text[0] = '\0';
}

/* A statement that was under way: nobody knows. */
static void
drop(struct database *database)
{
	const bool running =
	    database->running && database->state == DATABASE_READY;

	disconnect(database);
	database->state = DATABASE_PAUSING;
	if (running)
		database->events.ended(database->events.arg, DATABASE_UNSURE);
}

static void connect_to(struct database *database, int64_t now_ms);

/*
 * The next server; a pause when all were tried. Not the one that was lost: it
 * may take connections, and no commit, for another one is the primary now.
 */
static void
try_next(struct database *database, int64_t now_ms)
{
	const size_t count = database->info->server_len;

	database->server = (database->server + 1) % count;
	if (++database->tried < count) {
		connect_to(database, now_ms);
		return;
	}
	database->tried = 0;
	pause_now(database, now_ms);
}

void
database_give_up(struct database *database, int64_t now_ms, const char *text)
{
	say(database, text);
	drop(database);
	pause_now(database, now_ms);
	database->events.changed(database->events.arg);
}

static void
lose(struct database *database, int64_t now_ms, const char *text)
{
	say(database, text);
	jp_log(LOG_DEBUG, "database: %s", database->text);
	drop(database);
	try_next(database, now_ms);
	database->events.changed(database->events.arg);
}

/* ---- what the server says besides ---- */

/*
 * A commit whose wait for the standby was cancelled ends with a warning, and
 * success. No other statement of ours has one.
 */
static void
on_notice(void *arg, const PGresult *notice)
{
	struct database *database = arg;
	const char *severity =
	    PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
	const char *text = PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY);

	if (severity == NULL || strcmp(severity, "WARNING") != 0)
		return;
	database->doubtful = true;
	say(database, text != NULL ? text : "a warning");
	jp_log(LOG_WARNING, "database: %s", database->text);
}

/* ---- connecting ---- */

static void
connect_to(struct database *database, int64_t now_ms)
{
	struct conninfo_params params;

	conninfo_params(
	    database->info, database->server, database->name, &params);
	database->conn = PQconnectStartParams(params.keys, params.values, 0);
	database->state = DATABASE_CONNECTING;
	database->polling = PGRES_POLLING_WRITING;
	database->due_ms = now_ms + database->info->patience_ms;
	if (database->conn != NULL &&
	    PQstatus(database->conn) != CONNECTION_BAD)
		(void)PQsetNoticeReceiver(database->conn, on_notice, database);
}

void
database_start(struct database *database, int64_t now_ms)
{
	if (database->state != DATABASE_OFF)
		return;
	database->tried = 0;
	connect_to(database, now_ms);
}

/* Nobody else may be asked, if the name of the server leads elsewhere. */
static bool
is_taken(const struct database *database)
{
	return conninfo_takes(database->info, PQhostaddr(database->conn));
}

static void
greet(struct database *database, int64_t now_ms)
{
	PGconn *conn = database->conn;

	database->state = DATABASE_ASKING;
	database->due_ms = now_ms + database->info->patience_ms;
	database->running = true;
	database->failed = database->doubtful = false;
	if (!is_taken(database))
		lose(database, now_ms,
		    "this address is another machine, and the connection is "
		    "not verified: sslmode=verify-full");
	else if (PQserverVersion(conn) < VERSION_MIN)
		lose(database, now_ms, "PostgreSQL 15 or newer is needed");
	else if (PQsetnonblocking(conn, 1) != 0 ||
	         PQsendQuery(conn, greeting) == 0)
		lose(database, now_ms, PQerrorMessage(conn));
}

static void
go_on_connecting(struct database *database, int64_t now_ms)
{
	if (database->conn == NULL ||
	    PQstatus(database->conn) == CONNECTION_BAD) {
		lose(database, now_ms,
		    database->conn != NULL ? PQerrorMessage(database->conn)
		                           : "out of memory");
		return;
	}
	database->polling = PQconnectPoll(database->conn);
	if (database->polling == PGRES_POLLING_OK)
		greet(database, now_ms);
	else if (database->polling == PGRES_POLLING_FAILED)
		lose(database, now_ms, PQerrorMessage(database->conn));
}

/* The answer to the greeting is text, as to all that has no parameters. */
static bool
is_true(const PGresult *rows, int column)
{
	return PQgetvalue(rows, 0, column)[0] == 't';
}

static const char *
judge(struct database *database, const PGresult *rows)
{
	database->synchronous = is_true(rows, IS_SYNCHRONOUS);
	database->has_schema = is_true(rows, HAS_SCHEMA);
	if (is_true(rows, IS_STANDBY))
		return "this server is a standby, or read-only";
	if (strcmp(PQgetvalue(rows, 0, STUCK), "0") != 0)
		return "a commit waits there for a synchronous standby that "
		       "does not answer: start it, or promote it and stop this "
		       "server";
	return NULL;
}

/* ---- statements ---- */

static void
note_error(struct database *database, const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	database->failed = true;
	(void)snprintf(database->sqlstate, sizeof(database->sqlstate), "%s",
	    state != NULL ? state : "");
	say(database, text != NULL ? text : PQresultErrorMessage(result));
}

/* The error by which judge() has found it of no use; NULL: none. */
static const char *
take_result(struct database *database, const PGresult *result)
{
	switch ((int)PQresultStatus(result)) { /* newer libraries know more */
	case PGRES_TUPLES_OK:
	case PGRES_SINGLE_TUPLE:
		if (database->state == DATABASE_READY)
			database->events.rows(database->events.arg, result);
		else if (PQnfields(result) == ANSWERS && PQntuples(result) == 1)
			return judge(database, result);
		return NULL;
	case PGRES_COMMAND_OK:
	case PGRES_EMPTY_QUERY:
		return NULL;
	default:
		note_error(database, result);
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
	char text[DATABASE_TEXT_MAX];

	database->running = false;
	if (database->state == DATABASE_READY) {
		database->events.ended(database->events.arg, end);
	} else if (end != DATABASE_DONE) {
		memcpy(text, database->text, sizeof(text));
		lose(database, now_ms, text);
	} else {
		database->state = DATABASE_READY;
		database->rounds = 0;
		database->tried = 0;
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
		const char *useless = NULL;

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
			lose(database, now_ms, useless);
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

static void
exchange(struct database *database, short ready, int64_t now_ms)
{
	PGconn *conn = database->conn;

	if ((ready & (POLLIN | POLLHUP | POLLERR)) != 0 &&
	    PQconsumeInput(conn) == 0) {
		lose(database, now_ms, PQerrorMessage(conn));
		return;
	}
	if (database->state == DATABASE_READY && database->due_ms > 0 &&
	    (ready & POLLIN) != 0 &&
	    database->due_ms < now_ms + database->patience_ms)
		database->due_ms = now_ms + database->patience_ms;
	if (PQflush(conn) < 0 || !take_results(database, now_ms)) {
		lose(database, now_ms, PQerrorMessage(conn));
		return;
	}
	if (database->conn == conn)
		take_notifications(database);
}

/* ---- for the loop ---- */

int
database_fd(const struct database *database)
{
	return database->conn != NULL ? PQsocket(database->conn) : -1;
}

short
database_poll(const struct database *database)
{
	if (database->conn == NULL)
		return 0;
	if (database->state == DATABASE_CONNECTING)
		return database->polling == PGRES_POLLING_READING ? POLLIN
		                                                  : POLLOUT;
	return (short)(POLLIN | (PQflush(database->conn) > 0 ? POLLOUT : 0));
}

int64_t
database_due(const struct database *database)
{
	if (database->state == DATABASE_OFF ||
	    (database->state == DATABASE_READY && !database->running))
		return INT64_MAX;
	if (database->state == DATABASE_CONNECTING && database_fd(database) < 0)
		return 0;
	return database->due_ms;
}

static void
come_due(struct database *database, int64_t now_ms)
{
	if (database->state == DATABASE_PAUSING)
		connect_to(database, now_ms);
	else
		lose(database, now_ms, "it does not answer in time");
}

void
database_step(struct database *database, short ready, int64_t now_ms)
{
	const bool is_connecting = database->state == DATABASE_CONNECTING;

	if (is_connecting && (ready != 0 || database_fd(database) < 0))
		go_on_connecting(database, now_ms);
	else if (database->conn != NULL && !is_connecting && ready != 0)
		exchange(database, ready, now_ms);
	if (now_ms >= database_due(database))
		come_due(database, now_ms);
}

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
	database->due_ms = now_ms + database->patience_ms;
	/* Not sent: the connection is found lost by the next step. */
	if (sent == 0 || (large && PQsetSingleRowMode(database->conn) == 0)) {
		say(database, PQerrorMessage(database->conn));
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
