#include "common/decide/core.h"

#include <sodium.h>
#include <string.h>

/* Who changes the policy goes first: readers come without end. */
static bool
make_policy_lock(pthread_rwlock_t *lock)
{
	pthread_rwlockattr_t attr;
	bool made;

	if (pthread_rwlockattr_init(&attr) != 0)
		return false;
	(void)pthread_rwlockattr_setkind_np(
	    &attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	made = pthread_rwlock_init(lock, &attr) == 0;
	(void)pthread_rwlockattr_destroy(&attr);
	return made;
}

enum jp_err
jp_core_init(struct jp_core *core, struct jp_store *store,
    const struct jp_pepper *pepper, const struct jp_policy *policy,
    const struct jp_clock *clock)
{
	struct jp_position position;

	memset(core, 0, sizeof(*core));
	if (sodium_init() < 0 || !make_policy_lock(&core->policy_lock)) {
		jp_store_close(store);
		return JP_ERR_NOMEM;
	}
	core->store = store;
	if (jp_store_position(store, &position) != JP_ERR_OK ||
	    jp_position_is_set(&position)) {
		jp_cluster_view_offline(&core->offline, store);
		core->cluster = &core->offline;
	}
	core->pepper = *pepper;
	core->policy = *policy;
	core->clock = *clock;
	jp_clock_watch_init(&core->clock_watch);
	jp_groups_init(&core->groups, &jp_steady_clock);
	(void)pthread_mutex_init(&core->claims_lock, NULL);
	jp_throttle_init(
	    &core->claims, JP_THROTTLE_BURST, JP_THROTTLE_REFILL_MS);
	jp_gate_init(&core->gate);
	jp_writers_init(&core->writers);
	jp_upstream_keys_init(&core->upstream);
	return JP_ERR_OK;
}

void
jp_core_set_policy(struct jp_core *core, const struct jp_policy *policy)
{
	pthread_rwlock_wrlock(&core->policy_lock);
	core->policy = *policy;
	pthread_rwlock_unlock(&core->policy_lock);
}
