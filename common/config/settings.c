#include "common/config/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/sys/time_text.h"

/* Reads `text` into the member at `at`; JP_ERR_INVALID if it does not fit. */
typedef enum jp_err (*read_value)(
    void *at, const char *text, int64_t min, int64_t max);

struct key {
	const char *section;
	const char *name;
	size_t offset; /* of the member in struct jp_settings */
	read_value read;
	int64_t min, max; /* bounds of a number, or `max` bytes of a text */
	const char *expected;
};

/* What a reading of one file has come to. */
struct reading {
	struct jp_settings *settings;
	FILE *file;
	int line;
	uint64_t seen; /* bit i: keys[i] was given */
	char section[INI_MAX_LINE];
	char wrong[JP_WHY_MAX]; /* the first error; "" if none */
	int wrong_line;
};

static enum jp_err
read_lifetime(void *at, const char *text, int64_t min, int64_t max)
{
	(void)min;
	(void)max;
	return jp_duration_parse(text, at);
}

static enum jp_err
read_number(void *at, const char *text, int64_t min, int64_t max)
{
	size_t len = strspn(text, "0123456789");
	int64_t value;

	if (len == 0 || len > 9 || text[len] != '\0')
		return JP_ERR_INVALID;
	value = strtol(text, NULL, 10);
	if (value < min || value > max)
		return JP_ERR_INVALID;
	*(uint32_t *)at = (uint32_t)value;
	return JP_ERR_OK;
}

/* A size with K or M behind it, in the unit of 1 KiB. */
static enum jp_err
read_kib(void *at, const char *text, int64_t min, int64_t max)
{
	size_t len = strspn(text, "0123456789");
	int64_t value;

	if (len == 0 || len > 7 ||
	    (strcmp(text + len, "K") != 0 && strcmp(text + len, "M") != 0))
		return JP_ERR_INVALID;
	value = strtol(text, NULL, 10) * (text[len] == 'M' ? 1024 : 1);
	if (value < min || value > max)
		return JP_ERR_INVALID;
	*(uint32_t *)at = (uint32_t)value;
	return JP_ERR_OK;
}

static enum jp_err
read_yes_no(void *at, const char *text, int64_t min, int64_t max)
{
	(void)min;
	(void)max;
	if (strcmp(text, "yes") != 0 && strcmp(text, "no") != 0)
		return JP_ERR_INVALID;
	*(bool *)at = text[0] == 'y';
	return JP_ERR_OK;
}

static enum jp_err
read_on_reuse(void *at, const char *text, int64_t min, int64_t max)
{
	enum jp_on_reuse *on_reuse = at;

	(void)min;
	(void)max;
	if (strcmp(text, "alert") != 0 && strcmp(text, "revoke_family") != 0)
		return JP_ERR_INVALID;
	*on_reuse = text[0] == 'a' ? JP_REUSE_ALERT : JP_REUSE_REVOKE_FAMILY;
	return JP_ERR_OK;
}

static enum jp_err
read_path(void *at, const char *text, int64_t min, int64_t max)
{
	(void)min;
	if (text[0] != '/')
		return JP_ERR_INVALID;
	return jp_field_set(at, (size_t)max + 1, text);
}

/* One more path: only keys of this kind may be given several times. */
static enum jp_err
read_more_paths(void *at, const char *text, int64_t min, int64_t max)
{
	struct jp_paths *paths = at;
	enum jp_err err = JP_ERR_INVALID;

	if (paths->len < JP_PATHS_MAX)
		err = read_path(paths->at[paths->len], text, min, max);
	for (size_t i = 0; err == JP_ERR_OK && i < paths->len; i++)
		if (strcmp(paths->at[i], paths->at[paths->len]) == 0)
			return JP_ERR_EXISTS; /* given twice */
	if (err == JP_ERR_OK)
		paths->len++;
	return err;
}

