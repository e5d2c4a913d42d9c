/*
 * The store in Berkeley DB as an administrator meets it: its folder, its lock,
 * its making, threads, processes that end, and every kind of damage. Power
 * cuts and full disks are in tests/faults/.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "common/store/bdb_internal.h"
#include "tests/unit/engine_leaks.h"
#include "tests/unit/store_help.h"
#include "tests/leave_out.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define RECORDS 300

struct fixture {
	char dir[PATH_MAX];
	struct jp_store_options options;
	struct jp_why why;
};

static int
set_up_folder(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	scratch_make(fixture->dir);
	fixture->options = options_for(fixture->dir);
	*state = fixture;
	return 0;
}

static int
set_up(void **state)
{
	struct fixture *fixture;

	(void)set_up_folder(state);
	fixture = *state;
	assert_int_equal(
	    jp_store_bdb_create(&fixture->options, &fixture->why), JP_ERR_OK);
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fixture = *state;

	scratch_remove(fixture->dir);
	free(fixture);
	return 0;
}

static struct jp_store *
open_it(struct fixture *fixture)
{
	struct jp_store *store;
	enum jp_err err =
	    jp_store_bdb_open(&fixture->options, &store, &fixture->why);

	if (err != JP_ERR_OK)
		print_error("%s\n", fixture->why.text);
	assert_int_equal(err, JP_ERR_OK);
	return store;
}

/* The store must not open, for this reason, in these words. */
static void
assert_opens_not(struct fixture *fixture, enum jp_err err, const char *words)
{
	struct jp_store *store;

	fixture->why.text[0] = '\0';
	assert_string_equal(jp_err_name(jp_store_bdb_open(
	                        &fixture->options, &store, &fixture->why)),
	    jp_err_name(err));
	assert_null(store);
	if (strstr(fixture->why.text, words) == NULL)
		print_error("%s\n", fixture->why.text);
	assert_non_null(strstr(fixture->why.text, words));
}

