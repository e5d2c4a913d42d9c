/* A connection of pat-httpd to patd, with both ends in the event loop. */
#ifndef JP_TESTS_LOOP_LINK_H
#define JP_TESTS_LOOP_LINK_H

#include <stdlib.h>
#include <unistd.h>

#include "pat_httpd/base/patd_link.h"
#include "tests/unit/loop_patd.h"
#include "tests/unit/loop_run.h"

static struct patd_link *link_;
static struct loop_patd patd;

static inline void
loop_link_begin(void)
{
	assert_int_equal(reactor_make(&reactor), JP_ERR_OK);
	link_ = malloc(sizeof(*link_));
	assert_non_null(link_);
	patd_link_make(link_, &reactor, loop_patd_path);
	loop_patd_begin(&patd, &reactor, loop_patd_path);
}

static inline int
loop_link_tear_down(void **unused)
{
	(void)unused;
	patd_link_free(link_);
	free(link_);
	loop_patd_end(&patd);
	(void)unlink(loop_patd_path);
	reactor_free(&reactor);
	return 0;
}

#endif