/* The same, perhaps with what becomes of realms there behind it. */
static enum jp_err
read_mux(void *at, const char *text, int64_t min, int64_t max)
{
	struct jp_paths *paths = at;
	size_t len = strcspn(text, " \t");
	const char *word = text + len + strspn(text + len, " \t");
	enum jp_realm realm = JP_REALM_COUNT;
	char path[JP_UNIX_PATH_MAX + 1];
	enum jp_err err;

	if (len >= sizeof(path))
		return JP_ERR_INVALID;
	memcpy(path, text, len);
	path[len] = '\0';
	if (*word != '\0' && jp_realm_parse(word, &realm) != JP_ERR_OK)
		return JP_ERR_INVALID;
	err = read_more_paths(at, path, min, max);
	if (err == JP_ERR_OK)
		paths->realms[paths->len - 1] = realm;
	return err;
}

static enum jp_err
read_realm(void *at, const char *text, int64_t min, int64_t max)
{
	(void)min;
	(void)max;
	return jp_realm_parse(text, at);
}

static enum jp_err
read_account(void *at, const char *text, int64_t min, int64_t max)
{
	if (strlen(text) < (size_t)min || strpbrk(text, " \t:,/") != NULL)
		return JP_ERR_INVALID;
	return jp_field_set(at, (size_t)max + 1, text);
}

/* Names between spaces or commas; they replace the default. */
static enum jp_err
read_accounts(void *at, const char *text, int64_t min, int64_t max)
{
	static const char separators[] = " \t,";
	struct jp_accounts *accounts = at;

	(void)min;
	accounts->len = 0;
	for (text += strspn(text, separators); *text != '\0';
	     text += strspn(text, separators)) {
		size_t len = strcspn(text, separators);

		if (len > (size_t)max || accounts->len == JP_LIST_MAX)
			return JP_ERR_INVALID;
		memcpy(accounts->names[accounts->len], text, len);
		accounts->names[accounts->len++][len] = '\0';
		text += len;
	}
	return accounts->len > 0 ? JP_ERR_OK : JP_ERR_INVALID;
}

/* Scopes between spaces or commas; the length lies in front of them. */
static enum jp_err
read_scopes(void *at, const char *text, int64_t min, int64_t max)
{
	static const char separators[] = " \t,";
	struct jp_policy *policy = at;

	(void)min;
	(void)max;
	policy->self_scope_len = 0;
	for (text += strspn(text, separators); *text != '\0';
	     text += strspn(text, separators)) {
		size_t len = strcspn(text, separators);

		if (len > JP_SCOPE_MAX ||
		    policy->self_scope_len == JP_SCOPES_MAX)
			return JP_ERR_INVALID;
		(void)snprintf(policy->self_scopes[policy->self_scope_len++],
		    JP_SCOPE_MAX + 1, "%.*s", (int)len, text);
		text += len;
	}
	return policy->self_scope_len > 0 ? JP_ERR_OK : JP_ERR_INVALID;
}

/* Durations between spaces or commas, as policy.notify_at. */
static enum jp_err
read_thresholds(void *at, const char *text, int64_t min, int64_t max)
{
	static const char separators[] = " \t,";
	struct jp_policy *policy = at;

	(void)min;
	(void)max;
	policy->notify_len = 0;
	for (text += strspn(text, separators); *text != '\0';
	     text += strspn(text, separators)) {
		size_t len = strcspn(text, separators);
		int64_t *seconds = &policy->notify_at[policy->notify_len];
		char word[JP_WHEN_TEXT_MAX];

		if (len >= sizeof(word) || policy->notify_len == JP_NOTIFY_MAX)
			return JP_ERR_INVALID;
		memcpy(word, text, len);
		word[len] = '\0';
		if (jp_duration_parse(word, seconds) != JP_ERR_OK ||
		    *seconds == JP_NEVER)
			return JP_ERR_INVALID;
		policy->notify_len++;
		text += len;
	}
	return policy->notify_len > 0 ? JP_ERR_OK : JP_ERR_INVALID;
}

static enum jp_err
read_group_source(void *at, const char *text, int64_t min, int64_t max)
{
	(void)min;
	(void)max;
	if (strcmp(text, "store") != 0 && strcmp(text, "nss") != 0)
		return JP_ERR_INVALID;
	*(bool *)at = text[0] == 'n';
	return JP_ERR_OK;
}

