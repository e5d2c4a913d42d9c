/*
 * The PAM module under the real libpam, each line of the input one thing:
 *
 *     the module's arguments, as in a service file
 *     the user; "?": to be asked for
 *     the remote host; "": unknown
 *     what an earlier module has asked for; "": nothing
 *     the conversation: a letter for what goes wrong in it, or "=", and the
 *         answer to each prompt
 *     who listens on verify.sock, faults, and patd's answer (calls.h)
 *
 * Nobody comes in unless patd has said so, in one well-formed answer to just
 * this question; the module never says PAM_IGNORE; the token goes only to whom
 * it may, and into no log; nothing is left open; and it ends in time.
 */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <security/pam_appl.h>
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/calls.h"
#include "tests/fuzz/pam_bridge.h"

#define TOKEN "jpat_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD"

/* Each opens a file of /proc/self/fd as that of its service. */
#define CONFDIR "/proc/self/fd"

enum {
	ARGUMENTS_MAX = 900, /* libpam takes no longer line */
	GRACE_MS = 1000,
	TIMEOUT_MAX_MS = 60000,
};

/* A transaction. */
struct host {
	struct pam_bridge bridge; /* first: see there */
	struct calls calls;
	struct script_text arguments, user, rhost, earlier, talk;
	unsigned int prompts;
	int authenticated, accounted; /* what the module says; -1: not asked */
	bool let_in;                  /* by authenticate */
	char log[8192];
};

static struct host *host; /* for what libpam does not tell whose it is */

/* ---- libpam's functions, which may fail ---- */

FUZZ_WRAP(int, pam_get_user, pam_handle_t *pamh, const char **user,
    const char *prompt)
{
	return calls_fails(CALL_user) ? PAM_CONV_ERR
	                              : __real_pam_get_user(pamh, user, prompt);
}

/* Where it does not fail it may still have nothing. */
FUZZ_WRAP(int, pam_get_authtok, pam_handle_t *pamh, int item, const char **text,
    const char *prompt)
{
	int rc = __real_pam_get_authtok(pamh, item, text, prompt);

	if (calls_fails(CALL_authtok))
		*text = NULL;
	return rc;
}

FUZZ_WRAP(
    int, pam_get_item, const pam_handle_t *pamh, int item, const void **value)
{
	return calls_fails(CALL_item) ? PAM_BAD_ITEM
	                              : __real_pam_get_item(pamh, item, value);
}

FUZZ_WRAP(int, pam_set_data, pam_handle_t *pamh, const char *name, void *data,
    void (*cleanup)(pam_handle_t *pamh, void *data, int error_status))
{
	return calls_fails(CALL_set_data)
	           ? PAM_BUF_ERR
	           : __real_pam_set_data(pamh, name, data, cleanup);
}

FUZZ_WRAP(int, pam_get_data, const pam_handle_t *pamh, const char *name,
    const void **data)
{
	return calls_fails(CALL_get_data)
	           ? PAM_NO_MODULE_DATA
	           : __real_pam_get_data(pamh, name, data);
}

/* In place of libpam's. */
void __wrap_pam_syslog(const pam_handle_t *pamh, int priority,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

void
__wrap_pam_syslog(
    const pam_handle_t *pamh, int priority, const char *format, ...)
{
	size_t len = strlen(host->log);
	va_list args;

	(void)pamh;
	(void)priority;
	va_start(args, format);
	(void)vsnprintf(host->log + len, sizeof(host->log) - len, format, args);
	va_end(args);
}

/* ---- what libpam itself does to the machine ---- */

int audit_open(void);
void __syslog_chk(int priority, int flag, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* In place of libaudit's: this kernel has none. */
__attribute__((visibility("default"))) int
audit_open(void)
{
	errno = EPROTONOSUPPORT;
	return -1;
}

/* In place of libc's: what libpam says of broken service files. */
__attribute__((visibility("default"))) void
__syslog_chk(int priority, int flag, const char *format, ...)
{
	(void)priority;
	(void)flag;
	(void)format;
}

/* ---- the application ---- */

/* PAM_SUCCESS without an answer, in two ways, and codes of all kinds. */
static int
converse(int count, const struct pam_message **messages,
    struct pam_response **answers, void *arg)
{
	static const int codes[] = { PAM_CONV_ERR, PAM_BUF_ERR, PAM_IGNORE,
		PAM_AUTH_ERR, PAM_SYSTEM_ERR, -1, 1000 };
	struct host *own = arg;
	char how = own->talk.len > 0 ? own->talk.text[0] : 'a';

	FUZZ_ASSERT(count == 1);
	own->prompts += messages[0]->msg_style == PAM_PROMPT_ECHO_OFF;
	*answers = NULL;
	if (how == 'n')
		return PAM_SUCCESS;
	if (how != '=' && how != 'e')
		return codes[(unsigned char)how % 7];
	*answers = calloc(1, sizeof(**answers));
	FUZZ_ASSERT(*answers != NULL);
	if (how == '=')
		(*answers)->resp = fuzz_text(
		    (const uint8_t *)own->talk.text + 1, own->talk.len - 1);
	return PAM_SUCCESS;
}

/* ---- the module ---- */

static const char *
text_item(const pam_handle_t *pamh, int item)
{
	const void *text = NULL;

	(void)__real_pam_get_item(pamh, item, &text);
	return text != NULL ? text : "";
}

/* The module is between calls_begin() and calls_end(), libpam is not. */
static int
run(pam_bridge_entry *entry, pam_handle_t *pamh, int argc, const char **argv)
{
	int64_t before_ns = host->calls.ns;
	int rc;

	host->calls.asked = host->calls.connected = host->calls.trusted = false;
	host->calls.said_yes = host->calls.said_may = false;
	calls_begin(&host->calls);
	rc = entry(pamh, 0, argc, argv);
	calls_end();
	FUZZ_ASSERT(host->calls.open == 0);
	FUZZ_ASSERT((host->calls.ns - before_ns) / 1000000 <=
	            TIMEOUT_MAX_MS + GRACE_MS);
	return rc;
}

static void
check_question(const pam_handle_t *pamh, enum jp_front front)
{
	const struct jp_request *request = &host->calls.request;

	FUZZ_ASSERT(request->front == front && !request->detailed);
	FUZZ_ASSERT(strcmp(request->user, text_item(pamh, PAM_USER)) == 0);
	FUZZ_ASSERT(request->user[0] != '\0');
}

static int
authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	int rc;

	(void)flags;
	if (host->earlier.len > 0)
		(void)pam_set_item(pamh, PAM_AUTHTOK, host->earlier.text);
	rc = host->authenticated = run(pam_sm_authenticate, pamh, argc, argv);
	FUZZ_ASSERT(rc != PAM_IGNORE && rc != PAM_NEW_AUTHTOK_REQD);
	host->let_in = rc == PAM_SUCCESS;
	if (!host->let_in)
		return rc;
	FUZZ_ASSERT(host->calls.said_yes);
	check_question(pamh, JP_FRONT_PAM);
	FUZZ_ASSERT(host->calls.request.token.len > 0);
	FUZZ_ASSERT(strcmp(host->calls.request.token.text,
	                text_item(pamh, PAM_AUTHTOK)) == 0);
	return rc;
}

static int
acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	int rc = run(pam_sm_acct_mgmt, pamh, argc, argv);

	(void)flags;
	host->accounted = rc;
	FUZZ_ASSERT(rc != PAM_SUCCESS || host->let_in || host->calls.said_may);
	if (host->calls.said_may && rc == PAM_SUCCESS && !host->let_in)
		check_question(pamh, JP_FRONT_PAM);
	return rc;
}

