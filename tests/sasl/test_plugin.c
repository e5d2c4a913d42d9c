/*
 * The built libjirapat.so under the real libsasl2, beside the PLAIN and LOGIN
 * of Cyrus: tests/sasl/test_plugin.sh lays out both in folders of a scratch
 * one. This program is the service; patd is a fake that answers by the user's
 * name.
 *
 *     test_plugin FOLDER
 *
 * FOLDER/ours and FOLDER/stock hold the plugins.
 */
#include "config.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sasl/sasl.h>
#include <sasl/saslplug.h>

#include "common/wire/client.h"
#include "common/wire/sasl_mechanisms.h"
#include "tests/fake_patd.h"
#include "tests/leave_out.h"
#include "tests/may_act.h"
#include "tests/spellings.h"
#include "tests/traces.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define TOKEN "jpat_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD"
#define BAD_CRC "jpat_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpE"
#define PASSWORD "correct horse"
#define ALICE "\0alice\0" TOKEN
#define ENABLE "jirapat_enable", "yes"
#define NO_MORE NULL, NULL

enum { THREADS = 8, ROUNDS = 100 };

typedef int (*callback)(void);

#define ROW(name, step, features) { #name, (features) },
static const struct {
	const char *name;
	unsigned int features;
} listed[] = { JP_SASL_MECHANISMS(ROW) };
#undef ROW
#define NAME(name, step, features) #name " "
#define ALL_MECHANISMS JP_SASL_MECHANISMS(NAME)

static char scratch[64], socket_path[96], plugin_path[256], sasldb[96];
static struct fake_patd *patd;
static const char *const *settings; /* names and values, ended by NULL */

/* What the fake saw, and what was logged. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct jp_request seen;
static int seen_count;
static char logged[65536];
static char heard[65536]; /* of it, by the callback, as errors */

/* --- The fake patd -------------------------------------------------------- */

static int
answer(void *arg, const struct jp_request *request, uint8_t *bytes)
{
	static const struct {
		const char *user;
		enum jp_verdict verdict;
		const char *answered;
		int instead; /* of an answer */
	} rows[] = {
		{ "", JP_ACCEPT, "alice", 0 },
		{ "mixed-up", JP_ACCEPT, "mallory", 0 },
		{ "nameless", JP_ACCEPT, "", 0 },
		{ "overloaded", JP_UNAVAILABLE, "", 0 },
		{ "denied", JP_DENY, "", 0 },
		{ "silent", JP_DENY, "", FAKE_SILENT },
		{ "hangup", JP_DENY, "", FAKE_CLOSE },
		{ "short", JP_DENY, "", 3 },
	};
	bool right = strcmp(request->token.text, TOKEN) == 0 ||
	             strcmp(request->user, "secretive") == 0;

	(void)arg;
	(void)pthread_mutex_lock(&lock);
	seen = *request;
	seen_count++;
	(void)pthread_mutex_unlock(&lock);
	for (size_t i = 0; right && i < COUNT_OF(rows); i++) {
		if (strcmp(rows[i].user, request->user) != 0)
			continue;
		if (rows[i].instead != 0)
			return rows[i].instead;
		return fake_reply(
		    request, rows[i].verdict, rows[i].answered, bytes);
	}
	return fake_reply(request, right ? JP_ACCEPT : JP_DENY,
	    right ? request->user : "", bytes);
}

/* --- The service ---------------------------------------------------------- */

static int
get_option(void *context, const char *plugin, const char *option,
    const char **value, unsigned int *len)
{
	(void)context;
	(void)plugin;
	*value = NULL;
	for (size_t i = 0; settings[i] != NULL; i += 2) {
		if (strcmp(settings[i], option) == 0)
			*value = settings[i + 1];
	}
	if (*value == NULL && strcmp(option, "jirapat_socket") == 0)
		*value = socket_path;
	if (*value == NULL && strcmp(option, "sasldb_path") == 0)
		*value = sasldb;
	if (*value == NULL && strcmp(option, "log_level") == 0)
		*value = "7";
	if (*value != NULL && len != NULL)
		*len = (unsigned int)strlen(*value);
	return *value != NULL ? SASL_OK : SASL_FAIL;
}

static void
append(char *log, size_t size, const char *text)
{
	size_t len;

	(void)pthread_mutex_lock(&lock);
	len = strlen(log);
	(void)snprintf(log + len, size - len, "%s\n", text);
	(void)pthread_mutex_unlock(&lock);
}

static int
log_line(void *context, int level, const char *text)
{
	(void)context;
	append(logged, sizeof(logged), text);
	if (level == SASL_LOG_ERR)
		append(heard, sizeof(heard), text);
	return SASL_OK;
}

