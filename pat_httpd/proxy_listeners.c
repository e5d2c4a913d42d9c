#include "pat_httpd/proxy_listeners.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "common/sys/log.h"
#include "pat_httpd/fcgi.h"
#include "pat_httpd/http.h"
#include "pat_httpd/self/serve.h"

enum {
	ACCEPTS_MAX = 16, /* before others get their turn */
	LAST_MAX = 1024,  /* at the end */
	PAUSE_MS = 500,   /* where there is no descriptor left */
};

static const struct {
	proxy_take *take;
	proxy_refuse *refuse;
} fronts[] = {
	[JP_LISTENER_HTTP] = { http_take, http_refuse },
	[JP_LISTENER_FCGI] = { fcgi_take, fcgi_refuse },
	[JP_LISTENER_METRICS] = { http_take, http_refuse },
};

void
proxy_listeners_init(
    struct proxy_listeners *listeners, const struct jp_settings *settings)
{
	const struct jp_httpd_settings *httpd = &settings->httpd;

	memset(listeners, 0, sizeof(*listeners));
	listeners->len = httpd->listener_len;
	for (size_t i = 0; i < httpd->listener_len; i++) {
		struct proxy_listener *listener = &listeners->at[i];

		listener->listeners = listeners;
		listener->rules = &httpd->listeners[i];
		listener->socket.fd = -1;
		jp_listener_format(
		    listener->rules, settings->run_dir, listener->text);
		listener->tcp = listener->text[0] != '/';
	}
}

/* ---- passed by the service manager ---- */

/* Whether nobody on another host can reach it. */
static bool
is_local(const struct sockaddr_storage *address)
{
	const struct sockaddr_in *v4 = (const void *)address;
	const struct sockaddr_in6 *v6 = (const void *)address;

	switch (address->ss_family) {
	case AF_UNIX:
		return true;
	case AF_INET:
		return ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	case AF_INET6:
		return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
	default:
		return false;
	}
}

static const char *
last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

static bool
has_path(const struct proxy_listener *listener, const char *path, bool whole)
{
	return !listener->tcp &&
	       strcmp(whole ? listener->text : last_part(listener->text),
	           whole ? path : last_part(path)) == 0;
}

/* The listener of a passed Unix socket: the same path goes before the same
 * name. */
static struct proxy_listener *
of_path(struct proxy_listeners *listeners, const char *path)
{
	for (int whole = 1; path[0] == '/' && whole >= 0; whole--)
		for (size_t i = 0; i < listeners->len; i++)
			if (has_path(&listeners->at[i], path, whole != 0))
				return &listeners->at[i];
	return NULL;
}

static bool
has_address(const struct proxy_listener *listener,
    const struct sockaddr_storage *address)
{
	struct sockaddr_storage own;
	socklen_t len;

	memset(&own, 0, sizeof(own));
	return listener->tcp &&
	       jp_listen_parse(listener->text, &own, &len) == JP_ERR_OK &&
	       memcmp(&own, address, sizeof(own)) == 0;
}

/* The same of a TCP socket; what it is called goes before its address. */
static struct proxy_listener *
of_name(struct proxy_listeners *listeners, int place,
    const struct sockaddr_storage *address)
{
	char name[JP_LISTENER_NAME_MAX + 2];

	jp_passed_name(place, name, sizeof(name));
	for (size_t i = 0; i < listeners->len; i++)
		if (listeners->at[i].tcp &&
		    strcmp(listeners->at[i].rules->name, name) == 0)
			return &listeners->at[i];
	for (size_t i = 0; i < listeners->len; i++)
		if (has_address(&listeners->at[i], address))
			return &listeners->at[i];
	return NULL;
}

