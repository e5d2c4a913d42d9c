/*
 * patd: the process that owns the store and answers on its sockets. Here are
 * the command line and the order of the start; the work is done elsewhere.
 */
#include "config.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <syslog.h>
#include <unistd.h>

#include "common/decide/open.h"
#include "common/sys/account.h"
#include "common/audit/audit.h"
#include "common/config/budget.h"
#include "common/config/confine.h"
#include "common/decide/core.h"
#include "common/sys/json_text.h"
#include "common/sys/log.h"
#include "common/sys/daemon.h"
#include "common/decide/usage.h"
#include "common/sys/process.h"
#include "patd/arena.h"
#include "patd/cluster.h"
#include "patd/maintenance.h"
#include "patd/listeners.h"
#include "patd/server.h"
#include "patd/one_shot.h"
#include "common/config/acl.h"

enum {
	RESERVE = 128,   /* descriptors: the store, its logs, admin.sock, us */
	LOCK_MS = 10000, /* a pat-admin may have the store for a moment */
};

/*
 * What holds tokens and keys is locked as far as the limit goes: as much as the
 * service file of patd has, if we may.
 */
static void
raise_locked(void)
{
	const rlim_t wanted = 16 << 20;
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0)
		return;
	if (limit.rlim_max < wanted &&
	    setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){ wanted, wanted }) == 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_MEMLOCK, &limit);
}

/* A trail that cannot be written is reported now, not at its first line. */
static enum jp_err
start_audit(const struct jp_settings *settings, struct jp_core *core,
    struct jp_why *why)
{
	enum jp_err err = jp_audit_ready(core->audit, why);

	if (err != JP_ERR_OK && settings->audit_required) {
		struct jp_why cause = *why;

		return jp_why(why, err, "audit_required: %s", cause.text);
	}
	if (err != JP_ERR_OK)
		jp_log(LOG_WARNING, "audit: %s", why->text);
	err = jp_audit_start(core->audit);
	return err == JP_ERR_OK ? err
	                        : jp_why(why, err, "%s", jp_err_text(err));
}

/*
 * A start goes on with what was proved before it, where that is safe. Without,
 * it only costs time.
 */
static void
keep_memo(const struct jp_settings *settings, struct jp_core *core)
{
	struct jp_memo_ties ties;
	struct jp_why why = { .text = "" };
	uint64_t kept = 0;
	enum jp_err err;

	if (!settings->cache_file || core->memo == NULL) {
		jp_memo_file_remove(settings->run_dir);
		return;
	}
	err = jp_memo_ties_make(&ties, settings->store_dir, &core->pepper);
	if (err == JP_ERR_OK)
		err = jp_memo_keep(
		    core->memo, settings->run_dir, &ties, &kept, &why);
	atomic_store(&core->stats.kept, kept);
	if (err == JP_ERR_OK)
		jp_log(LOG_INFO, "memo: %" PRIu64 " tokens are known already",
		    kept);
	else
		jp_log(err == JP_ERR_REFUSED ? LOG_INFO : LOG_WARNING,
		    "memo: %s",
		    why.text[0] != '\0' ? why.text : jp_err_text(err));
}

/* What runs while the store is open. */
static enum jp_err
serve_open(const struct jp_options *options, const struct jp_settings *settings,
    struct jp_acl *acl, struct listeners *listeners, struct jp_core *core,
    struct cluster *cluster, struct jp_sandbox *sandbox, bool *drained,
    struct jp_why *why)
{
	struct server_options server = { .core = core,
		.acl = acl,
		.cluster = cluster,
		.sandbox = sandbox,
		.listeners = listeners,
		.settings = settings,
		.config = options->config };
	enum jp_err err;

