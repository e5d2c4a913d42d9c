#include "common/cluster/replica_internal.h"

#include <string.h>

#include "common/sys/cond.h"

void
replica_lock(struct jp_replica *replica)
{
	(void)pthread_mutex_lock(&replica->lock);
}

void
replica_unlock(struct jp_replica *replica)
{
	(void)pthread_mutex_unlock(&replica->lock);
}

void
replica_wait(struct jp_replica *replica, int64_t wait_ms)
{
	(void)jp_cond_wait_until(
	    &replica->changed, &replica->lock, jp_now_ms() + wait_ms);
}

void
replica_publish(struct jp_replica *replica)
{
	bool holds = jp_lease_holds(&replica->lease, replica->boot_ms());

	if (replica->held && !holds)
		replica->numbers.lapses++;
	replica->held = holds;
	atomic_store(&replica->until_ms, replica->lease.until_ms);
}

enum jp_err
replica_read_nodes(
    struct jp_replica *replica, const struct jp_link_nodes *nodes)
{
	int64_t now_ms = replica->boot_ms();
	enum jp_err err = jp_peers_take(&replica->peers, nodes, now_ms);

	if (err != JP_ERR_OK)
		return err;
	replica->numbers.nodes = *nodes;
	replica->nodes_at_ms = now_ms;
	(void)pthread_cond_broadcast(&replica->changed);
	return JP_ERR_OK;
}

/*
 * What its writer waits for is known as soon as the batch itself comes, or
 * another one in its place, whatever becomes of the answer: it is applied, so
 * that there is nothing to catch up with.
 */
static void
resolve_pending(struct jp_replica *replica, const struct jp_position *to,
    const uint8_t id[JP_LINK_ID_LEN])
{
	struct replica_pending *pending = &replica->pending;

	if (!pending->there || pending->ended ||
	    to->seq != pending->msg.append.expected + 1)
		return;
	pending->ended = true;
	pending->result =
	    memcmp(pending->msg.append.id, id, JP_LINK_ID_LEN) == 0
	        ? JP_LINK_OK
	        : JP_LINK_CONFLICT;
}

void
replica_moved(struct jp_replica *replica, const struct jp_position *to,
    const uint8_t id[JP_LINK_ID_LEN])
{
	replica->position = *to;
	replica->recent[to->seq % RECENT] = *to;
	replica->numbers.applied++;
	resolve_pending(replica, to, id);
	jp_lease_applied(&replica->lease, to->seq);
	replica_publish(replica);
	(void)pthread_cond_broadcast(&replica->changed);
}

void
replica_disconnected(struct jp_replica *replica)
{
	struct replica_pending *pending = &replica->pending;

	replica->welcome = false;
	if (pending->sent && !pending->ended)
		pending->unsure = true;
	pending->sent = false;
	replica->asked_req = replica->release_req = 0;
	jp_lease_forget(&replica->lease);
	(void)pthread_cond_broadcast(&replica->changed);
}

const struct jp_position *
replica_recent(const struct jp_replica *replica, uint64_t seq)
{
	const struct jp_position *recent = &replica->recent[seq % RECENT];

	return recent->seq == seq && jp_position_is_set(recent) ? recent : NULL;
}

/* With the lock. */
static void
note_failed(
    struct jp_replica *replica, const struct jp_position *to, enum jp_err err)
{
	struct jp_why *why = &replica->failed_why, of_store = { .text = "" };
	unsigned long long seq = to->seq;

	jp_store_why(replica->store, &of_store);
	if (err == JP_ERR_NEWER)
		(void)jp_why(why, err,
		    "batch %llu of the log was written by a newer version of "
		    "jira-pat: install that on this host, too: it accepts "
		    "nothing once its lease is over, until then",
		    seq);
	else
		(void)jp_why(why, err,
		    "batch %llu of the log cannot be applied: %s (%s): this "
		    "host accepts nothing once its lease is over, until it can",
		    seq, jp_err_text(err), of_store.text);
	replica->failed = true;
}

enum jp_err
replica_apply(struct jp_replica *replica, const struct jp_position *to,
    const uint8_t id[JP_LINK_ID_LEN], const uint8_t *bytes, size_t len,
    struct jp_why *why)
{
	enum jp_err err = jp_store_apply(replica->store, bytes, len, to);

	replica_lock(replica);
	if (err == JP_ERR_OK) {
		replica_moved(replica, to, id);
	} else {
		note_failed(replica, to, err);
		*why = replica->failed_why;
	}
	replica_unlock(replica);
	return err;
}

void
replica_tell_applied(struct jp_replica *replica, uint64_t seq)
{
	struct jp_link_msg msg = { .kind = JP_LINK_APPLIED,
		.applied = { seq } };

	/* If there is nobody, the next HELLO says it. */
	(void)replica->link.send(replica->link.arg, &msg, NULL);
}
