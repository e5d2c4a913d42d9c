/*
 * The SASL plugin inside the real libsasl2, each line of the input one thing:
 *
 *     options, "NAME: VALUE" each, up to an empty line
 *     the service's realm; "": none
 *     where the client is, as "ADDRESS;PORT"; "": unknown
 *     the mechanism
 *     whether the service knows a password: "yes", or what it says instead
 *     who listens on verify.sock, faults, and patd's answer (calls.h)
 *     the client's messages; the first one may be "-", none at all
 *
 * Nobody comes in unless patd has said so, in one well-formed answer to just
 * this question, or where passwords are allowed, and this is one, the service
 * has; the name is that of whom patd has accepted; the token goes only to whom
 * it may, and into no log and no text for the client; nothing is left open.
 */
#include "config.h"

#include <sasl/sasl.h>
#include <sasl/saslplug.h>
#include <stdio.h>

#include "common/wire/token.h"
#include "tests/fuzz/calls.h"
#include "tests/may_act.h"

#define TOKEN "jpat_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD"

enum {
	OPTIONS_MAX = 8,
	STEPS_MAX = 8,
	GRACE_MS = 1000,
	TIMEOUT_MAX_MS = 60000,
};

typedef int (*callback)(void);

static struct service {
	struct calls calls;
	struct script_text options[OPTIONS_MAX]; /* NAME, NUL, VALUE */
	size_t option_len;
	struct script_text realm, remote, mechanism, password;
	bool token_shown; /* where none belongs: it is no secret then */
	bool passwd_right;
	bool let_in;
	char log[16384];
} service;

/* ---- what the application gives libsasl2 ---- */

static int
get_option(void *context, const char *plugin, const char *option,
    const char **value, unsigned int *len)
{
	(void)context;
	(void)plugin;
	*value = strcmp(option, "log_level") == 0 ? "7" : NULL;
	for (size_t i = 0; i < service.option_len; i++) {
		const char *name = service.options[i].text;

		if (strcmp(name, option) == 0)
			*value = name + strlen(name) + 1;
	}
	if (*value != NULL && len != NULL)
		*len = (unsigned int)strlen(*value);
	return *value != NULL ? SASL_OK : SASL_FAIL;
}

static int
log_line(void *context, int level, const char *text)
{
	size_t len = strlen(service.log);

	(void)context;
	(void)level;
	(void)snprintf(
	    service.log + len, sizeof(service.log) - len, "%s\n", text);
	return SASL_OK;
}

/* No plugins but ours. */
static int
get_path(void *context, const char **path)
{
	(void)context;
	*path = "/nonexistent";
	return SASL_OK;
}

static int
check_password(sasl_conn_t *conn, void *context, const char *user,
    const char *password, unsigned int len, struct propctx *properties)
{
	(void)conn;
	(void)context;
	(void)properties;
	FUZZ_ASSERT(user[0] != '\0');
	FUZZ_ASSERT(!jp_is_token(password, len));
	service.passwd_right = strcmp(service.password.text, "yes") == 0;
	return service.passwd_right
	           ? SASL_OK
	           : -1 - (unsigned char)service.password.text[0] % 31;
}

/* A service may give any name to a user; this one gives "boss" to Boss. */
static int
make_canonical(sasl_conn_t *conn, void *context, const char *in,
    unsigned int in_len, unsigned int flags, const char *realm, char *out,
    unsigned int room, unsigned int *out_len)
{
	(void)conn;
	(void)context;
	(void)flags;
	(void)realm;
	if (calls_fails(CALL_canon))
		return SASL_NOUSER;
	if (in_len >= room)
		return SASL_BUFOVER;
	memcpy(out, in, in_len);
	if (in_len == 4 && memcmp(in, "Boss", 4) == 0)
		out[0] = 'b';
	out[in_len] = '\0';
	*out_len = in_len;
	return SASL_OK;
}

