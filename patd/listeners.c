#include "patd/listeners.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	FIRST_PASSED = 3, /* SD_LISTEN_FDS_START */
	BACKLOG = 512,
};

static const struct {
	const char *name;
	mode_t mode, group_mode, open_mode;
} kinds[] = {
#define LISTENER_ROW(code, name, mode, group_mode, open_mode)                  \
	{ name, mode, group_mode, open_mode },
	LISTENER_LIST(LISTENER_ROW)
#undef LISTENER_ROW
};

void
listeners_init(struct listeners *listeners)
{
	memset(listeners, 0, sizeof(*listeners));
	for (size_t i = 0; i < LISTENER_COUNT; i++)
		listeners->at[i].fd = -1;
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

/* Which of ours the socket is; LISTENER_COUNT: none. */
static size_t
kind_of(int fd)
{
	struct sockaddr_un addr = { 0 };
	socklen_t len = sizeof(addr) - 1; /* keeps a NUL at its end */
	int type = 0, listens = 0;
	socklen_t int_len = sizeof(int);
	const char *slash;
	size_t kind = 0;

	if (getsockname(fd, (struct sockaddr *)&addr, &len) != 0 ||
	    addr.sun_family != AF_UNIX ||
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &int_len) != 0 ||
	    type != SOCK_SEQPACKET ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &int_len) !=
	        0 ||
	    !listens)
		return LISTENER_COUNT;
	slash = strrchr(addr.sun_path, '/');
	if (slash == NULL)
		return LISTENER_COUNT;
	while (
	    kind < LISTENER_COUNT && strcmp(slash + 1, kinds[kind].name) != 0)
		kind++;
	return kind;
}

static enum jp_err
inherit(struct listeners *listeners, int fd, struct jp_why *why)
{
	size_t kind = kind_of(fd);

	if (kind == LISTENER_COUNT || listeners->at[kind].fd >= 0)
		return jp_why(why, JP_ERR_CONFIG,
		    "passed descriptor %d is not a listening SOCK_SEQPACKET "
		    "socket named verify.sock or admin.sock, each once",
		    fd);
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
		return jp_why(why, jp_err_from_errno(errno),
		    "passed descriptor %d: %s", fd, strerror(errno));
	listeners->at[kind].fd = fd;
	return JP_ERR_OK;
}

enum jp_err
listeners_inherit(struct listeners *listeners, struct jp_why *why)
{
	long count = number_in("LISTEN_FDS");
	enum jp_err err = JP_ERR_OK;

	if (number_in("LISTEN_PID") != (long)getpid())
		return JP_ERR_OK; /* meant for another process */
	for (long i = 0; err == JP_ERR_OK && i < count; i++)
		err = inherit(listeners, FIRST_PASSED + (int)i, why);
	return err;
}

/* ---- made here ---- */

static enum jp_err
failed(struct jp_why *why, const char *what, const char *path)
{
	int errnum = errno;

	return jp_why(why, jp_err_from_errno(errnum), "cannot %s %s: %s", what,
	    path, strerror(errnum));
}

/* Whether the folder holds nothing but our sockets. */
static bool
holds_only_ours(int dir_fd)
{
	DIR *dir = fdopendir(dup(dir_fd));
	const struct dirent *entry;
	bool ours = dir != NULL;

	while (ours && (entry = readdir(dir)) != NULL) {
		ours = strcmp(entry->d_name, ".") == 0 ||
		       strcmp(entry->d_name, "..") == 0;
		for (size_t i = 0; !ours && i < LISTENER_COUNT; i++)
			ours = strcmp(entry->d_name, kinds[i].name) == 0;
	}
	if (dir != NULL)
		(void)closedir(dir);
	return ours;
}

/*
 * A service manager makes the folder for root. It is given to `pw` only if it
 * is ours beyond doubt: a wrong run_dir shall not give away /run.
 */
static enum jp_err
give(int fd, bool made, const struct passwd *pw, const char *path,
    struct jp_why *why)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return failed(why, "look at", path);
	if (pw != NULL && st.st_uid == 0 && pw->pw_uid != 0 &&
	    holds_only_ours(fd) && fchown(fd, pw->pw_uid, pw->pw_gid) != 0)
		return failed(why, "give away", path);
	if (made && fchmod(fd, 0755) != 0)
		return failed(why, "set the mode of", path);
	return JP_ERR_OK;
}

