/*
 * A new store and its pepper, made beside those that are there, which then take
 * their places, all at once and not before they are whole. What was there is
 * kept under another name. The lock of the old store is held all the time, so
 * that no patd opens it meanwhile.
 */
#ifndef PAT_ADMIN_NEW_STORE_H
#define PAT_ADMIN_NEW_STORE_H

#include <stdbool.h>

#include "tools/formats/act_as.h"
#include "tools/formats/place.h"

/* The suffixes: what is left where a command was killed ends with one of them.
 */
#define NEW_STORE_RESTORE ".restore"
#define NEW_STORE_JOIN ".join"

struct new_store {
	const struct jp_settings *settings;
	const char *holder; /* of the lock: "pat-admin restore" */
	const char *suffix; /* of the new names */
	struct owner owner;
	int lock_fd;      /* of the store that is there; -1: not held */
	bool takes_over;  /* what a killed one has left is removed */
	bool made;        /* the folder for the new one */
	bool same_pepper; /* the one that is there stays */
	struct place store, pepper;
	struct jp_why *why;
};

/*
 * Names the places, takes the lock and makes the folder of the new store, and
 * that of the audit trail, as `pat-admin init` would.
 * Whoever calls has set the first three fields, `why`, lock_fd to -1 and, if
 * nobody else makes one here, `takes_over`; and calls new_store_end(), also
 * after an error.
 */
enum jp_err new_store_begin(struct new_store *making);

/*
 * A command was killed when the new pepper was in its place, and the store was
 * not: the pepper that opens the store comes back from beside the new one,
 * which is kept as `pepper` says. JP_ERR_NOT_FOUND: there is none.
 */
enum jp_err new_store_undo(struct new_store *making, struct place *pepper);

/*
 * Makes a file in store.new, or pepper.new itself, which belongs to the user of
 * patd from the first byte on; -1: see errno(3).
 */
int new_store_file(struct new_store *making, const char *path, mode_t mode);

/*
 * What is whole by now takes its place: the pepper, unless it is the same one,
 * and the store, with what stays in its folder whatever store it is. Both or
 * none: after an error what was there is back, or stderr says what is not.
 */
enum jp_err new_store_swap(struct new_store *making);

/* What was there is back, or stderr says what is not. */
void new_store_take_back(struct new_store *making);

/* Removes what has not taken its place, and releases the lock. */
void new_store_end(struct new_store *making);

#endif
