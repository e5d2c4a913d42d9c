#include "common/sys/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* Best effort: a service manager that does not listen is no reason to stop. */
static void
notify(const char *state)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path != NULL ? strlen(path) : 0;
	int fd;

	if (len < 2 || len >= sizeof(addr.sun_path) ||
	    (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(addr.sun_path, path, len);
	if (path[0] == '@') /* the abstract namespace, unix(7) */
		addr.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	len += offsetof(struct sockaddr_un, sun_path);
	(void)sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT,
	    (const struct sockaddr *)&addr, (socklen_t)len);
	(void)close(fd);
}

void
jp_notify_ready(void)
{
	notify("READY=1\nSTATUS=Answering");
}

/* The time lets the manager tell this reload from an earlier one. */
void
jp_notify_reloading(void)
{
	struct timespec now;
	char state[64];

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	(void)snprintf(state, sizeof(state),
	    "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
	    (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	notify(state);
}

void
jp_notify_stopping(void)
{
	notify("STOPPING=1");
}

/* The number in a variable; -1 if there is none. */
static long long
number_in(const char *variable)
{
	const char *text = getenv(variable);
	char *end;
	long long value;

	if (text == NULL || *text < '0' || *text > '9')
		return -1;
	errno = 0;
	value = strtoll(text, &end, 10);
	return *end == '\0' && errno == 0 ? value : -1;
}

int
jp_notify_watchdog_ms(void)
{
	enum { US_PER_MS = 1000, LONGEST_MS = 3600000 };
	long long us = number_in("WATCHDOG_USEC");
	long long ms = us / US_PER_MS / 2;
	long long pid = number_in("WATCHDOG_PID");

	if (us <= 0 || (pid != -1 && pid != getpid()))
		return 0; /* none, or it is meant for another process */
	return ms < 1 ? 1 : (int)(ms < LONGEST_MS ? ms : LONGEST_MS);
}

void
jp_notify_alive(void)
{
	notify("WATCHDOG=1");
}
