/* The form for a new token, and what comes of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/net.h"
#include "pat_httpd/self/offers.h"
#include "pat_httpd/self/page_routes.h"
#include "pat_httpd/self/words.h"

/* More boxes than a record has room for. */
#define CHOICES_MAX 64

/* ---- what was typed ---- */

/* The value of a field as it came; "": nothing. */
static const char *
typed(const struct page *page, enum page_field field)
{
	const char *value = visit_field(page->visit, page_field_name(field));

	return value != NULL ? value : "";
}

static bool
is_checked(const struct page *page, const char *name)
{
	return visit_field(page->visit, name) != NULL;
}

/* Whether a list has `value`. */
static bool
is_among(const struct page *page, enum page_field field, const char *value)
{
	const char *values[CHOICES_MAX];
	size_t len = visit_fields(
	    page->visit, page_field_name(field), values, CHOICES_MAX);

	for (size_t i = 0; i < len && i < CHOICES_MAX; i++)
		if (strcmp(values[i], value) == 0)
			return true;
	return false;
}

/* The token that the new one is to be a child of: by the form, or the link. */
static const char *
parent_of(const struct page *page)
{
	const char *parent = visit_field(page->visit, "parent");

	if (parent == NULL)
		parent = visit_query(page->visit, "parent");
	return parent != NULL && page_is_id(parent) ? parent : "";
}

/* ---- inputs ---- */

static bool
is_wrong(const struct page *page, enum page_field field)
{
	return page->problem != NULL && page->problem->field == field;
}

/* What each input says about itself: its hint, and the problem with it. */
static void
add_described(struct page *page, enum page_field field, bool hint)
{
	bool wrong = is_wrong(page, field);

	if (!hint && !wrong)
		return;
	html_add(&page->html, " aria-describedby=\"");
	if (hint)
		html_add(&page->html, "%s-hint%s", page_field_name(field),
		    wrong ? " " : "");
	html_add(&page->html, "%s\"", wrong ? "problem" : "");
	if (wrong)
		html_add(&page->html, " aria-invalid=\"true\"");
}

static void
add_label(struct page *page, enum page_field field, enum text label)
{
	html_add(&page->html, "<p class=\"field\"><label for=\"%s\">",
	    page_field_name(field));
	page_say(page, label);
	html_add(&page->html, "</label>");
}

static void
add_hint(struct page *page, enum page_field field, enum text hint)
{
	html_add(&page->html, "<span class=\"hint\" id=\"%s-hint\">",
	    page_field_name(field));
	page_say(page, hint);
	html_add(&page->html, "</span></p>\n");
}

static void
add_name(struct page *page)
{
	const struct jp_policy *policy = &visit_settings(page->visit)->policy;

	add_label(page, PAGE_FIELD_NAME, TEXT_NEW_NAME);
	html_add(&page->html,
	    "<input id=\"name\" name=\"name\" autocomplete=\"off\" "
	    "maxlength=\"%d\" value=\"%s\"",
	    JP_NAME_MAX, typed(page, PAGE_FIELD_NAME));
	if (policy->name_required)
		html_add(&page->html, " required");
	add_described(page, PAGE_FIELD_NAME, true);
	html_add(&page->html, ">");
	add_hint(page, PAGE_FIELD_NAME, TEXT_NEW_NAME_HINT);
}

/* ---- lifetime ---- */

static void
add_offer_text(struct page *page, const struct offer *offer)
{
	enum { HOUR = 3600, DAY = 24 * HOUR };
	int64_t unit = offer->seconds % DAY == 0    ? DAY
	               : offer->seconds % HOUR == 0 ? HOUR
	                                            : 60;
	bool one = offer->seconds == unit && unit != 60;
	char count[32];

	if (offer->kind != OFFER_FOR) {
		page_say(page, offer->kind == OFFER_NEVER
		                   ? TEXT_LIFETIME_NEVER
		                   : TEXT_LIFETIME_CUSTOM);
		return;
	}
	(void)snprintf(
	    count, sizeof(count), "%lld", (long long)(offer->seconds / unit));
	if (unit == DAY)
		html_say_plain(&page->html, page->lang,
		    one ? TEXT_LIFETIME_DAY : TEXT_LIFETIME_DAYS, count);
	else if (unit == HOUR)
		html_say_plain(&page->html, page->lang,
		    one ? TEXT_LIFETIME_HOUR : TEXT_LIFETIME_HOURS, count);
	else
		html_say_plain(
		    &page->html, page->lang, TEXT_LIFETIME_MINUTES, count);
}