static const char *
path_in(const struct fixture *fixture, const char *name)
{
	static char path[PATH_MAX + NAME_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s", fixture->dir, name);
	return path;
}

static void
write_file(const struct fixture *fixture, const char *name, const char *text)
{
	FILE *file = fopen(path_in(fixture, name), "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static size_t
count_files(const struct fixture *fixture, const char *prefix)
{
	DIR *stream = opendir(fixture->dir);
	const struct dirent *entry;
	size_t count = 0;

	assert_non_null(stream);
	while ((entry = readdir(stream)) != NULL)
		if (entry->d_name[0] != '.' &&
		    strncmp(entry->d_name, prefix, strlen(prefix)) == 0)
			count++;
	(void)closedir(stream);
	return count;
}

static void
numbered(struct jp_record *record, unsigned int i)
{
	char id[16], user[16];

	(void)snprintf(id, sizeof(id), "%08u", i);
	(void)snprintf(user, sizeof(user), "user%u", i % 7);
	record_make(record, id, user, 1000 + i % 50);
}

static enum jp_err
add_numbered(struct jp_store *store, unsigned int i)
{
	struct jp_record record;

	numbered(&record, i);
	return commit_one(store, JP_CHANGE_CREATE, &record);
}

static void
fill(struct fixture *fixture, unsigned int count)
{
	struct jp_store *store = open_it(fixture);

	for (unsigned int i = 0; i < count; i++)
		assert_int_equal(add_numbered(store, i), JP_ERR_OK);
	jp_store_close(store);
}

/* Fills the store in a process that ends without closing it. */
static void
fill_and_die(struct fixture *fixture, unsigned int count)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		struct jp_store *store;
		enum jp_err err =
		    jp_store_bdb_open(&fixture->options, &store, &fixture->why);

		for (unsigned int i = 0; i < count && err == JP_ERR_OK; i++)
			err = add_numbered(store, i);
		_exit(err == JP_ERR_OK ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void
assert_whole(struct jp_store *store, unsigned int count)
{
	struct jp_store_info info;
	struct jp_record record, expected;

	for (unsigned int i = 0; i < count; i++) {
		numbered(&expected, i);
		assert_int_equal(
		    jp_store_get(store, expected.id, &record), JP_ERR_OK);
		assert_memory_equal(&record, &expected, sizeof(record));
	}
	assert_int_equal(jp_store_info(store, &info), JP_ERR_OK);
	assert_int_equal(info.records, count);
}

/* Turns one bit of a file round. */
static void
flip_bit(const struct fixture *fixture, const char *name, off_t at)
{
	int fd = open(path_in(fixture, name), O_RDWR | O_CLOEXEC);
	uint8_t byte;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 0x10;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	(void)close(fd);
}

/* Where the log ends in its file, which has zeroes behind. */
static off_t
log_end(const struct fixture *fixture, const char *name)
{
	FILE *file = fopen(path_in(fixture, name), "r");
	off_t end = 0;
	int byte;

	assert_non_null(file);
	for (off_t at = 0; (byte = fgetc(file)) != EOF; at++)
		if (byte != 0)
			end = at + 1;
	(void)fclose(file);
	return end;
}

/* The folder. */

static void
a_relative_folder_is_refused(void **state)
{
	struct fixture *fixture = *state;

	fixture->options.dir = "store";
	assert_opens_not(fixture, JP_ERR_CONFIG, "absolute");
}

static void
a_missing_folder_is_missing(void **state)
{
	struct fixture *fixture = *state;
	char dir[PATH_MAX + 8];

	(void)snprintf(dir, sizeof(dir), "%s/no", fixture->dir);
	fixture->options.dir = dir;
	assert_opens_not(fixture, JP_ERR_MISSING, dir);
}

static void
a_file_in_the_folders_place_is_refused(void **state)
{
	struct fixture *fixture = *state;

	write_file(fixture, "file", "");
	fixture->options.dir = path_in(fixture, "file");
	assert_opens_not(fixture, JP_ERR_CONFIG, "not a directory");
}

static void
a_folder_open_to_others_is_refused_with_the_way_out(void **state)
{
	static const mode_t modes[] = { 0755, 0710, 0701, 0720, 0702 };
	struct fixture *fixture = *state;

	for (size_t i = 0; i < COUNT_OF(modes); i++) {
		assert_int_equal(chmod(fixture->dir, modes[i]), 0);
		assert_opens_not(fixture, JP_ERR_CONFIG, "chmod 0700 /");
		assert_int_equal(
		    jp_store_bdb_create(&fixture->options, &fixture->why),
		    JP_ERR_CONFIG);
	}
}

static void
a_folder_of_another_user_is_refused_with_the_way_out(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(chown(fixture->dir, 12345, 0), 0);
	assert_opens_not(fixture, JP_ERR_CONFIG, "chown 0 /");
}

static void
a_DB_CONFIG_in_the_folder_is_refused(void **state)
{
	struct fixture *fixture = *state;

	write_file(fixture, "DB_CONFIG", "set_lg_dir /tmp\n");
	assert_opens_not(fixture, JP_ERR_CONFIG, "DB_CONFIG");
}

static void
a_DB_CONFIG_in_the_current_folder_is_ignored(void **state)
{
	struct fixture *fixture = *state;
	struct fixture here;
	char before[PATH_MAX];

	assert_non_null(getcwd(before, sizeof(before)));
	scratch_make(here.dir);
	write_file(&here, "DB_CONFIG", "this is no setting\n");
	assert_int_equal(chdir(here.dir), 0);
	jp_store_close(open_it(fixture));
	assert_int_equal(
	    jp_store_bdb_verify(&fixture->options, &fixture->why), JP_ERR_OK);
	assert_int_equal(chdir(before), 0);
	scratch_remove(here.dir);
}

static void
all_files_are_for_the_owner_alone(void **state)
{
	struct fixture *fixture = *state;
	mode_t before = umask(0);
	const struct dirent *entry;
	DIR *stream;
	struct stat st;

	assert_int_equal(
	    jp_store_bdb_create(&fixture->options, &fixture->why), JP_ERR_OK);
	fill(fixture, 10);
	(void)umask(before);
	stream = opendir(fixture->dir);
	assert_non_null(stream);
	while ((entry = readdir(stream)) != NULL) {
		assert_int_equal(
		    fstatat(dirfd(stream), entry->d_name, &st, 0), 0);
		if (S_ISREG(st.st_mode))
			assert_int_equal(st.st_mode & 07777, 0600);
	}
	(void)closedir(stream);
}

static void
no_descriptor_of_the_store_survives_exec(void **state)
{
	struct fixture *fixture = *state;
	struct jp_store *store = open_it(fixture);
	char path[64], target[PATH_MAX];
	size_t seen = 0;

	assert_int_equal(add_numbered(store, 1), JP_ERR_OK);
	for (int fd = 0; fd < 256; fd++) {
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		ssize_t len = readlink(path, target, sizeof(target) - 1);

		if (len <= 0 ||
		    strncmp(target, fixture->dir, strlen(fixture->dir)) != 0)
			continue;
		seen++;
		assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	}
	assert_true(seen >= 4);
	jp_store_close(store);
}

/* The making. */

static void
a_folder_without_a_store_is_missing_and_stays_empty(void **state)
{
	struct fixture *fixture = *state;

	assert_false(jp_store_bdb_exists(fixture->dir));
	assert_opens_not(fixture, JP_ERR_MISSING, "pat-admin init");
	assert_int_equal(jp_store_bdb_verify(&fixture->options, &fixture->why),
	    JP_ERR_MISSING);
	assert_int_equal(count_files(fixture, ""), 0);
}

static void
making_a_store_twice_is_refused_and_keeps_its_records(void **state)
{
	struct fixture *fixture = *state;
	struct jp_store *store;

	fill(fixture, 10);
	assert_true(jp_store_bdb_exists(fixture->dir));
	assert_int_equal(jp_store_bdb_create(&fixture->options, &fixture->why),
	    JP_ERR_EXISTS);
	store = open_it(fixture);
	assert_whole(store, 10);
	jp_store_close(store);
}

static void
an_interrupted_making_is_no_store_and_can_be_repeated(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(unlink(path_in(fixture, "by_expiry.db")), 0);
	write_file(fixture, "creating", "");
	assert_false(jp_store_bdb_exists(fixture->dir));
	assert_opens_not(fixture, JP_ERR_MISSING, "pat-admin init");
	assert_int_equal(
	    jp_store_bdb_create(&fixture->options, &fixture->why), JP_ERR_OK);
	fill(fixture, 10);
}

static void
a_making_that_fails_leaves_nothing_behind(void **state)
{
	struct fixture *fixture = *state;
	int status;
	pid_t child = fork();

	if (child == 0) {
		struct rlimit limit = { 10000, 10000 };
		enum jp_err err;

		(void)signal(SIGXFSZ, SIG_IGN);
		(void)setrlimit(RLIMIT_FSIZE, &limit);
		err = jp_store_bdb_create(&fixture->options, &fixture->why);
		_exit((int)err);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), JP_ERR_DISK_FULL);
	assert_int_equal(count_files(fixture, ""), 0);
	assert_int_equal(
	    jp_store_bdb_create(&fixture->options, &fixture->why), JP_ERR_OK);
}

static void
what_is_left_of_a_store_is_never_made_anew(void **state)
{
	struct fixture *fixture = *state;

	fill(fixture, 10);
	for (size_t i = 0; i < BDB_FILES; i++) {
		assert_int_equal(
		    unlink(path_in(fixture, bdb_file_name((enum bdb_file)i))),
		    0);
		assert_opens_not(fixture, JP_ERR_DAMAGED, "restore");
		assert_int_equal(
		    jp_store_bdb_create(&fixture->options, &fixture->why),
		    JP_ERR_DAMAGED);
		assert_true(count_files(fixture, "log.") > 0);
	}
}

/* The lock. */

static void
a_second_owner_is_told_who_the_first_one_is(void **state)
{
	struct fixture *fixture = *state;
	struct jp_store *store = open_it(fixture);
	char words[PATH_MAX + 64];

	(void)snprintf(words, sizeof(words),
	    "the store %s is in use by tester (pid %ld)", fixture->dir,
	    (long)getpid());
	assert_opens_not(fixture, JP_ERR_LOCKED, words);
	assert_int_equal(jp_store_bdb_verify(&fixture->options, &fixture->why),
	    JP_ERR_LOCKED);
	jp_store_close(store);
	jp_store_close(open_it(fixture));
}

static void
the_owners_name_cannot_forge_a_message(void **state)
{
	struct fixture *fixture = *state;
	struct jp_store *store;

	fixture->options.holder = "x\nforged\033[2J";
	store = open_it(fixture);
	assert_opens_not(fixture, JP_ERR_LOCKED, "in use by x");
	assert_null(strstr(fixture->why.text, "forged"));
	jp_store_close(store);
}

static void *
close_soon(void *store)
{
	bdb_sleep_ms(50);
	jp_store_close(store);
	return NULL;
}

static void
an_opener_waits_for_the_owner_to_leave(void **state)
{
	struct fixture *fixture = *state;
	struct jp_store *store = open_it(fixture);
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, close_soon, store), 0);
	fixture->options.wait_ms = 10000;
	jp_store_close(open_it(fixture));
	(void)pthread_join(thread, NULL);
}

static void
an_opener_gives_up_when_its_time_is_over(void **state)
{
	struct fixture *fixture = *state;
	struct jp_store *store = open_it(fixture);
	int64_t begin = jp_now_ms();

	fixture->options.wait_ms = 30;
	assert_opens_not(fixture, JP_ERR_LOCKED, "in use");
	assert_in_range(jp_now_ms() - begin, 30, 5000);
	jp_store_close(store);
}

/* What survives. */

static void
everything_is_there_after_closing_and_opening(void **state)
{
	struct fixture *fixture = *state;
	struct jp_store *store;

	fill(fixture, RECORDS);
	store = open_it(fixture);
	assert_whole(store, RECORDS);
	jp_store_close(store);
}

static void
everything_is_there_after_the_owner_ended_without_closing(void **state)
{
	struct fixture *fixture = *state;
	struct jp_store *store;
	struct jp_store_info info;

	fill_and_die(fixture, RECORDS);
	store = open_it(fixture);
	assert_whole(store, RECORDS);
	assert_int_equal(jp_store_info(store, &info), JP_ERR_OK);
	assert_int_equal(info.commits, RECORDS);
	jp_store_close(store);
}

static void
a_large_import_is_one_commit(void **state)
{
	enum { MANY = 4000 };
	struct fixture *fixture = *state;
	struct jp_store *store = open_it(fixture);
	struct jp_record *records = calloc(MANY, sizeof(*records));
	struct jp_change *changes = calloc(MANY, sizeof(*changes));

	for (unsigned int i = 0; i < MANY; i++) {
		numbered(&records[i], i);
		changes[i].kind = JP_CHANGE_CREATE;
		changes[i].record = &records[i];
	}
	assert_int_equal(jp_store_commit(store, changes, MANY), JP_ERR_OK);
	assert_whole(store, MANY);
	jp_store_close(store);
	free(changes);
	free(records);
}

static void
a_checkpoint_drops_logs_that_are_no_longer_needed(void **state)
{
	struct fixture *fixture = *state;
	struct jp_store *store = open_it(fixture);
	struct jp_store_info before, after;

	for (unsigned int i = 0; count_files(fixture, "log.") < 4; i++)
		assert_int_equal(add_numbered(store, i), JP_ERR_OK);
	assert_int_equal(jp_store_info(store, &before), JP_ERR_OK);
	assert_int_equal(jp_store_checkpoint(store), JP_ERR_OK);
	assert_int_equal(count_files(fixture, "log."), 1);
	assert_int_equal(jp_store_info(store, &after), JP_ERR_OK);
	assert_true(after.bytes < before.bytes);
	jp_store_close(store);
}

/* Threads. */

struct worker {
	struct jp_store *store;
	unsigned int number;
	atomic_bool *stop;
	enum jp_err err;
	unsigned int done;
};

/* Creates, expires and deletes tokens of its own, of one common user. */
static void *
write_some(void *arg)
{
	struct worker *worker = arg;
	struct jp_record record;
	char id[16];

	for (unsigned int i = 0; i < 150 && worker->err == JP_ERR_OK; i++) {
		(void)snprintf(id, sizeof(id), "%04u%04u", worker->number, i);
		record_make(&record, id, "all", 1000 + i);
		worker->err =
		    commit_one(worker->store, JP_CHANGE_CREATE, &record);
		record.expires_at = 1;
		if (worker->err == JP_ERR_OK)
			worker->err = commit_one(
			    worker->store, JP_CHANGE_REPLACE, &record);
		if (worker->err == JP_ERR_OK && i % 2 == 1)
			worker->err = commit_one(
			    worker->store, JP_CHANGE_DELETE, &record);
	}
	return NULL;
}

static void *
read_some(void *arg)
{
	static const struct jp_listing listings[] = {
		{ .order = JP_ORDER_USER, .user = "all" },
		{ .order = JP_ORDER_EXPIRY, .until = INT64_MAX },
		{ .order = JP_ORDER_ID },
	};
	struct worker *worker = arg;
	struct jp_record page[3];
	size_t count;

	while (!atomic_load(worker->stop) && worker->err == JP_ERR_OK) {
		struct jp_listing listing = listings[worker->done++ % 3];

		do {
			worker->err = jp_store_list(
			    worker->store, &listing, page, 3, &count);
			if (count > 0)
				(void)jp_store_get(
				    worker->store, page[0].id, &page[1]);
		} while (worker->err == JP_ERR_OK && count > 0);
	}
	return NULL;
}

static void
four_threads_read_while_two_write(void **state)
{
	struct fixture *fixture = *state;
	struct jp_store *store = open_it(fixture);
	struct worker workers[6];
	pthread_t threads[COUNT_OF(workers)];
	atomic_bool stop = false;
	struct jp_store_info info;

	for (unsigned int i = 0; i < COUNT_OF(workers); i++) {
		workers[i] = (struct worker){
			.store = store, .number = i, .stop = &stop
		};
		(void)pthread_create(&threads[i], NULL,
		    i < 2 ? write_some : read_some, &workers[i]);
	}
	for (size_t i = 0; i < COUNT_OF(workers); i++) {
		(void)pthread_join(threads[i], NULL);
		if (i == 1)
			atomic_store(&stop, true);
	}
	for (size_t i = 0; i < COUNT_OF(workers); i++)
		assert_int_equal(workers[i].err, JP_ERR_OK);
	assert_int_equal(jp_store_info(store, &info), JP_ERR_OK);
	assert_int_equal(info.records, 150);
	assert_int_equal(info.commits, 2 * (150 + 150 + 75));
	jp_store_close(store);
}

/* "" if the cache has nothing of it. */
static const char *
kept(struct bdb_cache *cache, const struct bdb_key *key, uint64_t *ticket)
{
	static char text[16];
	size_t len = 0;

	if (!bdb_cache_find(
	        cache, key, (uint8_t *)text, sizeof(text) - 1, &len, ticket))
		len = 0;
	text[len] = '\0';
	return text;
}

/* It read before the commit, and comes to keep what it read after it. */
static void
a_reader_that_is_late_keeps_nothing_old(void **state)
{
	const struct bdb_key key = { BDB_TOKENS, "aaaaaaaa" };
	const struct bdb_key other = { BDB_USERS, "aaaaaaaa" };
	const uint8_t old[] = "old", fresh[] = "fresh";
	struct bdb_cache *cache;
	uint64_t ticket, late;

	(void)state;
	assert_int_equal(bdb_cache_make(&cache, 64), JP_ERR_OK);
	assert_string_equal(kept(cache, &key, &late), "");
	bdb_cache_fill(cache, &key, late, old, 3);
	assert_string_equal(kept(cache, &key, &ticket), "old");
	assert_string_equal(kept(cache, &other, &ticket), "");
	bdb_cache_publish(cache, &key, fresh, 5);
	bdb_cache_fill(cache, &key, late, old, 3);
	assert_string_equal(kept(cache, &key, &late), "fresh");
	bdb_cache_drop(cache, &key);
	bdb_cache_fill(cache, &key, late, fresh, 5);
	assert_string_equal(kept(cache, &key, &ticket), "");
	bdb_cache_free(cache);
}

/* More records than are kept, and how far the commits of each have got. */
#define VERSIONED 200

struct versions {
	struct jp_store *store;
	atomic_bool stop;
	atomic_uint acked[VERSIONED];
	atomic_uint stale; /* reads of what was out of date */
};

static void *
read_versions(void *arg)
{
	struct versions *versions = arg;
	struct jp_record record;
	char id[16];
	unsigned int seed = 1;

	while (!atomic_load(&versions->stop)) {
		unsigned int i = (unsigned int)rand_r(&seed) % VERSIONED;
		unsigned int acked = atomic_load(&versions->acked[i]);
		enum jp_err err;

		(void)snprintf(id, sizeof(id), "%08u", i);
		err = seed % 2 == 0
		          ? jp_store_get(versions->store, id, &record)
		          : jp_store_try_get(versions->store, id, &record);
		if (err != JP_ERR_BUSY &&
		    (err != JP_ERR_OK || record.use_count < acked))
			atomic_fetch_add(&versions->stale, 1);
	}
	return NULL;
}

static void
whoever_reads_sees_every_commit_that_returned(void **state)
{
	static struct versions versions;
	struct fixture *fixture = *state;
	pthread_t threads[3];
	struct jp_record record;
	char id[16];

	memset(&versions, 0, sizeof(versions));
	versions.store = open_it(fixture);
	for (unsigned int i = 0; i < VERSIONED; i++) {
		(void)snprintf(id, sizeof(id), "%08u", i);
		assert_int_equal(
		    add(versions.store, id, "alice", 1), JP_ERR_OK);
	}
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		(void)pthread_create(
		    &threads[i], NULL, read_versions, &versions);
	for (unsigned int n = 1; n <= 2000; n++) {
		unsigned int i = n * 7 % VERSIONED;

		(void)snprintf(id, sizeof(id), "%08u", i);
		record_make(&record, id, "alice", 1);
		record.use_count = n;
		assert_int_equal(
		    commit_one(versions.store, JP_CHANGE_REPLACE, &record),
		    JP_ERR_OK);
		atomic_store(&versions.acked[i], n);
	}
	atomic_store(&versions.stop, true);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		(void)pthread_join(threads[i], NULL);
	jp_store_close(versions.store);
	assert_int_equal(atomic_load(&versions.stale), 0);
}

static void *
commit_blocked(void *arg)
{
	struct worker *worker = arg;

	worker->err = add_numbered(worker->store, 1);
	return NULL;
}

static void
an_operation_that_does_not_end_shows_as_stalled(void **state)
{
	struct fixture *fixture = *state;
	struct jp_store *store = open_it(fixture);
	struct bdb *bdb = bdb_of(store);
	struct worker worker = { .store = store };
	int64_t end = jp_now_ms() + 10000;
	struct bdb_head head;
	pthread_t thread;
	DB_TXN *txn;

	assert_int_equal(bdb->env->txn_begin(bdb->env, NULL, &txn, 0), 0);
	assert_int_equal(bdb_head_get(bdb, txn, &head, DB_RMW), JP_ERR_OK);
	assert_false(jp_store_stalled(store, 0));
	(void)pthread_create(&thread, NULL, commit_blocked, &worker);
	while (!jp_store_stalled(store, 1) && jp_now_ms() < end)
		bdb_sleep_ms(10);
	assert_true(jp_store_stalled(store, 1));
	assert_false(jp_store_stalled(store, 60));
	assert_int_equal(txn->abort(txn), 0);
	(void)pthread_join(thread, NULL);
	assert_int_equal(worker.err, JP_ERR_OK);
	assert_false(jp_store_stalled(store, 0));
	jp_store_close(store);
}

/* Damage, and stores of others. */

static void
another_pepper_is_refused_with_the_way_out(void **state)
{
	struct fixture *fixture = *state;

	fixture->options.tag[3] ^= 1;
	assert_opens_not(fixture, JP_ERR_CONFIG, "put the right one back");
	fixture->options.tag[3] ^= 1;
	jp_store_close(open_it(fixture));
}

/* Puts bytes into one database, past all that the store would check. */
static void
put_raw(struct fixture *fixture, enum bdb_file file, const char *name,
    uint8_t *bytes, size_t len)
{
	struct jp_store *store = open_it(fixture);
	struct bdb *bdb = bdb_of(store);
	DBT key = { .data = (void *)(uintptr_t)name,
		.size = (uint32_t)strlen(name) };
	DBT data = { .data = bytes, .size = (uint32_t)len };
	DB *db;

	/* Another handle, one that knows of no indexes. */
	assert_int_equal(db_create(&db, bdb->env, 0), 0);
	assert_int_equal(db->open(db, NULL, bdb_file_name(file), NULL, DB_BTREE,
	                     DB_AUTO_COMMIT | DB_THREAD, 0),
	    0);
	assert_int_equal(db->put(db, NULL, &key, &data, 0), 0);
	assert_int_equal(db->close(db, 0), 0);
	jp_store_close(store);
}

/* Changes one byte of the stored record of id 00000001. */
static void
spoil_record(struct fixture *fixture, size_t at, uint8_t value)
{
	uint8_t bytes[JP_RECORD_MAX];
	struct jp_record record;
	size_t len;

	fill(fixture, 3);
	numbered(&record, 1);
	assert_int_equal(jp_record_encode(&record, bytes, &len), JP_ERR_OK);
	bytes[at] = value;
	put_raw(fixture, BDB_TOKENS, record.id, bytes, len);
}

static void
assert_spoilt(struct fixture *fixture, enum jp_err err)
{
	struct jp_store *store = open_it(fixture);
	struct jp_listing listing = { .order = JP_ORDER_ID };
	struct jp_record record, page[3];
	struct jp_why why;
	size_t count;

	assert_int_equal(jp_store_get(store, "00000001", &record), err);
	jp_store_why(store, &why);
	assert_non_null(strstr(why.text, "00000001"));
	numbered(&record, 1);
	assert_int_equal(commit_one(store, JP_CHANGE_REPLACE, &record), err);
	assert_int_equal(commit_one(store, JP_CHANGE_DELETE, &record), err);
	assert_int_equal(jp_store_list(store, &listing, page, 3, &count), err);
	assert_int_equal(count, 0);
	assert_int_equal(jp_store_get(store, "00000002", &record), JP_ERR_OK);
	jp_store_close(store);
}

static void
a_record_of_a_newer_version_is_refused_clearly(void **state)
{
	spoil_record(*state, 0, JP_RECORD_VERSION + 1);
	assert_spoilt(*state, JP_ERR_NEWER);
}

static void
a_record_under_another_id_is_damage(void **state)
{
	spoil_record(*state, 1, 'Z');
	assert_spoilt(*state, JP_ERR_DAMAGED);
}

static void
a_store_of_a_newer_version_is_refused_clearly(void **state)
{
	uint8_t bytes[] = { 6, 0, 0 };

	put_raw(*state, BDB_META, "store", bytes, sizeof(bytes));
	assert_opens_not(*state, JP_ERR_NEWER, "newer version");
}

/* Makes the store what it was in that version of its head. */
static void
make_old(struct fixture *fixture, uint8_t version)
{
	struct jp_store *store = open_it(fixture);
	struct bdb *bdb = bdb_of(store);
	uint8_t bytes[64];
	char name[] = "store";
	DBT key = { .data = name, .size = sizeof(name) - 1 };
	DBT data = bdb_room(bytes, sizeof(bytes));
	DB *meta = bdb->db[BDB_META];

	for (size_t i = 0; i < BDB_FILES; i++) {
		const char *file = bdb_file_name((enum bdb_file)i);

		if (bdb_file_since((enum bdb_file)i) <= version)
			continue;
		assert_int_equal(bdb->db[i]->close(bdb->db[i], 0), 0);
		bdb->db[i] = NULL;
		assert_int_equal(bdb->env->dbremove(bdb->env, NULL, file, NULL,
		                     DB_AUTO_COMMIT),
		    0);
	}
	assert_int_equal(meta->get(meta, NULL, &key, &data, 0), 0);
	bytes[0] = version;
	assert_int_equal(meta->put(meta, NULL, &key, &data, 0), 0);
	jp_store_close(store);
	assert_int_equal(count_files(fixture, "by_owner.db"), 0);
}

static void
an_older_store_gets_a_place_for_users_when_it_is_opened(void **state)
{
	struct fixture *fixture = *state;
	struct jp_user user;
	struct jp_store *store;

	fill(fixture, 10);
	make_old(fixture, 1);
	store = open_it(fixture);
	assert_whole(store, 10);
	jp_user_default(&user, "alice");
	user.disabled = true;
	assert_int_equal(jp_store_put_users(store, &user, 1), JP_ERR_OK);
	jp_store_close(store);
	store = open_it(fixture);
	assert_int_equal(jp_store_user(store, "alice", &user), JP_ERR_OK);
	assert_true(user.disabled);
	jp_store_close(store);
	assert_int_equal(
	    jp_store_bdb_verify(&fixture->options, &fixture->why), JP_ERR_OK);
	/* From then on it may not be missing: users would be free again. */
	assert_int_equal(unlink(path_in(fixture, "users.db")), 0);
	assert_opens_not(fixture, JP_ERR_DAMAGED, "users.db is missing");
}

/* What it holds of users stays, and from then on neither may be missing. */
static void
an_older_store_gets_a_place_for_upstream_credentials(void **state)
{
	struct fixture *fixture = *state;
	struct jp_upstreams all = { .user = "alice", .len = 1 };
	struct jp_user user;
	struct jp_store *store;

	fill(fixture, 10);
	store = open_it(fixture);
	jp_user_default(&user, "bob");
	user.disabled = true;
	assert_int_equal(jp_store_put_users(store, &user, 1), JP_ERR_OK);
	jp_store_close(store);
	make_old(fixture, 2);
	store = open_it(fixture);
	assert_whole(store, 10);
	assert_int_equal(jp_store_user(store, "bob", &user), JP_ERR_OK);
	assert_true(user.disabled);
	all.of[0].sealed_len = JP_UPSTREAM_SEAL_LEN + 1;
	assert_int_equal(jp_store_put_upstream(store, &all, 1), JP_ERR_OK);
	jp_store_close(store);
	store = open_it(fixture);
	assert_int_equal(jp_store_upstream(store, "alice", &all), JP_ERR_OK);
	assert_int_equal(all.len, 1);
	jp_store_close(store);
	assert_int_equal(
	    jp_store_bdb_verify(&fixture->options, &fixture->why), JP_ERR_OK);
	assert_int_equal(unlink(path_in(fixture, "upstream.db")), 0);
	assert_opens_not(fixture, JP_ERR_DAMAGED, "upstream.db is missing");
}

/* The bytes that are missing in an encoding of that version. */
static size_t
missing_in(uint8_t version)
{
	static const size_t came_with[] = { 0, 0, 12, 2,
		2 + 2 + 8 + 2 + 4 + 4 + 8 + JP_FAST_TAG_LEN };
	size_t missing = 0;

	for (size_t later = version + 1U; later < COUNT_OF(came_with); later++)
		missing += came_with[later];
	return missing;
}

/* Puts a record as a build of that version of records wrote it. */
static void
put_old_record(struct fixture *fixture, unsigned int i, uint8_t version)
{
	uint8_t bytes[JP_RECORD_MAX];
	struct jp_record record;
	size_t len;

	numbered(&record, i);
	assert_int_equal(jp_record_encode(&record, bytes, &len), JP_ERR_OK);
	bytes[0] = version;
	put_raw(
	    fixture, BDB_TOKENS, record.id, bytes, len - missing_in(version));
}

static void
give(struct jp_store *store, unsigned int i, const char *group)
{
	struct jp_record record;

	numbered(&record, i);
	strcpy(record.owner_group, group);
	assert_int_equal(
	    commit_one(store, JP_CHANGE_REPLACE, &record), JP_ERR_OK);
}

static size_t
count_owned(struct jp_store *store, const char *group)
{
	struct jp_listing listing = { .order = JP_ORDER_OWNER };
	struct jp_record page[4];
	size_t count;

	strcpy(listing.owner, group);
	assert_int_equal(
	    jp_store_list(store, &listing, page, COUNT_OF(page), &count),
	    JP_ERR_OK);
	return count;
}

/* Records of all versions are read, and get an owner like new ones. */
static void
an_older_store_gets_an_index_of_what_groups_own(void **state)
{
	struct fixture *fixture = *state;
	struct jp_store *store;

	fill(fixture, 10);
	for (uint8_t version = 1; version <= 3; version++)
		put_old_record(fixture, version, version);
	make_old(fixture, 3);
	store = open_it(fixture);
	assert_whole(store, 10);
	assert_int_equal(count_owned(store, "ops"), 0);
	for (unsigned int i = 1; i <= 3; i++)
		give(store, i, "ops");
	assert_int_equal(count_owned(store, "ops"), 3);
	jp_store_close(store);
	store = open_it(fixture);
	assert_int_equal(count_owned(store, "ops"), 3);
	give(store, 2, "");
	give(store, 3, "dev");
	assert_int_equal(count_owned(store, "ops"), 1);
	assert_int_equal(count_owned(store, "dev"), 1);
	jp_store_close(store);
	assert_int_equal(
	    jp_store_bdb_verify(&fixture->options, &fixture->why), JP_ERR_OK);
	assert_int_equal(unlink(path_in(fixture, "by_owner.db")), 0);
	assert_opens_not(fixture, JP_ERR_DAMAGED, "by_owner.db is missing");
}

static uint8_t
head_version(struct fixture *fixture)
{
	struct jp_store *store = open_it(fixture);
	struct bdb_head head;

	assert_int_equal(
	    bdb_head_get(bdb_of(store), NULL, &head, 0), JP_ERR_OK);
	jp_store_close(store);
	return head.version;
}

/* Which an older build reads first, and then opens nothing. */
static void
an_older_store_says_its_new_version_from_its_first_opening(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(head_version(fixture), 4);
	for (uint8_t version = 1; version <= 3; version++) {
		make_old(fixture, version);
		assert_int_equal(head_version(fixture), 4);
	}
}

static void
move(struct fixture *fixture, const struct jp_position *to)
{
	struct jp_store *store = open_it(fixture);
	struct jp_position from;

	assert_int_equal(jp_store_position(store, &from), JP_ERR_OK);
	assert_int_equal(jp_store_place(store, &from, to), JP_ERR_OK);
	jp_store_close(store);
}

/* So that a single host can go back to an older build at any time. */
static void
only_a_store_of_a_cluster_says_version_5(void **state)
{
	const struct jp_position to = { .cluster = "ours", .seq = 7 };

	move(*state, &to);
	assert_int_equal(head_version(*state), 5);
	move(*state, NULL);
	assert_int_equal(head_version(*state), 4);
}

static void
a_head_of_a_cluster_that_names_none_is_damage(void **state)
{
	uint8_t bytes[1 + 8 + 8 + 4 + 4 + JP_PEPPER_NAME_LEN + 16 + 8 + 32] = {
		5
	};

	put_raw(*state, BDB_META, "store", bytes, sizeof(bytes));
	assert_opens_not(*state, JP_ERR_DAMAGED, "meta.db");
}

static void
a_store_without_a_readable_head_is_damage(void **state)
{
	uint8_t bytes[] = { 1, 0, 0 };

	put_raw(*state, BDB_META, "store", bytes, sizeof(bytes));
	assert_opens_not(*state, JP_ERR_DAMAGED, "meta.db");
}

static void
a_missing_database_is_named(void **state)
{
	for (size_t i = 0; i < BDB_FILES; i++) {
		const char *name = bdb_file_name((enum bdb_file)i);
		struct fixture *fixture = *state;

		assert_int_equal(unlink(path_in(fixture, name)), 0);
		assert_opens_not(fixture, JP_ERR_DAMAGED, name);
		assert_int_equal(count_files(fixture, name), 0);
		(void)tear_down(state);
		(void)set_up(state);
	}
}

static void
damage_in_the_last_log_shows_as_lost_commits(void **state)
{
	const char *name = "log.0000000001";
	struct fixture *fixture = *state;

	fill_and_die(fixture, 20);
	flip_bit(fixture, name, log_end(fixture, name) - 3000);
	assert_opens_not(fixture, JP_ERR_DAMAGED, "commits are lost");
	assert_opens_not(fixture, JP_ERR_DAMAGED, "restore from a backup");
}

static void
a_log_cut_off_shows_as_lost_commits(void **state)
{
	const char *name = "log.0000000001";
	struct fixture *fixture = *state;

	fill_and_die(fixture, 20);
	assert_int_equal(
	    truncate(path_in(fixture, name), log_end(fixture, name) - 100), 0);
	assert_opens_not(fixture, JP_ERR_DAMAGED, "1 commits are lost");
}

static void
removed_logs_are_damage(void **state)
{
	struct fixture *fixture = *state;

	fill(fixture, 20);
	assert_int_equal(unlink(path_in(fixture, "log.0000000001")), 0);
	assert_opens_not(fixture, JP_ERR_DAMAGED, "log files are missing");
	assert_opens_not(fixture, JP_ERR_DAMAGED, "restore from a backup");
}

static void
a_mark_that_is_behind_or_gone_is_fine(void **state)
{
	struct fixture *fixture = *state;

	fill(fixture, 20);
	write_file(fixture, "hwm", "00000000000000000019\n");
	jp_store_close(open_it(fixture));
	assert_int_equal(unlink(path_in(fixture, "hwm")), 0);
	jp_store_close(open_it(fixture));
	write_file(fixture, "hwm", "00000000000000000021\n");
	assert_opens_not(fixture, JP_ERR_DAMAGED, "1 commits are lost");
}

static void
a_mark_that_is_no_count_is_damage(void **state)
{
	static const char *const texts[] = { "x", "0\n",
		"0000000000000000002x\n", "00000000000000000020",
		"99999999999999999999\n", "00000000000000000020\n\n" };
	struct fixture *fixture = *state;

	fill(fixture, 20);
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		write_file(fixture, "hwm", texts[i]);
		assert_opens_not(fixture, JP_ERR_DAMAGED, "hwm");
	}
}