/* Before there is a connection, libsasl2 logs here, to glibc's syslog(3). */
void __syslog_chk(int priority, int flag, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

__attribute__((visibility("default"))) void
__syslog_chk(int priority, int flag, const char *format, ...)
{
	char line[1024];
	va_list args;

	(void)flag;
	(void)priority;
	va_start(args, format);
	(void)vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	append(logged, sizeof(logged), line);
}

static int
get_path(void *context, const char **path)
{
	(void)context;
	*path = plugin_path;
	return SASL_OK;
}

/* libsasl2 starts anew with these settings, and plugins of these folders. */
static void
boot_from(const char *folders, const char *const *with)
{
	static sasl_callback_t callbacks[] = {
		{ SASL_CB_GETOPT, (callback)(void *)get_option, NULL },
		{ SASL_CB_LOG, (callback)(void *)log_line, NULL },
		{ SASL_CB_GETPATH, (callback)(void *)get_path, NULL },
		{ SASL_CB_PROXY_POLICY, (callback)(void *)may_act, NULL },
		{ SASL_CB_LIST_END, NULL, NULL },
	};
	const char *second = strchr(folders, ' ');

	sasl_server_done();
	settings = with;
	logged[0] = '\0';
	(void)snprintf(plugin_path, sizeof(plugin_path), "%s/%.*s%s%s%s",
	    scratch,
	    (int)(second != NULL ? second - folders : (long)strlen(folders)),
	    folders, second != NULL ? ":" : "", second != NULL ? scratch : "",
	    second != NULL ? "/" : "");
	if (second != NULL)
		(void)strcat(plugin_path, second + 1);
	assert_int_equal(sasl_server_init(callbacks, "test"), SASL_OK);
}

#define BOOT(...) BOOT_FROM("ours stock", __VA_ARGS__)
#define BOOT_FROM(folders, ...)                                                \
	do {                                                                   \
		static const char *const with_[] = { __VA_ARGS__, NO_MORE };   \
		boot_from(folders, with_);                                     \
	} while (0)

/* Who connects, and how; the rest of a login's conversation. */
static const char *realm, *remote, *service = "imap";

static sasl_conn_t *
new_connection(void)
{
	sasl_conn_t *conn = NULL;

	assert_int_equal(sasl_server_new(service, "mail.example.org", realm,
	                     remote != NULL ? "127.0.0.1;143" : NULL, remote,
	                     NULL, SASL_SUCCESS_DATA, &conn),
	    SASL_OK);
	return conn;
}

/* One login whose client says `in`, then "\1" or nothing to what comes back. */
struct login {
	int code;
	char user[300], authid[300]; /* if it is in */
	char detail[512];            /* what a server may send, if not */
	char challenge[128];         /* of the server, the last one */
};

static const char *
text_of(sasl_conn_t *conn, int property)
{
	const void *value = NULL;

	(void)sasl_getprop(conn, property, &value);
	return value != NULL ? value : "";
}

static void
finish(sasl_conn_t *conn, struct login *login)
{
	if (login->code == SASL_OK) {
		(void)snprintf(login->user, sizeof(login->user), "%s",
		    text_of(conn, SASL_USERNAME));
		(void)snprintf(login->authid, sizeof(login->authid), "%s",
		    text_of(conn, SASL_AUTHUSER));
	} else {
		(void)snprintf(login->detail, sizeof(login->detail), "%s",
		    sasl_errdetail(conn));
	}
	sasl_dispose(&conn);
}

static void
keep_challenge(struct login *login, const char *out, unsigned int len)
{
	if (out != NULL)
		(void)snprintf(login->challenge, sizeof(login->challenge),
		    "%.*s", (int)len, out);
}

/* `count` messages of a client; NULL in front: no initial response. */
static struct login
talk(const char *mechanism, const char *const *messages, const size_t *lens,
    size_t count)
{
	sasl_conn_t *conn = new_connection();
	struct login login = { .code = SASL_FAIL };
	const char *out = NULL;
	unsigned int len = 0;

	(void)pthread_mutex_lock(&lock);
	seen_count = 0;
	memset(&seen, 0, sizeof(seen));
	(void)pthread_mutex_unlock(&lock);
	login.code = sasl_server_start(
	    conn, mechanism, messages[0], (unsigned int)lens[0], &out, &len);
	for (size_t i = 1; i < count && login.code == SASL_CONTINUE; i++) {
		keep_challenge(&login, out, len);
		login.code = sasl_server_step(
		    conn, messages[i], (unsigned int)lens[i], &out, &len);
	}
	finish(conn, &login);
	return login;
}

static struct login
say(const char *mechanism, const char *bytes, size_t len)
{
	const char *const messages[] = { bytes, "\1" };
	const size_t lens[] = { len, 1 };

	return talk(mechanism, messages, lens, 2);
}

#define SAY(mechanism, text) say(mechanism, text, sizeof(text) - 1)
#define PLAIN(text) SAY("PLAIN", text).code
#define BEARER(name) "n," name ",\1auth=Bearer " TOKEN "\1\1"

static struct login
log_in(const char *user, const char *password)
{
	const char *const messages[] = { NULL, user, password };
	const size_t lens[] = { 0, strlen(user), strlen(password) };

	return talk("LOGIN", messages, lens, 3);
}

/* PLAIN, for names that a test computes. */
static struct login
plain(const char *authzid, const char *authcid, const char *passwd)
{
	char message[2048];
	int len = snprintf(message, sizeof(message), "%s%c%s%c%s", authzid, 0,
	    authcid, 0, passwd);

	return say("PLAIN", message, (size_t)len);
}

static const char *
mechanisms(void)
{
	static char list[256];
	sasl_conn_t *conn = new_connection();
	const char *found = NULL;

	list[0] = '\0';
	if (sasl_listmech(conn, NULL, "", " ", "", &found, NULL, NULL) ==
	    SASL_OK)
		(void)snprintf(list, sizeof(list), "%s", found);
	sasl_dispose(&conn);
	return list;
}

/* A user of the stock mechanisms, in libsasl2's own database. */
static void
make_password(void)
{
	sasl_conn_t *conn;

	BOOT_FROM("stock", "pwcheck_method", "auxprop");
	conn = new_connection();
	assert_int_equal(sasl_setpass(conn, "alice", PASSWORD, strlen(PASSWORD),
	                     NULL, 0, SASL_SET_CREATE),
	    SASL_OK);
	sasl_dispose(&conn);
}

/* --- Who is served -------------------------------------------------------- */

static void
a_service_that_does_not_enable_it_gets_nothing(void **unused)
{
	static const char *const settings_of[][5] = {
		{ "mech_list", ALL_MECHANISMS, NO_MORE },
		{ "jirapat_enable", "no", NO_MORE },
		{ "jirapat_enable", "no", "jirapat_timeout", "x", NULL },
		{ "jirapat_fallback", "yes", NO_MORE },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(settings_of); i++) {
		boot_from("ours stock", settings_of[i]);
		assert_null(strstr(mechanisms(), "OAUTH"));
		assert_int_equal(PLAIN("\0alice\0" PASSWORD), SASL_OK);
		assert_int_not_equal(PLAIN(ALICE), SASL_OK);
		assert_int_equal(seen_count, 0);
		assert_null(strstr(logged, "jirapat: wrong"));
	}
}

static void
yes_and_no_have_their_usual_spellings(void **unused)
{
	static const struct {
		const char *value;
		bool on;
	} rows[] = {
		{ "yes", true },
		{ "YES", true },
		{ "true", true },
		{ "on", true },
		{ "1", true },
		{ "no", false },
		{ "false", false },
		{ "off", false },
		{ "0", false },
		{ "y", false },
		{ "yes ", false },
		{ "", false },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *const with[] = { "jirapat_enable", rows[i].value,
			NO_MORE };

		boot_from("ours stock", with);
		assert_int_equal(PLAIN(ALICE) == SASL_OK, rows[i].on);
	}
}

static void
each_mechanism_can_be_switched_off(void **unused)
{
	static const struct {
		const char *value, *list;
	} rows[] = {
		{ "PLAIN", "PLAIN" },
		{ "LOGIN", "LOGIN" },
		{ " xoauth2  oauthbearer ", "OAUTHBEARER XOAUTH2" },
		{ ALL_MECHANISMS, ALL_MECHANISMS },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *const with[] = { ENABLE, "jirapat_mechs",
			rows[i].value, NO_MORE };

		boot_from("ours", with);
		for (size_t j = 0; j < COUNT_OF(listed); j++)
			assert_int_equal(
			    strstr(mechanisms(), listed[j].name) != NULL,
			    strstr(rows[i].list, listed[j].name) != NULL);
	}
	/* The stock one is there again, and asks nobody. */
	BOOT(ENABLE, "jirapat_mechs", "LOGIN");
	assert_int_equal(PLAIN("\0alice\0" PASSWORD), SASL_OK);
	assert_int_not_equal(PLAIN(ALICE), SASL_OK);
	assert_int_equal(seen_count, 0);
}

/* Finds the row of a mechanism that libsasl2 has registered. */
static void
note_mechanism(server_sasl_mechanism_t *mechanism,
    sasl_info_callback_stage_t stage, void *arg)
{
	const sasl_server_plug_t **noted = arg;
	size_t i = 0;

	/* libsasl2 itself brings EXTERNAL. */
	if (stage != SASL_INFO_LIST_MECH ||
	    strcmp(mechanism->plug->mech_name, "EXTERNAL") == 0)
		return;
	while (i < COUNT_OF(listed) &&
	       strcmp(listed[i].name, mechanism->plug->mech_name) != 0)
		i++;
	assert_true(i < COUNT_OF(listed) || !"registered, but not listed");
	noted[i] = mechanism->plug;
}

static void
the_listed_mechanisms_are_registered_and_no_others(void **unused)
{
	const sasl_server_plug_t *noted[COUNT_OF(listed)] = { NULL };
	static const char *const with[] = { ENABLE, NO_MORE };

	(void)unused;
	boot_from("ours", with);
	assert_int_equal(
	    sasl_server_plugin_info(NULL, note_mechanism, noted), SASL_OK);
	for (size_t i = 0; i < COUNT_OF(listed); i++) {
		assert_non_null(noted[i]);
		assert_int_equal(noted[i]->features, listed[i].features);
		assert_int_equal(noted[i]->max_ssf, 0);
		assert_int_equal(noted[i]->security_flags,
		    SASL_SEC_NOANONYMOUS | SASL_SEC_PASS_CREDENTIALS |
		        SASL_SET_HASH_STRENGTH_BITS(8));
		assert_non_null(noted[i]->mech_new);
		assert_non_null(noted[i]->mech_step);
		assert_non_null(noted[i]->mech_dispose);
	}
}

static void
it_comes_before_the_stock_mechanisms_in_any_order(void **unused)
{
	static const char *const orders[] = { "ours stock", "stock ours" };
	static const char *const with[] = { ENABLE, NO_MORE };

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(orders); i++) {
		boot_from(orders[i], with);
		assert_int_equal(PLAIN(ALICE), SASL_OK);
		assert_int_equal(seen_count, 1);
		assert_int_equal(log_in("alice", TOKEN).code, SASL_OK);
		assert_int_equal(seen_count, 1);
	}
}

