/*
 * Replicas of one log: common/cluster/replica*.c, over stores in memory. The
 * log answers within the call that asks it, so that one thread is enough; the
 * clock is the tests'.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sched.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/unit/cluster_help.h"
#include "tests/unit/link_help.h"
#include "tests/unit/store_help.h"

#define ID "aaaaaaa1"
#define OTHER "aaaaaaa2"

enum {
	START_MS = 1000000,
	OWN = FAKE_LEASE_MS - FAKE_LEASE_MS / 100,
	OTHERS = FAKE_LEASE_MS + FAKE_LEASE_MS / 100,
	HASTY_MS = 500, /* waits no longer; long enough to send something */
};

static atomic_llong now_ms;

static int64_t
fake_boot_ms(void)
{
	return atomic_load(&now_ms);
}

/* Of which each look takes so long. */
static atomic_llong step_ms;

static int64_t
stepping_boot_ms(void)
{
	return atomic_fetch_add(&now_ms, atomic_load(&step_ms));
}

struct fixture {
	struct fake_log log;
	struct fake_host a, b;
};

/* One more host, which is connected, and whose writers soon give up. */
static void
open_hasty(struct fixture *fixture, struct fake_host *hasty)
{
	fake_append_wait_ms = HASTY_MS;
	fake_host_open(hasty, &fixture->log, "c", fake_boot_ms);
	fake_append_wait_ms = 60000;
	fake_connect(hasty);
}

static int
set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	*state = fixture;
	atomic_store(&now_ms, START_MS);
	atomic_store(&step_ms, 0);
	fake_log_init(&fixture->log);
	fake_host_open(&fixture->a, &fixture->log, "a", fake_boot_ms);
	fake_host_open(&fixture->b, &fixture->log, "b", fake_boot_ms);
	fake_connect(&fixture->a);
	fake_connect(&fixture->b);
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fixture = *state;

	fake_host_close(&fixture->a);
	fake_host_close(&fixture->b);
	fake_log_free(&fixture->log);
	free(fixture);
	return 0;
}

static enum jp_err
add_to(struct fake_host *host, const char *id)
{
	jp_store_begin(host->store, JP_BEGIN_LOUD);
	return add(host->store, id, "alice", JP_NEVER);
}

static enum jp_err
revoke_on(struct fake_host *host, const char *id)
{
	struct jp_record record;
	struct jp_change change = { JP_CHANGE_END, &record };
	enum jp_err err;

	jp_store_begin(host->store, JP_BEGIN_LOUD);
	err = jp_store_get(host->store, id, &record);
	if (err != JP_ERR_OK)
		return err;
	record.revoked_at = 5;
	return jp_store_commit(host->store, &change, 1);
}

static bool
has(const struct fake_host *host, const char *id)
{
	struct jp_record record;

	return jp_store_get(host->store, id, &record) == JP_ERR_OK;
}

static bool
is_revoked(const struct fake_host *host, const char *id)
{
	struct jp_record record;

	assert_int_equal(jp_store_get(host->store, id, &record), JP_ERR_OK);
	return record.revoked_at != JP_NEVER;
}

static void
assert_why(const struct fake_host *host, const char *part)
{
	struct jp_why why;

	jp_store_why(host->store, &why);
	if (strstr(why.text, part) == NULL)
		fail_msg("\"%s\" is not in: %s", part, why.text);
}

static void
pump(struct fixture *fixture)
{
	while (fake_pump(&fixture->a) || fake_pump(&fixture->b))
		;
}

/* ---- commits ---- */

static void
a_commit_is_in_the_log_and_here_and_then_on_the_others(void **state)
{
	struct fixture *fixture = *state;
	struct jp_position here, there;

	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_OK);
	assert_int_equal(fixture->log.head, 1);
	assert_true(has(&fixture->a, ID));
	assert_false(has(&fixture->b, ID));
	pump(fixture);
	assert_true(has(&fixture->b, ID));
	assert_int_equal(fixture->b.err, JP_ERR_OK);
	assert_int_equal(jp_store_position(fixture->a.store, &here), JP_ERR_OK);
	assert_int_equal(
	    jp_store_position(fixture->b.store, &there), JP_ERR_OK);
	assert_int_equal(here.seq, 1);
	assert_true(jp_position_same(&here, &there));
	assert_int_equal(fixture->log.nodes.of[0].applied, 1);
	assert_int_equal(fixture->log.nodes.of[1].applied, 1);
}

static void
users_and_upstream_credentials_go_the_same_way(void **state)
{
	struct fixture *fixture = *state;
	struct jp_store *store = fixture->a.store;
	static struct jp_upstreams all, got;
	struct jp_user user;

	jp_user_default(&user, "alice");
	user.disabled = true;
	jp_store_begin(store, JP_BEGIN_LOUD);
	assert_int_equal(jp_store_put_users(store, &user, 1), JP_ERR_OK);
	link_text(all.user, "alice");
	all.len = 1;
	all.of[0].sealed_len = JP_UPSTREAM_SEAL_LEN + 3;
	link_text(all.of[0].set_by, "root");
	all.of[0].set_at = 1800000000;
	jp_store_begin(store, JP_BEGIN_LOUD);
	assert_int_equal(jp_store_put_upstream(store, &all, 1), JP_ERR_OK);
	pump(fixture);
	assert_int_equal(
	    jp_store_user(fixture->b.store, "alice", &user), JP_ERR_OK);
	assert_true(user.disabled);
	assert_int_equal(
	    jp_store_upstream(fixture->b.store, "alice", &got), JP_ERR_OK);
	assert_int_equal(got.len, 1);
}

/* What the store below would refuse is not sent. */
static void
a_commit_that_cannot_be_made_reaches_nobody(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_OK);
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_EXISTS);
	jp_store_begin(fixture->a.store, JP_BEGIN_LOUD);
	assert_int_equal(drop(fixture->a.store, OTHER), JP_ERR_NOT_FOUND);
	assert_int_equal(fixture->a.appends, 1);
}

/* One may go on after its own commit, without reading again. */
static void
two_commits_in_a_row_are_two_batches(void **state)
{
	struct fixture *fixture = *state;

	jp_store_begin(fixture->a.store, JP_BEGIN_LOUD);
	assert_int_equal(
	    add(fixture->a.store, ID, "alice", JP_NEVER), JP_ERR_OK);
	assert_int_equal(
	    add(fixture->a.store, OTHER, "alice", JP_NEVER), JP_ERR_OK);
	assert_int_equal(fixture->log.head, 2);
}

static void
the_one_that_was_faster_is_applied_first(void **state)
{
	struct fixture *fixture = *state;

	jp_store_begin(fixture->a.store, JP_BEGIN_LOUD);
	assert_int_equal(add_to(&fixture->b, OTHER), JP_ERR_OK);
	pump(fixture);
	/* Known here: nothing is sent. */
	assert_int_equal(
	    add(fixture->a.store, ID, "alice", JP_NEVER), JP_ERR_CONFLICT);
	assert_int_equal(fixture->a.appends, 0);
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_OK);
}

/* A commit that another thread makes. */
struct writer {
	struct fake_host *host;
	const char *id;
	enum jp_err err;
	atomic_bool over;
	pthread_t thread;
};

static void *
write_one(void *arg)
{
	struct writer *writer = arg;

	writer->err = add_to(writer->host, writer->id);
	atomic_store(&writer->over, true);
	return NULL;
}

static void
writer_start(struct writer *writer)
{
	assert_int_equal(
	    pthread_create(&writer->thread, NULL, write_one, writer), 0);
}

/* Gives it what there is for it until it has ended. */
static void
pump_writer(struct writer *writer)
{
	while (!atomic_load(&writer->over)) {
		(void)fake_pump(writer->host);
		(void)sched_yield();
	}
	(void)pthread_join(writer->thread, NULL);
	writer->host->is_pumped = false;
}

static bool
has_mail(struct fake_host *host)
{
	bool has;

	(void)pthread_mutex_lock(&host->mutex);
	has = host->inbox_len > 0;
	(void)pthread_mutex_unlock(&host->mutex);
	return has;
}

static void
hear_the_log(struct fake_host *host)
{
	host->after = NULL;
	(void)fake_pump(host);
}

static void
b_was_faster(struct fake_host *a)
{
	struct fixture *fixture =
	    (struct fixture *)((char *)a - offsetof(struct fixture, a));

	a->before = NULL;
	assert_int_equal(add_to(&fixture->b, OTHER), JP_ERR_OK);
	(void)fake_pump(a);
}

/* Found out by the log; what it has is applied before the writer hears it. */
static void
a_conflict_brings_what_others_did(void **state)
{
	struct fixture *fixture = *state;

	fixture->a.before = b_was_faster;
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_CONFLICT);
	assert_true(has(&fixture->a, OTHER));
	assert_false(has(&fixture->a, ID));
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_OK);
	assert_int_equal(fixture->log.head, 2);
}

static void
b_was_faster_and_is_not_heard(struct fake_host *a)
{
	struct fake_host *b = a->other;

	a->before = NULL;
	assert_int_equal(add_to(b, OTHER), JP_ERR_OK);
}

/* Who tried again at once would not see it, and meet it again. */
static void
a_conflict_is_none_until_its_batch_is_here(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host hasty;

	open_hasty(fixture, &hasty);
	hasty.other = &fixture->b;
	hasty.before = b_was_faster_and_is_not_heard;
	assert_int_equal(add_to(&hasty, ID), JP_ERR_UNREACHABLE);
	assert_why(&hasty, "nothing was changed");
	(void)fake_pump(&hasty);
	assert_true(has(&hasty, OTHER));
	assert_false(has(&hasty, ID));
	fake_host_close(&hasty);
}

/* With the batch, which comes behind the answer. */
static void
a_conflict_is_told_once_its_batch_is_here(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *a = &fixture->a;
	struct writer writer = { .host = a, .id = ID };

	a->other = &fixture->b;
	a->before = b_was_faster_and_is_not_heard;
	a->is_pumped = true;
	writer_start(&writer);
	while (!has_mail(a))
		(void)sched_yield();
	a->told = 1; /* so it hears the answer, and not yet the batch */
	(void)fake_pump(a);
	for (int i = 0; i < 1000 && !atomic_load(&writer.over); i++)
		(void)sched_yield();
	a->told = 0;
	pump_writer(&writer);
	assert_int_equal(writer.err, JP_ERR_CONFLICT);
	assert_true(has(a, OTHER));
	assert_false(has(a, ID));
}

static void
what_became_of_batches_is_counted(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *a = &fixture->a;
	struct jp_replica_status status;

	assert_int_equal(add_to(a, ID), JP_ERR_OK);
	jp_replica_status(a->replica, &status);
	assert_int_equal(status.appended, 1);
	assert_int_equal(status.conflicts, 0);
	assert_int_equal(status.unknown, 0);
	a->before = b_was_faster;
	(void)fake_pump(&fixture->b);
	assert_int_equal(add_to(a, "aaaaaaa3"), JP_ERR_CONFLICT);
	a->way = FAKE_SILENT_UNDONE;
	jp_store_begin_by(a->store, JP_BEGIN_LOUD, jp_now_ms() + HASTY_MS);
	assert_int_equal(
	    add(a->store, "aaaaaaa4", "alice", JP_NEVER), JP_ERR_TIMEOUT);
	jp_replica_status(a->replica, &status);
	assert_int_equal(status.appended, 1);
	assert_int_equal(status.conflicts, 1);
	assert_int_equal(status.unknown, 1);
}

