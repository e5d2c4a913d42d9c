/*
 * A replica: a jp_store around the one of this host. Reads are those of the
 * store below; a commit is made a batch, appended to the log of the cluster,
 * and applied here as soon as the log has it. Batches of others are applied as
 * they come.
 *
 * patd (patd/cluster_talk.c) carries the messages: it gives every message of
 * the link that is not for itself to jp_replica_take(), and sends what the
 * replica gives to its struct jp_replica_link. All functions may be called by
 * any thread; jp_replica_take(), jp_replica_hello() and jp_replica_lost() by
 * one at a time.
 *
 * Writers (one at a time, which the lock of the core sees to):
 *
 *     jp_store_begin(store, JP_BEGIN_LOUD)      remembers the position
 *     ... reads ...
 *     jp_store_commit(store, changes, count)    JP_ERR_CONFLICT: from the start
 *     ... the lock is released ...
 *     jp_store_settle(store, &why)              all hosts have it
 *
 * Errors of a commit besides those of the store below, with jp_store_why():
 * JP_ERR_CONFLICT: others were faster, and what they did is applied here now;
 * JP_ERR_UNREACHABLE: nothing was done, as the database cannot be reached;
 * JP_ERR_TIMEOUT: the connection was lost on the way, and whether it is done
 * will be known when it is back: nobody may say "done", nor "not done".
 */
#ifndef JP_REPLICA_H
#define JP_REPLICA_H

#include "common/base/clock.h"
#include "common/cluster/chain.h"
#include "common/cluster/lease.h"

struct jp_replica;

/* How it reaches the link. Neither waits for anything but a lock. */
struct jp_replica_link {
	/*
	 * Sends a message of the host's with its bytes (jp_link_send()), which
	 * are the caller's again afterwards: APPEND, APPLIED, LEASE, RELEASE.
	 * Any error means that there is no connection to the link.
	 */
	enum jp_err (*send)(
	    void *arg, const struct jp_link_msg *msg, const uint8_t *bytes);
	void *arg;
};

struct jp_replica_options {
	struct jp_store *store;         /* in a cluster, not being filled */
	const struct jp_pepper *pepper; /* read once */
	const char *node;               /* copied */
	const uint8_t *holder;          /* jp_holder_make(); copied */
	int64_t lease_ms;
	int64_t append_wait_ms;       /* how long a commit waits; 0: a lease */
	const struct jp_clock *clock; /* time of day, for the log; copied */
	int64_t (*boot_ms)(void);     /* NULL: jp_boot_ms() */
	struct jp_replica_link link;  /* copied */
};

/*
 * Makes one around the store, which it then owns, and closes with itself (or at
 * once, if it fails). JP_ERR_CONFIG if the store is in no cluster or is being
 * filled; JP_ERR_NOMEM; what the store says. It is without a lease and without
 * a link. `store` is what writers and readers use from now on.
 */
enum jp_err jp_replica_open(const struct jp_replica_options *options,
    struct jp_replica **replica, struct jp_store **store, struct jp_why *why);

/* ---- the thread that carries the messages ---- */

/* Makes the HELLO with which a connection to the link begins. */
void jp_replica_hello(struct jp_replica *replica, struct jp_link_msg *hello);

/*
 * Takes STATE, WELCOME, BATCH, APPENDED, LEASED or NODES, with what came behind
 * it. JP_ERR_PROTOCOL for others, which nothing comes of. Any error means: log
 * `why`, which says what is wrong and what to do, and close the connection to
 * the link. Nothing is applied and no lease is taken until the next WELCOME.
 * JP_ERR_CHECKSUM: a wrong MAC; JP_ERR_CONFLICT: another log, or one that has a
 * gap, or ends before what is applied here; else what jp_store_apply() says.
 */
enum jp_err jp_replica_take(struct jp_replica *replica,
    const struct jp_link_msg *msg, const uint8_t *bytes, struct jp_why *why);

/* The connection to the link is gone. A lease that holds, holds on. */
void jp_replica_lost(struct jp_replica *replica);

/*
 * Asks for the lease if it is time to, or for another that was not answered;
 * returns after how many milliseconds this is to be called again. Harmless when
 * there is nobody to ask.
 */
int64_t jp_replica_tick(struct jp_replica *replica);

/*
 * patd ends: whoever waits in a commit or at a barrier stops with
 * JP_ERR_TIMEOUT or JP_ERR_UNREACHABLE, from now on.
 */
void jp_replica_stop(struct jp_replica *replica);

/* ---- the guard ---- */

/*
 * Whether this host may answer yes. Asked *before* the store is read for a
 * question, which then may be answered by what was read, and at best again
 * before the answer is sent. To ask only afterwards is wrong: see lease.h. One
 * clock and one atomic.
 */
bool jp_replica_holds(const struct jp_replica *replica);

/*
 * Gives the lease up, for good, as patd ends: it holds no more, and no other
 * one is taken. The thread that carries the messages calls this, once no thread
 * answers any more: it tells the link, so that nobody waits for this host.
 */
void jp_replica_release(struct jp_replica *replica);

/* Whether the answer to that RELEASE is still to come. */
bool jp_replica_is_releasing(struct jp_replica *replica);

/* The link has said DONE to the request `req`. */
void jp_replica_released(struct jp_replica *replica, uint32_t req);

/* ---- what it knows ---- */

/* Of the order of 10 KiB. Numbers since the replica was opened. */
struct jp_replica_status {
	struct jp_position position;
	bool linked;  /* pat-clusterd is connected */
	bool welcome; /* and the database, and it is the right one */
	struct jp_link_state_msg state; /* the last STATE */
	struct jp_link_nodes nodes; /* the last reading; head 0: none, yet */
	uint64_t log_batches, log_bytes; /* of the last NODES */
	int64_t nodes_age_ms;            /* of that reading; -1: none */
	bool holds;
	int64_t lease_left_ms; /* 0: it does not hold */
	int64_t lease_ms;
	uint64_t appended, conflicts, unknown, applied, refused;
	uint64_t leases, lapses; /* that were granted; that ran out */
	uint64_t waits, late;    /* of barriers; until a lease was over */
	/* The last error of jp_replica_take(); "": all of the log is here. */
	char refused_why[JP_WHY_MAX];
};

void
jp_replica_status(struct jp_replica *replica, struct jp_replica_status *status);

/* The chain, for the parts of snapshots. */
const struct jp_chain *jp_replica_chain(const struct jp_replica *replica);

#endif