static enum jp_err
read_prefix(void *at, const char *text, int64_t min, int64_t max)
{
	(void)min;
	if (!jp_token_prefix_valid(text))
		return JP_ERR_INVALID;
	return jp_field_set(at, (size_t)max + 1, text);
}

/* Prefixes between spaces or commas. */
static enum jp_err
read_prefixes(void *at, const char *text, int64_t min, int64_t max)
{
	static const char separators[] = " \t,";
	struct jp_policy *policy = at;

	policy->accept_prefix_len = 0;
	for (text += strspn(text, separators); *text != '\0';
	     text += strspn(text, separators)) {
		size_t len = strcspn(text, separators);
		char prefix[JP_TOKEN_PREFIX_MAX + 1] = "";

		if (len >= sizeof(prefix) ||
		    policy->accept_prefix_len == JP_PREFIXES_MAX)
			return JP_ERR_INVALID;
		memcpy(prefix, text, len);
		if (read_prefix(
		        policy->accept_prefixes[policy->accept_prefix_len++],
		        prefix, min, max) != JP_ERR_OK)
			return JP_ERR_INVALID;
		text += len;
	}
	return policy->accept_prefix_len > 0 ? JP_ERR_OK : JP_ERR_INVALID;
}

static enum jp_err
read_accept(void *at, const char *text, int64_t min, int64_t max)
{
	static const char *const names[] = {
#define JP_AUDIT_ACCEPT_NAME(code, name) name,
		JP_AUDIT_ACCEPT_LIST(JP_AUDIT_ACCEPT_NAME)
#undef JP_AUDIT_ACCEPT_NAME
	};

	(void)min;
	(void)max;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(text, names[i]) == 0) {
			*(enum jp_audit_accept *)at = (enum jp_audit_accept)i;
			return JP_ERR_OK;
		}
	return JP_ERR_INVALID;
}

#define AT(member) offsetof(struct jp_settings, member)
#define A_LIFETIME "a duration such as 90d, or never"
#define A_PATH "an absolute path"
#define SOME_PATHS A_PATH " of at most 107 bytes, up to 8 times, each once"
#define AN_ACCOUNT "a local account, by name or number"

