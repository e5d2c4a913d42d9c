/*
 * The built pam_jira_pat.so under the real libpam, with service files of its
 * own by pam_wrapper: tests/pam/test_module.sh sets that up. Where pam_wrapper
 * is not loaded, pam_start_confdir() names them. The conversation is scripted;
 * patd is a fake that answers by the user's name.
 *
 *     test_module --services FOLDER    writes the service files
 *     test_module FOLDER               runs the tests
 */
#include "config.h"

#include <dlfcn.h>
#include <fcntl.h>
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
#include <syslog.h>
#include <unistd.h>

#include <cmocka.h>
#include <security/pam_appl.h>
#include <security/pam_ext.h>
#include <security/pam_modules.h>

#include "common/wire/client.h"
#include "tests/fake_patd.h"
#include "tests/hosts.h"
#include "tests/leave_out.h"
#include "tests/spellings.h"
#include "tests/traces.h"

#define TOKEN "jpat_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD"
#define BAD_CRC "jpat_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpE"
#define PASSWORD "correct horse"
#define LONG_SERVICE                                                           \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

enum { NOBODY = 65534, THREADS = 8, ROUNDS = 200, LONGEST = 4096 };

/*
 * %M: the module with its socket; %H: the one that spawns this build's patd;
 * %W: pam_wrapper's modules; %D: the scratch folder.
 */
static const struct {
	const char *name;
	const char *lines;
} services[] = {
	{ "other",
	    "auth required pam_deny.so\naccount required pam_deny.so\n" },
	{ LONG_SERVICE, "auth required %M\n" },
	{ LONG_SERVICE "y", "auth required %M\n" },
	{ "tokens", "auth required %M\naccount required %M\n" },
	{ "debug", "auth required %M debug\naccount required %M debug\n" },
	{ "defaults", "auth required %M try_first_pass debug unknown=fail "
	              "config=/nonexistent timeout=60\n" },
	{ "prompt", "auth required %M [prompt=Jira token %%s: ]\n" },
	{ "fast", "auth required %M timeout=1\n" },
	{ "unknown", "auth required %M unknown=pass\n" },
	{ "account", "auth required %M account=user\n"
	             "account required %M account=user\n" },
	{ "account-gone", "account required %M account=user "
	                  "socket=/nonexistent/verify.sock\n" },
	{ "no-daemon", "auth required %M socket=/nonexistent/verify.sock\n" },
	/* What it spawns finds no configuration, and leaves. */
	{ "one-shot", "auth required %H socket=/nonexistent/verify.sock "
	              "config=/nonexistent/jira-pat.conf timeout=60\n" },
	/* A permitting module in front: PAM_IGNORE would let it decide. */
	{ "trap", "auth required %W/pam_set_items.so\n"
	          "auth required %M timeout=1\n" },
	{ "use", "auth required %W/pam_set_items.so\n"
	         "auth required %M use_first_pass\n" },
	{ "try", "auth required %W/pam_set_items.so\n"
	         "auth required %M try_first_pass\n" },
	{ "behind", "auth required %M\nauth required %W/pam_get_items.so\n" },
	{ "twice", "auth sufficient %M socket=/nonexistent/verify.sock\n"
	           "auth required %M use_first_pass\n" },
	{ "sufficient",
	    "auth sufficient %M\n"
	    "auth required %W/pam_matrix.so passdb=%D/passdb\n"
	    "account [success=done new_authtok_reqd=done ignore=ignore "
	    "default=die] %M\n"
	    "account required %W/pam_matrix.so passdb=%D/passdb\n" },
	{ "separate", "auth [success=done user_unknown=ignore default=die] %M "
	              "unknown=pass\n"
	              "auth required %W/pam_matrix.so passdb=%D/passdb\n" },
	{ "jump", "auth [success=2 default=ignore] %M\n"
	          "auth [success=1 default=ignore] %W/pam_matrix.so "
	          "passdb=%D/passdb\n"
	          "auth requisite %W/pam_matrix.so passdb=/dev/null\n"
	          "auth required %W/pam_set_items.so\n" },
};

/* Arguments that are refused: each becomes the service "wrong-N". */
static const char *const wrong_arguments[] = { "nonsense", "Debug", "debug=1",
	"debug=", "try_first_pass=yes", "use_first_pass=", "socket",
	"socket=", "socket=relative/sock", "config=relative", "config",
	"timeout=", "timeout=0", "timeout=61", "timeout=100", "timeout=-1",
	"timeout=+1", "timeout=1s", "timeout=1.5", "timeout", "prompt",
	"prompt=", "unknown=ignore", "unknown", "unknown=PASS",
	"one_shot=", "one_shot", "one_shot=1", "account", "account=yes", "=",
	"scope=read", "time" };

enum { WRONG_COUNT = sizeof(wrong_arguments) / sizeof(wrong_arguments[0]) };

static char scratch[64];
static char socket_path[96];
static char services_path[96];
static struct fake_patd *patd;

/* What the fake saw, and what the module logged. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct jp_request seen;
static int seen_count;
static char logged[16384];
static int log_lines;

/* In place of libpam's: the module's lines come here. */
__attribute__((visibility("default"))) void
pam_syslog(const pam_handle_t *pamh, int priority, const char *format, ...)
{
	va_list args;
	size_t len;

	(void)pamh;
	(void)priority;
	(void)pthread_mutex_lock(&lock);
	len = strlen(logged);
	va_start(args, format);
	(void)vsnprintf(logged + len, sizeof(logged) - len, format, args);
	va_end(args);
	log_lines++;
	(void)pthread_mutex_unlock(&lock);
}

static bool accept_all; /* by a patd gone mad */

static int
decide(const struct jp_request *request)
{
	if (accept_all)
		return JP_ACCEPT;
	return strcmp(request->token.text, TOKEN) == 0 ? JP_ACCEPT : JP_DENY;
}

/* While a question is asked: sockets that a program would inherit. */
static int inheritable;

static void
count_inheritable(void)
{
	struct stat status;
	int count = 0;

	for (int fd = STDERR_FILENO + 1; fd < 64; fd++)
		count += fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode) &&
		         (fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0;
	inheritable = count;
}

