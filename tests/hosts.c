#include "config.h"

#include "tests/hosts.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/wire/client.h"

enum {
	ROUNDS = 3,
	HANGS_MS = 120000, /* then it is one that hangs */
};

enum wrong { FINE, HUNG, NO_HOST, ACT, SIGNALLED, LOST, FOUND, WRONG_COUNT };

static const char *const wrong_texts[WRONG_COUNT] = {
	[FINE] = "fine",
	[HUNG] = "the host hangs",
	[NO_HOST] = "there is no host",
	[ACT] = "the act failed",
	[SIGNALLED] = "the host's handler ran",
	[LOST] = "the host's own child is lost",
	[FOUND] = "there is another child",
};

static volatile sig_atomic_t signalled;
static volatile sig_atomic_t reaped;

static void
reap_all(int signal)
{
	(void)signal;
	signalled++;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		reaped++;
}

/* As vsftpd does: it knows that a child has ended, and waits for any. */
static void
wait_for_one(int signal)
{
	(void)signal;
	signalled++;
	reaped += wait(NULL) > 0;
}

static const struct {
	void (*handler)(int signal);
	int flags;
	bool reaps; /* its own children, in the handler */
} hosts[HOST_COUNT] = {
	{ SIG_DFL, 0, false },
	{ SIG_IGN, 0, false },
	{ SIG_DFL, SA_NOCLDWAIT, false },
	{ reap_all, SA_RESTART, true },
	{ wait_for_one, SA_RESTART, true },
	{ wait_for_one, 0, true },
};

/* A child of the host's own, which ends when `end` is closed. */
static pid_t
own_child(int *end)
{
	int pair[2];
	pid_t pid;
	char byte;

	if (pipe2(pair, O_CLOEXEC) != 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		(void)close(pair[1]);
		_exit(read(pair[0], &byte, 1) != 0);
	}
	(void)close(pair[0]);
	*end = pair[1];
	return pid;
}

/* Its handler hears of its own child only, and its own waiting works. */
static enum wrong
be_host(size_t kind, bool (*act)(void *arg), void *arg)
{
	struct sigaction action = { .sa_handler = hosts[kind].handler,
		.sa_flags = hosts[kind].flags };
	pid_t child;
	int end;

	if (sigaction(SIGCHLD, &action, NULL) != 0)
		return NO_HOST;
	child = own_child(&end);
	if (child < 0)
		return NO_HOST;
	for (int i = 0; i < ROUNDS; i++)
		if (!act(arg))
			return ACT;
	if (signalled != 0 || reaped != 0)
		return SIGNALLED;
	(void)close(end);
	while (hosts[kind].reaps && reaped == 0)
		(void)usleep(1000);
	if (!hosts[kind].reaps && waitpid(child, NULL, 0) != child &&
	    errno != ECHILD)
		return LOST;
	return waitpid(-1, NULL, __WALL) != -1 || errno != ECHILD ? FOUND
	                                                          : FINE;
}

const char *
host_run(size_t kind, bool (*act)(void *arg), void *arg)
{
	int64_t end = jp_now_ms() + HANGS_MS;
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit((int)be_host(kind, act, arg));
	if (pid < 0)
		return wrong_texts[NO_HOST];
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (jp_now_ms() > end)
			(void)kill(pid, SIGKILL);
		(void)usleep(1000);
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) >= WRONG_COUNT)
		return wrong_texts[HUNG];
	return wrong_texts[WEXITSTATUS(status)];
}
