/*
 * Sockets to listen on: made here, in place of a stale one, or handed over by a
 * service manager (sd_listen_fds(3), without its library).
 */
#ifndef JP_LISTEN_H
#define JP_LISTEN_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "common/base/err.h"

#define JP_PASSED_FIRST 3 /* SD_LISTEN_FDS_START */
#define JP_LISTEN_BACKLOG 512

/* What a Unix socket is to be. */
struct jp_unix_plan {
	const char *path;
	int type; /* SOCK_STREAM and the like */
	mode_t mode;
	const gid_t *group; /* NULL: that of the process */

	/* For people: who would answer there; what is wrong where the directory
	 * lets nobody bind; what to do where the group cannot be set. */
	const char *holder, *no_bind, *no_group;
};

/* A socket, and the file that it had when it was made or taken. */
struct jp_listening {
	int fd;     /* -1: none */
	bool ours;  /* we made the file */
	bool known; /* `dev` and `ino` are those of the file */
	dev_t dev;
	ino_t ino;
};

enum jp_listening_state {
	JP_LISTENING_FINE,     /* its file is there, or nobody can know */
	JP_LISTENING_GONE,     /* there is no file under its path */
	JP_LISTENING_REPLACED, /* there is one of somebody else */
};

/*
 * Makes it, with the mode last: until then nobody else may connect, if umask(2)
 * is 077. A file on which nobody answers is replaced; JP_ERR_LOCKED if somebody
 * does, JP_ERR_EXISTS if it is no socket. On an error some of `socket` may be
 * set: jp_listening_close() it.
 */
enum jp_err jp_listen_unix(const struct jp_unix_plan *plan,
    struct jp_listening *socket, struct jp_why *why);

/* The same for TCP, at a literal address, which `text` spells. */
enum jp_err jp_listen_tcp(const struct sockaddr *address, socklen_t len,
    const char *text, struct jp_listening *socket, struct jp_why *why);

/* What became of the file at `path`. */
enum jp_listening_state
jp_listening_look(const struct jp_listening *socket, const char *path);

/* Closes it; a file that we made goes, too, if it is still that one. */
void jp_listening_close(struct jp_listening *socket, const char *path);

/* How many were passed to this process: from JP_PASSED_FIRST on. */
int jp_passed_count(void);

/*
 * The name of the one at `place`, in $LISTEN_FDNAMES, copied and cut; "": it
 * has none.
 */
void jp_passed_name(int place, char *name, size_t size);

/* The type of a listening socket and its address; -1: it is none. */
int jp_listening_type(int fd, struct sockaddr_storage *address);

/*
 * Takes the descriptor `fd`: programs that are started do not get it, and it
 * does not block. `path` "": it has no file.
 */
enum jp_err jp_passed_take(
    int fd, const char *path, struct jp_listening *socket, struct jp_why *why);

#endif
