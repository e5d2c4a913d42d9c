/*
 * One connection to the primary: found among the servers of the conninfo, kept,
 * and made again, with pauses that differ from host to host. One statement at a
 * time, each a transaction of its own. Nothing here waits: names.h looks up
 * where a server is, and the owner polls, and calls database_step().
 *
 * database.c has the statements and what the loop asks; database_rounds.c one
 * server after the other, and pauses; database_connect.c one server, until it
 * is the primary; database_words.c what is said of all that.
 */
#ifndef DATABASE_H
#define DATABASE_H

#include <stdbool.h>
#include <stdint.h>

#include "pat_clusterd/names.h"
#include "pat_clusterd/pq_conninfo.h"
#include "pat_clusterd/statement.h"

enum {
	DATABASE_TEXT_MAX = 512,
	DATABASE_SQLSTATE_MAX = 5,
};

enum database_state {
	DATABASE_OFF = 0,    /* nobody wants it */
	DATABASE_PAUSING,    /* until the next try */
	DATABASE_NAMING,     /* where is the next server? */
	DATABASE_CONNECTING, /* with one server */
	DATABASE_ASKING,     /* it says what it is */
	DATABASE_READY,
};

/* What became of a statement. */
enum database_end {
	DATABASE_DONE,   /* committed, wherever a commit has to be */
	DATABASE_FAILED, /* refused: nothing was changed */
	DATABASE_UNSURE, /* done or not: nobody knows */
};

struct database;

struct database_events {
	/*
	 * It is ready, or no longer, or all servers were tried in vain: `text`
	 * says why, of each.
	 */
	void (*changed)(void *arg);
	/* Some rows of the statement, which are gone afterwards. */
	void (*rows)(void *arg, const PGresult *rows);
	/* The end of the statement: another one may be run at once. */
	void (*ended)(void *arg, enum database_end end);
	/* Somebody has changed something. */
	void (*notified)(void *arg);
	void *arg;
};

struct database {
	const struct conninfo *info;
	struct database_events events;
	char name[96]; /* what it is called there */

	PGconn *conn;
	enum database_state state;
	PostgresPollingStatusType polling; /* while it connects */
	struct names *names;               /* NULL: libpq looks them up */
	struct names_answer addresses; /* of the server; len 0: by its name */
	size_t address;                /* the one that is tried */
	int64_t due_ms;                /* the next try, or the last moment */
	size_t server;                 /* the one that is tried */
	size_t tried;                  /* so many in this round */
	unsigned int rounds;           /* all were tried so often */
	bool may_heal;                 /* what went wrong in this round */
	bool is_hopeless;              /* nothing of it, of the last round */
	int64_t ready_ms;              /* since when it is; 0: it is not */
	int64_t patience_ms;           /* for a statement */
	bool running;                  /* there is a statement */
	bool failed, doubtful;         /* it: with an error, a warning */

	/* Of the server, when it is ready. */
	bool synchronous; /* a standby is waited for */
	bool has_schema;  /* there is a schema of ours */

	char sqlstate[DATABASE_SQLSTATE_MAX + 1]; /* of the last failure */
	bool has_last_words; /* the server has said why it ends this one */
	bool is_old;         /* `text` is of the round before */
	char text[DATABASE_TEXT_MAX]; /* the same, in words */
};

/* `node` names it in pg_stat_activity. It is off. */
void database_make(struct database *database, const struct conninfo *info,
    struct names *names, const char *node,
    const struct database_events *events);

/* Begins to connect; nothing if it has begun. */
void database_start(struct database *database, int64_t now_ms);

/* Closes the connection. The end of a statement is not reported. */
void database_stop(struct database *database);

/*
 * For how long a server may be silent during a statement before the connection
 * counts as lost; beside what it takes to send the statement.
 */
void database_be_patient(struct database *database, int64_t ms);

/* The connection is of no use: the next try comes after a pause. */
void
database_give_up(struct database *database, int64_t now_ms, const char *text);

/* For poll(2): -1 if there is nothing to wait for. */
int database_fd(const struct database *database);
short database_poll(const struct database *database);

/* When database_step() is due without it; INT64_MAX: never. */
int64_t database_due(const struct database *database);

/* After each poll(2). */
void database_step(struct database *database, short ready, int64_t now_ms);

/* Whether a statement may be run. */
bool database_is_free(const struct database *database);

/*
 * Sends it; `large`: its rows are reported one by one, so that not all are in
 * memory. What fails is reported by `ended`, later.
 */
void database_run(struct database *database, const struct statement *statement,
    bool large, int64_t now_ms);

/* The same of several commands without parameters: one transaction. */
void
database_run_script(struct database *database, const char *sql, int64_t now_ms);

/* "host:port/dbname" of the connection, or "". */
void database_place(const struct database *database, char *text, size_t size);

#endif
