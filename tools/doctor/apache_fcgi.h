/*
 * Apache's mod_authnz_fcgi, which asks pat-httpd: what one virtual host says of
 * it, and where that goes wrong.
 */
#ifndef DOCTOR_APACHE_FCGI_H
#define DOCTOR_APACHE_FCGI_H

#include "tools/doctor/config_files.h"

enum {
	APACHE_SECTIONS_MAX = 16, /* inside each other */
	APACHE_FILE_MAX = 256,
};

struct apache_place {
	char file[APACHE_FILE_MAX];
	unsigned int line; /* 0: nowhere */
};

/* A directive without its name. */
struct apache_line {
	const char *file;
	unsigned int line;
	char *const *words;
	size_t len;
};

struct apache_fcgi {
	struct config_scan *scan;
	bool used; /* somewhere */
	/* Of the virtual host, or outside of all: */
	struct apache_place check; /* where it is asked */
	struct apache_place proxy; /* what then goes to a backend */
	bool pass;                 /* CGIPassAuth On */
	bool no_token;             /* Authorization goes no further */
	bool never_token;          /* for all virtual hosts */
	/* Of each section that is open: */
	size_t depth;
	struct {
		struct apache_place basic; /* AuthType Basic */
		bool asks;
	} sections[APACHE_SECTIONS_MAX];
};

/* Whether the directive `name` is one of those that are looked at here. */
void apache_fcgi_take(
    struct apache_fcgi *fcgi, const char *name, const struct apache_line *line);

/* A section but <If...>: of what is in it, all goes together. */
void apache_fcgi_open(struct apache_fcgi *fcgi);
void apache_fcgi_close(struct apache_fcgi *fcgi);

/* The end of a virtual host, or of what stands outside of all. */
void apache_fcgi_end_host(struct apache_fcgi *fcgi);
void apache_fcgi_end_main(struct apache_fcgi *fcgi);

#endif
