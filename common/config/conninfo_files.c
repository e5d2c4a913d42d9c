#include "common/config/conninfo_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	HIDDEN_TEXT_MAX = 96,
};

/*
 * A secret that others can read libpq ignores, or refuses; but a key of root's
 * its group may read (fe-secure-openssl.c). `other`: what else the value may
 * be than a path.
 */
static const struct file {
	const char *key;
	mode_t type;
	bool secret;
	mode_t too_wide, too_wide_of_root;
	const char *other;
} files[] = {
	{ "passfile", S_IFREG, true, 077, 077, NULL },
	{ "sslkey", S_IFREG, true, 077, 037, NULL },
	{ "sslcert", S_IFREG, false, 0, 0, NULL },
	{ "sslrootcert", S_IFREG, false, 0, 0, "system" },
	{ "sslcrl", S_IFREG, false, 0, 0, NULL },
	{ "sslcrldir", S_IFDIR, false, 0, 0, NULL },
};

const char *
jp_conninfo_file_key(size_t number)
{
	return number < sizeof(files) / sizeof(files[0]) ? files[number].key
	                                                 : NULL;
}

/* ---- what an account sees ---- */

enum sight {
	SEEN,
	MISSING,
	BEHIND, /* a directory that it may not enter */
	CLOSED,
	BROKEN,
};

static enum sight
look(const char *path)
{
	struct stat st;
	int fd;

	if (stat(path, &st) != 0)
		return errno == EACCES                       ? BEHIND
		       : errno == ENOENT || errno == ENOTDIR ? MISSING
		                                             : BROKEN;
	/* Nor does a FIFO make it wait. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return errno == EACCES || errno == EPERM ? CLOSED : BROKEN;
	(void)close(fd);
	return SEEN;
}

/* By a process of its own: with its groups, and lists of access besides. */
static enum sight
look_as(const struct jp_account *account, const char *path)
{
	int status;
	pid_t pid;

	if (geteuid() != 0 || account->uid == 0)
		return look(path);
	pid = fork();
	if (pid == 0)
		_exit(jp_account_become(account) == JP_ERR_OK ? (int)look(path)
		                                              : (int)BROKEN);
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			pid = -1;
	return pid > 0 && WIFEXITED(status) ? (enum sight)WEXITSTATUS(status)
	                                    : BROKEN;
}

/* ---- what its unit hides ---- */

/* pat-clusterd.service: ProtectHome, PrivateTmp, InaccessiblePaths. */
static const char *const hidden[] = { "/home/", "/root/", "/run/user/", "/tmp/",
	"/var/tmp/", "/var/lib/jira-pat/", "/var/log/jira-pat/" };

static const char *
find_hidden(const char *path)
{
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		if (strncmp(path, hidden[i], strlen(hidden[i])) == 0)
			return hidden[i];
	return NULL;
}

/* Above the file, or above what it is a link to; NULL: none. */
static const char *
hidden_above(const char *path)
{
	char *real = realpath(path, NULL);
	const char *above = real != NULL ? find_hidden(real) : NULL;

	free(real);
	return above != NULL ? above : find_hidden(path);
}

/* For whoever sees it all the same; "": it does not. */
static const char *
hidden_text(const char *path, char text[HIDDEN_TEXT_MAX])
{
	const char *above = hidden_above(path);

	text[0] = '\0';
	if (above != NULL)
		(void)snprintf(text, HIDDEN_TEXT_MAX,
		    "; systemd hides from pat-clusterd what lies below %s",
		    above);
	return text;
}

/* ---- what libpq takes ---- */

static enum jp_err
say_closed(const struct file *file, const char *path, const char *user,
    struct jp_why *why)
{
	return jp_why(why, JP_ERR_CONFIG,
	    "%s=%s: pat-clusterd cannot read it: %s %s %s", file->key, path,
	    file->secret ? "chown" : "chmod", file->secret ? user : "a+r",
	    path);
}

/* What it is, for whoever sees it. */
static enum jp_err
check_kind(const struct file *file, const char *path, struct jp_why *why)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return jp_why(why, JP_ERR_CONFIG, "%s=%s: %s", file->key, path,
		    strerror(errno));
	if ((st.st_mode & S_IFMT) != file->type)
		return jp_why(why, JP_ERR_CONFIG, "%s=%s: it is not a %s",
		    file->key, path,
		    file->type == S_IFDIR
		        ? "directory: name the one with the lists"
		        : "file: name the one that is meant");
	if ((st.st_mode & (st.st_uid == 0 ? file->too_wide_of_root
	                                  : file->too_wide)) != 0)
		return jp_why(why, JP_ERR_CONFIG,
		    "%s=%s: others may read it, and libpq does not take it: "
		    "chmod 600 %s",
		    file->key, path, path);
	return JP_ERR_OK;
}

static enum jp_err
check(const struct file *file, const char *path,
    const struct jp_account *account, const char *user, struct jp_why *why)
{
	const enum sight sight = look_as(account, path);
	char hides[HIDDEN_TEXT_MAX];
	enum jp_err err;

	switch (sight) {
	case MISSING:
		return jp_why(why, JP_ERR_CONFIG,
		    "%s=%s: there is no such file: make it, or name another "
		    "one in conninfo%s",
		    file->key, path, hidden_text(path, hides));
	case BEHIND:
		return jp_why(why, JP_ERR_CONFIG,
		    "%s=%s: %s may not enter a directory above it: chmod a+x "
		    "that, or name a file elsewhere%s",
		    file->key, path, user, hidden_text(path, hides));
	case BROKEN:
		return jp_why(why, JP_ERR_CONFIG,
		    "%s=%s: it cannot be opened: check its disk", file->key,
		    path);
	case SEEN:
	case CLOSED:
		break;
	}
	err = check_kind(file, path, why);
	return err == JP_ERR_OK && sight == CLOSED
	           ? say_closed(file, path, user, why)
	           : err;
}

/* The path that the string has for it; false: none. */
static bool
find_path(const char *conninfo, const struct file *file,
    struct jp_conninfo_word *word)
{
	return jp_conninfo_find(conninfo, file->key, word) &&
	       word->value[0] != '\0' &&
	       (file->other == NULL || strcmp(word->value, file->other) != 0);
}

enum jp_err
jp_conninfo_file_check(const char *conninfo, size_t number,
    const struct jp_account *account, const char *user, struct jp_why *why)
{
	const struct file *file = &files[number];
	struct jp_conninfo_word word;

	if (!find_path(conninfo, file, &word))
		return JP_ERR_OK;
	if (word.value[0] != '/')
		return jp_why(why, JP_ERR_CONFIG,
		    "%s=%s: write its whole path, from / on: nobody knows "
		    "where pat-clusterd is started",
		    file->key, word.value);
	if (geteuid() != 0 && geteuid() != account->uid)
		return JP_ERR_PERMISSION;
	return check(file, word.value, account, user, why);
}

bool
jp_conninfo_file_is_hidden(
    const char *conninfo, size_t number, struct jp_why *why)
{
	const struct file *file = &files[number];
	struct jp_conninfo_word word;
	const char *above;

	if (!find_path(conninfo, file, &word))
		return false;
	above = hidden_above(word.value);
	if (above != NULL)
		(void)jp_why(why, JP_ERR_CONFIG,
		    "%s=%s: pat-clusterd, as systemd starts it, sees nothing "
		    "of what lies below %s: move it, to /etc/jira-pat for "
		    "example",
		    file->key, word.value, above);
	return above != NULL;
}
