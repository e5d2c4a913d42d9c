/*
 * What the parts of `pat-admin cluster` know of each other: the arguments, and
 * what each of its actions does.
 */
#ifndef PAT_ADMIN_CLUSTER_H
#define PAT_ADMIN_CLUSTER_H

#include "tools/cli/command.h"

struct cluster_args {
	const struct cluster_verb *verb; /* NULL: the first word is to come */
	const char *node;                /* leave: another one; or NULL */
	const char *clusterd;            /* NULL: the one that is installed */
	const char *pepper;              /* join: the file of it; or NULL */
	bool import;                     /* join */
	bool without_database;           /* leave */
	bool prometheus;                 /* status */
};

/* Makes the cluster, of this host and the tokens in its store. */
enum status
cluster_init(struct context *context, const struct cluster_args *args);

/* Makes this host one of the cluster. */
enum status
cluster_join(struct context *context, const struct cluster_args *args);

/* Makes it, or another one that is gone, none of it. */
enum status
cluster_leave(struct context *context, const struct cluster_args *args);

/* Prints what the hosts of the cluster have told. */
enum status
cluster_status(struct context *context, const struct cluster_args *args);

#endif
