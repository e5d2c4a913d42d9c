/*
 * What the files of the Berkeley DB store share among themselves, the lowest
 * one first:
 *
 *     bdb_error.c   what errors mean
 *     bdb_dir.c     the directory: its safety, names, the mark of a new store
 *     bdb_lock.c    the lock that makes one process its owner
 *     bdb_hwm.c     the high-water mark and the clock
 *     bdb_reserve.c space that is kept for revocations
 *     bdb_cache.c   copies of the records that are read often
 *     bdb_memory.c  memory of the engine
 *     bdb_names.c   names of files, for the engine
 *     bdb_env.c     environment and databases
 *     bdb_head.c    the one record of meta.db
 *     bdb_txn.c     around every operation; transactions, checkpoints
 *     bdb_read.c    reading one record
 *     bdb_record.c  writing one
 *     bdb_list.c    listings of tokens
 *     bdb_named.c   users and their upstream credentials
 *     bdb_apply.c   batches of a cluster, and walks through all records
 *     bdb_backup.c  copies
 *     bdb.c         the operations on an open store
 *     bdb_open.c    opening it
 *     bdb_create.c  making, verifying, and completing one
 */
#ifndef JP_STORE_BDB_INTERNAL_H
#define JP_STORE_BDB_INTERNAL_H

#include <db.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>

#include "common/base/clock.h"
#include "common/store/bdb.h"
#include "common/store/bdb_cache.h"

/*
 * The engine asks for the operation to be done again (deadlock, lock timeout).
 * No caller of the store ever sees it.
 */
#define BDB_AGAIN JP_ERR_TIMEOUT

/*
 * X(CODE, name, since): the databases, each in a file of its own. A store whose
 * record in meta.db is older than version `since` gets the file when it is
 * opened.
 */
#define BDB_FILE_LIST(X)                                                       \
	X(TOKENS, "tokens.db", 1)                                              \
	X(BY_USER, "by_user.db", 1)                                            \
	X(BY_EXPIRY, "by_expiry.db", 1)                                        \
	X(META, "meta.db", 1)                                                  \
	X(USERS, "users.db", 2)                                                \
	X(UPSTREAM, "upstream.db", 3)                                          \
	X(BY_OWNER, "by_owner.db", 4)

enum bdb_file {
#define BDB_FILE_ENUM(code, name, since) BDB_##code,
	BDB_FILE_LIST(BDB_FILE_ENUM)
#undef BDB_FILE_ENUM
	    BDB_FILES
};

/* The high-water mark: a count of commits, in a file of its own. */
#define BDB_HWM_NAME "hwm"
#define BDB_HWM_DIGITS 20 /* of UINT64_MAX */
#define BDB_HWM_LEN (BDB_HWM_DIGITS + 1)
#define BDB_HWM_TEXT (BDB_HWM_LEN + 1)

/* The time that was last seen, in the form of the mark. */
#define BDB_CLOCK_NAME "clock"

/* Takes space; see bdb_reserve.c. */
#define BDB_RESERVE_NAME "reserve"

/* A file of a copy for the moment until it loses its name; see bdb_backup.c. */
#define BDB_COPY_NAME "copy"

struct bdb_copy;

