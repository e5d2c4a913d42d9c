/*
 * Times and durations as people write them. A time is a count of seconds
 * since 1970-01-01 UTC; 0 means never. The current time always comes from a
 * struct jp_clock (common/base/clock.h), so that tests can set it.
 */
#ifndef JP_TIME_TEXT_H
#define JP_TIME_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

#define JP_NEVER INT64_C(0)
#define JP_WHEN_MAX INT64_C(253402300799) /* 9999-12-31T23:59:59Z */
#define JP_WHEN_TEXT_MAX 32 /* bytes of a printed time, with its NUL */

/*
 * Whether `when` is acceptable as input, as a time or a number of seconds: from
 * 0 (JP_NEVER) to JP_WHEN_MAX.
 */
bool jp_when_valid(int64_t when);

/*
 * The only sums and differences of times: whatever was stored or sent, they end
 * at JP_WHEN_MAX and its negative and never wrap around. `seconds` may be
 * negative; jp_when_since() gives the seconds from `since` to `when`.
 */
int64_t jp_when_add(int64_t when, int64_t seconds);
int64_t jp_when_since(int64_t since, int64_t when);

/*
 * Reads a duration: a positive number and one of s, m, h, d, w ("90d"), at
 * most 100 years; "never" and "0" give JP_NEVER. JP_ERR_INVALID otherwise.
 */
enum jp_err jp_duration_parse(const char *text, int64_t *seconds);

/*
 * Reads an end: a duration from `now`, a date (the end comes at its 00:00
 * UTC), a time as "2027-01-31T12:00:00Z", or "never".
 * JP_ERR_INVALID else, also for "0".
 */
enum jp_err jp_when_parse(const char *text, int64_t now, int64_t *when);

/*
 * Reads what jp_when_format() prints of a time, and nothing else: for what
 * programs have written. JP_ERR_INVALID else.
 */
enum jp_err jp_when_read(const char *text, int64_t *when);

/*
 * Prints ISO 8601 in UTC: "2027-01-31T12:00:00Z", or "never"; what is later
 * than JP_WHEN_MAX, as that.
 */
void jp_when_format(int64_t when, char text[JP_WHEN_TEXT_MAX]);

/* Prints a duration in its largest whole unit: "90d"; "never" for 0. */
void jp_duration_format(int64_t seconds, char text[JP_WHEN_TEXT_MAX]);

#endif
