/*
 * Copies of an open store in Berkeley DB: what is in them while others write,
 * and what happens to bad ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "common/store/bdb_internal.h"
#include "tests/unit/engine_leaks.h"
#include "tests/unit/store_help.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct fixture {
	char dir[PATH_MAX];
	char copy[PATH_MAX]; /* a folder of its own */
	struct jp_store *store;
	struct jp_why why;
	size_t pieces;
	unsigned int committed; /* records that a commit was acknowledged of */
	size_t refuse_at;       /* the piece that is not taken; 0: none */
};

static int
set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct jp_store_options options;

	assert_non_null(fixture);
	scratch_make(fixture->dir);
	scratch_make(fixture->copy);
	options = options_for(fixture->dir);
	assert_int_equal(
	    jp_store_bdb_create(&options, &fixture->why), JP_ERR_OK);
	assert_int_equal(
	    jp_store_bdb_open(&options, &fixture->store, &fixture->why),
	    JP_ERR_OK);
	*state = fixture;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fixture = *state;

	jp_store_close(fixture->store);
	scratch_remove(fixture->dir);
	scratch_remove(fixture->copy);
	free(fixture);
	return 0;
}

/* The nth record: a user has ten of them. */
static void
add_next(struct fixture *fixture)
{
	char id[16], user[16];

	(void)snprintf(id, sizeof(id), "%08u", fixture->committed);
	(void)snprintf(user, sizeof(user), "u%u", fixture->committed / 10);
	assert_int_equal(
	    add(fixture->store, id, user, 1000 + fixture->committed),
	    JP_ERR_OK);
	fixture->committed++;
}

static void
add_many(struct fixture *fixture, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		add_next(fixture);
}

static enum jp_err
take(void *arg, const struct jp_piece *piece)
{
	struct fixture *fixture = arg;
	char path[PATH_MAX + NAME_MAX];
	int fd;

	if (++fixture->pieces == fixture->refuse_at)
		return JP_ERR_DISK_FULL;
	(void)snprintf(path, sizeof(path), "%s/%s", fixture->copy, piece->name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(
	    pwrite(fd, piece->bytes, piece->len, (off_t)piece->offset),
	    piece->len);
	(void)close(fd);
	return JP_ERR_OK;
}

static enum jp_err
settle(struct fixture *fixture)
{
	struct jp_store_options options = options_for(fixture->copy);

	return jp_store_bdb_complete(&options, &fixture->why);
}

static void
settle_well(struct fixture *fixture)
{
	enum jp_err err = settle(fixture);

	if (err != JP_ERR_OK)
		print_error("%s\n", fixture->why.text);
	assert_int_equal(err, JP_ERR_OK);
}

/* Whether the copy has the first `least` records, each found in both ways. */
static void
assert_copy_has(struct fixture *fixture, unsigned int least)
{
	struct jp_store_options options = options_for(fixture->copy);
	struct jp_listing listing = { .order = JP_ORDER_ID };
	struct jp_record page[16];
	struct jp_store_info info;
	struct jp_store *store;
	unsigned int seen = 0;
	size_t count;

	assert_int_equal(
	    jp_store_bdb_open(&options, &store, &fixture->why), JP_ERR_OK);
	assert_int_equal(jp_store_info(store, &info), JP_ERR_OK);
	assert_true(info.records >= least);
	for (unsigned int i = 0; i < least; i++) {
		char id[16];

		(void)snprintf(id, sizeof(id), "%08u", i);
		assert_int_equal(jp_store_get(store, id, &page[0]), JP_ERR_OK);
	}
	listing.order = JP_ORDER_EXPIRY;
	listing.until = INT64_MAX;
	do {
		assert_int_equal(
		    jp_store_list(store, &listing, page, 16, &count),
		    JP_ERR_OK);
		seen += (unsigned int)count;
	} while (count > 0);
	assert_int_equal(seen, info.records);
	jp_store_close(store);
}

static void
a_copy_has_what_was_committed_before_it(void **state)
{
	struct fixture *fixture = *state;

	add_many(fixture, 200);
	assert_int_equal(
	    jp_store_backup(fixture->store, take, fixture), JP_ERR_OK);
	settle_well(fixture);
	assert_copy_has(fixture, 200);
}

struct writer {
	struct fixture *fixture;
	atomic_bool stop;
	atomic_uint committed;
	enum jp_err err; /* of a checkpoint */
};

static void *
write_on(void *arg)
{
	struct writer *writer = arg;

	while (!atomic_load(&writer->stop)) {
		add_next(writer->fixture);
		atomic_store(&writer->committed, writer->fixture->committed);
	}
	return NULL;
}

static void *
checkpoint_on(void *arg)
{
	struct writer *writer = arg;

	while (!atomic_load(&writer->stop) && writer->err == JP_ERR_OK)
		writer->err = jp_store_checkpoint(writer->fixture->store);
	return NULL;
}

static void
copies_taken_while_others_write_and_drop_logs_are_whole(void **state)
{
	struct fixture *fixture = *state;
	struct writer writer = { .fixture = fixture };
	pthread_t threads[2];

	add_many(fixture, 500);
	assert_int_equal(
	    pthread_create(&threads[0], NULL, write_on, &writer), 0);
	assert_int_equal(
	    pthread_create(&threads[1], NULL, checkpoint_on, &writer), 0);
	for (int i = 0; i < 10; i++) {
		unsigned int before;

		scratch_remove(fixture->copy);
		scratch_make(fixture->copy);
		before = atomic_load(&writer.committed);
		assert_int_equal(
		    jp_store_backup(fixture->store, take, fixture), JP_ERR_OK);
		settle_well(fixture);
		assert_copy_has(fixture, before);
	}
	atomic_store(&writer.stop, true);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		(void)pthread_join(threads[i], NULL);
	assert_int_equal(writer.err, JP_ERR_OK);
}

static void *
checkpoint_once(void *arg)
{
	struct writer *writer = arg;

	writer->err = jp_store_checkpoint(writer->fixture->store);
	return NULL;
}

/* Where the copy is under way, which lasts too short a time to meet it. */
static void
a_checkpoint_waits_for_the_copy(void **state)
{
	struct fixture *fixture = *state;
	struct bdb *bdb = bdb_of(fixture->store);
	struct writer writer = { .fixture = fixture };
	struct timespec soon;
	pthread_t thread;

	(void)pthread_mutex_lock(&bdb->copy_mutex);
	assert_int_equal(
	    pthread_create(&thread, NULL, checkpoint_once, &writer), 0);
	(void)clock_gettime(CLOCK_REALTIME, &soon);
	soon.tv_sec++;
	assert_int_equal(pthread_timedjoin_np(thread, NULL, &soon), ETIMEDOUT);
	(void)pthread_mutex_unlock(&bdb->copy_mutex);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(writer.err, JP_ERR_OK);
}

static void
an_error_of_the_taker_ends_the_copy_and_nothing_else(void **state)
{
	struct fixture *fixture = *state;

	add_many(fixture, 200);
	for (size_t at = 1; at <= 4; at++) {
		fixture->pieces = 0;
		fixture->refuse_at = at;
		assert_int_equal(jp_store_backup(fixture->store, take, fixture),
		    JP_ERR_DISK_FULL);
		assert_int_equal(fixture->pieces, at);
		add_next(fixture);
	}
	fixture->refuse_at = 0;
	assert_int_equal(
	    jp_store_backup(fixture->store, take, fixture), JP_ERR_OK);
	settle_well(fixture);
	assert_copy_has(fixture, fixture->committed);
}

static void
damage(const struct fixture *fixture, const char *name, off_t at)
{
	char path[PATH_MAX + NAME_MAX];
	uint8_t byte;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", fixture->copy, name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	(void)close(fd);
}

static void
a_copy_with_a_flipped_bit_is_refused(void **state)
{
	static const struct {
		const char *name;
		off_t at;
	} rows[] = {
		{ "tokens.db", 3 * 4096 + 2000 },
		{ "by_user.db", 4096 + 100 },
		{ "by_expiry.db", 4096 + 100 },
		{ "by_owner.db", 4096 + 100 },
		{ "meta.db", 4096 + 4000 },
		{ "hwm", 0 },
	};
	struct fixture *fixture = *state;

	add_many(fixture, 200);
	assert_int_equal(jp_store_checkpoint(fixture->store), JP_ERR_OK);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		scratch_remove(fixture->copy);
		scratch_make(fixture->copy);
		assert_int_equal(
		    jp_store_backup(fixture->store, take, fixture), JP_ERR_OK);
		damage(fixture, rows[i].name, rows[i].at);
		assert_int_not_equal(settle(fixture), JP_ERR_OK);
	}
}

