#include "patd/listeners.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/decide/memo_file.h"
#include "common/sys/account.h"

enum {
	FIRST_PASSED = 3, /* SD_LISTEN_FDS_START */
	BACKLOG = 512,
};

void
listeners_init(struct listeners *listeners)
{
	memset(listeners, 0, sizeof(*listeners));
}

/* A new one, without socket; NULL: there are too many. */
static struct listener *
add(struct listeners *listeners, const struct front *front)
{
	struct listener *listener = &listeners->at[listeners->len];

	if (listeners->len == LISTENERS_MAX)
		return NULL;
	listeners->len++;
	*listener = (struct listener){ .fd = -1, .front = front };
	return listener;
}

static enum jp_err
too_many(struct jp_why *why)
{
	return jp_why(why, JP_ERR_CONFIG,
	    "more than %d sockets are passed and configured",
	    (int)LISTENERS_MAX);
}

/* The sockets that the configuration adds to a front; NULL: none. */
static const struct jp_paths *
more_of(const struct front *front, const struct jp_settings *settings)
{
	return front->more == 0
	           ? NULL
	           : (const void *)((const char *)settings + front->more);
}

static bool
is_listed(const struct jp_paths *paths, const char *path)
{
	for (size_t i = 0; paths != NULL && i < paths->len; i++)
		if (strcmp(path, paths->at[i]) == 0)
			return true;
	return false;
}

/* The socket with this path; NULL: there is none. */
static const struct listener *
with_path(const struct listeners *listeners, const char *path)
{
	for (size_t i = 0; i < listeners->len; i++)
		if (listeners->at[i].fd >= 0 &&
		    strcmp(listeners->at[i].path, path) == 0)
			return &listeners->at[i];
	return NULL;
}

/* Whether that one in run_dir is there. */
static bool
has_file_of(const struct listeners *listeners, const struct front *front)
{
	const char *slash;

	for (size_t i = 0; i < listeners->len; i++) {
		slash = strrchr(listeners->at[i].path, '/');
		if (listeners->at[i].front == front && slash != NULL &&
		    strcmp(slash + 1, front->file) == 0)
			return true;
	}
	return false;
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

/* The type of a listening socket, and its address; -1: it is none. */
static int
type_of(int fd, struct sockaddr_un *addr)
{
	socklen_t len = sizeof(*addr) - 1; /* keeps a NUL at its end */
	int type = 0, listens = 0;
	socklen_t int_len = sizeof(int);

	memset(addr, 0, sizeof(*addr));
	if (getsockname(fd, (struct sockaddr *)addr, &len) != 0 ||
	    addr->sun_family != AF_UNIX ||
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &int_len) != 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &int_len) !=
	        0 ||
	    !listens)
		return -1;
	return type;
}

/*
 * The front without a file in run_dir that the configuration gives this path;
 * otherwise the first one of the type; NULL: none.
 */
static const struct front *
front_without_file(
    int type, const char *path, const struct jp_settings *settings)
{
	const struct front *first = NULL;

	for (size_t i = 0; fronts[i] != NULL; i++) {
		if (fronts[i]->type != type || fronts[i]->file != NULL)
			continue;
		if (is_listed(more_of(fronts[i], settings), path))
			return fronts[i];
		if (first == NULL)
			first = fronts[i];
	}
	return first;
}

/* The front that a passed socket belongs to; NULL: none. */
static const struct front *
front_of(int type, const char *path, const struct jp_settings *settings)
{
	const char *slash = strrchr(path, '/');

	for (size_t i = 0; slash != NULL && fronts[i] != NULL; i++)
		if (fronts[i]->type == type && fronts[i]->file != NULL &&
		    strcmp(slash + 1, fronts[i]->file) == 0)
			return fronts[i];
	return front_without_file(type, path, settings);
}

static enum jp_err
wrong_socket(int fd, struct jp_why *why)
{
	char known[sizeof(why->text)] = "";

	for (size_t i = 0; fronts[i] != NULL; i++) {
		const struct front *front = fronts[i];
		size_t len = strlen(known);

		(void)snprintf(known + len, sizeof(known) - len, "%s%s %s",
		    i > 0 ? ", " : "",
		    front->type == SOCK_STREAM ? "SOCK_STREAM"
		                               : "SOCK_SEQPACKET",
		    front->file != NULL ? front->file : "of any other name");
	}
	return jp_why(why, JP_ERR_CONFIG,
	    "passed descriptor %d is not a listening Unix socket that patd "
	    "knows (%s), or the second one with that name",
	    fd, known);
}

