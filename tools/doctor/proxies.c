/*
 * Proxies that ask pat-httpd over HTTP: Envoy, APISIX, HAProxy, Traefik, Caddy.
 * Their files are searched as text without its comments, by the table below;
 * nobody here parses YAML, TOML or JSON, and a rule that is split over several
 * files is not put together.
 */
#include "tools/doctor/servers.h"

#include <regex.h>
#include <stdio.h>
#include <string.h>

#include "tools/doctor/addresses.h"
#include "tools/doctor/traps.h"

enum {
	FILES_MAX = 6,
	RULES_MAX = 6,
	GROUPS_MAX = 4, /* of a pattern, with the whole */
	WORD_MAX = 128,
};

#define QUOTE "[\"']?"
#define IS "[\"']?[[:blank:]]*[:=][[:blank:]]*[\"']?" /* behind a key */

enum kind {
	KIND_HAS = 1, /* each match is the trap */
	KIND_LACKS,   /* who asks is, where nothing matches */
	KIND_REMOTE,  /* the last group of a match, if it is another host */
	KIND_BACKEND, /* the last group names a backend with another host */
};

/* Patterns are regex(7), in any letters; "^" is the beginning of the text. */
struct rule {
	enum trap trap;
	enum kind kind;
	const char *pattern;
	bool any; /* also if it is not seen that pat-httpd is asked */
};

struct proxy {
	const char *name;
	const char *files[FILES_MAX];
	const char *asks; /* what asks an authorizer */
	bool sections;    /* lines that begin with no blank begin one */
	struct rule rules[RULES_MAX];
};

static const struct proxy envoy = {
	"envoy",
	{ "/etc/envoy/*.yaml", "/etc/envoy/*.yml", "/etc/envoy/*.json",
	    "/etc/envoy/*/*.yaml", "/etc/envoy/*/*.json" },
	"ext_authz",
	false,
	{
	    { TRAP_ENVOY_OPEN, KIND_HAS, "failure_mode_allow" IS "true", true },
	    { TRAP_ENVOY_HEADERS, KIND_LACKS,
	        "headers_with_underscores_action" IS
	        "(DROP_HEADER|REJECT_REQUEST)",
	        false },
	    { TRAP_ENVOY_TOKEN, KIND_LACKS,
	        "headers_to_remove" QUOTE "[[:space:]]*:[^:]*authorization",
	        false },
	    { TRAP_ENVOY_REMOTE, KIND_REMOTE,
	        "uri" IS "(https?://[^\"'[:space:]]+)", false },
	},
};

static const struct proxy apisix = {
	"apisix",
	{ "/etc/apisix/*.yaml", "/usr/local/apisix/conf/*.yaml",
	    "/usr/local/apisix/conf/*.json", "/opt/apisix/conf/*.yaml",
	    "/opt/apisix/conf/*.json" },
	"forward-auth",
	false,
	{
	    { TRAP_APISIX_OPEN, KIND_HAS, "allow_degradation" IS "true", true },
	    { TRAP_APISIX_TOKEN, KIND_LACKS,
	        "remove" QUOTE "[[:space:]]*:[^:]*authorization|"
	        "[\"'[:space:]]authorization" QUOTE "[[:space:]]*:",
	        false },
	    { TRAP_APISIX_REMOTE, KIND_REMOTE,
	        "uri" IS "(https?://[^\"'[:space:]]+/auth/)", false },
	},
};

/* The Lua of haproxytech or TimWolla, and that of examples/haproxy. */
#define HAPROXY_ASKS "lua\\.(auth-(request|intercept)|jira-pat)[[:blank:]]+"
#define DENIES "(deny|return|reject|redirect|silent-drop|tarpit|use_backend)"
#define SUCCESSFUL "[^\n]*(auth_response_successful|txn\\.jira_pat)"
static const struct proxy haproxy = {
	"haproxy",
	{ "/etc/haproxy/*.cfg", "/etc/haproxy/*/*.cfg" },
	HAPROXY_ASKS,
	true,
	{
	    /* auth-intercept denies by itself. */
	    { TRAP_HAPROXY_OPEN, KIND_LACKS,
	        DENIES SUCCESSFUL "|lua\\.auth-intercept|"
	                          "acl[[:blank:]]" SUCCESSFUL
	                          "([^\n]*\n)+[^\n]*" DENIES,
	        true },
	    { TRAP_HAPROXY_HEADERS, KIND_LACKS,
	        "del-header[^\n]*(-m (reg|sub)|[^\n]_)", false },
	    { TRAP_HAPROXY_TOKEN, KIND_LACKS,
	        "(del|set|replace)-header[[:blank:]]+" QUOTE "authorization",
	        false },
	    { TRAP_HAPROXY_REMOTE, KIND_BACKEND,
	        "lua\\.auth-(request|intercept)[[:blank:]]+([^[:space:]]+)",
	        false },
	    { TRAP_HAPROXY_REMOTE, KIND_REMOTE,
	        "lua\\.jira-pat[[:blank:]]+[^[:space:]]+[[:blank:]]+"
	        "([^[:space:]]+)",
	        false },
	},
};

