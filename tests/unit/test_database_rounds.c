/*
 * Which server pat-clusterd tries when, how long it pauses, and what becomes of
 * a statement: pat_clusterd/database_rounds.c, database.c. No server is there;
 * who gets a connection is for tests/cluster/test_servers.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/sys/log.h"
#include "pat_clusterd/database_connect.h"
#include "pat_clusterd/database_rounds.h"
#include "pat_clusterd/database_words.h"
#include "tests/unit/process_help.h"

enum {
	NOW = 1000000,
};

/* ---- libpq, and chance ---- */

static char tried[256]; /* "server host/hostaddr, …" of each connection */

PGconn *__real_PQconnectStartParams(
    const char *const *keys, const char *const *values, int expand);
PGconn *__wrap_PQconnectStartParams(
    const char *const *keys, const char *const *values, int expand);
ssize_t __real_getrandom(void *bytes, size_t len, unsigned int flags);
ssize_t __wrap_getrandom(void *bytes, size_t len, unsigned int flags);

PGconn *
__wrap_PQconnectStartParams(
    const char *const *keys, const char *const *values, int expand)
{
	size_t len = strlen(tried);

	for (size_t i = 0; keys[i] != NULL; i++)
		if (strcmp(keys[i], "host") == 0 ||
		    (strcmp(keys[i], "hostaddr") == 0 && values[i][0] != '\0'))
			len += (size_t)snprintf(tried + len,
			    sizeof(tried) - len, "%s%s",
			    len > 0 && keys[i][4] == '\0' ? " "
			    : keys[i][4] != '\0'          ? "="
			                                  : "",
			    values[i]);
	/* Nothing of all is a pattern. */
	assert_int_equal(expand, 0);
	return __real_PQconnectStartParams(keys, values, expand);
}

static bool no_chance;

ssize_t
__wrap_getrandom(void *bytes, size_t len, unsigned int flags)
{
	return no_chance ? -1 : __real_getrandom(bytes, len, flags);
}

/* ---- a database ---- */

static const struct useless old = { "PostgreSQL 15 or newer is needed", false },
                            late = { "it does not answer in time", true },
                            refused = { "refused", true };

struct fixture {
	struct conninfo info;
	struct database database;
	struct names names;
	int64_t now_ms;
	unsigned int changed, ended;
	enum database_end end;
};

static void
on_changed(void *arg)
{
	struct fixture *fixture = arg;

	fixture->changed++;
}

static void
on_ended(void *arg, enum database_end end)
{
	struct fixture *fixture = arg;

	fixture->ended++;
	fixture->end = end;
}

static void
make(struct fixture *fixture, const char *conninfo)
{
	const struct database_events events = {
		.changed = on_changed, .ended = on_ended, .arg = fixture
	};

	conninfo_free(&fixture->info);
	assert_int_equal(
	    conninfo_read(&fixture->info, conninfo, true, NULL), JP_ERR_OK);
	database_make(&fixture->database, &fixture->info, &fixture->names,
	    "proxy1", &events);
	tried[0] = '\0';
	fixture->changed = fixture->ended = 0;
}

static int
set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	fixture->now_ms = NOW;
	fixture->names.fd = eventfd(0, EFD_NONBLOCK);
	(void)pthread_mutex_init(&fixture->names.mutex, NULL);
	(void)pthread_cond_init(&fixture->names.wake, NULL);
	make(fixture, "host=/nowhere/1,/nowhere/2,/nowhere/3");
	*state = fixture;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fixture = *state;

	database_stop(&fixture->database);
	conninfo_free(&fixture->info);
	(void)close(fixture->names.fd);
	free(fixture);
	return 0;
}

static void
step(struct fixture *fixture)
{
	database_step(&fixture->database, 0, fixture->now_ms);
}

/* All servers in vain. */
static void
run_round(struct fixture *fixture)
{
	do
		step(fixture);
	while (fixture->database.state != DATABASE_PAUSING);
}

static int64_t
pause_of(const struct fixture *fixture)
{
	return fixture->database.due_ms - fixture->now_ms;
}

