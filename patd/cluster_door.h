/*
 * cluster.sock: where pat-clusterd connects, and nobody else.
 */
#ifndef PATD_CLUSTER_DOOR_H
#define PATD_CLUSTER_DOOR_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/config/settings.h"
#include "common/sys/listen.h"

#define CLUSTER_SOCKET "cluster.sock"

struct cluster_door {
	char path[JP_UNIX_PATH_MAX + sizeof("/" CLUSTER_SOCKET)];
	uid_t own, uid; /* who may come */
	struct jp_listening listening;
	struct jp_why said; /* the last line */
};

/* Without a socket yet. `uid` may come, and our own. */
void cluster_door_init(
    struct cluster_door *door, const struct jp_settings *settings, uid_t uid);

enum jp_err cluster_door_open(struct cluster_door *door, struct jp_why *why);
void cluster_door_close(struct cluster_door *door);

/* Binds it again, if its file is gone, as soon as its directory is there. */
void cluster_door_look(struct cluster_door *door);

/*
 * Takes who is at the door; -1: nobody, or somebody who may not come, or one
 * too many (`taken`). The connection does not block.
 */
int cluster_door_accept(struct cluster_door *door, bool taken);

#endif