/* The first commit of all may come without. */
static void
who_has_not_begun_is_at_the_beginning(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(
	    add(fixture->a.store, ID, "alice", JP_NEVER), JP_ERR_OK);
}

/* It gives out another batch than the one that it said is done. */
static void
a_log_with_two_faces_is_found_out(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *a = &fixture->a;

	a->other = &fixture->b;
	a->before = b_was_faster_and_is_not_heard;
	a->way = FAKE_FORKS;
	a->after = hear_the_log;
	assert_int_equal(add_to(a, ID), JP_ERR_DAMAGED);
	assert_why(a, "batch 1 is this one, and gave out another");
	assert_true(has(a, OTHER));
	assert_false(has(a, ID));
}

/* ---- the store below ---- */

static struct {
	struct jp_store_ops ops;
	unsigned int waits, holds, releases, sights;
} below;

static enum jp_err
room_on_a_full_disk(struct jp_store *store, bool urgent)
{
	(void)store;
	return urgent ? JP_ERR_OK : JP_ERR_DISK_FULL;
}

static void
why_of_a_full_disk(struct jp_store *store, struct jp_why *why)
{
	(void)store;
	(void)jp_why(why, JP_ERR_DISK_FULL, "make room");
}

static enum jp_err
put_users(struct fake_host *host, bool one, bool other)
{
	struct jp_user users[2];

	jp_user_default(&users[0], "alice");
	jp_user_default(&users[1], "bob");
	users[0].disabled = one;
	users[1].disabled = other;
	jp_store_begin(host->store, JP_BEGIN_LOUD);
	return jp_store_put_users(host->store, users, 2);
}

static enum jp_err
put_upstream(struct fake_host *host, size_t one, size_t other)
{
	static struct jp_upstreams all[2];
	const size_t lens[] = { one, other };

	memset(all, 0, sizeof(all));
	for (size_t i = 0; i < 2; i++) {
		link_text(all[i].user, i == 0 ? "alice" : "bob");
		all[i].len = lens[i];
		all[i].of[0].sealed_len = JP_UPSTREAM_SEAL_LEN + 3;
		link_text(all[i].of[0].set_by, "root");
		all[i].of[0].set_at = 1800000000;
	}
	jp_store_begin(host->store, JP_BEGIN_LOUD);
	return jp_store_put_upstream(host->store, all, 2);
}

static enum jp_err
end_and_add(struct fake_host *host, const char *old, const char *new)
{
	struct jp_record records[2];
	const struct jp_change changes[] = { { JP_CHANGE_END, &records[0] },
		{ JP_CHANGE_CREATE, &records[1] } };

	record_make(&records[0], old, "alice", JP_NEVER);
	record_make(&records[1], new, "alice", JP_NEVER);
	records[0].revoked_at = 5;
	jp_store_begin(host->store, JP_BEGIN_LOUD);
	return jp_store_commit(host->store, changes, 2);
}

/* What cannot be written here is not told to others, either. */
static void
on_a_full_disk_what_only_takes_away_is_sent(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *a = &fixture->a;

	assert_int_equal(add_to(a, ID), JP_ERR_OK);
	below.ops = *a->below->ops;
	below.ops.room = room_on_a_full_disk;
	below.ops.why = why_of_a_full_disk;
	a->below->ops = &below.ops;
	assert_int_equal(add_to(a, OTHER), JP_ERR_DISK_FULL);
	assert_why(a, "make room");
	assert_int_equal(end_and_add(a, ID, OTHER), JP_ERR_DISK_FULL);
	assert_int_equal(put_users(a, false, true), JP_ERR_DISK_FULL);
	assert_int_equal(put_users(a, true, false), JP_ERR_DISK_FULL);
	assert_int_equal(put_upstream(a, 0, 1), JP_ERR_DISK_FULL);
	assert_int_equal(put_upstream(a, 1, 0), JP_ERR_DISK_FULL);
	assert_int_equal(a->appends, 1);
	assert_int_equal(put_users(a, true, true), JP_ERR_OK);
	assert_int_equal(put_upstream(a, 0, 0), JP_ERR_OK);
	assert_int_equal(revoke_on(a, ID), JP_ERR_OK);
	assert_int_equal(a->appends, 4);
}

static void
count_wait(struct jp_store *store)
{
	(void)store;
	below.waits++;
}

static void
count_hold(struct jp_store *store)
{
	(void)store;
	below.holds++;
}

static void
count_release(struct jp_store *store)
{
	(void)store;
	below.releases++;
}

static void
count_see(struct jp_store *store, int64_t now)
{
	(void)store;
	assert_int_equal(now, 77);
	below.sights++;
}

static void
what_is_no_commit_is_for_the_store_below(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *a = &fixture->a;

	memset(&below, 0, sizeof(below));
	below.ops = *a->below->ops;
	below.ops.wait = count_wait;
	below.ops.hold = count_hold;
	below.ops.release = count_release;
	below.ops.see = count_see;
	a->below->ops = &below.ops;
	jp_store_wait(a->store);
	assert_int_equal(below.waits, 1);
	jp_store_hold(a->store);
	assert_int_equal(below.holds, 1);
	jp_store_release(a->store);
	assert_int_equal(below.releases, 1);
	jp_store_see(a->store, 77);
	assert_int_equal(below.sights, 1);
}

/* ---- connections that are lost ---- */

/* Whoever carries messages has not noticed yet. */
static void
a_link_that_takes_nothing_is_lost(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *a = &fixture->a;
	struct jp_replica_status status;

	atomic_store(&a->connected, false);
	assert_int_equal(add_to(a, ID), JP_ERR_UNREACHABLE);
	assert_why(a, "nothing was changed: the database of the cluster "
	              "cannot be reached");
	jp_replica_status(a->replica, &status);
	assert_false(status.welcome);
	assert_int_equal(status.unknown, 0);
	atomic_store(&a->connected, true);
	fake_connect(a);
	assert_int_equal(add_to(a, ID), JP_ERR_OK);
}

static void
a_reason_is_named_where_there_is_one(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *a = &fixture->a;
	struct jp_link_msg msg = { .kind = JP_LINK_STATE };
	struct jp_why why;

	assert_int_equal(fake_give(a, &msg, NULL), JP_ERR_OK);
	assert_int_equal(add_to(a, ID), JP_ERR_UNREACHABLE);
	jp_store_why(a->store, &why);
	assert_string_equal(why.text, "nothing was changed: the database of "
	                              "the cluster cannot be reached");
	link_text(msg.state.text, "?");
	assert_int_equal(fake_give(a, &msg, NULL), JP_ERR_OK);
	assert_int_equal(add_to(a, ID), JP_ERR_UNREACHABLE);
	assert_why(a, "cannot be reached: ?");
}

static void
a_writer_waits_for_the_next_connection(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *a = &fixture->a;
	struct writer writer = { .host = a, .id = ID };

	a->is_pumped = true;
	a->way = FAKE_LOST_UNDONE;
	writer_start(&writer);
	while (atomic_load(&a->connected))
		(void)sched_yield();
	fake_connect(a);
	pump_writer(&writer);
	assert_int_equal(writer.err, JP_ERR_OK);
	assert_int_equal(a->appends, 2);
}

static void
a_writer_waits_no_longer_than_it_may(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *a = &fixture->a;

	a->way = FAKE_SILENT_UNDONE;
	jp_store_begin_by(a->store, JP_BEGIN_LOUD, jp_now_ms() + HASTY_MS);
	assert_int_equal(add(a->store, ID, "alice", JP_NEVER), JP_ERR_TIMEOUT);
}

static void
a_writer_is_woken_by_the_end_of_patd(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *a = &fixture->a;
	struct writer writer = { .host = a, .id = ID };

	a->way = FAKE_SILENT_UNDONE;
	writer_start(&writer);
	while (atomic_load(&a->way) != FAKE_ANSWERS)
		(void)sched_yield();
	jp_replica_stop(a->replica);
	(void)pthread_join(writer.thread, NULL);
	assert_int_equal(writer.err, JP_ERR_TIMEOUT);
}

static void
a_new_connection_asks_at_once_and_hears_no_old_answer(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *a = &fixture->a;
	struct jp_link_msg msg = { .kind = JP_LINK_LEASED };

	a->deaf = true;
	(void)jp_replica_tick(a->replica);
	msg.leased.req = a->lease_req;
	msg.leased.ok = true;
	memcpy(msg.leased.mac, fixture->log.of[0].batch.mac, JP_LINK_MAC_LEN);
	fake_cut(a, true);
	fake_connect(a);
	assert_int_equal(fake_give(a, &msg, NULL), JP_ERR_OK);
	assert_false(jp_replica_holds(a->replica));
	a->deaf = false;
	(void)jp_replica_tick(a->replica);
	assert_int_equal(a->leases, 2);
	assert_true(jp_replica_holds(a->replica));
}

static void
without_a_connection_nothing_is_changed(void **state)
{
	struct fixture *fixture = *state;

	fake_cut(&fixture->a, false);
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_UNREACHABLE);
	assert_why(&fixture->a, "nothing was changed");
	assert_why(&fixture->a, "cannot be reached: no route to host");
	fake_cut(&fixture->a, true);
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_UNREACHABLE);
	assert_why(&fixture->a, "pat-clusterd does not run");
	assert_false(has(&fixture->a, ID));
	assert_int_equal(fixture->a.appends, 0);
	fake_connect(&fixture->a);
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_OK);
}

/* Whether it was done or not: it is asked again, and done once. */
static void
a_lost_answer_is_asked_for_until_it_comes(void **state)
{
	static const enum fake_way ways[] = { FAKE_UNKNOWN_DONE,
		FAKE_UNKNOWN_UNDONE, FAKE_LOST_DONE, FAKE_LOST_UNDONE };
	struct fixture *fixture = *state;
	char id[] = "aaaaaaa0";

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		id[7] = (char)('0' + i);
		fixture->a.way = (int)ways[i];
		fixture->a.appends = 0;
		assert_int_equal(add_to(&fixture->a, id), JP_ERR_OK);
		assert_int_equal(fixture->a.appends, 2);
		assert_int_equal(fixture->log.head, i + 1);
		assert_true(has(&fixture->a, id));
	}
	pump(fixture);
	assert_int_equal(fixture->a.err, JP_ERR_OK);
	assert_int_equal(fixture->b.err, JP_ERR_OK);
}

static void
the_next_one_is_refused(struct fake_host *a)
{
	a->after = NULL;
	a->way = FAKE_REFUSES;
}

static void
the_next_one_is_not_taken(struct fake_host *a)
{
	a->after = the_next_one_is_refused;
	a->way = FAKE_REPLACED;
}

