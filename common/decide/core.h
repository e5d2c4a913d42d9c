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
#include "common/decide/gate.h"
#include "common/decide/groups.h"
#include "common/decide/memo.h"
#include "common/record/pepper.h"
#include "common/config/settings.h"
#include "common/decide/stats.h"
#include "common/store/store.h"

struct jp_audit;
struct jp_usage;

struct jp_core {
	struct jp_store *store;
	struct jp_pepper pepper;
	struct jp_clock clock;
	pthread_rwlock_t policy_lock;
	struct jp_policy policy;
	struct jp_memo *memo;   /* owned; NULL: every question hashes */
	struct jp_memo *wrong;  /* owned; pairs that do not match, or NULL */
	struct jp_usage *usage; /* owned; NULL: uses are not gathered */
	struct jp_audit *audit; /* owned; NULL: there is no audit trail */
	pthread_mutex_t write_lock; /* a read followed by its commit */
	atomic_ullong argon2_runs;  /* of verifications, since the start */
	struct jp_gate gate;        /* of all hashes: their memory */
	struct jp_groups groups;    /* of the name service */
	struct jp_stats stats;
	atomic_bool
	    clock_is_far; /* common/decide/clock_guard.h; it is logged */
};

/*
 * Sets `core` up around a store, which it then owns, without a memo.
 * JP_ERR_NOMEM on failure; the store is then closed.
 */
enum jp_err jp_core_init(struct jp_core *core, struct jp_store *store,
    const struct jp_pepper *pepper, const struct jp_policy *policy,
    const struct jp_clock *clock);

/*
 * Opens everything that `settings` name, as the user that they name: the
 * process becomes that user for good if it is root. `holder` and `wait_ms` as
 * in struct jp_store_options.
 */
enum jp_err
jp_core_open(struct jp_core *core, const struct jp_settings *settings,
    const char *holder, int64_t wait_ms, struct jp_why *why);

/* Who opens a store, and when it is his turn; see struct jp_store_options. */
struct jp_turn {
	const char *holder;
	int64_t wait_ms;
	bool first;
};

/* The same, also in front of all others that wait. */
enum jp_err
jp_core_open_in_turn(struct jp_core *core, const struct jp_settings *settings,
    const struct jp_turn *turn, struct jp_why *why);

/* Writes the gathered uses, if any, and frees all. */
void jp_core_close(struct jp_core *core);

/* Takes another policy, at once and for every later decision. */
void jp_core_set_policy(struct jp_core *core, const struct jp_policy *policy);

/*
 * Becomes `user` for good, with its groups, if this process is root and `user`
 * is another: JP_ERR_CONFIG if there is no such user.
 */
enum jp_err jp_become(const char *user, struct jp_why *why);

/*
 * The name of `uid` as records keep it of who made or revoked a token: the
 * local account's, or "uid:N". May ask a name service.
 */
void jp_actor_name(uid_t uid, char name[JP_ACTOR_MAX + 1]);

/*
 * Opens what is closed of the three standard descriptors, so that none of them
 * becomes a file of the store; writes to those still fail. It is the first
 * thing that a program does.
 */
void jp_hold_descriptors(void);

/*
 * Prepares a process that handles secrets: no core files, no ptrace, no new
 * privileges, files of mode 0600 at most, libsodium ready.
 */
void jp_harden_process(void);

#endif
