/*
 * One question on a connection: how it is read, how its answer is sent, and
 * the line that the log keeps of it. Who decides, and in which thread, is not
 * known here.
 */
#ifndef PATD_ANSWER_H
#define PATD_ANSWER_H

#include <sys/types.h>

#include "common/decide/decide.h"
#include "common/audit/flood.h"

/*
 * Reads one question. JP_ERR_TIMEOUT: none is there; JP_ERR_UNREACHABLE: the
 * client has gone; else the message is none of ours.
 */
enum jp_err answer_receive(int fd, struct jp_request *request);

/* Sends the reply to question `seq` without waiting. */
enum jp_err
answer_send(int fd, uint32_t seq, const struct jp_decision *decision);

/* The same of what another process has decided. */
enum jp_err answer_pass(int fd, const struct jp_reply *reply);

void answer_log(const struct jp_request *request,
    const struct jp_decision *decision, uid_t uid);

/* One line for all of a flood that had none; `held` 0: no line. */
void answer_log_flood(const struct jp_flood *flood);

#endif
