#include "pat_httpd/self/offers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY INT64_C(86400)

int64_t
offer_longest(const struct jp_policy *policy)
{
	int64_t self = policy->self_lifetime, all = policy->max_lifetime;

	if (self == JP_NEVER || all == JP_NEVER)
		return self == JP_NEVER ? all : self;
	return self < all ? self : all;
}

/* A list in order, each length once. */
struct list {
	struct offer *at;
	size_t len;
	int64_t longest;
};

static void
add(struct list *list, int64_t seconds)
{
	size_t i = 0;

	if (seconds == JP_NEVER ||
	    (list->longest != JP_NEVER && seconds > list->longest))
		return;
	while (i < list->len && list->at[i].seconds < seconds)
		i++;
	if (i < list->len && list->at[i].seconds == seconds)
		return;
	memmove(&list->at[i + 1], &list->at[i],
	    (list->len - i) * sizeof(list->at[0]));
	list->at[i] = (struct offer){ OFFER_FOR, seconds, false };
	list->len++;
}

/* The default of the policy, or what is nearest to it. */
static void
choose(struct list *list, int64_t wanted)
{
	if (list->longest != JP_NEVER &&
	    (wanted == JP_NEVER || wanted > list->longest))
		wanted = list->longest;
	for (size_t i = 0; i < list->len; i++)
		list->at[i].chosen = wanted == JP_NEVER
		                         ? list->at[i].kind == OFFER_NEVER
		                         : list->at[i].kind == OFFER_FOR &&
		                               list->at[i].seconds == wanted;
}

size_t
offer_lifetimes(const struct jp_policy *policy, struct offer offers[OFFERS_MAX])
{
	static const int presets[] = { 7, 30, 90, 180, 365 };
	struct list list = { offers, 0, offer_longest(policy) };

	for (size_t i = 0; i < sizeof(presets) / sizeof(presets[0]); i++)
		add(&list, presets[i] * DAY);
	add(&list, policy->default_lifetime);
	add(&list, list.longest);
	if (list.longest == JP_NEVER)
		offers[list.len++] = (struct offer){ .kind = OFFER_NEVER };
	offers[list.len++] = (struct offer){ .kind = OFFER_CUSTOM };
	choose(&list, policy->default_lifetime);
	return list.len;
}

void
offer_format(const struct offer *offer, char value[OFFER_VALUE_MAX])
{
	if (offer->kind == OFFER_FOR && offer->seconds % DAY == 0)
		(void)snprintf(value, OFFER_VALUE_MAX, "%lld",
		    (long long)(offer->seconds / DAY));
	else if (offer->kind == OFFER_FOR)
		jp_duration_format(offer->seconds, value);
	else
		(void)snprintf(value, OFFER_VALUE_MAX, "%s",
		    offer->kind == OFFER_NEVER ? "never" : "custom");
}

bool
offer_parse(const char *value, struct offer *offer)
{
	char days[OFFER_VALUE_MAX];
	size_t digits = strspn(value, "0123456789");

	memset(offer, 0, sizeof(*offer));
	if (strcmp(value, "custom") == 0) {
		offer->kind = OFFER_CUSTOM;
		return true;
	}
	if (strcmp(value, "never") == 0) {
		offer->kind = OFFER_NEVER;
		return true;
	}
	if (digits == 0 || strlen(value) + 2 > sizeof(days))
		return false;
	(void)snprintf(days, sizeof(days), "%s%s", value,
	    value[digits] == '\0' ? "d" : "");
	offer->kind = OFFER_FOR;
	return jp_duration_parse(days, &offer->seconds) == JP_ERR_OK &&
	       offer->seconds != JP_NEVER;
}

/* ---- scopes ---- */

static void
add_scope(const char *scopes[OFFER_SCOPES_MAX], size_t *len, const char *scope)
{
	if (scope[0] == '\0' || *len == OFFER_SCOPES_MAX)
		return;
	for (size_t i = 0; i < *len; i++)
		if (strcmp(scopes[i], scope) == 0)
			return;
	scopes[(*len)++] = scope;
}

size_t
offer_scopes(
    const struct jp_policy *policy, const char *scopes[OFFER_SCOPES_MAX])
{
	size_t len = 0;

	for (size_t i = 0; i < policy->self_scope_len; i++)
		add_scope(scopes, &len, policy->self_scopes[i]);
	if (policy->self_scope_len > 0)
		return len;
	for (size_t i = 0; i < policy->rule_len; i++) {
		add_scope(scopes, &len, policy->rules[i].read_scope);
		add_scope(scopes, &len, policy->rules[i].scope);
	}
	add_scope(scopes, &len, JP_SERVICE_SELF);
	return len;
}
