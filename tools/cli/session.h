/*
 * Where an operation runs: in patd, over admin.sock, or in this process if
 * there is no patd. The commands see no difference.
 */
#ifndef PAT_ADMIN_SESSION_H
#define PAT_ADMIN_SESSION_H

#include "common/admin/admin.h"
#include "tools/cli/command.h"

struct session {
	int fd; /* of admin.sock; -1: `core` is open in this process */
	struct jp_core core;
	char actor[JP_ACTOR_MAX + 1];
};

/*
 * Reads the settings and finds the place. Where there is no patd and this
 * process is root, it becomes the user of patd, for good.
 */
enum jp_err session_open(
    struct session *session, struct context *context, struct jp_why *why);

/*
 * Runs one operation, as jp_admin_execute() does. JP_ERR_UNREACHABLE if patd
 * ended in the middle: it may have been done.
 */
enum jp_err
session_run(struct session *session, const struct jp_admin_request *request,
    jp_admin_emit emit, void *arg, struct jp_why *why);

void session_close(struct session *session);

/* Whether a patd listens on admin.sock; the settings have been read. */
bool session_patd_listens(const struct context *context);

/* All three, for a command of one operation; prints what went wrong. */
enum status session_once(struct context *context,
    const struct jp_admin_request *request, jp_admin_emit emit, void *arg);

#endif
