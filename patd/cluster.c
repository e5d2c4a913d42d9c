#include "patd/cluster.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/cluster/holder.h"
#include "common/cluster/replica.h"
#include "common/decide/usage.h"
#include "common/sys/account.h"
#include "common/sys/log.h"
#include "common/sys/socket_io.h"
#include "patd/cluster_door.h"
#include "patd/cluster_wire.h"
#include "patd/cluster_snapshot.h"

enum {
	LOOK_MS = 1000, /* at the socket, and at the lease */
	BURST_MAX = 64, /* messages, before other things get their turn */
	PAUSE_MS =
	    200, /* after a connection: one that is made over and over, */
	PAUSE_MAX_MS = 5000, /* and what it brings is refused each time */
	LAST_MS = 2000,      /* for what is written at the end */
	MS_PER_S = 1000,
};

_Static_assert(JP_NODE_MAX == JP_LINK_NAME_MAX, "names of hosts");
_Static_assert(JP_LEASE_MIN *MS_PER_S >= JP_LINK_LEASE_MIN_MS &&
                   JP_LEASE_MAX * MS_PER_S <= JP_LINK_LEASE_MAX_MS,
    "leases");

struct cluster {
	struct jp_cluster_view view;
	struct jp_replica *replica;
	char node[JP_NODE_MAX + 1];
	struct cluster_wire link;
	atomic_llong end_ms; /* of jp_now_ms(); INT64_MAX: no end */
	atomic_bool stopping;
	atomic_ullong connections; /* to the database */
	pthread_t thread;

	/* Of the thread alone. */
	struct cluster_door door;
	int64_t pause_ms;   /* nobody is let in until then */
	int64_t backoff_ms; /* how long it takes; 0: nothing is refused */
	struct jp_link_reader reader;
	struct cluster_snapshot snapshot;
	struct jp_why said_link, said_state; /* the last lines */
	bool held, held_ever;                /* the lease, as it is logged */
	uint8_t in[JP_LINK_MSG_MAX];
};

/* ---- what is said ---- */

/* Once, until there is something else to say. */
static void
say(struct jp_why *said, int priority, const struct jp_why *line)
{
	if (strcmp(said->text, line->text) == 0)
		return;
	*said = *line;
	jp_log(priority, "cluster: %s", line->text);
}

static void
say_state(struct cluster *cluster, const struct jp_link_state_msg *state)
{
	int priority = LOG_INFO;
	struct jp_why line;

	switch (state->state) {
	case JP_LINK_CONNECTED:
		(void)jp_why(&line, JP_ERR_OK,
		    "connected to %s (%s, %s standby is waited for)",
		    state->database,
		    state->verified ? "verified"
		                    : (state->tls ? "TLS" : "not protected"),
		    state->synchronous ? "a" : "no");
		break;
	case JP_LINK_REFUSED:
		priority = LOG_ERR;
		(void)jp_why(&line, JP_ERR_OK,
		    "the database cannot be used: %s", state->text);
		break;
	case JP_LINK_CONNECTING:
	case JP_LINK_STATES:
		priority = LOG_WARNING;
		(void)jp_why(&line, JP_ERR_OK,
		    "no connection to the database%s%s",
		    state->text[0] != '\0' ? ": " : "", state->text);
		break;
	}
	say(&cluster->said_state, priority, &line);
}

/* What is missing for another lease. */
static void
say_lapse(struct cluster *cluster)
{
	struct jp_replica_status status;

	jp_replica_status(cluster->replica, &status);
	if (status.welcome && status.nodes.head > status.position.seq)
		jp_log(LOG_ERR,
		    "cluster: the lease is over: this host accepts nothing "
		    "until it has what others have changed: it has %" PRIu64
		    " of %" PRIu64 " batches",
		    status.position.seq, status.nodes.head);
	else
		jp_log(LOG_ERR, "cluster: the lease is over: this host accepts "
		                "nothing until it reaches the database");
}

/* When it begins, and when it is over; what holds is asked elsewhere. */
static void
watch_lease(struct cluster *cluster)
{
	bool holds = jp_replica_holds(cluster->replica);

	if (holds == cluster->held)
		return;
	cluster->held = holds;
	if (holds)
		jp_log(LOG_INFO, "cluster: this host accepts tokens%s",
		    cluster->held_ever ? " again" : "");
	else
		say_lapse(cluster);
	cluster->held_ever = true;
}

