/*
 * The tokens and users of a host that joins a cluster, on their way into it:
 * added where the cluster has none of that name. What it has stays, except that
 * a token that is revoked or disabled here, or a disabled user, is so there.
 */
#ifndef PAT_ADMIN_CLUSTER_IMPORT_H
#define PAT_ADMIN_CLUSTER_IMPORT_H

#include "tools/commands/cluster_own.h"

/*
 * Brings all of it into the cluster through `store`, which is a replica of it
 * that nobody else uses, and which it closes.
 */
enum jp_err cluster_import(struct cluster_own *own,
    const struct context *context, const struct cluster_args *args,
    struct cluster_store *store, struct jp_why *why);

#endif