/* ---- pauses ---- */

static void
a_pause_grows_to_five_seconds_and_differs_by_half(void **unused)
{
	int64_t last = 0;

	(void)unused;
	for (unsigned int rounds = 0; rounds < 40; rounds++) {
		int64_t least = database_pause_ms(rounds, 0), most = least;

		for (uint32_t chance = 0; chance < 20000; chance += 7) {
			int64_t pause = database_pause_ms(rounds, chance);

			least = pause < least ? pause : least;
			most = pause > most ? pause : most;
		}
		assert_true(least >= 100 && most <= 5000);
		assert_true(most >= 2 * least - 1 && most <= 2 * least + 1);
		assert_true(most >= last);
		last = most;
	}
	assert_int_equal(last, 5000);
	assert_true(database_pause_ms(UINT32_MAX, UINT32_MAX) <= 5000);
}

/* As long as nothing says that it is better now. */
static void
each_round_in_vain_makes_the_pause_longer(void **state)
{
	struct fixture *fixture = *state;
	struct database *database = &fixture->database;
	int64_t most = 200;

	database_start(database, fixture->now_ms);
	for (int i = 0; i < 8; i++) {
		run_round(fixture);
		assert_int_equal(database->rounds, i + 1);
		assert_true(
		    pause_of(fixture) >= most / 2 && pause_of(fixture) <= most);
		most = most < 2500 ? 2 * most : 5000;
		/* Not before it is due. */
		fixture->now_ms = database->due_ms - 1;
		step(fixture);
		assert_int_equal(database->state, DATABASE_PAUSING);
		fixture->now_ms++;
		step(fixture);
		assert_int_equal(database->state, DATABASE_CONNECTING);
	}
}

static void
a_connection_that_lasted_was_a_good_one(void **state)
{
	static const struct {
		int64_t since_ms; /* 0: it was never ready */
		unsigned int rounds;
	} rows[] = { { 0, 6 }, { 9999, 6 }, { 10000, 1 }, { 90000, 1 } };
	struct fixture *fixture = *state;
	struct database *database = &fixture->database;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		database->rounds = 5;
		database->ready_ms =
		    rows[i].since_ms != 0 ? NOW - rows[i].since_ms : 0;
		database_give_up(database, NOW, "it is of no use");
		assert_int_equal(database->rounds, rows[i].rounds);
		assert_int_equal(database->ready_ms, 0);
	}
}

static void
hosts_do_not_come_at_the_same_moment(void **state)
{
	struct fixture *fixture = *state;
	struct database *database = &fixture->database;
	int64_t first = 0;
	int same = 0;

	for (int i = 0; i < 40; i++) {
		database->rounds = 5;
		database_give_up(database, NOW, "it is of no use");
		if (i == 0)
			first = pause_of(fixture);
		same += pause_of(fixture) == first;
	}
	assert_true(same < 40);
	/* Without chance, by the clock. */
	no_chance = true;
	database->rounds = 5;
	database_give_up(database, NOW, "it is of no use");
	no_chance = false;
	assert_int_equal(pause_of(fixture), database_pause_ms(5, NOW));
}

/* ---- rounds ---- */

static void
each_server_has_its_turn(void **state)
{
	struct fixture *fixture = *state;
	struct database *database = &fixture->database;

	assert_int_equal(database->state, DATABASE_OFF);
	database->tried = 2;
	database->is_old = false;
	(void)strcpy(database->text, "of yesterday");
	database_start(database, NOW);
	assert_string_equal(tried, "/nowhere/1");
	assert_int_equal(database->due_ms, NOW + 5000);
	/* It has begun. */
	database_start(database, NOW + 1);
	assert_string_equal(tried, "/nowhere/1");
	step(fixture);
	assert_string_equal(tried, "/nowhere/1 /nowhere/2");
	assert_int_equal(database->state, DATABASE_CONNECTING);
	assert_int_equal(fixture->changed, 0);
	run_round(fixture);
	assert_string_equal(tried, "/nowhere/1 /nowhere/2 /nowhere/3");
	assert_int_equal(fixture->changed, 1);
	assert_null(strstr(database->text, "yesterday"));
	assert_non_null(strstr(database->text, "/nowhere/1"));
	assert_non_null(strstr(database->text, "/nowhere/3"));
	/* What is wrong at once was not late. */
	assert_null(strstr(database->text, "in time"));
	assert_int_equal(database->tried, 0);
	assert_null(database->conn);
	/* What may heal is no reason to give up. */
	assert_false(database->is_hopeless);
}

