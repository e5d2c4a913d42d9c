/*
 * The store in memory, for tests: behaves as the one in Berkeley DB does, and
 * fails on demand.
 */
#ifndef JP_STORE_MEM_H
#define JP_STORE_MEM_H

#include "common/store/store.h"

/* JP_ERR_NOMEM or success; the caller closes it with jp_store_close(). */
enum jp_err jp_store_mem_open(struct jp_store **store);

/*
 * Lets the `nth` call from now (1: the next) fail with `err`, changing
 * nothing; every later one too if `lasting`. `nth` 0 ends it.
 */
void jp_store_mem_fail(
    struct jp_store *store, unsigned int nth, enum jp_err err, bool lasting);

/* The same, and `times` calls in a row. */
void jp_store_mem_fail_times(struct jp_store *store, unsigned int nth,
    enum jp_err err, unsigned int times);

/* How many calls were made since the store was opened. */
unsigned int jp_store_mem_calls(const struct jp_store *store);

/* How many of them were checkpoints. */
unsigned int jp_store_mem_checkpoints(const struct jp_store *store);

/*
 * What a store that is a replica has around it, and does not have yet: commits
 * of others that are faster, and hosts to be waited for.
 */
struct jp_store_mem_peers {
	unsigned int conflicts; /* so many commits from now on are too late */
	/* What another host does each time; it may commit. NULL: nothing. */
	void (*rival)(struct jp_store *store, void *arg);
	/* Before anybody is waited for. NULL: nothing. */
	void (*settling)(struct jp_store *store, void *arg);
	void *arg;
	const char *waited;    /* the line about those that were waited for */
	enum jp_err unsettled; /* what becomes of it */
	int64_t patience_ms;   /* of writers; 0: they wait for ever */
	unsigned int loud, quiet, settled; /* calls that were made */
};
struct jp_store_mem_peers *jp_store_mem_peers(struct jp_store *store);

#endif
