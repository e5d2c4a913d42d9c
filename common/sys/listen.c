#include "common/sys/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/text.h"

static enum jp_err
failed(struct jp_why *why, const char *what, const char *path)
{
	int errnum = errno;

	return jp_why(why, jp_err_from_errno(errnum), "cannot %s %s: %s", what,
	    path, strerror(errnum));
}

/* ---- Unix sockets ---- */

/*
 * Removes what is left of a process that was killed. Only the kernel knows
 * whether one lives: it refuses a connection to a socket nobody listens on.
 */
static enum jp_err
remove_stale(const struct sockaddr_un *addr, const struct jp_unix_plan *plan,
    struct jp_why *why)
{
	struct stat st;
	int fd, rc, errnum;

	if (lstat(addr->sun_path, &st) != 0)
		return errno == ENOENT ? JP_ERR_OK
		                       : failed(why, "look at", addr->sun_path);
	if (!S_ISSOCK(st.st_mode))
		return jp_why(why, JP_ERR_EXISTS,
		    "%s is in the way: it is not a socket", addr->sun_path);
	fd = socket(AF_UNIX, plan->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return failed(why, "make a socket for", addr->sun_path);
	rc = connect(fd, (const struct sockaddr *)addr, sizeof(*addr));
	errnum = errno;
	(void)close(fd);
	if (rc == 0 || errnum == EAGAIN)
		return jp_why(why, JP_ERR_LOCKED, "another %s answers at %s",
		    plan->holder, addr->sun_path);
	if (errnum != ECONNREFUSED && errnum != ENOENT) {
		errno = errnum;
		return failed(why, "connect to", addr->sun_path);
	}
	if (unlink(addr->sun_path) != 0 && errno != ENOENT)
		return failed(why, "remove the stale", addr->sun_path);
	return JP_ERR_OK;
}

/* So that it is noticed when its file goes. */
static void
know_file(struct jp_listening *socket, const char *path)
{
	struct stat st;

	socket->known = lstat(path, &st) == 0;
	if (!socket->known)
		return;
	socket->dev = st.st_dev;
	socket->ino = st.st_ino;
}

static enum jp_err
cannot_bind(const struct jp_unix_plan *plan, struct jp_why *why)
{
	if (errno != EACCES)
		return failed(why, "bind", plan->path);
	return jp_why(why, JP_ERR_PERMISSION, "cannot bind %s: %s", plan->path,
	    plan->no_bind);
}

static enum jp_err
open_to(const struct jp_unix_plan *plan, struct jp_why *why)
{
	if (plan->group != NULL &&
	    chown(plan->path, (uid_t)-1, *plan->group) != 0)
		return jp_why(why, jp_err_from_errno(errno),
		    "cannot set the group of %s: %s; %s", plan->path,
		    strerror(errno), plan->no_group);
	if (chmod(plan->path, plan->mode) != 0)
		return failed(why, "set the mode of", plan->path);
	return JP_ERR_OK;
}

/* Its file is there, but nobody hears it yet. */
static enum jp_err
bind_unix(const struct jp_unix_plan *plan, const struct sockaddr_un *addr,
    struct jp_listening *listening, struct jp_why *why)
{
	listening->fd =
	    socket(AF_UNIX, plan->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listening->fd < 0)
		return failed(why, "make a socket for", plan->path);
	if (bind(listening->fd, (const struct sockaddr *)addr, sizeof(*addr)) !=
	    0)
		return cannot_bind(plan, why);
	know_file(listening, plan->path);
	if (!listening->known)
		return cannot_bind(plan, why);
	listening->ours = true;
	return JP_ERR_OK;
}

enum jp_err
jp_listen_unix(const struct jp_unix_plan *plan, struct jp_listening *listening,
    struct jp_why *why)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	enum jp_err err;

