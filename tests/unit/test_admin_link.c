/*
 * The way of pat-httpd to admin.sock, pat_httpd/base/admin_link.c. The patd of
 * this test lives in the same loop and answers as told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "pat_httpd/base/admin_link.h"
#include "tests/unit/loop_admin.h"
#include "tests/unit/loop_patd.h"
#include "tests/unit/loop_run.h"

enum {
	ITEMS = 200, /* of a long list */
};

static struct admin_link *link_;
static struct loop_admin admin;

/* ---- what patd does ---- */

static void
lists_two(struct loop_admin *who, size_t i)
{
	struct jp_admin_item item = { .kind = JP_ITEM_RECORD };

	(void)jp_field_set(item.record.id, sizeof(item.record.id), "D4oBwk0S");
	(void)jp_field_set(item.record.user, sizeof(item.record.user),
	    who->heard[i].record.user);
	loop_admin_item(who, i, &item);
	loop_admin_item(who, i, &item);
	loop_admin_done(who, i, JP_ERR_OK, "");
}

static void
lists_many(struct loop_admin *who, size_t i)
{
	struct jp_admin_item item = { .kind = JP_ITEM_RECORD };

	(void)jp_field_set(item.record.id, sizeof(item.record.id), "D4oBwk0S");
	for (int n = 0; n < ITEMS; n++)
		loop_admin_item(who, i, &item);
	loop_admin_done(who, i, JP_ERR_OK, "");
}

static void
refuses(struct loop_admin *who, size_t i)
{
	loop_admin_done(who, i, JP_ERR_REFUSED, "ten tokens are enough");
}

static void
hangs_up(struct loop_admin *who, size_t i)
{
	loop_admin_hang_up(who, who->heard_on[i]);
}

static void
hands_out_and_hangs_up(struct loop_admin *who, size_t i)
{
	struct jp_admin_item item = { .kind = JP_ITEM_TOKEN };

	(void)jp_secret_set(&item.token, "secret", 6);
	loop_admin_item(who, i, &item);
	hangs_up(who, i);
}

static void
is_of_another_version(struct loop_admin *who, size_t i)
{
	loop_admin_babble(who, i, "JPA9\x07", 5);
}

static void
babbles(struct loop_admin *who, size_t i)
{
	loop_admin_babble(who, i, "hello", 5);
}

static void
ends_twice(struct loop_admin *who, size_t i)
{
	loop_admin_done(who, i, JP_ERR_OK, "");
	loop_admin_done(who, i, JP_ERR_OK, "");
}

/* ---- who asks ---- */

struct asker {
	struct admin_ask ask;
	unsigned int items, ends;
	enum jp_err result;
	struct jp_why why;
	char user[JP_USER_MAX + 1];
	char token[64];
};

static void
on_item(struct admin_ask *ask, const struct jp_admin_item *item)
{
	struct asker *asker = REACTOR_OWNER(ask, struct asker, ask);

	asker->items++;
	strcpy(asker->user, item->record.user);
	(void)snprintf(
	    asker->token, sizeof(asker->token), "%.60s", item->token.text);
}

static void
on_ended(struct admin_ask *ask, enum jp_err result, const struct jp_why *why)
{
	struct asker *asker = REACTOR_OWNER(ask, struct asker, ask);

	asker->ends++;
	asker->result = result;
	asker->why = *why;
	loop_ended();
}

static enum jp_err
ask(struct asker *asker, enum jp_admin_op op, unsigned int n)
{
	memset(asker, 0, sizeof(*asker));
	asker->ask.item = on_item;
	asker->ask.ended = on_ended;
	asker->ask.request.op = op;
	(void)snprintf(asker->ask.request.record.user,
	    sizeof(asker->ask.request.record.user), "user%u", n);
	return admin_link_ask(link_, &asker->ask);
}

/* Until a count of the patd is that. */
static void
run_until_is(const size_t *count, size_t value)
{
	run_until_in(count, value, value);
}

static void
ask_and_wait(struct asker *asker, enum jp_admin_op op)
{
	assert_int_equal(ask(asker, op, 1), JP_ERR_OK);
	run_until(1);
	assert_int_equal(asker->ends, 1);
}

/* ---- the tests ---- */