static int
answer(void *arg, const struct jp_request *request, uint8_t *bytes)
{
	static const struct {
		const char *user;
		enum jp_verdict verdict;
		const char *answered; /* NULL: no answer at all */
		int instead;
	} rows[] = {
		{ "secretive", JP_ACCEPT, "secretive", 0 },
		{ "mixed-up", JP_ACCEPT, "mallory", 0 },
		{ "prefixed", JP_ACCEPT, "prefix", 0 },
		{ "Case", JP_ACCEPT, "case", 0 },
		{ "nameless", JP_ACCEPT, "", 0 },
		{ "overloaded", JP_UNAVAILABLE, "", 0 },
		{ "denied", JP_DENY, "", 0 },
		{ "may", JP_MAY, "may", 0 },
		{ "may-other", JP_MAY, "may", 0 },
		{ "lacking", JP_DENY, "lacking", 0 },
		{ "lacks", JP_DENY, "lack", 0 },
		{ "silent", JP_DENY, NULL, FAKE_SILENT },
		{ "hangup", JP_DENY, NULL, FAKE_CLOSE },
		{ "short", JP_DENY, NULL, 3 },
	};
	enum jp_verdict verdict = (enum jp_verdict)decide(request);

	(void)arg;
	(void)pthread_mutex_lock(&lock);
	seen = *request;
	seen_count++;
	count_inheritable();
	(void)pthread_mutex_unlock(&lock);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(rows[i].user, request->user) != 0)
			continue;
		if (rows[i].answered == NULL)
			return rows[i].instead;
		return fake_reply(
		    request, rows[i].verdict, rows[i].answered, bytes);
	}
	return fake_reply(
	    request, verdict, verdict == JP_ACCEPT ? request->user : "", bytes);
}

/* The answer is the token of `trace`, which is as long. */
static const char TRACE[] = "the answer is a token that is traced...";

/* A scripted conversation, and what was asked in it. */
struct talk {
	const char *text; /* the answer to every prompt */
	size_t len;       /* of it, if it holds a NUL; else 0 */
	int rc;           /* of the conversation function, if not success */
	bool no_array;    /* success, without answers */
	bool no_text;     /* success, with an answer of NULL */
	int prompts;      /* without echo */
	int names;        /* with echo */
	int others;       /* messages */
	char prompt[64];
};

/* A token that stands nowhere in this program. */
static const struct trace trace = { "3xIwT9vQ8LkZr2MbYc5Hn7JdSg1FaPoE0uKi6Xt",
	39 };

static char *
duplicate(const struct talk *talk)
{
	size_t len = talk->len > 0 ? talk->len : strlen(talk->text);
	char *copy = calloc(1, len + 1);

	if (copy != NULL && talk->text == TRACE)
		trace_put(&trace, copy);
	else if (copy != NULL)
		memcpy(copy, talk->text, len);
	return copy;
}

static int
converse(int count, const struct pam_message **messages,
    struct pam_response **responses, void *arg)
{
	struct talk *talk = arg;
	int style = messages[0]->msg_style;

	*responses = NULL;
	talk->prompts += style == PAM_PROMPT_ECHO_OFF;
	talk->names += style == PAM_PROMPT_ECHO_ON;
	talk->others +=
	    count != 1 || style == PAM_TEXT_INFO || style == PAM_ERROR_MSG;
	(void)snprintf(
	    talk->prompt, sizeof(talk->prompt), "%s", messages[0]->msg);
	if (talk->rc != PAM_SUCCESS || talk->no_array)
		return talk->rc;
	*responses = calloc((size_t)count, sizeof(**responses));
	if (*responses == NULL)
		return PAM_BUF_ERR;
	if (!talk->no_text)
		(*responses)[0].resp = duplicate(talk);
	return PAM_SUCCESS;
}

/* A transaction, to be ended with pam_end(). */
static pam_handle_t *
start(const char *service, const char *user, struct talk *talk)
{
	const struct pam_conv conv = { converse, talk };
	pam_handle_t *pamh = NULL;
	int rc;

	if (getenv("PAM_WRAPPER") != NULL)
		rc = pam_start(service, user, &conv, &pamh);
	else
		rc = pam_start_confdir(
		    service, user, &conv, services_path, &pamh);
	if (rc != PAM_SUCCESS)
		abort();
	return pamh;
}

