/*
 * What each process may still do once it has started, by its settings: see
 * common/sys/sandbox.h for the order. Nothing where they say `sandbox = no`.
 */
#ifndef JP_CONFINE_H
#define JP_CONFINE_H

#include "common/config/settings.h"
#include "common/sys/account.h"
#include "common/sys/sandbox.h"

/* The files that the settings name, and those of the name service. */
enum jp_err
jp_confine_files(struct jp_sandbox *sandbox, enum jp_process process,
    const struct jp_settings *settings, struct jp_why *why);

/* The system calls; for a daemon it is logged what holds. */
enum jp_err
jp_confine_calls(struct jp_sandbox *sandbox, enum jp_process process,
    const struct jp_settings *settings, struct jp_why *why);

/* Before root becomes another user. */
void
jp_confine_root(enum jp_process process, const struct jp_settings *settings);

/*
 * The start of a daemon, for good: `account`, its files. Threads come after
 * that, the one of the log first: whoever reads the log, or does not, delays
 * nothing.
 */
enum jp_err jp_confine_daemon(struct jp_sandbox *sandbox,
    enum jp_process process, const struct jp_settings *settings,
    const struct jp_account *account, struct jp_why *why);

#endif
