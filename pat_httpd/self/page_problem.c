/* What goes wrong, and the pages that say it. */
#include "pat_httpd/self/page_frame.h"

#include <string.h>

static const struct page_problem own[PAGE_PROBLEM_COUNT] = {
#define PROBLEM_ROW(code, status, id, text, field)                             \
	[PAGE_PROBLEM_##code] = { status, id, TEXT_##text, PAGE_FIELD_##field },
	PAGE_PROBLEM_LIST(PROBLEM_ROW)
#undef PROBLEM_ROW
};

/* X(CODE, status, field): what is known of each of JP_REFUSAL_LIST besides. */
#define REFUSAL_LIST(X)                                                        \
	X(NONE, 403, NONE)                                                     \
	X(NAME_REQUIRED, 400, NAME)                                            \
	X(NAME_INVALID, 400, NAME)                                             \
	X(SCOPE_REQUIRED, 400, SCOPES)                                         \
	X(SCOPE_NOT_ALLOWED, 403, SCOPES)                                      \
	X(SCOPE_INVALID, 400, SCOPES)                                          \
	X(LIFETIME_TOO_LONG, 400, LIFETIME)                                    \
	X(LIFETIME_PAST, 400, EXPIRES)                                         \
	X(TOO_MANY, 409, NONE)                                                 \
	X(TOO_FAST, 429, NONE)                                                 \
	X(USER_DISABLED, 403, NONE)                                            \
	X(USER_UNKNOWN, 403, NONE)                                             \
	X(NOT_ALLOWED, 403, NONE)                                              \
	X(NOT_LIVE, 409, NONE)                                                 \
	X(ROTATED, 409, NONE)                                                  \
	X(WIDER, 403, NONE)                                                    \
	X(NEEDS_SCOPE, 403, NONE)                                              \
	X(LINK_GONE, 404, NONE)                                                \
	X(NOT_FOUND, 404, NONE)                                                \
	X(USER_INVALID, 403, NONE)                                             \
	X(AUDIT, 503, NONE)

enum {
#define REFUSAL_FACTS(code, status, field)                                     \
	STATUS_##code = (status), FIELD_##code = PAGE_FIELD_##field,
	REFUSAL_LIST(REFUSAL_FACTS)
#undef REFUSAL_FACTS
};

static const struct page_problem refusals[JP_REFUSAL_COUNT] = {
#define REFUSAL_ROW(code, number, id)                                          \
	[number] = { STATUS_##code, id, TEXT_REFUSAL_##code,                   \
		(enum page_field)FIELD_##code },
	JP_REFUSAL_LIST(REFUSAL_ROW)
#undef REFUSAL_ROW
};

static const struct page_problem of_frame[SITE_NO_COUNT] = {
#define NO_ROW(code, status, id, text)                                         \
	[SITE_NO_##code] = { status, id, TEXT_NO_##code, PAGE_FIELD_NONE },
	SITE_NO_LIST(NO_ROW)
#undef NO_ROW
};

const char *
page_field_name(enum page_field field)
{
	static const char *const names[PAGE_FIELD_COUNT] = {
#define FIELD_ROW(code, name) [PAGE_FIELD_##code] = (name),
		PAGE_FIELD_LIST(FIELD_ROW)
#undef FIELD_ROW
	};

	return names[field];
}

const struct page_problem *
page_problem(enum page_problem_code code)
{
	return &own[code];
}

const struct page_problem *
page_problem_of(enum jp_err err, const struct jp_why *why)
{
	if (why->refusal != JP_REFUSAL_NONE)
		return &refusals[why->refusal];
	if (visit_no_of(err) != SITE_NO_COUNT)
		return NULL;
	if (err == JP_ERR_NOT_FOUND)
		return &refusals[JP_REFUSAL_NOT_FOUND];
	return &own[PAGE_PROBLEM_REFUSED];
}

/* Those that a new login mends. */
static bool
wants_login(const struct page_problem *problem)
{
	return problem == &own[PAGE_PROBLEM_LOGIN] ||
	       problem == &of_frame[SITE_NO_OLD_LOGIN] ||
	       problem->status == 401;
}

bool
page_login_is_fresh(struct page *page)
{
	enum site_no no = visit_login_age(page->visit);

	if (no == SITE_NO_COUNT)
		return true;
	page->problem =
	    no == SITE_NO_OLD_LOGIN ? &own[PAGE_PROBLEM_LOGIN] : &of_frame[no];
	return false;
}

/* The frame says so itself where it refuses. */
static void
say_when(struct visit *visit, const struct page_problem *problem)
{
	if (problem == &refusals[JP_REFUSAL_TOO_FAST])
		visit_header(visit, "Retry-After", "900"); /* as rest.c */
	if (problem == &refusals[JP_REFUSAL_AUDIT])
		visit_header(visit, "Retry-After", "10");
}

void
page_alert(struct page *page)
{
	const struct page_problem *problem = page->problem;
	const char *login = visit_settings(page->visit)->self.login_url;

	if (problem == NULL)
		return;
	say_when(page->visit, problem);
	html_add(&page->html,
	    "<p role=\"alert\" id=\"problem\" class=\"alert\" "
	    "data-error=\"%s\">",
	    problem->id);
	page_say(page, problem->text,
	    page->problem_arg != NULL ? page->problem_arg : "");
	if (wants_login(problem) && login[0] != '\0') {
		html_add(&page->html, " ");
		/* What was typed stays in this tab. */
		html_add(&page->html,
		    "<a href=\"%s\" target=\"_blank\" rel=\"noopener\">",
		    login);
		page_say(page, TEXT_SIGN_IN);
		html_add(&page->html, "</a>");
	}
	html_add(&page->html, "</p>\n");
}

bool
page_shuts_out(const struct page_problem *problem)
{
	return problem == &refusals[JP_REFUSAL_USER_DISABLED] ||
	       problem == &refusals[JP_REFUSAL_USER_UNKNOWN] ||
	       problem == &refusals[JP_REFUSAL_USER_INVALID] ||
	       problem == &of_frame[SITE_NO_FORGED] ||
	       problem == &of_frame[SITE_NO_AMBIGUOUS] ||
	       problem->status == 401;
}

void
page_fail_with(struct page *page, const struct page_problem *problem)
{
	char path[PAGE_PATH_MAX];

	html_free(&page->html);
	page->problem = problem;
	if (page_shuts_out(problem)) {
		page_begin_plain(page, TEXT_ERROR_TITLE);
		page_alert(page);
	} else {
		page_begin(page, TEXT_ERROR_TITLE, NULL);
		page_alert(page);
		html_add(&page->html, "<p>");
		page_link(
		    page, "back", page_path(page, path, "%s", ""), TEXT_BACK);
		html_add(&page->html, "</p>");
	}
	page_end(page, problem->status);
}

void
page_fail(struct page *page, enum jp_err err, const struct jp_why *why)
{
	const struct page_problem *problem = page_problem_of(err, why);

	if (problem == NULL)
		visit_refuse(page->visit, visit_no_of(err));
	else
		page_fail_with(page, problem);
}

void
page_refuse(struct visit *visit, enum site_no no)
{
	struct page *page = page_of(visit);

	if (page != NULL)
		page_fail_with(page, &of_frame[no]);
}
