/*
 * A core over a store of one record, which may be changed at any time, and a
 * request with its token: for the programs of tests/timing.
 */
#ifndef JP_TESTS_ONE_TOKEN_H
#define JP_TESTS_ONE_TOKEN_H

#include "common/decide/core.h"
#include "common/decide/decide.h"

struct one_token {
	struct jp_core core;
	struct jp_request request;
	struct jp_record stored;
	bool is_stored;
	uint8_t fast_tag[JP_FAST_TAG_LEN]; /* the right one */
};

/* Leaves the program where that fails. There is one. */
struct one_token *one_token_open(void);

#endif
