/*
 * What is said of the database: `text` and `sqlstate` of struct database. Here
 * are the words for what libpq and the server say; who says them of a server
 * that is of no use is database_rounds.h.
 */
#ifndef DATABASE_WORDS_H
#define DATABASE_WORDS_H

#include "pat_clusterd/database.h"

/*
 * Behind what was said of other servers in the same round, in one line. `text`
 * may be what was said last.
 */
void database_say(struct database *database, const char *text);

/* Likewise, in words that do not name the server that is tried. */
void database_say_of_server(struct database *database, const char *text);

/*
 * Why the connection that is tried cannot be had, by libpq, which has to be
 * verbose; with what to do.
 */
void database_say_attempt(struct database *database, const char *text);

/*
 * The error with which a statement, or the greeting, has ended: it has failed,
 * and why is said; of the greeting with what to do.
 */
void database_note_error(struct database *database, const PGresult *result);

/*
 * For PQsetNoticeReceiver(); `arg`: the database. A warning leaves doubt; an
 * error comes where nothing is under way, and ends the connection.
 */
void database_on_notice(void *arg, const PGresult *notice);

#endif
