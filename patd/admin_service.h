/*
 * What is answered on admin.sock: a thread for each connection, at most
 * ADMIN_MAX, so that whoever reads a long list slowly delays nobody else.
 */
#ifndef PATD_ADMIN_SERVICE_H
#define PATD_ADMIN_SERVICE_H

#include <sys/types.h>

#include "common/config/acl.h"
#include "common/decide/core.h"
#include "patd/maintenance.h"

/*
 * Nobody shall lock out others: so many connections in all, and of these for
 * administrators, for pat-httpd, for local users, and for one local user. What
 * is left of ADMIN_MAX by the last three is always there for administrators.
 */
#define ADMIN_MAX 20
#define ADMIN_ALL_MAX 16
#define ADMIN_HTTPD_MAX 4
#define ADMIN_SELF_MAX 8
#define ADMIN_SELF_UID_MAX 2

struct admin_service;

enum jp_err
admin_service_make(struct admin_service **service, struct jp_core *core,
    struct maintenance *maintenance, const struct jp_settings *settings);

/* Other [self_service] settings, which hold from the next request on. */
void admin_service_set_self(
    struct admin_service *service, const struct jp_self_settings *self);

/*
 * Takes over the blocking `fd` of user `uid`. JP_ERR_REFUSED: there is nothing
 * that such a peer may ask for; JP_ERR_OVERLOAD: there are too many of them.
 * Both close it.
 */
enum jp_err admin_service_take(
    struct admin_service *service, int fd, uid_t uid, enum jp_peer peer);

/*
 * Lets the operations under way end, until `deadline_ms` of jp_now_ms(), and
 * frees `service`. False if one did not end: then nothing is freed, and the
 * store must not be closed.
 */
bool admin_service_stop(struct admin_service *service, int64_t deadline_ms);

#endif
