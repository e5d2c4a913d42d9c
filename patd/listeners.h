/*
 * The sockets that patd listens on, made here or handed over by a service
 * manager, and the directory that they lie in.
 */
#ifndef PATD_LISTENERS_H
#define PATD_LISTENERS_H

#include <sys/types.h>

#include "common/config/settings.h"
#include "common/sys/listen.h"
#include "patd/front.h"

/* Each front has one in run_dir, and those that the configuration adds. */
#define LISTENERS_MAX (FRONTS_MAX * (1 + JP_PATHS_MAX))

struct listeners {
	size_t len;
	struct listener {
		struct jp_listening socket;
		const struct front *front;
		char path[JP_UNIX_PATH_MAX + 1];
		mode_t mode;  /* of the file, if it is ours */
		bool added;   /* beside the one of its front in run_dir */
		bool grouped; /* it belongs to `group` */
		gid_t group;
		struct jp_why said; /* what was said of it last */
		unsigned int burst; /* connections to be taken at once */
	} at[LISTENERS_MAX];
};

/* Before anything else is done with one. */
void listeners_init(struct listeners *listeners);

/*
 * Takes the sockets that the service manager passed ($LISTEN_FDS,
 * sd_listen_fds(3)), each for the front with its type whose key names the path;
 * or which has a file in run_dir with the last part of its path: the first one
 * stands for that file, the others are added to it; or which has none there.
 * JP_ERR_CONFIG for one that is not ours.
 */
enum jp_err listeners_inherit(struct listeners *listeners,
    const struct jp_settings *settings, struct jp_why *why);

/*
 * Makes the directories of the sockets that were not passed; while the process
 * is root, for the user that it will become. One that is there stays as it is,
 * but if it is root's and empty it is given to that user.
 */
enum jp_err listeners_dirs(const struct listeners *listeners,
    const struct jp_settings *settings, struct jp_why *why);

/*
 * Makes those that were not passed. A socket file on which nobody answers is
 * replaced; JP_ERR_LOCKED if somebody does. `admin_group` NULL: there is none.
 */
enum jp_err
listeners_bind(struct listeners *listeners, const struct jp_settings *settings,
    const gid_t *admin_group, struct jp_why *why);

/*
 * Opens admin.sock for all local users, who may then ask for what the rules
 * allow them, or closes it for them; one that was passed stays as it is.
 */
void listeners_set_open(struct listeners *listeners, bool open);

/*
 * Makes a socket that is ours and gone once more, with its directory, and
 * closes the one on which nobody new can arrive; on an error that one stays. A
 * file that somebody put there meanwhile stays, too.
 */
enum jp_err listeners_again(struct listener *listener,
    const struct jp_settings *settings, struct jp_why *why);

/* Closes them; the files that we made go, too. */
void listeners_close(struct listeners *listeners);

#endif
