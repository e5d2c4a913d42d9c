#include "common/sys/time_text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define TIME_FORM "0000-00-00T00:00:00Z"
#define TIME_FORMAT "%Y-%m-%dT%H:%M:%SZ"
#define YEARS_100 (INT64_C(36525) * 86400)

static const struct unit {
	char letter;
	int64_t seconds;
} units[] = {
	/* the largest first, for printing */
	{ 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 },
	{ 'w', 7 * 86400 }, /* read, not printed */
};

bool
jp_when_valid(int64_t when)
{
	return when >= 0 && when <= JP_WHEN_MAX;
}

static int64_t
bounded(int64_t when)
{
	if (when > JP_WHEN_MAX)
		return JP_WHEN_MAX;
	return when < -JP_WHEN_MAX ? -JP_WHEN_MAX : when;
}

/* Two bounded numbers cannot overflow. */
int64_t
jp_when_add(int64_t when, int64_t seconds)
{
	return bounded(bounded(when) + bounded(seconds));
}

int64_t
jp_when_since(int64_t since, int64_t when)
{
	return bounded(bounded(when) - bounded(since));
}

enum jp_err
jp_duration_parse(const char *text, int64_t *seconds)
{
	int64_t count = 0;
	size_t len = strspn(text, "0123456789");

	*seconds = JP_NEVER;
	if (strcmp(text, "never") == 0 || strcmp(text, "0") == 0)
		return JP_ERR_OK;
	if (len == 0 || len > 10 || strlen(text) != len + 1)
		return JP_ERR_INVALID;
	for (size_t i = 0; i < len; i++)
		count = 10 * count + (text[i] - '0');
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (units[i].letter != text[len])
			continue;
		if (count == 0 || count > YEARS_100 / units[i].seconds)
			return JP_ERR_INVALID;
		*seconds = count * units[i].seconds;
		return JP_ERR_OK;
	}
	return JP_ERR_INVALID;
}

/* Digits and separators must stand exactly as in `form` ('0': a digit). */
static bool
has_form(const char *text, const char *form)
{
	if (strlen(text) != strlen(form))
		return false;
	for (; *form != '\0'; form++, text++)
		if (*form == '0' ? (*text < '0' || *text > '9')
		                 : *text != *form)
			return false;
	return true;
}

static enum jp_err
parse_date(const char *text, const char *format, int64_t *when)
{
	struct tm tm = { 0 }, again;
	const char *end = strptime(text, format, &tm);
	time_t seconds;

	if (end == NULL || *end != '\0' || tm.tm_year < 70)
		return JP_ERR_INVALID;
	again = tm;
	seconds = timegm(&again);
	/* timegm() moves 31 February and 12:00:60 on: no such time. */
	if (again.tm_mday != tm.tm_mday || again.tm_mon != tm.tm_mon ||
	    again.tm_sec != tm.tm_sec || seconds <= 0)
		return JP_ERR_INVALID;
	*when = (int64_t)seconds;
	return JP_ERR_OK;
}

enum jp_err
jp_when_parse(const char *text, int64_t now, int64_t *when)
{
	enum jp_err err;

	if (has_form(text, "0000-00-00"))
		return parse_date(text, "%Y-%m-%d", when);
	if (has_form(text, TIME_FORM))
		return parse_date(text, TIME_FORMAT, when);
	if (strcmp(text, "0") == 0) /* no days at all are not "never" */
		return JP_ERR_INVALID;
	err = jp_duration_parse(text, when);
	if (err == JP_ERR_OK && *when != JP_NEVER)
		*when = jp_when_add(now, *when);
	return err;
}

enum jp_err
jp_when_read(const char *text, int64_t *when)
{
	return has_form(text, TIME_FORM) ? parse_date(text, TIME_FORMAT, when)
	                                 : JP_ERR_INVALID;
}

void
jp_when_format(int64_t when, char text[JP_WHEN_TEXT_MAX])
{
	time_t seconds = (time_t)bounded(when);
	struct tm tm;

	if (when == JP_NEVER || gmtime_r(&seconds, &tm) == NULL ||
	    strftime(text, JP_WHEN_TEXT_MAX, TIME_FORMAT, &tm) == 0)
		(void)snprintf(text, JP_WHEN_TEXT_MAX, "never");
}

void
jp_duration_format(int64_t seconds, char text[JP_WHEN_TEXT_MAX])
{
	const struct unit *unit = units;

	if (seconds == JP_NEVER) {
		(void)snprintf(text, JP_WHEN_TEXT_MAX, "never");
		return;
	}
	while (seconds % unit->seconds != 0)
		unit++;
	snprintf(text, JP_WHEN_TEXT_MAX, "%lld%c",
	    (long long)(seconds / unit->seconds), unit->letter);
}