	jp_acl_self(acl);
	*drained = true;
	err = listeners_bind(listeners, settings,
	    acl->has_admin_group ? &acl->admin_group : NULL, why);
	if (err != JP_ERR_OK)
		return err;
	keep_memo(settings, core);
	err = start_audit(settings, core, why);
	if (err != JP_ERR_OK)
		return err;
	core->usage = jp_usage_make();
	err = core->usage != NULL ? maintenance_start(&server.maintenance, core,
	                                MAINTENANCE_PERIOD_MS)
	                          : JP_ERR_NOMEM;
	if (err != JP_ERR_OK)
		return jp_why(why, err, "cannot start: %s", jp_err_text(err));
	err = server_run(&server, drained, why);
	if (*drained)
		maintenance_stop(server.maintenance);
	return err;
}

/* What the settings name on this machine; --check-config looks for it, too. */
static enum jp_err
find_accounts(const struct jp_settings *settings, struct jp_acl *acl,
    struct jp_account *account, struct jp_why *why)
{
	enum jp_err err = jp_acl_make(
	    acl, "patd", &settings->allow_users, &settings->allow_groups, why);

	if (err == JP_ERR_OK)
		err = jp_acl_administer(acl, settings->admin_group, why);
	jp_acl_add_httpd(acl, settings->httpd.user);
	memset(account, 0, sizeof(*account));
	account->uid = geteuid();
	account->gid = getegid();
	return err == JP_ERR_OK && account->uid == 0
	           ? jp_account_of_patd(settings->user, account, why)
	           : err;
}

/* As many workers as fit: a process that takes too much memory is killed. */
static void
fit_workers(struct jp_settings *settings, const struct jp_machine *machine,
    struct jp_core *core)
{
	struct jp_budget budget;
	struct jp_why line;
	bool less;

	jp_budget_make(&budget, settings, machine);
	jp_budget_say(&budget, &line);
	less = !budget.fits || budget.workers < budget.wanted;
	jp_log(less ? LOG_WARNING : LOG_INFO, "memory: %s", line.text);
	settings->workers = budget.workers;
	jp_gate_limit(&core->gate, budget.hashes);
	(void)arena_start(budget.hashes, &core->stats.hash_memory);
	/* An arena of malloc(3) reserves 64 MiB, which only these count. */
	if (strncmp(machine->source, "RLIMIT", strlen("RLIMIT")) == 0)
		(void)mallopt(M_ARENA_MAX, 1);
}

/*
 * The store comes before the sockets: a second patd on the same store fails at
 * its lock and leaves the sockets of the first one alone. The directory comes
 * before the store, for it takes root to make it.
 */
static enum jp_daemon_status
serve(const struct jp_options *options, struct jp_settings *settings)
{
	struct listeners listeners;
	struct jp_acl acl;
	const struct jp_turn turn = { "patd", LOCK_MS, true };
	struct jp_account account;
	struct jp_machine machine;
	struct jp_sandbox sandbox = { .landlock = 0 };
	struct jp_core core;
	struct cluster *cluster = NULL;
	uid_t link_uid;
	struct jp_why why = { .text = "" };
	const char *what = "cluster";
	bool drained = true;
	enum jp_err err;

	jp_daemon_block_signals();
	settings->max_connections =
	    jp_raise_descriptors(settings->max_connections, RESERVE);
	raise_locked();
	listeners_init(&listeners);
	if (find_accounts(settings, &acl, &account, &why) != JP_ERR_OK ||
	    cluster_find_user(settings, account.uid, &link_uid, &why) !=
	        JP_ERR_OK)
		return jp_daemon_fail(options, "settings", &why);
	if (listeners_inherit(&listeners, settings, &why) != JP_ERR_OK ||
	    listeners_dirs(&listeners, settings, &why) != JP_ERR_OK)
		return jp_daemon_fail(options, "sockets", &why);
	jp_machine_look(&machine, "", getpid());
	if (jp_confine_daemon(&sandbox, JP_PROCESS_PATD, settings, &account,
	        &why) != JP_ERR_OK)
		return jp_daemon_fail(options, "start", &why);
	if (jp_core_open_in_turn(&core, settings, &turn, &why) != JP_ERR_OK)
		return jp_daemon_fail(options, "store", &why);
	fit_workers(settings, &machine, &core);
	err = cluster_agree(settings, core.store, &why);
	if (err == JP_ERR_OK)
		err = cluster_start(&cluster, &core, settings, link_uid, &why);
	if (err == JP_ERR_OK) {
		what = "sockets";
		err = serve_open(options, settings, &acl, &listeners, &core,
		    cluster, &sandbox, &drained, &why);
	}
	listeners_close(&listeners);
	if (drained) {
		cluster_stop(cluster, &core);
		arena_stop();
		jp_core_close(&core);
		cluster_free(cluster);
	}
	if (err != JP_ERR_OK)
		return jp_daemon_fail(options, what, &why);
	return JP_DAEMON_DONE;
}

