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

struct cluster;

/*
 * Whether the settings and the store agree on what this host is. JP_ERR_CONFIG
 * if one of them is in a cluster and the other is not, or if the store is still
 * being filled: patd does not start then. `why` says what to run.
 */
enum jp_err cluster_agree(const struct jp_settings *settings,
    struct jp_store *store, struct jp_why *why);

/*
 * Who may connect, besides our own account: that of [cluster] user. `*uid` is
 * our own if there is no [cluster]. JP_ERR_CONFIG: there is no such account, or
 * it is root while we are not.
 */
enum jp_err cluster_find_user(const struct jp_settings *settings, uid_t own,
    uid_t *uid, struct jp_why *why);

/*
 * Where the settings have [cluster]; else `*cluster` is NULL. Puts the replica
 * around the store of `core`, which owns it from now on and was not used
 * before, makes the socket, and starts the thread. On an error the core is
 * still to be closed.
 */
enum jp_err cluster_start(struct cluster **cluster, struct jp_core *core,
    const struct jp_settings *settings, uid_t uid, struct jp_why *why);

/*
 * Commits and waits that have not ended at `deadline_ms` of jp_now_ms() fail
 * then, and all later ones; INT64_MAX: they need not. From any thread.
 */
void cluster_end_by(struct cluster *cluster, int64_t deadline_ms);

/*
 * Writes the gathered usage, gives back the lease, and ends the thread: the
 * core is closed next, whose commits fail from now on. No thread may answer
 * questions any more: others no longer wait for this host. Then cluster_free().
 */
void cluster_stop(struct cluster *cluster, struct jp_core *core);

/* Removes the socket and frees all. */
void cluster_free(struct cluster *cluster);

#endif