/* What PLAIN is told where the service demands this of a mechanism. */
static int
demand(unsigned int flags, unsigned int min_ssf)
{
	const sasl_security_properties_t wanted = { .max_ssf = 256,
		.min_ssf = min_ssf,
		.maxbufsize = 8192,
		.security_flags = flags };
	sasl_conn_t *conn = new_connection();
	const char *out;
	unsigned int len;
	int code;

	assert_int_equal(sasl_setprop(conn, SASL_SEC_PROPS, &wanted), SASL_OK);
	code = sasl_server_start(conn, "PLAIN", NULL, 0, &out, &len);
	sasl_dispose(&conn);
	return code;
}

/* It does with a max_ssf, by which others come first. */
static void
it_does_not_pretend_to_encrypt(void **unused)
{
	static const struct {
		unsigned int flags, min_ssf;
	} rows[] = {
		{ 0, 0 },
		{ SASL_SEC_NOANONYMOUS | SASL_SEC_PASS_CREDENTIALS, 0 },
		{ 0, 1 },
		{ 0, 56 },
		{ SASL_SEC_NOPLAINTEXT, 0 },
		{ SASL_SEC_NODICTIONARY, 0 },
		{ SASL_SEC_MUTUAL_AUTH, 0 },
		{ SASL_SEC_FORWARD_SECRECY, 0 },
	};
	int stock[COUNT_OF(rows)];

	(void)unused;
	BOOT_FROM("stock", NO_MORE);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		stock[i] = demand(rows[i].flags, rows[i].min_ssf);
	BOOT_FROM("ours", ENABLE);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(
		    demand(rows[i].flags, rows[i].min_ssf), stock[i]);
	assert_int_equal(demand(0, 0), SASL_CONTINUE);
	assert_int_equal(demand(0, 56), SASL_TOOWEAK);
	assert_int_equal(demand(SASL_SEC_NOPLAINTEXT, 0), SASL_ENCRYPT);
}

static void
assert_wrong(const char *log, const char *name)
{
	char line[64];

	(void)snprintf(
	    line, sizeof(line), "libjirapat: wrong option: %s: ", name);
	assert_non_null(strstr(log, line));
}

/* Neither patd nor the stock mechanisms hear of it, and the service hears why.
 */
