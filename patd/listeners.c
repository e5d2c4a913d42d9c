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

#include "common/sys/account.h"

enum {
	FIRST_PASSED = 3, /* SD_LISTEN_FDS_START */
	BACKLOG = 512,
};

static const struct {
	const char *name;
	int type;
	mode_t mode, group_mode, open_mode;
} kinds[] = {
#define LISTENER_ROW(code, name, type, mode, group_mode, open_mode)            \
	{ name, type, mode, group_mode, open_mode },
	LISTENER_LIST(LISTENER_ROW)
#undef LISTENER_ROW
};

void
listeners_init(struct listeners *listeners)
{
	memset(listeners, 0, sizeof(*listeners));
	for (size_t i = 0; i < LISTENERS_MAX; i++) {
		listeners->at[i].fd = -1;
		listeners->at[i].kind =
		    i < LISTENER_MUX ? (enum listener)i : LISTENER_MUX;
	}
}

/* The first free place behind the first ones; LISTENERS_MAX: there is none. */
static size_t
free_place(const struct listeners *listeners)
{
	size_t i = LISTENER_MUX;

	while (i < LISTENERS_MAX && listeners->at[i].fd >= 0)
		i++;
	return i;
}

/* The socket with this path; LISTENERS_MAX: there is none. */
static size_t
place_with(const struct listeners *listeners, const char *path)
{
	size_t i = 0;

	while (
	    i < LISTENERS_MAX && (listeners->at[i].fd < 0 ||
	                             strcmp(listeners->at[i].path, path) != 0))
		i++;
	return i;
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

/* Where in `listeners` the socket belongs; LISTENERS_MAX: nowhere. */
static size_t
place_of(const struct listeners *listeners, int fd, struct sockaddr_un *addr)
{
	socklen_t len = sizeof(*addr) - 1; /* keeps a NUL at its end */
	int type = 0, listens = 0;
	socklen_t int_len = sizeof(int);
	const char *slash;
	size_t i = 0;

	memset(addr, 0, sizeof(*addr));
	if (getsockname(fd, (struct sockaddr *)addr, &len) != 0 ||
	    addr->sun_family != AF_UNIX ||
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &int_len) != 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &int_len) !=
	        0 ||
	    !listens)
		return LISTENERS_MAX;
	if (type == kinds[LISTENER_MUX].type)
		return free_place(listeners);
	slash = strrchr(addr->sun_path, '/');
	while (i < LISTENER_MUX && (slash == NULL || type != kinds[i].type ||
	                               strcmp(slash + 1, kinds[i].name) != 0))
		i++;
	return i < LISTENER_MUX ? i : LISTENERS_MAX;
}

