/*
 * Whole connections to patd, with its questions, its worker, and a store in
 * memory that holds one token, of alice:
 *
 *     the front: `v` the verify protocol, `m` that of saslauthd
 *     how it comes: `!` is its end, `~` is a minute, `|` hangs up, `+` waits
 * for the answers; all else is a number of bytes, or of a message all bytes
 *
 * Accepted is nobody but alice, by that token, and no more often than it came;
 * each answer is whole; a client of saslauthd gets just one; nothing stays
 * behind.
 */
#include "config.h"

#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/record/pepper.h"
#include "common/record/argon2.h"
#include "common/wire/saslauthd.h"
#include "common/wire/token.h"
#include "patd/questions.h"
#include "tests/fuzz/quiet_log.h"
#include "tests/fuzz/script.h"
#include "tests/unit/store_mem.h"

enum {
	HANG_MS = 60000, /* only a hang takes so long */
	MINUTE_MS = 60000,
	UID = 1000,
};

static struct jp_core core;
static struct jp_settings settings;
static struct jp_acl acl;
static struct server_options options = {
	.core = &core, .acl = &acl, .settings = &settings
};
static struct loop loop = { .options = &options, .late_ms = INT64_MAX };
extern const struct front front_verify, front_saslauthd;

/* ---- patd ---- */

static int64_t
noon(void *arg)
{
	(void)arg;
	return 1800000000;
}

static void
store_token(void)
{
	const struct jp_cost cost = { 8, 1 };
	struct jp_record record = { .user = "alice", .has_fast_tag = true };
	struct jp_secret secret;
	struct jp_token token;
	const struct jp_change change = { JP_CHANGE_CREATE, &record };

	FUZZ_ASSERT(jp_secret_set(&secret, FUZZ_TOKEN, strlen(FUZZ_TOKEN)) ==
	            JP_ERR_OK);
	FUZZ_ASSERT(
	    jp_token_parse(secret.text, secret.len, &token) == JP_ERR_OK);
	memcpy(record.id, token.id, JP_TOKEN_ID_LEN);
	FUZZ_ASSERT(jp_hash_make(&secret, &cost, record.phc) == JP_ERR_OK);
	jp_pepper_fast_tag(
	    &core.pepper, token.id, token.secret, record.fast_tag);
	FUZZ_ASSERT(jp_store_commit(core.store, &change, 1) == JP_ERR_OK);
}

/* Once: it lasts as long as the process. */
static void
start(void)
{
	static const struct jp_pepper pepper = { { 1, 2, 3 } };
	static const struct jp_clock clock = { noon, NULL };
	struct jp_store *store;

	jp_settings_default(&settings);
	FUZZ_ASSERT(jp_store_mem_open(&store) == JP_ERR_OK);
	FUZZ_ASSERT(jp_core_init(&core, store, &pepper, &settings.policy,
	                &clock) == JP_ERR_OK);
	store_token();
	FUZZ_ASSERT(maintenance_start(&options.maintenance, &core,
	                MAINTENANCE_PERIOD_MS) == JP_ERR_OK);
	loop.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	loop.done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	FUZZ_ASSERT(conns_make(&loop.conns, 4));
	FUZZ_ASSERT(
	    pool_start(&loop.pool, &core, 1, 64, loop.done_fd) == JP_ERR_OK);
	FUZZ_ASSERT(
	    loop_watch(&loop, EPOLL_CTL_ADD, loop.done_fd, LOOP_DONE, EPOLLIN));
}

/* True: something happened. */
static bool
turn(int wait_ms)
{
	struct epoll_event event;

	if (epoll_wait(loop.epoll_fd, &event, 1, wait_ms) != 1)
		return false;
	loop.turn_ns = jp_now_ns();
	if (event.data.u64 == LOOP_DONE)
		questions_on_done(&loop);
	else
		questions_on_conn(&loop, event.data.u64, event.events);
	return true;
}

/* Until all is answered. */
static void
run_on(void)
{
	while (turn(0) || loop.conns.busy > 0 || loop.conns.further > 0)
		if (loop.conns.busy > 0)
			FUZZ_ASSERT(turn(HANG_MS));
}

static void
look(struct loop *all, struct conn *conn)
{
	conn->deadline_ms -= MINUTE_MS;
	questions_look(all, conn);
}

/* ---- who asks ---- */

static int peer;
static bool stream;
static size_t accepted, answered;

