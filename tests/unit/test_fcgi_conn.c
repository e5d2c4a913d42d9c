/*
 * Connections of web servers: pat_httpd/fcgi.c. Web server, pat-httpd and patd
 * of this test live in one event loop; time passes as the test says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/sockios.h>

#include <cmocka.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "pat_httpd/fcgi.h"
#include "pat_httpd/fcgi_wire.h"
#include "tests/unit/loop_patd.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define TOKEN "jpat_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD"

enum { HANG_MS = 60000 }; /* only a hang takes so long */

static struct service service;
static struct jp_settings settings;
static struct jp_listener listener;
static struct loop_patd patd;

static void
accept_as(struct loop_patd *who, size_t i, const char *user)
{
	struct jp_reply reply = {
		.verdict = JP_ACCEPT, .detailed = true, .id = "D4oBwk0S"
	};

	strcpy(reply.user, user);
	loop_patd_reply(who, i, &reply);
}

static void
accept_alice(struct loop_patd *who, size_t i)
{
	accept_as(who, i, "alice");
}

static void
accept_nobody(struct loop_patd *who, size_t i)
{
	accept_as(who, i, "");
}

/* ---- the loop ---- */

static void
on_hang(struct reactor_timer *timer)
{
	(void)timer;
	fail_msg("nothing happens");
}

static struct wish {
	struct reactor_timer timer;
	bool (*fulfilled)(void);
} wish;

static void
on_wish(struct reactor_timer *timer)
{
	if (wish.fulfilled())
		service.reactor.stop = true;
	else /* not again in this turn */
		reactor_arm(
		    &service.reactor, timer, service.reactor.now_ms + 1);
}

static void
run_until(bool (*fulfilled)(void))
{
	struct reactor_timer hang = { .due = on_hang };

	wish.timer.due = on_wish;
	wish.fulfilled = fulfilled;
	service.reactor.stop = false;
	reactor_arm(&service.reactor, &wish.timer, jp_now_ms());
	reactor_arm(&service.reactor, &hang, jp_now_ms() + HANG_MS);
	assert_int_equal(reactor_run(&service.reactor), JP_ERR_OK);
	reactor_disarm(&hang);
}

static unsigned int turns_left;

static bool
turns_are_over(void)
{
	return turns_left-- == 0;
}

/* Time for what is there to be seen, and for what follows from it. */
static void
run_on(void)
{
	turns_left = 5;
	run_until(turns_are_over);
}

/* So many milliseconds pass for all that waits; what is due is done. */
static void
pass(int64_t ms)
{
	run_on();
	for (struct reactor_timer *timer = service.reactor.timers;
	     timer != NULL; timer = timer->next)
		timer->at_ms -= ms;
	service.reactor.next_ms -= ms;
	run_on();
}

/* ---- the web server ---- */

static int peer = -1;
static uint8_t said[1 << 20];
static size_t said_len;
static bool said_all; /* and the end, not a reset */
static size_t wanted;

static void
listen_to_it(void)
{
	ssize_t got;

	do {
		got = recv(peer, said + said_len, sizeof(said) - said_len,
		    MSG_DONTWAIT);
		if (got > 0)
			said_len += (size_t)got;
	} while (got > 0);
	said_all = said_all || got == 0;
}

/* How many records of `type` have come, with their ends. */
static size_t
records(unsigned int type)
{
	size_t count = 0, at = 0, len;

	for (; at + FCGI_HEADER_LEN <= said_len; at += len) {
		len = FCGI_HEADER_LEN +
		      ((size_t)said[at + 4] << 8 | said[at + 5]) + said[at + 6];
		assert_int_equal(said[at], 1);
		count += said[at + 1] == type && at + len <= said_len;
	}
	return count;
}

static bool
answers_are_there(void)
{
	listen_to_it();
	return records(3) >= wanted || said_all;
}

