/*
 * A read of the store and the commit that depends on it, as one step: under the
 * write lock, and again where another host of the cluster was faster.
 */
#ifndef JP_WRITE_H
#define JP_WRITE_H

#include "common/decide/core.h"

/* Of a step that another host was faster than. */
#define JP_WRITE_ROUNDS 20

/*
 * Runs `act` under the write lock, after jp_store_begin(). Where it returns
 * JP_ERR_CONFLICT, that is done again after a short pause, and at most
 * JP_WRITE_ROUNDS times: so it reads all that it needs anew, and commits at
 * most once, as the last thing it does. Its error; JP_ERR_LOCKED, with a line
 * in `why` (may be NULL), if others keep changing the store.
 *
 * Nobody waits in here for other hosts: see jp_write_settle().
 */
enum jp_err
jp_write(struct jp_core *core, enum jp_begin how, struct jp_why *why,
    enum jp_err (*act)(struct jp_core *core, void *arg), void *arg);

/*
 * The same until `by_ms` of jp_now_ms() at most. In a cluster all of it, other
 * writers and rounds included, takes a lease at most in any case:
 * JP_ERR_UNREACHABLE, nothing was changed; JP_ERR_TIMEOUT, it may have been.
 */
enum jp_err jp_write_by(struct jp_core *core, enum jp_begin how, int64_t by_ms,
    struct jp_why *why, enum jp_err (*act)(struct jp_core *core, void *arg),
    void *arg);

/*
 * Waits until what was written holds on every host, without the write lock: to
 * be called after a loud jp_write() that went well, before anybody is told.
 * jp_store_settle(), whose errors are logged; `why` may be NULL.
 */
enum jp_err jp_write_settle(struct jp_core *core, struct jp_why *why);

/* The same until `by_ms` of jp_now_ms() at most: then JP_ERR_TIMEOUT. */
enum jp_err
jp_write_settle_by(struct jp_core *core, int64_t by_ms, struct jp_why *why);

#endif
