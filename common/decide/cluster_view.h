/*
 * What a host of a cluster knows of itself and of the others, for
 * administrators; and the guard that keeps it from saying yes when it may have
 * missed something. Whoever keeps the store in step with the others fills it:
 * patd/cluster.h.
 */
#ifndef JP_CLUSTER_VIEW_H
#define JP_CLUSTER_VIEW_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cluster/link.h"
#include "common/record/decision.h"
#include "common/store/store.h"

#define JP_CLUSTER_NODES_MAX JP_LINK_NODES_MAX

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
	char node[JP_LINK_NAME_MAX + 1];
	enum jp_cluster_link link;
	char text[JP_LINK_TEXT_MAX + 1];      /* why; or "" */
	char database[JP_LINK_PLACE_MAX + 1]; /* "": not connected */
	bool primary, tls, synchronous;       /* of that connection */
	uint64_t applied;                     /* of the log, here */
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
	uint64_t waits;       /* for hosts, of commits */
	uint64_t late;        /* of these, until a lease had run out */
	uint64_t connections; /* to the database */
};

/* A host of the cluster, as the database knows it. */
struct jp_cluster_node {
	char name[JP_LINK_NAME_MAX + 1];
	uint64_t applied;
	uint64_t grants;
	uint64_t lease_ms;
	uint64_t contact_ms; /* since it was heard of; UINT64_MAX: never */
	bool cut_off;        /* no word of it for a lease: it accepts nothing */
	char version[JP_LINK_BUILD_MAX + 1];
};

/* Who knows it; the functions may be called by any thread. */
struct jp_cluster_view {
	/* Whether this host may say yes now; asked for every question. */
	bool (*holds)(void *arg);
	void (*here)(void *arg, struct jp_cluster_here *to);
	/* At most JP_CLUSTER_NODES_MAX, by name; how many there are. */
	size_t (*nodes)(void *arg, struct jp_cluster_node *to);
	void *arg;
	atomic_ullong withheld; /* answers, by jp_cluster_guard() */
};

/*
 * That of a store which is in a cluster and is opened by a process that is not
 * patd: such a host never says yes.
 */
void
jp_cluster_view_offline(struct jp_cluster_view *view, struct jp_store *store);

/*
 * ---- the guard ----
 *
 * A question asks jp_cluster_holds() before the store is read for it, and gives
 * what it got to the guard when it is decided, before that is logged and sent.
 * To ask only afterwards would be wrong: the lease may have come back since the
 * reading (common/cluster/lease.h). Both are free on a single host, NULL.
 */
bool jp_cluster_holds(const struct jp_cluster_view *view);

/*
 * Where this host may not say yes, or might not when the question came
 * (`held` false), an acceptance becomes JP_REASON_LEASE. So does a denial for
 * want of knowledge, of a token that may have been made elsewhere. Denials by
 * what is known stay.
 */
void jp_cluster_guard(
    struct jp_cluster_view *view, bool held, struct jp_decision *decision);

#endif
