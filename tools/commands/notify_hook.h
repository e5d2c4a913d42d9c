/*
 * The command of [tokens] notify_command: run for one notice, with its facts in
 * the environment.
 */
#ifndef PAT_ADMIN_NOTIFY_HOOK_H
#define PAT_ADMIN_NOTIFY_HOOK_H

#include "tools/commands/notices.h"

#define NOTIFY_HOOK_S 60 /* seconds that it may take */

/*
 * Runs `command` and waits for it; `within` is the threshold of an end, as
 * text, else "". False: it could not be run, took too long, or said that it
 * failed, as standard error tells. SIGCHLD must be blocked.
 */
bool notify_hook_run(
    const char *command, const struct notice *notice, const char *within);

#endif
