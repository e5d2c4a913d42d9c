/*
 * A front: a protocol in which patd is asked, one row for each. A new one is a
 * file with its row, its place in patd/fronts.c, a number in JP_FRONT_LIST
 * (common/wire/verify.h) and, if its sockets are configured, a key that fills
 * a struct jp_paths.
 */
#ifndef PATD_FRONT_H
#define PATD_FRONT_H

#include <sys/types.h>

#include "common/config/settings.h"
#include "common/record/decision.h"
#include "patd/conns.h"

struct front {
	enum jp_front code; /* in questions, logs and the audit trail */
	int type;           /* SOCK_SEQPACKET or SOCK_STREAM */

	/* Of its socket in run_dir; NULL: it has none there. Sockets without a
	 * file name here are passed by a service manager under any name. */
	const char *file;
	const char *name; /* for people, if there is no `file` */

	/* More sockets: offset of a struct jp_paths in struct jp_settings; 0:
	 * there is no such key. */
	size_t more;

	/* Permissions of its sockets; with [patd] admin_group, of which they
	 * are then; with [patd] self_service. 0: as `mode`. */
	mode_t mode, group_mode, open_mode;

	/* Who else may hold such a socket, for an error; NULL: another patd. */
	const char *holders;

	/* Its connections are for the administration: the rest of the row is
	 * empty, and patd/admin_service.h takes them. */
	bool administers;

	/*
	 * Reads what is there. JP_ERR_TIMEOUT: there is no whole question yet;
	 * JP_ERR_OVERLOAD: nor room for the half of it, which was not read;
	 * JP_ERR_UNREACHABLE: no more will come; any other error: what came is
	 * not a question, or one that cannot be asked.
	 */
	enum jp_err (*receive)(struct conn *conn, struct jp_request *request);

	/* Sends the answer to `request` without waiting. `upstream`: what goes
	 * with it, if its protocol can; NULL: nothing. */
	enum jp_err (*send)(int fd, const struct jp_request *request,
	    const struct jp_decision *decision,
	    const struct jp_secret *upstream);

	/* Whether every client gets an answer before its connection is closed,
	 * also one who has asked nothing, or nonsense, or is not allowed to. */
	bool answers_all;

	/* Whether another question may follow on the same connection. */
	bool keep_open;
};

/* All of them; NULL ends the list. */
extern const struct front *const fronts[];

/* As many as `fronts` may have, for tables. */
#define FRONTS_MAX 8

#endif
