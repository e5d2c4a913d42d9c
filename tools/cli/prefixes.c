#include "tools/cli/prefixes.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/admin/batch.h"

/* ---- counting ---- */

/* The secret of another system has no prefix. */
static bool
is_foreign(const struct jp_record *record)
{
	char id[JP_TOKEN_ID_LEN + 1];

	jp_imported_id(record->user, id);
	return strcmp(id, record->id) == 0;
}

static enum jp_err
count_item(void *arg, const struct jp_admin_item *item)
{
	struct prefix_counts *counts = arg;
	const char *prefix = item->record.prefix;
	size_t i = 0;

	if (item->kind != JP_ITEM_RECORD)
		return JP_ERR_PROTOCOL;
	while (i < counts->len && strcmp(counts->counts[i].prefix, prefix) != 0)
		i++;
	if (prefix[0] == '\0') {
		counts->unknown += !is_foreign(&item->record);
	} else if (i == PREFIX_COUNTS_MAX) {
		counts->others++;
	} else {
		counts->len += i == counts->len;
		memcpy(counts->counts[i].prefix, prefix,
		    sizeof(counts->counts[i].prefix));
		counts->counts[i].tokens++;
	}
	return JP_ERR_OK;
}

static int
compare_prefixes(const void *a, const void *b)
{
	return strcmp(((const struct prefix_count *)a)->prefix,
	    ((const struct prefix_count *)b)->prefix);
}

enum jp_err
prefixes_count(
    struct session *session, struct prefix_counts *counts, struct jp_why *why)
{
	static const struct jp_admin_request request = { .op = JP_ADMIN_LIST };

	enum jp_err err;

	memset(counts, 0, sizeof(*counts));
	err = session_run(session, &request, count_item, counts, why);
	qsort(counts->counts, counts->len, sizeof(counts->counts[0]),
	    compare_prefixes);
	return err;
}

bool
prefixes_format(const struct prefix_counts *counts,
    const struct jp_policy *policy, char text[PREFIXES_TEXT_MAX])
{
	bool all = true;
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < counts->len; i++) {
		const struct prefix_count *count = &counts->counts[i];
		bool taken = jp_policy_takes_prefix(
		    policy, count->prefix, strlen(count->prefix));

		all = all && taken;
		len += (size_t)snprintf(text + len, PREFIXES_TEXT_MAX - len,
		    "%s%s %" PRIu64 "%s", len > 0 ? ", " : "", count->prefix,
		    count->tokens, taken ? "" : " (not accepted)");
	}
	if (counts->others > 0)
		len += (size_t)snprintf(text + len, PREFIXES_TEXT_MAX - len,
		    "%sothers %" PRIu64, len > 0 ? ", " : "", counts->others);
	if (counts->unknown > 0)
		len += (size_t)snprintf(text + len, PREFIXES_TEXT_MAX - len,
		    "%sunknown %" PRIu64 " (until their next use)",
		    len > 0 ? ", " : "", counts->unknown);
	if (len == 0)
		(void)snprintf(text, PREFIXES_TEXT_MAX, "no live token");
	return all;
}

/* ---- guards ---- */

/* With it begin the guards of examples/apache and examples/nginx. */
static const char guard_head[] = "(?i:Basic|Bearer)\\s+";

enum {
	FORM_MAX = 4 * (JP_TOKEN_PREFIX_MAX + 1), /* letters, and a class */
};

static char
sextet(unsigned int value)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                               "abcdefghijklmnopqrstuvwxyz0123456789+/";

	return alphabet[value];
}

/*
 * What base64 makes of "PREFIX_": six bits a letter; the bits that are over
 * leave the letter a choice, for what follows is not known. Letters, digits and
 * "_" never give a "+" or "/" but in that choice.
 */
static void
guard_form(const char *prefix, char form[FORM_MAX])
{
	unsigned int bits = 0, held = 0;
	size_t len = 0, size = strlen(prefix) + 1;

	for (size_t i = 0; i < size; i++) {
		bits = bits << 8 | (i + 1 < size ? (uint8_t)prefix[i] : '_');
		for (held += 8; held >= 6; held -= 6)
			form[len++] = sextet(bits >> (held - 6) & 63);
	}
	if (held > 0) {
		unsigned int free = 6 - held;
		unsigned int first = (bits & ((1U << held) - 1)) << free;

		form[len++] = '[';
		for (unsigned int i = 0; i < 1U << free; i++)
			form[len++] = sextet(first + i);
		form[len++] = ']';
	}
	form[len] = '\0';
}

void
guard_pattern(const struct jp_policy *policy, char text[GUARD_MAX])
{
	char form[FORM_MAX];
	const char *prefix;
	bool many = policy->accept_prefix_len > 0;
	size_t len = (size_t)snprintf(text, GUARD_MAX, "%s", many ? "(?:" : "");

	for (size_t i = 0; (prefix = jp_policy_prefix(policy, i)) != NULL;
	     i++) {
		guard_form(prefix, form);
		len += (size_t)snprintf(text + len, GUARD_MAX - len, "%s%s",
		    i > 0 ? "|" : "", form);
	}
	(void)snprintf(text + len, GUARD_MAX - len, "%s", many ? ")" : "");
}

bool
guard_complete(
    const char *line, const struct jp_policy *policy, const char **prefix)
{
	char form[FORM_MAX];

	line = strstr(line, guard_head);
	for (size_t i = 0;
	     line != NULL && (*prefix = jp_policy_prefix(policy, i)) != NULL;
	     i++) {
		guard_form(*prefix, form);
		if (strstr(line, form) == NULL)
			return false;
	}
	return true;
}
