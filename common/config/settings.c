#include "common/config/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/config/ini.h"
#include "common/config/listeners.h"

/* Where none is named: upstream.key beside the pepper. */
static enum jp_err
place_upstream_key(struct jp_settings *settings)
{
	static const char name[] = "upstream.key";
	const char *slash = strrchr(settings->pepper_file, '/');
	char *path = settings->upstream_key_file;
	size_t size = sizeof(settings->upstream_key_file);

	if (path[0] != '\0')
		return JP_ERR_OK;
	return snprintf(path, size, "%.*s/%s",
	           (int)(slash - settings->pepper_file), settings->pepper_file,
	           name) < (int)size
	           ? JP_ERR_OK
	           : JP_ERR_TOO_LONG;
}

/* Who gets a copy of the store must not get its key with it. */
static enum jp_err
check_upstream_key(const struct jp_settings *settings, struct jp_why *why)
{
	const char *path = settings->upstream_key_file;
	size_t len = strlen(settings->store_dir);

	if (strncmp(path, settings->store_dir, len) == 0 && path[len] == '/')
		return jp_why(why, JP_ERR_CONFIG,
		    "%s: [patd] upstream_key_file lies in store_dir: name a "
		    "place outside of it",
		    settings->file);
	return strcmp(path, settings->pepper_file) == 0
	           ? jp_why(why, JP_ERR_CONFIG,
	                 "%s: [patd] upstream_key_file is that of pepper_file",
	                 settings->file)
	           : JP_ERR_OK;
}

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
		.cache_file = true,
		.httpd = {
			.user = "jira-pat-http",
			.user_header = "X-Forwarded-User",
			.max_connections = 1024,
			.max_per_uid = 512,
		},
	};
	jp_listener_fill(jp_listener_start(&settings->httpd, "http"));
	jp_listener_fill(jp_listener_start(&settings->httpd, "fcgi"));
	(void)place_upstream_key(settings);
}

/* What no single line shows. */
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
	return check_upstream_key(settings, why);
}

static enum jp_err
check_file(FILE *file, const char *name, struct jp_why *why)
{
	struct stat st;

	if (fstat(fileno(file), &st) != 0 || !S_ISREG(st.st_mode))
		return jp_why(
		    why, JP_ERR_CONFIG, "%s: not a regular file", name);
	if ((st.st_mode & S_IWOTH) != 0)
		return jp_why(why, JP_ERR_CONFIG,
		    "%s: it is world-writable: chmod o-w %s", name, name);
	return JP_ERR_OK;
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
	err = check_file(file, name, why);
	settings->upstream_key_file[0] = '\0';
	if (err == JP_ERR_OK)
		err = jp_ini_read(file, settings, why);
	(void)fclose(file);
	if (err == JP_ERR_OK && place_upstream_key(settings) != JP_ERR_OK)
		err = jp_why(why, JP_ERR_CONFIG,
		    "%s: [patd] pepper_file: the path is too long: name an "
		    "upstream_key_file, too",
		    settings->file);
	return err == JP_ERR_OK ? check_whole(settings, why) : err;
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
