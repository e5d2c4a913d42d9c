/* The keys of [service GLOB] sections, as struct jp_rule has them. */
#include <string.h>

#include "common/config/keys.h"
#include "common/config/readers.h"

#define BLANKS " \t"

/* RFC 9110 section 5.6.2, without small letters: no method has any. */
#define METHOD_BYTES "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~"

/* Not in a glob: what a path that is judged never has, or what looks like more
 * than "*". */
#define NOT_IN_GLOB ";\\?#%[]{}"

static enum jp_err
read_scope(void *at, const char *text, int64_t min, int64_t max)
{
	if (strlen(text) < (size_t)min || strpbrk(text, BLANKS ",") != NULL)
		return JP_ERR_INVALID;
	return jp_field_set(at, (size_t)max + 1, text);
}

/* Adds an element to a list of at most `max` bytes. */
static enum jp_err
add(char *list, const char *element, size_t len, size_t max)
{
	size_t used = strlen(list);

	if (used + 1 + len > max)
		return JP_ERR_TOO_LONG;
	if (used > 0)
		list[used++] = '\n';
	memcpy(list + used, element, len);
	list[used + len] = '\0';
	return JP_ERR_OK;
}

/* Names between spaces or commas, perhaps in quotes. */
static enum jp_err
read_groups(void *at, const char *text, int64_t min, int64_t max)
{
	struct jp_why ignored;
	char group[JP_GROUP_MAX + 1];
	enum jp_err err;

	(void)min;
	do {
		err = jp_group_next(&text, BLANKS ",", group, &ignored);
		if (err == JP_ERR_OK && group[0] != '\0')
			err = add(at, group, strlen(group), (size_t)max);
	} while (err == JP_ERR_OK && group[0] != '\0');
	return ((char *)at)[0] != '\0' ? err : JP_ERR_INVALID;
}

/*
 * Adds all elements of `text`, which end at one of `separators`, as `format`
 * spells them. One at least.
 */
static enum jp_err
add_all(char *list, const char *text, const char *separators, size_t max,
    enum jp_err (*format)(char *element, size_t *len))
{
	char element[JP_RULE_PATHS_MAX + 1];
	enum jp_err err = JP_ERR_INVALID;

	for (text += strspn(text, BLANKS ","); *text != '\0';
	     text += strspn(text, BLANKS ",")) {
		size_t len = strcspn(text, separators);

		if (len >= sizeof(element))
			return JP_ERR_TOO_LONG;
		memcpy(element, text, len);
		element[len] = '\0';
		text += len;
		err = format(element, &len);
		if (err == JP_ERR_OK)
			err = add(list, element, len, max);
		if (err != JP_ERR_OK)
			return err;
	}
	return err;
}

static bool
method_valid(const char *text, size_t len)
{
	return len > 0 && len <= JP_METHOD_MAX && text[0] != '*' &&
	       strspn(text, METHOD_BYTES) >= len;
}

static enum jp_err
format_method(char *element, size_t *len)
{
	return method_valid(element, *len) ? JP_ERR_OK : JP_ERR_INVALID;
}

static bool
glob_valid(const char *glob)
{
	if (glob[0] != '/' && glob[0] != '*')
		return false;
	for (const char *byte = glob; *byte != '\0'; byte++)
		if (*byte <= ' ' || *byte >= 0x7f)
			return false;
	return strpbrk(glob, NOT_IN_GLOB) == NULL && jp_path_plain(glob);
}

/* "METHOD GLOB", with one space between them, or "GLOB". */
static enum jp_err
format_path(char *element, size_t *len)
{
	size_t method = strcspn(element, BLANKS);
	char *glob;

	while (*len > 0 && strchr(BLANKS, element[*len - 1]) != NULL)
		element[--*len] = '\0';
	if (element[0] == '/' || element[0] == '*')
		return glob_valid(element) ? JP_ERR_OK : JP_ERR_INVALID;
	glob = element + method + strspn(element + method, BLANKS);
	if (!method_valid(element, method) || !glob_valid(glob))
		return JP_ERR_INVALID;
	element[method] = ' ';
	memmove(element + method + 1, glob, strlen(glob) + 1);
	*len = strlen(element);
	return JP_ERR_OK;
}

static enum jp_err
format_path_of_method(char *element, size_t *len)
{
	if (element[0] == '/' || element[0] == '*')
		return JP_ERR_INVALID;
	return format_path(element, len);
}

static enum jp_err
read_methods(void *at, const char *text, int64_t min, int64_t max)
{
	(void)min;
	return add_all(at, text, BLANKS ",", (size_t)max, format_method);
}

static enum jp_err
read_deny_paths(void *at, const char *text, int64_t min, int64_t max)
{
	(void)min;
	return add_all(at, text, ",", (size_t)max, format_path);
}

static enum jp_err
read_read_paths(void *at, const char *text, int64_t min, int64_t max)
{
	(void)min;
	return add_all(at, text, ",", (size_t)max, format_path_of_method);
}

static enum jp_err
read_preflight(void *at, const char *text, int64_t min, int64_t max)
{
	(void)min;
	(void)max;
	if (strcmp(text, "allow") != 0 && strcmp(text, "deny") != 0)
		return JP_ERR_INVALID;
	*(bool *)at = text[0] == 'a';
	return JP_ERR_OK;
}

static enum jp_err
read_upstream(void *at, const char *text, int64_t min, int64_t max)
{
	static const char *const words[] = {
		[JP_UPSTREAM_USE_NO] = "no",
		[JP_UPSTREAM_USE_YES] = "yes",
		[JP_UPSTREAM_USE_REQUIRED] = "required",
	};

	(void)min;
	(void)max;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i], text) == 0) {
			*(enum jp_upstream_use *)at = (enum jp_upstream_use)i;
			return JP_ERR_OK;
		}
	return JP_ERR_INVALID;
}

#define AT(member) offsetof(struct jp_rule, member)
#define A_SCOPE "one scope of at most 32 bytes"
#define GLOBS "with no wildcard but \"*\" and no query; 1023 bytes in all"

static const struct jp_key keys[] = {
	{ "service", "scope", AT(scope), read_scope, 1, JP_SCOPE_MAX, A_SCOPE,
	    false },
	{ "service", "groups", AT(groups), read_groups, 0, JP_RULE_GROUPS_MAX,
	    "groups of at most 64 bytes, 255 bytes in all; one with spaces "
	    "stands in quotes: \"Jira Admins\"",
	    false },
	{ "service", "read_scope", AT(read_scope), read_scope, 1, JP_SCOPE_MAX,
	    A_SCOPE, false },
	{ "service", "read_methods", AT(read_methods), read_methods, 0,
	    JP_RULE_METHODS_MAX,
	    "methods in capital letters, such as GET HEAD OPTIONS; 255 bytes "
	    "in all",
	    true },
	{ "service", "read_paths", AT(read_paths), read_read_paths, 0,
	    JP_RULE_PATHS_MAX,
	    "METHOD /path between commas, such as POST "
	    "/rest/api/2/search, " GLOBS,
	    true },
	{ "service", "deny_paths", AT(deny_paths), read_deny_paths, 0,
	    JP_RULE_PATHS_MAX,
	    "/path or METHOD /path between commas, such as "
	    "/rest/auth/*, " GLOBS,
	    true },
	{ "service", "preflight", AT(preflight), read_preflight, 0, 0,
	    "deny or allow", false },
	{ "service", "upstream", AT(upstream), read_upstream, 0, 0,
	    "yes, no or required", false },
};

const struct jp_key_table jp_service_keys = {
	keys,
	sizeof(keys) / sizeof(keys[0]),
};
