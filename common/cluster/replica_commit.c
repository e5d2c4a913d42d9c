/* Writers: a commit becomes a batch, and then one of the log. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "common/cluster/replica_internal.h"

void
replica_begin(struct jp_store *store, enum jp_begin how, int64_t by_ms)
{
	struct jp_replica *replica = replica_of(store);

	replica_lock(replica);
	replica->from = replica->position;
	replica->how = how;
	replica->by_ms = by_ms;
	/* Who finds that there is nothing to do says so after all have it. */
	if (how == JP_BEGIN_LOUD && replica->loud < replica->position.seq)
		replica->loud = replica->position.seq;
	replica_unlock(replica);
}

/* ---- making the batch ---- */

/* A commit of one of the three kinds. */
struct commit {
	const struct jp_change *changes;
	const struct jp_user *users;
	const struct jp_upstreams *upstreams;
	size_t count;
};

static enum jp_err
make_batch(struct jp_replica *replica, const struct commit *commit,
    struct jp_batch *batch, struct jp_why *why)
{
	if (commit->changes != NULL)
		return jp_batch_changes(
		    batch, replica->store, commit->changes, commit->count, why);
	if (commit->users != NULL)
		return jp_batch_users(batch, commit->users, commit->count, why);
	return jp_batch_upstream(batch, commit->upstreams, commit->count, why);
}

/* What only takes away is possible on a full disk, too. */
static bool
is_urgent(const struct commit *commit)
{
	bool urgent = true;

	for (size_t i = 0; i < commit->count; i++)
		if (commit->changes != NULL)
			urgent =
			    urgent && commit->changes[i].kind == JP_CHANGE_END;
		else if (commit->users != NULL)
			urgent = urgent && commit->users[i].disabled;
		else
			urgent = urgent && commit->upstreams[i].len == 0;
	return urgent;
}

/* ---- on its way ---- */

/* Fills in what is sent, and where it will lead to. */
static void
address(struct jp_replica *replica, const struct jp_batch *batch,
    struct jp_link_append *append, struct jp_position *to)
{
	struct jp_link_batch sealed = { .time = jp_clock_now(&replica->clock),
		.len = (uint32_t)batch->len };

	randombytes_buf(sealed.id, sizeof(sealed.id));
	memcpy(sealed.node, replica->node, sizeof(sealed.node));
	jp_chain_next(
	    &replica->chain, &replica->from, &sealed, batch->bytes, to);
	*append = (struct jp_link_append){ .expected = replica->from.seq,
		.time = sealed.time,
		.len = sealed.len };
	memcpy(append->id, sealed.id, sizeof(append->id));
	memcpy(append->mac, to->mac, sizeof(append->mac));
}

/* One try, with the lock; false: there is nobody to send it to. */
static bool
send_pending(struct jp_replica *replica, const uint8_t *bytes)
{
	struct replica_pending *pending = &replica->pending;
	struct jp_link_msg msg;
	enum jp_err err;

	pending->msg.append.req = ++replica->last_req;
	pending->sent = true;
	replica->asked_req = pending->msg.append.req;
	replica->asked_seq = pending->msg.append.expected + 1;
	msg = pending->msg;
	replica_unlock(replica);
	err = replica->link.send(replica->link.arg, &msg, bytes);
	replica_lock(replica);
	if (err != JP_ERR_OK) {
		pending->sent = false;
		replica->asked_req = 0;
		replica->welcome = false;
		return false;
	}
	pending->maybe = true;
	return true;
}

/* Until when the writer that has begun waits for the next thing to happen. */
static int64_t
end_of_wait(const struct jp_replica *replica)
{
	int64_t end_ms = jp_now_ms() + replica->append_wait_ms;

	return replica->by_ms < end_ms ? replica->by_ms : end_ms;
}

/*
 * Until it is known what became of it, or there is no more time. The link takes
 * one at a time: that of an earlier commit, which was given up, or which a
 * batch of others has overtaken, is answered first.
 */
