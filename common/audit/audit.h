/*
 * common/audit/: the audit trail.
 *
 * The audit trail: what is logged, and when. One line for each administrative
 * act and each denial, and for acceptances as the configuration says. Each
 * caller hands over what happened; this is the one place that knows which
 * lines follow from it.
 *
 * In patd a thread writes them, so that nobody waits for a disk; where there is
 * no thread, the caller does it. A trail of NULL logs nothing.
 */
#ifndef JP_AUDIT_H
#define JP_AUDIT_H

#include "common/audit/file.h"
#include "common/base/clock.h"
#include "common/config/settings.h"
#include "common/record/decision.h"

#define JP_AUDIT_QUEUE 1024 /* lines that may wait for the thread */
#define JP_AUDIT_ACT_MS                                                        \
	2000                   /* for the lines of an act that need be written \
	                        */
#define JP_AUDIT_ROOM_MS 100   /* for room for the others */
#define JP_AUDIT_CLOSE_MS 3000 /* for what waits at the end */

struct jp_audit;

/*
 * The outcome of a line: JP_ERR_OK once it has been written. Called by
 * the thread of the trail, or by the caller's.
 */
typedef void (*jp_audit_done)(void *arg, enum jp_err err);

enum jp_audit_answer {
	JP_AUDIT_GO,   /* the answer may be given */
	JP_AUDIT_WAIT, /* `done` will be called, from another thread */
	JP_AUDIT_FAIL, /* it could not be logged: the answer must not be given
	                */
};

/*
 * Makes the trail that `settings` name; `audit` becomes NULL if they name none.
 * Opens no file yet. JP_ERR_NOMEM.
 */
enum jp_err
jp_audit_make(struct jp_audit **audit, const struct jp_settings *settings,
    const struct jp_pepper *pepper, const struct jp_clock *clock);

/* Whether a line could be written now; `why` says what is in the way. */
enum jp_err jp_audit_ready(struct jp_audit *audit, struct jp_why *why);

/* Starts the thread. JP_ERR_NOMEM. */
enum jp_err jp_audit_start(struct jp_audit *audit);

/*
 * Whether decisions may have to wait for their line: with audit_required, in a
 * process with the thread.
 */
bool jp_audit_waits(const struct jp_audit *audit);

/*
 * A decision about a question of the process `peer`. Never waits for a disk
 * while there is a thread. `done` is called only after JP_AUDIT_WAIT.
 */
enum jp_audit_answer jp_audit_decision(struct jp_audit *audit,
    const struct jp_request *request, const struct jp_decision *decision,
    uid_t peer, jp_audit_done done, void *arg);

/* Whether what cannot be logged must not be done: audit_required. */
bool jp_audit_required(const struct jp_audit *audit);

/*
 * Administrative acts; their times are those of the call. With audit_required
 * it returns when they are written, or says why they cannot be: JP_ERR_TIMEOUT
 * after JP_AUDIT_ACT_MS; they may be written later, then. Else it waits for
 * JP_AUDIT_ROOM_MS at most, for room in the queue, and is always JP_ERR_OK:
 * what finds none is lost, and counted. Not to be called under the write lock:
 * see common/decide/announce.h.
 */
enum jp_err jp_audit_acts(struct jp_audit *audit,
    const struct jp_audit_event *events, size_t count, struct jp_why *why);

/* The same, but it waits for nothing where there is a thread. */
void jp_audit_note(
    struct jp_audit *audit, const struct jp_audit_event *events, size_t count);

/* How many lines the trail did not get since the start. */
uint64_t jp_audit_lost(struct jp_audit *audit);

/*
 * Writes what waits, stops the thread, frees all. NULL is fine. If the disk
 * hangs for JP_AUDIT_CLOSE_MS the thread is left alone, and what it uses stays:
 * the process is about to end.
 */
void jp_audit_close(struct jp_audit *audit);

/* For tests: the file, to put other functions in its place. */
struct jp_audit_file *jp_audit_file(struct jp_audit *audit);

#endif
