/*
 * tools/doctor/: the checks of `pat-admin check`.
 *
 * The checks of `pat-admin check`, each in the order in which it runs: each
 * uses what those before it have found. What is in the store comes late, for
 * this process may then become the user of patd.
 *
 * A row is all that a new check needs besides its own file: without it, its
 * function has no prototype and does not compile.
 */
#ifndef DOCTOR_DOCTOR_H
#define DOCTOR_DOCTOR_H

#include "tools/doctor/report.h"

/* X(what it looks at) */
#define DOCTOR_CHECKS(X)                                                       \
	X(services) /* basics.c: sections of the configuration */              \
	X(user)     /* who should own everything */                            \
	X(clock)                                                               \
	X(store_files)   /* store.c: directory, pepper, disk, audit trail */   \
	X(sockets)       /* sockets.c: their directory, and who listens */     \
	X(httpd)         /* httpd.c: pat-httpd, if it is used */               \
	X(self)          /* self_service.c: the page, if it is used */         \
	X(cluster)       /* cluster.c: [cluster], if it is there */            \
	X(memory)        /* memory.c: whether patd's workers fit into it */    \
	X(servers)       /* servers.c: the configuration of other servers */   \
	X(store_content) /* store.c: with or without patd */                   \
	X(cluster_state) /* the database and the others, by patd */            \
	X(hidden)        /* summary.c: what only root may look at */           \
	X(doors)         /* which doors tokens open */

#define DOCTOR_PROTOTYPE(name) void doctor_##name(struct doctor *doctor);
DOCTOR_CHECKS(DOCTOR_PROTOTYPE)
#undef DOCTOR_PROTOTYPE

/* basics.c: loads the configuration, before all others need it. */
void doctor_config(struct doctor *doctor);

#endif
