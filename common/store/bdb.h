/*
 * The store in Berkeley DB 5.3: one private transactional environment in one
 * directory, owned by one process under an exclusive lock on `store.lock`.
 * Every open runs recovery. The databases are made by jp_store_bdb_create()
 * alone, so that a missing file is an error and not an empty store.
 */
#ifndef JP_STORE_BDB_H
#define JP_STORE_BDB_H

#include <sys/types.h>

#include "common/record/pepper.h"
#include "common/store/store.h"

#define JP_STORE_CACHE_DEFAULT (32U << 20) /* bytes */

struct jp_store_options {
	const char *dir;    /* absolute; a directory of mode 0700, ours */
	const char *holder; /* our name in the lock file: "patd" */
	int64_t wait_ms;    /* how long to wait for the lock; 0: not at all */
	bool first;         /* others that wait for the lock give way */
	size_t cache;       /* bytes of page cache; 0: the default */
	size_t kept;        /* records kept beside it; 0: none */
	uint8_t tag[JP_PEPPER_NAME_LEN]; /* names the pepper it was made with */
};

/*
 * Makes the databases in an existing directory. JP_ERR_EXISTS, and nothing is
 * changed, if a store is there.
 */
enum jp_err
jp_store_bdb_create(const struct jp_store_options *options, struct jp_why *why);

/*
 * Opens the store; the caller closes it with jp_store_close(). JP_ERR_LOCKED
 * (another process owns it: `why` says which), JP_ERR_MISSING (not made yet),
 * JP_ERR_PERMISSION, JP_ERR_CONFIG (made with another pepper, unsafe modes, a
 * DB_CONFIG file), JP_ERR_DAMAGED, JP_ERR_NEWER, JP_ERR_DISK_FULL, JP_ERR_NOMEM
 * or JP_ERR_IO; `why` says what and what to do.
 */
enum jp_err jp_store_bdb_open(const struct jp_store_options *options,
    struct jp_store **store, struct jp_why *why);

/*
 * Verifies every page of the databases (db_verify): for a store that nobody
 * has open. Takes the lock.
 */
enum jp_err
jp_store_bdb_verify(const struct jp_store_options *options, struct jp_why *why);

/*
 * Completes a store from the files of a copy, which are in the directory, and
 * verifies it: as jp_store_bdb_open() and jp_store_bdb_verify().
 */
enum jp_err jp_store_bdb_complete(
    const struct jp_store_options *options, struct jp_why *why);

/* Whether that is what jp_store_bdb_open() says of another one's pepper. */
bool jp_store_is_of_another(enum jp_err err, const struct jp_why *why);

/*
 * Takes the lock of the store in `dir`, whoever owns it and whatever is in it:
 * until `fd` is closed nobody opens it. JP_ERR_LOCKED as above.
 */
enum jp_err jp_store_bdb_hold(const char *dir, const char *holder,
    int64_t wait_ms, int *fd, struct jp_why *why);

/*
 * Who last signed the lock of the store in `dir`, as in "patd (pid 12)": its
 * owner, as long as the lock is held. False if the file names nobody.
 */
bool jp_store_bdb_holder(const char *dir, char *name, size_t size, pid_t *pid);

/* Whether `dir` holds the databases of a store. */
bool jp_store_bdb_exists(const char *dir);

#endif