struct bdb {
	struct jp_store base; /* first: a jp_store is one of these */
	char dir[PATH_MAX];
	int dir_fd;
	int lock_fd;
	int announce_fd; /* held by a process that stays; or -1 */
	int hwm_fd;
	int reserve_fd;
	int clock_fd;
	int (*prepare)(DB_ENV *env); /* before it is opened; NULL: nothing */
	DB_ENV *env;
	DB *db[BDB_FILES];
	atomic_bool dead;      /* the environment panicked: for good */
	atomic_bool full;      /* it said that the disk is full */
	bool is_copy;          /* recovery from the beginning of the logs */
	atomic_uint log_file;  /* whose name is durable */
	atomic_uint kept_from; /* the log file of the last checkpoint */
	uint32_t log_files;    /* so many later, another one is due */
	atomic_llong seen;     /* the time in the file of the clock */
	atomic_uint reserve;   /* bytes of the file that are there */
	atomic_int busy;       /* operations under way */
	atomic_llong progress; /* ms: when one last ended, or the first began */
	/*
	 * Held for writing from the beginning of a commit until its changes are
	 * durable and published; for reading by those that wait for that. Taken
	 * before the gate.
	 */
	pthread_rwlock_t settled;
	/*
	 * Held for writing while a transaction changes pages, and not while it
	 * waits for its fsync; for reading by those that must not wait for one
	 * in the engine. Nobody else takes it: the engine has locks of its own.
	 */
	pthread_rwlock_t gate;
	struct bdb_cache *cache;
	pthread_mutex_t copy_mutex; /* a backup or a checkpoint: not both */
	struct bdb_copy *copy;      /* of that backup */
	pthread_mutex_t mutex;      /* guards what follows */
	const struct bdb_act *act;  /* of the commit under way, or NULL */
	char line[JP_WHY_MAX];      /* what the engine said last */
	struct jp_why why;
	uint64_t hwm;
};

static inline struct bdb *
bdb_of(struct jp_store *store)
{
	return (struct bdb *)store;
}

/* The one record of meta.db. */
struct bdb_head {
	uint8_t version; /* as read; see bdb_file_since() */
	uint64_t commits;
	uint64_t records;
	uint32_t log_file; /* where the log ended when this was written */
	uint32_t log_offset;
	uint8_t tag[JP_PEPPER_NAME_LEN];
	struct jp_position position; /* in a cluster */
};

extern const struct jp_store_ops bdb_ops;

/*
 * Around every operation. bdb_enter() fails once the environment has panicked;
 * bdb_leave() returns `err`, or JP_ERR_IO for BDB_AGAIN.
 */
enum jp_err bdb_enter(struct bdb *bdb);
enum jp_err bdb_leave(struct bdb *bdb, enum jp_err err);

/*
 * Within an operation, around what takes as long as the store is large, a copy
 * or a checkpoint: that does not mean that the engine is stuck.
 */
void bdb_pause(struct bdb *bdb);
void bdb_resume(struct bdb *bdb);

/*
 * A whole operation: `once`, again for as long as it returns BDB_AGAIN, between
 * bdb_enter() and bdb_leave().
 */
typedef enum jp_err (*bdb_once)(struct bdb *bdb, void *arg);
enum jp_err bdb_retry(struct bdb *bdb, bdb_once once, void *arg);

/* A place for the engine to put up to `len` bytes. */
DBT bdb_room(void *mem, size_t len);

/* One record to be read by its key. */
struct bdb_lookup {
	enum bdb_file file;
	const char *key;
	bool wait;      /* false: JP_ERR_BUSY instead of waiting for a commit */
	uint8_t *bytes; /* where it goes, of `max` bytes */
	size_t max;
	size_t len; /* it has so many */
};

/* Reads it, from the cache if it is there. */
enum jp_err bdb_look_up(struct bdb *bdb, struct bdb_lookup *lookup);

/* Decodes, and sees to it that the record is the one that was looked up. */
enum jp_err bdb_decode(
    struct bdb *bdb, const char *id, const DBT *data, struct jp_record *record);

/*
 * Within a transaction: writes a record, as DB->put() with `flags`, or removes
 * it, which may be JP_ERR_NOT_FOUND.
 */
struct bdb_bytes {
	const uint8_t *bytes;
	size_t len;
};
enum jp_err bdb_put(struct bdb *bdb, DB_TXN *txn, const struct bdb_key *key,
    const struct bdb_bytes *record, uint32_t flags);
enum jp_err bdb_remove(struct bdb *bdb, DB_TXN *txn, const struct bdb_key *key);

/*
 * Locks the record of a token that is to be changed, for writing. One that does
 * not decode is refused here, before the index functions see it.
 */
enum jp_err
bdb_claim(struct bdb *bdb, DB_TXN *txn, const char *id, struct jp_record *old);

