/* The thread that carries messages: what comes from the link, and leases. */
#include "config.h"

#include <string.h>

#include "common/cluster/replica_internal.h"

enum {
	IDLE_MS = 1000, /* between two looks, where nothing is due */
};

void
jp_replica_hello(struct jp_replica *replica, struct jp_link_msg *hello)
{
	struct jp_link_hello *body = &hello->hello;

	*hello = (struct jp_link_msg){ .kind = JP_LINK_HELLO };
	body->version = JP_LINK_VERSION;
	memcpy(body->node, replica->node, sizeof(body->node));
	memcpy(body->holder, replica->holder, sizeof(body->holder));
	(void)jp_field_set(
	    body->release, sizeof(body->release), PACKAGE_VERSION);
	replica_lock(replica);
	memcpy(body->cluster, replica->position.cluster, JP_LINK_ID_LEN);
	memcpy(body->mac, replica->position.mac, JP_LINK_MAC_LEN);
	body->applied = replica->position.seq;
	body->lease_ms = (uint32_t)replica->lease.lease_ms;
	replica->linked = true;
	replica->refused = false;
	replica->failed = false;
	replica_disconnected(replica);
	replica_unlock(replica);
}

void
jp_replica_lost(struct jp_replica *replica)
{
	replica_lock(replica);
	replica->linked = false;
	replica_disconnected(replica);
	replica_unlock(replica);
}

/* ---- the messages ---- */

/* One that came, and where to say what is wrong with it. */
struct take {
	struct jp_replica *replica;
	const struct jp_link_msg *msg;
	const uint8_t *bytes;
	struct jp_why *why;
	bool foreign; /* it is not of the log that this host is a replica of */
};

static enum jp_err
take_state(struct take *take)
{
	struct jp_replica *replica = take->replica;

	replica_lock(replica);
	replica->numbers.state = take->msg->state;
	if (take->msg->state.state != JP_LINK_CONNECTED)
		replica->welcome = false;
	(void)pthread_cond_broadcast(&replica->changed);
	replica_unlock(replica);
	return JP_ERR_OK;
}

/* The log that this host is a replica of goes at least as far as the host. */
static enum jp_err
check_head(struct take *take, uint64_t head, const uint8_t *mac)
{
	const struct jp_position *here = &take->replica->position;

	take->foreign =
	    head < here->seq ||
	    (head == here->seq && memcmp(mac, here->mac, JP_CHAIN_LEN) != 0);
	if (head < here->seq)
		return jp_why(take->why, JP_ERR_CONFLICT,
		    "the log in the database ends at %llu, and this host has "
		    "%llu: the database has lost what was committed, or is an "
		    "older copy: see \"What each failure looks like\" in "
		    "CLUSTER.md",
		    (unsigned long long)head, (unsigned long long)here->seq);
	if (take->foreign)
		return jp_why(take->why, JP_ERR_CHECKSUM,
		    "the log in the database is another one than that of this "
		    "host, at %llu: see \"What each failure looks like\" in "
		    "CLUSTER.md",
		    (unsigned long long)head);
	return JP_ERR_OK;
}

static enum jp_err
check_welcome(struct take *take)
{
	const struct jp_replica *replica = take->replica;
	const struct jp_link_welcome *welcome = &take->msg->welcome;

	if (welcome->version != JP_LINK_VERSION)
		return jp_why(take->why, JP_ERR_PROTOCOL,
		    "pat-clusterd speaks version %u of the protocol, and patd "
		    "%u: install the same version of both, and restart them",
		    welcome->version, JP_LINK_VERSION);
	if (memcmp(welcome->cluster, replica->position.cluster,
	        JP_LINK_ID_LEN) != 0)
		return jp_why(take->why, JP_ERR_CONFLICT,
		    "the database is that of another cluster: correct "
		    "conninfo in [cluster]");
	if (memcmp(welcome->tag, replica->tag, JP_LINK_TAG_LEN) != 0)
		return jp_why(take->why, JP_ERR_CHECKSUM,
		    "the cluster has another pepper: copy the pepper file of "
		    "another host");
	if (welcome->oldest > replica->position.seq + 1)
		return jp_why(take->why, JP_ERR_CONFLICT,
		    "the log no longer has what this host lacks, from %llu to "
		    "%llu: stop patd and run pat-admin cluster join again",
		    (unsigned long long)replica->position.seq + 1,
		    (unsigned long long)welcome->oldest - 1);
	return check_head(take, welcome->head, welcome->mac);
}