/* ---- the connection ---- */

static void
disconnect(struct cluster *cluster, int priority, const struct jp_why *why)
{
	say(&cluster->said_link, priority, why);
	cluster_wire_close(&cluster->link);
	jp_replica_lost(cluster->replica);
	cluster_snapshot_lost(&cluster->snapshot);
	jp_link_reader_free(&cluster->reader);
	jp_link_reader_init(&cluster->reader, JP_LINK_SIDE_LINK);
	if (cluster->backoff_ms == 0)
		cluster->said_state.text[0] = '\0';
	cluster->pause_ms = jp_now_ms() + PAUSE_MS;
}

/* What is in the database is not what this host may take: it is looked at
 * again, less and less often, and said once. */
static void
refuse(struct cluster *cluster, const struct jp_why *why)
{
	cluster->backoff_ms = cluster->backoff_ms == 0 ? PAUSE_MS
	                      : cluster->backoff_ms > PAUSE_MAX_MS / 2
	                          ? PAUSE_MAX_MS
	                          : 2 * cluster->backoff_ms;
	disconnect(cluster, LOG_ERR, why);
	cluster->pause_ms = jp_now_ms() + cluster->backoff_ms;
}

static void
say_linked(struct cluster *cluster)
{
	struct jp_why line;

	(void)jp_why(&line, JP_ERR_OK, "pat-clusterd is connected");
	say(&cluster->said_link, LOG_INFO, &line);
}

/* Whether what was refused is as it should be. */
static void
watch_refused(struct cluster *cluster)
{
	struct jp_replica_status status;

	if (cluster->backoff_ms == 0)
		return;
	jp_replica_status(cluster->replica, &status);
	if (status.refused_why[0] != '\0')
		return;
	cluster->backoff_ms = 0;
	if (cluster->link.fd >= 0)
		say_linked(cluster);
}

static void
connect_to(struct cluster *cluster, int fd)
{
	struct jp_link_msg hello;

	if (fd < 0)
		return;
	if (cluster->backoff_ms == 0)
		say_linked(cluster);
	cluster_wire_open(&cluster->link, fd);
	jp_replica_hello(cluster->replica, &hello);
	(void)cluster_wire_send(&cluster->link, &hello, NULL);
}

static void
take_done(struct cluster *cluster, const struct jp_link_done *done)
{
	(void)cluster_snapshot_answered(&cluster->snapshot, done, jp_now_ms());
}

static enum jp_err
take_message(struct cluster *cluster, struct jp_why *why)
{
	const struct jp_link_msg *msg = &cluster->reader.msg;
	enum jp_err err;

	if (msg->kind == JP_LINK_DONE) {
		take_done(cluster, &msg->done);
		return JP_ERR_OK;
	}
	if (msg->kind == JP_LINK_STATE)
		say_state(cluster, &msg->state);
	err =
	    jp_replica_take(cluster->replica, msg, cluster->reader.bytes, why);
	if (err == JP_ERR_OK && msg->kind == JP_LINK_WELCOME)
		atomic_fetch_add(&cluster->connections, 1);
	if (err == JP_ERR_OK && msg->kind == JP_LINK_NODES)
		cluster_snapshot_consider(&cluster->snapshot,
		    msg->nodes.log_batches, msg->nodes.log_bytes, jp_now_ms());
	return err;
}

/*
 * The next message, or a part of one. JP_ERR_TIMEOUT: there is none;
 * JP_ERR_UNREACHABLE: nor will be.
 */
static enum jp_err
receive(struct cluster *cluster, struct jp_why *why)
{
	ssize_t len = jp_recv(cluster->link.fd, cluster->in,
	    sizeof(cluster->in), MSG_DONTWAIT | MSG_TRUNC);
	enum jp_err err = JP_ERR_TOO_LONG;

	if (len < 0 && errno == EAGAIN)
		return JP_ERR_TIMEOUT;
	if (len <= 0)
		return jp_why(
		    why, JP_ERR_UNREACHABLE, "pat-clusterd is not connected");
	if ((size_t)len <= sizeof(cluster->in))
		err = jp_link_reader_feed(
		    &cluster->reader, cluster->in, (size_t)len);
	if (err == JP_ERR_BUSY)
		return JP_ERR_OK;
	if (err != JP_ERR_OK)
		return jp_why(why, err,
		    "pat-clusterd sends what patd cannot read (%s): restart "
		    "both after an upgrade",
		    jp_err_text(err));
	return take_message(cluster, why);
}

