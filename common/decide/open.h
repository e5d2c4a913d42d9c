/*
 * Opening a core and closing it: the store, the pepper, the memos and the audit
 * trail that the settings name.
 */
#ifndef JP_OPEN_H
#define JP_OPEN_H

#include "common/config/settings.h"
#include "common/decide/core.h"

/*
 * Opens everything that `settings` name, as the user that they name: the
 * process becomes that user for good if it is root. `holder` and `wait_ms` as
 * in struct jp_store_options.
 */
enum jp_err
jp_core_open(struct jp_core *core, const struct jp_settings *settings,
    const char *holder, int64_t wait_ms, struct jp_why *why);

/* Who opens a store, and when; see struct jp_store_options. */
struct jp_turn {
	const char *holder;
	int64_t wait_ms;
	bool first;
};

/* The same, also in front of all others that wait. */
enum jp_err
jp_core_open_in_turn(struct jp_core *core, const struct jp_settings *settings,
    const struct jp_turn *turn, struct jp_why *why);

/* Writes the gathered usage, if any, and frees all. */
void jp_core_close(struct jp_core *core);

#endif
