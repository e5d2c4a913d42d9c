#include "tools/formats/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/record/upstream_seal.h"
#include "tools/formats/files.h"
#include "tools/formats/path_why.h"

/* A key that root made, now or before it was interrupted, goes to patd. */
static enum jp_err
own_key(const char *path, const struct owner *owner, struct jp_why *why)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	enum jp_err err = JP_ERR_OK;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		err = path_why(why, "open the key file", path);
	else if (st.st_uid == geteuid() && st.st_uid != owner->uid &&
	         S_ISREG(st.st_mode) && st.st_nlink == 1 &&
	         fchown(fd, owner->uid, owner->gid) != 0)
		err = path_why(why, "chown", path);
	if (fd >= 0)
		(void)close(fd);
	return err;
}

static enum jp_err
make_key(const char *path, const struct owner *owner, key_create create,
    bool *made, struct jp_why *why)
{
	enum jp_err err = JP_ERR_OK;
	struct stat st;

	if (lstat(path, &st) != 0 && errno == ENOENT) {
		err = create(path, why);
		*made = err == JP_ERR_OK;
	}
	return err == JP_ERR_OK || err == JP_ERR_EXISTS
	           ? own_key(path, owner, why)
	           : err;
}

enum jp_err
key_file_make(const char *path, const struct owner *owner, key_create create,
    bool *made, struct jp_why *why)
{
	enum jp_err err = make_parents(path, why);

	*made = false;
	if (err == JP_ERR_OK)
		err = act_at(path, why);
	if (err == JP_ERR_OK)
		err = make_key(path, owner, create, made, why);
	act_as_self();
	return err;
}

enum jp_err
upstream_key_make(const struct jp_settings *settings, const char *path,
    bool *made, struct jp_why *why)
{
	struct owner owner;
	enum jp_err err = owner_of_store(settings, &owner, why);

	*made = false;
	return err == JP_ERR_OK ? key_file_make(path, &owner,
	                              jp_upstream_key_create, made, why)
	                        : err;
}

void
upstream_key_told(const char *path)
{
	(void)fprintf(stderr,
	    "The key %s is new, and in no backup: keep a copy of it, apart "
	    "from them.\n",
	    path);
}