/* What pam_authenticate() says; the fake and the log start anew. */
static int
login_talk(const char *service, const char *user, struct talk *talk)
{
	pam_handle_t *pamh = start(service, user, talk);
	int rc;

	seen_count = 0;
	memset(&seen, 0, sizeof(seen));
	logged[0] = '\0';
	log_lines = 0;
	rc = pam_authenticate(pamh, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
	(void)pam_end(pamh, rc);
	assert_int_not_equal(rc, PAM_IGNORE);
	assert_int_equal(talk->others, 0);
	assert_null(strstr(logged,
	    talk->text != NULL && *talk->text != '\0' ? talk->text : TOKEN));
	return rc;
}

static int
login(const char *service, const char *user, const char *text)
{
	struct talk talk = { .text = text };
	int rc = login_talk(service, user, &talk);

	assert_true(talk.prompts <= 1);
	return rc;
}

static void
the_right_token_passes(void **unused)
{
	struct talk talk = { .text = TOKEN };
	pam_handle_t *pamh = start("tokens", "alice", &talk);

	(void)unused;
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
	assert_int_equal(pam_setcred(pamh, PAM_DELETE_CRED), PAM_SUCCESS);
	assert_int_equal(pam_end(pamh, PAM_SUCCESS), PAM_SUCCESS);
	assert_int_equal(seen.front, JP_FRONT_PAM);
	assert_string_equal(seen.user, "alice");
	assert_string_equal(seen.token.text, TOKEN);
	assert_string_equal(seen.service, "tokens");
	assert_string_equal(seen.rhost, "");
}

/* patd names the user of a good token in a denial: just his own counts. */
static void
a_token_that_lacks_a_right_is_permission_denied(void **unused)
{
	(void)unused;
	assert_int_equal(login("tokens", "lacking", TOKEN), PAM_PERM_DENIED);
	assert_int_equal(login("unknown", "lacking", TOKEN), PAM_PERM_DENIED);
	assert_int_equal(login("tokens", "lacks", TOKEN), PAM_AUTH_ERR);
	assert_int_equal(login("tokens", "denied", TOKEN), PAM_AUTH_ERR);
}

static void
a_wrong_token_is_an_authentication_error(void **unused)
{
	(void)unused;
	assert_int_equal(login("tokens", "alice", "wrong"), PAM_AUTH_ERR);
	assert_int_equal(login("tokens", "alice", BAD_CRC), PAM_AUTH_ERR);
	assert_int_equal(login("tokens", "denied", TOKEN), PAM_AUTH_ERR);
	assert_int_equal(seen_count, 1);
}

static void
there_is_one_prompt_and_its_text_can_be_set(void **unused)
{
	struct talk talk = { .text = TOKEN };

	(void)unused;
	assert_int_equal(login_talk("tokens", "alice", &talk), PAM_SUCCESS);
	assert_int_equal(talk.prompts, 1);
	assert_int_equal(talk.names, 0);
	assert_string_equal(talk.prompt, "Password: ");
	talk = (struct talk){ .text = TOKEN };
	assert_int_equal(login_talk("prompt", "alice", &talk), PAM_SUCCESS);
	assert_int_equal(talk.prompts, 1);
	assert_string_equal(talk.prompt, "Jira token %s: ");
}

/* CVE-2011-4120, CVE-2021-31924. */
static void
a_conversation_that_fails_never_goes_on(void **unused)
{
	static const char *const with[] = { "tokens", "unknown", "trap" };
	struct talk talks[] = {
		{ .no_array = true },
		{ .no_text = true },
		{ .rc = PAM_CONV_ERR },
		{ .rc = PAM_CONV_AGAIN },
		{ .rc = PAM_ABORT },
		{ .rc = PAM_IGNORE },
		{ .rc = PAM_NEW_AUTHTOK_REQD },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(talks) / sizeof(talks[0]); i++) {
		for (size_t j = 0; j < 3; j++) {
			struct talk talk = talks[i];
			int rc = login_talk(with[j], "alice", &talk);

			assert_true(
			    rc == PAM_CONV_ERR || rc == PAM_AUTHTOK_ERR);
			assert_int_equal(talk.prompts, 1);
			assert_int_equal(seen_count, 0);
		}
	}
}

/* The name is asked for by libpam, where the application gave none. */
static void
a_name_that_cannot_be_had_never_goes_on(void **unused)
{
	static const int codes[] = { PAM_CONV_ERR, PAM_IGNORE,
		PAM_NEW_AUTHTOK_REQD, PAM_USER_UNKNOWN, PAM_ABORT };

	(void)unused;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		struct talk talk = { .rc = codes[i] };

		assert_int_equal(login_talk("trap", NULL, &talk), PAM_CONV_ERR);
		assert_int_equal(talk.prompts, 0);
		assert_int_equal(seen_count, 0);
	}
}

static void
an_empty_token_or_user_is_refused_without_patd(void **unused)
{
	struct talk talk = { .text = TOKEN };

	(void)unused;
	assert_int_equal(login("tokens", "alice", ""), PAM_AUTH_ERR);
	assert_int_equal(seen_count, 0);
	assert_int_equal(login("unknown", "alice", ""), PAM_AUTH_ERR);
	assert_int_equal(login_talk("tokens", "", &talk), PAM_AUTH_ERR);
	assert_int_equal(talk.prompts, 0);
	assert_int_equal(seen_count, 0);
}

/* CVE-2020-10595, CVE-2015-9542: lengths around every buffer. */
static void
a_token_of_512_bytes_or_more_is_refused_without_patd(void **unused)
{
	static const size_t lens[] = { 1, 49, 51, 255, 256, 510, 511, 512, 513,
		1023, 1024, LONGEST };
	char text[LONGEST + 1];

	(void)unused;
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		memset(text, 'a', lens[i]);
		text[lens[i]] = '\0';
		assert_int_equal(login("tokens", "eve", text), PAM_AUTH_ERR);
		assert_int_equal(seen_count, lens[i] <= JP_SECRET_MAX);
		if (seen_count == 1)
			assert_string_equal(seen.token.text, text);
	}
}

/* CVE-2022-43995: a password of less than 8 bytes was read beyond its end. */
static void
each_length_of_a_token_is_read_to_its_end_and_no_further(void **unused)
{
	char text[600 + 1];

	(void)unused;
	for (size_t len = 1; len < sizeof(text); len++) {
		memset(text, 'a', len);
		text[len] = '\0';
		assert_int_equal(login("tokens", "eve", text), PAM_AUTH_ERR);
		assert_int_equal(seen_count, len <= JP_SECRET_MAX);
		assert_int_equal(
		    seen.token.len, len <= JP_SECRET_MAX ? len : 0);
	}
}

/* CVE-2019-12210: a descriptor went on to the programs that the host starts. */
static void
no_descriptor_of_a_question_goes_to_another_program(void **unused)
{
	(void)unused;
	inheritable = -1;
	assert_int_equal(login("tokens", "alice", TOKEN), PAM_SUCCESS);
	assert_int_equal(inheritable, 0);
}

static void
every_byte_of_a_token_arrives(void **unused)
{
	char text[256] = { 0 };

	(void)unused;
	for (unsigned int i = 0; i < 255; i++)
		text[i] = (char)(unsigned char)(i + 1);
	assert_int_equal(login("tokens", "eve", text), PAM_AUTH_ERR);
	assert_int_equal(seen.token.len, 255);
	assert_memory_equal(seen.token.text, text, 255);
}

/* PAM's answers are C strings: the rest is nobody's to see. */
static void
an_answer_ends_at_its_first_nul(void **unused)
{
	static const char text[] = TOKEN "\0rest";
	struct talk talk = { .text = text, .len = sizeof(text) };

	(void)unused;
	assert_int_equal(login_talk("tokens", "alice", &talk), PAM_SUCCESS);
	assert_int_equal(seen.token.len, strlen(TOKEN));
	talk = (struct talk){ .text = "\0x", .len = 2 };
	assert_int_equal(login_talk("tokens", "alice", &talk), PAM_AUTH_ERR);
	assert_int_equal(seen_count, 0);
}

