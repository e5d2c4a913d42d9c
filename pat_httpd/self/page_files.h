/*
 * The files that pages load: the style sheet and the script, in the binary. A
 * hash in their names lets browsers keep them.
 */
#ifndef PATHTTPD_PAGE_FILES_H
#define PATHTTPD_PAGE_FILES_H

#include "pat_httpd/self/site.h"

/* Their names behind /tokens/static/. */
extern const char page_file_style[];
extern const char page_file_script[];

/* GET /tokens/static/:name */
void page_file(struct visit *visit);

#endif
