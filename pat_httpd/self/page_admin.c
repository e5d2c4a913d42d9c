/*
 * The tokens of all users, for the administrators' group. Who belongs to it,
 * patd judges, each time that it is asked.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pat_httpd/self/page_card.h"
#include "pat_httpd/self/page_routes.h"

enum {
	LIMIT = 50, /* tokens on one page */
};

/* A request of the group's; NULL: the visit has been replied to. */
static struct jp_admin_request *
request_of(struct visit *visit, enum jp_admin_op op)
{
	return page_of(visit) != NULL ? visit_request(visit, op) : NULL;
}

/* ---- the policy ---- */

/* What pat-admin policy apply would do, in words; by jp_breach_act(). */
static enum text
act_of(enum jp_breach breach)
{
	return strcmp(jp_breach_act(breach), "shorten") == 0
	           ? TEXT_POLICY_SHORTEN
	           : TEXT_POLICY_REVOKE;
}

static void
add_breach(struct page *page, enum jp_breach breach)
{
	char count[24];

	(void)snprintf(
	    count, sizeof(count), "%" PRIu64, page->breaches[breach]);
	html_add(&page->html, "<tr><th scope=\"row\"><code>%s</code></th>",
	    jp_breach_setting(breach));
	html_add(&page->html, "<td class=\"number\">%s</td><td>", count);
	page_say(page, act_of(breach));
	html_add(&page->html, "</td></tr>\n");
}

static void
add_column(struct page *page, enum text text)
{
	html_add(&page->html, "<th scope=\"col\">");
	page_say(page, text);
	html_add(&page->html, "</th>");
}

static void
add_policy(struct page *page)
{
	struct html *html = &page->html;
	char live[24];

	(void)snprintf(live, sizeof(live), "%" PRIu64, page->live);
	html_add(html, "<section id=\"policy\" class=\"part\"><h2>");
	page_say(page, TEXT_POLICY_TITLE);
	html_add(html, "</h2><p>");
	page_say(page, TEXT_POLICY_LIVE, live);
	html_add(html, " ");
	page_say(page, TEXT_POLICY_INTRO);
	html_add(html, "</p><table><thead><tr>");
	add_column(page, TEXT_POLICY_RULE);
	add_column(page, TEXT_POLICY_COUNT);
	add_column(page, TEXT_POLICY_ACT);
	html_add(html, "</tr></thead><tbody>\n");
	for (size_t i = 1; i < JP_BREACH_COUNT_OF; i++)
		add_breach(page, (enum jp_breach)i);
	html_add(html, "</tbody></table></section>\n");
}

/* ---- the list ---- */

static void
add_act(struct page *page, const char *class, const char *act, enum text text)
{
	char path[PAGE_PATH_MAX];

	html_add(&page->html, "<button class=\"%s\" formaction=\"%s\">", class,
	    page_path(page, path, "/admin/%s", act));
	page_say(page, text);
	html_add(&page->html, "</button>");
}

static void
add_tokens(struct page *page)
{
	char path[PAGE_PATH_MAX];

	if (page->count == 0) {
		html_add(&page->html, "<p class=\"count\" role=\"status\">");
		page_say(page, TEXT_LIST_NO_MATCH);
		html_add(&page->html, "</p>");
		return;
	}
	page_form(page, "bulk", page_path(page, path, "/admin/revoke"));
	page_add_cards(page);
	html_add(&page->html, "<p class=\"actions end\">");
	add_act(page, "danger", "revoke", TEXT_ADMIN_REVOKE);
	add_act(page, "plain", "disable", TEXT_ADMIN_DISABLE);
	add_act(page, "plain", "enable", TEXT_ADMIN_ENABLE);
	html_add(&page->html, "</p></form>\n");
}

/* A value in a query: all but what needs no escape is escaped. */
static void
add_to_query(char path[PAGE_PATH_MAX], const char *name, const char *value)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                            "abcdefghijklmnopqrstuvwxyz0123456789-._~";
	size_t len = strlen(path);

	/* What a user typed and is too long is left out, not cut. */
	if (len + strlen(name) + 3 * strlen(value) + sizeof("?=") >
	    PAGE_PATH_MAX)
		return;
	len += (size_t)snprintf(path + len, PAGE_PATH_MAX - len,
	    "%c%s=", strchr(path, '?') != NULL ? '&' : '?', name);
	for (; *value != '\0'; value++) {
		bool escape = strchr(plain, *value) == NULL;

		len += (size_t)snprintf(path + len, PAGE_PATH_MAX - len,
		    escape ? "%%%02X" : "%c", (unsigned char)*value);
	}
}

