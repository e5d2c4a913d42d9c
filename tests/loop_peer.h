/*
 * The other end of a connection of pat-httpd, in the same event loop: what the
 * patds in there have in common.
 */
#ifndef JP_TESTS_LOOP_PEER_H
#define JP_TESTS_LOOP_PEER_H

#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pat_httpd/base/reactor.h"

/* Takes it out of the loop and closes it; `fd` -1: it is. */
static inline void
loop_peer_end(struct reactor *reactor, struct reactor_watch *watch)
{
	if (watch->fd < 0)
		return;
	reactor_remove(reactor, watch);
	(void)close(watch->fd);
	watch->fd = -1;
}

/*
 * Reads, into `room`, what waits: `hear` gets each message, and `gone` is
 * called where the connection has ended. Either may end it.
 */
static inline void
loop_peer_read(struct reactor_watch *watch, void *room, size_t size,
    void (*hear)(struct reactor_watch *watch, const uint8_t *bytes, size_t len),
    void (*gone)(struct reactor_watch *watch))
{
	while (watch->fd >= 0) {
		ssize_t len = recv(watch->fd, room, size, MSG_DONTWAIT);

		if (len < 0)
			return;
		if (len == 0) {
			gone(watch);
			return;
		}
		hear(watch, room, (size_t)len);
	}
}

#endif
