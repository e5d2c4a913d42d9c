#include "config.h"

#include "common/config/confine.h"

#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "common/config/conninfo_files.h"
#include "common/sys/log.h"
#include "common/sys/process.h"

#define P JP_PROCESS_PATD
#define H JP_PROCESS_HTTPD
#define O JP_PROCESS_ONE_SHOT
#define C JP_PROCESS_CLUSTERD

#define READ JP_BENEATH_READ
#define LIST JP_BENEATH_LIST
#define WRITE JP_BENEATH_WRITE
#define BIND JP_BENEATH_BIND
#define MAKE JP_BENEATH_MAKE

enum {
	RULES_MAX = 64,
};

/* ---- what the settings name ---- */

#define AT(member) offsetof(struct jp_settings, member)

/*
 * `up`: so many names are cut off from the end. What is replaced, not written
 * over, is found by its directory: the settings, the trail that logrotate has
 * moved away, a key that is made later.
 */
static const struct place {
	unsigned int process;
	size_t offset;
	unsigned int up;
	unsigned int may;
} places[] = {
	{ P | O, AT(store_dir), 0, READ | LIST | WRITE | BIND },
	{ P | O, AT(pepper_file), 0, READ },
	{ P | O, AT(upstream_key_file), 1, READ },
	{ P | O, AT(audit_file), 1, READ | WRITE },
	{ P, AT(run_dir), 0, READ | LIST | WRITE },
	/* It is made again when it is gone, and what lies in it. */
	{ P, AT(run_dir), 1, BIND | MAKE | LIST },
	{ H, AT(run_dir), 0, BIND },
};

/* ---- what the system has ---- */

/*
 * Accounts and their groups: a module of nsswitch.conf(5) is loaded where it is
 * first used, and has files of its own or asks over a socket. /etc as a whole,
 * for each change of /etc/passwd is another file.
 */
static const struct jp_beneath_rule common_rules[] = {
	{ "/etc", READ },
	{ "/lib", READ },
	{ "/lib64", READ },
	{ "/usr/lib", READ },
	{ "/usr/lib64", READ },
	{ "/usr/local/lib", READ },
	{ "/usr/share/zoneinfo", READ },
	{ "/var/lib/extrausers", READ },
	{ "/var/lib/misc", READ },
	{ "/var/lib/sss", READ },
	{ "/etc/userdb", READ | LIST },
	{ "/run/host/userdb", READ | LIST },
	{ "/run/systemd/userdb", READ | LIST },
	{ "/run/userdb", READ | LIST },
	{ "/usr/lib/userdb", READ | LIST },
	/* How many processors there are, which boot this is, and chance. */
	{ "/sys/devices/system/cpu", READ },
	{ "/proc/sys/kernel/random/boot_id", READ },
	{ "/dev/urandom", READ },
#ifdef JP_SANITIZED
	{ "/proc", READ | LIST },
#endif
#ifdef JP_COVERAGE_DIR
	{ JP_COVERAGE_DIR, READ | LIST | WRITE | MAKE },
#endif
};

/* ---- rules ---- */

struct rules {
	size_t len;
	struct jp_beneath_rule at[RULES_MAX];
	char paths[RULES_MAX][JP_PATH_MAX + 1];
};

static void
cut(char *path, unsigned int up)
{
	char *slash;

	while (up-- > 0 && (slash = strrchr(path, '/')) != NULL)
		slash[slash == path ? 1 : 0] = '\0';
}

static void
add(struct rules *rules, const char *path, unsigned int up, unsigned int may)
{
	char *own;

	if (path[0] == '\0' || rules->len == RULES_MAX)
		return;
	own = rules->paths[rules->len];
	(void)snprintf(own, sizeof(rules->paths[0]), "%s", path);
	cut(own, up);
	rules->at[rules->len++] = (struct jp_beneath_rule){ own, may };
}

/* The sockets of a list: bound again, with their directory. */
static void
add_sockets(struct rules *rules, const struct jp_paths *paths)
{
	for (size_t i = 0; i < paths->len; i++)
		add(rules, paths->at[i], 2, BIND | MAKE | LIST);
}

static void
add_listeners(struct rules *rules, const struct jp_httpd_settings *httpd)
{
	for (size_t i = 0; i < httpd->listener_len; i++)
		if (httpd->listeners[i].listen[0] == '/')
			add(rules, httpd->listeners[i].listen, 1, BIND);
}

