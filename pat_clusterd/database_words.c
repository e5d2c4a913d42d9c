#include "pat_clusterd/database_words.h"

#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "common/base/escape.h"
#include "common/sys/log.h"
#include "pat_clusterd/advice.h"

enum {
	REFUSAL_MAX = 300, /* bytes of one, which leaves room for advice */
};

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
	database_say_of_server(database, line);
}

void
database_note_error(struct database *database, const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	database->failed = true;
	(void)snprintf(database->sqlstate, sizeof(database->sqlstate), "%s",
	    state != NULL ? state : "");
	if (text == NULL)
		text = PQresultErrorMessage(result);
	if (database->state == DATABASE_READY)
		database_say(database, text);
	else
		say_refused(database, text);
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

	if (severity == NULL || strcmp(severity, "WARNING") != 0)
		return;
	database->doubtful = true;
	database_say(database, text != NULL ? text : "a warning");
	jp_log(LOG_WARNING, "database: %s", database->text);
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
