#include "pat_httpd/self/page_frame.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "pat_httpd/self/page_files.h"

#define HTML_TYPE "text/html; charset=utf-8"
#define BASE "/tokens"

static void
clear(void *state)
{
	struct page *page = state;

	html_free(&page->html);
	html_free(&page->items);
}

static void
choose_language(struct page *page)
{
	const char *query = visit_query(page->visit, "lang");

	page->lang_chosen =
	    query != NULL && lang_find(query, strlen(query), &page->lang);
	if (!page->lang_chosen)
		page->lang =
		    lang_accepted(visit_seen(page->visit, VISIT_SEEN_LANGUAGE));
}

struct page *
page_of(struct visit *visit)
{
	struct page *page = visit_state(visit, sizeof(*page), clear);

	if (page == NULL) {
		const char *text = site_no_text(SITE_NO_INTERNAL);

		visit_reply_static(visit, site_no_status(SITE_NO_INTERNAL),
		    "text/plain; charset=utf-8", text, strlen(text));
		return NULL;
	}
	if (page->visit == NULL) {
		page->visit = visit;
		choose_language(page);
	}
	return page;
}

/* ---- addresses ---- */

/* Where the path of the page begins in its configured address, which ends
 * behind it; NULL: none is configured. */
static const char *
configured_path(const struct page *page)
{
	const char *url = visit_settings(page->visit)->self.url;
	const char *host = strstr(url, "://");
	const char *path = host != NULL ? strchr(host + 3, '/') : NULL;

	return path != NULL && path[1] != '\0' ? path : NULL;
}

/* The proxy may have the page elsewhere than we do. */
static const char *
base(const struct page *page)
{
	const char *path = configured_path(page);

	return path != NULL ? path : BASE;
}

const char *
page_path(
    const struct page *page, char path[PAGE_PATH_MAX], const char *format, ...)
{
	va_list args;
	size_t len;

	(void)snprintf(path, PAGE_PATH_MAX, "%s", base(page));
	len = strlen(path);
	va_start(args, format);
	(void)vsnprintf(path + len, PAGE_PATH_MAX - len, format, args);
	va_end(args);
	if (!page->lang_chosen)
		return path;
	len = strlen(path);
	(void)snprintf(path + len, PAGE_PATH_MAX - len, "%clang=%s",
	    strchr(path, '?') != NULL ? '&' : '?', lang_tag(page->lang));
	return path;
}

void
page_server(const struct page *page, char server[PAGE_PATH_MAX])
{
	const struct jp_self_settings *self =
	    &visit_settings(page->visit)->self;
	const char *path = configured_path(page);
	const char *host = visit_seen(page->visit, VISIT_SEEN_HOST);

	if (self->api_url[0] != '\0')
		(void)snprintf(server, PAGE_PATH_MAX, "%s", self->api_url);
	else if (path != NULL)
		(void)snprintf(server, PAGE_PATH_MAX, "%.*s",
		    (int)(path - self->url), self->url);
	else
		(void)snprintf(server, PAGE_PATH_MAX, "https://%s",
		    host[0] != '\0' ? host : "jira.example.com");
}

/* ---- pieces ---- */

void
page_link(
    struct page *page, const char *class, const char *path, enum text text)
{
	html_add(&page->html, "<a class=\"%s\" href=\"%s\">", class, path);
	page_say(page, text);
	html_add(&page->html, "</a>");
}

void
page_form(struct page *page, const char *class, const char *path)
{
	html_add(&page->html,
	    "<form class=\"%s\" method=\"post\" action=\"%s\">", class, path);
}

void
page_button(struct page *page, const char *class, enum text text)
{
	html_add(&page->html, "<button class=\"%s\">", class);
	page_say(page, text);
	html_add(&page->html, "</button>");
}

/* ---- frame ---- */

static void
add_head(struct page *page, enum text title, const char *arg)
{
	struct html *html = &page->html;
	char path[PAGE_PATH_MAX];

	html_add(html,
	    "<!DOCTYPE html>\n<html lang=\"%s\"><head>"
	    "<meta charset=\"utf-8\">"
	    "<meta name=\"viewport\" "
	    "content=\"width=device-width, initial-scale=1\">"
	    "<meta name=\"color-scheme\" content=\"light dark\">"
	    "<title>",
	    lang_tag(page->lang));
	html_say_plain(html, page->lang, title, arg);
	html_add(html, " \xC2\xB7 %s</title>", text_of(page->lang, TEXT_SITE));
	/* No language in the name of a file. */
	(void)snprintf(
	    path, sizeof(path), "%s/static/%s", base(page), page_file_style);
	html_add(html, "<link rel=\"stylesheet\" href=\"%s\">", path);
	(void)snprintf(
	    path, sizeof(path), "%s/static/%s", base(page), page_file_script);
	html_add(html, "<script src=\"%s\" defer></script></head>\n", path);
}

static void
add_nav_link(struct page *page, const char *ours, enum text text)
{
	const char *here = visit_path(page->visit);
	bool current = strncmp(here, BASE, strlen(BASE)) == 0 &&
	               strcmp(here + strlen(BASE), ours) == 0;
	char path[PAGE_PATH_MAX];

	html_add(&page->html, "<li><a href=\"%s\"",
	    page_path(page, path, "%s", ours));
	if (current)
		html_add(&page->html, " aria-current=\"page\"");
	html_add(&page->html, ">");
	page_say(page, text);
	html_add(&page->html, "</a></li>");
}

