/*
 * What pat-clusterd sends, and what it says of a server:
 * pat_clusterd/statement.c, advice.c, database_words.c. libpq's errors and its
 * way out are a fake.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pat_clusterd/advice.h"
#include "pat_clusterd/database_words.h"
#include "tests/unit/process_help.h"

/* ---- libpq ---- */

/* The fields of an error, or a notice. */
static const struct said {
	const char *severity, *sqlstate, *text;
} * said;
static const char *said_whole;

char *__wrap_PQresultErrorField(const PGresult *result, int code);
char *__wrap_PQresultErrorMessage(const PGresult *result);
int __wrap_PQsendQueryParams(PGconn *conn, const char *sql, int count,
    const Oid *types, const char *const *values, const int *lengths,
    const int *formats, int format);

char *
__wrap_PQresultErrorField(const PGresult *result, int code)
{
	const char *field = code == PG_DIAG_SEVERITY_NONLOCALIZED
	                        ? said->severity
	                    : code == PG_DIAG_SQLSTATE        ? said->sqlstate
	                    : code == PG_DIAG_MESSAGE_PRIMARY ? said->text
	                                                      : NULL;

	(void)result;
	return (char *)(uintptr_t)field;
}

char *
__wrap_PQresultErrorMessage(const PGresult *result)
{
	(void)result;
	return (char *)(uintptr_t)said_whole;
}

static struct {
	const char *sql;
	int count, format;
	Oid types[STATEMENT_PARAMS_MAX];
	int formats[STATEMENT_PARAMS_MAX];
	int length;
} sent;

int
__wrap_PQsendQueryParams(PGconn *conn, const char *sql, int count,
    const Oid *types, const char *const *values, const int *lengths,
    const int *formats, int format)
{
	assert_null(conn);
	assert_non_null(values[0]);
	sent.sql = sql;
	sent.count = count;
	sent.format = format;
	memcpy(sent.types, types, (size_t)count * sizeof(*types));
	memcpy(sent.formats, formats, (size_t)count * sizeof(*formats));
	sent.length = lengths[count - 1];
	return 1;
}

/* ---- statements ---- */

static void
parameters_are_sent_in_binary(void **unused)
{
	static const uint8_t minus_two[8] = { 255, 255, 255, 255, 255, 255, 255,
		254 };
	static const uint8_t four[4] = { 1, 2, 3, 4 };
	static const uint8_t uuid[16] = { 7 };
	/* int8, int4, text, bytea twice, bool twice, uuid: of pg_type. */
	static const Oid types[] = { 20, 23, 25, 17, 17, 16, 16, 2950 };
	struct statement statement;

	(void)unused;
	statement_begin(&statement, "SELECT");
	statement_int8(&statement, -2);
	statement_int4(&statement, 0x01020304);
	statement_text(&statement, "a'b");
	statement_bytes(&statement, NULL, 0);
	assert_int_equal(statement.count, 4);
	assert_int_equal(statement.lengths[0], 8);
	assert_memory_equal(statement.values[0], minus_two, 8);
	assert_int_equal(statement.lengths[1], 4);
	assert_memory_equal(statement.values[1], four, 4);
	assert_int_equal(statement.lengths[2], 3);
	/* NULL would be SQL's. */
	assert_non_null(statement.values[3]);
	assert_int_equal(statement.lengths[3], 0);
	statement_bytes(&statement, four, 1);
	assert_ptr_equal(statement.values[4], four);
	statement_bool(&statement, true);
	assert_int_equal(statement.lengths[5], 1);
	assert_int_equal(statement.values[5][0], 1);
	statement_bool(&statement, false);
	assert_int_equal(statement.values[6][0], 0);
	statement_uuid(&statement, uuid);
	assert_ptr_equal(statement.values[7], uuid);
	/* Each beside the others, of which there are as many as may be. */
	assert_memory_equal(statement.values[0], minus_two, 8);
	assert_int_equal(statement.count, STATEMENT_PARAMS_MAX);
	assert_int_equal(statement_send(&statement, NULL), 1);
	assert_string_equal(sent.sql, "SELECT");
	assert_int_equal(sent.count, STATEMENT_PARAMS_MAX);
	assert_int_equal(sent.length, 16);
	/* And so is the answer. */
	assert_int_equal(sent.format, 1);
	for (int i = 0; i < STATEMENT_PARAMS_MAX; i++) {
		assert_int_equal(sent.formats[i], 1);
		assert_int_equal(sent.types[i], types[i]);
	}
	statement_begin(&statement, "SELECT 1");
	assert_int_equal(statement.count, 0);
}

