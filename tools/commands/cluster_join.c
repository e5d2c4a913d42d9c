/*
 * pat-admin cluster join: this host becomes one of a cluster, with its tokens.
 */
#include "tools/commands/cluster.h"

enum status
cluster_join(struct context *context, const struct cluster_args *args)
{
	struct jp_why why;

	(void)args;
	(void)jp_why(&why, JP_ERR_MISSING,
	    "there is no " JP_CLUSTERD ": install pat-clusterd");
	return context_fail(context, JP_ERR_MISSING, &why);
}