static void
names_of_up_to_255_bytes_go_to_patd_as_they_are(void **unused)
{
	static const char *const names[] = { "-x", "a:b", "../../etc/shadow",
		"a\nb", "\xff\xfe", "a b", "%s%n", "\"'\\", "ALICE" };
	char name[LONGEST + 1];

	(void)unused;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(login("tokens", names[i], TOKEN), PAM_SUCCESS);
		assert_string_equal(seen.user, names[i]);
	}
	for (size_t len = 254; len <= LONGEST; len += len < 258 ? 1 : 1279) {
		memset(name, 'u', len);
		name[len] = '\0';
		assert_int_equal(login("tokens", name, TOKEN),
		    len <= JP_USER_MAX ? PAM_SUCCESS : PAM_AUTH_ERR);
		assert_int_equal(seen_count, len <= JP_USER_MAX);
	}
}

static void
an_answer_for_another_user_is_unavailability(void **unused)
{
	static const char *const users[] = { "mixed-up", "prefixed", "Case",
		"nameless" };

	(void)unused;
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
		assert_int_equal(
		    login("tokens", users[i], TOKEN), PAM_AUTHINFO_UNAVAIL);
		assert_int_equal(seen_count, 1);
	}
}

static void
unavailability_has_its_own_code(void **unused)
{
	(void)unused;
	assert_int_equal(
	    login("tokens", "overloaded", TOKEN), PAM_AUTHINFO_UNAVAIL);
	assert_int_equal(
	    login("tokens", "hangup", TOKEN), PAM_AUTHINFO_UNAVAIL);
	assert_int_equal(login("tokens", "short", TOKEN), PAM_AUTHINFO_UNAVAIL);
	assert_int_equal(
	    login("no-daemon", "alice", TOKEN), PAM_AUTHINFO_UNAVAIL);
	assert_int_equal(seen_count, 0);
}

static void
a_patd_that_is_gone_is_unavailability(void **unused)
{
	(void)unused;
	fake_patd_stop(patd);
	assert_int_equal(login("tokens", "alice", TOKEN), PAM_AUTHINFO_UNAVAIL);
	assert_int_equal(login("trap", "alice", TOKEN), PAM_AUTHINFO_UNAVAIL);
	patd = fake_patd_start(socket_path, answer, NULL);
	assert_int_equal(login("tokens", "alice", TOKEN), PAM_SUCCESS);
}

static void
the_timeout_holds_without_an_answer(void **unused)
{
	int64_t begin = jp_now_ms();
	int64_t took;

	(void)unused;
	assert_int_equal(login("fast", "silent", TOKEN), PAM_AUTHINFO_UNAVAIL);
	took = jp_now_ms() - begin;
	assert_true(took >= 1000);
	assert_true(took < 2800);
}

static void
as_root_a_patd_of_another_user_gets_no_byte(void **unused)
{
	pid_t pid;
	int rc;

	(void)unused;
	fake_patd_stop(patd);
	pid = fake_foreign_start(socket_path, NOBODY);
	rc = login("fast", "alice", TOKEN);
	assert_int_equal(fake_foreign_stop(pid), 0);
	patd = fake_patd_start(socket_path, answer, NULL);
	assert_int_equal(rc, PAM_AUTHINFO_UNAVAIL);
}

/* CVE-2025-23013: no failure may leave the word to the module in front. */
static void
no_failure_lets_another_module_decide(void **unused)
{
	static const char *const users[] = { "denied", "overloaded", "hangup",
		"short", "mixed-up", "silent", "" };

	(void)unused;
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++)
		assert_int_not_equal(
		    login("trap", users[i], TOKEN), PAM_SUCCESS);
	assert_int_not_equal(login("trap", "alice", ""), PAM_SUCCESS);
	assert_int_equal(login("trap", "alice", TOKEN), PAM_SUCCESS);
}

static void
wrong_arguments_are_service_errors_and_named(void **unused)
{
	char service[32];

	(void)unused;
	for (size_t i = 0; i < WRONG_COUNT; i++) {
		struct talk talk = { .text = TOKEN };
		pam_handle_t *pamh;

		(void)snprintf(service, sizeof(service), "wrong-%zu", i);
		assert_int_equal(
		    login_talk(service, "alice", &talk), PAM_SERVICE_ERR);
		assert_non_null(strstr(logged, wrong_arguments[i]));
		assert_int_equal(talk.prompts, 0);
		assert_int_equal(seen_count, 0);
		pamh = start(service, "alice", &talk);
		assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_SERVICE_ERR);
		assert_int_equal(pam_setcred(pamh, 0), PAM_SUCCESS);
		(void)pam_end(pamh, 0);
	}
	assert_int_equal(login("defaults", "alice", TOKEN), PAM_SUCCESS);
}

static void
unknown_pass_keeps_passwords_inside(void **unused)
{
	char text[256] = { 0 };

	(void)unused;
	memset(text, '\xff', 255);
	assert_int_equal(login("unknown", "bob", PASSWORD), PAM_USER_UNKNOWN);
	assert_int_equal(seen_count, 0);
	assert_int_equal(login("unknown", "bob", text), PAM_USER_UNKNOWN);
	assert_int_equal(seen_count, 0);
	assert_int_equal(login("unknown", "bob", TOKEN "x"), PAM_USER_UNKNOWN);
	assert_int_equal(seen_count, 0);
	assert_int_equal(login("unknown", "bob", BAD_CRC), PAM_AUTH_ERR);
	assert_int_equal(seen_count, 1);
	assert_int_equal(login("unknown", "bob", TOKEN), PAM_SUCCESS);
	assert_int_equal(login("tokens", "bob", PASSWORD), PAM_AUTH_ERR);
	assert_int_equal(seen_count, 1);
}

static int
login_after(const char *service, const char *first_pass, int *prompts)
{
	struct talk talk = { .text = TOKEN };
	int rc;

	if (first_pass != NULL)
		(void)setenv("PAM_AUTHTOK", first_pass, 1);
	rc = login_talk(service, "alice", &talk);
	(void)unsetenv("PAM_AUTHTOK");
	*prompts = talk.prompts;
	return rc;
}