	*listening = (struct jp_listening){ .fd = -1 };
	err = jp_field_set(addr.sun_path, sizeof(addr.sun_path), plan->path);
	if (err != JP_ERR_OK)
		return jp_why(why, err, "%s is too long", plan->path);
	err = remove_stale(&addr, plan, why);
	if (err == JP_ERR_OK)
		err = bind_unix(plan, &addr, listening, why);
	if (err == JP_ERR_OK)
		err = open_to(plan, why);
	if (err == JP_ERR_OK && listen(listening->fd, JP_LISTEN_BACKLOG) != 0)
		err = failed(why, "listen on", plan->path);
	return err;
}

enum jp_listening_state
jp_listening_look(const struct jp_listening *socket, const char *path)
{
	struct stat st;

	if (socket->fd < 0 || !socket->known)
		return JP_LISTENING_FINE;
	if (lstat(path, &st) != 0)
		return errno == ENOENT || errno == ENOTDIR ? JP_LISTENING_GONE
		                                           : JP_LISTENING_FINE;
	return st.st_dev == socket->dev && st.st_ino == socket->ino
	           ? JP_LISTENING_FINE
	           : JP_LISTENING_REPLACED;
}

void
jp_listening_close(struct jp_listening *socket, const char *path)
{
	if (socket->ours &&
	    jp_listening_look(socket, path) == JP_LISTENING_FINE)
		(void)unlink(path);
	if (socket->fd >= 0)
		(void)close(socket->fd);
	*socket = (struct jp_listening){ .fd = -1 };
}

/* ---- TCP ---- */

enum jp_err
jp_listen_tcp(const struct sockaddr *address, socklen_t len, const char *text,
    struct jp_listening *listening, struct jp_why *why)
{
	const int on = 1;

	*listening = (struct jp_listening){ .fd = -1 };
	listening->fd = socket(
	    address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listening->fd < 0)
		return failed(why, "make a socket for", text);
	(void)setsockopt(
	    listening->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listening->fd, address, len) != 0)
		return failed(why, "bind", text);
	if (listen(listening->fd, JP_LISTEN_BACKLOG) != 0)
		return failed(why, "listen on", text);
	return JP_ERR_OK;
}

/* ---- passed by the service manager ---- */

/* The value of a variable that holds a number; -1 if it does not. */
static long
number_in(const char *variable)
{
	const char *text = getenv(variable);
	char *end;
	long value;

	if (text == NULL || *text == '\0')
		return -1;
	value = strtol(text, &end, 10);
	return *end == '\0' ? value : -1;
}

int
jp_passed_count(void)
{
	enum { MANY = 1024 };
	long count = number_in("LISTEN_FDS");

	if (number_in("LISTEN_PID") != (long)getpid() || count < 0)
		return 0; /* meant for another process */
	return count < MANY ? (int)count : MANY;
}

void
jp_passed_name(int place, char *name, size_t size)
{
	const char *at = getenv("LISTEN_FDNAMES");
	int len;

	for (; at != NULL && place > 0; place--) {
		at = strchr(at, ':');
		at = at != NULL ? at + 1 : NULL;
	}
	len = at != NULL ? (int)strcspn(at, ":") : 0;
	(void)snprintf(name, size, "%.*s", len, at != NULL ? at : "");
}

int
jp_listening_type(int fd, struct sockaddr_storage *address)
{
	socklen_t len = sizeof(*address) - 1; /* keeps a NUL at its end */
	socklen_t int_len = sizeof(int);
	int type = 0, listens = 0;

	memset(address, 0, sizeof(*address));
	if (getsockname(fd, (struct sockaddr *)address, &len) != 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &int_len) != 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &int_len) !=
	        0 ||
	    !listens)
		return -1;
	return type;
}

enum jp_err
jp_passed_take(int fd, const char *path, struct jp_listening *listening,
    struct jp_why *why)
{
	*listening = (struct jp_listening){ .fd = -1 };
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
		return jp_why(why, jp_err_from_errno(errno),
		    "passed descriptor %d: %s", fd, strerror(errno));
	listening->fd = fd;
	if (path[0] == '/')
		know_file(listening, path);
	return JP_ERR_OK;
}
