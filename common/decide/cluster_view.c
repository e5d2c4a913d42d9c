#include "common/decide/cluster_view.h"

#include <string.h>

static const struct {
	const char *name, *text;
} links[] = {
#define LINK(code, number, name, text) [number] = { name, text },
	JP_CLUSTER_LINK_LIST(LINK)
#undef LINK
};

const char *
jp_cluster_link_name(enum jp_cluster_link link)
{
	return (unsigned)link < JP_CLUSTER_LINK_COUNT ? links[link].name
	                                              : "unknown";
}

const char *
jp_cluster_link_text(enum jp_cluster_link link)
{
	return (unsigned)link < JP_CLUSTER_LINK_COUNT ? links[link].text
	                                              : "unknown";
}

/* ---- a store without its patd ---- */

static bool
offline_holds(void *arg)
{
	(void)arg;
	return false;
}

static void
offline_here(void *arg, struct jp_cluster_here *to)
{
	struct jp_position position;

	memset(to, 0, sizeof(*to));
	to->link = JP_CLUSTER_OFFLINE;
	if (jp_store_position(arg, &position) != JP_ERR_OK)
		return;
	memcpy(to->id, position.cluster, sizeof(to->id));
	to->applied = position.seq;
}

static size_t
offline_nodes(void *arg, struct jp_cluster_node *to)
{
	(void)arg;
	(void)to;
	return 0;
}

void
jp_cluster_view_offline(struct jp_cluster_view *view, struct jp_store *store)
{
	view->holds = offline_holds;
	view->here = offline_here;
	view->nodes = offline_nodes;
	view->arg = store;
	atomic_init(&view->withheld, 0);
}

/* ---- the guard ---- */

bool
jp_cluster_holds(const struct jp_cluster_view *view)
{
	return view == NULL || view->holds(view->arg);
}

/* What another host may know better. */
static bool
is_guarded(const struct jp_decision *decision)
{
	return decision->verdict == JP_ACCEPT || decision->verdict == JP_MAY ||
	       decision->reason == JP_REASON_UNKNOWN_ID ||
	       decision->reason == JP_REASON_NO_TOKEN;
}

void
jp_cluster_guard(
    struct jp_cluster_view *view, bool held, struct jp_decision *decision)
{
	if (view == NULL || !is_guarded(decision) ||
	    (held && view->holds(view->arg)))
		return;
	atomic_fetch_add(&view->withheld, 1);
	jp_decision_refuse(decision, JP_REASON_LEASE);
}
