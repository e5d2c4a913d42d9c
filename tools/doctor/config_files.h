/*
 * Reading the configuration of other servers: files below the root, their lines
 * and words. Nothing here knows whose files they are, or judges them.
 */
#ifndef DOCTOR_CONFIG_FILES_H
#define DOCTOR_CONFIG_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "tools/doctor/report.h"

enum {
	CONFIG_PATH_MAX = 1024,   /* bytes of a path, with its NUL */
	CONFIG_READS_MAX = 20000, /* files of a door, and again those that
	                             several others include */
};

struct pam_services;
struct trap_places;

/* What the readers of all servers share. */
struct config_scan {
	struct doctor *doctor;
	const char *root;
	const char *door;               /* whose files are read now */
	size_t files;                   /* of this door that were read */
	size_t found;                   /* traps in them */
	size_t reads;                   /* how often one was read */
	const struct config_text *open; /* that one is being read, in others */
	struct trap_places *reported;
	struct pam_services *services; /* those that take tokens */
};

/* A file as it was read; `path` is below the root. */
struct config_text {
	const char *path;
	char *text; /* closed by a NUL; may be written into */
	size_t len;
	const struct config_text *outer; /* that includes it */
};

typedef void (*config_take)(void *arg, const struct config_text *text);

/*
 * Calls `take` with each file below the root that matches `pattern`, an
 * absolute glob(7). Directories, files of more than 1 MiB, and those that
 * include themselves, are skipped; so is, with a finding, what is more than
 * CONFIG_READS_MAX.
 */
void config_each(
    struct config_scan *scan, const char *pattern, config_take take, void *arg);

/* What is below the root at `path`: S_IFMT of its mode, 0 if nothing. */
unsigned int config_type(const struct config_scan *scan, const char *path);

/* Whether something below the root matches `pattern`. */
bool config_any(const struct config_scan *scan, const char *pattern);

/* Which lines go on in the next one. */
enum config_join {
	CONFIG_JOIN_NONE, /* libsasl2: none */
	CONFIG_JOIN,      /* libpam, Dovecot: by a backslash; no comment does */
	CONFIG_JOIN_ALL,  /* Apache: by a backslash, in a comment as well */
};

/* Lines of a text. Start with `at` and `join` alone. */
struct config_lines {
	char *at;
	enum config_join join;
	unsigned int
	    line; /* the number of the line given out last: its first */
	unsigned int read; /* lines of the text behind it */
};

/*
 * The next line, without the end of line; NULL after the last. Lines that are
 * joined are one. With CONFIG_JOIN, comments are blanks: `#` begins one at the
 * start of a line or after a blank.
 */
char *config_line(struct config_lines *lines);

/*
 * The next word of `*at`, closed by a NUL; NULL if there is none. Quotes keep
 * spaces in it and are removed; a backslash keeps a quote in it and is not.
 */
char *config_word(char **at);

#endif
