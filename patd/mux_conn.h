/*
 * One question on a connection of the saslauthd protocol,
 * common/wire/saslauthd.h: how it is gathered, and how its answer is sent. Such
 * a client waits without end and may leak its descriptor where no answer comes:
 * everybody gets one.
 */
#ifndef PATD_MUX_CONN_H
#define PATD_MUX_CONN_H

#include "common/wire/saslauthd.h"
#include "patd/conns.h"

/*
 * Reads what is there, and makes the request once the question is whole.
 * JP_ERR_TIMEOUT: more has to come; JP_ERR_UNREACHABLE: no more will come; else
 * what came is no question, or one that cannot be asked.
 */
enum jp_err mux_receive(struct conn *conn, struct jp_request *request);

/* Sends the answer without waiting. */
enum jp_err mux_send(int fd, enum jp_verdict verdict);

#endif