/* Reads all there is: each record right, or the store's end. */
static enum jp_err
read_all(struct jp_store *store)
{
	struct jp_record record, expected;

	for (unsigned int i = 0; i < RECORDS; i++) {
		enum jp_err err;

		numbered(&expected, i);
		err = jp_store_get(store, expected.id, &record);
		if (err != JP_ERR_OK)
			return err;
		assert_memory_equal(&record, &expected, sizeof(record));
	}
	return JP_ERR_OK;
}

static void
assert_page_is_missed(struct fixture *fixture, off_t page)
{
	struct jp_store *store;
	struct jp_why why;
	enum jp_err err;

	flip_bit(fixture, "tokens.db", page * 4096 + 2000);
	err = jp_store_bdb_open(&fixture->options, &store, &why);
	if (err == JP_ERR_OK) {
		err = read_all(store);
		jp_store_why(store, &why);
		assert_int_equal(add_numbered(store, RECORDS), JP_ERR_DAMAGED);
		assert_int_equal(read_all(store), JP_ERR_DAMAGED);
		jp_store_close(store);
	}
	assert_int_equal(err, JP_ERR_DAMAGED);
	if (strstr(why.text, "checksum error") == NULL)
		print_error("%s\n", why.text);
	assert_non_null(strstr(why.text, "checksum error"));
	assert_non_null(strstr(why.text, "tokens.db"));
	flip_bit(fixture, "tokens.db", page * 4096 + 2000);
}

