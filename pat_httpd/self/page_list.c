/* The list of the own tokens, and how lists are searched. */
#include "pat_httpd/self/page_routes.h"

#include <stdio.h>
#include <string.h>

#include "pat_httpd/self/page_card.h"

enum {
	SEARCH_FROM = 10, /* with more tokens than these, there is a search */
};

/* ---- search ---- */

/* X(value, bits, text): the filters by state; the first one is the default. */
#define FILTER_LIST(X)                                                         \
	X("", 1U << JP_STATUS_LIVE | 1U << JP_STATUS_PAUSED, FILTER_USABLE)    \
	X("live", 1U << JP_STATUS_LIVE, FILTER_LIVE)                           \
	X("paused", 1U << JP_STATUS_PAUSED, FILTER_PAUSED)                     \
	X("dead", 1U << JP_STATUS_DEAD, FILTER_DEAD)                           \
	X("all",                                                               \
	    1U << JP_STATUS_LIVE | 1U << JP_STATUS_PAUSED |                    \
	        1U << JP_STATUS_DEAD,                                          \
	    FILTER_ALL)

static const struct filter {
	const char *value;
	unsigned int bits;
	enum text text;
} filters[] = {
#define FILTER_ROW(value, bits, text) { value, bits, TEXT_##text },
	FILTER_LIST(FILTER_ROW)
#undef FILTER_ROW
};

static const struct filter *
filter_of(const struct visit *visit)
{
	const char *state = visit_query(visit, "state");

	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++)
		if (state != NULL && strcmp(filters[i].value, state) == 0)
			return &filters[i];
	return &filters[0];
}

unsigned int
page_statuses(const struct visit *visit)
{
	return filter_of(visit)->bits;
}

bool
page_is_narrowed(const struct visit *visit)
{
	const char *search = visit_query(visit, "q");

	return filter_of(visit) != &filters[0] ||
	       (search != NULL && search[0] != '\0');
}

void
page_take_query(
    const struct visit *visit, const char *name, char *field, size_t size)
{
	const char *value = visit_query(visit, name);

	(void)snprintf(field, size, "%s", value != NULL ? value : "");
}

static void
add_text_field(struct page *page, const char *name, enum text label)
{
	const char *value = visit_query(page->visit, name);

	html_add(&page->html, "<p class=\"field\"><label for=\"%s\">", name);
	page_say(page, label);
	html_add(&page->html,
	    "</label><input id=\"%s\" name=\"%s\" type=\"search\" "
	    "value=\"%s\" maxlength=\"128\"></p>",
	    name, name, value != NULL ? value : "");
}

static void
add_filter(struct page *page)
{
	const struct filter *chosen = filter_of(page->visit);

	html_add(&page->html, "<p class=\"field\"><label for=\"filter\">");
	page_say(page, TEXT_FILTER_STATE);
	html_add(&page->html, "</label><select id=\"filter\" name=\"state\">");
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		html_add(&page->html, "<option value=\"%s\"", filters[i].value);
		if (chosen == &filters[i])
			html_add(&page->html, " selected");
		html_add(&page->html, ">");
		page_say(page, filters[i].text);
		html_add(&page->html, "</option>");
	}
	html_add(&page->html, "</select></p>");
}

void
page_add_search(struct page *page, const char *path, bool staff)
{
	html_add(&page->html,
	    "<form class=\"search\" method=\"get\" role=\"search\" "
	    "aria-label=\"%s\" action=\"%s\">",
	    text_of(page->lang, TEXT_SEARCH_FORM), path);
	/* A form of GET has its own query. */
	if (page->lang_chosen)
		html_add(&page->html,
		    "<input type=\"hidden\" name=\"lang\" value=\"%s\">",
		    lang_tag(page->lang));
	if (staff)
		add_text_field(page, "user", TEXT_ADMIN_USER);
	add_text_field(page, "q", staff ? TEXT_ADMIN_SEARCH : TEXT_SEARCH);
	add_filter(page);
	page_button(page, "plain", TEXT_SEARCH_GO);
	html_add(&page->html, "</form>\n");
}

