/*
 * A patd for tests of what asks one: a thread that listens on a scratch socket
 * and answers as the test scripts it. It decides nothing by itself.
 */
#ifndef JP_TESTS_FAKE_PATD_H
#define JP_TESTS_FAKE_PATD_H

#include <sys/types.h>

#include "common/wire/verify.h"

enum {
	FAKE_MESSAGE_MAX = 4096,
	FAKE_CLOSE = -1,  /* instead of an answer: hangs up */
	FAKE_SILENT = -2, /* waits until the client hangs up */
};

/*
 * Writes the answer to `request` to `bytes` and says its length, or one of
 * the above. Runs in the thread of the fake.
 */
typedef int (*fake_answer)(void *arg, const struct jp_request *request,
    uint8_t bytes[FAKE_MESSAGE_MAX]);

struct fake_patd;

/*
 * Listens at `path`, in place of what is there. `answer` NULL: hangs up on
 * each connection without reading.
 */
struct fake_patd *
fake_patd_start(const char *path, fake_answer answer, void *arg);

/* Stops and frees it; the socket file goes too. */
void fake_patd_stop(struct fake_patd *fake);

/* Returns when the connection whose answer arrived last is closed here, too. */
void fake_patd_settle(struct fake_patd *fake);

/* An answer with `verdict` to `request`; returns its length. */
int fake_reply(const struct jp_request *request, enum jp_verdict verdict,
    const char *user, uint8_t *bytes);

/*
 * Root only: a process of user `uid` that listens at `path`, and takes one
 * connection, for at most 10 seconds. -1 on failure.
 */
pid_t fake_foreign_start(const char *path, uid_t uid);

/* Ends it: how many bytes it was sent; -1 if nobody came. */
int fake_foreign_stop(pid_t pid);

/* How many descriptors this process has open. */
int fake_open_fds(void);

#endif
