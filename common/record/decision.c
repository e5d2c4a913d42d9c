#include "common/record/decision.h"

#include <string.h>

void
jp_decision_refuse(struct jp_decision *decision, enum jp_reason reason)
{
	char id[sizeof(decision->id)];

	memcpy(id, decision->id, sizeof(id));
	memset(decision, 0, sizeof(*decision));
	memcpy(decision->id, id, sizeof(id));
	decision->reason = reason;
	decision->verdict = jp_reason_verdict(reason);
	decision->denial = jp_reason_denial(reason);
}
