#include "pat_clusterd/database_rounds.h"

#include <stdio.h>
#include <sys/random.h>
#include <syslog.h>
#include <unistd.h>

#include "common/sys/log.h"
#include "pat_clusterd/database_words.h"

static const struct useless unnamed = {
	"cannot resolve this name: the name service does not answer in time",
	true
};
static const struct useless silent = { "it does not answer in time", true };

enum {
	PAUSE_MIN_MS = 200,
	PAUSE_MAX_MS = 5000,
	STEADY_MS = 10000, /* a connection that lasts so long is a good one */
};

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

/* ---- one server after the other ---- */

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
	database->has_last_words = false;
	database->state = DATABASE_CONNECTING;
	database->polling = PGRES_POLLING_WRITING;
	database->due_ms = now_ms + database->info->patience_ms;
	if (database->conn == NULL ||
	    PQstatus(database->conn) == CONNECTION_BAD)
		return;
	(void)PQsetNoticeReceiver(database->conn, database_on_notice, database);
	/* For database_say_attempt(). */
	(void)PQsetErrorVerbosity(database->conn, PQERRORS_VERBOSE);
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
	database->is_hopeless = !database->may_heal;
	pause_now(database, now_ms);
}

/*
 * A round begins: what was said in the one before is old. Without the files
 * that all servers need there is none.
 */
static void
begin_round(struct database *database, int64_t now_ms)
{
	const struct jp_account self = { .uid = geteuid() };
	struct jp_why why;

	database->tried = 0;
	database->is_old = true;
	database->may_heal = false;
	if (conninfo_check_files(database->info, &self, &why) == JP_ERR_OK) {
		connect_to(database, now_ms);
		return;
	}
	database_say(database, why.text);
	database->is_hopeless = true;
	pause_now(database, now_ms);
	database->events.changed(database->events.arg);
}

void
database_start(struct database *database, int64_t now_ms)
{
	if (database->state == DATABASE_OFF)
		begin_round(database, now_ms);
}

/* ---- a server is of no use ---- */

static void
disconnect(struct database *database)
{
	PQfinish(database->conn);
	database->conn = NULL;
	database->running = false;
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

void
database_leave(struct database *database, int64_t now_ms)
{
	const bool was_ready = database->state == DATABASE_READY;

	jp_log(LOG_DEBUG, "database: lost: %s", database->text);
	drop(database);
	try_next(database, now_ms);
	if (was_ready || database->state == DATABASE_PAUSING)
		database->events.changed(database->events.arg);
}

void
database_lose(struct database *database, int64_t now_ms, const char *text)
{
	database->may_heal = true;
	if (!database->has_last_words)
		database_say(database, text);
	database_leave(database, now_ms);
}

void
database_lose_server(
    struct database *database, int64_t now_ms, const struct useless *useless)
{
	database->may_heal |= useless->heals;
	database_say_of_server(database, useless->text);
	database_leave(database, now_ms);
}

void
database_give_up(struct database *database, int64_t now_ms, const char *text)
{
	database_say(database, text);
	drop(database);
	database->tried = 0;
	database->is_hopeless = false;
	pause_now(database, now_ms);
	database->events.changed(database->events.arg);
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

/* ---- it goes on ---- */

void
database_go_on_naming(struct database *database, int64_t now_ms)
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
	database_lose_server(database, now_ms, &(struct useless){ text, true });
}

void
database_come_due(struct database *database, int64_t now_ms)
{
	if (database->state == DATABASE_PAUSING)
		begin_round(database, now_ms);
	else
		database_lose_server(database, now_ms,
		    database->state == DATABASE_NAMING ? &unnamed : &silent);
}