static void
add_lifetime(struct page *page)
{
	const struct jp_policy *policy = &visit_settings(page->visit)->policy;
	const char *before = typed(page, PAGE_FIELD_LIFETIME);
	struct offer offers[OFFERS_MAX];
	size_t len = offer_lifetimes(policy, offers);
	char value[OFFER_VALUE_MAX];

	add_label(page, PAGE_FIELD_LIFETIME, TEXT_NEW_LIFETIME);
	html_add(&page->html, "<select id=\"lifetime\" name=\"lifetime\"");
	add_described(page, PAGE_FIELD_LIFETIME, false);
	html_add(&page->html, ">");
	for (size_t i = 0; i < len; i++) {
		offer_format(&offers[i], value);
		html_add(&page->html, "<option value=\"%s\"", value);
		if (before[0] != '\0' ? strcmp(before, value) == 0
		                      : offers[i].chosen)
			html_add(&page->html, " selected");
		html_add(&page->html, ">");
		add_offer_text(page, &offers[i]);
		html_add(&page->html, "</option>");
	}
	html_add(&page->html, "</select></p>\n");
}

/* "2027-01-31", the day of a time. */
static void
add_day(struct page *page, const char *name, int64_t when)
{
	char text[JP_WHEN_TEXT_MAX];

	jp_when_format(when, text);
	html_add(&page->html, " %s=\"", name);
	html_add_text(&page->html, text, strlen("2027-01-31"));
	html_add(&page->html, "\"");
}

static void
add_expires(struct page *page)
{
	enum { DAY = 86400 };
	int64_t now = visit_now(page->visit);
	int64_t longest = offer_longest(&visit_settings(page->visit)->policy);

	add_label(page, PAGE_FIELD_EXPIRES, TEXT_NEW_EXPIRES);
	html_add(&page->html,
	    "<input id=\"expires\" name=\"expires\" type=\"date\" value=\"%s\"",
	    typed(page, PAGE_FIELD_EXPIRES));
	add_day(page, "min", jp_when_add(now, DAY));
	if (longest != JP_NEVER)
		add_day(page, "max", jp_when_add(now, longest));
	add_described(page, PAGE_FIELD_EXPIRES, true);
	html_add(&page->html, ">");
	add_hint(page, PAGE_FIELD_EXPIRES, TEXT_NEW_EXPIRES_HINT);
}

/* ---- scopes and services ---- */

static void
begin_choice(
    struct page *page, enum page_field field, enum text legend, enum text hint)
{
	const char *name = page_field_name(field);

	html_add(&page->html, "<fieldset id=\"%s\"", name);
	add_described(page, field, true);
	html_add(&page->html, "><legend>");
	page_say(page, legend);
	html_add(
	    &page->html, "</legend><p class=\"hint\" id=\"%s-hint\">", name);
	page_say(page, hint);
	html_add(&page->html, "</p>");
}

static void
add_choice(struct page *page, enum page_field field, const char *value,
    const char *about)
{
	html_add(&page->html,
	    "<p class=\"check\"><label><input type=\"checkbox\" name=\"%s\" "
	    "value=\"%s\"",
	    page_field_name(field), value);
	if (is_among(page, field, value))
		html_add(&page->html, " checked");
	html_add(&page->html, "> <bdi>%s</bdi>", value);
	if (about != NULL)
		html_add(&page->html, " <span class=\"hint\">%s</span>", about);
	html_add(&page->html, "</label></p>");
}

/* What is known of a scope without its administrator. */
static const char *
about_scope(const struct page *page, const char *scope)
{
	const struct jp_policy *policy = &visit_settings(page->visit)->policy;

	if (strcmp(scope, JP_SERVICE_SELF) == 0)
		return text_of(page->lang, TEXT_SCOPE_TOKENS);
	return words_scope_reads_only(policy, scope)
	           ? text_of(page->lang, TEXT_SCOPE_READS)
	           : NULL;
}