static void
the_token_of_an_earlier_module_is_taken(void **unused)
{
	static const char *const with[] = { "use", "try", "trap" };
	int prompts;

	(void)unused;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(
		    login_after(with[i], TOKEN, &prompts), PAM_SUCCESS);
		assert_int_equal(prompts, 0);
		assert_int_equal(
		    login_after(with[i], "wrong", &prompts), PAM_AUTH_ERR);
		assert_int_equal(prompts, 0);
		assert_string_equal(seen.token.text, "wrong");
		assert_int_equal(
		    login_after(with[i], "", &prompts), PAM_AUTH_ERR);
		assert_int_equal(prompts, 0);
	}
}

static void
only_use_first_pass_fails_without_an_earlier_module(void **unused)
{
	int prompts;

	(void)unused;
	assert_int_equal(login_after("use", NULL, &prompts), PAM_AUTH_ERR);
	assert_int_equal(prompts, 0);
	assert_int_equal(seen_count, 0);
	assert_int_equal(login_after("try", NULL, &prompts), PAM_SUCCESS);
	assert_int_equal(prompts, 1);
	assert_int_equal(login_after("trap", NULL, &prompts), PAM_SUCCESS);
	assert_int_equal(prompts, 1);
}

/* Also what was refused: its try_first_pass is not to prompt again. */
static void
a_later_module_finds_what_was_typed(void **unused)
{
	struct talk talk = { .text = TOKEN };
	pam_handle_t *pamh = start("behind", "alice", &talk);

	(void)unused;
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_string_equal(pam_getenv(pamh, "PAM_AUTHTOK"), TOKEN);
	assert_int_equal(talk.prompts, 1);
	(void)pam_end(pamh, 0);
	talk = (struct talk){ .text = BAD_CRC };
	pamh = start("behind", "alice", &talk);
	assert_int_equal(pam_authenticate(pamh, 0), PAM_AUTH_ERR);
	assert_string_equal(pam_getenv(pamh, "PAM_AUTHTOK"), BAD_CRC);
	(void)pam_end(pamh, 0);
	assert_int_equal(login("twice", "alice", TOKEN), PAM_SUCCESS);
}

struct door {
	const char *service;
	const char *user;
	const char *text;
	bool opens;
	bool asks_patd;
};

/* bob has a local password; alice is an SSO user without. */
static void
stacks_open_to_tokens_and_local_passwords_only(void **unused)
{
	static const struct door doors[] = {
		{ "sufficient", "alice", TOKEN, true, true },
		{ "sufficient", "bob", TOKEN, true, true },
		{ "sufficient", "bob", PASSWORD, true, true },
		{ "sufficient", "alice", BAD_CRC, false, true },
		{ "sufficient", "bob", BAD_CRC, false, true },
		{ "sufficient", "overloaded", TOKEN, false, true },
		{ "sufficient", "mixed-up", TOKEN, false, true },
		{ "separate", "alice", TOKEN, true, true },
		{ "separate", "bob", PASSWORD, true, false },
		{ "separate", "bob", BAD_CRC, false, true },
		{ "separate", "alice", PASSWORD, false, false },
		{ "separate", "overloaded", TOKEN, false, true },
		{ "jump", "alice", TOKEN, true, true },
		{ "jump", "bob", PASSWORD, true, true },
		{ "jump", "alice", BAD_CRC, false, true },
		{ "jump", "overloaded", TOKEN, false, true },
		{ "sufficient", "lacking", TOKEN, false, true },
		{ "separate", "lacking", TOKEN, false, true },
		{ "jump", "lacking", TOKEN, false, true },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(doors) / sizeof(doors[0]); i++) {
		struct talk talk = { .text = doors[i].text };
		int rc = login_talk(doors[i].service, doors[i].user, &talk);

		assert_int_equal(rc == PAM_SUCCESS, doors[i].opens);
		assert_int_equal(seen_count, doors[i].asks_patd);
	}
}

/* With unknown=pass and default=die, a token reaches no other module. */
static void
a_refused_token_can_be_kept_from_later_modules(void **unused)
{
	(void)unused;
	/* login() fails at a second prompt, which pam_matrix makes. */
	assert_int_equal(login("separate", "bob", BAD_CRC), PAM_AUTH_ERR);
	assert_int_equal(
	    login("separate", "overloaded", TOKEN), PAM_AUTHINFO_UNAVAIL);
	assert_int_equal(login("separate", "lacking", TOKEN), PAM_PERM_DENIED);
}

/* What pam_acct_mgmt() says after a login, 0 for none, of `user`. */
static int
account(const char *service, const char *user, const char *text)
{
	struct talk talk = { .text = text };
	pam_handle_t *pamh = start(service, user, &talk);
	int rc;

	if (text != NULL)
		(void)pam_authenticate(pamh, 0);
	rc = pam_acct_mgmt(pamh, 0);
	(void)pam_end(pamh, rc);
	return rc;
}

static void
account_management_knows_only_whom_it_accepted(void **unused)
{
	(void)unused;
	assert_int_equal(account("tokens", "alice", TOKEN), PAM_SUCCESS);
	assert_int_equal(account("tokens", "alice", NULL), PAM_PERM_DENIED);
	assert_int_equal(account("tokens", "alice", "bad"), PAM_PERM_DENIED);
	assert_int_equal(account("sufficient", "alice", TOKEN), PAM_SUCCESS);
	assert_int_equal(account("sufficient", "bob", PASSWORD), PAM_SUCCESS);
	assert_int_not_equal(account("sufficient", "alice", NULL), PAM_SUCCESS);
	assert_int_not_equal(
	    account("sufficient", "mixed-up", TOKEN), PAM_SUCCESS);
}

static void
an_acceptance_holds_for_its_user_and_until_the_next_try(void **unused)
{
	struct talk talk = { .text = TOKEN };
	pam_handle_t *pamh = start("tokens", "alice", &talk);

	(void)unused;
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_set_item(pamh, PAM_USER, "root"), PAM_SUCCESS);
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED);
	assert_int_equal(pam_set_item(pamh, PAM_USER, "alice"), PAM_SUCCESS);
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	talk.text = "wrong";
	assert_int_equal(pam_authenticate(pamh, 0), PAM_AUTH_ERR);
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED);
	talk.rc = PAM_CONV_ERR;
	assert_int_not_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED);
	(void)pam_end(pamh, 0);
}

