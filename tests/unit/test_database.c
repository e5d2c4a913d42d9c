/* How long pat-clusterd pauses, and what it sends:
 * pat_clusterd/database_rounds.c, statement.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pat_clusterd/database_rounds.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_pause_grows_to_five_seconds_and_differs_by_half),
		cmocka_unit_test(parameters_are_sent_in_binary),
		cmocka_unit_test(what_a_row_does_not_have_is_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