static void
await(struct jp_replica *replica, const uint8_t *bytes)
{
	const int64_t end_ms = end_of_wait(replica);
	struct replica_pending *pending = &replica->pending;

	while (!pending->ended && !replica->stopped && !jp_has_come(end_ms)) {
		bool is_free = !pending->sent && replica->welcome &&
		               replica->asked_req == 0;

		if (is_free && send_pending(replica, bytes))
			continue;
		if (!pending->sent && !pending->maybe && !pending->ended &&
		    replica->asked_req == 0)
			return;
		if (!pending->ended)
			replica_wait(replica, end_ms - jp_now_ms());
	}
}

/* Whoever begins again has to see what others did. */
static bool
catch_up(struct jp_replica *replica, uint64_t head)
{
	const int64_t end_ms = end_of_wait(replica);

	while (replica->position.seq < head && replica->welcome &&
	       !replica->stopped && !jp_has_come(end_ms))
		replica_wait(replica, end_ms - jp_now_ms());
	return replica->position.seq >= head;
}

static enum jp_err
say_unreachable(const struct jp_replica *replica, struct jp_why *why)
{
	const struct jp_link_state_msg *state = &replica->numbers.state;

	if (!replica->linked)
		return jp_why(why, JP_ERR_UNREACHABLE,
		    "nothing was changed: the log of the cluster cannot be "
		    "reached, as pat-clusterd does not run or cannot connect "
		    "to patd");
	if (replica->asked_req != 0)
		return jp_why(why, JP_ERR_UNREACHABLE,
		    "nothing was changed: the database of the cluster does not "
		    "answer in time");
	return jp_why(why, JP_ERR_UNREACHABLE,
	    "nothing was changed: the database of the cluster cannot be "
	    "reached%s%s",
	    state->text[0] != '\0' ? ": " : "", state->text);
}

/* What the writer is told, where the batch is not in the log for sure. */
static enum jp_err
say_failed(struct jp_replica *replica, struct jp_why *why)
{
	struct replica_pending *pending = &replica->pending;

	if (!pending->ended && pending->maybe)
		return jp_why(why, JP_ERR_TIMEOUT,
		    "the connection to the database was lost on the way: "
		    "whether this is done will show when it is back: look "
		    "then, before you try again");
	if (!pending->ended)
		return say_unreachable(replica, why);
	if (pending->result == JP_LINK_CONFLICT)
		return catch_up(replica, pending->head)
		           ? JP_ERR_CONFLICT
		           : say_unreachable(replica, why);
	return jp_why(why, JP_ERR_IO,
	    "nothing was changed: the database of the cluster refuses it: %s",
	    pending->text);
}

/*
 * Into the log. JP_ERR_OK: it is there, for good, whatever happens to this
 * host; `replica->why` is set for all others.
 */
static enum jp_err
append(struct jp_replica *replica, const struct jp_batch *batch,
    struct jp_position *to, uint8_t id[JP_LINK_ID_LEN], struct jp_why *why)
{
	struct replica_pending *pending = &replica->pending;
	enum jp_err err = JP_ERR_OK;

	replica_lock(replica);
	memset(pending, 0, sizeof(*pending));
	pending->there = true;
	pending->msg.kind = JP_LINK_APPEND;
	address(replica, batch, &pending->msg.append, to);
	memcpy(id, pending->msg.append.id, JP_LINK_ID_LEN);
	await(replica, batch->bytes);
	if (!pending->ended || pending->result != JP_LINK_OK)
		err = say_failed(replica, why);
	replica->numbers.appended += err == JP_ERR_OK;
	replica->numbers.conflicts += err == JP_ERR_CONFLICT;
	replica->numbers.unknown += err == JP_ERR_TIMEOUT;
	pending->there = false;
	replica_unlock(replica);
	return err;
}

/*
 * Here, too, unless it has come back by the log and is. That the log has
 * another one in its place means that it tells different hosts different
 * things.
 */
