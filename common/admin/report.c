/*
 * The operations that report on the whole: a dry decision, figures, and a copy
 * of the store.
 */
#include "common/admin/job.h"

#include <stdlib.h>
#include <string.h>

#include "common/decide/usage.h"
#include "common/sys/log.h"

enum {
	PIECE = 8192, /* bytes of a file in one item */
};

/* No question of a front door, so neither limited nor left out. */
static enum jp_err
log_test(struct job *job, const struct jp_decision *decision)
{
	const struct jp_request *question = &job->request->question;
	struct jp_audit_event event = { .event = "" };

	event.reason = jp_reason_name(decision->reason);
	event.front = jp_front_name(question->front);
	memcpy(event.id, decision->id, sizeof(event.id));
	memcpy(event.user, question->user, sizeof(event.user));
	memcpy(event.service, question->service, sizeof(event.service));
	memcpy(event.address, question->rhost, sizeof(event.address));
	return jp_job_log(job, &event);
}

enum jp_err
jp_op_test(struct job *job)
{
	struct jp_decision decision;
	bool held = jp_cluster_holds(job->core->cluster);
	enum jp_err err;

	jp_decide_dry(job->core, &job->request->question, &decision);
	jp_cluster_guard(job->core->cluster, held, &decision);
	err = log_test(job, &decision);
	if (err != JP_ERR_OK)
		return err;
	job->item.kind = JP_ITEM_DECISION;
	job->item.reason = decision.reason;
	memcpy(job->item.record.id, decision.id, sizeof(decision.id));
	return job->emit(job->arg, &job->item);
}

/* This host first, then all of them. */
static enum jp_err
emit_cluster(struct job *job, struct jp_cluster_view *view)
{
	struct jp_cluster_node *nodes =
	    calloc(JP_CLUSTER_NODES_MAX, sizeof(*nodes));
	enum jp_err err;
	size_t len;

	if (nodes == NULL)
		return jp_why(job->why, JP_ERR_NOMEM, "out of memory");
	view->here(view->arg, &job->item.here);
	job->item.kind = JP_ITEM_CLUSTER;
	err = job->emit(job->arg, &job->item);
	job->item.kind = JP_ITEM_HOST;
	len = view->nodes(view->arg, nodes);
	for (size_t i = 0; i < len && err == JP_ERR_OK; i++) {
		job->item.host = nodes[i];
		err = job->emit(job->arg, &job->item);
	}
	free(nodes);
	return err;
}

enum jp_err
jp_op_stats(struct job *job)
{
	enum jp_err err = jp_store_info(job->core->store, &job->item.store);

	if (err != JP_ERR_OK)
		return jp_job_store_why(job, err);
	job->item.kind = JP_ITEM_STATS;
	job->item.argon2_runs = atomic_load(&job->core->argon2_runs);
	jp_memo_count(job->core->memo, &job->item.memo);
	jp_stats_read(&job->core->stats, &job->item.stats);
	job->item.stats.log_lost = jp_log_lost();
	job->item.stats.audit_lost = jp_audit_lost(job->core->audit);
	err = job->emit(job->arg, &job->item);
	return err == JP_ERR_OK && job->core->cluster != NULL
	           ? emit_cluster(job, job->core->cluster)
	           : err;
}

enum jp_err
jp_op_cluster(struct job *job)
{
	if (job->core->cluster == NULL)
		return jp_why(job->why, JP_ERR_NOT_FOUND,
		    "this host is in no cluster: see [cluster] in "
		    "jira-pat.conf(5)");
	return emit_cluster(job, job->core->cluster);
}

static enum jp_err
emit_piece(void *arg, const struct jp_piece *piece)
{
	struct job *job = arg;
	struct jp_piece *part = &job->item.piece;
	enum jp_err err = JP_ERR_OK;

	job->item.kind = JP_ITEM_PIECE;
	*part = *piece;
	for (size_t at = 0; at < piece->len && err == JP_ERR_OK; at += PIECE) {
		part->offset = piece->offset + at;
		part->bytes = piece->bytes + at;
		part->len = piece->len - at < PIECE ? piece->len - at : PIECE;
		err = job->emit(job->arg, &job->item);
	}
	return err;
}

/* The store is of no use without its pepper. */
enum jp_err
jp_op_backup(struct job *job)
{
	const struct jp_piece pepper = {
		.name = JP_BACKUP_PEPPER,
		.bytes = job->core->pepper.key,
		.len = sizeof(job->core->pepper.key),
	};
	enum jp_err err;

	jp_usage_flush_here(job->core);
	err = jp_store_backup(job->core->store, emit_piece, job);
	return err == JP_ERR_OK ? emit_piece(job, &pepper)
	                        : jp_job_store_why(job, err);
}