static const struct key keys[] = {
	{ "tokens", "default_lifetime", AT(policy.default_lifetime),
	    read_lifetime, 0, 0, A_LIFETIME },
	{ "tokens", "max_lifetime", AT(policy.max_lifetime), read_lifetime, 0,
	    0, A_LIFETIME },
	{ "tokens", "max_per_user", AT(policy.max_per_user), read_number, 0,
	    1000000, "a number up to 1000000; 0: unlimited" },
	{ "tokens", "name_required", AT(policy.name_required), read_yes_no, 0,
	    0, "yes or no" },
	{ "tokens", "unused_limit", AT(policy.unused_limit), read_lifetime, 0,
	    0, A_LIFETIME },
	{ "tokens", "on_reuse", AT(policy.on_reuse), read_on_reuse, 0, 0,
	    "alert or revoke_family" },
	{ "tokens", "self_lifetime", AT(policy.self_lifetime), read_lifetime, 0,
	    0, A_LIFETIME },
	{ "tokens", "self_scopes", AT(policy), read_scopes, 0, 0,
	    "1 to 16 scopes of at most 32 bytes" },
	{ "tokens", "notify_at", AT(policy), read_thresholds, 0, 0,
	    "1 to 8 durations such as 30d, 7d, 1d" },
	{ "tokens", "notify_command", AT(policy.notify_command), read_path, 1,
	    JP_PATH_MAX, A_PATH },
	{ "tokens", "prefix", AT(policy.prefix), read_prefix, 1,
	    JP_TOKEN_PREFIX_MAX, "1 to 15 ASCII letters and digits" },
	{ "tokens", "accept_prefix", AT(policy), read_prefixes, 1,
	    JP_TOKEN_PREFIX_MAX,
	    "1 to 8 prefixes of 1 to 15 ASCII letters and digits" },
	{ "argon2", "memory", AT(policy.cost.memory), read_kib,
	    JP_ARGON2_MEMORY_MIN, JP_ARGON2_MEMORY_MAX,
	    "a size from 8K to 64M" },
	{ "argon2", "passes", AT(policy.cost.passes), read_number, 1,
	    JP_ARGON2_PASSES_MAX, "a number from 1 to 10" },
	{ "patd", "user", AT(user), read_account, 1, JP_ACCOUNT_MAX,
	    AN_ACCOUNT },
	{ "patd", "run_dir", AT(run_dir), read_path, 1,
	    JP_UNIX_PATH_MAX - (int64_t)sizeof("/verify.sock"),
	    A_PATH " of at most 94 bytes" },
	{ "patd", "store_dir", AT(store_dir), read_path, 1,
	    JP_PATH_MAX - (int64_t)sizeof("/by_expiry.db"), A_PATH },
	{ "patd", "pepper_file", AT(pepper_file), read_path, 1, JP_PATH_MAX,
	    A_PATH },
	{ "patd", "audit_file", AT(audit_file), read_path, 1, JP_PATH_MAX,
	    A_PATH },
	{ "patd", "audit_accept", AT(audit_accept), read_accept, 0, 0,
	    "all, first or none" },
	{ "patd", "audit_required", AT(audit_required), read_yes_no, 0, 0,
	    "yes or no" },
	{ "patd", "audit_syslog", AT(audit_syslog), read_yes_no, 0, 0,
	    "yes or no" },
	{ "patd", "workers", AT(workers), read_number, 0, 256,
	    "a number up to 256; 0: one for each processor" },
	{ "patd", "max_connections", AT(max_connections), read_number, 1, 65536,
	    "a number from 1 to 65536" },
	{ "patd", "max_per_uid", AT(max_per_uid), read_number, 1, 65536,
	    "a number from 1 to 65536" },
	{ "patd", "cache", AT(cache_kib), read_kib, 256, 67108864,
	    "a size from 256K to 65536M" },
	{ "patd", "cache_entries", AT(cache_entries), read_number, 0,
	    JP_MEMO_ENTRIES_MAX, "a number up to 1048576; 0: none" },
	{ "patd", "allow_users", AT(allow_users), read_accounts, 1,
	    JP_ACCOUNT_MAX, "1 to 32 local accounts" },
	{ "patd", "allow_groups", AT(allow_groups), read_accounts, 1,
	    JP_ACCOUNT_MAX, "1 to 32 local groups" },
	{ "patd", "admin_group", AT(admin_group), read_account, 1,
	    JP_ACCOUNT_MAX, "a local group, by name or number" },
	{ "patd", "group_source", AT(policy.nss_groups), read_group_source, 0,
	    0, "store or nss" },
	{ "patd", "self_service", AT(self_service), read_yes_no, 0, 0,
	    "yes or no" },
	{ "patd", "verify", AT(verify), read_more_paths, 1, JP_UNIX_PATH_MAX,
	    SOME_PATHS },
	{ "patd", "mux", AT(mux), read_mux, 1, JP_UNIX_PATH_MAX,
	    SOME_PATHS "; behind it perhaps keep, strip or require" },
	{ "patd", "mux_realm", AT(mux_realm), read_realm, 0, 0,
	    "keep, strip or require" },
};

enum {
	KEY_COUNT = sizeof(keys) / sizeof(keys[0]),
};
_Static_assert(KEY_COUNT <= 64, "struct reading.seen is too small");

void
jp_settings_default(struct jp_settings *settings)
{
	*settings = (struct jp_settings){
		.policy = {
			.default_lifetime = INT64_C(90) * 86400,
			.max_lifetime = INT64_C(365) * 86400,
			.max_per_user = 10,
			.prefix = JP_TOKEN_PREFIX,
			.cost = { JP_ARGON2_MEMORY, JP_ARGON2_PASSES },
		},
		.user = "jira-pat",
		.run_dir = "/run/jira-pat",
		.store_dir = "/var/lib/jira-pat",
		.pepper_file = "/etc/jira-pat/pepper.key",
		.max_connections = 1024,
		.max_per_uid = 512,
		.cache_kib = 32 * 1024,
		.cache_entries = JP_MEMO_ENTRIES,
	};
}

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
 * The head of a section, at its '['. It is read here because inih cuts it at 49
 * bytes and does not tell of a section without lines.
 */
