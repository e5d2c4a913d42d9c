/* The functions of the routes of the page, one file for each group of them. */
#ifndef PATHTTPD_PAGE_ROUTES_H
#define PATHTTPD_PAGE_ROUTES_H

#include "pat_httpd/self/page_frame.h"

/* page_list.c: GET /tokens */
void page_list(struct visit *visit);

/* page_new.c: GET /tokens/new, POST /tokens */
void page_new(struct visit *visit);
void page_create(struct visit *visit);

/* page_token.c: GET /tokens/:id, .../revoke, and what is done to it; GET and
 * POST /tokens/revoke-all */
void page_token(struct visit *visit);
void page_confirm_revoke(struct visit *visit);
void page_revoke(struct visit *visit);
void page_disable(struct visit *visit);
void page_enable(struct visit *visit);
void page_rotate(struct visit *visit);
void page_confirm_revoke_all(struct visit *visit);
void page_revoke_all(struct visit *visit);

/* page_claim.c: GET and POST /tokens/link/:code */
void page_link_shown(struct visit *visit);
void page_claim(struct visit *visit);

/* page_admin.c: GET /tokens/admin, POST /tokens/admin/... */
void page_admin(struct visit *visit);
void page_admin_revoke(struct visit *visit);
void page_admin_disable(struct visit *visit);
void page_admin_enable(struct visit *visit);

/* ---- what several of them use ---- */

/* page_shown.c: for visit_ask(): keeps a new token, and what became of an old
 * one, as markup. */
void page_keep_token(struct visit *visit, const struct jp_admin_item *item);

/* Replies with the token that was kept; JP_ERR_OK without one is an error. */
void
page_show_token(struct visit *visit, enum jp_err err, const struct jp_why *why);

/* page_list.c: the filter of a list by `state` of the query. */
unsigned int page_statuses(const struct visit *visit);

/* Adds a form that searches: the fields are those of the query. `user` asks for
 * a user, too. */
void page_add_search(struct page *page, const char *path, bool staff);

/* Whether the query narrows the list. */
bool page_is_narrowed(const struct visit *visit);

/* Takes a field of the query into `field` of `size` bytes; what is too long is
 * cut: nothing contains it. */
void page_take_query(
    const struct visit *visit, const char *name, char *field, size_t size);

/* page_token.c: whether a segment of a path is the id of a token. */
bool page_is_id(const char *text);

#endif
