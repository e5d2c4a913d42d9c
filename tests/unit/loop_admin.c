#include "tests/unit/loop_admin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/loop_peer.h"

static uint8_t bytes[JP_ADMIN_MSG_MAX];

void
loop_admin_babble(
    struct loop_admin *admin, size_t i, const void *text, size_t len)
{
	(void)send(admin->heard_on[i]->watch.fd, text, len,
	    MSG_NOSIGNAL | MSG_DONTWAIT);
}

void
loop_admin_item(
    struct loop_admin *admin, size_t i, const struct jp_admin_item *item)
{
	size_t len;

	assert_int_equal(jp_admin_item_encode(item, bytes, &len), JP_ERR_OK);
	loop_admin_babble(admin, i, bytes, len);
}

void
loop_admin_done(
    struct loop_admin *admin, size_t i, enum jp_err result, const char *text)
{
	struct jp_why why = { .text = "" };
	size_t len;

	(void)jp_why(&why, result, "%s", text);
	assert_int_equal(
	    jp_admin_end_encode(result, &why, bytes, &len), JP_ERR_OK);
	loop_admin_babble(admin, i, bytes, len);
}

void
loop_admin_hang_up(struct loop_admin *admin, struct loop_admin_client *client)
{
	admin->open_len -= client->watch.fd >= 0;
	loop_peer_end(admin->reactor, &client->watch);
}

static void
hear(struct reactor_watch *watch, const uint8_t *message, size_t len)
{
	struct loop_admin_client *client =
	    REACTOR_OWNER(watch, struct loop_admin_client, watch);
	struct loop_admin *admin = client->admin;
	size_t i = admin->heard_len++;
	struct jp_why why = { .text = "" };

	assert_true(i < LOOP_ADMIN_HEARD_MAX);
	assert_int_equal(
	    jp_admin_request_decode(&admin->heard[i], message, len, &why),
	    JP_ERR_OK);
	admin->heard_on[i] = client;
	if (admin->on_heard != NULL)
		admin->on_heard(admin, i);
}

static void
gone(struct reactor_watch *watch)
{
	struct loop_admin_client *client =
	    REACTOR_OWNER(watch, struct loop_admin_client, watch);
	struct loop_admin *admin = client->admin;

	loop_admin_hang_up(admin, client);
	if (admin->on_end != NULL)
		admin->on_end(admin);
}

static void
on_client(struct reactor_watch *watch, uint32_t events)
{
	(void)events;
	loop_peer_read(watch, bytes, sizeof(bytes), hear, gone);
}

static void
on_listener(struct reactor_watch *watch, uint32_t events)
{
	struct loop_admin *admin =
	    REACTOR_OWNER(watch, struct loop_admin, listener);
	struct loop_admin_client *client = &admin->clients[admin->client_len];

	(void)events;
	assert_true(admin->client_len < LOOP_ADMIN_CLIENTS_MAX);
	client->admin = admin;
	client->watch = (struct reactor_watch){
		.fd = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC),
		.ready = on_client,
	};
	assert_true(client->watch.fd >= 0);
	admin->client_len++;
	if (admin->deaf) {
		(void)close(client->watch.fd);
		client->watch.fd = -1;
		return;
	}
	admin->open_len++;
	assert_true(reactor_add(admin->reactor, &client->watch, EPOLLIN));
}

void
loop_admin_begin(
    struct loop_admin *admin, struct reactor *reactor, const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	memset(admin, 0, sizeof(*admin));
	admin->reactor = reactor;
	admin->listener = (struct reactor_watch){
		.fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0),
		.ready = on_listener,
	};
	(void)jp_field_set(addr.sun_path, sizeof(addr.sun_path), path);
	(void)unlink(path);
	assert_int_equal(
	    bind(admin->listener.fd, (struct sockaddr *)&addr, sizeof(addr)),
	    0);
	assert_int_equal(listen(admin->listener.fd, 16), 0);
	assert_true(reactor_add(reactor, &admin->listener, EPOLLIN));
}

void
loop_admin_end(struct loop_admin *admin)
{
	loop_peer_end(admin->reactor, &admin->listener);
	for (size_t i = 0; i < admin->client_len; i++)
		loop_admin_hang_up(admin, &admin->clients[i]);
}