static enum jp_err
apply_own(struct jp_replica *replica, const struct jp_batch *batch,
    const struct jp_position *to, const uint8_t id[JP_LINK_ID_LEN],
    struct jp_why *why)
{
	const struct jp_position *there;
	enum jp_err err = JP_ERR_OK;
	bool is_here, is_same;

	(void)pthread_mutex_lock(&replica->apply_lock);
	replica_lock(replica);
	is_here = replica->position.seq >= to->seq;
	there = replica_recent(replica, to->seq);
	is_same = there == NULL || jp_position_same(there, to);
	replica_unlock(replica);
	if (!is_here)
		err = replica_apply(
		    replica, to, id, batch->bytes, batch->len, why);
	if (err != JP_ERR_OK)
		err = jp_why(why, err,
		    "it is in the log of the cluster, and other hosts have it, "
		    "but this one cannot write it: %s",
		    jp_err_text(err));
	else if (!is_same)
		err = jp_why(why, JP_ERR_DAMAGED,
		    "the database said that batch %llu is this one, and gave "
		    "out another: it cannot be trusted",
		    (unsigned long long)to->seq);
	(void)pthread_mutex_unlock(&replica->apply_lock);
	return err;
}

/* The writer may go on from there. */
static void
note_written(struct jp_replica *replica, const struct jp_position *to)
{
	replica_lock(replica);
	replica->from = *to;
	if (replica->how == JP_BEGIN_LOUD && replica->loud < to->seq)
		replica->loud = to->seq;
	replica_unlock(replica);
}

/* Makes the batch of what the writer has read, if that is still so. */
static enum jp_err
prepare(struct jp_replica *replica, const struct commit *commit,
    struct jp_batch *batch, struct jp_why *why)
{
	enum jp_err err;

	(void)pthread_mutex_lock(&replica->apply_lock);
	/* Only who has `apply_lock` moves the position. */
	err = jp_position_same(&replica->position, &replica->from)
	          ? make_batch(replica, commit, batch, why)
	          : JP_ERR_CONFLICT;
	(void)pthread_mutex_unlock(&replica->apply_lock);
	if (err == JP_ERR_OK)
		err = jp_store_room(replica->store, is_urgent(commit));
	return err;
}

static enum jp_err
write_batch(struct jp_replica *replica, const struct commit *commit,
    struct jp_batch *batch, struct jp_why *why)
{
	struct jp_position to;
	uint8_t id[JP_LINK_ID_LEN];
	enum jp_err err = prepare(replica, commit, batch, why);

	if (err != JP_ERR_OK)
		return err;
	err = append(replica, batch, &to, id, why);
	if (err != JP_ERR_OK)
		return err;
	note_written(replica, &to);
	err = apply_own(replica, batch, &to, id, why);
	if (err == JP_ERR_OK)
		replica_tell_applied(replica, to.seq);
	return err;
}

static enum jp_err
write_commit(struct jp_store *store, const struct commit *commit)
{
	struct jp_replica *replica = replica_of(store);
	struct jp_batch batch = { .bytes = NULL };
	struct jp_why why = { .text = "" };
	enum jp_err err;

	(void)pthread_mutex_lock(&replica->commit_lock);
	err = jp_batch_start(&batch);
	if (err == JP_ERR_OK)
		err = write_batch(replica, commit, &batch, &why);
	jp_batch_free(&batch);
	replica_lock(replica);
	replica->has_why = err != JP_ERR_OK && why.text[0] != '\0';
	replica->why = why;
	replica_unlock(replica);
	(void)pthread_mutex_unlock(&replica->commit_lock);
	return err;
}

enum jp_err
replica_commit(
    struct jp_store *store, const struct jp_change *changes, size_t count)
{
	const struct commit commit = { .changes = changes, .count = count };

	return write_commit(store, &commit);
}

enum jp_err
replica_user_put(
    struct jp_store *store, const struct jp_user *users, size_t count)
{
	const struct commit commit = { .users = users, .count = count };

	return write_commit(store, &commit);
}

enum jp_err
replica_upstream_put(
    struct jp_store *store, const struct jp_upstreams *all, size_t count)
{
	const struct commit commit = { .upstreams = all, .count = count };

