/*
 * A token on a page: its card in a list, and all that is known of it.
 */
#ifndef PATHTTPD_PAGE_CARD_H
#define PATHTTPD_PAGE_CARD_H

#include "pat_httpd/self/page_frame.h"

/* What a card has besides. */
enum page_card_kind {
	PAGE_CARD_OWN,   /* what can be done with it */
	PAGE_CARD_STAFF, /* whose it is, and a checkbox */
};

/* Adds a card to `page->items`, and notes where. Beyond PAGE_CARDS_MAX: not. */
void page_add_card(struct page *page, const struct jp_record *record,
    enum jp_state state, enum page_card_kind kind);

/* Adds the cards to the page: live ones first, then by age. */
void page_add_cards_sorted(struct page *page);

/* Adds them as they came. */
void page_add_cards(struct page *page);

/* Adds the name of a token, or that it has none, as text. */
void page_add_name(struct html *html, enum lang lang, const char *name);

/* Adds all that is known of `page->record`. */
void page_add_facts(struct page *page);

#endif
