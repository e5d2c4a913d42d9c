/*
 * What size costs, counted in records and in pages of the store: the same
 * operations on a small store and on one of a hundred times its size.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/admin/admin.h"
#include "common/decide/decide.h"
#include "common/decide/open.h"
#include "common/store/bdb_internal.h"
#include "common/record/token_make.h"
#include "tests/unit/store_help.h"

#define NOW INT64_C(1800000000)

enum {
	SMALL = 200,
	LARGE = 20000,
	PER_USER = 10,
	BATCH = 500,
	DEPTH = 4,      /* pages from the root of a tree to a record, at most */
	FILES = 4,      /* tokens.db, by_user.db, by_expiry.db, meta.db */
	LOG_FILES = 16, /* between two checkpoints */
	PAGE = 64,      /* records that a listing reads at once */
	FORGED = 100,
};

struct fixture {
	char dir[PATH_MAX];
	struct jp_core core;
};

/* What an operation took. */
struct cost {
	uint64_t records; /* that were read */
	uint64_t pages;   /* looked at, in the cache or not */
};

static struct fixture fixtures[2];
static struct fixture *const small = &fixtures[0];
static struct fixture *const large = &fixtures[1];

static int64_t
fixed_now(void *arg)
{
	(void)arg;
	return NOW;
}

static void
fill(struct jp_store *store, unsigned int tokens)
{
	static struct jp_record records[BATCH];
	static struct jp_change changes[BATCH];

	for (unsigned int i = 0; i < tokens; i++) {
		char id[16], user[16];

		(void)snprintf(id, sizeof(id), "%08u", i * 7919 % tokens);
		(void)snprintf(user, sizeof(user), "user%u", i / PER_USER);
		record_make(&records[i % BATCH], id, user, NOW + 1 + i);
		changes[i % BATCH] =
		    (struct jp_change){ JP_CHANGE_CREATE, &records[i % BATCH] };
		if ((i + 1) % BATCH == 0 || i + 1 == tokens)
			assert_int_equal(
			    jp_store_commit(store, changes, i % BATCH + 1),
			    JP_ERR_OK);
	}
}

static struct jp_store *
open_store(struct fixture *fixture)
{
	struct jp_store_options options = options_for(fixture->dir);
	struct jp_store *store;
	struct jp_why why;

	assert_int_equal(jp_store_bdb_open(&options, &store, &why), JP_ERR_OK);
	return store;
}

static void
make_fixture(struct fixture *fixture, unsigned int tokens)
{
	static const struct jp_pepper pepper = { { 1, 2, 3 } };
	static const struct jp_clock clock = { fixed_now, NULL };
	struct jp_store_options options;
	struct jp_settings settings;
	struct jp_why why;

	scratch_make(fixture->dir);
	options = options_for(fixture->dir);
	assert_int_equal(jp_store_bdb_create(&options, &why), JP_ERR_OK);
	jp_settings_default(&settings);
	settings.policy.cost = (struct jp_cost){ 8, 1 };
	settings.policy.max_per_user = 3 * PER_USER;
	settings.policy.name_required = false;
	assert_int_equal(jp_core_init(&fixture->core, open_store(fixture),
	                     &pepper, &settings.policy, &clock),
	    JP_ERR_OK);
	assert_int_equal(
	    jp_memo_make(&fixture->core.memo, 16, &clock), JP_ERR_OK);
	fill(fixture->core.store, tokens);
}

static int
set_up(void **state)
{
	(void)state;
	make_fixture(small, SMALL);
	make_fixture(large, LARGE);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		jp_core_close(&fixtures[i].core);
		scratch_remove(fixtures[i].dir);
	}
	return 0;
}

static struct cost
so_far(const struct fixture *fixture)
{
	DB_ENV *env = bdb_of(fixture->core.store)->env;
	DB_MPOOL_STAT *stat;
	struct cost cost = { .records = fixture->core.store->reads };

	assert_int_equal(env->memp_stat(env, &stat, NULL, 0), 0);
	cost.pages = stat->st_cache_hit + stat->st_cache_miss;
	free(stat);
	return cost;
}

static struct cost
since(const struct fixture *fixture, struct cost before)
{
	struct cost now = so_far(fixture);

	return (struct cost){ now.records - before.records,
		now.pages - before.pages };
}

/* ---- administration ---- */

static enum jp_err
take_item(void *arg, const struct jp_admin_item *item)
{
	struct jp_admin_item *last = arg;

	*last = *item;
	return JP_ERR_OK;
}