	return write_commit(store, &commit);
}

/* ---- until all hosts have it ---- */

enum {
	READING_LEASES = 2, /* how long a reading of the nodes is waited for */
};

/* "b, c" of those that did not answer, each once. */
static void
print_late(const struct jp_barrier *barrier, char *text, size_t size)
{
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < barrier->late_len && len < size; i++) {
		int more = snprintf(text + len, size - len, "%s%s",
		    i > 0 ? ", " : "", barrier->late[i]);

		len += more > 0 ? (size_t)more : 0;
	}
}

static void
say_late(
    const struct jp_barrier *barrier, int64_t waited_ms, struct jp_why *why)
{
	char names[JP_WHY_MAX / 2];
	bool many = barrier->late_len > 1;

	print_late(barrier, names, sizeof(names));
	(void)jp_why(why, JP_ERR_OK,
	    "waited %lld s for %s, which %s not answer: %s nothing until %s "
	    "back",
	    (long long)((waited_ms + 500) / 1000), names, many ? "do" : "does",
	    many ? "they accept" : "it accepts", many ? "they are" : "it is");
}

static enum jp_err
say_unsettled(
    const struct jp_replica *replica, bool in_time, struct jp_why *why)
{
	if (!in_time)
		return jp_why(why, JP_ERR_TIMEOUT,
		    "it is done, and not all hosts have it yet");
	return jp_why(why, JP_ERR_TIMEOUT,
	    "it is done, but whether all hosts have it cannot be seen while "
	    "the database %s: a host may go on accepting as before until its "
	    "lease is over (%lld s here)",
	    replica->stopped ? "is not asked, as patd ends"
	                     : "cannot be reached",
	    (long long)(replica->lease.lease_ms / 1000));
}

/* Whoever settles cannot wait any longer. */
static bool
is_late(int64_t by_ms)
{
	return by_ms != INT64_MAX && jp_has_come(by_ms);
}

/* How long to wait for what may change it; 0: it is not waited for any more. */
static int64_t
wait_more_ms(const struct jp_replica *replica, const struct jp_barrier *barrier,
    int64_t begun_ms, int64_t now_ms, int64_t by_ms)
{
	int64_t end_ms = jp_barrier_next_ms(barrier);

	if (replica->stopped || is_late(by_ms))
		return 0;
	if (!barrier->begun)
		end_ms = begun_ms + READING_LEASES * replica->lease.lease_ms;
	return end_ms > now_ms ? end_ms - now_ms : 0;
}

static enum jp_err
wait_for_all(struct jp_replica *replica, struct jp_barrier *barrier,
    int64_t by_ms, struct jp_why *why)
{
	const int64_t begun_ms = replica->boot_ms();
	int64_t now_ms = begun_ms, wait_ms;

	while (
	    !jp_barrier_look(barrier, &replica->peers, replica->node, now_ms)) {
		wait_ms =
		    wait_more_ms(replica, barrier, begun_ms, now_ms, by_ms);
		if (wait_ms == 0)
			return say_unsettled(replica, !is_late(by_ms), why);
		if (by_ms != INT64_MAX && wait_ms > by_ms - jp_now_ms())
			wait_ms = by_ms - jp_now_ms();
		replica_wait(replica, wait_ms);
		now_ms = replica->boot_ms();
	}
	if (barrier->late_len > 0)
		say_late(barrier, now_ms - begun_ms, why);
	return JP_ERR_OK;
}

enum jp_err
replica_settle(struct jp_store *store, int64_t by_ms, struct jp_why *why)
{
	struct jp_replica *replica = replica_of(store);
	struct jp_barrier barrier;
	enum jp_err err;

	replica_lock(replica);
	jp_barrier_start(&barrier, replica->loud);
	replica->numbers.waits++;
	err = wait_for_all(replica, &barrier, by_ms, why);
	replica->numbers.late += barrier.late_len > 0;
	replica_unlock(replica);
	return err;
}
