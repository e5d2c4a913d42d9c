#include "tools/doctor/apache_fcgi.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tools/doctor/addresses.h"
#include "tools/doctor/traps.h"

static void
set_place(struct apache_place *place, const struct apache_line *line)
{
	(void)snprintf(place->file, sizeof(place->file), "%s", line->file);
	place->line = line->line;
}

static void
report(const struct apache_fcgi *fcgi, enum trap trap,
    const struct apache_place *place)
{
	if (place->line != 0)
		trap_report(fcgi->scan, trap, place->file, place->line, NULL);
}

/* Whether the i-th word is that, in any letters. */
static bool
is_word(const struct apache_line *line, size_t i, const char *word)
{
	return i < line->len && strcasecmp(line->words[i], word) == 0;
}

/* AuthnzFcgiDefineProvider TYPE NAME fcgi://HOST:PORT/ */
static void
take_provider(struct apache_fcgi *fcgi, const struct apache_line *line)
{
	const char *address = line->len > 2 ? line->words[2] : "";
	unsigned int port = address_port(address);

	if (address_remote(address, true))
		trap_report(fcgi->scan, TRAP_APACHE_FCGI_REMOTE, line->file,
		    line->line, address);
	else if (port != 0 && address_port_free(fcgi->scan, port))
		trap_report(fcgi->scan, TRAP_APACHE_FCGI_PORT, line->file,
		    line->line, address);
}

/* AuthnzFcgiCheckAuthnProvider NAME [KEY VALUE]... */
static void
take_check(struct apache_fcgi *fcgi, const struct apache_line *line)
{
	bool user = false;

	if (is_word(line, 0, "None"))
		return;
	fcgi->used = fcgi->sections[fcgi->depth].asks = true;
	set_place(&fcgi->check, line);
	for (size_t i = 1; i + 1 < line->len; i += 2) {
		user |= is_word(line, i, "UserExpr");
		if (is_word(line, i, "Authoritative") &&
		    is_word(line, i + 1, "Off"))
			report(fcgi, TRAP_APACHE_FCGI_OFF, &fcgi->check);
	}
	if (!user)
		report(fcgi, TRAP_APACHE_FCGI_USER, &fcgi->check);
}

static void
take_type(struct apache_fcgi *fcgi, const struct apache_line *line)
{
	struct apache_place *basic = &fcgi->sections[fcgi->depth].basic;

	set_place(basic, line);
	if (!is_word(line, 0, "Basic"))
		basic->line = 0;
}

static void
take_pass(struct apache_fcgi *fcgi, const struct apache_line *line)
{
	fcgi->pass |= is_word(line, 0, "On");
}

static void
take_proxy(struct apache_fcgi *fcgi, const struct apache_line *line)
{
	if (!is_word(line, line->len - 1, "!"))
		set_place(&fcgi->proxy, line);
}

static void
take_header(struct apache_fcgi *fcgi, const struct apache_line *line)
{
	fcgi->no_token |=
	    (is_word(line, 0, "unset") || is_word(line, 0, "set")) &&
	    is_word(line, 1, "Authorization");
}

/* It lists the headers that go further; the token is none of them. */
static void
take_hook(struct apache_fcgi *fcgi, const struct apache_line *line)
{
	(void)line;
	fcgi->no_token = true;
}

static const struct {
	const char *name;
	void (*take)(struct apache_fcgi *fcgi, const struct apache_line *line);
} directives[] = {
	{ "AuthType", take_type },
	{ "AuthnzFcgiCheckAuthnProvider", take_check },
	{ "AuthnzFcgiDefineProvider", take_provider },
	{ "CGIPassAuth", take_pass },
	{ "LuaHookAccessChecker", take_hook },
	{ "ProxyPass", take_proxy },
	{ "ProxyPassMatch", take_proxy },
	{ "RequestHeader", take_header },
};

void
apache_fcgi_take(
    struct apache_fcgi *fcgi, const char *name, const struct apache_line *line)
{
	for (size_t i = 0; i < sizeof(directives) / sizeof(directives[0]); i++)
		if (strcasecmp(name, directives[i].name) == 0)
			directives[i].take(fcgi, line);
}

void
apache_fcgi_open(struct apache_fcgi *fcgi)
{
	if (fcgi->depth + 1 < APACHE_SECTIONS_MAX)
		memset(&fcgi->sections[++fcgi->depth], 0,
		    sizeof(fcgi->sections[0]));
}

/* What a section says, it says of those that ask in it. */
static void
judge_section(struct apache_fcgi *fcgi)
{
	if (fcgi->sections[fcgi->depth].asks)
		report(fcgi, TRAP_APACHE_FCGI_BASIC,
		    &fcgi->sections[fcgi->depth].basic);
}

void
apache_fcgi_close(struct apache_fcgi *fcgi)
{
	judge_section(fcgi);
	if (fcgi->depth > 0)
		fcgi->depth--;
}

void
apache_fcgi_end_host(struct apache_fcgi *fcgi)
{
	judge_section(fcgi);
	if (!fcgi->pass)
		report(fcgi, TRAP_APACHE_FCGI_PASS, &fcgi->check);
	if (!fcgi->no_token && !fcgi->never_token && fcgi->check.line != 0)
		report(fcgi, TRAP_APACHE_FCGI_TOKEN, &fcgi->proxy);
	fcgi->check.line = fcgi->proxy.line = 0;
	fcgi->pass = fcgi->no_token = false;
	fcgi->depth = 0;
	memset(fcgi->sections, 0, sizeof(fcgi->sections[0]));
}

void
apache_fcgi_end_main(struct apache_fcgi *fcgi)
{
	fcgi->never_token |= fcgi->no_token;
	apache_fcgi_end_host(fcgi);
}
