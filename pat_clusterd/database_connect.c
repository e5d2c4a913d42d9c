#include "pat_clusterd/database_connect.h"

#include <stdlib.h>
#include <string.h>

#include "pat_clusterd/database_rounds.h"
#include "pat_clusterd/database_words.h"

enum {
	VERSION_MIN = 150000,
};

/* ---- what a server may be instead ---- */

static const struct useless elsewhere = {
	"this address is another machine, and the connection is not verified: "
	"sslmode=verify-full",
	false
};
static const struct useless old = { "PostgreSQL 15 or newer is needed", false };
static const struct useless pooler = {
	"a pooler is in between, as pgbouncer is: it keeps neither LISTEN nor "
	"what a session sets: name PostgreSQL itself in conninfo",
	false
};
static const struct useless standby = {
	"this server is a standby, or read-only", true
};
static const struct useless stuck = {
	"a commit waits there for a synchronous standby that does not answer: "
	"start it, or promote it and stop this server",
	true
};

/* ---- the greeting ---- */

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
    /* A machine that is lost gives back the name by which it joins. */
    " set_config('tcp_keepalives_idle', '20', false),"
    " set_config('tcp_keepalives_interval', '10', false),"
    " set_config('tcp_keepalives_count', '3', false),"
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
	(void)PQsetErrorVerbosity(conn, PQERRORS_DEFAULT);
	if (!is_taken(database))
		database_lose_server(database, now_ms, &elsewhere);
	else if (PQserverVersion(conn) < VERSION_MIN)
		database_lose_server(database, now_ms, &old);
	else if (PQsetnonblocking(conn, 1) != 0 ||
	         PQsendQuery(conn, greeting) == 0)
		database_lose(database, now_ms, PQerrorMessage(conn));
}

/* The answer to the greeting is text, as to all that has no parameters. */
static bool
is_true(const PGresult *rows, int column)
{
	return PQgetvalue(rows, 0, column)[0] == 't';
}

const struct useless *
database_judge(struct database *database, const PGresult *rows)
{
	if (PQnfields(rows) != ANSWERS || PQntuples(rows) != 1)
		return NULL;
	database->synchronous = is_true(rows, IS_SYNCHRONOUS);
	database->has_schema = is_true(rows, HAS_SCHEMA);
	if (strtol(PQgetvalue(rows, 0, PID), NULL, 10) !=
	    PQbackendPID(database->conn))
		return &pooler;
	if (is_true(rows, IS_STANDBY))
		return &standby;
	if (strcmp(PQgetvalue(rows, 0, STUCK), "0") != 0)
		return &stuck;
	return NULL;
}

/* ---- until it is there ---- */

static void
lose_attempt(struct database *database, int64_t now_ms)
{
	database_say_attempt(database, database->conn != NULL
	                                   ? PQerrorMessage(database->conn)
	                                   : "out of memory");
	database_leave(database, now_ms);
}

void
database_go_on_connecting(struct database *database, int64_t now_ms)
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
