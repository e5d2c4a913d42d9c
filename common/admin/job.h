/*
 * One operation of an administrator under way, and what the operations share.
 * For the files of common/admin/ alone.
 */
#ifndef JP_ADMIN_JOB_H
#define JP_ADMIN_JOB_H

#include "common/admin/admin.h"
#include "common/admin/batch.h"
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
	struct jp_why waited;         /* for other hosts; "": it did not */
	bool closed;                  /* a credential cannot be opened */
	bool at_row;                  /* of the batch: what is wrong with it */
	size_t row;
};

/* What the store says of its error `err`, which is returned. */
enum jp_err jp_job_store_why(struct job *job, enum jp_err err);

/* Puts the state of a record into the item: by today's policy and its user. */
enum jp_err jp_job_judge(struct job *job, const struct jp_record *record);

/* Emits a row of the batch. Not under the write lock. */
enum jp_err jp_job_emit_row(struct job *job, size_t row);

/* That row is in the way, which the answer will say. Returns `err`. */
enum jp_err jp_job_at_row(struct job *job, size_t row, enum jp_err err);

/*
 * Emits a record without what proves its secret. jp_job_emit_judged(): whose
 * state jp_job_judge() has put into the item before.
 */
enum jp_err jp_job_emit_judged(struct job *job, enum jp_admin_kind kind,
    const struct jp_record *record, bool changed);
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
 * change that must be logged and cannot be is not made. It holds on all hosts
 * when this returns.
 */
enum jp_err jp_job_write(
    struct job *job, enum jp_err (*act)(struct job *job, void *arg), void *arg);

/* In `act`: announces each change, then commits all of them. */
enum jp_err
jp_job_commit(struct job *job, const struct jp_change *changes, size_t count);

/* The same, where only the first `announced` of them are what is done. */
enum jp_err jp_job_commit_some(struct job *job, const struct jp_change *changes,
    size_t count, size_t announced);

/*
 * Undoes what could not be handed over, by `act`, which may run more than once:
 * jp_write(). There is nobody to be told, and nobody waits for other hosts.
 */
void jp_job_undo(
    struct job *job, enum jp_err (*act)(struct job *job, void *arg), void *arg);

/* In that `act`: commits, and logs what is deleted. */
enum jp_err jp_job_take_back(
    struct job *job, const struct jp_change *changes, size_t count);

/* Logs the operation as a whole in the audit trail, as `event`. */
enum jp_err jp_job_log(struct job *job, struct jp_audit_event *event);

/* Starts a listing of the tokens of `user`. */
void jp_job_list_user(struct jp_listing *listing, const char *user);

/* Counts those of `user` that have not ended. */
enum jp_err
jp_job_count_live(struct job *job, const char *user, uint64_t *live);

/*
 * Reads the record of that id: JP_ERR_NOT_FOUND. An owner sees what
 * jp_admin_owns() says; another's token is not told from one that is not there.
 */
enum jp_err
jp_job_read(struct job *job, const char *id, struct jp_record *record);

/* The same with the target. */
enum jp_err jp_job_get(struct job *job, struct jp_record *record);

/* A copy of today's policy. */
void jp_job_read_policy(struct jp_core *core, struct jp_policy *policy);

/* The end of a token that is asked for, by the policy. */
enum jp_err
jp_job_choose_expiry(const struct job *job, const struct jp_policy *policy,
    enum jp_lifetime lifetime, int64_t until, int64_t *expires_at);

/*
 * A new record with the user, name and rights of `model`, its parent, its group
 * and all of its uses, and nothing of what happened to that one.
 */
void jp_job_begin_record(const struct job *job, const struct jp_record *model,
    struct jp_record *record);

/*
 * The record of a token that is asked for, if the policy and its parent allow
 * it.
 */
enum jp_err jp_job_plan_token(struct job *job, const struct jp_policy *policy,
    const struct jp_new_token *asked, struct jp_record *record);

/* Whether one without a secret is asked for, which its user fetches. */
bool jp_job_links(const struct job *job);
enum jp_err jp_job_check_link(struct job *job);

/*
 * Draws the code of its link, and fills in what follows from it: the record
 * waits for it from now on.
 */
void jp_job_draw_code(
    struct job *job, struct jp_record *record, struct jp_secret *code);

/* Whether the user may have one more than `live` tokens. */
enum jp_err jp_job_check_count(
    struct job *job, const struct jp_policy *policy, uint64_t live);

/*
 * Draws a token, and fills in what follows from it but for its hash;
 * jp_job_draw_text(): for the id that the record has.
 */
enum jp_err jp_job_draw_text(struct job *job, const struct jp_policy *policy,
    struct jp_record *record, struct jp_secret *text);
enum jp_err jp_job_draw_token(struct job *job, const struct jp_policy *policy,
    struct jp_record *record, struct jp_secret *text);

/* The hash of a token; from any thread. */
enum jp_err
jp_job_hash_token(struct jp_core *core, const struct jp_policy *policy,
    const struct jp_secret *text, struct jp_record *record);

/* What is wrong with that, if something is. */
enum jp_err jp_job_hash_why(struct job *job, enum jp_err err);

/* All three, with the text in the item. */
enum jp_err jp_job_make_token(
    struct job *job, const struct jp_policy *policy, struct jp_record *record);

/*
 * A part of purge: removes the upstream credentials of users who have been
 * disabled for `dead_for`, and says which.
 */
enum jp_err jp_job_purge_upstream(struct job *job);

/* The operations: one for each row of JP_ADMIN_OP_LIST. */
#define JP_ADMIN_OP_PROTO(code, number, name, run, ...)                        \
	enum jp_err jp_op_##run(struct job *job);
JP_ADMIN_OP_LIST(JP_ADMIN_OP_PROTO)
#undef JP_ADMIN_OP_PROTO

#endif