/* Not the one that was lost: another one may be the primary now. */
static void
after_a_loss_the_next_one_is_tried_first(void **state)
{
	struct fixture *fixture = *state;
	struct database *database = &fixture->database;

	database_start(database, NOW);
	database->state = DATABASE_READY;
	database->tried = 0;
	database_lose(database, NOW, "the line is cut");
	assert_int_equal(fixture->changed, 1);
	assert_int_equal(fixture->ended, 0);
	assert_string_equal(tried, "/nowhere/1 /nowhere/2");
	assert_int_equal(database->state, DATABASE_CONNECTING);
	run_round(fixture);
	assert_string_equal(tried, "/nowhere/1 /nowhere/2 /nowhere/3");
}

static void
what_a_retry_cannot_mend_is_known_of_the_last_round(void **state)
{
	struct fixture *fixture = *state;
	struct database *database = &fixture->database;

	make(fixture, "host=/nowhere/1,/nowhere/2");
	database_start(database, NOW);
	assert_false(database->may_heal);
	database_lose_server(database, NOW, &old);
	assert_false(database->may_heal);
	database_lose_server(database, NOW, &old);
	assert_true(database->is_hopeless);
	assert_string_equal(database->text,
	    "/nowhere/1: PostgreSQL 15 or newer is needed; "
	    "/nowhere/2: PostgreSQL 15 or newer is needed");
	/* One that may is enough. */
	database_come_due(database, NOW);
	database_lose_server(database, NOW, &late);
	assert_true(database->may_heal);
	database_lose_server(database, NOW, &old);
	assert_false(database->is_hopeless);
	/* Of this round. */
	database_come_due(database, NOW);
	assert_false(database->may_heal);
	database_lose(database, NOW, "the line is cut");
	assert_true(database->may_heal);
	database->is_hopeless = true;
	database->tried = 1;
	database_give_up(database, NOW, "it answers nonsense");
	assert_false(database->is_hopeless);
	assert_int_equal(database->tried, 0);
}

static void
a_server_that_is_silent_is_left(void **state)
{
	struct fixture *fixture = *state;
	struct database *database = &fixture->database;

	database_start(database, NOW);
	for (int i = DATABASE_CONNECTING; i <= DATABASE_READY; i++) {
		database->state = (enum database_state)i;
		database->is_old = true;
		database_come_due(database, NOW);
		assert_non_null(
		    strstr(database->text, ": it does not answer in time"));
	}
}

/* ---- statements ---- */

static void
nobody_knows_what_became_of_a_statement_that_was_under_way(void **state)
{
	static const struct {
		enum database_state state;
		bool running;
		unsigned int ended;
	} rows[] = {
		{ DATABASE_READY, true, 1 },
		{ DATABASE_READY, false, 0 },
		/* The greeting. */
		{ DATABASE_ASKING, true, 0 },
	};
	struct fixture *fixture = *state;
	struct database *database = &fixture->database;

	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		fixture->ended = 0;
		database->state = rows[i / 2].state;
		database->running = rows[i / 2].running;
		fixture->end = DATABASE_DONE;
		if (i % 2 == 0)
			database_give_up(database, NOW, "of no use");
		else
			database_lose(database, NOW, "cut");
		assert_int_equal(fixture->ended, rows[i / 2].ended);
		if (rows[i / 2].ended == 1)
			assert_int_equal(fixture->end, DATABASE_UNSURE);
		assert_false(database->running);
	}
	/* Who stops it does not ask. */
	fixture->ended = 0;
	database->state = DATABASE_READY;
	database->running = true;
	database_stop(database);
	assert_int_equal(fixture->ended, 0);
}

