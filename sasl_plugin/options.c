/*
 * The options of the plugin, in the file or the callback where the application
 * keeps those of SASL. A malformed value is an error. doc/libjirapat.5
 * says the same for people.
 */
#include "config.h"

#include <string.h>
#include <strings.h>
#include <sys/un.h>

#include "common/base/escape.h"
#include "sasl_plugin/internal.h"

enum {
	TIMEOUT_MAX = 60, /* seconds */
	SOCKET_PATH_SIZE = sizeof(((struct sockaddr_un *)0)->sun_path),
	ESCAPED_SIZE = 256, /* of a value in a log line */
};

#define NAME(name, step, features) [SASLPAT_##name] = #name,
static const char *const names[SASLPAT_COUNT] = { JP_SASL_MECHANISMS(NAME) };

/* As libsasl2 and its plugins spell yes and no. */
static bool
set_switch(bool *on, const char *value)
{
	static const struct {
		const char *text;
		bool on;
	} rows[] = {
		{ "yes", true },
		{ "no", false },
		{ "true", true },
		{ "false", false },
		{ "on", true },
		{ "off", false },
		{ "1", true },
		{ "0", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcasecmp(rows[i].text, value) == 0) {
			*on = rows[i].on;
			return true;
		}
	}
	return false;
}

static bool
set_enable(struct saslpat_options *options, const char *value)
{
	return set_switch(&options->enable, value);
}

static bool
set_fallback(struct saslpat_options *options, const char *value)
{
	return set_switch(&options->fallback, value);
}

static bool
set_socket(struct saslpat_options *options, const char *value)
{
	options->socket_path = value;
	return value[0] == '/' && strlen(value) < SOCKET_PATH_SIZE;
}

static bool
set_timeout(struct saslpat_options *options, const char *value)
{
	int seconds = 0;

	if (strlen(value) > 2)
		return false;
	for (const char *at = value; *at != '\0'; at++) {
		if (*at < '0' || *at > '9')
			return false;
		seconds = seconds * 10 + (*at - '0');
	}
	options->timeout_ms = seconds * 1000;
	return seconds >= 1 && seconds <= TIMEOUT_MAX;
}

static bool
set_realm(struct saslpat_options *options, const char *value)
{
	return jp_realm_parse(value, &options->realm) == JP_ERR_OK;
}

static bool
add_mechanism(struct saslpat_options *options, const char *name, size_t len)
{
	for (size_t i = 0; i < SASLPAT_COUNT; i++) {
		if (strlen(names[i]) == len &&
		    strncasecmp(names[i], name, len) == 0) {
			options->mechanisms[i] = true;
			return true;
		}
	}
	return false;
}

static void
set_all_mechanisms(struct saslpat_options *options, bool on)
{
	for (size_t i = 0; i < SASLPAT_COUNT; i++)
		options->mechanisms[i] = on;
}

/* Names between blanks, at least one. */
static bool
set_mechanisms(struct saslpat_options *options, const char *value)
{
	bool any = false;

	set_all_mechanisms(options, false);
	for (;;) {
		size_t len;

		value += strspn(value, " \t");
		len = strcspn(value, " \t");
		if (len > 0 && add_mechanism(options, value, len)) {
			any = true;
			value += len;
			continue;
		}
		if (len > 0 || !any)
			set_all_mechanisms(options, true);
		return len == 0 && any;
	}
}

/* The first one says whether the others are read. */
static const struct {
	const char *name;
	bool (*set)(struct saslpat_options *options, const char *value);
} table[] = {
	{ "jirapat_enable", set_enable },
	{ "jirapat_socket", set_socket },
	{ "jirapat_timeout", set_timeout },
	{ "jirapat_realm", set_realm },
	{ "jirapat_fallback", set_fallback },
	{ "jirapat_mechs", set_mechanisms },
};

/* libsasl2 looks in the file that the application has; NULL: it is not there.
 */
static const char *
look_up(const sasl_utils_t *utils, const char *name)
{
	const char *value = NULL;

	if (utils->getopt(utils->getopt_context, "JIRAPAT", name, &value,
	        NULL) != SASL_OK)
		return NULL;
	return value;
}

static void
log_wrong(const sasl_utils_t *utils, const char *name, const char *value)
{
	char text[ESCAPED_SIZE];

	utils->log(utils->conn, SASL_LOG_ERR,
	    "libjirapat: wrong option: %s: \"%s\"", name,
	    jp_escape(text, sizeof(text), value));
}

void
saslpat_options_read(const sasl_utils_t *utils, struct saslpat_options *options)
{
	*options = (struct saslpat_options){
		.socket_path = JP_VERIFY_SOCKET,
		.timeout_ms = JP_CLIENT_TIMEOUT_MS,
		.realm = JP_REALM_KEEP,
	};
	set_all_mechanisms(options, true);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const char *value = look_up(utils, table[i].name);

		if (value != NULL && !table[i].set(options, value)) {
			log_wrong(utils, table[i].name, value);
			options->wrong = true;
		}
		if (!options->enable && !options->wrong)
			break;
	}
}
