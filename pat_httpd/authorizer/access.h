/*
 * What a request is to the rule of its service: pure, over text from outside.
 * patd decides by it which scope a token needs.
 */
#ifndef PATHTTPD_ACCESS_H
#define PATHTTPD_ACCESS_H

#include <stdbool.h>

#include "common/record/policy.h"

#define ACCESS_PATH_MAX 4096 /* bytes of a path that is judged */

enum access_kind {
	ACCESS_DENY_PATH = 0, /* in deny_paths, or cannot be judged */
	ACCESS_WRITE,
	ACCESS_READ,
	ACCESS_PREFLIGHT, /* passes without credentials */
};

/*
 * The original request, from the one source of its listener. NULL or "": the
 * proxy did not say, and it is a write.
 */
struct access_request {
	const char *method; /* as it is: "get" is no GET, RFC 9110 §9.1 */
	const char *uri;    /* the request target, RFC 9112 §3.2 */
	/*
	 * It has no Authorization at all, but Origin and
	 * Access-Control-Request-Method: with OPTIONS it is a CORS preflight
	 * (Fetch standard, "CORS-preflight fetch").
	 */
	bool preflight;
};

/*
 * What `request` is to `rule`; NULL, no [service] section, knows no reads.
 *
 * Where the rule has paths, only those are judged that no backend reads in
 * another way: no "..", ".", "//", ";", "\", control or non-ASCII byte, none of
 * these or "/" or "%" in percent encoding, no broken or non-UTF-8 encoding, in
 * origin-form, of at most ACCESS_PATH_MAX bytes. What stays encoded is decoded,
 * the query left out. An absent URI is denied where there are deny_paths.
 *
 * deny_paths counts before preflight before read_methods and read_paths. It
 * compares letters in both cases, and with and without a slash at the end;
 * read_paths byte for byte.
 */
enum access_kind
access_of(const struct jp_rule *rule, const struct access_request *request);

#endif
