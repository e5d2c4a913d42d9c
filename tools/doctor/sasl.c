/*
 * The configuration files of libsasl2's applications, as far as they are about
 * tokens: by the plugin (jirapat_ keys) or by the saslauthd protocol.
 */
#include "tools/doctor/servers.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/wire/sasl_mechanisms.h"
#include "tools/doctor/traps.h"

enum {
	VALUE_MAX_LEN = 256,
};

static const char *const own_keys[] = { "jirapat_enable", "jirapat_socket",
	"jirapat_timeout", "jirapat_realm", "jirapat_fallback",
	"jirapat_mechs" };

#define NAME(name, step, features) #name,
static const char *const mechanisms[] = { JP_SASL_MECHANISMS(NAME) };
#undef NAME

/* What one file says. */
struct application {
	struct config_scan *scan;
	const char *file;
	const char *prefix; /* in front of each key; others are not ours */
	unsigned int enable_line, own_line, mechs_line, path_line;
	unsigned int wrong_line; /* the first that is not `key: value` */
	bool enabled, saslauthd;
	char mechs[VALUE_MAX_LEN], path[VALUE_MAX_LEN];
};

static bool
is_yes(const char *value)
{
	static const char *const words[] = { "yes", "true", "on", "1" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(value, words[i]) == 0)
			return true;
	return false;
}

static void
take_own(struct application *app, const char *key, const char *value,
    unsigned int line)
{
	for (size_t i = 0; i < sizeof(own_keys) / sizeof(own_keys[0]); i++) {
		if (strcmp(key, own_keys[i]) != 0)
			continue;
		if (strcmp(key, "jirapat_enable") == 0) {
			app->enable_line = line;
			app->enabled = is_yes(value);
		} else if (app->own_line == 0) {
			app->own_line = line;
		}
		return;
	}
	trap_report(app->scan, TRAP_SASL_KEY, app->file, line, key);
}

static void
take_key(struct application *app, const char *key, const char *value,
    unsigned int line)
{
	if (strncmp(key, "jirapat_", 8) == 0) {
		take_own(app, key, value, line);
	} else if (strcmp(key, "mech_list") == 0) {
		app->mechs_line = line;
		(void)snprintf(app->mechs, sizeof(app->mechs), "%s", value);
	} else if (strcmp(key, "pwcheck_method") == 0) {
		app->saslauthd = strstr(value, "saslauthd") != NULL;
	} else if (strcmp(key, "saslauthd_path") == 0) {
		app->path_line = line;
		(void)snprintf(app->path, sizeof(app->path), "%s", value);
	}
}

/*
 * Makes a NUL of the colon in `key: value`, and the key small, as libsasl2
 * does; the value, or NULL where libsasl2 stops reading.
 */
static char *
split_key(char *at)
{
	for (; isalnum((unsigned char)*at) || *at == '-' || *at == '_'; at++)
		*at = (char)tolower((unsigned char)*at);
	if (*at != ':')
		return NULL;
	*at++ = '\0';
	at += strspn(at, " \t");
	return *at != '\0' ? at : NULL;
}

/* `key: value`, with spaces at the end cut off. */
static void
take_line(struct application *app, char *at, unsigned int line)
{
	char *value;
	size_t len, prefix_len = strlen(app->prefix);

	at += strspn(at, " \t");
	len = strlen(at);
	while (len > 0 && strchr(" \t\r", at[len - 1]) != NULL)
		at[--len] = '\0';
	if (len == 0 || at[0] == '#')
		return;
	value = split_key(at);
	if (value == NULL) {
		if (app->wrong_line == 0)
			app->wrong_line = line;
		return;
	}
	if (strncmp(at, app->prefix, prefix_len) == 0)
		take_key(app, at + prefix_len, value, line);
}

static bool
mechs_fit(const char *list)
{
	for (size_t i = 0; i < sizeof(mechanisms) / sizeof(mechanisms[0]); i++)
		if (strcasestr(list, mechanisms[i]) != NULL)
			return true;
	return false;
}

static void
judge_plugin(struct application *app)
{
	struct config_scan *scan = app->scan;

	if (!app->enabled) {
		if (app->own_line != 0)
			trap_report(scan, TRAP_SASL_INERT, app->file,
			    app->own_line, NULL);
		return;
	}
	if (!config_any(scan, "/usr/lib/*/sasl2/libjirapat.so") &&
	    !config_any(scan, "/usr/lib/sasl2/libjirapat.so") &&
	    !config_any(scan, "/usr/lib64/sasl2/libjirapat.so"))
		trap_report(
		    scan, TRAP_SASL_PLUGIN, app->file, app->enable_line, NULL);
	if (app->mechs_line != 0 && !mechs_fit(app->mechs))
		trap_report(
		    scan, TRAP_SASL_MECHS, app->file, app->mechs_line, NULL);
}