/* Only a service manager that passes the sockets can do without it. */
static enum jp_err
check_admin_group(const struct jp_settings *settings, const struct jp_acl *acl,
    const struct jp_account *account, struct jp_why *why)
{
	if (!acl->has_admin_group || geteuid() != 0 ||
	    jp_account_in_group(account, acl->admin_group))
		return JP_ERR_OK;
	return jp_why(why, JP_ERR_CONFIG,
	    "[patd] admin_group: user %s is not a member of group %s and "
	    "cannot "
	    "give it admin.sock: usermod -aG %s %s",
	    settings->user, settings->admin_group, settings->admin_group,
	    settings->user);
}

/* Without it the page can ask for nothing; patd itself does without. */
static enum jp_err
check_httpd(const struct jp_settings *settings, const struct jp_acl *acl,
    struct jp_why *why)
{
	if (!settings->self.configured || acl->has_httpd)
		return JP_ERR_OK;
	return jp_why(why, JP_ERR_CONFIG,
	    "[pat-httpd] user: there is no user \"%s\", and [self_service] "
	    "needs it",
	    settings->httpd.user);
}

static enum jp_daemon_status
check_config(
    const struct jp_options *options, const struct jp_settings *settings)
{
	struct jp_machine machine;
	struct jp_budget budget;
	struct jp_account account;
	uid_t uid;
	struct jp_why why = { .text = "" };
	struct jp_acl acl;
	enum jp_err err = find_accounts(settings, &acl, &account, &why);

	if (err == JP_ERR_OK)
		err = check_admin_group(settings, &acl, &account, &why);
	if (err == JP_ERR_OK)
		err = check_httpd(settings, &acl, &why);
	if (err == JP_ERR_OK)
		err = cluster_find_user(settings, account.uid, &uid, &why);
	if (err != JP_ERR_OK)
		return jp_daemon_fail(options, "settings", &why);
	printf("patd: %s: good\n",
	    settings->file[0] != '\0' ? settings->file : "the defaults");
	jp_machine_look(&machine, "", getpid());
	jp_budget_make(&budget, settings, &machine);
	jp_budget_say(&budget, &why);
	printf("patd: memory: %s\n", why.text);
	return JP_DAEMON_DONE;
}

static enum jp_daemon_status
run(const struct jp_options *options)
{
	struct jp_settings settings;
	struct jp_why why = { .text = "" };
	bool once = options->given[JP_OPTION_ONE_SHOT];

	if (once) /* what the host left open is none of our business */
		(void)close_range(STDERR_FILENO + 1, ~0U, 0);
	jp_daemon_begin(options);
	jp_json_watch();
	if (jp_settings_load(options->config, &settings, &why) != JP_ERR_OK)
		return jp_daemon_fail(options, "settings", &why);
	if (options->given[JP_OPTION_CHECK_CONFIG])
		return check_config(options, &settings);
	if (!once)
		return serve(options, &settings);
	if (one_shot(&settings, &why) != JP_ERR_OK)
		return jp_daemon_fail(options, "one-shot", &why);
	return JP_DAEMON_DONE;
}

int
main(int argc, char **argv)
{
	return jp_daemon_main(JP_PROCESS_PATD, argc, argv, run);
}
