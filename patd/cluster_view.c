/* What administrators, the doctor and doors are shown of a cluster. */
#include "patd/cluster_internal.h"

#include <string.h>

static bool
view_holds(void *arg)
{
	const struct cluster *cluster = arg;

	return jp_replica_holds(cluster->replica);
}

static enum jp_cluster_link
link_of(const struct jp_replica_status *status)
{
	if (status->linked && status->welcome &&
	    status->state.state == JP_LINK_CONNECTED)
		return JP_CLUSTER_CONNECTED;
	/* It is patd then that has cut the link. */
	if (status->refused_why[0] != '\0')
		return JP_CLUSTER_REFUSED;
	if (!status->linked)
		return JP_CLUSTER_NO_LINK;
	return status->state.state == JP_LINK_REFUSED ? JP_CLUSTER_REFUSED
	                                              : JP_CLUSTER_CONNECTING;
}

static void
view_here(void *arg, struct jp_cluster_here *to)
{
	struct cluster *cluster = arg;
	struct jp_replica_status status;

	jp_replica_status(cluster->replica, &status);
	*to = (struct jp_cluster_here){
		.link = link_of(&status),
		.primary = status.state.primary,
		.tls = status.state.tls,
		.synchronous = status.state.synchronous,
		.applied = status.position.seq,
		.head = status.nodes.head > status.position.seq
		            ? status.nodes.head
		            : status.position.seq,
		.lease_ms = (uint64_t)status.lease_ms,
		.lease_left_ms = (uint64_t)status.lease_left_ms,
		.grants = status.leases,
		.lapses = status.lapses,
		.commits = status.appended,
		.conflicts = status.conflicts,
		.batches = status.applied,
		.refused = status.refused,
		.unavailable = atomic_load(&cluster->view.withheld),
		.waits = status.waits,
		.late = status.late,
		.connections = atomic_load(&cluster->connections),
	};
	memcpy(to->id, status.position.cluster, sizeof(to->id));
	(void)jp_field_set(to->node, sizeof(to->node), cluster->node);
	(void)jp_field_set(
	    to->database, sizeof(to->database), status.state.database);
	(void)jp_field_set(to->text, sizeof(to->text),
	    status.refused_why[0] != '\0' ? status.refused_why
	                                  : status.state.text);
}

/* What the others see of it: it has none, or no word for longer than that. */
static bool
is_cut_off(const struct jp_link_node *node, int64_t contact_ms)
{
	return contact_ms < 0 || node->lease_ms == 0 ||
	       contact_ms > (int64_t)node->lease_ms + node->lease_ms / 100;
}

static void
show_node(const struct cluster *cluster, const struct jp_replica_status *status,
    const struct jp_link_node *node, struct jp_cluster_node *to)
{
	int64_t contact_ms = node->contact_ms;

	if (contact_ms >= 0 && status->nodes_age_ms > 0)
		contact_ms += status->nodes_age_ms;
	*to = (struct jp_cluster_node){
		.applied = node->applied,
		.grants = node->grants,
		.lease_ms = node->lease_ms,
		.contact_ms = (uint64_t)contact_ms,
		.cut_off = strcmp(node->name, cluster->node) == 0
		               ? !status->holds
		               : is_cut_off(node, contact_ms),
	};
	(void)jp_field_set(to->name, sizeof(to->name), node->name);
	(void)jp_field_set(to->version, sizeof(to->version), node->version);
}

static size_t
view_nodes(void *arg, struct jp_cluster_node *to)
{
	struct cluster *cluster = arg;
	struct jp_replica_status status;
	size_t len = 0;

	jp_replica_status(cluster->replica, &status);
	for (size_t i = 0; i < status.nodes.len; i++)
		if (!status.nodes.of[i].gone)
			show_node(
			    cluster, &status, &status.nodes.of[i], &to[len++]);
	return len;
}

void
cluster_view_init(struct cluster *cluster)
{
	cluster->view = (struct jp_cluster_view){
		.holds = view_holds,
		.here = view_here,
		.nodes = view_nodes,
		.arg = cluster,
	};
}
