#include "pat_httpd/self/page_card.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pat_httpd/self/words.h"

/* Where a card is being written. */
struct card {
	const struct page *page;
	struct html *html;
	enum lang lang;
	const struct jp_record *record;
	enum jp_state state;
	int64_t now;
};

static struct card
card_of(const struct page *page, struct html *html,
    const struct jp_record *record, enum jp_state state)
{
	return (struct card){ page, html, page->lang, record, state,
		visit_now(page->visit) };
}

static void
say(const struct card *card, enum text text)
{
	html_say(card->html, card->lang, text);
}

void
page_add_name(struct html *html, enum lang lang, const char *name)
{
	if (name[0] != '\0')
		html_add(html, "<bdi>%s</bdi>", name);
	else
		html_say(html, lang, TEXT_NO_NAME);
}

/* ---- facts ---- */

static void
open_fact(const struct card *card, const char *class, enum text term)
{
	html_add(card->html, "<div class=\"%s\"><dt>", class);
	say(card, term);
	html_add(card->html, "</dt><dd>");
}

static void
close_fact(const struct card *card)
{
	html_add(card->html, "</dd></div>");
}

static void
add_plain(const struct card *card, enum text term, const char *value)
{
	if (value[0] == '\0')
		return;
	open_fact(card, "fact", term);
	html_add(card->html, "<bdi>%s</bdi>", value);
	close_fact(card);
}

static void
add_end(const struct card *card)
{
	bool dead = jp_state_status(card->state) == JP_STATUS_DEAD;

	open_fact(card, "fact", dead ? TEXT_ENDED : TEXT_EXPIRES);
	words_add_time(
	    card->html, card->lang, jp_record_end(card->record), card->now);
	close_fact(card);
}

static void
add_use(const struct card *card, const struct jp_use *use)
{
	/* What happened is not to come, whatever the clock says. */
	words_add_time(card->html, card->lang,
	    use->at < card->now ? use->at : card->now, card->now);
	html_add(card->html, " ");
	if (use->rhost[0] != '\0')
		html_say(card->html, card->lang, TEXT_USED_FROM, use->rhost);
	else
		say(card, TEXT_USED_LOCALLY);
	if (use->service[0] == '\0')
		return;
	html_add(card->html, " ");
	html_say(card->html, card->lang, TEXT_USED_FOR, use->service);
}

/* The last one; the others behind it, to be opened. */
static void
add_uses(const struct card *card)
{
	const struct jp_record *record = card->record;

	open_fact(card, "fact used", TEXT_LAST_USED);
	if (record->use_len > 0)
		add_use(card, &record->uses[0]);
	else
		words_add_time(
		    card->html, card->lang, record->last_used_at, card->now);
	if (record->use_len > 1) {
		html_add(card->html, "<details><summary>");
		say(card, TEXT_USES_RECENT);
		html_add(card->html, "</summary><ul>");
		for (size_t i = 0; i < record->use_len; i++) {
			html_add(card->html, "<li>");
			add_use(card, &record->uses[i]);
			html_add(card->html, "</li>");
		}
		html_add(card->html, "</ul></details>");
	}
	close_fact(card);
}

static void
add_rights(const struct card *card)
{
	open_fact(card, "fact", TEXT_RIGHTS);
	words_add_rights(card->html, card->lang,
	    &visit_settings(card->page->visit)->policy, card->record);
	close_fact(card);
}

static void
add_badges(const struct card *card)
{
	html_add(card->html, "<p class=\"badges\"><span class=\"state %s\">",
	    jp_status_name(jp_state_status(card->state)));
	say(card, words_of_state(card->state));
	html_add(card->html, "</span>");
	if (words_ends_soon(card->record, card->state, card->now)) {
		html_add(card->html, " <span class=\"soon\">");
		say(card, TEXT_SOON);
		html_add(card->html, "</span>");
	}
	html_add(card->html, "</p>");
}

static void
add_id(const struct card *card)
{
	open_fact(card, "fact", TEXT_ID);
	html_add(card->html, "<code>%s</code>", card->record->id);
	close_fact(card);
}

/* ---- what can be done with it ---- */

/* A screen reader says which one it is about. */
static void
add_about(const struct card *card)
{
	html_add(card->html, "<span class=\"hidden\"> ");
	page_add_name(card->html, card->lang, card->record->name);
	html_add(card->html, "</span>");
}

static void
add_switch(const struct card *card)
{
	bool off = card->record->disabled_at != JP_NEVER;
	char path[PAGE_PATH_MAX];

	html_add(card->html,
	    "<form method=\"post\" action=\"%s\"><button class=\"plain\">",
	    page_path(card->page, path, "/%s/%s", card->record->id,
	        off ? "enable" : "disable"));
	say(card, off ? TEXT_ENABLE : TEXT_DISABLE);
	add_about(card);
	html_add(card->html, "</button></form>");
}

static void
add_link(const struct card *card, const char *class, const char *path,
    enum text text)
{
	html_add(card->html, "<a class=\"%s\" href=\"%s\">", class, path);
	say(card, text);
	add_about(card);
	html_add(card->html, "</a>");
}

static void
add_actions(const struct card *card)
{
	const char *id = card->record->id;
	char path[PAGE_PATH_MAX];

	html_add(card->html, "<div class=\"actions\">");
	add_link(card, "button plain", page_path(card->page, path, "/%s", id),
	    TEXT_DETAILS);
	if (jp_state_status(card->state) != JP_STATUS_DEAD) {
		add_switch(card);
		/* The script asks in place; without it, a page does. */
		add_link(card, "button danger revoke",
		    page_path(card->page, path, "/%s/revoke", id), TEXT_REVOKE);
	}
	html_add(card->html, "</div>");
}

