/* A token that an administrator made and its user fetches, by a link. */
#include <string.h>

#include "pat_httpd/self/page_routes.h"

static void
show(struct page *page, unsigned int status)
{
	const char *code = visit_param(page->visit, "code");
	char path[PAGE_PATH_MAX];

	page_begin(page, TEXT_LINK_TITLE, NULL);
	page_alert(page);
	html_add(&page->html, "<p>");
	page_say(page, TEXT_LINK_INTRO);
	html_add(&page->html, "</p>");
	page_form(page, "form", page_path(page, path, "/link/%s", code));
	page_button(page, "main", TEXT_LINK_GO);
	html_add(&page->html, "</form>\n");
	page_end(page, status);
}

void
page_link_shown(struct visit *visit)
{
	struct page *page = page_of(visit);

	if (page != NULL)
		show(page, 200);
}

/* What is no code gets the answer of one that is gone. */
static bool
take_code(struct jp_admin_request *request, const char *code)
{
	size_t id_len = strcspn(code, "-");

	if (id_len != JP_TOKEN_ID_LEN || code[id_len] != '-')
		return false;
	memcpy(request->record.id, code, JP_TOKEN_ID_LEN);
	return page_is_id(request->record.id) &&
	       jp_secret_set(&request->question.token, code, strlen(code)) ==
	           JP_ERR_OK;
}

void
page_claim(struct visit *visit)
{
	static const struct jp_why gone = { .refusal = JP_REFUSAL_LINK_GONE };
	struct page *page = page_of(visit);
	struct jp_admin_request *request;

	if (page == NULL)
		return;
	if (!page_login_is_fresh(page)) {
		show(page, page->problem->status);
		return;
	}
	request = visit_request(visit, JP_ADMIN_CLAIM);
	if (request == NULL)
		return;
	if (take_code(request, visit_param(visit, "code")))
		visit_ask(visit, page_keep_token, page_show_token);
	else
		page_fail(page, JP_ERR_NOT_FOUND, &gone);
}
