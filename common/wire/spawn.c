#include "config.h"

#include "common/wire/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/wire/client.h"

enum {
	GRACE_MS = 200, /* for what is done at the deadline */
};

/* All that is needed once there are two processes: nothing allocates then. */
struct plan {
	char *argv[5];
	char *envp[3];
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int64_t deadline_ms;
};

/* For argv and envp, which exec(3) takes without const and does not change. */
static char *
unconst(const char *text)
{
	return (char *)(uintptr_t)text;
}

/* The host's signals are not patd's: none blocked, none ignored. */
static int
default_signals(posix_spawnattr_t *attr)
{
	sigset_t all;
	sigset_t none;
	int rc;

	(void)sigfillset(&all);
	(void)sigemptyset(&none);
	rc = posix_spawnattr_setsigdefault(attr, &all);
	if (rc == 0)
		rc = posix_spawnattr_setsigmask(attr, &none);
	if (rc == 0)
		rc = posix_spawnattr_setflags(
		    attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	return rc;
}

/* Descriptor 0 stays; nothing else of the host's gets through. */
static int
only_descriptor(posix_spawn_file_actions_t *actions)
{
	int rc = posix_spawn_file_actions_adddup2(
	    actions, STDIN_FILENO, STDIN_FILENO);

	for (int out = STDOUT_FILENO; rc == 0 && out <= STDERR_FILENO; out++)
		rc = posix_spawn_file_actions_addopen(
		    actions, out, "/dev/null", O_WRONLY, 0);
	if (rc == 0)
		rc = posix_spawn_file_actions_addclosefrom_np(
		    actions, STDERR_FILENO + 1);
	return rc;
}

static void
drop_plan(struct plan *plan)
{
	(void)posix_spawnattr_destroy(&plan->attr);
	(void)posix_spawn_file_actions_destroy(&plan->actions);
}

static int
make_plan(struct plan *plan, const char *path, const char *config)
{
	int rc;

	plan->argv[0] = unconst(path);
	plan->argv[1] = unconst("--one-shot");
	plan->argv[2] = config != NULL ? unconst("--config") : NULL;
	plan->argv[3] = unconst(config);
	plan->argv[4] = NULL;
	plan->envp[0] = unconst("PATH=/usr/sbin:/usr/bin:/sbin:/bin");
	plan->envp[1] = unconst("LD_BIND_NOW=1"); /* jp_bind_now() */
	plan->envp[2] = NULL;
	rc = posix_spawn_file_actions_init(&plan->actions);
	if (rc != 0)
		return rc;
	rc = posix_spawnattr_init(&plan->attr);
	if (rc != 0) {
		(void)posix_spawn_file_actions_destroy(&plan->actions);
		return rc;
	}
	rc = default_signals(&plan->attr);
	if (rc == 0)
		rc = only_descriptor(&plan->actions);
	if (rc != 0)
		drop_plan(plan);
	return rc;
}

/* Waits for `pid` with these flags, at the deadline no longer in peace. */
static int
reap(pid_t pid, int flags, int64_t deadline_ms)
{
	int status = 0;
	pid_t got;

	while ((got = waitpid(pid, &status, flags | WNOHANG)) == 0) {
		if (jp_pause(deadline_ms))
			continue;
		(void)kill(pid, SIGKILL);
		while (
		    (got = waitpid(pid, &status, flags)) < 0 && errno == EINTR)
			continue;
		break;
	}
	/* Else a host that reaps really all was faster. */
	return got == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

/*
 * The process between: a copy of the host with all signals blocked, so that
 * none of its handlers runs here. Other threads of the host may have held any
 * lock, so nothing but system calls.
 */
static void __attribute__((noreturn))
stand_between(const struct plan *plan, int fd)
{
	const struct sigaction usual = { .sa_handler = SIG_DFL };
	pid_t pid;
	int rc;

	(void)sigaction(SIGCHLD, &usual, NULL); /* else there is no zombie */
	rc = dup2(fd, STDIN_FILENO) < 0 ? errno : 0;
	(void)close_range(STDIN_FILENO + 1, ~0U, 0);
	if (rc == 0)
		rc = posix_spawn(&pid, plan->argv[0], &plan->actions,
		    &plan->attr, plan->argv, plan->envp);
	(void)close(STDIN_FILENO); /* patd's alone: its end shows */
	if (rc == 0)
		(void)reap(pid, 0, plan->deadline_ms);
	_exit(rc);
}

/* fork(2) without an exit signal; what fork(3) would run is none of ours. */
static pid_t
fork_silently(void)
{
	return (pid_t)syscall(SYS_clone, 0UL, 0UL, 0UL, 0UL, 0UL);
}

int
jp_spawn(const char *path, const char *config, int fd, int64_t deadline_ms,
    pid_t *pid)
{
	struct plan plan = { .deadline_ms = deadline_ms };
	sigset_t all;
	sigset_t old;
	int rc = make_plan(&plan, path, config);

	if (rc != 0)
		return rc;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	*pid = fork_silently();
	if (*pid == 0)
		stand_between(&plan, fd);
	rc = *pid < 0 ? errno : 0;
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	drop_plan(&plan);
	return rc;
}

int
jp_spawn_end(pid_t pid, int64_t deadline_ms)
{
	return reap(pid, __WALL, deadline_ms + GRACE_MS);
}
