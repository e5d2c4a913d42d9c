/*
 * The sockets that patd listens on, made here or handed over by a service
 * manager, and the folder that they lie in.
 */
#ifndef PATD_LISTENERS_H
#define PATD_LISTENERS_H

#include <sys/types.h>

#include "common/settings.h"

/* X(CODE, file name, mode, mode with an admin group, mode for everybody) */
#define LISTENER_LIST(X)                                                       \
	X(VERIFY, "verify.sock", 0666, 0666, 0666)                             \
	X(ADMIN, "admin.sock", 0600, 0660, 0666)

enum listener {
#define LISTENER_ENUM(code, name, mode, group_mode, open_mode) LISTENER_##code,
	LISTENER_LIST(LISTENER_ENUM)
#undef LISTENER_ENUM
	    LISTENER_COUNT
};

struct listeners {
	struct {
		int fd; /* -1: closed */
		char path[JP_UNIX_PATH_MAX + 1];
		bool ours; /* we made the file */
		dev_t dev;
		ino_t ino;
	} at[LISTENER_COUNT];
};

/* Before anything else is done with one. */
void listeners_init(struct listeners *listeners);

/*
 * Takes the sockets that the service manager passed ($LISTEN_FDS,
 * sd_listen_fds(3)), each by the last part of its path. JP_ERR_CONFIG for one
 * that is not ours.
 */
enum jp_err listeners_inherit(struct listeners *listeners, struct jp_why *why);

/*
 * Makes the folder; while the process is root, for the user that it will
 * become. One that is there stays as it is, but if it is root's and empty it
 * is given to that user.
 */
enum jp_err
listeners_folder(const struct jp_settings *settings, struct jp_why *why);

/*
 * Makes those that were not passed. A socket file on which nobody answers is
 * replaced; JP_ERR_LOCKED if somebody does. `admin_group` NULL: there is none.
 */
enum jp_err
listeners_bind(struct listeners *listeners, const struct jp_settings *settings,
    const gid_t *admin_group, struct jp_why *why);

/* Closes them; the files that we made go, too. */
void listeners_close(struct listeners *listeners);

#endif
