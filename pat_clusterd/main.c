/*
 * pat-clusterd: the link between patd and PostgreSQL. Here are the command line
 * and the order of the start and the end; the work is done elsewhere.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/config/confine.h"
#include "common/config/conninfo_files.h"
#include "common/config/settings.h"
#include "common/sys/account.h"
#include "common/sys/log.h"
#include "common/sys/notify.h"
#include "common/sys/daemon.h"
#include "pat_clusterd/bridge.h"

/* All that runs. */
struct clusterd {
	const struct jp_options *options;
	struct jp_settings settings;
	struct jp_sandbox sandbox;
	struct conninfo info;
	struct jp_account account;
	uid_t uids[HOST_UIDS_MAX]; /* who may be the host */
	char path[JP_UNIX_PATH_MAX + sizeof("/cluster.sock")];
	struct names names;
	struct bridge bridge;
	int signals;
	bool stop;
	bool unwanted;   /* this host is none of a cluster */
	int watchdog_ms; /* between two signs of life; 0: none */
	int64_t alive_ms;
};

/* ---- the loop ---- */

static void
read_signals(struct clusterd *clusterd)
{
	int number = jp_daemon_next_signal(clusterd->signals);

	if (number == SIGHUP)
		jp_log(
		    LOG_INFO, "settings: changes in [cluster] need a restart");
	else if (number != 0)
		clusterd->stop = true;
}

/* A sign of life comes from the loop that works, or not at all. */
static int
wait_ms(struct clusterd *clusterd, int64_t now_ms)
{
	int64_t due = bridge_due(&clusterd->bridge);

	if (clusterd->watchdog_ms > 0 && now_ms >= clusterd->alive_ms) {
		jp_notify_alive();
		clusterd->alive_ms = now_ms + clusterd->watchdog_ms;
	}
	if (clusterd->watchdog_ms > 0 && clusterd->alive_ms < due)
		due = clusterd->alive_ms;
	if (due == INT64_MAX)
		return -1;
	due -= now_ms;
	return due < 0 ? 0 : due < INT_MAX ? (int)due : INT_MAX;
}

static enum jp_err
work(struct clusterd *clusterd, struct jp_why *why)
{
	struct bridge *bridge = &clusterd->bridge;

	while (!clusterd->stop && !bridge->is_over) {
		struct pollfd fds[] = {
			{ clusterd->signals, POLLIN, 0 },
			{ bridge->host.fd, host_poll(&bridge->host), 0 },
			{ database_fd(&bridge->database),
			    database_poll(&bridge->database), 0 },
		};

		if (poll(fds, 3, wait_ms(clusterd, jp_now_ms())) < 0 &&
		    errno != EINTR)
			return jp_why(why, jp_err_from_errno(errno),
			    "cannot wait for events: %s", strerror(errno));
		if (fds[0].revents != 0)
			read_signals(clusterd);
		bridge_step(
		    bridge, fds[1].revents, fds[2].revents, jp_now_ms());
	}
	return JP_ERR_OK;
}

/* ---- start and end ---- */

/* What is not in the file does not count: it would be another for each shell.
 */
