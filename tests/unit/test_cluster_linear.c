/*
 * What holds for one host (tests/unit/test_linear.c) holds for several: no
 * question that begins after a revocation has returned, on any host, is
 * accepted on any host. Three hosts with a log in memory, each with a clock
 * that is off and runs at another pace, threads that ask without a pause,
 * others that write, answers that get lost, and hosts that are cut off.
 *
 * The clocks are faster than real ones, so that leases run out soon. Nothing
 * depends on how long anything takes.
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

#include "tests/unit/cluster_help.h"
#include "tests/unit/store_help.h"

enum {
	HOSTS = 3,
	ROUNDS = 40,
	CUT_EVERY = 8,  /* rounds: one host is cut off in the middle */
	LOST_EVERY = 3, /* and an answer to a commit is lost */
	QUESTIONS = 20, /* of each host, before and after a revocation */
	WAIT_MS = 60000,
	TRIES = 100, /* of a commit that others are faster than */
	PACE = 30,   /* milliseconds of a host in a real one */
};

/* ---- clocks: hours apart, and half of what is allowed faster or slower ----
 */

static int64_t
pace_ms(int64_t per_thousand)
{
	return jp_now_ns() / 1000 * PACE / 1000 * per_thousand / 1000;
}

static int64_t
boot_0(void)
{
	return pace_ms(1000);
}

static int64_t
boot_1(void)
{
	return pace_ms(1002) + 3600000;
}

static int64_t
boot_2(void)
{
	return pace_ms(998) + 7200000;
}

static int64_t (*const boots[HOSTS])(void) = { boot_0, boot_1, boot_2 };

/* ---- the hosts ---- */

struct site {
	struct fake_log log;
	atomic_bool over;
	atomic_uint token; /* that is asked for */
	struct host {
		struct fake_host fake;
		struct site *site;
		pthread_mutex_t write_lock; /* as that of the core */
		pthread_t pump, asker, writer;
		atomic_bool cut;
		atomic_ullong asked, accepted; /* of the token */
		atomic_llong last_ns; /* when the last accepted one began */
	} hosts[HOSTS];
};

static void
token_id(unsigned int number, char id[JP_TOKEN_ID_LEN + 1])
{
	(void)snprintf(id, JP_TOKEN_ID_LEN + 1, "tok%05u", number % 100000);
}

/* As the order of the guard and the reading has to be. */
static bool
would_accept(struct fake_host *host, const char *id)
{
	struct jp_record record;

	return jp_replica_holds(host->replica) &&
	       jp_store_get(host->store, id, &record) == JP_ERR_OK &&
	       record.revoked_at == JP_NEVER;
}

static void *
ask(void *arg)
{
	struct host *host = arg;
	char id[JP_TOKEN_ID_LEN + 1];

	while (!atomic_load(&host->site->over)) {
		unsigned int token = atomic_load(&host->site->token);
		int64_t begin_ns = jp_now_ns();

		token_id(token, id);
		if (would_accept(&host->fake, id) &&
		    token == atomic_load(&host->site->token)) {
			atomic_store(&host->last_ns, begin_ns);
			atomic_fetch_add(&host->accepted, 1);
		}
		atomic_fetch_add(&host->asked, 1);
		(void)sched_yield();
	}
	return NULL;
}

static void *
pump(void *arg)
{
	struct host *host = arg;
	struct fake_host *fake = &host->fake;

	while (!atomic_load(&host->site->over)) {
		bool cut = atomic_load(&host->cut);

		if (cut && fake->connected)
			fake_cut(fake, true);
		if (!cut && !fake->welcome)
			fake_connect(fake);
		(void)jp_replica_tick(fake->replica);
		if (!fake_pump(fake))
			(void)jp_pause(INT64_MAX);
	}
	return NULL;
}

/* One change of a record, as jp_write() does it. */
static enum jp_err
change(struct host *host, enum jp_begin how, const char *id,
    enum jp_change_kind kind, void (*edit)(struct jp_record *record))
{
	struct jp_store *store = host->fake.store;
	struct jp_record record;
	enum jp_err err = JP_ERR_CONFLICT;

