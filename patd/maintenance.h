/*
 * The two threads that look after the process: one writes the uses of tokens
 * and checkpoints the store, the other gives back memory that is idle, and
 * leaves when the engine is stuck or has given up. Nothing but a new process
 * helps then; the service manager starts it.
 */
#ifndef PATD_MAINTENANCE_H
#define PATD_MAINTENANCE_H

#include "common/decide/core.h"

#define MAINTENANCE_EXIT 75 /* EX_TEMPFAIL of sysexits.h */

struct maintenance;

/*
 * The time between two writings of uses: one write of a token in each. What
 * hashes have not used for as long goes back: patd/arena.h.
 */
#define MAINTENANCE_PERIOD_MS 60000

/* Starts the threads; `period_ms` is MAINTENANCE_PERIOD_MS but for tests. */
enum jp_err maintenance_start(struct maintenance **maintenance,
    struct jp_core *core, unsigned int period_ms);

/* The store failed somebody: looks at once whether it still lives. */
void maintenance_suspect(struct maintenance *maintenance);

/* Many uses of tokens were gathered: writes them at once, with a checkpoint. */
void maintenance_hurry(struct maintenance *maintenance);

/* NULL is fine. */
void maintenance_stop(struct maintenance *maintenance);

#endif
