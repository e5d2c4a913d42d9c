/*
 * Apache's configuration, as far as tokens are concerned: Include, Define and
 * IfDefine are followed, so that what is not in force is not judged. IfModule
 * is taken for true, conditions of requests too.
 */
#include "tools/doctor/servers.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tools/doctor/apache_fcgi.h"
#include "tools/doctor/apache_page.h"
#include "tools/doctor/pam_services.h"
#include "tools/doctor/traps.h"

enum {
	DEFINES_MAX = 64,
	NAME_MAX_LEN = 64,
	VALUE_MAX_LEN = 256,
	WORDS_MAX = 16,
	DEPTH_MAX = 16, /* of files that include others */
};

struct define {
	char name[NAME_MAX_LEN];
	char value[VALUE_MAX_LEN];
	unsigned int host; /* the virtual host that defined it; 0: none */
};

struct apache {
	struct config_scan *scan;
	char server_root[VALUE_MAX_LEN];
	struct define defines[DEFINES_MAX];
	size_t define_len;
	unsigned int depth; /* of Include */
	unsigned int limit; /* open <Limit> sections */
	unsigned int skip;  /* open <IfDefine> sections, the outer one false */
	unsigned int host;  /* the virtual host that is read; 0: none */
	unsigned int hosts; /* how many there were */
	uint64_t strange;   /* a bit for each open <IfDefine> section: another
	                       virtual host's definition makes it true */
	bool pam;           /* some section asks PAM */
	bool list;          /* headers that pass are listed somewhere */
	char user_file[VALUE_MAX_LEN]; /* where %{REMOTE_USER} becomes a header
	                                */
	unsigned int user_line;
	char socache[VALUE_MAX_LEN]; /* the file that loads it; "": none */
	unsigned int socache_line;
	struct apache_fcgi fcgi;
	struct apache_page page;
};

struct directive {
	struct apache *apache;
	const char *file;
	unsigned int line;
	char *words[WORDS_MAX]; /* without its name */
	size_t len;
};

static bool
is_strange(const struct apache *apache, const struct define *define)
{
	return define->host != 0 && define->host != apache->host;
}

static struct define *
find_define(struct apache *apache, const char *name, size_t len)
{
	for (size_t i = 0; i < apache->define_len; i++)
		if (strlen(apache->defines[i].name) == len &&
		    memcmp(apache->defines[i].name, name, len) == 0)
			return &apache->defines[i];
	return NULL;
}

/* Writes `word` with each ${NAME} replaced; unknown ones stay. */
static void
expand(struct apache *apache, const char *word, char *room, size_t size)
{
	size_t used = 0;

	while (*word != '\0' && used + 1 < size) {
		const char *end =
		    strncmp(word, "${", 2) == 0 ? strchr(word, '}') : NULL;
		const struct define *define =
		    end != NULL ? find_define(apache, word + 2,
		                      (size_t)(end - word) - 2)
		                : NULL;

		if (define != NULL) {
			(void)snprintf(
			    room + used, size - used, "%s", define->value);
			used += strlen(room + used);
			word = end + 1;
		} else {
			room[used++] = *word++;
		}
	}
	room[used] = '\0';
}

/* ---- Directives ---- */

static void
take_define(const struct directive *directive)
{
	struct apache *apache = directive->apache;
	const char *name = directive->words[0];
	struct define *define = find_define(apache, name, strlen(name));

	if (define == NULL && apache->define_len < DEFINES_MAX)
		define = &apache->defines[apache->define_len++];
	if (define == NULL)
		return;
	(void)snprintf(define->name, sizeof(define->name), "%s", name);
	define->value[0] = '\0';
	define->host = apache->host;
	if (directive->len > 1)
		expand(apache, directive->words[1], define->value,
		    sizeof(define->value));
}

static void
take_undefine(const struct directive *directive)
{
	struct apache *apache = directive->apache;
	const char *name = directive->words[0];
	struct define *define = find_define(apache, name, strlen(name));

	if (define != NULL)
		*define = apache->defines[--apache->define_len];
}

static void
take_server_root(const struct directive *directive)
{
	struct apache *apache = directive->apache;

	expand(apache, directive->words[0], apache->server_root,
	    sizeof(apache->server_root));
}

static void read_file(void *arg, const struct config_text *text);

static void
take_include(const struct directive *directive)
{
	struct apache *apache = directive->apache;
	char path[VALUE_MAX_LEN], whole[CONFIG_PATH_MAX];

	expand(apache, directive->words[0], path, sizeof(path));
	(void)snprintf(whole, sizeof(whole), "%s%s%s",
	    path[0] == '/' ? "" : apache->server_root,
	    path[0] == '/' ? "" : "/", path);
	if (config_type(apache->scan, whole) == S_IFDIR &&
	    strlen(whole) + 2 < sizeof(whole))
		memcpy(whole + strlen(whole), "/*", sizeof("/*"));
	if (apache->depth < DEPTH_MAX)
		config_each(apache->scan, whole, read_file, apache);
}

