#include "common/decide/parents.h"

#include <sodium.h>
#include <string.h>

/* One token and the one above it. */
struct step {
	struct jp_record child; /* only what keep() keeps */
	struct jp_record above;
};

/* What jp_record_state_of_parent() and the next step ask of a child. */
static void
keep(struct jp_record *child, const struct jp_record *record)
{
	memcpy(child->parent, record->parent, sizeof(child->parent));
	memcpy(child->user, record->user, sizeof(child->user));
	child->uses_max = record->uses_max;
}

static enum jp_state
worse(enum jp_state one, enum jp_state other)
{
	return jp_state_status(other) > jp_state_status(one) ? other : one;
}

/* One up: what the parent of `step->child` means for it. */
static enum jp_err
climb(struct jp_store *store, jp_parents_read *read, struct step *step,
    int64_t now, struct jp_parents *parents)
{
	enum jp_err err = read(store, step->child.parent, &step->above);
	enum jp_state state = JP_STATE_REVOKED;

	parents->gone = err == JP_ERR_NOT_FOUND;
	if (err == JP_ERR_OK && strcmp(step->above.user, step->child.user) == 0)
		state =
		    jp_record_state_of_parent(&step->above, &step->child, now);
	parents->state = worse(parents->state, state);
	if (err != JP_ERR_OK)
		return parents->gone ? JP_ERR_OK : err;
	parents->depth++;
	if (jp_state_status(state) == JP_STATUS_DEAD)
		parents->end = jp_record_end(&step->above);
	keep(&step->child, &step->above);
	return JP_ERR_OK;
}

enum jp_err
jp_parents_look(struct jp_store *store, jp_parents_read *read,
    const struct jp_record *record, int64_t now, struct jp_parents *parents)
{
	struct step step;
	enum jp_err err = JP_ERR_OK;

	*parents =
	    (struct jp_parents){ .state = JP_STATE_LIVE, .end = JP_NEVER };
	if (record->parent[0] == '\0')
		return JP_ERR_OK;
	memset(&step, 0, sizeof(step));
	keep(&step.child, record);
	for (int levels = 0; err == JP_ERR_OK && step.child.parent[0] != '\0' &&
	                     jp_state_status(parents->state) != JP_STATUS_DEAD;
	     levels++) {
		if (levels < JP_PARENTS_MAX)
			err = climb(store, read, &step, now, parents);
		else
			parents->state = JP_STATE_REVOKED;
	}
	sodium_memzero(&step, sizeof(step));
	return err;
}

enum jp_err
jp_parents_judge(struct jp_store *store, jp_parents_read *read,
    const struct jp_record *record, int64_t now, enum jp_state *state)
{
	struct jp_parents parents;
	enum jp_err err = jp_parents_look(store, read, record, now, &parents);

	*state = parents.state;
	return err;
}