/* ---- a run ---- */

/* The service file of a stack with our module alone; its descriptor. */
static int
write_service(const struct script_text *arguments)
{
	static int fd = -1;
	FILE *file;

	if (fd < 0)
		fd = memfd_create("service", 0);
	FUZZ_ASSERT(fd >= 0 && ftruncate(fd, 0) == 0);
	FUZZ_ASSERT(lseek(fd, 0, SEEK_SET) == 0);
	file = fdopen(dup(fd), "w");
	FUZZ_ASSERT(file != NULL);
	for (const char *type = "auth"; type != NULL;
	     type = type[1] == 'u' ? "account" : NULL)
		(void)fprintf(file, "%s required %s %s\n", type, JP_FUZZ_BRIDGE,
		    arguments->text);
	FUZZ_ASSERT(fclose(file) == 0);
	return fd;
}

static bool
has_token(const struct script_text *text)
{
	return strstr(text->text, TOKEN) != NULL;
}

/* But for what is no secret, since it stands where none belongs. */
static void
check_log(void)
{
	if (!has_token(&host->arguments) && !has_token(&host->user) &&
	    !has_token(&host->rhost))
		FUZZ_ASSERT(strstr(host->log, TOKEN) == NULL);
	FUZZ_ASSERT(strchr(host->log, '\n') == NULL);
}

static void
transact(void)
{
	const struct pam_conv conv = { converse, host };
	bool asks = strcmp(host->user.text, "?") == 0;
	pam_handle_t *pamh = NULL;
	char service[16];
	int rc;

	(void)snprintf(
	    service, sizeof(service), "%d", write_service(&host->arguments));
	rc = pam_start_confdir(
	    service, asks ? NULL : host->user.text, &conv, CONFDIR, &pamh);
	if (rc != PAM_SUCCESS)
		return;
	if (host->rhost.len > 0)
		(void)pam_set_item(pamh, PAM_RHOST, host->rhost.text);
	rc = pam_authenticate(pamh, 0);
	FUZZ_ASSERT((rc == PAM_SUCCESS) == host->let_in);
	rc = pam_acct_mgmt(pamh, 0);
	FUZZ_ASSERT(rc != PAM_SUCCESS || host->let_in || host->calls.said_may);
	FUZZ_ASSERT(host->prompts <= 1);
	(void)pam_end(pamh, rc);
	check_log();
}

/* What the words are cut from: libpam has limits of its own. */
static bool
take(struct script *script)
{
	host->arguments = script_line(script);
	host->user = script_line(script);
	host->rhost = script_line(script);
	host->earlier = script_line(script);
	host->talk = script_line(script);
	host->calls.peer = script_line(script);
	host->calls.faults = script_line(script);
	host->calls.answer = script_rest(script);
	return host->arguments.len < ARGUMENTS_MAX;
}

/* The first run shows that the door is not shut to all. */
static void
show_that_it_opens(void)
{
	static const char input[] =
	    "timeout=1\nalice\n\n\n=" TOKEN "\nroot\n\nv2.=";
	static bool shown;
	size_t opened = 0;

	if (shown)
		return;
	shown = true;
	/* It stays, so that libpam need not map it each time. */
	FUZZ_ASSERT(dlopen(JP_FUZZ_BRIDGE, RTLD_NOW) != NULL);
	(void)LLVMFuzzerTestOneInput((const uint8_t *)input, sizeof(input) - 1);
	opened += host->let_in && host->accounted == PAM_SUCCESS;
	FUZZ_ASSERT(opened == 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct host one;
	struct script script;

	host = &one;
	show_that_it_opens();
	one = (struct host){
		.bridge = { authenticate, pam_sm_setcred, acct_mgmt },
		.authenticated = -1,
		.accounted = -1,
	};
	script = script_begin(data, size);
	if (take(&script))
		transact();
	script_end(&script);
	return 0;
}
