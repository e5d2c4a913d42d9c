/*
 * The front of [patd] mux: the saslauthd protocol, common/wire/saslauthd.h.
 * Such a client waits without end, and may leak its descriptor, where no answer
 * comes: each one gets an answer.
 */
#ifndef PATD_FRONT_SASLAUTHD_H
#define PATD_FRONT_SASLAUTHD_H

#include "patd/front.h"

extern const struct front front_saslauthd;

#endif
