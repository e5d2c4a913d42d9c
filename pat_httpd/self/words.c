#include "pat_httpd/self/words.h"

#include <stdio.h>
#include <string.h>

#include "common/base/net.h"

enum {
	MINUTE = 60,
	HOUR = 60 * MINUTE,
	DAY = 24 * HOUR,
};

enum text
words_of_state(enum jp_state state)
{
	static const enum text rows[JP_STATE_COUNT] = {
#define STATE_ROW(code, number, name, status, cause)                           \
	[JP_STATE_##code] = TEXT_STATE_##code,
		JP_STATE_LIST(STATE_ROW)
#undef STATE_ROW
	};

	return rows[state];
}

/* ---- times ---- */

struct words_span
words_of_span(int64_t seconds)
{
	static const struct {
		int64_t unit;
		enum text one[2], many[2]; /* to come, past */
	} rows[] = {
		{ DAY, { TEXT_IN_DAY, TEXT_AGO_DAY },
		    { TEXT_IN_DAYS, TEXT_AGO_DAYS } },
		{ HOUR, { TEXT_IN_HOUR, TEXT_AGO_HOUR },
		    { TEXT_IN_HOURS, TEXT_AGO_HOURS } },
		{ MINUTE, { TEXT_IN_MINUTE, TEXT_AGO_MINUTE },
		    { TEXT_IN_MINUTES, TEXT_AGO_MINUTES } },
	};
	int past = seconds <= 0; /* the last second of a token is past */
	int64_t away = past ? -seconds : seconds;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t count = (away + rows[i].unit / 2) / rows[i].unit;

		if (away < rows[i].unit)
			continue;
		if (count == 1)
			return (struct words_span){ rows[i].one[past], 0 };
		return (struct words_span){ rows[i].many[past], (int)count };
	}
	return (struct words_span){ past ? TEXT_TIME_NOW : TEXT_TIME_SOON, 0 };
}

void
words_add_time(struct html *html, enum lang lang, int64_t when, int64_t now)
{
	struct words_span span = words_of_span(jp_when_since(now, when));
	char text[JP_WHEN_TEXT_MAX];
	char count[16];

	if (when == JP_NEVER) {
		html_say(html, lang, TEXT_NEVER);
		return;
	}
	jp_when_format(when, text);
	(void)snprintf(count, sizeof(count), "%d", span.count);
	html_add(
	    html, "<time datetime=\"%s\" title=\"%s\" data-live>", text, text);
	html_say(html, lang, span.text, count);
	html_add(html, "</time>");
}

void
words_date(int64_t when, char date[WORDS_DATE_MAX])
{
	char text[JP_WHEN_TEXT_MAX];

	date[0] = '\0';
	if (when == JP_NEVER)
		return;
	jp_when_format(when, text);
	(void)snprintf(date, WORDS_DATE_MAX, "%.10s %.5s UTC", text,
	    text + strlen("2027-01-31T"));
}

void
words_add_date(struct html *html, enum lang lang, int64_t when)
{
	char text[JP_WHEN_TEXT_MAX], date[WORDS_DATE_MAX];

	if (when == JP_NEVER) {
		html_say(html, lang, TEXT_NEVER);
		return;
	}
	jp_when_format(when, text);
	words_date(when, date);
	html_add(html, "<time datetime=\"%s\">%s</time>", text, date);
}

bool
words_ends_soon(
    const struct jp_record *record, enum jp_state state, int64_t now)
{
	int64_t end = jp_record_end(record);

	return jp_state_status(state) != JP_STATUS_DEAD && end != JP_NEVER &&
	       jp_when_since(now, end) <= WORDS_SOON;
}

/* ---- rights ---- */

bool
words_scope_reads_only(const struct jp_policy *policy, const char *scope)
{
	bool reads = false;

	for (size_t i = 0; i < policy->rule_len; i++) {
		if (strcmp(policy->rules[i].scope, scope) == 0)
			return false;
		reads |= strcmp(policy->rules[i].read_scope, scope) == 0;
	}
	return reads;
}

bool
words_reads_only(const struct jp_policy *policy, const struct jp_record *record)
{
	for (size_t i = 0; i < record->scope_len; i++)
		if (!words_scope_reads_only(policy, record->scopes[i]))
			return false;
	return record->scope_len > 0;
}

/* "a, b, c", of at most JP_SCOPES_MAX and the like. */
#define NAMES_MAX 2048

struct names {
	char text[NAMES_MAX];
	size_t len;
};

static void
add_name(struct names *names, const char *name)
{
	int len = snprintf(names->text + names->len, NAMES_MAX - names->len,
	    "%s%s", names->len > 0 ? ", " : "", name);

	if (len > 0 && (size_t)len < NAMES_MAX - names->len)
		names->len += (size_t)len;
}

static void
add_line(struct html *html, enum lang lang, enum text text, const char *args)
{
	html_add(html, "<li>");
	html_say(html, lang, text, args);
	html_add(html, "</li>");
}

static void
add_scopes(struct html *html, enum lang lang, const struct jp_policy *policy,
    const struct jp_record *record)
{
	struct names names = { .len = 0 };
	bool tokens = false;

	for (size_t i = 0; i < record->scope_len; i++) {
		add_name(&names, record->scopes[i]);
		tokens |= strcmp(record->scopes[i], JP_SERVICE_SELF) == 0;
	}
	if (names.len == 0)
		add_line(html, lang, TEXT_MAY_EVERY_SCOPE, NULL);
	else
		add_line(html, lang,
		    words_reads_only(policy, record) ? TEXT_MAY_READ
		                                     : TEXT_MAY_SCOPES,
		    names.text);
	if (tokens)
		add_line(html, lang, TEXT_MAY_TOKENS, NULL);
}

static void
add_services(struct html *html, enum lang lang, const struct jp_record *record)
{
	struct names names = { .len = 0 };

	for (size_t i = 0; i < record->service_len; i++)
		add_name(&names, record->services[i]);
	if (names.len > 0)
		add_line(html, lang, TEXT_MAY_SERVICES, names.text);
}

static void
add_nets(struct html *html, enum lang lang, const struct jp_record *record)
{
	struct names names = { .len = 0 };
	char net[JP_NET_TEXT_MAX];

	for (size_t i = 0; i < record->net_len; i++) {
		jp_net_format(&record->nets[i], net);
		if (record->nets[i].prefix == 128) /* a single address */
			net[strcspn(net, "/")] = '\0';
		add_name(&names, net);
	}
	if (names.len > 0)
		add_line(html, lang, TEXT_MAY_NETS, names.text);
}

static void
add_uses(struct html *html, enum lang lang, const struct jp_record *record)
{
	char left[16], max[16];

	if (record->uses_max == 0)
		return;
	(void)snprintf(left, sizeof(left), "%u", record->uses_left);
	(void)snprintf(max, sizeof(max), "%u", record->uses_max);
	html_add(html, "<li>");
	html_say(html, lang, TEXT_MAY_USES, left, max);
	html_add(html, "</li>");
}

void
words_add_rights(struct html *html, enum lang lang,
    const struct jp_policy *policy, const struct jp_record *record)
{
	bool unlimited = record->scope_len == 0 && record->service_len == 0 &&
	                 record->net_len == 0 && record->uses_max == 0;

	html_add(html, "<ul class=\"rights\">");
	if (unlimited)
		add_line(html, lang, TEXT_MAY_ALL, NULL);
	else
		add_scopes(html, lang, policy, record);
	add_services(html, lang, record);
	add_nets(html, lang, record);
	add_uses(html, lang, record);
	html_add(html, "</ul>");
}
