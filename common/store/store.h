/*
 * common/store/: records in Berkeley DB.
 *
 * The store of records: an interface. The product's implementation is in
 * Berkeley DB (common/store/bdb.h); tests have one in memory. One process owns
 * a store; its threads may call everything at once, except close.
 */
#ifndef JP_STORE_H
#define JP_STORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/store/batch.h"

/* One step of a commit. */
struct jp_change {
	enum jp_change_kind {
		JP_CHANGE_CREATE,  /* JP_ERR_EXISTS if the id is there */
		JP_CHANGE_REPLACE, /* JP_ERR_NOT_FOUND if it is not;
		                      JP_ERR_INVALID for another user */
		JP_CHANGE_DELETE,  /* not found likewise; only the id is read */
		JP_CHANGE_END,     /* a replacement by which a token ends or
		                      is paused, which is possible on a full
		                      disk, too */
	} kind;
	const struct jp_record *record;
};

/* Which records a listing runs over, and where the last page ended. */
struct jp_listing {
	enum jp_order {
		JP_ORDER_ID,     /* all, by id */
		JP_ORDER_USER,   /* those of `user`, by id */
		JP_ORDER_EXPIRY, /* those that expire at or before `until` */
		JP_ORDER_OWNER,  /* those that the group `owner` has, by id */
	} order;
	char user[JP_USER_MAX + 1];
	char owner[JP_GROUP_MAX + 1]; /* "": there are none */
	int64_t until;
	/*
	 * The fields below say behind what it goes on. Whoever sets them first
	 * begins there; the id of an order by id need not be one that exists.
	 */
	bool started;
	char last_id[JP_TOKEN_ID_LEN + 1];
	int64_t last_expiry;
};

struct jp_store_info {
	uint64_t records;
	uint64_t commits; /* since the store was made */
	uint64_t bytes;   /* on disk */
	uint64_t reads;   /* of records by get and list, since it was opened */
	uint64_t reserve; /* bytes that are kept; JP_STORE_RESERVE: all */
};

/*
 * Bytes on disk that are kept for revocations: where the disk is full, commits
 * of only JP_CHANGE_END and of disabled users still succeed, in this space.
 * Until it is whole again every other commit fails with JP_ERR_DISK_FULL.
 */
#define JP_STORE_RESERVE (3U << 20)

/* Bytes of the name of one of the files of a store. */
#define JP_FILE_NAME_MAX 31

/* A part of a copy of the store's files. */
struct jp_piece {
	const char *name; /* of the file, without a directory */
	uint64_t offset;
	const uint8_t *bytes;
	size_t len;
};

/* Takes one piece; an error ends the copying with it. */
typedef enum jp_err (*jp_store_take)(void *arg, const struct jp_piece *piece);

#define JP_CLUSTER_ID_LEN 16
#define JP_CHAIN_LEN 32 /* bytes of the MAC that chains batches */

/*
 * How far a store has come in the log of its cluster. All zero: it is in none.
 * The cluster alone, seq 0 and no MAC: it is being filled from a snapshot, and
 * what it holds is neither whole nor of one moment.
 */
struct jp_position {
	uint8_t cluster[JP_CLUSTER_ID_LEN];
	uint64_t seq; /* of the last batch that was applied */
	uint8_t mac[JP_CHAIN_LEN];
};

/* Who waits for a commit to be everywhere; see jp_store_begin(). */
enum jp_begin {
	JP_BEGIN_LOUD = 0, /* jp_store_settle() does */
	JP_BEGIN_QUIET,    /* nobody: the order of the log is enough */
};

/* Where a walk through all records stands; zeroed: before the first. */
struct jp_walk {
	enum jp_batch_file file;   /* 0: before the first */
	char key[JP_USER_MAX + 1]; /* the last one that was passed */
	bool ended;                /* there are no more */
};

struct jp_store {
	const struct jp_store_ops *ops;
	atomic_ullong reads; /* counted by jp_store_get() and jp_store_list() */
};