static void
what_the_server_has_said_is_not_overwritten(void **state)
{
	struct fixture *fixture = *state;
	struct database *database = &fixture->database;

	(void)strcpy(database->text, "shut down by the administrator");
	database->has_last_words = true;
	database_lose(database, NOW, "the line is cut");
	assert_string_equal(database->text, "shut down by the administrator");
	/* Of the next connection nothing is known. */
	assert_false(database->has_last_words);
	database_lose(database, NOW, "the line is cut");
	assert_non_null(strstr(database->text, "the line is cut"));
}

static void
what_is_given_up_is_told_and_tried_later(void **state)
{
	struct fixture *fixture = *state;
	struct database *database = &fixture->database;

	database_start(database, NOW);
	database_give_up(database, NOW, "it answers nonsense");
	assert_string_equal(database->text, "it answers nonsense");
	assert_int_equal(fixture->changed, 1);
	assert_int_equal(database->state, DATABASE_PAUSING);
	assert_null(database->conn);
}

static void
who_stops_begins_anew(void **state)
{
	struct fixture *fixture = *state;
	struct database *database = &fixture->database;

	database_start(database, NOW);
	run_round(fixture);
	database->ready_ms = NOW;
	database_stop(database);
	assert_int_equal(database->state, DATABASE_OFF);
	assert_int_equal(database->rounds, 0);
	assert_int_equal(database->ready_ms, 0);
	assert_string_equal(database->text, "");
	assert_null(database->conn);
	assert_true(database_due(database) == INT64_MAX);
}

static void
each_loss_and_each_pause_is_logged_for_who_debugs(void **state)
{
	struct fixture *fixture = *state;
	struct logged logged;

	jp_log_open("test", false, true);
	logged_begin(&logged);
	make(fixture, "host=/nowhere/1");
	database_lose(&fixture->database, NOW, "cut");
	assert_logged(&logged, 2, "database: ");
	database_give_up(&fixture->database, NOW, "of no use");
	assert_logged(&logged, 1, "database: the next try is in ");
	logged_end(&logged);
	jp_log_open("test", false, false);
}

/* ---- a connection ---- */

