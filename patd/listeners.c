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
#include <syslog.h>
#include <unistd.h>

#include "common/decide/memo_file.h"
#include "common/sys/account.h"
#include "common/sys/log.h"

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
	*listener = (struct listener){ .socket.fd = -1, .front = front };
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
		if (listeners->at[i].socket.fd >= 0 &&
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
		if (listeners->at[i].front == front &&
		    !listeners->at[i].added && slash != NULL &&
		    strcmp(slash + 1, front->file) == 0)
			return true;
	}
	return false;
}

/* ---- passed by the service manager ---- */

/* Whether a front takes such a socket, and why. */
typedef bool (*takes)(const struct front *front, const char *path,
    const struct jp_settings *settings);

static bool
takes_listed(const struct front *front, const char *path,
    const struct jp_settings *settings)
{
	return is_listed(more_of(front, settings), path);
}

static bool
takes_named(const struct front *front, const char *path,
    const struct jp_settings *settings)
{
	const char *slash = strrchr(path, '/');

	(void)settings;
	return slash != NULL && front->file != NULL &&
	       strcmp(slash + 1, front->file) == 0;
}

static bool
takes_any(const struct front *front, const char *path,
    const struct jp_settings *settings)
{
	(void)path;
	(void)settings;
	return front->file == NULL;
}

/* The front that a passed socket belongs to; NULL: none. */
static const struct front *
front_of(int type, const char *path, const struct jp_settings *settings)
{
	static const takes reasons[] = { takes_listed, takes_named, takes_any };

	for (size_t n = 0; n < sizeof(reasons) / sizeof(reasons[0]); n++)
		for (size_t i = 0; fronts[i] != NULL; i++)
			if (fronts[i]->type == type &&
			    reasons[n](fronts[i], path, settings))
				return fronts[i];
	return NULL;
}

/*
 * Whether it is not the one of its front in run_dir: the configuration lists
 * it, or there is one already that stands for that.
 */
static bool
is_added(const struct listeners *listeners, const struct front *front,
    const char *path, const struct jp_settings *settings)
{
	return is_listed(more_of(front, settings), path) ||
	       (front->file != NULL && has_file_of(listeners, front));
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

static enum jp_err
inherit(struct listeners *listeners, int fd, const struct jp_settings *settings,
    struct jp_why *why)
{
	struct sockaddr_storage address;
	const char *path = ((const struct sockaddr_un *)&address)->sun_path;
	int type = jp_listening_type(fd, &address);
	const struct front *front = address.ss_family == AF_UNIX
	                                ? front_of(type, path, settings)
	                                : NULL;
	struct listener *listener;
	bool added;

	if (front == NULL)
		return wrong_socket(fd, why);
	added = is_added(listeners, front, path, settings);
	if (added && front->more == 0)
		return wrong_socket(fd, why);
	listener = add(listeners, front);
	if (listener == NULL)
		return too_many(why);
	listener->added = added;
	(void)snprintf(listener->path, sizeof(listener->path), "%.*s",
	    JP_UNIX_PATH_MAX, path);
	return jp_passed_take(fd, listener->path, &listener->socket, why);
}

enum jp_err
listeners_inherit(struct listeners *listeners,
    const struct jp_settings *settings, struct jp_why *why)
{
	int count = jp_passed_count();
	enum jp_err err = JP_ERR_OK;

	for (int i = 0; err == JP_ERR_OK && i < count; i++)
		err = inherit(listeners, JP_PASSED_FIRST + i, settings, why);
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

static enum jp_err
bind_one(const struct listener *listener, struct jp_listening *made,
    struct jp_why *why)
{
	const struct front *front = listener->front;
	const struct jp_unix_plan plan = {
		.path = listener->path,
		.type = front->type,
		.mode = listener->mode,
		.group = listener->grouped ? &listener->group : NULL,
		.holder = front->holders != NULL ? front->holders : "patd",
		.no_bind = "its directory must belong to the user of patd",
		.no_group = "make the user of patd a member of "
		            "[patd] admin_group",
	};

	return jp_listen_unix(&plan, made, why);
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
	listener->mode = mode_of(front, group != NULL,
	    settings->self_service || settings->self.configured);
	listener->grouped = group != NULL;
	listener->group = group != NULL ? *group : 0;
	err = set_path(listener->path, settings->run_dir, front->file, why);
	return err == JP_ERR_OK ? bind_one(listener, &listener->socket, why)
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
		listener->mode = front->mode;
		err = bind_one(listener, &listener->socket, why);
	}
	return err;
}

void
listeners_set_open(struct listeners *listeners, bool open)
{
	for (size_t i = 0; i < listeners->len; i++) {
		struct listener *listener = &listeners->at[i];
		const struct jp_listening *socket = &listener->socket;
		mode_t mode = mode_of(listener->front, listener->grouped, open);

		if (!listener->front->administers || !socket->ours ||
		    mode == listener->mode)
			continue;
		listener->mode = mode;
		if (jp_listening_look(socket, listener->path) ==
		        JP_LISTENING_FINE &&
		    chmod(listener->path, mode) != 0)
			jp_log(LOG_ERR, "sockets: chmod %s: %s", listener->path,
			    strerror(errno));
	}
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

enum jp_err
listeners_again(struct listener *listener, const struct jp_settings *settings,
    struct jp_why *why)
{
	struct jp_listening made = { .fd = -1 };
	enum jp_err err = make_dir_of(listener->path, settings, why);

	if (err == JP_ERR_OK)
		err = bind_one(listener, &made, why);
	if (err != JP_ERR_OK) {
		jp_listening_close(&made, listener->path);
		return err;
	}
	(void)close(listener->socket.fd);
	listener->socket = made;
	return JP_ERR_OK;
}

void
listeners_close(struct listeners *listeners)
{
	for (size_t i = 0; i < listeners->len; i++)
		jp_listening_close(
		    &listeners->at[i].socket, listeners->at[i].path);
}
