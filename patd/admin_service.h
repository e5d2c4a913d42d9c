/*
 * What is answered on admin.sock: a thread for each connection, at most
 * ADMIN_MAX, so that whoever reads a long list slowly delays nobody else.
 */
#ifndef PATD_ADMIN_SERVICE_H
#define PATD_ADMIN_SERVICE_H

#include <sys/types.h>

#include "common/decide/core.h"
#include "patd/maintenance.h"

#define ADMIN_MAX 16
#define ADMIN_SELF_MAX 8     /* of these for users who are no administrators */
#define ADMIN_SELF_UID_MAX 2 /* of these for one of them */

/* What a connection may ask for. */
enum admin_rights {
	ADMIN_SELF, /* what jp_self_service() lets pass */
	ADMIN_ALL,
};

struct admin_service;

enum jp_err admin_service_make(struct admin_service **service,
    struct jp_core *core, struct maintenance *maintenance);

/* Takes over the blocking `fd` of user `uid`; JP_ERR_OVERLOAD: closed. */
enum jp_err admin_service_take(
    struct admin_service *service, int fd, uid_t uid, enum admin_rights rights);

/*
 * Lets the operations under way end, until `deadline_ms` of jp_now_ms(), and
 * frees `service`. False if one did not end: then nothing is freed, and the
 * store must not be closed.
 */
bool admin_service_stop(struct admin_service *service, int64_t deadline_ms);

#endif
