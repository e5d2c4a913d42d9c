/*
 * The service files in /etc/pam.d that take tokens, and `other`, which libpam
 * reads with every one of them.
 */
#include "tools/doctor/servers.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tools/doctor/pam_services.h"
#include "tools/doctor/traps.h"

static const char module[] = "pam_jira_pat.so";
static const char default_socket[] = "/run/jira-pat/verify.sock";

static const char *const own_arguments[] = { "socket", "config", "timeout",
	"try_first_pass", "use_first_pass", "prompt", "unknown", "debug",
	"one_shot", "account" };

/* What one service file has. */
struct stack {
	struct config_scan *scan;
	const char *file;
	unsigned int auth_line, account_line; /* of our module; 0: none */
	char socket[JP_UNIX_PATH_MAX + 1];    /* where the last line asks */
	bool open;           /* a token that is refused goes on */
	bool last;           /* no other module stands behind ours in `auth` */
	bool account_user;   /* account=user */
	bool account_others; /* modules besides ours in `account` */
	bool session;        /* a line for it */
};

/* One line: `type control module arguments`, or `@include file`. */
struct entry {
	const char *type, *control, *path;
	const char *name; /* of the module, behind the last slash */
	char *arguments;
};

/* The control may be `[a=b c=d]`; `#` begins a comment wherever it stands. */
static bool
split_entry(char *at, struct entry *entry)
{
	char *control;

	at[strcspn(at, "#")] = '\0';
	entry->type = config_word(&at);
	if (entry->type == NULL)
		return false;
	at += strspn(at, " \t");
	control = at;
	if (*control == '[') {
		at = strchrnul(at, ']');
		if (*at != '\0')
			*at++ = '\0';
		entry->control = control;
	} else {
		entry->control = config_word(&at);
	}
	entry->path = config_word(&at);
	if (entry->type[0] == '-')
		entry->type++;
	if (entry->control == NULL)
		return false;
	entry->name = entry->path;
	if (entry->path != NULL && strrchr(entry->path, '/') != NULL)
		entry->name = strrchr(entry->path, '/') + 1;
	entry->arguments = at;
	return true;
}

static bool
is_type(const struct entry *entry, const char *type)
{
	return strcasecmp(entry->type, type) == 0;
}

/* With `sufficient` or `optional` a refusal does not end the stack. */
static bool
is_open(const char *control)
{
	return strcasecmp(control, "sufficient") == 0 ||
	       strcasecmp(control, "optional") == 0 ||
	       strstr(control, "default=ignore") != NULL ||
	       strstr(control, "auth_err=ignore") != NULL;
}

static bool
module_there(const struct config_scan *scan, const char *path)
{
	static const char *const dirs[] = { "/lib/security/",
		"/lib/*/security/", "/lib64/security/", "/usr/lib/security/",
		"/usr/lib/*/security/", "/usr/lib64/security/" };
	char pattern[CONFIG_PATH_MAX];

	if (path[0] == '/')
		return config_type(scan, path) == S_IFREG;
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		(void)snprintf(pattern, sizeof(pattern), "%s%s", dirs[i], path);
		if (config_any(scan, pattern))
			return true;
	}
	return false;
}

/* Up to its `=`; `[prompt=Your token: ]` is one argument, too. */
static void
take_argument(struct stack *stack, const char *argument, unsigned int line)
{
	size_t count = sizeof(own_arguments) / sizeof(own_arguments[0]);
	char name[32];

	stack->account_user |= strcmp(argument, "account=user") == 0;
	if (strncmp(argument, "socket=", 7) == 0)
		(void)snprintf(
		    stack->socket, sizeof(stack->socket), "%s", argument + 7);
	(void)snprintf(
	    name, sizeof(name), "%.*s", (int)strcspn(argument, "=]"), argument);
	for (size_t i = 0; i < count; i++)
		if (strcmp(name, own_arguments[i]) == 0)
			return;
	trap_report(stack->scan, TRAP_PAM_ARGUMENT, stack->file, line, name);
}

static void
take_arguments(struct stack *stack, char *at, unsigned int line)
{
	const char *argument;

	for (;;) {
		at += strspn(at, " \t");
		if (*at == '[') {
			argument = at + 1;
			at = strchrnul(at, ']');
			at += *at != '\0';
		} else {
			argument = config_word(&at);
		}
		if (argument == NULL)
			return;
		take_argument(stack, argument, line);
	}
}

