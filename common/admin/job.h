/*
 * What the operations of an administrator share, one file of them to the
 * other: common/admin/admin.c and common/admin_*.c, nobody else.
 */
#ifndef JP_ADMIN_INTERNAL_H
#define JP_ADMIN_INTERNAL_H

#include "common/admin/admin.h"
#include "common/decide/announce.h"
#include "common/audit/audit.h"

#define JP_JOB_PAGE 64 /* records read at once by a listing */

/* One operation under way. */
struct job {
	struct jp_core *core;
	const char *actor;
	const struct jp_admin_request *request;
	jp_admin_emit emit;
	void *arg;
	struct jp_why *why;
	struct jp_target target;
	int64_t now;
	struct jp_user owner; /* of the record before; name "": of none */
	struct jp_admin_item item;
	struct jp_announce *announce; /* in jp_job_write() */
};

/* What the store says of its error `err`, which is returned. */
enum jp_err jp_job_store_why(struct job *job, enum jp_err err);

/* Puts the state of a record into the item: by today's policy and its user. */
enum jp_err jp_job_judge(struct job *job, const struct jp_record *record);

/* Emits a record without what proves its secret. */
enum jp_err jp_job_emit_record(struct job *job, enum jp_admin_kind kind,
    const struct jp_record *record, bool changed);

/*
 * Calls `visit` with each record of `listing`, page by page; an error of it
 * ends the listing.
 */
enum jp_err jp_job_each_record(struct job *job, struct jp_listing *listing,
    enum jp_err (*visit)(
        struct job *job, void *arg, const struct jp_record *record),
    void *arg);

/*
 * Runs `act` under the write lock, perhaps more than once: see
 * common/decide/announce.h. `why` is set where the audit trail is in the way: a
 * change that must be told and cannot be is not made.
 */
enum jp_err jp_job_write(
    struct job *job, enum jp_err (*act)(struct job *job, void *arg), void *arg);

/* In `act`: announces a line about it, as of `event`. */
enum jp_err jp_job_announce(struct job *job, struct jp_audit_event *event);

/* In `act`: announces each change, then commits all of them. */
enum jp_err
jp_job_commit(struct job *job, const struct jp_change *changes, size_t count);

/* Undoes what could not be handed over; tells the trail of the first change. */
enum jp_err jp_job_take_back(
    struct job *job, const struct jp_change *changes, size_t count);

/* Tells the audit trail of the operation as a whole, as of `event`. */
enum jp_err jp_job_tell(struct job *job, struct jp_audit_event *event);

/* Starts a listing of the tokens of `user`. */
void jp_job_list_user(struct jp_listing *listing, const char *user);

/* Counts those of `user` that are live. */
enum jp_err
jp_job_count_live(struct job *job, const char *user, uint64_t *live);

/*
 * Reads the record that is the target. Another's token is not told from one
 * that is not there.
 */
enum jp_err jp_job_get(struct job *job, struct jp_record *record);

/* A copy of today's policy. */
void jp_job_policy(struct jp_core *core, struct jp_policy *policy);

/* The end of a new token, by request and policy. */
enum jp_err jp_job_choose_expiry(
    const struct job *job, const struct jp_policy *policy, int64_t *expires_at);

/* Draws a token into the item, and fills in what follows from it. */
enum jp_err jp_job_make_token(
    struct job *job, const struct jp_policy *policy, struct jp_record *record);

/* The operations that stand in files of their own. */
enum jp_err jp_job_export(struct job *job);
enum jp_err jp_job_import(struct job *job);
enum jp_err jp_job_purge(struct job *job);
enum jp_err jp_job_rotate(struct job *job);
enum jp_err jp_job_hold_policy(struct job *job);
enum jp_err jp_job_users(struct job *job);
enum jp_err jp_job_user(struct job *job);
enum jp_err jp_job_set_user(struct job *job);
enum jp_err jp_job_set_users(struct job *job);

#endif
