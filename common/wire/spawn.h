/*
 * `patd --one-shot`, run by a module inside another program, its host, which
 * must not notice. The host's handler of SIGCHLD may wait for any child: had
 * the module reaped the one that raised the signal, it would wait until another
 * one ends (vsftpd 3.0 then serves nobody). To keep SIGCHLD from the host
 * (blocked, or at its default, as Linux-PAM's own helpers run) is no better: a
 * host in threads loses the signals of its own children.
 *
 * A child made by clone(2) with the exit signal 0 raises none, and wait(2)
 * without __WALL does not see it. But execve(2) sets the exit signal back to
 * SIGCHLD. So a process that never executes anything stands between: it spawns
 * patd, waits for it, and ends it at the deadline. The host knows its id alone.
 */
#ifndef JP_SPAWN_H
#define JP_SPAWN_H

#include <stdint.h>
#include <sys/types.h>

/*
 * Runs `path --one-shot`, with `--config config` unless that is NULL, with `fd`
 * as its descriptor 0 and nothing else of the host's: no other descriptor, no
 * environment, no signal disposition. At `deadline_ms` of jp_now_ms() it is
 * killed. Returns an errno value; on 0 `pid`
 * is for jp_spawn_end(). `fd` stays the caller's.
 */
int jp_spawn(const char *path, const char *config, int fd, int64_t deadline_ms,
    pid_t *pid);

/*
 * Waits until it has ended, not much longer than until its deadline, and leaves
 * no zombie. Returns the errno value for which it could not be executed, or 0.
 */
int jp_spawn_end(pid_t pid, int64_t deadline_ms);

#endif