static PGresult *
row_of(const char *bytes, int len, int format)
{
	PGresAttDesc column = { .name = (char *)(uintptr_t) "x",
		.format = format };
	PGresult *rows = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);

	assert_int_equal(PQsetResultAttrs(rows, 1, &column), 1);
	if (len >= -1)
		assert_int_equal(
		    PQsetvalue(rows, 0, 0, (char *)(uintptr_t)bytes, len), 1);
	return rows;
}

static void
what_a_row_does_not_have_is_zero(void **unused)
{
	static const struct {
		const char *bytes;
		int len;
		int64_t value;
	} cases[] = {
		{ "\1", 1, 1 }, { "\377\377\377\377", 4, -1 },
		{ "\0\0\0\0\0\0\1\2", 8, 258 }, { "\1\2", 2, 0 },
		{ "\200\0\0\0\0\0\0\0", 8, INT64_MIN }, { "\377", 1, 255 },
		{ "123456789", 9, 0 }, { "", 0, 0 }, { NULL, -1, 0 }, /* NULL */
		{ NULL, -2, 0 }, /* no row */
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		PGresult *rows = row_of(cases[i].bytes, cases[i].len, 1);
		char text[4];

		assert_int_equal(row_int(rows, 0, 0), cases[i].value);
		assert_int_equal(row_int(rows, 0, 1), 0);
		assert_int_equal(row_int(rows, 1, 0), 0);
		row_text(rows, 0, 0, text, sizeof(text));
		assert_true(strlen(text) < sizeof(text));
		PQclear(rows);
	}
}

static void
a_text_that_does_not_fit_is_empty(void **unused)
{
	static const struct {
		const char *bytes;
		int len;
		const char *text;
	} cases[] = { { "abc", 3, "abc" }, { "abcd", 4, "" }, { "a", 1, "a" },
		{ "", 0, "" }, { NULL, -1, "" }, { NULL, -2, "" } };

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		PGresult *rows = row_of(cases[i].bytes, cases[i].len, 1);
		char text[4] = "old";

		row_text(rows, 0, 0, text, sizeof(text));
		assert_string_equal(text, cases[i].text);
		PQclear(rows);
	}
}

/* Whoever answers in text was not asked by us. */
static void
a_column_that_is_no_binary_is_not_read(void **unused)
{
	PGresult *rows = row_of("7", 1, 0);
	char text[4];
	size_t len = 9;

	(void)unused;
	assert_null(row_bytes(rows, 0, 0, &len));
	assert_int_equal(len, 0);
	assert_int_equal(row_int(rows, 0, 0), 0);
	row_text(rows, 0, 0, text, sizeof(text));
	assert_string_equal(text, "");
	PQclear(rows);
}