/* Runs one operation for `user`, and says what it took. */
static struct cost
cost_of(struct fixture *fixture, enum jp_admin_op op, const char *user,
    struct jp_admin_item *last)
{
	struct jp_admin_request *request = calloc(1, sizeof(*request));
	struct cost before = so_far(fixture);
	struct jp_why why = { .text = "" };

	assert_non_null(request);
	request->op = op;
	strcpy(request->record.user, user);
	assert_int_equal(jp_admin_execute(&fixture->core, "root", request,
	                     take_item, last, &why),
	    JP_ERR_OK);
	free(request);
	return since(fixture, before);
}

static void
a_users_list_reads_that_users_tokens_only(void **state)
{
	struct jp_admin_item last;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct cost cost =
		    cost_of(&fixtures[i], JP_ADMIN_LIST, "user7", &last);

		assert_int_equal(cost.records, PER_USER);
		assert_in_range(cost.pages, PER_USER, 2 * PER_USER * DEPTH);
	}
}

static void
the_list_of_a_user_without_tokens_reads_none(void **state)
{
	struct jp_admin_item last;
	struct cost cost = cost_of(large, JP_ADMIN_LIST, "nobody", &last);

	(void)state;
	assert_int_equal(cost.records, 0);
	assert_in_range(cost.pages, 0, 2 * DEPTH);
}

/* Twice: before the costly hash, and again under the lock. */
static void
a_creation_reads_that_users_tokens_only(void **state)
{
	struct jp_admin_item last;
	struct cost cost = cost_of(large, JP_ADMIN_CREATE, "user11", &last);

	(void)state;
	assert_int_equal(cost.records, 2 * PER_USER);
	assert_in_range(
	    cost.pages, PER_USER, 4 * PER_USER * DEPTH + 4 * FILES * DEPTH);
}

static void
a_users_revocation_reads_that_users_tokens_only(void **state)
{
	struct jp_admin_item last;
	struct cost cost = cost_of(large, JP_ADMIN_REVOKE, "user13", &last);

	(void)state;
	assert_int_equal(cost.records, PER_USER);
	assert_in_range(cost.pages, PER_USER, 8 * PER_USER * DEPTH);
}

static void
the_count_of_records_reads_none(void **state)
{
	struct jp_admin_item last;
	struct cost cost = cost_of(large, JP_ADMIN_STATS, "", &last);

	(void)state;
	assert_int_equal(cost.records, 0);
	assert_in_range(last.store.records, LARGE, LARGE + 10);
	assert_in_range(cost.pages, 1, DEPTH);
}

/* ---- a listing of everything ---- */

/* A store in front of another one that counts the pages asked of it. */
struct counting {
	struct jp_store base;
	struct jp_store *real;
	size_t lists, most, held;
};

static enum jp_err
counting_list(struct jp_store *store, struct jp_listing *listing,
    struct jp_record *page, size_t max, size_t *count)
{
	struct counting *counting = (struct counting *)store;

	counting->lists++;
	counting->most = max > counting->most ? max : counting->most;
	return jp_store_list(counting->real, listing, page, max, count);
}

static enum jp_err
counting_user(
    struct jp_store *store, const char *name, struct jp_user *user, bool wait)
{
	(void)wait;
	return jp_store_user(((struct counting *)store)->real, name, user);
}

static enum jp_err
take_and_change(void *arg, const struct jp_admin_item *item)
{
	struct counting *counting = arg;
	struct jp_record record;

	/* The listing holds nothing: this would wait for it for ever. */
	if (counting->held++ % 1000 == 0) {
		assert_int_equal(
		    jp_store_get(counting->real, item->record.id, &record),
		    JP_ERR_OK);
		record.use_count++;
		assert_int_equal(
		    commit_one(counting->real, JP_CHANGE_REPLACE, &record),
		    JP_ERR_OK);
	}
	return JP_ERR_OK;
}

static void
a_list_of_all_holds_one_page_and_no_lock(void **state)
{
	static const struct jp_store_ops ops = { .list = counting_list,
		.user_get = counting_user };
	static struct jp_admin_request request = { .op = JP_ADMIN_LIST,
		.all = true };
	struct counting counting = { .base = { .ops = &ops },
		.real = large->core.store };
	struct jp_why why = { .text = "" };
	enum jp_err err;

	(void)state;
	large->core.store = &counting.base;
	err = jp_admin_execute(
	    &large->core, "root", &request, take_and_change, &counting, &why);
	large->core.store = counting.real;
	assert_int_equal(err, JP_ERR_OK);
	assert_in_range(counting.held, LARGE, LARGE + 10);
	assert_int_equal(counting.most, PAGE);
	assert_int_equal(counting.lists, (counting.held + PAGE - 1) / PAGE + 1);
}