static void
add_next(struct page *page)
{
	static const char *const kept[] = { "user", "q", "state" };
	char path[PAGE_PATH_MAX];
	bool first = visit_query(page->visit, "after") == NULL;

	html_add(&page->html, "<p class=\"actions\">");
	if (!first)
		page_link(page, "button plain", page_path(page, path, "/admin"),
		    TEXT_ADMIN_FIRST);
	if (page->next[0] != '\0') {
		(void)page_path(page, path, "/admin");
		for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
			if (visit_query(page->visit, kept[i]) != NULL)
				add_to_query(path, kept[i],
				    visit_query(page->visit, kept[i]));
		add_to_query(path, "after", page->next);
		page_link(page, "button plain", path, TEXT_ADMIN_NEXT);
	}
	html_add(&page->html, "</p>\n");
}

static void
show(struct page *page, bool policy)
{
	char path[PAGE_PATH_MAX];

	page_begin(page, TEXT_ADMIN_TITLE, NULL);
	page_add_done(page);
	page_add_search(page, page_path(page, path, "/admin"), true);
	if (policy) {
		add_policy(page);
	} else {
		html_add(&page->html, "<p>");
		page_link(page, "policy",
		    page_path(page, path, "/admin?policy=1"), TEXT_POLICY_SHOW);
		html_add(&page->html, "</p>\n");
	}
	add_tokens(page);
	add_next(page);
	page_end(page, 200);
}

static void
on_item(struct visit *visit, const struct jp_admin_item *item)
{
	struct page *page = page_of(visit);

	switch ((int)item->kind) {
	case JP_ITEM_RECORD:
		page_add_card(
		    page, &item->record, item->state, PAGE_CARD_STAFF);
		break;
	case JP_ITEM_PAGE:
		memcpy(page->next, item->record.id, sizeof(page->next));
		break;
	case JP_ITEM_COUNTS:
		memcpy(page->breaches, item->breaches, sizeof(page->breaches));
		page->live = item->live;
		break;
	default:
		break;
	}
}

static void
on_counted(struct visit *visit, enum jp_err err, const struct jp_why *why)
{
	struct page *page = page_of(visit);

	if (err == JP_ERR_OK)
		show(page, true);
	else
		page_fail(page, err, why);
}

static void
on_listed(struct visit *visit, enum jp_err err, const struct jp_why *why)
{
	struct page *page = page_of(visit);
	struct jp_admin_request *request;

	if (err != JP_ERR_OK) {
		page_fail(page, err, why);
		return;
	}
	if (visit_query(visit, "policy") == NULL) {
		show(page, false);
		return;
	}
	request = request_of(visit, JP_ADMIN_POLICY);
	if (request == NULL)
		return;
	request->dry_run = true;
	request->summary = true;
	visit_ask(visit, on_item, on_counted);
}

void
page_admin(struct visit *visit)
{
	struct jp_admin_request *request = request_of(visit, JP_ADMIN_LIST);
	const char *after = visit_query(visit, "after");

	if (request == NULL)
		return;
	request->limit = LIMIT;
	request->statuses = page_statuses(visit);
	page_take_query(
	    visit, "user", request->record.user, sizeof(request->record.user));
	page_take_query(visit, "q", request->search, sizeof(request->search));
	if (after != NULL && page_is_id(after))
		(void)jp_field_set(
		    request->after, sizeof(request->after), after);
	visit_ask(visit, on_item, on_listed);
}

/* ---- what is done to many ---- */

/* Takes what was chosen; false: nothing, and the visit has been replied to. */
static bool
take_chosen(struct page *page)
{
	size_t len =
	    visit_fields(page->visit, "ids", page->chosen, PAGE_CHOSEN_MAX);

	page->chosen_len = len < PAGE_CHOSEN_MAX ? len : PAGE_CHOSEN_MAX;
	for (size_t i = 0; i < page->chosen_len; i++)
		if (!page_is_id(page->chosen[i]))
			page->chosen_len = 0;
	if (page->chosen_len > 0)
		return true;
	page_fail_with(page, page_problem(PAGE_PROBLEM_NOTHING));
	return false;
}

/* An act, one token after the other. */
static const struct act {
	enum jp_admin_op op;
	const char *done;
} revoking = { JP_ADMIN_REVOKE, "revoked-many" },
  disabling = { JP_ADMIN_DISABLE, "disabled-many" },
  enabling = { JP_ADMIN_ENABLE, "enabled-many" };

static void
on_act(struct visit *visit, enum jp_err err, const struct jp_why *why);

static void
act_on_next(struct page *page)
{
	struct visit *visit = page->visit;
	const char *reason = visit_field(visit, "reason");
	struct jp_admin_request *request;

	if (page->done == page->chosen_len) {
		page_done(page, "/admin", page->act->done);
		return;
	}
	request = request_of(visit, page->act->op);
	if (request == NULL)
		return;
	(void)jp_field_set(request->record.id, sizeof(request->record.id),
	    page->chosen[page->done]);
	if (page->act->op == JP_ADMIN_REVOKE && reason != NULL)
		(void)jp_field_set(request->record.revoked_why,
		    sizeof(request->record.revoked_why), reason);
	visit_ask(visit, NULL, on_act);
}