#define UNHEARD(login, name)                                                   \
	do {                                                                   \
		heard[0] = '\0';                                               \
		assert_int_equal((login).code, SASL_UNAVAIL);                  \
		assert_wrong(heard, name);                                     \
		assert_int_equal(seen_count, 0);                               \
	} while (0)

/* By no mechanism, each time. */
static void
assert_unavailable(const char *name)
{
	UNHEARD(plain("", "alice", PASSWORD), name);
	UNHEARD(plain("", "alice", TOKEN), name);
	UNHEARD(log_in("alice", PASSWORD), name);
	UNHEARD(log_in("alice", TOKEN), name);
	UNHEARD(SAY("OAUTHBEARER", BEARER("a=alice")), name);
	UNHEARD(SAY("XOAUTH2", "user=alice\1auth=Bearer " TOKEN "\1\1"), name);
}

#define LONG_PATH                                                              \
	"/0123456789012345678901234567890123456789012345678901234567890123456" \
	"789012345678901234567890123456789012345678"

/* Each option in each way to be wrong. */
static const char *const wrong_values[][2] = {
	{ "jirapat_enable", "maybe" },
	{ "jirapat_enable", "" },
	{ "jirapat_enable", " yes" },
	{ "jirapat_enable", "yes no" },
	{ "jirapat_socket", "relative/sock" },
	{ "jirapat_socket", "" },
	{ "jirapat_socket", " /run/jira-pat/verify.sock" },
	{ "jirapat_socket", LONG_PATH },
	{ "jirapat_timeout", "" },
	{ "jirapat_timeout", "0" },
	{ "jirapat_timeout", "61" },
	{ "jirapat_timeout", "100" },
	{ "jirapat_timeout", "18446744073709551619" },
	{ "jirapat_timeout", "-1" },
	{ "jirapat_timeout", "+3" },
	{ "jirapat_timeout", "3 " },
	{ "jirapat_timeout", "1s" },
	{ "jirapat_realm", "" },
	{ "jirapat_realm", "Strip" },
	{ "jirapat_realm", "strip keep" },
	{ "jirapat_fallback", "maybe" },
	{ "jirapat_fallback", "" },
	{ "jirapat_mechs", "" },
	{ "jirapat_mechs", "  " },
	{ "jirapat_mechs", "PLAIN GSSAPI" },
	{ "jirapat_mechs", "PLAI" },
	{ "jirapat_mechs", "PLAIN,LOGIN" },
};

/* Services log what is an error, whatever their log level. */
static void
a_wrong_option_makes_each_login_unavailable(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT_OF(wrong_values); i++) {
		const char *const with[] = { ENABLE, wrong_values[i][0],
			wrong_values[i][1], "pwcheck_method", "auxprop",
			"log_level", "1", NO_MORE };

		boot_from("ours stock", with);
		assert_wrong(logged, wrong_values[i][0]);
		assert_unavailable(wrong_values[i][0]);
	}
}

static bool
is_tried(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(wrong_values); i++)
		if (strcmp(wrong_values[i][0], name) == 0)
			return true;
	return false;
}

/* The names are in the plugin as it is built. */
static void
each_option_of_the_plugin_was_tried(void **unused)
{
	static const char prefix[] = "\0jirapat_";
	static char bytes[1 << 20];
	char path[128];
	size_t len, count = 0;
	FILE *file;

	(void)unused;
	(void)snprintf(path, sizeof(path), "%s/ours/libjirapat.so", scratch);
	file = fopen(path, "rb");
	assert_non_null(file);
	len = fread(bytes, 1, sizeof(bytes) - 1, file);
	assert_int_equal(fclose(file), 0);
	for (char *at = bytes;; count++) {
		at = memmem(
		    at, len - (size_t)(at - bytes), prefix, sizeof(prefix) - 1);
		if (at == NULL)
			break;
		at++; /* the NUL in front */
		assert_true(is_tried(at));
	}
	assert_int_equal(count, 6);
}

/* The options of one connection may differ from those of the start. */
static void
an_option_that_is_wrong_later_makes_its_login_unavailable(void **unused)
{
	static const char *const now_wrong[] = { ENABLE, "jirapat_timeout", "0",
		NO_MORE };
	static const char *const now_off[] = { "jirapat_enable", "no",
		NO_MORE };

	(void)unused;
	BOOT(ENABLE, "pwcheck_method", "auxprop");
	assert_int_equal(PLAIN(ALICE), SASL_OK);
	settings = now_wrong;
	assert_unavailable("jirapat_timeout");
	settings = now_off;
	assert_int_equal(PLAIN(ALICE), SASL_UNAVAIL);
	assert_int_equal(PLAIN("\0alice\0" PASSWORD), SASL_UNAVAIL);
	assert_int_equal(seen_count, 0);
}

/* Which mechanisms there are is still the administrator's choice. */
static void
a_wrong_option_beside_others_makes_none_of_them_void(void **unused)
{
	(void)unused;
	BOOT(ENABLE, "jirapat_timeout", "0", "jirapat_mechs", "PLAIN LOGIN",
	    "jirapat_realm", "Strip");
	assert_wrong(logged, "jirapat_timeout");
	assert_wrong(logged, "jirapat_realm");
	assert_null(strstr(mechanisms(), "OAUTH"));
	assert_int_equal(PLAIN(ALICE), SASL_UNAVAIL);
}

/* Without it this service would have no mechanism: Postfix ends then. */
static void
a_wrong_option_leaves_a_service_without_stock_mechanisms_its_own(void **unused)
{
	(void)unused;
	BOOT_FROM("ours", ENABLE, "jirapat_timeout", "0");
	assert_string_not_equal(mechanisms(), "");
	assert_unavailable("jirapat_timeout");
}

/* --- Logins --------------------------------------------------------------- */

static void
note_tried(bool tried[COUNT_OF(listed)], const char *name)
{
	for (size_t i = 0; i < COUNT_OF(listed); i++)
		if (strcmp(listed[i].name, name) == 0)
			tried[i] = true;
}