static void
add_nav(struct page *page)
{
	const struct jp_self_settings *self =
	    &visit_settings(page->visit)->self;

	html_add(&page->html, "<nav aria-label=\"%s\"><ul>",
	    text_of(page->lang, TEXT_NAV));
	add_nav_link(page, "", TEXT_NAV_LIST);
	add_nav_link(page, "/new", TEXT_NAV_NEW);
	/* Whether the visitor belongs to it, patd knows. */
	if (self->admin_group[0] != '\0')
		add_nav_link(page, "/admin", TEXT_NAV_ADMIN);
	html_add(&page->html, "</ul></nav>");
}

static void
add_who(struct page *page)
{
	const struct visitor *visitor = visit_visitor(page->visit);
	const char *logout = visit_settings(page->visit)->self.logout_url;

	if (visitor->kind == VISITOR_NONE)
		return;
	html_add(&page->html, "<p class=\"who\">");
	page_say(page, TEXT_SIGNED_IN, visitor->user);
	if (logout[0] != '\0') {
		html_add(&page->html, " ");
		page_link(page, "out", logout, TEXT_SIGN_OUT);
	}
	html_add(&page->html, "</p>");
}

static void
begin(struct page *page, enum text title, const char *arg, bool plain)
{
	struct html *html = &page->html;

	add_head(page, title, arg);
	html_add(html, "<body><a class=\"skip\" href=\"#main\">");
	page_say(page, TEXT_SKIP);
	html_add(html, "</a>\n<header><div class=\"bar\"><p class=\"site\">");
	page_say(page, TEXT_SITE);
	html_add(html, "</p>");
	if (!plain)
		add_nav(page);
	add_who(page);
	html_add(html, "</div></header>\n<main id=\"main\" tabindex=\"-1\">"
	               "<h1>");
	html_say(html, page->lang, title, arg);
	html_add(html, "</h1>\n");
}

void
page_begin(struct page *page, enum text title, const char *arg)
{
	begin(page, title, arg, false);
}

void
page_begin_plain(struct page *page, enum text title)
{
	begin(page, title, NULL, true);
}

/* Only of what can be read again: another reading loses a form. */
static void
add_languages(struct page *page)
{
	struct html *html = &page->html;

	if (strcmp(visit_method(page->visit), "POST") == 0)
		return;
	html_add(html, "<nav aria-label=\"%s\"><ul>",
	    text_of(page->lang, TEXT_LANGUAGES));
	for (size_t i = 0; i < LANG_COUNT; i++) {
		enum lang lang = (enum lang)i;

		html_add(html,
		    "<li><a href=\"?lang=%s\" lang=\"%s\" hreflang=\"%s\"",
		    lang_tag(lang), lang_tag(lang), lang_tag(lang));
		if (lang == page->lang)
			html_add(html, " aria-current=\"true\"");
		html_add(html, ">%s</a></li>", lang_name(lang));
	}
	html_add(html, "</ul></nav>");
}

void
page_end(struct page *page, unsigned int status)
{
	size_t len = 0;
	char *text;

	html_add(&page->html, "</main>\n<footer>");
	add_languages(page);
	html_add(&page->html, "</footer></body></html>\n");
	text = html_take(&page->html, &len);
	visit_header(page->visit, "Content-Language", lang_tag(page->lang));
	visit_header(page->visit, "Vary", "Accept-Language");
	if (text != NULL)
		visit_reply(page->visit, status, HTML_TYPE, text, len);
	else
		visit_reply_static(page->visit,
		    site_no_status(SITE_NO_INTERNAL),
		    "text/plain; charset=utf-8", site_no_text(SITE_NO_INTERNAL),
		    strlen(site_no_text(SITE_NO_INTERNAL)));
}

/* ---- what is done, and what comes back ---- */

/* X(id, text) */
#define DONE_LIST(X)                                                           \
	X("disabled", DONE_DISABLED)                                           \
	X("enabled", DONE_ENABLED)                                             \
	X("revoked", DONE_REVOKED)                                             \
	X("revoked-all", DONE_REVOKED_ALL)                                     \
	X("disabled-many", DONE_DISABLED_MANY)                                 \
	X("enabled-many", DONE_ENABLED_MANY)                                   \
	X("revoked-many", DONE_REVOKED_MANY)

void
page_add_done(struct page *page)
{
	static const struct {
		const char *id;
		enum text text;
	} rows[] = {
#define DONE_ROW(id, text) { (id), TEXT_##text },
		DONE_LIST(DONE_ROW)
#undef DONE_ROW
	};
	const char *done = visit_query(page->visit, "done");

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (done == NULL || strcmp(rows[i].id, done) != 0)
			continue;
		html_add(&page->html,
		    "<p role=\"status\" class=\"done\" "
		    "data-done=\"%s\">",
		    done);
		page_say(page, rows[i].text);
		html_add(&page->html, "</p>");
	}
}

void
page_done(struct page *page, const char *list, const char *done)
{
	char path[PAGE_PATH_MAX];

	visit_redirect(
	    page->visit, page_path(page, path, "%s?done=%s", list, done));
}