static void
connect_to(const struct front *front)
{
	int pair[2];
	uint64_t key;

	stream = front->type == SOCK_STREAM;
	FUZZ_ASSERT(
	    socketpair(AF_UNIX, front->type | SOCK_NONBLOCK, 0, pair) == 0);
	peer = pair[1];
	loop.turn_ns = jp_now_ns();
	guesses_init(&loop.guesses);
	key = conns_add(&loop.conns, pair[0], UID, front);
	conns_find(&loop.conns, key)->deadline_ms = jp_now_ms() + 5000;
	questions_on_conn(&loop, key, 0);
	questions_listen(&loop, key);
}

static void
take_reply(const uint8_t *bytes, size_t len)
{
	struct jp_reply reply;

	answered++;
	if (stream) {
		FUZZ_ASSERT(len == JP_MUX_REPLY_SIZE && bytes[0] == 0);
		FUZZ_ASSERT(memcmp(bytes + 2, "OK", 2) == 0 ||
		            memcmp(bytes + 2, "NO", 2) == 0);
		accepted += bytes[2] == 'O';
		return;
	}
	FUZZ_ASSERT(jp_reply_decode(&reply, bytes, len) == JP_ERR_OK);
	if (reply.verdict == JP_ACCEPT) {
		FUZZ_ASSERT(strcmp(reply.user, "alice") == 0);
		accepted++;
	}
}

static void
hear(void)
{
	uint8_t bytes[4096];
	ssize_t len;

	while (peer >= 0 && (len = recv(peer, bytes, sizeof(bytes), 0)) > 0)
		take_reply(bytes, (size_t)len);
}

static void
send_some(struct script_text *bytes, size_t len)
{
	len = len < bytes->len ? len : bytes->len;
	if (peer >= 0 && len > 0)
		(void)send(peer, bytes->text, len, MSG_NOSIGNAL);
	bytes->text += len;
	bytes->len -= len;
	while (turn(0))
		continue;
}

static void
leave(void)
{
	hear();
	if (peer >= 0)
		(void)close(peer);
	peer = -1;
}

static void
happen(char what, struct script_text *bytes)
{
	if (what == '!' && peer >= 0)
		(void)shutdown(peer, SHUT_WR);
	else if (what == '~')
		loop_each_conn(&loop, look);
	else if (what == '|')
		leave();
	else if (what == '+')
		run_on();
	else
		send_some(bytes, (unsigned char)what);
	hear();
}

/* ---- a run ---- */

static size_t
times(const struct script_text *text, const char *what)
{
	const char *at = text->text, *end = at + text->len;
	size_t count = 0;

	while (
	    (at = memmem(at, (size_t)(end - at), what, strlen(what))) != NULL) {
		count++;
		at += strlen(what);
	}
	return count;
}

static void
run(char how, const struct script_text *events, struct script_text bytes)
{
	size_t came = times(&bytes, FUZZ_TOKEN);
	bool stays = memchr(events->text, '|', events->len) == NULL;

	accepted = answered = 0;
	connect_to(how == 'm' ? &front_saslauthd : &front_verify);
	for (size_t i = 0; i < events->len; i++)
		happen(events->text[i], &bytes);
	send_some(&bytes, stream ? bytes.len : JP_REQUEST_MAX);
	run_on();
	hear();
	loop_each_conn(&loop, look);
	hear();
	FUZZ_ASSERT(accepted <= came);
	if (stream)
		FUZZ_ASSERT(answered == 1 || (!stays && answered == 0));
	leave();
	run_on();
	FUZZ_ASSERT(loop.conns.len == 0 && loop.conns.busy == 0);
	FUZZ_ASSERT(loop.conns.further == 0 && loop.conns.uid_len == 0);
}

/* The first run shows that the door is not shut to all. */
static void
show_that_it_opens(void)
{
	static const char question[] =
	    "\0\5alice\0\62" FUZZ_TOKEN "\0\4imap\0\0";
	char bytes[sizeof(question)], none[] = "";
	const struct script_text nothing = { none, 0 };

	start();
	memcpy(bytes, question, sizeof(question));
	run('m', &nothing, (struct script_text){ bytes, sizeof(question) - 1 });
	FUZZ_ASSERT(accepted == 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script script = script_begin(data, size);
	struct script_text how = script_line(&script);
	struct script_text events = script_line(&script);

	if (core.store == NULL)
		show_that_it_opens();
	if (events.len < 32)
		run(how.text[0], &events, script_rest(&script));
	script_end(&script);
	return 0;
}
