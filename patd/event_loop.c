#include "patd/event_loop.h"

#include <sys/epoll.h>

bool
loop_watch(struct loop *loop, int op, int fd, uint64_t key, uint32_t events)
{
	struct epoll_event event = { .events = events, .data = { .u64 = key } };

	return epoll_ctl(loop->epoll_fd, op, fd, &event) == 0;
}

uint64_t
loop_key_of(const struct loop *loop, const struct conn *conn)
{
	return (uint64_t)conn->generation << 32 |
	       (uint64_t)(conn - loop->conns.at);
}

bool
loop_watch_conn(struct loop *loop, struct conn *conn, uint32_t events)
{
	int op = conn->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (conn->watched && conn->events == events)
		return true;
	conn->watched = true;
	conn->events = events;
	return loop_watch(loop, op, conn->fd, loop_key_of(loop, conn), events);
}

void
loop_each_conn(struct loop *loop, void (*visit)(struct loop *, struct conn *))
{
	for (size_t i = 0; i < loop->conns.max && loop->conns.len > 0; i++)
		if (loop->conns.at[i].fd >= 0)
			visit(loop, &loop->conns.at[i]);
}
