/*
 * Whether a request comes from a page of this site: what keeps other sites from
 * acting in the name of who is signed in (CSRF). Pure.
 *
 * Browsers say it in Sec-Fetch-Site (Fetch Metadata Request Headers), which no
 * page can set; those that do not, and those on plain HTTP, send Origin (RFC
 * 6454) with whatever is no GET or HEAD, to be compared with Host.
 */
#ifndef PATHTTPD_ORIGIN_H
#define PATHTTPD_ORIGIN_H

#include "pat_httpd/base/http_head.h"

enum origin {
	ORIGIN_FOREIGN = 0, /* another site, or it does not say */
	ORIGIN_AMBIGUOUS,   /* one of these fields came twice, or misspelt */
	ORIGIN_OWN,
};

/*
 * The origin of `head`. GET, HEAD and OPTIONS change nothing and may come from
 * anywhere; all else is own with Sec-Fetch-Site "same-origin" or "none", or,
 * where that is absent, with an Origin whose host and port are those of Host.
 * Neither of them is own if `may_be_silent`: no browser sent it.
 */
enum origin origin_of(const struct http_head *head, bool may_be_silent);

#endif