/* Before there is a connection, libsasl2 logs to syslog(3). */
void __syslog_chk(int priority, int flag, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

__attribute__((visibility("default"))) void
__syslog_chk(int priority, int flag, const char *format, ...)
{
	(void)priority;
	(void)flag;
	(void)format;
}

/* ---- a login ---- */

static const char *
text_of(sasl_conn_t *conn, int property)
{
	const void *value = NULL;

	(void)sasl_getprop(conn, property, &value);
	return value != NULL ? value : "";
}

/* What became of the name that patd accepted. */
static void
check_names(sasl_conn_t *conn)
{
	const char *authid = text_of(conn, SASL_AUTHUSER);
	const char *user = text_of(conn, SASL_USERNAME);

	FUZZ_ASSERT(authid[0] != '\0' && user[0] != '\0');
	FUZZ_ASSERT(
	    strcmp(user, authid) == 0 || strncmp(authid, "boss", 4) == 0);
	if (service.passwd_right)
		return;
	FUZZ_ASSERT(strncmp(authid, service.calls.user,
	                strlen(service.calls.user)) == 0);
}

static void
check_login(sasl_conn_t *conn, int code)
{
	const struct calls *calls = &service.calls;

	FUZZ_ASSERT(calls->open == 0);
	service.let_in = code == SASL_OK;
	if (!service.token_shown) {
		FUZZ_ASSERT(strstr(service.log, TOKEN) == NULL);
		FUZZ_ASSERT(strstr(sasl_errdetail(conn), TOKEN) == NULL);
	}
	if (!service.let_in)
		return;
	FUZZ_ASSERT(calls->said_yes || service.passwd_right);
	if (!service.passwd_right)
		FUZZ_ASSERT(calls->request.front == JP_FRONT_SASL &&
		            calls->request.token.len > 0);
	check_names(conn);
}

static struct script_text
next_message(struct script *script)
{
	struct script_text message = script_line(script);

	if (strcmp(message.text, "-") == 0)
		message = (struct script_text){ NULL, 0 };
	return message;
}

/* What the server says to it may be logged by anybody. */
static void
check_challenge(const char *out, unsigned int len)
{
	FUZZ_ASSERT(len < 256);
	if (out != NULL && !service.token_shown)
		FUZZ_ASSERT(memmem(out, len, TOKEN, strlen(TOKEN)) == NULL);
}

static int
converse(sasl_conn_t *conn, struct script *script)
{
	struct script_text message = next_message(script);
	const char *out = NULL;
	unsigned int len = 0;
	int code = sasl_server_start(conn, service.mechanism.text, message.text,
	    (unsigned int)message.len, &out, &len);

	for (int i = 0; i < STEPS_MAX && code == SASL_CONTINUE; i++) {
		check_challenge(out, len);
		message = script_line(script);
		code = sasl_server_step(
		    conn, message.text, (unsigned int)message.len, &out, &len);
	}
	return code;
}

static void
log_in(struct script *script)
{
	sasl_conn_t *conn = NULL;
	int code;

	if (sasl_server_new("imap", "mail.example.org",
	        service.realm.len > 0 ? service.realm.text : NULL, NULL, NULL,
	        NULL, SASL_SUCCESS_DATA, &conn) != SASL_OK)
		return;
	/* sasl_server_new() itself leaks where an address is none. */
	if (service.remote.len > 0)
		(void)sasl_setprop(
		    conn, SASL_IPREMOTEPORT, service.remote.text);
	calls_begin(&service.calls);
	code = converse(conn, script);
	calls_end();
	check_login(conn, code);
	FUZZ_ASSERT(service.calls.ns / 1000000 <=
	            TIMEOUT_MAX_MS * STEPS_MAX + GRACE_MS);
	sasl_dispose(&conn);
}

/* ---- a run ---- */

static bool
take_option(struct script_text line)
{
	char *colon = strstr(line.text, ": ");

	if (colon == NULL || service.option_len == OPTIONS_MAX)
		return false;
	memmove(colon, colon + 1, strlen(colon));
	*colon = '\0';
	service.options[service.option_len++] = line;
	return true;
}

static bool
has_token(const struct script_text *text)
{
	return memmem(text->text, text->len, TOKEN, strlen(TOKEN)) != NULL;
}

static void
take(struct script *script)
{
	struct script_text line;

	while ((line = script_line(script)).len > 0) {
		service.token_shown |= has_token(&line);
		(void)take_option(line);
	}
	service.realm = script_line(script);
	service.remote = script_line(script);
	service.mechanism = script_line(script);
	service.password = script_line(script);
	service.calls.peer = script_line(script);
	service.calls.faults = script_line(script);
	service.calls.answer = script_line(script);
	service.token_shown |= has_token(&service.realm) ||
	                       has_token(&service.remote) ||
	                       has_token(&service.mechanism);
}

extern sasl_server_plug_init_t sasl_server_plug_init;

static void
run(const uint8_t *data, size_t size)
{
	static const sasl_callback_t callbacks[] = {
		{ SASL_CB_GETOPT, (callback)(void *)get_option, NULL },
		{ SASL_CB_LOG, (callback)(void *)log_line, NULL },
		{ SASL_CB_GETPATH, (callback)(void *)get_path, NULL },
		{ SASL_CB_PROXY_POLICY, (callback)(void *)may_act, NULL },
		{ SASL_CB_CANON_USER, (callback)(void *)make_canonical, NULL },
		{ SASL_CB_SERVER_USERDB_CHECKPASS,
		    (callback)(void *)check_password, NULL },
		{ SASL_CB_LIST_END, NULL, NULL },
	};
	struct script script = script_begin(data, size);

	memset(&service, 0, sizeof(service));
	take(&script);
	FUZZ_ASSERT(sasl_server_init(callbacks, "fuzz") == SASL_OK);
	(void)sasl_server_add_plugin("jirapat", sasl_server_plug_init);
	log_in(&script);
	sasl_server_done();
	script_end(&script);
}

/* The first run shows that the door is not shut to all. */
static void
show_that_it_opens(void)
{
	static const char input[] = "jirapat_enable: yes\n\n\n\nPLAIN\n\nroot\n"
	                            "\nv2.=\n\0alice\0" TOKEN;
	static bool shown;

	if (shown)
		return;
	shown = true;
	run((const uint8_t *)input, sizeof(input) - 1);
	FUZZ_ASSERT(service.let_in);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	show_that_it_opens();
	run(data, size);
	return 0;
}
