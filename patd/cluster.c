/* Start and end. */
#include "patd/cluster_internal.h"

#include <stdlib.h>
#include <sys/eventfd.h>

#include "common/base/clock.h"
#include "common/cluster/holder.h"
#include "common/decide/usage.h"
#include "common/sys/account.h"

enum {
	LAST_MS = 2000, /* for what is written at the end */
	MS_PER_S = 1000,
};

_Static_assert(JP_NODE_MAX == JP_LINK_NAME_MAX, "names of hosts");
_Static_assert(JP_LEASE_MIN *MS_PER_S >= JP_LINK_LEASE_MIN_MS &&
                   JP_LEASE_MAX * MS_PER_S <= JP_LINK_LEASE_MAX_MS,
    "leases");

enum jp_err
cluster_agree(const struct jp_settings *settings, struct jp_store *store,
    struct jp_why *why)
{
	struct jp_position position;
	enum jp_err err = jp_store_position(store, &position);

	if (err != JP_ERR_OK)
		return jp_why(
		    why, err, "%s: %s", settings->store_dir, jp_err_text(err));
	if (settings->cluster.configured && !jp_position_is_set(&position))
		return jp_why(why, JP_ERR_CONFIG,
		    "%s has [cluster], and %s is in no cluster: run "
		    "\"pat-admin cluster init\" on the first host, \"pat-admin "
		    "cluster join\" on others",
		    settings->file, settings->store_dir);
	if (!settings->cluster.configured && jp_position_is_set(&position))
		return jp_why(why, JP_ERR_CONFIG,
		    "%s is one of a cluster, and the settings have no "
		    "[cluster]: put it back, or run \"pat-admin cluster "
		    "leave --without-database\"",
		    settings->store_dir);
	if (jp_position_is_filling(&position))
		return jp_why(why, JP_ERR_CONFIG,
		    "%s is not whole: run \"pat-admin cluster join\" again",
		    settings->store_dir);
	return JP_ERR_OK;
}

enum jp_err
cluster_find_user(const struct jp_settings *settings, uid_t own, uid_t *uid,
    struct jp_why *why)
{
	struct jp_account account;
	enum jp_err err;

	*uid = own;
	if (!settings->cluster.configured)
		return JP_ERR_OK;
	err = jp_account_of_daemon(
	    settings->cluster.user, "cluster", &account, why);
	if (err != JP_ERR_OK)
		return err;
	if (account.uid == 0 && own != 0)
		return jp_why(why, JP_ERR_CONFIG,
		    "[cluster] user: pat-clusterd speaks to the network and "
		    "must not be root: name another account");
	*uid = account.uid;
	return JP_ERR_OK;
}

static struct cluster *
make(const struct jp_settings *settings, uid_t uid)
{
	struct cluster *cluster = calloc(1, sizeof(*cluster));

	if (cluster == NULL)
		return NULL;
	cluster_door_init(&cluster->door, settings, uid);
	atomic_init(&cluster->end_ms, INT64_MAX);
	jp_link_reader_init(&cluster->reader, JP_LINK_SIDE_LINK);
	(void)jp_field_set(
	    cluster->node, sizeof(cluster->node), settings->cluster.node);
	cluster_view_init(cluster);
	if (cluster_wire_init(&cluster->link) == JP_ERR_OK)
		return cluster;
	free(cluster);
	return NULL;
}

static void
release(struct cluster *cluster)
{
	cluster_wire_free(&cluster->link);
	cluster_door_close(&cluster->door);
	jp_link_reader_free(&cluster->reader);
	free(cluster);
}

static enum jp_err
send_to_link(void *arg, const struct jp_link_msg *msg, const uint8_t *bytes)
{
	struct cluster *cluster = arg;

	return cluster_wire_send(&cluster->link, msg, bytes);
}

/* The store of the core is another one then, or NULL. */
static enum jp_err
open_replica(struct cluster *cluster, struct jp_core *core,
    const struct jp_settings *settings, struct jp_why *why)
{
	uint8_t holder[JP_LINK_HOLDER_LEN];
	const struct jp_replica_options options = {
		.store = core->store,
		.pepper = &core->pepper,
		.node = cluster->node,
		.holder = holder,
		.lease_ms = settings->cluster.lease * MS_PER_S,
		.clock = &core->clock,
		.link = { .send = send_to_link, .arg = cluster },
	};

	jp_holder_make(holder, settings->store_dir);
	core->store = NULL;
	return jp_replica_open(&options, &cluster->replica, &core->store, why);
}

/* From here on the store is the replica. */
static enum jp_err
start_thread(struct cluster *cluster, struct jp_core *core, struct jp_why *why)
{
	enum jp_err err = cluster_door_open(&cluster->door, why);

	if (err != JP_ERR_OK)
		return err;
	cluster_snapshot_init(&cluster->snapshot, core->store,
	    jp_replica_chain(cluster->replica), &cluster->link);
	if (pthread_create(&cluster->thread, NULL, cluster_thread, cluster) !=
	    0)
		return jp_why(why, JP_ERR_NOMEM, "cannot start a thread");
	core->cluster = &cluster->view;
	return JP_ERR_OK;
}

enum jp_err
cluster_start(struct cluster **out, struct jp_core *core,
    const struct jp_settings *settings, uid_t uid, struct jp_why *why)
{
	struct cluster *cluster;
	enum jp_err err;

	*out = NULL;
	if (!settings->cluster.configured)
		return JP_ERR_OK;
	cluster = make(settings, uid);
	if (cluster == NULL)
		return jp_why(why, JP_ERR_NOMEM, "out of memory");
	err = open_replica(cluster, core, settings, why);
	if (err == JP_ERR_OK)
		err = start_thread(cluster, core, why);
	if (err != JP_ERR_OK) {
		jp_cluster_view_offline(&core->offline, core->store);
		release(cluster);
		return err;
	}
	*out = cluster;
	return JP_ERR_OK;
}

void
cluster_end_by(struct cluster *cluster, int64_t deadline_ms)
{
	if (cluster == NULL)
		return;
	atomic_store(&cluster->end_ms, deadline_ms);
	(void)eventfd_write(cluster->link.wake_fd, 1);
}

void
cluster_stop(struct cluster *cluster, struct jp_core *core)
{
	if (cluster == NULL)
		return;
	cluster_end_by(cluster, jp_now_ms() + LAST_MS);
	if (core->usage != NULL)
		(void)jp_usage_flush(core->usage, core);
	atomic_store(&cluster->stopping, true);
	(void)eventfd_write(cluster->link.wake_fd, 1);
	(void)pthread_join(cluster->thread, NULL);
	cluster_wire_close(&cluster->link);
	jp_replica_lost(cluster->replica);
	jp_cluster_view_offline(&core->offline, core->store);
	core->cluster = &core->offline;
}

void
cluster_free(struct cluster *cluster)
{
	if (cluster != NULL)
		release(cluster);
}
