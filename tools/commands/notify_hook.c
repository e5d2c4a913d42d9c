#include "tools/commands/notify_hook.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/sys/time_text.h"

enum {
	VALUE_MAX = JP_USER_MAX + 32, /* with the name before it */
	VALUES_MAX = 12,
};

/* The environment that is made up for it, and nothing else. */
struct environment {
	size_t len;
	char values[VALUES_MAX][VALUE_MAX];
	char *list[VALUES_MAX + 1];
};

static void
add(struct environment *environment, const char *name, const char *value)
{
	char *place = environment->values[environment->len];

	(void)snprintf(place, VALUE_MAX, "%s=%s", name, value);
	environment->list[environment->len++] = place;
}

static void
describe(struct environment *environment, const struct notice *notice,
    const char *within)
{
	char expires[JP_WHEN_TEXT_MAX], since[JP_WHEN_TEXT_MAX];

	memset(environment, 0, sizeof(*environment));
	jp_when_format(notice->expires_at, expires);
	add(environment, "PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
	add(environment, "JP_EVENT", notice_name(notice->event));
	add(environment, "JP_ID", notice->id);
	add(environment, "JP_USER", notice->user);
	add(environment, "JP_OWNER_GROUP", notice->owner_group);
	add(environment, "JP_NAME", notice->name);
	add(environment, "JP_EXPIRES_AT", expires);
	if (notice->event == NOTICE_EXPIRING) {
		add(environment, "JP_WITHIN", within);
		return;
	}
	jp_when_format(notice->at, since);
	add(environment, "JP_ADDRESS", notice->address);
	add(environment, "JP_SERVICE", notice->service);
	add(environment, "JP_SINCE", since);
}

/* Waits for the end of `pid`; false: it took too long, and was killed. */
static bool
wait_for(pid_t pid, int *status)
{
	const struct timespec limit = { .tv_sec = NOTIFY_HOOK_S };
	sigset_t child;

	(void)sigemptyset(&child);
	(void)sigaddset(&child, SIGCHLD);
	while (waitpid(pid, status, WNOHANG) == 0)
		if (sigtimedwait(&child, NULL, &limit) < 0 && errno == EAGAIN) {
			(void)kill(-pid, SIGKILL);
			(void)waitpid(pid, status, 0);
			return false;
		}
	return true;
}

static int
spawn(const char *path, char *const *environment, pid_t *pid)
{
	char *const argv[] = { (char *)(uintptr_t)path, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	int rc;

	(void)sigemptyset(&none);
	(void)posix_spawnattr_init(&attr);
	(void)posix_spawnattr_setflags(
	    &attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
	(void)posix_spawnattr_setsigmask(&attr, &none);
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_addopen(
	    &actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	(void)posix_spawn_file_actions_adddup2(
	    &actions, STDERR_FILENO, STDOUT_FILENO);
	rc = posix_spawn(pid, path, &actions, &attr, argv, environment);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)posix_spawnattr_destroy(&attr);
	return rc;
}

bool
notify_hook_run(
    const char *command, const struct notice *notice, const char *within)
{
	struct environment environment;
	int rc, status = 0;
	pid_t pid;

	describe(&environment, notice, within);
	rc = spawn(command, environment.list, &pid);
	if (rc != 0)
		(void)fprintf(stderr, "pat-admin: notify: cannot run %s: %s\n",
		    command, strerror(rc));
	else if (!wait_for(pid, &status))
		(void)fprintf(stderr,
		    "pat-admin: notify: %s: killed after %d seconds\n", command,
		    NOTIFY_HOOK_S);
	else if (status != 0)
		(void)fprintf(stderr,
		    "pat-admin: notify: %s failed for token %s\n", command,
		    notice->id);
	return rc == 0 && status == 0;
}
