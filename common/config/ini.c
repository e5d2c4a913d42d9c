#include "common/config/ini.h"

#include <errno.h>
#include <ini.h>
#include <string.h>

#include "common/config/keys.h"

/* What a reading of one file has come to. */
struct reading {
	struct jp_settings *settings;
	FILE *file;
	int line;
	uint64_t seen; /* bit i: jp_key_at(i) was given */
	char section[INI_MAX_LINE];
	char wrong[JP_WHY_MAX]; /* the first error; "" if none */
	int wrong_line;
};
_Static_assert(JP_KEYS_MAX <= 64, "struct reading.seen is too small");

/* Keeps the first error of the file; 0 lets inih note its line. */
static int
wrong(struct reading *reading, const char *name, const char *problem,
    const char *detail)
{
	if (reading->wrong[0] != '\0')
		return 0;
	reading->wrong_line = reading->line;
	(void)snprintf(reading->wrong, sizeof(reading->wrong), "[%s] %s%s%s%s",
	    reading->section, name, name[0] != '\0' ? ": " : "", problem,
	    detail);
	return 0;
}

/* The glob in the head of a [service GLOB] section, or NULL. */
static const char *
glob_of(const char *section)
{
	static const char service[] = "service ";

	if (strncmp(section, service, sizeof(service) - 1) != 0)
		return NULL;
	section += sizeof(service) - 1;
	return section + strspn(section, " \t");
}

/* The head of a [service GLOB] section: a rule, also if nothing follows. */
static void
start_rule(struct reading *reading, const char *glob)
{
	struct jp_policy *policy = &reading->settings->policy;
	struct jp_rule *rule = &policy->rules[policy->rule_len];

	for (size_t i = 0; i < policy->rule_len; i++)
		if (strcmp(policy->rules[i].glob, glob) == 0) {
			(void)wrong(reading, "", "given twice", "");
			return;
		}
	if (policy->rule_len == JP_RULES_MAX)
		(void)wrong(reading, "", "more than 64 services", "");
	else if (glob[0] == '\0' || jp_field_set(rule->glob, sizeof(rule->glob),
	                                glob) != JP_ERR_OK)
		(void)wrong(
		    reading, "", "expected a glob of 1 to 64 bytes", "");
	else
		policy->rule_len++;
}

/* The last ']' of the line in front of a remark: a glob may hold others. */
static const char *
end_of_head(const char *head)
{
	const char *end = NULL;

	for (; *head != '\0'; head++) {
		if (*head == ']')
			end = head;
		if (strncmp(head, " ;", 2) == 0 || strncmp(head, " #", 2) == 0)
			break;
	}
	return end;
}

/*
 * The head of a section, at its '['. It is read here because inih truncates it
 * at 49 bytes and does not report a section without lines.
 */
static void
start_section(struct reading *reading, const char *head)
{
	const char *end = end_of_head(head);
	const char *glob;
	const struct jp_key *key;

	if (end == NULL)
		return; /* inih refuses it */
	(void)snprintf(reading->section, sizeof(reading->section), "%.*s",
	    (int)(end - head - 1), head + 1);
	end += 1 + strspn(end + 1, " \t\r\n");
	if (*end != '\0' && *end != ';' && *end != '#')
		(void)wrong(reading, "", "text behind the ]", "");
	glob = glob_of(reading->section);
	if (glob != NULL) {
		start_rule(reading, glob);
		return;
	}
	for (size_t i = 0; (key = jp_key_at(i)) != NULL; i++)
		if (strcmp(key->section, reading->section) == 0)
			return;
	(void)wrong(reading, "", "unknown section", "");
}

/*
 * Gives inih a line, without the blanks in front of it, which would join it to
 * the line before. A line that is too long would be cut, and is refused.
 */
static char *
give_line(char *text, int size, void *arg)
{
	struct reading *reading = arg;
	size_t len = 0, max = (size_t)size - 1;
	int c = EOF;

	while (len < max && (c = getc(reading->file)) != EOF && c != '\0') {
		if (len == 0 && (c == ' ' || c == '\t'))
			continue;
		text[len++] = (char)c;
		if (c == '\n')
			break;
	}
	text[len] = '\0';
	reading->line++;
	if (len == 0 && c == EOF)
		return NULL;
	if (c == '\0' || (len == max && c != '\n')) {
		(void)wrong(reading, "",
		    c == '\0' ? "a NUL byte" : "the line is too long", "");
		return NULL;
	}
	if (reading->line == 1 && strncmp(text, "\xef\xbb\xbf", 3) == 0)
		memmove(text, text + 3, len - 2);
	if (text[0] == '[')
		start_section(reading, text);
	return text;
}