static void
the_right_token_gets_in_by_each_mechanism(void **unused)
{
	static const struct {
		const char *mechanism, *bytes;
		size_t len;
	} rows[] = {
		{ "PLAIN", ALICE, sizeof(ALICE) - 1 },
		{ "OAUTHBEARER", BEARER("a=alice"),
		    sizeof(BEARER("a=alice")) - 1 },
		{ "OAUTHBEARER", BEARER(""), sizeof(BEARER("")) - 1 },
		{ "XOAUTH2", "user=alice\1auth=Bearer " TOKEN "\1\1",
		    sizeof("user=alice\1auth=Bearer " TOKEN "\1\1") - 1 },
	};
	bool tried[COUNT_OF(listed)] = { false };
	struct login login;

	(void)unused;
	BOOT(ENABLE);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		note_tried(tried, rows[i].mechanism);
		login = say(rows[i].mechanism, rows[i].bytes, rows[i].len);
		assert_int_equal(login.code, SASL_OK);
		assert_string_equal(login.user, "alice");
		assert_string_equal(login.authid, "alice");
		assert_int_equal(seen_count, 1);
		assert_int_equal(seen.front, JP_FRONT_SASL);
		assert_string_equal(seen.token.text, TOKEN);
	}
	note_tried(tried, "LOGIN");
	login = log_in("alice", TOKEN);
	assert_int_equal(login.code, SASL_OK);
	assert_string_equal(login.user, "alice");
	assert_string_equal(login.challenge, "Password:");
	for (size_t i = 0; i < COUNT_OF(tried); i++)
		assert_true(tried[i]);
}

/* A client that waits to be asked, and one that sends its name at once. */
static void
initial_responses_are_optional(void **unused)
{
	const char *const late[] = { NULL, ALICE };
	const size_t late_lens[] = { 0, sizeof(ALICE) - 1 };
	const char *const early[] = { "alice", TOKEN };
	const size_t early_lens[] = { 5, sizeof(TOKEN) - 1 };

	(void)unused;
	BOOT(ENABLE);
	assert_int_equal(talk("PLAIN", late, late_lens, 2).code, SASL_OK);
	assert_int_equal(talk("LOGIN", early, early_lens, 2).code, SASL_OK);
	assert_string_equal(seen.user, "alice");
}

static void
patd_learns_the_service_and_the_address(void **unused)
{
	static const struct {
		const char *from, *rhost;
	} rows[] = {
		{ "192.0.2.7;51234", "192.0.2.7" },
		{ "2001:db8::1;4567", "2001:db8::1" },
		{ "10.0.0.1", "10.0.0.1" },
		{ NULL, "" },
	};

	(void)unused;
	BOOT(ENABLE);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		remote = rows[i].from;
		assert_int_equal(PLAIN(ALICE), SASL_OK);
		assert_string_equal(seen.rhost, rows[i].rhost);
		assert_string_equal(seen.service, "imap");
	}
	remote = NULL;
	service = "0123456789012345678901234567890123456789012345678901234567"
	          "8901234";
	assert_int_equal(PLAIN(ALICE), SASL_BADAUTH);
	assert_int_equal(seen_count, 0);
	service = "imap";
}

/* The code, and one text for all of them: servers send it to their clients. */
static void
every_no_is_the_same_no(void **unused)
{
	struct login logins[] = {
		{ .code = SASL_OK },
		{ .code = SASL_OK },
		{ .code = SASL_OK },
		{ .code = SASL_OK },
		{ .code = SASL_OK },
		{ .code = SASL_OK },
	};

	(void)unused;
	BOOT(ENABLE);
	logins[0] = plain("", "alice", "hunter2");
	logins[1] = plain("", "alice", BAD_CRC);
	logins[2] = plain("", "denied", TOKEN);
	logins[3] = plain("", "nobody", PASSWORD);
	logins[4] = log_in("alice", "hunter2");
	logins[5] = log_in("denied", TOKEN);
	for (size_t i = 0; i < COUNT_OF(logins); i++) {
		assert_int_equal(logins[i].code, SASL_BADAUTH);
		assert_string_equal(logins[i].detail, logins[0].detail);
	}
	assert_non_null(strstr(logins[0].detail, "authentication failed"));
	assert_null(strstr(logged, TOKEN));
	assert_null(strstr(logged, "hunter2"));
}

/* One login in each way with `text` for a name. */
static void
log_in_as(const char *text)
{
	char message[512];

	(void)plain("", text, "hunter2");
	(void)plain(text, "boss", TOKEN);
	(void)plain("", text, TOKEN);
	(void)log_in(text, "hunter2");
	(void)snprintf(
	    message, sizeof(message), "n,a=%s,\1auth=Bearer hunter2\1\1", text);
	(void)say("OAUTHBEARER", message, strlen(message));
	(void)snprintf(
	    message, sizeof(message), "user=%s\1auth=Bearer hunter2\1\1", text);
	(void)say("XOAUTH2", message, strlen(message));
}

static void
a_token_in_place_of_a_name_is_in_no_line(void **unused)
{
	(void)unused;
	for (int gone = 0; gone < 2; gone++) {
		if (gone)
			BOOT(ENABLE, "jirapat_socket", "/nonexistent/sock");
		else
			BOOT(ENABLE);
		for (size_t i = 0; i < SPELLINGS_COUNT; i++)
			log_in_as(spellings[i]);
		service = SPELLINGS_TOKEN;
		log_in_as("alice");
		service = "imap";
		assert_non_null(strstr(logged, "libjirapat: "));
		assert_null(strstr(logged, SPELLINGS_SECRET));
	}
}

