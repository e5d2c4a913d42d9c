#include "tests/unit/loop_patd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/loop_peer.h"

void
loop_patd_reply(struct loop_patd *patd, size_t i, const struct jp_reply *reply)
{
	struct jp_reply whole = *reply;
	uint8_t bytes[JP_REPLY_MAX];
	size_t len;

	whole.seq = patd->heard[i].seq;
	jp_reply_encode(&whole, bytes, &len);
	(void)send(patd->heard_on[i]->watch.fd, bytes, len,
	    MSG_NOSIGNAL | MSG_DONTWAIT);
}

void
loop_patd_accept(struct loop_patd *patd, size_t i)
{
	struct jp_reply reply = {
		.verdict = JP_ACCEPT, .detailed = true, .id = "D4oBwk0S"
	};

	(void)jp_field_set(
	    reply.user, sizeof(reply.user), patd->heard[i].token.text);
	loop_patd_reply(patd, i, &reply);
}

void
loop_patd_hang_up(struct loop_patd *patd, struct loop_patd_client *client)
{
	loop_peer_end(patd->reactor, &client->watch);
}

static void
hear(struct reactor_watch *watch, const uint8_t *bytes, size_t len)
{
	struct loop_patd_client *client =
	    REACTOR_OWNER(watch, struct loop_patd_client, watch);
	struct loop_patd *patd = client->patd;
	size_t i = patd->heard_len++;

	assert_true(i < LOOP_PATD_HEARD_MAX);
	assert_int_equal(
	    jp_request_decode(&patd->heard[i], bytes, len), JP_ERR_OK);
	patd->heard_on[i] = client;
	if (patd->on_heard != NULL)
		patd->on_heard(patd, i);
}

static void
gone(struct reactor_watch *watch)
{
	struct loop_patd_client *client =
	    REACTOR_OWNER(watch, struct loop_patd_client, watch);

	loop_patd_hang_up(client->patd, client);
}

static void
on_client(struct reactor_watch *watch, uint32_t events)
{
	uint8_t bytes[JP_REQUEST_MAX];

	(void)events;
	loop_peer_read(watch, bytes, sizeof(bytes), hear, gone);
}

static void
on_listener(struct reactor_watch *watch, uint32_t events)
{
	struct loop_patd *patd =
	    REACTOR_OWNER(watch, struct loop_patd, listener);
	struct loop_patd_client *client = &patd->clients[patd->client_len];

	(void)events;
	assert_true(patd->client_len < LOOP_PATD_CLIENTS_MAX);
	client->patd = patd;
	client->watch = (struct reactor_watch){
		.fd = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC),
		.ready = on_client,
	};
	assert_true(client->watch.fd >= 0);
	patd->client_len++;
	assert_true(reactor_add(patd->reactor, &client->watch, EPOLLIN));
}

void
loop_patd_begin(
    struct loop_patd *patd, struct reactor *reactor, const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	memset(patd, 0, sizeof(*patd));
	patd->reactor = reactor;
	patd->listener = (struct reactor_watch){
		.fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0),
		.ready = on_listener,
	};
	(void)jp_field_set(addr.sun_path, sizeof(addr.sun_path), path);
	(void)unlink(path);
	assert_int_equal(
	    bind(patd->listener.fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(patd->listener.fd, 16), 0);
	assert_true(reactor_add(reactor, &patd->listener, EPOLLIN));
}

void
loop_patd_end(struct loop_patd *patd)
{
	loop_peer_end(patd->reactor, &patd->listener);
	for (size_t i = 0; i < patd->client_len; i++)
		loop_peer_end(patd->reactor, &patd->clients[i].watch);
}

char loop_patd_path[96];
static char scratch[64];

int
loop_patd_make_scratch(void **unused)
{
	(void)unused;
	(void)snprintf(scratch, sizeof(scratch), "/tmp/jp-loop-XXXXXX");
	assert_non_null(mkdtemp(scratch));
	(void)snprintf(
	    loop_patd_path, sizeof(loop_patd_path), "%s/verify.sock", scratch);
	return 0;
}

int
loop_patd_remove_scratch(void **unused)
{
	(void)unused;
	return rmdir(scratch);
}