static void
receive_some(struct cluster *cluster)
{
	struct jp_why why = { .text = "" };
	enum jp_err err = JP_ERR_OK;

	for (int i = 0; i < BURST_MAX && err == JP_ERR_OK; i++)
		err = receive(cluster, &why);
	if (err == JP_ERR_OK || err == JP_ERR_TIMEOUT)
		return;
	if (err == JP_ERR_UNREACHABLE)
		disconnect(cluster, LOG_WARNING, &why);
	else
		refuse(cluster, &why);
}

static enum jp_err
send_to_link(void *arg, const struct jp_link_msg *msg, const uint8_t *bytes)
{
	struct cluster *cluster = arg;

	return cluster_wire_send(&cluster->link, msg, bytes);
}

static void
flush(struct cluster *cluster)
{
	struct jp_why why;

	if (cluster->link.fd < 0 || cluster_wire_flush(&cluster->link))
		return;
	(void)jp_why(
	    &why, JP_ERR_UNREACHABLE, "pat-clusterd takes no messages");
	disconnect(cluster, LOG_WARNING, &why);
}

/* ---- the thread ---- */

static void
wait_for_events(struct cluster *cluster, int64_t ms)
{
	bool waiting = cluster_wire_is_waiting(&cluster->link);
	bool open = jp_has_come(cluster->pause_ms);
	struct pollfd fds[] = {
		{ .fd = cluster->link.wake_fd, .events = POLLIN },
		{ .fd = open ? cluster->door.listening.fd : -1,
		    .events = POLLIN },
		{ .fd = cluster->link.fd,
		    .events = (short)(POLLIN | (waiting ? POLLOUT : 0)) },
	};
	eventfd_t count;

	if (poll(fds, sizeof(fds) / sizeof(fds[0]), (int)ms) <= 0)
		return;
	if (fds[0].revents != 0)
		(void)eventfd_read(cluster->link.wake_fd, &count);
	if (fds[1].revents != 0)
		connect_to(cluster,
		    cluster_door_accept(&cluster->door, cluster->link.fd >= 0));
	if (fds[2].revents != 0 && fds[2].fd == cluster->link.fd)
		receive_some(cluster);
}

/* How long the thread may sleep, if nothing happens. */
static int64_t
sleep_ms(struct cluster *cluster, int64_t now_ms, int64_t look_ms)
{
	int64_t ms = jp_replica_tick(cluster->replica);
	int64_t end_ms = atomic_load(&cluster->end_ms);

	if (cluster_snapshot_step(&cluster->snapshot, now_ms))
		return 0;
	if (ms > look_ms - now_ms)
		ms = look_ms - now_ms;
	if (cluster->pause_ms > now_ms && ms > cluster->pause_ms - now_ms)
		ms = cluster->pause_ms - now_ms;
	if (end_ms != INT64_MAX && ms > end_ms - now_ms)
		ms = end_ms - now_ms;
	return ms > 0 ? ms : 0;
}

static void *
run(void *arg)
{
	struct cluster *cluster = arg;
	int64_t now_ms = jp_now_ms(), look_ms = now_ms;

	while (!atomic_load(&cluster->stopping)) {
		if (now_ms >= look_ms) {
			cluster_door_look(&cluster->door);
			look_ms = now_ms + LOOK_MS;
		}
		watch_lease(cluster);
		watch_refused(cluster);
		wait_for_events(cluster, sleep_ms(cluster, now_ms, look_ms));
		flush(cluster);
		now_ms = jp_now_ms();
		if (now_ms >= atomic_load(&cluster->end_ms)) {
			jp_replica_stop(cluster->replica);
			atomic_store(&cluster->end_ms, INT64_MAX);
		}
	}
	return NULL;
}

/* ---- what it shows ---- */

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

/* What the others see of it: no word for longer than a lease. */
static bool
is_cut_off(const struct jp_link_node *node, int64_t contact_ms)
{
	return contact_ms < 0 ||
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

/* ---- start and end ---- */

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
		    "leave\"",
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
	cluster->view = (struct jp_cluster_view){
		.holds = view_holds,
		.here = view_here,
		.nodes = view_nodes,
		.arg = cluster,
	};
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
	if (pthread_create(&cluster->thread, NULL, run, cluster) != 0)
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
	jp_replica_drop(cluster->replica);
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
