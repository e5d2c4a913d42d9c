/*
 * Whole connections to pat-httpd, with the HTTP library in it:
 *
 *     which listener: `h` HTTP on a Unix socket, of somebody who may name
 * users; `o` the same, of another; `t` HTTP over TCP; `f` FastCGI; `m` metrics
 *     what patd answers on verify.sock, a letter for each question (below)
 *     the same on admin.sock
 *     how it comes: `!` is its end, `~` are six seconds, `|` hangs up, at `d`
 *         pat-httpd begins to stop, at `e` it ends; all else is a number of
 *         bytes
 *     all bytes
 *
 * Nobody is named whom patd has not accepted; no token goes back to a proxy;
 * what FastCGI gets are records; no connection stays, and none is left when it
 * stops.
 */
#include "config.h"

#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/wire/client.h"
#include "pat_httpd/fcgi.h"
#include "pat_httpd/fcgi_wire.h"
#include "pat_httpd/http.h"
#include "tests/fuzz/quiet_log.h"
#include "tests/fuzz/script.h"
#include "tests/loop_peer.h"

/* Another one, which patd has just made. */
#define NEW_TOKEN "jpat_D4oBwk0S_abcdefghijklmnopqrstuvwxyz0123456789"

/* What alice has stored for the server behind it. */
#define UPSTREAM "Bearer up"

enum {
	TURNS = 8,  /* until what came is answered, or waits */
	PASSES = 6, /* of PASS_MS: until nothing waits any more */
	PASS_MS = 80000,
	LINKS_MAX = 64,
	OTHER_UID = 33,
};

static const char configuration[] =
    "[pat-httpd]\nuser_header = X-Remote-User\n"
    "[service jira]\nscope = write\n"
    "read_scope = read\n"
    "preflight = allow\nupstream = yes\n"
    "[service closed]\nscope = write\n"
    "deny_paths = /secret/*\n[service *]\nscope = write\n"
    "[self_service]\ntrusted_peers = root\n"
    "url = https://jira.example.com/tokens\n"
    "auth_time_header = X-Auth-Time\n"
    "admin_group = staff\n";

static struct service service;
static struct jp_settings settings;
static int64_t now = 1800000000;

/* ---- patd ---- */

/* One end of each connection to it. */
static struct link {
	struct reactor_watch watch; /* `fd` -1: closed */
	bool admin;
} links[LINKS_MAX];
static size_t link_len;
static struct script_text verdicts, results;
static size_t asked, ordered, accepted;

/* The letter for the i-th question; behind the last one, `+`. */
static char
letter(const struct script_text *text, size_t i)
{
	return i < text->len ? text->text[i] : '+';
}

static void
hang_up(struct link *link)
{
	loop_peer_end(&service.reactor, &link->watch);
}

