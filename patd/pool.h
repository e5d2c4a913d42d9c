/*
 * The worker threads: each runs one Argon2id at a time, for a question or,
 * where none waits, for an operation of an administrator, which finds them as
 * `workers` of the core. One more waits for the store where it is being
 * written, one until a commit is durable, one writes the uses of tokens
 * that have a limited number of them, and some end tokens that were rotated.
 * None of these waits for longer than its client does. Questions that need the
 * same one, of the same token text and the same PHC string, share it: they make
 * up a flight. The queue of flights is bounded, for whoever waits longer than a
 * client does waits for nothing; who joins a flight takes no room in it.
 *
 * Where there is no fast tag every wrong text costs a hash. Such flights are
 * few, in all and for one id; they start when no other one waits; and one id
 * has them at a limited rate (common/decide/throttle.h), unless the text is
 * right.
 *
 * The name service has threads of its own: it may hang, and then only those
 * questions that need it wait. Those of one user and service share a look-up.
 */
#ifndef PATD_POOL_H
#define PATD_POOL_H

#include <sys/queue.h>

#include "common/decide/decide.h"

struct pool;

/* One question on its way to a worker and back. */
struct pool_item {
	struct pool_item *next;
	struct pool *pool; /* while it is lent */
	bool joined;       /* a flight that was there before */
	bool logged;       /* for the caller: its decision is logged */
	bool left;         /* nobody waits for it any more */
	bool further;      /* for the caller: patd/conns.h */
	bool held;         /* the same: what jp_cluster_holds() said at first */
	TAILQ_ENTRY(pool_item) of_conn; /* the same */
	enum jp_reason late; /* why there is no decision, if it takes long */
	uint64_t conn;       /* the asker's, for the loop */
	uid_t uid;           /* the asker's, for the log */
	int64_t asked_ns;    /* of jp_now_ns(), for the statistics */
	int64_t deadline_ms; /* of jp_now_ms() */
	struct jp_request request;
	char id[JP_TOKEN_ID_LEN + 1]; /* that the token names */
	struct jp_proof proof;        /* what is known of its text */
	struct jp_decision decision;
	bool reveals; /* an acceptance comes with what it needs: */
	struct jp_secret upstream;
};

/*
 * Starts `workers` threads (0: one for each processor). At most `joined_max`
 * items join the flights of others. Each item that is done makes `event_fd`, an
 * eventfd(2) of the caller, readable.
 */
enum jp_err pool_start(struct pool **pool, struct jp_core *core,
    uint32_t workers, uint32_t joined_max, int event_fd);

/* An empty item for pool_submit(); NULL if too many are under way. */
struct pool_item *pool_take(struct pool *pool);

/*
 * Has `item` decided with what `open` needs. Items of one token come in the
 * order of their deadlines. JP_REASON_NONE: it is taken. Else it is still the
 * caller's: JP_REASON_OVERLOAD, there is no room, and little for ids without
 * fast tag; JP_REASON_THROTTLED, too many wrong texts for such an id;
 * JP_REASON_SUPERSEDED, of what is denied in any case.
 */
enum jp_reason pool_submit(
    struct pool *pool, const struct jp_decision *open, struct pool_item *item);

/*
 * The item, with its decision, is with somebody else now, who gives it back
 * with pool_give_back(): then it is among those that are done. Until then it is
 * under way; `late` is what is said of it if that takes too long.
 */
void pool_lend(struct pool *pool, struct pool_item *item, enum jp_reason late);

/* From any thread; `item` is not touched by the caller any more. */
void pool_give_back(struct pool_item *item);

/* It was not lent after all: it is still the caller's. */
void pool_keep(struct pool_item *item);

/*
 * Its client gets an answer now, for the reason that is returned. The item
 * still comes back with those that are done, as one that was left.
 */
enum jp_reason pool_leave(struct pool *pool, struct pool_item *item);

/* The items that are done, as a list; each goes back with pool_release(). */
struct pool_item *pool_done(struct pool *pool);

/* Wipes the item. */
void pool_release(struct pool *pool, struct pool_item *item);

/*
 * Begins no more tasks of operations, which would outlast the end by far: those
 * under way end, then their operation is told that some were left out.
 */
void pool_end_tasks(struct pool *pool);

/*
 * Drops what waits, operations included, lets the hashes and look-ups under way
 * end, and what is lent come back, until `deadline_ms` of jp_now_ms(), and
 * frees all. False if one did not: then nothing is freed, and the core must not
 * be closed. NULL is fine.
 */
bool pool_stop(struct pool *pool, int64_t deadline_ms);

#endif
