#include "common/rotation.h"

#include <sodium.h>
#include <string.h>

bool
jp_rotation_ended(const struct jp_record *record, int64_t now)
{
	return record->superseded_at != JP_NEVER && record->grace_until <= now;
}

/* The two records of a rotation; neither leaves this file. */
struct pair {
	struct jp_record successor, old;
};

/* The old one may be gone, or at its end already: then there is one change. */
static enum jp_err
settle(struct jp_core *core, const char *id, struct pair *pair)
{
	struct jp_change changes[2] = {
		{ JP_CHANGE_REPLACE, &pair->successor },
		{ JP_CHANGE_REPLACE, &pair->old },
	};
	int64_t now = jp_clock_now(&core->clock);
	enum jp_err err = jp_store_get(core->store, id, &pair->successor);
	bool ends = false;

	if (err != JP_ERR_OK || pair->successor.ends[0] == '\0')
		return err;
	err = jp_store_get(core->store, pair->successor.ends, &pair->old);
	if (err == JP_ERR_OK)
		ends = pair->old.superseded_at != JP_NEVER &&
		       !pair->old.keep_until_grace &&
		       !jp_rotation_ended(&pair->old, now);
	else if (err != JP_ERR_NOT_FOUND)
		return err;
	memset(pair->successor.ends, 0, sizeof(pair->successor.ends));
	if (ends)
		pair->old.grace_until = now;
	return jp_store_commit(core->store, changes, ends ? 2 : 1);
}

enum jp_err
jp_rotation_settle(struct jp_core *core, const char *id)
{
	struct pair pair;
	enum jp_err err;

	pthread_mutex_lock(&core->write_lock);
	err = settle(core, id, &pair);
	pthread_mutex_unlock(&core->write_lock);
	sodium_memzero(&pair, sizeof(pair));
	/* A token that has just gone is for the next decision. */
	return err == JP_ERR_NOT_FOUND ? JP_ERR_OK : err;
}
