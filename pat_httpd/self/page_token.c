/* One token: what is known of it, and what can be done with it. */
#include <stdlib.h>
#include <string.h>

#include "pat_httpd/self/page_card.h"
#include "pat_httpd/self/page_routes.h"

bool
page_is_id(const char *text)
{
	return strlen(text) == JP_TOKEN_ID_LEN &&
	       strspn(text, JP_TOKEN_ALPHABET) == JP_TOKEN_ID_LEN;
}

/* A request about the token of the path; NULL: the visit has been replied to.
 */
static struct jp_admin_request *
request_of(struct visit *visit, enum jp_admin_op op)
{
	struct page *page = page_of(visit);
	const char *id = visit_param(visit, "id");
	struct jp_admin_request *request;

	if (page == NULL)
		return NULL;
	if (!page_is_id(id)) {
		visit_refuse(visit, SITE_NO_NOT_FOUND);
		return NULL;
	}
	request = visit_request(visit, op);
	if (request != NULL)
		(void)jp_field_set(
		    request->record.id, sizeof(request->record.id), id);
	return request;
}

static void
on_record(struct visit *visit, const struct jp_admin_item *item)
{
	struct page *page = page_of(visit);

	if (item->kind != JP_ITEM_RECORD)
		return;
	page->record = item->record;
	page->state = item->state;
	page->count++;
}

static void
show(struct visit *visit,
    void (*ended)(struct visit *, enum jp_err, const struct jp_why *))
{
	if (request_of(visit, JP_ADMIN_SHOW) != NULL)
		visit_ask(visit, on_record, ended);
}

/* Whether patd has shown it; if not, the visit has been replied to. */
static bool
was_shown(struct page *page, enum jp_err err, const struct jp_why *why)
{
	if (err != JP_ERR_OK)
		page_fail(page, err, why);
	else if (page->count != 1)
		visit_refuse(page->visit, SITE_NO_INTERNAL);
	return err == JP_ERR_OK && page->count == 1;
}

/* ---- details ---- */

/* How long an old token may live beside its successor. */
static const struct grace {
	const char *value; /* seconds, as the form has them */
	enum text text;
} graces[] = {
	{ "0", TEXT_GRACE_NONE },
	{ "3600", TEXT_GRACE_HOUR },
	{ "86400", TEXT_GRACE_DAY },
	{ "604800", TEXT_GRACE_WEEK },
};

enum {
	GRACE_DEFAULT = 2,
};

/* The one that the form has, or the default; NULL: it has none of ours. */
static const struct grace *
grace_of(const struct visit *visit)
{
	const char *value = visit_field(visit, "grace");

	if (value == NULL)
		return &graces[GRACE_DEFAULT];
	for (size_t i = 0; i < sizeof(graces) / sizeof(graces[0]); i++)
		if (strcmp(graces[i].value, value) == 0)
			return &graces[i];
	return NULL;
}

static void
add_grace(struct page *page)
{
	const struct grace *chosen = grace_of(page->visit);

	html_add(&page->html, "<p class=\"field\"><label for=\"grace\">");
	page_say(page, TEXT_RENEW_GRACE);
	html_add(&page->html, "</label><select id=\"grace\" name=\"grace\">");
	for (size_t i = 0; i < sizeof(graces) / sizeof(graces[0]); i++) {
		html_add(&page->html, "<option value=\"%s\"%s>",
		    graces[i].value, &graces[i] == chosen ? " selected" : "");
		page_say(page, graces[i].text);
		html_add(&page->html, "</option>");
	}
	html_add(&page->html, "</select></p>");
}

static void
add_renew(struct page *page)
{
	bool keep = visit_field(page->visit, "keep") != NULL;
	char path[PAGE_PATH_MAX];

	html_add(&page->html, "<section id=\"renew\" class=\"part\"><h2>");
	page_say(page, TEXT_RENEW);
	html_add(&page->html, "</h2><p>");
	page_say(page, TEXT_RENEW_INTRO);
	html_add(&page->html, "</p>");
	page_form(
	    page, "form", page_path(page, path, "/%s/rotate", page->record.id));
	add_grace(page);
	html_add(&page->html, "<p class=\"check\"><label><input "
	                      "type=\"checkbox\" name=\"keep\" value=\"1\"");
	if (keep)
		html_add(&page->html, " checked");
	html_add(&page->html, "> ");
	page_say(page, TEXT_RENEW_KEEP);
	html_add(&page->html, "</label></p>");
	page_button(page, "main", TEXT_RENEW_GO);
	html_add(&page->html, "</form></section>\n");
}

