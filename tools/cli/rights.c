#include "tools/cli/rights.h"

#include <ctype.h>
#include <dirent.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "common/admin/request.h"

static const char pam_folder[] = "/etc/pam.d";

enum {
	SEEN_MAX = 64,
	RIGHT_MAX = sizeof("service ") + JP_SERVICE_MAX,
};

/* Rows of a file mostly have the same rights: the first one is enough. */
static bool
is_seen(const char *what, const char *value)
{
	static char seen[SEEN_MAX][RIGHT_MAX];
	static size_t seen_len;
	char right[RIGHT_MAX];

	(void)snprintf(right, sizeof(right), "%s %s", what, value);
	for (size_t i = 0; i < seen_len; i++)
		if (strcmp(seen[i], right) == 0)
			return true;
	if (seen_len < SEEN_MAX)
		memcpy(seen[seen_len++], right, sizeof(right));
	return false;
}

static void
warn(const char *place, const char *what, const char *value, const char *why)
{
	(void)fprintf(
	    stderr, "warning: %s%s %s: %s\n", place, what, value, why);
}

/* Self-service asks for one scope that no section names. */
static bool
is_named(const struct jp_policy *policy, const char *scope)
{
	if (strcmp(scope, JP_SCOPE_TOKENS) == 0)
		return true;
	for (size_t i = 0; i < policy->rule_len; i++)
		if (strcmp(policy->rules[i].scope, scope) == 0 ||
		    strcmp(policy->rules[i].read_scope, scope) == 0)
			return true;
	return false;
}

/* Two globs: it is enough that one, as a text, matches the other. */
static bool
fits_section(const struct jp_policy *policy, const char *glob)
{
	for (size_t i = 0; i < policy->rule_len; i++)
		if (fnmatch(policy->rules[i].glob, glob, 0) == 0 ||
		    fnmatch(glob, policy->rules[i].glob, 0) == 0)
			return true;
	return false;
}

static bool
fits_file(const char *glob)
{
	DIR *stream = opendir(pam_folder);
	const struct dirent *entry;
	bool found = false;

	while (stream != NULL && !found && (entry = readdir(stream)) != NULL)
		found = entry->d_name[0] != '.' &&
		        fnmatch(glob, entry->d_name, 0) == 0;
	if (stream != NULL)
		(void)closedir(stream);
	return found;
}

/* pam_start(3) makes names of services lower case; none is a path. */
static const char *
wrong_letter(const char *glob)
{
	for (; *glob != '\0'; glob++) {
		if (isupper((unsigned char)*glob))
			return "PAM has the names of services in lower case";
		if (*glob == ' ' || *glob == '/' || *glob == ',')
			return "no service has such a name";
	}
	return NULL;
}

static void
warn_service(
    const struct jp_policy *policy, const char *glob, const char *place)
{
	const char *wrong = wrong_letter(glob);

	if (wrong == NULL && !fits_section(policy, glob) && !fits_file(glob))
		wrong = "no [service] section and no file in /etc/pam.d has "
		        "such a name: is it a typing error?";
	if (wrong != NULL)
		warn(place, "service", glob, wrong);
}

void
warn_rights(const struct jp_policy *policy, const struct jp_record *record,
    const char *place)
{
	for (size_t i = 0; i < record->scope_len; i++)
		if (!is_seen("scope", record->scopes[i]) &&
		    !is_named(policy, record->scopes[i]))
			warn(place, "scope", record->scopes[i],
			    "no [service] section names it, so it opens "
			    "nothing: is it a typing error?");
	for (size_t i = 0; i < record->service_len; i++)
		if (!is_seen("service", record->services[i]))
			warn_service(policy, record->services[i], place);
}
