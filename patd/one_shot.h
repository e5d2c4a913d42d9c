/*
 * `patd --one-shot`: one question on descriptor 0, one answer, and out. It is
 * spawned by the client code of a root process where no patd runs.
 */
#ifndef PATD_ONE_SHOT_H
#define PATD_ONE_SHOT_H

#include "common/config/settings.h"

/*
 * Answers JP_UNAVAILABLE where the store cannot be opened, too: JP_ERR_OK is
 * an answer that was decided.
 */
enum jp_err one_shot(const struct jp_settings *settings, struct jp_why *why);

#endif