static void
add_switch(struct page *page)
{
	bool off = page->record.disabled_at != JP_NEVER;
	char path[PAGE_PATH_MAX];

	html_add(&page->html, "<section class=\"part\"><h2>");
	page_say(page, off ? TEXT_ENABLE : TEXT_DISABLE);
	html_add(&page->html, "</h2><p>");
	page_say(page, TEXT_DISABLE_INTRO);
	html_add(&page->html, "</p>");
	page_form(page, "form",
	    page_path(page, path, "/%s/%s", page->record.id,
	        off ? "enable" : "disable"));
	page_button(page, "plain", off ? TEXT_ENABLE : TEXT_DISABLE);
	html_add(&page->html, "</form></section>\n");
}

static void
add_child(struct page *page)
{
	char path[PAGE_PATH_MAX];

	html_add(&page->html, "<section class=\"part\"><h2>");
	page_say(page, TEXT_NEW_CHILD);
	html_add(&page->html, "</h2><p>");
	page_say(page, TEXT_NEW_CHILD_INTRO);
	html_add(&page->html, "</p><p>");
	page_link(page, "button plain",
	    page_path(page, path, "/new?parent=%s", page->record.id),
	    TEXT_NEW_CHILD);
	html_add(&page->html, "</p></section>\n");
}

static void
add_revoke(struct page *page, const char *tag)
{
	char path[PAGE_PATH_MAX];

	html_add(&page->html, "<section class=\"part\">");
	if (tag != NULL) {
		html_add(&page->html, "<h2>");
		page_say(page, TEXT_REVOKE);
		html_add(&page->html, "</h2>");
	}
	html_add(&page->html, "<p id=\"revoke-text\">");
	page_say(page, TEXT_REVOKE_INTRO);
	html_add(&page->html, "</p>");
	page_form(page, "actions",
	    page_path(page, path, "/%s/revoke", page->record.id));
	html_add(&page->html,
	    "<button class=\"danger\" aria-describedby=\"revoke-text\">");
	page_say(page, TEXT_REVOKE_GO);
	html_add(&page->html, "</button>");
	if (tag == NULL)
		page_link(page, "button plain", page_path(page, path, "%s", ""),
		    TEXT_CANCEL);
	html_add(&page->html, "</form></section>\n");
}

static void
show_details(struct page *page, unsigned int status)
{
	char path[PAGE_PATH_MAX];
	const char *name = page->record.name;

	page_begin(
	    page, TEXT_TOKEN_TITLE, name[0] != '\0' ? name : page->record.id);
	page_alert(page);
	page_add_facts(page);
	if (page->state == JP_STATE_LIVE) {
		add_renew(page);
		add_child(page);
	}
	if (jp_state_status(page->state) != JP_STATUS_DEAD) {
		add_switch(page);
		add_revoke(page, "h2");
	}
	html_add(&page->html, "<p>");
	page_link(page, "back", page_path(page, path, "%s", ""), TEXT_BACK);
	html_add(&page->html, "</p>");
	page_end(page, status);
}

static void
on_shown(struct visit *visit, enum jp_err err, const struct jp_why *why)
{
	struct page *page = page_of(visit);

	if (was_shown(page, err, why))
		show_details(
		    page, page->problem != NULL ? page->problem->status : 200);
}

void
page_token(struct visit *visit)
{
	show(visit, on_shown);
}

/* ---- renewing ---- */

void
page_rotate(struct visit *visit)
{
	struct page *page = page_of(visit);
	const struct grace *grace = grace_of(visit);
	struct jp_admin_request *request;

	if (page == NULL)
		return;
	if (grace == NULL)
		page->problem = page_problem(PAGE_PROBLEM_FORM);
	if (grace == NULL || !page_login_is_fresh(page)) {
		show(visit, on_shown);
		return;
	}
	request = request_of(visit, JP_ADMIN_ROTATE);
	if (request == NULL)
		return;
	request->grace = strtoll(grace->value, NULL, 10);
	request->keep_until_grace = visit_field(visit, "keep") != NULL;
	visit_ask(visit, page_keep_token, page_show_token);
}

