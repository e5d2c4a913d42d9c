/*
 * nginx's configuration: its words, the directives of ngx_http_auth_pam, and
 * `include`. What asks pat-httpd is in nginx_blocks.c.
 */
#include "tools/doctor/servers.h"

#include <stdio.h>
#include <string.h>

#include "tools/doctor/nginx_blocks.h"
#include "tools/doctor/pam_services.h"
#include "tools/doctor/traps.h"

enum {
	DEPTH_MAX = 16, /* of files that include others */
};

static const char base[] = "/etc/nginx";

struct nginx {
	struct config_scan *scan;
	unsigned int depth;
	bool pam;  /* some location asks PAM */
	bool list; /* headers that pass are listed somewhere */
	char user_file[CONFIG_PATH_MAX]; /* where $remote_user becomes a header
	                                  */
	unsigned int user_line;
	struct nginx_blocks *blocks;
};

static void read_file(void *arg, const struct config_text *text);

static void
take_include(struct nginx *nginx, const struct nginx_directive *directive)
{
	const char *path = directive->words[1];
	char whole[CONFIG_PATH_MAX];

	(void)snprintf(whole, sizeof(whole), "%s%s%s",
	    path[0] == '/' ? "" : base, path[0] == '/' ? "" : "/", path);
	if (nginx->depth < DEPTH_MAX)
		config_each(nginx->scan, whole, read_file, nginx);
}

static void
take_service(struct nginx *nginx, const struct nginx_directive *directive)
{
	nginx->pam = true;
	pam_service_named(
	    nginx->scan, directive->words[1], directive->file, directive->line);
}

static void
take_pam_env(struct nginx *nginx, const struct nginx_directive *directive)
{
	if (strcmp(directive->words[1], "off") != 0)
		trap_report(nginx->scan, TRAP_NGINX_PAM_ENV, directive->file,
		    directive->line, NULL);
}

/* `if ($http_authorization ~ "PATTERN")`: the pattern is one of its words. */
static void
take_if(struct nginx *nginx, const struct nginx_directive *directive)
{
	for (size_t i = 1; i < directive->len; i++)
		trap_guard(nginx->scan, TRAP_NGINX_GUARD, directive->words[i],
		    directive->file, directive->line);
}

static void
take_pass_headers(struct nginx *nginx, const struct nginx_directive *directive)
{
	nginx->list |= strcmp(directive->words[1], "off") == 0;
}

static void
take_set_header(struct nginx *nginx, const struct nginx_directive *directive)
{
	if (directive->len < 3 ||
	    (strcmp(directive->words[2], "$remote_user") != 0 &&
	        strcmp(directive->words[2], "${remote_user}") != 0))
		return;
	(void)snprintf(
	    nginx->user_file, sizeof(nginx->user_file), "%s", directive->file);
	nginx->user_line = directive->line;
}

static const struct {
	const char *name;
	void (*take)(
	    struct nginx *nginx, const struct nginx_directive *directive);
} directives[] = {
	{ "auth_pam_service_name", take_service },
	{ "auth_pam_set_pam_env", take_pam_env },
	{ "if", take_if },
	{ "include", take_include },
	{ "proxy_pass_request_headers", take_pass_headers },
	{ "proxy_set_header", take_set_header },
};

static void
take_directive(
    struct nginx *nginx, struct nginx_directive *directive, char stop)
{
	for (size_t i = 0; i < sizeof(directives) / sizeof(directives[0]); i++)
		if (directive->len > 1 &&
		    strcmp(directive->words[0], directives[i].name) == 0)
			directives[i].take(nginx, directive);
	nginx_blocks_take(nginx->blocks, directive, stop);
	directive->len = 0;
}

/* The braces of `${name}` belong to the word. */
static char *
plain_word_end(char *at)
{
	for (;;) {
		at += strcspn(at, "$ \t\r\n;{}");
		if (*at != '$')
			return at;
		if (*++at == '{') {
			at += strcspn(at, "} \t\r\n;");
			at += *at == '}';
		}
	}
}

/* Where the word that begins at `at` ends. */
static char *
word_end(char *at)
{
	char quote = *at;

	if (quote != '"' && quote != '\'')
		return plain_word_end(at);
	for (at++; *at != '\0' && *at != quote; at++)
		if (*at == '\\' && at[1] != '\0')
			at++;
	return *at == quote ? at + 1 : at;
}

static void
add_word(struct nginx_directive *directive, char *start, char *end)
{
	if (directive->len == NGINX_WORDS_MAX)
		return;
	if (end - start >= 2 && (*start == '"' || *start == '\'')) {
		start++;
		end[-1] = '\0';
	}
	directive->words[directive->len++] = start;
}

static unsigned int
newlines(const char *from, const char *to)
{
	unsigned int count = 0;

	for (; from < to; from++)
		count += *from == '\n';
	return count;
}

/* A word of its own that ends a directive or a block. */
static void
take_stop(struct nginx *nginx, struct nginx_directive *directive, char stop)
{
	if (stop == ';' || stop == '{')
		take_directive(nginx, directive, stop);
	if (stop == '}') {
		directive->len = 0;
		nginx_blocks_close(nginx->blocks);
	}
}

static void
read_file(void *arg, const struct config_text *text)
{
	struct nginx *nginx = arg;
	struct nginx_directive directive = { .file = text->path };
	unsigned int line = 1;
	char *at = text->text, *end;
	char stop;

	nginx->depth++;
	for (; *at != '\0'; at = stop != '\0' ? end + 1 : end) {
		end = *at == '#' ? strchrnul(at, '\n') : word_end(at);
		stop = *end;
		if (directive.len == 0)
			directive.line = line;
		line += newlines(at, end) + (stop == '\n');
		*end = '\0';
		if (end > at && *at != '#')
			add_word(&directive, at, end);
		take_stop(nginx, &directive, stop);
	}
	nginx->depth--;
}

/* First who asks whom, then what is wrong with it. */
void
doctor_read_nginx(struct config_scan *scan)
{
	struct nginx_blocks blocks = { .scan = scan };
	struct nginx nginx = { .scan = scan, .blocks = &blocks };

	config_each(scan, "/etc/nginx/nginx.conf", read_file, &nginx);
	if (nginx.pam && nginx.user_line != 0 && !nginx.list)
		trap_report(scan, TRAP_NGINX_HEADERS, nginx.user_file,
		    nginx.user_line, NULL);
	if (nginx_blocks_judge(&blocks))
		report_opened(scan->doctor, "nginx (pat-httpd)");
	else if (!blocks.has_page && blocks.pages.len == 0)
		return;
	scan->files = 0;
	config_each(scan, "/etc/nginx/nginx.conf", read_file, &nginx);
}