/* CVE-2009-0361's class. */
static void
setcred_alone_opens_nothing(void **unused)
{
	struct talk talk = { .text = TOKEN };
	pam_handle_t *pamh = start("tokens", "alice", &talk);

	(void)unused;
	(void)pam_setcred(pamh, PAM_ESTABLISH_CRED);
	(void)pam_setcred(pamh, PAM_REINITIALIZE_CRED);
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED);
	assert_int_equal(talk.prompts, 0);
	(void)pam_end(pamh, 0);
}

typedef int (*entry)(pam_handle_t *, int, int, const char **);

/* An application that calls the module past libpam has no module's rights. */
static void
entries_called_past_libpam_open_nothing(void **unused)
{
	static const char *const path = "JP_PAM_MODULE";
	const char *argv[] = { "one_shot=no", NULL };
	struct talk talk = { .text = TOKEN };
	pam_handle_t *pamh = start("tokens", "alice", &talk);
	void *module = dlopen(getenv(path), RTLD_NOW);
	entry authenticate;
	entry acct_mgmt;

	(void)unused;
	assert_non_null(module);
	*(void **)&authenticate = dlsym(module, "pam_sm_authenticate");
	*(void **)&acct_mgmt = dlsym(module, "pam_sm_acct_mgmt");
	assert_non_null(authenticate);
	assert_non_null(acct_mgmt);
	assert_int_equal(acct_mgmt(pamh, 0, 1, argv), PAM_IGNORE);
	for (int i = 0; i < 2; i++) {
		int rc = authenticate(pamh, 0, 1, argv);

		assert_int_not_equal(rc, PAM_SUCCESS);
		assert_int_not_equal(rc, PAM_IGNORE);
	}
	assert_int_equal(acct_mgmt(pamh, 0, 1, argv), PAM_IGNORE);
	(void)pam_end(pamh, 0);
	(void)dlclose(module);
}

static void
an_address_is_passed_on_and_other_text_as_it_is(void **unused)
{
	static const struct {
		const char *rhost;
		const char *passed;
	} rows[] = {
		{ "192.0.2.7", "192.0.2.7" },
		{ "2001:db8::1", "2001:db8::1" },
		{ "::ffff:192.0.2.7", "::ffff:192.0.2.7" },
		{ "192.0.2.7:51234", "192.0.2.7" },
		{ "[2001:db8::1]:443", "2001:db8::1" },
		{ "fe80::1%eth0", "fe80::1" },
		{ "[::1]", "::1" },
		{ "localhost", "localhost" },
		{ "192.0.2.7.example.org", "192.0.2.7.example.org" },
		{ " 192.0.2.7", " 192.0.2.7" },
		{ "192.0.2.7, 10.0.0.1", "192.0.2.7, 10.0.0.1" },
		{ "", "" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct talk talk = { .text = TOKEN };
		pam_handle_t *pamh = start("tokens", "alice", &talk);

		assert_int_equal(
		    pam_set_item(pamh, PAM_RHOST, rows[i].rhost), PAM_SUCCESS);
		memset(&seen, 0xff, sizeof(seen));
		assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
		assert_string_equal(seen.rhost, rows[i].passed);
		(void)pam_end(pamh, 0);
	}
}

static void
a_service_name_too_long_to_pass_on_is_refused(void **unused)
{
	(void)unused;
	assert_int_equal(login(LONG_SERVICE, "alice", TOKEN), PAM_SUCCESS);
	assert_string_equal(seen.service, LONG_SERVICE);
	assert_int_equal(login(LONG_SERVICE "y", "alice", TOKEN), PAM_AUTH_ERR);
	assert_int_equal(seen_count, 0);
	assert_non_null(strstr(logged, "service name is too long"));
}

static void
flags_change_nothing(void **unused)
{
	static const int flags[] = { 0, PAM_SILENT, PAM_DISALLOW_NULL_AUTHTOK };

	(void)unused;
	for (size_t i = 0; i < 3; i++) {
		struct talk talk = { .text = "" };
		pam_handle_t *pamh = start("tokens", "alice", &talk);

		assert_int_equal(
		    pam_authenticate(pamh, flags[i]), PAM_AUTH_ERR);
		assert_int_equal(pam_end(pamh, 0), PAM_SUCCESS);
		assert_int_equal(talk.others, 0);
	}
}

/* login_talk() looks for the token in every log line of every test. */
static void
log_lines_hold_escaped_names_and_no_token(void **unused)
{
	(void)unused;
	assert_int_equal(login("debug", "alice", TOKEN), PAM_SUCCESS);
	assert_non_null(strstr(logged, "accepted; user=\"alice\""));
	assert_int_equal(login("tokens", "alice", TOKEN), PAM_SUCCESS);
	assert_int_equal(log_lines, 0);
	assert_int_equal(login("debug", "a\nb\"\xff\\%s", "no"), PAM_AUTH_ERR);
	assert_non_null(strstr(logged, "denied; user=\"a\\x0ab\\x22\\xff"
	                               "\\x5c%s\""));
	assert_int_equal(log_lines, 1);
}

static void
a_token_in_any_item_is_in_no_line(void **unused)
{
	static const char *const with[] = { "tokens", "debug", "no-daemon" };
	struct talk talk = { .text = "no" };

	(void)unused;
	logged[0] = '\0';
	for (size_t i = 0; i < SPELLINGS_COUNT; i++) {
		for (size_t j = 0; j < sizeof(with) / sizeof(with[0]); j++) {
			pam_handle_t *pamh =
			    start(with[j], spellings[i], &talk);

			(void)pam_set_item(pamh, PAM_RHOST, spellings[i]);
			(void)pam_set_item(pamh, PAM_RUSER, spellings[i]);
			(void)pam_set_item(pamh, PAM_TTY, spellings[i]);
			(void)pam_authenticate(pamh, 0);
			(void)pam_end(pamh, PAM_SUCCESS);
		}
	}
	assert_non_null(strstr(logged, "jpat_D4oBwk0S_***"));
	assert_null(strstr(logged, SPELLINGS_SECRET));
}

struct worker {
	pthread_t thread;
	int wrong;
};

static void *
many_transactions(void *arg)
{
	struct worker *worker = arg;

	for (int i = 0; i < ROUNDS; i++) {
		bool good = i % 2 == 0;
		struct talk talk = { .text = good ? TOKEN : "wrong" };
		pam_handle_t *pamh = start("tokens", "alice", &talk);
		int auth = pam_authenticate(pamh, PAM_SILENT);
		int acct = pam_acct_mgmt(pamh, PAM_SILENT);

		if (auth != (good ? PAM_SUCCESS : PAM_AUTH_ERR) ||
		    acct != (good ? PAM_SUCCESS : PAM_PERM_DENIED) ||
		    talk.prompts != 1)
			worker->wrong++;
		(void)pam_end(pamh, auth);
	}
	return NULL;
}

static void
eight_threads_get_their_own_answers_and_leak_nothing(void **unused)
{
	struct worker workers[THREADS] = { 0 };
	int before;
	int wrong = 0;

	(void)unused;
	assert_int_equal(login("tokens", "alice", TOKEN), PAM_SUCCESS);
	fake_patd_settle(patd);
	before = fake_open_fds();
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&workers[i].thread, NULL,
		                     many_transactions, &workers[i]),
		    0);
	for (size_t i = 0; i < THREADS; i++) {
		(void)pthread_join(workers[i].thread, NULL);
		wrong += workers[i].wrong;
	}
	assert_int_equal(wrong, 0);
	fake_patd_settle(patd);
	assert_int_equal(fake_open_fds(), before);
}

