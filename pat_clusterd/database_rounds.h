/*
 * Rounds over the servers of the conninfo, each of which has its addresses, and
 * the pauses between them: where a connection begins, and where it goes on when
 * a server is of no use. What a server is once it is there, and what is asked
 * of it, is seen elsewhere.
 */
#ifndef DATABASE_ROUNDS_H
#define DATABASE_ROUNDS_H

#include "pat_clusterd/database.h"

/* Why a server is of no use, and whether that may be over by itself. */
struct useless {
	const char *text;
	bool heals;
};

/* How long to pause after so many rounds: `chance` makes hosts differ. */
int64_t database_pause_ms(unsigned int rounds, uint32_t chance);

/* DATABASE_NAMING: there may be an answer by now. */
void database_go_on_naming(struct database *database, int64_t now_ms);

/* What database_due() named has come. */
void database_come_due(struct database *database, int64_t now_ms);

/*
 * The connection is lost, or cannot be had: the next server, or a pause. The
 * text is said, unless the server has said why; of the server, where it does
 * not name it.
 */
void database_lose(struct database *database, int64_t now_ms, const char *text);
void database_lose_server(
    struct database *database, int64_t now_ms, const struct useless *useless);

/* Likewise, why was said before. */
void database_leave(struct database *database, int64_t now_ms);

#endif