struct jp_store_ops {
	enum jp_err (*get)(struct jp_store *store, const char *id,
	    struct jp_record *record, bool wait);
	enum jp_err (*commit)(struct jp_store *store,
	    const struct jp_change *changes, size_t count);
	enum jp_err (*list)(struct jp_store *store, struct jp_listing *listing,
	    struct jp_record *page, size_t max, size_t *count);
	enum jp_err (*user_get)(struct jp_store *store, const char *name,
	    struct jp_user *user, bool wait);
	enum jp_err (*user_put)(
	    struct jp_store *store, const struct jp_user *users, size_t count);
	enum jp_err (*user_list)(struct jp_store *store, const char *after,
	    struct jp_user *page, size_t max, size_t *count);
	enum jp_err (*upstream_get)(struct jp_store *store, const char *user,
	    struct jp_upstreams *all, bool wait);
	enum jp_err (*upstream_put)(struct jp_store *store,
	    const struct jp_upstreams *all, size_t count);
	enum jp_err (*upstream_list)(struct jp_store *store, const char *after,
	    struct jp_upstreams *page, size_t max, size_t *count);
	enum jp_err (*checkpoint)(struct jp_store *store);
	enum jp_err (*info)(struct jp_store *store, struct jp_store_info *info);
	enum jp_err (*backup)(
	    struct jp_store *store, jp_store_take take, void *arg);
	bool (*stalled)(struct jp_store *store, int64_t seconds);
	int64_t (*seen)(struct jp_store *store);
	void (*see)(struct jp_store *store, int64_t now);
	void (*why)(struct jp_store *store, struct jp_why *why);
	/* Those of a store that can be in a cluster; NULL: it cannot. */
	enum jp_err (*position)(
	    struct jp_store *store, struct jp_position *position);
	enum jp_err (*apply)(struct jp_store *store, const uint8_t *bytes,
	    size_t len, const struct jp_position *from,
	    const struct jp_position *to);
	enum jp_err (*walk)(struct jp_store *store, struct jp_walk *walk,
	    struct jp_batch *part, size_t max);
	enum jp_err (*room)(struct jp_store *store, bool urgent);
	/* Those of a replica, which is a store around such a one; else NULL. */
	void (*begin)(struct jp_store *store, enum jp_begin how, int64_t by_ms);
	enum jp_err (*settle)(
	    struct jp_store *store, int64_t by_ms, struct jp_why *why);
	int64_t (*patience)(struct jp_store *store);
	void (*wait)(struct jp_store *store);    /* NULL: nothing to do */
	void (*hold)(struct jp_store *store);    /* likewise */
	void (*release)(struct jp_store *store); /* likewise */
	void (*close)(struct jp_store *store);
};

/* Reads a fresh copy of one record: JP_ERR_NOT_FOUND if there is none. */
enum jp_err
jp_store_get(struct jp_store *store, const char *id, struct jp_record *record);

/*
 * The same without ever waiting for a commit, which may wait for the disk:
 * JP_ERR_BUSY if it would have to, as a commit that touches this record is
 * under way, or one of others is just being written, which does not take long.
 * Records that are read often are cached. A change is seen as soon as it is
 * durable, and no earlier.
 */
enum jp_err jp_store_try_get(
    struct jp_store *store, const char *id, struct jp_record *record);

/* Waits while a commit is being written; not for the disk to sync it. */
void jp_store_wait(struct jp_store *store);

/*
 * Waits until no commit is under way, and keeps others waiting until
 * jp_store_release(): in between nothing is busy for this thread.
 */
void jp_store_hold(struct jp_store *store);
void jp_store_release(struct jp_store *store);

/*
 * Makes all changes or none, in one transaction, and returns when they would
 * survive a power cut.
 */
enum jp_err jp_store_commit(
    struct jp_store *store, const struct jp_change *changes, size_t count);

/*
 * Reads the next page of at most `max` records. Holds no lock between pages.
 * `count` 0 with JP_ERR_OK is the end.
 */
enum jp_err jp_store_list(struct jp_store *store, struct jp_listing *listing,
    struct jp_record *page, size_t max, size_t *count);

/* Reads a user; one without a record is what jp_user_default() says. */
enum jp_err
jp_store_user(struct jp_store *store, const char *name, struct jp_user *user);

/* The same as jp_store_try_get() does it. */
enum jp_err jp_store_try_user(
    struct jp_store *store, const char *name, struct jp_user *user);

/*
 * Writes the records of all of `users` or of none, as jp_store_commit(). If all
 * are disabled that is possible on a full disk, too.
 */
enum jp_err jp_store_put_users(
    struct jp_store *store, const struct jp_user *users, size_t count);

/*
 * Reads the next page of those users that have a record, by name, after the
 * one named `after` ("": from the first). `count` 0 is the end.
 */
enum jp_err jp_store_list_users(struct jp_store *store, const char *after,
    struct jp_user *page, size_t max, size_t *count);

/*
 * Reads the upstream credentials of a user, perhaps none; jp_store_upstream()
 * waits for a commit, as jp_store_get() does, and the other one does not.
 */
enum jp_err jp_store_upstream(
    struct jp_store *store, const char *user, struct jp_upstreams *all);
enum jp_err jp_store_try_upstream(
    struct jp_store *store, const char *user, struct jp_upstreams *all);

/*
 * Writes those of all these users, or of none. If that only removes, it is
 * possible on a full disk, too.
 */
enum jp_err jp_store_put_upstream(
    struct jp_store *store, const struct jp_upstreams *all, size_t count);

/* The same listing as jp_store_list_users(), of those who have some. */
enum jp_err jp_store_list_upstream(struct jp_store *store, const char *after,
    struct jp_upstreams *page, size_t max, size_t *count);

/* Writes what is in memory into the files and drops logs no longer needed. */
enum jp_err jp_store_checkpoint(struct jp_store *store);

enum jp_err jp_store_info(struct jp_store *store, struct jp_store_info *info);

/*
 * Copies the store's files, while others read and write: file after file, each
 * from its beginning. What was committed before the call is in the copy.
 */
enum jp_err
jp_store_backup(struct jp_store *store, jp_store_take take, void *arg);

