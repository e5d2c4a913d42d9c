/*
 * The one place where log lines are formatted: untrusted text is escaped, a
 * message is one line. The program chooses where lines go.
 *
 * A stalled reader of the log must not stall anyone else: after jp_log_start()
 * a thread writes, jp_log() only queues the line, and what does not fit in the
 * queue is counted.
 */
#ifndef JP_LOG_H
#define JP_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/base/escape.h"

#define JP_LOG_LINE_MAX 1024
#define JP_LOG_QUEUE 1024 /* lines that may wait for the thread */

/* Sends lines to syslog(3), facility authpriv, instead of standard error. */
void jp_log_open(const char *program, bool to_syslog, bool debug);

/* Whether lines of `priority` are written: else nobody need make one. */
bool jp_log_takes(int priority);

/*
 * `priority` as in syslog(3). No secret may be among the arguments; tokens in
 * other fields are masked.
 */
void jp_log(int priority, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Has a thread write the lines from now on; called before other threads log.
 * JP_ERR_NOMEM: they are written as before.
 */
enum jp_err jp_log_start(void);

/* Waits at most `ms` until all lines are written; false: some are not. */
bool jp_log_flush(int ms);

/*
 * The same, and the end of the thread: later lines are written at once, or
 * lost if the reader is still stalled.
 */
bool jp_log_stop(int ms);

/* How many lines were lost since the start. */
uint64_t jp_log_lost(void);

#endif
