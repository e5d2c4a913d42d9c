/*
 * What the files of the cluster share, the lowest one first:
 *
 *     cluster_say.c     what is logged of it
 *     cluster_talk.c    the talk with pat-clusterd, what is refused, and pauses
 *     cluster_thread.c  the thread that has both
 *     cluster_view.c    what it shows
 *     cluster.c         start and end
 *
 * The door, the wire and the snapshots know nothing of it.
 */
#ifndef PATD_CLUSTER_INTERNAL_H
#define PATD_CLUSTER_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "common/cluster/replica.h"
#include "patd/cluster.h"
#include "patd/cluster_door.h"
#include "patd/cluster_snapshot.h"
#include "patd/cluster_wire.h"

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
	uint64_t refused;   /* for what, as it was said: bits of enum jp_err */
	struct jp_link_reader reader;
	struct cluster_snapshot snapshot;
	struct jp_why said_link, said_state; /* the last lines */
	bool held, held_ever;                /* the lease, as it is logged */
	uint8_t in[JP_LINK_MSG_MAX];
};

/* ---- what is said ---- */

/* Once, until there is something else to say. */
void cluster_say(struct jp_why *said, int priority, const struct jp_why *line);

/* Not that it comes and goes while the log is refused, which patd makes. */
void cluster_say_state(
    struct cluster *cluster, const struct jp_link_state_msg *state);
void cluster_say_linked(struct cluster *cluster);

/* What was refused is refused no more. */
void cluster_say_taken(
    struct cluster *cluster, const struct jp_replica_status *status);

/* When the lease begins, and when it is over; what holds is asked elsewhere. */
void cluster_watch_lease(struct cluster *cluster);

/* ---- the talk, of the thread alone ---- */

/* With who has come to the door; -1: nobody has. */
void cluster_talk_open(struct cluster *cluster, int fd);

/* What there is to read. */
void cluster_talk_receive(struct cluster *cluster);

/* Sends what waits. */
void cluster_talk_flush(struct cluster *cluster);

/* Whether what was refused is as it should be. */
void cluster_watch_refused(struct cluster *cluster);

/* ---- the rest ---- */

/* For pthread_create(); `arg` is a struct cluster. */
void *cluster_thread(void *arg);

void cluster_view_init(struct cluster *cluster);

#endif
