/* Writers: a commit becomes a batch, and then one of the log. */
#include <sodium.h>
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

/* One try, with the lock, which is `welcome` no more if there is nobody. */
static void
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
	if (err == JP_ERR_OK) {
		pending->maybe = true;
		return;
	}
	if (!pending->maybe)
		pending->unsure = false; /* nobody has it */
	if (!pending->sent)
		return; /* that connection is known to be lost */
	pending->sent = false;
	replica->asked_req = 0;
	replica->welcome = false;
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
		bool is_free = !pending->sent && replica->asked_req == 0;

		if (is_free && replica->welcome)
			send_pending(replica, bytes);
		else if (is_free && !pending->maybe)
			return; /* nobody has it, and there is nobody */
		else
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

	if (replica->numbers.refused_why[0] != '\0' &&
	    (replica->linked || replica->refused))
		return jp_why(why, JP_ERR_UNREACHABLE,
		    "nothing was changed: this host cannot take the log of the "
		    "cluster: %.400s",
		    replica->numbers.refused_why);
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

/*
 * An answer that says so holds; but who refuses a batch that is sent again may
 * not have looked whether the log has it.
 */
static bool
may_be_done(const struct replica_pending *pending)
{
	if (pending->ended)
		return pending->unsure && pending->result == JP_LINK_NOT_DONE;
	return pending->maybe;
}

/* What the writer is told, where the batch is not in the log for sure. */
static enum jp_err
say_failed(struct jp_replica *replica, struct jp_why *why)
{
	struct replica_pending *pending = &replica->pending;

	if (may_be_done(pending))
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
	return jp_why(why, JP_ERR_UNREACHABLE,
	    "nothing was changed: the database of the cluster refuses it: %s",
	    pending->text);
}

/*
 * Into the log. JP_ERR_OK: it is there, for good, whatever happens to this
 * host; `replica->why` is set for all others.
 */
static enum jp_err
append(struct jp_replica *replica, const struct jp_batch *batch,
    struct jp_position *to, struct jp_why *why)
{
	struct replica_pending *pending = &replica->pending;
	enum jp_err err = JP_ERR_OK;

	replica_lock(replica);
	memset(pending, 0, sizeof(*pending));
	pending->there = true;
	pending->msg.kind = JP_LINK_APPEND;
	address(replica, batch, &pending->msg.append, to);
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

/* What follows the own batch goes on, whatever has become of that here. */
static void
note_applied(struct jp_replica *replica)
{
	replica_lock(replica);
	replica->own_seq = 0;
	(void)pthread_cond_broadcast(&replica->changed);
	replica_unlock(replica);
}

/*
 * Here, too, unless it has come back by the log and is. That the log has
 * another one in its place means that it tells different hosts different
 * things.
 */
static enum jp_err
apply_own(struct jp_replica *replica, const struct jp_batch *batch,
    const struct jp_position *to, struct jp_why *why)
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
		err = replica_apply(replica, to, replica->pending.msg.append.id,
		    batch->bytes, batch->len, why);
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
	note_applied(replica);
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
	enum jp_err err = prepare(replica, commit, batch, why);

	if (err != JP_ERR_OK)
		return err;
	err = append(replica, batch, &to, why);
	if (err != JP_ERR_OK)
		return err;
	note_written(replica, &to);
	err = apply_own(replica, batch, &to, why);
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
