/*
 * What `cluster init`, `join` and `leave` do alike: the settings, the store of
 * this host, and the walk through it.
 */
#ifndef PAT_ADMIN_CLUSTER_WORK_H
#define PAT_ADMIN_CLUSTER_WORK_H

#include "common/cluster/chain.h"
#include "common/store/bdb.h"
#include "tools/cli/cluster_link.h"
#include "tools/cli/cluster_report.h"
#include "tools/commands/cluster.h"
#include "tools/formats/act_as.h"

/* Bytes of a part of a snapshot, about. */
#define CLUSTER_PART (1U << 20)

/* Reads the settings. JP_ERR_CONFIG if they have no [cluster]. */
enum jp_err cluster_settings(struct context *context, struct jp_why *why);

/* The store of this host, without a patd. */
struct cluster_store {
	struct owner owner;
	struct jp_store *store; /* NULL: it is not open */
	struct jp_pepper pepper;
	uint8_t tag[JP_PEPPER_NAME_LEN];
	struct jp_position position;
};

/*
 * Opens the store in `dir`, with the pepper in `pepper_file`, with the rights
 * of its owner, with which this process acts from then on; not so after an
 * error.
 */
enum jp_err cluster_store_open(struct cluster_store *store,
    const struct jp_settings *settings, const char *dir,
    const char *pepper_file, struct jp_why *why);

/* Closes it, and wipes the pepper; this process acts as itself again. */
void cluster_store_close(struct cluster_store *store);

/* Says of an error of the store what its engine says. */
enum jp_err
cluster_store_why(struct jp_store *store, enum jp_err err, struct jp_why *why);

/* Opens the link while the store is open: the program starts as this user. */
enum jp_err
cluster_work_link(struct cluster_link *link, const struct context *context,
    const struct cluster_args *args, const struct cluster_store *store,
    const struct jp_link_msg *hello, struct jp_why *why);

/*
 * Takes the name of this host among those of the cluster, with the tag of its
 * pepper, as long as the link is open.
 */
enum jp_err
cluster_enter(struct cluster_link *link, const struct context *context,
    const uint8_t tag[JP_PEPPER_NAME_LEN], struct jp_why *why);

/*
 * Its store is in its place: it keeps the name. JP_ERR_CONFLICT: that is
 * another one's by now.
 */
enum jp_err cluster_settle(struct cluster_link *link,
    const struct context *context, struct jp_why *why);

/*
 * Gives the name back that was entered over this link. That of another one,
 * which has it by now or had it before, stays.
 */
enum jp_err cluster_abandon(struct cluster_link *link,
    const struct context *context, struct jp_why *why);

/* Takes a host out, whoever it is. `take` and `arg`: cluster_link_ask(). */
enum jp_err cluster_say_leave(struct cluster_link *link, const char *node,
    cluster_link_take take, void *arg, struct jp_why *why);

/*
 * Logs in the audit trail that `name` happened, to the host `node` of that
 * cluster, after the store was closed.
 */
void cluster_tell(const struct context *context, const struct owner *owner,
    const char *name, const uint8_t id[JP_CLUSTER_ID_LEN], const char *node);

#endif
