/*
 * Warnings, on standard error, about rights of a token that are allowed, and
 * open nothing: mostly typing errors.
 */
#ifndef PAT_ADMIN_RIGHTS_H
#define PAT_ADMIN_RIGHTS_H

#include "common/config/settings.h"

/*
 * A scope that no [service] section names; a service that no name of a service
 * can be, or that fits no [service] section and no file of /etc/pam.d. `place`
 * is "FILE:LINE: " or "". The first record of this process that has it is
 * named; once there are 64 others, each is.
 */
void warn_rights(const struct jp_policy *policy, const struct jp_record *record,
    const char *place);

#endif