static void
send_bytes(const struct link *link, const void *bytes, size_t len)
{
	(void)send(link->watch.fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* `-` says nothing, `h` and `x` end the connection; all others deny. */
static const struct verdict {
	char letter;
	enum jp_verdict verdict;
	enum jp_denial denial;
	bool names; /* the user, and the token's id */
	const char *upstream;
} table[] = {
	{ '+', JP_ACCEPT, JP_DENIAL_CREDENTIALS, true, "" },
	{ '^', JP_ACCEPT, JP_DENIAL_CREDENTIALS, true, UPSTREAM },
	{ 'r', JP_DENY, JP_DENIAL_RIGHTS, true, "" },
	{ 't', JP_DENY, JP_DENIAL_THROTTLED, false, "" },
	{ 'u', JP_UNAVAILABLE, JP_DENIAL_CREDENTIALS, false, "" },
	{ '0', JP_DENY, JP_DENIAL_CREDENTIALS, false, "" },
};

static const struct verdict *
find_verdict(char how)
{
	size_t i = 0, last = sizeof(table) / sizeof(table[0]) - 1;

	while (i < last && table[i].letter != how)
		i++;
	return &table[i];
}

static void
send_verdict(const struct link *link, const struct jp_request *request,
    const struct verdict *verdict)
{
	struct jp_reply reply = { .detailed = true,
		.verdict = verdict->verdict,
		.denial = verdict->denial,
		.seq = request->seq };
	const char *user = request->user[0] != '\0' ? request->user : "alice";
	uint8_t bytes[JP_REPLY_MAX];
	size_t len;

	if (verdict->names) {
		(void)strcpy(reply.id, "D4oBwk0S");
		(void)strcpy(reply.user, user);
	}
	(void)jp_secret_set(
	    &reply.upstream, verdict->upstream, strlen(verdict->upstream));
	accepted += verdict->verdict == JP_ACCEPT;
	jp_reply_encode(&reply, bytes, &len);
	send_bytes(link, bytes, len);
}

static void
answer(struct link *link, const uint8_t *bytes, size_t len)
{
	char how = letter(&verdicts, asked++);
	struct jp_request request;

	FUZZ_ASSERT(jp_request_decode(&request, bytes, len) == JP_ERR_OK);
	FUZZ_ASSERT(request.front == JP_FRONT_HTTP && request.detailed);
	if (how == 'x')
		send_bytes(link, "junk", 4);
	if (how == 'x' || how == 'h')
		hang_up(link);
	else if (how != '-')
		send_verdict(link, &request, find_verdict(how));
}

/* A token of alice. */
static void
send_item(const struct link *link)
{
	static struct jp_admin_item item;
	static uint8_t out[JP_ADMIN_MSG_MAX];
	size_t len;

	(void)strcpy(item.record.id, "D4oBwk0S");
	(void)strcpy(item.record.user, "alice");
	(void)strcpy(item.record.name, "<b>&name");
	item.record.created_at = now - 1000;
	item.record.expires_at = now + 100000;
	item.state = JP_STATE_LIVE;
	(void)jp_secret_set(&item.token, NEW_TOKEN, strlen(NEW_TOKEN));
	if (jp_admin_item_encode(&item, out, &len) == JP_ERR_OK)
		send_bytes(link, out, len);
}

static void
carry_out(struct link *link, const uint8_t *bytes, size_t len)
{
	static struct jp_admin_request request;
	char how = letter(&results, ordered++);
	struct jp_why why = { .text = "no" };
	enum jp_err err = how == 'n'   ? JP_ERR_REFUSED
	                  : how == 'm' ? JP_ERR_NOT_FOUND
	                  : how == 'p' ? JP_ERR_PERMISSION
	                               : JP_ERR_OK;
	uint8_t out[JP_REPLY_MAX];

	FUZZ_ASSERT(
	    jp_admin_request_decode(&request, bytes, len, &why) == JP_ERR_OK);
	if (how == '-')
		return;
	if (how == 'i' || how == 'j')
		send_item(link);
	if (how == 'h' || how == 'x' || how == 'j') {
		send_bytes(link, "junk", how == 'x' ? 4 : 0);
		hang_up(link);
		return;
	}
	if (jp_admin_end_encode(err, &why, out, &len) == JP_ERR_OK)
		send_bytes(link, out, len);
}

static void
hear(struct reactor_watch *watch, const uint8_t *bytes, size_t len)
{
	struct link *link = REACTOR_OWNER(watch, struct link, watch);

	(link->admin ? carry_out : answer)(link, bytes, len);
}

static void
gone(struct reactor_watch *watch)
{
	hang_up(REACTOR_OWNER(watch, struct link, watch));
}

static void
on_question(struct reactor_watch *watch, uint32_t events)
{
	static uint8_t bytes[JP_ADMIN_MSG_MAX];

	(void)events;
	loop_peer_read(watch, bytes, sizeof(bytes), hear, gone);
}

/* In place of that of libjp: patd is in here. */
FUZZ_WRAP(enum jp_err, jp_client_connect, const char *path, int64_t deadline_ms,
    int *fd)
{
	struct link *link = &links[link_len];
	int pair[2];

	(void)deadline_ms;
	*fd = -1;
	if (link_len == LINKS_MAX)
		return JP_ERR_UNREACHABLE;
	link_len++;
	FUZZ_ASSERT(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) == 0);
	link->admin = strstr(path, "admin.sock") != NULL;
	link->watch = (struct reactor_watch){ pair[0], on_question };
	FUZZ_ASSERT(reactor_add(&service.reactor, &link->watch, EPOLLIN));
	*fd = pair[1];
	return JP_ERR_OK;
}

/* ---- the loop ---- */

static struct reactor_watch ticker; /* always ready */
static unsigned int turns_left;

static void
on_tick(struct reactor_watch *watch, uint32_t events)
{
	(void)watch;
	(void)events;
	if (--turns_left == 0)
		service.reactor.stop = true;
}

static void
run_on(void)
{
	turns_left = TURNS;
	service.reactor.stop = false;
	FUZZ_ASSERT(reactor_run(&service.reactor) == JP_ERR_OK);
}

/* What waits so long comes to its end. */
static void
pass(int64_t ms)
{
	for (struct reactor_timer *timer = service.reactor.timers;
	     timer != NULL; timer = timer->next)
		timer->at_ms -= ms;
	if (service.reactor.next_ms != INT64_MAX)
		service.reactor.next_ms -= ms;
	run_on();
}

static int64_t
now_of(void *arg)
{
	return *(const int64_t *)arg;
}

static void
on_drained(struct proxy_conns *conns)
{
	(void)conns;
}

static void
start(void)
{
	static const struct jp_clock clock = { now_of, &now };
	static const struct jp_acl acl;

	memset(&service, 0, sizeof(service));
	link_len = asked = ordered = accepted = 0;
	FUZZ_ASSERT(reactor_make(&service.reactor) == JP_ERR_OK);
	patd_link_make(&service.link, &service.reactor, "/verify.sock");
	admin_link_make(&service.admin, &service.reactor, "/admin.sock");
	service.authorizer =
	    (struct authorizer){ .settings = &settings, .link = &service.link };
	service.site = (struct site){ .settings = &settings,
		.clock = &clock,
		.link = &service.link,
		.admin = &service.admin,
		.trusted_len = 1 };
	service.acl = &acl;
	FUZZ_ASSERT(proxy_conns_make(&service.conns, 8, 8) == JP_ERR_OK);
	service.conns.drained = on_drained;
	FUZZ_ASSERT(http_make(&service) == JP_ERR_OK);
	ticker = (struct reactor_watch){ eventfd(1, EFD_CLOEXEC), on_tick };
	FUZZ_ASSERT(reactor_add(&service.reactor, &ticker, EPOLLIN));
}

/* As pat-httpd does; some may still ask. */
static void
stop(void)
{
	proxy_conns_end(&service.conns);
	http_free(service.http);
	FUZZ_ASSERT(service.conns.len == 0 && service.conns.watchers == 0);
	patd_link_free(&service.link);
	admin_link_free(&service.admin);
	proxy_conns_free(&service.conns);
	for (size_t i = 0; i < link_len; i++)
		hang_up(&links[i]);
	(void)close(ticker.fd);
	reactor_free(&service.reactor);
	FUZZ_ASSERT(service.site.body_bytes == 0);
}

/* ---- who asks ---- */

static int peer;
static struct said {
	char bytes[1 << 18];
	size_t len;
} said;

static void
listen_to_it(void)
{
	ssize_t got;

	do {
		got = recv(peer, said.bytes + said.len,
		    sizeof(said.bytes) - 1 - said.len, MSG_DONTWAIT);
		if (got > 0)
			said.len += (size_t)got;
	} while (got > 0);
	said.bytes[said.len] = '\0';
}

static void
connect_as(char how)
{
	static struct jp_listener listener;
	uid_t uid = how == 'h' ? 0 : how == 't' ? PROXY_NO_UID : OTHER_UID;
	int pair[2];

	FUZZ_ASSERT(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
	peer = pair[1];
	listener = (struct jp_listener){ .name = "fuzz",
		.protocol = how == 'f'   ? JP_LISTENER_FCGI
		            : how == 'm' ? JP_LISTENER_METRICS
		                         : JP_LISTENER_HTTP };
	(how == 'f' ? fcgi_take : http_take)(&service, pair[0], uid, &listener);
}

static void
send_some(struct script_text *bytes, size_t len)
{
	len = len < bytes->len ? len : bytes->len;
	if (peer >= 0)
		(void)send(peer, bytes->text, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	bytes->text += len;
	bytes->len -= len;
}

static void
happen(char what, struct script_text *bytes)
{
	if (what == '~')
		pass(6000);
	else if (what == 'd')
		proxy_conns_drain(&service.conns);
	else if (what == '!')
		(void)shutdown(peer, SHUT_WR);
	else if (what == '|' && peer >= 0) {
		listen_to_it();
		(void)close(peer);
		peer = -1;
	} else
		send_some(bytes, (unsigned char)what);
	run_on();
}

/* ---- what it promises ---- */

static size_t
times(const char *text)
{
	const char *at = said.bytes, *end = at + said.len;
	size_t count = 0;

	while (
	    (at = memmem(at, (size_t)(end - at), text, strlen(text))) != NULL) {
		count++;
		at += strlen(text);
	}
	return count;
}

/* An answer may have been cut off. */
static void
check_records(void)
{
	const uint8_t *bytes = (const uint8_t *)said.bytes;

	for (size_t at = 0; at + FCGI_HEADER_LEN <= said.len;
	     at += FCGI_HEADER_LEN + (size_t)(bytes[at + 4] << 8) +
	           bytes[at + 5] + bytes[at + 6]) {
		FUZZ_ASSERT(bytes[at] == 1);
		FUZZ_ASSERT(strchr("\3\6\12\13", bytes[at + 1]) != NULL);
	}
}

static void
check_what_was_said(char how)
{
	FUZZ_ASSERT(
	    times("\nX-Remote-User: ") + times("REMOTE_USER: ") <= accepted);
	FUZZ_ASSERT(times(UPSTREAM) <= accepted);
	if (said.len == 0)
		return;
	if (how == 'f')
		check_records();
	else
		FUZZ_ASSERT(strncmp(said.bytes, "HTTP/1.1 ", 9) == 0);
	FUZZ_ASSERT(times(FUZZ_TOKEN) == 0);
}

/* ---- a run ---- */

static void
load_settings(void)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct jp_why why;
	char path[64];

	FUZZ_ASSERT(fd >= 0 && fchmod(fd, 0600) == 0);
	FUZZ_ASSERT(write(fd, configuration, sizeof(configuration) - 1) ==
	            (ssize_t)sizeof(configuration) - 1);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	FUZZ_ASSERT(jp_settings_load(path, &settings, &why) == JP_ERR_OK);
	(void)close(fd);
}

/* All that waits has its end: nobody stays connected. */
static void
wait_for_the_end(void)
{
	for (int i = 0; i < PASSES; i++) {
		if (peer >= 0)
			listen_to_it();
		pass(PASS_MS);
	}
	FUZZ_ASSERT(service.conns.len == 0 && service.conns.watchers == 0);
}

static void
run(char how, struct script_text events, struct script_text bytes)
{
	size_t i = 0;

	start();
	said.len = 0;
	connect_as(how);
	for (; i < events.len && events.text[i] != 'e'; i++)
		happen(events.text[i], &bytes);
	if (i == events.len) {
		send_some(&bytes, bytes.len);
		run_on();
		wait_for_the_end();
	}
	stop();
	if (peer >= 0) {
		listen_to_it();
		(void)close(peer);
	}
	check_what_was_said(how);
}

/* The first run shows that the door is not shut to all. */
static void
show_that_it_opens(void)
{
	static const char request[] =
	    "GET /auth/jira HTTP/1.1\r\nHost: h\r\n"
	    "Authorization: Bearer " FUZZ_TOKEN "\r\n\r\n";
	char none[] = "", bytes[sizeof(request)];

	load_settings();
	(void)strcpy(bytes, request);
	verdicts = results = (struct script_text){ none, 0 };
	run('o', verdicts, (struct script_text){ bytes, sizeof(bytes) - 1 });
	FUZZ_ASSERT(strncmp(said.bytes, "HTTP/1.1 200 ", 13) == 0);
	FUZZ_ASSERT(times("\nX-Remote-User: alice\r\n") == 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script script = script_begin(data, size);
	struct script_text how = script_line(&script), events;

	if (settings.file[0] == '\0')
		show_that_it_opens();
	verdicts = script_line(&script);
	results = script_line(&script);
	events = script_line(&script);
	if (events.len < 32)
		run(how.text[0], events, script_rest(&script));
	script_end(&script);
	return 0;
}
