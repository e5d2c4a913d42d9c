#include "common/decide/core.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/sys/account.h"
#include "common/audit/audit.h"
#include "common/decide/clock_guard.h"
#include "common/store/bdb.h"
#include "common/decide/usage.h"

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
	memset(core, 0, sizeof(*core));
	if (sodium_init() < 0 || !make_policy_lock(&core->policy_lock)) {
		jp_store_close(store);
		return JP_ERR_NOMEM;
	}
	if (pthread_mutex_init(&core->write_lock, NULL) != 0) {
		pthread_rwlock_destroy(&core->policy_lock);
		jp_store_close(store);
		return JP_ERR_NOMEM;
	}
	core->store = store;
	core->pepper = *pepper;
	core->policy = *policy;
	core->clock = *clock;
	jp_groups_init(&core->groups, &jp_steady_clock);
	jp_gate_init(&core->gate);
	return JP_ERR_OK;
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
		.kept = 2 * (size_t)settings->cache_entries, /* and users */
	};

	jp_pepper_name(pepper, options.tag);
	return jp_store_bdb_open(&options, store, why);
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
	if (err == JP_ERR_MISSING)
		return jp_why(why, err,
		    "there is no pepper file %s: run \"pat-admin init\", or "
		    "put "
		    "the file back from a backup",
		    settings->pepper_file);
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
	if (err == JP_ERR_OK)
		(void)sodium_mlock(&core->pepper, sizeof(core->pepper));
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
	jp_groups_free(&core->groups);
	jp_gate_free(&core->gate);
	pthread_mutex_destroy(&core->write_lock);
	pthread_rwlock_destroy(&core->policy_lock);
}

void
jp_core_set_policy(struct jp_core *core, const struct jp_policy *policy)
{
	pthread_rwlock_wrlock(&core->policy_lock);
	core->policy = *policy;
	pthread_rwlock_unlock(&core->policy_lock);
}

enum jp_err
jp_become(const char *user, struct jp_why *why)
{
	struct jp_account account;
	enum jp_err err;

	if (geteuid() != 0)
		return JP_ERR_OK;
	err = jp_account_of_patd(user, &account, why);
	if (err != JP_ERR_OK || account.uid == 0)
		return err;
	if (jp_account_become(&account) != JP_ERR_OK)
		return jp_why(why, JP_ERR_PERMISSION, "cannot become %s: %s",
		    user, strerror(errno));
	/* A change of user makes core dumps possible again; undo that. */
	jp_harden_process();
	return JP_ERR_OK;
}

void
jp_actor_name(uid_t uid, char name[JP_ACTOR_MAX + 1])
{
	struct passwd pw, *found = NULL;
	char room[4096];

	if (getpwuid_r(uid, &pw, room, sizeof(room), &found) != 0 ||
	    found == NULL ||
	    jp_field_set(name, JP_ACTOR_MAX + 1, pw.pw_name) != JP_ERR_OK)
		(void)snprintf(
		    name, JP_ACTOR_MAX + 1, "uid:%u", (unsigned int)uid);
}

void
jp_hold_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)open("/dev/null", O_RDONLY);
}

void
jp_harden_process(void)
{
	const struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	(void)umask(077);
	if (sodium_init() < 0) /* no source of random bytes: nothing is safe */
		abort();
}