static enum jp_err
take_welcome(struct take *take)
{
	struct jp_replica *replica = take->replica;
	enum jp_err err;

	replica_lock(replica);
	replica_disconnected(replica);
	err = check_welcome(take);
	replica->welcome = err == JP_ERR_OK;
	replica_unlock(replica);
	return err;
}

static enum jp_err
refuse_batch(struct take *take, enum jp_err err)
{
	const struct jp_link_batch *batch = &take->msg->batch;
	unsigned long long seq = batch->seq;

	take->foreign = true;
	if (err == JP_ERR_CHECKSUM)
		return jp_why(take->why, err,
		    "batch %llu of the log, by %s, has a wrong MAC: somebody "
		    "has changed the log, or a host has another pepper: it is "
		    "not applied",
		    seq, batch->node);
	return jp_why(take->why, err,
	    "batch %llu came, and %llu is next: the log has a gap, or is out "
	    "of order: it is not applied",
	    seq, (unsigned long long)take->replica->position.seq + 1);
}

/* The own one comes back, mostly. */
static enum jp_err
compare_old(struct take *take)
{
	const struct jp_link_batch *batch = &take->msg->batch;
	const struct jp_position *there =
	    replica_recent(take->replica, batch->seq);

	return there != NULL &&
	               memcmp(there->mac, batch->mac, JP_LINK_MAC_LEN) != 0
	           ? refuse_batch(take, JP_ERR_CHECKSUM)
	           : JP_ERR_OK;
}

/* With `apply_lock`. */
static enum jp_err
apply_batch(struct take *take, bool *is_new)
{
	struct jp_replica *replica = take->replica;
	const struct jp_link_batch *batch = &take->msg->batch;
	struct jp_position to;
	enum jp_err err;

	*is_new = batch->seq > replica->position.seq;
	if (!*is_new)
		return compare_old(take);
	err = jp_chain_check(
	    &replica->chain, &replica->position, batch, take->bytes, &to);
	if (err != JP_ERR_OK)
		return refuse_batch(take, err);
	return replica_apply(
	    replica, &to, batch->id, take->bytes, batch->len, take->why);
}

/* With the lock: a batch that could not be applied stops all others. */
static enum jp_err
check_failed(const struct jp_replica *replica, struct jp_why *why)
{
	if (!replica->failed)
		return JP_ERR_OK;
	*why = replica->failed_why;
	return JP_ERR_IO;
}

/*
 * The link does not send what this host has appended, but what follows that:
 * its writer may have heard of it, and not have woken up yet.
 */
static enum jp_err
wait_for_writer(struct take *take)
{
	struct jp_replica *replica = take->replica;
	enum jp_err err;

	replica_lock(replica);
	while (replica->own_seq != 0 && replica->own_seq < take->msg->batch.seq)
		replica_wait(replica, IDLE_MS);
	err = check_failed(replica, take->why);
	replica_unlock(replica);
	return err;
}

static enum jp_err
take_batch(struct take *take)
{
	struct jp_replica *replica = take->replica;
	enum jp_err err = wait_for_writer(take);
	bool is_new;

	if (err != JP_ERR_OK)
		return err;
	(void)pthread_mutex_lock(&replica->apply_lock);
	err = apply_batch(take, &is_new);
	(void)pthread_mutex_unlock(&replica->apply_lock);
	if (err == JP_ERR_OK && is_new)
		replica_tell_applied(replica, take->msg->batch.seq);
	return err;
}

