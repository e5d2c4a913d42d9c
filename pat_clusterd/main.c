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
#include <sys/signalfd.h>
#include <syslog.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/config/confine.h"
#include "common/config/settings.h"
#include "common/sys/account.h"
#include "common/sys/log.h"
#include "common/sys/notify.h"
#include "common/sys/options.h"
#include "common/sys/process.h"
#include "pat_clusterd/bridge.h"

enum {
	LOG_DRAIN_MS = 2000, /* for the last lines */
};

enum status {
	STATUS_DONE = 0,
	STATUS_USAGE = 2,
	STATUS_FAILED = 3,
};

/* X(CODE, name, value in the help, help) */
#define OPTION_LIST(X)                                                         \
	X(CONFIG, "config", "FILE", "read this configuration file")            \
	X(FOREGROUND, "foreground", NULL,                                      \
	    "stay in the foreground: it always does")                          \
	X(CHECK_CONFIG, "check-config", NULL,                                  \
	    "check the configuration, and leave")                              \
	X(SETUP, "setup", NULL, "serve pat-admin, which has started it")       \
	X(SYSLOG, "syslog", NULL, "log to syslog, not to standard error")      \
	X(DEBUG, "debug", NULL, "log each step, too")                          \
	X(HELP, "help", NULL, "print this text")                               \
	X(VERSION, "version", NULL, "print the version")

enum option_code {
#define OPTION_ENUM(code, name, value, help) OPTION_##code,
	OPTION_LIST(OPTION_ENUM)
#undef OPTION_ENUM
	    OPTION_COUNT
};

static const struct jp_option options_known[] = {
#define OPTION_ROW(code, name, value, help) { name, value, help },
	OPTION_LIST(OPTION_ROW)
#undef OPTION_ROW
};

/* All that runs. */
struct clusterd {
	const struct jp_options *options;
	struct jp_settings settings;
	struct jp_sandbox sandbox;
	struct conninfo info;
	struct jp_account account;
	uid_t uids[HOST_UIDS_MAX]; /* who may be the host */
	char path[JP_UNIX_PATH_MAX + sizeof("/cluster.sock")];
	struct bridge bridge;
	int signals;
	bool stop;
	int watchdog_ms; /* between two signs of life; 0: none */
	int64_t alive_ms;
};

/* One line, wherever the log goes, and on standard error. */
static enum status
fail(const struct jp_options *options, const char *what,
    const struct jp_why *why)
{
	if (options->given[OPTION_SYSLOG])
		fprintf(stderr, "pat-clusterd: %s: %s\n", what, why->text);
	jp_log(LOG_ERR, "%s: %s", what, why->text);
	return STATUS_FAILED;
}

/* ---- the loop ---- */

static void
set_of_signals(sigset_t *signals)
{
	(void)sigemptyset(signals);
	(void)sigaddset(signals, SIGTERM);
	(void)sigaddset(signals, SIGINT);
	(void)sigaddset(signals, SIGHUP);
}

/* Before there is another thread. */
static enum jp_err
take_signals(struct clusterd *clusterd)
{
	sigset_t signals;

	set_of_signals(&signals);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	clusterd->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	return clusterd->signals >= 0 ? JP_ERR_OK : jp_err_from_errno(errno);
}

static void
read_signals(struct clusterd *clusterd)
{
	struct signalfd_siginfo info;

	while (read(clusterd->signals, &info, sizeof(info)) ==
	       (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			jp_log(LOG_INFO,
			    "settings: changes in [cluster] need a restart");
		else
			clusterd->stop = true;
	}
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

static void
work(struct clusterd *clusterd)
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
			return;
		if (fds[0].revents != 0)
			read_signals(clusterd);
		bridge_step(
		    bridge, fds[1].revents, fds[2].revents, jp_now_ms());
	}
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
	/* Nobody is served while a name is looked up. */
	(void)setenv("RES_OPTIONS", "timeout:2 attempts:2", 0);
}