static void
a_flipped_bit_never_gives_a_wrong_record(void **state)
{
	struct fixture *fixture = *state;
	struct jp_store *store;
	struct stat st;

	fill(fixture, RECORDS);
	assert_int_equal(stat(path_in(fixture, "tokens.db"), &st), 0);
	assert_true(st.st_size > 5 * 4096);
	for (off_t page = 1; page < st.st_size / 4096; page += 3)
		assert_page_is_missed(fixture, page);
	store = open_it(fixture);
	assert_whole(store, RECORDS);
	jp_store_close(store);
}

static void
verifying_a_healthy_store_is_fine(void **state)
{
	struct fixture *fixture = *state;

	fill_and_die(fixture, RECORDS);
	assert_int_equal(
	    jp_store_bdb_verify(&fixture->options, &fixture->why), JP_ERR_OK);
}

static void
verifying_finds_a_flipped_bit_in_any_database(void **state)
{
	struct fixture *fixture = *state;

	fill(fixture, RECORDS);
	for (size_t i = 0; i < BDB_FILES; i++) {
		const char *name = bdb_file_name((enum bdb_file)i);

		flip_bit(fixture, name, 4096 + 3000);
		assert_int_equal(
		    jp_store_bdb_verify(&fixture->options, &fixture->why),
		    JP_ERR_DAMAGED);
		assert_non_null(strstr(fixture->why.text, name));
		flip_bit(fixture, name, 4096 + 3000);
	}
	assert_int_equal(
	    jp_store_bdb_verify(&fixture->options, &fixture->why), JP_ERR_OK);
}

