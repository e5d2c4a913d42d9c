#include "tools/formats/act_as.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/openat2.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/sys/account.h"
#include "tools/formats/path_why.h"

enum {
	LINKS_MAX = 40, /* as Linux: path_resolution(7) */
	GROUPS_OF_ROOT = 64,
	STATUS_UNAVAILABLE = 3, /* of pat-admin */
};

/* What root was before; `len` < 0: it acts as itself. */
static struct {
	gid_t gid;
	int len;
	gid_t groups[GROUPS_OF_ROOT];
} self = { .len = -1 };

void
act_as_self(void)
{
	if (self.len < 0)
		return;
	/* With the wrong rights nothing more may happen. */
	if (seteuid(0) != 0 || setegid(self.gid) != 0 ||
	    setgroups((size_t)self.len, self.groups) != 0) {
		fprintf(stderr, "pat-admin: cannot become root again: %s\n",
		    strerror(errno));
		_exit(STATUS_UNAVAILABLE);
	}
	self.len = -1;
}

enum jp_err
act_as(const struct owner *owner, struct jp_why *why)
{
	act_as_self();
	if (geteuid() != 0 || owner->uid == 0)
		return JP_ERR_OK;
	self.gid = getegid();
	self.len = getgroups(GROUPS_OF_ROOT, self.groups);
	if (self.len >= 0 && setgroups(1, &owner->gid) == 0 &&
	    setegid(owner->gid) == 0 && seteuid(owner->uid) == 0)
		return JP_ERR_OK;
	(void)jp_why(why, JP_ERR_PERMISSION, "cannot act as uid %lu: %s",
	    (unsigned long)owner->uid, strerror(errno));
	act_as_self();
	return JP_ERR_PERMISSION;
}

enum jp_err
owner_of_store(
    const struct jp_settings *settings, struct owner *owner, struct jp_why *why)
{
	struct jp_account account;
	enum jp_err err = JP_ERR_OK;

	owner->uid = geteuid();
	owner->gid = getegid();
	if (owner->uid != 0)
		return err;
	err = jp_account_of_patd(settings->user, &account, why);
	if (err == JP_ERR_OK)
		*owner = (struct owner){ account.uid, account.gid };
	return err;
}

/* ---- who can change what a path stands for ---- */

/* A path on its way from the root down. */
struct walk {
	char done[PATH_MAX]; /* folders of root, without links; "": the root */
	char rest[PATH_MAX]; /* what follows */
	int links;
	struct owner owner;
};

static void
be_owned(struct walk *walk, const struct stat *st)
{
	const struct passwd *pw = getpwuid(st->st_uid);

	walk->owner.uid = st->st_uid;
	walk->owner.gid = pw != NULL ? pw->pw_gid : st->st_gid;
}

/* Puts `front` before what follows. */
static bool
prepend(struct walk *walk, const char *front)
{
	char text[2 * PATH_MAX];

	(void)snprintf(text, sizeof(text), "%s/%s", front, walk->rest);
	if (strlen(text) >= sizeof(walk->rest))
		return false;
	memcpy(walk->rest, text, strlen(text) + 1);
	return true;
}

/* The folder in front of `..` goes. */
static void
go_up(struct walk *walk)
{
	char *slash = strrchr(walk->done, '/');

	if (slash != NULL)
		*slash = '\0';
}

/* A link of root, in a folder of root. */
static bool
follow(struct walk *walk, const char *path)
{
	char target[PATH_MAX];
	ssize_t len = readlink(path, target, sizeof(target) - 1);

	if (len <= 0 || ++walk->links > LINKS_MAX) {
		errno = ELOOP;
		return false;
	}
	target[len] = '\0';
	if (target[0] == '/')
		walk->done[0] = '\0';
	return prepend(walk, target);
}

/* Takes the next name from `rest`; false: only the last one is left. */
static bool
next_name(struct walk *walk, char name[PATH_MAX])
{
	const char *from = walk->rest + strspn(walk->rest, "/");
	size_t len = strcspn(from, "/");
	const char *behind = from + len;

	if (behind[strspn(behind, "/")] == '\0')
		return false;
	memcpy(name, from, len);
	name[len] = '\0';
	memmove(walk->rest, behind, strlen(behind) + 1);
	return true;
}

