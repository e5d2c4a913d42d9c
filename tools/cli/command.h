/*
 * What the commands of pat-admin share: how a command describes itself, what
 * it is given, and what its exit status says. One table describes the options
 * of a command; parsing and help both read it.
 */
#ifndef PAT_ADMIN_COMMANDS_H
#define PAT_ADMIN_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/admin/admin.h"
#include "common/config/settings.h"

/* The exit status. */
enum status {
	STATUS_DONE = 0,    /* done, accepted, healthy */
	STATUS_NO = 1,      /* the answer is no */
	STATUS_USAGE = 2,   /* a wrong command line */
	STATUS_UNAVAILABLE, /* it could not be found out or done */
};

struct context {
	const struct command *command;
	const char *config; /* NULL: the default file, which may be missing */
	bool json;
	bool help;
	bool loaded;
	struct jp_settings settings; /* of context_load() */
};

/* Takes one argument into the command's `args`; `why` tells what is wrong. */
typedef enum jp_err (*take_value)(void *args, char *value, struct jp_why *why);

struct cmd_option {
	const char *name;  /* "--expires" */
	const char *value; /* "WHEN" in the help; NULL: takes none */
	const char *help;
	take_value take;
};

struct command {
	const char *name;
	const char *synopsis; /* what stands behind the name */
	const char *help;     /* one line */
	const struct cmd_option *options;
	size_t option_len;
	size_t words_min, words_max; /* arguments that are no options */
	take_value take_word;
	void *args;      /* what the take functions fill and `run` reads */
	bool prints;     /* accepts --json */
	bool only_reads; /* nothing is lost where its output is not read */
	enum status (*run)(struct context *context);
};

extern const struct command cmd_init;
extern const struct command cmd_create;
extern const struct command cmd_list;
extern const struct command cmd_show;
extern const struct command cmd_revoke;
extern const struct command cmd_test;
extern const struct command cmd_identify;
extern const struct command cmd_rotate;
extern const struct command cmd_policy;
extern const struct command cmd_user;
extern const struct command cmd_sync_users;
extern const struct command cmd_stats;
extern const struct command cmd_backup;
extern const struct command cmd_restore;
extern const struct command cmd_expiring;
extern const struct command cmd_export;
extern const struct command cmd_import;
extern const struct command cmd_notify;
extern const struct command cmd_purge;
extern const struct command cmd_audit;
extern const struct command cmd_check;
extern const struct command cmd_guard;

/*
 * Reads the arguments behind the command's name, up to a NULL. On an error the
 * line about it has been printed.
 */
enum status options_parse(struct context *context, char **argv);

/* --config at argv[0] or `--config=`: how many arguments it took; 0: none. */
size_t options_config(struct context *context, char **argv);

/* Prints `pat-admin CMD --help`. */
void options_help(const struct command *command);

/* Reads the configuration file, once. */
enum jp_err context_load(struct context *context, struct jp_why *why);

/* Prints `pat-admin: command: why` on stderr; returns the exit status. */
enum status
fail(const struct context *context, enum jp_err err, const struct jp_why *why);

/*
 * Reads an id, or the id of a token's text, also where that stands as
 * USER:TOKEN or in base64. The argument is overwritten, for it may be a secret.
 * `what` names it where it is wrong: it is never shown.
 */
enum jp_err token_id_read(char *text, const char *what,
    char id[JP_TOKEN_ID_LEN + 1], struct jp_why *why);

/* Reads the value of --expires into lifetime and expires_at of `request`. */
enum jp_err expires_read(
    const char *value, struct jp_admin_request *request, struct jp_why *why);

#endif