static void
why_there_is_no_connection_is_one_line_with_advice(void **unused)
{
	static const struct {
		const char *says, *text, *sqlstate;
	} cases[] = {
		{ "connection to server at \"db1\", port 5432 failed: FATAL:  "
		  "57P03: the database system is starting up\n"
		  "LOCATION:  ProcessStartupPacket, postmaster.c:2436\n",
		    "connection to server at \"db1\", port 5432 failed: FATAL: "
		    " "
		    "the database system is starting up: wait until it has "
		    "started, or start it again",
		    "57P03" },
		/* Once with TLS, once without. */
		{ "a failed: FATAL:  28000: no\nLOCATION:  x\n"
		  "b failed: FATAL:  XX999: never\nLOCATION:  y\n",
		    "a failed: FATAL:  no b failed: FATAL:  never", "XX999" },
		{ "SSL error: certificate verify failed\n",
		    "SSL error: certificate verify failed: the certificate of "
		    "this server has expired, or is of no CA in sslrootcert, "
		    "or is revoked by sslcrl, or that list has expired, or a "
		    "clock is wrong",
		    "" },
		/* It says more than its SQLSTATE. */
		{ "FATAL:  28000: certificate authentication failed for user "
		  "\"jira_pat\"\n",
		    "FATAL:  certificate authentication failed for user "
		    "\"jira_pat\": the CN of the certificate in sslcert has "
		    "to be the role, or pg_ident.conf has to map it",
		    "28000" },
		{ "FATAL:  57p03: small letters",
		    "FATAL:  57p03: small letters", "" },
		{ "FATAL:  57P03", "FATAL:  57P03", "" },
		{ "FATAL:  57P0333: too many", "FATAL:  57P0333: too many",
		    "" },
		{ "", "", "" },
	};
	static struct database database;

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		database.is_old = true;
		database_say_attempt(&database, cases[i].says);
		assert_string_equal(database.text, cases[i].text);
		assert_string_equal(database.sqlstate, cases[i].sqlstate);
	}
}

static void
however_long_it_is_the_advice_is_whole(void **unused)
{
	static const char begins[] = "FATAL:  53300: ";
	static struct database database;
	char says[3 * DATABASE_TEXT_MAX];

	(void)unused;
	for (size_t len = 2 * sizeof(begins); len < sizeof(says); len++) {
		memset(says, 'x', sizeof(says));
		memcpy(says, begins, sizeof(begins) - 1);
		says[len] = '\0';
		says[len / 2] = len % 3 == 0 ? '\n' : 'x';
		database.is_old = true;
		database_say_attempt(&database, says);
		assert_non_null(strstr(database.text, "raise max_connections"));
		assert_non_null(strstr(database.text, "one more"));
	}
}

static void
each_line_is_read_by_itself(void **unused)
{
	static const struct {
		const char *says, *text, *sqlstate;
	} cases[] = {
		/* As short as it can be. */
		{ ":  57P03: ",
		    ": wait until it has started, or start it "
		    "again",
		    "57P03" },
		{ ":  XX999: x", "x", "XX999" },
		{ ":  XX999: x", "x", "XX999" },
		{ ":  XX999 :x", ":  XX999 :x", "" },
		{ ": XX999: x", ": XX999: x", "" },
		/* Over the end of a line there is none. */
		{ "a:  XX9\n99: x", "a:  XX9 99: x", "" },
		{ "a\n\n\tb\t\nLOCATION:\n", "a b", "" },
		{ "\n\na LOCATION: b", "a LOCATION: b", "" },
	};
	static struct database database;

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		database.is_old = true;
		database_say_attempt(&database, cases[i].says);
		assert_string_equal(database.sqlstate, cases[i].sqlstate);
		if (cases[i].text[0] == ':' && cases[i].sqlstate[0] != '\0')
			assert_non_null(
			    strstr(database.text, "wait until it has"));
		else
			assert_non_null(strstr(database.text, cases[i].text));
	}
}

/* ---- what is said of several servers ---- */

static void
what_is_said_of_each_server_stands_in_one_line(void **unused)
{
	static struct database database;
	char text[3 * DATABASE_TEXT_MAX];

	(void)unused;
	(void)strcpy(database.text, "of yesterday");
	database.is_old = true;
	database_say(&database, "one");
	assert_string_equal(database.text, "one");
	assert_false(database.is_old);
	database_say(&database, "two\n");
	assert_string_equal(database.text, "one; two");
	/* What was said last is not said twice. */
	database_say(&database, database.text);
	assert_string_equal(database.text, "one; two");
	/* As much as there is room for, and no half character. */
	for (size_t len = 1; len < sizeof(text); len++) {
		memset(text, 'x', sizeof(text));
		text[len] = '\0';
		if (len >= 2)
			memcpy(text + len - 2, "\xc3\xbc", 2);
		database.is_old = true;
		database_say(&database, text);
		if (len < DATABASE_TEXT_MAX)
			assert_string_equal(database.text, text);
		database_say(&database, "and more");
		assert_true(strlen(database.text) < DATABASE_TEXT_MAX);
		assert_true(strlen(database.text) >= DATABASE_TEXT_MAX - 2 ||
		            strstr(database.text, "; and more") != NULL);
	}
}

