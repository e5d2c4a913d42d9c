/*
 * pat-httpd: answers proxies that ask whether a request may pass, and serves
 * the page where users manage their tokens. Here are the command line and the
 * order of the start and the end; the work is done elsewhere.
 */
#include "config.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "common/config/confine.h"
#include "common/config/acl.h"
#include "common/config/settings.h"
#include "common/sys/account.h"
#include "common/sys/json_text.h"
#include "common/sys/log.h"
#include "common/sys/notify.h"
#include "common/sys/daemon.h"
#include "common/sys/process.h"
#include "pat_httpd/http.h"
#include "pat_httpd/proxy_listeners.h"

enum {
	RESERVE = 40,    /* descriptors: listeners, patd, metrics, the log,
	                    us */
	DRAIN_MS = 5000, /* for what is under way at the end */
};

/* All that runs. */
struct httpd {
	const struct jp_options *options;
	struct jp_settings settings;
	struct jp_acl acl;
	struct jp_sandbox sandbox;
	struct proxy_listeners listeners;
	struct service service;
	struct reactor_watch signals;
	struct reactor_timer stop, alive;
	int watchdog_ms; /* between two signs of life; 0: none */
};

/* ---- signals ---- */

/* As in patd: a bad file changes nothing, the old rules hold. */
static void
reload(struct httpd *httpd)
{
	struct jp_settings settings;
	struct jp_why why = { .text = "" };

	jp_notify_reloading();
	if (jp_settings_load(httpd->options->config, &settings, &why) ==
	    JP_ERR_OK) {
		httpd->settings.policy = settings.policy;
		jp_log(LOG_INFO,
		    "settings: reloaded: the rules for services apply now; "
		    "changes in [pat-httpd], [listener] and [self_service] "
		    "need a restart");
	} else {
		jp_log(LOG_ERR, "settings: not changed: %s", why.text);
	}
	jp_notify_ready();
}

static void
begin_stop(struct httpd *httpd)
{
	struct service *service = &httpd->service;

	if (service->conns.draining)
		return;
	jp_notify_stopping();
	jp_log(LOG_INFO, "stopping");
	proxy_listeners_take_last(&httpd->listeners);
	proxy_listeners_close(&httpd->listeners);
	reactor_arm(&service->reactor, &httpd->stop,
	    service->reactor.now_ms + DRAIN_MS);
	proxy_conns_drain(&service->conns);
}

static void
on_drained(struct proxy_conns *conns)
{
	REACTOR_OWNER(conns, struct httpd, service.conns)
	    ->service.reactor.stop = true;
}

static void
on_stop_late(struct reactor_timer *timer)
{
	REACTOR_OWNER(timer, struct httpd, stop)->service.reactor.stop = true;
}

static void
on_signal(struct reactor_watch *watch, uint32_t events)
{
	struct httpd *httpd = REACTOR_OWNER(watch, struct httpd, signals);
	int number = jp_daemon_next_signal(watch->fd);

	(void)events;
	if (number == SIGHUP && !httpd->service.conns.draining)
		reload(httpd);
	else if (number != SIGHUP && number != 0)
		begin_stop(httpd);
}

/* It comes from the loop that answers, or not at all. */
static void
on_alive(struct reactor_timer *timer)
{
	struct httpd *httpd = REACTOR_OWNER(timer, struct httpd, alive);
	struct reactor *reactor = &httpd->service.reactor;

	jp_notify_alive();
	reactor_arm(reactor, timer, reactor->now_ms + httpd->watchdog_ms);
}

/* ---- start and end ---- */

static enum jp_err
watch_signals(struct httpd *httpd)
{
	httpd->signals.ready = on_signal;
	httpd->signals.fd = jp_daemon_signal_fd();
	return httpd->signals.fd >= 0 && reactor_add(&httpd->service.reactor,
	                                     &httpd->signals, EPOLLIN)
	           ? JP_ERR_OK
	           : jp_err_from_errno(errno);
}

/* The ways to patd, and what uses them. */
static void
set_up_links(struct httpd *httpd)
{
	const struct jp_settings *settings = &httpd->settings;
	struct service *service = &httpd->service;
	char path[JP_UNIX_PATH_MAX + sizeof("/verify.sock")];

	(void)snprintf(path, sizeof(path), "%s/verify.sock", settings->run_dir);
	patd_link_make(&service->link, &service->reactor, path);
	(void)snprintf(path, sizeof(path), "%s/admin.sock", settings->run_dir);
	admin_link_make(&service->admin, &service->reactor, path);
	/* What is changed waits for the database, and for other hosts. */
	if (settings->cluster.configured)
		service->admin.timeout_ms += 2 * 1000 * settings->cluster.lease;
	service->authorizer =
	    (struct authorizer){ .settings = settings, .link = &service->link };
	service->site.settings = settings;
	service->site.clock = &jp_system_clock;
	service->site.link = &service->link;
	service->site.admin = &service->admin;
	service->acl = &httpd->acl;
}

static enum jp_err
set_up(struct httpd *httpd, struct jp_why *why)
{
	const struct jp_settings *settings = &httpd->settings;
	struct service *service = &httpd->service;
	enum jp_err err = reactor_make(&service->reactor);

	set_up_links(httpd);
	if (err == JP_ERR_OK)
		err = proxy_conns_make(&service->conns,
		    settings->httpd.max_connections,
		    settings->httpd.max_per_uid);
	service->conns.drained = on_drained;
	if (err == JP_ERR_OK)
		err = http_make(service);
	if (err == JP_ERR_OK)
		err = watch_signals(httpd);
	if (err != JP_ERR_OK)
		return jp_why(why, err, "cannot set up the event loop: %s",
		    jp_err_text(err));
	return proxy_listeners_start(&httpd->listeners, service, why);
}