/* The directory of a file; of one in / the file alone. */
static void
add_directory(struct rules *rules, const char *file)
{
	add(rules, file, strrchr(file, '/') == file ? 0 : 1, READ);
}

/*
 * The directories of a file and, if its name is a link, of where that leads:
 * it may be another file at any time.
 */
static void
add_replaceable(struct rules *rules, const char *file)
{
	char *real = realpath(file, NULL);

	add_directory(rules, file);
	if (real != NULL && strlen(real) <= JP_PATH_MAX)
		add_directory(rules, real);
	free(real);
}

/*
 * What libpq reads: files that the connection string names, and those that the
 * account has at home.
 */
static void
add_database(struct rules *rules, const struct jp_settings *settings)
{
	static const char *const at_home[] = { ".pgpass", ".postgresql" };
	const struct passwd *self = getpwuid(geteuid());
	struct jp_conninfo_word word;
	char path[JP_PATH_MAX + 1];
	const char *key;

	for (size_t i = 0; (key = jp_conninfo_file_key(i)) != NULL; i++)
		if (jp_conninfo_find(settings->cluster.conninfo, key, &word) &&
		    word.value[0] == '/' && strlen(word.value) <= JP_PATH_MAX) {
			add(rules, word.value, 0, READ | LIST);
			add_replaceable(rules, word.value);
		}
	for (size_t i = 0;
	     self != NULL && i < sizeof(at_home) / sizeof(at_home[0]); i++)
		if (snprintf(path, sizeof(path), "%s/%s", self->pw_dir,
		        at_home[i]) < (int)sizeof(path))
			add(rules, path, 0, READ);
}

static void
gather(struct rules *rules, enum jp_process process,
    const struct jp_settings *settings)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if ((places[i].process & process) != 0)
			add(rules, (const char *)settings + places[i].offset,
			    places[i].up, places[i].may);
	if (process == P) {
		add_sockets(rules, &settings->verify);
		add_sockets(rules, &settings->mux);
	}
	if (process == H)
		add_listeners(rules, &settings->httpd);
	if (process == C)
		add_database(rules, settings);
	if (process != O)
		add_replaceable(rules, settings->file[0] != '\0'
		                           ? settings->file
		                           : JP_CONFIG_FILE);
	for (size_t i = 0; i < sizeof(common_rules) / sizeof(common_rules[0]);
	     i++)
		add(rules, common_rules[i].path, 0, common_rules[i].may);
}

/* ---- for everybody ---- */

static bool
is_confined(enum jp_process process, const struct jp_settings *settings)
{
	return process == H ? settings->httpd.sandbox : settings->sandbox;
}

void
jp_confine_root(enum jp_process process, const struct jp_settings *settings)
{
	if (is_confined(process, settings))
		jp_sandbox_bound();
}

enum jp_err
jp_confine_files(struct jp_sandbox *sandbox, enum jp_process process,
    const struct jp_settings *settings, struct jp_why *why)
{
	struct rules *rules;
	enum jp_err err;

	if (!is_confined(process, settings))
		return JP_ERR_OK;
	rules = calloc(1, sizeof(*rules));
	if (rules == NULL)
		return jp_why(why, JP_ERR_NOMEM, "sandbox: out of memory");
	sandbox->connects = process == C;
	gather(rules, process, settings);
	err = jp_sandbox_files(sandbox, rules->at, rules->len, why);
	free(rules);
	return err;
}

enum jp_err
jp_confine_calls(struct jp_sandbox *sandbox, enum jp_process process,
    const struct jp_settings *settings, struct jp_why *why)
{
	enum jp_err err;

	if (!is_confined(process, settings)) {
		if (process != O)
			jp_log(LOG_WARNING, "sandbox: off, by the settings");
		return JP_ERR_OK;
	}
	err = jp_sandbox_calls(sandbox, process, why);
	if (err == JP_ERR_OK && process != O)
		jp_sandbox_say(sandbox);
	return err;
}

enum jp_err
jp_confine_daemon(struct jp_sandbox *sandbox, enum jp_process process,
    const struct jp_settings *settings, const struct jp_account *account,
    struct jp_why *why)
{
	enum jp_err err;

	jp_confine_root(process, settings);
	err = jp_become_account(account, why);
	if (err == JP_ERR_OK)
		err = jp_confine_files(sandbox, process, settings, why);
	if (err == JP_ERR_OK && jp_log_start() != JP_ERR_OK)
		err = jp_why(
		    why, JP_ERR_NOMEM, "cannot start the thread of the log");
	return err;
}
