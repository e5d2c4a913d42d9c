/*
 * What all pages have in common: their beginning and end, links, errors, and
 * what is gathered while patd answers.
 */
#ifndef PATHTTPD_PAGE_FRAME_H
#define PATHTTPD_PAGE_FRAME_H

#include "pat_httpd/self/html.h"
#include "pat_httpd/self/site.h"
#include "pat_httpd/self/texts.h"

#define PAGE_CARDS_MAX 500  /* tokens on one page */
#define PAGE_CHOSEN_MAX 100 /* tokens of one act */
#define PAGE_PATH_MAX 512   /* bytes of a path of ours, with its query */

/* A token in `items`: where its card lies, and what it is sorted by. */
struct page_card {
	enum jp_status status;
	int64_t created_at;
	size_t at, len;
};

/* One page in the making. It is the state of its visit. */
struct page {
	struct visit *visit;
	enum lang lang;
	bool lang_chosen; /* by the query: links keep it */
	struct html html;
	struct html items; /* gathered from patd */
	size_t count;      /* of them */
	struct page_card cards[PAGE_CARDS_MAX];
	char next[JP_TOKEN_ID_LEN + 1]; /* the next page begins behind it */
	struct jp_record record;        /* the one that the page is about */
	enum jp_state state;
	const struct page_problem *problem; /* with what was sent; NULL: none */
	const char *problem_arg;            /* of its text; the visit's */
	const char *chosen[PAGE_CHOSEN_MAX]; /* ids, for one after the other;
	                                    the visit's */
	size_t chosen_len, done;
	const struct act *act; /* what is done to them: page_admin.c */
	uint64_t breaches[JP_BREACH_COUNT_OF];
	uint64_t live;
};

/* The page of this visit, made at the first call. NULL: no memory, and the
 * visit has been replied to. */
struct page *page_of(struct visit *visit);

/* ---- frame ---- */

/* Begins it, as far as the heading; `arg` is that of the title, or NULL. */
void page_begin(struct page *page, enum text title, const char *arg);

/* The same without links to other pages, for those who have none. */
void page_begin_plain(struct page *page, enum text title);

/* Ends it, and replies. */
void page_end(struct page *page, unsigned int status);

/* ---- pieces ---- */

/* Adds a text, escaped; html_say() of the page. */
#define page_say(page, ...) html_say(&(page)->html, (page)->lang, __VA_ARGS__)

/*
 * The address of a page: `format` is what is behind the base, such as
 * "/%s/revoke", with the language in the query if it was chosen.
 */
const char *page_path(const struct page *page, char path[PAGE_PATH_MAX],
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Adds <a class="..." href="...">text</a>. */
void page_link(
    struct page *page, const char *class, const char *path, enum text text);

/* Adds the beginning of a form that is posted to `path`. */
void page_form(struct page *page, const char *class, const char *path);

/* Adds a button of class "..." that sends its form. */
void page_button(struct page *page, const char *class, enum text text);

/* Where a token is used: "https://host", perhaps with a path. */
void page_server(const struct page *page, char server[PAGE_PATH_MAX]);

/* ---- what goes wrong ---- */

/* X(CODE, name): the inputs that something can be wrong with; their name is
 * their id. */
#define PAGE_FIELD_LIST(X)                                                     \
	X(NONE, "")                                                            \
	X(NAME, "name")                                                        \
	X(LIFETIME, "lifetime")                                                \
	X(EXPIRES, "expires")                                                  \
	X(SCOPES, "scopes")                                                    \
	X(SERVICES, "services")                                                \
	X(NETWORKS, "networks")                                                \
	X(USES, "uses")                                                        \
	X(REASON, "reason")

enum page_field {
#define PAGE_FIELD_ENUM(code, name) PAGE_FIELD_##code,
	PAGE_FIELD_LIST(PAGE_FIELD_ENUM)
#undef PAGE_FIELD_ENUM
	    PAGE_FIELD_COUNT
};

const char *page_field_name(enum page_field field);

struct page_problem {
	unsigned int status; /* of the answer */
	const char *id;      /* stable, for programs */
	enum text text;
	enum page_field field; /* the input that it is about */
};

/* X(CODE, status, id, text, field): what the page finds wrong itself. */
#define PAGE_PROBLEM_LIST(X)                                                   \
	X(NAME, 400, "name-invalid", REFUSAL_NAME_INVALID, NAME)               \
	X(LIFETIME, 400, "lifetime-invalid", ERROR_LIFETIME, LIFETIME)         \
	X(DATE, 400, "date-invalid", ERROR_DATE, EXPIRES)                      \
	X(NETS, 400, "network-invalid", ERROR_NETS, NETWORKS)                  \
	X(USES, 400, "uses-invalid", ERROR_USES, USES)                         \
	X(SCOPE, 400, "scope-invalid", REFUSAL_SCOPE_INVALID, SCOPES)          \
	X(SERVICE, 400, "service-invalid", ERROR_SERVICE, SERVICES)            \
	X(FORM, 400, "bad-form", ERROR_FORM, NONE)                             \
	X(REASON, 400, "reason-invalid", ERROR_REASON, REASON)                 \
	X(NOTHING, 400, "nothing-chosen", ADMIN_NONE_CHOSEN, NONE)             \
	X(LOGIN, 403, "login-again", ERROR_LOGIN, NONE)                        \
	X(REFUSED, 403, "refused", REFUSAL_NONE, NONE)

enum page_problem_code {
#define PAGE_PROBLEM_ENUM(code, status, id, text, field) PAGE_PROBLEM_##code,
	PAGE_PROBLEM_LIST(PAGE_PROBLEM_ENUM)
#undef PAGE_PROBLEM_ENUM
	    PAGE_PROBLEM_COUNT
};

const struct page_problem *page_problem(enum page_problem_code code);

/* What patd's answer means; NULL: it is about patd itself, see visit_no_of().
 */
const struct page_problem *
page_problem_of(enum jp_err err, const struct jp_why *why);

/* Adds the line about `page->problem`, if there is one, with a link to sign in
 * again where that helps. */
void page_alert(struct page *page);

/* Whether the visitor may not come at all: such a page shows no way on. */
bool page_shuts_out(const struct page_problem *problem);

/* Replies with a page that says what went wrong, and nothing else. */
void page_fail(struct page *page, enum jp_err err, const struct jp_why *why);
void page_fail_with(struct page *page, const struct page_problem *problem);

/* For the frame: site_part.refuse. */
void page_refuse(struct visit *visit, enum site_no no);

/* ---- what all of them do ---- */

/*
 * Whether the login is young enough for what makes a token; if not,
 * `page->problem` is that, for a form that is shown again.
 */
bool page_login_is_fresh(struct page *page);

/* Redirects to the list, which says what was done. */
void page_done(struct page *page, const char *list, const char *done);

/* Adds the line about what was done, if the query has one. */
void page_add_done(struct page *page);

#endif