static void
items_come_one_by_one_and_then_the_end(void **unused)
{
	struct asker asker;

	(void)unused;
	admin.on_heard = lists_two;
	for (int i = 0; i < 3; i++) {
		ask_and_wait(&asker, JP_ADMIN_LIST);
		assert_int_equal(asker.items, 2);
		assert_string_equal(asker.user, "user1");
		assert_int_equal(asker.result, JP_ERR_OK);
		assert_string_equal(asker.ask.request.record.user, "");
	}
	assert_int_equal(admin.client_len, 1);
	admin.on_heard = lists_many;
	ask_and_wait(&asker, JP_ADMIN_LIST);
	assert_int_equal(asker.items, ITEMS);
	assert_int_equal(asker.result, JP_ERR_OK);
}

static void
what_patd_says_is_handed_on(void **unused)
{
	struct asker asker;

	(void)unused;
	admin.on_heard = refuses;
	ask_and_wait(&asker, JP_ADMIN_CREATE);
	assert_int_equal(asker.result, JP_ERR_REFUSED);
	assert_string_equal(asker.why.text, "ten tokens are enough");
	assert_int_equal(asker.items, 0);
}

static void
several_are_asked_at_once_and_the_rest_waits(void **unused)
{
	static struct asker askers[ADMIN_LINK_CONNS + 20];
	size_t count = sizeof(askers) / sizeof(askers[0]);

	(void)unused;
	for (size_t i = 0; i < count; i++)
		assert_int_equal(
		    ask(&askers[i], JP_ADMIN_LIST, (unsigned int)i), JP_ERR_OK);
	run_until_is(&admin.heard_len, ADMIN_LINK_CONNS);
	assert_int_equal(admin.client_len, ADMIN_LINK_CONNS);
	admin.on_heard = lists_two;
	for (size_t i = 0; i < ADMIN_LINK_CONNS; i++)
		lists_two(&admin, i);
	run_until(count);
	for (size_t i = 0; i < count; i++) {
		char user[32];

		(void)snprintf(user, sizeof(user), "user%zu", i);
		assert_string_equal(askers[i].user, user);
		assert_int_equal(askers[i].ends, 1);
	}
	assert_int_equal(admin.client_len, ADMIN_LINK_CONNS);
}

static void
so_many_wait_and_no_more(void **unused)
{
	static struct asker askers[ADMIN_LINK_WAITING_MAX + 1];
	struct asker *last = &askers[ADMIN_LINK_WAITING_MAX];

	(void)unused;
	admin.on_heard = lists_two;
	for (size_t i = 0; i < ADMIN_LINK_WAITING_MAX; i++)
		assert_int_equal(ask(&askers[i], JP_ADMIN_LIST, 1), JP_ERR_OK);
	assert_int_equal(ask(last, JP_ADMIN_LIST, 1), JP_ERR_OVERLOAD);
	assert_string_equal(last->ask.request.record.user, "");
	admin_link_forget(&last->ask);
	run_until(ADMIN_LINK_WAITING_MAX);
	assert_int_equal(last->ends, 0);
	ask_and_wait(last, JP_ADMIN_LIST);
	assert_int_equal(last->result, JP_ERR_OK);
}

