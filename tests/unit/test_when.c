/* Times and durations as people write them: common/sys/time_text.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "common/sys/time_text.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define NOW INT64_C(1800000000) /* 2027-01-15T08:00:00Z */
#define DAY INT64_C(86400)

static const struct {
	const char *text;
	int64_t seconds;
} durations[] = {
	{ "1s", 1 },
	{ "90s", 90 },
	{ "1m", 60 },
	{ "24h", DAY },
	{ "90d", 90 * DAY },
	{ "2w", 14 * DAY },
	{ "007d", 7 * DAY },
	{ "36525d", 36525 * DAY },
	{ "3155760000s", 36525 * DAY },
	{ "never", JP_NEVER },
};

static const char *const no_times[] = { "", " ", "d", "90", "0d", "0s", "1",
	"-1d", "+1d", "1.5d", "1y", "1M", "1D", "90 d", " 90d", "90d ", "1d1h",
	"90dd", "36526d", "5218w", "3155760001s", "99999999999s",
	"18446744073709551617s", "9223372036854775808d", "0x10d", "Never",
	"never ", "infinity", "00" };

static void
durations_are_read(void **unused)
{
	int64_t seconds;

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(durations); i++) {
		assert_int_equal(
		    jp_duration_parse(durations[i].text, &seconds), JP_ERR_OK);
		assert_true(seconds == durations[i].seconds);
	}
}

/* As an end it is a mistake, and not for ever. */
static void
zero_is_no_limit_and_no_end(void **unused)
{
	int64_t seconds;

	(void)unused;
	assert_int_equal(jp_duration_parse("0", &seconds), JP_ERR_OK);
	assert_true(seconds == JP_NEVER);
	assert_int_equal(jp_when_parse("0", NOW, &seconds), JP_ERR_INVALID);
}

static void
what_is_no_duration_is_refused(void **unused)
{
	int64_t seconds;

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(no_times); i++)
		assert_int_equal(
		    jp_duration_parse(no_times[i], &seconds), JP_ERR_INVALID);
}

static void
a_duration_counts_from_now(void **unused)
{
	int64_t when;

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(durations); i++) {
		int64_t seconds = durations[i].seconds;

		assert_int_equal(
		    jp_when_parse(durations[i].text, NOW, &when), JP_ERR_OK);
		assert_true(
		    when == (seconds == JP_NEVER ? JP_NEVER : NOW + seconds));
	}
}

static void
dates_are_read_as_utc(void **unused)
{
	static const struct {
		const char *text;
		int64_t when;
	} rows[] = {
		{ "1970-01-02", DAY },
		{ "1970-01-01T00:00:01Z", 1 },
		{ "2027-01-15T08:00:00Z", NOW },
		{ "2027-01-15", NOW - 8 * 3600 },
		{ "2028-02-29", INT64_C(1835395200) },
		{ "2000-02-29", INT64_C(951782400) },
		{ "2038-01-19T03:14:08Z", INT64_C(2147483648) },
		{ "2100-01-01", INT64_C(4102444800) },
		{ "9999-12-31T23:59:59Z", INT64_C(253402300799) },
	};
	int64_t when;

	(void)unused;
	assert_int_equal(setenv("TZ", "Asia/Tokyo", 1), 0);
	tzset();
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(
		    jp_when_parse(rows[i].text, NOW, &when), JP_ERR_OK);
		assert_true(when == rows[i].when);
	}
	assert_int_equal(unsetenv("TZ"), 0);
	tzset();
}

static void
what_is_no_time_is_refused(void **unused)
{
	static const char *const rows[] = { "2027-02-31", "2027-02-29",
		"2100-02-29", "2027-04-31", "2027-00-10", "2027-13-01",
		"2027-01-00", "2027-01-32", "1969-12-31", "1970-01-01",
		"1970-01-01T00:00:00Z", "0000-01-01", "0001-01-01", "2027-1-31",
		"27-01-31", "2027-01-31 ", " 2027-01-31", "+027-01-31",
		"2027-01- 1", "2027/01/31", "20270131", "12027-01-31",
		"2027-01-31T", "2027-01-31T12:00Z", "2027-01-31T12:00:00",
		"2027-01-31T12:00:00z", "2027-01-31t12:00:00Z",
		"2027-01-31 12:00:00Z", "2027-01-31T24:00:00Z",
		"2027-01-31T25:00:00Z", "2027-01-31T12:60:00Z",
		"2027-01-31T12:00:60Z", "2027-01-31T12:00:61Z",
		"2026-12-31T23:59:60Z", "2027-01-31T12:00:00+00:00",
		"2027-01-31T12:00:00.5Z", "2027-02-31T12:00:00Z",
		"2027-01-31T12:00:00ZZ" };
	int64_t when;

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (jp_when_parse(rows[i], NOW, &when) != JP_ERR_INVALID)
			fail_msg("\"%s\" is taken for a time", rows[i]);
	}
	for (size_t i = 0; i < COUNT_OF(no_times); i++)
		assert_int_equal(
		    jp_when_parse(no_times[i], NOW, &when), JP_ERR_INVALID);
}

