/*
 * The sockets that patd listens on, made here or handed over by a service
 * manager, and the folder that they lie in.
 */
#ifndef PATD_LISTENERS_H
#define PATD_LISTENERS_H

#include <sys/socket.h>
#include <sys/types.h>

#include "common/config/settings.h"

/*
 * X(CODE, file name, type, mode, mode with an admin group, mode for everybody).
 * Of the last kind there may be none or several, with any name, and of the
 * first one there may be more, with any name, too.
 */
#define LISTENER_LIST(X)                                                       \
	X(VERIFY, "verify.sock", SOCK_SEQPACKET, 0666, 0666, 0666)             \
	X(ADMIN, "admin.sock", SOCK_SEQPACKET, 0600, 0660, 0666)               \
	X(MUX, "mux", SOCK_STREAM, 0666, 0666, 0666)

enum listener {
#define LISTENER_ENUM(code, name, type, mode, group_mode, open_mode)           \
	LISTENER_##code,
	LISTENER_LIST(LISTENER_ENUM)
#undef LISTENER_ENUM
	    LISTENER_COUNT
};

/* Each of the first kinds, and what the configuration adds. */
#define LISTENERS_MAX (LISTENER_MUX + 2 * JP_PATHS_MAX)

struct listeners {
	struct {
		int fd; /* -1: closed, or none */
		enum listener kind;
		char path[JP_UNIX_PATH_MAX + 1];
		bool ours;    /* we made the file */
		bool known;   /* `dev` and `ino` are those of the file */
		mode_t mode;  /* of our file */
		bool grouped; /* it belongs to `group` */
		gid_t group;
		dev_t dev;
		ino_t ino;
		struct jp_why said; /* what was said of it last */
	} at[LISTENERS_MAX]; /* the first ones by their kind, then the others */
};

/* Before anything else is done with one. */
void listeners_init(struct listeners *listeners);

/*
 * Takes the sockets that the service manager passed ($LISTEN_FDS,
 * sd_listen_fds(3)), each by the last part of its path; one of SOCK_STREAM is a
 * mux, whatever its path. JP_ERR_CONFIG for one that is not ours.
 */
enum jp_err listeners_inherit(struct listeners *listeners, struct jp_why *why);

/*
 * Makes the folders of the sockets that were not passed; while the process is
 * root, for the user that it will become. One that is there stays as it is, but
 * if it is root's and empty it is given to that user.
 */
enum jp_err listeners_folders(const struct listeners *listeners,
    const struct jp_settings *settings, struct jp_why *why);

/*
 * Makes those that were not passed. A socket file on which nobody answers is
 * replaced; JP_ERR_LOCKED if somebody does. `admin_group` NULL: there is none.
 */
enum jp_err
listeners_bind(struct listeners *listeners, const struct jp_settings *settings,
    const gid_t *admin_group, struct jp_why *why);

enum listener_state {
	LISTENER_FINE,     /* its file is there, or nobody can know */
	LISTENER_GONE,     /* there is no file under its path */
	LISTENER_REPLACED, /* there is one of somebody else */
};

/* What became of the file of the socket at place `i`. */
enum listener_state listeners_look(const struct listeners *listeners, size_t i);

/*
 * Makes a socket that is ours and gone once more, with its folder. On success
 * the caller closes `old`, on which nobody new can arrive. A file that somebody
 * put there meanwhile stays.
 */
enum jp_err listeners_again(struct listeners *listeners, size_t i,
    const struct jp_settings *settings, int *old, struct jp_why *why);

/* Closes them; the files that we made go, too. */
void listeners_close(struct listeners *listeners);

#endif