/* ${NAME}, as a whole word, of another virtual host. */
static bool
word_is_strange(struct apache *apache, const char *word)
{
	const struct define *define;

	if (strncmp(word, "${", 2) != 0)
		return false;
	define = find_define(apache, word + 2, strcspn(word + 2, "}"));
	return define != NULL && is_strange(apache, define);
}

static void
take_service(const struct directive *directive)
{
	struct apache *apache = directive->apache;
	char service[VALUE_MAX_LEN];

	apache->pam = true;
	if (apache->strange != 0 ||
	    word_is_strange(apache, directive->words[0]))
		trap_report(apache->scan, TRAP_APACHE_DEFINE, directive->file,
		    directive->line, directive->words[0]);
	expand(apache, directive->words[0], service, sizeof(service));
	if (apache->limit > 0)
		trap_report(apache->scan, TRAP_APACHE_LIMIT, directive->file,
		    directive->line, NULL);
	if (strpbrk(service, "$@") == NULL) /* no parameter of <Macro> */
		pam_service_named(
		    apache->scan, service, directive->file, directive->line);
}

static void
take_redirect(const struct directive *directive)
{
	trap_report(directive->apache->scan, TRAP_APACHE_EXPIRED,
	    directive->file, directive->line, NULL);
}

static void
take_lookups(const struct directive *directive)
{
	if (strcasecmp(directive->words[0], "off") != 0)
		trap_report(directive->apache->scan, TRAP_APACHE_HOSTNAMES,
		    directive->file, directive->line, NULL);
}

static void
take_module(const struct directive *directive)
{
	struct apache *apache = directive->apache;

	if (strcmp(directive->words[0], "authn_socache_module") != 0)
		return;
	(void)snprintf(
	    apache->socache, sizeof(apache->socache), "%s", directive->file);
	apache->socache_line = directive->line;
}

static void
take_hook(const struct directive *directive)
{
	directive->apache->list = true;
}

/*
 * RequestHeader set NAME "expr=%{REMOTE_USER}", and the like; or with a guard,
 * whose pattern is one of the words.
 */
static void
take_header(const struct directive *directive)
{
	struct apache *apache = directive->apache;

	for (size_t i = 0; i < directive->len; i++)
		trap_guard(apache->scan, TRAP_APACHE_GUARD, directive->words[i],
		    directive->file, directive->line);
	if (directive->len < 3 ||
	    strstr(directive->words[2], "REMOTE_USER") == NULL)
		return;
	(void)snprintf(apache->user_file, sizeof(apache->user_file), "%s",
	    directive->file);
	apache->user_line = directive->line;
}

/* Require pam-account SERVICE: account, without auth. */
static void
take_require(const struct directive *directive)
{
	const struct pam_service *stack;

	if (directive->len < 2 ||
	    strcasecmp(directive->words[0], "pam-account") != 0)
		return;
	stack = pam_service_find(directive->apache->scan, directive->words[1]);
	if (stack != NULL && stack->only_tokens)
		trap_report(directive->apache->scan, TRAP_APACHE_ACCOUNT,
		    directive->file, directive->line, directive->words[1]);
}

static const struct {
	const char *name;
	void (*take)(const struct directive *directive);
} directives[] = {
	{ "AuthPAMExpiredRedirect", take_redirect },
	{ "AuthPAMService", take_service },
	{ "Define", take_define },
	{ "HostnameLookups", take_lookups },
	{ "Include", take_include },
	{ "IncludeOptional", take_include },
	{ "LoadModule", take_module },
	{ "LuaHookAccessChecker", take_hook },
	{ "RequestHeader", take_header },
	{ "Require", take_require },
	{ "ServerRoot", take_server_root },
	{ "UnDefine", take_undefine },
};

/* ---- Sections and lines ---- */

/* `<IfDefine NAME>` or `<IfDefine !NAME>`: whether it holds. */
static bool
condition_holds(struct apache *apache, const char *condition, bool *strange)
{
	bool wanted = condition[0] != '!';
	const char *name = condition + !wanted;
	const struct define *define =
	    find_define(apache, name, strcspn(name, ">"));

	*strange = define != NULL && is_strange(apache, define);
	return (define != NULL) == wanted;
}