static void
a_copy_for_another_pepper_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct jp_store_options options = options_for(fixture->copy);

	assert_int_equal(
	    jp_store_backup(fixture->store, take, fixture), JP_ERR_OK);
	options.tag[0] ^= 1;
	assert_int_equal(
	    jp_store_bdb_complete(&options, &fixture->why), JP_ERR_CONFIG);
	assert_non_null(strstr(fixture->why.text, "pepper"));
}

/* ---- the watchdog ---- */

static void *
checkpoint_it(void *arg)
{
	struct fixture *fixture = arg;

	assert_int_equal(jp_store_checkpoint(fixture->store), JP_ERR_OK);
	return NULL;
}

static void *
back_it_up(void *arg)
{
	struct fixture *fixture = arg;

	assert_int_equal(
	    jp_store_backup(fixture->store, take, fixture), JP_ERR_OK);
	return NULL;
}

/* Of a large store both take longer than the watchdog has patience. */
static void
long_copies_and_checkpoints_are_not_stalled(void **state)
{
	static void *(*const works[])(void *) = { checkpoint_it, back_it_up };
	struct fixture *fixture = *state;
	struct bdb *bdb = bdb_of(fixture->store);

	add_many(fixture, 10);
	for (size_t i = 0; i < COUNT_OF(works); i++) {
		int64_t end = jp_now_ms() + 10000;
		pthread_t thread;
		bool stalled;

		(void)pthread_mutex_lock(&bdb->copy_mutex);
		atomic_store(&bdb->progress, 0);
		assert_int_equal(
		    pthread_create(&thread, NULL, works[i], fixture), 0);
		while (atomic_load(&bdb->progress) == 0 && jp_now_ms() < end)
			bdb_sleep_ms(1);
		while (jp_store_stalled(fixture->store, 0) && jp_now_ms() < end)
			bdb_sleep_ms(1);
		stalled = atomic_load(&bdb->progress) == 0 ||
		          jp_store_stalled(fixture->store, 0);
		(void)pthread_mutex_unlock(&bdb->copy_mutex);
		(void)pthread_join(thread, NULL);
		assert_false(stalled);
	}
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_copy_has_what_was_committed_before_it),
		TEST(copies_taken_while_others_write_and_drop_logs_are_whole),
		TEST(a_checkpoint_waits_for_the_copy),
		TEST(an_error_of_the_taker_ends_the_copy_and_nothing_else),
		TEST(a_copy_with_a_flipped_bit_is_refused),
		TEST(a_copy_for_another_pepper_is_refused),
		TEST(long_copies_and_checkpoints_are_not_stalled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