#define TRAEFIK_LIST "authresponseheaders" IS "([^:=]*[^-a-z:=])?authorization"
static const struct proxy traefik = {
	"traefik",
	{ "/etc/traefik/*.y*ml", "/etc/traefik/*.toml", "/etc/traefik/*/*.y*ml",
	    "/etc/traefik/*/*.toml", "/opt/*/*compose.y*ml",
	    "/srv/*/*compose.y*ml" },
	"forwardauth",
	false,
	{
	    { TRAP_TRAEFIK_TRUST, KIND_HAS, "trustforwardheader" IS "true",
	        true },
	    { TRAP_TRAEFIK_HEADERS, KIND_LACKS, "x[_.]forwarded[_.]user",
	        false },
	    { TRAP_TRAEFIK_TOKEN, KIND_LACKS,
	        TRAEFIK_LIST "|customrequestheaders[.:]?[[:space:]]*" QUOTE
	                     "authorization",
	        false },
	    { TRAP_TRAEFIK_REMOTE, KIND_REMOTE,
	        "address" IS "(https?://[^\"'[:space:]]+/auth/)", false },
	},
};

static const struct proxy caddy = {
	"caddy",
	{ "/etc/caddy/Caddyfile", "/etc/caddy/*.caddy", "/etc/caddy/*/*" },
	"forward_auth[[:blank:]]",
	false,
	{
	    { TRAP_CADDY_HEADERS, KIND_LACKS,
	        "(request_header|header_up)[[:blank:]]+-[^[:space:]]*[_*.]",
	        false },
	    { TRAP_CADDY_TOKEN, KIND_LACKS,
	        "(request_header|header_up)[[:blank:]]+-?authorization",
	        false },
	    { TRAP_CADDY_REMOTE, KIND_REMOTE,
	        "forward_auth[[:blank:]]+([/@*][^[:space:]]*[[:blank:]]+)?"
	        "([^[:space:]{]+)",
	        false },
	},
};

/* ---- Text ---- */

/* Makes spaces of each comment, from a "#" behind a blank; lines stay. */
static void
drop_comments(char *text)
{
	for (char *at = text; *at != '\0'; at++)
		if (*at == '#' && (at == text || strchr(" \t\n", at[-1])))
			memset(at, ' ', strcspn(at, "\n"));
}

static unsigned int
line_of(const char *text, const char *at)
{
	unsigned int line = 1;

	for (; text < at; text++)
		line += *text == '\n';
	return line;
}

/* The next match at or behind `text`; `found` is from there on. */
static bool
search_in(const char *pattern, const char *text, regmatch_t found[GROUPS_MAX])
{
	regex_t regex;
	bool matches;

	if (regcomp(&regex, pattern, REG_EXTENDED | REG_ICASE) != 0)
		return false;
	matches = regexec(&regex, text, GROUPS_MAX, found, 0) == 0;
	regfree(&regex);
	return matches;
}

/* The last of the groups that matched. */
static void
last_group(const char *text, const regmatch_t found[GROUPS_MAX], char *word)
{
	size_t last = 0;

	for (size_t i = 0; i < GROUPS_MAX; i++)
		if (found[i].rm_so >= 0)
			last = i;
	(void)snprintf(word, WORD_MAX, "%.*s",
	    (int)(found[last].rm_eo - found[last].rm_so),
	    text + found[last].rm_so);
}

/* ---- Rules ---- */

/* A file of a proxy, and what is searched in it. */
struct search {
	struct config_scan *scan;
	const struct proxy *proxy;
	const char *file;
	char *text;
	bool ours;   /* pat-httpd is asked */
	bool opened; /* in any file */
};

static void
report(const struct search *search, enum trap trap, const char *at,
    const char *detail)
{
	trap_report(search->scan, trap, search->file, line_of(search->text, at),
	    detail);
}

