/*
 * What pat-admin does beside the operations, in the audit trail.
 */
#ifndef PAT_ADMIN_TRAIL_TELL_H
#define PAT_ADMIN_TRAIL_TELL_H

#include "tools/formats/act_as.h"

/*
 * Writes the event while no patd runs, as the user of patd, who may have put a
 * link in place of the trail. It is done by now: a trail that cannot be written
 * is reported to people.
 */
void trail_tell(const struct jp_settings *settings, const struct owner *owner,
    const char *event, const char *detail);

#endif