static void
take_ours(struct stack *stack, const struct entry *entry, unsigned int line)
{
	if (!module_there(stack->scan, entry->path))
		trap_report(
		    stack->scan, TRAP_PAM_MODULE, stack->file, line, NULL);
	(void)snprintf(
	    stack->socket, sizeof(stack->socket), "%s", default_socket);
	take_arguments(stack, entry->arguments, line);
	if (strcasecmp(entry->type, "account") == 0)
		stack->account_line = line;
	if (strcasecmp(entry->type, "auth") != 0)
		return;
	stack->auth_line = line;
	if (stack->scan->doctor->patd &&
	    config_type(stack->scan, stack->socket) != S_IFSOCK)
		trap_report(stack->scan, TRAP_PAM_SOCKET, stack->file, line,
		    stack->socket);
	stack->open = is_open(entry->control);
	stack->last = true;
}

static bool
has_word(char *arguments, const char *wanted)
{
	const char *word;

	while ((word = config_word(&arguments)) != NULL)
		if (strcmp(word, wanted) == 0)
			return true;
	return false;
}

/* A line of another module in the same file. */
static void
take_theirs(struct stack *stack, const struct entry *entry, unsigned int line)
{
	static const char *const silent[] = { "pam_deny.so", "pam_permit.so",
		"pam_warn.so" };

	if (strcasecmp(entry->type, "account") == 0)
		stack->account_others |=
		    strcmp(entry->name, "pam_deny.so") != 0;
	if (strcasecmp(entry->type, "auth") != 0)
		return;
	if (stack->open && stack->last &&
	    strcmp(entry->name, "pam_deny.so") == 0)
		trap_report(stack->scan, TRAP_PAM_UNAVAILABLE, stack->file,
		    stack->auth_line, NULL);
	stack->last = false;
	if (strcmp(entry->name, "pam_unix.so") == 0 &&
	    !has_word(entry->arguments, "nodelay"))
		trap_report(
		    stack->scan, TRAP_PAM_NODELAY, stack->file, line, NULL);
	for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++)
		if (strcmp(entry->name, silent[i]) == 0)
			return;
	if (stack->auth_line != 0 && stack->open)
		trap_report(stack->scan, TRAP_PAM_NEXT, stack->file,
		    stack->auth_line, NULL);
}

/* `@include FILE`: Debian's common-auth and the like. */
static void
take_include(struct stack *stack, const struct entry *entry)
{
	if (strcasecmp(entry->type, "@include") != 0)
		return;
	stack->account_others |= strstr(entry->control, "account") != NULL;
	stack->session |= strstr(entry->control, "session") != NULL;
	stack->last &= strstr(entry->control, "auth") == NULL;
	if (strstr(entry->control, "auth") != NULL && stack->auth_line != 0 &&
	    stack->open)
		trap_report(stack->scan, TRAP_PAM_NEXT, stack->file,
		    stack->auth_line, NULL);
}

/*
 * The first line with a carriage return, 0 if there is none. libpam takes it as
 * a part of the last word, and a line that has nothing else as a type that it
 * does not know. In a comment it does no harm.
 */
static unsigned int
crlf_line(const char *text)
{
	unsigned int line = 1;

	for (const char *at = text; *at != '\0'; at++) {
		if (*at == '\r')
			return line;
		if (*at == '#')
			at += strcspn(at, "\n") - 1;
		line += *at == '\n';
	}
	return 0;
}

static void
report_crlf(
    struct config_scan *scan, const struct config_text *text, unsigned int line)
{
	if (line != 0)
		trap_report(scan, TRAP_PAM_CRLF, text->path, line, NULL);
}

static void
add_stack(const struct stack *stack)
{
	const struct pam_service service = {
		.line = stack->auth_line,
		.only_tokens = stack->account_line != 0 &&
		               !stack->account_user && !stack->account_others,
		.session = stack->session,
	};

	pam_service_add(stack->scan, stack->file, &service);
}

