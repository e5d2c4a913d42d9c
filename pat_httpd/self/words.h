/*
 * What patd says about tokens, in words of the page: times, states, rights.
 * Pure: the time and the policy are passed in.
 */
#ifndef PATHTTPD_WORDS_H
#define PATHTTPD_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/record/policy.h"
#include "common/record/record.h"
#include "pat_httpd/self/texts.h"

#define WORDS_SOON_DAYS 7 /* what ends within them is marked */
#define WORDS_SOON (WORDS_SOON_DAYS * INT64_C(86400))

/* What is said of a state. */
enum text words_of_state(enum jp_state state);

/* A time beside another, in its largest unit, rounded: "in 5 days". */
struct words_span {
	enum text text;
	int count; /* its argument; 0: it has none */
};

/* `seconds` from now; 0 and less: it is past. */
struct words_span words_of_span(int64_t seconds);

/* Adds "in 5 days" as a <time>, or "never"; page.js keeps it right. */
void
words_add_time(struct html *html, enum lang lang, int64_t when, int64_t now);

enum {
	WORDS_DATE_MAX = sizeof("2027-01-31 12:00 UTC"),
};

/* "2027-01-31 12:00 UTC" alone; empty for JP_NEVER. */
void words_date(int64_t when, char date[WORDS_DATE_MAX]);

/* The same as a <time>, or "never". */
void words_add_date(struct html *html, enum lang lang, int64_t when);

/* Whether a token that is not dead ends within WORDS_SOON. */
bool words_ends_soon(
    const struct jp_record *record, enum jp_state state, int64_t now);

/*
 * Whether all that its scopes permit is to read: each is what a service takes
 * for reading, and none what one takes for all.
 */
bool words_reads_only(
    const struct jp_policy *policy, const struct jp_record *record);

/* The same of one scope. */
bool words_scope_reads_only(const struct jp_policy *policy, const char *scope);

/* Adds what it may do as a <ul>: one line says "Everything" of one without any
 * limit. */
void words_add_rights(struct html *html, enum lang lang,
    const struct jp_policy *policy, const struct jp_record *record);

#endif