/* What bdb_transact() is about. */
struct bdb_act {
	/* Within the transaction, the head being locked and not yet written. */
	enum jp_err (*change)(struct bdb *bdb, DB_TXN *txn,
	    struct bdb_head *head, const void *arg);
	/* Whether it changes, makes or deletes this record. */
	bool (*touches)(const void *arg, const struct bdb_key *key);
	/* Updates the cache; not `done`: what is in the store is unknown. */
	void (*publish)(struct bdb_cache *cache, const void *arg, bool done);
	const void *arg;
	size_t records; /* that it touches */
	bool urgent;    /* may take of the reserve */
	/* From where to where the store goes in its cluster; NULL: a commit of
	 * a store that is in none. */
	const struct jp_position *from, *to;
};

/* One transaction, repeated on deadlock, and published to the cache. */
enum jp_err bdb_transact(struct bdb *bdb, const struct bdb_act *act);

/* Whether a commit under way touches the record. */
bool bdb_is_pending(struct bdb *bdb, const struct bdb_key *key);

/*
 * For those who have read such a record from the engine, where it may not be
 * durable yet: waits until it is.
 */
void bdb_settle(struct bdb *bdb, const struct bdb_key *key);

/* Whether a commit finds space now. */
enum jp_err bdb_has_room(struct jp_store *store, bool urgent);

enum jp_err bdb_position(struct jp_store *store, struct jp_position *position);
enum jp_err bdb_apply(struct jp_store *store, const uint8_t *bytes, size_t len,
    const struct jp_position *from, const struct jp_position *to);
enum jp_err bdb_walk(struct jp_store *store, struct jp_walk *walk,
    struct jp_batch *part, size_t max);

/* Waits for a copy that is being taken. */
enum jp_err bdb_checkpoint(struct jp_store *store);

enum jp_err bdb_user_get(
    struct jp_store *store, const char *name, struct jp_user *user, bool wait);
enum jp_err
bdb_user_put(struct jp_store *store, const struct jp_user *users, size_t count);
enum jp_err bdb_user_list(struct jp_store *store, const char *after,
    struct jp_user *page, size_t max, size_t *count);

enum jp_err bdb_upstream_get(struct jp_store *store, const char *user,
    struct jp_upstreams *all, bool wait);
enum jp_err bdb_upstream_put(
    struct jp_store *store, const struct jp_upstreams *all, size_t count);
enum jp_err bdb_upstream_list(struct jp_store *store, const char *after,
    struct jp_upstreams *page, size_t max, size_t *count);

enum jp_err bdb_list(struct jp_store *store, struct jp_listing *listing,
    struct jp_record *page, size_t max, size_t *count);

enum jp_err bdb_backup(struct jp_store *store, jp_store_take take, void *arg);

/* Before the environment is opened; returns what the engine does. */
int bdb_copy_prepare(DB_ENV *env);

/*
 * The engine takes its memory through bdb_memory.c from now on, in the whole
 * process; returns an error of the engine.
 */
int bdb_memory_prepare(void);

/* The engine lists folders through bdb_names.c from now on, likewise. */
int bdb_names_prepare(void);

/* Frees what the engine gives to its caller; NULL is fine. */
void bdb_memory_free(void *memory);

/* This thread has memory set aside until bdb_memory_drop(); others wait. */
void bdb_memory_hold(void);
void bdb_memory_drop(void);

/* An empty one, to be freed with bdb_free(); NULL if there is no memory. */
struct bdb *bdb_new(struct jp_why *why);

/*
 * Environment (with recovery) and databases; `flags` for DB->open. Before a
 * record of a token is written or read by an index, bdb_associate().
 */
enum jp_err bdb_open_engine(struct bdb *bdb, size_t cache, uint32_t flags);
enum jp_err bdb_close_engine(struct bdb *bdb);

/* From now on the engine keeps the indexes of tokens.db, which are all open. */
enum jp_err bdb_associate(struct bdb *bdb);

/* One database, within `txn` or, NULL, by itself. */
enum jp_err
bdb_open_file(struct bdb *bdb, DB_TXN *txn, enum bdb_file file, uint32_t flags);

/* The directory, its lock, the engine, and whether they belong together. */
enum jp_err
bdb_open_store(struct bdb *bdb, const struct jp_store_options *options);

