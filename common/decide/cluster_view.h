/*
 * What a host of a cluster knows of itself and of the others, for
 * administrators. Whoever keeps the store in step with the others fills it:
 * patd/cluster.h. Nothing is decided by it.
 */
#ifndef JP_CLUSTER_VIEW_H
#define JP_CLUSTER_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "common/config/cluster_settings.h"

#define JP_CLUSTER_NODES_MAX 64
#define JP_CLUSTER_DATABASE_MAX 255 /* bytes of "host:port/dbname" */
#define JP_CLUSTER_VERSION_MAX 31   /* bytes of the version of a host */
#define JP_CLUSTER_TEXT_MAX 255     /* bytes of why there is no connection */

/*
 * X(CODE, number, name, text): how far this host reaches. The number crosses
 * admin.sock: append only.
 */
#define JP_CLUSTER_LINK_LIST(X)                                                \
	X(NO_LINK, 0, "no-link", "pat-clusterd is not connected")              \
	X(CONNECTING, 1, "connecting", "pat-clusterd has no connection")       \
	X(CONNECTED, 2, "connected", "connected")                              \
	X(REFUSED, 3, "refused", "the database cannot be used")                \
	X(OFFLINE, 4, "offline", "patd is not running")

enum jp_cluster_link {
#define JP_CLUSTER_LINK_ENUM(code, number, name, text)                         \
	JP_CLUSTER_##code = (number),
	JP_CLUSTER_LINK_LIST(JP_CLUSTER_LINK_ENUM)
#undef JP_CLUSTER_LINK_ENUM
};

enum {
#define JP_CLUSTER_LINK_ONE(...) +1
	JP_CLUSTER_LINK_COUNT = 0 JP_CLUSTER_LINK_LIST(JP_CLUSTER_LINK_ONE)
#undef JP_CLUSTER_LINK_ONE
};

/* For JSON, and for people; never NULL. */
const char *jp_cluster_link_name(enum jp_cluster_link link);
const char *jp_cluster_link_text(enum jp_cluster_link link);

/* This host. */
struct jp_cluster_here {
	uint8_t id[16]; /* of the cluster */
	char node[JP_NODE_MAX + 1];
	enum jp_cluster_link link;
	char text[JP_CLUSTER_TEXT_MAX + 1];         /* why; or "" */
	char database[JP_CLUSTER_DATABASE_MAX + 1]; /* "": not connected */
	bool primary, tls, synchronous;             /* of that connection */
	uint64_t applied;                           /* of the log, here */
	uint64_t head;          /* its end, as far as this host has heard */
	uint64_t lease_ms;      /* what is asked for */
	uint64_t lease_left_ms; /* 0: this host accepts nothing */
	/* Since the start. */
	uint64_t grants;      /* leases */
	uint64_t lapses;      /* how often a lease has run out */
	uint64_t commits;     /* appended here */
	uint64_t conflicts;   /* others were faster, and it was done again */
	uint64_t batches;     /* of others, applied here */
	uint64_t refused;     /* batches that were not good */
	uint64_t unavailable; /* answers that were withheld without a lease */
	uint64_t waits;       /* for hosts that did not answer */
	uint64_t waited_ms;   /* in all */
	uint64_t connections; /* to the database */
};

/* A host of the cluster, as the database knows it. */
struct jp_cluster_node {
	char name[JP_NODE_MAX + 1];
	uint64_t applied;
	uint64_t grants;
	uint64_t lease_ms;
	uint64_t contact_ms; /* since it was heard of */
	bool cut_off;        /* no word of it for a lease: it accepts nothing */
	bool gone;           /* it has left; its last lease may still run */
	char version[JP_CLUSTER_VERSION_MAX + 1];
};

/* Who knows it, as a member of what it belongs to. */
struct jp_cluster_view {
	void (*here)(struct jp_cluster_view *view, struct jp_cluster_here *to);
	/* At most JP_CLUSTER_NODES_MAX, by name; how many there are. */
	size_t (*nodes)(
	    struct jp_cluster_view *view, struct jp_cluster_node *to);
};

#endif