/* ---- disabling, enabling, revoking ---- */

static void
on_done(struct visit *visit, enum jp_err err, const struct jp_why *why,
    const char *done)
{
	struct page *page = page_of(visit);

	if (err != JP_ERR_OK)
		page_fail(page, err, why);
	else
		page_done(page, "", done);
}

/* One that has ended is no other than before. */
static void
on_switched(struct visit *visit, enum jp_err err, const struct jp_why *why,
    const char *done)
{
	static const struct jp_why ended = { .refusal = JP_REFUSAL_NOT_LIVE };
	struct page *page = page_of(visit);

	if (err == JP_ERR_OK && page->count == 1 &&
	    jp_state_status(page->state) == JP_STATUS_DEAD)
		page_fail(page, JP_ERR_REFUSED, &ended);
	else
		on_done(visit, err, why, done);
}

static void
on_disabled(struct visit *visit, enum jp_err err, const struct jp_why *why)
{
	on_switched(visit, err, why, "disabled");
}

static void
on_enabled(struct visit *visit, enum jp_err err, const struct jp_why *why)
{
	on_switched(visit, err, why, "enabled");
}

static void
on_revoked(struct visit *visit, enum jp_err err, const struct jp_why *why)
{
	on_done(visit, err, why, "revoked");
}

static void
on_all_revoked(struct visit *visit, enum jp_err err, const struct jp_why *why)
{
	on_done(visit, err, why, "revoked-all");
}

void
page_disable(struct visit *visit)
{
	if (request_of(visit, JP_ADMIN_DISABLE) != NULL)
		visit_ask(visit, on_record, on_disabled);
}

void
page_enable(struct visit *visit)
{
	if (request_of(visit, JP_ADMIN_ENABLE) != NULL)
		visit_ask(visit, on_record, on_enabled);
}

void
page_revoke(struct visit *visit)
{
	if (request_of(visit, JP_ADMIN_REVOKE) != NULL)
		visit_ask(visit, NULL, on_revoked);
}

static void
on_to_be_revoked(struct visit *visit, enum jp_err err, const struct jp_why *why)
{
	struct page *page = page_of(visit);

	if (!was_shown(page, err, why))
		return;
	page_begin(page, TEXT_REVOKE_TITLE, NULL);
	html_add(&page->html, "<p class=\"about\"><strong>");
	page_add_name(&page->html, page->lang, page->record.name);
	html_add(&page->html, "</strong> <code>%s</code></p>", page->record.id);
	add_revoke(page, NULL);
	page_end(page, 200);
}

void
page_confirm_revoke(struct visit *visit)
{
	show(visit, on_to_be_revoked);
}

void
page_confirm_revoke_all(struct visit *visit)
{
	struct page *page = page_of(visit);
	char path[PAGE_PATH_MAX];

	if (page == NULL)
		return;
	page_begin(page, TEXT_REVOKE_ALL_TITLE, NULL);
	html_add(&page->html, "<p id=\"revoke-text\">");
	page_say(page, TEXT_REVOKE_ALL_INTRO);
	html_add(&page->html, "</p>");
	page_form(page, "actions", page_path(page, path, "/revoke-all"));
	html_add(&page->html,
	    "<button class=\"danger\" aria-describedby=\"revoke-text\">");
	page_say(page, TEXT_REVOKE_ALL_GO);
	html_add(&page->html, "</button>");
	page_link(
	    page, "button plain", page_path(page, path, "%s", ""), TEXT_CANCEL);
	html_add(&page->html, "</form>\n");
	page_end(page, 200);
}

void
page_revoke_all(struct visit *visit)
{
	struct page *page = page_of(visit);
	struct jp_admin_request *request;

	if (page == NULL)
		return;
	request = visit_request(visit, JP_ADMIN_REVOKE);
	if (request == NULL)
		return;
	(void)jp_field_set(request->record.user, sizeof(request->record.user),
	    visit_visitor(visit)->user);
	visit_ask(visit, NULL, on_all_revoked);
}
