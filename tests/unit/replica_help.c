#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sched.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/replica_help.h"
#include "tests/unit/store_help.h"

atomic_llong now_ms, step_ms;

int64_t
fake_boot_ms(void)
{
	return atomic_load(&now_ms);
}

int64_t
stepping_boot_ms(void)
{
	return atomic_fetch_add(&now_ms, atomic_load(&step_ms));
}

void
open_hasty(struct fixture *fixture, struct fake_host *hasty)
{
	fake_append_wait_ms = HASTY_MS;
	fake_host_open(hasty, &fixture->log, "c", fake_boot_ms);
	fake_append_wait_ms = 60000;
	fake_connect(hasty);
}

int
set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_true(sodium_init() >= 0);
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

int
tear_down(void **state)
{
	struct fixture *fixture = *state;

	fake_host_close(&fixture->a);
	fake_host_close(&fixture->b);
	fake_log_free(&fixture->log);
	free(fixture);
	return 0;
}

enum jp_err
add_to(struct fake_host *host, const char *id)
{
	jp_store_begin(host->store, JP_BEGIN_LOUD);
	return add(host->store, id, "alice", JP_NEVER);
}

enum jp_err
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

bool
has(const struct fake_host *host, const char *id)
{
	struct jp_record record;

	return jp_store_get(host->store, id, &record) == JP_ERR_OK;
}

bool
is_revoked(const struct fake_host *host, const char *id)
{
	struct jp_record record;

	assert_int_equal(jp_store_get(host->store, id, &record), JP_ERR_OK);
	return record.revoked_at != JP_NEVER;
}

void
assert_why(const struct fake_host *host, const char *part)
{
	struct jp_why why;

	jp_store_why(host->store, &why);
	if (strstr(why.text, part) == NULL)
		fail_msg("\"%s\" is not in: %s", part, why.text);
}

void
pump(struct fixture *fixture)
{
	while (fake_pump(&fixture->a) || fake_pump(&fixture->b))
		;
}

static void *
write_one(void *arg)
{
	struct writer *writer = arg;

	writer->err = add_to(writer->host, writer->id);
	atomic_store(&writer->over, true);
	return NULL;
}

void
writer_start(struct writer *writer)
{
	assert_int_equal(
	    pthread_create(&writer->thread, NULL, write_one, writer), 0);
}

void
pump_writer(struct writer *writer)
{
	while (!atomic_load(&writer->over)) {
		(void)fake_pump(writer->host);
		(void)sched_yield();
	}
	(void)pthread_join(writer->thread, NULL);
	writer->host->is_pumped = false;
}

void
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

void
make_two(struct fixture *fixture)
{
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_OK);
	assert_int_equal(add_to(&fixture->a, OTHER), JP_ERR_OK);
}

void
give_batch(
    struct fixture *fixture, struct fake_host *host, uint64_t seq, uint64_t of)
{
	struct jp_link_msg msg;

	fake_batch(&fixture->log, of, &msg);
	msg.batch.seq = seq;
	(void)fake_give(host, &msg, fixture->log.of[of].bytes);
}
