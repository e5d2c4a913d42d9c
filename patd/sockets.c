#include "patd/sockets.h"

#include <string.h>
#include <sys/epoll.h>
#include <syslog.h>

#include "common/sys/log.h"
#include "patd/accept.h"

enum {
	LOOK_MS = 1000,     /* between two looks */
	BACKLOG_MAX = 1024, /* of a socket whose file is gone */
};

/* Once, until there is something else to say. */
static void
say(struct listener *listener, const struct jp_why *why)
{
	if (strcmp(listener->said.text, why->text) == 0)
		return;
	listener->said = *why;
	jp_log(LOG_ERR, "sockets: %s", why->text);
}

/* Those who arrived before the file went are taken first. */
static void
bind_again(struct loop *loop, size_t place, struct jp_why *why)
{
	struct listener *listener = &loop->options->listeners->at[place];
	int left = BACKLOG_MAX;

	while (left-- > 0 && accept_one(loop, place))
		continue;
	if (listeners_again(listener, loop->options->settings, why) !=
	    JP_ERR_OK)
		return;
	(void)loop_watch(loop, EPOLL_CTL_ADD, listener->socket.fd,
	    LOOP_LISTENER - place, EPOLLIN);
	(void)jp_why(
	    why, JP_ERR_OK, "%s was gone: bound again", listener->path);
}

/*
 * Somebody removed the file of a socket, or its directory: nobody can reach
 * patd any more, who would not know. What belongs to somebody else stays.
 */
static void
look_at_socket(struct loop *loop, size_t place)
{
	struct listener *listener = &loop->options->listeners->at[place];
	const char *path = listener->path;
	struct jp_why why = { .text = "" };

	switch (jp_listening_look(&listener->socket, path)) {
	case JP_LISTENING_FINE:
		listener->said.text[0] = '\0';
		return;
	case JP_LISTENING_REPLACED:
		(void)jp_why(&why, JP_ERR_EXISTS,
		    "%s is another file now, which is left alone: nobody "
		    "reaches patd there until it is removed",
		    path);
		break;
	case JP_LISTENING_GONE:
		if (listener->socket.ours)
			bind_again(loop, place, &why);
		else
			(void)jp_why(&why, JP_ERR_MISSING,
			    "%s is gone, and the service manager made it: "
			    "restart its socket unit and patd",
			    path);
		break;
	}
	say(listener, &why);
}

void
sockets_look(struct loop *loop, int64_t now)
{
	if (loop->stopping || now < loop->sockets_ms)
		return;
	loop->sockets_ms = now + LOOK_MS;
	for (size_t i = 0; i < loop->options->listeners->len; i++)
		if (loop->options->listeners->at[i].socket.fd >= 0)
			look_at_socket(loop, i);
}