/* What is refused may be the second one of a batch that is in the log. */
static void
a_refusal_behind_a_lost_answer_does_not_say_undone(void **state)
{
	static const struct {
		enum fake_way way;
		bool done;
	} rows[] = { { FAKE_UNKNOWN_DONE, true },
		{ FAKE_UNKNOWN_UNDONE, false }, { FAKE_LOST_DONE, true },
		{ FAKE_LOST_UNDONE, false }, { FAKE_ABSURD, false } };
	struct fixture *fixture = *state;
	struct fake_host *a = &fixture->a;
	struct jp_replica_status status;
	char id[] = "aaaaaaa0";

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		id[7] = (char)('0' + i);
		a->way = (int)rows[i].way;
		a->after = the_next_one_is_refused;
		assert_int_equal(add_to(a, id), JP_ERR_TIMEOUT);
		assert_why(a, "whether this is done will show");
		jp_replica_status(a->replica, &status);
		assert_int_equal(status.unknown, i + 1);
		(void)fake_pump(a);
		assert_int_equal(has(a, id), rows[i].done);
	}
	/* Nor does it where one between the two was not sent. */
	a->way = FAKE_UNKNOWN_DONE;
	a->after = the_next_one_is_not_taken;
	assert_int_equal(add_to(a, "aaaaaaa8"), JP_ERR_TIMEOUT);
	(void)fake_pump(a);
	assert_true(has(a, "aaaaaaa8"));
	/* The next batch has nothing to do with that. */
	a->way = FAKE_REFUSES;
	assert_int_equal(add_to(a, "aaaaaaa9"), JP_ERR_UNREACHABLE);
	assert_why(a, "nothing was changed");
}

static void
it_is_cut_off(struct fake_host *a)
{
	a->after = NULL;
	fake_cut(a, true);
}

/* The first answer was one, and what was not sent is not done. */
static void
a_refusal_says_undone_where_nothing_was_lost(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *a = &fixture->a;

	a->way = FAKE_REFUSES;
	a->after = it_is_cut_off;
	assert_int_equal(add_to(a, ID), JP_ERR_UNREACHABLE);
	assert_why(a, "nothing was changed: the database of the cluster "
	              "refuses it");
	a->way = FAKE_REPLACED;
	a->after = the_next_one_is_refused;
	assert_int_equal(add_to(a, ID), JP_ERR_UNREACHABLE);
	assert_why(a, "nothing was changed: the database of the cluster "
	              "refuses it");
}

/* What the old one does not take says nothing of the new one. */
static void
a_link_that_comes_while_the_old_one_fails_is_used(void **state)
{
	struct fixture *fixture = *state;

	fixture->a.way = FAKE_REPLACED;
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_OK);
	assert_int_equal(fixture->a.appends, 2);
	assert_int_equal(fixture->log.head, 1);
}

/* Whatever was asked: the connection to the database is not what it was. */
static void
what_is_unknown_ends_the_connection_to_the_database(void **state)
{
	struct fixture *fixture = *state;
	struct jp_link_msg msg = { .kind = JP_LINK_APPENDED };
	struct jp_replica_status status;

	msg.appended.result = JP_LINK_UNKNOWN;
	assert_int_equal(fake_give(&fixture->a, &msg, NULL), JP_ERR_OK);
	jp_replica_status(fixture->a.replica, &status);
	assert_true(status.linked);
	assert_false(status.welcome);
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_UNREACHABLE);
	assert_int_equal(fixture->a.appends, 0);
	fake_connect(&fixture->a);
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_OK);
}

/* As when a standby comes or goes. */
static void
news_of_a_connection_do_not_end_it(void **state)
{
	struct fixture *fixture = *state;
	struct jp_link_msg msg = { .kind = JP_LINK_STATE };
	struct jp_replica_status status;

	msg.state.state = JP_LINK_CONNECTED;
	msg.state.synchronous = true;
	assert_int_equal(fake_give(&fixture->a, &msg, NULL), JP_ERR_OK);
	jp_replica_status(fixture->a.replica, &status);
	assert_true(status.welcome);
	assert_true(status.state.synchronous);
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_OK);
}

static void *
write_many(void *arg)
{
	struct writer *writer = arg;
	char id[] = "aaaaaa00";

	for (int i = 0; i < 100; i++) {
		id[6] = (char)('0' + i / 10);
		id[7] = (char)('0' + i % 10);
		assert_int_equal(add_to(writer->host, id), JP_ERR_OK);
	}
	atomic_store(&writer->over, true);
	return NULL;
}

/* Not at the end of its patience, nor when something else happens. */
static void
a_writer_is_woken_by_its_answer(void **state)
{
	struct fixture *fixture = *state;
	struct writer writer = { .host = &fixture->a };

	fixture->a.is_pumped = true;
	assert_int_equal(
	    pthread_create(&writer.thread, NULL, write_many, &writer), 0);
	pump_writer(&writer);
	assert_int_equal(fixture->log.head, 100);
}

/* The batch itself is the answer, where the other one does not come. */
static void
what_comes_back_by_the_log_is_done(void **state)
{
	struct fixture *fixture = *state;

	fixture->a.way = FAKE_ECHOES;
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_OK);
	assert_true(has(&fixture->a, ID));
	assert_int_equal(fixture->a.appends, 1);
}

static void
b_goes_on(struct fake_host *a)
{
	struct fixture *fixture =
	    (struct fixture *)((char *)a - offsetof(struct fixture, a));

	a->behind = NULL;
	(void)fake_pump(&fixture->b);
	assert_int_equal(add_to(&fixture->b, OTHER), JP_ERR_OK);
}

/* The writer wakes up later: what followed is not what became of its batch. */
static void
what_comes_behind_a_batch_changes_nothing_of_its_answer(void **state)
{
	struct fixture *fixture = *state;

	fixture->a.way = FAKE_ECHOES;
	fixture->a.behind = b_goes_on;
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_OK);
	assert_true(has(&fixture->a, ID));
	assert_true(has(&fixture->a, OTHER));
	assert_int_equal(fixture->a.appends, 1);
	assert_int_equal(fixture->log.head, 2);
}

/* Carries what comes for a host; the end of that is seen. */
struct carrier {
	struct fake_host *host;
	pthread_t thread;
	atomic_bool ended;
};

static struct carrier carrier;

static void *
carry(void *arg)
{
	(void)fake_pump(arg);
	atomic_store(&carrier.ended, true);
	return NULL;
}

/* The own batch is not sent again: the host has it, its writer's thread. */
static void
what_follows_comes_at_once(struct fake_host *a)
{
	const struct timespec moment = { 0, 1000000 };
	struct fixture *fixture =
	    (struct fixture *)((char *)a - offsetof(struct fixture, a));

	a->after = NULL;
	a->told = fixture->log.head;
	(void)fake_pump(&fixture->b);
	assert_int_equal(add_to(&fixture->b, OTHER), JP_ERR_OK);
	carrier.host = a;
	atomic_init(&carrier.ended, false);
	assert_int_equal(pthread_create(&carrier.thread, NULL, carry, a), 0);
	/* It has to wait for this thread; what does not wait ends. */
	for (int i = 0; i < 200 && !atomic_load(&carrier.ended); i++)
		(void)nanosleep(&moment, NULL);
}

/* The next one may come before the writer has woken up. */
static void
what_follows_waits_for_the_writer(void **state)
{
	struct fixture *fixture = *state;

	fixture->a.after = what_follows_comes_at_once;
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_OK);
	(void)pthread_join(carrier.thread, NULL);
	assert_string_equal(fixture->a.why.text, "");
	assert_int_equal(fixture->a.err, JP_ERR_OK);
	assert_true(has(&fixture->a, ID));
	assert_true(has(&fixture->a, OTHER));
	assert_int_equal(fixture->a.appends, 1);
}

static void
it_comes_to_a_store_that_cannot_write(struct fake_host *a)
{
	what_follows_comes_at_once(a);
	jp_store_mem_fail(a->below, 1, JP_ERR_IO, true);
}

/* The gap that it leaves is none of the log. */
static void
what_follows_a_batch_that_cannot_be_written_here_is_no_gap(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *a = &fixture->a;
	struct jp_replica_status status;

	a->after = it_comes_to_a_store_that_cannot_write;
	assert_int_equal(add_to(a, ID), JP_ERR_IO);
	(void)pthread_join(carrier.thread, NULL);
	jp_store_mem_fail(a->below, 0, JP_ERR_OK, false);
	assert_int_equal(a->err, JP_ERR_IO);
	assert_non_null(
	    strstr(a->why.text, "batch 1 of the log cannot be applied"));
	jp_replica_status(a->replica, &status);
	assert_int_equal(status.refused, 0);
	assert_non_null(strstr(status.refused_why, "cannot be applied"));
	/* Both are there after a new connection. */
	fake_cut(a, true);
	fake_connect(a);
	(void)fake_pump(a);
	assert_int_equal(a->err, JP_ERR_OK);
	assert_true(has(a, ID));
	assert_true(has(a, OTHER));
}

/* Nor is it known when the time is over: it is neither done nor not done. */
static void
what_nobody_knows_shows_later(void **state)
{
	static const enum fake_way ways[] = { FAKE_SILENT_DONE,
		FAKE_SILENT_UNDONE };
	struct fixture *fixture = *state;
	struct fake_host hasty;

	open_hasty(fixture, &hasty);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		const char *id = i == 0 ? ID : OTHER;

		hasty.way = (int)ways[i];
		assert_int_equal(add_to(&hasty, id), JP_ERR_TIMEOUT);
		assert_why(&hasty, "will show");
		assert_false(has(&hasty, id));
		(void)fake_pump(&hasty);
		assert_int_equal(has(&hasty, id), ways[i] == FAKE_SILENT_DONE);
		fake_connect(&hasty);
	}
	assert_int_equal(add_to(&hasty, OTHER), JP_ERR_OK);
	assert_int_equal(fixture->log.head, 2);
	fake_host_close(&hasty);
}

/* The link believes that the host has what it was told is done. */
static void
a_late_answer_to_what_was_given_up_begins_anew(void **state)
{
	struct fixture *fixture = *state;
	struct jp_link_msg msg = { .kind = JP_LINK_APPENDED };
	struct fake_host hasty;

	open_hasty(fixture, &hasty);
	hasty.way = FAKE_SILENT_DONE;
	assert_int_equal(add_to(&hasty, ID), JP_ERR_TIMEOUT);
	msg.appended.req = hasty.last_req;
	msg.appended.nodes.head = 1;
	assert_int_equal(fake_give(&hasty, &msg, NULL), JP_ERR_CONFLICT);
	assert_non_null(strstr(hasty.why.text, "batch 1 of this host"));
	/* Once more, when it is here, it is nothing. */
	fake_connect(&hasty);
	(void)fake_pump(&hasty);
	assert_true(has(&hasty, ID));
	assert_int_equal(fake_give(&hasty, &msg, NULL), JP_ERR_OK);
	assert_int_equal(add_to(&hasty, OTHER), JP_ERR_OK);
	fake_host_close(&hasty);
}