/* So that it is noticed when its file goes. */
static void
know_file(struct listener *listener, const char *path)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return;
	listener->known = true;
	listener->dev = st.st_dev;
	listener->ino = st.st_ino;
}

static enum jp_err
inherit(struct listeners *listeners, int fd, const struct jp_settings *settings,
    struct jp_why *why)
{
	struct sockaddr_un addr;
	int type = type_of(fd, &addr);
	const struct front *front = front_of(type, addr.sun_path, settings);
	struct listener *listener;

	if (front == NULL ||
	    (front->file != NULL && has_file_of(listeners, front)))
		return wrong_socket(fd, why);
	listener = add(listeners, front);
	if (listener == NULL)
		return too_many(why);
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
		return jp_why(why, jp_err_from_errno(errno),
		    "passed descriptor %d: %s", fd, strerror(errno));
	listener->fd = fd;
	know_file(listener, addr.sun_path);
	return jp_field_set(
	    listener->path, sizeof(listener->path), addr.sun_path);
}

enum jp_err
listeners_inherit(struct listeners *listeners,
    const struct jp_settings *settings, struct jp_why *why)
{
	long count = number_in("LISTEN_FDS");
	enum jp_err err = JP_ERR_OK;

	if (number_in("LISTEN_PID") != (long)getpid())
		return JP_ERR_OK; /* meant for another process */
	for (long i = 0; err == JP_ERR_OK && i < count; i++)
		err = inherit(listeners, FIRST_PASSED + (int)i, settings, why);
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

/* The last part of a path with a "/" in it. */
static const char *
last_part(const char *path)
{
	return strrchr(path, '/') + 1;
}

static bool
is_last_part(const struct jp_paths *paths, const char *name)
{
	for (size_t i = 0; paths != NULL && i < paths->len; i++)
		if (strcmp(name, last_part(paths->at[i])) == 0)
			return true;
	return false;
}

/* The socket of pat-httpd may be there first: a service manager makes it. */
static bool
is_of_httpd(const struct jp_httpd_settings *httpd, const char *name)
{
	static const char suffix[] = ".sock";
	size_t len = strlen(name), end = strlen(suffix);

	for (size_t i = 0; i < httpd->listener_len; i++) {
		const struct jp_listener *listener = &httpd->listeners[i];

		if (listener->listen[0] == '\0' &&
		    len == strlen(listener->name) + end &&
		    strncmp(name, listener->name, len - end) == 0 &&
		    strcmp(name + len - end, suffix) == 0)
			return true;
	}
	return false;
}

static bool
is_name_of_ours(const struct jp_settings *settings, const char *name)
{
	if (strcmp(name, JP_MEMO_FILE_NAME) == 0 ||
	    is_of_httpd(&settings->httpd, name))
		return true;
	for (size_t i = 0; fronts[i] != NULL; i++) {
		const struct front *front = fronts[i];

		if ((front->file != NULL && strcmp(name, front->file) == 0) ||
		    is_last_part(more_of(front, settings), name))
			return true;
	}
	return false;
}

/* Whether the directory holds nothing but our files. */
static bool
holds_only_ours(int dir_fd, const struct jp_settings *settings)
{
	DIR *dir = fdopendir(dup(dir_fd));
	const struct dirent *entry;
	bool ours = dir != NULL;

	while (ours && (entry = readdir(dir)) != NULL) {
		ours = strcmp(entry->d_name, ".") == 0 ||
		       strcmp(entry->d_name, "..") == 0 ||
		       is_name_of_ours(settings, entry->d_name);
	}
	if (dir != NULL)
		(void)closedir(dir);
	return ours;
}

/*
 * A service manager makes the directory for root. It is given to `account` only
 * if it is ours beyond doubt: a wrong run_dir shall not give away /run. Its
 * group stays, for that may say who gets in.
 */
static enum jp_err
give(int fd, bool made, const struct jp_account *account,
    const struct jp_settings *settings, const char *path, struct jp_why *why)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return failed(why, "look at", path);
	if (account != NULL && st.st_uid == 0 && account->uid != 0 &&
	    holds_only_ours(fd, settings) &&
	    fchown(fd, account->uid, made ? account->gid : (gid_t)-1) != 0)
		return failed(why, "give away", path);
	if (made && fchmod(fd, 0755) != 0)
		return failed(why, "set the mode of", path);
	return JP_ERR_OK;
}