/* ---- verification ---- */

static enum jp_verdict
ask(struct fixture *fixture, const struct jp_secret *token)
{
	static struct jp_request request;
	struct jp_decision decision;

	strcpy(request.user, "user17");
	strcpy(request.service, "jira");
	request.token = *token;
	jp_decide_now(&fixture->core, &request, &decision);
	return decision.verdict;
}

static void
a_verification_reads_one_record(void **state)
{
	struct jp_admin_item item;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct fixture *fixture = &fixtures[i];
		struct cost cost;

		(void)cost_of(fixture, JP_ADMIN_CREATE, "user17", &item);
		assert_int_equal(ask(fixture, &item.token), JP_ACCEPT);
		cost = so_far(fixture);
		assert_int_equal(ask(fixture, &item.token), JP_ACCEPT);
		cost = since(fixture, cost);
		assert_int_equal(cost.records, 1);
		assert_int_equal(cost.pages, 0); /* it is known */
	}
}

static void
a_forged_token_costs_one_read_at_most(void **state)
{
	struct cost before = so_far(large);
	struct cost cost;

	(void)state;
	for (int i = 0; i < FORGED; i++) {
		char id[JP_TOKEN_ID_LEN + 1];
		struct jp_secret token;

		jp_token_make("jpat", &token, id);
		assert_int_equal(ask(large, &token), JP_DENY);
	}
	cost = since(large, before);
	assert_in_range(cost.records, 0, FORGED);
	assert_in_range(cost.pages, 0, FORGED * DEPTH);
}

/* ---- the engine ---- */

static void
one_change_touches_few_pages(void **state)
{
	struct jp_record record;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct jp_store *store = fixtures[i].core.store;
		struct cost cost;

		assert_int_equal(
		    jp_store_get(store, "00000077", &record), JP_ERR_OK);
		record.revoked_at = NOW;
		cost = so_far(&fixtures[i]);
		assert_int_equal(
		    commit_one(store, JP_CHANGE_REPLACE, &record), JP_ERR_OK);
		cost = since(&fixtures[i], cost);
		assert_in_range(cost.pages, FILES, 4 * FILES * DEPTH);
	}
}

/* A start must not take longer because there is more to look after. */
static void
opening_reads_no_record_and_few_pages(void **state)
{
	uint64_t pages[2];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		jp_store_close(fixtures[i].core.store);
		fixtures[i].core.store = open_store(&fixtures[i]);
		pages[i] = so_far(&fixtures[i]).pages;
		assert_int_equal(fixtures[i].core.store->reads, 0);
	}
	assert_in_range(pages[0], FILES, 10 * FILES * DEPTH);
	assert_in_range(pages[1], FILES, pages[0] + FILES * DEPTH);
}

/* Recovery does again what is in there: without an end, some 30 files. */
static void
a_long_import_leaves_a_short_log(void **state)
{
	struct fixture fixture = { .dir = "" };
	DIR *stream;
	const struct dirent *entry;
	unsigned int files = 0;

	(void)state;
	make_fixture(&fixture, 2 * LARGE);
	stream = opendir(fixture.dir);
	assert_non_null(stream);
	while ((entry = readdir(stream)) != NULL)
		files += strncmp(entry->d_name, "log.", 4) == 0;
	(void)closedir(stream);
	jp_core_close(&fixture.core);
	scratch_remove(fixture.dir);
	assert_in_range(files, 1, LOG_FILES + 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_users_list_reads_that_users_tokens_only),
		cmocka_unit_test(the_list_of_a_user_without_tokens_reads_none),
		cmocka_unit_test(a_creation_reads_that_users_tokens_only),
		cmocka_unit_test(
		    a_users_revocation_reads_that_users_tokens_only),
		cmocka_unit_test(the_count_of_records_reads_none),
		cmocka_unit_test(a_list_of_all_holds_one_page_and_no_lock),
		cmocka_unit_test(a_verification_reads_one_record),
		cmocka_unit_test(a_forged_token_costs_one_read_at_most),
		cmocka_unit_test(one_change_touches_few_pages),
		cmocka_unit_test(opening_reads_no_record_and_few_pages),
		cmocka_unit_test(a_long_import_leaves_a_short_log),
	};

	return cmocka_run_group_tests_name(
	    "store_scale", tests, set_up, tear_down);
}
