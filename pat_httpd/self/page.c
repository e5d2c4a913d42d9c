#include "pat_httpd/self/page.h"

#include "pat_httpd/self/page_files.h"
#include "pat_httpd/self/page_routes.h"

/* The first that fits counts: words stand in front of ":id". */
static const struct route routes[] = {
	{ "GET", "/tokens", ROUTE_USER, page_list, NULL },
	{ "POST", "/tokens", ROUTE_FORM, page_create, "scopes services" },
	{ "GET", "/tokens/new", ROUTE_USER, page_new, NULL },
	{ "GET", "/tokens/revoke-all", ROUTE_USER, page_confirm_revoke_all,
	    NULL },
	{ "POST", "/tokens/revoke-all", ROUTE_FORM | ROUTE_BODY_OPTIONAL,
	    page_revoke_all, NULL },
	{ "GET", "/tokens/admin", ROUTE_STAFF, page_admin, NULL },
	{ "POST", "/tokens/admin/revoke", ROUTE_STAFF | ROUTE_FORM,
	    page_admin_revoke, "ids" },
	{ "POST", "/tokens/admin/disable", ROUTE_STAFF | ROUTE_FORM,
	    page_admin_disable, "ids" },
	{ "POST", "/tokens/admin/enable", ROUTE_STAFF | ROUTE_FORM,
	    page_admin_enable, "ids" },
	{ "GET", "/tokens/static/:name", ROUTE_PUBLIC, page_file, NULL },
	{ "GET", "/tokens/link/:code", ROUTE_USER, page_link_shown, NULL },
	{ "POST", "/tokens/link/:code", ROUTE_FORM | ROUTE_BODY_OPTIONAL,
	    page_claim, NULL },
	{ "GET", "/tokens/:id", ROUTE_USER, page_token, NULL },
	{ "GET", "/tokens/:id/revoke", ROUTE_USER, page_confirm_revoke, NULL },
	{ "POST", "/tokens/:id/revoke", ROUTE_FORM | ROUTE_BODY_OPTIONAL,
	    page_revoke, NULL },
	{ "POST", "/tokens/:id/disable", ROUTE_FORM | ROUTE_BODY_OPTIONAL,
	    page_disable, NULL },
	{ "POST", "/tokens/:id/enable", ROUTE_FORM | ROUTE_BODY_OPTIONAL,
	    page_enable, NULL },
	{ "POST", "/tokens/:id/rotate", ROUTE_FORM | ROUTE_BODY_OPTIONAL,
	    page_rotate, NULL },
};

static const char *const prefixes[] = { "", NULL };

const struct site_part page_part = {
	.root = "/tokens",
	.prefixes = prefixes,
	.routes = routes,
	.len = sizeof(routes) / sizeof(routes[0]),
	.takes = VISITOR_TAKES_SSO,
	.counted = SELF_PART_PAGE,
	.needs_origin = true,
	.refuse = page_refuse,
};
