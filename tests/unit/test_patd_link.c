/*
 * The connection of pat-httpd to patd, pat_httpd/base/patd_link.c, and its
 * event loop. The patd of this test lives in the same loop and answers as told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "pat_httpd/base/patd_link.h"
#include "tests/unit/loop_link.h"

/* ---- what patd does ---- */

static void
hangs_up(struct loop_patd *who, size_t i)
{
	loop_patd_hang_up(who, who->heard_on[i]);
}

static void
babbles(struct loop_patd *who, size_t i)
{
	(void)send(who->heard_on[i]->watch.fd, "JPV2?", 5, MSG_NOSIGNAL);
}

/* ---- who asks ---- */

struct asker {
	struct patd_question question;
	unsigned int answers;
	struct jp_reply reply;
};

static void
on_answered(struct patd_question *question, const struct jp_reply *reply)
{
	struct asker *asker = REACTOR_OWNER(question, struct asker, question);

	asker->answers++;
	asker->reply = *reply;
	loop_ended();
}

static enum jp_err
ask(struct asker *asker, unsigned int n)
{
	char text[32];

	memset(asker, 0, sizeof(*asker));
	asker->question.answered = on_answered;
	asker->question.request.detailed = true;
	asker->question.request.front = JP_FRONT_HTTP;
	(void)snprintf(text, sizeof(text), "user%u", n);
	(void)jp_secret_set(&asker->question.request.token, text, strlen(text));
	return patd_link_ask(link_, &asker->question);
}

/* Until patd has heard so many in all. */
static void
run_until_heard(size_t count)
{
	run_until_in(&patd.heard_len, count, SIZE_MAX);
}

static void
check_answer(const struct asker *asker, unsigned int n)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "user%u", n);
	assert_int_equal(asker->answers, 1);
	assert_int_equal(asker->reply.verdict, JP_ACCEPT);
	assert_string_equal(asker->reply.user, text);
}

/* ---- the tests ---- */

static void
many_questions_share_one_connection(void **unused)
{
	static struct asker askers[60];

	(void)unused;
	for (unsigned int i = 0; i < 60; i++)
		assert_int_equal(ask(&askers[i], i), JP_ERR_OK);
	run_until(60);
	for (unsigned int i = 0; i < 60; i++)
		check_answer(&askers[i], i);
	assert_int_equal(patd.client_len, 1);
}

static void
answers_may_come_in_another_order(void **unused)
{
	static struct asker askers[50];

	(void)unused;
	patd.on_heard = NULL;
	for (unsigned int i = 0; i < 50; i++)
		assert_int_equal(ask(&askers[i], i), JP_ERR_OK);
	run_until_heard(50);
	for (size_t i = 50; i-- > 0;)
		loop_patd_accept(&patd, i);
	run_until(50);
	for (unsigned int i = 0; i < 50; i++)
		check_answer(&askers[i], i);
}

static void
nobody_listens_is_unavailable(void **unused)
{
	struct asker asker;

	(void)unused;
	loop_patd_end(&patd);
	(void)unlink(loop_patd_path);
	assert_int_equal(ask(&asker, 1), JP_ERR_OK);
	run_until(1);
	assert_int_equal(asker.reply.verdict, JP_UNAVAILABLE);
	assert_string_equal(asker.question.request.token.text, "");
	assert_false(patd_link_healthy(link_));
	loop_patd_begin(&patd, &reactor, loop_patd_path);
	patd.on_heard = loop_patd_accept;
	assert_true(patd_link_healthy(link_));
	assert_int_equal(ask(&asker, 2), JP_ERR_OK);
	run_until(1);
	check_answer(&asker, 2);
}

/* A patd that is killed and comes back is asked again. */
static void
what_was_lost_is_asked_again(void **unused)
{
	static struct asker askers[20];

	(void)unused;
	patd.on_heard = NULL;
	for (unsigned int i = 0; i < 20; i++)
		assert_int_equal(ask(&askers[i], i), JP_ERR_OK);
	run_until_heard(20);
	patd.on_heard = loop_patd_accept;
	loop_patd_hang_up(&patd, &patd.clients[0]);
	run_until(20);
	for (unsigned int i = 0; i < 20; i++)
		check_answer(&askers[i], i);
	assert_int_equal(patd.heard_len, 40);
}

/* But not for ever: it may be the question that kills it. */
static void
a_question_is_asked_twice_at_most(void **unused)
{
	struct asker asker;

	(void)unused;
	patd.on_heard = hangs_up;
	assert_int_equal(ask(&asker, 1), JP_ERR_OK);
	run_until(1);
	assert_int_equal(asker.reply.verdict, JP_UNAVAILABLE);
	assert_int_equal(patd.heard_len, 2);
}

/* Answers a question of the same place that was asked before. */
static void
answers_another(struct loop_patd *who, size_t i)
{
	who->heard[i].seq -= PATD_LINK_MAX;
	loop_patd_accept(who, i);
}

