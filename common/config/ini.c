#include "common/config/ini.h"

#include <errno.h>
#include <ini.h>
#include <string.h>

#include "common/config/keys.h"
#include "common/config/listeners.h"

struct reading;

/* A section with a name of its own, [WORD NAME], of which there may be many. */
struct kind {
	const char *word;
	/* Makes one of that name, reading->base, or calls wrong(). */
	void (*start)(struct reading *reading, const char *name);
	void (*end)(struct reading *reading);
};

/* What a reading of one file has come to. */
struct reading {
	struct jp_settings *settings;
	FILE *file;
	int line;
	int given[JP_KEYS_MAX]; /* i: the line of jp_key_at(i); 0: none; of a
	                           kind: in this section */
	char section[INI_MAX_LINE];
	int head;                        /* its line */
	const struct kind *kind;         /* of it; NULL: it has none */
	void *base;                      /* of its members */
	int listeners[JP_LISTENERS_MAX]; /* the lines of their addresses */
	char wrong[JP_WHY_MAX];          /* the first error; "" if none */
	int wrong_line;
};

/* Keeps the first error of the file; 0 lets inih note its line. */
static int
wrong_at(struct reading *reading, int line, const char *name,
    const char *problem, const char *detail)
{
	if (reading->wrong[0] != '\0')
		return 0;
	reading->wrong_line = line;
	(void)snprintf(reading->wrong, sizeof(reading->wrong), "[%s] %s%s%s%s",
	    reading->section, name, name[0] != '\0' ? ": " : "", problem,
	    detail);
	return 0;
}

static int
wrong(struct reading *reading, const char *name, const char *problem,
    const char *detail)
{
	return wrong_at(reading, reading->line, name, problem, detail);
}

/* ---- [service GLOB] ---- */

/* A rule, also if nothing follows. */
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
	reading->base = rule;
}

static void
end_rule(struct reading *reading)
{
	(void)reading;
}

/* ---- [listener NAME] ---- */

static size_t
index_of(const struct reading *reading, const struct jp_listener *listener)
{
	return (size_t)(listener - reading->settings->httpd.listeners);
}

static void
start_listener(struct reading *reading, const char *name)
{
	struct jp_httpd_settings *httpd = &reading->settings->httpd;
	struct jp_listener *listener = NULL;

	httpd->configured = true;
	if (!jp_listener_name_valid(name))
		(void)wrong(reading, "",
		    "expected a name of 1 to 32 letters, "
		    "digits, \".\", \"_\" and \"-\"",
		    "");
	else if ((listener = jp_listener_start(httpd, name)) == NULL)
		(void)wrong(reading, "",
		    "more than 8 listeners, with http "
		    "and fcgi",
		    "");
	else if (reading->listeners[index_of(reading, listener)] != 0)
		(void)wrong(reading, "", "given twice", "");
	else
		reading->listeners[index_of(reading, listener)] = reading->line;
	reading->base = listener;
}

/* What its lines together mean. */
static void
end_listener(struct reading *reading)
{
	struct jp_listener *listener = reading->base;
	const struct jp_key *key;
	const char *problem;

	jp_listener_fill(listener);
	for (size_t i = 0; (key = jp_key_at(i)) != NULL; i++) {
		if (reading->given[i] == 0 ||
		    strcmp(key->section, reading->kind->word) != 0)
			continue;
		problem = jp_listener_misfit(listener, key->name);
		if (problem != NULL)
			(void)wrong_at(
			    reading, reading->given[i], key->name, problem, "");
		if (strcmp(key->name, "listen") == 0)
			reading->listeners[index_of(reading, listener)] =
			    reading->given[i];
	}
	if (listener->listen[0] == '\0' && !jp_listener_built_in(listener))
		(void)wrong_at(reading, reading->head, "listen",
		    "missing; only http and fcgi have a default", "");
}

/* ---- sections ---- */

static const struct kind kinds[] = {
	{ "service", start_rule, end_rule },
	{ "listener", start_listener, end_listener },
};

/* The name in the head of a section of that kind, or NULL. */
static const char *
name_in(const char *section, const struct kind *kind)
{
	size_t len = strlen(kind->word);

	if (strncmp(section, kind->word, len) != 0 || section[len] != ' ')
		return NULL;
	return section + len + strspn(section + len, " \t");
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

/* Whether a section needs a name behind that word. */
static bool
is_kind(const char *word)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].word, word) == 0)
			return true;
	return false;
}

