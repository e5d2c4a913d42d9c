/*
 * Jira's REST interface for personal access tokens, in rest*.c. Its paths begin
 * with /rest/pat/latest or /rest/pat/1.0, which its routes leave out.
 */
#ifndef PATHTTPD_REST_H
#define PATHTTPD_REST_H

#include "pat_httpd/self/site.h"

extern const struct site_part rest_part;

#endif