static void
tear_down(struct httpd *httpd)
{
	struct service *service = &httpd->service;

	proxy_conns_end(&service->conns);
	http_free(service->http);
	patd_link_free(&service->link);
	admin_link_free(&service->admin);
	proxy_conns_free(&service->conns);
	(void)close(httpd->signals.fd);
	reactor_free(&service->reactor);
}

static enum jp_err
answer_all(struct httpd *httpd, struct jp_why *why)
{
	enum jp_err err = set_up(httpd, why);

	if (err == JP_ERR_OK)
		err = jp_confine_calls(
		    &httpd->sandbox, JP_PROCESS_HTTPD, &httpd->settings, why);
	if (err != JP_ERR_OK)
		return err;
	httpd->service.counts.started_at = jp_clock_now(&jp_system_clock);
	httpd->stop.due = on_stop_late;
	httpd->alive.due = on_alive;
	httpd->watchdog_ms = jp_notify_watchdog_ms();
	if (httpd->watchdog_ms > 0)
		on_alive(&httpd->alive);
	jp_notify_ready();
	jp_log(LOG_INFO, "ready");
	err = reactor_run(&httpd->service.reactor);
	if (err != JP_ERR_OK)
		(void)jp_why(why, err, "event loop: %s", jp_err_text(err));
	tear_down(httpd);
	return err;
}

/* Who may name users. */
static enum jp_err
find_trusted(
    struct site *site, const struct jp_accounts *peers, struct jp_why *why)
{
	struct jp_account account;

	for (size_t i = 0; i < peers->len; i++) {
		if (jp_account_find(peers->names[i], &account) != JP_ERR_OK)
			return jp_why(why, JP_ERR_CONFIG,
			    "[self_service] trusted_peers: there is no user "
			    "\"%s\"",
			    peers->names[i]);
		site->trusted[site->trusted_len++] = account.uid;
	}
	return JP_ERR_OK;
}

/* What the settings name on this machine; --check-config looks for it, too. */
static enum jp_err
find_accounts(
    struct httpd *httpd, struct jp_account *account, struct jp_why *why)
{
	const struct jp_settings *settings = &httpd->settings;
	enum jp_err err = jp_acl_make(&httpd->acl, "pat-httpd",
	    &settings->httpd.allow_users, &settings->httpd.allow_groups, why);

	if (err == JP_ERR_OK)
		err =
		    jp_acl_administer(&httpd->acl, settings->admin_group, why);
	if (err == JP_ERR_OK)
		err = find_trusted(
		    &httpd->service.site, &settings->self.trusted_peers, why);
	memset(account, 0, sizeof(*account));
	if (err == JP_ERR_OK && geteuid() == 0)
		err = jp_account_of_daemon(
		    settings->httpd.user, "pat-httpd", account, why);
	return err;
}

/* The sockets come first: it may take root to make them. */
static enum jp_daemon_status
serve(struct httpd *httpd)
{
	const struct jp_options *options = httpd->options;
	struct jp_why why = { .text = "" };
	struct jp_account account;
	enum jp_err err = find_accounts(httpd, &account, &why);

	jp_daemon_block_signals();
	httpd->settings.httpd.max_connections = jp_raise_descriptors(
	    httpd->settings.httpd.max_connections, RESERVE);
	proxy_listeners_init(&httpd->listeners, &httpd->settings);
	if (err != JP_ERR_OK)
		return jp_daemon_fail(options, "settings", &why);
	err = proxy_listeners_inherit(&httpd->listeners, &why);
	if (err == JP_ERR_OK)
		err = proxy_listeners_bind(&httpd->listeners, &why);
	if (err == JP_ERR_OK)
		err = jp_confine_daemon(&httpd->sandbox, JP_PROCESS_HTTPD,
		    &httpd->settings, &account, &why);
	jp_acl_self(&httpd->acl);
	if (err == JP_ERR_OK)
		err = answer_all(httpd, &why);
	proxy_listeners_close(&httpd->listeners);
	return err == JP_ERR_OK ? JP_DAEMON_DONE
	                        : jp_daemon_fail(options, "start", &why);
}

static enum jp_daemon_status
check_config(struct httpd *httpd)
{
	const char *file = httpd->settings.file;
	struct jp_account account;
	struct jp_why why = { .text = "" };

	if (find_accounts(httpd, &account, &why) != JP_ERR_OK)
		return jp_daemon_fail(httpd->options, "settings", &why);
	printf(
	    "pat-httpd: %s: good\n", file[0] != '\0' ? file : "the defaults");
	return JP_DAEMON_DONE;
}

static enum jp_daemon_status
run(const struct jp_options *options)
{
	static struct httpd httpd;
	struct jp_why why = { .text = "" };

	/* What the HTTP library frees held tokens: it is overwritten. */
	(void)mallopt(M_PERTURB, 0x55);
	jp_json_watch();
	httpd.options = options;
	jp_daemon_begin(options);
	if (jp_settings_load(options->config, &httpd.settings, &why) !=
	    JP_ERR_OK)
		return jp_daemon_fail(options, "settings", &why);
	return options->given[JP_OPTION_CHECK_CONFIG] ? check_config(&httpd)
	                                              : serve(&httpd);
}

int
main(int argc, char **argv)
{
	return jp_daemon_main(JP_PROCESS_HTTPD, argc, argv, run);
}