static void
a_server_has_the_name_that_people_gave_it(void **unused)
{
	static const struct {
		const char *conninfo, *says;
	} cases[] = {
		{ "host=db1 hostaddr=127.0.0.1 port=5433", "db1:5433: late" },
		{ "host=localhost", "localhost: late" },
		{ "hostaddr=127.0.0.1 port=5", "127.0.0.1:5: late" },
		{ "", "this machine: late" },
	};
	struct conninfo info;

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct database database = { .info = &info };

		assert_int_equal(
		    conninfo_read(&info, cases[i].conninfo, false, NULL),
		    JP_ERR_OK);
		database_say_of_server(&database, "late");
		assert_string_equal(database.text, cases[i].says);
		/* libpq knows it by an address that was looked up. */
		database.is_old = true;
		database.addresses.len = 1;
		database_say_attempt(&database, "late");
		assert_string_equal(database.text, cases[i].says);
		conninfo_free(&info);
	}
}

/* ---- errors, and notices ---- */

static const struct said full = { "ERROR", "53100", "no room" };
static const struct said shut_down = { "FATAL", "57P01", "shut down" };
static const struct said crashed = { "PANIC", "57P02", "crash" };
static const struct said no_role = { "FATAL", "28000", "no such role" };
static const struct said warning = { "WARNING", "01000", "was cancelled" };
static const struct said notice = { "NOTICE", "00000", "by the way" };
static const struct said nothing;

static void
note(struct database *database, const struct said *what)
{
	said = what;
	said_whole = "ERROR: all of it";
	database->is_old = true;
	database_note_error(database, NULL);
}

static void
a_statement_fails_and_says_why(void **unused)
{
	static struct database database = { .state = DATABASE_READY };

	(void)unused;
	note(&database, &full);
	assert_true(database.failed);
	assert_false(database.has_last_words);
	assert_string_equal(database.sqlstate, "53100");
	/* Who says it gives the advice. */
	assert_string_equal(database.text, "no room");
	assert_true(database.may_heal);
	note(&database, &nothing);
	assert_string_equal(database.sqlstate, "");
	assert_string_equal(database.text, "ERROR: all of it");
	/* The end of the connection is said by libpq, too, with no reason. */
	note(&database, &shut_down);
	assert_true(database.has_last_words);
	assert_non_null(strstr(database.text, "shut down: somebody has"));
	note(&database, &crashed);
	assert_true(database.has_last_words);
}

static void
an_error_of_the_greeting_is_one_of_that_server(void **unused)
{
	struct conninfo info;
	struct database database = { .info = &info, .state = DATABASE_ASKING };

	(void)unused;
	assert_int_equal(
	    conninfo_read(&info, "host=localhost", false, NULL), JP_ERR_OK);
	note(&database, &no_role);
	assert_non_null(
	    strstr(database.text, "localhost: no such role: let the role in"));
	/* By itself it stays so. */
	assert_false(database.may_heal);
	note(&database, &full);
	assert_true(database.may_heal);
	note(&database, &no_role);
	assert_true(database.may_heal);
	conninfo_free(&info);
}

static void
a_warning_leaves_doubt_and_a_notice_none(void **unused)
{
	static struct database database = { .state = DATABASE_READY };
	struct logged logged;

	(void)unused;
	logged_begin(&logged);
	said = &notice;
	database_on_notice(&database, NULL);
	said = &nothing;
	database_on_notice(&database, NULL);
	assert_false(database.doubtful || database.failed);
	assert_string_equal(database.text, "");
	assert_logged(&logged, 0, "");
	said = &warning;
	database_on_notice(&database, NULL);
	assert_true(database.doubtful);
	assert_false(database.failed);
	assert_string_equal(database.text, "was cancelled");
	assert_logged(&logged, 1, "database: was cancelled");
	said = &(const struct said){ .severity = "WARNING" };
	database_on_notice(&database, NULL);
	assert_logged(&logged, 1, "was cancelled; a warning");
	logged_end(&logged);
}

