#include "tools/doctor/nginx_blocks.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tools/doctor/addresses.h"
#include "tools/doctor/page_proxies.h"
#include "tools/doctor/traps.h"

/* ---- Names and places ---- */

static bool
named(const struct nginx_names *names, const char *name)
{
	for (size_t i = 0; i < names->len; i++)
		if (strcmp(names->at[i], name) == 0)
			return true;
	return false;
}

static void
add_name(struct nginx_names *names, const char *name)
{
	if (name[0] != '\0' && names->len < NGINX_NAMES_MAX &&
	    !named(names, name))
		(void)snprintf(
		    names->at[names->len++], NGINX_NAME_MAX, "%s", name);
}

static void
set_place(struct nginx_place *place, const struct nginx_directive *directive)
{
	(void)snprintf(place->file, sizeof(place->file), "%s", directive->file);
	place->line = directive->line;
}

/* ---- Directives ---- */

/* `http://HOST/auth/SERVICE`, `http://unix:/SOCKET:/auth/SERVICE`. */
static bool
is_question(const char *address)
{
	const char *path = strstr(address, "/auth/"), *host;

	if (path == NULL)
		return false;
	host = strstr(address, "://");
	host = host != NULL ? host + 3 : address;
	return path[-1] == ':' || strcspn(host, "/") == (size_t)(path - host);
}

static void
take_auth_request(
    struct nginx_block *block, const struct nginx_directive *directive)
{
	const char *target = directive->words[1];

	(void)snprintf(block->target, sizeof(block->target), "%s",
	    strcmp(target, "off") != 0 ? target : "");
}

static void
take_proxy_pass(
    struct nginx_block *block, const struct nginx_directive *directive)
{
	(void)snprintf(
	    block->pass, sizeof(block->pass), "%s", directive->words[1]);
	set_place(&block->pass_at, directive);
	block->question |= is_question(block->pass);
}

static void
take_fastcgi_pass(
    struct nginx_block *block, const struct nginx_directive *directive)
{
	(void)snprintf(
	    block->pass, sizeof(block->pass), "%s", directive->words[1]);
	set_place(&block->fcgi_at, directive);
}

static void
take_fastcgi_param(
    struct nginx_block *block, const struct nginx_directive *directive)
{
	block->question |= directive->len > 2 &&
	                   strcmp(directive->words[1], "SCRIPT_NAME") == 0 &&
	                   strncmp(directive->words[2], "/auth/", 6) == 0;
}

static void
take_cache(struct nginx_place *place, const struct nginx_directive *directive)
{
	set_place(place, directive);
	if (strcmp(directive->words[1], "off") == 0)
		place->line = 0;
}

static void
take_proxy_cache(
    struct nginx_block *block, const struct nginx_directive *directive)
{
	take_cache(&block->proxy_cache_at, directive);
}

static void
take_fastcgi_cache(
    struct nginx_block *block, const struct nginx_directive *directive)
{
	take_cache(&block->fcgi_cache_at, directive);
}

/* The first in a block: none of those outside is in force any more. */
static void
take_set_header(
    struct nginx_block *block, const struct nginx_directive *directive)
{
	if (!block->sets_headers)
		block->no_token = block->no_user = false;
	block->sets_headers = true;
	block->no_token |=
	    strcasecmp(directive->words[1], "Authorization") == 0;
}

static void
take_pass_headers(
    struct nginx_block *block, const struct nginx_directive *directive)
{
	block->no_headers = strcmp(directive->words[1], "off") == 0;
}

static const struct {
	const char *name;
	void (*take)(
	    struct nginx_block *block, const struct nginx_directive *directive);
} directives[] = {
	{ "auth_request", take_auth_request },
	{ "fastcgi_cache", take_fastcgi_cache },
	{ "fastcgi_param", take_fastcgi_param },
	{ "fastcgi_pass", take_fastcgi_pass },
	{ "proxy_cache", take_proxy_cache },
	{ "proxy_pass", take_proxy_pass },
	{ "proxy_pass_request_headers", take_pass_headers },
	{ "proxy_set_header", take_set_header },
};

static void
take_user_header(
    struct nginx_blocks *blocks, const struct nginx_directive *directive)
{
	const struct jp_settings *settings = blocks->scan->doctor->settings;

	blocks->blocks[blocks->depth].no_user |=
	    strcasecmp(directive->words[1], settings->self.user_header) == 0;
}

/*
 * `server ADDRESS` in an `upstream NAME`: of one that is the page, or of which
 * we know that it is asked.
 */
static void
take_server(
    struct nginx_blocks *blocks, const struct nginx_directive *directive)
{
	if (page_is_at(blocks->scan, directive->words[1]))
		add_name(&blocks->pages, blocks->blocks[blocks->depth].name);
	if (blocks->judge &&
	    named(&blocks->upstream, blocks->blocks[blocks->depth].name) &&
	    address_remote(directive->words[1], true))
		trap_report(blocks->scan, TRAP_NGINX_REMOTE, directive->file,
		    directive->line, directive->words[1]);
}

/* ---- Blocks ---- */