/* It has come by the log before: there is nothing to ask for. */
static void
a_late_answer_to_what_is_here_is_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct jp_link_msg msg = { .kind = JP_LINK_APPENDED };
	struct fake_host hasty;

	open_hasty(fixture, &hasty);
	hasty.way = FAKE_SILENT_DONE;
	assert_int_equal(add_to(&hasty, ID), JP_ERR_TIMEOUT);
	(void)fake_pump(&hasty);
	assert_true(has(&hasty, ID));
	msg.appended.req = hasty.last_req;
	msg.appended.nodes.head = 1;
	assert_int_equal(fake_give(&hasty, &msg, NULL), JP_ERR_OK);
	assert_int_equal(add_to(&hasty, OTHER), JP_ERR_OK);
	fake_host_close(&hasty);
}

/* The link takes the next one when it has answered, or is another one. */
static void
one_at_a_time_is_sent(void **state)
{
	struct fixture *fixture = *state;
	struct jp_link_msg msg = { .kind = JP_LINK_APPENDED };
	struct fake_host hasty;

	open_hasty(fixture, &hasty);
	hasty.way = FAKE_SILENT_UNDONE;
	assert_int_equal(add_to(&hasty, ID), JP_ERR_TIMEOUT);
	assert_int_equal(add_to(&hasty, ID), JP_ERR_UNREACHABLE);
	assert_why(&hasty, "does not answer in time");
	/* Nor is the answer to something else one. */
	msg.appended.req = hasty.last_req + 1;
	assert_int_equal(fake_give(&hasty, &msg, NULL), JP_ERR_OK);
	assert_int_equal(add_to(&hasty, ID), JP_ERR_UNREACHABLE);
	assert_int_equal(hasty.appends, 1);
	fake_connect(&hasty);
	assert_int_equal(add_to(&hasty, ID), JP_ERR_OK);
	assert_int_equal(hasty.appends, 2);
	/* Its own one, that it was not done, is. */
	hasty.way = FAKE_SILENT_UNDONE;
	assert_int_equal(add_to(&hasty, OTHER), JP_ERR_TIMEOUT);
	msg.appended.req = hasty.last_req;
	msg.appended.result = JP_LINK_NOT_DONE;
	assert_int_equal(fake_give(&hasty, &msg, NULL), JP_ERR_OK);
	assert_int_equal(add_to(&hasty, OTHER), JP_ERR_OK);
	fake_host_close(&hasty);
}

static void
another_one_is_answered(struct fake_host *a)
{
	struct jp_link_msg msg = { .kind = JP_LINK_APPENDED };

	a->behind = NULL;
	msg.appended.req = a->last_req - 1;
	msg.appended.nodes.head = 1;
	assert_int_equal(fake_give(a, &msg, NULL), JP_ERR_OK);
}

static void
an_answer_to_another_batch_is_not_its_own(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *a = &fixture->a;

	a->behind = another_one_is_answered;
	a->way = FAKE_SILENT_UNDONE;
	jp_store_begin_by(a->store, JP_BEGIN_LOUD, jp_now_ms() + HASTY_MS);
	assert_int_equal(add(a->store, ID, "alice", JP_NEVER), JP_ERR_TIMEOUT);
	assert_false(has(a, ID));
}

static void
it_says_otherwise(struct fake_host *a)
{
	struct jp_link_msg msg = { .kind = JP_LINK_APPENDED };

	a->after = NULL;
	msg.appended.req = a->last_req;
	msg.appended.result = JP_LINK_NOT_DONE;
	assert_int_equal(fake_give(a, &msg, NULL), JP_ERR_OK);
}

static void
the_first_answer_holds(void **state)
{
	struct fixture *fixture = *state;

	fixture->a.after = it_says_otherwise;
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_OK);
	assert_true(has(&fixture->a, ID));
}

static void
something_is_refused(struct fake_host *a)
{
	struct jp_link_msg msg = { .kind = JP_LINK_DONE };

	a->behind = NULL;
	assert_int_equal(fake_give(a, &msg, NULL), JP_ERR_PROTOCOL);
	a->welcome = false;
}

/* Over a connection of which something was refused nothing is believed. */
static void
an_answer_behind_nonsense_is_not_taken(void **state)
{
	struct fixture *fixture = *state;

	fixture->a.behind = something_is_refused;
	fixture->a.way = FAKE_REFUSES;
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_OK);
	assert_int_equal(fixture->a.appends, 2);
	assert_int_equal(fixture->log.head, 1);
}

static void
what_the_database_refuses_is_not_done(void **state)
{
	struct fixture *fixture = *state;

	fixture->a.way = FAKE_REFUSES;
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_UNREACHABLE);
	assert_why(&fixture->a, "the disk is full");
	assert_false(has(&fixture->a, ID));
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_OK);
}

static void
nobody_waits_for_a_patd_that_ends(void **state)
{
	struct fixture *fixture = *state;

	fixture->a.way = FAKE_SILENT_UNDONE;
	jp_replica_stop(fixture->a.replica);
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_UNREACHABLE);
	assert_int_equal(fixture->a.appends, 0);
}

/* ---- what the log must not do ---- */

static void
assert_refused(struct fake_host *host, enum jp_err err, const char *part)
{
	struct jp_replica_status status;

	assert_int_equal(host->err, err);
	if (strstr(host->why.text, part) == NULL)
		fail_msg("\"%s\" is not in: %s", part, host->why.text);
	jp_replica_status(host->replica, &status);
	assert_string_equal(status.refused_why, host->why.text);
	assert_false(status.welcome);
}

/* What administrators are told to be no batch of this cluster. */
static void
assert_foreign(struct fake_host *host, uint64_t count)
{
	struct jp_replica_status status;

	jp_replica_status(host->replica, &status);
	assert_int_equal(status.refused, count);
}

/* Two batches of a, of which b has none. */
static void
make_two(struct fixture *fixture)
{
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_OK);
	assert_int_equal(add_to(&fixture->a, OTHER), JP_ERR_OK);
}

static void
give_batch(
    struct fixture *fixture, struct fake_host *host, uint64_t seq, uint64_t of)
{
	struct jp_link_msg msg;

	fake_batch(&fixture->log, of, &msg);
	msg.batch.seq = seq;
	(void)fake_give(host, &msg, fixture->log.of[of].bytes);
}

static void
a_wrong_mac_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct jp_link_msg msg;

	make_two(fixture);
	fake_batch(&fixture->log, 1, &msg);
	msg.batch.mac[7] ^= 1;
	(void)fake_give(&fixture->b, &msg, fixture->log.of[1].bytes);
	assert_refused(&fixture->b, JP_ERR_CHECKSUM, "wrong MAC");
	assert_false(has(&fixture->b, ID));
	assert_int_equal(fixture->log.nodes.of[1].applied, 0);
	/* Nor is anything else looked at until there is a new connection. */
	give_batch(fixture, &fixture->b, 1, 1);
	assert_int_equal(fixture->b.err, JP_ERR_OK);
	assert_string_equal(fixture->b.why.text, "");
	assert_false(has(&fixture->b, ID));
	fake_connect(&fixture->b);
	assert_true(fake_pump(&fixture->b));
	assert_true(has(&fixture->b, ID));
	assert_foreign(&fixture->b, 1);
}

static void
batches_out_of_order_are_refused(void **state)
{
	struct fixture *fixture = *state;

	make_two(fixture);
	give_batch(fixture, &fixture->b, 2, 2);
	assert_refused(&fixture->b, JP_ERR_CONFLICT, "1 is next");
	assert_false(has(&fixture->b, OTHER));
	fake_connect(&fixture->b);
	give_batch(fixture, &fixture->b, 1, 2);
	assert_refused(&fixture->b, JP_ERR_CHECKSUM, "wrong MAC");
	fake_connect(&fixture->b);
	give_batch(fixture, &fixture->b, 1, 1);
	give_batch(fixture, &fixture->b, 2, 1);
	assert_refused(&fixture->b, JP_ERR_CHECKSUM, "wrong MAC");
	assert_true(has(&fixture->b, ID));
}

/* The own batches come back, and after a new connection others, too. */
static void
what_was_applied_may_come_again(void **state)
{
	struct fixture *fixture = *state;
	struct jp_replica_status status;

	make_two(fixture);
	give_batch(fixture, &fixture->a, 1, 1);
	assert_int_equal(fixture->a.err, JP_ERR_OK);
	give_batch(fixture, &fixture->a, 2, 2);
	assert_int_equal(fixture->a.err, JP_ERR_OK);
	jp_replica_status(fixture->a.replica, &status);
	assert_int_equal(status.applied, 2);
	assert_int_equal(fixture->log.nodes.of[0].applied, 2);
	/* But not another one in its place. */
	give_batch(fixture, &fixture->a, 1, 2);
	assert_refused(&fixture->a, JP_ERR_CHECKSUM, "wrong MAC");
}

/* Of which no more is known than where they were. */
static void
what_was_applied_long_ago_may_come_again(void **state)
{
	struct fixture *fixture = *state;
	char id[9];

	for (unsigned int i = 0; i < 300; i++) {
		(void)snprintf(id, sizeof(id), "aaaaa%03u", i % 1000);
		assert_int_equal(add_to(&fixture->a, id), JP_ERR_OK);
	}
	give_batch(fixture, &fixture->a, 1, 1);
	assert_int_equal(fixture->a.err, JP_ERR_OK);
	give_batch(fixture, &fixture->a, 299, 298);
	assert_refused(&fixture->a, JP_ERR_CHECKSUM, "wrong MAC");
}

static void
a_log_that_says_done_and_is_not_is_found_out(void **state)
{
	struct fixture *fixture = *state;

	fixture->a.way = FAKE_LIES;
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_OK);
	assert_int_equal(add_to(&fixture->b, OTHER), JP_ERR_OK);
	(void)fake_pump(&fixture->a);
	assert_refused(&fixture->a, JP_ERR_CHECKSUM, "wrong MAC");
}

/* Nothing is known by it: the batch is sent again, over a new connection. */
static void
an_answer_that_cannot_be_true_is_refused(void **state)
{
	static const enum fake_way ways[] = { FAKE_ABSURD, FAKE_ABSURD_TOO };
	struct fixture *fixture = *state;
	struct jp_replica_status status;

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		fixture->a.way = (int)ways[i];
		fixture->a.appends = 0;
		assert_int_equal(
		    add_to(&fixture->a, i == 0 ? ID : OTHER), JP_ERR_OK);
		assert_int_equal(fixture->a.appends, 2);
		assert_int_equal(fixture->log.head, i + 1);
		jp_replica_status(fixture->a.replica, &status);
		assert_non_null(strstr(
		    status.refused_why, i == 0 ? "ends at 0" : "ends at 1"));
		(void)jp_replica_tick(fixture->a.replica);
	}
}

/* Gives b these as the first batch, which the right hosts have signed. */
static void
give_bytes(struct fixture *fixture, const uint8_t *bytes, size_t len)
{
	struct jp_link_msg msg = { .kind = JP_LINK_BATCH };
	struct jp_position start = { .seq = 0 }, to;
	struct jp_replica_status status;

	memcpy(start.mac, fixture->log.of[0].batch.mac, sizeof(start.mac));
	msg.batch.seq = 1;
	msg.batch.len = (uint32_t)len;
	link_text(msg.batch.node, "a");
	jp_chain_next(jp_replica_chain(fixture->b.replica), &start, &msg.batch,
	    bytes, &to);
	memcpy(msg.batch.mac, to.mac, sizeof(to.mac));
	assert_int_not_equal(fake_give(&fixture->b, &msg, bytes), JP_ERR_OK);
	jp_replica_status(fixture->b.replica, &status);
	assert_int_equal(status.position.seq, 0);
}

