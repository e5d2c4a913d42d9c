/*
 * A change and its lines in the audit trail, common/decide/announce.c, over a
 * disk with a gate: while it is shut no line is written. So a test says what
 * happens while the trail is waited for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>
#include <unistd.h>

#include "common/decide/announce.h"
#include "common/decide/core.h"
#include "common/decide/open.h"
#include "tests/unit/core_help.h"

static struct {
	pthread_mutex_t mutex;
	pthread_cond_t moved;
	bool shut;
	size_t waiting; /* who stands before the gate */
	size_t written;
} gate = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, 0, 0 };

struct fixture {
	char dir[CORE_HELP_DIR_MAX];
	struct jp_settings settings;
	struct jp_core core;
	/* What the act finds, and does. */
	int found; /* goes into the line */
	int rounds, done;
	bool finds_more; /* at each round */
	enum jp_err fails;
	enum jp_err err; /* of the run */
	struct jp_why why;
};

static ssize_t
gated_write(int fd, const void *bytes, size_t len)
{
	pthread_mutex_lock(&gate.mutex);
	gate.waiting++;
	pthread_cond_broadcast(&gate.moved);
	while (gate.shut)
		pthread_cond_wait(&gate.moved, &gate.mutex);
	gate.waiting--;
	gate.written++;
	pthread_mutex_unlock(&gate.mutex);
	return write(fd, bytes, len);
}

static void
set_gate(bool shut)
{
	pthread_mutex_lock(&gate.mutex);
	gate.shut = shut;
	pthread_cond_broadcast(&gate.moved);
	pthread_mutex_unlock(&gate.mutex);
}

static void
wait_gate(void)
{
	pthread_mutex_lock(&gate.mutex);
	while (gate.waiting == 0)
		pthread_cond_wait(&gate.moved, &gate.mutex);
	pthread_mutex_unlock(&gate.mutex);
}

static void
begin(struct fixture *fixture, bool required)
{
	fixture->settings.audit_required = required;
	core_help_make_trail(&fixture->core, &fixture->settings);
	jp_audit_file(fixture->core.audit)->write = gated_write;
	assert_int_equal(jp_audit_start(fixture->core.audit), JP_ERR_OK);
}

static int
set_up(void **state)
{
	struct fixture *fixture = core_help_fixture(state, sizeof(*fixture));

	core_help_settings(&fixture->settings);
	core_help_trail_dir(fixture->dir, &fixture->settings);
	core_help_open(&fixture->core, &fixture->settings, NULL);
	gate.shut = false;
	gate.written = 0;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fixture = *state;

	set_gate(false);
	jp_core_close(&fixture->core);
	core_help_remove_trail(fixture->dir);
	free(fixture);
	return 0;
}

static enum jp_err
act(struct jp_announce *announce, void *arg)
{
	struct fixture *fixture = arg;
	struct jp_audit_event line = { .event = "revoke" };
	enum jp_err err;

	fixture->rounds++;
	fixture->found += fixture->finds_more;
	(void)snprintf(line.id, sizeof(line.id), "%08d", fixture->found);
	err = jp_announce(announce, &line, 1);
	if (err == JP_ERR_OK)
		err = fixture->fails;
	if (err != JP_ERR_OK)
		return err;
	fixture->done++;
	jp_announce_done(announce);
	return JP_ERR_OK;
}

static void *
run(void *arg)
{
	struct fixture *fixture = arg;

	fixture->err =
	    jp_announce_run(&fixture->core, &fixture->why, act, fixture);
	return NULL;
}

/* How many lines of the trail hold this text. */
static size_t
lines_with(struct fixture *fixture, const char *text)
{
	char line[1024];
	size_t count = 0;
	FILE *file;

	jp_audit_close(fixture->core.audit);
	fixture->core.audit = NULL;
	file = fopen(fixture->settings.audit_file, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL)
		count += strstr(line, text) != NULL;
	(void)fclose(file);
	return count;
}

static void
the_write_lock_is_free_while_the_trail_is_waited_for(void **state)
{
	struct fixture *fixture = *state;
	pthread_t thread;

	begin(fixture, true);
	set_gate(true);
	assert_int_equal(pthread_create(&thread, NULL, run, fixture), 0);
	wait_gate();
	assert_true(jp_writers_enter(&fixture->core.writers, INT64_MAX));
	assert_int_equal(fixture->done, 0);
	jp_writers_leave(&fixture->core.writers);
	set_gate(false);
	(void)pthread_join(thread, NULL);
	assert_int_equal(fixture->err, JP_ERR_OK);
	assert_int_equal(fixture->done, 1);
	assert_int_equal(lines_with(fixture, "revoke"), 1);
}

static void
what_cannot_be_told_in_time_is_not_done(void **state)
{
	struct fixture *fixture = *state;

	begin(fixture, true);
	set_gate(true);
	(void)run(fixture);
	assert_int_equal(fixture->err, JP_ERR_TIMEOUT);
	assert_non_null(strstr(fixture->why.text, "takes no lines in time"));
	assert_int_equal(fixture->done, 0);
	set_gate(false);
	/* The line, and the one that takes it back. */
	assert_int_equal(lines_with(fixture, "\"reason\":\"timeout\""), 1);
}

static void
what_was_told_and_failed_is_taken_back(void **state)
{
	struct fixture *fixture = *state;

	begin(fixture, true);
	fixture->fails = JP_ERR_DISK_FULL;
	(void)run(fixture);
	assert_int_equal(fixture->err, JP_ERR_DISK_FULL);
	assert_int_equal(lines_with(fixture, "\"reason\":\"disk-full\""), 1);
}

static void
an_act_that_finds_something_else_each_time_ends(void **state)
{
	struct fixture *fixture = *state;

	begin(fixture, true);
	fixture->finds_more = true;
	(void)run(fixture);
	assert_int_equal(fixture->err, JP_ERR_LOCKED);
	assert_int_equal(fixture->done, 0);
	/* Each line is taken back, the last attempt is told as one. */
	assert_int_equal(lines_with(fixture, "\"reason\":\"locked\""),
	    (size_t)fixture->rounds);
}

static void
without_need_nobody_waits_for_the_trail(void **state)
{
	/* Besides those in the queue one batch may be on its way. */
	enum { MANY = JP_AUDIT_QUEUE + JP_AUDIT_BATCH + 100 };
	struct fixture *fixture = *state;
	uint64_t lost;

	begin(fixture, false);
	set_gate(true);
	for (int i = 0; i < MANY; i++) {
		(void)run(fixture);
		assert_int_equal(fixture->err, JP_ERR_OK);
	}
	assert_int_equal(fixture->done, MANY);
	assert_int_equal(fixture->rounds, fixture->done);
	lost = jp_audit_lost(fixture->core.audit);
	assert_in_range(lost, 100, MANY - JP_AUDIT_QUEUE);
	set_gate(false);
	assert_int_equal(lines_with(fixture, "revoke"), MANY - lost);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_write_lock_is_free_while_the_trail_is_waited_for),
		TEST(what_cannot_be_told_in_time_is_not_done),
		TEST(what_was_told_and_failed_is_taken_back),
		TEST(an_act_that_finds_something_else_each_time_ends),
		TEST(without_need_nobody_waits_for_the_trail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