/* Adds a name to those of the rule; false: there is no room. */
static bool
add_group(struct jp_rule *rule, const char *group)
{
	size_t used = strlen(rule->groups), len = strlen(group);

	if (used + 1 + len >= sizeof(rule->groups))
		return false;
	if (used > 0)
		rule->groups[used++] = '\n';
	memcpy(rule->groups + used, group, len + 1);
	return true;
}

/* Names between spaces or commas; kept with a newline between them. */
static int
take_groups(struct reading *reading, struct jp_rule *rule, const char *value)
{
	struct jp_why ignored;
	char group[JP_GROUP_MAX + 1];
	enum jp_err err;

	if (rule->groups[0] != '\0')
		return wrong(reading, "groups", "given twice", "");
	do
		err = jp_group_next(&value, " \t,", group, &ignored);
	while (err == JP_ERR_OK && group[0] != '\0' && add_group(rule, group));
	return err == JP_ERR_OK && group[0] == '\0' && rule->groups[0] != '\0'
	           ? 1
	           : wrong(reading, "groups", "expected ",
	                 "groups of at most 64 bytes, 255 bytes in all; one "
	                 "with spaces stands in quotes: \"Jira Admins\"");
}

/* A line of a [service GLOB] section. */
static int
take_rule(struct reading *reading, const char *name, const char *value)
{
	struct jp_policy *policy = &reading->settings->policy;
	struct jp_rule *rule;

	if (policy->rule_len == 0 || reading->wrong[0] != '\0')
		return 0; /* the head was wrong */
	rule = &policy->rules[policy->rule_len - 1];
	if (strcmp(name, "groups") == 0)
		return take_groups(reading, rule, value);
	if (strcmp(name, "scope") != 0)
		return wrong(reading, name, "unknown key", "");
	if (rule->scope[0] != '\0')
		return wrong(reading, name, "given twice", "");
	if (value[0] == '\0' || strpbrk(value, " \t,") != NULL ||
	    jp_field_set(rule->scope, sizeof(rule->scope), value) != JP_ERR_OK)
		return wrong(reading, name, "expected ",
		    "one scope of at most 32 bytes");
	return 1;
}

static int
take_line(void *arg, const char *head, const char *name, const char *value)
{
	struct reading *reading = arg;
	const struct jp_key *key;

	(void)head; /* cut by inih: start_section() knows it whole */
	if (glob_of(reading->section) != NULL)
		return take_rule(reading, name, value);
	for (size_t i = 0; (key = jp_key_at(i)) != NULL; i++) {
		if (strcmp(key->section, reading->section) != 0 ||
		    strcmp(key->name, name) != 0)
			continue;
		if (reading->seen & UINT64_C(1) << i && !key->repeats)
			return wrong(reading, name, "given twice", "");
		reading->seen |= UINT64_C(1) << i;
		if (jp_key_read(key, reading->settings, value) != JP_ERR_OK)
			return wrong(reading, name, "expected ", key->expected);
		return 1;
	}
	return wrong(reading, name, "unknown key", "");
}

enum jp_err
jp_ini_read(FILE *file, struct jp_settings *settings, struct jp_why *why)
{
	struct reading reading = { .settings = settings, .file = file };
	int line;

	line = ini_parse_stream(give_line, &reading, take_line, &reading);
	if (ferror(file))
		return jp_why(
		    why, JP_ERR_IO, "%s: %s", settings->file, strerror(errno));
	if (reading.wrong[0] != '\0' &&
	    (line == 0 || reading.wrong_line <= line))
		return jp_why(why, JP_ERR_CONFIG, "%s:%d: %s", settings->file,
		    reading.wrong_line, reading.wrong);
	if (line != 0)
		return jp_why(why, JP_ERR_CONFIG,
		    "%s:%d: expected [section] or key = value", settings->file,
		    line);
	return JP_ERR_OK;
}
