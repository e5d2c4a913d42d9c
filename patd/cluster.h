/*
 * This host as one of a cluster: patd's side of cluster.sock, where
 * pat-clusterd connects, which has the network. A thread of its own takes what
 * comes from there, batches of others above all, and asks for leases in time;
 * a store in Berkeley DB with it becomes a replica (common/cluster/replica.h).
 *
 *     +-- patd ------------------------------------+   cluster.sock
 *     | workers, admin threads: jp_store_commit()  |
 *     |      \ append, wait                        |
 *     |   replica --- thread of the cluster -------+-- pat-clusterd -- network
 *     |      | apply                               |
 *     |   Berkeley DB                              |
 *     +--------------------------------------------+
 *
 * Without [cluster] nothing of this exists: the pointer is NULL everywhere, and
 * all functions take that.
 */
#ifndef PATD_CLUSTER_H
#define PATD_CLUSTER_H

#include <sys/types.h>

#include "common/config/settings.h"
#include "common/decide/core.h"
#include "common/record/decision.h"

#define CLUSTER_SOCKET "cluster.sock"

struct cluster;

/*
 * Whether the settings and the store agree on what this host is. JP_ERR_CONFIG
 * if one of them is in a cluster and the other is not, or if the store is still
 * being filled: patd does not start then. `why` says what to run.
 */
enum jp_err cluster_agree(const struct jp_settings *settings,
    struct jp_store *store, struct jp_why *why);

/*
 * As root, before this process becomes the user of patd: finds who may connect,
 * makes the socket, and lets that account reach it. `*cluster` NULL: there is
 * no [cluster].
 */
enum jp_err cluster_make(struct cluster **cluster,
    const struct jp_settings *settings, struct jp_why *why);

/*
 * Puts the replica around the store of `core`, which owns it from now on, and
 * starts the thread. The core must not have been used.
 */
enum jp_err cluster_start(
    struct cluster *cluster, struct jp_core *core, struct jp_why *why);

/*
 * The guard. Where this host may not say yes now, because its lease is over or
 * it lacks what was committed before the lease was granted, an acceptance
 * becomes JP_REASON_LEASE; so does a denial for want of knowledge, of a token
 * that may have been made elsewhere. Denials by what is known stay. To be
 * called when a decision has been made, before it is logged and sent: whoever
 * asks after a revocation has returned finds the lease over, or the revocation.
 */
void cluster_guard(struct cluster *cluster, struct jp_decision *decision);

/* No commit waits for others any more, nor begins: all fail. From any thread.
 */
void cluster_shut(struct cluster *cluster);

/* Ends the thread, and lets go of the core, whose store stays a replica. */
void cluster_stop(struct cluster *cluster);

/* Frees the rest, after jp_core_close(). */
void cluster_free(struct cluster *cluster);

#endif