static enum jp_err
inherit(struct proxy_listeners *listeners, int place, struct jp_why *why)
{
	int fd = JP_PASSED_FIRST + place;
	struct sockaddr_storage address;
	const struct sockaddr_un *at = (const void *)&address;
	const char *path;
	struct proxy_listener *listener;

	if (jp_listening_type(fd, &address) != SOCK_STREAM)
		return jp_why(why, JP_ERR_CONFIG,
		    "passed descriptor %d is not a listening stream socket",
		    fd);
	if (!is_local(&address))
		return jp_why(why, JP_ERR_CONFIG,
		    "passed descriptor %d can be reached from other hosts: "
		    "only 127.0.0.1 and [::1] are allowed",
		    fd);
	path = address.ss_family == AF_UNIX ? at->sun_path : "";
	listener = path[0] != '\0' ? of_path(listeners, path)
	                           : of_name(listeners, place, &address);
	if (listener == NULL || listener->socket.fd >= 0)
		return jp_why(why, JP_ERR_CONFIG,
		    "passed descriptor %d belongs to no listener: its path "
		    "ends with the file name of one, or, over TCP, "
		    "FileDescriptorName= is the name of a [listener NAME]",
		    fd);
	return jp_passed_take(fd, path, &listener->socket, why);
}

enum jp_err
proxy_listeners_inherit(struct proxy_listeners *listeners, struct jp_why *why)
{
	int count = jp_passed_count();
	enum jp_err err = JP_ERR_OK;

	for (int i = 0; err == JP_ERR_OK && i < count; i++)
		err = inherit(listeners, i, why);
	return err;
}

/* ---- made here ---- */

static enum jp_err
bind_unix(struct proxy_listener *listener, struct jp_why *why)
{
	const struct jp_unix_plan plan = { .path = listener->text,
		.type = SOCK_STREAM,
		.mode = 0666,
		.holder = "pat-httpd",
		.no_bind = "its directory cannot be written" };
	struct jp_why cause = { .text = "" };
	enum jp_err err = jp_listen_unix(&plan, &listener->socket, &cause);

	if (err == JP_ERR_PERMISSION)
		return jp_why(why, err,
		    "%s; pat-httpd binds its sockets if it is started as "
		    "root, or gets them from systemd: pat-httpd-http.socket, "
		    "pat-httpd-fcgi.socket",
		    cause.text);
	if (err == JP_ERR_MISSING)
		return jp_why(why, err,
		    "%s; start patd first, which makes the directory",
		    cause.text);
	return err == JP_ERR_OK ? err : jp_why(why, err, "%s", cause.text);
}

static enum jp_err
bind_one(struct proxy_listener *listener, struct jp_why *why)
{
	struct jp_why cause = { .text = "" };
	struct sockaddr_storage address;
	socklen_t len;
	enum jp_err err;

	if (!listener->tcp)
		return bind_unix(listener, why);
	if (jp_listen_parse(listener->text, &address, &len) != JP_ERR_OK)
		return jp_why(why, JP_ERR_CONFIG, "[listener %s] listen: %s",
		    listener->rules->name, listener->text);
	err = jp_listen_tcp((const struct sockaddr *)&address, len,
	    listener->text, &listener->socket, &cause);
	if (err == JP_ERR_PERMISSION)
		return jp_why(why, err,
		    "%s; below 1024 start pat-httpd as root, or have systemd "
		    "pass the socket, as examples/systemd/"
		    "pat-httpd-apache.socket does",
		    cause.text);
	return err == JP_ERR_OK ? err : jp_why(why, err, "%s", cause.text);
}

enum jp_err
proxy_listeners_bind(struct proxy_listeners *listeners, struct jp_why *why)
{
	enum jp_err err = JP_ERR_OK;

	for (size_t i = 0; err == JP_ERR_OK && i < listeners->len; i++)
		if (listeners->at[i].socket.fd < 0)
			err = bind_one(&listeners->at[i], why);
	return err;
}

void
proxy_listeners_close(struct proxy_listeners *listeners)
{
	for (size_t i = 0; i < listeners->len; i++) {
		struct proxy_listener *listener = &listeners->at[i];

		if (listener->watch.fd > 0 && listeners->service != NULL)
			reactor_remove(
			    &listeners->service->reactor, &listener->watch);
		jp_listening_close(&listener->socket, listener->text);
	}
	reactor_disarm(&listeners->pause);
	listeners->len = 0;
}

/* ---- who comes in ---- */

static void
refuse(struct proxy_listener *listener, int fd, uid_t uid, const char *reason,
    enum answer_kind kind)
{
	struct service *service = listener->listeners->service;

	service->counts.refused[kind == ANSWER_PEER ? COUNTS_REFUSED_NOT_ALLOWED
	                                            : COUNTS_REFUSED_NO_ROOM]++;
	proxy_conns_log_refused(&service->conns, uid, reason);
	fronts[listener->rules->protocol].refuse(fd, kind);
	(void)close(fd);
}

