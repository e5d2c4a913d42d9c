/*
 * One server, from the connection that was begun until it is known what is
 * there: PostgreSQL itself, new enough, and the primary.
 */
#ifndef DATABASE_CONNECT_H
#define DATABASE_CONNECT_H

#include "pat_clusterd/database.h"
#include "pat_clusterd/database_rounds.h"

/* DATABASE_CONNECTING; ends with the greeting, or the next server. */
void database_go_on_connecting(struct database *database, int64_t now_ms);

/*
 * Takes what the server says to the greeting, in several parts. Why it is of no
 * use; NULL: it is of use, or has said too little.
 */
const struct useless *
database_judge(struct database *database, const PGresult *rows);

#endif