	(void)pthread_mutex_lock(&host->write_lock);
	for (int i = 0; err == JP_ERR_CONFLICT && i < TRIES; i++) {
		jp_store_begin(store, how);
		record_make(&record, id, "alice", JP_NEVER);
		err = kind == JP_CHANGE_CREATE
		          ? JP_ERR_OK
		          : jp_store_get(store, id, &record);
		edit(&record);
		if (err == JP_ERR_OK)
			err = commit_one(store, kind, &record);
	}
	(void)pthread_mutex_unlock(&host->write_lock);
	return err;
}

static void
edit_nothing(struct jp_record *record)
{
	(void)record;
}

static void
edit_revoke(struct jp_record *record)
{
	record->revoked_at = 1;
}

static void
edit_use(struct jp_record *record)
{
	record->use_count++;
}

/* Uses, which are in the way of everybody. */
static void *
keep_writing(void *arg)
{
	struct host *host = arg;
	char id[JP_TOKEN_ID_LEN + 1];

	while (!atomic_load(&host->site->over)) {
		token_id(atomic_load(&host->site->token), id);
		(void)change(
		    host, JP_BEGIN_QUIET, id, JP_CHANGE_REPLACE, edit_use);
		(void)jp_pause(INT64_MAX);
	}
	return NULL;
}

/* ---- the fixture ---- */

static int
set_up(void **state)
{
	static const char *const names[HOSTS] = { "a", "b", "c" };
	struct site *site = calloc(1, sizeof(*site));

	assert_non_null(site);
	*state = site;
	fake_log_init(&site->log);
	for (size_t i = 0; i < HOSTS; i++) {
		struct host *host = &site->hosts[i];

		fake_host_open(&host->fake, &site->log, names[i], boots[i]);
		host->site = site;
		host->fake.is_pumped = true;
		(void)pthread_mutex_init(&host->write_lock, NULL);
	}
	for (size_t i = 0; i < HOSTS; i++) {
		struct host *host = &site->hosts[i];

		assert_int_equal(
		    pthread_create(&host->pump, NULL, pump, host), 0);
		assert_int_equal(
		    pthread_create(&host->asker, NULL, ask, host), 0);
		assert_int_equal(
		    pthread_create(&host->writer, NULL, keep_writing, host), 0);
	}
	return 0;
}

static void
end_threads(struct site *site)
{
	for (size_t i = 0; i < HOSTS; i++)
		jp_replica_stop(site->hosts[i].fake.replica);
	atomic_store(&site->over, true);
	for (size_t i = 0; i < HOSTS; i++) {
		(void)pthread_join(site->hosts[i].writer, NULL);
		(void)pthread_join(site->hosts[i].asker, NULL);
		(void)pthread_join(site->hosts[i].pump, NULL);
	}
}

static int
tear_down(void **state)
{
	struct site *site = *state;

	if (!atomic_load(&site->over))
		end_threads(site);
	for (size_t i = 0; i < HOSTS; i++) {
		fake_host_close(&site->hosts[i].fake);
		(void)pthread_mutex_destroy(&site->hosts[i].write_lock);
	}
	fake_log_free(&site->log);
	free(site);
	return 0;
}

/* Until each host has asked, or accepted, some times more. */
static void
wait_for(struct site *site, bool accepted)
{
	const int64_t end_ms = jp_now_ms() + WAIT_MS;

	for (size_t i = 0; i < HOSTS; i++) {
		struct host *host = &site->hosts[i];
		atomic_ullong *count =
		    accepted ? &host->accepted : &host->asked;
		unsigned long long wanted = atomic_load(count) + QUESTIONS;

		while (atomic_load(count) < wanted)
			assert_true(jp_pause(end_ms));
	}
}

