/*
 * What the parts of `pat-admin check` know of each other, and how they report.
 * The doctor changes nothing: each part looks at something, and reports what it
 * found and what to do about it. Nothing here knows what is looked at.
 */
#ifndef DOCTOR_REPORT_H
#define DOCTOR_REPORT_H

#include <sys/stat.h>

#include "tools/cli/command.h"

enum level {
	LEVEL_OK,
	LEVEL_WARN,
	LEVEL_BAD, /* makes the exit status 1 */
};

enum {
	DOCTOR_OPENED_MAX = 512, /* bytes; what is more ends with "..." */
};

struct doctor {
	struct context *context;
	const struct jp_settings *settings;
	const char *root; /* of the servers' files: "" is that of all */
	bool bad;
	bool begun;       /* an element of the JSON array was printed */
	uid_t uid;        /* who should own everything */
	bool no_store;    /* no use to open it */
	bool patd;        /* answers on admin.sock */
	bool patd_hidden; /* something is there, and does not let us in */
	size_t hidden;    /* things that only root may look at */
	enum level hidden_level;
	char opened[DOCTOR_OPENED_MAX]; /* doors: "apache (jira-pat), ..." */
};

/* One finding about `subject`, a word. */
void __attribute__((format(printf, 4, 5))) report_finding(struct doctor *doctor,
    enum level level, const char *subject, const char *format, ...);

/* A known trap in line `line` of `file`, a path below the root. */
struct report_place {
	const char *trap; /* its name */
	const char *file;
	unsigned int line; /* 0: the whole file */
};

/* The same about a known trap. */
void report_trap(struct doctor *doctor, enum level level, const char *subject,
    const struct report_place *place, const char *text);

/*
 * What is wrong with type, owner or mode of `path` is reported; returns whether
 * all is well. `st` is filled then.
 */
bool report_path(struct doctor *doctor, const char *subject, const char *path,
    mode_t type, mode_t forbidden, struct stat *st);

/* Counts something that only root may look at; said once, for all of it. */
void report_hidden(struct doctor *doctor, enum level level);

/* Notes that tokens open `door`, as people read it; the same one once. */
void report_opened(struct doctor *doctor, const char *door);

#endif
