/*
 * A change of the store and its lines in the audit trail. With audit_required
 * the lines are written before the change is made, else after it; either way
 * nobody waits for the trail while holding the write lock, as others must be
 * able to revoke a token meanwhile.
 */
#ifndef JP_ANNOUNCE_H
#define JP_ANNOUNCE_H

#include "common/audit/audit.h"

struct jp_announce {
	struct jp_core *core;
	struct jp_why *why;           /* the error of the trail */
	struct jp_audit_event *lines; /* the last ones that were announced */
	size_t len;
	bool wanted;  /* they have to be written first */
	bool written; /* they are */
	bool done;    /* the change that they log was made */
};

/*
 * Runs `act` as jp_write() does, and again if it announces lines that have to
 * be written first: it reads everything anew then, for others may have changed
 * it. Its error; JP_ERR_TIMEOUT if the trail does not take the lines in time;
 * JP_ERR_LOCKED if others keep changing the same records.
 *
 * Where it went well, and even where nothing was left to change, it holds on
 * every host when this returns: jp_write_settle(), whose error is that of all.
 * `why` is then empty, or says for which host that had to wait.
 */
enum jp_err jp_announce_run(struct jp_core *core, struct jp_why *why,
    enum jp_err (*act)(struct jp_announce *announce, void *arg), void *arg);

/* The same until `by_ms` of jp_now_ms() at most: jp_write_by(). */
enum jp_err
jp_announce_run_by(struct jp_core *core, int64_t by_ms, struct jp_why *why,
    enum jp_err (*act)(struct jp_announce *announce, void *arg), void *arg);

/*
 * In `act`, before a change, once: the lines about it. JP_ERR_OK: go on. Any
 * other error ends `act`.
 */
enum jp_err jp_announce(struct jp_announce *announce,
    const struct jp_audit_event *lines, size_t len);

/* In `act`: the change was made. */
void jp_announce_done(struct jp_announce *announce);

#endif