/* Ends the section that a head, or the end of the file, follows. */
static void
end_section(struct reading *reading)
{
	const struct jp_key *key;

	if (reading->kind == NULL || reading->wrong[0] != '\0')
		return;
	reading->kind->end(reading);
	for (size_t i = 0; (key = jp_key_at(i)) != NULL; i++)
		if (strcmp(key->section, reading->kind->word) == 0)
			reading->given[i] = 0;
}

/* Begins the section whose head is known. */
static void
begin_section(struct reading *reading)
{
	const struct jp_key *key;
	const char *name;

	reading->head = reading->line;
	reading->kind = NULL;
	reading->base = reading->settings;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if ((name = name_in(reading->section, &kinds[i])) != NULL) {
			reading->kind = &kinds[i];
			kinds[i].start(reading, name);
			return;
		}
	for (size_t i = 0; (key = jp_key_at(i)) != NULL; i++)
		if (strcmp(key->section, reading->section) == 0 &&
		    !is_kind(key->section))
			return;
	(void)wrong(reading, "", "unknown section", "");
}

/*
 * The head of a section, at its '['. It is read here because inih truncates it
 * at 49 bytes and does not report a section without lines.
 */
static void
start_section(struct reading *reading, const char *head)
{
	const char *end = end_of_head(head);

	if (end == NULL)
		return; /* inih refuses it */
	end_section(reading);
	(void)snprintf(reading->section, sizeof(reading->section), "%.*s",
	    (int)(end - head - 1), head + 1);
	end += 1 + strspn(end + 1, " \t\r\n");
	if (*end != '\0' && *end != ';' && *end != '#')
		(void)wrong(reading, "", "text behind the ]", "");
	begin_section(reading);
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

static int
take_line(void *arg, const char *head, const char *name, const char *value)
{
	struct reading *reading = arg;
	const struct kind *kind = reading->kind;
	const char *section = kind != NULL ? kind->word : reading->section;
	const struct jp_key *key;

	(void)head; /* cut by inih: start_section() knows it whole */
	if (kind != NULL && reading->wrong[0] != '\0')
		return 0; /* the head may be what was wrong */
	for (size_t i = 0; (key = jp_key_at(i)) != NULL; i++) {
		if (strcmp(key->section, section) != 0 ||
		    strcmp(key->name, name) != 0)
			continue;
		if (reading->given[i] != 0 && !key->repeats)
			return wrong(reading, name, "given twice", "");
		reading->given[i] = reading->line;
		if (strcmp(section, "pat-httpd") == 0)
			reading->settings->httpd.configured = true;
		if (strcmp(section, "self_service") == 0)
			reading->settings->self.configured = true;
		if (strcmp(section, "cluster") == 0)
			reading->settings->cluster.configured = true;
		if (jp_key_read(key, reading->base, value) != JP_ERR_OK)
			return wrong(reading, name, "expected ", key->expected);
		return 1;
	}
	return wrong(reading, name, "unknown key", "");
}

/* The last line of a key of patd. */
static int
line_of(const struct reading *reading, const char *name)
{
	const struct jp_key *key;

	for (size_t i = 0; (key = jp_key_at(i)) != NULL; i++)
		if (strcmp(key->section, "patd") == 0 &&
		    strcmp(key->name, name) == 0)
			return reading->given[i];
	return 0;
}

/*
 * Two sockets at one address: the second would take it from the first. The line
 * is that of a socket of patd where the listener stands in none.
 */
static void
check_addresses(struct reading *reading)
{
	const struct jp_httpd_settings *httpd = &reading->settings->httpd;

	for (size_t i = 0; i < httpd->listener_len; i++) {
		const char *owner = jp_listener_taken(reading->settings, i);
		int line = reading->listeners[i];

		if (owner == NULL)
			continue;
		if (line == 0)
			line = line_of(reading, "mux");
		if (line == 0)
			line = line_of(reading, "verify");
		(void)snprintf(reading->section, sizeof(reading->section),
		    "listener %s", httpd->listeners[i].name);
		(void)wrong_at(reading, line, "listen",
		    "expected an address of its own, not that of ", owner);
	}
}

enum jp_err
jp_ini_read(FILE *file, struct jp_settings *settings, struct jp_why *why)
{
	struct reading reading = { .settings = settings, .file = file };
	int line;

	reading.base = settings;
	line = ini_parse_stream(give_line, &reading, take_line, &reading);
	end_section(&reading);
	check_addresses(&reading);
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