static void
nobody_listens_is_unreachable(void **unused)
{
	struct asker askers[3];

	(void)unused;
	loop_admin_end(&admin);
	(void)unlink(loop_patd_path);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(
		    ask(&askers[i], JP_ADMIN_CREATE, 1), JP_ERR_OK);
	run_until(3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(askers[i].result, JP_ERR_UNREACHABLE);
	loop_admin_begin(&admin, &reactor, loop_patd_path);
	admin.on_heard = lists_two;
	ask_and_wait(&askers[0], JP_ADMIN_LIST);
	assert_int_equal(askers[0].result, JP_ERR_OK);
}

/* patd was restarted while the connection was idle. */
static void
a_new_patd_is_found(void **unused)
{
	struct asker asker;

	(void)unused;
	admin.on_heard = lists_two;
	ask_and_wait(&asker, JP_ADMIN_LIST);
	loop_admin_end(&admin);
	loop_admin_begin(&admin, &reactor, loop_patd_path);
	admin.on_heard = lists_two;
	ask_and_wait(&asker, JP_ADMIN_CREATE);
	assert_int_equal(asker.result, JP_ERR_OK);
	assert_int_equal(admin.heard_len, 1);
}

/* Whether it did it, nobody knows. */
static void
what_patd_has_read_is_not_asked_again(void **unused)
{
	struct asker asker;

	(void)unused;
	admin.on_heard = hangs_up;
	ask_and_wait(&asker, JP_ADMIN_CREATE);
	assert_int_equal(asker.result, JP_ERR_UNREACHABLE);
	assert_int_equal(admin.heard_len, 1);
	admin.on_heard = hands_out_and_hangs_up;
	ask_and_wait(&asker, JP_ADMIN_CREATE);
	assert_int_equal(asker.result, JP_ERR_UNREACHABLE);
	assert_string_equal(asker.token, "secret");
	assert_int_equal(admin.heard_len, 2);
}

static void
hear_again(struct reactor_timer *timer)
{
	(void)timer;
	admin.deaf = false;
}

/* It hangs up unread where it has no room. */
static void
what_patd_has_not_read_is_asked_again(void **unused)
{
	struct reactor_timer later = { .due = hear_again };
	struct asker askers[2];

	(void)unused;
	admin.deaf = true;
	admin.on_heard = lists_two;
	assert_int_equal(ask(&askers[0], JP_ADMIN_CREATE, 1), JP_ERR_OK);
	assert_int_equal(ask(&askers[1], JP_ADMIN_CREATE, 2), JP_ERR_OK);
	run_until_is(&admin.client_len, 4);
	reactor_arm(&reactor, &later, jp_now_ms());
	run_until(2);
	reactor_disarm(&later);
	assert_int_equal(askers[0].result, JP_ERR_OK);
	assert_int_equal(askers[1].result, JP_ERR_OK);
	assert_string_equal(askers[0].user, "user1");
	assert_int_equal(admin.heard_len, 2);
}

/* Makes all that waits for an answer due. */
static void
let_time_pass(void)
{
	for (struct reactor_timer *timer = reactor.timers; timer != NULL;
	     timer = timer->next)
		if (timer->at_ms < jp_now_ms() + ADMIN_LINK_TIMEOUT_MS + 1)
			timer->at_ms = 0;
	reactor.next_ms = 0;
}

static void
an_answer_has_a_deadline(void **unused)
{
	static struct asker askers[ADMIN_LINK_CONNS + 1];

	(void)unused;
	for (size_t i = 0; i <= ADMIN_LINK_CONNS; i++)
		assert_int_equal(
		    ask(&askers[i], JP_ADMIN_CREATE, 1), JP_ERR_OK);
	run_until_is(&admin.heard_len, ADMIN_LINK_CONNS);
	let_time_pass();
	run_until(ADMIN_LINK_CONNS + 1);
	for (size_t i = 0; i <= ADMIN_LINK_CONNS; i++)
		assert_int_equal(askers[i].result, JP_ERR_TIMEOUT);
	/* So that patd takes back what it was making. */
	run_until_is(&admin.open_len, 0);
	assert_int_equal(admin.heard_len, ADMIN_LINK_CONNS);
}

/* In a cluster patd waits for others. */
static void
the_deadline_is_what_the_maker_says(void **unused)
{
	static struct asker asker;

	(void)unused;
	link_->timeout_ms = 2 * ADMIN_LINK_TIMEOUT_MS;
	assert_int_equal(ask(&asker, JP_ADMIN_CREATE, 1), JP_ERR_OK);
	run_until_is(&admin.heard_len, 1);
	let_time_pass();
	assert_int_not_equal(asker.ask.timer.at_ms, 0);
	assert_true(
	    asker.ask.timer.at_ms > jp_now_ms() + ADMIN_LINK_TIMEOUT_MS);
	admin_link_forget(&asker.ask);
}

static void
who_has_gone_is_hung_up_on(void **unused)
{
	struct asker askers[2];

	(void)unused;
	assert_int_equal(ask(&askers[0], JP_ADMIN_CREATE, 1), JP_ERR_OK);
	run_until_is(&admin.heard_len, 1);
	admin_link_forget(&askers[0].ask);
	admin_link_forget(&askers[0].ask);
	assert_string_equal(askers[0].ask.request.record.user, "");
	run_until_is(&admin.open_len, 0);
	/* One that waits is never sent. */
	admin.on_heard = lists_two;
	assert_int_equal(ask(&askers[0], JP_ADMIN_CREATE, 1), JP_ERR_OK);
	assert_int_equal(ask(&askers[1], JP_ADMIN_CREATE, 2), JP_ERR_OK);
	admin_link_forget(&askers[0].ask);
	run_until(1);
	assert_string_equal(askers[1].user, "user2");
	assert_int_equal(askers[0].ends + askers[0].items, 0);
	assert_int_equal(admin.heard_len, 2);
}

/* It may go away at any item. */
static void
forgets(struct admin_ask *ask_, const struct jp_admin_item *item)
{
	struct asker *asker = REACTOR_OWNER(ask_, struct asker, ask);

	(void)item;
	asker->items++;
	admin_link_forget(ask_);
}

static void
who_goes_at_an_item_hears_no_more(void **unused)
{
	struct asker asker, other;

	(void)unused;
	admin.on_heard = lists_many;
	assert_int_equal(ask(&asker, JP_ADMIN_LIST, 1), JP_ERR_OK);
	asker.ask.item = forgets;
	run_until_is(&admin.heard_len, 1); /* it only grows */
	run_until_is(&admin.open_len, 0);
	assert_int_equal(asker.items, 1);
	assert_int_equal(asker.ends, 0);
	ask_and_wait(&other, JP_ADMIN_LIST);
	assert_int_equal(other.items, ITEMS);
}

static void
another_version_is_said(void **unused)
{
	struct asker asker;

	(void)unused;
	admin.on_heard = is_of_another_version;
	ask_and_wait(&asker, JP_ADMIN_LIST);
	assert_int_equal(asker.result, JP_ERR_PROTOCOL);
	assert_non_null(strstr(asker.why.text, "version"));
	admin.on_heard = babbles;
	ask_and_wait(&asker, JP_ADMIN_LIST);
	assert_int_equal(asker.result, JP_ERR_PROTOCOL);
	assert_int_equal(asker.items, 0);
	admin.on_heard = lists_two;
	ask_and_wait(&asker, JP_ADMIN_LIST);
	assert_int_equal(asker.result, JP_ERR_OK);
}

static void
what_nobody_asked_for_is_not_taken_for_an_answer(void **unused)
{
	struct asker asker;

	(void)unused;
	admin.on_heard = ends_twice;
	ask_and_wait(&asker, JP_ADMIN_LIST);
	run_until_is(&admin.open_len, 0);
	admin.on_heard = lists_two;
	ask_and_wait(&asker, JP_ADMIN_LIST);
	assert_int_equal(asker.items, 2);
}

/* patd would hang up, perhaps on the next request. */
static void
an_idle_connection_is_closed(void **unused)
{
	struct asker asker;

	(void)unused;
	admin.on_heard = lists_two;
	ask_and_wait(&asker, JP_ADMIN_LIST);
	assert_int_equal(admin.open_len, 1);
	for (struct reactor_timer *timer = reactor.timers; timer != NULL;
	     timer = timer->next)
		timer->at_ms = 0;
	reactor.next_ms = 0;
	run_until_is(&admin.open_len, 0);
	ask_and_wait(&asker, JP_ADMIN_LIST);
	assert_int_equal(asker.result, JP_ERR_OK);
}

/* ---- fixtures ---- */

static int
begin(void **unused)
{
	(void)unused;
	assert_int_equal(reactor_make(&reactor), JP_ERR_OK);
	loop_admin_begin(&admin, &reactor, loop_patd_path);
	link_ = calloc(1, sizeof(*link_));
	assert_non_null(link_);
	admin_link_make(link_, &reactor, loop_patd_path);
	return 0;
}

static int
finish(void **unused)
{
	(void)unused;
	admin_link_free(link_);
	free(link_);
	loop_admin_end(&admin);
	reactor_free(&reactor);
	(void)unlink(loop_patd_path);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(items_come_one_by_one_and_then_the_end),
		TEST(what_patd_says_is_handed_on),
		TEST(several_are_asked_at_once_and_the_rest_waits),
		TEST(so_many_wait_and_no_more),
		TEST(nobody_listens_is_unreachable),
		TEST(a_new_patd_is_found),
		TEST(what_patd_has_read_is_not_asked_again),
		TEST(what_patd_has_not_read_is_asked_again),
		TEST(an_answer_has_a_deadline),
		TEST(the_deadline_is_what_the_maker_says),
		TEST(who_has_gone_is_hung_up_on),
		TEST(who_goes_at_an_item_hears_no_more),
		TEST(another_version_is_said),
		TEST(what_nobody_asked_for_is_not_taken_for_an_answer),
		TEST(an_idle_connection_is_closed),
	};

	return cmocka_run_group_tests(
	    tests, loop_patd_make_scratch, loop_patd_remove_scratch);
}
