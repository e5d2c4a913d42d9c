/*
 * Tokens that are made as children of another one: never wider, longer or more
 * often usable than that. For the files of common/admin/.
 */
#ifndef JP_CHILD_H
#define JP_CHILD_H

#include "common/admin/job.h"

/* The parents of the tokens of one operation, each once. */
struct child_parents {
	struct jp_record *records; /* the caller's, room for all of them */
	size_t len;
};

/*
 * Narrows what is asked of a child of asked->record.parent to what that allows,
 * and fills in what is not named. JP_ERR_NOT_FOUND if the parent is not there
 * or not the owner's, JP_ERR_REFUSED for one that is not live and for what
 * would be more than it. Nothing is done for a token that has no parent.
 */
enum jp_err jp_child_narrow(struct job *job, const struct jp_policy *policy,
    struct jp_new_token *asked);

/*
 * Of a successor of the child `old`, which keeps its parent: whether that is
 * live, and `expires_at` not behind its end, to which a default one is cut.
 */
enum jp_err jp_child_rotate(
    struct job *job, const struct jp_record *old, int64_t *expires_at);

/*
 * Under the write lock, before `child` is stored: looks at its parent again,
 * and takes its uses from those of the parent, whose record in `parents` is
 * then to be stored with it.
 */
enum jp_err jp_child_take_uses(struct job *job, const struct jp_record *child,
    struct child_parents *parents);

/* Likewise, where it is deleted again: gives them back. */
void jp_child_give_back(struct job *job, const struct jp_record *child,
    struct child_parents *parents);

/*
 * Appends to `changes`, of which there are `count`, those of the parents whose
 * uses were taken or given back; returns how many there are then.
 */
size_t jp_child_changes(const struct child_parents *parents,
    struct jp_change *changes, size_t count);

#endif