/* Also who may name users, but to the page alone. */
static bool
may_come(const struct proxy_listener *listener, int fd, uid_t uid)
{
	const struct service *service = listener->listeners->service;

	return jp_acl_may_verify(service->acl, fd, uid) ||
	       (listener->rules->protocol == JP_LISTENER_HTTP &&
	           serve_trusts(&service->site, uid));
}

static void
welcome(struct proxy_listener *listener, int fd)
{
	struct service *service = listener->listeners->service;
	const enum jp_listener_protocol protocol = listener->rules->protocol;
	uid_t uid = PROXY_NO_UID;
	const int on = 1;
	const char *reason;

	if (listener->tcp) {
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	} else if (!jp_peer_uid(fd, &uid)) {
		(void)close(fd);
		return;
	} else if (!may_come(listener, fd, uid)) {
		refuse(listener, fd, uid,
		    "not allowed to ask: see allow_users in "
		    "[pat-httpd], trusted_peers in [self_service]",
		    ANSWER_PEER);
		return;
	}
	reason = proxy_conns_objection(
	    &service->conns, uid, protocol == JP_LISTENER_METRICS);
	if (reason != NULL) {
		refuse(listener, fd, uid, reason, ANSWER_UNAVAILABLE);
		return;
	}
	service->counts.of[protocol].taken++;
	fronts[protocol].take(service, fd, uid, listener->rules);
}

static bool
watch_all(struct proxy_listeners *listeners, uint32_t events)
{
	bool done = true;

	for (size_t i = 0; i < listeners->len; i++)
		done &= reactor_change(&listeners->service->reactor,
		    &listeners->at[i].watch, events);
	return done;
}

/*
 * No descriptor or no memory for another connection: it stays in the backlog
 * for a while. To try at once would only burn the processor.
 */
static void
on_accept_error(struct proxy_listeners *listeners, int errnum)
{
	struct reactor *reactor = &listeners->service->reactor;

	if (errnum != EMFILE && errnum != ENFILE && errnum != ENOBUFS &&
	    errnum != ENOMEM)
		return;
	jp_log(LOG_ERR, "cannot accept: %s", strerror(errnum));
	(void)watch_all(listeners, 0);
	reactor_arm(reactor, &listeners->pause, reactor->now_ms + PAUSE_MS);
}

static void
on_pause_over(struct reactor_timer *timer)
{
	struct proxy_listeners *listeners =
	    REACTOR_OWNER(timer, struct proxy_listeners, pause);

	if (!watch_all(listeners, EPOLLIN))
		reactor_arm(&listeners->service->reactor, timer,
		    listeners->service->reactor.now_ms + PAUSE_MS);
}

static void
accept_some(struct proxy_listener *listener, int max)
{
	int fd;

	while (max-- > 0) {
		fd = accept4(listener->socket.fd, NULL, NULL,
		    SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0) {
			on_accept_error(listener->listeners, errno);
			return;
		}
		welcome(listener, fd);
	}
}

static void
on_ready(struct reactor_watch *watch, uint32_t events)
{
	struct proxy_listener *listener =
	    REACTOR_OWNER(watch, struct proxy_listener, watch);

	(void)events;
	accept_some(listener, ACCEPTS_MAX);
}

enum jp_err
proxy_listeners_start(struct proxy_listeners *listeners,
    struct service *service, struct jp_why *why)
{
	listeners->service = service;
	listeners->pause.due = on_pause_over;
	for (size_t i = 0; i < listeners->len; i++) {
		struct proxy_listener *listener = &listeners->at[i];

		listener->watch =
		    (struct reactor_watch){ listener->socket.fd, on_ready };
		if (!reactor_add(&service->reactor, &listener->watch, EPOLLIN))
			return jp_why(why, jp_err_from_errno(errno),
			    "cannot watch %s: %s", listener->text,
			    strerror(errno));
	}
	return JP_ERR_OK;
}

void
proxy_listeners_take_last(struct proxy_listeners *listeners)
{
	for (size_t i = 0; i < listeners->len; i++)
		accept_some(&listeners->at[i], LAST_MAX);
}
