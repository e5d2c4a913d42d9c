/*
 * Apache in front of the page of pat-httpd: whether a virtual host that passes
 * requests on to it sets the header of the user, whatever the client sent.
 */
#ifndef DOCTOR_APACHE_PAGE_H
#define DOCTOR_APACHE_PAGE_H

#include "tools/doctor/apache_fcgi.h"

struct apache_page {
	struct config_scan *scan;
	struct apache_place proxy; /* of the virtual host, or outside of all */
	bool sets;                 /* the same: the header is ours */
	bool always;               /* in all virtual hosts */
};

/* Whether the directive `name` is one of those that are looked at here. */
void apache_page_take(
    struct apache_page *page, const char *name, const struct apache_line *line);

/* The end of a virtual host, or of what stands outside of all. */
void apache_page_end_host(struct apache_page *page);
void apache_page_end_main(struct apache_page *page);

#endif
