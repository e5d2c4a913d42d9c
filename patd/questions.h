/*
 * Questions of all fronts: read, decided here or by a worker, logged, answered
 * in time.
 */
#ifndef PATD_QUESTIONS_H
#define PATD_QUESTIONS_H

#include "patd/event_loop.h"

/* What a client gets before its connection is closed without a question. */
void questions_turn_away(const struct front *front, int fd);

/* Something happened on the connection with this key: `events` of epoll(7). */
void questions_on_conn(struct loop *loop, uint64_t key, uint32_t events);

/* Has epoll watch a connection for another question, if it is still there. */
void questions_listen(struct loop *loop, uint64_t key);

/* The workers are done with something; its askers may have left meanwhile. */
void questions_on_done(struct loop *loop);

/* Answers, or closes, a connection whose time is over. */
void questions_look(struct loop *loop, struct conn *conn);

/* At the stop: a question that lies in the socket is still held; then it
 * closes. */
void questions_drain(struct loop *loop, struct conn *conn);

/* The bounded time is over: whoever still waits shall come again. */
void questions_end(struct loop *loop, struct conn *conn);

#endif