enum jp_err
listeners_folder(const struct jp_settings *settings, struct jp_why *why)
{
	const char *path = settings->run_dir;
	const struct passwd *pw =
	    geteuid() == 0 ? getpwnam(settings->user) : NULL;
	bool made = mkdir(path, 0700) == 0;
	enum jp_err err;
	int fd;

	if (!made && errno != EEXIST)
		return failed(why, "make", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return failed(why, "open", path);
	err = give(fd, made, pw, path, why);
	(void)close(fd);
	return err;
}

/*
 * Removes what is left of a patd that was killed. Only the kernel knows
 * whether one lives: it refuses a connection to a socket nobody listens on.
 */
static enum jp_err
remove_stale(const struct sockaddr_un *addr, struct jp_why *why)
{
	struct stat st;
	int fd, rc, errnum;

	if (lstat(addr->sun_path, &st) != 0)
		return errno == ENOENT ? JP_ERR_OK
		                       : failed(why, "look at", addr->sun_path);
	if (!S_ISSOCK(st.st_mode))
		return jp_why(why, JP_ERR_EXISTS,
		    "%s is in the way: it is not a socket", addr->sun_path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return failed(why, "make a socket for", addr->sun_path);
	rc = connect(fd, (const struct sockaddr *)addr, sizeof(*addr));
	errnum = errno;
	(void)close(fd);
	if (rc == 0 || errnum == EAGAIN)
		return jp_why(why, JP_ERR_LOCKED, "another patd answers at %s",
		    addr->sun_path);
	if (errnum != ECONNREFUSED && errnum != ENOENT) {
		errno = errnum;
		return failed(why, "connect to", addr->sun_path);
	}
	if (unlink(addr->sun_path) != 0 && errno != ENOENT)
		return failed(why, "remove the stale", addr->sun_path);
	return JP_ERR_OK;
}

/* The mode comes last: until then nobody else can connect (umask 077). */
static enum jp_err
open_to(const char *path, mode_t mode, const gid_t *group, struct jp_why *why)
{
	if (group != NULL && chown(path, (uid_t)-1, *group) != 0)
		return jp_why(why, jp_err_from_errno(errno),
		    "cannot give %s to the group of [patd] admin_group: %s; "
		    "make the user of patd a member of it",
		    path, strerror(errno));
	if (chmod(path, mode) != 0)
		return failed(why, "set the mode of", path);
	return JP_ERR_OK;
}

static enum jp_err
bind_one(struct listeners *listeners, size_t kind, mode_t mode,
    const gid_t *group, struct jp_why *why)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const char *path = listeners->at[kind].path;
	struct stat st;
	enum jp_err err;
	int fd;

	(void)jp_field_set(addr.sun_path, sizeof(addr.sun_path), path);
	err = remove_stale(&addr, why);
	if (err != JP_ERR_OK)
		return err;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return failed(why, "make a socket for", path);
	listeners->at[kind].fd = fd;
	if (bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) != 0 ||
	    lstat(path, &st) != 0)
		return failed(why, "bind", path);
	listeners->at[kind].ours = true;
	listeners->at[kind].dev = st.st_dev;
	listeners->at[kind].ino = st.st_ino;
	err = open_to(path, mode, group, why);
	if (err == JP_ERR_OK && listen(fd, BACKLOG) != 0)
		err = failed(why, "listen on", path);
	return err;
}

static enum jp_err
set_path(char path[JP_UNIX_PATH_MAX + 1], const char *dir, const char *name,
    struct jp_why *why)
{
	int len = snprintf(path, JP_UNIX_PATH_MAX + 1, "%s/%s", dir, name);

	if (len < 0 || len > JP_UNIX_PATH_MAX)
		return jp_why(
		    why, JP_ERR_TOO_LONG, "[patd] run_dir is too long");
	return JP_ERR_OK;
}

static mode_t
mode_of(size_t kind, bool grouped, bool open)
{
	if (open)
		return kinds[kind].open_mode;
	return grouped ? kinds[kind].group_mode : kinds[kind].mode;
}

enum jp_err
listeners_bind(struct listeners *listeners, const struct jp_settings *settings,
    const gid_t *admin_group, struct jp_why *why)
{
	enum jp_err err = JP_ERR_OK;

	for (size_t i = 0; err == JP_ERR_OK && i < LISTENER_COUNT; i++) {
		bool grouped = i == LISTENER_ADMIN && admin_group != NULL;

		if (listeners->at[i].fd >= 0)
			continue;
		err = set_path(listeners->at[i].path, settings->run_dir,
		    kinds[i].name, why);
		if (err != JP_ERR_OK)
			break;
		err = bind_one(listeners, i,
		    mode_of(i, grouped, settings->self_service),
		    grouped ? admin_group : NULL, why);
	}
	return err;
}

/* Only the very file that we made: a later patd may have put its own there. */
static void
remove_ours(const char *path, dev_t dev, ino_t ino)
{
	struct stat st;

	if (lstat(path, &st) == 0 && st.st_dev == dev && st.st_ino == ino)
		(void)unlink(path);
}

void
listeners_close(struct listeners *listeners)
{
	for (size_t i = 0; i < LISTENER_COUNT; i++) {
		if (listeners->at[i].ours)
			remove_ours(listeners->at[i].path, listeners->at[i].dev,
			    listeners->at[i].ino);
		listeners->at[i].ours = false;
		if (listeners->at[i].fd >= 0)
			(void)close(listeners->at[i].fd);
		listeners->at[i].fd = -1;
	}
}
