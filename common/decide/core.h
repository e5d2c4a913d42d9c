/*
 * What a process that owns the store holds: store, pepper, policy, clock,
 * memos. patd has one for its life; `patd --one-shot` and pat-admin without a
 * patd have one for a moment.
 */
#ifndef JP_CORE_H
#define JP_CORE_H

#include <pthread.h>
#include <stdatomic.h>

#include "common/base/clock.h"
#include "common/decide/cluster_view.h"
#include "common/decide/gate.h"
#include "common/decide/groups.h"
#include "common/decide/memo.h"
#include "common/decide/stats.h"
#include "common/decide/throttle.h"
#include "common/decide/writers.h"
#include "common/decide/upstream.h"
#include "common/record/pepper.h"
#include "common/record/policy.h"
#include "common/store/store.h"
#include "common/decide/clock_watch.h"
#include "common/decide/workers.h"

struct jp_audit;
struct jp_usage;

struct jp_core {
	struct jp_store *store;
	struct jp_pepper pepper;
	struct jp_clock clock;
	pthread_rwlock_t policy_lock;
	struct jp_policy policy;
	struct jp_memo *memo;      /* owned; NULL: every question hashes */
	struct jp_memo *wrong;     /* owned; pairs that do not match, or NULL */
	struct jp_usage *usage;    /* owned; NULL: uses are not gathered */
	struct jp_audit *audit;    /* owned; NULL: there is no audit trail */
	struct jp_writers writers; /* a read followed by its commit */
	atomic_ullong argon2_runs; /* of verifications, since the start */
	struct jp_gate gate;       /* of all hashes: their memory */
	struct jp_workers *workers; /* not owned; NULL: there are none */
	struct jp_groups groups;    /* of the name service */
	pthread_mutex_t claims_lock;
	struct jp_throttle claims; /* wrong codes of links, by their ids */
	struct jp_upstream_keys upstream;
	struct jp_cluster_view *cluster; /* not owned; NULL: a single host */
	struct jp_cluster_view offline;  /* until a patd has its own */
	struct jp_stats stats;
	struct jp_clock_watch clock_watch;
	atomic_bool
	    clock_is_far; /* common/decide/clock_guard.h; it is logged */
	atomic_bool uses_unwritten; /* likewise, common/decide/provide.c */
};

/*
 * Sets `core` up around a store, which it then owns, without a memo.
 * JP_ERR_NOMEM on failure; the store is then closed.
 */
enum jp_err jp_core_init(struct jp_core *core, struct jp_store *store,
    const struct jp_pepper *pepper, const struct jp_policy *policy,
    const struct jp_clock *clock);

/* Takes another policy, at once and for every later decision. */
void jp_core_set_policy(struct jp_core *core, const struct jp_policy *policy);

#endif