static void
a_batch_that_is_none_is_refused(void **state)
{
	static const uint8_t bytes[] = "JPB1, but no more";
	struct fixture *fixture = *state;

	give_bytes(fixture, bytes, sizeof(bytes));
	assert_non_null(strstr(fixture->b.why.text, "cannot be applied"));
}

/* Which is how a new try begins. */
static void
a_store_that_cannot_write_goes_on_after_a_new_hello(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_OK);
	jp_store_mem_fail(fixture->b.below, 2, JP_ERR_IO, false);
	(void)fake_pump(&fixture->b);
	assert_non_null(strstr(fixture->b.why.text, "the store in memory: "));
	assert_false(has(&fixture->b, ID));
	assert_int_equal(fixture->log.nodes.of[1].applied, 0);
	assert_foreign(&fixture->b, 0);
	fake_cut(&fixture->b, true);
	fixture->b.told = 0;
	fake_connect(&fixture->b);
	(void)fake_pump(&fixture->b);
	assert_true(has(&fixture->b, ID));
}

/* Its writers hear why, and not that pat-clusterd does not run. */
static void
who_cannot_apply_changes_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *b = &fixture->b;

	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_OK);
	jp_store_mem_fail(b->below, 2, JP_ERR_IO, false);
	(void)fake_pump(b);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(add_to(b, OTHER), JP_ERR_UNREACHABLE);
		assert_why(b, "nothing was changed: this host cannot take");
		assert_why(b, "cannot be applied");
		fake_cut(b, true);
	}
	assert_int_equal(fixture->log.head, 1);
	fake_connect(b);
	(void)fake_pump(b);
	/* A connection that ends without is lost for another reason. */
	fake_cut(b, true);
	assert_int_equal(add_to(b, OTHER), JP_ERR_UNREACHABLE);
	assert_why(b, "pat-clusterd does not run");
	fake_connect(b);
	(void)jp_replica_tick(b->replica);
	assert_int_equal(add_to(b, OTHER), JP_ERR_OK);
}

static void
a_batch_of_a_newer_version_says_so(void **state)
{
	static const uint8_t bytes[] = "JPB2, and more";
	struct fixture *fixture = *state;

	give_bytes(fixture, bytes, sizeof(bytes));
	assert_non_null(strstr(fixture->b.why.text,
	    "written by a newer version of jira-pat: install that on this "
	    "host"));
}

/* It is in the log: nobody may say that it was not done. */
static void
an_own_batch_that_cannot_be_written_here_is_done_elsewhere(void **state)
{
	struct fixture *fixture = *state;

	jp_store_begin(fixture->a.store, JP_BEGIN_LOUD);
	jp_store_mem_fail(fixture->a.below, 3, JP_ERR_IO, true);
	assert_int_equal(
	    add(fixture->a.store, ID, "alice", JP_NEVER), JP_ERR_IO);
	jp_store_mem_fail(fixture->a.below, 0, JP_ERR_OK, false);
	assert_why(&fixture->a, "in the log of the cluster");
	assert_int_equal(fixture->log.head, 1);
	assert_int_equal(fixture->log.nodes.of[0].applied, 0);
	fixture->a.told = 1;
	assert_int_not_equal(
	    fake_give(&fixture->a,
	        &(struct jp_link_msg){ .kind = JP_LINK_NODES }, NULL),
	    JP_ERR_OK);
	assert_non_null(strstr(fixture->a.why.text, "cannot be applied"));
	fake_cut(&fixture->a, true);
	fixture->a.told = 0;
	fake_connect(&fixture->a);
	(void)fake_pump(&fixture->a);
	assert_true(has(&fixture->a, ID));
}

static void
hosts_that_cannot_be_kept_in_mind_are_refused(void **state)
{
	struct fixture *fixture = *state;
	struct jp_link_msg msg = { .kind = JP_LINK_NODES };
	struct jp_replica_status before, after;

	jp_replica_status(fixture->a.replica, &before);
	msg.nodes.nodes.len = 1;
	msg.nodes.log_batches = 7;
	msg.nodes.log_bytes = 9;
	link_text(msg.nodes.nodes.of[0].name, "c");
	atomic_store(&now_ms, -1); /* there is no clock */
	assert_int_equal(fake_give(&fixture->a, &msg, NULL), JP_ERR_IO);
	assert_non_null(strstr(fixture->a.why.text, "cannot be taken"));
	assert_null(strstr(fixture->a.why.text, "too many"));
	atomic_store(&now_ms, START_MS);
	jp_replica_status(fixture->a.replica, &after);
	assert_int_equal(after.nodes.len, before.nodes.len);
	assert_int_equal(after.log_batches, before.log_batches);
	fake_connect(&fixture->a);
	assert_int_equal(fake_give(&fixture->a, &msg, NULL), JP_ERR_OK);
	jp_replica_status(fixture->a.replica, &after);
	assert_int_equal(after.nodes.len, 1);
	assert_int_equal(after.log_batches, 7);
	assert_int_equal(after.log_bytes, 9);
	/* What comes with the answer to a batch is one, too. */
	memset(&msg, 0, sizeof(msg));
	msg.kind = JP_LINK_APPENDED;
	atomic_store(&now_ms, -1);
	assert_int_equal(fake_give(&fixture->a, &msg, NULL), JP_ERR_IO);
	assert_non_null(strstr(fixture->a.why.text, "cannot be taken"));
}

static void
it_is_known_how_old_a_reading_is(void **state)
{
	struct fixture *fixture = *state;
	struct jp_link_msg msg = { .kind = JP_LINK_NODES };
	struct jp_replica_status status;

	atomic_store(&now_ms, 0);
	jp_replica_status(fixture->a.replica, &status);
	assert_int_equal(status.nodes_age_ms, -1);
	assert_int_equal(fake_give(&fixture->a, &msg, NULL), JP_ERR_OK);
	atomic_store(&now_ms, 7);
	jp_replica_status(fixture->a.replica, &status);
	assert_int_equal(status.nodes_age_ms, 7);
	assert_int_equal(fake_give(&fixture->a, &msg, NULL), JP_ERR_OK);
	atomic_store(&now_ms, 10);
	jp_replica_status(fixture->a.replica, &status);
	assert_int_equal(status.nodes_age_ms, 3);
}

static void
more_hosts_than_there_can_be_are_named_as_such(void **state)
{
	struct fixture *fixture = *state;
	struct jp_link_msg msg = { .kind = JP_LINK_NODES };

	for (int set = 0; set < 3; set++) {
		link_nodes(&msg.nodes.nodes, JP_LINK_NODES_MAX);
		for (size_t i = 0; i < JP_LINK_NODES_MAX; i++)
			msg.nodes.nodes.of[i].name[0] = (char)('a' + set);
		(void)fake_give(&fixture->a, &msg, NULL);
	}
	assert_refused(&fixture->a, JP_ERR_OVERLOAD, "too many of them");
}

/* The last reading of the hosts holds on, and so do their leases. */
static void
an_answer_that_it_is_not_done_says_nothing_of_hosts(void **state)
{
	static const enum jp_link_result results[] = { JP_LINK_CONFLICT,
		JP_LINK_NOT_DONE, JP_LINK_UNKNOWN };
	struct fixture *fixture = *state;
	struct jp_link_msg msg = { .kind = JP_LINK_APPENDED };
	struct jp_replica_status status;

	pump(fixture);
	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
		msg.appended.result = results[i];
		assert_int_equal(fake_give(&fixture->a, &msg, NULL), JP_ERR_OK);
		jp_replica_status(fixture->a.replica, &status);
		assert_int_equal(status.nodes.len, 2);
	}
}

static void
set_cluster(struct jp_link_welcome *welcome)
{
	welcome->cluster[0] ^= 1;
}

static void
set_tag(struct jp_link_welcome *welcome)
{
	welcome->tag[0] ^= 1;
}

static void
set_version(struct jp_link_welcome *welcome)
{
	welcome->version++;
}

static void
set_head(struct jp_link_welcome *welcome)
{
	welcome->head--;
}

static void
set_mac(struct jp_link_welcome *welcome)
{
	welcome->mac[0] ^= 1;
}

static void
set_oldest(struct jp_link_welcome *welcome)
{
	welcome->head = 9;
	welcome->oldest = 4;
}

static const struct bad_welcome {
	void (*set)(struct jp_link_welcome *welcome);
	enum jp_err err;
	const char *part;
} bad_welcomes[] = {
	{ set_cluster, JP_ERR_CONFLICT, "another cluster" },
	{ set_tag, JP_ERR_CHECKSUM, "another pepper" },
	{ set_version, JP_ERR_PROTOCOL, "same version" },
	{ set_head, JP_ERR_CONFLICT, "has lost" },
	{ set_mac, JP_ERR_CHECKSUM, "another one" },
	{ set_oldest, JP_ERR_CONFLICT, "lacks, from 3 to 3: stop" },
};

static void
another_log_than_its_own_is_refused(void **state)
{
	struct fixture *fixture = *state;

	make_two(fixture);
	for (size_t i = 0; i < sizeof(bad_welcomes) / sizeof(bad_welcomes[0]);
	     i++) {
		struct jp_link_msg msg = { .kind = JP_LINK_WELCOME };
		struct jp_link_welcome *welcome = &msg.welcome;
		struct jp_replica_status status;

		jp_replica_status(fixture->a.replica, &status);
		welcome->version = JP_LINK_VERSION;
		memcpy(welcome->cluster, status.position.cluster,
		    sizeof(welcome->cluster));
		memcpy(welcome->mac, status.position.mac, sizeof(welcome->mac));
		jp_pepper_name(&fake_pepper, welcome->tag);
		welcome->head = 2;
		welcome->oldest = 3;
		assert_int_equal(fake_give(&fixture->a, &msg, NULL), JP_ERR_OK);
		bad_welcomes[i].set(welcome);
		(void)fake_give(&fixture->a, &msg, NULL);
		assert_refused(
		    &fixture->a, bad_welcomes[i].err, bad_welcomes[i].part);
	}
}

static void
a_message_that_is_not_for_it_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct jp_link_msg msg = { .kind = JP_LINK_DONE };

	(void)fake_give(&fixture->a, &msg, NULL);
	assert_refused(&fixture->a, JP_ERR_PROTOCOL, "DONE");
}

/* ---- leases ---- */

static void
there_is_a_lease_as_soon_as_all_is_applied(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *b = &fixture->b;
	struct jp_replica_status status;

	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_OK);
	assert_false(jp_replica_holds(b->replica));
	(void)jp_replica_tick(b->replica);
	assert_int_equal(b->leases, 1);
	assert_false(jp_replica_holds(b->replica)); /* it lacks a batch */
	(void)fake_pump(b);
	assert_true(jp_replica_holds(b->replica));
	atomic_fetch_add(&now_ms, OWN - 1);
	assert_true(jp_replica_holds(b->replica));
	jp_replica_status(b->replica, &status);
	assert_int_equal(status.lease_ms, FAKE_LEASE_MS);
	assert_int_equal(status.lease_left_ms, 1);
	atomic_fetch_add(&now_ms, 1);
	assert_false(jp_replica_holds(b->replica));
}