/* What libpq says of it has to be what database_words.c reads. */
static void
a_connection_that_begins_is_listened_to(void **state)
{
	struct fixture *fixture = *state;
	struct database *database = &fixture->database;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char dir[] = "/tmp/jira-pat.XXXXXX", conninfo[64];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_non_null(mkdtemp(dir));
	(void)snprintf(address.sun_path, sizeof(address.sun_path),
	    "%s/.s.PGSQL.5432", dir);
	(void)snprintf(conninfo, sizeof(conninfo), "host=%s port=5432", dir);
	assert_int_equal(
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	make(fixture, conninfo);
	database->has_last_words = true;
	database_start(database, NOW);
	assert_false(database->has_last_words);
	assert_int_equal(PQstatus(database->conn) == CONNECTION_BAD, 0);
	assert_int_equal(database->state, DATABASE_CONNECTING);
	assert_int_equal(database->polling, PGRES_POLLING_WRITING);
	assert_int_equal(database->due_ms, NOW + 5000);
	assert_ptr_equal(PQsetNoticeReceiver(database->conn, NULL, NULL),
	    database_on_notice);
	assert_int_equal(PQsetErrorVerbosity(database->conn, PQERRORS_DEFAULT),
	    PQERRORS_VERBOSE);
	database_stop(database);
	(void)close(fd);
	(void)unlink(address.sun_path);
	assert_int_equal(rmdir(dir), 0);
}

/* ---- names ---- */

/* As names.c does. */
static void
answer(struct fixture *fixture, size_t server, size_t len, const char *text)
{
	struct name *name = &fixture->names.of[server];

	name->answer.len = len;
	for (size_t i = 0; i < len; i++)
		(void)snprintf(name->answer.of[i], NAMES_ADDRESS_MAX,
		    "127.0.0.%zu", 10 * server + i + 1);
	(void)strcpy(name->answer.text, text);
	name->has_answer = true;
}

static void
each_address_of_a_name_is_tried(void **state)
{
	struct fixture *fixture = *state;
	struct database *database = &fixture->database;
	const struct name *names = fixture->names.of;

	fixture->names.of[0].host = "db1";
	fixture->names.of[1].host = "db2";
	make(fixture, "host=db1,db2,/nowhere/3 port=1");
	database_start(database, NOW);
	assert_int_equal(database->state, DATABASE_NAMING);
	assert_int_equal(database->due_ms, NOW + 5000);
	assert_true(names[0].wanted);
	assert_string_equal(tried, "");
	step(fixture);
	assert_int_equal(database->state, DATABASE_NAMING);
	answer(fixture, 0, 2, "");
	step(fixture);
	assert_string_equal(tried, "db1=127.0.0.1");
	assert_int_equal(database->state, DATABASE_CONNECTING);
	database_lose_server(database, NOW, &refused);
	assert_string_equal(tried, "db1=127.0.0.1 db1=127.0.0.2");
	database_lose_server(database, NOW, &refused);
	/* Its addresses are not those of the next one. */
	assert_int_equal(database->state, DATABASE_NAMING);
	assert_true(names[1].wanted);
	assert_int_equal(database->addresses.len, 0);
	assert_int_equal(fixture->changed, 0);
	answer(fixture, 1, 1, "");
	step(fixture);
	assert_string_equal(
	    tried, "db1=127.0.0.1 db1=127.0.0.2 db2=127.0.0.11");
	database_lose_server(database, NOW, &refused);
	assert_string_equal(tried, "db1=127.0.0.1 db1=127.0.0.2 "
	                           "db2=127.0.0.11 /nowhere/3");
}

static void
a_name_that_leads_nowhere_is_said(void **state)
{
	char why[NAMES_TEXT_MAX];
	struct fixture *fixture = *state;
	struct database *database = &fixture->database;

	fixture->names.of[0].host = "db1";
	fixture->names.of[1].host = "db2";
	make(fixture, "host=db1,db2");
	database_start(database, NOW);
	answer(fixture, 0, 0, "Name or service not known");
	step(fixture);
	assert_string_equal(database->text,
	    "db1: cannot resolve this name: Name or service not known");
	assert_int_equal(database->state, DATABASE_NAMING);
	fixture->now_ms = database->due_ms - 1;
	step(fixture);
	assert_int_equal(database->state, DATABASE_NAMING);
	fixture->now_ms++;
	step(fixture);
	assert_int_equal(database->state, DATABASE_PAUSING);
	assert_non_null(strstr(database->text,
	    "; db2: cannot resolve this name: the name service does not "
	    "answer in time"));
	assert_string_equal(tried, "");
	/* However long it is. */
	memset(why, 'x', sizeof(why) - 1);
	why[sizeof(why) - 1] = '\0';
	fixture->now_ms = database->due_ms;
	step(fixture);
	answer(fixture, 0, 0, why);
	step(fixture);
	assert_non_null(strstr(database->text, why));
}

int
main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_pause_grows_to_five_seconds_and_differs_by_half),
		TEST(each_round_in_vain_makes_the_pause_longer),
		TEST(a_connection_that_lasted_was_a_good_one),
		TEST(hosts_do_not_come_at_the_same_moment),
		TEST(each_server_has_its_turn),
		TEST(after_a_loss_the_next_one_is_tried_first),
		TEST(what_a_retry_cannot_mend_is_known_of_the_last_round),
		TEST(a_server_that_is_silent_is_left),
		TEST(
		    nobody_knows_what_became_of_a_statement_that_was_under_way),
		TEST(what_the_server_has_said_is_not_overwritten),
		TEST(what_is_given_up_is_told_and_tried_later),
		TEST(who_stops_begins_anew),
		TEST(each_loss_and_each_pause_is_logged_for_who_debugs),
		TEST(a_connection_that_begins_is_listened_to),
		TEST(each_address_of_a_name_is_tried),
		TEST(a_name_that_leads_nowhere_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
