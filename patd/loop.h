/*
 * The event loop: it accepts, reads questions, answers those that need no
 * hash, and passes the others to the workers. It never hashes, and it never
 * waits for a client.
 */
#ifndef PATD_LOOP_H
#define PATD_LOOP_H

#include <signal.h>

#include "common/decide/core.h"
#include "patd/keeper.h"
#include "patd/listeners.h"
#include "patd/peers.h"

struct loop_options {
	struct jp_core *core;
	struct keeper *keeper;
	const struct peers *peers;
	struct listeners *listeners; /* closed when the loop ends */
	const struct jp_settings *settings;
	const char *config; /* read again at SIGHUP; NULL: the default */
};

/* The signals that the loop takes: to be blocked before any thread starts. */
void loop_signals(sigset_t *signals);

/*
 * Tells the service manager that patd is ready, and runs until SIGTERM or
 * SIGINT; then answers what it holds, within a bounded time. `drained` false:
 * threads still use the core, which must not be closed.
 */
enum jp_err
loop_run(const struct loop_options *options, bool *drained, struct jp_why *why);

#endif
