#include "pat_clusterd/database_words.h"

#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "common/base/escape.h"
#include "common/sys/log.h"
#include "pat_clusterd/advice.h"

enum {
	REFUSAL_MAX = 300, /* bytes of one, which leaves room for advice */
	SQLSTATE_WIDTH = DATABASE_SQLSTATE_MAX + 5, /* ":  57P03: " */
};

#define SQLSTATE_BYTES "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

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

void
database_say(struct database *database, const char *text)
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

void
database_say_of_server(struct database *database, const char *text)
{
	const struct conninfo_server *server =
	    &database->info->servers[database->server];
	const char *name = server->host[0] != '\0'       ? server->host
	                   : server->hostaddr[0] != '\0' ? server->hostaddr
	                                                 : "this machine";
	char line[DATABASE_TEXT_MAX];

	(void)snprintf(line, sizeof(line), "%s%s%s: %s", name,
	    server->port[0] != '\0' ? ":" : "", server->port, text);
	database_say(database, line);
}

/* ---- what the server says ---- */

/* With what to do, which is whole. */
static void
advise(char line[DATABASE_TEXT_MAX], const char *text, const char *advice)
{
	char first[REFUSAL_MAX + 1];

	(void)snprintf(first, sizeof(first), "%s", text);
	jp_cut_end(first);
	(void)snprintf(line, DATABASE_TEXT_MAX, "%s%s%s", first,
	    advice[0] != '\0' ? ": " : "", advice);
}

static void
note_sqlstate(struct database *database, const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	(void)snprintf(database->sqlstate, sizeof(database->sqlstate), "%s",
	    state != NULL ? state : "");
}

/*
 * What ends the connection: libpq says no more than that it is lost. Where all
 * processes of the server have to end at once, it is a warning.
 */
static bool
is_last(const PGresult *result)
{
	const char *severity =
	    PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	return severity != NULL &&
	       (strcmp(severity, "FATAL") == 0 ||
	           strcmp(severity, "PANIC") == 0 ||
	           (state != NULL && (strcmp(state, "57P01") == 0 ||
	                                 strcmp(state, "57P02") == 0)));
}

static void
note_words(struct database *database, const PGresult *result)
{
	const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	char line[DATABASE_TEXT_MAX];

	database->has_last_words = is_last(result);
	note_sqlstate(database, result);
	if (text == NULL)
		text = PQresultErrorMessage(result);
	advise(line, text, advice_of(database->sqlstate));
	database->may_heal |= database->state == DATABASE_READY ||
	                      advice_heals(database->sqlstate, text);
	if (database->state != DATABASE_READY)
		database_say_of_server(database, line);
	else
		database_say(database, database->has_last_words ? line : text);
}

void
database_note_error(struct database *database, const PGresult *result)
{
	database->failed = true;
	note_words(database, result);
}

/*
 * A commit whose wait for the standby was cancelled ends with a warning, and
 * success. No other statement of ours has one.
 */
void
database_on_notice(void *arg, const PGresult *notice)
{
	struct database *database = arg;
	const char *severity =
	    PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
	const char *text = PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY);
	const bool is_warning =
	    severity != NULL && strcmp(severity, "WARNING") == 0;

	/* A session may also end behind a commit, before its end was read. */
	database->doubtful |= is_warning || is_last(notice);
	if (is_last(notice)) {
		database->is_old = true;
		note_words(database, notice);
	} else if (is_warning) {
		database_say(database, text != NULL ? text : "a warning");
		jp_log(LOG_WARNING, "database: %s", database->text);
	}
}

/* ---- what libpq says of a connection that it does not get ---- */

/* "FATAL:  57P03: the database ..."; NULL: there is none in this line. */
static const char *
find_sqlstate(const char *line, size_t len)
{
	for (size_t i = 0; i + SQLSTATE_WIDTH <= len; i++)
		if (memcmp(line + i, ":  ", 3) == 0 &&
		    strspn(line + i + 3, SQLSTATE_BYTES) ==
		        DATABASE_SQLSTATE_MAX &&
		    memcmp(line + i + SQLSTATE_WIDTH - 2, ": ", 2) == 0)
			return line + i + 3;
	return NULL;
}

/* Without what is only for programs, and for those who make PostgreSQL. */
static void
read_attempt(
    struct database *database, const char *text, char plain[DATABASE_TEXT_MAX])
{
	size_t used = 0, len;

	plain[0] = '\0';
	for (; *text != '\0'; text += len + (text[len] == '\n')) {
		const char *state, *rest = text;

		len = strcspn(text, "\n");
		if (strncmp(text, "LOCATION:", 9) == 0 ||
		    used >= DATABASE_TEXT_MAX)
			continue;
		state = find_sqlstate(text, len);
		if (state != NULL) {
			memcpy(
			    database->sqlstate, state, DATABASE_SQLSTATE_MAX);
			database->sqlstate[DATABASE_SQLSTATE_MAX] = '\0';
			rest = state + DATABASE_SQLSTATE_MAX + 2;
		}
		used += (size_t)snprintf(plain + used, DATABASE_TEXT_MAX - used,
		    "%.*s%.*s\n", state != NULL ? (int)(state - text) : 0, text,
		    (int)(text + len - rest), rest);
	}
}

void
database_say_attempt(struct database *database, const char *text)
{
	char plain[DATABASE_TEXT_MAX], line[DATABASE_TEXT_MAX];
	const char *advice;

	database->sqlstate[0] = '\0';
	read_attempt(database, text, plain);
	advice = advice_on(plain);
	if (advice[0] == '\0')
		advice = advice_of(database->sqlstate);
	database->may_heal |= advice_heals(database->sqlstate, plain);
	make_line(line, plain);
	advise(plain, line, advice);
	/* libpq names what it was given: the address, where it was looked up.
	 */
	if (database->addresses.len > 0)
		database_say_of_server(database, plain);
	else
		database_say(database, plain);
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