static enum jp_err
refuse_nodes(const struct take *take, enum jp_err err)
{
	return jp_why(take->why, err,
	    "what the database says of the hosts cannot be taken: %s",
	    err == JP_ERR_OVERLOAD ? "too many of them have left at once"
	                           : jp_err_text(err));
}

/* An answer that fits the question, with the lock. */
static void
end_pending(
    struct replica_pending *pending, const struct jp_link_appended *appended)
{
	if (appended->result == JP_LINK_UNKNOWN)
		return; /* it is sent again after the next WELCOME */
	pending->ended = true;
	pending->result = appended->result;
	pending->head = appended->nodes.head;
	memcpy(pending->text, appended->text, sizeof(pending->text));
}

/* Whether an answer can be true. */
static bool
is_sane(const struct replica_pending *pending,
    const struct jp_link_appended *appended)
{
	uint64_t expected = pending->msg.append.expected;

	if (appended->result == JP_LINK_OK ||
	    appended->result == JP_LINK_CONFLICT)
		return appended->nodes.head > expected;
	return true;
}

/*
 * The writer gave up, and has taken the bytes with it. The link believes that
 * this host has them, and would not send them: it begins anew.
 */
static enum jp_err
check_given_up(const struct take *take)
{
	const struct jp_replica *replica = take->replica;

	if (take->msg->appended.result != JP_LINK_OK ||
	    take->msg->appended.req != replica->asked_req ||
	    replica->position.seq >= replica->asked_seq)
		return JP_ERR_OK;
	return jp_why(take->why, JP_ERR_CONFLICT,
	    "batch %llu of this host is in the log, after nobody waited for it "
	    "any more: it is asked for",
	    (unsigned long long)replica->asked_seq);
}

/* With the lock. */
static enum jp_err
answer_pending(const struct take *take)
{
	struct replica_pending *pending = &take->replica->pending;
	const struct jp_link_appended *appended = &take->msg->appended;

	if (!pending->there || !pending->sent || pending->ended ||
	    pending->msg.append.req != appended->req)
		return check_given_up(take);
	if (!is_sane(pending, appended))
		return jp_why(take->why, JP_ERR_PROTOCOL,
		    "the database says that a batch behind %llu is in a log "
		    "that ends at %llu",
		    (unsigned long long)pending->msg.append.expected,
		    (unsigned long long)appended->nodes.head);
	end_pending(pending, appended);
	if (appended->result == JP_LINK_OK)
		take->replica->own_seq = pending->msg.append.expected + 1;
	return JP_ERR_OK;
}

static enum jp_err
take_appended(struct take *take)
{
	struct jp_replica *replica = take->replica;
	const struct jp_link_appended *appended = &take->msg->appended;
	enum jp_err err = JP_ERR_OK;

	replica_lock(replica);
	if (appended->result == JP_LINK_OK)
		err = replica_read_nodes(replica, &appended->nodes);
	if (err != JP_ERR_OK)
		err = refuse_nodes(take, err);
	else
		err = answer_pending(take);
	if (appended->result == JP_LINK_UNKNOWN)
		replica->welcome = false; /* until there is a new connection */
	if (appended->req == replica->asked_req)
		replica->asked_req = 0;
	(void)pthread_cond_broadcast(&replica->changed);
	replica_unlock(replica);
	return err;
}

static enum jp_err
take_leased(struct take *take)
{
	struct jp_replica *replica = take->replica;
	const struct jp_link_leased *leased = &take->msg->leased;
	enum jp_err err = JP_ERR_OK;

	replica_lock(replica);
	if (leased->ok)
		err = check_head(take, leased->head, leased->mac);
	if (leased->ok && err == JP_ERR_OK && replica->welcome &&
	    !replica->dropped) {
		jp_lease_grant(&replica->lease, leased->req, leased->head,
		    replica->position.seq);
		replica->numbers.leases++;
		/* What the log was refused for has been put right. */
		if (leased->head <= replica->position.seq)
			replica->numbers.refused_why[0] = '\0';
		replica_publish(replica);
	}
	replica_unlock(replica);
	return err;
}