static void
add_scopes(struct page *page)
{
	const struct jp_policy *policy = &visit_settings(page->visit)->policy;
	const char *scopes[OFFER_SCOPES_MAX];
	size_t len = offer_scopes(policy, scopes);

	begin_choice(page, PAGE_FIELD_SCOPES, TEXT_NEW_SCOPES,
	    policy->self_scope_len > 0 ? TEXT_NEW_SCOPES_MUST
	                               : TEXT_NEW_SCOPES_HINT);
	for (size_t i = 0; i < len; i++)
		add_choice(page, PAGE_FIELD_SCOPES, scopes[i],
		    about_scope(page, scopes[i]));
	html_add(&page->html, "</fieldset>\n");
}

static void
add_services(struct page *page)
{
	const struct jp_self_settings *self =
	    &visit_settings(page->visit)->self;

	if (self->service_len == 0)
		return;
	begin_choice(page, PAGE_FIELD_SERVICES, TEXT_NEW_SERVICES,
	    TEXT_NEW_SERVICES_HINT);
	for (size_t i = 0; i < self->service_len; i++)
		add_choice(page, PAGE_FIELD_SERVICES, self->services[i], NULL);
	html_add(&page->html, "</fieldset>\n");
}

/* ---- more limits ---- */

static void
add_networks(struct page *page)
{
	const char *address = visit_visitor(page->visit)->address;

	if (jp_address_valid(address)) {
		html_add(&page->html,
		    "<p class=\"check\"><label><input type=\"checkbox\" "
		    "name=\"here\" value=\"1\"");
		if (is_checked(page, "here"))
			html_add(&page->html, " checked");
		html_add(&page->html, "> ");
		page_say(page, TEXT_NEW_HERE, address);
		html_add(&page->html, "</label></p>\n");
	}
	add_label(page, PAGE_FIELD_NETWORKS, TEXT_NEW_NETS);
	html_add(&page->html,
	    "<input id=\"networks\" name=\"networks\" autocomplete=\"off\" "
	    "value=\"%s\"",
	    typed(page, PAGE_FIELD_NETWORKS));
	add_described(page, PAGE_FIELD_NETWORKS, true);
	html_add(&page->html, ">");
	add_hint(page, PAGE_FIELD_NETWORKS, TEXT_NEW_NETS_HINT);
}

static void
add_uses(struct page *page)
{
	add_label(page, PAGE_FIELD_USES, TEXT_NEW_USES);
	html_add(&page->html,
	    "<input id=\"uses\" name=\"uses\" type=\"number\" min=\"1\" "
	    "max=\"4294967295\" value=\"%s\"",
	    typed(page, PAGE_FIELD_USES));
	add_described(page, PAGE_FIELD_USES, true);
	html_add(&page->html, ">");
	add_hint(page, PAGE_FIELD_USES, TEXT_NEW_USES_HINT);
}

/* Closed, unless there is something in it. */
static void
add_limits(struct page *page)
{
	bool open = typed(page, PAGE_FIELD_NETWORKS)[0] != '\0' ||
	            typed(page, PAGE_FIELD_USES)[0] != '\0' ||
	            is_checked(page, "here");

	html_add(&page->html, "<details%s", open ? " " : "");
	html_add(&page->html, "%s><summary>", open ? "open" : "");
	page_say(page, TEXT_NEW_LIMITS);
	html_add(&page->html, "</summary>");
	add_networks(page);
	add_uses(page);
	html_add(&page->html, "</details>\n");
}

/* ---- the form ---- */

static void
add_parent(struct page *page)
{
	const char *parent = parent_of(page);

	if (parent[0] == '\0')
		return;
	html_add(&page->html, "<p class=\"field\"><label for=\"parent\">");
	page_say(page, TEXT_NEW_PARENT);
	html_add(&page->html,
	    "</label><input id=\"parent\" name=\"parent\" readonly "
	    "value=\"%s\" aria-describedby=\"parent-hint\">"
	    "<span class=\"hint\" id=\"parent-hint\">",
	    parent);
	page_say(page, TEXT_NEW_PARENT_HINT);
	html_add(&page->html, "</span></p>\n");
}

