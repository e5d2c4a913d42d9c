#include "pat_httpd/self/origin.h"

#include <string.h>
#include <strings.h>

/* RFC 9110 §9.2.1; whatever else there is, is not. */
static bool
is_safe(const char *method)
{
	return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 ||
	       strcmp(method, "OPTIONS") == 0;
}

static bool
is_ambiguous(const struct http_found *found)
{
	return found->count > 1 || found->odd;
}

/* An origin's scheme, and the port that browsers leave out with it. */
static const struct scheme {
	const char *begin, *port;
} schemes[] = {
	{ "https://", ":443" },
	{ "http://", ":80" },
};

/* Bytes of `host` without `port`, if it ends with that. */
static size_t
len_without(const char *host, const char *port)
{
	size_t len = strlen(host), port_len = strlen(port);

	return len > port_len && strcmp(host + len - port_len, port) == 0
	           ? len - port_len
	           : len;
}

static bool
is_same_host(const char *origin, const char *host)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		const struct scheme *scheme = &schemes[i];
		const char *own = origin + strlen(scheme->begin);
		size_t len = len_without(host, scheme->port);

		if (strncasecmp(origin, scheme->begin, strlen(scheme->begin)) !=
		    0)
			continue;
		return len > 0 && len_without(own, scheme->port) == len &&
		       strncasecmp(own, host, len) == 0;
	}
	return false; /* "null", for one */
}

enum origin
origin_of(const struct http_head *head, bool may_be_silent)
{
	struct http_found site = http_head_find(head, "Sec-Fetch-Site");
	struct http_found origin = http_head_find(head, "Origin");
	struct http_found host = http_head_find(head, "Host");
	bool own;

	if (is_ambiguous(&site) || is_ambiguous(&origin) || is_ambiguous(&host))
		return ORIGIN_AMBIGUOUS;
	if (is_safe(head->method))
		return ORIGIN_OWN;
	if (site.count > 0)
		own = strcmp(site.first, "same-origin") == 0 ||
		      strcmp(site.first, "none") == 0;
	else if (origin.count > 0)
		own = host.count > 0 && is_same_host(origin.first, host.first);
	else
		own = may_be_silent;
	return own ? ORIGIN_OWN : ORIGIN_FOREIGN;
}