static void
add_checkbox(const struct card *card)
{
	const struct jp_record *record = card->record;

	html_add(card->html,
	    "<label class=\"choose\"><input type=\"checkbox\" "
	    "name=\"ids\" value=\"%s\"> ",
	    record->id);
	html_say(card->html, card->lang, TEXT_ADMIN_CHOOSE,
	    record->name[0] != '\0' ? record->name : record->id, record->user);
	html_add(card->html, "</label>");
}

/* ---- cards ---- */

static void
add_heading(const struct card *card, enum page_card_kind kind)
{
	char path[PAGE_PATH_MAX];

	html_add(card->html, "<h2>");
	if (kind == PAGE_CARD_OWN)
		html_add(card->html, "<a href=\"%s\">",
		    page_path(card->page, path, "/%s", card->record->id));
	page_add_name(card->html, card->lang, card->record->name);
	if (kind == PAGE_CARD_OWN)
		html_add(card->html, "</a>");
	html_add(card->html, "</h2>");
}

static void
write_card(const struct card *card, enum page_card_kind kind)
{
	const struct jp_record *record = card->record;

	html_add(card->html,
	    "<li class=\"card\" id=\"t-%s\" data-state=\"%s\">", record->id,
	    jp_status_name(jp_state_status(card->state)));
	add_heading(card, kind);
	add_badges(card);
	html_add(card->html, "<dl>");
	if (kind == PAGE_CARD_STAFF)
		add_plain(card, TEXT_USER, record->user);
	add_plain(card, TEXT_OWNER_GROUP, record->owner_group);
	add_rights(card);
	add_end(card);
	add_uses(card);
	add_id(card);
	html_add(card->html, "</dl>");
	if (kind == PAGE_CARD_OWN)
		add_actions(card);
	else if (jp_state_status(card->state) != JP_STATUS_DEAD)
		add_checkbox(card);
	html_add(card->html, "</li>\n");
}

void
page_add_card(struct page *page, const struct jp_record *record,
    enum jp_state state, enum page_card_kind kind)
{
	struct card card = card_of(page, &page->items, record, state);
	size_t at = page->items.len;

	if (page->count == PAGE_CARDS_MAX)
		return;
	write_card(&card, kind);
	page->cards[page->count++] = (struct page_card){ jp_state_status(state),
		record->created_at, at, page->items.len - at };
}

static int
compare(const void *a, const void *b)
{
	const struct page_card *first = a, *second = b;

	if (first->status != second->status)
		return first->status < second->status ? -1 : 1;
	if (first->created_at != second->created_at)
		return first->created_at > second->created_at ? -1 : 1;
	return first->at < second->at ? -1 : 1;
}

void
page_add_cards_sorted(struct page *page)
{
	qsort(page->cards, page->count, sizeof(page->cards[0]), compare);
	page_add_cards(page);
}

void
page_add_cards(struct page *page)
{
	html_add(&page->html, "<ul class=\"cards\">\n");
	for (size_t i = 0; i < page->count; i++)
		html_add_piece(&page->html,
		    page->items.text + page->cards[i].at, page->cards[i].len);
	html_add(&page->html, "</ul>\n");
	page->html.failed |= page->items.failed;
}

/* ---- all about one ---- */

static void
add_dated(const struct card *card, enum text term, int64_t when)
{
	open_fact(card, "fact", term);
	words_add_date(card->html, card->lang, when);
	if (when != JP_NEVER) {
		html_add(card->html, " (");
		words_add_time(card->html, card->lang, when, card->now);
		html_add(card->html, ")");
	}
	close_fact(card);
}

static void
add_creation(const struct card *card)
{
	open_fact(card, "fact", TEXT_CREATED);
	words_add_date(card->html, card->lang, card->record->created_at);
	html_add(card->html, " ");
	html_say(
	    card->html, card->lang, TEXT_CREATED_BY, card->record->created_by);
	close_fact(card);
}

static void
add_parent(const struct card *card)
{
	char path[PAGE_PATH_MAX];

	if (card->record->parent[0] == '\0')
		return;
	open_fact(card, "fact", TEXT_PARENT);
	html_add(card->html, "<a href=\"%s\"><code>%s</code></a>",
	    page_path(card->page, path, "/%s", card->record->parent),
	    card->record->parent);
	close_fact(card);
}

static void
add_use_count(const struct card *card)
{
	char count[16];

	if (card->record->use_count == 0)
		return;
	(void)snprintf(count, sizeof(count), "%u", card->record->use_count);
	html_add(card->html, "<p class=\"hint\">");
	html_say(card->html, card->lang, TEXT_USE_COUNT, count);
	html_add(card->html, "</p>");
}

void
page_add_facts(struct page *page)
{
	const struct jp_record *record = &page->record;
	struct card card = card_of(page, &page->html, record, page->state);
	bool dead = jp_state_status(page->state) == JP_STATUS_DEAD;

	add_badges(&card);
	html_add(card.html, "<dl class=\"facts\">");
	add_id(&card);
	add_plain(&card, TEXT_USER, record->user);
	add_plain(&card, TEXT_OWNER_GROUP, record->owner_group);
	add_parent(&card);
	add_rights(&card);
	add_dated(
	    &card, dead ? TEXT_ENDED : TEXT_EXPIRES, jp_record_end(record));
	add_plain(&card, TEXT_REVOKED_WHY, record->revoked_why);
	add_creation(&card);
	add_uses(&card);
	html_add(card.html, "</dl>");
	add_use_count(&card);
}
