/*
 * What the form for a new token offers, cut to the policy: what patd would
 * refuse is not there to choose. Pure.
 */
#ifndef PATHTTPD_OFFERS_H
#define PATHTTPD_OFFERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/record/policy.h"

/* ---- lifetimes ---- */

struct offer {
	enum offer_kind {
		OFFER_FOR, /* `seconds` */
		OFFER_NEVER,
		OFFER_CUSTOM, /* a date */
	} kind;
	int64_t seconds;
	bool chosen; /* exactly one is, at first */
};

/* Presets, the default and the longest of the policy, "never", a date. */
#define OFFERS_MAX 9

/* How many there are, at least two. */
size_t offer_lifetimes(
    const struct jp_policy *policy, struct offer offers[OFFERS_MAX]);

/* The longest that a user may ask for, in seconds; JP_NEVER: any. */
int64_t offer_longest(const struct jp_policy *policy);

/* What stands for an offer in a form: days ("30"), a duration ("12h"), "never",
 * "custom". */
#define OFFER_VALUE_MAX JP_WHEN_TEXT_MAX
void offer_format(const struct offer *offer, char value[OFFER_VALUE_MAX]);

/* Reads one, also of what is not offered: patd judges. false: it is none. */
bool offer_parse(const char *value, struct offer *offer);

/* ---- scopes ---- */

#define OFFER_SCOPES_MAX 32

/*
 * Those that a user may name: `self_scopes`, or, where there are none, those
 * that services ask for, and that for managing tokens. They point into `policy`
 * or to a constant.
 */
size_t offer_scopes(
    const struct jp_policy *policy, const char *scopes[OFFER_SCOPES_MAX]);

#endif