static void
get_answers(size_t count)
{
	wanted = count;
	run_until(answers_are_there);
	assert_int_equal(records(3), count);
}

static bool
end_is_there(void)
{
	listen_to_it();
	return said_all;
}

static bool
all_is_read(void)
{
	int left = 0;

	assert_int_equal(ioctl(peer, SIOCOUTQ, &left), 0);
	return left == 0;
}

static bool
all_have_gone(void)
{
	return service.conns.len == 0;
}

static bool
patd_has_heard(void)
{
	return patd.heard_len >= wanted;
}

static void
get_heard(size_t count)
{
	wanted = count;
	run_until(patd_has_heard);
	assert_int_equal(patd.heard_len, count);
}

/* How often it says so. */
static size_t
times(const char *text)
{
	size_t count = 0, len = strlen(text);
	const uint8_t *at = said;

	while ((at = memmem(at, said_len - (size_t)(at - said), text, len)) !=
	       NULL) {
		count++;
		at += len;
	}
	return count;
}

static void
forget_said(void)
{
	said_len = 0;
}

static uint8_t out[400000];
static size_t out_len;

static void
record(unsigned int type, unsigned int id, const void *content, size_t len)
{
	struct jp_buf buf;

	jp_buf_write(&buf, out + out_len, sizeof(out) - out_len);
	jp_buf_put_u8(&buf, 1);
	jp_buf_put_u8(&buf, (uint8_t)type);
	jp_buf_put_u16(&buf, (uint16_t)id);
	jp_buf_put_u16(&buf, (uint16_t)len);
	jp_buf_put_u16(&buf, 0);
	jp_buf_put_raw(&buf, content, len);
	assert_int_equal(buf.err, JP_ERR_OK);
	out_len += buf.pos;
}

static void
params(unsigned int id, const char *name, const char *value)
{
	uint8_t bytes[300];
	struct jp_buf buf;

	jp_buf_write(&buf, bytes, sizeof(bytes));
	jp_buf_put_u8(&buf, (uint8_t)strlen(name));
	jp_buf_put_u8(&buf, (uint8_t)strlen(value));
	jp_buf_put_raw(&buf, name, strlen(name));
	jp_buf_put_raw(&buf, value, strlen(value));
	assert_int_equal(buf.err, JP_ERR_OK);
	record(4, id, bytes, buf.pos);
}

static void
begin(unsigned int id, unsigned int role, unsigned int flags)
{
	const uint8_t body[8] = { 0, (uint8_t)role, (uint8_t)flags };

	record(1, id, body, sizeof(body));
}

#define KEEP 1

/* A request without its STDIN; a NULL is left out. */
static void
question(unsigned int id, unsigned int flags, const char *authorization)
{
	begin(id, FCGI_RESPONDER, flags);
	params(id, "SCRIPT_NAME", "/auth/jira");
	params(id, "REQUEST_METHOD", "GET");
	params(id, "REQUEST_URI", "/rest/api/2/myself");
	params(id, "REMOTE_ADDR", "192.0.2.7");
	if (authorization != NULL)
		params(id, "HTTP_AUTHORIZATION", authorization);
	record(4, id, "", 0);
}

static void
request(unsigned int id, unsigned int flags, const char *authorization)
{
	question(id, flags, authorization);
	record(5, id, "", 0);
}

static void
send_all(void)
{
	assert_int_equal(
	    send(peer, out, out_len, MSG_NOSIGNAL), (ssize_t)out_len);
	out_len = 0;
}

/* A connection; what was put into `out` comes with it. */
static void
open_peer(void)
{
	int pair[2];

	assert_int_equal(
	    socketpair(
	        AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair),
	    0);
	peer = pair[1];
	said_all = false;
	forget_said();
	send_all();
	fcgi_take(&service, pair[0], 33, &listener);
}

static void
close_peer(void)
{
	if (peer >= 0)
		assert_int_equal(close(peer), 0);
	peer = -1;
}

