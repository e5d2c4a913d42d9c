/*
 * What a host commits is in the log of the cluster, in its own store and then
 * in those of others; what cannot be in one of them is in none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sched.h>
#include <string.h>

#include "tests/unit/link_help.h"
#include "tests/unit/replica_help.h"
#include "tests/unit/store_help.h"

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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