static void
a_lease_is_renewed_in_time(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *a = &fixture->a;
	struct jp_replica_status status;

	for (int i = 0; i < 100; i++) {
		int64_t wait_ms = jp_replica_tick(a->replica);

		assert_in_range(wait_ms, 1, 1000);
		assert_true(jp_replica_holds(a->replica));
		atomic_fetch_add(&now_ms, wait_ms);
	}
	assert_in_range(a->leases, 2, 100);
	jp_replica_status(a->replica, &status);
	assert_int_equal(status.leases, a->leases);
	assert_int_equal(status.lapses, 0);
	assert_true(status.holds);
}

static void
a_host_that_begins_asks_for_one(void **state)
{
	struct fixture *fixture = *state;

	atomic_store(&now_ms, -1); /* not without a clock */
	(void)jp_replica_tick(fixture->a.replica);
	assert_int_equal(fixture->a.leases, 0);
	atomic_store(&now_ms, 0);
	(void)jp_replica_tick(fixture->a.replica);
	assert_int_equal(fixture->a.leases, 1);
	assert_true(jp_replica_holds(fixture->a.replica));
	/* And the next one is not forgotten for long, nor late. */
	assert_int_equal(jp_replica_tick(fixture->a.replica), 1000);
	atomic_store(&now_ms, FAKE_LEASE_MS / 3 - 7);
	assert_int_equal(jp_replica_tick(fixture->a.replica), 7);
	assert_int_equal(fixture->a.leases, 1);
	atomic_store(&now_ms, FAKE_LEASE_MS / 3);
	assert_int_equal(jp_replica_tick(fixture->a.replica), 1000);
	assert_int_equal(fixture->a.leases, 2);
}

static void
a_short_lease_is_renewed_sooner_than_once_a_second(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host hasty;

	fake_lease_ms = 1000;
	fake_host_open(&hasty, &fixture->log, "c", fake_boot_ms);
	fake_lease_ms = FAKE_LEASE_MS;
	fake_connect(&hasty);
	assert_int_equal(jp_replica_tick(hasty.replica), 1000 / 3);
	assert_int_equal(hasty.leases, 1);
	fake_host_close(&hasty);
}

/* It is shown until all of the log is here. */
static void
what_was_refused_is_shown_until_a_lease_holds(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *b = &fixture->b;
	struct jp_replica_status status;

	make_two(fixture);
	give_batch(fixture, b, 2, 2);
	assert_refused(b, JP_ERR_CONFLICT, "1 is next");
	fake_connect(b);
	(void)jp_replica_tick(b->replica); /* it lacks both */
	jp_replica_status(b->replica, &status);
	assert_non_null(strstr(status.refused_why, "1 is next"));
	(void)fake_pump(b);
	atomic_fetch_add(&now_ms, FAKE_LEASE_MS / 3);
	(void)jp_replica_tick(b->replica);
	jp_replica_status(b->replica, &status);
	assert_true(status.holds);
	assert_string_equal(status.refused_why, "");
}

/* A lease that holds goes on where the connection does not. */
static void
a_lost_connection_leaves_the_lease(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *a = &fixture->a;
	struct jp_replica_status status;

	(void)jp_replica_tick(a->replica);
	fake_cut(a, true);
	atomic_fetch_add(&now_ms, OWN - 1);
	assert_true(jp_replica_holds(a->replica));
	(void)jp_replica_tick(a->replica);
	assert_int_equal(a->leases, 1);
	atomic_fetch_add(&now_ms, 1);
	jp_replica_status(a->replica, &status);
	assert_int_equal(status.lapses, 1);
	assert_false(status.holds);
	assert_int_equal(status.lease_left_ms, 0);
	fake_connect(a);
	(void)jp_replica_tick(a->replica); /* at once */
	assert_true(jp_replica_holds(a->replica));
}

static void
a_lease_of_a_log_that_went_back_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct jp_link_msg msg = { .kind = JP_LINK_LEASED };

	make_two(fixture);
	fixture->a.deaf = true;
	(void)jp_replica_tick(fixture->a.replica);
	msg.leased.req = 3;
	msg.leased.ok = true;
	msg.leased.head = 1;
	(void)fake_give(&fixture->a, &msg, NULL);
	assert_refused(&fixture->a, JP_ERR_CONFLICT, "has lost");
	fake_connect(&fixture->a);
	msg.leased.head = 2;
	(void)fake_give(&fixture->a, &msg, NULL);
	assert_refused(&fixture->a, JP_ERR_CHECKSUM, "another one");
	assert_false(jp_replica_holds(fixture->a.replica));
}

/* However late it comes, and whatever was asked since. */
static void
a_lease_is_as_long_as_its_own_request(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *a = &fixture->a;
	struct jp_link_msg msg = { .kind = JP_LINK_LEASED };

	a->deaf = true;
	(void)jp_replica_tick(a->replica);
	msg.leased.req = a->lease_req;
	atomic_fetch_add(&now_ms, FAKE_LEASE_MS / 3);
	(void)jp_replica_tick(a->replica);
	assert_int_equal(a->leases, 2);
	memcpy(msg.leased.mac, fixture->log.of[0].batch.mac, JP_LINK_MAC_LEN);
	msg.leased.ok = true;
	assert_int_equal(fake_give(a, &msg, NULL), JP_ERR_OK);
	atomic_store(&now_ms, START_MS + OWN - 1);
	assert_true(jp_replica_holds(a->replica));
	atomic_store(&now_ms, START_MS + OWN);
	assert_false(jp_replica_holds(a->replica));
}

static void
one_that_is_refused_is_none_and_no_fault_of_the_log(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *a = &fixture->a;
	struct jp_link_msg msg = { .kind = JP_LINK_LEASED };
	struct jp_replica_status status;

	assert_int_equal(add_to(a, ID), JP_ERR_OK);
	a->deaf = true;
	(void)jp_replica_tick(a->replica);
	msg.leased.req = a->lease_req;
	link_text(msg.leased.text, "it has left");
	assert_int_equal(fake_give(a, &msg, NULL), JP_ERR_OK);
	assert_false(jp_replica_holds(a->replica));
	jp_replica_status(a->replica, &status);
	assert_true(status.welcome);
	assert_int_equal(status.leases, 0);
}

static void
one_that_leaves_is_granted_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *a = &fixture->a;
	struct jp_replica_status status;

	(void)jp_replica_tick(a->replica);
	jp_replica_drop(a->replica);
	assert_false(jp_replica_holds(a->replica));
	atomic_fetch_add(&now_ms, FAKE_LEASE_MS);
	(void)jp_replica_tick(a->replica);
	assert_false(jp_replica_holds(a->replica));
	assert_int_equal(a->leases, 1);
	jp_replica_status(a->replica, &status);
	assert_int_equal(status.lapses, 0); /* it was given back */
}

/* ---- settling ---- */

/* Time passes, and messages come, while somebody waits. */
struct world {
	struct fixture *fixture;
	atomic_bool over;
	pthread_t thread;
};

static void *
go_on(void *arg)
{
	struct world *world = arg;

	while (!atomic_load(&world->over)) {
		pump(world->fixture);
		(void)jp_replica_tick(world->fixture->a.replica);
		(void)jp_replica_tick(world->fixture->b.replica);
		atomic_fetch_add(&now_ms, 50);
		(void)sched_yield();
	}
	return NULL;
}

static void
world_start(struct world *world, struct fixture *fixture)
{
	world->fixture = fixture;
	atomic_init(&world->over, false);
	fixture->a.is_pumped = fixture->b.is_pumped = true;
	assert_int_equal(pthread_create(&world->thread, NULL, go_on, world), 0);
}

static void
world_end(struct world *world)
{
	atomic_store(&world->over, true);
	(void)pthread_join(world->thread, NULL);
	world->fixture->a.is_pumped = world->fixture->b.is_pumped = false;
}

static void
what_is_settled_is_everywhere(void **state)
{
	struct fixture *fixture = *state;
	struct jp_replica_status status;
	struct world world;
	struct jp_why why;

	(void)jp_replica_tick(fixture->b.replica);
	pump(fixture);
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_OK);
	world_start(&world, fixture);
	assert_int_equal(jp_store_settle(fixture->a.store, &why), JP_ERR_OK);
	assert_true(has(&fixture->b, ID));
	assert_string_equal(why.text, "");
	world_end(&world);
	jp_replica_status(fixture->a.replica, &status);
	assert_int_equal(status.waits, 1);
	assert_int_equal(status.late, 0);
}

/* Whose lease is over before anybody says that it is revoked. */
static void
who_is_cut_off_accepts_nothing_once_it_is_settled(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *b = &fixture->b;
	struct jp_replica_status status;
	struct world world;
	struct jp_why why;

	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_OK);
	pump(fixture);
	(void)jp_replica_tick(b->replica);
	pump(fixture);
	assert_true(jp_replica_holds(b->replica));
	fake_cut(b, true);
	assert_int_equal(revoke_on(&fixture->a, ID), JP_ERR_OK);
	assert_true(jp_replica_holds(b->replica));
	assert_false(is_revoked(b, ID));
	world_start(&world, fixture);
	assert_int_equal(jp_store_settle(fixture->a.store, &why), JP_ERR_OK);
	assert_false(jp_replica_holds(b->replica));
	world_end(&world);
	assert_non_null(strstr(why.text, "s for b, which does not answer"));
	jp_replica_status(fixture->a.replica, &status);
	assert_int_equal(status.late, 1);
	/* The next one need not wait, and b learns of all of it. */
	assert_int_equal(add_to(&fixture->a, OTHER), JP_ERR_OK);
	assert_int_equal(jp_store_settle(fixture->a.store, &why), JP_ERR_OK);
	assert_string_equal(why.text, "");
	fake_connect(b);
	pump(fixture);
	(void)jp_replica_tick(b->replica);
	assert_true(jp_replica_holds(b->replica));
	assert_true(is_revoked(b, ID));
}

/* And nobody waits for those. */
static void
quiet_commits_are_not_settled(void **state)
{
	struct fixture *fixture = *state;
	struct jp_why why;

	(void)jp_replica_tick(fixture->b.replica);
	pump(fixture);
	jp_store_begin(fixture->a.store, JP_BEGIN_QUIET);
	assert_int_equal(
	    add(fixture->a.store, ID, "alice", JP_NEVER), JP_ERR_OK);
	assert_int_equal(jp_store_settle(fixture->a.store, &why), JP_ERR_OK);
	assert_false(has(&fixture->b, ID));
}

