#include "common/base/clock.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stddef.h>
#include <time.h>

enum {
	RETRY_MS = 2, /* between two tries of what cannot be polled for */
};

static int64_t
system_now(void *arg)
{
	(void)arg;
	return (int64_t)time(NULL);
}

static int64_t
steady_now(void *arg)
{
	struct timespec now = { 0 };

	(void)arg;
	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec;
}

const struct jp_clock jp_system_clock = { system_now, NULL };
const struct jp_clock jp_steady_clock = { steady_now, NULL };

int64_t
jp_clock_now(const struct jp_clock *clock)
{
	return clock->now(clock->arg);
}

int64_t
jp_now_ns(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
		return 0;
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t
jp_now_ms(void)
{
	return jp_now_ns() / 1000000;
}

int64_t
jp_boot_ms(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_BOOTTIME, &now) != 0)
		return -1;
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What is left until then: nothing, where that cannot be known. */
static int64_t
left_ms(int64_t deadline_ms)
{
	int64_t now = jp_now_ms();

	return now > 0 ? deadline_ms - now : 0;
}

bool
jp_has_come(int64_t deadline_ms)
{
	return left_ms(deadline_ms) <= 0;
}

bool
jp_pause(int64_t deadline_ms)
{
	if (jp_has_come(deadline_ms))
		return false;
	(void)poll(NULL, 0, RETRY_MS);
	return true;
}

enum jp_err
jp_wait_fd(int fd, short events, int64_t deadline_ms)
{
	struct pollfd wait = { .fd = fd, .events = events };

	for (;;) {
		int64_t left = left_ms(deadline_ms);
		int ready;

		if (left <= 0)
			return JP_ERR_TIMEOUT;
		ready = poll(&wait, 1, left < INT_MAX ? (int)left : INT_MAX);
		if (ready >
		    0) /* also POLLERR, POLLHUP: the caller sees the error */
			return wait.revents & POLLNVAL ? JP_ERR_IO : JP_ERR_OK;
		if (ready < 0 && errno != EINTR)
			return jp_err_from_errno(errno);
	}
}
