#include "tools/commands/cluster_import.h"

enum jp_err
cluster_import(struct cluster_own *own, const struct context *context,
    const struct cluster_args *args, struct cluster_store *store,
    struct jp_why *why)
{
	(void)own;
	(void)context;
	(void)args;
	(void)store;
	return jp_why(why, JP_ERR_REFUSED,
	    "--import is not possible yet: export, join, then import");
}