/* Where nothing is under way, it comes as a notice. */
static void
last_words_are_heard_between_statements(void **unused)
{
	static struct database database = { .state = DATABASE_READY,
		.text = "old" };

	(void)unused;
	said = &shut_down;
	database_on_notice(&database, NULL);
	assert_true(database.has_last_words && database.doubtful);
	/* What was under way may be done. */
	assert_false(database.failed);
	assert_string_equal(database.sqlstate, "57P01");
	assert_int_equal(strncmp(database.text, "shut down: ", 11), 0);
}

/* ---- where it is ---- */

static void
a_connection_has_a_place(void **unused)
{
	struct database database = { .conn = NULL };
	char place[64] = "old";

	(void)unused;
	database_place(&database, place, sizeof(place));
	assert_string_equal(place, "");
	database.conn =
	    PQconnectdb("host=/nowhere/at/all port=5433 dbname=tokens");
	database_place(&database, place, sizeof(place));
	assert_string_equal(place, "/nowhere/at/all:5433/tokens");
	PQfinish(database.conn);
	/* Nothing is known of it where libpq could not read that. */
	database.conn = PQconnectdb("no such option");
	database_place(&database, place, sizeof(place));
	assert_string_equal(place, "");
	PQfinish(database.conn);
}

/* ---- advice ---- */

static void
what_a_retry_does_not_mend_is_known(void **unused)
{
	static const struct {
		const char *sqlstate, *text;
		bool heals;
	} cases[] = {
		{ "57P03", "starting up", true },
		{ "53300", "no password supplied", true },
		{ "08P01", "", false },
		{ "28000", "", false },
		{ "28P01", "", false },
		{ "3D000", "", false },
		{ "42501", "", false },
		{ "", "Connection refused", true },
		{ "", "root certificate file \"x\" does not exist", false },
		{ "", "fe_sendauth: no password supplied", false },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (advice_heals(cases[i].sqlstate, cases[i].text) !=
		    cases[i].heals)
			fail_msg("%s %s", cases[i].sqlstate, cases[i].text);
}

static void
each_has_its_own_advice(void **unused)
{
	(void)unused;
	assert_non_null(strstr(advice_of("JP001"), "cluster join"));
	assert_non_null(strstr(advice_of("53300"), "max_connections"));
	assert_non_null(strstr(advice_of("58030"), "its disk"));
	assert_string_equal(advice_of("00000"), "");
	assert_string_equal(advice_of(""), "");
	assert_non_null(
	    strstr(advice_on("no root certificate file"), "sslrootcert"));
	assert_non_null(
	    strstr(advice_on("tls: alert unknown ca"), "ssl_ca_file"));
	assert_string_equal(advice_on("something else"), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parameters_are_sent_in_binary),
		cmocka_unit_test(what_a_row_does_not_have_is_zero),
		cmocka_unit_test(a_text_that_does_not_fit_is_empty),
		cmocka_unit_test(a_column_that_is_no_binary_is_not_read),
		cmocka_unit_test(
		    why_there_is_no_connection_is_one_line_with_advice),
		cmocka_unit_test(however_long_it_is_the_advice_is_whole),
		cmocka_unit_test(each_line_is_read_by_itself),
		cmocka_unit_test(
		    what_is_said_of_each_server_stands_in_one_line),
		cmocka_unit_test(a_server_has_the_name_that_people_gave_it),
		cmocka_unit_test(a_statement_fails_and_says_why),
		cmocka_unit_test(
		    an_error_of_the_greeting_is_one_of_that_server),
		cmocka_unit_test(a_warning_leaves_doubt_and_a_notice_none),
		cmocka_unit_test(last_words_are_heard_between_statements),
		cmocka_unit_test(a_connection_has_a_place),
		cmocka_unit_test(what_a_retry_does_not_mend_is_known),
		cmocka_unit_test(each_has_its_own_advice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