/* Where the section ends that `at` stands in. */
static char *
section_end(char *at)
{
	for (at = strchrnul(at, '\n'); *at != '\0'; at = strchrnul(at, '\n'))
		if (*++at != '\0' && strchr(" \t\r\n", *at) == NULL)
			break;
	return at;
}

/* Where it begins. */
static char *
section_start(char *text, char *at)
{
	while (at > text && (at[-1] != '\n' || strchr(" \t\r\n", *at) != NULL))
		at--;
	return at;
}

/* Whether the pattern is in what belongs to `at`. */
static bool
is_near(const struct search *search, const char *pattern, char *at)
{
	char *start = search->text, *end = start + strlen(start), kept;
	regmatch_t found[GROUPS_MAX];
	bool near;

	if (search->proxy->sections) {
		start = section_start(search->text, at);
		end = section_end(at);
	}
	kept = *end;
	*end = '\0';
	near = search_in(pattern, start, found);
	*end = kept;
	return near;
}

/* Whether a server of the backend `name` is on another host. */
static void
judge_backend(const struct search *search, enum trap trap, const char *name)
{
	char pattern[2 * WORD_MAX], address[WORD_MAX], *at, *end;
	regmatch_t found[GROUPS_MAX];

	if (strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	                 "0123456789_-") != strlen(name))
		return;
	(void)snprintf(pattern, sizeof(pattern),
	    "(^|\n)(backend|listen)[[:blank:]]+%s[[:space:]]", name);
	if (!search_in(pattern, search->text, found))
		return;
	at = search->text + found[0].rm_so + 1;
	end = section_end(at);
	while (search_in("\n[[:blank:]]+server[[:blank:]]+[^[:space:]]+"
	                 "[[:blank:]]+([^[:space:]]+)",
	           at, found) &&
	       at + found[0].rm_so < end) {
		last_group(at, found, address);
		at += found[0].rm_eo;
		if (address_remote(address, true))
			report(search, trap, at, address);
	}
}

/* One match of the rule's pattern, or of who asks. */
static void
take_match(const struct search *search, const struct rule *rule, char *at,
    const regmatch_t found[GROUPS_MAX])
{
	char *place = at + found[0].rm_so, word[WORD_MAX];

	last_group(at, found, word);
	switch (rule->kind) {
	case KIND_HAS:
		report(search, rule->trap, place, NULL);
		break;
	case KIND_LACKS:
		if (!is_near(search, rule->pattern, place))
			report(search, rule->trap, place, NULL);
		break;
	case KIND_REMOTE:
		if (address_remote(word, true))
			report(search, rule->trap, place, word);
		break;
	case KIND_BACKEND:
		judge_backend(search, rule->trap, word);
		break;
	}
}

static void
take_rule(const struct search *search, const struct rule *rule)
{
	const char *pattern =
	    rule->kind == KIND_LACKS ? search->proxy->asks : rule->pattern;
	regmatch_t found[GROUPS_MAX];
	char *at = search->text;

	for (; search_in(pattern, at, found); at += found[0].rm_eo)
		take_match(search, rule, at, found);
}

static void
read_file(void *arg, const struct config_text *text)
{
	struct search *search = arg;
	const struct rule *rules = search->proxy->rules;
	regmatch_t found[GROUPS_MAX];

	search->file = text->path;
	search->text = text->text;
	drop_comments(text->text);
	if (!search_in(search->proxy->asks, text->text, found))
		return;
	search->ours = search_in("/auth/|jira[-_]pat", text->text, found);
	search->opened |= search->ours;
	for (size_t i = 0; i < RULES_MAX && rules[i].kind != 0; i++)
		if (search->ours || rules[i].any)
			take_rule(search, &rules[i]);
}

static void
read_proxy(struct config_scan *scan, const struct proxy *proxy)
{
	struct search search = { .scan = scan, .proxy = proxy };
	char door[WORD_MAX];

	for (size_t i = 0; i < FILES_MAX && proxy->files[i] != NULL; i++)
		config_each(scan, proxy->files[i], read_file, &search);
	(void)snprintf(door, sizeof(door), "%s (pat-httpd)", proxy->name);
	if (search.opened)
		report_opened(scan->doctor, door);
}

#define READER(name)                                                           \
	void doctor_read_##name(struct config_scan *scan)                      \
	{                                                                      \
		read_proxy(scan, &name);                                       \
	}
READER(envoy)
READER(apisix)
READER(haproxy)
READER(traefik)
READER(caddy)