/* The path is the application's: it may be below a chroot. */
static void
judge_saslauthd(struct application *app)
{
	static const char *const chroots[] = { "", "/var/spool/postfix" };
	char path[CONFIG_PATH_MAX];
	unsigned int type = 0;

	if (!app->saslauthd || app->path_line == 0)
		return;
	for (size_t i = 0; i < 2 && type != S_IFSOCK; i++) {
		unsigned int one;

		(void)snprintf(
		    path, sizeof(path), "%s%s", chroots[i], app->path);
		one = config_type(app->scan, path);
		type = one != 0 ? one : type;
	}
	if (type != S_IFSOCK)
		trap_report(app->scan,
		    type == S_IFDIR ? TRAP_SASL_FOLDER : TRAP_SASL_SOCKET,
		    app->file, app->path_line, app->path);
}

/* Whether the socket is one of patd's, perhaps as a chroot shows it. */
static bool
asks_mux(const struct application *app)
{
	const struct jp_paths *mux = &app->scan->doctor->settings->mux;
	size_t len = strlen(app->path);

	for (size_t i = 0; app->saslauthd && len > 0 && i < mux->len; i++) {
		size_t whole = strlen(mux->at[i]);

		if (whole >= len &&
		    strcmp(mux->at[i] + whole - len, app->path) == 0)
			return true;
	}
	return false;
}

static void
take_main(void *arg, const struct config_text *text)
{
	*(bool *)arg |=
	    strstr(text->text, "\ncyrus_sasl_config_path") != NULL ||
	    strncmp(text->text, "cyrus_sasl_config_path", 22) == 0;
}

/* Postfix looks for smtpd.conf where main.cf says. */
static void
judge_postfix(struct application *app)
{
	bool said = false;
	size_t files = app->scan->files;

	if (strncmp(app->file, "/etc/postfix/", 13) != 0)
		return;
	config_each(app->scan, "/etc/postfix/main.cf", take_main, &said);
	app->scan->files = files; /* main.cf is not about us */
	if (!said && config_type(app->scan, "/etc/postfix/main.cf") == S_IFREG)
		trap_report(app->scan, TRAP_POSTFIX_PATH, app->file,
		    app->enable_line != 0 ? app->enable_line : app->path_line,
		    NULL);
}

/* Whether somebody with this name may ask patd by the settings. */
static bool
is_named(const struct jp_accounts *users, const char *name)
{
	for (size_t i = 0; i < users->len; i++)
		if (strcmp(users->names[i], name) == 0)
			return true;
	return false;
}

static void
take_accounts(void *arg, const struct config_text *text)
{
	*(bool *)arg |= strstr(text->text, "\nlibvirt-qemu:") != NULL ||
	                strncmp(text->text, "libvirt-qemu:", 13) == 0;
}

/*
 * libvirt runs QEMU as an account of its own, with a uid above those of system
 * accounts. Groups may have it as a member.
 */
static void
judge_qemu(struct application *app)
{
	const struct jp_settings *settings = app->scan->doctor->settings;
	const char *name = strrchr(app->file, '/');
	bool there = false;
	size_t files = app->scan->files;

	if (name == NULL || strcmp(name, "/qemu.conf") != 0 ||
	    settings->allow_groups.len > 0 ||
	    is_named(&settings->allow_users, "libvirt-qemu"))
		return;
	config_each(app->scan, "/etc/passwd", take_accounts, &there);
	app->scan->files = files; /* it is not about us */
	if (there)
		trap_report(app->scan, TRAP_QEMU_PEER, app->file,
		    app->enable_line != 0 ? app->enable_line : app->path_line,
		    NULL);
}

static void
read_file(struct config_scan *scan, const struct config_text *text,
    const char *prefix)
{
	struct application app = {
		.scan = scan,
		.file = text->path,
		.prefix = prefix,
	};
	struct config_lines lines = { text->text, CONFIG_JOIN_NONE, 0, 0 };
	char *start;

	while ((start = config_line(&lines)) != NULL)
		take_line(&app, start, lines.line);
	if (app.enable_line == 0 && app.own_line == 0 && !app.saslauthd) {
		scan->files--; /* not about us */
		return;
	}
	if (app.wrong_line != 0 && prefix[0] == '\0')
		trap_report(
		    scan, TRAP_SASL_SYNTAX, app.file, app.wrong_line, NULL);
	judge_plugin(&app);
	judge_saslauthd(&app);
	judge_postfix(&app);
	if (!app.enabled && !asks_mux(&app))
		return;
	judge_qemu(&app);
	report_opened(scan->doctor, app.file);
}

static void
take_plain(void *arg, const struct config_text *text)
{
	read_file(arg, text, "");
}

/* Cyrus IMAP has these keys among its own. */
static void
take_imapd(void *arg, const struct config_text *text)
{
	read_file(arg, text, "sasl_");
}

void
doctor_read_sasl(struct config_scan *scan)
{
	static const char *const patterns[] = { "/etc/sasl2/*.conf",
		"/etc/sasl/*.conf", "/usr/lib/sasl2/*.conf",
		"/usr/lib/*/sasl2/*.conf", "/etc/ldap/sasl2/*.conf",
		"/etc/postfix/sasl/*.conf" };

	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
		config_each(scan, patterns[i], take_plain, scan);
	config_each(scan, "/etc/imapd.conf", take_imapd, scan);
}
