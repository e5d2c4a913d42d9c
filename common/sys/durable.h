/*
 * What fsync(2) of a file does not promise: that its name is there after a
 * power cut, too. For that the folder is synced.
 */
#ifndef JP_DURABLE_H
#define JP_DURABLE_H

/* Makes the names in the folder `path` durable; -1: see errno(3). */
int jp_sync_folder(const char *path);

/* The same for the folder that the name `path` is in. */
int jp_sync_parent(const char *path);

/*
 * Gives the file `from` the name `to`, in the same folder, and makes that
 * durable: -1 with EEXIST if something has that name.
 */
int jp_rename_new(const char *from, const char *to);

#endif
