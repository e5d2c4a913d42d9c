#include "pat_clusterd/database.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <syslog.h>

#include "common/base/escape.h"
#include "common/sys/log.h"
#include "pat_clusterd/advice.h"

enum {
	PAUSE_MIN_MS = 200,
	PAUSE_MAX_MS = 5000,
	PATIENCE_MS = 15000,
	STEADY_MS = 10000, /* a connection that lasts so long is a good one */
	REFUSAL_MAX = 300, /* bytes of one, which leaves room for advice */
	VERSION_MIN = 150000,
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
    /* PostgreSQL 17 */
    "SELECT set_config('transaction_timeout', '0', false)"
    " WHERE current_setting('transaction_timeout', true) IS NOT NULL;"
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
    "  AND pid <> pg_backend_pid() AND wait_event = 'SyncRep'),"
    " pg_backend_pid()";
enum { IS_STANDBY, IS_SYNCHRONOUS, HAS_SCHEMA, STUCK, PID, ANSWERS };

/* ---- words ---- */

/* One line of what libpq says, which may be several. */
static void
make_line(char line[DATABASE_TEXT_MAX], const char *text)
{
	size_t len = 0;

	for (; *text != '\0' && len < DATABASE_TEXT_MAX - 1; text++)
		if (*text != '\n' && *text != '\t')
			line[len++] = *text;
		else if (len > 0 && line[len - 1] != ' ')
			line[len++] = ' ';
	while (len > 0 && line[len - 1] == ' ')
		len--;
	line[len] = '\0';
	jp_cut_end(line);
}

/*
 * Behind what was said of other servers in the same round. `text` may be what
 * was said last.
 */
static void
say(struct database *database, const char *text)
{
	char *said = database->text, line[DATABASE_TEXT_MAX];
	size_t len;

	make_line(line, text);
	if (database->is_old || strcmp(said, line) == 0)
		said[0] = '\0';
	database->is_old = false;
	len = strlen(said);
	(void)snprintf(said + len, DATABASE_TEXT_MAX - len, "%s%s",
	    len > 0 ? "; " : "", line);
	jp_cut_end(said);
}

/* Likewise, in words that do not name the server that is tried. */
static void
say_of_server(struct database *database, const char *text)
{
	const struct conninfo_server *server =
	    &database->info->servers[database->server];
	const char *name = server->host[0] != '\0'       ? server->host
	                   : server->hostaddr[0] != '\0' ? server->hostaddr
	                                                 : "this machine";
	char line[DATABASE_TEXT_MAX];

	(void)snprintf(line, sizeof(line), "%s%s%s: %s", name,
	    server->port[0] != '\0' ? ":" : "", server->port, text);
	say(database, line);
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
	int64_t pause_ms;

	if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) < 0)
		chance = (uint32_t)now_ms;
	/* That it was made says little: what is asked of it may always fail. */
	if (database->ready_ms != 0 && now_ms - database->ready_ms >= STEADY_MS)
		database->rounds = 0;
	database->ready_ms = 0;
	pause_ms = database_pause_ms(database->rounds++, chance);
	database->state = DATABASE_PAUSING;
	database->due_ms = now_ms + pause_ms;
	jp_log(LOG_DEBUG, "database: the next try is in %lld ms",
	    (long long)pause_ms);
}

/* ---- start and end ---- */

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
	database->ready_ms = 0;
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
static void open_connection(struct database *database, int64_t now_ms);

/*
 * The next address, or the next server; a pause when all were tried. Not the
 * one that was lost: it may take connections, and no commit, for another one is
 * the primary now.
 */
static void
try_next(struct database *database, int64_t now_ms)
{
	const size_t count = database->info->server_len;

	if (database->address + 1 < database->addresses.len) {
		database->address++;
		open_connection(database, now_ms);
		return;
	}
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
	database->tried = 0;
	pause_now(database, now_ms);
	database->events.changed(database->events.arg);
}

/* Why was said before. */
static void
leave(struct database *database, int64_t now_ms)
{
	const bool was_ready = database->state == DATABASE_READY;

	jp_log(LOG_DEBUG, "database: lost: %s", database->text);
	drop(database);
	try_next(database, now_ms);
	if (was_ready || database->state == DATABASE_PAUSING)
		database->events.changed(database->events.arg);
}

static void
lose(struct database *database, int64_t now_ms, const char *text)
{
	say(database, text);
	leave(database, now_ms);
}

