/*
 * tools/formats/: files that pat-admin reads and writes.
 *
 * Root's work in folders that somebody else may change. Whoever owns a folder
 * can put a link there in place of anything, so what root does in it happens
 * with the rights of that user: a link then leads nowhere that its maker could
 * not go himself. For a process that is not root nothing here changes anything.
 */
#ifndef PAT_ADMIN_ACT_AS_H
#define PAT_ADMIN_ACT_AS_H

#include <sys/types.h>

#include "common/config/settings.h"

/* Whom the store, the pepper and their folders belong to. */
struct owner {
	uid_t uid;
	gid_t gid;
};

/*
 * The user of patd, if this process is root; else whoever runs it.
 * JP_ERR_CONFIG if there is no such user.
 */
enum jp_err owner_of_store(const struct jp_settings *settings,
    struct owner *owner, struct jp_why *why);

/*
 * From here on files are opened, made, renamed and removed with the rights of
 * this user, in all threads, until act_as_self() or the next call. Descriptors
 * that are open stay what they are.
 */
enum jp_err act_as(const struct owner *owner, struct jp_why *why);

/*
 * The same, as whoever can change what the name `path` stands for: the owner of
 * the first folder on the way to it that is not root's; if all are, root. Links
 * of root in its own folders are followed, relative paths begin in the working
 * folder. JP_ERR_CONFIG if everybody may change a folder on the way.
 */
enum jp_err act_at(const char *path, struct jp_why *why);

/*
 * Opens a file to read it, as act_at() says, or else with open_roots(). -1: see
 * errno(3). Afterwards this process acts as itself.
 */
int open_as_owner(const char *path);

/*
 * As root, opens one of root's own files to read it: a regular one with no
 * second name, and no link on the way, so that the owner of a folder cannot
 * have put another one there. Afterwards this process acts as itself.
 */
int open_roots(const char *path);

/*
 * The same of one of root's own folders, in which nobody else can change a
 * name.
 */
int open_roots_folder(const char *path);

/* Ends it. */
void act_as_self(void);

#endif