static void
take_condition(struct apache *apache, const char *condition)
{
	bool strange = false;

	if (apache->skip > 0 || !condition_holds(apache, condition, &strange))
		apache->skip++;
	else
		apache->strange = apache->strange << 1 | strange;
}

static void
end_condition(struct apache *apache)
{
	if (apache->skip > 0)
		apache->skip--;
	else
		apache->strange >>= 1;
}

/* What stands outside of virtual hosts is judged by itself. */
static void
start_host(struct apache *apache)
{
	apache->host = ++apache->hosts;
	apache_fcgi_end_main(&apache->fcgi);
	apache_page_end_main(&apache->page);
}

static void
end_host(struct apache *apache)
{
	apache->host = 0;
	apache_fcgi_end_host(&apache->fcgi);
	apache_page_end_host(&apache->page);
}

/* Whether what stands in the section `name` is about requests of its own. */
static bool
scopes(const char *name)
{
	static const char *const names[] = { "Directory", "Files", "Location" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strncasecmp(name, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

static void
take_section(struct apache *apache, const char *name, const char *rest)
{
	if (strcasecmp(name, "<IfDefine") == 0)
		take_condition(apache, rest);
	else if (strcasecmp(name, "</IfDefine>") == 0)
		end_condition(apache);
	else if (apache->skip > 0)
		return;
	else if (strcasecmp(name, "<VirtualHost") == 0)
		start_host(apache);
	else if (strcasecmp(name, "</VirtualHost>") == 0)
		end_host(apache);
	else if (scopes(name + 1))
		apache_fcgi_open(&apache->fcgi);
	else if (name[1] == '/' && scopes(name + 2))
		apache_fcgi_close(&apache->fcgi);
	else if (strcasecmp(name, "<Limit") == 0 ||
	         strcasecmp(name, "<LimitExcept") == 0)
		apache->limit++;
	else if ((strcasecmp(name, "</Limit>") == 0 ||
	             strcasecmp(name, "</LimitExcept>") == 0) &&
	         apache->limit > 0)
		apache->limit--;
}

/* What has files of its own here. */
static void
take_parts(
    struct apache *apache, const char *name, const struct directive *directive)
{
	const struct apache_line line = { directive->file, directive->line,
		directive->words, directive->len };

	apache_fcgi_take(&apache->fcgi, name, &line);
	apache_page_take(&apache->page, name, &line);
}

static void
take_line(struct apache *apache, const char *file, unsigned int line, char *at)
{
	struct directive directive = { apache, file, line, { NULL }, 0 };
	char *name = config_word(&at), *word;

	if (name == NULL || name[0] == '#')
		return;
	if (name[0] == '<') {
		take_section(apache, name, at + strspn(at, " \t"));
		return;
	}
	while (directive.len < WORDS_MAX && (word = config_word(&at)) != NULL)
		directive.words[directive.len++] = word;
	if (apache->skip > 0 || directive.len == 0)
		return;
	for (size_t i = 0; i < sizeof(directives) / sizeof(directives[0]); i++)
		if (strcasecmp(name, directives[i].name) == 0)
			directives[i].take(&directive);
	take_parts(apache, name, &directive);
}

static void
read_file(void *arg, const struct config_text *text)
{
	struct apache *apache = arg;
	struct config_lines lines = { text->text, CONFIG_JOIN_ALL, 0, 0 };
	char *start;

	apache->depth++;
	while ((start = config_line(&lines)) != NULL)
		take_line(apache, text->path, lines.line, start);
	apache->depth--;
}

/* Where Debian has it, and others. */
void
doctor_read_apache(struct config_scan *scan)
{
	static const struct {
		const char *server_root, *file;
	} places[] = {
		{ "/etc/apache2", "/etc/apache2/apache2.conf" },
		{ "/etc/httpd", "/etc/httpd/conf/httpd.conf" },
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct apache apache = {
			.scan = scan, .fcgi.scan = scan, .page.scan = scan
		};
		bool asks;

		(void)snprintf(apache.server_root, sizeof(apache.server_root),
		    "%s", places[i].server_root);
		config_each(scan, places[i].file, read_file, &apache);
		apache_fcgi_end_main(&apache.fcgi);
		apache_page_end_main(&apache.page);
		if (apache.fcgi.used)
			report_opened(scan->doctor, "apache (pat-httpd)");
		asks = apache.pam || apache.fcgi.used;
		if (asks && apache.user_line != 0 && !apache.list)
			trap_report(scan, TRAP_APACHE_HEADERS, apache.user_file,
			    apache.user_line, NULL);
		if (asks && apache.socache[0] != '\0')
			trap_report(scan, TRAP_APACHE_SOCACHE, apache.socache,
			    apache.socache_line, NULL);
	}
}