/*
 * Whether an operation has been under way for `seconds` while none ended: the
 * engine is stuck, and only leaving the process helps.
 */
bool jp_store_stalled(struct jp_store *store, int64_t seconds);

/*
 * The time last given to jp_store_see(), or JP_NEVER: kept over restarts, not
 * in a backup; after a power cut it may be an earlier one.
 */
int64_t jp_store_seen(struct jp_store *store);
void jp_store_see(struct jp_store *store, int64_t now);

/*
 * ---- several hosts ----
 *
 * A store that is in a cluster (its position names one) is changed by
 * jp_store_apply() alone: jp_store_commit() and its like fail with
 * JP_ERR_CONFIG, as nobody else would hear of it. patd puts a replica around
 * it, which is a store, too: its commits go through the log of the cluster.
 */

/* JP_ERR_OK and all zero for one that is in no cluster. */
enum jp_err
jp_store_position(struct jp_store *store, struct jp_position *position);

/* Whether it names a cluster; whether it says that a store is being filled. */
bool jp_position_is_set(const struct jp_position *position);
bool jp_position_is_filling(const struct jp_position *position);
bool jp_position_same(
    const struct jp_position *one, const struct jp_position *other);

/*
 * Applies a batch, with the position that it leads to, in one transaction: all
 * of it or nothing; durable, when this returns. Whoever calls has checked the
 * MAC. JP_ERR_CONFLICT if the store is not in that cluster at the position just
 * before; the errors of jp_batch_end(). Possible on a full disk, while there
 * is something left of the reserve: what others have committed must hold here.
 */
enum jp_err jp_store_apply(struct jp_store *store, const uint8_t *bytes,
    size_t len, const struct jp_position *to);

/*
 * Puts the store at a position without changing a record: into a cluster, at
 * the end of its filling, or (all zero, or NULL) out of it. JP_ERR_CONFLICT if
 * it is not at `from` (NULL: in no cluster).
 */
enum jp_err jp_store_place(struct jp_store *store,
    const struct jp_position *from, const struct jp_position *to);

/*
 * Copies the next records of the store, as they are encoded, into a started
 * empty batch of about `max` bytes (one record at least), and moves `walk` on.
 * Others may write meanwhile: then records are of different moments, all of
 * them between the first call and the last, and whoever fills a store from the
 * parts has the state of the last moment as soon as the batches since the first
 * one are applied on top.
 */
enum jp_err jp_store_walk(struct jp_store *store, struct jp_walk *walk,
    struct jp_batch *part, size_t max);

/*
 * The other direction, into a store that is being filled: from where `walk`
 * stands up to the part's last record (`last`: up to the end) it has the
 * records of the part from now on and no others. Not one transaction: the store
 * says that it is being filled until jp_store_place(). JP_ERR_CONFLICT if it
 * does not say so, JP_ERR_INVALID if the part begins before that place.
 */
enum jp_err jp_store_fill(struct jp_store *store, struct jp_walk *walk,
    const uint8_t *part, size_t len, bool last);

/*
 * Whether a commit could be written now (`urgent`: as one of JP_CHANGE_END is):
 * JP_ERR_OK or JP_ERR_DISK_FULL. A replica asks before others are told.
 */
enum jp_err jp_store_room(struct jp_store *store, bool urgent);

/*
 * Before what a change depends on is read, by a thread that keeps other writers
 * away until it has committed. A store that is no replica does nothing. With a
 * replica a commit that others were faster than fails with JP_ERR_CONFLICT, and
 * all of it is done again, from this call on. See common/decide/write.h.
 */
void jp_store_begin(struct jp_store *store, enum jp_begin how);

/*
 * The same for who may not wait longer than until `by_ms` of jp_now_ms() for
 * the commit: of the other hosts' log, that is; the disk takes what it takes.
 */
void
jp_store_begin_by(struct jp_store *store, enum jp_begin how, int64_t by_ms);

/*
 * How long a writer may wait in all, in milliseconds: a lease. INT64_MAX of
 * what is no replica.
 */
int64_t jp_store_patience(struct jp_store *store);

/*
 * After such a commit, or where there was nothing to change any more, when
 * others may write again, and before anybody hears that it is done: waits until
 * every host has applied what this one had applied when it was called (all
 * loud commits of this process at least), or may not accept anything any more.
 * JP_ERR_OK;
 * `why` (may be NULL) is a line for people, if there was somebody to wait for,
 * or empty. Any other error: the change is made, but some host may not know of
 * it for up to a lease, as `why` says.
 */
enum jp_err jp_store_settle(struct jp_store *store, struct jp_why *why);

/* The same until `by_ms` of jp_now_ms() at most: then JP_ERR_TIMEOUT. */
enum jp_err
jp_store_settle_by(struct jp_store *store, int64_t by_ms, struct jp_why *why);

/* What the engine said of the last failure, for people. */
void jp_store_why(struct jp_store *store, struct jp_why *why);

/* Checkpoints and frees the store; NULL is fine. */
void jp_store_close(struct jp_store *store);

#endif
