/*
 * The tokens above a child. Nothing is written to a child when its parent ends
 * or is paused: they are read whenever the child is judged, so that it holds on
 * the very next request, and ends with what caused it.
 */
#ifndef JP_PARENTS_H
#define JP_PARENTS_H

#include "common/store/store.h"

/* What is read of the tokens above, one at a time: jp_store_get() or
 * jp_store_try_get(). */
typedef enum jp_err jp_parents_read(
    struct jp_store *store, const char *id, struct jp_record *record);

/* What the tokens above a child are, as far as they were read. */
struct jp_parents {
	enum jp_state state; /* what they mean for it */
	size_t depth;        /* how many were there */
	int64_t end; /* of a dead one: when it ended, if that is known */
	bool gone;   /* one is not there any more */
};

/*
 * What all the tokens above `record` mean for it at `now`, in `state`, as
 * struct jp_circumstances has it: JP_STATE_LIVE for one that has none, which
 * reads nothing; JP_STATE_REVOKED, too, if one is gone, is of another user, or
 * would be one more than JP_PARENTS_MAX. It reads no further than to a dead
 * one. Errors are those of `read`, but JP_ERR_NOT_FOUND; then `state` is
 * JP_STATE_REVOKED.
 */
enum jp_err jp_parents_judge(struct jp_store *store, jp_parents_read *read,
    const struct jp_record *record, int64_t now, enum jp_state *state);

/* The same, and what else there is about them. */
enum jp_err jp_parents_look(struct jp_store *store, jp_parents_read *read,
    const struct jp_record *record, int64_t now, struct jp_parents *parents);

#endif
