/*
 * What the files of the replica share:
 *
 *     replica_state.c   what it knows, and what follows from it
 *     replica_commit.c  writers: begin, commit
 *     replica_settle.c  and then: until all hosts have it
 *     replica_take.c    the thread that carries messages
 *     replica.c         the store that it is; guard, status
 *
 * Locks, the outer one first: `commit_lock`, held during a commit; `apply_lock`
 * while a batch is applied, or made of what is applied; `lock`, briefly. None
 * is held while a batch is on its way, but the first; and none while the thread
 * that carries messages waits for a writer to apply its batch, `own_seq`.
 */
#ifndef JP_REPLICA_INTERNAL_H
#define JP_REPLICA_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "common/cluster/replica.h"

enum {
	RECENT = 256, /* positions that are remembered */
};

/* A batch of a writer, on its way into the log. */
struct replica_pending {
	bool there;             /* a writer waits for it */
	bool sent;              /* under `req`, and there was no answer yet */
	bool ended;             /* `result` is known */
	bool maybe;             /* it was sent at least once, */
	bool unsure;            /* and an answer to it was lost */
	struct jp_link_msg msg; /* APPEND */
	enum jp_link_result result;
	uint64_t head; /* CONFLICT: there is so much to apply */
	char text[JP_LINK_TEXT_MAX + 1];
};

struct jp_replica {
	struct jp_store base;   /* first: it is a store */
	struct jp_store *store; /* the one below */
	struct jp_replica_link link;
	struct jp_clock clock;
	int64_t (*boot_ms)(void);
	int64_t append_wait_ms;
	char node[JP_LINK_NAME_MAX + 1];
	uint8_t holder[JP_LINK_HOLDER_LEN];
	uint8_t tag[JP_PEPPER_NAME_LEN];
	struct jp_chain chain;
	atomic_llong until_ms; /* of the lease, for jp_replica_holds() */
	pthread_mutex_t commit_lock;
	pthread_mutex_t apply_lock;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t changed;
	struct jp_position position;
	struct jp_position recent[RECENT]; /* by seq */
	struct jp_position from;           /* of the writer that has begun */
	enum jp_begin how;                 /* it has begun */
	int64_t by_ms; /* it waits until then; of jp_now_ms() */
	uint64_t loud; /* what jp_store_settle() waits for */
	struct replica_pending pending;
	uint32_t asked_req;   /* of the APPEND that was not answered; 0: none */
	uint64_t asked_seq;   /* where it goes */
	uint64_t own_seq;     /* it is in the log, and its writer, who has the
	                         bytes, is about to apply it; 0: none is */
	uint32_t release_req; /* of the RELEASE, until its DONE; 0: none */
	bool linked;          /* there is a connection to the link */
	bool welcome;         /* which has one to the right database */
	bool refused;         /* something that the last connection brought */
	bool stopped, dropped;
	bool failed; /* a batch of the log could not be applied: */
	struct jp_why failed_why;
	struct jp_why why; /* of the last commit; */
	bool has_why;      /* else the store below knows */
	uint32_t last_req;
	struct jp_lease lease;
	bool held; /* it held when it was looked at last */
	struct jp_peers peers;
	int64_t nodes_at_ms; /* of the last reading; -1: there was none */
	struct jp_replica_status numbers; /* of which much is filled in late */
};

static inline struct jp_replica *
replica_of(struct jp_store *store)
{
	return (struct jp_replica *)store;
}

void replica_lock(struct jp_replica *replica);
void replica_unlock(struct jp_replica *replica);

/*
 * Waits, with the lock, until something has changed, or `wait_ms` are over;
 * that nothing has come to an end is for the caller to see.
 */
void replica_wait(struct jp_replica *replica, int64_t wait_ms);

/* ---- with the lock ---- */

/* The clock and the lease were looked at: `until_ms` says the same. */
void replica_publish(struct jp_replica *replica);

/* A reading of all nodes. */
enum jp_err replica_read_nodes(
    struct jp_replica *replica, const struct jp_link_nodes *nodes);

/*
 * The store below is at `to` now, by the batch `id`: whoever waited for that,
 * or cannot come to be there any more, goes on.
 */
void replica_moved(struct jp_replica *replica, const struct jp_position *to,
    const uint8_t id[JP_LINK_ID_LEN]);

/* No answer comes any more over the connection that was. */
void replica_disconnected(struct jp_replica *replica);

/* The remembered position with this seq, or NULL. */
const struct jp_position *
replica_recent(const struct jp_replica *replica, uint64_t seq);

/* ---- with `apply_lock`, and not the lock ---- */

/*
 * Applies a batch whose MAC was checked, and moves there. What goes wrong is
 * kept for the thread of the messages, which then begins anew.
 */
enum jp_err replica_apply(struct jp_replica *replica,
    const struct jp_position *to, const uint8_t id[JP_LINK_ID_LEN],
    const uint8_t *bytes, size_t len, struct jp_why *why);

/* Tells the link; without any lock. */
void replica_tell_applied(struct jp_replica *replica, uint64_t seq);

/* ---- the operations of writers ---- */

void replica_begin(struct jp_store *store, enum jp_begin how, int64_t by_ms);
enum jp_err replica_commit(
    struct jp_store *store, const struct jp_change *changes, size_t count);
enum jp_err replica_user_put(
    struct jp_store *store, const struct jp_user *users, size_t count);
enum jp_err replica_upstream_put(
    struct jp_store *store, const struct jp_upstreams *all, size_t count);
enum jp_err
replica_settle(struct jp_store *store, int64_t by_ms, struct jp_why *why);

#endif