#define IN_FOLDER(test)                                                        \
	cmocka_unit_test_setup_teardown(test, set_up_folder, tear_down)
#define IN_STORE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(a_relative_folder_is_refused),
		IN_FOLDER(a_missing_folder_is_missing),
		IN_FOLDER(a_file_in_the_folders_place_is_refused),
		IN_FOLDER(a_folder_open_to_others_is_refused_with_the_way_out),
		IN_FOLDER(a_folder_of_another_user_is_refused_with_the_way_out),
		IN_STORE(a_DB_CONFIG_in_the_folder_is_refused),
		IN_STORE(a_DB_CONFIG_in_the_current_folder_is_ignored),
		IN_FOLDER(all_files_are_for_the_owner_alone),
		IN_STORE(no_descriptor_of_the_store_survives_exec),
		IN_FOLDER(a_folder_without_a_store_is_missing_and_stays_empty),
		IN_STORE(making_a_store_twice_is_refused_and_keeps_its_records),
		IN_STORE(an_interrupted_making_is_no_store_and_can_be_repeated),
		IN_FOLDER(a_making_that_fails_leaves_nothing_behind),
		IN_STORE(what_is_left_of_a_store_is_never_made_anew),
		IN_STORE(a_second_owner_is_told_who_the_first_one_is),
		IN_STORE(the_owners_name_cannot_forge_a_message),
		IN_STORE(an_opener_waits_for_the_owner_to_leave),
		IN_STORE(an_opener_gives_up_when_its_time_is_over),
		IN_STORE(everything_is_there_after_closing_and_opening),
		IN_STORE(
		    everything_is_there_after_the_owner_ended_without_closing),
		IN_STORE(a_large_import_is_one_commit),
		IN_STORE(a_checkpoint_drops_logs_that_are_no_longer_needed),
		IN_STORE(four_threads_read_while_two_write),
		IN_STORE(whoever_reads_sees_every_commit_that_returned),
		cmocka_unit_test(a_reader_that_is_late_keeps_nothing_old),
		IN_STORE(an_operation_that_does_not_end_shows_as_stalled),
		IN_STORE(another_pepper_is_refused_with_the_way_out),
		IN_STORE(a_record_of_a_newer_version_is_refused_clearly),
		IN_STORE(a_record_under_another_id_is_damage),
		IN_STORE(a_store_of_a_newer_version_is_refused_clearly),
		IN_STORE(
		    an_older_store_gets_a_place_for_users_when_it_is_opened),
		IN_STORE(an_older_store_gets_a_place_for_upstream_credentials),
		IN_STORE(an_older_store_gets_an_index_of_what_groups_own),
		IN_STORE(
		    an_older_store_says_its_new_version_from_its_first_opening),
		IN_STORE(only_a_store_of_a_cluster_says_version_5),
		IN_STORE(a_head_of_a_cluster_that_names_none_is_damage),
		IN_STORE(a_store_without_a_readable_head_is_damage),
		IN_STORE(a_missing_database_is_named),
		IN_STORE(damage_in_the_last_log_shows_as_lost_commits),
		IN_STORE(a_log_cut_off_shows_as_lost_commits),
		IN_STORE(removed_logs_are_damage),
		IN_STORE(a_mark_that_is_behind_or_gone_is_fine),
		IN_STORE(a_mark_that_is_no_count_is_damage),
		IN_STORE(a_flipped_bit_never_gives_a_wrong_record),
		IN_STORE(verifying_a_healthy_store_is_fine),
		IN_STORE(verifying_finds_a_flipped_bit_in_any_database),
	};

	if (geteuid() != 0)
		leave_out("a_folder_of_another_user_*", "not root");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
