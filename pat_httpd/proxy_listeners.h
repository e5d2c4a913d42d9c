/*
 * The sockets that proxies connect to, and who may come in.
 */
#ifndef PATHTTPD_PROXY_LISTENERS_H
#define PATHTTPD_PROXY_LISTENERS_H

#include "common/config/httpd_settings.h"
#include "common/config/settings.h"
#include "common/sys/listen.h"
#include "pat_httpd/proxy_conns.h"

struct proxy_listeners {
	struct service *service;
	struct reactor_timer pause; /* armed: out of descriptors */
	size_t len;
	struct proxy_listener {
		struct proxy_listeners *listeners;
		const struct jp_listener *rules;
		struct jp_listening socket;
		struct reactor_watch watch;
		char text[JP_LISTEN_TEXT_MAX]; /* its address */
		bool tcp;
	} at[JP_LISTENERS_MAX];
};

/* Those of the settings, which outlive them; no socket is open yet. */
void proxy_listeners_init(
    struct proxy_listeners *listeners, const struct jp_settings *settings);

/*
 * Takes the sockets that the service manager passed: each for the listener
 * whose address it has, or the last part of whose path, or, over TCP, whose
 * name is in $LISTEN_FDNAMES. JP_ERR_CONFIG for one that fits none, or that
 * other hosts can reach.
 */
enum jp_err
proxy_listeners_inherit(struct proxy_listeners *listeners, struct jp_why *why);

/* Makes those that were not passed, open to everybody: the peer is asked. */
enum jp_err
proxy_listeners_bind(struct proxy_listeners *listeners, struct jp_why *why);

/* Lets proxies in. */
enum jp_err proxy_listeners_start(struct proxy_listeners *listeners,
    struct service *service, struct jp_why *why);

/* Who wants to come in gets in, for the last time. */
void proxy_listeners_take_last(struct proxy_listeners *listeners);

/* Closes them; the files that we made go, too. */
void proxy_listeners_close(struct proxy_listeners *listeners);

#endif