static void
a_bearer_is_told_and_then_refused(void **unused)
{
	struct login login;

	(void)unused;
	BOOT(ENABLE);
	login = SAY("OAUTHBEARER", BEARER("a=denied"));
	assert_int_equal(login.code, SASL_BADAUTH);
	assert_string_equal(login.challenge, "{\"status\":\"invalid_token\"}");
	login = SAY("OAUTHBEARER", "n,,\1auth=Basic x\1\1");
	assert_int_equal(login.code, SASL_BADPROT);
	assert_string_equal(
	    login.challenge, "{\"status\":\"invalid_request\"}");
	assert_int_equal(seen_count, 0);
	login = SAY("XOAUTH2", "user=denied\1auth=Bearer " TOKEN "\1\1");
	assert_int_equal(login.code, SASL_BADAUTH);
	assert_non_null(strstr(login.challenge, "\"status\":\"401\""));
	login = SAY("XOAUTH2", "user=denied");
	assert_int_equal(login.code, SASL_BADPROT);
	assert_non_null(strstr(login.challenge, "\"status\":\"400\""));
	login = SAY("OAUTHBEARER", BEARER("a=overloaded"));
	assert_int_equal(login.code, SASL_UNAVAIL);
	assert_string_equal(login.challenge, "");
}

/* Right words after a no are not listened to. */
static void
no_second_try_in_one_login(void **unused)
{
	const char *const messages[] = { BEARER("a=denied"), BEARER("a=alice"),
		BEARER("a=alice") };
	const size_t lens[] = { sizeof(BEARER("a=denied")) - 1,
		sizeof(BEARER("a=alice")) - 1, sizeof(BEARER("a=alice")) - 1 };
	const char *const login[] = { "  ", "alice", TOKEN };
	const size_t login_lens[] = { 2, 5, sizeof(TOKEN) - 1 };

	(void)unused;
	BOOT(ENABLE);
	assert_int_equal(
	    talk("OAUTHBEARER", messages, lens, 3).code, SASL_BADAUTH);
	assert_int_equal(seen_count, 1);
	assert_int_equal(
	    talk("LOGIN", login, login_lens, 3).code, SASL_BADAUTH);
	assert_int_equal(seen_count, 0);
}

static void
malformed_messages_do_not_reach_patd(void **unused)
{
	static const struct {
		const char *bytes;
		size_t len;
		int code;
	} rows[] = {
		{ "", 0, SASL_BADPROT },
		{ "alice", 5, SASL_BADPROT },
		{ "\0alice", 6, SASL_BADPROT },
		{ ALICE, sizeof(ALICE), SASL_BADPROT }, /* a NUL behind it */
		{ "\0alice\0", 7, SASL_BADAUTH },
		{ "\0\0" TOKEN, 2 + sizeof(TOKEN) - 1, SASL_BADAUTH },
		{ "\0   \0" TOKEN, 5 + sizeof(TOKEN) - 1, SASL_BADAUTH },
		{ "\0al\xff\0" TOKEN, 5 + sizeof(TOKEN) - 1, SASL_BADAUTH },
	};
	char longest[2048];

	(void)unused;
	BOOT(ENABLE, "jirapat_fallback", "yes");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(say("PLAIN", rows[i].bytes, rows[i].len).code,
		    rows[i].code);
		assert_int_equal(seen_count, 0);
	}
	memset(longest, 'u', sizeof(longest));
	longest[256] = '\0';
	assert_int_equal(plain("", longest, TOKEN).code, SASL_BADAUTH);
	assert_int_equal(plain(longest, "alice", TOKEN).code, SASL_BADAUTH);
	assert_int_equal(log_in(longest, TOKEN).code, SASL_BADAUTH);
	assert_int_equal(log_in("  ", TOKEN).code, SASL_BADAUTH);
	assert_int_equal(log_in("alice", "").code, SASL_BADAUTH);
	assert_int_equal(seen_count, 0);
	longest[255] = '\0';
	assert_int_equal(plain("", longest, TOKEN).code, SASL_OK);
	assert_string_equal(seen.user, longest);
}

static void
unavailability_has_its_own_code(void **unused)
{
	static const char *const users[] = { "overloaded", "hangup", "short",
		"mixed-up", "nameless", "silent" };

	(void)unused;
	BOOT(ENABLE, "jirapat_timeout", "1", "jirapat_fallback", "yes");
	for (size_t i = 0; i < COUNT_OF(users); i++) {
		struct login login = plain("", users[i], TOKEN);

		assert_int_equal(login.code, SASL_UNAVAIL);
		assert_non_null(strstr(login.detail, "not available"));
	}
	BOOT(ENABLE, "jirapat_socket", "/nonexistent/verify.sock");
	assert_int_equal(PLAIN(ALICE), SASL_UNAVAIL);
	assert_int_equal(log_in("alice", TOKEN).code, SASL_UNAVAIL);
	assert_int_equal(
	    SAY("OAUTHBEARER", BEARER("a=alice")).code, SASL_UNAVAIL);
	assert_non_null(strstr(logged, "patd is unavailable"));
	assert_null(strstr(logged, TOKEN));
}

/* --- Names ---------------------------------------------------------------- */

static void
a_realm_is_kept_stripped_or_required(void **unused)
{
	static const struct {
		const char *policy, *own, *name;
		const char *asked; /* NULL: nobody */
	} rows[] = {
		{ "keep", NULL, "alice", "alice" },
		{ "keep", NULL, "alice@x.example", "alice@x.example" },
		{ "keep", "jira", "alice", "alice@jira" },
		{ "strip", NULL, "alice", "alice" },
		{ "strip", NULL, "alice@x.example", "alice" },
		{ "strip", "jira", "alice", "alice" },
		{ "strip", "jira", "alice@jira", "alice" },
		{ "strip", "jira", "alice@x.example", "alice@x.example" },
		{ "strip", "jira", "a@x@jira", "a@x" },
		{ "require", NULL, "alice", NULL },
		{ "require", NULL, "alice@x.example", "alice@x.example" },
		{ "require", "jira", "alice", "alice@jira" },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *const with[] = { ENABLE, "jirapat_realm",
			rows[i].policy, NO_MORE };
		const char *asked = rows[i].asked;

		boot_from("ours stock", with);
		realm = rows[i].own;
		assert_int_equal(plain("", rows[i].name, TOKEN).code,
		    asked != NULL ? SASL_OK : SASL_BADAUTH);
		assert_int_equal(seen_count, asked != NULL);
		assert_string_equal(seen.user, asked != NULL ? asked : "");
	}
	realm = NULL;
}