/* What is inherited comes with the copy; the rest is the block's own. */
static void
open_block(struct nginx_blocks *blocks, const struct nginx_directive *directive)
{
	struct nginx_block *block;

	if (blocks->depth + 1 == NGINX_BLOCKS_MAX)
		return; /* the outermost ones stay as they are */
	block = &blocks->blocks[++blocks->depth];
	*block = block[-1];
	block->name[0] = block->pass[0] = '\0';
	block->question = block->sets_headers = false;
	block->pass_at.line = block->fcgi_at.line = 0;
	if (directive->len > 1)
		(void)snprintf(block->name, sizeof(block->name), "%s",
		    directive->words[directive->len - 1]);
}

void
nginx_blocks_take(struct nginx_blocks *blocks,
    const struct nginx_directive *directive, char stop)
{
	struct nginx_block *block = &blocks->blocks[blocks->depth];
	const char *name = directive->len > 0 ? directive->words[0] : "";

	for (size_t i = 0; i < sizeof(directives) / sizeof(directives[0]); i++)
		if (directive->len > 1 && strcmp(name, directives[i].name) == 0)
			directives[i].take(block, directive);
	add_name(&blocks->targets, block->target);
	if (directive->len > 1 && strcmp(name, "proxy_set_header") == 0)
		take_user_header(blocks, directive);
	if (stop == '{')
		open_block(blocks, directive);
	else if (directive->len > 1 && strcmp(name, "server") == 0)
		take_server(blocks, directive);
}

/* The host that `pass` names, as an upstream is called. */
static void
upstream_of(const char *pass, char host[NGINX_NAME_MAX])
{
	const char *scheme = strstr(pass, "://");

	(void)snprintf(
	    host, NGINX_NAME_MAX, "%s", scheme != NULL ? scheme + 3 : pass);
	host[strcspn(host, "/")] = '\0';
}

static void
add_upstream(struct nginx_blocks *blocks, const char *pass)
{
	char host[NGINX_NAME_MAX];

	upstream_of(pass, host);
	add_name(&blocks->upstream, host);
}

/* A location that passes what users ask to the page. */
static bool
is_page(const struct nginx_blocks *blocks, const struct nginx_block *block)
{
	char host[NGINX_NAME_MAX];

	if (block->pass_at.line == 0 || block->question ||
	    strncmp(block->name, "/auth/", strlen("/auth/")) == 0)
		return false;
	upstream_of(block->pass, host);
	return page_is_at(blocks->scan, block->pass) ||
	       named(&blocks->pages, host);
}

/* Whoever reads the client's own header takes anybody for the user. */
static void
judge_page(struct nginx_blocks *blocks, const struct nginx_block *block)
{
	blocks->has_page = true;
	if (blocks->again && !block->no_headers && !block->no_user)
		trap_report(blocks->scan, TRAP_NGINX_PAGE, block->pass_at.file,
		    block->pass_at.line,
		    blocks->scan->doctor->settings->self.user_header);
}

/* A location that asks us. */
static void
judge_question(struct nginx_blocks *blocks, const struct nginx_block *block)
{
	bool fcgi = block->fcgi_at.line != 0;
	const struct nginx_place *pass =
	    fcgi ? &block->fcgi_at : &block->pass_at;
	const struct nginx_place *cache =
	    fcgi ? &block->fcgi_cache_at : &block->proxy_cache_at;

	if (cache->line != 0)
		trap_report(blocks->scan, TRAP_NGINX_CACHE, cache->file,
		    cache->line, NULL);
	if (address_remote(block->pass, false))
		trap_report(blocks->scan, TRAP_NGINX_REMOTE, pass->file,
		    pass->line, block->pass);
}

/* A location whose requests we have let through. */
static void
judge_pass(struct nginx_blocks *blocks, const struct nginx_block *block)
{
	if (block->no_headers)
		return;
	trap_report(blocks->scan, TRAP_NGINX_HEADERS, block->pass_at.file,
	    block->pass_at.line, NULL);
	if (!block->no_token)
		trap_report(blocks->scan, TRAP_NGINX_TOKEN, block->pass_at.file,
		    block->pass_at.line, NULL);
}

void
nginx_blocks_close(struct nginx_blocks *blocks)
{
	const struct nginx_block *block = &blocks->blocks[blocks->depth];

	if (blocks->depth == 0)
		return;
	if (is_page(blocks, block))
		judge_page(blocks, block);
	if (block->question) {
		add_name(&blocks->ours, block->name);
		add_upstream(blocks, block->pass);
	}
	if (blocks->judge && block->question &&
	    named(&blocks->targets, block->name))
		judge_question(blocks, block);
	else if (blocks->judge && block->pass_at.line != 0 &&
	         named(&blocks->ours, block->target))
		judge_pass(blocks, block);
	blocks->depth--;
}

bool
nginx_blocks_judge(struct nginx_blocks *blocks)
{
	for (size_t i = 0; i < blocks->ours.len; i++)
		blocks->judge |= named(&blocks->targets, blocks->ours.at[i]);
	blocks->again = true;
	blocks->depth = 0;
	memset(blocks->blocks, 0, sizeof(blocks->blocks));
	return blocks->judge;
}