/* JP_ERR_OK: a store is here; JP_ERR_MISSING: a place for one. */
enum jp_err bdb_look(struct bdb *bdb);

/* The engine's errcall: keeps the line that says most. */
void bdb_keep_line(const DB_ENV *env, const char *prefix, const char *line);

void bdb_sleep_ms(int64_t ms);

/* Turns what the engine returned into a code, and its words into `why`. */
enum jp_err bdb_fail(struct bdb *bdb, int ret, const char *doing);

/* The same for what the engine has no code for. */
enum jp_err bdb_fail_why(struct bdb *bdb, enum jp_err err, const char *format,
    ...) __attribute__((format(printf, 3, 4)));

/* The same for errno(3) about file `name` of the directory; "": itself. */
enum jp_err bdb_fail_errno(struct bdb *bdb, const char *name);

/* Where the next byte of the log goes; returns what the engine does. */
int bdb_log_end(struct bdb *bdb, uint32_t *file, uint32_t *offset);

/*
 * Ends the log file, if the changes of so many records may not fit into it: the
 * engine syncs it then, here with no page latched.
 */
void bdb_log_room(struct bdb *bdb, size_t records);

enum jp_err bdb_head_get(
    struct bdb *bdb, DB_TXN *txn, struct bdb_head *head, uint32_t flags);
enum jp_err
bdb_head_put(struct bdb *bdb, DB_TXN *txn, const struct bdb_head *head);

/* Closes whatever is open of it, and frees it. */
void bdb_free(struct bdb *bdb);

/* Frees it, too, and returns `err`; `why` explains an error. */
enum jp_err bdb_finish(struct bdb *bdb, enum jp_err err, struct jp_why *why);

const char *bdb_file_name(enum bdb_file file);

/* Of meta.db's record: stores of older ones have no such file. */
uint8_t bdb_file_since(enum bdb_file file);

/* Whether the directory holds `name`. */
bool bdb_dir_has(const struct bdb *bdb, const char *name);

/* Opens and checks the directory; on success `dir_fd` is set. */
enum jp_err bdb_dir_open(struct bdb *bdb, const char *dir);

enum jp_err bdb_dir_sync(struct bdb *bdb);
uint64_t bdb_dir_bytes(const struct bdb *bdb);

/* Removes all that the making of a store makes, and nothing else. */
void bdb_dir_empty(struct bdb *bdb);

/* The marker of a store that is being made; see bdb_dir.c. */
enum jp_err bdb_mark_set(struct bdb *bdb);
enum jp_err bdb_mark_clear(struct bdb *bdb);
bool bdb_mark_there(const struct bdb *bdb);

enum jp_err bdb_lock(struct bdb *bdb, const char *holder, int64_t wait_ms);

/*
 * The same for a process that keeps the store open: bdb_lock() of others gives
 * way while this waits. JP_ERR_LOCKED at once where another such process waits
 * or has the lock.
 */
enum jp_err
bdb_lock_first(struct bdb *bdb, const char *holder, int64_t wait_ms);
void bdb_lock_remove(struct bdb *bdb);

/* Opens the file, empty if it is new; what fails shows in `reserve`. */
void bdb_reserve_open(struct bdb *bdb);

/*
 * Makes it grow again, as far as there is space. Whether it is whole, or cannot
 * be for another reason.
 */
bool bdb_reserve_fill(struct bdb *bdb);

/* Frees a step of it; false if there is nothing left. */
bool bdb_reserve_spend(struct bdb *bdb);

/* Reads the time that was last seen; what is not one is none. */
void bdb_clock_open(struct bdb *bdb);
void bdb_clock_write(struct bdb *bdb, int64_t now);

/* Compares the mark with the database's count, then takes this count. */
enum jp_err bdb_hwm_open(struct bdb *bdb, uint64_t commits);
bool bdb_hwm_there(const struct bdb *bdb);
void bdb_hwm_raise(struct bdb *bdb, uint64_t commits);
void bdb_hwm_print(char text[BDB_HWM_TEXT], uint64_t commits);

#endif
