/*
 * The memory that patd may take, common/config/budget.c, over files of proc and
 * sysfs that are made here; and the gate that holds hashes back,
 * common/decide/gate.c.
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
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/config/budget.h"
#include "common/decide/gate.h"

enum {
	PID = 4711,
};

static const uint64_t GIB = UINT64_C(1) << 30;
static const uint64_t MIB = UINT64_C(1) << 20;

static int
set_up(void **state)
{
	static char root[64];

	strcpy(root, "/tmp/jira-pat-budget.XXXXXX");
	*state = root;
	return mkdtemp(root) != NULL ? 0 : -1;
}

static int
tear_down(void **state)
{
	char command[128];

	(void)snprintf(
	    command, sizeof(command), "rm -rf '%s'", (const char *)*state);
	return system(command);
}

/* A file below the root, with its folders. */
static void
put(const char *root, const char *name, const char *text)
{
	char path[512];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s%s", root, name);
	for (char *at = path + strlen(root) + 1; (at = strchr(at, '/')) != NULL;
	     at++) {
		*at = '\0';
		(void)mkdir(path, 0700);
		*at = '/';
	}
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void
look(const char *root, struct jp_machine *machine)
{
	jp_machine_look(machine, root, PID);
}

static void
the_lowest_limit_of_a_group_and_those_above_holds(void **state)
{
	static const char *const names[] = { "/sys/fs/cgroup/memory.max",
		"/sys/fs/cgroup/system.slice/memory.max",
		"/sys/fs/cgroup/system.slice/patd.service/memory.max" };
	const char *root = *state;
	struct jp_machine machine;

	put(root, "/proc/4711/cgroup", "0::/system.slice/patd.service\n");
	for (size_t i = 0; i < 3; i++)
		put(root, names[i], "max\n");
	look(root, &machine);
	assert_string_equal(machine.source, "the memory of the machine");
	for (size_t i = 0; i < 3; i++) {
		put(root, names[i], "104857600\n");
		look(root, &machine);
		assert_int_equal(machine.memory, 100 * MIB);
		assert_string_equal(machine.source, "memory.max");
		put(root, names[i], "max\n");
	}
}

static void
version_1_of_groups_is_read_too(void **state)
{
	const char *root = *state;
	struct jp_machine machine;

	put(root, "/proc/4711/cgroup",
	    "12:cpu,cpuacct:/a\n5:memory:/docker/ab\n0::/\n");
	put(root, "/sys/fs/cgroup/memory/memory.limit_in_bytes",
	    "9223372036854771712\n");
	put(root, "/sys/fs/cgroup/memory/docker/ab/memory.limit_in_bytes",
	    "209715200\n");
	look(root, &machine);
	assert_int_equal(machine.memory, 200 * MIB);
	assert_string_equal(machine.source, "memory.limit_in_bytes");
}

/* In a container the path of the group may lie outside of what is seen. */
static void
a_group_that_is_not_seen_leaves_the_one_at_the_top(void **state)
{
	const char *root = *state;
	struct jp_machine machine;

	put(root, "/proc/4711/cgroup", "0::/kubepods/pod1/ab\n");
	put(root, "/sys/fs/cgroup/memory.max", "104857600\n");
	look(root, &machine);
	assert_int_equal(machine.memory, 100 * MIB);
}

static void
nonsense_is_no_limit(void **state)
{
	static const char *const texts[] = { "", "max", "soon\n", "\n", "::" };
	const char *root = *state;
	struct jp_machine machine;

	for (size_t i = 0; i < 5; i++) {
		put(root, "/proc/4711/cgroup", texts[i]);
		put(root, "/sys/fs/cgroup/memory.max", texts[i]);
		look(root, &machine);
		assert_string_equal(
		    machine.source, "the memory of the machine");
		assert_true(machine.processors > 0);
	}
}

static void
make(struct jp_budget *budget, uint32_t processors, uint64_t memory,
    uint32_t workers, uint32_t kib)
{
	const struct jp_machine machine = { processors, memory, "memory.max" };
	struct jp_settings settings;

	jp_settings_default(&settings);
	settings.workers = workers;
	if (kib != 0)
		settings.policy.cost.memory = kib;
	jp_budget_make(budget, &settings, &machine);
}

static void
workers_fit_into_the_limit(void **state)
{
	static const uint32_t processors[] = { 1, 2, 16, 51, 52, 64, 192, 512 };
	struct jp_budget budget;

	(void)state;
	for (size_t i = 0; i < 8; i++)
		for (uint64_t memory = GIB / 8; memory <= 8 * GIB;
		     memory *= 2) {
			make(&budget, processors[i], memory, 0, 0);
			assert_true(budget.fits);
			assert_in_range(budget.workers, 1,
			    processors[i] < 256 ? processors[i] : 256);
			assert_true(
			    budget.fixed + budget.workers * budget.hash <=
			    memory);
		}
	make(&budget, 64, GIB, 0, 0);
	assert_in_range(budget.workers, 30, 50);
	make(&budget, 8, GIB, 0, 0);
	assert_int_equal(budget.workers, 8);
	make(&budget, 64, UINT64_MAX, 0, 0);
	assert_int_equal(budget.workers, 64);
}

static void
workers_of_the_settings_and_their_cost_count(void **state)
{
	struct jp_budget budget;
	struct jp_why line;

	(void)state;
	make(&budget, 2, GIB, 200, 0);
	assert_in_range(budget.workers, 30, 50);
	make(&budget, 64, GIB, 0, 65536);
	assert_in_range(budget.workers, 8, 15);
	jp_budget_say(&budget, &line);
	assert_non_null(
	    strstr(line.text, " workers instead of 64, of 65 MiB each"));
	assert_non_null(strstr(line.text, "1024 MiB (memory.max)"));
}

static void
a_cluster_takes_its_part(void **unused)
{
	const struct jp_machine machine = { .processors = 1, .memory = GIB };
	struct jp_settings settings;
	struct jp_budget alone, one;

	(void)unused;
	jp_settings_default(&settings);
	jp_budget_make(&alone, &settings, &machine);
	settings.cluster.configured = true;
	jp_budget_make(&one, &settings, &machine);
	assert_int_equal(one.fixed - alone.fixed, 16 * MIB);
}

static void
what_does_not_fit_at_all_is_said(void **state)
{
	struct jp_budget budget;
	struct jp_why line;

	(void)state;
	make(&budget, 4, 32 * MIB, 0, 0);
	assert_false(budget.fits);
	assert_int_equal(budget.workers, 1);
	jp_budget_say(&budget, &line);
	assert_non_null(strstr(line.text, "too few for one Argon2id"));
}

/* ---- the gate ---- */

static struct {
	struct jp_gate gate;
	atomic_int inside, most;
} crowd;

static void *
pass(void *arg)
{
	uint64_t bytes = *(const uint64_t *)arg;

	for (int i = 0; i < 200; i++) {
		int now, most;

		jp_gate_enter(&crowd.gate, bytes);
		now = atomic_fetch_add(&crowd.inside, (int)bytes) + (int)bytes;
		most = atomic_load(&crowd.most);
		while (now > most &&
		       !atomic_compare_exchange_weak(&crowd.most, &most, now))
			continue;
		(void)atomic_fetch_sub(&crowd.inside, (int)bytes);
		jp_gate_leave(&crowd.gate, bytes);
	}
	return NULL;
}

static void
rush(uint64_t bytes)
{
	pthread_t threads[8];

	atomic_store(&crowd.most, 0);
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, pass, &bytes), 0);
	for (size_t i = 0; i < 8; i++)
		(void)pthread_join(threads[i], NULL);
}

static void
hashes_take_no_more_than_there_is(void **state)
{
	(void)state;
	jp_gate_init(&crowd.gate);
	jp_gate_limit(&crowd.gate, 30);
	rush(10);
	assert_in_range(atomic_load(&crowd.most), 10, 30);
	rush(100); /* one at a time, for it would never fit */
	assert_int_equal(atomic_load(&crowd.most), 100);
	jp_gate_limit(&crowd.gate, 0);
	rush(7);
	assert_int_equal(atomic_load(&crowd.most), 7);
	jp_gate_free(&crowd.gate);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_lowest_limit_of_a_group_and_those_above_holds),
		TEST(version_1_of_groups_is_read_too),
		TEST(a_group_that_is_not_seen_leaves_the_one_at_the_top),
		TEST(nonsense_is_no_limit),
		cmocka_unit_test(workers_fit_into_the_limit),
		cmocka_unit_test(workers_of_the_settings_and_their_cost_count),
		cmocka_unit_test(a_cluster_takes_its_part),
		cmocka_unit_test(what_does_not_fit_at_all_is_said),
		cmocka_unit_test(hashes_take_no_more_than_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