/* ---- all together ---- */

static void
on_drained(struct proxy_conns *conns)
{
	(void)conns;
}

static int
setup(void **unused)
{
	assert_int_equal(loop_patd_make_scratch(unused), 0);
	jp_settings_default(&settings);
	memset(&listener, 0, sizeof(listener));
	strcpy(listener.name, "fcgi");
	assert_int_equal(reactor_make(&service.reactor), JP_ERR_OK);
	patd_link_make(&service.link, &service.reactor, loop_patd_path);
	service.authorizer =
	    (struct authorizer){ .settings = &settings, .link = &service.link };
	assert_int_equal(proxy_conns_make(&service.conns, 16, 16), JP_ERR_OK);
	service.conns.drained = on_drained;
	loop_patd_begin(&patd, &service.reactor, loop_patd_path);
	patd.on_heard = accept_alice;
	out_len = 0;
	return 0;
}

static int
teardown(void **unused)
{
	close_peer();
	proxy_conns_end(&service.conns);
	proxy_conns_free(&service.conns);
	loop_patd_end(&patd);
	patd_link_free(&service.link);
	reactor_free(&service.reactor);
	assert_int_equal(unlink(loop_patd_path), 0);
	assert_int_equal(loop_patd_remove_scratch(unused), 0);
	return 0;
}

/* ---- requests and answers ---- */

static void
an_accepted_request_names_the_user_and_the_connection_stays(void **unused)
{
	(void)unused;
	for (unsigned int i = 1; i <= 3; i++) {
		request(i, KEEP, "Bearer " TOKEN);
		if (i == 1)
			open_peer();
		else
			send_all();
		get_answers(i);
		assert_int_equal(times("Status: 200\r\n"), i);
		assert_int_equal(times("X-Forwarded-User: alice\r\n"), i);
	}
	assert_false(said_all);
	assert_string_equal(patd.heard[0].service, "jira");
	assert_string_equal(patd.heard[0].rhost, "192.0.2.7");
	assert_string_equal(patd.heard[0].user, "");
	assert_int_equal(patd.heard[0].front, JP_FRONT_HTTP);
}

static void
a_request_is_answered_in_single_bytes(void **unused)
{
	static uint8_t bytes[sizeof(out)];
	size_t len;

	(void)unused;
	request(1, KEEP, "Bearer " TOKEN);
	len = out_len;
	memcpy(bytes, out, len);
	out_len = 0;
	open_peer();
	for (size_t i = 0; i < len; i++) {
		assert_int_equal(send(peer, bytes + i, 1, MSG_NOSIGNAL), 1);
		run_until(all_is_read);
	}
	get_answers(1);
	assert_int_equal(times("Status: 200\r\n"), 1);
}

static void
behind_the_last_answer_comes_the_end(void **unused)
{
	(void)unused;
	request(1, 0, "Bearer " TOKEN);
	open_peer();
	get_answers(1);
	run_until(end_is_there);
	run_until(all_have_gone);

	request(1, 0, NULL);
	open_peer();
	get_answers(1);
	assert_int_equal(times("Status: 401\r\n"), 1);
	run_until(end_is_there);
	run_until(all_have_gone);
}

/* The reset of a socket that is closed unread would overtake the answer. */
static void
a_body_that_comes_late_costs_nobody_the_answer(void **unused)
{
	static const uint8_t body[60000];

	(void)unused;
	question(1, 0, NULL);
	open_peer();
	get_answers(1);
	record(5, 1, body, sizeof(body));
	record(5, 1, "", 0);
	send_all();
	run_until(end_is_there);
	assert_int_equal(shutdown(peer, SHUT_WR), 0);
	run_until(all_have_gone);
}

