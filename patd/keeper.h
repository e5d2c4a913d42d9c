/*
 * The two threads that look after the store: one writes the uses of tokens and
 * checkpoints, the other leaves the process when the engine is stuck or has
 * given up. Nothing but a new process helps then; the service manager starts
 * it.
 */
#ifndef PATD_KEEPER_H
#define PATD_KEEPER_H

#include "common/decide/core.h"

#define KEEPER_EXIT 75 /* EX_TEMPFAIL of sysexits.h */

struct keeper;

/* The time between two writings of uses: one write of a token in each. */
#define KEEPER_SAVE_MS 60000

/* Starts the threads; `save_ms` is KEEPER_SAVE_MS but for tests. */
enum jp_err keeper_start(
    struct keeper **keeper, struct jp_core *core, unsigned int save_ms);

/* The store failed somebody: looks at once whether it still lives. */
void keeper_suspect(struct keeper *keeper);

/* Many uses of tokens were gathered: writes them at once. */
void keeper_hurry(struct keeper *keeper);

/* NULL is fine. */
void keeper_stop(struct keeper *keeper);

#endif