static void
lose_server(struct database *database, int64_t now_ms, const char *text)
{
	say_of_server(database, text);
	leave(database, now_ms);
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

/* To one address of the server; or as the conninfo has it. */
static void
open_connection(struct database *database, int64_t now_ms)
{
	struct conninfo_params params;

	conninfo_params(
	    database->info, database->server, database->name, &params);
	if (database->addresses.len > 0)
		conninfo_param(&params, "hostaddr",
		    database->addresses.of[database->address]);
	database->conn = PQconnectStartParams(params.keys, params.values, 0);
	database->state = DATABASE_CONNECTING;
	database->polling = PGRES_POLLING_WRITING;
	database->due_ms = now_ms + database->info->patience_ms;
	if (database->conn != NULL &&
	    PQstatus(database->conn) != CONNECTION_BAD)
		(void)PQsetNoticeReceiver(database->conn, on_notice, database);
}

static void
connect_to(struct database *database, int64_t now_ms)
{
	database->address = database->addresses.len = 0;
	if (!names_are_asked(database->names, database->server)) {
		open_connection(database, now_ms);
		return;
	}
	database->state = DATABASE_NAMING;
	database->due_ms = now_ms + database->info->patience_ms;
	names_ask(database->names, database->server);
}

/* There may be no answer yet. */
static void
go_on_naming(struct database *database, int64_t now_ms)
{
	char text[NAMES_TEXT_MAX + 32];

	if (!names_answered(
	        database->names, database->server, &database->addresses))
		return;
	if (database->addresses.len > 0) {
		open_connection(database, now_ms);
		return;
	}
	(void)snprintf(text, sizeof(text), "cannot resolve this name: %s",
	    database->addresses.text);
	lose_server(database, now_ms, text);
}

/* A round begins: what was said in the one before is old. */
static void
begin_round(struct database *database, int64_t now_ms)
{
	database->tried = 0;
	database->is_old = true;
	connect_to(database, now_ms);
}

void
database_start(struct database *database, int64_t now_ms)
{
	if (database->state == DATABASE_OFF)
		begin_round(database, now_ms);
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
		lose_server(database, now_ms,
		    "this address is another machine, and the connection is "
		    "not verified: sslmode=verify-full");
	else if (PQserverVersion(conn) < VERSION_MIN)
		lose_server(
		    database, now_ms, "PostgreSQL 15 or newer is needed");
	else if (PQsetnonblocking(conn, 1) != 0 ||
	         PQsendQuery(conn, greeting) == 0)
		lose(database, now_ms, PQerrorMessage(conn));
}

/* libpq names what it was given: the address, where it was looked up. */
static void
lose_attempt(struct database *database, int64_t now_ms)
{
	const char *text = database->conn != NULL
	                       ? PQerrorMessage(database->conn)
	                       : "out of memory";

	if (database->addresses.len > 0)
		lose_server(database, now_ms, text);
	else
		lose(database, now_ms, text);
}

static void
go_on_connecting(struct database *database, int64_t now_ms)
{
	if (database->conn == NULL ||
	    PQstatus(database->conn) == CONNECTION_BAD) {
		lose_attempt(database, now_ms);
		return;
	}
	database->polling = PQconnectPoll(database->conn);
	if (database->polling == PGRES_POLLING_OK)
		greet(database, now_ms);
	else if (database->polling == PGRES_POLLING_FAILED)
		lose_attempt(database, now_ms);
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
	if (strtol(PQgetvalue(rows, 0, PID), NULL, 10) !=
	    PQbackendPID(database->conn))
		return "a pooler is in between, as pgbouncer is: it keeps "
		       "neither LISTEN nor what a session sets: name "
		       "PostgreSQL itself in conninfo";
	if (is_true(rows, IS_STANDBY))
		return "this server is a standby, or read-only";
	if (strcmp(PQgetvalue(rows, 0, STUCK), "0") != 0)
		return "a commit waits there for a synchronous standby that "
		       "does not answer: start it, or promote it and stop this "
		       "server";
	return NULL;
}

/* ---- statements ---- */

/* Who is there says no to the greeting. */
static void
say_refused(struct database *database, const char *text)
{
	const char *advice = advice_of(database->sqlstate);
	char first[REFUSAL_MAX + 1], line[DATABASE_TEXT_MAX];

	(void)snprintf(first, sizeof(first), "%s", text);
	jp_cut_end(first);
	(void)snprintf(line, sizeof(line), "%s%s%s", first,
	    advice[0] != '\0' ? ": " : "", advice);
	say_of_server(database, line);
}

static void
note_error(struct database *database, const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	database->failed = true;
	(void)snprintf(database->sqlstate, sizeof(database->sqlstate), "%s",
	    state != NULL ? state : "");
	if (text == NULL)
		text = PQresultErrorMessage(result);
	if (database->state == DATABASE_READY)
		say(database, text);
	else
		say_refused(database, text);
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

	database->running = false;
	if (database->state == DATABASE_READY) {
		database->events.ended(database->events.arg, end);
	} else if (end != DATABASE_DONE) {
		leave(database, now_ms);
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
			lose_server(database, now_ms, useless);
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
		lose(database, now_ms, PQerrorMessage(conn));
		return;
	}
	note_progress(database, ready, now_ms);
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
		begin_round(database, now_ms);
	else if (database->state == DATABASE_NAMING)
		lose_server(database, now_ms,
		    "cannot resolve this name: the name service does not "
		    "answer in time");
	else
		lose_server(database, now_ms, "it does not answer in time");
}

void
database_step(struct database *database, short ready, int64_t now_ms)
{
	const bool is_connecting = database->state == DATABASE_CONNECTING;

	if (database->state == DATABASE_NAMING)
		go_on_naming(database, now_ms);
	else if (is_connecting && (ready != 0 || database_fd(database) < 0))
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
	database->is_old = true;
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
