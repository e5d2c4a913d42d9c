#include "common/sys/socket_io.h"

#include <errno.h>
#include <sys/socket.h>

ssize_t
jp_send(int fd, const void *bytes, size_t len, int flags)
{
	ssize_t sent;

	do
		sent = send(fd, bytes, len, MSG_NOSIGNAL | flags);
	while (sent < 0 && errno == EINTR);
	return sent;
}

ssize_t
jp_recv(int fd, void *bytes, size_t len, int flags)
{
	ssize_t got;

	do
		got = recv(fd, bytes, len, flags);
	while (got < 0 && errno == EINTR);
	return got;
}