/* The answer is "alice"; the service's name for her must be the same one. */
static void
a_name_learnt_from_the_token_passes_the_realm_policy(void **unused)
{
	struct login login;

	(void)unused;
	realm = "jira";
	BOOT(ENABLE);
	assert_int_equal(SAY("OAUTHBEARER", BEARER("")).code, SASL_BADAUTH);
	BOOT(ENABLE, "jirapat_realm", "strip");
	login = SAY("OAUTHBEARER", BEARER(""));
	assert_int_equal(login.code, SASL_OK);
	assert_string_equal(login.authid, "alice@jira");
	realm = NULL;
}

static void
names_are_canonical_before_they_are_verified(void **unused)
{
	struct login login;

	(void)unused;
	BOOT(ENABLE);
	login = plain("", "  alice ", TOKEN);
	assert_int_equal(login.code, SASL_OK);
	assert_string_equal(seen.user, "alice");
	assert_string_equal(login.authid, "alice");
}

static void
an_authzid_is_for_the_service_to_allow(void **unused)
{
	static const struct {
		const char *authzid, *authcid;
		int code;
	} rows[] = {
		{ "alice", "alice", SASL_OK },
		{ "bob", "boss", SASL_OK },
		{ "bob", "alice", SASL_NOAUTHZ },
		{ "boss", "alice", SASL_NOAUTHZ },
		{ "alice", "denied", SASL_BADAUTH },
		{ "  ", "boss", SASL_BADAUTH },
	};

	(void)unused;
	BOOT(ENABLE);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct login login =
		    plain(rows[i].authzid, rows[i].authcid, TOKEN);

		assert_int_equal(login.code, rows[i].code);
		if (login.code == SASL_OK) {
			assert_string_equal(login.user, rows[i].authzid);
			assert_string_equal(login.authid, rows[i].authcid);
			assert_string_equal(seen.user, rows[i].authcid);
		}
	}
}

/* --- Passwords ------------------------------------------------------------ */

static void
with_fallback_a_password_gets_in_beside_tokens(void **unused)
{
	(void)unused;
	BOOT(ENABLE, "jirapat_fallback", "yes", "pwcheck_method", "auxprop");
	assert_int_equal(PLAIN("\0alice\0" PASSWORD), SASL_OK);
	assert_int_equal(seen_count, 0);
	assert_int_equal(log_in("alice", PASSWORD).code, SASL_OK);
	assert_int_equal(seen_count, 0);
	assert_int_equal(PLAIN(ALICE), SASL_OK);
	assert_int_equal(seen_count, 1);
	/* Wrong ones of both kinds; what has a token's shape is patd's. */
	assert_int_equal(PLAIN("\0alice\0hunter2"), SASL_BADAUTH);
	assert_int_equal(PLAIN("\0nobody\0hunter2"), SASL_BADAUTH);
	assert_int_equal(seen_count, 0);
	assert_int_equal(PLAIN("\0alice\0" BAD_CRC), SASL_BADAUTH);
	assert_int_equal(seen_count, 1);
	/* A bearer is no password. */
	assert_int_equal(
	    SAY("XOAUTH2", "user=alice\1auth=Bearer hunter2\1\1").code,
	    SASL_BADAUTH);
	assert_int_equal(seen_count, 1);
}

static void
without_fallback_no_password_gets_in(void **unused)
{
	(void)unused;
	BOOT(ENABLE, "pwcheck_method", "auxprop");
	assert_int_equal(PLAIN("\0alice\0" PASSWORD), SASL_BADAUTH);
	assert_int_equal(seen_count, 1);
	assert_int_equal(log_in("alice", PASSWORD).code, SASL_BADAUTH);
	assert_int_equal(seen_count, 1);
}

static void
a_password_check_that_is_down_is_unavailability(void **unused)
{
	(void)unused;
	BOOT(ENABLE, "jirapat_fallback", "yes", "pwcheck_method", "saslauthd",
	    "saslauthd_path", "/nonexistent/mux");
	assert_int_equal(PLAIN("\0alice\0" PASSWORD), SASL_UNAVAIL);
	assert_int_equal(PLAIN(ALICE), SASL_OK);
}

/* --- The host ------------------------------------------------------------- */

static void *
log_in_often(void *arg)
{
	int *wrong = arg;

	for (int i = 0; i < ROUNDS; i++) {
		sasl_conn_t *conn = NULL;
		const char *out;
		unsigned int len;
		bool right = i % 2 == 0;

		if (sasl_server_new("imap", "h", NULL, NULL, NULL, NULL, 0,
		        &conn) != SASL_OK ||
		    sasl_server_start(conn, "PLAIN",
		        right ? "\0alice\0" TOKEN : "\0denied\0" TOKEN,
		        right ? 7 + sizeof(TOKEN) - 1 : 8 + sizeof(TOKEN) - 1,
		        &out, &len) != (right ? SASL_OK : SASL_BADAUTH))
			(*wrong)++;
		sasl_dispose(&conn);
	}
	return NULL;
}

static void
threads_get_their_own_answers_and_leak_nothing(void **unused)
{
	pthread_t threads[THREADS];
	int wrong[THREADS] = { 0 };
	int fds;

	(void)unused;
	BOOT(ENABLE);
	assert_int_equal(PLAIN(ALICE), SASL_OK);
	fake_patd_settle(patd);
	fds = fake_open_fds();
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, log_in_often, &wrong[i]),
		    0);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(wrong[i], 0);
	}
	fake_patd_settle(patd);
	assert_int_equal(fake_open_fds(), fds);
}

