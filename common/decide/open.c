#include "common/decide/open.h"

#include <sodium.h>
#include <syslog.h>

#include "common/audit/audit.h"
#include "common/decide/clock_guard.h"
#include "common/decide/usage.h"
#include "common/store/bdb.h"
#include "common/sys/log.h"
#include "common/sys/process.h"

/* Each of them with its user's record, and perhaps one more. */
static size_t
kept_of(const struct jp_settings *settings)
{
	const bool upstream = jp_policy_shows_upstream(&settings->policy);

	return (upstream ? 3 : 2) * (size_t)settings->cache_entries;
}

static enum jp_err
open_store(const struct jp_settings *settings, const struct jp_pepper *pepper,
    const struct jp_turn *turn, struct jp_store **store, struct jp_why *why)
{
	struct jp_store_options options = {
		.dir = settings->store_dir,
		.holder = turn->holder,
		.wait_ms = turn->wait_ms,
		.first = turn->first,
		.cache = (size_t)settings->cache_kib * 1024,
		.kept = kept_of(settings),
	};

	enum jp_err err;

	jp_pepper_name(pepper, options.tag);
	err = jp_store_bdb_open(&options, store, why);
	return jp_store_is_of_another(err, why)
	           ? jp_pepper_explain(settings->pepper_file, err, why)
	           : err;
}

static enum jp_err
init_all(struct jp_core *core, struct jp_store *store,
    const struct jp_pepper *pepper, const struct jp_settings *settings)
{
	enum jp_err err = jp_core_init(
	    core, store, pepper, &settings->policy, &jp_system_clock);

	if (err != JP_ERR_OK)
		return err;
	err = jp_memo_make(
	    &core->memo, settings->cache_entries, &jp_steady_clock);
	if (err == JP_ERR_OK && settings->cache_entries > 0)
		err = jp_memo_make(
		    &core->wrong, JP_MEMO_WRONG_ENTRIES, &jp_steady_clock);
	if (err == JP_ERR_OK)
		err = jp_audit_make(
		    &core->audit, settings, pepper, &jp_system_clock);
	if (err != JP_ERR_OK)
		jp_core_close(core);
	return err;
}

/*
 * Most stores have none. Where there should be one the lack shows when it is
 * needed, and keeps no token from being verified.
 */
static void
load_upstream_key(struct jp_core *core, const struct jp_settings *settings)
{
	struct jp_why why = { .text = "" };
	enum jp_err err;

	(void)sodium_mlock(&core->upstream, sizeof(core->upstream));
	err = jp_upstream_keys_load(
	    &core->upstream, settings->upstream_key_file, &why);
	if (err != JP_ERR_OK && err != JP_ERR_MISSING)
		jp_log(LOG_WARNING, "upstream: %s", why.text);
}

enum jp_err
jp_core_open(struct jp_core *core, const struct jp_settings *settings,
    const char *holder, int64_t wait_ms, struct jp_why *why)
{
	const struct jp_turn turn = { .holder = holder, .wait_ms = wait_ms };

	return jp_core_open_in_turn(core, settings, &turn, why);
}

enum jp_err
jp_core_open_in_turn(struct jp_core *core, const struct jp_settings *settings,
    const struct jp_turn *turn, struct jp_why *why)
{
	struct jp_store *store = NULL;
	struct jp_pepper pepper;
	enum jp_err err = jp_become(settings->user, why);

	if (err == JP_ERR_OK)
		err = jp_pepper_load(settings->pepper_file, &pepper, why);
	if (err == JP_ERR_MISSING) {
		(void)jp_why(why, err,
		    "there is no pepper file %s: run \"pat-admin init\", or "
		    "put "
		    "the file back from a backup",
		    settings->pepper_file);
		return jp_pepper_explain(settings->pepper_file, err, why);
	}
	if (err != JP_ERR_OK)
		return err;
	err = open_store(settings, &pepper, turn, &store, why);
	if (err == JP_ERR_OK) {
		err = init_all(core, store, &pepper, settings);
		if (err != JP_ERR_OK)
			(void)jp_why(why, err, "%s", jp_err_text(err));
	}
	if (err == JP_ERR_OK)
		jp_clock_guard_note(core);
	/* Best effort: the limit on locked memory may be small. */
	if (err == JP_ERR_OK) {
		(void)sodium_mlock(&core->pepper, sizeof(core->pepper));
		load_upstream_key(core, settings);
	}
	jp_pepper_clear(&pepper);
	return err;
}

void
jp_core_close(struct jp_core *core)
{
	if (core->usage != NULL)
		(void)jp_usage_flush(core->usage, core);
	jp_usage_free(core->usage);
	core->usage = NULL;
	jp_audit_close(core->audit);
	core->audit = NULL;
	jp_store_close(core->store);
	core->store = NULL;
	jp_memo_free(core->memo);
	core->memo = NULL;
	jp_memo_free(core->wrong);
	core->wrong = NULL;
	(void)sodium_munlock(&core->pepper, sizeof(core->pepper));
	jp_pepper_clear(&core->pepper);
	(void)sodium_munlock(&core->upstream, sizeof(core->upstream));
	jp_upstream_keys_free(&core->upstream);
	jp_groups_free(&core->groups);
	(void)pthread_mutex_destroy(&core->claims_lock);
	(void)pthread_mutex_destroy(&core->clock_watch.mutex);
	jp_gate_free(&core->gate);
	jp_writers_free(&core->writers);
	pthread_rwlock_destroy(&core->policy_lock);
}