static void
take_service(void *arg, const struct config_text *text)
{
	struct stack stack = { .scan = arg, .file = text->path };
	struct config_lines lines = { text->text, CONFIG_JOIN, 0, 0 };
	unsigned int crlf = crlf_line(text->text);
	char *start;

	if (strstr(text->text, module) == NULL) {
		stack.scan->files--;
		return;
	}
	while ((start = config_line(&lines)) != NULL) {
		struct entry entry;

		if (!split_entry(start, &entry))
			continue;
		stack.session |= is_type(&entry, "session");
		if (entry.path == NULL)
			take_include(&stack, &entry);
		else if (strcmp(entry.name, module) == 0)
			take_ours(&stack, &entry, lines.line);
		else
			take_theirs(&stack, &entry, lines.line);
	}
	if (stack.auth_line != 0 || stack.account_line != 0)
		report_crlf(stack.scan, text, crlf);
	if (stack.auth_line != 0)
		add_stack(&stack);
	if (stack.auth_line != 0 && stack.account_line == 0)
		trap_report(stack.scan, TRAP_PAM_ACCOUNT, text->path,
		    stack.auth_line, NULL);
}

/* What a file has of those that it includes. */
struct including {
	const struct pam_service *stack; /* the first one whose `auth` it has */
	unsigned int line;
	bool account_tokens; /* of one whose `account` takes tokens alone */
	bool account_others; /* something else is in `account`, too */
	bool session;        /* a line for it */
};

/* `stack` is the file of this name, if it takes tokens. */
static bool
has_session(const struct entry *entry, const char *name,
    const struct pam_service *stack)
{
	if (!is_type(entry, "@include"))
		return is_type(entry, "session");
	return stack != NULL ? stack->session : strstr(name, "session") != NULL;
}

/* `@include FILE` is for all types: its name tells what Debian's files are for.
 */
static void
take_included(struct including *including, const struct config_scan *scan,
    const struct entry *entry, unsigned int line)
{
	const char *name = entry->path == NULL ? entry->control : entry->path;
	const struct pam_service *stack = pam_service_find(scan, name);
	bool all = is_type(entry, "@include");

	if (entry->path == NULL && !all)
		return; /* a line that names no module */
	including->session |= has_session(entry, name, stack);
	if (stack == NULL) {
		including->account_others |=
		    all ? strstr(name, "account") != NULL
		        : is_type(entry, "account") &&
		              strcmp(entry->name, "pam_deny.so") != 0;
		return;
	}
	if (all || is_type(entry, "account"))
		including->account_tokens |= stack->only_tokens;
	if (including->stack == NULL && (all || is_type(entry, "auth"))) {
		including->stack = stack;
		including->line = line;
	}
}

/*
 * A file that includes one that takes tokens: `@include FILE`, or `auth include
 * FILE` and `auth substack FILE`.
 */
static void
take_including(void *arg, const struct config_text *text)
{
	struct config_scan *scan = arg;
	struct config_lines lines = { text->text, CONFIG_JOIN, 0, 0 };
	struct including including = { .stack = NULL };
	unsigned int crlf = crlf_line(text->text);
	struct entry entry;
	char *start;

	scan->files--; /* the included one has been counted */
	if (pam_service_find(scan, strrchr(text->path, '/') + 1) != NULL)
		return;
	while ((start = config_line(&lines)) != NULL)
		if (split_entry(start, &entry))
			take_included(&including, scan, &entry, lines.line);
	if (including.stack == NULL)
		return;
	pam_service_add(scan, text->path,
	    &(struct pam_service){
	        .line = including.line,
	        .only_tokens =
	            including.account_tokens && !including.account_others,
	        .session = including.session,
	    });
	report_crlf(scan, text, crlf);
}

/* Any line that does something else than to refuse. */
static void
take_other(void *arg, const struct config_text *text)
{
	struct config_scan *scan = arg;
	struct config_lines lines = { text->text, CONFIG_JOIN, 0, 0 };
	char *start;

	while ((start = config_line(&lines)) != NULL) {
		struct entry entry;

		if (!split_entry(start, &entry))
			continue;
		if (entry.path != NULL &&
		    (strcmp(entry.name, "pam_deny.so") == 0 ||
		        strcmp(entry.name, "pam_warn.so") == 0))
			continue;
		trap_report(scan, TRAP_PAM_OTHER, text->path, lines.line, NULL);
		return;
	}
}

void
doctor_read_pam(struct config_scan *scan)
{
	size_t known;

	config_each(scan, "/etc/pam.d/*", take_service, scan);
	do {
		known = scan->services->len;
		config_each(scan, "/etc/pam.d/*", take_including, scan);
	} while (scan->services->len > known);
	if (scan->files > 0)
		config_each(scan, "/etc/pam.d/other", take_other, scan);
}