static void
times_are_printed_as_iso_8601(void **unused)
{
	static const struct {
		int64_t when;
		const char *text;
	} rows[] = {
		{ JP_NEVER, "never" },
		{ 1, "1970-01-01T00:00:01Z" },
		{ NOW, "2027-01-15T08:00:00Z" },
		{ INT64_C(2147483648), "2038-01-19T03:14:08Z" },
		{ INT64_C(253402300799), "9999-12-31T23:59:59Z" },
		{ -1, "1969-12-31T23:59:59Z" },
	};
	char text[JP_WHEN_TEXT_MAX];

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		jp_when_format(rows[i].when, text);
		assert_string_equal(text, rows[i].text);
	}
}

static void
a_printed_time_is_read_as_the_same(void **unused)
{
	char text[JP_WHEN_TEXT_MAX];
	int64_t when;

	(void)unused;
	for (int64_t at = 1; at < INT64_C(253402300799); at += 86399999) {
		jp_when_format(at, text);
		assert_int_equal(jp_when_parse(text, NOW, &when), JP_ERR_OK);
		assert_true(when == at);
		assert_int_equal(jp_when_read(text, &when), JP_ERR_OK);
		assert_true(when == at);
	}
}

static void
what_programs_have_written_is_a_time_in_full(void **unused)
{
	static const char *const rows[] = { "90d", "never", "2027-01-31", "0",
		"", "2027-01-31T12:00:60Z", "2027-02-31T12:00:00Z",
		"2027-01-31T12:00:00Z ", "1970-01-01T00:00:00Z" };
	int64_t when;

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (jp_when_read(rows[i], &when) != JP_ERR_INVALID)
			fail_msg("\"%s\" is read as a time", rows[i]);
}

static void
a_time_beyond_all_calendars_is_printed_within_bounds(void **unused)
{
	static const int64_t rows[] = { INT64_MAX, INT64_MIN,
		INT64_C(67767976233532799), INT64_C(67768036191676800) };
	char text[JP_WHEN_TEXT_MAX];

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		jp_when_format(rows[i], text);
		assert_true(strnlen(text, sizeof(text)) < sizeof(text));
	}
}

static void
durations_are_printed_in_their_largest_whole_unit(void **unused)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} rows[] = {
		{ JP_NEVER, "never" },
		{ 1, "1s" },
		{ 59, "59s" },
		{ 60, "1m" },
		{ 90, "90s" },
		{ 3600, "1h" },
		{ 5400, "90m" },
		{ DAY, "1d" },
		{ 14 * DAY, "14d" },
		{ 36525 * DAY, "36525d" },
		{ DAY + 1, "86401s" },
	};
	char text[JP_WHEN_TEXT_MAX];

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		jp_duration_format(rows[i].seconds, text);
		assert_string_equal(text, rows[i].text);
	}
}

static int64_t
fixed_now(void *arg)
{
	return *(int64_t *)arg;
}

static void
a_clock_tells_what_it_is_set_to(void **unused)
{
	int64_t now = NOW;
	const struct jp_clock clock = { fixed_now, &now };

	(void)unused;
	assert_true(jp_clock_now(&clock) == NOW);
	now = 5;
	assert_true(jp_clock_now(&clock) == 5);
	assert_true(jp_clock_now(&jp_system_clock) > 0);
}

static void
sums_and_differences_stop_at_the_year_9999(void **state)
{
	static const int64_t values[] = { INT64_MIN, -JP_WHEN_MAX, -1, 0, 1,
		JP_WHEN_MAX, INT64_MAX };
	const size_t count = sizeof(values) / sizeof(values[0]);

	(void)state;
	for (size_t i = 0; i < count * count; i++) {
		int64_t a = values[i / count], b = values[i % count];

		assert_true(jp_when_add(a, b) <= JP_WHEN_MAX);
		assert_true(jp_when_add(a, b) >= -JP_WHEN_MAX);
		assert_true(jp_when_since(a, b) <= JP_WHEN_MAX);
		assert_true(jp_when_since(a, b) >= -JP_WHEN_MAX);
		assert_int_equal(jp_when_since(a, b), -jp_when_since(b, a));
	}
	assert_int_equal(jp_when_add(1000, 86400), 87400);
	assert_int_equal(jp_when_add(1000, -86400), -85400);
	assert_int_equal(jp_when_since(1000, 87400), 86400);
	assert_int_equal(jp_when_add(1000, INT64_MAX), JP_WHEN_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_are_read),
		cmocka_unit_test(zero_is_no_limit_and_no_end),
		cmocka_unit_test(what_is_no_duration_is_refused),
		cmocka_unit_test(a_duration_counts_from_now),
		cmocka_unit_test(dates_are_read_as_utc),
		cmocka_unit_test(what_is_no_time_is_refused),
		cmocka_unit_test(times_are_printed_as_iso_8601),
		cmocka_unit_test(a_printed_time_is_read_as_the_same),
		cmocka_unit_test(what_programs_have_written_is_a_time_in_full),
		cmocka_unit_test(
		    a_time_beyond_all_calendars_is_printed_within_bounds),
		cmocka_unit_test(
		    durations_are_printed_in_their_largest_whole_unit),
		cmocka_unit_test(a_clock_tells_what_it_is_set_to),
		cmocka_unit_test(sums_and_differences_stop_at_the_year_9999),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
