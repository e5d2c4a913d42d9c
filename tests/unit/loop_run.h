/*
 * The event loop of a test, and how long it runs: until so much has happened.
 * Only a hang takes longer than a minute; it ends the test.
 */
#ifndef JP_TESTS_LOOP_RUN_H
#define JP_TESTS_LOOP_RUN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "pat_httpd/base/reactor.h"

enum {
	LOOP_HANG_MS = 60000,
};

static struct reactor reactor;

/* What was asked and has ended, since the loop runs; and when it stops. */
static struct {
	size_t ended, enough;
} loop_run;

static inline void
loop_hang(struct reactor_timer *timer)
{
	(void)timer;
	fail_msg("nothing happens");
}

/* Until loop_ended() was called so many times. */
static inline void
run_until(size_t count)
{
	struct reactor_timer hang = { .due = loop_hang };

	loop_run.ended = 0;
	loop_run.enough = count;
	reactor.stop = false;
	reactor_arm(&reactor, &hang, jp_now_ms() + LOOP_HANG_MS);
	assert_int_equal(reactor_run(&reactor), JP_ERR_OK);
	reactor_disarm(&hang);
}

static inline void
loop_ended(void)
{
	if (++loop_run.ended == loop_run.enough)
		reactor.stop = true;
}

struct loop_look {
	struct reactor_timer timer;
	const size_t *count;
	size_t least, most;
};

static inline void
loop_look(struct reactor_timer *timer)
{
	struct loop_look *look = REACTOR_OWNER(timer, struct loop_look, timer);

	if (*look->count >= look->least && *look->count <= look->most)
		reactor.stop = true;
	else
		reactor_arm(&reactor, timer, jp_now_ms() + 1);
}

/* Until a count of the other end is one of these. */
static inline void
run_until_in(const size_t *count, size_t least, size_t most)
{
	struct loop_look look = { { .due = loop_look }, count, least, most };

	reactor_arm(&reactor, &look.timer, jp_now_ms());
	run_until(SIZE_MAX);
}

#endif
