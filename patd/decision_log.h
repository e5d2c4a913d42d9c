/*
 * The lines that patd's log keeps of its decisions: one for each, but of a
 * flood of denials only the first ones, and one line for the rest.
 */
#ifndef PATD_DECISION_LOG_H
#define PATD_DECISION_LOG_H

#include <sys/types.h>

#include "common/audit/flood.h"
#include "common/decide/decide.h"

/* One line, whatever came before it; `uid` is that of the peer that asked. */
void decision_log_line(const struct jp_request *request,
    const struct jp_decision *decision, uid_t uid);

/*
 * What that line says behind its fields; "" in most cases. Where the password
 * is the text that sshd puts in the place of any that it does not want to be
 * right, a good token looks like a wrong one.
 */
const char *decision_log_note(
    const struct jp_request *request, const struct jp_decision *decision);

/* The line, if it is not part of a flood. */
void
decision_log_add(struct jp_floods *floods, const struct jp_request *request,
    const struct jp_decision *decision, uid_t uid);

/* One line for each flood that is over, or for all of them. */
void decision_log_floods(struct jp_floods *floods, bool all);

#endif
