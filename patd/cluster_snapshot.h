/*
 * Snapshots for hosts that join: this host copies its records to the database
 * in parts when the log has become long, one part at a time, so that all else
 * goes on. The number of parts goes with each, so they are counted first; what
 * comes to the store meanwhile goes into the last one.
 */
#ifndef PATD_CLUSTER_SNAPSHOT_H
#define PATD_CLUSTER_SNAPSHOT_H

#include "common/cluster/chain.h"
#include "patd/cluster_wire.h"

struct cluster_snapshot {
	struct jp_store *store;
	const struct jp_chain *chain;
	struct cluster_wire *link;
	enum {
		SNAPSHOT_IDLE,
		SNAPSHOT_COUNTS,
		SNAPSHOT_PUTS,  /* the next part is to be sent */
		SNAPSHOT_WAITS, /* for the answer to the last one */
	} phase;
	int64_t not_before_ms; /* of jp_now_ms() */
	struct jp_walk walk;
	struct jp_position position;
	uint32_t parts, part, req;
};

void
cluster_snapshot_init(struct cluster_snapshot *snapshot, struct jp_store *store,
    const struct jp_chain *chain, struct cluster_wire *link);

/* Begins one, if the log has become long since the last one. */
void cluster_snapshot_consider(struct cluster_snapshot *snapshot,
    uint64_t log_batches, uint64_t log_bytes, int64_t now_ms);

/* Does the next step; true: there is another one to do at once. */
bool cluster_snapshot_step(struct cluster_snapshot *snapshot, int64_t now_ms);

/* Whether that is the answer to a part, which is taken then. */
bool cluster_snapshot_answered(struct cluster_snapshot *snapshot,
    const struct jp_link_done *done, int64_t now_ms);

/* The connection is gone. */
void cluster_snapshot_lost(struct cluster_snapshot *snapshot);

#endif
