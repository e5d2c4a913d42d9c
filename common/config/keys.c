#include "common/config/keys.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/config/readers.h"
#include "common/sys/time_text.h"

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

/* One more path. */
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
	const size_t len = sizeof(names) / sizeof(names[0]);
	size_t place = jp_find_word(text, names, len);

	(void)min;
	(void)max;
	if (place == len)
		return JP_ERR_INVALID;
	*(enum jp_audit_accept *)at = (enum jp_audit_accept)place;
	return JP_ERR_OK;
}

#define AT(member) offsetof(struct jp_settings, member)
#define A_LIFETIME "a duration such as 90d, or never"
#define A_PATH "an absolute path"
#define SOME_PATHS A_PATH " of at most 107 bytes, up to 8 times, each once"

static const struct jp_key keys[] = {
	{ "tokens", "default_lifetime", AT(policy.default_lifetime),
	    jp_read_lifetime, 0, 0, A_LIFETIME, false },
	{ "tokens", "max_lifetime", AT(policy.max_lifetime), jp_read_lifetime,
	    0, 0, A_LIFETIME, false },
	{ "tokens", "max_per_user", AT(policy.max_per_user), read_number, 0,
	    1000000, "a number up to 1000000; 0: unlimited", false },
	{ "tokens", "name_required", AT(policy.name_required), jp_read_yes_no,
	    0, 0, "yes or no", false },
	{ "tokens", "unused_limit", AT(policy.unused_limit), jp_read_lifetime,
	    0, 0, A_LIFETIME, false },
	{ "tokens", "on_reuse", AT(policy.on_reuse), read_on_reuse, 0, 0,
	    "alert or revoke_family", false },
	{ "tokens", "self_lifetime", AT(policy.self_lifetime), jp_read_lifetime,
	    0, 0, A_LIFETIME, false },
	{ "tokens", "self_scopes", AT(policy), read_scopes, 0, 0,
	    "1 to 16 scopes of at most 32 bytes", false },
	{ "tokens", "notify_at", AT(policy), read_thresholds, 0, 0,
	    "1 to 8 durations such as 30d, 7d, 1d", false },
	{ "tokens", "notify_command", AT(policy.notify_command), read_path, 1,
	    JP_PATH_MAX, A_PATH, false },
	{ "tokens", "prefix", AT(policy.prefix), read_prefix, 1,
	    JP_TOKEN_PREFIX_MAX, "1 to 15 ASCII letters and digits", false },
	{ "tokens", "accept_prefix", AT(policy), read_prefixes, 1,
	    JP_TOKEN_PREFIX_MAX,
	    "1 to 8 prefixes of 1 to 15 ASCII letters and digits", false },
	{ "argon2", "memory", AT(policy.cost.memory), read_kib,
	    JP_ARGON2_MEMORY_MIN, JP_ARGON2_MEMORY_MAX, "a size from 8K to 64M",
	    false },
	{ "argon2", "passes", AT(policy.cost.passes), read_number, 1,
	    JP_ARGON2_PASSES_MAX, "a number from 1 to 10", false },
	{ "patd", "user", AT(user), jp_read_account, 1, JP_ACCOUNT_MAX,
	    JP_AN_ACCOUNT, false },
	{ "patd", "run_dir", AT(run_dir), read_path, 1,
	    JP_UNIX_PATH_MAX - (int64_t)sizeof("/verify.sock"),
	    A_PATH " of at most 94 bytes", false },
	{ "patd", "store_dir", AT(store_dir), read_path, 1,
	    JP_PATH_MAX - (int64_t)sizeof("/by_expiry.db"), A_PATH, false },
	{ "patd", "pepper_file", AT(pepper_file), read_path, 1, JP_PATH_MAX,
	    A_PATH, false },
	{ "patd", "upstream_key_file", AT(upstream_key_file), read_path, 1,
	    JP_PATH_MAX, A_PATH, false },
	{ "patd", "audit_file", AT(audit_file), read_path, 1, JP_PATH_MAX,
	    A_PATH, false },
	{ "patd", "audit_accept", AT(audit_accept), read_accept, 0, 0,
	    "all, first or none", false },
	{ "patd", "audit_required", AT(audit_required), jp_read_yes_no, 0, 0,
	    "yes or no", false },
	{ "patd", "audit_syslog", AT(audit_syslog), jp_read_yes_no, 0, 0,
	    "yes or no", false },
	{ "patd", "workers", AT(workers), read_number, 0, 256,
	    "a number up to 256; 0: one for each processor", false },
	{ "patd", "max_connections", AT(max_connections), read_number, 1, 65536,
	    "a number from 1 to 65536", false },
	{ "patd", "max_per_uid", AT(max_per_uid), read_number, 1, 65536,
	    "a number from 1 to 65536", false },
	{ "patd", "cache", AT(cache_kib), read_kib, 256, 67108864,
	    "a size from 256K to 65536M", false },
	{ "patd", "cache_entries", AT(cache_entries), read_number, 0,
	    JP_MEMO_ENTRIES_MAX, "a number up to 1048576; 0: none", false },
	{ "patd", "cache_file", AT(cache_file), jp_read_yes_no, 0, 0,
	    "yes or no", false },
	{ "patd", "sandbox", AT(sandbox), jp_read_yes_no, 0, 0, "yes or no",
	    false },
	{ "patd", "allow_users", AT(allow_users), jp_read_accounts, 1,
	    JP_ACCOUNT_MAX, "1 to 32 local accounts", false },
	{ "patd", "allow_groups", AT(allow_groups), jp_read_accounts, 1,
	    JP_ACCOUNT_MAX, "1 to 32 local groups", false },
	{ "patd", "admin_group", AT(admin_group), jp_read_account, 1,
	    JP_ACCOUNT_MAX, "a local group, by name or number", false },
	{ "patd", "group_source", AT(policy.nss_groups), read_group_source, 0,
	    0, "store or nss", false },
	{ "patd", "self_service", AT(self_service), jp_read_yes_no, 0, 0,
	    "yes or no", false },
	{ "patd", "verify", AT(verify), read_more_paths, 1, JP_UNIX_PATH_MAX,
	    SOME_PATHS, true },
	{ "patd", "mux", AT(mux), read_mux, 1, JP_UNIX_PATH_MAX,
	    SOME_PATHS "; behind it perhaps keep, strip or require", true },
	{ "patd", "mux_realm", AT(mux_realm), read_realm, 0, 0,
	    "keep, strip or require", false },
	{ "pat-httpd", "user", AT(httpd.user), jp_read_account, 1,
	    JP_ACCOUNT_MAX, JP_AN_ACCOUNT, false },
	{ "pat-httpd", "user_header", AT(httpd.user_header), jp_read_header, 1,
	    JP_HEADER_NAME_MAX, JP_A_HEADER, false },
	{ "pat-httpd", "allow_users", AT(httpd.allow_users), jp_read_accounts,
	    1, JP_ACCOUNT_MAX, "1 to 32 local accounts", false },
	{ "pat-httpd", "allow_groups", AT(httpd.allow_groups), jp_read_accounts,
	    1, JP_ACCOUNT_MAX, "1 to 32 local groups", false },
	{ "pat-httpd", "max_connections", AT(httpd.max_connections),
	    read_number, 1, 65536, "a number from 1 to 65536", false },
	{ "pat-httpd", "max_per_uid", AT(httpd.max_per_uid), read_number, 1,
	    65536, "a number from 1 to 65536", false },
	{ "pat-httpd", "sandbox", AT(httpd.sandbox), jp_read_yes_no, 0, 0,
	    "yes or no", false },
};

static const struct jp_key_table own_keys = {
	keys,
	sizeof(keys) / sizeof(keys[0]),
};
static const struct jp_key_table *const tables[] = {
	&own_keys,
	&jp_self_keys,
	&jp_cluster_keys,
	&jp_listener_keys,
	&jp_service_keys,
};

const struct jp_key *
jp_key_at(size_t i)
{
	if (i >= JP_KEYS_MAX)
		return NULL; /* a test counts them */
	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
		if (i < tables[t]->len)
			return &tables[t]->keys[i];
		i -= tables[t]->len;
	}
	return NULL;
}

enum jp_err
jp_key_read(const struct jp_key *key, void *base, const char *value)
{
	return key->read((char *)base + key->offset, value, key->min, key->max);
}
