/*
 * A patd for tests of what asks one from an event loop: it lives in the same
 * loop, keeps what it hears, and does what the test tells it.
 */
#ifndef JP_TESTS_LOOP_PATD_H
#define JP_TESTS_LOOP_PATD_H

#include "common/wire/verify.h"
#include "pat_httpd/base/reactor.h"

enum {
	LOOP_PATD_CLIENTS_MAX = 8,
	LOOP_PATD_HEARD_MAX = 4096,
};

struct loop_patd {
	struct reactor *reactor;
	/* On each question, `heard[i]`; NULL: it is only kept. */
	void (*on_heard)(struct loop_patd *patd, size_t i);
	struct reactor_watch listener;
	size_t client_len; /* connections, also those closed */
	struct loop_patd_client {
		struct reactor_watch watch; /* `fd` -1: closed */
		struct loop_patd *patd;
	} clients[LOOP_PATD_CLIENTS_MAX];
	size_t heard_len;
	struct jp_request heard[LOOP_PATD_HEARD_MAX];
	struct loop_patd_client *heard_on[LOOP_PATD_HEARD_MAX];
};

/* Listens at `path`, in place of what is there. */
void loop_patd_begin(
    struct loop_patd *patd, struct reactor *reactor, const char *path);

/* Closes all; it can begin again. */
void loop_patd_end(struct loop_patd *patd);

void loop_patd_hang_up(struct loop_patd *patd, struct loop_patd_client *client);

/* Answers question `i`; `seq` is filled in. */
void
loop_patd_reply(struct loop_patd *patd, size_t i, const struct jp_reply *reply);

/* For `on_heard`: accepts, and names the text of the token as the user. */
void loop_patd_accept(struct loop_patd *patd, size_t i);

/* Where it listens, in a folder of its own: fixtures of a group. */
extern char loop_patd_path[96];
int loop_patd_make_scratch(void **unused);
int loop_patd_remove_scratch(void **unused);

#endif
