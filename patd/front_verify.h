/* The front of verify.sock: the verify protocol, common/wire/verify.h. */
#ifndef PATD_FRONT_VERIFY_H
#define PATD_FRONT_VERIFY_H

#include "patd/front.h"

/* The parts of the row, for a process that is asked one question only. */
enum jp_err verify_receive(int fd, struct jp_request *request);
enum jp_err verify_send(int fd, const struct jp_request *request,
    const struct jp_decision *decision, const struct jp_secret *upstream);

/* Passes on what another process has decided. */
enum jp_err verify_pass(int fd, const struct jp_reply *reply);

#endif