static void
show_form(struct page *page)
{
	char path[PAGE_PATH_MAX];

	page_begin(page, TEXT_NEW_TITLE, NULL);
	page_alert(page);
	page_form(page, "form", page_path(page, path, "%s", ""));
	add_parent(page);
	add_name(page);
	add_lifetime(page);
	add_expires(page);
	add_scopes(page);
	add_services(page);
	add_limits(page);
	html_add(&page->html, "<p class=\"actions\">");
	page_button(page, "main", TEXT_NEW_GO);
	page_link(
	    page, "button plain", page_path(page, path, "%s", ""), TEXT_CANCEL);
	html_add(&page->html, "</p></form>\n");
	page_end(page, page->problem != NULL ? page->problem->status : 200);
}

void
page_new(struct visit *visit)
{
	struct page *page = page_of(visit);

	if (page != NULL)
		show_form(page);
}

/* ---- reading it ---- */

/* Each takes one field into the request, or says what is wrong. */
#define NO_PROBLEM PAGE_PROBLEM_COUNT

static enum page_problem_code
take_name(struct page *page, struct jp_admin_request *request)
{
	return jp_field_set(request->record.name, sizeof(request->record.name),
	           typed(page, PAGE_FIELD_NAME)) == JP_ERR_OK
	           ? NO_PROBLEM
	           : PAGE_PROBLEM_NAME;
}

/* A day, not a duration and not a time: what the input of a date sends. */
static bool
is_day(const char *text)
{
	return strlen(text) == strlen("2027-01-31") &&
	       strspn(text, "0123456789-") == strlen(text);
}

static enum page_problem_code
take_lifetime(struct page *page, struct jp_admin_request *request)
{
	const char *day = typed(page, PAGE_FIELD_EXPIRES);
	int64_t now = visit_now(page->visit);
	struct offer offer;

	if (!offer_parse(typed(page, PAGE_FIELD_LIFETIME), &offer))
		return PAGE_PROBLEM_LIFETIME;
	request->lifetime = JP_LIFETIME_UNTIL;
	switch (offer.kind) {
	case OFFER_FOR:
		request->expires_at = jp_when_add(now, offer.seconds);
		return NO_PROBLEM;
	case OFFER_NEVER:
		request->lifetime = JP_LIFETIME_NEVER;
		return NO_PROBLEM;
	case OFFER_CUSTOM:
		break;
	}
	return is_day(day) && jp_when_parse(day, now, &request->expires_at) ==
	                          JP_ERR_OK
	           ? NO_PROBLEM
	           : PAGE_PROBLEM_DATE;
}

static enum page_problem_code
take_scopes(struct page *page, struct jp_admin_request *request)
{
	struct jp_record *record = &request->record;
	const char *values[JP_SCOPES_MAX + 1];
	size_t len =
	    visit_fields(page->visit, "scopes", values, JP_SCOPES_MAX + 1);

	if (len > JP_SCOPES_MAX)
		return PAGE_PROBLEM_SCOPE;
	for (; record->scope_len < len; record->scope_len++)
		if (jp_field_set(record->scopes[record->scope_len],
		        sizeof(record->scopes[0]),
		        values[record->scope_len]) != JP_ERR_OK)
			return PAGE_PROBLEM_SCOPE;
	return NO_PROBLEM;
}

static bool
is_offered(const struct page *page, const char *service)
{
	const struct jp_self_settings *self =
	    &visit_settings(page->visit)->self;

	for (size_t i = 0; i < self->service_len; i++)
		if (strcmp(self->services[i], service) == 0)
			return true;
	return false;
}