/* A change that somebody is told of when all hosts have it. */
static void
act(struct host *host, unsigned int token, enum jp_change_kind kind,
    void (*edit)(struct jp_record *record))
{
	const int64_t end_ms = jp_now_ms() + WAIT_MS;
	char id[JP_TOKEN_ID_LEN + 1];
	enum jp_err err;

	token_id(token, id);
	while ((err = change(host, JP_BEGIN_LOUD, id, kind, edit)) ==
	           JP_ERR_UNREACHABLE ||
	       err == JP_ERR_CONFLICT)
		assert_true(jp_pause(end_ms)); /* as people do */
	assert_int_equal(err, JP_ERR_OK);
	while (jp_store_settle(host->fake.store, NULL) != JP_ERR_OK)
		assert_true(jp_pause(end_ms));
}

/* ---- the tests ---- */

static void
assert_none_since(const struct site *site, int64_t done_ns)
{
	for (size_t i = 0; i < HOSTS; i++)
		assert_true(atomic_load(&site->hosts[i].last_ns) < done_ns);
}

/* It is back. */
static void
wait_for_lease(const struct host *host)
{
	const int64_t end_ms = jp_now_ms() + WAIT_MS;

	while (!jp_replica_holds(host->fake.replica))
		assert_true(jp_pause(end_ms));
}

static void
one_round(struct site *site, unsigned int round)
{
	static const int losses[] = { FAKE_UNKNOWN_DONE, FAKE_UNKNOWN_UNDONE,
		FAKE_LOST_DONE, FAKE_LOST_UNDONE };
	struct host *maker = &site->hosts[round % HOSTS];
	struct host *revoker = &site->hosts[(round + 1) % HOSTS];
	struct host *victim = &site->hosts[(round + 2) % HOSTS];
	int64_t done_ns;

	act(maker, round, JP_CHANGE_CREATE, edit_nothing);
	atomic_store(&site->token, round);
	wait_for(site, true);
	atomic_store(&victim->cut, round % CUT_EVERY == 0);
	if (round % LOST_EVERY == 0)
		atomic_store(
		    &revoker->fake.way, losses[round / LOST_EVERY % 4]);
	act(revoker, round, JP_CHANGE_END, edit_revoke);
	done_ns = jp_now_ns();
	wait_for(site, false);
	assert_none_since(site, done_ns);
	atomic_store(&victim->cut, false);
	wait_for_lease(victim);
	wait_for(site, false);
	assert_none_since(site, done_ns);
}

static void
assert_same(struct jp_store *one, struct jp_store *other)
{
	struct jp_listing at = { .order = JP_ORDER_ID },
	                  other_at = { .order = JP_ORDER_ID };
	static struct jp_record page[64], other_page[64];
	size_t count, other_count;

	do {
		assert_int_equal(
		    jp_store_list(one, &at, page, 64, &count), JP_ERR_OK);
		assert_int_equal(jp_store_list(other, &other_at, other_page, 64,
		                     &other_count),
		    JP_ERR_OK);
		assert_int_equal(count, other_count);
		assert_memory_equal(page, other_page, count * sizeof(page[0]));
	} while (count > 0);
}

static void
nothing_is_accepted_anywhere_once_it_is_revoked(void **state)
{
	struct site *site = *state;
	struct jp_position first, other;

	for (unsigned int round = 1; round <= ROUNDS; round++)
		one_round(site, round);
	end_threads(site);
	for (size_t i = 0; i < HOSTS; i++) {
		struct fake_host *fake = &site->hosts[i].fake;

		do {
			if (!fake->welcome)
				fake_connect(fake);
		} while (fake_pump(fake));
		assert_int_equal(fake->err, JP_ERR_OK);
		assert_int_equal(
		    jp_store_position(fake->store, &other), JP_ERR_OK);
		if (i == 0)
			first = other;
		assert_true(jp_position_same(&first, &other));
		assert_same(site->hosts[0].fake.below, fake->below);
	}
	assert_int_equal(first.seq, site->log.head);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    nothing_is_accepted_anywhere_once_it_is_revoked, set_up,
		    tear_down),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