static void
requests_that_came_together_are_answered_one_after_the_other(void **unused)
{
	(void)unused;
	for (int i = 0; i < 40; i++)
		request(1, KEEP, i % 2 == 0 ? "Bearer " TOKEN : NULL);
	open_peer();
	get_answers(40);
	assert_int_equal(times("Status: 200\r\n"), 20);
	assert_int_equal(times("Status: 401\r\n"), 20);
	assert_int_equal(patd.heard_len, 20);
	assert_false(said_all);
}

static void
what_comes_while_patd_is_asked_waits_unread(void **unused)
{
	(void)unused;
	request(1, KEEP, NULL);
	open_peer();
	get_answers(1);
	patd.on_heard = NULL;
	request(1, KEEP, "Bearer " TOKEN);
	request(1, KEEP, NULL);
	send_all();
	get_heard(1);
	request(1, KEEP, NULL);
	send_all();
	run_on();
	assert_int_equal(records(3), 1);
	accept_alice(&patd, 0);
	get_answers(4);
	assert_int_equal(times("Status: 401\r\n"), 3);
}

static void
a_role_that_is_not_known_is_refused(void **unused)
{
	(void)unused;
	begin(1, 3, KEEP);
	begin(1, 3, 0);
	open_peer();
	get_answers(2);
	assert_int_equal(times("Status"), 0);
	run_on();
	assert_true(end_is_there());
}

static void
a_second_request_beside_an_open_one_is_refused(void **unused)
{
	static const uint8_t refusal[] = { 1, 3, 0, 2, 0, 8, 0, 0, 0, 0, 0, 0,
		1, 0, 0, 0 };

	(void)unused;
	request(1, KEEP, "Bearer " TOKEN);
	request(2, KEEP, "Bearer " TOKEN);
	open_peer();
	get_answers(2);
	assert_memory_equal(said, refusal, sizeof(refusal));
	assert_int_equal(times("Status: 200\r\n"), 1);
	assert_int_equal(patd.heard_len, 1);
	assert_false(said_all);
}

static void
an_authorizer_is_answered_in_variables(void **unused)
{
	(void)unused;
	begin(1, FCGI_AUTHORIZER, 0);
	params(1, "JIRA_PAT_SERVICE", "wiki");
	params(1, "HTTP_AUTHORIZATION", "Bearer " TOKEN);
	record(4, 1, "", 0);
	open_peer();
	get_answers(1);
	assert_int_equal(
	    times("Status: 200\r\nVariable-REMOTE_USER: alice\r\n"), 1);
	assert_int_equal(times("Cache-Control"), 0);
	assert_string_equal(patd.heard[0].service, "wiki");
	run_until(end_is_there);
}

static void
without_a_service_nobody_is_asked(void **unused)
{
	(void)unused;
	begin(1, FCGI_AUTHORIZER, KEEP);
	params(1, "SCRIPT_NAME", "/auth/jira");
	params(1, "HTTP_AUTHORIZATION", "Bearer " TOKEN);
	record(4, 1, "", 0);
	begin(1, FCGI_RESPONDER, KEEP);
	params(1, "JIRA_PAT_SERVICE", "wiki");
	params(1, "HTTP_AUTHORIZATION", "Bearer " TOKEN);
	record(4, 1, "", 0);
	open_peer();
	get_answers(2);
	assert_int_equal(times("Status: 404\r\n"), 2);
	assert_int_equal(patd.heard_len, 0);

	strcpy(listener.service, "jira");
	begin(1, FCGI_AUTHORIZER, KEEP);
	params(1, "HTTP_AUTHORIZATION", "Bearer " TOKEN);
	record(4, 1, "", 0);
	send_all();
	get_answers(3);
	assert_string_equal(patd.heard[0].service, "jira");
}