static enum jp_err
make_dir(
    const char *path, const struct jp_settings *settings, struct jp_why *why)
{
	bool root = geteuid() == 0, made;
	struct jp_account account;
	enum jp_err err;
	int fd;

	if (root) {
		err = jp_account_of_patd(settings->user, &account, why);
		if (err != JP_ERR_OK)
			return err;
	}
	made = mkdir(path, 0700) == 0;
	if (!made && errno != EEXIST)
		return failed(why, "make", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return failed(why, "open", path);
	err = give(fd, made, root ? &account : NULL, settings, path, why);
	(void)close(fd);
	return err;
}

/* The directory of the socket with this path. */
static enum jp_err
make_dir_of(
    const char *path, const struct jp_settings *settings, struct jp_why *why)
{
	int len = (int)(last_part(path) - path) - 1;
	char dir[JP_UNIX_PATH_MAX + 1];

	(void)snprintf(dir, sizeof(dir), "%.*s", len > 0 ? len : 1, path);
	return make_dir(dir, settings, why);
}

/* Those of the sockets at `paths` that were not passed. */
static enum jp_err
make_dirs(const struct listeners *listeners, const struct jp_paths *paths,
    const struct jp_settings *settings, struct jp_why *why)
{
	enum jp_err err = JP_ERR_OK;

	for (size_t i = 0; err == JP_ERR_OK && paths != NULL && i < paths->len;
	     i++) {
		if (with_path(listeners, paths->at[i]) == NULL)
			err = make_dir_of(paths->at[i], settings, why);
	}
	return err;
}

enum jp_err
listeners_dirs(const struct listeners *listeners,
    const struct jp_settings *settings, struct jp_why *why)
{
	enum jp_err err = make_dir(settings->run_dir, settings, why);

	for (size_t i = 0; err == JP_ERR_OK && fronts[i] != NULL; i++)
		err = make_dirs(
		    listeners, more_of(fronts[i], settings), settings, why);
	return err;
}

/*
 * Removes what is left of a patd that was killed. Only the kernel knows
 * whether one lives: it refuses a connection to a socket nobody listens on.
 */
static enum jp_err
remove_stale(const struct sockaddr_un *addr, const struct front *front,
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
	fd = socket(AF_UNIX, front->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return failed(why, "make a socket for", addr->sun_path);
	rc = connect(fd, (const struct sockaddr *)addr, sizeof(*addr));
	errnum = errno;
	(void)close(fd);
	if (rc == 0 || errnum == EAGAIN)
		return jp_why(why, JP_ERR_LOCKED, "another %s answers at %s",
		    front->holders != NULL ? front->holders : "patd",
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
cannot_bind(const char *path, struct jp_why *why)
{
	if (errno != EACCES)
		return failed(why, "bind", path);
	return jp_why(why, JP_ERR_PERMISSION,
	    "cannot bind %s: its directory must belong to the user of patd",
	    path);
}

static enum jp_err
bind_one(struct listener *listener, mode_t mode, const gid_t *group,
    struct jp_why *why)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const char *path = listener->path;
	enum jp_err err;
	int fd;

	(void)jp_field_set(addr.sun_path, sizeof(addr.sun_path), path);
	err = remove_stale(&addr, listener->front, why);
	if (err != JP_ERR_OK)
		return err;
	fd = socket(
	    AF_UNIX, listener->front->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return failed(why, "make a socket for", path);
	listener->fd = fd;
	listener->known = false;
	if (bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) != 0)
		return cannot_bind(path, why);
	know_file(listener, path);
	if (!listener->known)
		return cannot_bind(path, why);
	listener->ours = true;
	listener->mode = mode;
	listener->grouped = group != NULL;
	listener->group = group != NULL ? *group : 0;
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
mode_of(const struct front *front, bool grouped, bool open)
{
	mode_t mode = open ? front->open_mode : grouped ? front->group_mode : 0;

	return mode != 0 ? mode : front->mode;
}

/* The socket of a front in run_dir. */
static enum jp_err
bind_file(struct listeners *listeners, const struct front *front,
    const struct jp_settings *settings, const gid_t *admin_group,
    struct jp_why *why)
{
	const gid_t *group = front->administers ? admin_group : NULL;
	struct listener *listener;
	enum jp_err err;

	if (front->file == NULL || has_file_of(listeners, front))
		return JP_ERR_OK;
	listener = add(listeners, front);
	if (listener == NULL)
		return too_many(why);
	err = set_path(listener->path, settings->run_dir, front->file, why);
	return err == JP_ERR_OK
	           ? bind_one(listener,
	                 mode_of(front, group != NULL, settings->self_service),
	                 group, why)
	           : err;
}

/* Those of a front that the configuration adds. */
static enum jp_err
bind_more(struct listeners *listeners, const struct front *front,
    const struct jp_paths *paths, struct jp_why *why)
{
	enum jp_err err = JP_ERR_OK;

	for (size_t n = 0; err == JP_ERR_OK && paths != NULL && n < paths->len;
	     n++) {
		const struct listener *there =
		    with_path(listeners, paths->at[n]);
		struct listener *listener;

		if (there != NULL && there->front == front)
			continue;
		if (there != NULL)
			return jp_why(why, JP_ERR_CONFIG,
			    "%s cannot be a socket of two kinds", paths->at[n]);
		listener = add(listeners, front);
		if (listener == NULL)
			return too_many(why);
		memcpy(listener->path, paths->at[n], sizeof(listener->path));
		err = bind_one(listener, front->mode, NULL, why);
	}
	return err;
}

enum jp_err
listeners_bind(struct listeners *listeners, const struct jp_settings *settings,
    const gid_t *admin_group, struct jp_why *why)
{
	enum jp_err err = JP_ERR_OK;

	for (size_t i = 0; err == JP_ERR_OK && fronts[i] != NULL; i++)
		err =
		    bind_file(listeners, fronts[i], settings, admin_group, why);
	for (size_t i = 0; err == JP_ERR_OK && fronts[i] != NULL; i++)
		err = bind_more(
		    listeners, fronts[i], more_of(fronts[i], settings), why);
	return err;
}

/* Only the very file that we made: a later patd may have put its own there. */
static void
remove_ours(const struct listener *listener)
{
	struct stat st;

	if (listener->ours && lstat(listener->path, &st) == 0 &&
	    st.st_dev == listener->dev && st.st_ino == listener->ino)
		(void)unlink(listener->path);
}

enum listener_state
listeners_look(const struct listener *listener)
{
	struct stat st;

	if (listener->fd < 0 || !listener->known)
		return LISTENER_FINE;
	if (lstat(listener->path, &st) != 0)
		return errno == ENOENT || errno == ENOTDIR ? LISTENER_GONE
		                                           : LISTENER_FINE;
	return st.st_dev == listener->dev && st.st_ino == listener->ino
	           ? LISTENER_FINE
	           : LISTENER_REPLACED;
}

enum jp_err
listeners_again(struct listener *listener, const struct jp_settings *settings,
    int *old, struct jp_why *why)
{
	const gid_t group = listener->group;
	const struct listener before = *listener;
	enum jp_err err = make_dir_of(listener->path, settings, why);

	if (err == JP_ERR_OK)
		err = bind_one(listener, listener->mode,
		    listener->grouped ? &group : NULL, why);
	*old = before.fd;
	if (err != JP_ERR_OK && listener->fd != before.fd) {
		if (listener->known)
			remove_ours(listener);
		(void)close(listener->fd);
		*listener = before;
	}
	return err;
}

void
listeners_close(struct listeners *listeners)
{
	for (size_t i = 0; i < listeners->len; i++) {
		remove_ours(&listeners->at[i]);
		listeners->at[i].ours = false;
		if (listeners->at[i].fd >= 0)
			(void)close(listeners->at[i].fd);
		listeners->at[i].fd = -1;
	}
}
