/*
 * The page: HTML for people, in page_*.c. Its paths begin with /tokens.
 */
#ifndef PATHTTPD_PAGE_H
#define PATHTTPD_PAGE_H

#include "pat_httpd/self/site.h"

extern const struct site_part page_part;

#endif