/* One that has ended, or gone, meanwhile is in nobody's way. */
static void
on_act(struct visit *visit, enum jp_err err, const struct jp_why *why)
{
	struct page *page = page_of(visit);
	bool gone = err == JP_ERR_NOT_FOUND ||
	            why->refusal == JP_REFUSAL_NOT_FOUND ||
	            why->refusal == JP_REFUSAL_NOT_LIVE;

	if (err != JP_ERR_OK && !gone) {
		page_fail(page, err, why);
		return;
	}
	page->done++;
	act_on_next(page);
}

static void
act(struct visit *visit, const struct act *what)
{
	struct page *page = page_of(visit);

	if (page == NULL || !take_chosen(page))
		return;
	page->act = what;
	act_on_next(page);
}

void
page_admin_disable(struct visit *visit)
{
	act(visit, &disabling);
}

void
page_admin_enable(struct visit *visit)
{
	act(visit, &enabling);
}

/* ---- revoking: after a question ---- */

static void
add_reason(struct page *page)
{
	html_add(&page->html, "<p class=\"field\"><label for=\"reason\">");
	page_say(page, TEXT_ADMIN_REASON);
	html_add(&page->html,
	    "</label><input id=\"reason\" name=\"reason\" maxlength=\"%d\" "
	    "autocomplete=\"off\"></p>\n",
	    JP_NOTE_MAX);
}

static void
ask(struct page *page)
{
	struct html *html = &page->html;
	char path[PAGE_PATH_MAX];

	page_begin(page, TEXT_ADMIN_REVOKE_TITLE, NULL);
	page_alert(page);
	html_add(html, "<p id=\"revoke-text\">");
	page_say(page, TEXT_REVOKE_INTRO);
	html_add(html, "</p><ul class=\"chosen\">");
	if (page->items.text != NULL)
		html_add_piece(html, page->items.text, page->items.len);
	html->failed |= page->items.failed;
	html_add(html, "</ul>");
	page_form(page, "form", page_path(page, path, "/admin/revoke"));
	for (size_t i = 0; i < page->chosen_len; i++)
		html_add(html,
		    "<input type=\"hidden\" name=\"ids\" value=\"%s\">",
		    page->chosen[i]);
	add_reason(page);
	html_add(html, "<p class=\"actions\"><button class=\"danger\" "
	               "name=\"confirm\" value=\"1\" "
	               "aria-describedby=\"revoke-text\">");
	page_say(page, TEXT_ADMIN_REVOKE);
	html_add(html, "</button>");
	page_link(
	    page, "button plain", page_path(page, path, "/admin"), TEXT_CANCEL);
	html_add(html, "</p></form>\n");
	page_end(page, page->problem != NULL ? page->problem->status : 200);
}

static void
on_chosen(struct visit *visit, const struct jp_admin_item *item)
{
	struct page *page = page_of(visit);
	struct html *html = &page->items;

	if (item->kind != JP_ITEM_RECORD)
		return;
	html_add(html, "<li>");
	page_add_name(html, page->lang, item->record.name);
	html_add(html, " \xC2\xB7 <bdi>%s</bdi> <code>%s</code></li>",
	    item->record.user, item->record.id);
}

static void
on_one_shown(struct visit *visit, enum jp_err err, const struct jp_why *why);

static void
show_next(struct page *page)
{
	struct jp_admin_request *request;

	if (page->done == page->chosen_len) {
		ask(page);
		return;
	}
	request = request_of(page->visit, JP_ADMIN_SHOW);
	if (request == NULL)
		return;
	(void)jp_field_set(request->record.id, sizeof(request->record.id),
	    page->chosen[page->done]);
	visit_ask(page->visit, on_chosen, on_one_shown);
}

static void
on_one_shown(struct visit *visit, enum jp_err err, const struct jp_why *why)
{
	struct page *page = page_of(visit);

	if (err != JP_ERR_OK) {
		page_fail(page, err, why);
		return;
	}
	page->done++;
	show_next(page);
}

void
page_admin_revoke(struct visit *visit)
{
	struct page *page = page_of(visit);
	const char *reason = visit_field(visit, "reason");

	if (visit_field(visit, "confirm") != NULL &&
	    (reason == NULL || strlen(reason) <= JP_NOTE_MAX)) {
		act(visit, &revoking);
		return;
	}
	if (page == NULL || !take_chosen(page))
		return;
	if (reason != NULL && strlen(reason) > JP_NOTE_MAX)
		page->problem = page_problem(PAGE_PROBLEM_REASON);
	show_next(page);
}