/* Writes `lines` with their % filled in. */
/* In a host: pam_wrapper would leave its copies behind. */
static bool
is_unavailable_at_once(void *arg)
{
	(void)arg;
	(void)unsetenv("PAM_WRAPPER");
	return login("one-shot", "alice", TOKEN) == PAM_AUTHINFO_UNAVAIL &&
	       strstr(logged, "unexpected message") != NULL;
}

static void
as_root_no_host_hears_of_a_spawned_patd(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < HOST_COUNT; i++)
		assert_string_equal(
		    host_run(i, is_unavailable_at_once, NULL), "fine");
}

struct traced {
	const char *service;
	const char *user;
};

static int
traced_login(void *arg)
{
	const struct traced *traced = arg;

	return login(traced->service, traced->user, TRACE);
}

/* In a child, as the fake learns the token: how many copies a login leaves. */
static int
copies_left(const char *service, const char *user, int wanted)
{
	struct traced traced = { service, user };

	return trace_act(traced_login, &traced) == wanted ? trace_count(&trace)
	                                                  : 99;
}

static int
secret_logins(void)
{
	char found[64] = { 0 };

	trace_put(&trace, found);
	if (trace_count(&trace) != 1) /* the counting works */
		return 98;
	explicit_bzero(found, sizeof(found));
	(void)unsetenv("PAM_WRAPPER"); /* it would leave copies */
	return copies_left("tokens", "secretive", PAM_SUCCESS) +
	       copies_left("debug", "secretive", PAM_SUCCESS) +
	       copies_left("tokens", "denied", PAM_AUTH_ERR) +
	       copies_left("tokens", "overloaded", PAM_AUTHINFO_UNAVAIL) +
	       copies_left("tokens", "hangup", PAM_AUTHINFO_UNAVAIL) +
	       copies_left("fast", "silent", PAM_AUTHINFO_UNAVAIL) +
	       copies_left("no-daemon", "alice", PAM_AUTHINFO_UNAVAIL) +
	       copies_left("unknown", "alice", PAM_USER_UNKNOWN) +
	       copies_left(LONG_SERVICE "y", "alice", PAM_AUTH_ERR);
}