static void
forget_environment(void)
{
	static const char *const names[] = { "PGHOST", "PGHOSTADDR", "PGPORT",
		"PGDATABASE", "PGUSER", "PGPASSWORD", "PGPASSFILE",
		"PGREQUIREAUTH", "PGCHANNELBINDING", "PGSERVICE",
		"PGSERVICEFILE", "PGOPTIONS", "PGAPPNAME", "PGSSLMODE",
		"PGREQUIRESSL", "PGSSLCOMPRESSION", "PGSSLCERT", "PGSSLKEY",
		"PGSSLCERTMODE", "PGSSLROOTCERT", "PGSSLCRL", "PGSSLCRLDIR",
		"PGSSLSNI", "PGREQUIREPEER", "PGSSLMINPROTOCOLVERSION",
		"PGSSLMAXPROTOCOLVERSION", "PGGSSENCMODE", "PGKRBSRVNAME",
		"PGGSSLIB", "PGGSSDELEGATION", "PGCONNECT_TIMEOUT",
		"PGCLIENTENCODING", "PGTARGETSESSIONATTRS",
		"PGLOADBALANCEHOSTS", "PGSYSCONFDIR", "PGLOCALEDIR",
		"PGDATESTYLE", "PGTZ", "PGGEQO", "PGSSLNEGOTIATION", "HOME" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unsetenv(names[i]);
	/* It is looked up in vain no longer than a server is waited for. */
	(void)setenv("RES_OPTIONS", "timeout:2 attempts:2", 0);
}

static enum jp_err
find_settings(struct clusterd *clusterd, struct jp_why *why)
{
	const struct jp_options *options = clusterd->options;
	struct jp_settings *settings = &clusterd->settings;
	enum jp_err err = jp_settings_load(options->config, settings, why);

	if (err != JP_ERR_OK)
		return err;
	clusterd->unwanted = !settings->cluster.configured;
	if (clusterd->unwanted)
		return jp_why(why, JP_ERR_CONFIG,
		    "there is no section [cluster]: pat-clusterd is for hosts "
		    "of a cluster alone: write it, see jira-pat.conf(5), or "
		    "\"systemctl disable pat-clusterd\"");
	(void)snprintf(clusterd->path, sizeof(clusterd->path),
	    "%s/cluster.sock", settings->run_dir);
	err = conninfo_read(&clusterd->info, settings->cluster.conninfo,
	    settings->cluster.insecure, why);
	clusterd->info.user = settings->cluster.user;
	return err;
}

/*
 * Who is at the other end of cluster.sock: patd, or whoever had made the socket
 * for it.
 */
static enum jp_err
find_accounts(struct clusterd *clusterd, struct jp_why *why)
{
	const struct jp_settings *settings = &clusterd->settings;
	struct jp_account patd;
	enum jp_err err = JP_ERR_OK;

	memset(&clusterd->account, 0, sizeof(clusterd->account));
	if (geteuid() == 0)
		err = jp_account_of_daemon(
		    settings->cluster.user, "cluster", &clusterd->account, why);
	clusterd->uids[0] = 0;
	clusterd->uids[1] = geteuid() == 0 ? clusterd->account.uid : geteuid();
	clusterd->uids[2] = clusterd->uids[1];
	if (err == JP_ERR_OK &&
	    jp_account_find(settings->user, &patd) == JP_ERR_OK)
		clusterd->uids[2] = patd.uid;
	return err;
}

static enum jp_err
serve_host(struct clusterd *clusterd, struct jp_why *why)
{
	const struct jp_cluster_settings *cluster = &clusterd->settings.cluster;
	const bool is_setup = clusterd->options->given[JP_OPTION_SETUP];
	const struct bridge_options options = {
		.info = &clusterd->info,
		.names = &clusterd->names,
		.node = cluster->node,
		.path = is_setup ? NULL : clusterd->path,
		.uids = clusterd->uids,
		.uid_len = HOST_UIDS_MAX,
	};
	enum jp_err err;

	bridge_make(&clusterd->bridge, &options);
	if (is_setup)
		bridge_serve(&clusterd->bridge, STDIN_FILENO);
	clusterd->watchdog_ms = jp_notify_watchdog_ms();
	jp_notify_ready();
	jp_log(is_setup ? LOG_DEBUG : LOG_INFO, "ready");
	err = work(clusterd, why);
	jp_notify_stopping();
	jp_log(is_setup ? LOG_DEBUG : LOG_INFO, "stopping");
	bridge_end(&clusterd->bridge);
	return err;
}

static enum jp_daemon_status
serve(struct clusterd *clusterd)
{
	struct jp_why why = { .text = "" };
	enum jp_err err = JP_ERR_OK;

	clusterd->sandbox.quiet = clusterd->options->given[JP_OPTION_SETUP];
	jp_daemon_block_signals();
	clusterd->signals = jp_daemon_signal_fd();
	if (clusterd->signals < 0)
		err = jp_why(&why, jp_err_from_errno(errno), "signals: %s",
		    jp_err_text(jp_err_from_errno(errno)));
	if (err == JP_ERR_OK)
		err = jp_confine_daemon(&clusterd->sandbox, JP_PROCESS_CLUSTERD,
		    &clusterd->settings, &clusterd->account, &why);
	if (err == JP_ERR_OK &&
	    names_start(&clusterd->names, &clusterd->info) != JP_ERR_OK)
		err = jp_why(&why, JP_ERR_NOMEM,
		    "cannot start the threads that look names up");
	if (err == JP_ERR_OK)
		err = jp_confine_calls(&clusterd->sandbox, JP_PROCESS_CLUSTERD,
		    &clusterd->settings, &why);
	if (err != JP_ERR_OK)
		return jp_daemon_fail(clusterd->options, "start", &why);
	return serve_host(clusterd, &why) == JP_ERR_OK
	           ? JP_DAEMON_DONE
	           : jp_daemon_fail(clusterd->options, "stop", &why);
}

/* What the unit hides is no fault where it is started in another way. */
static void
warn_of_hidden(const struct clusterd *clusterd)
{
	struct jp_why why;

	for (size_t i = 0; jp_conninfo_file_key(i) != NULL; i++)
		if (jp_conninfo_file_is_hidden(
		        clusterd->settings.cluster.conninfo, i, &why))
			jp_log(LOG_WARNING, "settings: [cluster] conninfo: %s",
			    why.text);
}

/* As its user, who is this one unless it is root. */
static enum jp_daemon_status
check_config(const struct clusterd *clusterd)
{
	struct jp_account account = clusterd->account;
	struct jp_why why = { .text = "" };

	if (geteuid() != 0)
		account.uid = geteuid();
	if (conninfo_check_files(&clusterd->info, &account, &why) != JP_ERR_OK)
		return jp_daemon_fail(clusterd->options, "settings", &why);
	warn_of_hidden(clusterd);
	printf("pat-clusterd: %s: good\n", clusterd->settings.file);
	return JP_DAEMON_DONE;
}

static enum jp_daemon_status
run(const struct jp_options *options)
{
	static struct clusterd clusterd;
	struct jp_why why = { .text = "" };
	enum jp_daemon_status status = JP_DAEMON_DONE;

	clusterd.options = options;
	jp_daemon_begin(options);
	forget_environment();
	if (find_settings(&clusterd, &why) != JP_ERR_OK ||
	    find_accounts(&clusterd, &why) != JP_ERR_OK)
		status = jp_daemon_fail(options, "settings", &why);
	else if (options->given[JP_OPTION_CHECK_CONFIG])
		status = check_config(&clusterd);
	else
		status = serve(&clusterd);
	conninfo_free(&clusterd.info);
	return clusterd.unwanted ? JP_DAEMON_UNWANTED : status;
}

int
main(int argc, char **argv)
{
	return jp_daemon_main(JP_PROCESS_CLUSTERD, argc, argv, run);
}
