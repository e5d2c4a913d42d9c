/* The one page that has a secret: a new token, and how to use it. */
#include <stdio.h>
#include <string.h>

#include "pat_httpd/self/page_card.h"
#include "pat_httpd/self/page_routes.h"
#include "pat_httpd/self/words.h"

/* ---- what patd sends ---- */

static void
add_secret(struct page *page, const struct jp_secret *token)
{
	struct html *html = &page->items;
	enum lang lang = page->lang;

	html_add(html, "<div class=\"secret\"><p class=\"label\" "
	               "id=\"token-label\">");
	html_say(html, lang, TEXT_SHOWN_TOKEN);
	html_add(html, "</p><code id=\"token\" tabindex=\"0\" role=\"textbox\" "
	               "aria-readonly=\"true\" "
	               "aria-labelledby=\"token-label\">");
	html_add_text(html, token->text, token->len);
	html_add(html,
	    "</code><button type=\"button\" id=\"copy\" hidden "
	    "data-done=\"%s\" data-failed=\"%s\">",
	    text_of(lang, TEXT_COPIED), text_of(lang, TEXT_COPY_FAILED));
	html_say(html, lang, TEXT_COPY);
	html_add(html, "</button><span id=\"copied\" role=\"status\" "
	               "aria-live=\"polite\"></span></div>\n");
}

/* What a rotation leaves of the old one. */
static void
add_old(struct page *page, const struct jp_admin_item *item)
{
	const struct jp_record *old = &item->record;
	const char *name = old->name[0] != '\0' ? old->name : old->id;
	bool lives = jp_state_status(item->state) != JP_STATUS_DEAD;
	char until[WORDS_DATE_MAX];

	words_date(jp_record_end(old), until);
	html_add(&page->items, "<p class=\"old\">");
	if (!lives)
		html_say(&page->items, page->lang, TEXT_SHOWN_OLD_ENDED, name);
	else
		html_say(&page->items, page->lang,
		    old->keep_until_grace ? TEXT_SHOWN_OLD
		                          : TEXT_SHOWN_OLD_UNTIL_USE,
		    name, until);
	html_add(&page->items, "</p>\n");
}

void
page_keep_token(struct visit *visit, const struct jp_admin_item *item)
{
	struct page *page = page_of(visit);

	if (item->kind == JP_ITEM_TOKEN) {
		page->record = item->record;
		page->state = item->state;
		page->count++;
		add_secret(page, &item->token);
	} else if (item->kind == JP_ITEM_RECORD) {
		add_old(page, item);
	}
}

/* ---- how to use it ---- */

/* A user name between double quotes of a shell, which hands it on to curl(1)
 * between double quotes: what means something to one of them is escaped. */
static void
add_quoted(struct html *html, const char *user)
{
	static const struct {
		char c;
		const char *escaped;
	} rows[] = {
		{ '"', "\\\\\\\"" },
		{ '\\', "\\\\\\\\" },
		{ '$', "\\$" },
		{ '`', "\\`" },
	};

	while (*user != '\0') {
		size_t len = strcspn(user, "\"\\$`");

		html_add_text(html, user, len);
		user += len;
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			if (rows[i].c == *user)
				html_add(html, "%s", rows[i].escaped);
		user += *user != '\0';
	}
}

/* The token goes through a pipe: arguments are visible to others. */
static void
add_example(struct page *page, enum text what, bool basic)
{
	struct html *html = &page->html;
	char server[PAGE_PATH_MAX];

	page_server(page, server);
	html_add(html, "<h3>");
	page_say(page, what);
	html_add(html, "</h3><pre tabindex=\"0\"><code>printf ");
	if (basic) {
		html_add(html, "%s", "'user = \"%s:%s\"\\n' \"");
		add_quoted(html, page->record.user);
		html_add(html, "%s", "\" \"$TOKEN\"");
	} else {
		html_add(html, "%s",
		    "'header = \"Authorization: Bearer %s\"\\n' \"$TOKEN\"");
	}
	html_add(html, " |\n  curl -K - %s/rest/api/2/myself</code></pre>\n",
	    server);
}

static void
add_next(struct page *page)
{
	struct html *html = &page->html;
	const struct jp_record *record = &page->record;
	char path[PAGE_PATH_MAX], end[WORDS_DATE_MAX];

	html_add(html, "<h2>");
	page_say(page, TEXT_SHOWN_NEXT);
	html_add(html, "</h2><ul><li>");
	page_say(page, TEXT_NEXT_STORE);
	html_add(html, "</li>");
	if (record->expires_at != JP_NEVER) {
		words_date(record->expires_at, end);
		html_add(html, "<li>");
		page_say(page, TEXT_NEXT_RENEW, end);
		html_add(html, "</li>");
	}
	html_add(html, "<li>");
	page_say(page, TEXT_NEXT_LOST);
	html_add(html, "</li></ul><p class=\"actions\">");
	page_link(page, "button plain",
	    page_path(page, path, "/%s", record->id), TEXT_DETAILS);
	page_link(
	    page, "button plain", page_path(page, path, "%s", ""), TEXT_BACK);
	html_add(html, "</p>\n");
}

static void
add_summary(struct page *page)
{
	struct html *html = &page->html;

	html_add(html, "<h2>");
	page_add_name(html, page->lang, page->record.name);
	html_add(html, "</h2>");
	page_add_facts(page);
}

void
page_show_token(struct visit *visit, enum jp_err err, const struct jp_why *why)
{
	struct page *page = page_of(visit);
	struct html *html = &page->html;

	if (err != JP_ERR_OK) {
		page_fail(page, err, why);
		return;
	}
	if (page->count != 1 || page->items.failed) {
		visit_refuse(visit, SITE_NO_INTERNAL);
		return;
	}
	page_begin(page, TEXT_SHOWN_TITLE, NULL);
	html_add(html, "<p class=\"warn\"><strong>");
	page_say(page, TEXT_SHOWN_ONCE);
	html_add(html, "</strong></p>\n");
	html_add_piece(html, page->items.text, page->items.len);
	add_summary(page);
	html_add(html, "<h2>");
	page_say(page, TEXT_SHOWN_USE);
	html_add(html, "</h2><p>");
	page_say(page, TEXT_SHOWN_SHELL);
	html_add(html, "</p><pre tabindex=\"0\"><code>read -rs TOKEN</code>"
	               "</pre>\n");
	add_example(page, TEXT_SHOWN_BASIC, true);
	add_example(page, TEXT_SHOWN_BEARER, false);
	add_next(page);
	page_end(page, 201);
}
