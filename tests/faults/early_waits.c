/*
 * Waits that come back at once, for LD_PRELOAD: what waits with a time limit
 * says that the time is over, as some libraries make it that shift the clock.
 * Each thread may come back so a few times in a row; then it must have rested,
 * in poll(2) without a descriptor, or waited without a limit. Who does neither
 * spins: that is said on standard error, and so is when there were many.
 */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
	IN_A_ROW = 8, /* a loop may look at several things */
	MANY = 200,
};

static _Thread_local unsigned int row;
static atomic_uint early;

static void
say(const char *line)
{
	(void)!write(STDERR_FILENO, line, strlen(line));
}

static void
come_back(void)
{
	if (atomic_fetch_add(&early, 1) == MANY)
		say("early-waits: many\n");
	if (++row == IN_A_ROW)
		say("early-waits: it spins\n");
}

#define EXPORT __attribute__((visibility("default")))

EXPORT int
pthread_cond_timedwait(
    pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until)
{
	(void)cond;
	(void)mutex;
	(void)until;
	come_back();
	return ETIMEDOUT;
}

EXPORT int
pthread_cond_clockwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
    clockid_t clock, const struct timespec *until)
{
	(void)clock;
	return pthread_cond_timedwait(cond, mutex, until);
}

EXPORT int
epoll_wait(int fd, struct epoll_event *events, int max, int ms)
{
	int (*real)(int, struct epoll_event *, int, int);
	int count;

	*(void **)&real = dlsym(RTLD_NEXT, "epoll_wait");
	count = real(fd, events, max, ms > 0 ? 0 : ms);
	if (count == 0 && ms > 0)
		come_back();
	else
		row = 0;
	return count;
}

EXPORT int
poll(struct pollfd *fds, nfds_t len, int ms)
{
	int (*real)(struct pollfd *, nfds_t, int);

	*(void **)&real = dlsym(RTLD_NEXT, "poll");
	if (ms != 0)
		row = 0;
	return real(fds, len, ms);
}