static enum jp_err
take_nodes(struct take *take)
{
	struct jp_replica *replica = take->replica;
	const struct jp_link_nodes_msg *nodes = &take->msg->nodes;
	enum jp_err err;

	replica_lock(replica);
	err = replica_read_nodes(replica, &nodes->nodes);
	if (err == JP_ERR_OK) {
		replica->numbers.log_batches = nodes->log_batches;
		replica->numbers.log_bytes = nodes->log_bytes;
	}
	replica_unlock(replica);
	return err == JP_ERR_OK ? err : refuse_nodes(take, err);
}

static enum jp_err
take_other(struct take *take)
{
	return jp_why(take->why, JP_ERR_PROTOCOL,
	    "pat-clusterd sent a message (%s) that nobody has asked for",
	    jp_link_kind_name(take->msg->kind));
}

static const struct taker {
	enum jp_err (*take)(struct take *take);
	bool needs_welcome; /* and is not looked at without */
} takers[JP_LINK_KINDS] = {
	[JP_LINK_STATE] = { take_state, false },
	[JP_LINK_WELCOME] = { take_welcome, false },
	[JP_LINK_BATCH] = { take_batch, true },
	[JP_LINK_APPENDED] = { take_appended, false },
	[JP_LINK_LEASED] = { take_leased, true },
	[JP_LINK_NODES] = { take_nodes, true },
};

/* Whether it counts. */
static bool
is_looked_at(struct jp_replica *replica, const struct taker *taker,
    enum jp_err *err, struct jp_why *why)
{
	bool looked_at;

	replica_lock(replica);
	*err = check_failed(replica, why);
	looked_at = replica->welcome || !taker->needs_welcome;
	replica_unlock(replica);
	return looked_at && *err == JP_ERR_OK;
}

/* Nothing counts until the next WELCOME. */
static void
note_refused(const struct take *take)
{
	struct jp_replica *replica = take->replica;

	replica_lock(replica);
	replica_disconnected(replica);
	replica->refused = true;
	replica->numbers.refused += take->foreign;
	memcpy(replica->numbers.refused_why, take->why->text,
	    sizeof(replica->numbers.refused_why));
	replica_unlock(replica);
}

enum jp_err
jp_replica_take(struct jp_replica *replica, const struct jp_link_msg *msg,
    const uint8_t *bytes, struct jp_why *why)
{
	struct taker taker = takers[msg->kind];
	struct take take = { replica, msg, bytes, why, false };
	enum jp_err err;

	jp_why_clear(why);
	if (taker.take == NULL)
		taker.take = take_other;
	if (is_looked_at(replica, &taker, &err, why))
		err = taker.take(&take);
	if (err != JP_ERR_OK)
		note_refused(&take);
	return err;
}

/* ---- asking for leases ---- */

/* With the lock: whether one is to be asked for now; else how long to wait. */
static bool
is_due(struct jp_replica *replica, int64_t now_ms, int64_t *wait_ms)
{
	int64_t due_ms = jp_lease_due_ms(&replica->lease);

	*wait_ms = IDLE_MS;
	if (!replica->welcome || replica->dropped || now_ms < 0)
		return false;
	if (due_ms > now_ms && due_ms - now_ms < IDLE_MS)
		*wait_ms = due_ms - now_ms;
	return due_ms <= now_ms;
}

int64_t
jp_replica_tick(struct jp_replica *replica)
{
	struct jp_link_msg msg = { .kind = JP_LINK_LEASE };
	int64_t now_ms = replica->boot_ms(), wait_ms;
	bool due;

	replica_lock(replica);
	replica_publish(replica);
	due = is_due(replica, now_ms, &wait_ms);
	if (due) {
		msg.request.req = ++replica->last_req;
		jp_lease_ask(&replica->lease, msg.request.req, now_ms);
		(void)is_due(replica, now_ms, &wait_ms);
	}
	(void)pthread_cond_broadcast(&replica->changed);
	replica_unlock(replica);
	if (due)
		(void)replica->link.send(replica->link.arg, &msg, NULL);
	return wait_ms;
}