static enum jp_err
find_settings(struct clusterd *clusterd, struct jp_why *why)
{
	const struct jp_options *options = clusterd->options;
	struct jp_settings *settings = &clusterd->settings;
	enum jp_err err =
	    jp_settings_load(options->value[OPTION_CONFIG], settings, why);

	if (err != JP_ERR_OK)
		return err;
	if (!settings->cluster.configured)
		return jp_why(why, JP_ERR_CONFIG,
		    "there is no section [cluster]: pat-clusterd is for hosts "
		    "of a cluster alone, see jira-pat.conf(5)");
	(void)snprintf(clusterd->path, sizeof(clusterd->path),
	    "%s/cluster.sock", settings->run_dir);
	return conninfo_read(&clusterd->info, settings->cluster.conninfo,
	    settings->cluster.insecure, why);
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

/* This user, these files; then the first thread, and the calls. */
static enum jp_err
settle(struct clusterd *clusterd, struct jp_why *why)
{
	const struct jp_settings *settings = &clusterd->settings;
	enum jp_err err;

	jp_confine_root(JP_PROCESS_CLUSTERD, settings);
	err = jp_become_account(&clusterd->account, why);
	if (err == JP_ERR_OK)
		err = jp_confine_files(
		    &clusterd->sandbox, JP_PROCESS_CLUSTERD, settings, why);
	if (err == JP_ERR_OK && jp_log_start() != JP_ERR_OK)
		err = jp_why(
		    why, JP_ERR_NOMEM, "cannot start the thread of the log");
	if (err == JP_ERR_OK)
		err = jp_confine_calls(
		    &clusterd->sandbox, JP_PROCESS_CLUSTERD, settings, why);
	return err;
}

static void
serve_host(struct clusterd *clusterd)
{
	const struct jp_cluster_settings *cluster = &clusterd->settings.cluster;
	const bool is_setup = clusterd->options->given[OPTION_SETUP];
	const struct bridge_options options = {
		.info = &clusterd->info,
		.node = cluster->node,
		.path = is_setup ? NULL : clusterd->path,
		.uids = clusterd->uids,
		.uid_len = HOST_UIDS_MAX,
	};

	bridge_make(&clusterd->bridge, &options);
	if (is_setup)
		bridge_serve(&clusterd->bridge, STDIN_FILENO);
	clusterd->watchdog_ms = jp_notify_watchdog_ms();
	jp_notify_ready();
	jp_log(is_setup ? LOG_DEBUG : LOG_INFO, "ready");
	work(clusterd);
	jp_notify_stopping();
	jp_log(is_setup ? LOG_DEBUG : LOG_INFO, "stopping");
	bridge_end(&clusterd->bridge);
}

static enum status
serve(struct clusterd *clusterd)
{
	struct jp_why why = { .text = "" };
	enum jp_err err = take_signals(clusterd);

	if (err != JP_ERR_OK)
		(void)jp_why(&why, err, "signals: %s", jp_err_text(err));
	if (err == JP_ERR_OK)
		err = settle(clusterd, &why);
	if (err == JP_ERR_OK)
		serve_host(clusterd);
	(void)jp_log_stop(LOG_DRAIN_MS);
	return err == JP_ERR_OK ? STATUS_DONE
	                        : fail(clusterd->options, "start", &why);
}

static enum status
run(const struct jp_options *options)
{
	static struct clusterd clusterd;
	struct jp_why why = { .text = "" };
	enum status status = STATUS_DONE;

	clusterd.options = options;
	jp_log_open("pat-clusterd", options->given[OPTION_SYSLOG],
	    options->given[OPTION_DEBUG]);
	jp_harden_process();
	forget_environment();
	if (find_settings(&clusterd, &why) != JP_ERR_OK ||
	    find_accounts(&clusterd, &why) != JP_ERR_OK)
		status = fail(options, "settings", &why);
	else if (options->given[OPTION_CHECK_CONFIG])
		printf("pat-clusterd: %s: good\n", clusterd.settings.file);
	else
		status = serve(&clusterd);
	conninfo_free(&clusterd.info);
	return status;
}

int
main(int argc, char **argv)
{
	struct jp_options options;

	jp_hold_descriptors();
	if (!jp_options_parse("pat-clusterd", argc, argv, options_known,
	        OPTION_COUNT, &options)) {
		fprintf(
		    stderr, "pat-clusterd: usage: see pat-clusterd --help\n");
		return STATUS_USAGE;
	}
	if (options.given[OPTION_HELP]) {
		jp_options_help("pat-clusterd",
		    "Links patd with the PostgreSQL that several hosts share.",
		    options_known, OPTION_COUNT);
		return STATUS_DONE;
	}
	if (options.given[OPTION_VERSION]) {
		printf("pat-clusterd (%s) %s\n", PACKAGE_NAME, PACKAGE_VERSION);
		return STATUS_DONE;
	}
	return (int)run(&options);
}