static void
an_ambiguous_request_is_refused(void **unused)
{
	static const char *const names[] = { "REQUEST_METHOD", "REQUEST_URI",
		"REMOTE_ADDR", "SCRIPT_NAME", "http_authorization" };

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		begin(1, FCGI_RESPONDER, KEEP);
		params(1, names[i], "/auth/jira");
		params(1, "SCRIPT_NAME", "/auth/jira");
		params(1, names[i], "/auth/jira");
		record(4, 1, "", 0);
	}
	begin(1, FCGI_RESPONDER, KEEP);
	params(1, "SCRIPT_NAME", "/auth/jira");
	params(1, "HTTP_AUTHORIZATION", "Bearer " TOKEN);
	params(1, "HTTP_AUTHORIZATION", "Bearer " TOKEN);
	record(4, 1, "", 0);
	open_peer();
	get_answers(COUNT_OF(names) + 1);
	assert_int_equal(times("Status: 403\r\n"), COUNT_OF(names));
	assert_int_equal(times("Status: 401\r\n"), 1);
	assert_int_equal(patd.heard_len, 0);
}

static void
too_many_parameters_are_refused_and_the_connection_ends(void **unused)
{
	static const uint8_t cookie[20000] = { 11, 0x80 | 0, 0, 0x4e, 0x00 };

	(void)unused;
	begin(1, FCGI_RESPONDER, KEEP);
	record(4, 1, cookie, sizeof(cookie));
	open_peer();
	get_answers(1);
	assert_int_equal(times("Status: 431\r\n"), 1);
	run_until(end_is_there);
}

/* ---- what a yes needs ---- */

static void
a_yes_without_a_name_is_a_no(void **unused)
{
	(void)unused;
	patd.on_heard = accept_nobody;
	request(1, KEEP, "Bearer " TOKEN);
	open_peer();
	get_answers(1);
	assert_int_equal(times("Status: "), 1);
	assert_int_equal(times("Status: 200"), 0);
}

static void
leave(struct loop_patd *who, size_t i)
{
	(void)i;
	loop_patd_end(who);
	(void)unlink(loop_patd_path);
}

static void
without_patd_it_is_503_and_recovers(void **unused)
{
	(void)unused;
	patd.on_heard = leave;
	request(1, KEEP, "Bearer " TOKEN);
	open_peer();
	get_answers(1);
	assert_int_equal(times("Status: 503\r\n"), 1);
	assert_int_equal(times("Retry-After: "), 1);

	loop_patd_begin(&patd, &service.reactor, loop_patd_path);
	patd.on_heard = accept_alice;
	request(1, KEEP, "Bearer " TOKEN);
	send_all();
	get_answers(2);
	assert_int_equal(times("Status: 200\r\n"), 1);
}

static void
a_frozen_patd_is_not_waited_for(void **unused)
{
	(void)unused;
	patd.on_heard = NULL;
	request(1, KEEP, "Bearer " TOKEN);
	open_peer();
	get_heard(1);
	pass(PATD_LINK_TIMEOUT_MS);
	get_answers(1);
	assert_int_equal(times("Status: 503\r\n"), 1);
}

/* ---- whoever leaves early ---- */

static void
a_request_that_is_given_up_ends_without_an_answer(void **unused)
{
	(void)unused;
	patd.on_heard = NULL;
	request(1, KEEP, "Bearer " TOKEN);
	open_peer();
	get_heard(1);
	record(2, 1, "", 0);
	send_all();
	get_answers(1);
	assert_int_equal(times("Status"), 0);

	patd.on_heard = accept_alice;
	accept_alice(&patd, 0); /* too late: nobody hears it */
	request(1, KEEP, "Bearer " TOKEN);
	send_all();
	get_answers(2);
	assert_int_equal(times("Status: 200\r\n"), 1);
}

static void
a_client_that_leaves_is_forgotten(void **unused)
{
	(void)unused;
	patd.on_heard = NULL;
	request(1, KEEP, "Bearer " TOKEN);
	open_peer();
	get_heard(1);
	close_peer();
	run_until(all_have_gone);
	accept_alice(&patd, 0);

	question(1, KEEP, NULL);
	out_len -= 20; /* in the middle of the parameters */
	open_peer();
	close_peer();
	run_until(all_have_gone);
}