static void
start_section(struct reading *reading, const char *head)
{
	const char *end = end_of_head(head);
	const char *glob;

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
	for (size_t i = 0; i < KEY_COUNT; i++)
		if (strcmp(keys[i].section, reading->section) == 0)
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

	(void)head; /* cut by inih: start_section() knows it whole */
	if (glob_of(reading->section) != NULL)
		return take_rule(reading, name, value);
	for (size_t i = 0; i < KEY_COUNT; i++) {
		const struct key *key = &keys[i];

		if (strcmp(key->section, reading->section) != 0 ||
		    strcmp(key->name, name) != 0)
			continue;
		if (reading->seen & UINT64_C(1) << i &&
		    key->read != read_more_paths && key->read != read_mux)
			return wrong(reading, name, "given twice", "");
		reading->seen |= UINT64_C(1) << i;
		if (key->read((char *)reading->settings + key->offset, value,
		        key->min, key->max) != JP_ERR_OK)
			return wrong(reading, name, "expected ", key->expected);
		return 1;
	}
	return wrong(reading, name, "unknown key", "");
}

/* What no single line can tell. */
static enum jp_err
check_whole(const struct jp_settings *settings, struct jp_why *why)
{
	const struct jp_policy *policy = &settings->policy;

	if (policy->max_lifetime != JP_NEVER &&
	    (policy->default_lifetime == JP_NEVER ||
	        policy->default_lifetime > policy->max_lifetime))
		return jp_why(why, JP_ERR_CONFIG,
		    "%s: [tokens] default_lifetime is above max_lifetime",
		    settings->file);
	if (settings->audit_required && settings->audit_file[0] == '\0')
		return jp_why(why, JP_ERR_CONFIG,
		    "%s: [patd] audit_required = yes needs audit_file",
		    settings->file);
	return JP_ERR_OK;
}

static enum jp_err
read_file(FILE *file, struct jp_settings *settings, struct jp_why *why)
{
	struct reading reading = { .settings = settings, .file = file };
	struct stat st;
	int line;

	if (fstat(fileno(file), &st) != 0 || !S_ISREG(st.st_mode))
		return jp_why(why, JP_ERR_CONFIG, "%s: not a regular file",
		    settings->file);
	if ((st.st_mode & S_IWOTH) != 0)
		return jp_why(why, JP_ERR_CONFIG,
		    "%s: everybody may write it: chmod o-w %s", settings->file,
		    settings->file);
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
	return check_whole(settings, why);
}

/* Does not wait for the other end of a FIFO. */
static FILE *
open_file(const char *name)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;

	if (fd >= 0 && file == NULL)
		(void)close(fd);
	return file;
}

enum jp_err
jp_settings_load(
    const char *path, struct jp_settings *settings, struct jp_why *why)
{
	const char *name = path != NULL ? path : JP_CONFIG_FILE;
	enum jp_err err;
	FILE *file;

	jp_settings_default(settings);
	if (jp_field_set(settings->file, sizeof(settings->file), name) !=
	    JP_ERR_OK)
		return jp_why(why, JP_ERR_CONFIG,
		    "the path of the configuration file is too long");
	file = open_file(name);
	if (file == NULL && path == NULL && errno == ENOENT) {
		settings->file[0] = '\0';
		return JP_ERR_OK;
	}
	if (file == NULL) {
		err = jp_err_from_errno(errno);
		return jp_why(why, err, "%s: %s", name, strerror(errno));
	}
	err = read_file(file, settings, why);
	(void)fclose(file);
	return err;
}

enum jp_realm
jp_settings_realm(const struct jp_settings *settings, const char *path)
{
	const struct jp_paths *mux = &settings->mux;

	for (size_t i = 0; i < mux->len; i++)
		if (mux->realms[i] != JP_REALM_COUNT &&
		    strcmp(mux->at[i], path) == 0)
			return mux->realms[i];
	return settings->mux_realm;
}
