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
	CONFIG_PATH_MAX = 1024, /* bytes of a path, with its NUL */
};

struct pam_services;
struct trap_places;

/* What the readers of all servers share. */
struct config_scan {
	struct doctor *doctor;
	const char *root;
	const char *door; /* whose files are read now */
	size_t files;     /* of this door that were read */
	size_t found;     /* traps in them */
	struct trap_places *reported;
	struct pam_services *services; /* those that take tokens */
};

/* A file as it was read; `path` is below the root. */
struct config_text {
	const char *path;
	char *text; /* closed by a NUL; may be written into */
	size_t len;
};

typedef void (*config_take)(void *arg, const struct config_text *text);

/*
 * Calls `take` with each file below the root that matches `pattern`, an
 * absolute glob(7). Directories, and files of more than 1 MiB, are left out.
 */
void config_each(
    struct config_scan *scan, const char *pattern, config_take take, void *arg);

/* What is below the root at `path`: S_IFMT of its mode, 0 if nothing. */
unsigned int config_type(const struct config_scan *scan, const char *path);

/* Whether something below the root matches `pattern`. */
bool config_any(const struct config_scan *scan, const char *pattern);

/*
 * The next line of the text at `*at`, without the end of line; NULL after the
 * last. A backslash at its end joins the next one to it. `*line` counts.
 */
char *config_line(char **at, unsigned int *line);

/*
 * The next word of `*at`, closed by a NUL; NULL if there is none. Quotes keep
 * spaces in it, and go.
 */
char *config_word(char **at);

#endif
