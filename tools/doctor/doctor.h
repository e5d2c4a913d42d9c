/*
 * What the parts of pat-admin check share. The doctor changes nothing: each
 * part looks at something, and reports what it found and what to do about it.
 */
#ifndef PAT_ADMIN_CHECK_H
#define PAT_ADMIN_CHECK_H

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
	const char *root; /* of the front doors' files: "" is that of all */
	bool bad;
	bool begun;       /* an element of the JSON array was printed */
	uid_t uid;        /* whom everything shall belong to */
	bool no_store;    /* no use to open it */
	bool patd;        /* answers on admin.sock */
	bool patd_hidden; /* something is there, and does not let us in */
	size_t hidden;    /* things that only root may look at */
	enum level hidden_level;
	char opened[DOCTOR_OPENED_MAX]; /* doors: "apache (jira-pat), ..." */
};

/* One finding about `subject`, a word. */
void __attribute__((format(printf, 4, 5))) report(struct doctor *doctor,
    enum level level, const char *subject, const char *format, ...);

/*
 * The same about a known trap, `name`, in line `line` of `file`, a path below
 * the root; 0: the whole file.
 */
void report_trap(struct doctor *doctor, enum level level, const char *subject,
    const char *name, const char *file, unsigned int line, const char *text);

/* Something is for root to look at: said once, at `level`, for all of it. */
void doctor_hidden(struct doctor *doctor, enum level level);

/* Tokens open `door`, as people are to read it; the same one counts once. */
void doctor_opens(struct doctor *doctor, const char *door);

/* What is at `path`, mode and owner: what is wrong was reported if false. */
bool check_path(struct doctor *doctor, const char *subject, const char *path,
    mode_t type, mode_t forbidden, struct stat *st);

/* check_store.c: folder, pepper, room; and what is in it, with or by patd. */
void check_store_files(struct doctor *doctor);
void check_store_content(struct doctor *doctor);

/* check_memory.c: whether the workers of patd fit into what it may take. */
void check_memory(struct doctor *doctor);

/* check_sockets.c: the folder of the sockets, and who listens there. */
void check_sockets(struct doctor *doctor);

/* check_front_doors.c: the files of Apache, nginx, PAM, SASL and Tomcat. */
void check_front_doors(struct doctor *doctor);

#endif
