/* How long pat-clusterd pauses, what it sends, and what it says of a server:
 * pat_clusterd/database_rounds.c, statement.c, database_words.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pat_clusterd/database_rounds.h"
#include "pat_clusterd/database_words.h"

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

static void
parameters_are_sent_in_binary(void **unused)
{
	static const uint8_t minus_two[8] = { 255, 255, 255, 255, 255, 255, 255,
		254 };
	static const uint8_t four[4] = { 1, 2, 3, 4 };
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
}

static PGresult *
row_of(const char *bytes, int len)
{
	PGresAttDesc column = { .name = (char *)(uintptr_t) "x", .format = 1 };
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
		{ "123456789", 9, 0 }, { "", 0, 0 }, { NULL, -1, 0 }, /* NULL */
		{ NULL, -2, 0 }, /* no row */
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		PGresult *rows = row_of(cases[i].bytes, cases[i].len);
		char text[4];

		assert_int_equal(row_int(rows, 0, 0), cases[i].value);
		assert_int_equal(row_int(rows, 0, 1), 0);
		row_text(rows, 0, 0, text, sizeof(text));
		assert_true(strlen(text) < sizeof(text));
		PQclear(rows);
	}
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
		    "or a clock is wrong",
		    "" },
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_pause_grows_to_five_seconds_and_differs_by_half),
		cmocka_unit_test(parameters_are_sent_in_binary),
		cmocka_unit_test(what_a_row_does_not_have_is_zero),
		cmocka_unit_test(
		    why_there_is_no_connection_is_one_line_with_advice),
		cmocka_unit_test(however_long_it_is_the_advice_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
