/*
 * The server: it sets up the event loop (patd/event_loop.h), takes signals, and
 * runs until it is told to stop.
 */
#ifndef PATD_SERVER_H
#define PATD_SERVER_H

#include "common/decide/core.h"
#include "patd/cluster.h"
#include "patd/maintenance.h"
#include "patd/listeners.h"
#include "common/config/acl.h"
#include "common/sys/sandbox.h"

struct server_options {
	struct jp_core *core;
	struct maintenance *maintenance;
	struct cluster *cluster; /* NULL: a single host */
	const struct jp_acl *acl;
	struct listeners *listeners; /* closed at the end */
	const struct jp_settings *settings;
	struct jp_sandbox *sandbox; /* its files are given up; calls follow */
	const char *config; /* read again at SIGHUP; NULL: the default */
};

/*
 * Tells the service manager that patd is ready, and runs until SIGTERM or
 * SIGINT; then answers what it holds, within a bounded time. `drained` false:
 * threads still use the core, which must not be closed.
 */
enum jp_err server_run(
    const struct server_options *options, bool *drained, struct jp_why *why);

#endif