static void
the_answer_to_another_question_is_none(void **unused)
{
	struct asker asker;

	(void)unused;
	patd.on_heard = answers_another;
	assert_int_equal(ask(&asker, 1), JP_ERR_OK);
	run_until(1);
	assert_int_equal(asker.reply.verdict, JP_UNAVAILABLE);
	assert_int_equal(patd.heard_len, 2);
}

static void
who_babbles_is_not_believed(void **unused)
{
	struct asker asker;

	(void)unused;
	patd.on_heard = babbles;
	assert_int_equal(ask(&asker, 1), JP_ERR_OK);
	run_until(1);
	assert_int_equal(asker.reply.verdict, JP_UNAVAILABLE);
}

/* The answer to a question that nobody waits for goes to nobody. */
static void
a_late_answer_is_nobodys(void **unused)
{
	static struct asker gone, others[PATD_LINK_MAX];

	(void)unused;
	patd.on_heard = NULL;
	assert_int_equal(ask(&gone, 9999), JP_ERR_OK);
	run_until_heard(1);
	patd_link_forget(&gone.question);
	for (unsigned int i = 0; i < PATD_LINK_MAX - 1; i++)
		assert_int_equal(ask(&others[i], i), JP_ERR_OK);
	/* Its place is still taken: nobody else may get its answer. */
	assert_int_equal(ask(&others[PATD_LINK_MAX - 1], 0), JP_ERR_OVERLOAD);
	/* patd has no room for more than these at once. */
	run_until_heard(PATD_LINK_WINDOW);
	loop_patd_accept(&patd, 0);
	for (size_t i = 1; i < PATD_LINK_MAX; i++) {
		run_until_heard(i + 1);
		assert_in_range(patd.heard_len, i + 1, i + PATD_LINK_WINDOW);
		loop_patd_accept(&patd, i);
		run_until(1);
	}
	for (unsigned int i = 0; i < PATD_LINK_MAX - 1; i++)
		check_answer(&others[i], i);
	assert_int_equal(gone.answers, 0);
	patd.on_heard = loop_patd_accept;
	assert_int_equal(ask(&gone, 7), JP_ERR_OK);
	run_until(1);
	check_answer(&gone, 7);
}

static void
no_place_is_lost_with_a_connection(void **unused)
{
	static struct asker gone, others[PATD_LINK_MAX];

	(void)unused;
	patd.on_heard = NULL;
	assert_int_equal(ask(&gone, 1), JP_ERR_OK);
	run_until_heard(1);
	patd_link_forget(&gone.question);
	patd.on_heard = loop_patd_accept;
	loop_patd_hang_up(&patd, &patd.clients[0]);
	assert_int_equal(ask(&gone, 2), JP_ERR_OK);
	run_until(1);
	check_answer(&gone, 2);
	for (unsigned int i = 0; i < PATD_LINK_MAX; i++)
		assert_int_equal(ask(&others[i], i), JP_ERR_OK);
	for (unsigned int i = 0; i < PATD_LINK_MAX; i++)
		patd_link_forget(&others[i].question);
}

static void
one_that_waits_to_be_sent_can_be_forgotten(void **unused)
{
	static struct asker askers[3];

	(void)unused;
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(ask(&askers[i], i), JP_ERR_OK);
	patd_link_forget(&askers[1].question);
	patd_link_forget(&askers[1].question);
	run_until(2);
	check_answer(&askers[0], 0);
	check_answer(&askers[2], 2);
	assert_int_equal(askers[1].answers, 0);
	assert_int_equal(patd.heard_len, 2);
}

static void
silence_ends_at_the_deadline(void **unused)
{
	struct asker asker;

	(void)unused;
	patd.on_heard = NULL;
	assert_int_equal(ask(&asker, 1), JP_ERR_OK);
	run_until_heard(1);
	reactor_arm(&reactor, &asker.question.timer, jp_now_ms());
	run_until(1);
	assert_int_equal(asker.reply.verdict, JP_UNAVAILABLE);
	assert_false(patd_link_healthy(link_));
	patd.on_heard = loop_patd_accept;
	assert_int_equal(ask(&asker, 2), JP_ERR_OK);
	run_until(1);
	check_answer(&asker, 2);
	assert_true(patd_link_healthy(link_));
}

static int
set_up(void **unused)
{
	(void)unused;
	loop_link_begin();
	patd.on_heard = loop_patd_accept;
	return 0;
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, set_up, loop_link_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(many_questions_share_one_connection),
		TEST(answers_may_come_in_another_order),
		TEST(nobody_listens_is_unavailable),
		TEST(what_was_lost_is_asked_again),
		TEST(a_question_is_asked_twice_at_most),
		TEST(the_answer_to_another_question_is_none),
		TEST(who_babbles_is_not_believed),
		TEST(a_late_answer_is_nobodys),
		TEST(no_place_is_lost_with_a_connection),
		TEST(one_that_waits_to_be_sent_can_be_forgotten),
		TEST(silence_ends_at_the_deadline),
	};

	return cmocka_run_group_tests(
	    tests, loop_patd_make_scratch, loop_patd_remove_scratch);
}
