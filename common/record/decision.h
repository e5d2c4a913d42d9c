/*
 * What jp_decide() (common/decide/decide.h) says of a request.
 */
#ifndef JP_DECISION_H
#define JP_DECISION_H

#include <stdbool.h>

#include "common/record/record.h"
#include "common/wire/verdict.h"

struct jp_decision {
	enum jp_verdict verdict;
	enum jp_reason reason; /* JP_REASON_NONE: see `need` */
	enum jp_need {
		JP_NEED_NOTHING,  /* it is decided */
		JP_NEED_PROOF,    /* jp_prove() of `phc` */
		JP_NEED_GROUPS,   /* jp_groups_learn() of `user` and those of
		                     the service */
		JP_NEED_COMPLETE, /* jp_rotation_complete() of `id` */
		JP_NEED_REVOKE,   /* jp_rotation_revoke() of `id`; then the
		                     reason is JP_REASON_SUPERSEDED */
		JP_NEED_STORE,    /* jp_store_wait(); then another jp_decide(),
		                     which may need the same */
		JP_NEED_COMMIT,   /* to wait for the commit in progress:
		                     jp_decide_waiting() */
		JP_NEED_USE,      /* jp_decide_using(), which writes that it is
		                     one of a limited number */
	} need;
	char phc[JP_PHC_MAX + 1];
	bool tagless; /* only that proof can refute a wrong text */
	char id[JP_TOKEN_ID_LEN + 1]; /* that the token names, or "" */
	char user[JP_USER_MAX + 1];   /* if accepted, jp_reason_rights(),
	                                 JP_NEED_COMPLETE, JP_NEED_GROUPS or
	                                 JP_NEED_USE: the record's user */
	enum jp_denial denial;        /* if denied: what clients may be told */
	int64_t expires; /* if accepted: the token's; JP_NEVER: it has no end */
};

/* Turns `decision` into one for `reason`; just its id stays. */
void jp_decision_refuse(struct jp_decision *decision, enum jp_reason reason);

#endif