/* svnserve: the parent has loaded the plugin, each child serves one client. */
static void
a_child_that_was_forked_serves(void **unused)
{
	(void)unused;
	BOOT(ENABLE);
	assert_int_equal(PLAIN(ALICE), SASL_OK);
	for (int i = 0; i < 3; i++) {
		int status = -1;
		pid_t pid = fork();

		if (pid == 0)
			_exit(PLAIN(ALICE) == SASL_OK &&
			              plain("", "denied", TOKEN).code ==
			                  SASL_BADAUTH
			          ? 0
			          : 1);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
}

/* A token that stands nowhere in this program. */
static const struct trace trace = { "3xIwT9vQ8LkZr2MbYc5Hn7JdSg1FaPoE0uKi6Xt",
	39 };

/* Puts "FRONT token BACK" into `message`; returns its length. */
static size_t
put_secret(char *message, const char *front, size_t front_len, const char *back)
{
	memcpy(message, front, front_len);
	trace_put(&trace, message + front_len);
	memcpy(message + front_len + trace.len, back, strlen(back));
	return front_len + trace.len + strlen(back);
}

struct traced {
	const char *mechanism;
	const char *front;
	size_t front_len;
	const char *back;
};

/* A login with it; what the client has of it is wiped. */
static int
traced_login(void *arg)
{
	const struct traced *traced = arg;
	char message[256];
	const char *const messages[] = { NULL, "secretive", message };
	const size_t len =
	    put_secret(message, traced->front, traced->front_len, traced->back);
	const size_t lens[] = { 0, strlen("secretive"), len };
	struct login login = strcmp(traced->mechanism, "LOGIN") == 0
	                         ? talk(traced->mechanism, messages, lens, 3)
	                         : say(traced->mechanism, message, len);
	bool found = trace_count(&trace) >= 1; /* the counting works */

	explicit_bzero(message, sizeof(message));
	return found ? login.code : SASL_FAIL;
}

static int
secret_login(const char *mechanism, const char *front, size_t front_len,
    const char *back, int wanted)
{
	struct traced traced = { mechanism, front, front_len, back };

	return trace_act(traced_login, &traced) == wanted ? trace_count(&trace)
	                                                  : 99;
}

#define SECRET_LOGIN(mechanism, front, back, wanted)                           \
	secret_login(mechanism, front, sizeof(front) - 1, back, wanted)

/* In a child: the fake, which learns the token, is not in its memory. */
static int
secret_logins(void)
{
	return SECRET_LOGIN("PLAIN", "\0secretive\0", "", SASL_OK) +
	       SECRET_LOGIN("PLAIN", "\0denied\0", "", SASL_BADAUTH) +
	       SECRET_LOGIN("PLAIN", "\0x\0x\0", "", SASL_BADPROT) +
	       SECRET_LOGIN("LOGIN", "", "", SASL_OK) +
	       SECRET_LOGIN("OAUTHBEARER", "n,a=secretive,\1auth=Bearer ",
	           "\1\1", SASL_OK) +
	       SECRET_LOGIN(
	           "XOAUTH2", "user=secretive\1auth=Bearer ", "\1\1", SASL_OK) +
	       SECRET_LOGIN("XOAUTH2", "user=secretive\1auth=Bearer ", "\1",
	           SASL_BADPROT);
}

static void
no_copy_of_a_token_is_left_in_the_host(void **unused)
{
	int status = -1;
	pid_t pid;

	(void)unused;
	BOOT(ENABLE);
	pid = fork();
	if (pid == 0)
		_exit(secret_logins());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static int
set_up(void **unused)
{
	(void)unused;
	patd = fake_patd_start(socket_path, answer, NULL);
	make_password();
	return 0;
}

static int
tear_down(void **unused)
{
	(void)unused;
	sasl_server_done();
	fake_patd_stop(patd);
	return 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_service_that_does_not_enable_it_gets_nothing),
		cmocka_unit_test(yes_and_no_have_their_usual_spellings),
		cmocka_unit_test(
		    the_listed_mechanisms_are_registered_and_no_others),
		cmocka_unit_test(each_mechanism_can_be_switched_off),
		cmocka_unit_test(
		    it_comes_before_the_stock_mechanisms_in_any_order),
		cmocka_unit_test(it_does_not_pretend_to_encrypt),
		cmocka_unit_test(a_wrong_option_makes_each_login_unavailable),
		cmocka_unit_test(each_option_of_the_plugin_was_tried),
		cmocka_unit_test(
		    an_option_that_is_wrong_later_makes_its_login_unavailable),
		cmocka_unit_test(
		    a_wrong_option_beside_others_makes_none_of_them_void),
		cmocka_unit_test(
		    a_wrong_option_leaves_a_service_without_stock_mechanisms_its_own),
		cmocka_unit_test(the_right_token_gets_in_by_each_mechanism),
		cmocka_unit_test(initial_responses_are_optional),
		cmocka_unit_test(patd_learns_the_service_and_the_address),
		cmocka_unit_test(every_no_is_the_same_no),
		cmocka_unit_test(a_bearer_is_told_and_then_refused),
		cmocka_unit_test(no_second_try_in_one_login),
		cmocka_unit_test(malformed_messages_do_not_reach_patd),
		cmocka_unit_test(unavailability_has_its_own_code),
		cmocka_unit_test(a_realm_is_kept_stripped_or_required),
		cmocka_unit_test(
		    a_name_learnt_from_the_token_passes_the_realm_policy),
		cmocka_unit_test(names_are_canonical_before_they_are_verified),
		cmocka_unit_test(an_authzid_is_for_the_service_to_allow),
		cmocka_unit_test(
		    with_fallback_a_password_gets_in_beside_tokens),
		cmocka_unit_test(without_fallback_no_password_gets_in),
		cmocka_unit_test(a_token_in_place_of_a_name_is_in_no_line),
		cmocka_unit_test(
		    a_password_check_that_is_down_is_unavailability),
		cmocka_unit_test(
		    threads_get_their_own_answers_and_leak_nothing),
		cmocka_unit_test(a_child_that_was_forked_serves),
		cmocka_unit_test(no_copy_of_a_token_is_left_in_the_host),
	};

	if (argc != 2 ||
	    jp_field_set(scratch, sizeof(scratch), argv[1]) != JP_ERR_OK)
		return 2;
	(void)snprintf(
	    socket_path, sizeof(socket_path), "%s/verify.sock", scratch);
	(void)snprintf(sasldb, sizeof(sasldb), "%s/sasldb2", scratch);
	if (UNDER_ASAN)
		leave_out("no_copy_*", "memory that may not be looked at");
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