static enum page_problem_code
take_services(struct page *page, struct jp_admin_request *request)
{
	struct jp_record *record = &request->record;
	const char *values[JP_SERVICES_MAX + 1];
	size_t len =
	    visit_fields(page->visit, "services", values, JP_SERVICES_MAX + 1);

	if (len > JP_SERVICES_MAX)
		return PAGE_PROBLEM_SERVICE;
	for (; record->service_len < len; record->service_len++) {
		const char *service = values[record->service_len];

		if (!is_offered(page, service))
			return PAGE_PROBLEM_SERVICE;
		(void)jp_field_set(record->services[record->service_len],
		    sizeof(record->services[0]), service);
	}
	return NO_PROBLEM;
}

static bool
take_net(struct jp_record *record, const char *text)
{
	struct jp_why why = { .text = "" };

	return record->net_len < JP_NETS_MAX &&
	       jp_net_parse(text, &record->nets[record->net_len++], &why) ==
	           JP_ERR_OK;
}

static enum page_problem_code
take_networks(struct page *page, struct jp_admin_request *request)
{
	const char *address = visit_visitor(page->visit)->address;
	const char *rest = typed(page, PAGE_FIELD_NETWORKS);
	char net[JP_NET_TEXT_MAX];

	page->problem_arg = rest;
	if (is_checked(page, "here") && !take_net(&request->record, address))
		return PAGE_PROBLEM_NETS;
	while (*(rest += strspn(rest, " ,;\t\r\n")) != '\0') {
		size_t len = strcspn(rest, " ,;\t\r\n");

		if (len >= sizeof(net))
			return PAGE_PROBLEM_NETS;
		memcpy(net, rest, len);
		net[len] = '\0';
		if (!take_net(&request->record, net))
			return PAGE_PROBLEM_NETS;
		rest += len;
	}
	return NO_PROBLEM;
}

static enum page_problem_code
take_uses(struct page *page, struct jp_admin_request *request)
{
	const char *text = typed(page, PAGE_FIELD_USES);
	size_t len = strlen(text);
	unsigned long long uses = strtoull(text, NULL, 10);

	if (len == 0)
		return NO_PROBLEM;
	if (strspn(text, "0123456789") != len || len > 10 || uses == 0 ||
	    uses > UINT32_MAX)
		return PAGE_PROBLEM_USES;
	request->record.uses_max = (uint32_t)uses;
	return NO_PROBLEM;
}

static enum page_problem_code
take_parent(struct page *page, struct jp_admin_request *request)
{
	const char *parent = visit_field(page->visit, "parent");

	if (parent == NULL || parent[0] == '\0')
		return NO_PROBLEM;
	if (!page_is_id(parent))
		return PAGE_PROBLEM_FORM;
	(void)jp_field_set(
	    request->record.parent, sizeof(request->record.parent), parent);
	return NO_PROBLEM;
}

static enum page_problem_code
take_form(struct page *page, struct jp_admin_request *request)
{
	static enum page_problem_code (*const takers[])(
	    struct page * page, struct jp_admin_request * request) = {
		take_name,
		take_lifetime,
		take_scopes,
		take_services,
		take_networks,
		take_uses,
		take_parent,
	};
	enum page_problem_code code = NO_PROBLEM;

	for (size_t i = 0; i < sizeof(takers) / sizeof(takers[0]); i++) {
		code = takers[i](page, request);
		if (code != NO_PROBLEM)
			break;
	}
	return code;
}

static void
on_created(struct visit *visit, enum jp_err err, const struct jp_why *why)
{
	struct page *page = page_of(visit);

	page->problem = err != JP_ERR_OK ? page_problem_of(err, why) : NULL;
	/* What was typed is not lost. */
	if (page->problem != NULL && !page_shuts_out(page->problem))
		show_form(page);
	else
		page_show_token(visit, err, why);
}

void
page_create(struct visit *visit)
{
	struct page *page = page_of(visit);
	struct jp_admin_request *request;
	enum page_problem_code code;

	if (page == NULL)
		return;
	if (!page_login_is_fresh(page)) {
		show_form(page);
		return;
	}
	request = visit_request(visit, JP_ADMIN_CREATE);
	if (request == NULL)
		return;
	code = take_form(page, request);
	if (code == NO_PROBLEM) {
		visit_ask(visit, page_keep_token, on_created);
		return;
	}
	page->problem = page_problem(code);
	show_form(page);
}
