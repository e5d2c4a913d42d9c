/*
 * Who a visitor is and where the request comes from: the first byte says by
 * which rules, the rest are fields, "NAME: VALUE\n" each. From a peer that is
 * not trusted nobody is signed in, whatever it sends; a user is one whom every
 * front door can carry; whoever is refused is nobody.
 */
#include "common/base/net.h"
#include "pat_httpd/self/origin.h"
#include "pat_httpd/self/visitor.h"
#include "tests/fuzz/fuzz.h"

enum { TEXT_MAX = 4096 };

/* As many as are well formed. */
static void
fill(struct http_head *head, char *text)
{
	char *next;

	FUZZ_ASSERT(http_head_start(head, "POST", "/tokens") == JP_ERR_OK);
	for (char *at = text; (next = strchr(at, '\n')) != NULL; at = next) {
		char *colon = strstr(at, ": ");

		if (colon == NULL || colon > next)
			return;
		*next++ = *colon = '\0';
		if (http_head_add(head, at, (size_t)(colon - at), colon + 2,
		        strlen(colon + 2)) != JP_ERR_OK)
			return;
	}
}

static void
check_origin(const struct http_head *head)
{
	struct http_found site = http_head_find(head, "Sec-Fetch-Site");
	struct http_found origin = http_head_find(head, "Origin");
	enum origin page = origin_of(head, false);

	if (site.count + origin.count == 0)
		FUZZ_ASSERT(page != ORIGIN_OWN);
	else
		FUZZ_ASSERT(origin_of(head, true) == page);
	if (site.count == 1 && strcmp(site.first, "cross-site") == 0)
		FUZZ_ASSERT(page != ORIGIN_OWN);
}

static void
check_visitor(const struct http_head *head, const struct visitor_rules *rules)
{
	static const struct visitor nobody;
	static const struct jp_login no_login;
	struct visitor visitor;
	struct jp_login login;
	struct jp_why why;

	if (visitor_read(head, rules, &visitor, &login) != VISITOR_READ) {
		FUZZ_ASSERT(memcmp(&visitor, &nobody, sizeof(nobody)) == 0);
		FUZZ_ASSERT(memcmp(&login, &no_login, sizeof(no_login)) == 0);
		return;
	}
	if (!rules->trusted)
		FUZZ_ASSERT(visitor.kind == VISITOR_NONE &&
		            visitor.user[0] == '\0' && visitor.auth_time == 0);
	if (visitor.kind == VISITOR_SSO)
		FUZZ_ASSERT(jp_user_check_new(visitor.user, &why) == JP_ERR_OK);
	if (rules->takes == VISITOR_TAKES_SSO)
		FUZZ_ASSERT(login.passwd.len == 0);
	FUZZ_ASSERT(
	    visitor.address[0] == '\0' || jp_address_valid(visitor.address));
	FUZZ_ASSERT(visitor.auth_time >= 0 && visitor.token[0] == '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct visitor_rules rules = { .user_header = "X-Remote-User",
		.auth_time_header = "X-Auth-Time",
		.address_header = "X-Forwarded-For" };
	char text[TEXT_MAX + 1];
	struct http_head head;

	if (size == 0 || size > TEXT_MAX)
		return 0;
	rules.trusted = (data[0] & 1) != 0;
	rules.takes =
	    (data[0] & 2) != 0 ? VISITOR_TAKES_TOKEN : VISITOR_TAKES_SSO;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	fill(&head, text);
	check_origin(&head);
	check_visitor(&head, &rules);
	return 0;
}
