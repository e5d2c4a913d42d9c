/*
 * patd/: the daemon: its loop, its fronts, its workers.
 *
 * New connections: who is let in, and what becomes of them.
 */
#ifndef PATD_ACCEPT_H
#define PATD_ACCEPT_H

#include "patd/event_loop.h"

/* Has epoll watch all listening sockets, or none (`events` 0). */
bool accept_watch(struct loop *loop, int op, uint32_t events);

/* Takes one connection from the listener at `place`; false: there is none. */
bool accept_one(struct loop *loop, size_t place);

/*
 * Somebody wants to connect there. Takes as many as are likely to be there, for
 * to hear that there is none costs nearly as much as to get one: one more each
 * time while the loop finds no rest, and what there was where they ran out. The
 * others are there at the next turn, too.
 */
void accept_some(struct loop *loop, size_t place);

/* At the stop: who asked before gets an answer. */
void accept_the_last(struct loop *loop);

#endif
