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
		.sandbox = true,
		.httpd = {
			.user = "jira-pat-http",
			.user_header = "X-Forwarded-User",
			.max_connections = 1024,
			.max_per_uid = 512,
			.sandbox = true,
		},
		.self = {
			.user_header = "X-Remote-User",
			.auth_time_header = "X-Auth-Time",
			.link_lifetime = INT64_C(7) * 86400,
			.rest = true,
		},
		.cluster = {
			.lease = 15,
			.user = "jira-pat-cluster",
		},
	};
	jp_listener_fill(jp_listener_start(&settings->httpd, "http"));
	jp_listener_fill(jp_listener_start(&settings->httpd, "fcgi"));
	(void)place_upstream_key(settings);
}

/* A header of the single sign-on that somebody else writes, too. */
static const char *
taken_header(const struct jp_settings *settings, const char *header)
{
	const struct jp_httpd_settings *httpd = &settings->httpd;

	for (size_t i = 0; i < httpd->listener_len; i++) {
		const struct jp_listener *listener = &httpd->listeners[i];

		if (strcasecmp(header, listener->method_header) == 0 ||
		    strcasecmp(header, listener->uri_header) == 0 ||
		    strcasecmp(header, listener->address_header) == 0)
			return listener->name;
	}
	return NULL;
}

static enum jp_err
check_self_headers(const struct jp_settings *settings, struct jp_why *why)
{
	const struct jp_self_settings *self = &settings->self;
	const struct {
		const char *key, *header;
	} rows[] = {
		{ "user_header", self->user_header },
		{ "auth_time_header", self->auth_time_header },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *name = taken_header(settings, rows[i].header);

		if (name != NULL)
			return jp_why(why, JP_ERR_CONFIG,
			    "%s: [self_service] %s is a header of "
			    "[listener %s]: name another one",
			    settings->file, rows[i].key, name);
	}
	if (strcasecmp(self->user_header, self->auth_time_header) == 0)
		return jp_why(why, JP_ERR_CONFIG,
		    "%s: [self_service] user_header and auth_time_header are "
		    "the same",
		    settings->file);
	return JP_ERR_OK;
}

/* The age of a login is known of those alone whom a trusted peer names. */
static enum jp_err
check_self(const struct jp_settings *settings, struct jp_why *why)
{
	const struct jp_self_settings *self = &settings->self;

	if (!self->configured)
		return JP_ERR_OK;
	if (self->max_auth_age != JP_NEVER && self->trusted_peers.len == 0)
		return jp_why(why, JP_ERR_CONFIG,
		    "%s: [self_service] max_auth_age needs trusted_peers: "
		    "nobody else says when a user signed in",
		    settings->file);
	return check_self_headers(settings, why);
}

/* What no single line shows. */
static enum jp_err
check_whole(const struct jp_settings *settings, struct jp_why *why)
{
	const struct jp_policy *policy = &settings->policy;
	enum jp_err err;

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
	err = check_self(settings, why);
	return err == JP_ERR_OK ? check_upstream_key(settings, why) : err;
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

/* The defaults, and where the file would be that replaces them. */
static enum jp_err
start(struct jp_settings *settings, const char *name, struct jp_why *why)
{
	jp_settings_default(settings);
	return jp_field_set(settings->file, sizeof(settings->file), name) ==
	               JP_ERR_OK
	           ? JP_ERR_OK
	           : jp_why(why, JP_ERR_CONFIG,
	                 "the path of the configuration file is too long");
}

enum jp_err
jp_settings_load(
    const char *path, struct jp_settings *settings, struct jp_why *why)
{
	const char *name = path != NULL ? path : JP_CONFIG_FILE;
	enum jp_err err = start(settings, name, why);
	FILE *file;

	if (err != JP_ERR_OK)
		return err;
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
	if (err == JP_ERR_OK)
		err = jp_settings_read(file, name, settings, why);
	(void)fclose(file);
	return err;
}

enum jp_err
jp_settings_read(FILE *from, const char *name, struct jp_settings *settings,
    struct jp_why *why)
{
	enum jp_err err = start(settings, name, why);

	settings->upstream_key_file[0] = '\0';
	if (err == JP_ERR_OK)
		err = jp_ini_read(from, settings, why);
	if (err == JP_ERR_OK && place_upstream_key(settings) != JP_ERR_OK)
		err = jp_why(why, JP_ERR_CONFIG,
		    "%s: [patd] pepper_file: the path is too long: name an "
		    "upstream_key_file, too",
		    settings->file);
	if (err == JP_ERR_OK)
		err = jp_cluster_settings_fill(
		    &settings->cluster, settings->file, why);
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
