#include "common/record/policy.h"

#include <fnmatch.h>
#include <string.h>

const struct jp_rule *
jp_policy_rule(const struct jp_policy *policy, const char *service)
{
	for (size_t i = 0; i < policy->rule_len; i++)
		if (fnmatch(policy->rules[i].glob, service, 0) == 0)
			return &policy->rules[i];
	return NULL;
}

const char *
jp_policy_prefix(const struct jp_policy *policy, size_t i)
{
	if (i == 0)
		return policy->prefix;
	return i <= policy->accept_prefix_len ? policy->accept_prefixes[i - 1]
	                                      : NULL;
}

bool
jp_policy_takes_prefix(
    const struct jp_policy *policy, const char *prefix, size_t len)
{
	const char *known;

	for (size_t i = 0; (known = jp_policy_prefix(policy, i)) != NULL; i++)
		if (len == strlen(known) && memcmp(prefix, known, len) == 0)
			return true;
	return false;
}

bool
jp_policy_shows_upstream(const struct jp_policy *policy)
{
	for (size_t i = 0; i < policy->rule_len; i++)
		if (policy->rules[i].upstream != JP_UPSTREAM_USE_NO)
			return true;
	return false;
}
