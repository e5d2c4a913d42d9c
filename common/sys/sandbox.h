/*
 * What a daemon gives up for good: files that it does not use, privileges, and
 * system calls that it does not make. Without a service manager, too, and in a
 * container; what the kernel cannot do is logged, and done without.
 *
 * The order: jp_sandbox_files() before there are other threads, for Landlock
 * binds the thread that asks and those that it makes; jp_sandbox_calls() when
 * all is set up, for all threads.
 */
#ifndef JP_SANDBOX_H
#define JP_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/err.h"

/* X(CODE, bit, name): the processes that confine themselves. */
#define JP_PROCESS_LIST(X)                                                     \
	X(PATD, 1, "patd")                                                     \
	X(HTTPD, 2, "pat-httpd")                                               \
	X(ONE_SHOT, 4, "patd --one-shot")                                      \
	X(CLUSTERD, 8, "pat-clusterd")

enum jp_process {
#define JP_PROCESS_ENUM(code, bit, name) JP_PROCESS_##code = bit,
	JP_PROCESS_LIST(JP_PROCESS_ENUM)
#undef JP_PROCESS_ENUM
};

/* What may be done with what lies beneath a directory, or with a file. */
enum jp_beneath {
	JP_BENEATH_READ = 1,  /* files */
	JP_BENEATH_LIST = 2,  /* directories */
	JP_BENEATH_WRITE = 4, /* files; also make and remove them */
	JP_BENEATH_BIND = 8,  /* sockets: make and remove them */
	JP_BENEATH_MAKE = 16, /* directories */
};

struct jp_beneath_rule {
	const char *path; /* one that is not there is left out */
	unsigned int may;
};

/* What holds so far. */
struct jp_sandbox {
	bool connects;  /* what is asked for: it may connect by TCP */
	int landlock;   /* its ABI; below 1: the negated errno(3) of why not */
	int no_seccomp; /* errno(3) of why not; 0: calls are filtered */
	bool quiet;     /* is asked for: nothing is logged if all holds */
};

/*
 * Gives up the right to open files but by `rules`, to use TCP (or, with
 * `connects`, to listen there), and to send signals to others, as far as the
 * kernel has Landlock, see landlock(7). JP_ERR_SYSTEM with `why` if it has it,
 * and fails.
 */
enum jp_err jp_sandbox_files(struct jp_sandbox *sandbox,
    const struct jp_beneath_rule *rules, size_t count, struct jp_why *why);

/*
 * Gives up all capabilities, and all system calls but those of `process`: from
 * now on another one kills the whole process, and the kernel logs it.
 * JP_ERR_SYSTEM with `why` if it fails on a kernel that has seccomp(2).
 */
enum jp_err jp_sandbox_calls(
    struct jp_sandbox *sandbox, enum jp_process process, struct jp_why *why);

/* One line of the log about what holds, and what does not. */
void jp_sandbox_say(const struct jp_sandbox *sandbox);

/* While this process is root: no capability can ever be gained again. */
void jp_sandbox_bound(void);

#endif
