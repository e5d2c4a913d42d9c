#include "common/admin/within.h"

#include <string.h>

/* A list of texts of one size, in a record. */
struct texts {
	const char *what;
	size_t *len;
	char *first;
	size_t size, outer_len;
	const char *outer_first;
};

static bool
holds(const struct texts *texts, const char *text)
{
	for (size_t i = 0; i < texts->outer_len; i++)
		if (strcmp(texts->outer_first + i * texts->size, text) == 0)
			return true;
	return false;
}

/* An empty outer list allows everything, so that nothing is filled in. */
static enum jp_err
hold_texts(const struct jp_record *outer, const struct texts *texts,
    struct jp_why *why)
{
	if (texts->outer_len == 0)
		return JP_ERR_OK;
	if (*texts->len == 0) {
		memcpy(texts->first, texts->outer_first,
		    texts->outer_len * texts->size);
		*texts->len = texts->outer_len;
	}
	for (size_t i = 0; i < *texts->len; i++) {
		const char *text = texts->first + i * texts->size;

		if (!holds(texts, text))
			return jp_why_refusal(why, JP_ERR_REFUSED,
			    JP_REFUSAL_WIDER,
			    "the %s %s is none of those of the token %s: name "
			    "one of them, or none",
			    texts->what, text, outer->id);
	}
	return JP_ERR_OK;
}

static bool
holds_net(const struct jp_record *outer, const struct jp_net *net)
{
	for (size_t i = 0; i < outer->net_len; i++)
		if (jp_net_within(&outer->nets[i], net))
			return true;
	return false;
}

static enum jp_err
hold_nets(
    const struct jp_record *outer, struct jp_record *inner, struct jp_why *why)
{
	char text[JP_NET_TEXT_MAX];

	if (outer->net_len == 0)
		return JP_ERR_OK;
	if (inner->net_len == 0) {
		memcpy(inner->nets, outer->nets, sizeof(inner->nets));
		inner->net_len = outer->net_len;
	}
	for (size_t i = 0; i < inner->net_len; i++) {
		if (holds_net(outer, &inner->nets[i]))
			continue;
		jp_net_format(&inner->nets[i], text);
		return jp_why_refusal(why, JP_ERR_REFUSED, JP_REFUSAL_WIDER,
		    "the network %s lies in none of those of the token %s",
		    text, outer->id);
	}
	return JP_ERR_OK;
}

enum jp_err
jp_admin_check_within(
    const struct jp_record *outer, struct jp_record *inner, struct jp_why *why)
{
	const struct texts lists[] = {
		{ "scope", &inner->scope_len, inner->scopes[0],
		    sizeof(inner->scopes[0]), outer->scope_len,
		    outer->scopes[0] },
		{ "service", &inner->service_len, inner->services[0],
		    sizeof(inner->services[0]), outer->service_len,
		    outer->services[0] },
	};
	enum jp_err err = JP_ERR_OK;

	for (size_t i = 0;
	     i < sizeof(lists) / sizeof(lists[0]) && err == JP_ERR_OK; i++)
		err = hold_texts(outer, &lists[i], why);
	return err == JP_ERR_OK ? hold_nets(outer, inner, why) : err;
}