/* What another host has not settled yet is not told here as done, either. */
static void
who_finds_it_done_waits_as_well(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host c;
	struct world world;
	struct jp_why why;

	fake_host_open(&c, &fixture->log, "c", fake_boot_ms);
	fake_connect(&c);
	(void)jp_replica_tick(c.replica);
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_OK);
	(void)fake_pump(&fixture->b);
	assert_true(jp_replica_holds(c.replica));
	assert_false(has(&c, ID));
	world_start(&world, fixture);
	jp_store_begin(fixture->b.store, JP_BEGIN_LOUD);
	assert_true(has(&fixture->b, ID));
	assert_int_equal(jp_store_settle(fixture->b.store, &why), JP_ERR_OK);
	assert_false(jp_replica_holds(c.replica));
	world_end(&world);
	fake_host_close(&c);
}

static void
what_cannot_be_seen_is_not_called_settled(void **state)
{
	struct fixture *fixture = *state;
	struct world world;
	struct jp_why why;

	assert_int_equal(add_to(&fixture->b, ID), JP_ERR_OK);
	give_batch(fixture, &fixture->a, 1, 1);
	fake_cut(&fixture->a, true);
	jp_store_begin(fixture->a.store, JP_BEGIN_LOUD);
	world_start(&world, fixture);
	assert_int_equal(
	    jp_store_settle(fixture->a.store, &why), JP_ERR_TIMEOUT);
	world_end(&world);
	assert_non_null(strstr(why.text, "cannot be reached"));
	assert_non_null(strstr(why.text, "(15 s here)"));
}

/* Batch 1 is here, and at `host` others may have a lease without it. */
static void
make_late(struct fixture *fixture, struct fake_host *host, size_t others,
    uint32_t lease_ms)
{
	struct jp_link_msg msg = { .kind = JP_LINK_NODES };
	struct jp_link_nodes *nodes = &msg.nodes.nodes;

	if (fixture->log.head == 0)
		assert_int_equal(add_to(&fixture->b, ID), JP_ERR_OK);
	fake_host_open(host, &fixture->log, "x", stepping_boot_ms);
	fake_connect(host);
	give_batch(fixture, host, 1, 1);
	jp_store_begin(host->store, JP_BEGIN_LOUD);
	nodes->head = 1;
	nodes->len = (uint16_t)others;
	for (size_t i = 0; i < others; i++) {
		nodes->of[i].name[0] = (char)('b' + (int)i);
		nodes->of[i].grants = 1;
		nodes->of[i].lease_ms = lease_ms;
	}
	assert_int_equal(fake_give(host, &msg, NULL), JP_ERR_OK);
}

/* In whole seconds, as people count. */
static void
who_was_waited_for_is_named_with_the_time(void **state)
{
	static const struct {
		size_t others;
		int64_t waited_ms;
		const char *text;
	} rows[] = {
		{ 1, 499,
		    "waited 0 s for b, which does not answer: it accepts "
		    "nothing until it is back" },
		{ 1, 500,
		    "waited 1 s for b, which does not answer: it accepts "
		    "nothing until it is back" },
		{ 1, 1499,
		    "waited 1 s for b, which does not answer: it "
		    "accepts nothing until it is back" },
		{ 2, 1500,
		    "waited 2 s for b, c, which do not answer: they "
		    "accept nothing until they are back" },
		{ 3, 15000,
		    "waited 15 s for b, c, d, which do not answer: "
		    "they accept nothing until they are back" },
	};
	struct fixture *fixture = *state;
	struct fake_host host;
	struct jp_why why;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		make_late(fixture, &host, rows[i].others, 20);
		atomic_store(&step_ms, rows[i].waited_ms);
		assert_int_equal(jp_store_settle(host.store, &why), JP_ERR_OK);
		assert_string_equal(why.text, rows[i].text);
		atomic_store(&step_ms, 0);
		fake_host_close(&host);
	}
}

/* Nobody is to bring it back. */
static void
who_has_left_is_said_to_be_no_longer_there(void **state)
{
	static const struct {
		size_t others, left; /* the last ones of the others */
		const char *text;
	} rows[] = {
		{ 1, 1, "waited 5 s for b, no longer in the cluster" },
		{ 2, 2, "waited 5 s for b, c, no longer in the cluster" },
		{ 2, 1,
		    "waited 5 s for b, which does not answer: it accepts "
		    "nothing until it is back; and for those no longer in the "
		    "cluster: c" },
		{ 4, 2,
		    "waited 5 s for b, c, which do not answer: they accept "
		    "nothing until they are back; and for those no longer in "
		    "the cluster: d, e" },
	};
	struct fixture *fixture = *state;
	struct jp_link_msg msg = { .kind = JP_LINK_NODES };
	struct jp_link_nodes *nodes = &msg.nodes.nodes;
	struct fake_host host;
	struct jp_why why;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		make_late(fixture, &host, rows[i].others, 20);
		nodes->head = 1;
		nodes->len = (uint16_t)rows[i].others;
		for (size_t j = 0; j < rows[i].others; j++) {
			nodes->of[j].name[0] = (char)('b' + (int)j);
			nodes->of[j].grants = 1;
			nodes->of[j].lease_ms = 20;
			nodes->of[j].gone = j + rows[i].left >= rows[i].others;
		}
		assert_int_equal(fake_give(&host, &msg, NULL), JP_ERR_OK);
		atomic_store(&step_ms, 5000);
		assert_int_equal(jp_store_settle(host.store, &why), JP_ERR_OK);
		assert_string_equal(why.text, rows[i].text);
		atomic_store(&step_ms, 0);
		fake_host_close(&host);
	}
}

/* Of so many as there can be the first ones are named. */
static void
a_line_of_many_names_is_cut(void **state)
{
	struct fixture *fixture = *state;
	struct jp_link_msg msg = { .kind = JP_LINK_NODES };
	struct fake_host host;
	struct jp_why why;

	make_late(fixture, &host, 0, 20);
	link_nodes(&msg.nodes.nodes, JP_LINK_NODES_MAX);
	msg.nodes.nodes.head = 1;
	for (size_t i = 0; i < JP_LINK_NODES_MAX; i++) {
		struct jp_link_node *node = &msg.nodes.nodes.of[i];

		memset(node->name, 'n', JP_LINK_NAME_MAX);
		node->name[0] = (char)('0' + (int)i);
		node->applied = 0;
		node->lease_ms = 20;
	}
	assert_int_equal(fake_give(&host, &msg, NULL), JP_ERR_OK);
	atomic_store(&step_ms, 1000);
	assert_int_equal(jp_store_settle(host.store, &why), JP_ERR_OK);
	assert_non_null(strstr(why.text, "waited 1 s for 0nnn"));
	atomic_store(&step_ms, 0);
	fake_host_close(&host);
}

static void
who_may_wait_no_longer_says_so(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host host;
	struct jp_why why;

	make_late(fixture, &host, 1, JP_LINK_LEASE_MAX_MS);
	assert_int_equal(
	    jp_store_settle_by(host.store, 0, &why), JP_ERR_TIMEOUT);
	assert_string_equal(
	    why.text, "it is done, and not all hosts have it yet");
	/* Though a lease goes on for minutes. */
	assert_int_equal(
	    jp_store_settle_by(host.store, jp_now_ms() + HASTY_MS, &why),
	    JP_ERR_TIMEOUT);
	assert_string_equal(
	    why.text, "it is done, and not all hosts have it yet");
	/* Time enough. */
	fake_host_close(&host);
	make_late(fixture, &host, 1, 20);
	atomic_store(&step_ms, 1000);
	assert_int_equal(
	    jp_store_settle_by(host.store, jp_now_ms() + 60000, &why),
	    JP_ERR_OK);
	assert_non_null(strstr(why.text, "waited 1 s for b"));
	atomic_store(&step_ms, 0);
	fake_host_close(&host);
}

struct settler {
	struct fake_host *host;
	struct jp_why why;
	enum jp_err err;
};

static void *
settle(void *arg)
{
	struct settler *settler = arg;

	settler->err = jp_store_settle(settler->host->store, &settler->why);
	return NULL;
}

static void
a_reading_is_waited_for(void **state)
{
	struct fixture *fixture = *state;
	struct settler settler = { .host = &fixture->a };
	struct jp_replica_status status;
	pthread_t thread;

	assert_int_equal(add_to(&fixture->b, ID), JP_ERR_OK);
	give_batch(fixture, &fixture->a, 1, 1);
	jp_store_begin(fixture->a.store, JP_BEGIN_LOUD);
	assert_int_equal(pthread_create(&thread, NULL, settle, &settler), 0);
	do {
		(void)sched_yield();
		jp_replica_status(fixture->a.replica, &status);
	} while (status.waits == 0);
	pump(fixture);
	(void)pthread_join(thread, NULL);
	assert_int_equal(settler.err, JP_ERR_OK);
	assert_string_equal(settler.why.text, "");
}

/* Nor for what was here before it began. */
static void
who_begins_quietly_waits_for_nobody(void **state)
{
	struct fixture *fixture = *state;
	struct jp_why why;

	assert_int_equal(add_to(&fixture->b, ID), JP_ERR_OK);
	give_batch(fixture, &fixture->a, 1, 1);
	jp_store_begin(fixture->a.store, JP_BEGIN_QUIET);
	assert_int_equal(
	    jp_store_settle_by(fixture->a.store, 0, &why), JP_ERR_OK);
}

static void
nobody_settles_with_a_patd_that_ends(void **state)
{
	struct fixture *fixture = *state;
	struct jp_why why;

	(void)jp_replica_tick(fixture->b.replica);
	pump(fixture);
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_OK);
	jp_replica_stop(fixture->a.replica);
	assert_int_equal(
	    jp_store_settle(fixture->a.store, &why), JP_ERR_TIMEOUT);
	assert_non_null(strstr(why.text, "patd ends"));
}

/* ---- opening ---- */

static void
only_a_store_of_a_cluster_can_be_a_replica(void **state)
{
	struct fixture *fixture = *state;
	struct jp_position filling = { .cluster = "a cluster of us" };
	struct jp_replica_options options = { .pepper = &fake_pepper,
		.node = "c",
		.holder = fake_holder,
		.lease_ms = FAKE_LEASE_MS,
		.clock = &jp_system_clock };
	struct jp_replica *replica;
	struct jp_store *store;
	struct jp_why why;

	(void)fixture;
	assert_int_equal(jp_store_mem_open(&options.store), JP_ERR_OK);
	assert_int_equal(
	    jp_replica_open(&options, &replica, &store, &why), JP_ERR_CONFIG);
	assert_null(store);
	assert_non_null(strstr(why.text, "cluster init"));
	assert_int_equal(jp_store_mem_open(&options.store), JP_ERR_OK);
	assert_int_equal(
	    jp_store_place(options.store, NULL, &filling), JP_ERR_OK);
	assert_int_equal(
	    jp_replica_open(&options, &replica, &store, &why), JP_ERR_CONFIG);
	assert_non_null(strstr(why.text, "join again"));
}