/* ---- the list ---- */

static void
add_count(struct page *page)
{
	char count[16];

	(void)snprintf(count, sizeof(count), "%zu", page->count);
	html_add(&page->html, "<p class=\"count\" role=\"status\">");
	if (page->count == 0)
		page_say(page, page_is_narrowed(page->visit)
		                   ? TEXT_LIST_NO_MATCH
		                   : TEXT_LIST_NONE);
	else if (page->count == 1)
		page_say(page, TEXT_LIST_ONE);
	else
		page_say(page, TEXT_LIST_MANY, count);
	html_add(&page->html, "</p>");
	if (page->next[0] == '\0')
		return;
	html_add(&page->html, "<p class=\"hint\">");
	page_say(page, TEXT_LIST_CUT, count);
	html_add(&page->html, "</p>");
}

static void
add_foot(struct page *page)
{
	char path[PAGE_PATH_MAX];

	html_add(&page->html, "<div class=\"actions end\">");
	if (!page_is_narrowed(page->visit))
		page_link(page, "button plain",
		    page_path(page, path, "?state=all"), TEXT_FILTER_SHOW_DEAD);
	if (page->count > 0)
		page_link(page, "button danger",
		    page_path(page, path, "/revoke-all"), TEXT_REVOKE_ALL);
	html_add(&page->html, "</div>\n");
}

/* What the script asks with; each link has the address. */
static void
add_dialog(struct page *page)
{
	struct html *html = &page->html;

	html_add(html, "<dialog id=\"ask\" aria-labelledby=\"ask-title\" "
	               "aria-describedby=\"ask-about ask-text\">"
	               "<h2 id=\"ask-title\">");
	page_say(page, TEXT_REVOKE_TITLE);
	html_add(html, "</h2><p id=\"ask-about\" class=\"about\"></p>"
	               "<p id=\"ask-text\">");
	page_say(page, TEXT_REVOKE_INTRO);
	html_add(html, "</p><form method=\"post\" class=\"actions\">");
	page_button(page, "danger", TEXT_REVOKE_GO);
	html_add(html, "<button type=\"button\" class=\"plain\" "
	               "id=\"ask-cancel\">");
	page_say(page, TEXT_CANCEL);
	html_add(html, "</button></form></dialog>\n");
}

static void
on_listed(struct visit *visit, enum jp_err err, const struct jp_why *why)
{
	struct page *page = page_of(visit);
	char path[PAGE_PATH_MAX];

	if (err != JP_ERR_OK) {
		page_fail(page, err, why);
		return;
	}
	page_begin(page, TEXT_LIST_TITLE, NULL);
	page_add_done(page);
	html_add(&page->html, "<p>");
	page_say(page, TEXT_LIST_INTRO);
	html_add(&page->html, "</p><p>");
	page_link(page, "button", page_path(page, path, "/new"), TEXT_NAV_NEW);
	html_add(&page->html, "</p>");
	if (page->count > SEARCH_FROM || page_is_narrowed(visit))
		page_add_search(page, page_path(page, path, "%s", ""), false);
	add_count(page);
	page_add_cards_sorted(page);
	add_foot(page);
	add_dialog(page);
	page_end(page, 200);
}

static void
on_item(struct visit *visit, const struct jp_admin_item *item)
{
	struct page *page = page_of(visit);

	if (item->kind == JP_ITEM_RECORD)
		page_add_card(page, &item->record, item->state, PAGE_CARD_OWN);
	else if (item->kind == JP_ITEM_PAGE)
		memcpy(page->next, item->record.id, sizeof(page->next));
}

void
page_list(struct visit *visit)
{
	struct page *page = page_of(visit);
	struct jp_admin_request *request;

	if (page == NULL)
		return;
	request = visit_request(visit, JP_ADMIN_LIST);
	if (request == NULL)
		return;
	request->statuses = page_statuses(visit);
	request->limit = PAGE_CARDS_MAX;
	page_take_query(visit, "q", request->search, sizeof(request->search));
	visit_ask(visit, on_item, on_listed);
}
