/*
 * The connection to the host: to the patd of this machine on its cluster.sock,
 * again and again; or to the pat-admin that has started us, once. Messages are
 * those of common/cluster/link.h. Nothing here waits: what the host does not
 * take yet is kept, and the owner looks at `backlog` before it makes more.
 */
#ifndef HOST_H
#define HOST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/cluster/link.h"

enum {
	HOST_UIDS_MAX = 3,
	HOST_BACKLOG = 1 << 20, /* bytes, from which on no more is made */
};

struct host_events {
	void (*opened)(void *arg);
	/* An error ends the connection; `why` says what is wrong. */
	enum jp_err (*took)(void *arg, const struct jp_link_msg *msg,
	    const uint8_t *bytes, struct jp_why *why);
	void (*closed)(void *arg);
	void *arg;
};

struct host_message;

struct host {
	const char *path;          /* NULL: no second connection */
	uid_t uids[HOST_UIDS_MAX]; /* who may be there; */
	size_t uid_len;            /* 0: whoever is */
	struct host_events events;
	int fd; /* -1: none */
	int64_t due_ms;
	bool complained; /* about what is wrong at `path` */
	bool broken;     /* nothing more can be sent */
	struct jp_link_reader reader;
	struct host_message *first, *last;
	size_t backlog; /* bytes */
};

/* To the socket at `path`, which belongs to one of `uids`. */
void host_make(struct host *host, const char *path, const uid_t *uids,
    size_t uid_len, const struct host_events *events);

/* Over `fd`, which it takes. */
void host_adopt(struct host *host, int fd);

/*
 * Queues it with its bytes. JP_ERR_INVALID and JP_ERR_TOO_LONG: it is no
 * message; anything else that goes wrong ends the connection.
 */
enum jp_err host_send(
    struct host *host, const struct jp_link_msg *msg, const uint8_t *bytes);

/* Ends the connection; at `path` there will be another one. */
void host_close(struct host *host, int64_t now_ms);

/* For poll(2), and after it. */
short host_poll(const struct host *host);
int64_t host_due(const struct host *host);
void host_step(struct host *host, short ready, int64_t now_ms);

#endif