static void
a_client_that_only_listens_gets_its_answer(void **unused)
{
	(void)unused;
	request(1, KEEP, NULL);
	open_peer();
	get_answers(1);
	patd.on_heard = NULL;
	request(1, KEEP, "Bearer " TOKEN);
	send_all();
	get_heard(1);
	assert_int_equal(shutdown(peer, SHUT_WR), 0);
	run_on();
	accept_alice(&patd, 0);
	get_answers(2);
	assert_int_equal(times("Status: 200\r\n"), 1);
	run_until(end_is_there);
	run_until(all_have_gone);
}

/* ---- bounds ---- */

static void
whoever_is_slow_with_a_request_is_closed(void **unused)
{
	(void)unused;
	question(1, KEEP, NULL);
	out_len -= 20;
	open_peer();
	pass(2000);
	begin(2, FCGI_RESPONDER, 0); /* does not help */
	out_len = 4;
	send_all();
	run_on();
	assert_int_equal(service.conns.len, 1);
	pass(3001);
	assert_int_equal(service.conns.len, 0);
	assert_true(end_is_there());

	open_peer(); /* says nothing at all */
	pass(2000);
	assert_int_equal(service.conns.len, 1);
	pass(3001);
	assert_int_equal(service.conns.len, 0);
}

static void
an_idle_connection_is_kept_for_a_while(void **unused)
{
	(void)unused;
	request(1, KEEP, NULL);
	open_peer();
	get_answers(1);
	pass(70000);
	request(1, KEEP, NULL);
	send_all();
	get_answers(2);
	pass(70000);
	assert_int_equal(service.conns.len, 1);
	pass(5001);
	assert_int_equal(service.conns.len, 0);
}

static size_t out_at;

/* What is in `out`, again and again, without a gap. */
static void
send_until_full(void)
{
	ssize_t sent;

	do {
		sent = send(peer, out + out_at, out_len - out_at,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent > 0)
			out_at = (out_at + (size_t)sent) % out_len;
	} while (sent > 0);
}

/* For so many turns: what was read counts only when a whole piece of it was. */
static bool
no_more_is_taken(void)
{
	static unsigned int quiet;
	int before = 0, after = 0;

	assert_int_equal(ioctl(peer, SIOCOUTQ, &before), 0);
	send_until_full();
	assert_int_equal(ioctl(peer, SIOCOUTQ, &after), 0);
	quiet = after == before && after > 0 ? quiet + 1 : 0;
	return quiet > 20;
}

/* Nothing is read that would have to be kept. */
static void
whoever_does_not_take_answers_is_not_read_and_then_closed(void **unused)
{
	static const uint8_t asks[] = "\1\11\0\0\0\0\0\0\1\77\0\0\0\0\0\0";

	(void)unused;
	open_peer();
	for (size_t i = 0; i < 1000; i++) {
		memcpy(out + out_len, asks, sizeof(asks) - 1);
		out_len += sizeof(asks) - 1;
	}
	run_until(no_more_is_taken);
	out_len = out_at = 0;
	pass(2000);
	assert_int_equal(service.conns.len, 1);
	pass(3001);
	assert_int_equal(service.conns.len, 0);
}

static void
whoever_takes_answers_slowly_gets_all_of_them(void **unused)
{
	enum { COUNT = 8000 };
	ssize_t sent;

	(void)unused;
	open_peer();
	for (size_t i = 0; i < COUNT; i++)
		record(0x3f, 0, "", 0);
	for (size_t at = 0; at<out_len; at += sent> 0 ? (size_t)sent : 0) {
		sent = send(
		    peer, out + at, out_len - at, MSG_NOSIGNAL | MSG_DONTWAIT);
		wanted = 0;
		run_until(answers_are_there);
	}
	out_len = 0;
	while (said_len < COUNT * 16)
		run_until(answers_are_there);
	assert_int_equal(records(11), COUNT);
}

