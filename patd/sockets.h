/* The files of the listening sockets, which may be removed under patd. */
#ifndef PATD_SOCKETS_H
#define PATD_SOCKETS_H

#include "patd/event_loop.h"

/* Looks at them, if it is time: what is gone and ours is bound again. */
void sockets_look(struct loop *loop, int64_t now_ms);

#endif