static enum jp_err
inherit(struct listeners *listeners, int fd, struct jp_why *why)
{
	struct sockaddr_un addr;
	struct stat st;
	size_t i = place_of(listeners, fd, &addr);

	if (i == LISTENERS_MAX || listeners->at[i].fd >= 0)
		return jp_why(why, JP_ERR_CONFIG,
		    "passed descriptor %d is not a listening SOCK_SEQPACKET "
		    "socket named verify.sock or admin.sock, each once, nor "
		    "one of SOCK_STREAM for mux",
		    fd);
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
		return jp_why(why, jp_err_from_errno(errno),
		    "passed descriptor %d: %s", fd, strerror(errno));
	listeners->at[i].fd = fd;
	if (lstat(addr.sun_path, &st) == 0) {
		listeners->at[i].known = true;
		listeners->at[i].dev = st.st_dev;
		listeners->at[i].ino = st.st_ino;
	}
	return jp_field_set(listeners->at[i].path,
	    sizeof(listeners->at[i].path), addr.sun_path);
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

/* The last part of a path with a "/" in it. */
static const char *
last_part(const char *path)
{
	return strrchr(path, '/') + 1;
}

static bool
is_last_part(const struct jp_paths *paths, const char *name)
{
	for (size_t i = 0; i < paths->len; i++)
		if (strcmp(name, last_part(paths->at[i])) == 0)
			return true;
	return false;
}

static bool
is_name_of_ours(const struct jp_settings *settings, const char *name)
{
	for (size_t i = 0; i < LISTENER_MUX; i++)
		if (strcmp(name, kinds[i].name) == 0)
			return true;
	return is_last_part(&settings->verify, name) ||
	       is_last_part(&settings->mux, name);
}

/* Whether the folder holds nothing but our sockets. */
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
 * A service manager makes the folder for root. It is given to `account` only if
 * it is ours beyond doubt: a wrong run_dir shall not give away /run. Its group
 * stays, for that may say who gets in.
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
make_folder(
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

/* The folder of the socket with this path. */
static enum jp_err
make_folder_of(
    const char *path, const struct jp_settings *settings, struct jp_why *why)
{
	int len = (int)(last_part(path) - path) - 1;
	char folder[JP_UNIX_PATH_MAX + 1];

	(void)snprintf(folder, sizeof(folder), "%.*s", len > 0 ? len : 1, path);
	return make_folder(folder, settings, why);
}

/* Those of the sockets at `paths` that were not passed. */
static enum jp_err
make_folders(const struct listeners *listeners, const struct jp_paths *paths,
    const struct jp_settings *settings, struct jp_why *why)
{
	enum jp_err err = JP_ERR_OK;

	for (size_t i = 0; err == JP_ERR_OK && i < paths->len; i++) {
		if (place_with(listeners, paths->at[i]) == LISTENERS_MAX)
			err = make_folder_of(paths->at[i], settings, why);
	}
	return err;
}

enum jp_err
listeners_folders(const struct listeners *listeners,
    const struct jp_settings *settings, struct jp_why *why)
{
	enum jp_err err = make_folder(settings->run_dir, settings, why);

	if (err == JP_ERR_OK)
		err = make_folders(listeners, &settings->verify, settings, why);
	return err == JP_ERR_OK
	           ? make_folders(listeners, &settings->mux, settings, why)
	           : err;
}

/*
 * Removes what is left of a patd that was killed. Only the kernel knows
 * whether one lives: it refuses a connection to a socket nobody listens on.
 */
static enum jp_err
remove_stale(const struct sockaddr_un *addr, int type, struct jp_why *why)
{
	struct stat st;
	int fd, rc, errnum;

	if (lstat(addr->sun_path, &st) != 0)
		return errno == ENOENT ? JP_ERR_OK
		                       : failed(why, "look at", addr->sun_path);
	if (!S_ISSOCK(st.st_mode))
		return jp_why(why, JP_ERR_EXISTS,
		    "%s is in the way: it is not a socket", addr->sun_path);
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return failed(why, "make a socket for", addr->sun_path);
	rc = connect(fd, (const struct sockaddr *)addr, sizeof(*addr));
	errnum = errno;
	(void)close(fd);
	if (rc == 0 || errnum == EAGAIN)
		return jp_why(why, JP_ERR_LOCKED, "another %s answers at %s",
		    type == kinds[LISTENER_MUX].type ? "patd or a saslauthd"
		                                     : "patd",
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
	    "cannot bind %s: its folder must belong to the user of patd", path);
}

static enum jp_err
bind_one(struct listeners *listeners, size_t i, mode_t mode, const gid_t *group,
    struct jp_why *why)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const char *path = listeners->at[i].path;
	int type = kinds[listeners->at[i].kind].type;
	struct stat st;
	enum jp_err err;
	int fd;

	(void)jp_field_set(addr.sun_path, sizeof(addr.sun_path), path);
	err = remove_stale(&addr, type, why);
	if (err != JP_ERR_OK)
		return err;
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return failed(why, "make a socket for", path);
	listeners->at[i].fd = fd;
	if (bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) != 0 ||
	    lstat(path, &st) != 0)
		return cannot_bind(path, why);
	listeners->at[i].ours = listeners->at[i].known = true;
	listeners->at[i].mode = mode;
	listeners->at[i].grouped = group != NULL;
	listeners->at[i].group = group != NULL ? *group : 0;
	listeners->at[i].dev = st.st_dev;
	listeners->at[i].ino = st.st_ino;
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

static enum jp_err
bind_more(struct listeners *listeners, enum listener kind,
    const struct jp_paths *paths, struct jp_why *why)
{
	enum jp_err err = JP_ERR_OK;

	for (size_t n = 0; err == JP_ERR_OK && n < paths->len; n++) {
		size_t there = place_with(listeners, paths->at[n]);
		size_t i = free_place(listeners);

		if (there < LISTENERS_MAX && listeners->at[there].kind == kind)
			continue;
		if (there < LISTENERS_MAX)
			return jp_why(why, JP_ERR_CONFIG,
			    "%s cannot be a socket of two kinds", paths->at[n]);
		if (i == LISTENERS_MAX)
			return jp_why(why, JP_ERR_CONFIG,
			    "more than %d sockets are passed and configured",
			    (int)LISTENERS_MAX);
		listeners->at[i].kind = kind;
		memcpy(listeners->at[i].path, paths->at[n],
		    sizeof(listeners->at[i].path));
		err = bind_one(listeners, i, kinds[kind].mode, NULL, why);
	}
	return err;
}

enum jp_err
listeners_bind(struct listeners *listeners, const struct jp_settings *settings,
    const gid_t *admin_group, struct jp_why *why)
{
	enum jp_err err = JP_ERR_OK;

	for (size_t i = 0; err == JP_ERR_OK && i < LISTENER_MUX; i++) {
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
	if (err == JP_ERR_OK)
		err = bind_more(
		    listeners, LISTENER_VERIFY, &settings->verify, why);
	return err == JP_ERR_OK
	           ? bind_more(listeners, LISTENER_MUX, &settings->mux, why)
	           : err;
}

enum listener_state
listeners_look(const struct listeners *listeners, size_t i)
{
	struct stat st;

	if (listeners->at[i].fd < 0 || !listeners->at[i].known)
		return LISTENER_FINE;
	if (lstat(listeners->at[i].path, &st) != 0)
		return errno == ENOENT || errno == ENOTDIR ? LISTENER_GONE
		                                           : LISTENER_FINE;
	return st.st_dev == listeners->at[i].dev &&
	               st.st_ino == listeners->at[i].ino
	           ? LISTENER_FINE
	           : LISTENER_REPLACED;
}

enum jp_err
listeners_again(struct listeners *listeners, size_t i,
    const struct jp_settings *settings, int *old, struct jp_why *why)
{
	const gid_t group = listeners->at[i].group;
	int fd = listeners->at[i].fd;
	enum jp_err err = make_folder_of(listeners->at[i].path, settings, why);

	if (err == JP_ERR_OK)
		err = bind_one(listeners, i, listeners->at[i].mode,
		    listeners->at[i].grouped ? &group : NULL, why);
	*old = fd;
	if (err != JP_ERR_OK && listeners->at[i].fd != fd) {
		(void)close(listeners->at[i].fd);
		listeners->at[i].fd = fd;
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
	for (size_t i = 0; i < LISTENERS_MAX; i++) {
		if (listeners->at[i].ours)
			remove_ours(listeners->at[i].path, listeners->at[i].dev,
			    listeners->at[i].ino);
		listeners->at[i].ours = false;
		if (listeners->at[i].fd >= 0)
			(void)close(listeners->at[i].fd);
		listeners->at[i].fd = -1;
	}
}
