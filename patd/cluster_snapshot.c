#include "patd/cluster_snapshot.h"

#include <inttypes.h>
#include <string.h>
#include <syslog.h>

#include "common/sys/log.h"

enum {
	LOG_BATCHES = 10000,  /* a host that joins applies so many, */
	LOG_BYTES = 16 << 20, /* or so much, at most, but for what is new */
	PART_BYTES = 1 << 20,
	REST_MS = 60000, /* until another try */
};

void
cluster_snapshot_init(struct cluster_snapshot *snapshot, struct jp_store *store,
    const struct jp_chain *chain, struct cluster_wire *link)
{
	*snapshot = (struct cluster_snapshot){
		.store = store,
		.chain = chain,
		.link = link,
	};
}

static void
end(struct cluster_snapshot *snapshot, int64_t now_ms)
{
	snapshot->phase = SNAPSHOT_IDLE;
	snapshot->not_before_ms = now_ms + REST_MS;
}

static void
fail(struct cluster_snapshot *snapshot, const char *text, int64_t now_ms)
{
	jp_log(LOG_WARNING, "cluster: no snapshot was made: %s", text);
	end(snapshot, now_ms);
}

void
cluster_snapshot_consider(struct cluster_snapshot *snapshot,
    uint64_t log_batches, uint64_t log_bytes, int64_t now_ms)
{
	if (snapshot->phase != SNAPSHOT_IDLE ||
	    now_ms < snapshot->not_before_ms ||
	    (log_batches < LOG_BATCHES && log_bytes < LOG_BYTES))
		return;
	snapshot->phase = SNAPSHOT_COUNTS;
	snapshot->parts = 0;
	memset(&snapshot->walk, 0, sizeof(snapshot->walk));
}

/* The records that come next, in an empty batch, which is to be freed. */
static enum jp_err
walk(struct cluster_snapshot *snapshot, struct jp_batch *batch, size_t max)
{
	enum jp_err err = jp_batch_start(batch);

	return err == JP_ERR_OK
	           ? jp_store_walk(snapshot->store, &snapshot->walk, batch, max)
	           : err;
}

static enum jp_err
count_one(struct cluster_snapshot *snapshot)
{
	struct jp_batch batch = { .bytes = NULL };
	enum jp_err err = walk(snapshot, &batch, PART_BYTES);

	jp_batch_free(&batch);
	snapshot->parts++;
	if (err != JP_ERR_OK || !snapshot->walk.ended)
		return err;
	memset(&snapshot->walk, 0, sizeof(snapshot->walk));
	snapshot->part = 0;
	snapshot->phase = SNAPSHOT_PUTS;
	return jp_store_position(snapshot->store, &snapshot->position);
}

static enum jp_err
send_part(struct cluster_snapshot *snapshot, const struct jp_batch *batch)
{
	struct jp_link_msg msg = { .kind = JP_LINK_SNAPSHOT_PUT };
	struct jp_link_snapshot *put = &msg.snapshot;

	put->req = ++snapshot->req;
	put->seq = snapshot->position.seq;
	memcpy(put->mac, snapshot->position.mac, sizeof(put->mac));
	put->parts = snapshot->parts;
	put->part = snapshot->part;
	put->len = (uint32_t)batch->len;
	jp_chain_part(snapshot->chain, put, batch->bytes);
	snapshot->phase = SNAPSHOT_WAITS;
	return cluster_wire_send(snapshot->link, &msg, batch->bytes);
}

/* The last part has all that is left: the store may have grown meanwhile. */
static enum jp_err
put_one(struct cluster_snapshot *snapshot)
{
	bool last = snapshot->part + 1 == snapshot->parts;
	struct jp_batch batch = { .bytes = NULL };
	enum jp_err err =
	    walk(snapshot, &batch, last ? JP_BATCH_BYTES_MAX / 2 : PART_BYTES);

	if (err == JP_ERR_OK && last && !snapshot->walk.ended)
		err = JP_ERR_TOO_LONG; /* it has grown by a lot */
	if (err == JP_ERR_OK)
		err = send_part(snapshot, &batch);
	jp_batch_free(&batch);
	return err;
}

bool
cluster_snapshot_step(struct cluster_snapshot *snapshot, int64_t now_ms)
{
	enum jp_err err = JP_ERR_OK;

	if (snapshot->phase == SNAPSHOT_COUNTS)
		err = count_one(snapshot);
	else if (snapshot->phase == SNAPSHOT_PUTS)
		err = put_one(snapshot);
	if (err != JP_ERR_OK)
		fail(snapshot, jp_err_text(err), now_ms);
	return snapshot->phase == SNAPSHOT_COUNTS ||
	       snapshot->phase == SNAPSHOT_PUTS;
}

bool
cluster_snapshot_answered(struct cluster_snapshot *snapshot,
    const struct jp_link_done *done, int64_t now_ms)
{
	if (snapshot->phase != SNAPSHOT_WAITS || done->req != snapshot->req)
		return false;
	if (done->err != JP_ERR_OK) {
		if (done->err == JP_ERR_BUSY)
			end(snapshot, now_ms);
		else
			fail(snapshot, done->text, now_ms);
		return true;
	}
	if (++snapshot->part < snapshot->parts) {
		snapshot->phase = SNAPSHOT_PUTS;
		return true;
	}
	end(snapshot, now_ms);
	jp_log(LOG_INFO,
	    "cluster: snapshot made of batch %" PRIu64 ", in %" PRIu32 " parts",
	    snapshot->position.seq, snapshot->parts);
	return true;
}

void
cluster_snapshot_lost(struct cluster_snapshot *snapshot)
{
	snapshot->phase = SNAPSHOT_IDLE;
}