static void
no_copy_of_a_token_is_left_in_the_host(void **unused)
{
	int status = -1;
	pid_t pid;

	(void)unused;
	if (UNDER_ASAN) {
		print_message("# memory that may not be looked at\n");
		return;
	}
	pid = fork();
	if (pid == 0)
		_exit(secret_logins());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* What account management says of a user who gave no token. */
static int
account_of(const char *service, const char *user)
{
	struct talk talk = { .text = TOKEN };
	pam_handle_t *pamh = start(service, user, &talk);
	int rc;

	seen_count = 0;
	rc = pam_acct_mgmt(pamh, 0);
	(void)pam_end(pamh, rc);
	assert_int_equal(talk.prompts + talk.names + talk.others, 0);
	return rc;
}

static void
account_user_asks_whether_the_user_may_without_a_token(void **unused)
{
	static const struct {
		const char *user;
		int rc;
	} rows[] = {
		{ "may", PAM_SUCCESS },
		{ "denied", PAM_PERM_DENIED },
		{ "overloaded", PAM_AUTHINFO_UNAVAIL },
		{ "hangup", PAM_AUTHINFO_UNAVAIL }, /* an old patd */
		{ "alice", PAM_AUTHINFO_UNAVAIL },  /* never an acceptance */
		{ "may-other", PAM_AUTHINFO_UNAVAIL },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		accept_all = true;
		assert_int_equal(
		    account_of("account", rows[i].user), rows[i].rc);
		accept_all = false;
		assert_int_equal(seen_count, 1);
		assert_true(seen.account);
		assert_int_equal(seen.token.len, 0);
		assert_string_equal(seen.service, "account");
		assert_int_equal(account_of("tokens", rows[i].user),
		    PAM_PERM_DENIED); /* IGNORE, alone in its stack */
		assert_int_equal(seen_count, 0);
	}
	assert_int_equal(
	    account_of("account-gone", "may"), PAM_AUTHINFO_UNAVAIL);
}

static void
may_is_no_acceptance_and_acceptance_needs_no_second_question(void **unused)
{
	struct talk talk = { .text = TOKEN };
	pam_handle_t *pamh = start("account", "alice", &talk);

	(void)unused;
	assert_int_equal(login("account", "may", TOKEN), PAM_AUTHINFO_UNAVAIL);
	seen_count = 0;
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_false(seen.account);
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	assert_int_equal(seen_count, 1);
	(void)pam_end(pamh, PAM_SUCCESS);
}

static void
write_service(const char *folder, const char *name, const char *lines)
{
	char path[256];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/services/%s", folder, name);
	file = fopen(path, "w");
	if (file == NULL)
		abort();
	for (const char *at = lines; *at != '\0'; at++) {
		if (*at != '%')
			(void)fputc(*at, file);
		else if (*++at == 'M')
			(void)fprintf(file,
			    "%s one_shot=no socket=%s/verify.sock",
			    getenv("JP_PAM_MODULE"), folder);
		else if (*at == 'H')
			(void)fputs(getenv("JP_PAM_HERE"), file);
		else if (*at == 'W')
			(void)fputs(getenv("JP_PAM_HELPERS"), file);
		else if (*at == 'D')
			(void)fputs(folder, file);
		else
			(void)fputc(*at, file);
	}
	(void)fclose(file);
}

static int
write_services(const char *folder)
{
	char path[256];
	char name[32];
	char lines[256];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/services", folder);
	if (mkdir(path, 0700) != 0)
		return 1;
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		write_service(folder, services[i].name, services[i].lines);
	for (size_t i = 0; i < WRONG_COUNT; i++) {
		(void)snprintf(name, sizeof(name), "wrong-%zu", i);
		(void)snprintf(lines, sizeof(lines),
		    "auth required %%M %s\naccount required %%M %s\n",
		    wrong_arguments[i], wrong_arguments[i]);
		write_service(folder, name, lines);
	}
	(void)snprintf(path, sizeof(path), "%s/passdb", folder);
	file = fopen(path, "w");
	if (file == NULL)
		return 1;
	(void)fputs("bob:" PASSWORD ":sufficient\n"
	            "bob:" PASSWORD ":separate\n"
	            "bob:" PASSWORD ":jump\n",
	    file);
	return fclose(file) != 0;
}

static int
start_patd(void **unused)
{
	(void)unused;
	patd = fake_patd_start(socket_path, answer, NULL);
	return 0;
}

static int
stop_patd(void **unused)
{
	(void)unused;
	fake_patd_stop(patd);
	return 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_right_token_passes),
		cmocka_unit_test(
		    a_token_that_lacks_a_right_is_permission_denied),
		cmocka_unit_test(a_wrong_token_is_an_authentication_error),
		cmocka_unit_test(there_is_one_prompt_and_its_text_can_be_set),
		cmocka_unit_test(a_conversation_that_fails_never_goes_on),
		cmocka_unit_test(a_name_that_cannot_be_had_never_goes_on),
		cmocka_unit_test(
		    an_empty_token_or_user_is_refused_without_patd),
		cmocka_unit_test(
		    a_token_of_512_bytes_or_more_is_refused_without_patd),
		cmocka_unit_test(
		    each_length_of_a_token_is_read_to_its_end_and_no_further),
		cmocka_unit_test(
		    no_descriptor_of_a_question_goes_to_another_program),
		cmocka_unit_test(every_byte_of_a_token_arrives),
		cmocka_unit_test(an_answer_ends_at_its_first_nul),
		cmocka_unit_test(
		    names_of_up_to_255_bytes_go_to_patd_as_they_are),
		cmocka_unit_test(an_answer_for_another_user_is_unavailability),
		cmocka_unit_test(unavailability_has_its_own_code),
		cmocka_unit_test(a_patd_that_is_gone_is_unavailability),
		cmocka_unit_test(the_timeout_holds_without_an_answer),
		cmocka_unit_test(as_root_no_host_hears_of_a_spawned_patd),
		cmocka_unit_test(as_root_a_patd_of_another_user_gets_no_byte),
		cmocka_unit_test(no_failure_lets_another_module_decide),
		cmocka_unit_test(wrong_arguments_are_service_errors_and_named),
		cmocka_unit_test(unknown_pass_keeps_passwords_inside),
		cmocka_unit_test(the_token_of_an_earlier_module_is_taken),
		cmocka_unit_test(
		    only_use_first_pass_fails_without_an_earlier_module),
		cmocka_unit_test(a_later_module_finds_what_was_typed),
		cmocka_unit_test(
		    stacks_open_to_tokens_and_local_passwords_only),
		cmocka_unit_test(
		    a_refused_token_can_be_kept_from_later_modules),
		cmocka_unit_test(
		    account_management_knows_only_whom_it_accepted),
		cmocka_unit_test(
		    an_acceptance_holds_for_its_user_and_until_the_next_try),
		cmocka_unit_test(setcred_alone_opens_nothing),
		cmocka_unit_test(entries_called_past_libpam_open_nothing),
		cmocka_unit_test(
		    an_address_is_passed_on_and_other_text_as_it_is),
		cmocka_unit_test(a_service_name_too_long_to_pass_on_is_refused),
		cmocka_unit_test(flags_change_nothing),
		cmocka_unit_test(log_lines_hold_escaped_names_and_no_token),
		cmocka_unit_test(a_token_in_any_item_is_in_no_line),
		cmocka_unit_test(
		    account_user_asks_whether_the_user_may_without_a_token),
		cmocka_unit_test(
		    may_is_no_acceptance_and_acceptance_needs_no_second_question),
		cmocka_unit_test(
		    eight_threads_get_their_own_answers_and_leak_nothing),
		cmocka_unit_test(no_copy_of_a_token_is_left_in_the_host),
	};

	if (argc == 3 && strcmp(argv[1], "--services") == 0)
		return write_services(argv[2]);
	if (argc != 2 ||
	    jp_field_set(scratch, sizeof(scratch), argv[1]) != JP_ERR_OK)
		return 2;
	(void)snprintf(
	    socket_path, sizeof(socket_path), "%s/verify.sock", scratch);
	(void)snprintf(
	    services_path, sizeof(services_path), "%s/services", scratch);
	if (geteuid() != 0)
		leave_out("as_root_*", "not root");
	return cmocka_run_group_tests(tests, start_patd, stop_patd);
}