static void
a_name_or_a_lease_out_of_bounds_is_refused(void **state)
{
	struct jp_position start = { .cluster = "a cluster of us", .seq = 4 };
	struct jp_replica_options options = { .pepper = &fake_pepper,
		.node = "c",
		.holder = fake_holder,
		.clock = &jp_system_clock };
	struct jp_replica *replica;
	struct jp_store *store;
	struct jp_why why;

	(void)state;
	for (int i = 0; i < 3; i++) {
		options.node = i == 0 ? "no name" : "c";
		options.lease_ms = i == 0   ? FAKE_LEASE_MS
		                   : i == 1 ? JP_LINK_LEASE_MIN_MS - 1
		                            : JP_LINK_LEASE_MAX_MS + 1;
		assert_int_equal(jp_store_mem_open(&options.store), JP_ERR_OK);
		assert_int_equal(
		    jp_store_place(options.store, NULL, &start), JP_ERR_OK);
		assert_int_equal(
		    jp_replica_open(&options, &replica, &store, &why),
		    JP_ERR_CONFIG);
		assert_null(replica);
		assert_non_null(strstr(why.text,
		    i == 0 ? "\"no name\"" : "from 1 to 300 seconds"));
	}
}

static enum jp_err
open_at(uint64_t seq, int64_t append_wait_ms, bool fails,
    struct jp_replica **replica, struct jp_store **store, struct jp_why *why)
{
	struct jp_position start = { .cluster = "a cluster of us", .seq = seq };
	struct jp_replica_options options = { .pepper = &fake_pepper,
		.node = "c",
		.holder = fake_holder,
		.lease_ms = FAKE_LEASE_MS,
		.append_wait_ms = append_wait_ms,
		.clock = &jp_system_clock };

	memset(start.mac, 0x3a, sizeof(start.mac));
	assert_int_equal(jp_store_mem_open(&options.store), JP_ERR_OK);
	assert_int_equal(
	    jp_store_place(options.store, NULL, &start), JP_ERR_OK);
	if (fails)
		jp_store_mem_fail(options.store, 1, JP_ERR_IO, false);
	return jp_replica_open(&options, replica, store, why);
}

static void
a_store_that_cannot_be_read_is_no_replica(void **state)
{
	struct jp_replica *replica;
	struct jp_store *store;
	struct jp_why why;

	(void)state;
	assert_int_equal(
	    open_at(1, 0, true, &replica, &store, &why), JP_ERR_IO);
	assert_null(replica);
	assert_non_null(strstr(why.text, "the store in memory: "));
}

static void
a_writer_is_as_patient_as_a_lease_unless_told(void **state)
{
	static const struct {
		int64_t given, patience;
	} rows[] = { { 0, FAKE_LEASE_MS }, { 1, 1 }, { 60000, 60000 } };
	struct jp_replica *replica;
	struct jp_store *store;
	struct jp_why why;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(
		    open_at(1, rows[i].given, false, &replica, &store, &why),
		    JP_ERR_OK);
		assert_int_equal(jp_store_patience(store), rows[i].patience);
		jp_store_close(store);
	}
}

static void
the_shortest_and_the_longest_lease_are_leases(void **state)
{
	static const int64_t leases[] = { JP_LINK_LEASE_MIN_MS,
		JP_LINK_LEASE_MAX_MS };
	struct fixture *fixture = *state;
	struct fake_host c;

	for (size_t i = 0; i < sizeof(leases) / sizeof(leases[0]); i++) {
		fake_lease_ms = leases[i];
		fake_host_open(&c, &fixture->log, "c", fake_boot_ms);
		fake_lease_ms = FAKE_LEASE_MS;
		fake_host_close(&c);
	}
}

/* Its last batch, which it applied before it was started again. */
static void
the_batch_at_which_it_starts_is_known(void **state)
{
	struct jp_link_msg msg = { .kind = JP_LINK_WELCOME };
	struct jp_replica_status status;
	struct jp_replica *replica;
	struct jp_store *store;
	struct jp_why why;

	(void)state;
	assert_int_equal(
	    open_at(300, 0, false, &replica, &store, &why), JP_ERR_OK);
	jp_replica_status(replica, &status);
	msg.welcome.version = JP_LINK_VERSION;
	memcpy(msg.welcome.cluster, status.position.cluster, JP_LINK_ID_LEN);
	memcpy(msg.welcome.mac, status.position.mac, JP_LINK_MAC_LEN);
	jp_pepper_name(&fake_pepper, msg.welcome.tag);
	msg.welcome.head = 300;
	msg.welcome.oldest = 1;
	assert_int_equal(jp_replica_take(replica, &msg, NULL, &why), JP_ERR_OK);
	memset(&msg, 0, sizeof(msg));
	msg.kind = JP_LINK_BATCH;
	msg.batch.seq = 300;
	memset(msg.batch.mac, 0x3a, sizeof(msg.batch.mac));
	assert_int_equal(jp_replica_take(replica, &msg, NULL, &why), JP_ERR_OK);
	msg.batch.mac[0] ^= 1;
	assert_int_equal(
	    jp_replica_take(replica, &msg, NULL, &why), JP_ERR_CHECKSUM);
	jp_store_close(store);
}

static void
it_says_hello_with_its_place(void **state)
{
	struct fixture *fixture = *state;
	struct jp_link_msg msg;
	struct jp_replica_status status;

	make_two(fixture);
	jp_replica_status(fixture->a.replica, &status);
	jp_replica_hello(fixture->a.replica, &msg);
	assert_int_equal(msg.kind, JP_LINK_HELLO);
	assert_int_equal(msg.hello.version, JP_LINK_VERSION);
	assert_string_equal(msg.hello.node, "a");
	assert_int_equal(msg.hello.lease_ms, FAKE_LEASE_MS);
	assert_int_equal(msg.hello.applied, 2);
	assert_memory_equal(msg.hello.holder, fake_holder, JP_LINK_HOLDER_LEN);
	assert_memory_equal(
	    msg.hello.mac, status.position.mac, JP_LINK_MAC_LEN);
	assert_memory_equal(
	    msg.hello.cluster, status.position.cluster, JP_LINK_ID_LEN);
	assert_string_not_equal(msg.hello.release, "");
	jp_replica_status(fixture->a.replica, &status);
	assert_true(status.linked);
	assert_false(status.welcome);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_commit_is_in_the_log_and_here_and_then_on_the_others),
		TEST(users_and_upstream_credentials_go_the_same_way),
		TEST(a_commit_that_cannot_be_made_reaches_nobody),
		TEST(two_commits_in_a_row_are_two_batches),
		TEST(the_one_that_was_faster_is_applied_first),
		TEST(a_conflict_brings_what_others_did),
		TEST(a_conflict_is_none_until_its_batch_is_here),
		TEST(a_conflict_is_told_once_its_batch_is_here),
		TEST(what_became_of_batches_is_counted),
		TEST(who_has_not_begun_is_at_the_beginning),
		TEST(a_log_with_two_faces_is_found_out),
		TEST(on_a_full_disk_what_only_takes_away_is_sent),
		TEST(what_is_no_commit_is_for_the_store_below),
		TEST(a_link_that_takes_nothing_is_lost),
		TEST(a_reason_is_named_where_there_is_one),
		TEST(a_writer_waits_for_the_next_connection),
		TEST(a_writer_waits_no_longer_than_it_may),
		TEST(a_writer_is_woken_by_the_end_of_patd),
		TEST(a_new_connection_asks_at_once_and_hears_no_old_answer),
		TEST(without_a_connection_nothing_is_changed),
		TEST(a_lost_answer_is_asked_for_until_it_comes),
		TEST(a_refusal_behind_a_lost_answer_does_not_say_undone),
		TEST(a_refusal_says_undone_where_nothing_was_lost),
		TEST(a_link_that_comes_while_the_old_one_fails_is_used),
		TEST(what_is_unknown_ends_the_connection_to_the_database),
		TEST(news_of_a_connection_do_not_end_it),
		TEST(a_writer_is_woken_by_its_answer),
		TEST(what_comes_back_by_the_log_is_done),
		TEST(what_comes_behind_a_batch_changes_nothing_of_its_answer),
		TEST(what_follows_waits_for_the_writer),
		TEST(
		    what_follows_a_batch_that_cannot_be_written_here_is_no_gap),
		TEST(what_nobody_knows_shows_later),
		TEST(a_late_answer_to_what_was_given_up_begins_anew),
		TEST(a_late_answer_to_what_is_here_is_nothing),
		TEST(one_at_a_time_is_sent),
		TEST(an_answer_to_another_batch_is_not_its_own),
		TEST(the_first_answer_holds),
		TEST(an_answer_behind_nonsense_is_not_taken),
		TEST(what_the_database_refuses_is_not_done),
		TEST(nobody_waits_for_a_patd_that_ends),
		TEST(a_wrong_mac_is_refused),
		TEST(batches_out_of_order_are_refused),
		TEST(what_was_applied_may_come_again),
		TEST(what_was_applied_long_ago_may_come_again),
		TEST(a_log_that_says_done_and_is_not_is_found_out),
		TEST(an_answer_that_cannot_be_true_is_refused),
		TEST(a_batch_that_is_none_is_refused),
		TEST(a_store_that_cannot_write_goes_on_after_a_new_hello),
		TEST(who_cannot_apply_changes_nothing),
		TEST(a_batch_of_a_newer_version_says_so),
		TEST(
		    an_own_batch_that_cannot_be_written_here_is_done_elsewhere),
		TEST(hosts_that_cannot_be_kept_in_mind_are_refused),
		TEST(more_hosts_than_there_can_be_are_named_as_such),
		TEST(it_is_known_how_old_a_reading_is),
		TEST(an_answer_that_it_is_not_done_says_nothing_of_hosts),
		TEST(another_log_than_its_own_is_refused),
		TEST(a_message_that_is_not_for_it_is_refused),
		TEST(there_is_a_lease_as_soon_as_all_is_applied),
		TEST(a_host_that_begins_asks_for_one),
		TEST(a_lease_is_renewed_in_time),
		TEST(a_short_lease_is_renewed_sooner_than_once_a_second),
		TEST(what_was_refused_is_shown_until_a_lease_holds),
		TEST(a_lost_connection_leaves_the_lease),
		TEST(a_lease_of_a_log_that_went_back_is_refused),
		TEST(a_lease_is_as_long_as_its_own_request),
		TEST(one_that_is_refused_is_none_and_no_fault_of_the_log),
		TEST(one_that_leaves_is_granted_nothing),
		TEST(what_is_settled_is_everywhere),
		TEST(who_is_cut_off_accepts_nothing_once_it_is_settled),
		TEST(quiet_commits_are_not_settled),
		TEST(who_finds_it_done_waits_as_well),
		TEST(what_cannot_be_seen_is_not_called_settled),
		TEST(who_was_waited_for_is_named_with_the_time),
		TEST(who_has_left_is_said_to_be_no_longer_there),
		TEST(a_line_of_many_names_is_cut),
		TEST(who_may_wait_no_longer_says_so),
		TEST(a_reading_is_waited_for),
		TEST(who_begins_quietly_waits_for_nobody),
		TEST(nobody_settles_with_a_patd_that_ends),
		TEST(only_a_store_of_a_cluster_can_be_a_replica),
		TEST(a_name_or_a_lease_out_of_bounds_is_refused),
		TEST(a_store_that_cannot_be_read_is_no_replica),
		TEST(a_writer_is_as_patient_as_a_lease_unless_told),
		TEST(the_shortest_and_the_longest_lease_are_leases),
		TEST(the_batch_at_which_it_starts_is_known),
		TEST(it_says_hello_with_its_place),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