/* One folder further; `end`: the owner is found, or nothing is there. */
static enum jp_err
step(struct walk *walk, const char *name, bool *end, struct jp_why *why)
{
	char path[2 * PATH_MAX];
	struct stat st;

	if (strcmp(name, "..") == 0)
		go_up(walk);
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return JP_ERR_OK;
	(void)snprintf(path, sizeof(path), "%s/%s", walk->done, name);
	if (strlen(path) >= sizeof(walk->done))
		return jp_why(why, JP_ERR_TOO_LONG, "%.300s: too long", path);
	*end = lstat(path, &st) != 0;
	if (*end)
		return JP_ERR_OK;
	if (st.st_uid != 0) {
		be_owned(walk, &st);
		*end = true;
	} else if (S_ISLNK(st.st_mode)) {
		return follow(walk, path) ? JP_ERR_OK
		                          : path_why(why, "follow", path);
	} else if ((st.st_mode & (S_IWOTH | S_ISVTX)) == S_IWOTH) {
		return jp_why(why, JP_ERR_CONFIG,
		    "everybody may change %s (mode %04o): chmod o-w it", path,
		    (unsigned int)st.st_mode & 07777);
	} else {
		memcpy(walk->done, path, strlen(path) + 1);
	}
	return JP_ERR_OK;
}

static enum jp_err
start_walk(struct walk *walk, const char *path, struct jp_why *why)
{
	char here[PATH_MAX] = "";

	memset(walk, 0, sizeof(*walk));
	if (strlen(path) >= sizeof(walk->rest))
		return jp_why(why, JP_ERR_TOO_LONG, "%.300s: too long", path);
	memcpy(walk->rest, path, strlen(path) + 1);
	if (path[0] == '/')
		return JP_ERR_OK;
	if (getcwd(here, sizeof(here)) == NULL || !prepend(walk, here))
		return path_why(why, "find the directory of", path);
	return JP_ERR_OK;
}

enum jp_err
act_at(const char *path, struct jp_why *why)
{
	struct walk walk;
	char name[PATH_MAX];
	bool end = false;
	enum jp_err err;

	act_as_self();
	if (geteuid() != 0)
		return JP_ERR_OK;
	err = start_walk(&walk, path, why);
	while (err == JP_ERR_OK && !end && next_name(&walk, name))
		err = step(&walk, name, &end, why);
	return err == JP_ERR_OK ? act_as(&walk.owner, why) : err;
}

static bool
is_only_roots(int fd, bool folder)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || st.st_uid != 0)
		return false;
	return folder ? S_ISDIR(st.st_mode) && (st.st_mode & 022) == 0
	              : S_ISREG(st.st_mode) && st.st_nlink == 1;
}

static int
open_only_roots(const char *path, int flags)
{
	const struct open_how how = {
		.flags = (unsigned int)(O_RDONLY | O_CLOEXEC | flags),
		.resolve = RESOLVE_NO_SYMLINKS,
	};
	int fd;

	act_as_self();
	fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
	if (fd >= 0 && !is_only_roots(fd, flags == O_DIRECTORY)) {
		(void)close(fd);
		errno = EACCES;
		return -1;
	}
	return fd;
}

int
open_roots(const char *path)
{
	return open_only_roots(path, O_NOFOLLOW | O_NONBLOCK);
}

int
open_roots_folder(const char *path)
{
	return open_only_roots(path, O_DIRECTORY);
}

int
open_as_owner(const char *path)
{
	const int how = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	struct jp_why ignored;
	int fd = -1, errnum = EACCES;

	if (act_at(path, &ignored) == JP_ERR_OK) {
		fd = open(path, how);
		errnum = errno;
	}
	act_as_self();
	if (fd < 0 && errnum == EACCES)
		fd = open_roots(path);
	errno = errnum;
	return fd;
}
