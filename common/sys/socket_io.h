/*
 * send(2) and recv(2), tried again where a signal interrupts them, which loses
 * nothing: else as those say. No send raises SIGPIPE.
 */
#ifndef JP_SOCKET_IO_H
#define JP_SOCKET_IO_H

#include <stddef.h>
#include <sys/types.h>

/* `flags`: MSG_DONTWAIT, or 0. */
ssize_t jp_send(int fd, const void *bytes, size_t len, int flags);

/* `flags`: of MSG_DONTWAIT, MSG_PEEK and MSG_TRUNC. */
ssize_t jp_recv(int fd, void *bytes, size_t len, int flags);

#endif
