/*
 * One server, from the connection that was begun until it is known what is
 * there: PostgreSQL itself, new enough, and the primary.
 */
#ifndef DATABASE_CONNECT_H
#define DATABASE_CONNECT_H

#include "pat_clusterd/database.h"

/* DATABASE_CONNECTING; ends with the greeting, or the next server. */
void database_go_on_connecting(struct database *database, int64_t now_ms);

/*
 * Takes what the server says to the greeting, in several parts. The reason for
 * which it is of no use; NULL: none.
 */
const char *database_judge(struct database *database, const PGresult *rows);

#endif
