/*
 * A patd for tests of what asks its admin.sock from an event loop: it lives in
 * the same loop, keeps what it hears, and does what the test tells it.
 */
#ifndef JP_TESTS_LOOP_ADMIN_H
#define JP_TESTS_LOOP_ADMIN_H

#include "common/admin/wire.h"
#include "pat_httpd/base/reactor.h"

enum {
	LOOP_ADMIN_CLIENTS_MAX = 64,
	LOOP_ADMIN_HEARD_MAX = 256,
};

struct loop_admin {
	struct reactor *reactor;
	/* On each request, `heard[i]`; NULL: it is only kept. */
	void (*on_heard)(struct loop_admin *admin, size_t i);
	/* A client hangs up; NULL: never mind. */
	void (*on_end)(struct loop_admin *admin);
	bool deaf; /* hangs up on who connects, unread */
	struct reactor_watch listener;
	size_t client_len; /* connections, also those closed */
	size_t open_len;   /* those that are open */
	struct loop_admin_client {
		struct reactor_watch watch; /* `fd` -1: closed */
		struct loop_admin *admin;
	} clients[LOOP_ADMIN_CLIENTS_MAX];
	size_t heard_len;
	struct jp_admin_request heard[LOOP_ADMIN_HEARD_MAX];
	struct loop_admin_client *heard_on[LOOP_ADMIN_HEARD_MAX];
};

/* Listens at `path`, in place of what is there. */
void loop_admin_begin(
    struct loop_admin *admin, struct reactor *reactor, const char *path);

/* Closes all; it can begin again. */
void loop_admin_end(struct loop_admin *admin);

void
loop_admin_hang_up(struct loop_admin *admin, struct loop_admin_client *client);

/* Sends an item, or the end, of request `i`. */
void loop_admin_item(
    struct loop_admin *admin, size_t i, const struct jp_admin_item *item);
void loop_admin_done(
    struct loop_admin *admin, size_t i, enum jp_err result, const char *text);

/* Sends these bytes. */
void loop_admin_babble(
    struct loop_admin *admin, size_t i, const void *bytes, size_t len);

#endif