static void
nonsense_ends_its_own_connection_only(void **unused)
{
	int other;

	(void)unused;
	request(1, KEEP, NULL);
	open_peer();
	get_answers(1);
	other = peer;
	memcpy(out, "GET / HTTP/1.1\r\n\r\n", 18);
	out_len = 18;
	open_peer();
	run_until(end_is_there);
	assert_int_equal(said_len, 0);
	close_peer();
	peer = other;
	said_all = false;
	request(1, KEEP, NULL);
	send_all();
	get_answers(1);
}

/* What was answered before reaches the peer. */
static void
answers_in_front_of_nonsense_are_sent(void **unused)
{
	(void)unused;
	request(1, KEEP, NULL);
	memset(out + out_len, 'x', 100);
	out_len += 100;
	open_peer();
	get_answers(1);
	run_until(end_is_there);
}

/* ---- the end of the process ---- */

static void
what_is_asked_is_answered_before_the_end(void **unused)
{
	int idle;

	(void)unused;
	request(1, KEEP, NULL);
	open_peer();
	get_answers(1);
	idle = peer;
	patd.on_heard = NULL;
	request(1, KEEP, "Bearer " TOKEN);
	open_peer();
	get_heard(1);
	assert_int_equal(service.conns.len, 2);
	proxy_conns_drain(&service.conns);
	assert_int_equal(service.conns.len, 1);
	accept_alice(&patd, 0);
	get_answers(1);
	run_until(all_have_gone);
	assert_int_equal(times("Status: 200\r\n"), 1);
	assert_int_equal(close(idle), 0);
}

static void
who_may_not_come_in_hears_it_as_request_1(void **unused)
{
	int pair[2];

	(void)unused;
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	peer = pair[1];
	said_all = false;
	forget_said();
	fcgi_refuse(pair[0], ANSWER_UNAVAILABLE);
	assert_int_equal(close(pair[0]), 0);
	listen_to_it();
	assert_int_equal(records(3), 1);
	assert_int_equal(times("Status: 503\r\n"), 1);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(
		    an_accepted_request_names_the_user_and_the_connection_stays),
		TEST(a_request_is_answered_in_single_bytes),
		TEST(behind_the_last_answer_comes_the_end),
		TEST(a_body_that_comes_late_costs_nobody_the_answer),
		TEST(
		    requests_that_came_together_are_answered_one_after_the_other),
		TEST(what_comes_while_patd_is_asked_waits_unread),
		TEST(a_role_that_is_not_known_is_refused),
		TEST(a_second_request_beside_an_open_one_is_refused),
		TEST(an_authorizer_is_answered_in_variables),
		TEST(without_a_service_nobody_is_asked),
		TEST(an_ambiguous_request_is_refused),
		TEST(too_many_parameters_are_refused_and_the_connection_ends),
		TEST(a_yes_without_a_name_is_a_no),
		TEST(without_patd_it_is_503_and_recovers),
		TEST(a_frozen_patd_is_not_waited_for),
		TEST(a_request_that_is_given_up_ends_without_an_answer),
		TEST(a_client_that_leaves_is_forgotten),
		TEST(a_client_that_only_listens_gets_its_answer),
		TEST(whoever_is_slow_with_a_request_is_closed),
		TEST(an_idle_connection_is_kept_for_a_while),
		TEST(whoever_does_not_take_answers_is_not_read_and_then_closed),
		TEST(whoever_takes_answers_slowly_gets_all_of_them),
		TEST(nonsense_ends_its_own_connection_only),
		TEST(answers_in_front_of_nonsense_are_sent),
		TEST(what_is_asked_is_answered_before_the_end),
		TEST(who_may_not_come_in_hears_it_as_request_1),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
