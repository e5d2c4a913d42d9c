/*
 * The arguments of the module's line in a service file. What is not in the
 * table, or has not its form, is an error: a misspelt restriction must not
 * open a door. doc/pam_jira_pat.8 says the same for people.
 */
#include "config.h"

#include <string.h>
#include <sys/un.h>
#include <syslog.h>

#include <security/pam_ext.h>

#include "pam_jira_pat/internal.h"

enum {
	TIMEOUT_MAX = 60, /* seconds */
	SOCKET_PATH_SIZE = sizeof(((struct sockaddr_un *)0)->sun_path),
};

/* Each setter gets the text after the `=`, or NULL where there is none. */

static bool
set_path(const char **path, const char *value)
{
	if (value == NULL || value[0] != '/')
		return false;
	*path = value;
	return true;
}

static bool
set_socket(struct pamjp_options *options, const char *value)
{
	return set_path(&options->socket_path, value) &&
	       strlen(value) < SOCKET_PATH_SIZE;
}

static bool
set_config(struct pamjp_options *options, const char *value)
{
	return set_path(&options->config_path, value);
}

static bool
set_timeout(struct pamjp_options *options, const char *value)
{
	int seconds = 0;

	if (value == NULL || strlen(value) > 2)
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
set_prompt(struct pamjp_options *options, const char *value)
{
	options->prompt = value;
	return value != NULL && value[0] != '\0';
}

static bool
set_choice(bool *choice, const char *value, const char *no, const char *yes)
{
	*choice = value != NULL && strcmp(value, yes) == 0;
	return *choice || (value != NULL && strcmp(value, no) == 0);
}

static bool
set_unknown(struct pamjp_options *options, const char *value)
{
	return set_choice(&options->unknown_pass, value, "fail", "pass");
}

static bool
set_one_shot(struct pamjp_options *options, const char *value)
{
	return set_choice(&options->one_shot, value, "no", "yes");
}

static bool
set_account(struct pamjp_options *options, const char *value)
{
	return set_choice(&options->account_user, value, "token", "user");
}

static bool
set_debug(struct pamjp_options *options, const char *value)
{
	options->debug = true;
	return value == NULL;
}

/* pam_get_authtok() reads these two from libpam's copy of the arguments. */
static bool
set_first_pass(struct pamjp_options *options, const char *value)
{
	(void)options;
	return value == NULL;
}

static const struct {
	const char *name;
	bool (*set)(struct pamjp_options *options, const char *value);
} table[] = {
	{ "socket", set_socket },
	{ "config", set_config },
	{ "timeout", set_timeout },
	{ "try_first_pass", set_first_pass },
	{ "use_first_pass", set_first_pass },
	{ "prompt", set_prompt },
	{ "unknown", set_unknown },
	{ "debug", set_debug },
	{ "one_shot", set_one_shot },
	{ "account", set_account },
};

static bool
read_argument(struct pamjp_options *options, const char *argument)
{
	size_t len = strcspn(argument, "=");
	const char *value = argument[len] == '=' ? argument + len + 1 : NULL;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (strlen(table[i].name) == len &&
		    memcmp(table[i].name, argument, len) == 0)
			return table[i].set(options, value);
	}
	return false;
}

bool
pamjp_options_read(pam_handle_t *pamh, int argc, const char **argv,
    struct pamjp_options *options)
{
	char text[ESCAPED_MAX];

	*options = (struct pamjp_options){
		.socket_path = JP_VERIFY_SOCKET,
		.prompt = "Password: ",
		.timeout_ms = JP_CLIENT_TIMEOUT_MS,
		.one_shot = true,
	};
	for (int i = 0; i < argc; i++) {
		if (read_argument(options, argv[i]))
			continue;
		pam_syslog(pamh, LOG_ERR,
		    "wrong argument in the service file: \"%s\"",
		    jp_escape(text, sizeof(text), argv[i]));
		return false;
	}
	return true;
}
